/* When autodiscovery asks next, and what it believes: pure decisions. Allocates nothing, calls nobody. */
#ifndef EMC_CLUSTER_DISCOVERY_PACE_H
#define EMC_CLUSTER_DISCOVERY_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct emc__discovery_pace {
    bool applied;          /* a list was put in place */
    size_t applied_count;  /* its nodes */
    uint32_t failures;     /* questions without a usable answer, in a row */
    bool shrink_announced; /* the answer before lacked more than half of the nodes */
};

/* A usable answer was put in place. */
void emc__discovery_pace_applied(struct emc__discovery_pace *pace, size_t count);
/* Whether a DNS answer of so many nodes must be said once more before it is believed: it lacks more than half of those that are there. */
bool emc__discovery_pace_doubts(struct emc__discovery_pace *pace, size_t count);
/* The pause before the next question. troubled: a node does not answer. ttl_s: of a DNS answer; 0: none. */
uint64_t emc__discovery_pause_ns(const struct emc__discovery_pace *pace, uint64_t interval_ns, bool troubled,
                                 uint32_t ttl_s);

#endif
