/* spymemcached's ketama: 160 points of "ip:port-N" a node, in a map, where a later node takes a point over from an earlier one.
 *
 * spymemcached names a node by what Java prints of its socket address: "/127.0.0.1:11211" for a literal one (the slash is cut), "name/ip:port" for one that
 * was looked up. Routing here never sees an address found by look-up, so its mapping is spymemcached's for literal IPv4 addresses. */
#include "routing/ketama.h"
#include "routing/md5.h"

/* Without weights spymemcached makes 160 points; with them it counts in libmemcached's float32. */
static size_t points_of(const struct emc__routing_members *members, size_t index)
{
    return members->equal_weights ? EMC__KETAMA_POINTS
                                  : emc__ketama_points(members->list[index].weight, members->weight, members->count);
}

emc_status emc__spymemcached_build(const emc_allocator *allocator, const struct emc__routing_members *members,
                                   struct emc__router **router_out)
{
    const struct emc__ring_rules rules = {.hash = emc__md5_first, .hash_many = emc__md5_first_many, .last_wins = true};
    struct emc__ring_points points;
    size_t room = 0;
    for (size_t i = 0; i < members->count; i++) {
        room += points_of(members, i);
    }
    if (!emc__ring_points_init(&points, allocator, room)) {
        return EMC_ERROR_MEMORY;
    }
    for (size_t i = 0; i < members->count; i++) {
        emc__ketama_add(&points, &members->list[i], EMC__MEMBER_COLON, i, points_of(members, i));
    }
    emc_status status = emc__ring_build(&points, &rules, members->count, router_out);
    emc__ring_points_deinit(&points);
    return status;
}
