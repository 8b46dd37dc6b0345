/* MD5 (RFC 1321). Its 64 steps depend on one another, so that the length of one step's chain is the whole cost: in each the part that does
 * not need the step before stands first. Several texts side by side wait no longer than one: a vector has a word of each. */
#include "routing/md5.h"

#include "routing/load.h"

#define BLOCK 64

#define ROTATE(word, by) ((word) << (by) | (word) >> (32 - (by)))

/* One step: `early` does not wait for b, `late` does. Of one block's words or of several blocks' at once. */
#define STEP(a, b, early, late, word, constant, by) \
    (a) += (word) + (constant) + (early);           \
    (a) += (late);                                  \
    (a) = ROTATE(a, by) + (b)

#define ROUND1(a, b, c, d, word, constant, by) STEP(a, b, 0u, ((b) & ((c) ^ (d))) ^ (d), word, constant, by)
#define ROUND2(a, b, c, d, word, constant, by) STEP(a, b, (c) & ~(d), (b) & (d), word, constant, by)
#define ROUND3(a, b, c, d, word, constant, by) STEP(a, b, 0u, (b) ^ ((c) ^ (d)), word, constant, by)
#define ROUND4(a, b, c, d, word, constant, by) STEP(a, b, 0u, (c) ^ ((b) | ~(d)), word, constant, by)

/* Four steps, after which a, b, c, d have their roles again. */
#define STEPS(ROUND, w0, k0, s0, w1, k1, s1, w2, k2, s2, w3, k3, s3) \
    ROUND(a, b, c, d, m[w0], k0, s0);                                \
    ROUND(d, a, b, c, m[w1], k1, s1);                                \
    ROUND(c, d, a, b, m[w2], k2, s2);                                \
    ROUND(b, c, d, a, m[w3], k3, s3)

/* All 64, over the variables a, b, c, d and m[16] of where it stands. */
#define ALL_STEPS                                                                                     \
    STEPS(ROUND1, 0, 0xd76aa478u, 7, 1, 0xe8c7b756u, 12, 2, 0x242070dbu, 17, 3, 0xc1bdceeeu, 22);     \
    STEPS(ROUND1, 4, 0xf57c0fafu, 7, 5, 0x4787c62au, 12, 6, 0xa8304613u, 17, 7, 0xfd469501u, 22);     \
    STEPS(ROUND1, 8, 0x698098d8u, 7, 9, 0x8b44f7afu, 12, 10, 0xffff5bb1u, 17, 11, 0x895cd7beu, 22);   \
    STEPS(ROUND1, 12, 0x6b901122u, 7, 13, 0xfd987193u, 12, 14, 0xa679438eu, 17, 15, 0x49b40821u, 22); \
    STEPS(ROUND2, 1, 0xf61e2562u, 5, 6, 0xc040b340u, 9, 11, 0x265e5a51u, 14, 0, 0xe9b6c7aau, 20);     \
    STEPS(ROUND2, 5, 0xd62f105du, 5, 10, 0x02441453u, 9, 15, 0xd8a1e681u, 14, 4, 0xe7d3fbc8u, 20);    \
    STEPS(ROUND2, 9, 0x21e1cde6u, 5, 14, 0xc33707d6u, 9, 3, 0xf4d50d87u, 14, 8, 0x455a14edu, 20);     \
    STEPS(ROUND2, 13, 0xa9e3e905u, 5, 2, 0xfcefa3f8u, 9, 7, 0x676f02d9u, 14, 12, 0x8d2a4c8au, 20);    \
    STEPS(ROUND3, 5, 0xfffa3942u, 4, 8, 0x8771f681u, 11, 11, 0x6d9d6122u, 16, 14, 0xfde5380cu, 23);   \
    STEPS(ROUND3, 1, 0xa4beea44u, 4, 4, 0x4bdecfa9u, 11, 7, 0xf6bb4b60u, 16, 10, 0xbebfbc70u, 23);    \
    STEPS(ROUND3, 13, 0x289b7ec6u, 4, 0, 0xeaa127fau, 11, 3, 0xd4ef3085u, 16, 6, 0x04881d05u, 23);    \
    STEPS(ROUND3, 9, 0xd9d4d039u, 4, 12, 0xe6db99e5u, 11, 15, 0x1fa27cf8u, 16, 2, 0xc4ac5665u, 23);   \
    STEPS(ROUND4, 0, 0xf4292244u, 6, 7, 0x432aff97u, 10, 14, 0xab9423a7u, 15, 5, 0xfc93a039u, 21);    \
    STEPS(ROUND4, 12, 0x655b59c3u, 6, 3, 0x8f0ccc92u, 10, 10, 0xffeff47du, 15, 1, 0x85845dd1u, 21);   \
    STEPS(ROUND4, 8, 0x6fa87e4fu, 6, 15, 0xfe2ce6e0u, 10, 6, 0xa3014314u, 15, 13, 0x4e0811a1u, 21);   \
    STEPS(ROUND4, 4, 0xf7537e82u, 6, 11, 0xbd3af235u, 10, 2, 0x2ad7d2bbu, 15, 9, 0xeb86d391u, 21)

static inline void take_block(uint32_t state[4], const uint8_t *block)
{
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], m[16];
    for (size_t i = 0; i < 16; i++) {
        m[i] = emc__load_le32(block + 4 * i);
    }
    ALL_STEPS;
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
}

static const uint32_t initial[4] = {0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u};

void emc__md5(struct emc__slice text, uint32_t words_out[4])
{
    uint32_t state[4] = {initial[0], initial[1], initial[2], initial[3]};
    uint8_t last[2 * BLOCK] = {0};
    const uint8_t *at = text.data;
    size_t left = text.length;
    for (; left >= BLOCK; left -= BLOCK) {
        take_block(state, at);
        at += BLOCK;
    }
    if (left > 0) {
        memcpy(last, at, left);
    }
    last[left] = 0x80;
    size_t end = left < BLOCK - 8 ? BLOCK : 2 * BLOCK; /* room for the mark and the length in bits */
    for (size_t i = 0; i < 8; i++) {
        last[end - 8 + i] = (uint8_t)((uint64_t)text.length * 8 >> 8 * i);
    }
    for (size_t begin = 0; begin < end; begin += BLOCK) {
        take_block(state, last + begin);
    }
    memcpy(words_out, state, sizeof state);
}

/* The usual key fits into one block; and as its first word is all that is wanted, the compiler leaves out the last three steps. */
static uint32_t first_of_one_block(struct emc__slice text)
{
    uint32_t state[4] = {initial[0], initial[1], initial[2], initial[3]};
    uint8_t block[BLOCK] = {0};
    if (text.length > 0) {
        memcpy(block, text.data, text.length);
    }
    block[text.length] = 0x80;
    block[BLOCK - 8] = (uint8_t)(text.length * 8);
    block[BLOCK - 7] = (uint8_t)(text.length * 8 >> 8);
    take_block(state, block);
    return state[0];
}

uint32_t emc__md5_first(struct emc__slice text)
{
    uint32_t words[4];
    if (text.length < BLOCK - 8) {
        return first_of_one_block(text);
    }
    emc__md5(text, words);
    return words[0];
}

/* ------------------------------------------------------------------ several side by side */

/* Two vectors of 16 bytes, which every processor of today has: while a step of one is under way, the other's begins. The compiler takes the
 * double one apart. */
#define LANES 8

typedef uint32_t lanes __attribute__((vector_size(LANES * sizeof(uint32_t))));

/* Texts of one block each, in the making. */
struct group {
    union {
        uint32_t words[16][LANES];
        lanes lanes[16];
    } blocks;
    size_t indexes[LANES];
    size_t count;
};

static void add_to(struct group *group, struct emc__slice text, size_t index)
{
    size_t lane = group->count++, whole = text.length / 4, rest = text.length % 4;
    const uint8_t *at = text.data;
    for (size_t i = 0; i < whole; i++, at += 4) {
        group->blocks.words[i][lane] = emc__load_le32(at);
    }
    group->blocks.words[whole][lane] = (uint32_t)emc__load_le_upto8(at, rest) | 0x80u << 8 * rest;
    group->blocks.words[14][lane] = (uint32_t)text.length * 8;
    group->indexes[lane] = index;
}

static void finish(struct group *group, uint32_t *words_out)
{
    const lanes *m = group->blocks.lanes;
    lanes none = {0}, a = none + initial[0], b = none + initial[1], c = none + initial[2], d = none + initial[3];
    ALL_STEPS;
    group->blocks.lanes[0] = a + initial[0];
    for (size_t lane = 0; lane < group->count; lane++) {
        words_out[group->indexes[lane]] = group->blocks.words[0][lane];
    }
    *group = (struct group){.count = 0};
}

void emc__md5_first_many(const struct emc__slice *texts, size_t count, uint32_t *words_out)
{
    struct group group = {.count = 0};
    for (size_t i = 0; i < count; i++) {
        if (texts[i].length >= BLOCK - 8) {
            words_out[i] = emc__md5_first(texts[i]);
            continue;
        }
        add_to(&group, texts[i], i);
        if (group.count == LANES) {
            finish(&group, words_out);
        }
    }
    if (group.count > 1) {
        finish(&group, words_out);
    } else if (group.count == 1) { /* alone, it is quicker in its own way */
        words_out[group.indexes[0]] = first_of_one_block(texts[group.indexes[0]]);
    }
}
