/* MurmurHash3: whole texts of the 128-bit form, and the 32-bit form piece by piece. */
#include "routing/murmur3.h"

uint64_t emc__murmur3_x64_128(struct emc__slice text)
{
    struct emc__murmur3_rest rest;
    struct emc__murmur3_128 hash = emc__murmur3_begin(text, &rest);
    return emc__murmur3_finish(hash, rest.k1, rest.k2, text.length);
}

static uint32_t scramble(uint32_t word)
{
    return emc__rotate32(word * 0xcc9e2d51u, 15) * 0x1b873593u;
}

static uint32_t mix_word(uint32_t hash, uint32_t word)
{
    return emc__rotate32(hash ^ scramble(word), 13) * 5 + 0xe6546b64u;
}

void emc__murmur3_32_update(struct emc__murmur3_32 *state, struct emc__slice text)
{
    uint64_t held = state->rest; /* what waits for its word, in the low bytes */
    unsigned bits = state->length % 4 * 8;
    size_t at = 0;
    for (; text.length - at >= 4; at += 4) {
        held |= (uint64_t)emc__load_le32(text.data + at) << bits;
        state->hash = mix_word(state->hash, (uint32_t)held);
        held >>= 32;
    }
    for (; at < text.length; at++) {
        held |= (uint64_t)text.data[at] << bits;
        bits += 8;
        if (bits == 32) {
            state->hash = mix_word(state->hash, (uint32_t)held);
            held = bits = 0;
        }
    }
    state->rest = (uint32_t)held;
    state->length += (uint32_t)text.length;
}

uint32_t emc__murmur3_32_finish(const struct emc__murmur3_32 *state)
{
    uint32_t hash = state->hash ^ scramble(state->rest) ^ state->length;
    hash = (hash ^ hash >> 16) * 0x85ebca6bu;
    hash = (hash ^ hash >> 13) * 0xc2b2ae35u;
    return hash ^ hash >> 16;
}
