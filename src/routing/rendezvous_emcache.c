/* Rendezvous as emcache 1.3 computes it on x86-64: the hash's bytes are combined as signed chars, with `&` binding looser than `<<`, so that a score has
 * few values (a third of all keys has a tie among ten nodes). Kept to the bit; rendezvous.c has the full score.
 *
 * A tie goes to the node whose own id has the higher score, then to the one configured first. The ids therefore lie in that order, so that the first
 * highest score wins and a perfect one, 1 in 256, ends the search. */
#include "routing/joined_wide.h"
#include "routing/order.h"
#include "routing/top.h"

#define PERFECT 0xffffffffu

struct emcache {
    struct emc__router base;
    struct emc__joined_ids ids;
    const uint32_t *order; /* the ids' members */
    uint64_t memory[];     /* the ids, then the order */
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
    emc__joined_begin(&joined, &emcache->ids, key);
    for (size_t i = 0; i < router->count && best >> 32 != PERFECT; i++) {
        uint64_t hash = emc__joined_hash(&emcache->ids, &joined, i);
        uint64_t score = (uint64_t)coarse(hash) << 32 | (UINT32_MAX - (uint32_t)i);
        best = score > best ? score : best;
    }
    return emcache->order[UINT32_MAX - (uint32_t)best];
}

#ifdef EMC__JOINED_WIDE

EMC__JOINED_WIDE static inline emc__lanes coarse_wide(emc__lanes hashes)
{
    const emc__lanes zeros = {0};
    return (hashes & 0xff) | (((emc__lanes)((hashes & 0x8080) != zeros)) & 0xffffff00u) |
           (((emc__lanes)((hashes & 0x800000) != zeros)) & 0xffff0000u) |
           (((emc__lanes)((hashes & 0x80000000u) != zeros)) & 0xff000000u);
}

/* The same. The copies of the last id that fill its group up come behind it, and never win. */
EMC__JOINED_WIDE static uint32_t pick_wide(const struct emc__router *router, struct emc__slice key)
{
    const struct emcache *emcache = (const struct emcache *)router;
    const __m512i perfect = _mm512_set1_epi64((int64_t)((uint64_t)PERFECT << 32));
    emc__lanes places = UINT32_MAX - (emc__lanes){0, 1, 2, 3, 4, 5, 6, 7};
    struct emc__joined_key joined;
    __m512i best = _mm512_setzero_si512();
    emc__joined_begin(&joined, &emcache->ids, key);
    for (size_t first = 0; first < router->count && _mm512_cmpge_epu64_mask(best, perfect) == 0;
         first += EMC__JOINED_LANES) {
        emc__lanes scores = coarse_wide(emc__joined_hash_wide(&emcache->ids, &joined, first)) << 32 | places;
        best = _mm512_max_epu64(best, (__m512i)scores);
        places -= EMC__JOINED_LANES;
    }
    return emcache->order[UINT32_MAX - (uint32_t)_mm512_reduce_max_epu64(best)];
}

#endif

static void score_all(const struct emc__router *router, struct emc__slice key, struct emc__top *top)
{
    const struct emcache *emcache = (const struct emcache *)router;
    struct emc__joined_key joined;
    emc__joined_begin(&joined, &emcache->ids, key);
    for (size_t i = 0; i < router->count; i++) {
        uint64_t hash = emc__joined_hash(&emcache->ids, &joined, i);
        emc__top_offer(top, (struct emc__candidate){.score = coarse(hash), .place = (uint32_t)i});
    }
}

static size_t rank(const struct emc__router *router, struct emc__slice key, uint32_t *members_out, size_t most)
{
    const struct emcache *emcache = (const struct emcache *)router;
    return emc__top_rank(router, key, score_all, emcache->order, members_out, most);
}

static const struct emc__router_class emcache_class = {.pick = pick, .rank = rank};
#ifdef EMC__JOINED_WIDE
static const struct emc__router_class emcache_wide_class = {.pick = pick_wide, .rank = rank};
#else
#define emcache_wide_class emcache_class
#endif

static bool own_score_is_higher(const struct emc__routing_member *a, const struct emc__routing_member *b)
{
    return own_score(a) > own_score(b);
}

emc_status emc__rendezvous_emcache_build_as(const emc_allocator *allocator, const struct emc__routing_members *members,
                                            bool wide, struct emc__router **router_out)
{
    size_t lanes = wide ? EMC__JOINED_LANES : 1, ids_size = emc__joined_ids_size(members, lanes);
    struct emcache *emcache = emc__router_allocate(allocator, wide ? &emcache_wide_class : &emcache_class,
                                                   members->count,
                                                   sizeof *emcache + ids_size + members->count * sizeof(uint32_t));
    if (emcache == NULL) {
        return EMC_ERROR_MEMORY;
    }
    uint32_t *order = (uint32_t *)(void *)((uint8_t *)emcache->memory + ids_size);
    emc__order_members(members, own_score_is_higher, order);
    emcache->order = order;
    emc__joined_ids_init(&emcache->ids, emcache->memory, members, order, lanes);
    *router_out = &emcache->base;
    return EMC_OK;
}

emc_status emc__rendezvous_emcache_build(const emc_allocator *allocator, const struct emc__routing_members *members,
                                         struct emc__router **router_out)
{
    return emc__rendezvous_emcache_build_as(allocator, members, emc__joined_wide_worth(members->count), router_out);
}
