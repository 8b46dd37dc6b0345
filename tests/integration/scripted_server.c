/* The thread that holds the conversation. */
#include "scripted_server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* Far above any step of a conversation that goes well; a bound for one that does not. */
#define STEP_DEADLINE_MS 10000

struct scripted_server {
    const struct scripted_step *steps;
    size_t count;
    char host[16];
    uint16_t port;
    int listener;
    int connection; /* -1: none */
    int ending;     /* eventfd: the test wants the thread to end */
    int continuing; /* eventfd: a semaphore of scripted_server_continue() */
    pthread_t thread;
    atomic_size_t progress;
    bool let_go;
    char problem[512]; /* written by the thread, read after its end */
};

/* ------------------------------------------------------------------ the thread */

static bool complain(struct scripted_server *server, const char *what)
{
    if (server->problem[0] == 0) {
        size_t step = atomic_load(&server->progress);
        snprintf(server->problem, sizeof server->problem, "step %zu: %s", step, what);
    }
    return false;
}

/* True when `descriptor` is ready; false at the end of the test or of patience. */
static bool wait_for(struct scripted_server *server, int descriptor, short events)
{
    struct pollfd watched[2] = {{descriptor, events, 0}, {server->ending, POLLIN, 0}};
    int ready = poll(watched, 2, STEP_DEADLINE_MS);
    if (ready == 0) {
        return complain(server, "nothing happened");
    }
    if (watched[0].revents == 0) {
        return complain(server, "the test ended before this step was done");
    }
    return true;
}

static void drop(struct scripted_server *server, bool reset)
{
    if (server->connection < 0) {
        return;
    }
    struct linger now = {1, 0};
    if (reset) {
        setsockopt(server->connection, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    close(server->connection);
    server->connection = -1;
}

static bool do_accept(struct scripted_server *server)
{
    drop(server, false);
    if (!wait_for(server, server->listener, POLLIN)) {
        return false;
    }
    server->connection = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    int yes = 1;
    setsockopt(server->connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return server->connection >= 0 || complain(server, "accept failed");
}

static bool describe_difference(struct scripted_server *server, const struct scripted_step *step, size_t at,
                                const char *got, size_t length)
{
    char text[256];
    snprintf(text, sizeof text, "expected '%.*s', got '%.*s' at byte %zu", (int)(step->length < 80 ? step->length : 80),
             step->bytes, (int)(length < 80 ? length : 80), got, at);
    return complain(server, text);
}

static bool do_expect(struct scripted_server *server, const struct scripted_step *step)
{
    char got[4096];
    for (size_t at = 0; at < step->length;) {
        if (!wait_for(server, server->connection, POLLIN)) {
            return false;
        }
        size_t wanted = step->length - at < sizeof got ? step->length - at : sizeof got;
        ssize_t received = recv(server->connection, got, wanted, 0);
        if (received <= 0) {
            return complain(server, "the client closed the connection");
        }
        if (memcmp(got, step->bytes + at, (size_t)received) != 0) {
            return describe_difference(server, step, at, got, (size_t)received);
        }
        at += (size_t)received;
    }
    return true;
}

static bool send_all(struct scripted_server *server, const char *bytes, size_t length, size_t at_once)
{
    for (size_t at = 0; at < length;) {
        size_t wanted = length - at < at_once ? length - at : at_once;
        ssize_t sent = send(server->connection, bytes + at, wanted, MSG_NOSIGNAL);
        if (sent > 0) {
            at += (size_t)sent;
        } else if (errno != EAGAIN) {
            return complain(server, "the client closed the connection while it was sent to");
        } else if (!wait_for(server, server->connection, POLLOUT)) {
            return false;
        }
    }
    return true;
}

static bool send_zeros(struct scripted_server *server, size_t count)
{
    static const char zeros[65536];
    while (count > 0) {
        size_t part = count < sizeof zeros ? count : sizeof zeros;
        if (!send_all(server, zeros, part, part)) {
            return false;
        }
        count -= part;
    }
    return true;
}

static bool do_expect_end(struct scripted_server *server)
{
    char byte;
    if (!wait_for(server, server->connection, POLLIN)) {
        return false;
    }
    if (recv(server->connection, &byte, 1, 0) > 0) {
        return complain(server, "a byte came where the client was to close");
    }
    drop(server, false);
    return true;
}

static bool do_expect_silence(struct scripted_server *server, size_t ms)
{
    struct pollfd watched[2] = {{server->connection, POLLIN, 0}, {server->ending, POLLIN, 0}};
    if (poll(watched, 2, (int)ms) == 0) {
        return true;
    }
    return complain(server, watched[0].revents != 0 ? "a byte came where there was to be silence"
                                                    : "the test ended before this step was done");
}

static bool do_stall(struct scripted_server *server)
{
    uint64_t one;
    return wait_for(server, server->continuing, POLLIN) &&
           read(server->continuing, &one, sizeof one) == (ssize_t)sizeof one;
}

static bool do_step(struct scripted_server *server, const struct scripted_step *step)
{
    switch (step->action) {
    case SCRIPTED_ACCEPT:
        return do_accept(server);
    case SCRIPTED_EXPECT:
        return do_expect(server, step);
    case SCRIPTED_SEND:
        return send_all(server, step->bytes, step->length, step->length);
    case SCRIPTED_SEND_BY_BYTE:
        return send_all(server, step->bytes, step->length, 1);
    case SCRIPTED_SEND_ZEROS:
        return send_zeros(server, step->length);
    case SCRIPTED_EXPECT_END:
        return do_expect_end(server);
    case SCRIPTED_EXPECT_SILENCE:
        return do_expect_silence(server, step->length);
    case SCRIPTED_STALL:
        return do_stall(server);
    case SCRIPTED_FINISH:
    case SCRIPTED_RESET:
        drop(server, step->action == SCRIPTED_RESET);
        return true;
    case SCRIPTED_LET_GO:
        server->let_go = true;
        return true;
    }
    return complain(server, "an unknown step");
}

/* After the last step: whatever still comes was not asked for. */
static void watch_for_more(struct scripted_server *server)
{
    struct pollfd ending = {server->ending, POLLIN, 0};
    poll(&ending, 1, -1);
    char got[80];
    ssize_t received = server->connection < 0 || server->let_go ? 0 : recv(server->connection, got, sizeof got, 0);
    if (received > 0) {
        struct scripted_step nothing = {SCRIPTED_EXPECT, "", 0};
        describe_difference(server, &nothing, 0, got, (size_t)received);
    }
}

static void *converse(void *context)
{
    struct scripted_server *server = context;
    for (size_t i = 0; i < server->count; i++) {
        if (!do_step(server, &server->steps[i])) {
            drop(server, true);
            return NULL;
        }
        atomic_fetch_add(&server->progress, 1);
    }
    watch_for_more(server);
    drop(server, false);
    return NULL;
}

/* ------------------------------------------------------------------ the test's side */

struct scripted_server *scripted_server_start(const struct scripted_step *steps, size_t count)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    struct scripted_server *server = calloc(1, sizeof *server);
    assert_non_null(server);
    server->steps = steps;
    server->count = count;
    server->connection = -1;
    server->ending = eventfd(0, EFD_CLOEXEC);
    server->continuing = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(server->ending >= 0 && server->continuing >= 0 && server->listener >= 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(server->listener, 64), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &length), 0);
    server->port = ntohs(address.sin_port);
    strcpy(server->host, "127.0.0.1");
    assert_int_equal(pthread_create(&server->thread, NULL, converse, server), 0);
    return server;
}

emc_address scripted_server_address(const struct scripted_server *server)
{
    return emc_address_tcp(server->host, server->port);
}

static void raise_event(int descriptor)
{
    uint64_t one = 1;
    assert_int_equal(write(descriptor, &one, sizeof one), sizeof one);
}

void scripted_server_continue(struct scripted_server *server)
{
    raise_event(server->continuing);
}

size_t scripted_server_progress(struct scripted_server *server)
{
    return atomic_load(&server->progress);
}

void scripted_server_wait(struct scripted_server *server, size_t steps)
{
    for (int waited_ms = 0; waited_ms < STEP_DEADLINE_MS && atomic_load(&server->progress) < steps; waited_ms++) {
        poll(NULL, 0, 1);
    }
}

void scripted_server_abandon(struct scripted_server *server)
{
    raise_event(server->ending);
    pthread_join(server->thread, NULL);
    close(server->listener);
    close(server->ending);
    close(server->continuing);
    free(server);
}

void scripted_server_end(struct scripted_server *server)
{
    raise_event(server->ending);
    pthread_join(server->thread, NULL);
    size_t done = atomic_load(&server->progress);
    size_t count = server->count;
    char problem[sizeof server->problem];
    memcpy(problem, server->problem, sizeof problem);
    close(server->listener);
    close(server->ending);
    close(server->continuing);
    free(server);
    if (problem[0] != 0 || done != count) {
        fail_msg("the conversation: %s (%zu of %zu steps done)", problem, done, count);
    }
}
