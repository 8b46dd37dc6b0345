/* Real memcached servers for tests: started on free ports of the loopback interface, waited for until they answer, and ended by their pid on
 * every way out of the program (at its exit, and by the kernel when it dies otherwise).
 *
 * Every function fails the running test when it can't do what it is asked. */
#ifndef EMC_TESTS_INTEGRATION_SERVERS_H
#define EMC_TESTS_INTEGRATION_SERVERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <emcache.h>

/* The credentials that servers with authentication know. */
#define SERVER_USER     "tester"
#define SERVER_PASSWORD "open-sesame"

/* What a server is told at its start. Zero: memcached's own defaults on TCP. */
struct server_settings {
    const char *host;          /* a literal IPv4 address of this machine; NULL: 127.0.0.1 */
    bool unix_socket;          /* listens on a unix socket instead of TCP */
    bool ascii_authentication; /* -Y */
    bool sasl;                 /* -S; see server_has_sasl() */
    bool tls;                  /* -Z, with the certificates of certificates.h */
    bool tls_expired;          /* shows a certificate that has expired */
    bool tls_client;           /* asks for a client certificate of our authority */
    uint32_t item_size_max;    /* -I in bytes */
    uint32_t connections_max;  /* -c; at least 24, since memcached counts its own descriptors among them */
    uint32_t memory_max_mb;    /* -m; default 64 */
    bool no_evictions;         /* -M */
    uint32_t idle_timeout_s;   /* -o idle_timeout */
};

struct server {
    pid_t pid;               /* 0: not running */
    bool chunk_in_kilobytes; /* -o slab_chunk_max is meant so by newer servers (as documented), 1.6.18 takes bytes */
    uint16_t port;
    char path[EMC_UNIX_PATH_LENGTH_MAX + 1];
    struct server_settings settings;
    emc_address address; /* of the server, as a client wants it; points into this struct, which must not move */
};

/* Starts a server and waits until it accepts. settings: NULL for the defaults. */
void server_start(struct server *server, const struct server_settings *settings);
/* Kills it, as a crash would. Harmless when it does not run. */
void server_kill(struct server *server);
/* So many, with the defaults; and their end. */
void servers_start(struct server *servers, size_t count);
void servers_kill(struct server *servers, size_t count);
/* Starts a server that was killed again, empty, at the same address. */
void server_restart(struct server *server);
/* Stops the process without closing anything (SIGSTOP): it still accepts, and says nothing. And wakes it. */
void server_freeze(struct server *server);
void server_thaw(struct server *server);

/* A folder of this program's own, removed at its exit. */
const char *servers_folder(void);
/* Whether a user can be made for SASL on this machine (saslpasswd2 is there). */
bool server_has_sasl(void);
/* A port on which nobody listens at the moment. */
uint16_t free_port(void);

#endif
