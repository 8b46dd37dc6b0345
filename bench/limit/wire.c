/* Sends prebuilt bytes and counts the bytes that come back, over one or several nodes. */
#include "limit/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* As many as there are keys, one operation at a time: the server is asked for the same keys as by the others, and has them as cold. */
#define BATCHES_MAX 1000

/* One connection, and how far its present batch is. */
struct wire_node {
    int descriptor;
    const struct wire_batch *batch;
    size_t sent, received;
};

struct wire {
    struct bench_arguments arguments;
    struct wire_node nodes[BENCH_NODES_MAX];
    struct wire_batch *batches; /* [batch][node] */
    unsigned batch_count;
    unsigned share; /* operations of a batch on each node */
    int epoll;
};

static char sink[1 << 18];

void wire_add(struct wire_batch *batch, const char *bytes, size_t length)
{
    while (batch->request_length + length > batch->request_capacity) {
        batch->request_capacity = batch->request_capacity == 0 ? 64 : batch->request_capacity * 2;
        batch->request = realloc(batch->request, batch->request_capacity);
        if (batch->request == NULL) {
            bench_fail("out of memory");
        }
    }
    memcpy(batch->request + batch->request_length, bytes, length);
    batch->request_length += length;
}

void wire_format(struct wire_batch *batch, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    wire_add(batch, text, (size_t)length);
}

void wire_key(char key[BENCH_KEY_LENGTH + 1], const struct bench_arguments *arguments, unsigned first, unsigned i,
              unsigned step)
{
    bench_key(key, (unsigned)(((uint64_t)first + (uint64_t)i * step) % arguments->keys));
}

static int open_connection(const char *host, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int yes = 1;
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    inet_pton(AF_INET, host, &address.sin_addr);
    if (descriptor < 0 || connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0) {
        bench_fail("port %u: %s", port, strerror(errno));
    }
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return descriptor;
}

static void prepare(struct wire *wire, wire_builder *builder)
{
    const struct bench_arguments *arguments = &wire->arguments;
    unsigned nodes = (unsigned)arguments->nodes;
    wire->share = arguments->in_flight < nodes ? 1 : arguments->in_flight / nodes;
    unsigned in_batch = wire->share * nodes;
    wire->batch_count = arguments->keys / in_batch < 1 ? 1 : arguments->keys / in_batch;
    wire->batch_count = wire->batch_count > BATCHES_MAX ? BATCHES_MAX : wire->batch_count;
    wire->batches = calloc((size_t)wire->batch_count * nodes, sizeof *wire->batches);
    wire->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (wire->batches == NULL || wire->epoll < 0) {
        bench_fail("out of memory");
    }
    for (unsigned b = 0; b < wire->batch_count; b++) {
        for (unsigned n = 0; n < nodes; n++) {
            builder(&wire->batches[b * nodes + n], arguments, b * in_batch + n, wire->share, nodes);
        }
    }
    for (unsigned n = 0; n < nodes; n++) {
        struct epoll_event event = {EPOLLIN, {.u32 = n}};
        wire->nodes[n].descriptor = open_connection(arguments->hosts[n], arguments->ports[n]);
        epoll_ctl(wire->epoll, EPOLL_CTL_ADD, wire->nodes[n].descriptor, &event);
    }
}

static void send_some(struct wire_node *node)
{
    const struct wire_batch *batch = node->batch;
    while (node->sent < batch->request_length) {
        ssize_t sent = send(node->descriptor, batch->request + node->sent, batch->request_length - node->sent,
                            MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            return;
        }
        if (sent < 0) {
            bench_fail("send: %s", strerror(errno));
        }
        node->sent += (size_t)sent;
    }
}

/* True when the whole reply is there. */
static bool receive_some(struct wire_node *node, int flags)
{
    ssize_t received = recv(node->descriptor, sink, sizeof sink, flags);
    if (received < 0 && errno == EAGAIN) {
        return false;
    }
    if (received <= 0) {
        bench_fail("recv: %s", received == 0 ? "the server closed the connection" : strerror(errno));
    }
    node->received += (size_t)received;
    if (node->received > node->batch->reply_length) {
        bench_fail("%zu bytes came, %zu were expected: '%.60s'", node->received, node->batch->reply_length, sink);
    }
    return node->received == node->batch->reply_length;
}

/* One node: while bytes are left to send, both ways are watched; then recv waits by itself, or, busy polling, is asked until it has something. */
static void exchange_alone(struct wire_node *node, int flags)
{
    bool whole = false;
    send_some(node);
    while (node->sent < node->batch->request_length) {
        struct pollfd watched = {node->descriptor, POLLIN | POLLOUT, 0};
        poll(&watched, 1, -1);
        whole = (watched.revents & POLLIN) != 0 && receive_some(node, MSG_DONTWAIT);
        send_some(node);
    }
    while (!whole) {
        whole = receive_some(node, flags);
    }
}

static void exchange_side_by_side(struct wire *wire)
{
    size_t open = wire->arguments.nodes;
    size_t unsent = 0;
    for (size_t n = 0; n < wire->arguments.nodes; n++) {
        send_some(&wire->nodes[n]);
        unsent += wire->nodes[n].sent < wire->nodes[n].batch->request_length;
    }
    while (open > 0) {
        struct epoll_event events[BENCH_NODES_MAX];
        int ready = epoll_wait(wire->epoll, events, BENCH_NODES_MAX, unsent > 0 ? 1 : -1);
        for (int i = 0; i < ready; i++) {
            open -= receive_some(&wire->nodes[events[i].data.u32], MSG_DONTWAIT);
        }
        for (size_t n = 0; unsent > 0 && n < wire->arguments.nodes; n++) {
            struct wire_node *node = &wire->nodes[n];
            if (node->sent < node->batch->request_length) {
                send_some(node);
                unsent -= node->sent == node->batch->request_length;
            }
        }
    }
}

static void one_round(struct wire *wire, unsigned number)
{
    for (size_t n = 0; n < wire->arguments.nodes; n++) {
        wire->nodes[n].batch = &wire->batches[(number % wire->batch_count) * wire->arguments.nodes + n];
        wire->nodes[n].sent = wire->nodes[n].received = 0;
    }
    if (wire->arguments.nodes == 1) {
        exchange_alone(&wire->nodes[0], strcmp(wire->arguments.mode, "busy") == 0 ? MSG_DONTWAIT : 0);
    } else {
        exchange_side_by_side(wire);
    }
}

/* Nothing may come after what was counted: else the count was wrong. */
static void check_silence(struct wire *wire)
{
    struct epoll_event event;
    if (epoll_wait(wire->epoll, &event, 1, 20) > 0) {
        bench_fail("more bytes come than were expected");
    }
}

int wire_main(int argc, char **argv, wire_builder *builder)
{
    static struct wire wire;
    struct bench_run run;
    unsigned number = 0;
    bench_parse(&wire.arguments, argc, argv);
    prepare(&wire, builder);
    for (; number < wire.batch_count; number++) {
        one_round(&wire, number);
    }
    check_silence(&wire);
    bench_begin(&run, &wire.arguments);
    do {
        one_round(&wire, number++);
    } while (bench_more(&run, wire.share * wire.arguments.nodes));
    bench_report(&run);
    return 0;
}
