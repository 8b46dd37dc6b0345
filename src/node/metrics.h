/* What a node counts: its pool's life, its operations, and how long both take. Reads no clock. */
#ifndef EMC_NODE_METRICS_H
#define EMC_NODE_METRICS_H

#include <emcache.h>

#include "base/histogram.h"

#define EMC__CONNECT_TIMES 100 /* the window emcache documents */

struct emc__metrics {
    uint64_t created, created_with_error, purged, closed;
    uint64_t executed, with_error, waited;
    uint64_t connect_times_ns[EMC__CONNECT_TIMES]; /* a ring */
    uint32_t connect_time_count, connect_time_next;
    struct emc__histogram operation_times;
};

void emc__metrics_init(struct emc__metrics *metrics);
void emc__metrics_operation(struct emc__metrics *metrics, emc_status status, uint64_t duration_ns);
void emc__metrics_connected(struct emc__metrics *metrics, uint64_t duration_ns);
/* Fills all but what is counted now (connections, operations in flight). */
void emc__metrics_report(const struct emc__metrics *metrics, emc_pool_metrics *out);

#endif
