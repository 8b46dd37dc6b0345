/* A log-linear histogram of durations: 1 us to 2^36 us, 16 steps to the octave (error below 6.25 %), fixed size, no allocation. */
#ifndef EMC_BASE_HISTOGRAM_H
#define EMC_BASE_HISTOGRAM_H

#include <stdint.h>

#define EMC__HISTOGRAM_BUCKETS (16 * 33)

struct emc__histogram {
    uint64_t max_ns;
    uint64_t last_ns; /* what was added last, and its bucket: replies that come together mostly took equally long */
    uint32_t last_bucket;
    uint32_t buckets[EMC__HISTOGRAM_BUCKETS]; /* saturating */
};

void emc__histogram_reset(struct emc__histogram *histogram);
void emc__histogram_add(struct emc__histogram *histogram, uint64_t duration_ns);
/* The smallest bucket bound, in ns, that at least percent (0..100] of what was added does not exceed; 0 when empty; never above max_ns. */
uint64_t emc__histogram_percentile_ns(const struct emc__histogram *histogram, double percent);

#endif
