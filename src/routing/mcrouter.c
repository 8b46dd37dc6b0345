/* mcrouter's Ch3: furc_hash of the key up to `|#|`. A binary tree is walked from the number of bits that the nodes need downwards; each step takes a bit from
 * an endless row of them, which MurmurHash64A of the key begins and its own hash of the last word continues. Weights mean nothing to it. */
#include "routing/murmur2.h"
#include "routing/succession.h"

#define SEED      4193360111u
#define TRIES     32
#define STEP_BITS 23 /* as far apart as a number's bits are taken */
#define WORDS     (((TRIES + 1) * STEP_BITS * STEP_BITS) / 64 + 1)

/* The row of bits, made as far as it is asked for. */
struct bits {
    struct emc__slice key;
    size_t made;
    uint64_t words[WORDS];
};

static uint32_t bit_at(struct bits *bits, size_t index)
{
    for (; bits->made <= index / 64; bits->made++) {
        bits->words[bits->made] = bits->made == 0 ? emc__murmur_64a(bits->key, SEED)
                                                  : emc__murmur_64a_word(bits->words[bits->made - 1], SEED);
    }
    return (uint32_t)(bits->words[index / 64] >> index % 64 & 1);
}

static uint32_t furc_hash(struct emc__slice key, uint32_t count)
{
    struct bits bits;
    unsigned depth = 0;
    bits.key = key;
    bits.made = 0;
    while (count > UINT32_C(1) << depth) {
        depth++;
    }
    size_t at = depth;
    for (unsigned tries = 0; tries < TRIES; tries++) {
        while (bit_at(&bits, at) == 0) {
            if (--depth == 0) {
                return 0;
            }
            at = depth;
        }
        at += STEP_BITS;
        uint32_t number = 1;
        for (unsigned i = 0; i + 1 < depth; i++) {
            number = number << 1 | bit_at(&bits, at);
            at += STEP_BITS;
        }
        if (number < count) {
            return number;
        }
    }
    return 0; /* as mcrouter gives up, in less than one key of 2^32 */
}

/* What stands before the first `|#|`. */
static struct emc__slice routed_part(struct emc__slice key)
{
    for (size_t i = 0; i + 3 <= key.length; i++) {
        if (memcmp(key.data + i, "|#|", 3) == 0) {
            return emc__slice_of(key.data, i);
        }
    }
    return key;
}

static uint32_t pick(const struct emc__router *router, struct emc__slice key)
{
    return furc_hash(routed_part(key), router->count);
}

static size_t rank(const struct emc__router *router, struct emc__slice key, uint32_t *members_out, size_t most)
{
    members_out[0] = pick(router, key);
    return emc__succession(router, routed_part(key), members_out, most);
}

static const struct emc__router_class mcrouter_class = {.pick = pick, .rank = rank};

emc_status emc__mcrouter_build(const emc_allocator *allocator, const struct emc__routing_members *members,
                               struct emc__router **router_out)
{
    struct emc__router *router = emc__router_allocate(allocator, &mcrouter_class, members->count, sizeof *router);
    if (router == NULL) {
        return EMC_ERROR_MEMORY;
    }
    *router_out = router;
    return EMC_OK;
}
