/* The engine's transport in the simulated world, and the loop that drives a client on it: each pass makes the upcalls that are due, in an order of
 * chance, and ends with emc__client_process().
 *
 * It also watches that its user keeps the contract of transport.h: nothing of a socket after its abort, no send before it is connected, no
 * spinning, and nothing left at the end. */
#ifndef SIM_TRANSPORT_H
#define SIM_TRANSPORT_H

#include "names.h"
#include "network.h"

struct sim_transport;

enum sim_socket_state { SIM_SOCKET_CONNECTING,
                        SIM_SOCKET_CONNECTED,
                        SIM_SOCKET_FAILED,
                        SIM_SOCKET_ABORTED };

struct sim_transport {
    struct emc__transport base; /* first: the engine's view */
    struct sim_world *world;
    struct sim_network *network;
    struct sim_names *names;
    /* What ends a pass: the client's process (or nothing, in tests of the transport alone). */
    void (*process)(void *context, uint64_t now_ns);
    bool (*unflushed)(void *context); /* a pass is wanted because something was submitted */
    void *context;
    struct emc__socket *sockets; /* live ones */
    struct emc__lookup *lookups; /* that run */
    uint32_t socket_count, lookup_count, sockets_made;
    struct sim_event pass, wake;
    uint64_t last_pass_ns;
    uint64_t paused_until_ns; /* the client's process stands still until then */
    uint64_t clock_ahead_ns;  /* the client's clock is that much ahead of the world's */
    uint64_t wake_slack_ns;   /* wakes come up to this much late */
    bool wake_due, in_upcall;
    uint32_t connect_errors;   /* so many connects and look-ups fail at once (EMFILE) */
    uint32_t short_io_percent; /* how often send and recv move less than they could */
    uint32_t idle_wakes;       /* wakes in a row that came without the clock having moved */
    uint64_t last_wake_ns;
    uint64_t passes;
    char error[96];
};

void sim_transport_init(struct sim_transport *transport, struct sim_world *world, struct sim_network *network, struct sim_names *names);
/* Asks for a pass as soon as the client's process runs. */
void sim_transport_request_pass(struct sim_transport *transport);
/* The client's process stands still: no pass before `until_ns`. */
void sim_transport_pause(struct sim_transport *transport, uint64_t until_ns);
/* The client's clock leaps ahead, as a suspended machine's may. */
void sim_transport_leap(struct sim_transport *transport, uint64_t by_ns);
static inline uint64_t sim_transport_now(const struct sim_transport *transport)
{
    return transport->world->now_ns + transport->clock_ahead_ns;
}
/* Look-ups of the name that would never be answered are answered now: a resolver asks again by itself. */
void sim_transport_retry_lookups(struct sim_transport *transport, const struct sim_name *name);
/* The link of a live socket, for tests; NULL when there is no such socket. */
struct sim_link *sim_transport_link(const struct sim_transport *transport, uint32_t index);

#endif
