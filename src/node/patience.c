/* See patience.h. */
#include "node/patience.h"

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* A long request that makes its way, or a reply that comes in pieces, is slow and not silent. What is sent later counts for nothing: the peer's system
 * takes it although nobody reads it there. */
static bool bytes_moved(const struct emc__patience *patience, const struct emc__flow *flow)
{
    bool under_way = patience->blocked || patience->flow.taken < patience->awaited;
    return (under_way && flow->taken > patience->flow.taken) || flow->arrived > patience->flow.arrived;
}

bool emc__patience_ends(struct emc__patience *patience, const struct emc__patience_look *look, uint64_t silence_ns,
                        uint32_t answers_max)
{
    uint64_t alive_ns = later(look->owing_since_ns, look->heard_ns);
    if (alive_ns > patience->since_ns) {
        *patience = (struct emc__patience){.since_ns = alive_ns, .awaited = look->flow.sent};
    } else if (bytes_moved(patience, &look->flow)) {
        patience->since_ns = look->now_ns;
        patience->answers = 0;
    }
    patience->awaited = look->blocked ? look->flow.sent : patience->awaited;
    patience->flow = look->flow;
    patience->blocked = look->blocked;
    /* A silence apart, roughly: looks come when they come, and an answer is heard a little before the look. */
    uint64_t from_ns = later(patience->since_ns, patience->answered_ns);
    if (look->now_ns >= from_ns + silence_ns / 4 * 3 && look->node_heard_ns >= from_ns + silence_ns / 2) {
        patience->answered_ns = look->now_ns;
        patience->answers++;
    }
    return patience->answers >= answers_max + look->quiet_requests / EMC__PATIENCE_REQUESTS;
}
