/* Rendezvous as emcache 1.3 computes it on x86-64: the hash's bytes are combined as signed chars, with `&` binding looser than `<<`, so that a score has
 * few values (a third of all keys has a tie among ten nodes). Kept to the bit; rendezvous.c has the full score.
 *
 * A tie goes to the node whose own id has the higher score, then to the one configured first. The ids therefore lie in that order, so that the first
 * highest score wins and a perfect one, 1 in 256, ends the search. */
#include "routing/joined.h"
#include "routing/order.h"
#include "routing/top.h"

#define PERFECT 0xffffffffu

struct emcache {
    struct emc__router base;
    struct emc__joined_ids ids;
    const uint32_t *order; /* the ids' members */
    uint32_t memory[];     /* order, then the ids */
};

static inline uint32_t mask_if(uint64_t bit, uint32_t mask)
{
    return (uint32_t)(0 - (bit & 1)) & mask;
}

/* The four ways in which emcache's expression turns out, the widest mask first to apply. */
static inline uint32_t coarse(uint64_t hash)
{
    return (uint32_t)(hash & 0xff) | mask_if(hash >> 7 | hash >> 15, 0xffffff00u) | mask_if(hash >> 23, 0xffff0000u) |
           mask_if(hash >> 31, 0xff000000u);
}

static uint32_t own_score(const struct emc__routing_member *member)
{
    uint8_t name[EMC__MEMBER_NAME_SIZE];
    return coarse(emc__murmur3_x64_128(emc__slice_of(name, emc__member_name(member, EMC__MEMBER_JOINED, name))));
}

/* The score and the place in one number, the first place the highest, so that the best is a maximum: whether one is better is nothing that a
 * processor could foresee. */
static uint32_t pick(const struct emc__router *router, struct emc__slice key)
{
    const struct emcache *emcache = (const struct emcache *)router;
    struct emc__joined_key joined;
    uint64_t best = 0;
    emc__joined_begin(&joined, key);
    for (size_t first = 0; first < router->count && best >> 32 != PERFECT; first += EMC__JOINED_LANES) {
        uint64_t hashes[EMC__JOINED_LANES];
        size_t width = emc__joined_hash(&emcache->ids, &joined, first, hashes);
        for (size_t i = 0; i < width; i++) {
            uint64_t score = (uint64_t)coarse(hashes[i]) << 32 | (UINT32_MAX - (uint32_t)(first + i));
            best = score > best ? score : best;
        }
    }
    return emcache->order[UINT32_MAX - (uint32_t)best];
}

static void score_all(const struct emc__router *router, struct emc__slice key, struct emc__top *top)
{
    const struct emcache *emcache = (const struct emcache *)router;
    struct emc__joined_key joined;
    emc__joined_begin(&joined, key);
    for (size_t first = 0; first < router->count; first += EMC__JOINED_LANES) {
        uint64_t hashes[EMC__JOINED_LANES];
        size_t width = emc__joined_hash(&emcache->ids, &joined, first, hashes);
        for (size_t i = first; i < first + width; i++) {
            emc__top_offer(top, (struct emc__candidate){.score = coarse(hashes[i - first]), .place = (uint32_t)i});
        }
    }
}

static size_t rank(const struct emc__router *router, struct emc__slice key, uint32_t *members_out, size_t most)
{
    const struct emcache *emcache = (const struct emcache *)router;
    return emc__top_rank(router, key, score_all, emcache->order, members_out, most);
}

static const struct emc__router_class emcache_class = {.pick = pick, .rank = rank};

static bool own_score_is_higher(const struct emc__routing_member *a, const struct emc__routing_member *b)
{
    return own_score(a) > own_score(b);
}

emc_status emc__rendezvous_emcache_build(const emc_allocator *allocator, const struct emc__routing_members *members,
                                         struct emc__router **router_out)
{
    size_t order_size = members->count * sizeof(uint32_t);
    struct emcache *emcache = emc__router_allocate(allocator, &emcache_class, members->count,
                                                   sizeof *emcache + order_size + emc__joined_ids_size(members));
    if (emcache == NULL) {
        return EMC_ERROR_MEMORY;
    }
    emc__order_members(members, own_score_is_higher, emcache->memory);
    emcache->order = emcache->memory;
    emc__joined_ids_init(&emcache->ids, (uint8_t *)emcache->memory + order_size, members, emcache->order);
    *router_out = &emcache->base;
    return EMC_OK;
}
