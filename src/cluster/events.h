/* What happens to nodes, told to subscribers in order, one at a time, never from inside the call that caused it. */
#ifndef EMC_CLUSTER_EVENTS_H
#define EMC_CLUSTER_EVENTS_H

#include "node/engine.h"

struct emc__events {
    struct emc__engine *engine;
    struct emc__list queue;       /* of struct emc__event */
    struct emc__list subscribers; /* of struct emc__subscriber */
    uint64_t next_subscription;
    bool delivering;
    bool begun; /* what comes now is a change: the list that a client is created with is not logged */
};

void emc__events_init(struct emc__events *events, struct emc__engine *engine);
void emc__events_deinit(struct emc__events *events);
/* Queues an event; without memory it is lost, which is logged. Nothing is queued when nobody listens. */
void emc__events_add(struct emc__events *events, emc_cluster_event_kind kind, const emc_address *node, uint32_t weight, const char *reason);
bool emc__events_deliver(struct emc__events *events);
emc_status emc__events_subscribe(struct emc__events *events, emc_cluster_event_callback *callback, void *user_data, uint64_t *subscription_out);
emc_status emc__events_unsubscribe(struct emc__events *events, uint64_t subscription);

#endif
