/* A node's counters: see metrics.h. */
#include "node/metrics.h"

#include <stdlib.h>
#include <string.h>

void emc__metrics_init(struct emc__metrics *metrics)
{
    memset(metrics, 0, sizeof *metrics);
    emc__histogram_reset(&metrics->operation_times);
}

void emc__metrics_operation(struct emc__metrics *metrics, emc_status status, uint64_t duration_ns)
{
    if (status < 0) {
        metrics->with_error++;
    } else {
        metrics->executed++;
        emc__histogram_add(&metrics->operation_times, duration_ns);
    }
}

void emc__metrics_connected(struct emc__metrics *metrics, uint64_t duration_ns)
{
    metrics->created++;
    metrics->connect_times_ns[metrics->connect_time_next] = duration_ns;
    metrics->connect_time_next = (metrics->connect_time_next + 1) % EMC__CONNECT_TIMES;
    if (metrics->connect_time_count < EMC__CONNECT_TIMES) {
        metrics->connect_time_count++;
    }
}

static int compare_times(const void *a, const void *b)
{
    uint64_t left, right;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    return left < right ? -1 : left > right;
}

static double seconds(uint64_t ns)
{
    return (double)ns / 1e9;
}

static void report_connect_times(const struct emc__metrics *metrics, emc_pool_metrics *out)
{
    uint32_t count = metrics->connect_time_count;
    if (count == 0) {
        return;
    }
    uint64_t sorted[EMC__CONNECT_TIMES];
    memcpy(sorted, metrics->connect_times_ns, count * sizeof sorted[0]);
    qsort(sorted, count, sizeof sorted[0], compare_times);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        sum += sorted[i];
    }
    out->connect_time_average_s = seconds(sum) / count;
    out->connect_time_p50_s = seconds(sorted[(count * 50 + 99) / 100 - 1]);
    out->connect_time_p99_s = seconds(sorted[(count * 99 + 99) / 100 - 1]);
    out->connect_time_worst_s = seconds(sorted[count - 1]);
}

void emc__metrics_report(const struct emc__metrics *metrics, emc_pool_metrics *out)
{
    memset(out, 0, sizeof *out);
    out->connections_created = metrics->created;
    out->connections_created_with_error = metrics->created_with_error;
    out->connections_purged = metrics->purged;
    out->connections_closed = metrics->closed;
    out->operations_executed = metrics->executed;
    out->operations_with_error = metrics->with_error;
    out->operations_waited = metrics->waited;
    report_connect_times(metrics, out);
    out->operation_time_p50_s = seconds(emc__histogram_percentile_ns(&metrics->operation_times, 50.0));
    out->operation_time_p99_s = seconds(emc__histogram_percentile_ns(&metrics->operation_times, 99.0));
    out->operation_time_worst_s = seconds(metrics->operation_times.max_ns);
}
