/* The engine as one piece: its memory, its passes, its end. */
#include "client/client_internal.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/lock.h"
#include "base/rare.h"
#include "node/connection.h"
#include "node/node.h"

/* Blocks kept for the next operations: those of 100,000 sets of 100 bytes in flight, whose operations' own memory (24 MB) is kept as well. */
#define BLOCKS_RETAINED_MAX (16u * 1024 * 1024)
/* 224 bytes each: a chunk is 14 KiB. */
#define OPERATIONS_CHUNK 64

static void wake(void *context, uint64_t now_ns)
{
    /* Timers fire in emc__client_process, which ends every pass. */
    (void)context;
    (void)now_ns;
}

/* ------------------------------------------------------------------ create */

static emc_status init_engine(struct emc_client *client, const emc_options *options, uint64_t seed)
{
    struct emc__engine *engine = &client->engine;
    engine->transport = client->environment.transport;
    engine->lock = client->environment.lock;
    engine->options = *options;
    engine->options.allocator = NULL;
    engine->log = (struct emc__log){options->log, options->log_context, options->log_level};
    engine->random.state = seed;
    engine->hash_seed = emc__random_next(&engine->random);
    engine->now_ns = engine->transport->class_->now_ns(engine->transport);
    emc__timer_wheel_init(&engine->wheel, engine->now_ns);
    uint64_t most = (uint64_t)options->operations_max * 2 + 4096; /* lines and probes are taken from it too */
    emc__slab_init(&engine->operations, &engine->allocator, sizeof(struct emc__operation), OPERATIONS_CHUNK,
                   (uint32_t)most);
    emc__blocks_init(&engine->blocks, &engine->allocator, BLOCKS_RETAINED_MAX);
    emc__list_init(&engine->dirty);
    emc__list_init(&engine->connections);
    emc__list_init(&engine->graveyard);
    emc_status status = emc__options_own_strings(&engine->options, &engine->allocator, &client->strings);
    if (status == EMC_OK) {
        status = emc__options_own_credentials(&engine->options, &engine->allocator, &client->credentials);
    }
    if (status != EMC_OK) {
        return status;
    }
    if (engine->options.key_prefix != NULL) {
        engine->key_prefix = emc__slice_of_string(engine->options.key_prefix);
    }
    engine->receive_scratch = emc__allocate(&engine->allocator, EMC__SCRATCH_SIZE);
    engine->send_scratch = emc__allocate(&engine->allocator, EMC__SCRATCH_SIZE);
    engine->key_table = emc__key_table_create(&engine->allocator);
    return engine->receive_scratch != NULL && engine->send_scratch != NULL && engine->key_table != NULL
               ? EMC_OK
               : EMC_ERROR_MEMORY;
}

static void reap(struct emc__engine *engine)
{
    struct emc__link *link;
    while ((link = emc__list_take_first(&engine->graveyard)) != NULL) {
        struct emc__grave *grave = EMC__CONTAINER_OF(link, struct emc__grave, link);
        grave->release(engine, grave);
    }
}

static void release(struct emc_client *client)
{
    struct emc__engine *engine = &client->engine;
    emc_allocator allocator = engine->allocator;
    reap(engine);
    if (client->cluster != NULL) {
        emc__cluster_free(client->cluster);
    }
    emc__slab_deinit(&engine->operations);
    emc__blocks_deinit(&engine->blocks);
    emc__release(&allocator, engine->receive_scratch);
    emc__release(&allocator, engine->send_scratch);
    emc__key_table_destroy(&allocator, engine->key_table);
    emc__owned_strings_wipe(&client->strings, &allocator);
    emc__owned_strings_wipe(&client->credentials, &allocator);
    emc__release(&allocator, client);
}

static emc_status create_cluster(struct emc_client *client, const emc_address *nodes, size_t count,
                                 const emc_options *options, emc_error *error)
{
    if (nodes == NULL && count > 0) {
        return emc__error_set(error, EMC_ERROR_ARGUMENT, "nodes: NULL");
    }
    const emc_address *gutter = options->gutter_nodes;
    size_t gutter_count = options->failover == EMC_FAILOVER_GUTTER ? options->gutter_node_count : 0;
    emc_weighted_address *list = emc__allocate_zeroed(&client->engine.allocator, count + gutter_count + 1,
                                                      sizeof *list);
    if (list == NULL) {
        return emc__error_set(error, EMC_ERROR_MEMORY, "%s", emc_status_text(EMC_ERROR_MEMORY));
    }
    for (size_t i = 0; i < count + gutter_count; i++) {
        list[i] = (emc_weighted_address){i < count ? nodes[i] : gutter[i - count], 100};
    }
    const struct emc__cluster_setup setup = {
        .hooks = {client->environment.take_in, client->environment.change_begins, client->environment.change_ends,
                  client->environment.context},
        .nodes = list,
        .count = count,
        .gutter = list + count,
        .gutter_count = gutter_count,
    };
    emc_status status = emc__cluster_create(&client->engine, &setup, &client->cluster, error);
    emc__release(&client->engine.allocator, list);
    return status;
}

emc_status emc__client_check_options(const emc_options *options, emc_options *complete_out, emc_error *error)
{
    return emc__options_validate(options, complete_out, error);
}

emc_status emc__client_create(struct emc_client **client_out, const struct emc__client_environment *environment,
                              const emc_address *nodes, size_t node_count, const emc_options *given, emc_error *error)
{
    emc_options options;
    emc_status status = emc__options_validate(given, &options, error);
    if (status != EMC_OK) {
        return status;
    }
    const emc_allocator *allocator = options.allocator != NULL ? options.allocator : &emc__allocator_standard;
    struct emc_client *client = emc__allocate_zeroed(allocator, 1, sizeof *client);
    if (client == NULL) {
        return emc__error_set(error, EMC_ERROR_MEMORY, "%s", emc_status_text(EMC_ERROR_MEMORY));
    }
    client->engine.allocator = *allocator;
    client->environment = *environment;
    environment->transport->wake = wake;
    environment->transport->wake_context = client;
    status = init_engine(client, &options, environment->seed);
    if (status != EMC_OK) {
        emc__error_set(error, status, "%s", emc_status_text(status));
    } else {
        status = create_cluster(client, nodes, node_count, &options, error);
    }
    if (status != EMC_OK) {
        release(client);
        return status;
    }
    *client_out = client;
    return EMC_OK;
}

EMC__HOT static void set_wake(struct emc__engine *engine)
{
    engine->transport->class_->wake_at(engine->transport, emc__timer_wheel_next_ns(&engine->wheel));
}

/* ------------------------------------------------------------------ the end */

void emc__client_free(struct emc_client *client)
{
    struct emc__engine *engine = &client->engine;
    client->closed = true;
    client->holds++;                                          /* a callback may ask for the destroy again */
    emc__timer_wheel_advance(&engine->wheel, engine->now_ns); /* what is settled completes as it was settled */
    emc__cluster_close(client->cluster);
    emc__timer_wheel_advance(&engine->wheel, engine->now_ns);
    engine->transport->class_->wake_at(engine->transport, EMC__NEVER);
    release(client);
}

EMC__RARE static void destroy(struct emc_client *client)
{
    if (client->environment.destroy != NULL) {
        client->environment.destroy(client->environment.context, client);
    } else {
        emc__client_free(client);
    }
}

void emc_client_destroy(emc_client *client)
{
    if (client == NULL || emc__client_enter(client) != EMC_OK) {
        return;
    }
    struct emc__lock *lock = client->engine.lock;
    client->destroy_wanted = true;
    if (client->engine.callback_depth == 0 && client->holds == 0 && !client->in_process) {
        destroy(client);
    }
    emc__lock_leave(lock);
}

void emc__client_hold(struct emc_client *client)
{
    client->holds++;
}

bool emc__client_unhold(struct emc_client *client)
{
    client->holds--;
    if (client->holds == 0 && client->destroy_wanted && client->engine.callback_depth == 0 && !client->in_process) {
        destroy(client);
        return false;
    }
    return true;
}

/* ------------------------------------------------------------------ several threads */

static const char forked[] = "a client for several threads can't be used in a child of fork";

emc_status emc__client_enter(struct emc_client *client)
{
    return emc__lock_enter(client->engine.lock) ? EMC_OK : emc__client_refuse(client, EMC_ERROR_STATE, "%s", forked);
}

void emc__client_leave(struct emc_client *client)
{
    emc__lock_leave(client->engine.lock);
}

emc_status emc__client_forked(emc_error *error)
{
    return emc__error_set(error, EMC_ERROR_STATE, "%s", forked);
}

char *emc__client_words(struct emc_client *client)
{
    return client->engine.lock == NULL ? client->error_message : client->engine.lock->words();
}

/* ------------------------------------------------------------------ what may change meanwhile */

emc_status emc__client_set_credentials(struct emc_client *client, const char *username, const char *password,
                                       emc_error *error)
{
    struct emc__engine *engine = &client->engine;
    emc_options changed = engine->options;
    struct emc__owned_strings owned;
    emc_status status = emc__options_check_credentials(username, password, engine->options.sasl, error);
    if (status != EMC_OK) {
        return status;
    }
    changed.username = username;
    changed.password = password;
    status = emc__options_own_credentials(&changed, &engine->allocator, &owned);
    if (status != EMC_OK) {
        return emc__error_set(error, status, "%s", emc_status_text(status));
    }
    engine->options.username = changed.username;
    engine->options.password = changed.password;
    emc__owned_strings_wipe(&client->credentials, &engine->allocator);
    client->credentials = owned;
    emc__client_hurry(client);
    return EMC_OK;
}

void emc__client_hurry(struct emc_client *client)
{
    emc__client_begin_tick(client);
    emc__cluster_hurry(client->cluster);
    set_wake(&client->engine);
}

/* ------------------------------------------------------------------ passes */

static void tell_room(struct emc_client *client)
{
    void (*on_room)(void *user_data) = client->on_room;
    if (!client->engine.room_wanted || on_room == NULL) {
        return;
    }
    client->engine.room_wanted = false;
    client->on_room = NULL;
    client->engine.callback_depth++;
    on_room(client->on_room_data);
    client->engine.callback_depth--;
}

void emc__client_begin_tick_at(struct emc_client *client, uint64_t now_ns)
{
    struct emc__engine *engine = &client->engine;
    engine->now_ns = now_ns > engine->now_ns ? now_ns : engine->now_ns;
    engine->tick_open = true;
}

void emc__client_end_tick(struct emc_client *client)
{
    client->engine.tick_open = false;
}

void emc__client_flush(struct emc_client *client, uint64_t now_ns)
{
    struct emc__engine *engine = &client->engine;
    engine->now_ns = now_ns > engine->now_ns ? now_ns : engine->now_ns;
    emc__node_flush_all(engine);
    engine->tick_open = false;
    set_wake(engine);
}

size_t emc__client_process(struct emc_client *client, uint64_t now_ns)
{
    struct emc__engine *engine = &client->engine;
    if (engine->callback_depth > 0 || client->in_process) {
        return 0;
    }
    client->in_process = true;
    engine->now_ns = now_ns > engine->now_ns ? now_ns : engine->now_ns;
    emc__timer_wheel_advance(&engine->wheel, engine->now_ns);
    if (!client->withheld) {
        emc__cluster_deliver_events(client->cluster);
        if (engine->completed != client->completed_told) {
            tell_room(client);
        }
    }
    emc__client_flush(client, now_ns);
    reap(engine);
    size_t completed = (size_t)(engine->completed - client->completed_told);
    client->completed_told = engine->completed;
    client->in_process = false;
    if (client->destroy_wanted && client->holds == 0) {
        destroy(client);
    }
    return completed;
}

/* ------------------------------------------------------------------ what facades ask */

bool emc__client_owes_callbacks(const struct emc_client *client, uint32_t silent)
{
    const struct emc__engine *engine = &client->engine;
    assert(engine->pending >= silent);
    return engine->pending > silent || engine->releases > 0 || (engine->room_wanted && client->on_room != NULL) ||
           emc__cluster_events_wait(client->cluster);
}

void emc__client_withhold(struct emc_client *client, bool withheld)
{
    client->withheld = withheld;
}

emc_status emc__client_discovered(const struct emc_client *client, emc_error *error)
{
    return emc__cluster_discovered(client->cluster, error);
}

bool emc__client_unflushed(const struct emc_client *client)
{
    const struct emc__engine *engine = &client->engine;
    return !emc__list_empty(&engine->dirty) || engine->settled > 0 || !emc__list_empty(&engine->graveyard);
}

bool emc__client_only_unwritten(const struct emc_client *client)
{
    const struct emc__engine *engine = &client->engine;
    return engine->settled == 0 && emc__list_empty(&engine->graveyard);
}

bool emc__client_awaits_answers(const struct emc_client *client)
{
    return client->engine.owing > 0;
}

bool emc__client_in_callback(const struct emc_client *client)
{
    return client->engine.callback_depth > 0 || client->in_process;
}

uint64_t emc__client_completed(const struct emc_client *client)
{
    return client->engine.completed;
}

void *emc__client_context(const struct emc_client *client)
{
    return client->environment.context;
}

uint64_t emc__client_now_ns(const struct emc_client *client)
{
    return client->engine.now_ns;
}

uint64_t emc__client_next_ns(struct emc_client *client)
{
    return emc__timer_wheel_next_ns(&client->engine.wheel);
}

emc_status emc__client_refuse(struct emc_client *client, emc_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(emc__client_words(client), EMC_ERROR_MESSAGE_SIZE, format, arguments);
    va_end(arguments);
    return status;
}

const emc_allocator *emc__client_allocator(const struct emc_client *client)
{
    return &client->engine.allocator;
}

struct emc__socket *emc__client_only_socket(const struct emc_client *client)
{
    return client->engine.settled == 0 ? emc__node_only_socket(&client->engine) : NULL;
}

void emc__client_detach_value(struct emc_client *client, uint64_t identity)
{
    struct emc__operation *operation = emc__slab_find(&client->engine.operations, identity);
    if (operation != NULL && operation->borrowed) {
        emc__connection_detach_value(operation->connection, operation);
    }
}

void emc__client_after_fork(struct emc_client *client)
{
    client->engine.now_ns = client->engine.transport->class_->now_ns(client->engine.transport);
    emc__cluster_after_fork(client->cluster);
}

emc_cluster_management *emc_client_cluster_management(emc_client *client)
{
    return emc__cluster_view(client->cluster);
}

const char *emc_client_error_message(const emc_client *client)
{
    return emc__client_words((emc_client *)(uintptr_t)client);
}

size_t emc_client_pending(const emc_client *client)
{
    size_t pending = 0;
    if (emc__lock_enter(client->engine.lock)) {
        pending = client->engine.pending;
        emc__lock_leave(client->engine.lock);
    }
    return pending;
}

void emc_client_on_room(emc_client *client, void (*callback)(void *user_data), void *user_data)
{
    if (emc__client_enter(client) == EMC_OK) {
        client->on_room = callback;
        client->on_room_data = user_data;
        emc__client_leave(client);
    }
}

static emc_status cancel(struct emc_client *client, uint64_t identity)
{
    struct emc__operation *operation = emc__slab_find(&client->engine.operations, identity);
    if (operation == NULL || operation->completed || operation->internal) {
        return EMC_MISS;
    }
    if (operation->settled) {
        return EMC_OK; /* its outcome stands and is about to be told */
    }
    emc__client_begin_tick(client);
    emc__node_cancel(operation);
    return EMC_OK;
}

emc_status emc_cancel(emc_client *client, uint64_t identity)
{
    emc_status status = emc__client_enter(client);
    if (status == EMC_OK) {
        status = cancel(client, identity);
        emc__client_leave(client);
    }
    return status;
}
