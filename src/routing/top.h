/* The best candidates by score, in order, without memory for all of them: a pass over all keeps the best few, the next pass goes on below those. */
#ifndef EMC_ROUTING_TOP_H
#define EMC_ROUTING_TOP_H

#include "routing/router.h"

#define EMC__TOP_SIZE 32 /* kept by one pass */

/* A candidate: its hash, or its hash weighed, with what stands behind the point; and its place in the order that breaks ties, where the lower wins. */
struct emc__candidate {
    uint64_t score;
    uint32_t fraction;
    uint32_t place;
};

/* One pass. */
struct emc__top {
    struct emc__candidate best[EMC__TOP_SIZE];
    size_t count, room;
    bool bounded;
    struct emc__candidate bound; /* only what comes after it is wanted */
};

static inline bool emc__candidate_before(const struct emc__candidate *a, const struct emc__candidate *b)
{
    if (a->score != b->score) {
        return a->score > b->score;
    }
    return a->fraction > b->fraction || (a->fraction == b->fraction && a->place < b->place);
}

void emc__top_offer(struct emc__top *top, struct emc__candidate candidate);

/* Offers every member's score. */
typedef void emc__top_score_all(const struct emc__router *router, struct emc__slice key, struct emc__top *top);

/* Ranks by score. order: place → member; NULL: they are the same. */
size_t emc__top_rank(const struct emc__router *router, struct emc__slice key, emc__top_score_all *score_all,
                     const uint32_t *order, uint32_t *members_out, size_t most);

#endif
