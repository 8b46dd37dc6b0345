/* The blocking commands: each submits its asynchronous form and waits for the outcome. */
#include <stdio.h>
#include <string.h>

#include "base/rare.h"
#include "facade/blocking.h"
#include "facade/item.h"

/* ------------------------------------------------------------------ one value */

struct item_wait {
    struct emc__wait wait;
    void *value; /* where a long value is being received */
    emc_item item;
};

EMC__HOT static void *allocate_item(void *user_data, size_t index, size_t length)
{
    struct item_wait *item_wait = user_data;
    (void)index;
    emc__item_free(item_wait->value);
    item_wait->value = emc__item_allocate(emc__client_allocator(item_wait->wait.client), length);
    return item_wait->value;
}

EMC__HOT static void take_item(struct emc__wait *wait, const emc_result *result)
{
    struct item_wait *item_wait = (struct item_wait *)wait;
    if (result->status != EMC_OK) {
        return;
    }
    if (item_wait->value == NULL) { /* an empty value asks for no memory */
        item_wait->value = emc__item_allocate(emc__client_allocator(wait->client), 0);
    }
    if (item_wait->value == NULL) {
        emc__wait_note(wait, EMC_ERROR_MEMORY, NULL);
        return;
    }
    item_wait->item = (emc_item){result->status, item_wait->value, result->value_length, result->flags, result->cas};
    item_wait->value = NULL;
}

static emc_status begin_item(struct item_wait *item_wait, emc_client *client, const emc_call *call,
                             emc_call *prepared_out)
{
    *item_wait = (struct item_wait){.wait = {.result = take_item}};
    emc_status status = emc__wait_begin(&item_wait->wait, client, call, prepared_out);
    prepared_out->allocate = allocate_item;
    return status;
}

static emc_status finish_item(struct item_wait *item_wait, emc_status submitted, emc_item *item_out)
{
    emc_status status = emc__wait_for(&item_wait->wait, submitted);
    emc__item_free(item_wait->value);
    if (status >= 0) {
        *item_out = item_wait->item;
        item_out->status = status;
    }
    return status;
}

EMC__HOT emc_status emc_get(emc_client *client, const void *key, size_t key_length, emc_item *item_out,
                            const emc_call *call)
{
    struct item_wait item_wait;
    emc_call prepared;
    emc_status status = begin_item(&item_wait, client, call, &prepared);
    if (status == EMC_OK) {
        status = finish_item(&item_wait, emc_get_async(client, key, key_length, &prepared), item_out);
    }
    return status;
}

emc_status emc_gets(emc_client *client, const void *key, size_t key_length, emc_item *item_out, const emc_call *call)
{
    struct item_wait item_wait;
    emc_call prepared;
    emc_status status = begin_item(&item_wait, client, call, &prepared);
    if (status == EMC_OK) {
        status = finish_item(&item_wait, emc_gets_async(client, key, key_length, &prepared), item_out);
    }
    return status;
}

emc_status emc_gat(emc_client *client, const void *key, size_t key_length, int64_t exptime, emc_item *item_out,
                   const emc_call *call)
{
    struct item_wait item_wait;
    emc_call prepared;
    emc_status status = begin_item(&item_wait, client, call, &prepared);
    if (status == EMC_OK) {
        status = finish_item(&item_wait, emc_gat_async(client, key, key_length, exptime, &prepared), item_out);
    }
    return status;
}

emc_status emc_gats(emc_client *client, const void *key, size_t key_length, int64_t exptime, emc_item *item_out,
                    const emc_call *call)
{
    struct item_wait item_wait;
    emc_call prepared;
    emc_status status = begin_item(&item_wait, client, call, &prepared);
    if (status == EMC_OK) {
        status = finish_item(&item_wait, emc_gats_async(client, key, key_length, exptime, &prepared), item_out);
    }
    return status;
}

/* ------------------------------------------------------------------ many values */

struct items_wait {
    struct emc__wait wait;
    emc_item *items;
    size_t count;
};

static void *allocate_one_of(void *user_data, size_t index, size_t length)
{
    struct items_wait *items_wait = user_data;
    emc_item_release(&items_wait->items[index]);
    items_wait->items[index].value = emc__item_allocate(emc__client_allocator(items_wait->wait.client), length);
    return items_wait->items[index].value;
}

static void take_one_of(struct emc__wait *wait, const emc_result *result)
{
    struct items_wait *items_wait = (struct items_wait *)wait;
    if (result->key == NULL) { /* an empty list's only result */
        return;
    }
    emc_item *item = &items_wait->items[result->index];
    emc_status status = result->status;
    if (status != EMC_OK) {
        emc_item_release(item);
    } else if (item->value == NULL) {
        item->value = emc__item_allocate(emc__client_allocator(wait->client), 0);
        status = item->value != NULL ? EMC_OK : EMC_ERROR_MEMORY;
    }
    item->status = status;
    item->value_length = status == EMC_OK ? result->value_length : 0;
    item->flags = result->flags;
    item->cas = result->cas;
    if (status < 0) {
        emc__wait_note(wait, status, result->message);
    }
}

static void empty_items(emc_item *items, size_t count, emc_status status)
{
    for (size_t i = 0; i < count; i++) {
        items[i] = (emc_item){.status = status};
    }
}

static emc_status begin_items(struct items_wait *items_wait, emc_client *client, size_t count, emc_item *items_out,
                              const emc_call *call, emc_call *prepared_out)
{
    *items_wait = (struct items_wait){.wait = {.result = take_one_of}, .items = items_out, .count = count};
    emc_status status = emc__wait_begin(&items_wait->wait, client, call, prepared_out);
    prepared_out->allocate = allocate_one_of;
    empty_items(items_out, count, status);
    return status;
}

static emc_status finish_items(struct items_wait *items_wait, emc_status submitted)
{
    if (submitted != EMC_OK) {
        empty_items(items_wait->items, items_wait->count, submitted);
    }
    (void)emc__wait_for(&items_wait->wait, submitted);
    return submitted != EMC_OK ? submitted : items_wait->wait.noted;
}

emc_status emc_get_many(emc_client *client, const emc_key *keys, size_t count, emc_item *items_out,
                        const emc_call *call)
{
    struct items_wait items_wait;
    emc_call prepared;
    emc_status status = begin_items(&items_wait, client, count, items_out, call, &prepared);
    if (status == EMC_OK) {
        status = finish_items(&items_wait, emc_get_many_async(client, keys, count, &prepared));
    }
    return status;
}

emc_status emc_gets_many(emc_client *client, const emc_key *keys, size_t count, emc_item *items_out,
                         const emc_call *call)
{
    struct items_wait items_wait;
    emc_call prepared;
    emc_status status = begin_items(&items_wait, client, count, items_out, call, &prepared);
    if (status == EMC_OK) {
        status = finish_items(&items_wait, emc_gets_many_async(client, keys, count, &prepared));
    }
    return status;
}

emc_status emc_gat_many(emc_client *client, const emc_key *keys, size_t count, int64_t exptime, emc_item *items_out,
                        const emc_call *call)
{
    struct items_wait items_wait;
    emc_call prepared;
    emc_status status = begin_items(&items_wait, client, count, items_out, call, &prepared);
    if (status == EMC_OK) {
        status = finish_items(&items_wait, emc_gat_many_async(client, keys, count, exptime, &prepared));
    }
    return status;
}

emc_status emc_gats_many(emc_client *client, const emc_key *keys, size_t count, int64_t exptime, emc_item *items_out,
                         const emc_call *call)
{
    struct items_wait items_wait;
    emc_call prepared;
    emc_status status = begin_items(&items_wait, client, count, items_out, call, &prepared);
    if (status == EMC_OK) {
        status = finish_items(&items_wait, emc_gats_many_async(client, keys, count, exptime, &prepared));
    }
    return status;
}

/* ------------------------------------------------------------------ outcomes without a value */

EMC__HOT emc_status emc_set(emc_client *client, const void *key, size_t key_length, const void *value,
                            size_t value_length, int64_t exptime, uint64_t flags, const emc_call *call)
{
    struct emc__wait wait = {.result = NULL};
    emc_call prepared;
    emc_status status = emc__wait_begin(&wait, client, call, &prepared);
    if (status == EMC_OK) {
        status = emc__wait_for(&wait,
                               emc_set_async(client, key, key_length, value, value_length, exptime, flags, &prepared));
    }
    return status;
}

emc_status emc_add(emc_client *client, const void *key, size_t key_length, const void *value, size_t value_length,
                   int64_t exptime, uint64_t flags, const emc_call *call)
{
    struct emc__wait wait = {.result = NULL};
    emc_call prepared;
    emc_status status = emc__wait_begin(&wait, client, call, &prepared);
    if (status == EMC_OK) {
        status = emc__wait_for(&wait,
                               emc_add_async(client, key, key_length, value, value_length, exptime, flags, &prepared));
    }
    return status;
}

emc_status emc_replace(emc_client *client, const void *key, size_t key_length, const void *value, size_t value_length,
                       int64_t exptime, uint64_t flags, const emc_call *call)
{
    struct emc__wait wait = {.result = NULL};
    emc_call prepared;
    emc_status status = emc__wait_begin(&wait, client, call, &prepared);
    if (status == EMC_OK) {
        status = emc__wait_for(
            &wait, emc_replace_async(client, key, key_length, value, value_length, exptime, flags, &prepared));
    }
    return status;
}

emc_status emc_append(emc_client *client, const void *key, size_t key_length, const void *value, size_t value_length,
                      const emc_call *call)
{
    struct emc__wait wait = {.result = NULL};
    emc_call prepared;
    emc_status status = emc__wait_begin(&wait, client, call, &prepared);
    if (status == EMC_OK) {
        status = emc__wait_for(&wait, emc_append_async(client, key, key_length, value, value_length, &prepared));
    }
    return status;
}

emc_status emc_prepend(emc_client *client, const void *key, size_t key_length, const void *value, size_t value_length,
                       const emc_call *call)
{
    struct emc__wait wait = {.result = NULL};
    emc_call prepared;
    emc_status status = emc__wait_begin(&wait, client, call, &prepared);
    if (status == EMC_OK) {
        status = emc__wait_for(&wait, emc_prepend_async(client, key, key_length, value, value_length, &prepared));
    }
    return status;
}

emc_status emc_cas(emc_client *client, const void *key, size_t key_length, const void *value, size_t value_length,
                   int64_t exptime, uint64_t flags, uint64_t cas, const emc_call *call)
{
    struct emc__wait wait = {.result = NULL};
    emc_call prepared;
    emc_status status = emc__wait_begin(&wait, client, call, &prepared);
    if (status == EMC_OK) {
        status = emc__wait_for(
            &wait, emc_cas_async(client, key, key_length, value, value_length, exptime, flags, cas, &prepared));
    }
    return status;
}

emc_status emc_delete(emc_client *client, const void *key, size_t key_length, const emc_call *call)
{
    struct emc__wait wait = {.result = NULL};
    emc_call prepared;
    emc_status status = emc__wait_begin(&wait, client, call, &prepared);
    if (status == EMC_OK) {
        status = emc__wait_for(&wait, emc_delete_async(client, key, key_length, &prepared));
    }
    return status;
}

emc_status emc_touch(emc_client *client, const void *key, size_t key_length, int64_t exptime, const emc_call *call)
{
    struct emc__wait wait = {.result = NULL};
    emc_call prepared;
    emc_status status = emc__wait_begin(&wait, client, call, &prepared);
    if (status == EMC_OK) {
        status = emc__wait_for(&wait, emc_touch_async(client, key, key_length, exptime, &prepared));
    }
    return status;
}

emc_status emc_flush_all(emc_client *client, const emc_address *node, uint32_t delay_s, const emc_call *call)
{
    struct emc__wait wait = {.result = NULL};
    emc_call prepared;
    emc_status status = emc__wait_begin(&wait, client, call, &prepared);
    if (status == EMC_OK) {
        status = emc__wait_for(&wait, emc_flush_all_async(client, node, delay_s, &prepared));
    }
    return status;
}

emc_status emc_verbosity(emc_client *client, const emc_address *node, uint32_t level, const emc_call *call)
{
    struct emc__wait wait = {.result = NULL};
    emc_call prepared;
    emc_status status = emc__wait_begin(&wait, client, call, &prepared);
    if (status == EMC_OK) {
        status = emc__wait_for(&wait, emc_verbosity_async(client, node, level, &prepared));
    }
    return status;
}

emc_status emc_quit(emc_client *client, const emc_address *node, const emc_call *call)
{
    struct emc__wait wait = {.result = NULL};
    emc_call prepared;
    emc_status status = emc__wait_begin(&wait, client, call, &prepared);
    if (status == EMC_OK) {
        status = emc__wait_for(&wait, emc_quit_async(client, node, &prepared));
    }
    return status;
}

emc_status emc_administer(emc_client *client, const emc_address *node, const char *command, const emc_call *call)
{
    struct emc__wait wait = {.result = NULL};
    emc_call prepared;
    emc_status status = emc__wait_begin(&wait, client, call, &prepared);
    if (status == EMC_OK) {
        status = emc__wait_for(&wait, emc_administer_async(client, node, command, &prepared));
    }
    return status;
}

emc_status emc_cache_memlimit(emc_client *client, const emc_address *node, uint64_t megabytes, const emc_call *call)
{
    struct emc__wait wait = {.result = NULL};
    emc_call prepared;
    emc_status status = emc__wait_begin(&wait, client, call, &prepared);
    if (status == EMC_OK) {
        status = emc__wait_for(&wait, emc_cache_memlimit_async(client, node, megabytes, &prepared));
    }
    return status;
}

/* ------------------------------------------------------------------ a status for each item */

struct statuses_wait {
    struct emc__wait wait;
    emc_status *statuses;
    size_t count;
    bool failing; /* whatever is not EMC_OK counts, not errors alone */
};

static void take_status(struct emc__wait *wait, const emc_result *result)
{
    struct statuses_wait *statuses_wait = (struct statuses_wait *)wait;
    if (result->key == NULL) { /* an empty list's only result */
        return;
    }
    statuses_wait->statuses[result->index] = result->status;
    bool bad = result->status < 0 || (statuses_wait->failing && result->status != EMC_OK);
    if (bad) {
        emc__wait_note(wait, result->status, result->message);
    }
}

static emc_status refuse_all(const struct statuses_wait *statuses_wait, emc_status refused)
{
    for (size_t i = 0; i < statuses_wait->count; i++) {
        statuses_wait->statuses[i] = refused;
    }
    return refused;
}

static emc_status finish_statuses(struct statuses_wait *statuses_wait, emc_status submitted)
{
    (void)emc__wait_for(&statuses_wait->wait, submitted);
    return submitted != EMC_OK ? refuse_all(statuses_wait, submitted) : statuses_wait->wait.noted;
}

emc_status emc_set_many(emc_client *client, const emc_store_item *items, size_t count, emc_status *statuses_out,
                        const emc_call *call)
{
    struct statuses_wait statuses_wait = {
        .wait = {.result = take_status}, .statuses = statuses_out, .count = count, .failing = true};
    emc_call prepared;
    emc_status status = emc__wait_begin(&statuses_wait.wait, client, call, &prepared);
    if (status != EMC_OK) {
        return refuse_all(&statuses_wait, status);
    }
    return finish_statuses(&statuses_wait,
                           emc__client_set_many(client, items, count, &prepared, &statuses_wait.wait.batch));
}

emc_status emc_delete_many(emc_client *client, const emc_key *keys, size_t count, emc_status *statuses_out,
                           const emc_call *call)
{
    struct statuses_wait statuses_wait = {.wait = {.result = take_status}, .statuses = statuses_out, .count = count};
    emc_call prepared;
    emc_status status = emc__wait_begin(&statuses_wait.wait, client, call, &prepared);
    if (status != EMC_OK) {
        return refuse_all(&statuses_wait, status);
    }
    return finish_statuses(&statuses_wait, emc_delete_many_async(client, keys, count, &prepared));
}

/* ------------------------------------------------------------------ numbers and texts */

struct number_wait {
    struct emc__wait wait;
    uint64_t number;
};

static void take_number(struct emc__wait *wait, const emc_result *result)
{
    ((struct number_wait *)wait)->number = result->number;
}

static emc_status finish_number(struct number_wait *number_wait, emc_status submitted, uint64_t *number_out)
{
    emc_status status = emc__wait_for(&number_wait->wait, submitted);
    if (status == EMC_OK && number_out != NULL) {
        *number_out = number_wait->number;
    }
    return status;
}

emc_status emc_incr(emc_client *client, const void *key, size_t key_length, uint64_t delta, uint64_t *number_out,
                    const emc_call *call)
{
    struct number_wait number_wait = {.wait = {.result = take_number}};
    emc_call prepared;
    emc_status status = emc__wait_begin(&number_wait.wait, client, call, &prepared);
    if (status == EMC_OK) {
        status = finish_number(&number_wait, emc_incr_async(client, key, key_length, delta, &prepared), number_out);
    }
    return status;
}

emc_status emc_decr(emc_client *client, const void *key, size_t key_length, uint64_t delta, uint64_t *number_out,
                    const emc_call *call)
{
    struct number_wait number_wait = {.wait = {.result = take_number}};
    emc_call prepared;
    emc_status status = emc__wait_begin(&number_wait.wait, client, call, &prepared);
    if (status == EMC_OK) {
        status = finish_number(&number_wait, emc_decr_async(client, key, key_length, delta, &prepared), number_out);
    }
    return status;
}

struct version_wait {
    struct emc__wait wait;
    char text[EMC_VERSION_TEXT_SIZE];
};

static void take_version(struct emc__wait *wait, const emc_result *result)
{
    struct version_wait *version_wait = (struct version_wait *)wait;
    if (result->status == EMC_OK) {
        snprintf(version_wait->text, sizeof version_wait->text, "%.*s",
                 (int)(result->value_length > 63 ? 63 : result->value_length), (const char *)result->value);
    }
}

emc_status emc_version(emc_client *client, const emc_address *node, char *version_out, const emc_call *call)
{
    struct version_wait version_wait = {.wait = {.result = take_version}};
    emc_call prepared;
    emc_status status = emc__wait_begin(&version_wait.wait, client, call, &prepared);
    if (status == EMC_OK) {
        status = emc__wait_for(&version_wait.wait, emc_version_async(client, node, &prepared));
    }
    if (status == EMC_OK) {
        memcpy(version_out, version_wait.text, sizeof version_wait.text);
    }
    return status;
}

/* ------------------------------------------------------------------ streams */

struct stats_wait {
    struct emc__wait wait;
    emc_stats_callback *callback;
    void *user_data;
};

/* Longest line that a server's statistics have by far: options.line_length_max bounds what arrives. */
#define STAT_TEXT_SIZE 4096

static void terminate(char *text, const void *data, size_t length)
{
    size_t kept = length < STAT_TEXT_SIZE - 1 ? length : STAT_TEXT_SIZE - 1;
    if (kept > 0) {
        memcpy(text, data, kept);
    }
    text[kept] = '\0';
}

static void take_stat(struct emc__wait *wait, const emc_result *result)
{
    const struct stats_wait *stats_wait = (const struct stats_wait *)wait;
    char name[STAT_TEXT_SIZE], value[STAT_TEXT_SIZE];
    if (result->last || stats_wait->callback == NULL) {
        return;
    }
    terminate(name, result->key, result->key_length);
    terminate(value, result->value, result->value_length);
    stats_wait->callback(stats_wait->user_data, name, value);
}

emc_status emc_stats(emc_client *client, const emc_address *node, const char *argument, emc_stats_callback *callback,
                     void *user_data, const emc_call *call)
{
    struct stats_wait stats_wait = {
        .wait = {.result = take_stat, .tells = true}, .callback = callback, .user_data = user_data};
    emc_call prepared;
    emc_status status = emc__wait_begin(&stats_wait.wait, client, call, &prepared);
    if (status == EMC_OK) {
        status = emc__wait_for(&stats_wait.wait, emc_stats_async(client, node, argument, &prepared));
    }
    return status;
}

struct dump_wait {
    struct emc__wait wait;
    emc_dump_callback *callback;
    void *user_data;
};

static void take_dumped(struct emc__wait *wait, const emc_result *result)
{
    const struct dump_wait *dump_wait = (const struct dump_wait *)wait;
    if (!result->last && dump_wait->callback != NULL) {
        dump_wait->callback(dump_wait->user_data, result->key, result->key_length, result->value, result->value_length);
    }
}

emc_status emc_dump_keys(emc_client *client, const emc_address *node, emc_dump dump, emc_dump_callback *callback,
                         void *user_data, const emc_call *call)
{
    struct dump_wait dump_wait = {
        .wait = {.result = take_dumped, .tells = true}, .callback = callback, .user_data = user_data};
    emc_call prepared;
    emc_status status = emc__wait_begin(&dump_wait.wait, client, call, &prepared);
    if (status == EMC_OK) {
        status = emc__wait_for(&dump_wait.wait, emc_dump_keys_async(client, node, dump, &prepared));
    }
    return status;
}
