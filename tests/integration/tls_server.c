/* One thread, one connection after the other. */
#include "tls_server.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "certificates.h"

struct tls_server {
    struct tls_server_settings settings;
    SSL_CTX *context;
    int listener, ending;
    uint16_t port;
    pthread_t thread;
    atomic_uint handshakes, resumed;
};

static SSL_CTX *make_context(const struct tls_server_settings *settings)
{
    const struct certificates *made = certificates();
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    assert_non_null(context);
    assert_int_equal(SSL_CTX_use_certificate_chain_file(context, made->server), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(context, made->server_key, SSL_FILETYPE_PEM), 1);
    SSL_CTX_set_max_proto_version(context, settings->version_max == 12 ? TLS1_2_VERSION : TLS1_3_VERSION);
    SSL_CTX_set_session_id_context(context, (const unsigned char *)"emcache", 7);
    return context;
}

/* False: the test ends, or nothing comes. */
static bool wait_for(const struct tls_server *server, int descriptor)
{
    struct pollfd watched[2] = {{descriptor, POLLIN, 0}, {server->ending, POLLIN, 0}};
    return poll(watched, 2, 20000) > 0 && watched[1].revents == 0;
}

/* A line of the client, without its CRLF. */
static bool read_line(struct tls_server *server, SSL *ssl, char *line, size_t size)
{
    for (size_t length = 0; length + 1 < size;) {
        if (SSL_pending(ssl) == 0 && !wait_for(server, SSL_get_fd(ssl))) {
            return false;
        }
        if (SSL_read(ssl, line + length, 1) != 1) {
            return false;
        }
        if (line[length] == '\n') {
            line[length - 1] = '\0';
            return true;
        }
        length++;
    }
    return false;
}

static void converse(struct tls_server *server, SSL *ssl)
{
    char line[512];
    while (read_line(server, ssl, line, sizeof line)) {
        bool get = strncmp(line, "get k", 5) == 0;
        const char *answer = get ? "VALUE k 0 5\r\nvalue\r\nEND\r\n" : "VERSION 1.6.18\r\n";
        if (server->settings.update_keys && SSL_version(ssl) == TLS1_3_VERSION) {
            SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED);
        }
        if (SSL_write(ssl, answer, (int)strlen(answer)) <= 0) {
            return;
        }
        if (get && server->settings.close_after_get) {
            SSL_shutdown(ssl);
            return;
        }
    }
}

static void *run(void *context)
{
    struct tls_server *server = context;
    while (wait_for(server, server->listener)) {
        int connection = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
        SSL_CTX *own = server->settings.forget ? make_context(&server->settings)
                                               : server->context; /* other ticket keys */
        SSL *ssl = SSL_new(own);
        SSL_set_fd(ssl, connection);
        if (SSL_accept(ssl) == 1) {
            atomic_fetch_add(&server->handshakes, 1);
            atomic_fetch_add(&server->resumed, (unsigned)SSL_session_reused(ssl));
            converse(server, ssl);
        }
        SSL_free(ssl);
        close(connection);
        if (own != server->context) {
            SSL_CTX_free(own);
        }
    }
    return NULL;
}

struct tls_server *tls_server_start(const struct tls_server_settings *settings)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    struct tls_server *server = calloc(1, sizeof *server);
    assert_non_null(server);
    server->settings = *settings;
    server->context = make_context(settings);
    server->ending = eventfd(0, EFD_CLOEXEC);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(server->ending >= 0 && server->listener >= 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(server->listener, 16), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &length), 0);
    server->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&server->thread, NULL, run, server), 0);
    return server;
}

emc_address tls_server_address(const struct tls_server *server)
{
    return emc_address_tcp("127.0.0.1", server->port);
}

unsigned tls_server_handshakes(struct tls_server *server)
{
    return atomic_load(&server->handshakes);
}

unsigned tls_server_resumed(struct tls_server *server)
{
    return atomic_load(&server->resumed);
}

void tls_server_end(struct tls_server *server)
{
    uint64_t one = 1;
    assert_int_equal(write(server->ending, &one, sizeof one), sizeof one);
    pthread_join(server->thread, NULL);
    close(server->listener);
    close(server->ending);
    SSL_CTX_free(server->context);
    free(server);
}
