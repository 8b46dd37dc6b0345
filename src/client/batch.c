/* set_many and delete_many: a batch of single operations with one shared count, a status for each item.
 *
 * Every item that could not be submitted (a limit, no memory) is reported like one that failed, through the callback. */
#include <assert.h>
#include <string.h>

#include "client/client_internal.h"
#include "node/connection.h"

struct emc__batch;

struct batch_item {
    struct emc__batch *batch;
    uint32_t key_offset;
    uint8_t key_length;
    int16_t refused; /* status of an item that was not accepted; EMC_OK: it was */
};

struct emc__batch {
    struct emc_client *client;
    emc_callback *callback;
    void (*released)(void *user_data);
    void *user_data;
    size_t count, unreported, unreleased; /* unreleased: values that the engine still looks at */
    bool held;                            /* until it is let go */
    uint8_t *keys;
    struct batch_item items[]; /* then the keys */
};

static void free_when_over(struct emc__batch *batch)
{
    if (batch->unreported == 0 && batch->unreleased == 0 && !batch->held) {
        emc__release(&batch->client->engine.allocator, batch);
    }
}

/* The engine looks at one value less. */
static void release_one(struct emc__batch *batch)
{
    if (--batch->unreleased > 0) {
        return;
    }
    if (batch->released != NULL) {
        batch->released(batch->user_data);
    }
    free_when_over(batch);
}

static void item_released(void *user_data)
{
    release_one(((struct batch_item *)user_data)->batch);
}

/* True: it was the last one, and the batch may be gone. */
static bool report(struct batch_item *item, emc_result *result)
{
    struct emc__batch *batch = item->batch;
    bool last = --batch->unreported == 0;
    result->index = (size_t)(item - batch->items);
    result->key = batch->keys + item->key_offset;
    result->key_length = item->key_length;
    result->last = last;
    if (batch->callback != NULL) {
        batch->callback(batch->user_data, result);
    }
    if (last) {
        free_when_over(batch);
    }
    return last;
}

static void item_done(void *user_data, const emc_result *result)
{
    emc_result copy = *result;
    (void)report(user_data, &copy);
}

/* Reports the items that were not accepted. Called back by an operation of our own, so never from inside the submit. */
static void refusals_due(void *user_data, const emc_result *ignored)
{
    struct emc__batch *batch = user_data;
    (void)ignored;
    for (size_t i = 0; i < batch->count; i++) {
        emc_status refused = (emc_status)batch->items[i].refused;
        emc_result result = {.status = refused, .message = emc_status_text(refused)};
        if (refused != EMC_OK && report(&batch->items[i], &result)) {
            return;
        }
    }
    if (batch->count == 0) {
        emc_result result = {.status = EMC_OK, .last = true};
        if (batch->callback != NULL) {
            batch->callback(batch->user_data, &result);
        }
        free_when_over(batch);
    }
}

/* Keys stand in lists of their own, or at the beginning of items. */
static const emc_key *key_at(const void *list, size_t stride, size_t index)
{
    return (const emc_key *)(const void *)((const char *)list + index * stride);
}

static struct emc__batch *create(emc_client *client, const void *list, size_t stride, size_t count,
                                 const emc_call *call)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += key_at(list, stride, i)->length;
    }
    struct emc__batch *batch = bytes > UINT32_MAX /* offsets are 32 bits */
                                   ? NULL
                                   : emc__allocate(&client->engine.allocator,
                                                   sizeof *batch + count * sizeof(struct batch_item) + bytes);
    if (batch == NULL) {
        return NULL;
    }
    *batch = (struct emc__batch){.client = client,
                                 .callback = call->callback,
                                 .user_data = call->user_data,
                                 .count = count,
                                 .unreported = count,
                                 .keys = (uint8_t *)&batch->items[count]};
    uint32_t offset = 0;
    for (size_t i = 0; i < count; i++) {
        const emc_key *key = key_at(list, stride, i);
        batch->items[i] = (struct batch_item){batch, offset, (uint8_t)key->length, EMC_OK};
        memcpy(batch->keys + offset, key->data, key->length);
        offset += (uint32_t)key->length;
    }
    return batch;
}

/* The operation that reports refusals: taken before anything is submitted, so that a refusal can always be told. */
static struct emc__operation *take_tail(emc_client *client, struct emc__batch *batch)
{
    struct emc__operation *tail = emc__operation_take(&client->engine, EMC__OPERATION_PLAIN, EMC__VERB_VERSION);
    if (tail != NULL) {
        tail->internal = true;
        tail->callback = refusals_due;
        tail->user_data = batch;
    }
    return tail;
}

static emc_status begin(emc_client *client, const void *list, size_t stride, size_t count, const emc_call *call,
                        struct emc__batch **batch_out, struct emc__operation **tail_out)
{
    struct emc__batch *batch = create(client, list, stride, count, call);
    struct emc__operation *tail = batch != NULL ? take_tail(client, batch) : NULL;
    if (tail == NULL) {
        emc__release(&client->engine.allocator, batch);
        return emc__client_refuse(client, EMC_ERROR_MEMORY, "out of memory");
    }
    emc__client_begin_tick(client);
    if (call->operation_out != NULL) {
        *call->operation_out = 0; /* there is no one operation */
    }
    *batch_out = batch;
    *tail_out = tail;
    return EMC_OK;
}

/* Every item is submitted: the tail reports those that were refused, or goes. */
static void finish(emc_client *client, struct emc__operation *tail, bool refused, size_t count)
{
    if (refused || count == 0) {
        emc__operation_settle(&client->engine, tail, EMC_OK);
    } else {
        emc__slab_give(&client->engine.operations, tail);
    }
}

static struct emc__slice key_of(const struct batch_item *item)
{
    assert(item->batch != NULL);
    return emc__slice_of(item->batch->keys + item->key_offset, item->key_length);
}

static emc_call call_for(struct batch_item *item, const emc_call *call)
{
    emc_call each = *call;
    each.callback = item_done;
    each.user_data = item;
    each.allocate = NULL;
    each.released = NULL;
    each.operation_out = NULL;
    return each;
}

/* Where the next items go: several are asked for at once. */
struct item_routes {
    struct emc__route next[EMC__ROUTES_AT_ONCE];
};

/* Asked for each index from 0 on. */
static const struct emc__route *route_of(struct item_routes *routes, const struct emc__batch *batch, size_t index,
                                         const emc_call *call)
{
    struct emc__slice keys[EMC__ROUTES_AT_ONCE];
    size_t count = batch->count - index < EMC__ROUTES_AT_ONCE ? batch->count - index : EMC__ROUTES_AT_ONCE;
    if (index % EMC__ROUTES_AT_ONCE != 0) {
        return &routes->next[index % EMC__ROUTES_AT_ONCE];
    }
    for (size_t i = 0; i < count; i++) {
        keys[i] = key_of(&batch->items[index + i]);
    }
    emc__client_route_many(batch->client, keys, count, call, routes->next);
    return &routes->next[0];
}

static emc_status check_item(emc_client *client, const emc_store_item *item)
{
    emc_status status = emc__client_check_key(client, emc__slice_of(item->key.data, item->key.length));
    status = status == EMC_OK ? emc__client_check_exptime(client, item->exptime) : status;
    if (status == EMC_OK && item->flags > UINT32_MAX) {
        status = emc__client_refuse(client, EMC_ERROR_ARGUMENT, "flags: %llu; it is 0 to 4294967295",
                                    (unsigned long long)item->flags);
    }
    return status;
}

/* One that is sending a value of the batch; NULL: there is none. */
static struct emc__connection *find_sending(const struct emc__batch *batch)
{
    const struct emc__list *all = &batch->client->engine.connections;
    for (struct emc__link *link = emc__list_first(all); link != NULL; link = emc__list_next(all, link)) {
        struct emc__connection *connection = EMC__CONTAINER_OF(link, struct emc__connection, all);
        const struct emc__operation *operation = connection->borrowed;
        if (operation != NULL && operation->released == item_released &&
            ((struct batch_item *)operation->user_data)->batch == batch) {
            return connection;
        }
    }
    return NULL;
}

void emc__batch_let_go(struct emc__batch *batch)
{
    struct emc__connection *connection;
    while ((connection = find_sending(batch)) != NULL) {
        emc__connection_detach_value(connection, connection->borrowed);
        release_one(batch);
    }
    batch->held = false;
    free_when_over(batch);
}

emc_status emc_set_many_async(emc_client *client, const emc_store_item *items, size_t count, const emc_call *call)
{
    return emc__client_set_many(client, items, count, call, NULL);
}

/* Submits each; whether one was refused. */
static bool store_each(struct emc__batch *batch, const emc_store_item *items, size_t count, const emc_call *call)
{
    struct item_routes routes;
    bool refused = false, watched = batch->unreleased > 0;
    for (size_t i = 0; i < count; i++) {
        const emc_store_item *item = &items[i];
        const struct emc__request request = {.kind = EMC__OPERATION_STORAGE,
                                             .verb = EMC__VERB_SET,
                                             .route = route_of(&routes, batch, i, call),
                                             .key = key_of(&batch->items[i]),
                                             .value = emc__slice_of(item->value, item->value_length),
                                             .exptime = item->exptime,
                                             .flags = item->flags};
        emc_call each = call_for(&batch->items[i], call);
        each.released = watched ? item_released : NULL;
        emc_status status = emc__client_submit(batch->client, &request, &each);
        batch->items[i].refused = (int16_t)status;
        refused = refused || status != EMC_OK;
        if (status != EMC_OK && watched) {
            release_one(batch);
        }
    }
    return refused;
}

static emc_status set_many(emc_client *client, const emc_store_item *items, size_t count, const emc_call *call,
                           struct emc__batch **batch_out)
{
    struct emc__batch *batch = NULL;
    struct emc__operation *tail = NULL;
    emc_status status = emc__client_check_open(client, call);
    if (status == EMC_OK && items == NULL && count > 0) {
        return emc__client_refuse(client, EMC_ERROR_ARGUMENT, "items: NULL");
    }
    for (size_t i = 0; status == EMC_OK && i < count; i++) {
        status = check_item(client, &items[i]);
        if (status != EMC_OK) {
            return emc__client_refuse_one(client, status, "items", i, "");
        }
    }
    status = status == EMC_OK ? begin(client, items, sizeof *items, count, call, &batch, &tail) : status;
    if (status != EMC_OK) {
        return status;
    }
    assert(batch != NULL);
    batch->released = call->released;
    batch->held = batch_out != NULL;
    batch->unreleased = call->released != NULL || batch->held ? count : 0;
    bool refused = store_each(batch, items, count, call);
    if (count == 0 && call->released != NULL) {
        call->released(call->user_data);
    }
    finish(client, tail, refused, count);
    if (batch_out != NULL) {
        *batch_out = batch;
    }
    return EMC_OK;
}

emc_status emc__client_set_many(emc_client *client, const emc_store_item *items, size_t count, const emc_call *call,
                                struct emc__batch **batch_out)
{
    emc_status status = emc__client_enter(client);
    if (status == EMC_OK) {
        status = set_many(client, items, count, call, batch_out);
        emc__client_leave(client);
    }
    return status;
}

/* The same. */
static bool delete_each(struct emc__batch *batch, const emc_call *call)
{
    struct item_routes routes;
    bool refused = false;
    for (size_t i = 0; i < batch->count; i++) {
        const struct emc__request request = {.kind = EMC__OPERATION_KEYED,
                                             .verb = EMC__VERB_DELETE,
                                             .route = route_of(&routes, batch, i, call),
                                             .key = key_of(&batch->items[i])};
        emc_call each = call_for(&batch->items[i], call);
        emc_status status = emc__client_submit(batch->client, &request, &each);
        batch->items[i].refused = (int16_t)status;
        refused = refused || status != EMC_OK;
    }
    return refused;
}

static emc_status delete_many(emc_client *client, const emc_key *keys, size_t count, const emc_call *call)
{
    struct emc__batch *batch = NULL;
    struct emc__operation *tail = NULL;
    emc_status status = emc__client_check_open(client, call);
    status = status == EMC_OK ? emc__client_check_keys(client, keys, count) : status;
    status = status == EMC_OK ? begin(client, keys, sizeof *keys, count, call, &batch, &tail) : status;
    if (status != EMC_OK) {
        return status;
    }
    assert(batch != NULL);
    finish(client, tail, delete_each(batch, call), count);
    return EMC_OK;
}

emc_status emc_delete_many_async(emc_client *client, const emc_key *keys, size_t count, const emc_call *call)
{
    emc_status status = emc__client_enter(client);
    if (status == EMC_OK) {
        status = delete_many(client, keys, count, call);
        emc__client_leave(client);
    }
    return status;
}
