/* Rendezvous with the full 64-bit score, and weights. The score of a node is the first 64 bits of murmur3_x64_128(key ‖ id), ids as emcache has them.
 *
 * Where all weights are equal the highest hash wins. Else the node with the highest weight / -ln(u), u = hash / 2^64, wins (the logarithm method: a node's
 * share of the keys is its share of the weight, and changing one weight moves keys only from or to that node); with equal weights that is the same
 * order. The logarithm is one of integers, so that every machine agrees, and is worked out only where the bound -ln(u) >= 1 - u does not already settle
 * it, which is for a handful of nodes. Ties, which 64 bits make a curiosity, go to the order configured. */
#include "routing/joined_wide.h"
#include "routing/negative_log.h"
#include "routing/top.h"

struct rendezvous {
    struct emc__router base;
    struct emc__joined_ids ids;
    const uint32_t *weights; /* NULL: all equal */
    uint64_t memory[];       /* the ids, then the weights */
};

/* -ln(u) / weight: the least wins. What emc__negative_log() has and 32 bits more behind, divided in two steps of 64 bits. */
struct distance {
    uint64_t whole;
    uint32_t fraction;
};

/* Further than any node is. */
#define FURTHEST ((struct distance){UINT64_MAX, UINT32_MAX})

static struct distance distance(uint64_t hash, uint32_t weight)
{
    uint64_t log = emc__negative_log(hash);
    return (struct distance){log / weight, (uint32_t)((log % weight << 32) / weight)};
}

static bool nearer(struct distance a, struct distance b)
{
    return a.whole < b.whole || (a.whole == b.whole && a.fraction < b.fraction);
}

/* False: the distance is not below `best`, whatever the logarithm. Told by a product, as a division costs more: at_least < ceil(best * weight). */
static bool may_be_nearer(uint64_t hash, uint32_t weight, struct distance best)
{
    uint64_t product, carry = ((uint64_t)best.fraction * weight + UINT32_MAX) >> 32;
    return __builtin_mul_overflow(best.whole, (uint64_t)weight, &product) ||
           __builtin_add_overflow(product, carry, &product) || emc__negative_log_at_least(hash) < product;
}

/* What is best so far. */
struct best {
    struct distance distance;
    uint64_t hash;
    uint32_t member;
};

static inline void consider_equal(struct best *best, uint64_t hash, uint32_t member)
{
    bool better = hash > best->hash; /* which no processor foresees: no branch */
    best->hash = better ? hash : best->hash;
    best->member = better ? member : best->member;
}

static void consider_weighted(struct best *best, uint64_t hash, uint32_t weight, uint32_t member)
{
    if (!may_be_nearer(hash, weight, best->distance)) {
        return;
    }
    struct distance own = distance(hash, weight);
    if (nearer(own, best->distance)) {
        best->distance = own;
        best->member = member;
    }
}

static uint32_t pick(const struct emc__router *router, struct emc__slice key)
{
    const struct rendezvous *rendezvous = (const struct rendezvous *)router;
    struct emc__joined_key joined;
    struct best best = {.distance = FURTHEST};
    emc__joined_begin(&joined, &rendezvous->ids, key);
    for (size_t i = 0; i < router->count; i++) {
        uint64_t hash = emc__joined_hash(&rendezvous->ids, &joined, i);
        if (rendezvous->weights == NULL) {
            consider_equal(&best, hash, (uint32_t)i);
        } else {
            consider_weighted(&best, hash, rendezvous->weights[i], (uint32_t)i);
        }
    }
    return best.member;
}

#ifdef EMC__JOINED_WIDE

/* The same where all weights are equal: each lane keeps its best, and of the lanes' the first of the highest wins. The copies of the last id that fill
 * its group up come behind it, and never win. */
EMC__JOINED_WIDE static uint32_t pick_wide(const struct emc__router *router, struct emc__slice key)
{
    const struct rendezvous *rendezvous = (const struct rendezvous *)router;
    struct emc__joined_key joined;
    __m512i best = _mm512_setzero_si512(), member = best, place = (__m512i)(emc__lanes){0, 1, 2, 3, 4, 5, 6, 7};
    emc__joined_begin(&joined, &rendezvous->ids, key);
    for (size_t first = 0; first < router->count; first += EMC__JOINED_LANES) {
        __m512i hashes = (__m512i)emc__joined_hash_wide(&rendezvous->ids, &joined, first);
        member = _mm512_mask_mov_epi64(member, _mm512_cmpgt_epu64_mask(hashes, best), place);
        best = _mm512_max_epu64(best, hashes);
        place = (__m512i)((emc__lanes)place + EMC__JOINED_LANES);
    }
    __m512i highest = _mm512_set1_epi64((int64_t)_mm512_reduce_max_epu64(best));
    return (uint32_t)_mm512_mask_reduce_min_epu64(_mm512_cmpeq_epi64_mask(best, highest), member);
}

#endif

static void score_all(const struct emc__router *router, struct emc__slice key, struct emc__top *top)
{
    const struct rendezvous *rendezvous = (const struct rendezvous *)router;
    struct emc__joined_key joined;
    emc__joined_begin(&joined, &rendezvous->ids, key);
    for (size_t i = 0; i < router->count; i++) {
        uint64_t hash = emc__joined_hash(&rendezvous->ids, &joined, i);
        struct emc__candidate candidate = {.score = hash, .place = (uint32_t)i};
        if (rendezvous->weights != NULL) {
            struct distance own = distance(hash, rendezvous->weights[i]);
            candidate.score = ~own.whole;
            candidate.fraction = ~own.fraction;
        }
        emc__top_offer(top, candidate);
    }
}

static size_t rank(const struct emc__router *router, struct emc__slice key, uint32_t *members_out, size_t most)
{
    return emc__top_rank(router, key, score_all, NULL, members_out, most);
}

static const struct emc__router_class rendezvous_class = {.pick = pick, .rank = rank};
#ifdef EMC__JOINED_WIDE
static const struct emc__router_class rendezvous_wide_class = {.pick = pick_wide, .rank = rank};
#else
#define rendezvous_wide_class rendezvous_class
#endif

emc_status emc__rendezvous_build_as(const emc_allocator *allocator, const struct emc__routing_members *members,
                                    bool wide, struct emc__router **router_out)
{
    size_t lanes = wide ? EMC__JOINED_LANES : 1, ids_size = emc__joined_ids_size(members, lanes);
    size_t weights_size = members->equal_weights ? 0 : members->count * sizeof(uint32_t);
    struct rendezvous *rendezvous = emc__router_allocate(allocator, wide ? &rendezvous_wide_class : &rendezvous_class,
                                                         members->count, sizeof *rendezvous + ids_size + weights_size);
    if (rendezvous == NULL) {
        return EMC_ERROR_MEMORY;
    }
    if (weights_size > 0) {
        uint32_t *weights = (uint32_t *)(void *)((uint8_t *)rendezvous->memory + ids_size);
        for (size_t i = 0; i < members->count; i++) {
            weights[i] = members->list[i].weight;
        }
        rendezvous->weights = weights;
    }
    emc__joined_ids_init(&rendezvous->ids, rendezvous->memory, members, NULL, lanes);
    *router_out = &rendezvous->base;
    return EMC_OK;
}

emc_status emc__rendezvous_build(const emc_allocator *allocator, const struct emc__routing_members *members,
                                 struct emc__router **router_out)
{
    bool wide = members->equal_weights && emc__joined_wide_worth(members->count);
    return emc__rendezvous_build_as(allocator, members, wide, router_out);
}
