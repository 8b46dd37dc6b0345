/* Durations, log-linear: see histogram.h.
 *
 * Bucket = 16 * octave + the four bits below the leading one, of the duration in microseconds; the first 16 count single microseconds. */
#include "base/histogram.h"

#include <string.h>

#define STEP_BITS 4
#define STEPS     (1u << STEP_BITS)
#define US_MAX    ((uint64_t)1 << 36)

void emc__histogram_reset(struct emc__histogram *histogram)
{
    memset(histogram, 0, sizeof *histogram);
}

static unsigned bucket_of(uint64_t us)
{
    us = us < US_MAX ? us : US_MAX - 1;
    if (us < STEPS) {
        return (unsigned)us;
    }
    unsigned exponent = 63 - (unsigned)__builtin_clzll(us);
    unsigned step = (unsigned)(us >> (exponent - STEP_BITS)) & (STEPS - 1);
    return (exponent - STEP_BITS + 1) * STEPS + step;
}

/* The largest duration that falls into the bucket, in microseconds, plus one. */
static uint64_t bucket_bound(unsigned bucket)
{
    if (bucket < STEPS) {
        return bucket + 1;
    }
    unsigned exponent = bucket / STEPS + STEP_BITS - 1;
    return (uint64_t)(STEPS + bucket % STEPS + 1) << (exponent - STEP_BITS);
}

void emc__histogram_add(struct emc__histogram *histogram, uint64_t duration_ns)
{
    if (duration_ns != histogram->last_ns) {
        histogram->last_ns = duration_ns;
        histogram->last_bucket = bucket_of(duration_ns / 1000);
        histogram->max_ns = duration_ns > histogram->max_ns ? duration_ns : histogram->max_ns;
    }
    uint32_t *bucket = &histogram->buckets[histogram->last_bucket];
    *bucket += *bucket < UINT32_MAX;
}

uint64_t emc__histogram_percentile_ns(const struct emc__histogram *histogram, double percent)
{
    uint64_t total = 0, seen = 0;
    for (unsigned i = 0; i < EMC__HISTOGRAM_BUCKETS; i++) {
        total += histogram->buckets[i];
    }
    double wanted = (double)total * percent / 100.0;
    for (unsigned i = 0; total > 0 && i < EMC__HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if ((double)seen >= wanted) {
            uint64_t bound_ns = i == EMC__HISTOGRAM_BUCKETS - 1 ? UINT64_MAX : bucket_bound(i) * 1000;
            return bound_ns < histogram->max_ns ? bound_ns : histogram->max_ns;
        }
    }
    return total == 0 ? 0 : histogram->max_ns;
}
