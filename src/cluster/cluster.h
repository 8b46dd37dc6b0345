/* The cluster: its members, which of them has a key, and the management view. The layer's outward header. Knows no commands. */
#ifndef EMC_CLUSTER_CLUSTER_H
#define EMC_CLUSTER_CLUSTER_H

#include "node/engine.h"
#include "node/node.h"

struct emc__cluster;

struct emc__cluster_hooks {
    /* Takes in what is ready, for the view; may be NULL. */
    void (*take_in)(void *context);
    void *context;
};

/* EMC_OK, EMC_ERROR_ARGUMENT, EMC_ERROR_DUPLICATE, EMC_ERROR_MEMORY. Begins to connect. */
emc_status emc__cluster_create(struct emc__engine *engine, const struct emc__cluster_hooks *hooks,
                               const emc_weighted_address *nodes, size_t count, struct emc__cluster **cluster_out, emc_error *error);
/* Whether there is a list of nodes: EMC_OK; with autodiscovery and no answer yet EMC_ERROR_NO_NODES and, once an attempt failed, its words. */
emc_status emc__cluster_discovered(const struct emc__cluster *cluster, emc_error *error);
/* First step of the end: every node is destroyed, its operations completed; the view keeps the last state. */
void emc__cluster_close(struct emc__cluster *cluster);
/* Second step: the memory. */
void emc__cluster_free(struct emc__cluster *cluster);

/* The node that an operation on this routing key goes to; NULL: none is available. */
struct emc__node *emc__cluster_pick(const struct emc__cluster *cluster, struct emc__slice routing_key);
/* The node of that address; NULL: no such node. */
struct emc__node *emc__cluster_find(const struct emc__cluster *cluster, const emc_address *address);
size_t emc__cluster_count(const struct emc__cluster *cluster);
struct emc__node *emc__cluster_member(const struct emc__cluster *cluster, size_t index);
/* Delivers the events that happened, in order. True: something was delivered. */
bool emc__cluster_deliver_events(struct emc__cluster *cluster);
void emc__cluster_after_fork(struct emc__cluster *cluster);

/* The view, borrowed. */
emc_cluster_management *emc__cluster_view(const struct emc__cluster *cluster);

/* Whether an address can be a node's; words in *error name the argument. */
emc_status emc__address_validate(const emc_address *address, emc_error *error);

#endif
