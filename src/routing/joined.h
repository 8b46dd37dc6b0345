/* Rendezvous hashes key ‖ id for each member: murmur3_x64_128 of the two joined, where the key is the same for all and the ids are the same for all keys.
 * So the key's full blocks are hashed once, and what an id's bytes are multiplied with is worked out when the router is built, for each of the sixteen
 * places in a block at which an id can begin. Left to do for each id is one block that key and id share, and the end of the hash. */
#ifndef EMC_ROUTING_JOINED_H
#define EMC_ROUTING_JOINED_H

#include "routing/member_name.h"
#include "routing/murmur3.h"
#include "routing/router.h"

/* The ids of all members, each "hostport" or a path. Their words lie by
 *
 *     bytes of the key before the id in its block, 0..15  →  block, from that one on  →  first or second word  →  id
 *
 * little-endian with zeros around the id. A first block's are multiplied once (the key's bytes are to be added yet), all further ones are scrambled. */
struct emc__joined_ids {
    const uint64_t *words;
    const uint64_t *lengths;
    size_t places;            /* ids, rounded up: those behind the last are the last again */
    size_t blocks;            /* for each id */
    size_t shortest, longest; /* of the lengths */
};

/* The key as all hashes have it in common. */
struct emc__joined_key {
    struct emc__murmur3_128 hash; /* after its full blocks */
    uint64_t k1, k2;              /* its bytes behind them, multiplied once */
    size_t rest;                  /* so many */
    size_t length;
    const uint64_t *words; /* of the ids behind so many */
};

/* Bytes that emc__joined_ids_init() wants, with places in a multiple of `lanes`: a multiple of 8. */
size_t emc__joined_ids_size(const struct emc__routing_members *members, size_t lanes);
/* Lays the ids out in `memory` (of that size), id i that of member order[i] (NULL: of member i). */
void emc__joined_ids_init(struct emc__joined_ids *ids, uint64_t *memory, const struct emc__routing_members *members,
                          const uint32_t *order, size_t lanes);

static inline void emc__joined_begin(struct emc__joined_key *joined, const struct emc__joined_ids *ids,
                                     struct emc__slice key)
{
    struct emc__murmur3_rest rest;
    joined->hash = emc__murmur3_begin(key, &rest);
    joined->k1 = rest.k1 * EMC__MURMUR3_C1;
    joined->k2 = rest.k2 * EMC__MURMUR3_C2;
    joined->rest = rest.length;
    joined->length = key.length;
    joined->words = ids->words + rest.length * ids->blocks * 2 * ids->places;
}

/* The first 64 bits of the hash of key ‖ id. One after the other: nothing waits for anything, and a processor of today has several under way. */
static inline uint64_t emc__joined_hash(const struct emc__joined_ids *ids, const struct emc__joined_key *key,
                                        size_t place)
{
    const uint64_t *words = key->words + place;
    uint64_t h1 = key->hash.h1, h2 = key->hash.h2, length = ids->lengths[place];
    uint64_t s1 = EMC__MURMUR3_SCRAMBLE1(key->k1 + words[0]), s2 = EMC__MURMUR3_SCRAMBLE2(key->k2 + words[ids->places]);
    for (size_t left = (key->rest + (size_t)length) / EMC__MURMUR3_BLOCK; left > 0; left--) {
        EMC__MURMUR3_TAKE(h1, h2, s1, s2);
        words += 2 * ids->places;
        s1 = words[0];
        s2 = words[ids->places];
    }
    EMC__MURMUR3_END(h1, h2, s1, s2, key->length + length);
    return h1;
}

#endif
