/* How long the last operations took. */
#ifndef EMCACHE_CLI_LATENCY_H
#define EMCACHE_CLI_LATENCY_H

#include <stddef.h>

/* So many of the last operations are looked at. */
#define LATENCY_WINDOW 1024

/* Zeroed it is empty. */
struct latency {
    double seconds[LATENCY_WINDOW];
    size_t count; /* how many were ever added; setting it to 0 empties */
};

void latency_add(struct latency *latency, double seconds);
/* The time that a share of them (0.5: half) stayed within; -1 when there are none. */
double latency_at(const struct latency *latency, double share);

#endif
