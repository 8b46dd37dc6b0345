/* One poll over all connections; each line is answered as it comes. */
#include "endpoint.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define CONNECTIONS_MAX 16

struct endpoint {
    pthread_mutex_t lock;
    pthread_t thread;
    int listener, ending;
    uint16_t port;
    unsigned version;
    char answer[1024];
    int connections[CONNECTIONS_MAX]; /* -1: none */
};

static void answer(struct endpoint *endpoint, int *connection)
{
    char line[256];
    ssize_t length = recv(*connection, line, sizeof line - 1, MSG_DONTWAIT);
    if (length <= 0) {
        close(*connection);
        *connection = -1;
        return;
    }
    line[length] = '\0'; /* a client's line comes in one piece here: it is short, and alone */
    pthread_mutex_lock(&endpoint->lock);
    const char *words = strncmp(line, "config", 6) == 0    ? endpoint->answer
                        : strncmp(line, "version", 7) == 0 ? "VERSION 1.6.18\r\n"
                                                           : "ERROR\r\n";
    (void)send(*connection, words, strlen(words), MSG_NOSIGNAL);
    pthread_mutex_unlock(&endpoint->lock);
}

static void take(struct endpoint *endpoint)
{
    int connection = accept4(endpoint->listener, NULL, NULL, SOCK_CLOEXEC);
    for (size_t i = 0; i < CONNECTIONS_MAX && connection >= 0; i++) {
        if (endpoint->connections[i] < 0) {
            endpoint->connections[i] = connection;
            return;
        }
    }
    close(connection);
}

static void *serve(void *context)
{
    struct endpoint *endpoint = context;
    struct pollfd watched[CONNECTIONS_MAX + 2];
    for (;;) {
        for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
            watched[i] = (struct pollfd){endpoint->connections[i], POLLIN, 0};
        }
        watched[CONNECTIONS_MAX] = (struct pollfd){endpoint->listener, POLLIN, 0};
        watched[CONNECTIONS_MAX + 1] = (struct pollfd){endpoint->ending, POLLIN, 0};
        poll(watched, CONNECTIONS_MAX + 2, -1);
        if (watched[CONNECTIONS_MAX + 1].revents != 0) {
            return NULL;
        }
        for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
            if (watched[i].revents != 0) {
                answer(endpoint, &endpoint->connections[i]);
            }
        }
        if (watched[CONNECTIONS_MAX].revents != 0) {
            take(endpoint);
        }
    }
}

void endpoint_tell(struct endpoint *endpoint, const struct server *servers, size_t count)
{
    char list[512];
    pthread_mutex_lock(&endpoint->lock);
    size_t length = (size_t)snprintf(list, sizeof list, "%u\n", ++endpoint->version);
    for (size_t i = 0; i < count; i++) {
        length += (size_t)snprintf(list + length, sizeof list - length, "%s127.0.0.1||%u", i == 0 ? "" : " ",
                                   servers[i].port);
    }
    length += (size_t)snprintf(list + length, sizeof list - length, "\n");
    snprintf(endpoint->answer, sizeof endpoint->answer, "CONFIG cluster 0 %zu\r\n%s\r\nEND\r\n", length, list);
    pthread_mutex_unlock(&endpoint->lock);
}

struct endpoint *endpoint_start(const struct server *servers, size_t count)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    struct endpoint *endpoint = calloc(1, sizeof *endpoint);
    assert_non_null(endpoint);
    pthread_mutex_init(&endpoint->lock, NULL);
    endpoint->ending = eventfd(0, EFD_CLOEXEC);
    endpoint->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(endpoint->ending >= 0 && endpoint->listener >= 0);
    assert_int_equal(bind(endpoint->listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(endpoint->listener, 16), 0);
    assert_int_equal(getsockname(endpoint->listener, (struct sockaddr *)&address, &length), 0);
    endpoint->port = ntohs(address.sin_port);
    memset(endpoint->connections, -1, sizeof endpoint->connections);
    endpoint_tell(endpoint, servers, count);
    assert_int_equal(pthread_create(&endpoint->thread, NULL, serve, endpoint), 0);
    return endpoint;
}

emc_address endpoint_address(const struct endpoint *endpoint)
{
    return emc_address_tcp("127.0.0.1", endpoint->port);
}

void endpoint_end(struct endpoint *endpoint)
{
    uint64_t one = 1;
    assert_int_equal(write(endpoint->ending, &one, sizeof one), sizeof one);
    pthread_join(endpoint->thread, NULL);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        if (endpoint->connections[i] >= 0) {
            close(endpoint->connections[i]);
        }
    }
    close(endpoint->listener);
    close(endpoint->ending);
    pthread_mutex_destroy(&endpoint->lock);
    free(endpoint);
}
