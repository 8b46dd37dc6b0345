/* murmur3_x64_128 of key ‖ id, the ids side by side. Plain C: what makes it quick is that the compiler keeps four independent chains in flight, which
 * vector units without a 64-bit multiplication do not beat (docs/routing.md). */
#include "routing/joined.h"

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
    return round_up(members->count, LANES) * (stride_for(members) + sizeof(uint16_t));
}

void emc__joined_ids_init(struct emc__joined_ids *ids, uint8_t *memory, const struct emc__routing_members *members,
                          const uint32_t *order)
{
    size_t stride = stride_for(members), count = round_up(members->count, LANES);
    uint16_t *lengths = (uint16_t *)(void *)memory;
    uint8_t *places = memory + count * sizeof(uint16_t);
    for (size_t i = 0; i < members->count; i++) {
        uint8_t name[EMC__MEMBER_NAME_SIZE];
        size_t length = emc__member_name(&members->list[order != NULL ? order[i] : i], EMC__MEMBER_JOINED, name);
        memcpy(places + i * stride + BLOCK, name, length);
        lengths[i] = (uint16_t)length;
    }
    *ids = (struct emc__joined_ids){stride, places, lengths, count};
}

void emc__joined_begin(struct emc__joined_key *joined, struct emc__slice key)
{
    uint8_t rest[BLOCK] = {0};
    const uint8_t *at = key.data;
    joined->hash = (struct emc__murmur3_128){0, 0};
    for (size_t left = key.length; left >= BLOCK; left -= BLOCK) {
        joined->hash = emc__murmur3_block(joined->hash, emc__load_le64(at), emc__load_le64(at + 8));
        at += BLOCK;
    }
    joined->length = key.length;
    joined->rest_length = key.length % BLOCK;
    if (joined->rest_length > 0) {
        memcpy(rest, at, joined->rest_length);
    }
    joined->rest[0] = emc__load_le64(rest);
    joined->rest[1] = emc__load_le64(rest + 8);
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
        next[lane].k1 |= key->rest[0];
        next[lane].k2 |= key->rest[1];
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

void emc__joined_hash(const struct emc__joined_ids *ids, const struct emc__joined_key *key, size_t first,
                      uint64_t hashes_out[static LANES])
{
    const uint8_t *at[LANES];
    const uint16_t *lengths = ids->lengths + first;
    size_t blocks[LANES];
    bool uniform = true;
    for (size_t lane = 0; lane < LANES; lane++) {
        at[lane] = ids->places + (first + lane) * ids->stride + BLOCK - key->rest_length;
        blocks[lane] = (key->rest_length + lengths[lane]) / BLOCK;
        uniform = uniform && blocks[lane] == blocks[0];
    }
    if (uniform) {
        hash_side_by_side(key, at, lengths, blocks[0], LANES, hashes_out);
        return;
    }
    for (size_t lane = 0; lane < LANES; lane++) {
        hash_side_by_side(key, at + lane, lengths + lane, blocks[lane], 1, hashes_out + lane);
    }
}
