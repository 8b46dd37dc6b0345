/* Autodiscovery's pace: see discovery_pace.h and docs/cluster-management.md. */
#include "cluster/discovery_pace.h"

#define SECOND_NS 1000000000u
/* Before the first list there is nothing to serve with: the pauses double from a quarter of a second to one. */
#define FIRST_PAUSE_NS 250000000u
/* Records of headless services live 5 s to 30 s; one that says less is not taken at its word. */
#define TTL_MIN_S 5u

void emc__discovery_pace_applied(struct emc__discovery_pace *pace, size_t count)
{
    *pace = (struct emc__discovery_pace){.applied = true, .applied_count = count};
}

bool emc__discovery_pace_doubts(struct emc__discovery_pace *pace, size_t count)
{
    bool shrinks = pace->applied && count * 2 < pace->applied_count;
    bool doubt = shrinks && !pace->shrink_announced;
    pace->shrink_announced = doubt;
    return doubt;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t emc__discovery_pause_ns(const struct emc__discovery_pace *pace, uint64_t interval_ns, bool troubled,
                                 uint32_t ttl_s)
{
    if (!pace->applied) {
        uint64_t pause_ns = (uint64_t)FIRST_PAUSE_NS
                            << (pace->failures < 3 ? (pace->failures > 0 ? pace->failures - 1 : 0) : 2);
        return smaller(pause_ns, interval_ns);
    }
    if (troubled || pace->failures > 0) {
        uint64_t tenth_ns = interval_ns / 10 > SECOND_NS ? interval_ns / 10 : SECOND_NS;
        return smaller(tenth_ns, interval_ns);
    }
    uint64_t ttl_ns = (uint64_t)(ttl_s > TTL_MIN_S ? ttl_s : TTL_MIN_S) * SECOND_NS;
    return ttl_s > 0 ? smaller(ttl_ns, interval_ns) : interval_ns;
}
