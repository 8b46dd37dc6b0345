/* murmur3_x64_128 of key ‖ id, the ids side by side. Plain C: what makes it quick is that the compiler keeps four independent chains in flight, which
 * vector units without a 64-bit multiplication do not beat (docs/routing.md). */
#include "routing/joined.h"

#include <assert.h>

#define LANES EMC__JOINED_LANES
#define BLOCK EMC__MURMUR3_BLOCK

static size_t round_up(size_t number, size_t multiple)
{
    return (number + multiple - 1) / multiple * multiple;
}

static size_t stride_for(const struct emc__routing_members *members)
{
    uint8_t name[EMC__MEMBER_NAME_SIZE];
    size_t longest = 0;
    for (size_t i = 0; i < members->count; i++) {
        size_t length = emc__member_name(&members->list[i], EMC__MEMBER_JOINED, name);
        longest = length > longest ? length : longest;
    }
    return round_up(BLOCK + longest + BLOCK, 8);
}

size_t emc__joined_ids_size(const struct emc__routing_members *members)
{
    return members->count * (stride_for(members) + sizeof(uint16_t));
}

void emc__joined_ids_init(struct emc__joined_ids *ids, uint8_t *memory, const struct emc__routing_members *members,
                          const uint32_t *order)
{
    size_t stride = stride_for(members);
    uint16_t *lengths = (uint16_t *)(void *)memory;
    uint8_t *places = memory + members->count * sizeof(uint16_t);
    for (size_t i = 0; i < members->count; i++) {
        uint8_t name[EMC__MEMBER_NAME_SIZE];
        size_t length = emc__member_name(&members->list[order != NULL ? order[i] : i], EMC__MEMBER_JOINED, name);
        memcpy(places + i * stride + BLOCK, name, length);
        lengths[i] = (uint16_t)length;
    }
    *ids = (struct emc__joined_ids){stride, places, lengths, members->count};
}

void emc__joined_begin(struct emc__joined_key *joined, struct emc__slice key)
{
    joined->hash = emc__murmur3_begin(key, &joined->rest);
    joined->length = key.length;
}

/* One lane's next 16 bytes. */
struct block {
    uint64_t k1, k2;
};

static inline struct block block_at(const uint8_t *at)
{
    return (struct block){emc__load_le64(at), emc__load_le64(at + 8)};
}

/* `width` lanes that have the same number of full blocks to go. `at` points to where the key's last block begins, seen from each id: its place's zeros. */
static inline void hash_side_by_side(const struct emc__joined_key *key, const uint8_t *const *at,
                                     const uint16_t *lengths, size_t blocks, size_t width, uint64_t *hashes_out)
{
    struct emc__murmur3_128 hash[LANES];
    struct block next[LANES];
    for (size_t lane = 0; lane < width; lane++) {
        hash[lane] = key->hash;
        next[lane] = block_at(at[lane]);
        next[lane].k1 |= key->rest.k1;
        next[lane].k2 |= key->rest.k2;
    }
    for (size_t block = 1; block <= blocks; block++) {
        for (size_t lane = 0; lane < width; lane++) {
            hash[lane] = emc__murmur3_block(hash[lane], next[lane].k1, next[lane].k2);
            next[lane] = block_at(at[lane] + block * BLOCK);
        }
    }
    for (size_t lane = 0; lane < width; lane++) {
        hashes_out[lane] = emc__murmur3_finish(hash[lane], next[lane].k1, next[lane].k2, key->length + lengths[lane]);
    }
}

/* The whole group at once: its width becomes a constant, so that every lane has registers of its own. */
static void hash_uniform(const struct emc__joined_key *key, const uint8_t *const *at, const uint16_t *lengths,
                         size_t blocks, size_t width, uint64_t *hashes_out)
{
    switch (width) {
    case 4:
        hash_side_by_side(key, at, lengths, blocks, 4, hashes_out);
        break;
    case 3:
        hash_side_by_side(key, at, lengths, blocks, 3, hashes_out);
        break;
    case 2:
        hash_side_by_side(key, at, lengths, blocks, 2, hashes_out);
        break;
    default:
        hash_side_by_side(key, at, lengths, blocks, 1, hashes_out);
        break;
    }
}

size_t emc__joined_hash(const struct emc__joined_ids *ids, const struct emc__joined_key *key, size_t first,
                        uint64_t hashes_out[static LANES])
{
    const uint8_t *at[LANES];
    const uint16_t *lengths = ids->lengths + first;
    size_t blocks[LANES], width = ids->count - first < LANES ? ids->count - first : LANES;
    bool uniform = true;
    assert(first < ids->count && width > 0);
    for (size_t lane = 0; lane < width; lane++) {
        at[lane] = ids->places + (first + lane) * ids->stride + BLOCK - key->rest.length;
        blocks[lane] = (key->rest.length + lengths[lane]) / BLOCK;
        uniform = uniform && blocks[lane] == blocks[0];
    }
    if (uniform) {
        hash_uniform(key, at, lengths, blocks[0], width, hashes_out);
        return width;
    }
    for (size_t lane = 0; lane < width; lane++) {
        hash_side_by_side(key, at + lane, lengths + lane, blocks[lane], 1, hashes_out + lane);
    }
    return width;
}
