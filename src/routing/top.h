/* The best candidates by score, in order, without memory for all of them: a pass over all keeps the best few, the next pass goes on below those. */
#ifndef EMC_ROUTING_TOP_H
#define EMC_ROUTING_TOP_H

#include "routing/router.h"

#define EMC__TOP_SIZE 32 /* kept by one pass */

/* 128 bits: a hash, or a hash weighed. */
__extension__ typedef unsigned __int128 emc__score;

/* A candidate, named by its place in the order that breaks ties: the lower place wins. */
struct emc__candidate {
    emc__score score;
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
    return a->score > b->score || (a->score == b->score && a->place < b->place);
}

void emc__top_offer(struct emc__top *top, emc__score score, uint32_t place);

/* Offers every member's score. */
typedef void emc__top_score_all(const struct emc__router *router, struct emc__slice key, struct emc__top *top);

/* Ranks by score. order: place → member; NULL: they are the same. */
size_t emc__top_rank(const struct emc__router *router, struct emc__slice key, emc__top_score_all *score_all,
                     const uint32_t *order, uint32_t *members_out, size_t most);

#endif
