/* -ln(u) for u = hash / 2^64, in integers, so that every machine has the same answer. */
#ifndef EMC_ROUTING_NEGATIVE_LOG_H
#define EMC_ROUTING_NEGATIVE_LOG_H

#include <stdint.h>

#define EMC__NEGATIVE_LOG_BITS 58 /* behind the binary point; 6 before it: -ln(2^-64) is 44.4 */

/* Within 1e-12 of the logarithm, and never below 1 - u, the cheap bound. A hash of 0 counts as 1. */
uint64_t emc__negative_log(uint64_t hash);

/* 1 - u in the same format. */
static inline uint64_t emc__negative_log_at_least(uint64_t hash)
{
    return ~hash >> (64 - EMC__NEGATIVE_LOG_BITS);
}

#endif
