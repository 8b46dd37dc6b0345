/* MurmurHash64A. */
#include "routing/murmur2.h"

#include "routing/load.h"

#define MULTIPLIER 0xc6a4a7935bd1e995u

static uint64_t take_word(uint64_t hash, uint64_t word)
{
    word *= MULTIPLIER;
    word = (word ^ word >> 47) * MULTIPLIER;
    return (hash ^ word) * MULTIPLIER;
}

static uint64_t finish(uint64_t hash)
{
    hash = (hash ^ hash >> 47) * MULTIPLIER;
    return hash ^ hash >> 47;
}

uint64_t emc__murmur_64a(struct emc__slice text, uint64_t seed)
{
    uint64_t hash = seed ^ text.length * MULTIPLIER;
    size_t at = 0;
    for (; text.length - at >= 8; at += 8) {
        hash = take_word(hash, emc__load_le64(text.data + at));
    }
    if (at < text.length) {
        hash = (hash ^ emc__load_le_upto8(text.data + at, text.length - at)) * MULTIPLIER;
    }
    return finish(hash);
}

uint64_t emc__murmur_64a_word(uint64_t word, uint64_t seed)
{
    return finish(take_word(seed ^ 8 * MULTIPLIER, word));
}
