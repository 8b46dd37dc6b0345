/* The transport of the simulated world: see sim_transport.h. Sockets and look-ups live as long as the world, so that use after the end is seen
 * rather than crashing. */
#include "sim_transport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"

#define PASS_NS        SIM_US /* what a pass of the loop takes at least */
#define IDLE_MAX       200    /* upcalls in a row that the engine may leave without an answer */
#define SNAPSHOT_MAX   256
#define HANDED_MAX     16384 /* bytes received for the engine at once, as a blocking wait does … */
#define HANDED_PERCENT 30    /* … and how often it comes to that */

struct emc__socket {
    struct sim_transport *transport;
    struct emc__socket *next, *previous;
    struct sim_link *link;
    const struct emc__socket_listener *listener;
    void *context;
    enum sim_socket_state state;
    const char *failure;
    const char *error;
    uint32_t number;
    uint32_t idle; /* upcalls without an answer */
    bool want_read, want_write;
    bool tell;    /* connected or failed is not yet told */
    bool blocked; /* the last send found no room */
};

struct emc__lookup {
    struct sim_transport *transport;
    struct emc__lookup *next, *previous;
    struct sim_event event;
    struct sim_name *name;
    emc__lookup_callback *callback;
    void *context;
    uint16_t port;
    bool due, over;
    bool lacks; /* a descriptor */
};

static void run_pass(struct sim_event *event);

static struct sim_transport *of(struct emc__transport *transport)
{
    return EMC__CONTAINER_OF(transport, struct sim_transport, base);
}

void sim_transport_request_pass(struct sim_transport *transport)
{
    uint64_t at = transport->last_pass_ns + PASS_NS;
    at = at < transport->world->now_ns ? transport->world->now_ns : at;
    at = at < transport->paused_until_ns ? transport->paused_until_ns : at;
    if (!sim_event_is_set(&transport->pass) || transport->pass.at_ns > at) {
        sim_event_set(transport->world, &transport->pass, run_pass, at);
    }
}

void sim_transport_pause(struct sim_transport *transport, uint64_t until_ns)
{
    sim_trace(transport->world, "fault: the client's process stands still for %.1f ms",
              (double)(until_ns - transport->world->now_ns) / 1e6);
    transport->paused_until_ns = until_ns > transport->paused_until_ns ? until_ns : transport->paused_until_ns;
    sim_event_set(transport->world, &transport->pass, run_pass, transport->paused_until_ns);
}

/* ------------------------------------------------------------------ from the network */

static void link_established(void *context)
{
    struct emc__socket *socket = context;
    socket->state = SIM_SOCKET_CONNECTED;
    socket->tell = true;
    sim_transport_request_pass(socket->transport);
}

static void link_failed(void *context, const char *words)
{
    struct emc__socket *socket = context;
    socket->state = SIM_SOCKET_FAILED;
    socket->failure = words;
    socket->tell = true;
    sim_transport_request_pass(socket->transport);
}

static bool can_read(const struct emc__socket *socket)
{
    return socket->state == SIM_SOCKET_CONNECTED &&
           (sim_pipe_available(&socket->link->down) > 0 || sim_pipe_met(&socket->link->down) != SIM_END_NONE);
}

static bool can_write(const struct emc__socket *socket)
{
    return socket->state == SIM_SOCKET_CONNECTED &&
           (sim_pipe_room(&socket->link->up) > 0 || sim_pipe_met(&socket->link->down) == SIM_END_RESET);
}

static bool is_ready(const struct emc__socket *socket)
{
    return socket->tell || (socket->want_read && can_read(socket)) || (socket->want_write && can_write(socket));
}

static void link_ready(void *context)
{
    struct emc__socket *socket = context;
    if (is_ready(socket)) {
        sim_transport_request_pass(socket->transport);
    }
}

static const struct sim_client_end client_end = {link_established, link_failed, link_ready};

static void wake_now(struct sim_event *event);

void sim_transport_leap(struct sim_transport *transport, uint64_t by_ns)
{
    sim_trace(transport->world, "fault: the client's clock leaps by %.1f ms", (double)by_ns / 1e6);
    transport->clock_ahead_ns += by_ns;
    if (sim_event_is_set(&transport->wake)) {
        uint64_t at_ns = transport->wake.at_ns > by_ns ? transport->wake.at_ns - by_ns : 0;
        sim_event_set(transport->world, &transport->wake, wake_now, at_ns);
    }
}

/* ------------------------------------------------------------------ down calls: sockets */

/* False, and a problem, when the call is not allowed on this socket now. */
static bool allowed(const struct emc__socket *socket, enum sim_socket_state state, const char *call)
{
    if (socket->state == SIM_SOCKET_ABORTED) {
        sim_problem(socket->transport->world, "transport: %s on socket %u after its abort", call, socket->number);
        return false;
    }
    if (state == SIM_SOCKET_CONNECTED && (socket->state != SIM_SOCKET_CONNECTED || socket->tell)) {
        sim_problem(socket->transport->world, "transport: %s on socket %u before it is connected", call,
                    socket->number);
        return false;
    }
    return true;
}

static emc_status refuse_connect(struct sim_transport *transport, emc_status status, const char *words)
{
    snprintf(transport->error, sizeof transport->error, "%s", words);
    return status;
}

static emc_status connect_(struct emc__transport *base, const struct emc__endpoint *endpoint, const char *tls_name,
                           const struct emc__socket_listener *listener, void *context, struct emc__socket **socket_out)
{
    struct sim_transport *transport = of(base);
    (void)tls_name;
    if (transport->connect_errors > 0) {
        transport->connect_errors--;
        return refuse_connect(transport, EMC_ERROR_FULL, "Too many open files");
    }
    struct emc__socket *socket = sim_world_keep(transport->world, sizeof *socket);
    socket->link = sim_link_connect(transport->network, endpoint, &client_end, socket);
    if (socket->link == NULL) {
        return refuse_connect(transport, EMC_ERROR_CONNECT, "Network is unreachable");
    }
    socket->transport = transport;
    socket->listener = listener;
    socket->context = context;
    socket->error = "";
    socket->number = ++transport->sockets_made;
    socket->next = transport->sockets;
    if (socket->next != NULL) {
        socket->next->previous = socket;
    }
    transport->sockets = socket;
    transport->socket_count++;
    *socket_out = socket;
    return EMC_OK;
}

static void adopt(struct emc__socket *socket, const struct emc__socket_listener *listener, void *context)
{
    if (allowed(socket, SIM_SOCKET_CONNECTING, "adopt")) {
        socket->listener = listener;
        socket->context = context;
    }
}

/* Now and then less is moved than could be, as a kernel may do. */
static size_t shorten(struct sim_transport *transport, size_t length)
{
    if (length > 1 && transport->short_io_percent > 0 && sim_chance(transport->world, transport->short_io_percent)) {
        return 1 + (size_t)emc__random_below(&transport->world->random, length - 1);
    }
    return length;
}

static size_t total_of_slices(const struct emc__slice *slices, size_t count)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        total += slices[i].length;
    }
    return total;
}

static enum emc__io send_(struct emc__socket *socket, const struct emc__slice *slices, size_t count, size_t *sent_out)
{
    if (!allowed(socket, SIM_SOCKET_CONNECTED, "send")) {
        return EMC__IO_ERROR;
    }
    socket->idle = 0;
    if (sim_pipe_met(&socket->link->down) == SIM_END_RESET) {
        socket->error = "Connection reset by peer";
        return EMC__IO_ERROR;
    }
    size_t allowance = shorten(socket->transport, total_of_slices(slices, count)), sent = 0;
    for (size_t i = 0; i < count && sent < allowance; i++) {
        size_t length = slices[i].length < allowance - sent ? slices[i].length : allowance - sent;
        size_t taken = sim_pipe_write(&socket->link->up, slices[i].data, length);
        sent += taken;
        if (taken < length) {
            break;
        }
    }
    socket->blocked = sent == 0;
    if (sent == 0) {
        socket->link->up.refused = true;
        return EMC__IO_WOULD_BLOCK;
    }
    *sent_out = sent;
    return EMC__IO_OK;
}

static enum emc__io nothing_to_read(struct emc__socket *socket)
{
    switch (sim_pipe_met(&socket->link->down)) {
    case SIM_END_FIN:
        return EMC__IO_END;
    case SIM_END_RESET:
        socket->error = "Connection reset by peer";
        return EMC__IO_ERROR;
    case SIM_END_NONE:
        break;
    }
    return EMC__IO_WOULD_BLOCK;
}

static enum emc__io recv_(struct emc__socket *socket, const struct emc__span *spans, size_t count, size_t *received_out)
{
    if (!allowed(socket, SIM_SOCKET_CONNECTED, "recv")) {
        return EMC__IO_ERROR;
    }
    size_t allowance = shorten(socket->transport, sim_pipe_available(&socket->link->down)), received = 0;
    if (allowance == 0) {
        socket->idle = 0;
        return nothing_to_read(socket);
    }
    for (size_t i = 0; i < count && received < allowance; i++) {
        size_t length = spans[i].length < allowance - received ? spans[i].length : allowance - received;
        received += sim_pipe_read(&socket->link->down, spans[i].data, length);
    }
    if (received == 0) {
        sim_problem(socket->transport->world, "transport: recv without room on socket %u", socket->number);
        return EMC__IO_ERROR;
    }
    socket->idle = 0;
    *received_out = received;
    return EMC__IO_OK;
}

static void want(struct emc__socket *socket, bool read, bool write)
{
    if (!allowed(socket, SIM_SOCKET_CONNECTING, "want")) {
        return;
    }
    socket->want_read = read;
    socket->want_write = write;
    if (is_ready(socket)) {
        sim_transport_request_pass(socket->transport);
    }
    socket->link->up.refused |= write && sim_pipe_room(&socket->link->up) == 0;
}

static void flow(const struct emc__socket *socket, struct emc__flow *flow_out)
{
    *flow_out = (struct emc__flow){.sent = socket->link->up.written, .taken = socket->link->up.here};
    if (!allowed(socket, SIM_SOCKET_CONNECTED, "flow")) {
        *flow_out = (struct emc__flow){0};
    }
}

static void abort_(struct emc__socket *socket, bool reset)
{
    if (!allowed(socket, SIM_SOCKET_CONNECTING, "abort")) {
        return;
    }
    socket->state = SIM_SOCKET_ABORTED;
    if (socket->previous != NULL) {
        socket->previous->next = socket->next;
    } else {
        socket->transport->sockets = socket->next;
    }
    if (socket->next != NULL) {
        socket->next->previous = socket->previous;
    }
    socket->transport->socket_count--;
    sim_link_client_close(socket->link, reset);
}

static const char *error_text(struct emc__transport *base, const struct emc__socket *socket)
{
    return socket == NULL ? of(base)->error : socket->error;
}

/* ------------------------------------------------------------------ down calls: names, time */

static void lookup_due(struct sim_event *event)
{
    struct emc__lookup *lookup = EMC__CONTAINER_OF(event, struct emc__lookup, event);
    lookup->due = true;
    sim_transport_request_pass(lookup->transport);
}

static emc_status lookup_(struct emc__transport *base, enum emc__lookup_kind kind, const char *name, uint16_t port,
                          emc__lookup_callback *callback, void *context, struct emc__lookup **lookup_out)
{
    struct sim_transport *transport = of(base);
    struct sim_name *entry = sim_names_find(transport->names, name, kind);
    if (entry == NULL) {
        entry = sim_names_entry(transport->names, name, kind); /* answers that there is no such name */
    }
    entry->asked++;
    if (entry->fails_at_once) {
        return EMC_ERROR_RESOLVE;
    }
    struct emc__lookup *lookup = sim_world_keep(transport->world, sizeof *lookup);
    *lookup = (struct emc__lookup){.transport = transport,
                                   .next = transport->lookups,
                                   .name = entry,
                                   .callback = callback,
                                   .context = context,
                                   .port = port};
    if (lookup->next != NULL) {
        lookup->next->previous = lookup;
    }
    transport->lookups = lookup;
    transport->lookup_count++;
    if (transport->connect_errors > 0) {
        transport->connect_errors--;
        lookup->lacks = lookup->due = true;
        sim_transport_request_pass(transport);
    } else if (entry->delay_ns != UINT64_MAX) {
        sim_event_set(transport->world, &lookup->event, lookup_due, transport->world->now_ns + entry->delay_ns);
    }
    *lookup_out = lookup;
    return EMC_OK;
}

static void end_lookup(struct emc__lookup *lookup)
{
    lookup->over = true;
    sim_event_clear(lookup->transport->world, &lookup->event);
    if (lookup->previous != NULL) {
        lookup->previous->next = lookup->next;
    } else {
        lookup->transport->lookups = lookup->next;
    }
    if (lookup->next != NULL) {
        lookup->next->previous = lookup->previous;
    }
    lookup->transport->lookup_count--;
}

static void lookup_cancel(struct emc__transport *base, struct emc__lookup *lookup)
{
    if (lookup->over) {
        sim_problem(of(base)->world, "transport: a look-up that is over was cancelled");
        return;
    }
    end_lookup(lookup);
}

void sim_transport_retry_lookups(struct sim_transport *transport, const struct sim_name *name)
{
    for (struct emc__lookup *lookup = transport->lookups; lookup != NULL; lookup = lookup->next) {
        if (lookup->name == name && !lookup->due && !sim_event_is_set(&lookup->event)) {
            sim_event_set(transport->world, &lookup->event, lookup_due, transport->world->now_ns + SIM_MS);
        }
    }
}

static void wake_now(struct sim_event *event)
{
    struct sim_transport *transport = EMC__CONTAINER_OF(event, struct sim_transport, wake);
    transport->wake_due = true;
    sim_transport_request_pass(transport);
}

static void wake_at(struct emc__transport *base, uint64_t at_ns)
{
    struct sim_transport *transport = of(base);
    if (at_ns == UINT64_MAX) {
        sim_event_clear(transport->world, &transport->wake);
        transport->wake_due = false;
        return;
    }
    at_ns = at_ns > transport->clock_ahead_ns ? at_ns - transport->clock_ahead_ns : 0;
    if (sim_event_is_set(&transport->wake) && transport->wake.at_ns == at_ns) {
        return;
    }
    transport->wake_due = false;
    uint64_t late = emc__random_below(&transport->world->random, transport->wake_slack_ns + 1);
    sim_event_set(transport->world, &transport->wake, wake_now, at_ns + late);
}

static uint64_t now_ns(struct emc__transport *base)
{
    return sim_transport_now(of(base));
}

static const struct emc__transport_class transport_class = {
    lookup_, lookup_cancel, connect_, adopt, send_, recv_, want, flow, abort_, error_text, wake_at, now_ns};

void sim_transport_init(struct sim_transport *transport, struct sim_world *world, struct sim_network *network,
                        struct sim_names *names)
{
    memset(transport, 0, sizeof *transport);
    transport->base.class_ = &transport_class;
    transport->world = world;
    transport->network = network;
    transport->names = names;
}

/* ------------------------------------------------------------------ a pass */

static bool watch_idle(struct emc__socket *socket, const char *upcall)
{
    if (socket->state == SIM_SOCKET_CONNECTED && ++socket->idle > IDLE_MAX) {
        sim_problem(socket->transport->world, "transport: socket %u spins: %s goes without an answer", socket->number,
                    upcall);
        return false;
    }
    return true;
}

static void tell_established(struct emc__socket *socket)
{
    uint64_t now = sim_transport_now(socket->transport);
    socket->tell = false;
    if (socket->state == SIM_SOCKET_FAILED) {
        socket->listener->failed(socket->context, EMC_ERROR_CONNECT, socket->failure, now);
    } else {
        socket->listener->connected(socket->context, now);
    }
}

/* As a blocking wait does: it has received before the engine hears of it. */
static void hand_over(struct emc__socket *socket, uint64_t now_ns)
{
    uint8_t bytes[HANDED_MAX];
    size_t available = sim_pipe_available(&socket->link->down);
    size_t length = shorten(socket->transport, available < sizeof bytes ? available : sizeof bytes);
    length = sim_pipe_read(&socket->link->down, bytes, length);
    socket->idle = 0;
    socket->listener->arrived(socket->context, (struct emc__slice){bytes, length}, now_ns);
}

static void tell_readable(struct emc__socket *socket, uint64_t now_ns)
{
    bool whole = sim_pipe_available(&socket->link->down) > 0 && socket->listener->arrived != NULL;
    if (whole && sim_chance(socket->transport->world, HANDED_PERCENT)) {
        hand_over(socket, now_ns);
    } else {
        socket->listener->readable(socket->context, now_ns);
    }
}

static void upcall(struct emc__socket *socket)
{
    uint64_t now = sim_transport_now(socket->transport);
    if (socket->state == SIM_SOCKET_ABORTED) {
        return;
    }
    if (socket->tell) {
        tell_established(socket);
        return;
    }
    if (socket->want_read && can_read(socket) && watch_idle(socket, "readable")) {
        tell_readable(socket, now);
    }
    if (socket->state != SIM_SOCKET_ABORTED && socket->want_write && can_write(socket) &&
        watch_idle(socket, "writable")) {
        socket->listener->writable(socket->context, now);
    }
}

static void answer_lookup(struct emc__lookup *lookup)
{
    struct emc__endpoint endpoints[SIM_NAME_ENDPOINTS_MAX];
    const struct sim_name *name = lookup->name;
    size_t count = name->fails || lookup->lacks ? 0 : name->count;
    size_t first = name->rotates && count > 0 ? (size_t)emc__random_below(&lookup->transport->world->random, count) : 0;
    for (size_t i = 0; i < count; i++) {
        endpoints[i] = name->endpoints[(first + i) % count];
        endpoints[i].port = endpoints[i].port == 0 ? lookup->port : endpoints[i].port;
    }
    end_lookup(lookup);
    emc_status status = lookup->lacks ? EMC_ERROR_FULL : count > 0 ? EMC_OK : EMC_ERROR_RESOLVE;
    const char *words = lookup->lacks ? "Too many open files" : count > 0 ? NULL : "Name or service not known";
    lookup->callback(lookup->context, status, words, endpoints, count, 0, sim_transport_now(lookup->transport));
}

static void answer_lookups(struct sim_transport *transport)
{
    struct emc__lookup *lookup = transport->lookups;
    while (lookup != NULL) {
        if (lookup->due && !lookup->over) {
            answer_lookup(lookup);
            lookup = transport->lookups; /* anything may have changed */
        } else {
            lookup = lookup->next;
        }
    }
}

static void deliver_wake(struct sim_transport *transport)
{
    if (!transport->wake_due) {
        return;
    }
    transport->wake_due = false;
    uint64_t now = transport->world->now_ns;
    transport->idle_wakes = now < transport->last_wake_ns + 10 * PASS_NS ? transport->idle_wakes + 1 : 0;
    transport->last_wake_ns = now;
    if (transport->idle_wakes > IDLE_MAX) {
        sim_problem(transport->world, "transport: the engine asks again and again to be woken at once");
        return;
    }
    transport->base.wake(transport->base.wake_context, sim_transport_now(transport));
}

static void shuffle(struct sim_world *world, struct emc__socket **sockets, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = (size_t)emc__random_below(&world->random, i);
        struct emc__socket *other = sockets[j];
        sockets[j] = sockets[i - 1];
        sockets[i - 1] = other;
    }
}

static void make_upcalls(struct sim_transport *transport)
{
    struct emc__socket *snapshot[SNAPSHOT_MAX];
    size_t count = 0;
    for (struct emc__socket *socket = transport->sockets; socket != NULL && count < SNAPSHOT_MAX;
         socket = socket->next) {
        if (is_ready(socket)) {
            snapshot[count++] = socket;
        }
    }
    shuffle(transport->world, snapshot, count);
    bool timers_first = sim_chance(transport->world, 50);
    if (timers_first) {
        deliver_wake(transport);
    }
    for (size_t i = 0; i < count && !transport->world->failed; i++) {
        upcall(snapshot[i]);
    }
    answer_lookups(transport);
    if (!timers_first) {
        deliver_wake(transport);
    }
}

static void run_pass(struct sim_event *event)
{
    struct sim_transport *transport = EMC__CONTAINER_OF(event, struct sim_transport, pass);
    transport->last_pass_ns = transport->world->now_ns;
    transport->passes++;
    make_upcalls(transport);
    if (transport->process != NULL) {
        transport->process(transport->context, sim_transport_now(transport));
    }
    bool again = transport->wake_due || (transport->unflushed != NULL && transport->unflushed(transport->context));
    for (struct emc__socket *socket = transport->sockets; socket != NULL && !again; socket = socket->next) {
        again = is_ready(socket);
    }
    if (again) {
        sim_transport_request_pass(transport);
    }
}

struct sim_link *sim_transport_link(const struct sim_transport *transport, uint32_t index)
{
    struct emc__socket *socket = transport->sockets;
    while (socket != NULL && index-- > 0) {
        socket = socket->next;
    }
    return socket == NULL ? NULL : socket->link;
}
