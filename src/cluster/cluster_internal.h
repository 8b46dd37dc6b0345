/* The parts of a cluster, for the files of this folder alone. */
#ifndef EMC_CLUSTER_CLUSTER_INTERNAL_H
#define EMC_CLUSTER_CLUSTER_INTERNAL_H

#include "cluster/cluster.h"
#include "cluster/discovery.h"
#include "cluster/events.h"
#include "routing/routing.h"

struct emc__cluster {
    struct emc__engine *engine;
    struct emc__cluster_hooks hooks;
    struct emc__node **members;      /* in the order configured */
    size_t count;
    struct emc__node **leaving;      /* removed, being drained; room for leaving_capacity */
    size_t leaving_count, leaving_capacity;
    struct emc__router *router;      /* NULL: no node is available */
    uint32_t *routed;                /* the router's index → index into members */
    size_t routed_count;
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

/* management.c */
emc_cluster_management *emc__view_create(struct emc__cluster *cluster);
/* Keeps the last state: the cluster goes. */
void emc__view_detach(emc_cluster_management *view);

#endif
