/* The cluster: its members, which of them has a key, and the management view. The layer's outward header. Knows no commands. */
#ifndef EMC_CLUSTER_CLUSTER_H
#define EMC_CLUSTER_CLUSTER_H

#include "base/rare.h"
#include "node/engine.h"
#include "node/node.h"

struct emc__cluster;

struct emc__cluster_hooks {
    /* Takes in what is ready, for the view; may be NULL. */
    void (*take_in)(void *context);
    /* Around each change of the membership that comes through the view; may be NULL. */
    void (*change_begins)(void *context);
    void (*change_ends)(void *context);
    void *context;
};

/* Addresses are borrowed until create returns. */
struct emc__cluster_setup {
    struct emc__cluster_hooks hooks;
    const emc_weighted_address *nodes; /* or the endpoints of autodiscovery */
    size_t count;
    const emc_weighted_address *gutter; /* for EMC_FAILOVER_GUTTER */
    size_t gutter_count;
};

/* EMC_OK, EMC_ERROR_ARGUMENT, EMC_ERROR_DUPLICATE, EMC_ERROR_MEMORY. Begins to connect. */
emc_status emc__cluster_create(struct emc__engine *engine, const struct emc__cluster_setup *setup,
                               struct emc__cluster **cluster_out, emc_error *error);
/* Whether there is a list of nodes: EMC_OK; with autodiscovery and no answer yet EMC_ERROR_NO_NODES and, once an attempt failed, its
 * words; EMC_ERROR_UNSUPPORTED when no answer is to be hoped for. */
emc_status emc__cluster_discovered(const struct emc__cluster *cluster, emc_error *error);
/* First step of the end: every node is destroyed, its operations completed; the view keeps the last state. */
void emc__cluster_close(struct emc__cluster *cluster);
/* Second step: the memory. */
void emc__cluster_free(struct emc__cluster *cluster);

/* Which node an operation goes to. */
struct emc__route {
    struct emc__node *node; /* NULL: none is available */
    struct emc__node *home; /* the node that the key belongs to; another one while that is down and failover allows it */
};

EMC__HOT struct emc__route emc__cluster_route(const struct emc__cluster *cluster, struct emc__slice routing_key);
/* The same for up to EMC__ROUTES_AT_ONCE keys, which some kinds of routing find together in less time than one by one. */
#define EMC__ROUTES_AT_ONCE 32
void emc__cluster_route_many(const struct emc__cluster *cluster, const struct emc__slice *routing_keys, size_t count,
                             struct emc__route *routes_out);
/* The node of that address; NULL: no such node. */
struct emc__node *emc__cluster_find(const struct emc__cluster *cluster, const emc_address *address);
/* The same, nodes of the gutter included. */
struct emc__node *emc__cluster_find_any(const struct emc__cluster *cluster, const emc_address *address);
/* How many nodes there are, with those of the gutter. */
size_t emc__cluster_count_all(const struct emc__cluster *cluster);
/* Delivers the events that happened, in order. True: something was delivered. */
bool emc__cluster_deliver_events(struct emc__cluster *cluster);
/* Whether that has something to do. */
bool emc__cluster_events_wait(const struct emc__cluster *cluster);
/* What kept nodes down was put right: attempts begin at once. */
void emc__cluster_hurry(struct emc__cluster *cluster);
void emc__cluster_after_fork(struct emc__cluster *cluster);

/* Says that the node is none of the cluster's. */
EMC__RARE emc_status emc__cluster_unknown(const emc_address *node, emc_error *error);
/* The view, borrowed. */
emc_cluster_management *emc__cluster_view(const struct emc__cluster *cluster);

/* Whether an address can be a node's; words in *error name the argument. */
emc_status emc__address_validate(const emc_address *address, emc_error *error);

#endif
