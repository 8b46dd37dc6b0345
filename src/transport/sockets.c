/* Sockets of our own, watched by libuv: connect, send, recv. libuv's streams are not used: they raise SIGPIPE, choose the buffer, and abort
 * the process when they can't allocate. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/allocator.h"
#include "base/timer_wheel.h"
#include "transport/endpoint.h"
#include "transport/tls.h"
#include "transport/uv_internal.h"

/* Slices in one send or receive: the engine uses two. */
#define VECTOR_MAX 8
/* What a blocking wait takes in before the engine does. */
#define STAGING_SIZE 16384
/* Longest single wait in a blocking receive; other sockets are looked at in between. */
#define BLOCKING_WAIT_NS 100000000u

enum socket_state {
    SOCKET_CONNECTING, /* the kernel is at it */
    SOCKET_HANDSHAKE,  /* connected; TLS is at it */
    SOCKET_OPEN,       /* bytes flow */
    SOCKET_DEAD        /* its descriptor is gone (fork); waits for the engine's abort */
};

struct emc__socket {
    struct emc__watch watch; /* first */
    struct emc__link link;   /* in uv->sockets */
    const struct emc__socket_listener *listener;
    void *context;
    struct emc__tls_session *session; /* NULL: plain */
    int descriptor;
    enum socket_state state;
    bool aborted, want_read, want_write;
    bool may_block;          /* O_NONBLOCK is off and SO_RCVTIMEO set, for blocking waits */
    size_t staged, staged_taken;
    char error[EMC_ERROR_MESSAGE_SIZE];
};

static struct emc__uv *uv_of(struct emc__transport *transport)
{
    return (struct emc__uv *)transport;
}

static void note_error(struct emc__socket *socket, int code)
{
    snprintf(socket->error, sizeof socket->error, "%s", strerror(code));
}

/* ------------------------------------------------------------------ what is watched */

static void update_watch(struct emc__socket *socket)
{
    int events = 0;
    if (socket->state == SOCKET_CONNECTING) {
        events = UV_WRITABLE;
    } else if (socket->session != NULL) {
        events = emc__tls_wants(socket->session, socket->want_read, socket->want_write);
    } else if (socket->state == SOCKET_OPEN) {
        events = (socket->want_read ? UV_READABLE : 0) | (socket->want_write ? UV_WRITABLE : 0);
    }
    if (socket->state != SOCKET_DEAD) {
        emc__watch_want(&socket->watch, events);
    }
}

static void fail(struct emc__socket *socket, emc_status status)
{
    emc__watch_want(&socket->watch, 0);
    socket->listener->failed(socket->context, status, socket->error, socket->watch.uv->now_ns);
}

static void go_on_with_handshake(struct emc__socket *socket)
{
    switch (emc__tls_handshake(socket->session, socket->descriptor)) {
    case EMC__TLS_DONE:
        socket->state = SOCKET_OPEN;
        update_watch(socket);
        socket->listener->connected(socket->context, socket->watch.uv->now_ns);
        break;
    case EMC__TLS_MORE:
        update_watch(socket);
        break;
    case EMC__TLS_FAILED:
        snprintf(socket->error, sizeof socket->error, "%s", emc__tls_error(socket->session));
        fail(socket, EMC_ERROR_TLS);
        break;
    }
}

static void finish_connect(struct emc__socket *socket)
{
    int code = 0;
    socklen_t length = sizeof code;
    if (getsockopt(socket->descriptor, SOL_SOCKET, SO_ERROR, &code, &length) != 0) {
        code = errno;
    }
    if (code != 0) {
        note_error(socket, code);
        fail(socket, EMC_ERROR_CONNECT);
    } else if (socket->session != NULL) {
        socket->state = SOCKET_HANDSHAKE;
        go_on_with_handshake(socket);
    } else {
        socket->state = SOCKET_OPEN;
        update_watch(socket);
        socket->listener->connected(socket->context, socket->watch.uv->now_ns);
    }
}

static void ready(struct emc__watch *watch, int events)
{
    struct emc__socket *socket = (struct emc__socket *)watch;
    uint64_t now_ns = watch->uv->now_ns;
    if (socket->aborted || socket->state == SOCKET_DEAD) {
        return;
    }
    if (socket->state == SOCKET_CONNECTING) {
        finish_connect(socket);
        return;
    }
    if (socket->state == SOCKET_HANDSHAKE) {
        go_on_with_handshake(socket);
        return;
    }
    if (socket->session != NULL) {
        events = emc__tls_ready(socket->session, events, socket->want_read, socket->want_write);
    }
    if ((events & UV_READABLE) != 0 && socket->want_read) {
        do {
            socket->listener->readable(socket->context, now_ns);
        } while (!socket->aborted && socket->session != NULL && socket->want_read && emc__tls_pending(socket->session));
    }
    if ((events & UV_WRITABLE) != 0 && !socket->aborted && socket->want_write) {
        socket->listener->writable(socket->context, now_ns);
    }
    if (!socket->aborted && socket->session != NULL) {
        update_watch(socket);
    }
}

static void release(struct emc__watch *watch)
{
    emc__release(&watch->uv->allocator, watch);
}

/* ------------------------------------------------------------------ connect and abort */

static socklen_t socket_address(const struct emc__endpoint *endpoint, struct sockaddr_storage *storage)
{
    memset(storage, 0, sizeof *storage);
    if (endpoint->family == EMC__ENDPOINT_UNIX) {
        struct sockaddr_un *address = (struct sockaddr_un *)storage;
        address->sun_family = AF_UNIX;
        memcpy(address->sun_path, endpoint->path, sizeof address->sun_path);
        return sizeof *address;
    }
    if (endpoint->family == EMC__ENDPOINT_IPV6) {
        struct sockaddr_in6 *address = (struct sockaddr_in6 *)storage;
        address->sin6_family = AF_INET6;
        address->sin6_port = htons(endpoint->port);
        address->sin6_scope_id = endpoint->scope;
        memcpy(&address->sin6_addr, endpoint->ip, 16);
        return sizeof *address;
    }
    struct sockaddr_in *address = (struct sockaddr_in *)storage;
    address->sin_family = AF_INET;
    address->sin_port = htons(endpoint->port);
    memcpy(&address->sin_addr, endpoint->ip, 4);
    return sizeof *address;
}

static void set_options(int descriptor, const struct emc__endpoint *endpoint)
{
    int on = 1;
    if (endpoint->family != EMC__ENDPOINT_UNIX) {
        (void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        (void)setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    }
}

/* A descriptor that is connecting, or -1 and errno. */
static int begin_connect(const struct emc__endpoint *endpoint)
{
    struct sockaddr_storage address;
    socklen_t length = socket_address(endpoint, &address);
    int descriptor = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) {
        return -1;
    }
    set_options(descriptor, endpoint);
    if (connect(descriptor, (struct sockaddr *)&address, length) != 0 && errno != EINPROGRESS) {
        int code = errno;
        close(descriptor);
        errno = code;
        return -1;
    }
    return descriptor;
}

static emc_status refuse(struct emc__uv *uv, emc_status status, const char *words)
{
    snprintf(uv->error, sizeof uv->error, "%s", words);
    return status;
}

static struct emc__socket *new_socket(struct emc__uv *uv, int descriptor)
{
    struct emc__socket *socket = emc__allocate_zeroed(&uv->allocator, 1, sizeof *socket);
    if (socket == NULL) {
        return NULL;
    }
    socket->watch.ready = ready;
    socket->watch.release = release;
    socket->descriptor = descriptor;
    if (!emc__watch_open(uv, &socket->watch, descriptor)) {
        emc__release(&uv->allocator, socket);
        return NULL;
    }
    emc__list_append(&uv->sockets, &socket->link);
    return socket;
}

static void abort_socket(struct emc__socket *socket, bool reset);

static emc_status connect_socket(struct emc__transport *transport, const struct emc__endpoint *endpoint, const char *tls_name,
                                 const struct emc__socket_listener *listener, void *context, struct emc__socket **socket_out)
{
    struct emc__uv *uv = uv_of(transport);
    int descriptor = begin_connect(endpoint);
    if (descriptor < 0) {
        return refuse(uv, EMC_ERROR_CONNECT, strerror(errno));
    }
    struct emc__socket *socket = new_socket(uv, descriptor);
    if (socket == NULL) {
        close(descriptor);
        return refuse(uv, EMC_ERROR_MEMORY, emc_status_text(EMC_ERROR_MEMORY));
    }
    socket->listener = listener;
    socket->context = context;
    if (tls_name != NULL) {
        socket->session = emc__tls_session_create(uv->tls, tls_name, endpoint->port);
        if (socket->session == NULL) {
            abort_socket(socket, true);
            return refuse(uv, EMC_ERROR_MEMORY, emc_status_text(EMC_ERROR_MEMORY));
        }
    }
    update_watch(socket);
    *socket_out = socket;
    return EMC_OK;
}

static void adopt(struct emc__socket *socket, const struct emc__socket_listener *listener, void *context)
{
    socket->listener = listener;
    socket->context = context;
}

static void close_descriptor(struct emc__socket *socket, bool reset)
{
    if (socket->descriptor < 0) {
        return;
    }
    if (reset) {
        struct linger at_once = {1, 0};
        (void)setsockopt(socket->descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    close(socket->descriptor);
    socket->descriptor = -1;
}

static void abort_socket(struct emc__socket *socket, bool reset)
{
    if (socket->session != NULL) {
        if (!reset && socket->state == SOCKET_OPEN) {
            emc__tls_say_goodbye(socket->session, socket->descriptor);
        }
        emc__tls_session_destroy(socket->session);
        socket->session = NULL;
    }
    socket->aborted = true;
    emc__link_remove(&socket->link);
    emc__watch_close(&socket->watch);
    close_descriptor(socket, reset);
}

/* fork, or the end: closed without a word; the engine's pointer stays good until its abort. */
void emc__sockets_drop_all(struct emc__uv *uv)
{
    for (struct emc__link *link = emc__list_first(&uv->sockets); link != NULL; link = emc__list_next(&uv->sockets, link)) {
        struct emc__socket *socket = EMC__CONTAINER_OF(link, struct emc__socket, link);
        if (socket->state != SOCKET_DEAD) {
            socket->state = SOCKET_DEAD;
            emc__watch_want(&socket->watch, 0);
            close_descriptor(socket, false);
            note_error(socket, ECONNABORTED);
        }
    }
}

/* ------------------------------------------------------------------ bytes */

static enum emc__io io_result(struct emc__socket *socket, ssize_t count, size_t *count_out)
{
    if (count > 0) {
        *count_out = (size_t)count;
        return EMC__IO_OK;
    }
    if (count == 0) {
        return EMC__IO_END;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
        return EMC__IO_WOULD_BLOCK;
    }
    note_error(socket, errno);
    return EMC__IO_ERROR;
}

static enum emc__io send_bytes(struct emc__socket *socket, const struct emc__slice *slices, size_t count, size_t *sent_out)
{
    struct iovec vector[VECTOR_MAX];
    if (socket->state != SOCKET_OPEN) {
        return EMC__IO_ERROR;
    }
    if (socket->session != NULL) {
        return emc__tls_send(socket->session, socket->descriptor, slices, count, sent_out);
    }
    count = count < VECTOR_MAX ? count : VECTOR_MAX;
    for (size_t i = 0; i < count; i++) {
        vector[i] = (struct iovec){(void *)(uintptr_t)slices[i].data, slices[i].length};
    }
    struct msghdr message = {.msg_iov = vector, .msg_iovlen = count};
    return io_result(socket, sendmsg(socket->descriptor, &message, MSG_NOSIGNAL | MSG_DONTWAIT), sent_out);
}

/* What a blocking wait has taken in already. */
static enum emc__io take_staged(struct emc__socket *socket, const struct emc__span *spans, size_t count, size_t *received_out)
{
    size_t taken = 0;
    for (size_t i = 0; i < count && socket->staged_taken < socket->staged; i++) {
        size_t left = socket->staged - socket->staged_taken;
        size_t length = left < spans[i].length ? left : spans[i].length;
        memcpy(spans[i].data, socket->watch.uv->staging + socket->staged_taken, length);
        socket->staged_taken += length;
        taken += length;
    }
    *received_out = taken;
    return EMC__IO_OK;
}

static enum emc__io receive_bytes(struct emc__socket *socket, const struct emc__span *spans, size_t count, size_t *received_out)
{
    struct iovec vector[VECTOR_MAX];
    if (socket->state != SOCKET_OPEN) {
        return EMC__IO_ERROR;
    }
    if (socket->session != NULL) {
        enum emc__io io = emc__tls_recv(socket->session, socket->descriptor, spans, count, received_out);
        if (io == EMC__IO_ERROR) {
            snprintf(socket->error, sizeof socket->error, "%s", emc__tls_error(socket->session));
        }
        return io;
    }
    if (socket->staged_taken < socket->staged) {
        return take_staged(socket, spans, count, received_out);
    }
    count = count < VECTOR_MAX ? count : VECTOR_MAX;
    for (size_t i = 0; i < count; i++) {
        vector[i] = (struct iovec){spans[i].data, spans[i].length};
    }
    struct msghdr message = {.msg_iov = vector, .msg_iovlen = count};
    return io_result(socket, recvmsg(socket->descriptor, &message, MSG_DONTWAIT), received_out);
}

static void want(struct emc__socket *socket, bool read, bool write)
{
    socket->want_read = read;
    socket->want_write = write;
    update_watch(socket);
}

static const char *error_text(struct emc__transport *transport, const struct emc__socket *socket)
{
    const char *text = socket != NULL ? socket->error : uv_of(transport)->error;
    return text[0] != '\0' ? text : "the connection broke";
}

/* ------------------------------------------------------------------ waiting for one socket */

static bool make_blocking(struct emc__socket *socket)
{
    struct timeval limit = {0, BLOCKING_WAIT_NS / 1000};
    int flags = fcntl(socket->descriptor, F_GETFL);
    if (socket->may_block) {
        return true;
    }
    if (flags < 0 || setsockopt(socket->descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0 ||
        fcntl(socket->descriptor, F_SETFL, flags & ~O_NONBLOCK) != 0) {
        return false;
    }
    socket->may_block = true; /* all other I/O says MSG_DONTWAIT */
    return true;
}

static bool make_staging(struct emc__uv *uv)
{
    if (uv->staging == NULL) {
        uv->staging = emc__allocate(&uv->allocator, STAGING_SIZE);
    }
    return uv->staging != NULL;
}

bool emc__uv_wait_socket(struct emc__transport *transport, struct emc__socket *socket, uint64_t until_ns)
{
    struct emc__uv *uv = uv_of(transport);
    bool possible = socket->state == SOCKET_OPEN && socket->session == NULL && until_ns > emc__uv_clock() + BLOCKING_WAIT_NS;
    if (!possible || !make_blocking(socket) || !make_staging(uv)) {
        return false;
    }
    ssize_t count = recv(socket->descriptor, uv->staging, STAGING_SIZE, 0);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        return true;
    }
    socket->staged = count > 0 ? (size_t)count : 0;
    socket->staged_taken = 0;
    uv->in_pass = true;
    uv->now_ns = emc__uv_clock();
    while (!socket->aborted && socket->want_read) {
        socket->listener->readable(socket->context, uv->now_ns); /* an end or an error shows again in its receive */
        if (socket->staged_taken >= socket->staged) {
            break;
        }
    }
    socket->staged = socket->staged_taken = 0;
    uv->in_pass = false;
    return true;
}

/* ------------------------------------------------------------------ the class */

static void wake_at(struct emc__transport *transport, uint64_t at_ns)
{
    struct emc__uv *uv = uv_of(transport);
    uv->wake_ns = at_ns;
    emc__uv_set_timer(uv);
}

static uint64_t now_ns(struct emc__transport *transport)
{
    const struct emc__uv *uv = uv_of(transport);
    return uv->in_pass ? uv->now_ns : emc__uv_clock();
}

const struct emc__transport_class emc__uv_class = {
    .lookup = emc__resolve_start,
    .lookup_cancel = emc__resolve_cancel,
    .connect = connect_socket,
    .adopt = adopt,
    .send = send_bytes,
    .recv = receive_bytes,
    .want = want,
    .abort = abort_socket,
    .error_text = error_text,
    .wake_at = wake_at,
    .now_ns = now_ns,
};
