/* Hosts that can be reached at an endpoint, and the links to them. A link is two pipes: up to the service, down to the client's socket.
 *
 * What can happen to a host (refuse, vanish, stop, crash) and to a link (stall, break, trickle) is said here; what is talked on a link is the
 * service's affair. */
#ifndef SIM_NETWORK_H
#define SIM_NETWORK_H

#include "pipe.h"
#include "transport/transport.h"

struct sim_link;
struct sim_host;

/* Who answers at a host: a simulated memcached, a scripted peer. `connection` is what accept returned. */
struct sim_service {
    void *(*accept)(void *context, struct sim_link *link);
    /* Bytes or an end arrived, or room came back. */
    void (*wake)(void *connection);
    /* The link is gone (the process died, or the world ends): it must not be used again. */
    void (*gone)(void *connection);
};

enum sim_reach {
    SIM_REACH_UP,      /* connections are established */
    SIM_REACH_REFUSES, /* no process listens: connection refused */
    SIM_REACH_SILENT   /* nothing answers: not even the SYN */
};

/* The client's side of a link, told as the network sees it; the transport turns it into upcalls in its own pass. */
struct sim_client_end {
    void (*established)(void *context);
    void (*failed)(void *context, const char *words);
    void (*ready)(void *context); /* something can be read or written now */
};

struct sim_link {
    struct sim_network *network;
    struct sim_host *host;
    struct sim_link *next; /* of the host */
    struct sim_pipe up, down;
    const struct sim_client_end *client;
    void *client_context;
    void *connection; /* the service's; NULL before it was accepted and after it is gone */
    struct sim_event connect_event;
    uint32_t number;
    uint32_t syn_count;
    bool accepted, established;
    bool orphaned;    /* the host forgot it: whatever it hears is answered by a reset */
    bool client_done; /* the client has aborted its side */
};

struct sim_host {
    struct sim_network *network;
    struct sim_host *next;
    struct emc__endpoint endpoint;
    const char *name; /* for the trace */
    const struct sim_service *service;
    void *service_context;
    enum sim_reach reach;
    bool black;                /* no packet passes either way; links outlive it */
    struct sim_line line;      /* of links to come */
    uint64_t connect_extra_ns; /* a slow handshake */
    uint64_t break_down_after; /* links to come break after so many bytes of replies; 0: don't */
    enum sim_end break_end;
    struct sim_link *links;
    uint32_t accepted; /* links so far */
    uint32_t live;     /* links that the service holds */
};

struct sim_network {
    struct sim_world *world;
    struct sim_host *hosts;
    uint32_t links; /* numbers them */
};

void sim_network_init(struct sim_network *network, struct sim_world *world);
/* Ends every link. */
void sim_network_deinit(struct sim_network *network);

/* A host that is up, with a line of 100 us. The endpoint is copied. */
struct sim_host *sim_network_add_host(struct sim_network *network, const struct emc__endpoint *endpoint, const char *name,
                                      const struct sim_service *service, void *service_context);
struct emc__endpoint sim_endpoint_ipv4(uint32_t address, uint16_t port);
struct emc__endpoint sim_endpoint_ipv6(uint8_t last, uint16_t port);
struct emc__endpoint sim_endpoint_unix(const char *path);

/* ------------------------------------------------------------------ faults of a host */

/* The process dies: its links end (in order, or by reset) and connections are refused. */
void sim_host_die(struct sim_host *host, enum sim_end end);
/* The machine is gone without a word: links stay open at the client and hear nothing; SYNs are not answered. */
void sim_host_vanish(struct sim_host *host);
/* The machine is back, with a process that knows none of the old links. */
void sim_host_return(struct sim_host *host);
/* Links that the machine has forgotten are reset now, as the client's kernel finds out when it probes them. */
void sim_host_reset_half_open(struct sim_host *host);
/* Packets pass no more (true), or again: what was under way then arrives. */
void sim_host_black(struct sim_host *host, bool black);
/* Every link's reply direction ends after `offset` more bytes. */
void sim_host_break(struct sim_host *host, uint64_t offset, enum sim_end end);
/* Changes the line of all links, and of those to come. */
void sim_host_set_line(struct sim_host *host, const struct sim_line *line);

/* ------------------------------------------------------------------ the client's side */

struct sim_link *sim_link_connect(struct sim_network *network, const struct emc__endpoint *endpoint,
                                  const struct sim_client_end *client, void *client_context);
/* The client closes, in order or by reset. No call to the client end after it. */
void sim_link_client_close(struct sim_link *link, bool reset);

/* ------------------------------------------------------------------ the service's side */

/* The service closes. `gone` is not called for it. */
void sim_link_service_close(struct sim_link *link, enum sim_end end);

#endif
