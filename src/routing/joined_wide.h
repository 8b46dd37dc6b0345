/* Ids hashed behind a key eight at a time, by AVX-512, which multiplies 64 bits: at 16 nodes in half the time that one after the other takes. Where
 * the compiler or the processor has no such thing, EMC__JOINED_WIDE is not defined or emc__joined_wide_worth() says no; AVX2, which multiplies 32 bits,
 * gains nothing (docs/routing.md). */
#ifndef EMC_ROUTING_JOINED_WIDE_H
#define EMC_ROUTING_JOINED_WIDE_H

#include "routing/joined.h"

#define EMC__JOINED_LANES 8

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

/* What stands before each function that has vectors in it. */
#define EMC__JOINED_WIDE __attribute__((target("avx512f,avx512dq")))

typedef uint64_t emc__lanes __attribute__((vector_size(EMC__JOINED_LANES * sizeof(uint64_t))));

static inline bool emc__joined_wide_available(void)
{
    return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512dq") != 0;
}

EMC__JOINED_WIDE static inline emc__lanes emc__lanes_at(const uint64_t *words)
{
    emc__lanes lanes;
    memcpy(&lanes, words, sizeof lanes);
    return lanes;
}

/* Lane by lane `a` where `mask` has all bits, `b` where it has none. */
EMC__JOINED_WIDE static inline emc__lanes emc__lanes_select(emc__lanes mask, emc__lanes a, emc__lanes b)
{
    return (a & mask) | (b & ~mask);
}

/* As emc__joined_hash(), of the ids at `first` and behind it. Blocks that not all ids have are taken in by those that do. */
EMC__JOINED_WIDE static inline emc__lanes emc__joined_hash_wide(const struct emc__joined_ids *ids,
                                                                const struct emc__joined_key *key, size_t first)
{
    const emc__lanes zeros = {0};
    const uint64_t *words = key->words + first;
    size_t all = (key->rest + ids->shortest) / EMC__MURMUR3_BLOCK,
           most = (key->rest + ids->longest) / EMC__MURMUR3_BLOCK;
    emc__lanes h1 = zeros + key->hash.h1, h2 = zeros + key->hash.h2, lengths = emc__lanes_at(ids->lengths + first);
    emc__lanes product1 = key->k1 + emc__lanes_at(words), product2 = key->k2 + emc__lanes_at(words + ids->places);
    emc__lanes s1 = EMC__MURMUR3_SCRAMBLE1(product1), s2 = EMC__MURMUR3_SCRAMBLE2(product2);
    for (size_t block = 0; block < all; block++) {
        EMC__MURMUR3_TAKE(h1, h2, s1, s2);
        words += 2 * ids->places;
        s1 = emc__lanes_at(words);
        s2 = emc__lanes_at(words + ids->places);
    }
    for (size_t block = all; block < most; block++) {
        emc__lanes has = (emc__lanes)((lengths + key->rest) / EMC__MURMUR3_BLOCK > zeros + block), g1 = h1, g2 = h2;
        EMC__MURMUR3_TAKE(g1, g2, s1, s2);
        words += 2 * ids->places;
        h1 = emc__lanes_select(has, g1, h1);
        h2 = emc__lanes_select(has, g2, h2);
        s1 = emc__lanes_select(has, emc__lanes_at(words), s1);
        s2 = emc__lanes_select(has, emc__lanes_at(words + ids->places), s2);
    }
    EMC__MURMUR3_END(h1, h2, s1, s2, lengths + key->length);
    return h1;
}

#else

static inline bool emc__joined_wide_available(void)
{
    return false;
}

#endif

/* Eight at a time are sooner done than five one after the other. */
static inline bool emc__joined_wide_worth(size_t count)
{
    return count > 4 && emc__joined_wide_available();
}

#endif
