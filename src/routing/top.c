/* The best candidates by score. */
#include "routing/top.h"

void emc__top_offer(struct emc__top *top, struct emc__candidate candidate)
{
    if (top->bounded && !emc__candidate_before(&top->bound, &candidate)) {
        return;
    }
    if (top->count == top->room && !emc__candidate_before(&candidate, &top->best[top->count - 1])) {
        return;
    }
    size_t at = top->count < top->room ? top->count++ : top->count - 1;
    for (; at > 0 && emc__candidate_before(&candidate, &top->best[at - 1]); at--) {
        top->best[at] = top->best[at - 1];
    }
    top->best[at] = candidate;
}

size_t emc__top_rank(const struct emc__router *router, struct emc__slice key, emc__top_score_all *score_all,
                     const uint32_t *order, uint32_t *members_out, size_t most)
{
    struct emc__top top = {.bounded = false};
    size_t filled = 0;
    while (filled < most) {
        top.count = 0;
        top.room = most - filled < EMC__TOP_SIZE ? most - filled : EMC__TOP_SIZE;
        score_all(router, key, &top);
        for (size_t i = 0; i < top.count; i++) {
            members_out[filled++] = order != NULL ? order[top.best[i].place] : top.best[i].place;
        }
        top.bounded = true;
        top.bound = top.best[top.count - 1];
    }
    return filled;
}
