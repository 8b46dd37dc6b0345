/* The ids that keys are joined with, laid out. */
#include "routing/joined.h"

#include <assert.h>

#define BLOCK EMC__MURMUR3_BLOCK

static size_t round_up(size_t number, size_t multiple)
{
    return (number + multiple - 1) / multiple * multiple;
}

/* Blocks that the longest id touches, or the empty one behind it, behind as many bytes of a key as there may be. */
static size_t blocks_for(const struct emc__routing_members *members)
{
    uint8_t name[EMC__MEMBER_NAME_SIZE];
    size_t longest = 0;
    for (size_t i = 0; i < members->count; i++) {
        size_t length = emc__member_name(&members->list[i], EMC__MEMBER_JOINED, name);
        longest = length > longest ? length : longest;
    }
    return (BLOCK - 1 + longest) / BLOCK + 1;
}

size_t emc__joined_ids_size(const struct emc__routing_members *members, size_t lanes)
{
    size_t words = BLOCK * blocks_for(members) * 2 + 1, size; /* of an id, its length with them */
    if (__builtin_mul_overflow(round_up(members->count, lanes), words * sizeof(uint64_t), &size) ||
        size > SIZE_MAX / 2) {
        return SIZE_MAX / 2; /* a million long paths on a machine of 32 bits: more than there is */
    }
    return size;
}

/* The words of one id, from words[place] on, behind `rest` bytes of a key. */
static void lay_out(const struct emc__joined_ids *ids, uint64_t *words, size_t rest, const uint8_t *name, size_t length)
{
    uint8_t text[EMC__MEMBER_NAME_SIZE + 2 * BLOCK] = {0};
    memcpy(text + rest, name, length);
    for (size_t block = 0; block < ids->blocks; block++) {
        uint64_t k1 = emc__load_le64(text + block * BLOCK) * EMC__MURMUR3_C1;
        uint64_t k2 = emc__load_le64(text + block * BLOCK + 8) * EMC__MURMUR3_C2;
        words[(2 * block) * ids->places] = block == 0 ? k1 : EMC__MURMUR3_SCRAMBLE1(k1);
        words[(2 * block + 1) * ids->places] = block == 0 ? k2 : EMC__MURMUR3_SCRAMBLE2(k2);
    }
}

void emc__joined_ids_init(struct emc__joined_ids *ids, uint64_t *memory, const struct emc__routing_members *members,
                          const uint32_t *order, size_t lanes)
{
    size_t places = round_up(members->count, lanes), blocks = blocks_for(members);
    uint64_t *lengths = memory, *words = memory + places;
    *ids = (struct emc__joined_ids){words, lengths, places, blocks, SIZE_MAX, 0};
    for (size_t place = 0; place < places; place++) {
        uint8_t name[EMC__MEMBER_NAME_SIZE];
        size_t i = place < members->count ? place : members->count - 1;
        size_t length = emc__member_name(&members->list[order != NULL ? order[i] : i], EMC__MEMBER_JOINED, name);
        assert(length <= blocks * BLOCK);
        for (size_t rest = 0; rest < BLOCK; rest++) {
            lay_out(ids, words + rest * blocks * 2 * places + place, rest, name, length);
        }
        lengths[place] = length;
        ids->shortest = length < ids->shortest ? length : ids->shortest;
        ids->longest = length > ids->longest ? length : ids->longest;
    }
}
