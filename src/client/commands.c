/* The asynchronous commands of one key or one node: each describes its request and submits it. */
#include <stdio.h>
#include <string.h>

#include "base/rare.h"
#include "client/client_internal.h"

emc_status emc_key_validate(const void *key, size_t key_length, emc_error *error)
{
    return key == NULL && key_length > 0 ? emc__error_set(error, EMC_ERROR_KEY, "key: NULL")
                                         : emc__key_validate(emc__slice_of(key, key_length), error);
}

/* ------------------------------------------------------------------ retrieval */

static emc_status retrieve(emc_client *client, enum emc__verb verb, struct emc__slice key, int64_t exptime,
                           const emc_call *call)
{
    struct emc__request request = {.kind = EMC__OPERATION_RETRIEVAL, .verb = verb, .key = key, .exptime = exptime};
    return emc__client_submit(client, &request, call);
}

EMC__HOT emc_status emc_get_async(emc_client *client, const void *key, size_t key_length, const emc_call *call)
{
    return retrieve(client, EMC__VERB_GET, emc__slice_of(key, key_length), 0, call);
}

emc_status emc_gets_async(emc_client *client, const void *key, size_t key_length, const emc_call *call)
{
    return retrieve(client, EMC__VERB_GETS, emc__slice_of(key, key_length), 0, call);
}

emc_status emc_gat_async(emc_client *client, const void *key, size_t key_length, int64_t exptime, const emc_call *call)
{
    return retrieve(client, EMC__VERB_GAT, emc__slice_of(key, key_length), exptime, call);
}

emc_status emc_gats_async(emc_client *client, const void *key, size_t key_length, int64_t exptime, const emc_call *call)
{
    return retrieve(client, EMC__VERB_GATS, emc__slice_of(key, key_length), exptime, call);
}

/* ------------------------------------------------------------------ storage */

static emc_status store(emc_client *client, enum emc__verb verb, const emc_store_item *item, uint64_t cas,
                        const emc_call *call)
{
    struct emc__request request = {
        .kind = EMC__OPERATION_STORAGE,
        .verb = verb,
        .key = emc__slice_of(item->key.data, item->key.length),
        .value = emc__slice_of(item->value, item->value_length),
        .exptime = item->exptime,
        .flags = item->flags,
        .number = cas,
    };
    return emc__client_submit(client, &request, call);
}

EMC__HOT emc_status emc_set_async(emc_client *client, const void *key, size_t key_length, const void *value,
                                  size_t value_length, int64_t exptime, uint64_t flags, const emc_call *call)
{
    const emc_store_item item = {{key, key_length}, value, value_length, exptime, flags};
    return store(client, EMC__VERB_SET, &item, 0, call);
}

emc_status emc_add_async(emc_client *client, const void *key, size_t key_length, const void *value, size_t value_length,
                         int64_t exptime, uint64_t flags, const emc_call *call)
{
    const emc_store_item item = {{key, key_length}, value, value_length, exptime, flags};
    return store(client, EMC__VERB_ADD, &item, 0, call);
}

emc_status emc_replace_async(emc_client *client, const void *key, size_t key_length, const void *value,
                             size_t value_length, int64_t exptime, uint64_t flags, const emc_call *call)
{
    const emc_store_item item = {{key, key_length}, value, value_length, exptime, flags};
    return store(client, EMC__VERB_REPLACE, &item, 0, call);
}

emc_status emc_append_async(emc_client *client, const void *key, size_t key_length, const void *value,
                            size_t value_length, const emc_call *call)
{
    const emc_store_item item = {{key, key_length}, value, value_length, 0, 0};
    return store(client, EMC__VERB_APPEND, &item, 0, call);
}

emc_status emc_prepend_async(emc_client *client, const void *key, size_t key_length, const void *value,
                             size_t value_length, const emc_call *call)
{
    const emc_store_item item = {{key, key_length}, value, value_length, 0, 0};
    return store(client, EMC__VERB_PREPEND, &item, 0, call);
}

emc_status emc_cas_async(emc_client *client, const void *key, size_t key_length, const void *value, size_t value_length,
                         int64_t exptime, uint64_t flags, uint64_t cas, const emc_call *call)
{
    const emc_store_item item = {{key, key_length}, value, value_length, exptime, flags};
    return store(client, EMC__VERB_CAS, &item, cas, call);
}

/* ------------------------------------------------------------------ commands of one key without value */

static emc_status keyed(emc_client *client, enum emc__verb verb, const void *key, size_t key_length, int64_t exptime,
                        uint64_t delta, const emc_call *call)
{
    struct emc__request request = {.kind = EMC__OPERATION_KEYED,
                                   .verb = verb,
                                   .key = emc__slice_of(key, key_length),
                                   .exptime = exptime,
                                   .number = delta};
    return emc__client_submit(client, &request, call);
}

emc_status emc_delete_async(emc_client *client, const void *key, size_t key_length, const emc_call *call)
{
    return keyed(client, EMC__VERB_DELETE, key, key_length, 0, 0, call);
}

emc_status emc_incr_async(emc_client *client, const void *key, size_t key_length, uint64_t delta, const emc_call *call)
{
    return keyed(client, EMC__VERB_INCR, key, key_length, 0, delta, call);
}

emc_status emc_decr_async(emc_client *client, const void *key, size_t key_length, uint64_t delta, const emc_call *call)
{
    return keyed(client, EMC__VERB_DECR, key, key_length, 0, delta, call);
}

emc_status emc_touch_async(emc_client *client, const void *key, size_t key_length, int64_t exptime,
                           const emc_call *call)
{
    return keyed(client, EMC__VERB_TOUCH, key, key_length, exptime, 0, call);
}

/* ------------------------------------------------------------------ commands to one node */

static emc_status plain(emc_client *client, enum emc__verb verb, const emc_address *node, uint64_t number,
                        const emc_call *call)
{
    struct emc__request request = {.kind = EMC__OPERATION_PLAIN, .verb = verb, .node = node, .number = number};
    return emc__client_submit(client, &request, call);
}

emc_status emc_version_async(emc_client *client, const emc_address *node, const emc_call *call)
{
    return plain(client, EMC__VERB_VERSION, node, UINT64_MAX, call);
}

emc_status emc_quit_async(emc_client *client, const emc_address *node, const emc_call *call)
{
    return plain(client, EMC__VERB_QUIT, node, UINT64_MAX, call);
}

emc_status emc_flush_all_async(emc_client *client, const emc_address *node, uint32_t delay_s, const emc_call *call)
{
    if (delay_s > 2592000) {
        return emc__client_refuse(client, EMC_ERROR_ARGUMENT, "delay_s: %u; it is 0 to 2592000", delay_s);
    }
    return plain(client, EMC__VERB_FLUSH_ALL, node, delay_s == 0 ? UINT64_MAX : delay_s, call);
}

emc_status emc_verbosity_async(emc_client *client, const emc_address *node, uint32_t level, const emc_call *call)
{
    return plain(client, EMC__VERB_VERBOSITY, node, level, call);
}

emc_status emc_cache_memlimit_async(emc_client *client, const emc_address *node, uint64_t megabytes,
                                    const emc_call *call)
{
    if (megabytes == 0 || megabytes > UINT32_MAX) {
        return emc__client_refuse(client, EMC_ERROR_ARGUMENT, "megabytes: %llu; it is 1 to 4294967295",
                                  (unsigned long long)megabytes);
    }
    return plain(client, EMC__VERB_CACHE_MEMLIMIT, node, megabytes, call);
}

/* Commands whose whole answer is one line. */
static bool administers(const char *command)
{
    static const char *const prefixes[] = {"slabs reassign ",    "slabs automove ",      "lru tune ",
                                           "lru mode ",          "lru temp_ttl ",        "extstore ",
                                           "refresh_certs",      "lru_crawler enable",   "lru_crawler disable",
                                           "lru_crawler sleep ", "lru_crawler tocrawl ", "lru_crawler crawl "};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        if (strncmp(command, prefixes[i], strlen(prefixes[i])) == 0) {
            return true;
        }
    }
    return false;
}

emc_status emc_administer_async(emc_client *client, const emc_address *node, const char *command, const emc_call *call)
{
    size_t length = command != NULL ? strnlen(command, 1001) : 0;
    if (length == 0 || length > 1000 || !administers(command)) {
        return emc__client_refuse(
            client, EMC_ERROR_ARGUMENT,
            "command: not one of slabs, lru, lru_crawler, extstore, refresh_certs that is answered in one line");
    }
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)command[i] < ' ' || command[i] == 0x7f) {
            return emc__client_refuse(client, EMC_ERROR_ARGUMENT, "command: has a control character at position %zu",
                                      i);
        }
    }
    struct emc__request request = {.kind = EMC__OPERATION_PLAIN,
                                   .verb = EMC__VERB_RAW_LINE,
                                   .node = node,
                                   .argument = emc__slice_of(command, length),
                                   .number = UINT64_MAX};
    return emc__client_submit(client, &request, call);
}

static emc_status stream(emc_client *client, enum emc__verb verb, const emc_address *node, struct emc__slice argument,
                         const emc_call *call)
{
    struct emc__request request = {
        .kind = EMC__OPERATION_STREAM, .verb = verb, .node = node, .argument = argument, .number = UINT64_MAX};
    return emc__client_submit(client, &request, call);
}

emc_status emc_stats_async(emc_client *client, const emc_address *node, const char *argument, const emc_call *call)
{
    size_t length = argument != NULL ? strnlen(argument, 201) : 0;
    if (length > 200) {
        return emc__client_refuse(client, EMC_ERROR_ARGUMENT, "argument: longer than 200 bytes");
    }
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)argument[i];
        if (byte < ' ' || byte == 0x7f) {
            return emc__client_refuse(client, EMC_ERROR_ARGUMENT, "argument: has a control character at position %zu",
                                      i);
        }
    }
    return stream(client, EMC__VERB_STATS, node, emc__slice_of(argument, length), call);
}

emc_status emc_dump_keys_async(emc_client *client, const emc_address *node, emc_dump dump, const emc_call *call)
{
    if (dump != EMC_DUMP_META && dump != EMC_DUMP_KEYS) {
        return emc__client_refuse(client, EMC_ERROR_ARGUMENT, "dump: %d is none", (int)dump);
    }
    const char *line = dump == EMC_DUMP_META ? "lru_crawler metadump all" : "lru_crawler mgdump all";
    return stream(client, EMC__VERB_RAW_LINE, node, emc__slice_of_string(line), call);
}
