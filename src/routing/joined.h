/* Rendezvous hashes key ‖ id for each member: murmur3_x64_128 of the two joined, where the key is the same for all. Here the key's full blocks are
 * hashed once, and the ids, several at a time, behind them. */
#ifndef EMC_ROUTING_JOINED_H
#define EMC_ROUTING_JOINED_H

#include "routing/member_name.h"
#include "routing/murmur3.h"
#include "routing/router.h"

/* So many ids are hashed side by side: their chains of multiplications do not wait for one another. */
#define EMC__JOINED_LANES 4

/* The ids of all members, each "hostport" or a path, with zeros around it: an id that begins in the middle of a block is then read as if it had been
 * shifted there, and what stands beside it disturbs nothing. */
struct emc__joined_ids {
    size_t stride;         /* bytes from one id's place to the next */
    const uint8_t *places; /* 16 zeros, the id, zeros to the end of the place */
    const uint16_t *lengths;
    size_t count; /* places, a multiple of the lanes: those behind the last id are empty ids */
};

/* The key as all hashes have it in common. */
struct emc__joined_key {
    struct emc__murmur3_128 hash; /* after its full blocks */
    struct emc__murmur3_rest rest;
    size_t length;
};

/* Bytes that emc__joined_ids_init() wants, aligned as uint16_t are. */
size_t emc__joined_ids_size(const struct emc__routing_members *members);
/* Lays the ids out in `memory` (zeroed, of that size), id i that of member order[i] (NULL: of member i). */
void emc__joined_ids_init(struct emc__joined_ids *ids, uint8_t *memory, const struct emc__routing_members *members,
                          const uint32_t *order);

void emc__joined_begin(struct emc__joined_key *joined, struct emc__slice key);
/* The hashes of EMC__JOINED_LANES ids from `first` on, or of as many as there are: the first 64 bits of each. Returns how many. */
size_t emc__joined_hash(const struct emc__joined_ids *ids, const struct emc__joined_key *key, size_t first,
                        uint64_t hashes_out[static EMC__JOINED_LANES]);

#endif
