/* Sorting by insertion, the place found by halving: few comparisons, which are what costs here (each hashes or writes out names). */
#include "routing/order.h"

static size_t place_for(const struct emc__routing_members *members, emc__order_before *before, const uint32_t *order,
                        size_t count, const struct emc__routing_member *member)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (before(member, &members->list[order[middle]])) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

void emc__order_members(const struct emc__routing_members *members, emc__order_before *before, uint32_t *order_out)
{
    for (size_t i = 0; i < members->count; i++) {
        size_t at = place_for(members, before, order_out, i, &members->list[i]);
        memmove(order_out + at + 1, order_out + at, (i - at) * sizeof *order_out);
        order_out[at] = (uint32_t)i;
    }
}
