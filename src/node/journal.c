/* A bounded set of keys: see journal.h. A chained hash table over entries of their own; it doubles when it holds as many keys as buckets. */
#include "node/journal.h"

#include <assert.h>

#define BUCKETS_MIN 64u

void emc__journal_init(struct emc__journal *journal, const emc_allocator *allocator, uint32_t most)
{
    *journal = (struct emc__journal){.allocator = allocator, .most = most};
    emc__list_init(&journal->entries);
}

void emc__journal_deinit(struct emc__journal *journal)
{
    while (journal->count > 0) {
        emc__journal_drop_first(journal);
    }
    emc__release(journal->allocator, journal->buckets); /* there when memory failed after it */
    journal->buckets = NULL;
}

static struct emc__journal_entry **bucket_of(const struct emc__journal *journal, uint64_t hash)
{
    return &journal->buckets[hash & (journal->bucket_count - 1)];
}

static bool is_there(const struct emc__journal *journal, uint64_t hash, struct emc__slice key, bool binary)
{
    const struct emc__journal_entry *entry = journal->bucket_count > 0 ? *bucket_of(journal, hash) : NULL;
    while (entry != NULL &&
           (entry->binary != binary || !emc__slice_equal(emc__slice_of(entry->key, entry->length), key))) {
        entry = entry->next;
    }
    return entry != NULL;
}

/* Room in the table for one more; a table that can't grow only becomes slower. False: there is none at all. */
static bool make_room(struct emc__journal *journal)
{
    if (journal->count < journal->bucket_count) {
        return true;
    }
    uint32_t larger = journal->bucket_count == 0 ? BUCKETS_MIN : journal->bucket_count * 2;
    struct emc__journal_entry **buckets = emc__allocate_zeroed(journal->allocator, larger,
                                                               sizeof(struct emc__journal_entry *));
    if (buckets == NULL) {
        return journal->bucket_count > 0;
    }
    emc__release(journal->allocator, journal->buckets);
    journal->buckets = buckets;
    journal->bucket_count = larger;
    for (struct emc__link *link = emc__list_first(&journal->entries); link != NULL;
         link = emc__list_next(&journal->entries, link)) {
        struct emc__journal_entry *entry = EMC__CONTAINER_OF(link, struct emc__journal_entry, link);
        struct emc__journal_entry **bucket = bucket_of(journal, entry->hash);
        entry->next = *bucket;
        *bucket = entry;
    }
    return true;
}

bool emc__journal_add(struct emc__journal *journal, uint64_t hash, struct emc__slice key, bool binary)
{
    if (is_there(journal, hash, key, binary)) {
        return true;
    }
    struct emc__journal_entry *entry = NULL;
    if (journal->count < journal->most && make_room(journal)) {
        entry = emc__allocate(journal->allocator, sizeof *entry + key.length);
    }
    if (entry == NULL) {
        journal->refused++;
        return false;
    }
    struct emc__journal_entry **bucket = bucket_of(journal, hash);
    *entry = (struct emc__journal_entry){
        .hash = hash, .length = (uint8_t)key.length, .binary = binary, .next = *bucket};
    memcpy(entry->key, key.data, key.length);
    *bucket = entry;
    emc__list_append(&journal->entries, &entry->link);
    journal->count++;
    return true;
}

const struct emc__journal_entry *emc__journal_first(const struct emc__journal *journal)
{
    struct emc__link *link = emc__list_first(&journal->entries);
    return link != NULL ? EMC__CONTAINER_OF(link, struct emc__journal_entry, link) : NULL;
}

void emc__journal_drop_first(struct emc__journal *journal)
{
    struct emc__link *first = emc__list_first(&journal->entries);
    assert(first != NULL); /* a caller has seen that there is one */
    struct emc__journal_entry *entry = EMC__CONTAINER_OF(first, struct emc__journal_entry, link);
    struct emc__journal_entry **place = bucket_of(journal, entry->hash);
    while (*place != entry) {
        assert(*place != NULL);
        place = &(*place)->next;
    }
    *place = entry->next;
    emc__link_remove(&entry->link);
    emc__release(journal->allocator, entry);
    journal->count--;
    if (journal->count == 0) { /* a node that is up costs nothing */
        emc__release(journal->allocator, journal->buckets);
        journal->buckets = NULL;
        journal->bucket_count = 0;
    }
}
