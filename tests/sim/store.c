/* The items of a simulated memcached: see store.h. */
#include "store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ITEM_HEADER    50 /* memcached's own overhead, which counts against its limits */
#define RELATIVE_MAX_S 2592000

void sim_store_init(struct sim_store *store, struct sim_world *world, const struct sim_observer *observer,
                    uint32_t server)
{
    memset(store, 0, sizeof *store);
    store->world = world;
    store->observer = observer;
    store->server = server;
    store->item_size_max = 1024 * 1024;
}

static uint32_t bucket_of(struct emc__slice key)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < key.length; i++) {
        hash = (hash ^ key.data[i]) * 16777619u;
    }
    return hash % SIM_STORE_BUCKETS;
}

static struct emc__slice key_of(const struct sim_item *item)
{
    return (struct emc__slice){item->key, item->key_length};
}

int64_t sim_store_clock_s(const struct sim_store *store)
{
    return (int64_t)(store->world->unix_begin_s + store->world->now_ns / SIM_S);
}

/* ------------------------------------------------------------------ telling */

static void tell_changed(struct sim_store *store, struct emc__slice key, const struct sim_item *item)
{
    store->world->sequence++;
    if (store->observer != NULL) {
        store->observer->changed(store->observer->context, store->server, key, item);
    }
}

static enum sim_outcome tell(struct sim_store *store, const struct sim_request *request, enum sim_outcome outcome,
                             uint64_t number)
{
    if (store->observer != NULL) {
        store->observer->applied(store->observer->context, store->server, request, outcome, number);
    }
    return outcome;
}

/* ------------------------------------------------------------------ items */

static void unlink_use(struct sim_store *store, struct sim_item *item)
{
    *(item->older != NULL ? &item->older->newer : &store->oldest) = item->newer;
    *(item->newer != NULL ? &item->newer->older : &store->newest) = item->older;
}

static void link_use(struct sim_store *store, struct sim_item *item)
{
    item->older = store->newest;
    item->newer = NULL;
    *(store->newest != NULL ? &store->newest->newer : &store->oldest) = item;
    store->newest = item;
}

static size_t size_of(size_t key_length, size_t length)
{
    return ITEM_HEADER + key_length + length + 2;
}

static void take_out(struct sim_store *store, struct sim_item *item)
{
    struct sim_item **at = &store->buckets[bucket_of(key_of(item))];
    while (*at != item) {
        at = &(*at)->next;
    }
    *at = item->next;
    unlink_use(store, item);
    store->bytes -= size_of(item->key_length, item->length);
    free(item->value);
    free(item->key);
    free(item);
}

void sim_store_remove(struct sim_store *store, struct sim_item *item)
{
    uint8_t key[256];
    struct emc__slice copy = {key, item->key_length};
    memcpy(key, item->key, item->key_length);
    take_out(store, item);
    tell_changed(store, copy, NULL);
}

void sim_store_clear(struct sim_store *store)
{
    while (store->oldest != NULL) {
        sim_store_remove(store, store->oldest);
    }
    store->flush_at_ns = 0;
}

void sim_store_deinit(struct sim_store *store)
{
    store->observer = NULL;
    while (store->oldest != NULL) {
        take_out(store, store->oldest);
    }
}

static bool is_over(const struct sim_store *store, const struct sim_item *item)
{
    bool flushed = store->flush_at_ns != 0 && store->flush_at_ns <= store->world->now_ns &&
                   item->stored_ns <= store->flush_at_ns;
    bool expired = item->expires_s != 0 && item->expires_s <= sim_store_clock_s(store);
    return flushed || expired;
}

struct sim_item *sim_store_find(struct sim_store *store, struct emc__slice key)
{
    struct sim_item *item = store->buckets[bucket_of(key)];
    while (item != NULL && !emc__slice_equal(key_of(item), key)) {
        item = item->next;
    }
    if (item == NULL) {
        return NULL;
    }
    if (is_over(store, item)) {
        sim_store_remove(store, item);
        return NULL;
    }
    unlink_use(store, item);
    link_use(store, item);
    return item;
}

bool sim_store_fits(const struct sim_store *store, size_t key_length, size_t length)
{
    return size_of(key_length, length) <= store->item_size_max;
}

void sim_store_expire(struct sim_store *store, struct sim_item *item, int64_t exptime)
{
    if (exptime == 0) {
        item->expires_s = 0;
    } else if (exptime < 0 || exptime > INT32_MAX) {
        item->expires_s = 1;
    } else {
        item->expires_s = exptime > RELATIVE_MAX_S ? exptime : exptime + sim_store_clock_s(store);
    }
}

/* Room for so many more bytes: false when the store is full and must not evict. */
static bool make_room(struct sim_store *store, size_t more, const struct sim_item *spare)
{
    while (store->bytes_max > 0 && store->bytes + more > store->bytes_max) {
        struct sim_item *victim = store->oldest == spare && spare != NULL ? spare->newer : store->oldest;
        if (store->refuses_when_full || victim == NULL) {
            return false;
        }
        sim_store_remove(store, victim);
    }
    return true;
}

static uint8_t *copy(const void *bytes, size_t length)
{
    uint8_t *block = malloc(length + 1);
    if (block == NULL) {
        abort();
    }
    if (length > 0) {
        memcpy(block, bytes, length);
    }
    return block;
}

static struct sim_item *insert(struct sim_store *store, struct emc__slice key)
{
    struct sim_item *item = calloc(1, sizeof *item);
    if (item == NULL) {
        abort();
    }
    item->key = copy(key.data, key.length);
    item->key_length = key.length;
    item->next = store->buckets[bucket_of(key)];
    store->buckets[bucket_of(key)] = item;
    store->bytes += size_of(key.length, 0);
    link_use(store, item);
    return item;
}

static void set_value(struct sim_store *store, struct sim_item *item, uint8_t *value, size_t length)
{
    store->bytes += length - item->length;
    free(item->value);
    item->value = value;
    item->length = length;
    item->cas = ++store->cas;
    item->stored_ns = store->world->now_ns;
    item->stale = item->token_given = false;
}

struct sim_item *sim_store_rewrite(struct sim_store *store, struct sim_item *item, const void *value, size_t length)
{
    if (length > item->length && !make_room(store, length - item->length, item) && length > 20) {
        return NULL; /* a number finds its room */
    }
    set_value(store, item, copy(value, length), length);
    tell_changed(store, key_of(item), item);
    return item;
}

/* ------------------------------------------------------------------ storage */

static enum sim_outcome concatenate(struct sim_store *store, const struct sim_request *request, struct sim_item *item)
{
    size_t length = item->length + request->length;
    if (!sim_store_fits(store, item->key_length, length) || !make_room(store, request->length, item)) {
        return SIM_NOT_STORED;
    }
    bool append = request->verb == SIM_APPEND;
    uint8_t *value = copy(append ? item->value : request->value, append ? item->length : request->length);
    value = realloc(value, length + 1);
    if (value == NULL) {
        abort();
    }
    size_t first = append ? item->length : request->length;
    memcpy(value + first, append ? request->value : item->value, length - first);
    set_value(store, item, value, length);
    tell_changed(store, key_of(item), item);
    return SIM_STORED;
}

static enum sim_outcome condition(const struct sim_request *request, const struct sim_item *item)
{
    switch (request->verb) {
    case SIM_ADD:
        return item == NULL ? SIM_STORED : SIM_NOT_STORED;
    case SIM_REPLACE:
    case SIM_APPEND:
    case SIM_PREPEND:
        return item != NULL ? SIM_STORED : SIM_NOT_STORED;
    case SIM_CAS:
        return item == NULL ? SIM_NOT_FOUND : item->cas == request->cas ? SIM_STORED : SIM_EXISTS;
    default:
        return SIM_STORED;
    }
}

enum sim_outcome sim_store_put(struct sim_store *store, const struct sim_request *request)
{
    struct sim_item *item = sim_store_find(store, request->key);
    enum sim_outcome outcome = condition(request, item);
    if (outcome != SIM_STORED) {
        return tell(store, request, outcome, 0);
    }
    if (request->verb == SIM_APPEND || request->verb == SIM_PREPEND) {
        return tell(store, request, concatenate(store, request, item), 0);
    }
    if (!make_room(store, size_of(request->key.length, request->length), item)) {
        sim_store_refused(store, request, SIM_NO_MEMORY);
        return SIM_NO_MEMORY;
    }
    item = item != NULL ? item : insert(store, request->key);
    item->flags = request->flags;
    item->fetched = false;
    set_value(store, item, copy(request->value, request->length), request->length);
    sim_store_expire(store, item, request->exptime);
    tell_changed(store, request->key, item);
    return tell(store, request, SIM_STORED, 0);
}

void sim_store_refused(struct sim_store *store, const struct sim_request *request, enum sim_outcome outcome)
{
    struct sim_item *item = sim_store_find(store, request->key);
    if (item != NULL && request->verb == SIM_SET) {
        sim_store_remove(store, item);
    }
    tell(store, request, outcome, 0);
}

/* ------------------------------------------------------------------ the other commands */

enum sim_outcome sim_store_delete(struct sim_store *store, const struct sim_request *request)
{
    struct sim_item *item = sim_store_find(store, request->key);
    if (item != NULL) {
        sim_store_remove(store, item);
    }
    return tell(store, request, item != NULL ? SIM_DONE : SIM_NOT_FOUND, 0);
}

static bool read_number(const struct sim_item *item, uint64_t *number_out)
{
    uint64_t number = 0;
    size_t length = item->length;
    while (length > 0 && item->value[length - 1] == ' ') {
        length--; /* decr pads */
    }
    if (length == 0 || length > 20) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (item->value[i] < '0' || item->value[i] > '9') {
            return false;
        }
        number = number * 10 + (uint64_t)(item->value[i] - '0');
    }
    *number_out = number;
    return true;
}

enum sim_outcome sim_store_count(struct sim_store *store, const struct sim_request *request, uint64_t *number_out)
{
    struct sim_item *item = sim_store_find(store, request->key);
    uint64_t number;
    if (item == NULL) {
        return tell(store, request, SIM_NOT_FOUND, 0);
    }
    if (!read_number(item, &number)) {
        return tell(store, request, SIM_NON_NUMERIC, 0);
    }
    if (request->verb == SIM_INCR) {
        number += request->delta;
    } else {
        number = request->delta > number ? 0 : number - request->delta;
    }
    char text[24];
    size_t digits = (size_t)snprintf(text, sizeof text, "%" PRIu64, number);
    size_t length = digits < item->length && item->length <= 20 ? item->length : digits;
    memset(text + digits, ' ', length - digits);
    *number_out = number;
    sim_store_rewrite(store, item, text, length);
    return tell(store, request, SIM_DONE, number);
}

void sim_store_mark_stale(struct sim_store *store, struct sim_item *item)
{
    item->stale = true;
    item->token_given = false;
    item->cas = ++store->cas;
    tell_changed(store, key_of(item), item);
    store->world
        ->sequence++; /* no operation of the model's: so that the next one does not pass for the maker of this version */
}

enum sim_outcome sim_store_touch(struct sim_store *store, const struct sim_request *request)
{
    struct sim_item *item = sim_store_find(store, request->key);
    if (item == NULL) {
        return tell(store, request, SIM_NOT_FOUND, 0);
    }
    sim_store_expire(store, item, request->exptime);
    return tell(store, request, SIM_DONE, 0);
}

void sim_store_flush(struct sim_store *store, int64_t delay_s)
{
    struct sim_request request = {.verb = SIM_FLUSH, .exptime = delay_s};
    if (delay_s == 0) {
        sim_store_clear(store);
    } else {
        store->flush_at_ns = store->world->now_ns + (uint64_t)delay_s * SIM_S;
    }
    tell(store, &request, SIM_DONE, 0);
}
