/* libmemcached's ketama (1.1.4), weighted and not, and twemproxy's, which took its points over and hashes keys in its own way.
 *
 * Unweighted, libmemcached makes 100 points of a server by the hash that its keys have. A weight above 1 anywhere makes it turn to the weighted points, of
 * MD5 whatever the keys have. A client of ours gives its nodes a weight of 100 until told otherwise, so that "all 100" is unweighted, as "all 1" is. */
#include "routing/ketama.h"

#include "routing/fnv.h"
#include "routing/md5.h"
#include "routing/one_at_a_time.h"
#include "routing/rounding.h"

#define POINTS_UNWEIGHTED 100
#define WEIGHT_USUAL      100

static const struct emc__ring_rules by_md5 = {.hash = emc__md5_first, .hash_many = emc__md5_first_many},
                                    by_one_at_a_time = {.hash = emc__one_at_a_time},
                                    by_fnv1a = {.hash = emc__fnv1a_64_low};

size_t emc__ketama_points(uint32_t weight, uint64_t weight_of_all, size_t member_count)
{
    float share = (float)weight / (float)weight_of_all;
    float groups = share * EMC__KETAMA_POINTS / 4 * (float)member_count;
    groups = (float)((double)groups + 0.0000000001);
    return (size_t)groups * 4;
}

void emc__ketama_add(struct emc__ring_points *points, const struct emc__routing_member *member,
                     enum emc__member_form form, size_t index, size_t count)
{
    uint8_t name[EMC__MEMBER_NAME_SIZE];
    size_t length = emc__member_name(member, form, name);
    for (uint32_t number = 0; number < count / 4; number++) {
        uint32_t words[4];
        emc__md5(emc__slice_of(name, emc__member_number(name, length, '-', number)), words);
        for (size_t i = 0; i < 4; i++) {
            emc__ring_points_add(points, words[i], index);
        }
    }
}

/* A ring of weighted points. */
static emc_status build_weighted(const emc_allocator *allocator, const struct emc__routing_members *members,
                                 enum emc__member_form form, const struct emc__ring_rules *rules,
                                 struct emc__router **router_out)
{
    struct emc__ring_points points;
    size_t room = 0;
    for (size_t i = 0; i < members->count; i++) {
        room += emc__ketama_points(members->list[i].weight, members->weight, members->count);
    }
    if (!emc__ring_points_init(&points, allocator, room)) {
        return EMC_ERROR_MEMORY;
    }
    for (size_t i = 0; i < members->count; i++) {
        emc__ketama_add(&points, &members->list[i], form, i,
                        emc__ketama_points(members->list[i].weight, members->weight, members->count));
    }
    emc_status status = emc__ring_build(&points, rules, members->count, router_out);
    emc__ring_points_deinit(&points);
    return status;
}

static bool weights_matter(const struct emc__routing_members *members)
{
    uint32_t first = members->list[0].weight;
    return !members->equal_weights || (first != 1 && first != WEIGHT_USUAL);
}

/* A ring of 100 points a member, as libmemcached makes it unless weights matter. */
static emc_status build_unweighted(const emc_allocator *allocator, const struct emc__routing_members *members,
                                   const struct emc__ring_rules *rules, struct emc__router **router_out)
{
    struct emc__ring_points points;
    if (weights_matter(members)) {
        return build_weighted(allocator, members, EMC__MEMBER_LIBMEMCACHED, rules, router_out);
    }
    if (!emc__ring_points_init(&points, allocator, members->count * POINTS_UNWEIGHTED)) {
        return EMC_ERROR_MEMORY;
    }
    for (size_t i = 0; i < members->count; i++) {
        uint8_t name[EMC__MEMBER_NAME_SIZE];
        size_t length = emc__member_name(&members->list[i], EMC__MEMBER_LIBMEMCACHED, name);
        for (uint32_t number = 0; number < POINTS_UNWEIGHTED; number++) {
            size_t end = emc__member_number(name, length, '-', number);
            emc__ring_points_add(&points, rules->hash(emc__slice_of(name, end)), i);
        }
    }
    emc_status status = emc__ring_build(&points, rules, members->count, router_out);
    emc__ring_points_deinit(&points);
    return status;
}

emc_status emc__ketama_weighted_build(const emc_allocator *allocator, const struct emc__routing_members *members,
                                      struct emc__router **router_out)
{
    return build_weighted(allocator, members, EMC__MEMBER_LIBMEMCACHED, &by_md5, router_out);
}

emc_status emc__ketama_build(const emc_allocator *allocator, const struct emc__routing_members *members,
                             struct emc__router **router_out)
{
    return build_unweighted(allocator, members, &by_one_at_a_time, router_out);
}

emc_status emc__ketama_md5_build(const emc_allocator *allocator, const struct emc__routing_members *members,
                                 struct emc__router **router_out)
{
    return build_unweighted(allocator, members, &by_md5, router_out);
}

emc_status emc__twemproxy_build(const emc_allocator *allocator, const struct emc__routing_members *members,
                                struct emc__router **router_out)
{
    return build_weighted(allocator, members, EMC__MEMBER_TWEMPROXY, &by_fnv1a, router_out);
}
