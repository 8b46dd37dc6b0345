/* Where a set of keys lives: a snapshot of key -> node, to be counted and compared with another. */
#ifndef EMCACHE_CLI_PLACEMENT_H
#define EMCACHE_CLI_PLACEMENT_H

#include <emcache.h>

/* No node: the key's node is none of those asked about. */
#define PLACEMENT_NOWHERE UINT16_MAX

/* Keys are made from numbers, so that a set of them needs no memory. Room for the longest, with its zero. */
#define PLACEMENT_KEY_SIZE 32

/* Zeroed it is empty. */
struct placement {
    uint16_t *node_of; /* the index of each key's node */
    size_t count;
};

/* Writes key `number`, terminated, and returns its length. */
size_t placement_key(size_t number, char key_out[static PLACEMENT_KEY_SIZE]);

/* Asks for the node of `count` keys, among `nodes`; memory is kept from snapshot to snapshot. EMC_OK or an error. */
emc_status placement_take(struct placement *placement, emc_cluster_management *view, size_t count,
                          const emc_address *nodes, size_t node_count);
void placement_deinit(struct placement *placement);

/* How many keys live on a node. */
size_t placement_on(const struct placement *placement, size_t node);
/* How many keys lived on `from` and live on `to` now. */
size_t placement_moved(const struct placement *before, const struct placement *after, size_t from, size_t to);
/* How many keys live elsewhere than before. */
size_t placement_moved_all(const struct placement *before, const struct placement *after);
/* Copies a snapshot. False when memory ran out. */
bool placement_copy(struct placement *to, const struct placement *from);

#endif
