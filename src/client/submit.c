/* From a command to an operation: validate, copy what must be kept, find the node, hand it over. Never writes and never completes. */
#include <stdio.h>
#include <string.h>

#include "base/rare.h"
#include "client/client_internal.h"
#include "node/node.h"
#include "node/trace.h"
#include "routing/routing.h"

/* Larger values are borrowed, not copied (ENGINE.md). */
#define VALUE_COPIED_MAX    16384
#define ARGUMENT_LENGTH_MAX 1024

void emc__client_open_tick(struct emc_client *client)
{
    struct emc__transport *transport = client->engine.transport;
    emc__client_begin_tick_at(client, transport->class_->now_ns(transport));
}

static inline emc_status check_client(struct emc_client *client, const emc_call *call)
{
    if (client->closed || client->destroy_wanted) {
        return emc__client_refuse(client, EMC_ERROR_CLOSED, "the client is closed");
    }
    return call != NULL
               ? EMC_OK
               : emc__client_refuse(client, EMC_ERROR_ARGUMENT, "call: NULL; an asynchronous command needs one");
}

/* What the usual call does not have. */
static emc_status check_call(struct emc_client *client, const emc_call *call)
{
    if ((call->options & ~(uint32_t)EMC_CALL_NOREPLY) != 0) {
        return emc__client_refuse(client, EMC_ERROR_ARGUMENT, "call.options: 0x%x has a bit that means nothing",
                                  call->options);
    }
    if (call->routing_key == NULL && call->routing_key_length > 0) {
        return emc__client_refuse(client, EMC_ERROR_ARGUMENT, "call.routing_key: NULL with a length");
    }
    return EMC_OK;
}

emc_status emc__client_check_open(struct emc_client *client, const emc_call *call)
{
    emc_status status = check_client(client, call);
    return status == EMC_OK ? check_call(client, call) : status;
}

emc_status emc__client_refuse_key(struct emc_client *client, struct emc__slice key)
{
    emc_error error;
    size_t prefix = client->engine.key_prefix.length;
    if (key.data == NULL && key.length > 0) {
        return emc__client_refuse(client, EMC_ERROR_KEY, "key: NULL");
    }
    emc_status status = emc__key_validate(key, &error);
    if (status != EMC_OK) {
        return emc__client_refuse(client, status, "%s", error.message);
    }
    return emc__client_refuse(client, EMC_ERROR_KEY,
                              "key: %zu bytes with the client's prefix of %zu; a key has at most %d",
                              key.length + prefix, prefix, EMC__KEY_LENGTH_MAX);
}

emc_status emc__client_refuse_one(struct emc_client *client, emc_status status, const char *list, size_t index,
                                  const char *implied)
{
    char words[EMC_ERROR_MESSAGE_SIZE];
    snprintf(words, sizeof words, "%s", emc__client_words(client));
    size_t skipped = strlen(implied);
    return skipped > 0 && strncmp(words, implied, skipped) == 0
               ? emc__client_refuse(client, status, "%s[%zu]%s", list, index, words + skipped)
               : emc__client_refuse(client, status, "%s[%zu].%s", list, index, words);
}

emc_status emc__client_check_keys(struct emc_client *client, const emc_key *keys, size_t count)
{
    if (keys == NULL && count > 0) {
        return emc__client_refuse(client, EMC_ERROR_ARGUMENT, "keys: NULL");
    }
    for (size_t i = 0; i < count; i++) {
        emc_status status = emc__client_check_key(client, emc__slice_of(keys[i].data, keys[i].length));
        if (status != EMC_OK) {
            return emc__client_refuse_one(client, status, "keys", i, "key");
        }
    }
    return EMC_OK;
}

emc_status emc__client_check_exptime(struct emc_client *client, int64_t exptime)
{
    if (exptime < -1 || exptime > EMC__EXPTIME_MAX) {
        return emc__client_refuse(client, EMC_ERROR_ARGUMENT, "exptime: %lld; it is -1 to %d", (long long)exptime,
                                  EMC__EXPTIME_MAX);
    }
    return EMC_OK;
}

static emc_status check_value(struct emc_client *client, const struct emc__request *request)
{
    if (request->value.data == NULL && request->value.length > 0) {
        return emc__client_refuse(client, EMC_ERROR_ARGUMENT, "value: NULL");
    }
    if (request->value.length > client->engine.options.value_length_max) {
        return emc__client_refuse(client, EMC_ERROR_ARGUMENT, "value: %zu bytes; options.value_length_max allows %zu",
                                  request->value.length, client->engine.options.value_length_max);
    }
    if (request->quiet && request->value.length > VALUE_COPIED_MAX) {
        return emc__client_refuse(client, EMC_ERROR_ARGUMENT,
                                  "options.modes: EMC_META_QUIET goes with values of at most %d bytes",
                                  VALUE_COPIED_MAX);
    }
    if (request->flags > UINT32_MAX) {
        return emc__client_refuse(client, EMC_ERROR_ARGUMENT, "flags: %llu; it is 0 to 4294967295",
                                  (unsigned long long)request->flags);
    }
    if (request->verb == EMC__VERB_CAS && request->number == 0) {
        return emc__client_refuse(client, EMC_ERROR_ARGUMENT, "cas: 0; a cas value is at least 1");
    }
    return EMC_OK;
}

static bool has_key(const struct emc__request *request)
{
    return request->kind != EMC__OPERATION_PLAIN && request->kind != EMC__OPERATION_STREAM;
}

static bool may_noreply(const struct emc__request *request)
{
    return request->kind == EMC__OPERATION_STORAGE || request->kind == EMC__OPERATION_KEYED ||
           request->verb == EMC__VERB_FLUSH_ALL || request->verb == EMC__VERB_VERBOSITY;
}

/* Measured: at most 250 encoded characters, prefix included. */
#define RAW_KEY_MAX 186

static emc_status check_binary_key(struct emc_client *client, struct emc__slice key)
{
    size_t length = key.length + client->engine.key_prefix.length;
    if (key.data == NULL || key.length == 0 || length > RAW_KEY_MAX) {
        return emc__client_refuse(client, EMC_ERROR_KEY,
                                  "key: %zu bytes with the client's prefix; a binary key has 1 to %d", length,
                                  RAW_KEY_MAX);
    }
    return EMC_OK;
}

/* What the usual request does not have, and so is looked at apart. */
EMC__APART static emc_status check_unusual(struct emc_client *client, const struct emc__request *request,
                                           const emc_call *call)
{
    emc_status status = check_call(client, call);
    if (status == EMC_OK) {
        status = emc__client_check_exptime(client, request->exptime);
    }
    if (status == EMC_OK) {
        status = check_value(client, request);
    }
    if (status == EMC_OK && (call->options & EMC_CALL_NOREPLY) != 0 && !may_noreply(request)) {
        status = emc__client_refuse(client, EMC_ERROR_ARGUMENT,
                                    "call.options: EMC_CALL_NOREPLY does not go with this command");
    }
    if (status == EMC_OK && request->argument.length > ARGUMENT_LENGTH_MAX) {
        status = emc__client_refuse(client, EMC_ERROR_ARGUMENT, "argument: longer than %d bytes", ARGUMENT_LENGTH_MAX);
    }
    return status;
}

static inline bool usual_value(const struct emc_client *client, struct emc__slice value)
{
    return value.length == 0 || (value.data != NULL && value.length <= VALUE_COPIED_MAX &&
                                 value.length <= client->engine.options.value_length_max);
}

static inline emc_status check(struct emc_client *client, const struct emc__request *request, const emc_call *call)
{
    emc_status status = check_client(client, call);
    if (status == EMC_OK && has_key(request)) {
        status = request->binary_key ? check_binary_key(client, request->key)
                                     : emc__client_check_key(client, request->key);
    }
    if (status != EMC_OK) {
        return status;
    }
    uint64_t small = (uint64_t)request->exptime | request->flags;
    uint64_t unusual = request->number | request->argument.length | call->options | call->routing_key_length |
                       small >> 31;
    return unusual == 0 && usual_value(client, request->value) && request->verb != EMC__VERB_CAS
               ? EMC_OK
               : check_unusual(client, request, call);
}

static EMC__RARE emc_status refuse_node(struct emc_client *client, const emc_address *node)
{
    emc_error error;
    return emc__client_refuse(client, emc__cluster_unknown(node, &error), "%s", error.message);
}

/* The node may be NULL: none is available. */
static emc_status find_route(struct emc_client *client, const struct emc__request *request, const emc_call *call,
                             struct emc__route *route_out)
{
    if (request->route != NULL) {
        *route_out = *request->route;
        return EMC_OK;
    }
    if (request->node != NULL) {
        route_out->node = route_out->home = emc__cluster_find_any(client->cluster, request->node);
        return route_out->node != NULL ? EMC_OK : refuse_node(client, request->node);
    }
    if (!has_key(request)) {
        return emc__client_refuse(client, EMC_ERROR_ARGUMENT, "node: NULL");
    }
    *route_out = emc__client_route(client, request->key, call);
    return EMC_OK;
}

/* A key that is not sent as it was given. */
EMC__RARE static void put_changed_key(uint8_t *block, struct emc__slice prefix, const struct emc__request *request)
{
    uint8_t bytes[EMC__KEY_LENGTH_MAX];
    size_t length = prefix.length + request->key.length;
    emc__slice_copy(bytes, prefix);
    emc__slice_copy(bytes + prefix.length, request->key);
    if (request->binary_key) {
        (void)emc__key_encode_base64(emc__slice_of(bytes, length), block);
    } else {
        memcpy(block, bytes, length);
    }
}

static void put_rest(struct emc__operation *operation, uint8_t *at, const struct emc__request *request, bool copy_value)
{
    if (request->argument.length > 0) {
        memcpy(at, request->argument.data, request->argument.length);
        operation->argument_length = (uint16_t)request->argument.length;
        at += request->argument.length;
    }
    if (copy_value) {
        operation->value = at;
        emc__slice_copy(at, request->value);
    }
}

/* The block: prefix and key, then the argument or meta flags, then a copied value. */
static bool fill_block(struct emc_client *client, struct emc__operation *operation, const struct emc__request *request,
                       bool copy_value)
{
    struct emc__engine *engine = &client->engine;
    struct emc__slice prefix = request->key.length > 0 ? engine->key_prefix : (struct emc__slice){0};
    size_t key_length = prefix.length + request->key.length;
    key_length = request->binary_key ? (key_length + 2) / 3 * 4 : key_length;
    size_t size = key_length + request->argument.length + (copy_value ? request->value.length : 0);
    operation->value = request->value.data;
    operation->value_length = request->value.length;
    operation->key_length = (uint8_t)key_length;
    bool own = size <= sizeof operation->own;
    uint8_t *block = own ? operation->own : emc__blocks_take(&engine->blocks, size);
    if (block == NULL) {
        return false;
    }
    operation->block = block;
    operation->block_size = own ? 0 : (uint32_t)size;
    if (prefix.length == 0 && !request->binary_key) {
        emc__slice_copy(block, request->key);
    } else {
        put_changed_key(block, prefix, request);
    }
    if (size > key_length) {
        put_rest(operation, block + key_length, request, copy_value);
    }
    return true;
}

static void describe(struct emc__operation *operation, const struct emc__request *request, const emc_call *call)
{
    operation->callback = call->callback;
    operation->user_data = call->user_data;
    operation->allocate = call->allocate;
    operation->allocate_from = call->allocate_from > UINT32_MAX ? UINT32_MAX : (uint32_t)call->allocate_from;
    operation->released = call->released;
    operation->flags = (uint32_t)request->flags;
    operation->exptime = (int32_t)request->exptime;
    operation->number = request->number;
    if ((call->options & EMC_CALL_NOREPLY) != 0) {
        operation->noreply = true;
    }
    if (request->kind == EMC__OPERATION_META) {
        operation->quiet = request->quiet;
        operation->in.meta.flags_length = operation->argument_length;
        operation->in.meta.command = request->meta_command;
    }
}

emc_status emc__client_full(struct emc_client *client)
{
    uint32_t most = client->engine.options.operations_max;
    client->engine.room_wanted = true;
    return client->engine.pending >= most
               ? emc__client_refuse(client, EMC_ERROR_FULL,
                                    "%u operations are under way, and options.operations_max allows no more", most)
               : emc__client_refuse(client, EMC_ERROR_FULL,
                                    "what waits for the node has reached options.operations_per_connection_max or "
                                    "options.bytes_waiting_max");
}

static emc_status admit(struct emc_client *client, const struct emc__node *node, size_t bytes)
{
    if (client->engine.pending >= client->engine.options.operations_max) {
        return emc__client_full(client);
    }
    return node != NULL && emc__node_admit(node, bytes) != EMC_OK ? emc__client_full(client) : EMC_OK;
}

/* A key that goes in base64 is at the server what it was before: its order is that of the text key of the same bytes. */
EMC__RARE static uint64_t hash_binary_key(const struct emc__engine *engine, const struct emc__request *request)
{
    uint8_t bytes[EMC__KEY_LENGTH_MAX];
    emc__slice_copy(bytes, engine->key_prefix);
    emc__slice_copy(bytes + engine->key_prefix.length, request->key);
    return emc__hash_key(emc__slice_of(bytes, engine->key_prefix.length + request->key.length), engine->hash_seed);
}

/* From the caller's bytes where they are the key: those just copied, by words that overlap, are not to be had for some 20 cycles. */
static inline uint64_t hash_key(const struct emc__engine *engine, const struct emc__operation *operation,
                                const struct emc__request *request)
{
    if (request->binary_key) {
        return hash_binary_key(engine, request);
    }
    bool same = engine->key_prefix.length == 0;
    return emc__hash_key(same ? request->key : emc__operation_key(operation), engine->hash_seed);
}

EMC__HOT static emc_status submit(struct emc_client *client, const struct emc__request *request, const emc_call *call)
{
    struct emc__engine *engine = &client->engine;
    struct emc__route route = {NULL, NULL};
    emc_status status = check(client, request, call);
    if (status == EMC_OK) {
        status = find_route(client, request, call, &route);
    }
    if (status == EMC_OK) {
        status = admit(client, route.node, request->key.length + request->value.length);
    }
    if (status != EMC_OK) {
        return status;
    }
    bool copied = request->value.length <= VALUE_COPIED_MAX;
    struct emc__operation *operation = emc__operation_take(engine, request->kind, request->verb);
    if (operation == NULL || !fill_block(client, operation, request, copied)) {
        if (operation != NULL) {
            emc__slab_give(&engine->operations, operation);
        }
        return emc__client_refuse(client, EMC_ERROR_MEMORY, "out of memory");
    }
    emc__client_begin_tick(client);
    describe(operation, request, call);
    operation->borrowed = !copied;
    uint64_t hash = hash_key(engine, operation, request);
    operation->hash = (uint32_t)hash;
    operation->slot = emc__slot_of(hash);
    if (emc__client_diverts_to_gutter(client, route)) {
        operation->exptime = (int32_t)emc__client_gutter_exptime(client, operation->exptime);
    }
    emc__client_start(client, operation, route.node, call);
    if (route.node != route.home) {
        emc__client_note_diverted(route, operation, request->binary_key);
    }
    if (route.node != NULL) {
        emc__node_submit(route.node, operation);
    } else {
        emc__operation_settle(engine, operation, EMC_ERROR_NO_NODES);
    }
    if (operation->released != NULL) {
        engine->releases++;
        if (copied) {
            emc__operation_release_value(engine, operation);
        }
    }
    return EMC_OK;
}

emc_status emc__client_submit(struct emc_client *client, const struct emc__request *request, const emc_call *call)
{
    emc_status status = emc__client_enter(client);
    if (status == EMC_OK) {
        status = submit(client, request, call);
        emc__client_leave(client);
    }
    return status;
}
