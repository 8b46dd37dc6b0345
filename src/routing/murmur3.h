/* MurmurHash3 (Appleby, public domain), seed 0, in pieces: a text whose beginning is the same again and again is hashed to that point once. */
#ifndef EMC_ROUTING_MURMUR3_H
#define EMC_ROUTING_MURMUR3_H

#include "base/slice.h"
#include "routing/load.h"

/* ------------------------------------------------------------------ x64_128: what emcache and our own rendezvous use */

#define EMC__MURMUR3_BLOCK 16 /* bytes that go in at once */

struct emc__murmur3_128 {
    uint64_t h1, h2;
};

static inline uint64_t emc__murmur3_scramble1(uint64_t k1)
{
    return emc__rotate64(k1 * 0x87c37b91114253d5u, 31) * 0x4cf5ad432745937fu;
}

static inline uint64_t emc__murmur3_scramble2(uint64_t k2)
{
    return emc__rotate64(k2 * 0x4cf5ad432745937fu, 33) * 0x87c37b91114253d5u;
}

/* One full block, as two little-endian words. */
static inline struct emc__murmur3_128 emc__murmur3_block(struct emc__murmur3_128 hash, uint64_t k1, uint64_t k2)
{
    hash.h1 ^= emc__murmur3_scramble1(k1);
    hash.h1 = (emc__rotate64(hash.h1, 27) + hash.h2) * 5 + 0x52dce729;
    hash.h2 ^= emc__murmur3_scramble2(k2);
    hash.h2 = (emc__rotate64(hash.h2, 31) + hash.h1) * 5 + 0x38495ab5;
    return hash;
}

static inline uint64_t emc__murmur3_mix(uint64_t k)
{
    k = (k ^ k >> 33) * 0xff51afd7ed558ccdu;
    k = (k ^ k >> 33) * 0xc4ceb9fe1a85ec53u;
    return k ^ k >> 33;
}

/* The last 0..15 bytes, zeros behind them (a word of zeros changes nothing), and the length of the whole; the hash's first 64 bits. */
static inline uint64_t emc__murmur3_finish(struct emc__murmur3_128 hash, uint64_t k1, uint64_t k2, uint64_t length)
{
    uint64_t h1 = hash.h1 ^ emc__murmur3_scramble1(k1) ^ length;
    uint64_t h2 = hash.h2 ^ emc__murmur3_scramble2(k2) ^ length;
    h1 += h2;
    h2 += h1;
    return emc__murmur3_mix(h1) + emc__murmur3_mix(h2);
}

/* What stands behind the last full block: 0..15 bytes, zeros behind them. */
struct emc__murmur3_rest {
    uint64_t k1, k2;
    size_t length;
};

/* Takes in a text's full blocks. */
static inline struct emc__murmur3_128 emc__murmur3_begin(struct emc__slice text, struct emc__murmur3_rest *rest_out)
{
    struct emc__murmur3_128 hash = {0, 0};
    const uint8_t *at = text.data;
    size_t left = text.length;
    for (; left >= EMC__MURMUR3_BLOCK; left -= EMC__MURMUR3_BLOCK) {
        hash = emc__murmur3_block(hash, emc__load_le64(at), emc__load_le64(at + 8));
        at += EMC__MURMUR3_BLOCK;
    }
    *rest_out = (struct emc__murmur3_rest){emc__load_le_upto8(at, left),
                                           left > 8 ? emc__load_le_upto8(at + 8, left - 8) : 0, left};
    return hash;
}

/* The whole in one call: the first 64 bits, little-endian. */
uint64_t emc__murmur3_x64_128(struct emc__slice text);

/* ------------------------------------------------------------------ x86_32: what pymemcache uses */

/* Zeroed: nothing hashed yet, with seed 0. */
struct emc__murmur3_32 {
    uint32_t hash;
    uint32_t rest;   /* the last length % 4 bytes */
    uint32_t length; /* so far */
};

void emc__murmur3_32_update(struct emc__murmur3_32 *state, struct emc__slice text);
uint32_t emc__murmur3_32_finish(const struct emc__murmur3_32 *state);

#endif
