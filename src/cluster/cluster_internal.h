/* The parts of a cluster, for the files of this folder alone. */
#ifndef EMC_CLUSTER_CLUSTER_INTERNAL_H
#define EMC_CLUSTER_CLUSTER_INTERNAL_H

#include "cluster/cluster.h"
#include "cluster/discovery.h"
#include "cluster/events.h"
#include "routing/routing.h"

/* The nodes that stand in for others (failover.c). */
struct emc__gutter {
    struct emc__node **nodes;
    size_t count;
    struct emc__router *router;
};

struct emc__cluster {
    struct emc__engine *engine;
    struct emc__cluster_hooks hooks;
    struct emc__node **members; /* in the order configured */
    size_t count;
    struct emc__node **leaving; /* removed, being drained; room for leaving_capacity */
    size_t leaving_count, leaving_capacity;
    struct emc__router *router; /* NULL: no node is available */
    uint32_t *routed;           /* the router's index → index into members */
    size_t routed_count;
    bool route_stale; /* the router could not follow a node's health, for want of memory */
    struct emc__gutter gutter;
    struct emc__events events;
    emc_cluster_management *view;
    struct emc__discovery *discovery; /* NULL: the list is as it was given, or set */
    emc_error discovery_error;        /* the last failure, while nothing has been discovered */
    bool closed;
};

/* membership.c */
emc_status emc__membership_replace(struct emc__cluster *cluster, const emc_weighted_address *nodes, size_t count, emc_error *error);
/* Whether a list can be a cluster's (or its endpoints). */
emc_status emc__membership_validate(const emc_weighted_address *nodes, size_t count, emc_error *error);
/* Builds the router anew; on failure the old one stays. */
emc_status emc__membership_route(struct emc__cluster *cluster);
void emc__membership_release(struct emc__cluster *cluster);

/* failover.c */
emc_status emc__gutter_open(struct emc__cluster *cluster, const emc_weighted_address *nodes, size_t count,
                            emc_error *error);
/* Its nodes are destroyed. */
void emc__gutter_close(struct emc__cluster *cluster);
void emc__gutter_release(struct emc__cluster *cluster);
struct emc__node *emc__gutter_find(const struct emc__cluster *cluster, const emc_address *address);

/* management.c */
emc_cluster_management *emc__view_create(struct emc__cluster *cluster);
/* Keeps the last state: the cluster goes. */
void emc__view_detach(emc_cluster_management *view);

#endif
