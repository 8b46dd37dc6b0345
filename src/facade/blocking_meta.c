/* The blocking meta commands and patterns: each submits its asynchronous form and waits for the outcome. */
#include <stdio.h>
#include <string.h>

#include "facade/blocking.h"
#include "facade/item.h"
#include "facade/threaded.h"

struct meta_wait {
    struct emc__wait wait;
    emc_item item;
    emc_meta_reply reply;
    uint64_t number;
};

static void take_reply(struct emc__wait *wait, const emc_result *result)
{
    struct meta_wait *meta_wait = (struct meta_wait *)wait;
    if (result->meta != NULL) {
        meta_wait->reply = *result->meta;
    }
    meta_wait->number = result->number;
    meta_wait->item = (emc_item){result->status, NULL, 0, result->flags, result->cas};
    if (result->status == EMC_OK && result->value != NULL) {
        void *value = emc__item_allocate(emc__client_allocator(wait->client), result->value_length);
        if (value == NULL) {
            emc__wait_note(wait, EMC_ERROR_MEMORY, NULL);
        } else if (result->value_length > 0) {
            memcpy(value, result->value, result->value_length);
        }
        meta_wait->item.value = value;
        meta_wait->item.value_length = value != NULL ? result->value_length : 0;
    }
}

static emc_status begin(struct meta_wait *meta_wait, emc_client *client, const emc_call *call, emc_call *prepared_out)
{
    *meta_wait = (struct meta_wait){.wait = {.result = take_reply}};
    return emc__wait_begin(&meta_wait->wait, client, call, prepared_out);
}

/* Hands out what is asked for and releases the rest. */
static emc_status finish(struct meta_wait *meta_wait, emc_status submitted, emc_item *item_out,
                         emc_meta_reply *reply_out, uint64_t *number_out)
{
    emc_status status = emc__wait_for(&meta_wait->wait, submitted);
    if (status >= 0 && item_out != NULL) {
        *item_out = meta_wait->item;
    } else {
        emc_item_release(&meta_wait->item);
    }
    if (status >= 0 && reply_out != NULL) {
        *reply_out = meta_wait->reply;
    }
    if (status == EMC_OK && number_out != NULL) {
        *number_out = meta_wait->number;
    }
    return status;
}

emc_status emc_meta_get(emc_client *client, const void *key, size_t key_length, const emc_meta_options *options,
                        emc_item *item_out, emc_meta_reply *reply_out, const emc_call *call)
{
    struct meta_wait meta_wait;
    emc_call prepared;
    emc_status status = begin(&meta_wait, client, call, &prepared);
    if (status == EMC_OK) {
        status = finish(&meta_wait, emc_meta_get_async(client, key, key_length, options, &prepared), item_out,
                        reply_out, NULL);
    }
    return status;
}

emc_status emc_meta_set(emc_client *client, const void *key, size_t key_length, const void *value, size_t value_length,
                        const emc_meta_options *options, emc_meta_reply *reply_out, const emc_call *call)
{
    struct meta_wait meta_wait;
    emc_call prepared;
    emc_status status = begin(&meta_wait, client, call, &prepared);
    if (status == EMC_OK) {
        status = finish(&meta_wait,
                        emc_meta_set_async(client, key, key_length, value, value_length, options, &prepared), NULL,
                        reply_out, NULL);
    }
    return status;
}

emc_status emc_meta_delete(emc_client *client, const void *key, size_t key_length, const emc_meta_options *options,
                           emc_meta_reply *reply_out, const emc_call *call)
{
    struct meta_wait meta_wait;
    emc_call prepared;
    emc_status status = begin(&meta_wait, client, call, &prepared);
    if (status == EMC_OK) {
        status = finish(&meta_wait, emc_meta_delete_async(client, key, key_length, options, &prepared), NULL, reply_out,
                        NULL);
    }
    return status;
}

emc_status emc_meta_arithmetic(emc_client *client, const void *key, size_t key_length, const emc_meta_options *options,
                               uint64_t *number_out, emc_meta_reply *reply_out, const emc_call *call)
{
    struct meta_wait meta_wait;
    emc_call prepared;
    emc_status status = begin(&meta_wait, client, call, &prepared);
    if (status == EMC_OK) {
        status = finish(&meta_wait, emc_meta_arithmetic_async(client, key, key_length, options, &prepared), NULL,
                        reply_out, number_out);
    }
    return status;
}

emc_status emc_meta_noop(emc_client *client, const emc_address *node, const emc_call *call)
{
    struct meta_wait meta_wait;
    emc_call prepared;
    emc_status status = begin(&meta_wait, client, call, &prepared);
    if (status == EMC_OK) {
        status = finish(&meta_wait, emc_meta_noop_async(client, node, &prepared), NULL, NULL, NULL);
    }
    return status;
}

emc_status emc_fill(emc_client *client, const void *key, size_t key_length, const void *value, size_t value_length,
                    int64_t exptime, uint64_t flags, const emc_lease *lease, const emc_call *call)
{
    struct meta_wait meta_wait;
    emc_call prepared;
    emc_status status = begin(&meta_wait, client, call, &prepared);
    if (status == EMC_OK) {
        status = finish(&meta_wait,
                        emc_fill_async(client, key, key_length, value, value_length, exptime, flags, lease, &prepared),
                        NULL, NULL, NULL);
    }
    return status;
}

emc_status emc_give_up(emc_client *client, const void *key, size_t key_length, const emc_lease *lease,
                       const emc_call *call)
{
    struct meta_wait meta_wait;
    emc_call prepared;
    emc_status status = begin(&meta_wait, client, call, &prepared);
    if (status == EMC_OK) {
        status = finish(&meta_wait, emc_give_up_async(client, key, key_length, lease, &prepared), NULL, NULL, NULL);
    }
    return status;
}

emc_status emc_invalidate(emc_client *client, const void *key, size_t key_length, int64_t stale_s, const emc_call *call)
{
    struct meta_wait meta_wait;
    emc_call prepared;
    emc_status status = begin(&meta_wait, client, call, &prepared);
    if (status == EMC_OK) {
        status = finish(&meta_wait, emc_invalidate_async(client, key, key_length, stale_s, &prepared), NULL, NULL,
                        NULL);
    }
    return status;
}

emc_status emc_count(emc_client *client, const void *key, size_t key_length, int64_t delta, uint64_t initial,
                     int64_t exptime, uint64_t *number_out, const emc_call *call)
{
    struct meta_wait meta_wait;
    emc_call prepared;
    emc_status status = begin(&meta_wait, client, call, &prepared);
    if (status == EMC_OK) {
        status = finish(&meta_wait, emc_count_async(client, key, key_length, delta, initial, exptime, &prepared), NULL,
                        NULL, number_out);
    }
    return status;
}

emc_status emc_meta_debug(emc_client *client, const void *key, size_t key_length, char *text_out, size_t size,
                          const emc_call *call)
{
    struct meta_wait meta_wait;
    emc_call prepared;
    emc_item item = {0};
    emc_status status = begin(&meta_wait, client, call, &prepared);
    if (status == EMC_OK) {
        status = finish(&meta_wait, emc_meta_debug_async(client, key, key_length, &prepared), &item, NULL, NULL);
    }
    if (status == EMC_OK && size > 0) {
        snprintf(text_out, size, "%s", item.value != NULL ? (const char *)item.value : "");
    }
    emc_item_release(&item);
    return status;
}

/* ------------------------------------------------------------------ fetch with a lease */

/* How long a caller that waits for another's load pauses between looks. */
#define FETCH_PAUSE_MS 10

static emc_status fetch_once(emc_client *client, const void *key, size_t key_length, uint32_t lease_s,
                             uint32_t recache_below_s, emc_item *item_out, emc_meta_reply *reply_out,
                             const emc_call *call)
{
    struct meta_wait meta_wait;
    emc_call prepared;
    emc_status status = begin(&meta_wait, client, call, &prepared);
    if (status == EMC_OK) {
        status = finish(&meta_wait, emc_fetch_async(client, key, key_length, lease_s, recache_below_s, &prepared),
                        item_out, reply_out, NULL);
    }
    return status;
}

/* Lets the client work for a moment. */
static void pause_for(emc_client *client, uint32_t pause_ms)
{
    struct emc__facade *facade = emc__facade_of(client);
    if (facade->runner != NULL) {
        unsigned depth = emc__threads_step_out(facade->lock);
        emc__uv_sleep(pause_ms);
        emc__threads_step_in(facade->lock, depth);
        return;
    }
    uint64_t until_ns = facade->transport->class_->now_ns(facade->transport) + (uint64_t)pause_ms * 1000000u;
    uint64_t now_ns;
    while ((now_ns = facade->transport->class_->now_ns(facade->transport)) < until_ns) {
        emc__facade_pass(facade, (int64_t)((until_ns - now_ns + 999999) / 1000000));
    }
}

static emc_status fetch(emc_client *client, const void *key, size_t key_length, uint32_t lease_s,
                        uint32_t recache_below_s, uint32_t wait_ms, emc_item *item_out, emc_lease *lease_out,
                        const emc_call *call)
{
    emc_meta_reply reply = {0};
    uint32_t waited_ms = 0;
    for (;;) {
        emc_status status = fetch_once(client, key, key_length, lease_s, recache_below_s, item_out, &reply, call);
        if (status < 0) {
            return status;
        }
        *lease_out = (emc_lease){.won = reply.won, .stale = reply.stale, .cas = reply.cas};
        if (status != EMC_MISS || reply.won || waited_ms >= wait_ms) {
            return status;
        }
        uint32_t pause_ms = wait_ms - waited_ms < FETCH_PAUSE_MS ? wait_ms - waited_ms : FETCH_PAUSE_MS;
        pause_for(client, pause_ms);
        waited_ms += pause_ms;
    }
}

emc_status emc_fetch(emc_client *client, const void *key, size_t key_length, uint32_t lease_s, uint32_t recache_below_s,
                     uint32_t wait_ms, emc_item *item_out, emc_lease *lease_out, const emc_call *call)
{
    emc_status status = emc__client_enter(client);
    if (status != EMC_OK) {
        return status;
    }
    struct emc__lock *lock = emc__facade_of(client)->lock;
    emc__client_hold(client); /* between two looks too, another operation's callback may destroy it */
    status = fetch(client, key, key_length, lease_s, recache_below_s, wait_ms, item_out, lease_out, call);
    emc__client_unhold(client);
    emc__lock_leave(lock);
    return status;
}
