/* Local memcached servers for the demo: on free ports of the loopback interface, ended whatever happens. */
#ifndef EMCACHE_CLI_SERVERS_H
#define EMCACHE_CLI_SERVERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Room for the words of a failure. */
#define SERVER_WORDS_SIZE 256

/* One server. Zeroed: never started. */
struct local_server {
    pid_t pid; /* 0: not running */
    uint16_t port;
    int errors; /* reads what it says on stderr; only while pid is set */
};

/* Finds memcached in PATH and where distributions put it. False when there is none. */
bool server_program(char *path_out, size_t size);

/* A port that nobody listens on now, outside the range from which outgoing connections take theirs; 0: none found. */
uint16_t server_free_port(void);

/* Starts a server on a port; it may need a moment until it listens. False with words in words_out. */
bool server_start(struct local_server *server, const char *program, uint16_t port,
                  char words_out[static SERVER_WORDS_SIZE]);

/* Whether it takes connections. */
bool server_listens(const struct local_server *server);

/* Whether the process is there; when it ended by itself, takes note of that and leaves its last words in words_out. */
bool server_alive(struct local_server *server, char words_out[static SERVER_WORDS_SIZE]);

/* SIGKILL, and waits for the end. */
void server_kill(struct local_server *server);
/* SIGTERM, and SIGKILL when it takes too long. Accepts one that never ran. */
void server_stop(struct local_server *server);

#endif
