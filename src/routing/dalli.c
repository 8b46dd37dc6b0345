/* dalli's ring (3.0): the first 32 bits of SHA-1 of "name:N", keys by CRC-32, a key belongs to the last point <= its hash. */
#include "routing/crc32.h"
#include "routing/member_name.h"
#include "routing/ring.h"
#include "routing/rounding.h"
#include "routing/sha1.h"

#define POINTS 160 /* of a member, where all weigh the same */

/* In Ruby: ((count * 160 * weight) / Float(weight_of_all)).floor */
static size_t points_of(const struct emc__routing_members *members, size_t index)
{
    double product = (double)((uint64_t)members->count * POINTS * members->list[index].weight);
    return (size_t)(product / (double)members->weight);
}

static bool add_points(struct emc__ring_points *points, const struct emc__routing_members *members, size_t index)
{
    uint8_t name[EMC__MEMBER_NAME_SIZE];
    size_t length = emc__member_name(&members->list[index], EMC__MEMBER_COLON, name);
    for (uint32_t number = 0; number < points_of(members, index); number++) {
        uint32_t value;
        if (!emc__sha1_first(emc__slice_of(name, emc__member_number(name, length, ':', number)), &value)) {
            return false;
        }
        emc__ring_points_add(points, value, index);
    }
    return true;
}

emc_status emc__dalli_build(const emc_allocator *allocator, const struct emc__routing_members *members,
                            struct emc__router **router_out)
{
    const struct emc__ring_rules rules = {.hash = emc__crc32, .below = true};
    struct emc__ring_points points;
    size_t room = 0;
    for (size_t i = 0; i < members->count; i++) {
        room += points_of(members, i);
    }
    if (!emc__ring_points_init(&points, allocator, room)) {
        return EMC_ERROR_MEMORY;
    }
    bool added = true;
    for (size_t i = 0; i < members->count && added; i++) {
        added = add_points(&points, members, i);
    }
    emc_status status = added ? emc__ring_build(&points, &rules, members->count, router_out) : EMC_ERROR_MEMORY;
    emc__ring_points_deinit(&points);
    return status;
}
