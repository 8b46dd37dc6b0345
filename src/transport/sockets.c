/* Sockets of our own, watched by libuv: connect, send, recv. libuv's streams are not used: they raise SIGPIPE, choose the buffer, and abort
 * the process when they can't allocate. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/allocator.h"
#include "base/rare.h"
#include "base/timer_wheel.h"
#include "transport/descriptor.h"
#include "transport/tls.h"
#include "transport/uv_internal.h"

/* Slices in one send or receive: the engine uses two. */
#define VECTOR_MAX 8
/* So long one socket may be received from without a look at the others: they are idle, what they tell (an end) can wait. */
#define TAKEN_ALONE_NS 2000000u
/* What a blocking wait takes in before the engine does. */
#define STAGING_SIZE 16384
/* Longest wait in a blocking receive, before everything else is looked at: SO_RCVTIMEO, set once. When less is left until something is due, a poll is needed
 * beside the receive: so this is short beside the second in which a deadline or a look at the health mostly comes. */
#define BLOCKING_WAIT_NS 20000000u

enum socket_state {
    SOCKET_CONNECTING, /* the kernel is at it */
    SOCKET_HANDSHAKE,  /* connected; TLS is at it */
    SOCKET_OPEN,       /* bytes flow */
    SOCKET_DEAD        /* its descriptor is gone (fork); waits for the engine's abort */
};

struct emc__socket {
    struct emc__watch watch;   /* first */
    struct emc__link link;     /* in uv->sockets */
    struct emc__link buffered; /* in uv->buffered */
    const struct emc__socket_listener *listener;
    void *context;
    struct emc__tls_session *session; /* NULL: plain */
    int descriptor;
    enum socket_state state;
    bool aborted, want_read, want_write;
    bool may_block; /* O_NONBLOCK is off and SO_RCVTIMEO set, for blocking waits */
    uint64_t sent;  /* plain bytes that the system took */
    int broken;     /* the error a blocking wait met, for the receive to tell; 0: none */
    char error[EMC_ERROR_MESSAGE_SIZE];
};

static struct emc__uv *uv_of(struct emc__transport *transport)
{
    return (struct emc__uv *)transport;
}

EMC__RARE static void note_error(struct emc__socket *socket, int code)
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
    if (code == 0 && emc__descriptor_met_itself(socket->descriptor)) {
        code = ECONNREFUSED;
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
        socket->listener->readable(socket->context, now_ns);
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

static emc_status connect_socket(struct emc__transport *transport, const struct emc__endpoint *endpoint,
                                 const char *tls_name, const struct emc__socket_listener *listener, void *context,
                                 struct emc__socket **socket_out)
{
    struct emc__uv *uv = uv_of(transport);
    if (uv->loop_lost) {
        return refuse(uv, EMC_ERROR_CONNECT, "no event loop since the process forked");
    }
    if (tls_name != NULL && uv->tls == NULL) {
        return refuse(uv, EMC_ERROR_TLS, "TLS is not set up");
    }
    int descriptor = emc__descriptor_connect(endpoint);
    if (descriptor < 0) {
        return refuse(uv, emc__descriptor_status(errno), strerror(errno));
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
    emc__link_remove(&socket->buffered);
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

void emc__sockets_abort_all(struct emc__uv *uv)
{
    for (struct emc__link *link = emc__list_first(&uv->sockets); link != NULL; link = emc__list_first(&uv->sockets)) {
        abort_socket(EMC__CONTAINER_OF(link, struct emc__socket, link), true);
    }
}

void emc__sockets_drop_all(struct emc__uv *uv)
{
    for (struct emc__link *link = emc__list_first(&uv->sockets); link != NULL;
         link = emc__list_next(&uv->sockets, link)) {
        struct emc__socket *socket = EMC__CONTAINER_OF(link, struct emc__socket, link);
        if (socket->state != SOCKET_DEAD) {
            socket->state = SOCKET_DEAD;
            emc__link_remove(&socket->buffered);
            emc__watch_want(&socket->watch, 0);
            close_descriptor(socket, false);
            note_error(socket, ECONNABORTED);
        }
    }
}

/* ------------------------------------------------------------------ bytes */

EMC__APART static enum emc__io failure(struct emc__socket *socket)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
        return EMC__IO_WOULD_BLOCK;
    }
    note_error(socket, errno);
    return EMC__IO_ERROR;
}

/* Of a call that moved some, or failed. */
static inline enum emc__io io_result(struct emc__socket *socket, ssize_t count, size_t *count_out)
{
    if (count > 0) {
        *count_out = (size_t)count;
        return EMC__IO_OK;
    }
    return failure(socket);
}

/* TLS: keeps account of bytes that are received already: no event of the descriptor will tell of them. */
static void note_buffered(struct emc__socket *socket)
{
    struct emc__uv *uv = socket->watch.uv;
    if (!emc__tls_pending(socket->session)) {
        emc__link_remove(&socket->buffered);
        return;
    }
    if (!emc__link_linked(&socket->buffered)) {
        emc__list_append(&uv->buffered, &socket->buffered);
    }
    if (socket->want_read) {
        emc__uv_raise(&uv->transport);
    }
}

EMC__APART static enum emc__io send_encrypted(struct emc__socket *socket, const struct emc__slice *slices, size_t count,
                                              size_t *sent_out)
{
    enum emc__io io = emc__tls_send(socket->session, socket->descriptor, slices, count, sent_out);
    if (io == EMC__IO_ERROR) {
        snprintf(socket->error, sizeof socket->error, "%s", emc__tls_error(socket->session));
    }
    note_buffered(socket); /* sending may have met an error or bytes that came */
    return io;
}

/* Several runs of bytes; for one the kernel has less to read. */
EMC__APART static ssize_t send_several(int descriptor, const struct emc__slice *slices, size_t count)
{
    struct iovec vector[VECTOR_MAX];
    count = count < VECTOR_MAX ? count : VECTOR_MAX;
    for (size_t i = 0; i < count; i++) {
        vector[i] = (struct iovec){(void *)(uintptr_t)slices[i].data, slices[i].length};
    }
    const struct msghdr message = {.msg_iov = vector, .msg_iovlen = count};
    return sendmsg(descriptor, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

EMC__HOT static enum emc__io send_bytes(struct emc__socket *socket, const struct emc__slice *slices, size_t count,
                                        size_t *sent_out)
{
    if (socket->state != SOCKET_OPEN) {
        return EMC__IO_ERROR;
    }
    if (socket->session != NULL) {
        return send_encrypted(socket, slices, count, sent_out);
    }
    ssize_t sent = count == 1 ? send(socket->descriptor, slices[0].data, slices[0].length, MSG_NOSIGNAL | MSG_DONTWAIT)
                              : send_several(socket->descriptor, slices, count);
    socket->sent += sent > 0 ? (uint64_t)sent : 0;
    return sent == 0 ? EMC__IO_WOULD_BLOCK : io_result(socket, sent, sent_out);
}

static ssize_t receive_several(int descriptor, const struct emc__span *spans, size_t count)
{
    struct iovec vector[VECTOR_MAX];
    count = count < VECTOR_MAX ? count : VECTOR_MAX;
    for (size_t i = 0; i < count; i++) {
        vector[i] = (struct iovec){spans[i].data, spans[i].length};
    }
    struct msghdr message = {.msg_iov = vector, .msg_iovlen = count};
    return recvmsg(descriptor, &message, MSG_DONTWAIT);
}

static bool any_room(const struct emc__span *spans, size_t count)
{
    size_t room = 0;
    for (size_t i = 0; i < count; i++) {
        room += spans[i].length;
    }
    return room > 0;
}

static enum emc__io receive_plain(struct emc__socket *socket, const struct emc__span *spans, size_t count,
                                  size_t *received_out)
{
    if (socket->broken != 0) {
        note_error(socket, socket->broken);
        return EMC__IO_ERROR;
    }
    ssize_t received = count == 1 ? recv(socket->descriptor, spans[0].data, spans[0].length, MSG_DONTWAIT)
                                  : receive_several(socket->descriptor, spans, count);
    if (received == 0) {
        return any_room(spans, count) ? EMC__IO_END : EMC__IO_WOULD_BLOCK;
    }
    return io_result(socket, received, received_out);
}

static enum emc__io receive_decrypted(struct emc__socket *socket, const struct emc__span *spans, size_t count,
                                      size_t *received_out)
{
    enum emc__io io = emc__tls_recv(socket->session, socket->descriptor, spans, count, received_out);
    if (io == EMC__IO_ERROR) {
        snprintf(socket->error, sizeof socket->error, "%s", emc__tls_error(socket->session));
    }
    note_buffered(socket);
    return io;
}

static enum emc__io receive_bytes(struct emc__socket *socket, const struct emc__span *spans, size_t count,
                                  size_t *received_out)
{
    if (socket->state != SOCKET_OPEN) {
        return EMC__IO_ERROR;
    }
    return socket->session != NULL ? receive_decrypted(socket, spans, count, received_out)
                                   : receive_plain(socket, spans, count, received_out);
}

static void want(struct emc__socket *socket, bool read, bool write)
{
    socket->want_read = read;
    socket->want_write = write;
    update_watch(socket);
    if (read && emc__link_linked(&socket->buffered)) {
        emc__uv_raise(&socket->watch.uv->transport);
    }
}

static void flow(const struct emc__socket *socket, struct emc__flow *flow_out)
{
    if (socket->session != NULL) {
        emc__tls_flow(socket->session, flow_out);
    } else {
        *flow_out = (struct emc__flow){.sent = socket->sent, .taken = socket->sent};
    }
    uint64_t unconfirmed = socket->descriptor < 0 ? 0 : emc__descriptor_unconfirmed(socket->descriptor);
    flow_out->taken -= unconfirmed < flow_out->taken ? unconfirmed : flow_out->taken;
}

static const char *error_text(struct emc__transport *transport, const struct emc__socket *socket)
{
    const char *text = socket != NULL ? socket->error : uv_of(transport)->error;
    return text[0] != '\0' ? text : "the connection broke";
}

/* ------------------------------------------------------------------ waiting for one socket */

static bool make_blocking(struct emc__socket *socket)
{
    if (!socket->may_block) { /* all other I/O says MSG_DONTWAIT */
        socket->may_block = emc__descriptor_make_blocking(socket->descriptor, BLOCKING_WAIT_NS);
    }
    return socket->may_block;
}

static bool make_staging(struct emc__uv *uv)
{
    if (uv->staging == NULL) {
        uv->staging = emc__allocate(&uv->allocator, STAGING_SIZE);
    }
    return uv->staging != NULL;
}

/* A deadline is near: the socket's own waiting is too coarse. */
EMC__APART static ssize_t receive_soon(int descriptor, uint8_t *staging, uint64_t wait_ns)
{
    struct timespec limit = {0, (long)wait_ns};
    struct pollfd polled = {descriptor, POLLIN, 0};
    return ppoll(&polled, 1, &limit, NULL) < 0 ? -1 : recv(descriptor, staging, STAGING_SIZE, MSG_DONTWAIT);
}

/* Waits until there is something to read or the time is up, and receives into the staging. */
static ssize_t receive_waiting(struct emc__socket *socket, uint64_t left_ns)
{
    struct emc__uv *uv = socket->watch.uv;
    uint8_t *staging = uv->staging;
    ssize_t count;
    if (uv->busy_poll.limit_ns > 0 &&
        emc__busy_poll_receive(&uv->busy_poll, socket->descriptor, staging, STAGING_SIZE, &left_ns, &count)) {
        return count;
    }
    if (left_ns >= BLOCKING_WAIT_NS && make_blocking(socket)) {
        return recv(socket->descriptor, staging, STAGING_SIZE, 0);
    }
    return receive_soon(socket->descriptor, staging, left_ns < BLOCKING_WAIT_NS ? left_ns : BLOCKING_WAIT_NS);
}

/* Hands over what the wait received; more is there when it filled the staging. */
static void hand_over(struct emc__socket *socket, size_t length)
{
    struct emc__uv *uv = socket->watch.uv;
    socket->listener->arrived(socket->context, emc__slice_of(uv->staging, length), uv->now_ns);
    if (length == STAGING_SIZE && !socket->aborted && socket->want_read) {
        socket->listener->readable(socket->context, uv->now_ns);
    }
}

bool emc__uv_wait_socket(struct emc__transport *transport, struct emc__socket *socket, uint64_t left_ns)
{
    struct emc__uv *uv = uv_of(transport);
    bool possible = socket->state == SOCKET_OPEN && socket->session == NULL && socket->want_read && !uv->in_pass;
    if (!possible || left_ns == 0 || !make_staging(uv)) {
        return false;
    }
    ssize_t count = receive_waiting(socket, left_ns);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        return false;
    }
    socket->broken = count < 0 ? errno : 0; /* the system tells of a reset once */
    uv->in_pass = true;
    uv->now_ns = emc__uv_clock();
    if (count > 0) {
        hand_over(socket, (size_t)count);
    } else {
        socket->listener->readable(socket->context, uv->now_ns);
    }
    uv->in_pass = false;
    return true;
}

bool emc__uv_poll_socket(struct emc__transport *transport, struct emc__socket *socket, uint64_t left_ns)
{
    struct emc__busy_poll *poll = &uv_of(transport)->busy_poll;
    poll->alone = true;
    bool came = poll->limit_ns > 0 && emc__uv_wait_socket(transport, socket, left_ns);
    poll->alone = false;
    return came;
}

bool emc__uv_take_socket(struct emc__transport *transport, struct emc__socket *socket, uint64_t due_ns)
{
    struct emc__uv *uv = uv_of(transport);
    bool plain = socket->state == SOCKET_OPEN && socket->session == NULL && socket->want_read;
    bool likely = uv->received; /* the pass before had something too: who only comes to see shall not pay twice */
    if (!plain || !likely || uv->in_pass || uv->event_raised || !emc__list_empty(&uv->buffered)) {
        return false;
    }
    uint64_t now_ns = emc__uv_clock();
    if (due_ns <= now_ns || now_ns - uv->looked_ns > TAKEN_ALONE_NS) {
        return false;
    }
    uv->received = false;
    uv->in_pass = true;
    uv->now_ns = now_ns;
    socket->listener->readable(socket->context, now_ns);
    uv->in_pass = false;
    return uv->received;
}

void emc__sockets_pass(struct emc__uv *uv)
{
    struct emc__list now; /* what an upcall leaves behind waits for the next pass */
    struct emc__link *link;
    if (emc__list_empty(&uv->buffered)) {
        return;
    }
    emc__list_init(&now);
    emc__list_splice(&now, &uv->buffered);
    while ((link = emc__list_take_first(&now)) != NULL) {
        struct emc__socket *socket = EMC__CONTAINER_OF(link, struct emc__socket, buffered);
        if (socket->want_read) {
            socket->listener->readable(socket->context, uv->now_ns);
        }
        if (!socket->aborted) { /* its memory outlives the pass */
            note_buffered(socket);
            update_watch(socket);
        }
    }
}

/* ------------------------------------------------------------------ the class */

EMC__HOT static void wake_at(struct emc__transport *transport, uint64_t at_ns)
{
    struct emc__uv *uv = uv_of(transport);
    uv->wake_ns = at_ns;
    emc__uv_set_timer(uv);
}

static enum emc__io receive(struct emc__socket *socket, const struct emc__span *spans, size_t count,
                            size_t *received_out)
{
    enum emc__io io = receive_bytes(socket, spans, count, received_out);
    socket->watch.uv->received |= io != EMC__IO_WOULD_BLOCK;
    return io;
}

EMC__HOT static uint64_t now_ns(struct emc__transport *transport)
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
    .recv = receive,
    .want = want,
    .flow = flow,
    .abort = abort_socket,
    .error_text = error_text,
    .wake_at = wake_at,
    .now_ns = now_ns,
};
