/* How long the last operations took. */
#include "latency.h"

#include <stdlib.h>
#include <string.h>

void latency_add(struct latency *latency, double seconds)
{
    latency->seconds[latency->count++ % LATENCY_WINDOW] = seconds;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

double latency_at(const struct latency *latency, double share)
{
    double sorted[LATENCY_WINDOW];
    size_t count = latency->count < LATENCY_WINDOW ? latency->count : LATENCY_WINDOW;
    if (count == 0) {
        return -1;
    }
    memcpy(sorted, latency->seconds, count * sizeof(sorted[0]));
    qsort(sorted, count, sizeof(sorted[0]), compare);
    return sorted[(size_t)(share * (double)(count - 1) + 0.5)];
}
