/* A small seeded generator (splitmix64, Vigna 2015) for jitter: reproducible in the simulator. Not for secrets. */
#ifndef EMC_BASE_RANDOM_H
#define EMC_BASE_RANDOM_H

#include "base/wide.h"

struct emc__random {
    uint64_t state;
};

static inline uint64_t emc__random_next(struct emc__random *random)
{
    uint64_t z = (random->state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* Uniform in [0, bound); 0 when bound is 0. */
static inline uint64_t emc__random_below(struct emc__random *random, uint64_t bound)
{
    return bound == 0 ? 0 : emc__multiply_high(emc__random_next(random), bound);
}

#endif
