/* An order of preference where the mapping has none. */
#include "routing/succession.h"

#include "base/random.h"

/* The member with `rank` members before it that are not among those taken: beginning at rank, what is taken pushes it on. */
static uint32_t untaken(const uint32_t *taken, size_t count, uint32_t rank)
{
    uint32_t member = rank, before;
    do {
        before = member;
        member = rank;
        for (size_t i = 0; i < count; i++) {
            member += taken[i] <= before;
        }
    } while (member != before);
    return member;
}

size_t emc__succession(const struct emc__router *router, struct emc__slice key, uint32_t *members_out, size_t most)
{
    struct emc__random random = {emc__hash_key(key, 0)};
    for (size_t filled = 1; filled < most; filled++) {
        uint32_t rank = (uint32_t)emc__random_below(&random, router->count - filled);
        members_out[filled] = untaken(members_out, filled, rank);
    }
    return most;
}
