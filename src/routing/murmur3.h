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

#define EMC__MURMUR3_C1 0x87c37b91114253d5u
#define EMC__MURMUR3_C2 0x4cf5ad432745937fu

/* The steps, of one text's words or of several texts' at once (vectors of them). A block's two words are scrambled, each by multiplications of its own,
 * before the hash takes them in; so what is the same each time may be scrambled beforehand. */
#define EMC__MURMUR3_ROTATE(word, by) ((word) << (by) | (word) >> (64 - (by)))
/* What is left to do after k1 * C1 or k2 * C2. */
#define EMC__MURMUR3_SCRAMBLE1(product) (EMC__MURMUR3_ROTATE(product, 31) * EMC__MURMUR3_C2)
#define EMC__MURMUR3_SCRAMBLE2(product) (EMC__MURMUR3_ROTATE(product, 33) * EMC__MURMUR3_C1)
/* Takes in a full block of two scrambled words; 5 as a shift and a sum, which vectors do in two cycles and not in fifteen. */
#define EMC__MURMUR3_TAKE(h1, h2, s1, s2)      \
    (h1) ^= (s1);                              \
    (h1) = EMC__MURMUR3_ROTATE(h1, 27) + (h2); \
    (h1) = ((h1) << 2) + (h1) + 0x52dce729;    \
    (h2) ^= (s2);                              \
    (h2) = EMC__MURMUR3_ROTATE(h2, 31) + (h1); \
    (h2) = ((h2) << 2) + (h2) + 0x38495ab5
#define EMC__MURMUR3_MIX(k)                        \
    (k) = ((k) ^ (k) >> 33) * 0xff51afd7ed558ccdu; \
    (k) = ((k) ^ (k) >> 33) * 0xc4ceb9fe1a85ec53u; \
    (k) ^= (k) >> 33
/* The last 0..15 bytes with zeros behind them, scrambled (zeros stay zeros), and the length of the whole: h1 is the hash's first 64 bits then. */
#define EMC__MURMUR3_END(h1, h2, s1, s2, length) \
    (h1) ^= (s1) ^ (length);                     \
    (h2) ^= (s2) ^ (length);                     \
    (h1) += (h2);                                \
    (h2) += (h1);                                \
    EMC__MURMUR3_MIX(h1);                        \
    EMC__MURMUR3_MIX(h2);                        \
    (h1) += (h2)

/* One full block, as two little-endian words. */
static inline struct emc__murmur3_128 emc__murmur3_block(struct emc__murmur3_128 hash, uint64_t k1, uint64_t k2)
{
    EMC__MURMUR3_TAKE(hash.h1, hash.h2, EMC__MURMUR3_SCRAMBLE1(k1 * EMC__MURMUR3_C1),
                      EMC__MURMUR3_SCRAMBLE2(k2 * EMC__MURMUR3_C2));
    return hash;
}

/* The last 0..15 bytes, zeros behind them, and the length of the whole; the hash's first 64 bits. */
static inline uint64_t emc__murmur3_finish(struct emc__murmur3_128 hash, uint64_t k1, uint64_t k2, uint64_t length)
{
    EMC__MURMUR3_END(hash.h1, hash.h2, EMC__MURMUR3_SCRAMBLE1(k1 * EMC__MURMUR3_C1),
                     EMC__MURMUR3_SCRAMBLE2(k2 * EMC__MURMUR3_C2), length);
    return hash.h1;
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
