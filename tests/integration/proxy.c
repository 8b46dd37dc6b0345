/* The proxy's thread: one poll over all connections, one lock around everything. */
#include "proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "session.h"

#define PAIRS_MAX 64
#define FLOW_SIZE 65536
#define TICK_MS   2 /* looks at delays so often while there are any */

/* One direction of one connection. */
struct flow {
    char bytes[FLOW_SIZE];
    size_t begin, end;
    uint64_t due_ms;  /* what is held may go on from now on */
    uint64_t counted; /* bytes taken since the fault was set */
    bool source_ended, sink_ended;
};

/* One connection, and its continuation to the server. */
struct pair {
    int client, server; /* -1: none */
    uint32_t number;
    struct flow flows[2];
};

struct proxy {
    pthread_mutex_t lock;
    pthread_t thread;
    struct sockaddr_in target;
    char host[16];
    uint16_t port;
    int listener, news; /* news: eventfd, something changed */
    bool ending, refuse;
    struct proxy_fault faults[2];
    struct pair *pairs[PAIRS_MAX];
    uint32_t accepted;
    uint64_t passed[2];
};

/* ------------------------------------------------------------------ connections */

static void close_socket(int *descriptor, bool reset)
{
    struct linger now = {1, 0};
    if (*descriptor >= 0) {
        if (reset) {
            setsockopt(*descriptor, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        }
        close(*descriptor);
        *descriptor = -1;
    }
}

static void close_pair(struct pair *pair, bool reset)
{
    close_socket(&pair->client, reset);
    close_socket(&pair->server, reset);
}

static void no_delay(int descriptor)
{
    int yes = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

/* A blocking connect: the target is on this machine and listens. -1: it does not. */
static int connect_target(const struct proxy *proxy)
{
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor >= 0 && connect(descriptor, (const struct sockaddr *)&proxy->target, sizeof proxy->target) != 0) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

static void accept_one(struct proxy *proxy)
{
    int client = accept4(proxy->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    size_t place = 0;
    if (client < 0) {
        return;
    }
    proxy->accepted++;
    while (place < PAIRS_MAX && proxy->pairs[place] != NULL) {
        place++;
    }
    int server = proxy->refuse || place == PAIRS_MAX ? -1 : connect_target(proxy);
    struct pair *pair = server < 0 ? NULL : calloc(1, sizeof *pair);
    if (pair == NULL) {
        close_socket(&client, true);
        return;
    }
    no_delay(client);
    no_delay(server);
    *pair = (struct pair){.client = client, .server = server, .number = proxy->accepted};
    proxy->pairs[place] = pair;
}

/* ------------------------------------------------------------------ bytes */

static const struct proxy_fault *fault_of(const struct proxy *proxy, const struct pair *pair,
                                          enum proxy_direction direction)
{
    static const struct proxy_fault none;
    const struct proxy_fault *fault = &proxy->faults[direction];
    return fault->connection == 0 || fault->connection == pair->number ? fault : &none;
}

static int *source_of(struct pair *pair, enum proxy_direction direction)
{
    return direction == PROXY_TO_SERVER ? &pair->client : &pair->server;
}

static int *sink_of(struct pair *pair, enum proxy_direction direction)
{
    return direction == PROXY_TO_SERVER ? &pair->server : &pair->client;
}

/* Cuts when the fault says so, once. True: the connection is closed. */
static bool cut(struct proxy *proxy, struct pair *pair, enum proxy_direction direction)
{
    struct flow *flow = &pair->flows[direction];
    const struct proxy_fault *fault = fault_of(proxy, pair, direction);
    if (fault->cut == PROXY_CUT_NONE || flow->counted < fault->after || flow->begin < flow->end) {
        return false;
    }
    enum proxy_cut how = fault->cut;
    proxy->faults[direction].cut = PROXY_CUT_NONE;
    if (how == PROXY_CUT_HALF) {
        shutdown(*sink_of(pair, direction), SHUT_WR);
        flow->sink_ended = true;
        return false;
    }
    close_pair(pair, how == PROXY_CUT_RESET);
    return true;
}

/* Takes in what came, as much as the fault lets pass. */
static void take(struct proxy *proxy, struct pair *pair, enum proxy_direction direction)
{
    struct flow *flow = &pair->flows[direction];
    const struct proxy_fault *fault = fault_of(proxy, pair, direction);
    size_t room = sizeof flow->bytes;
    if (fault->cut != PROXY_CUT_NONE && fault->after - flow->counted < room) {
        room = (size_t)(fault->after - flow->counted);
    }
    ssize_t got = recv(*source_of(pair, direction), flow->bytes, room, MSG_DONTWAIT);
    if (got <= 0) {
        flow->source_ended = got == 0 || (errno != EAGAIN && errno != EINTR);
        return;
    }
    if (fault->corrupt && flow->counted <= fault->after && fault->after < flow->counted + (uint64_t)got) {
        flow->bytes[fault->after - flow->counted] ^= 0x15;
        proxy->faults[direction].corrupt = false;
    }
    flow->counted += (uint64_t)got;
    proxy->passed[direction] += (uint64_t)got;
    flow->begin = 0;
    flow->end = fault->swallow || flow->sink_ended ? 0 : (size_t)got;
    flow->due_ms = clock_ms() + fault->delay_ms;
}

static void hand_on(struct proxy *proxy, struct pair *pair, enum proxy_direction direction)
{
    struct flow *flow = &pair->flows[direction];
    const struct proxy_fault *fault = fault_of(proxy, pair, direction);
    uint32_t piece = fault->piece;
    size_t length = flow->end - flow->begin;
    length = piece != 0 && piece < length ? piece : length;
    ssize_t sent = send(*sink_of(pair, direction), flow->bytes + flow->begin, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
        flow->begin += (size_t)sent;
        flow->due_ms = fault->pause_ms > 0 ? clock_ms() + fault->pause_ms : flow->due_ms;
    } else if (errno != EAGAIN && errno != EINTR) {
        flow->begin = flow->end = 0;
        flow->source_ended = true;
    }
}

/* An end goes on when everything before it has. True: the connection is closed. */
static bool pass_end(struct pair *pair, enum proxy_direction direction)
{
    struct flow *flow = &pair->flows[direction], *other = &pair->flows[!direction];
    if (!flow->source_ended || flow->begin < flow->end) {
        return false;
    }
    if (!flow->sink_ended) {
        shutdown(*sink_of(pair, direction), SHUT_WR);
        flow->sink_ended = true;
    }
    if (direction == PROXY_TO_CLIENT || other->source_ended) { /* the server closed, or both sides did */
        close_pair(pair, false);
        return true;
    }
    return false;
}

/* ------------------------------------------------------------------ the thread */

static short wanted(const struct proxy *proxy, const struct pair *pair, enum proxy_direction direction, bool sending)
{
    const struct flow *flow = &pair->flows[direction];
    bool holds = flow->begin < flow->end;
    if (sending) {
        return holds && flow->due_ms <= clock_ms() ? POLLOUT : 0;
    }
    return !holds && !flow->source_ended && !fault_of(proxy, pair, direction)->stall ? POLLIN : 0;
}

static void serve(struct proxy *proxy, struct pair *pair)
{
    for (unsigned i = 0; i < 2; i++) {
        enum proxy_direction direction = (enum proxy_direction)i;
        struct flow *flow = &pair->flows[direction];
        if (cut(proxy, pair, direction)) {
            return;
        }
        if (flow->begin == flow->end && wanted(proxy, pair, direction, false) != 0) {
            take(proxy, pair, direction);
        }
        if (flow->begin < flow->end && flow->due_ms <= clock_ms()) {
            hand_on(proxy, pair, direction);
        }
        if (cut(proxy, pair, direction) || pass_end(pair, direction)) {
            return;
        }
    }
}

static void serve_all(struct proxy *proxy)
{
    for (size_t i = 0; i < PAIRS_MAX; i++) {
        struct pair *pair = proxy->pairs[i];
        if (pair == NULL) {
            continue;
        }
        serve(proxy, pair);
        if (pair->client < 0) {
            free(pair);
            proxy->pairs[i] = NULL;
        }
    }
}

/* What to wait for: the listener, news, and two descriptors of each connection. */
static nfds_t gather(struct proxy *proxy, struct pollfd *watched, int *timeout_ms)
{
    nfds_t count = 2;
    watched[0] = (struct pollfd){proxy->listener, POLLIN, 0};
    watched[1] = (struct pollfd){proxy->news, POLLIN, 0};
    *timeout_ms = -1;
    for (size_t i = 0; i < PAIRS_MAX; i++) {
        const struct pair *pair = proxy->pairs[i];
        if (pair == NULL) {
            continue;
        }
        for (int direction = 0; direction < 2; direction++) {
            const struct flow *flow = &pair->flows[direction];
            *timeout_ms = flow->begin < flow->end && flow->due_ms > clock_ms() ? TICK_MS : *timeout_ms;
        }
        enum proxy_direction to_server = PROXY_TO_SERVER, to_client = PROXY_TO_CLIENT;
        short client = (short)(wanted(proxy, pair, to_server, false) | wanted(proxy, pair, to_client, true));
        short server = (short)(wanted(proxy, pair, to_client, false) | wanted(proxy, pair, to_server, true));
        /* A descriptor that nothing is wanted of is left out: poll would tell of its end again and again. */
        watched[count++] = (struct pollfd){client != 0 ? pair->client : -1, client, 0};
        watched[count++] = (struct pollfd){server != 0 ? pair->server : -1, server, 0};
    }
    return count;
}

static void *run(void *context)
{
    struct proxy *proxy = context;
    struct pollfd watched[2 + 2 * PAIRS_MAX];
    pthread_mutex_lock(&proxy->lock);
    while (!proxy->ending) {
        int timeout_ms;
        uint64_t news;
        nfds_t count = gather(proxy, watched, &timeout_ms);
        pthread_mutex_unlock(&proxy->lock);
        poll(watched, count, timeout_ms);
        pthread_mutex_lock(&proxy->lock);
        if (watched[1].revents != 0 && read(proxy->news, &news, sizeof news) < 0) {
            break;
        }
        if (watched[0].revents != 0) {
            accept_one(proxy);
        }
        serve_all(proxy);
    }
    pthread_mutex_unlock(&proxy->lock);
    return NULL;
}

/* ------------------------------------------------------------------ the test's side */

struct proxy *proxy_start(const emc_address *target)
{
    struct proxy *proxy = calloc(1, sizeof *proxy);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    assert_non_null(proxy);
    proxy->target = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)target->port)};
    assert_int_equal(inet_pton(AF_INET, target->host, &proxy->target.sin_addr), 1);
    proxy->news = eventfd(0, EFD_CLOEXEC);
    proxy->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(proxy->news >= 0 && proxy->listener >= 0);
    assert_int_equal(bind(proxy->listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(proxy->listener, 64), 0);
    assert_int_equal(getsockname(proxy->listener, (struct sockaddr *)&address, &length), 0);
    proxy->port = ntohs(address.sin_port);
    strcpy(proxy->host, "127.0.0.1");
    pthread_mutex_init(&proxy->lock, NULL);
    assert_int_equal(pthread_create(&proxy->thread, NULL, run, proxy), 0);
    return proxy;
}

emc_address proxy_address(const struct proxy *proxy)
{
    return emc_address_tcp(proxy->host, proxy->port);
}

/* Ends a change that was made under the lock: the thread looks at it. */
static void unlock_and_tell(struct proxy *proxy)
{
    uint64_t one = 1;
    pthread_mutex_unlock(&proxy->lock);
    assert_int_equal(write(proxy->news, &one, sizeof one), sizeof one);
}

void proxy_spoil(struct proxy *proxy, enum proxy_direction direction, const struct proxy_fault *fault)
{
    pthread_mutex_lock(&proxy->lock);
    proxy->faults[direction] = fault != NULL ? *fault : (struct proxy_fault){.piece = 0};
    for (size_t i = 0; i < PAIRS_MAX; i++) {
        if (proxy->pairs[i] != NULL) {
            proxy->pairs[i]->flows[direction].counted = 0;
        }
    }
    unlock_and_tell(proxy);
}

void proxy_heal(struct proxy *proxy)
{
    proxy_spoil(proxy, PROXY_TO_SERVER, NULL);
    proxy_spoil(proxy, PROXY_TO_CLIENT, NULL);
}

void proxy_refuse(struct proxy *proxy, bool refuse)
{
    pthread_mutex_lock(&proxy->lock);
    proxy->refuse = refuse;
    unlock_and_tell(proxy);
}

static void end_pairs(struct proxy *proxy, bool reset)
{
    for (size_t i = 0; i < PAIRS_MAX; i++) {
        if (proxy->pairs[i] != NULL) {
            close_pair(proxy->pairs[i], reset);
            free(proxy->pairs[i]);
            proxy->pairs[i] = NULL;
        }
    }
}

void proxy_end_connections(struct proxy *proxy, bool reset)
{
    pthread_mutex_lock(&proxy->lock);
    end_pairs(proxy, reset);
    unlock_and_tell(proxy);
}

uint32_t proxy_accepted(struct proxy *proxy)
{
    pthread_mutex_lock(&proxy->lock);
    uint32_t accepted = proxy->accepted;
    pthread_mutex_unlock(&proxy->lock);
    return accepted;
}

uint64_t proxy_passed(struct proxy *proxy, enum proxy_direction direction)
{
    pthread_mutex_lock(&proxy->lock);
    uint64_t passed = proxy->passed[direction];
    pthread_mutex_unlock(&proxy->lock);
    return passed;
}

void proxy_end(struct proxy *proxy)
{
    pthread_mutex_lock(&proxy->lock);
    proxy->ending = true;
    unlock_and_tell(proxy);
    pthread_join(proxy->thread, NULL);
    end_pairs(proxy, true);
    close(proxy->listener);
    close(proxy->news);
    pthread_mutex_destroy(&proxy->lock);
    free(proxy);
}
