/* The keys that must be deleted on a node before it is read again: a bounded set in the order in which they came. Pure data on the
 * injected allocator; replay.c fills it and empties it. */
#ifndef EMC_NODE_JOURNAL_H
#define EMC_NODE_JOURNAL_H

#include "base/allocator.h"
#include "base/list.h"
#include "base/slice.h"

struct emc__journal_entry {
    struct emc__link link;           /* in the order they came */
    struct emc__journal_entry *next; /* of the same bucket */
    uint64_t hash;
    uint8_t length;
    bool binary;   /* the key stands in base64, for meta commands */
    uint8_t key[]; /* as it goes on the wire */
};

struct emc__journal {
    const emc_allocator *allocator;
    struct emc__list entries;
    struct emc__journal_entry **buckets;
    uint32_t bucket_count; /* 0 (empty), or a power of two */
    uint32_t count, most;
    uint64_t refused; /* keys that found no room, ever */
};

/* Holds at most `most` keys; 0: none at all. Allocates nothing yet. */
void emc__journal_init(struct emc__journal *journal, const emc_allocator *allocator, uint32_t most);
void emc__journal_deinit(struct emc__journal *journal);
/* Adds a key (copied) once. False: it is full, or there is no memory; the key is counted as refused. */
bool emc__journal_add(struct emc__journal *journal, uint64_t hash, struct emc__slice key, bool binary);
/* The key that came first, or NULL. Valid until it is dropped. */
const struct emc__journal_entry *emc__journal_first(const struct emc__journal *journal);
void emc__journal_drop_first(struct emc__journal *journal);

#endif
