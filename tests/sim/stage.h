/* A stage: a world with servers, names, a network and a client on them, and the calls that a program makes. Scenarios and random programs both play
 * on it. */
#ifndef SIM_STAGE_H
#define SIM_STAGE_H

#include "client/client.h"
#include "memory.h"
#include "model.h"
#include "server.h"
#include "sim_transport.h"

/* A node as the client is given it. */
struct sim_node {
    emc_address address;
    struct sim_name *name;     /* NULL: a literal address or a unix socket */
    struct sim_server *server; /* NULL: a scripted peer's */
    struct sim_host *host;
    bool healthy;   /* as events tell */
    uint32_t turns; /* events of health so far */
};

struct sim_stage {
    struct sim_world world;
    struct sim_network network;
    struct sim_names names;
    struct sim_transport transport;
    struct sim_memory memory;
    struct sim_model model;
    struct sim_server *servers[SIM_SERVERS_MAX];
    uint32_t server_count;
    struct sim_node nodes[SIM_NODES_MAX];
    uint32_t node_count;
    uint32_t member_count;            /* the client is given the first so many; 0: all */
    struct sim_server *configuration; /* that tells the client which nodes there are; NULL: they are given */
    emc_address configuration_address;
    struct sim_name *directory; /* or a name whose records are the nodes; NULL: they are given */
    emc_options options;
    emc_client *client; /* NULL before it is opened and after it was destroyed */
    emc_cluster_management *view;
    bool closing;        /* a destroy is under way: operations end as cancelled */
    uint64_t flushed_ns; /* the client's time at its last pass or flush */
    uint32_t callbacks;  /* on the stack now */
    uint32_t events;     /* of the cluster, so far */
    uint32_t rooms;      /* on_room calls so far */
    emc_cluster_event_kind last_event;
    /* What a program does at an event; may be NULL. */
    void (*on_event)(struct sim_stage *stage, const emc_cluster_event *event);
    void (*on_done)(struct sim_stage *stage, struct sim_call *call);
    void (*on_midway)(struct sim_stage *stage, struct sim_call *call); /* at a result that is not the last */
    void *program;
};

void sim_stage_init(struct sim_stage *stage, uint64_t seed, bool trace);
/* Ends everything, and looks whether anything is left. */
void sim_stage_deinit(struct sim_stage *stage);

/* A memcached at an endpoint of its own. */
struct sim_server *sim_stage_add_server(struct sim_stage *stage, const char *name, const struct emc__endpoint *endpoint, struct sim_host **host_out);
/* A node for the client; server and host may be NULL. The strings of the address are kept. */
struct sim_node *sim_stage_add_node(struct sim_stage *stage, const emc_address *address, struct sim_server *server, struct sim_host *host);
/* A memcached and its node in one: "10.0.0.N". */
struct sim_node *sim_stage_add_plain_node(struct sim_stage *stage);
/* A configuration endpoint: the client is given it alone, and asks it for the nodes. */
void sim_stage_add_configuration(struct sim_stage *stage);
/* A name whose address records, or service records (whose targets are names), are the nodes: the client is given it alone, and looks it up. */
void sim_stage_add_directory(struct sim_stage *stage, enum emc__lookup_kind kind);
/* Whether the client finds its nodes by itself. */
static inline bool sim_stage_discovers(const struct sim_stage *stage)
{
    return stage->configuration != NULL || stage->directory != NULL;
}
/* A new version of the configuration, or of the records: all nodes but one (UINT32_MAX: all). */
void sim_stage_configure(struct sim_stage *stage, uint32_t without);
/* The address of node N in the network. */
struct emc__endpoint sim_stage_endpoint(uint32_t number);

/* Opens the client on the first `count` nodes (0: all) with stage->options. */
emc_status sim_stage_open(struct sim_stage *stage, uint32_t count, emc_error *error);
/* Destroys the client (harmless when it is gone). */
void sim_stage_close(struct sim_stage *stage);

/* Submits a call that the model made; its fields say what. True when it was accepted. */
bool sim_stage_submit(struct sim_stage *stage, struct sim_call *call);
/* The end of a tick: what was submitted is written. */
void sim_stage_end_tick(struct sim_stage *stage);
bool sim_stage_cancel(struct sim_stage *stage, struct sim_call *call);

/* Lets the world go on: for so long, or until the call is done (at most so long; false: it is not). Stops at the first problem. */
void sim_stage_run(struct sim_stage *stage, uint64_t duration_ns);
bool sim_stage_run_until_done(struct sim_stage *stage, const struct sim_call *call, uint64_t most_ns);
/* The node as the view says now. */
bool sim_stage_healthy(struct sim_stage *stage, const struct sim_node *node);

#endif
