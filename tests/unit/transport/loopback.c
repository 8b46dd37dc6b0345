/* The shared parts of the transport's tests: see loopback.h. */
#include "loopback.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/allocator.h"

static void end_if(struct heard *heard, bool asked)
{
    if (asked) {
        heard_abort(heard, true);
    }
}

static void on_connected(void *context, uint64_t now_ns)
{
    struct heard *heard = context;
    heard->connected++;
    heard->now_ns = now_ns;
    end_if(heard, heard->abort_when_connected);
}

static void receive(struct heard *heard)
{
    size_t room = sizeof heard->bytes - heard->length;
    size_t length = heard->receive_max != 0 && heard->receive_max < room ? heard->receive_max : room;
    size_t half = length / 2;
    struct emc__span spans[2] = {{heard->bytes + heard->length, half},
                                 {heard->bytes + heard->length + half, length - half}};
    size_t received = 0;
    heard->io = heard->transport->class_->recv(heard->socket, spans, 2, &received);
    heard->length += heard->io == EMC__IO_OK ? received : 0;
}

static void after_reading(struct heard *heard)
{
    if (heard->stop_reading) {
        heard->transport->class_->want(heard->socket, false, false);
    }
    end_if(heard, heard->abort_when_readable);
}

static void on_readable(void *context, uint64_t now_ns)
{
    struct heard *heard = context;
    heard->readable++;
    heard->now_ns = now_ns;
    if (heard->receive_when_readable) {
        receive(heard);
    }
    after_reading(heard);
}

static void on_arrived(void *context, struct emc__slice bytes, uint64_t now_ns)
{
    struct heard *heard = context;
    assert_true(bytes.length > 0 && bytes.length <= sizeof heard->bytes - heard->length);
    heard->arrived++;
    heard->now_ns = now_ns;
    memcpy(heard->bytes + heard->length, bytes.data, bytes.length);
    heard->length += bytes.length;
    after_reading(heard);
}

static void on_writable(void *context, uint64_t now_ns)
{
    struct heard *heard = context;
    heard->writable++;
    heard->now_ns = now_ns;
    end_if(heard, heard->abort_when_writable);
}

static void on_failed(void *context, emc_status status, const char *message, uint64_t now_ns)
{
    struct heard *heard = context;
    heard->failed++;
    heard->now_ns = now_ns;
    heard->status = status;
    snprintf(heard->message, sizeof heard->message, "%s", message);
    end_if(heard, heard->abort_when_failed);
}

const struct emc__socket_listener heard_listener = {.connected = on_connected,
                                                    .readable = on_readable,
                                                    .writable = on_writable,
                                                    .failed = on_failed,
                                                    .arrived = on_arrived};

struct emc__transport *new_transport(void)
{
    static const struct emc__log silent = {0};
    struct emc__transport *transport = NULL;
    emc_error error = {0};
    assert_int_equal(emc__uv_transport_create(&emc__allocator_standard, &silent, NULL, &transport, &error), EMC_OK);
    return transport;
}

emc_status heard_connect(struct heard *heard, struct emc__transport *transport, const struct emc__endpoint *endpoint,
                         const char *tls_name)
{
    heard->transport = transport;
    return transport->class_->connect(transport, endpoint, tls_name, &heard_listener, heard, &heard->socket);
}

void heard_abort(struct heard *heard, bool reset)
{
    if (heard->socket != NULL) {
        heard->transport->class_->abort(heard->socket, reset);
        heard->socket = NULL;
    }
}

void run_until(struct emc__transport *transport, const unsigned *counter, unsigned count)
{
    uint64_t until_ns = monotonic_ns() + PATIENCE_MS * 1000000ull;
    while (*counter < count) {
        assert_true(monotonic_ns() < until_ns);
        emc__uv_run(transport, 100);
    }
}

void run_until_length(struct heard *heard, size_t length)
{
    uint64_t until_ns = monotonic_ns() + PATIENCE_MS * 1000000ull;
    while (heard->length < length) {
        assert_true(monotonic_ns() < until_ns);
        emc__uv_run(heard->transport, 100);
    }
}

void run_some(struct emc__transport *transport, int passes)
{
    for (int i = 0; i < passes; i++) {
        emc__uv_run(transport, 0);
    }
}

int listen_on_loopback(struct emc__endpoint *endpoint_out)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 16), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    assert_true(emc__endpoint_from_literal("127.0.0.1", ntohs(address.sin_port), endpoint_out));
    return listener;
}

int listen_on_path(const char *path, struct emc__endpoint *endpoint_out)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(listener >= 0);
    assert_true(emc__endpoint_from_path(path, endpoint_out));
    memcpy(address.sun_path, endpoint_out->path, sizeof address.sun_path);
    (void)unlink(path);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 16), 0);
    return listener;
}

struct emc__endpoint endpoint_of_nobody(void)
{
    struct emc__endpoint endpoint;
    close(listen_on_loopback(&endpoint));
    return endpoint;
}

int accept_one(int listener)
{
    struct pollfd waiting = {listener, POLLIN, 0};
    assert_int_equal(poll(&waiting, 1, PATIENCE_MS), 1);
    int descriptor = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(descriptor >= 0);
    return descriptor;
}

void send_exactly(int descriptor, const void *data, size_t length)
{
    for (size_t sent = 0; sent < length;) {
        ssize_t count = send(descriptor, (const uint8_t *)data + sent, length - sent, MSG_NOSIGNAL);
        assert_true(count > 0);
        sent += (size_t)count;
    }
}

size_t receive_exactly(int descriptor, void *data, size_t length)
{
    size_t received = 0;
    while (received < length) {
        struct pollfd waiting = {descriptor, POLLIN, 0};
        assert_int_equal(poll(&waiting, 1, PATIENCE_MS), 1);
        ssize_t count = recv(descriptor, (uint8_t *)data + received, length - received, 0);
        if (count <= 0) {
            break;
        }
        received += (size_t)count;
    }
    return received;
}

int connect_pair(struct heard *heard, struct emc__transport *transport)
{
    struct emc__endpoint endpoint;
    int listener = listen_on_loopback(&endpoint);
    assert_int_equal(heard_connect(heard, transport, &endpoint, NULL), EMC_OK);
    run_until(transport, &heard->connected, 1);
    int peer = accept_one(listener);
    close(listener);
    return peer;
}

unsigned count_descriptors(void)
{
    unsigned count = 0;
    DIR *directory = opendir("/proc/self/fd");
    assert_non_null(directory);
    while (readdir(directory) != NULL) {
        count++;
    }
    closedir(directory);
    return count;
}

uint64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
