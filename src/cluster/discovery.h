/* Autodiscovery: the list of nodes follows what a configuration endpoint, or DNS, says. */
#ifndef EMC_CLUSTER_DISCOVERY_H
#define EMC_CLUSTER_DISCOVERY_H

#include "cluster/cluster.h"

struct emc__discovery;

struct emc__discovery_listener {
    /* A new list. Returns what became of it. */
    emc_status (*found)(void *context, const emc_weighted_address *nodes, size_t count, emc_error *error);
    /* No usable answer; the endpoint asked. */
    void (*failed)(void *context, const emc_address *endpoint, emc_status status, const char *message);
    /* Whether a node does not answer: then the list may be out of date. */
    bool (*troubled)(void *context);
};

/* Begins to ask the endpoints (validated) in turn. NULL without memory. */
struct emc__discovery *emc__discovery_create(struct emc__engine *engine, const emc_weighted_address *endpoints, size_t count,
                                             const struct emc__discovery_listener *listener, void *context);
/* Ends it; nothing is told after. Accepts NULL. */
void emc__discovery_destroy(struct emc__discovery *discovery);
/* Whether every endpoint has said that it knows of no configuration: asking again is in vain. */
bool emc__discovery_hopeless(const struct emc__discovery *discovery);
/* A node has stopped answering: ask now rather than at the next interval, the endpoint's name looked up anew. */
void emc__discovery_hurry(struct emc__discovery *discovery);
/* In a child of fork. */
void emc__discovery_after_fork(struct emc__discovery *discovery);

#endif
