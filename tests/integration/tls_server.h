/* A TLS server of our own, for what memcached can't be made to do: keys that change in the middle, sessions that can't be resumed. It answers every `version`, and
 * every `get k` with "value". */
#ifndef EMC_TESTS_INTEGRATION_TLS_SERVER_H
#define EMC_TESTS_INTEGRATION_TLS_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include <emcache.h>

struct tls_server_settings {
    bool update_keys;     /* asks for new keys, both ways, before every answer */
    bool forget;          /* knows no session of an earlier connection */
    bool close_after_get; /* ends the connection, in order, after the answer to a get */
    int version_max;      /* 12 or 13 */
};

struct tls_server;

struct tls_server *tls_server_start(const struct tls_server_settings *settings);
emc_address tls_server_address(const struct tls_server *server);
/* Handshakes so far, and how many of them resumed a session. */
unsigned tls_server_handshakes(struct tls_server *server);
unsigned tls_server_resumed(struct tls_server *server);
void tls_server_end(struct tls_server *server);

#endif
