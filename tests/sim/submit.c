/* From a call of the program's to the public command, and back: see stage.h. */
#include <stdlib.h>
#include <string.h>

#include "stage.h"

#define COPIED_MAX 16384 /* larger values are borrowed by the client */

/* ------------------------------------------------------------------ callbacks */

static void answered(void *user_data, const emc_result *result)
{
    struct sim_call *call = user_data;
    struct sim_stage *stage = call->stage;
    if (result->status == EMC_ERROR_CANCELLED && !call->cancelled && !stage->closing) {
        sim_problem(&stage->world, "%s (call %u) was cancelled by nobody", sim_command_names[call->command],
                    call->number);
    }
    stage->callbacks++;
    sim_model_result(&stage->model, call, result);
    if (call->done && call->then != NULL) {
        call->then(call, call->then_context);
    }
    if (call->done && stage->on_done != NULL) {
        stage->on_done(stage, call);
    } else if (!call->done && stage->on_midway != NULL) {
        stage->on_midway(stage, call);
    }
    stage->callbacks--;
}

static void *give_home(void *user_data, size_t index, size_t length)
{
    struct sim_call *call = user_data;
    struct sim_stage *stage = call->stage;
    if (index >= call->count || length == 0) {
        sim_problem(&stage->world, "memory asked for %zu bytes of key %zu", length, index);
        return NULL;
    }
    struct sim_op *op = &call->ops[index];
    if (op->done) {
        sim_problem(&stage->world, "memory asked for a key that is answered already");
        return NULL;
    }
    free(op->home); /* a second time: the value was asked for again */
    op->home = malloc(length);
    op->home_length = length;
    return op->home;
}

static void value_released(void *user_data)
{
    struct sim_call *call = user_data;
    call->releases++;
    if (call->borrowed != NULL) {
        memset(call->borrowed, 0xDD, call->borrowed_length);
        free(call->borrowed);
        call->borrowed = NULL;
    }
}

/* ------------------------------------------------------------------ commands */

static struct emc_key key_of(const struct sim_stage *stage, const struct sim_op *op)
{
    const struct sim_key *key = &stage->model.keys[op->key];
    return (struct emc_key){key->bytes, key->length};
}

static emc_status submit_retrieval(struct sim_stage *stage, const struct sim_call *call, const emc_call *how)
{
    emc_key key = key_of(stage, &call->ops[0]);
    switch (call->command) {
    case SIM_CALL_GET:
        return emc_get_async(stage->client, key.data, key.length, how);
    case SIM_CALL_GETS:
        return emc_gets_async(stage->client, key.data, key.length, how);
    case SIM_CALL_GAT:
        return emc_gat_async(stage->client, key.data, key.length, call->exptime, how);
    default:
        return emc_gats_async(stage->client, key.data, key.length, call->exptime, how);
    }
}

static emc_status submit_meta_get(struct sim_stage *stage, const struct sim_call *call, const emc_call *how)
{
    emc_key key = key_of(stage, &call->ops[0]);
    emc_meta_options options;
    emc_meta_options_init(&options);
    options.want = EMC_META_VALUE | EMC_META_FLAGS | EMC_META_CAS | (uint32_t)call->amount;
    options.modes = call->quiet ? EMC_META_QUIET : 0;
    options.opaque = call->number % 2 == 0 ? "label" : NULL;
    return emc_meta_get_async(stage->client, key.data, key.length, &options, how);
}

static emc_status submit_meta_delete(struct sim_stage *stage, const struct sim_call *call, const emc_call *how)
{
    emc_key key = key_of(stage, &call->ops[0]);
    emc_meta_options options;
    emc_meta_options_init(&options);
    options.modes = call->quiet ? EMC_META_QUIET : 0;
    options.cas = call->cas;
    return emc_meta_delete_async(stage->client, key.data, key.length, &options, how);
}

static emc_status store_by_meta(struct sim_stage *stage, const struct sim_call *call, const uint8_t *value,
                                const emc_call *how)
{
    const struct sim_op *op = &call->ops[0];
    emc_key key = key_of(stage, op);
    emc_meta_options options;
    emc_meta_options_init(&options);
    options.mode = (emc_meta_mode)call->amount;
    options.modes = call->quiet ? EMC_META_QUIET : 0;
    options.flags = op->id;
    options.ttl = call->exptime;
    return emc_meta_set_async(stage->client, key.data, key.length, value, op->length, &options, how);
}

static emc_status submit_meta(struct sim_stage *stage, const struct sim_call *call, const emc_call *how)
{
    emc_client *client = stage->client;
    if (call->command == SIM_CALL_META_NOOP) {
        return emc_meta_noop_async(client, &stage->nodes[call->node].address, how);
    }
    const struct sim_op *op = &call->ops[0];
    emc_key key = key_of(stage, op);
    switch (call->command) {
    case SIM_CALL_META_GET:
        return submit_meta_get(stage, call, how);
    case SIM_CALL_META_DELETE:
        return submit_meta_delete(stage, call, how);
    case SIM_CALL_META_DEBUG:
        return emc_meta_debug_async(client, key.data, key.length, how);
    case SIM_CALL_FETCH:
        return emc_fetch_async(client, key.data, key.length, 30, (uint32_t)call->amount, how);
    case SIM_CALL_GIVE_UP:
        return emc_give_up_async(client, key.data, key.length, &op->lease, how);
    case SIM_CALL_INVALIDATE:
        return emc_invalidate_async(client, key.data, key.length, 5, how);
    default: {
        int64_t delta = (int64_t)(SIM_DELTA_BASE + op->id);
        return emc_count_async(client, key.data, key.length, call->number % 3 == 0 ? -delta : delta, call->amount,
                               call->exptime, how);
    }
    }
}

static emc_status submit_bulk(struct sim_stage *stage, const struct sim_call *call, const emc_call *how)
{
    emc_key *keys = malloc((call->count + 1) * sizeof *keys);
    if (keys == NULL) {
        abort();
    }
    for (uint32_t i = 0; i < call->count; i++) {
        keys[i] = key_of(stage, &call->ops[i]);
    }
    emc_status status;
    switch (call->command) {
    case SIM_CALL_GET_MANY:
        status = emc_get_many_async(stage->client, keys, call->count, how);
        break;
    case SIM_CALL_GETS_MANY:
        status = emc_gets_many_async(stage->client, keys, call->count, how);
        break;
    case SIM_CALL_GAT_MANY:
        status = emc_gat_many_async(stage->client, keys, call->count, call->exptime, how);
        break;
    case SIM_CALL_GATS_MANY:
        status = emc_gats_many_async(stage->client, keys, call->count, call->exptime, how);
        break;
    default:
        status = emc_delete_many_async(stage->client, keys, call->count, how);
        break;
    }
    free(keys); /* borrowed until the call returns, and no longer */
    return status;
}

static emc_status submit_set_many(struct sim_stage *stage, const struct sim_call *call, const emc_call *how)
{
    emc_store_item *items = malloc((call->count + 1) * sizeof *items);
    uint8_t *values = malloc((call->count + 1) * (size_t)COPIED_MAX);
    if (items == NULL || values == NULL) {
        abort();
    }
    for (uint32_t i = 0; i < call->count; i++) {
        const struct sim_op *op = &call->ops[i];
        uint8_t *value = values + (size_t)i * COPIED_MAX;
        sim_value_write(op, value);
        items[i] = (emc_store_item){key_of(stage, op), value, op->length, call->exptime, op->id};
    }
    emc_status status = emc_set_many_async(stage->client, items, call->count, how);
    free(items);
    free(values);
    return status;
}

static emc_status store(struct sim_stage *stage, const struct sim_call *call, const uint8_t *value, const emc_call *how)
{
    const struct sim_op *op = &call->ops[0];
    emc_key key = key_of(stage, op);
    emc_client *client = stage->client;
    switch (call->command) {
    case SIM_CALL_ADD:
        return emc_add_async(client, key.data, key.length, value, op->length, call->exptime, op->id, how);
    case SIM_CALL_REPLACE:
        return emc_replace_async(client, key.data, key.length, value, op->length, call->exptime, op->id, how);
    case SIM_CALL_APPEND:
        return emc_append_async(client, key.data, key.length, value, op->length, how);
    case SIM_CALL_PREPEND:
        return emc_prepend_async(client, key.data, key.length, value, op->length, how);
    case SIM_CALL_META_SET:
        return store_by_meta(stage, call, value, how);
    case SIM_CALL_FILL:
        return emc_fill_async(client, key.data, key.length, value, op->length, call->exptime, op->id, &op->lease, how);
    case SIM_CALL_CAS:
        return emc_cas_async(client, key.data, key.length, value, op->length, call->exptime, op->id, call->cas, how);
    default:
        return emc_set_async(client, key.data, key.length, value, op->length, call->exptime, op->id, how);
    }
}

/* A value that is copied is gone when the submit returns; a larger one is lent until it is released. */
static emc_status submit_storage(struct sim_stage *stage, struct sim_call *call, const emc_call *how)
{
    const struct sim_op *op = &call->ops[0];
    uint8_t *value = malloc(op->length + 1);
    if (value == NULL) {
        abort();
    }
    sim_value_write(op, value);
    bool lent = op->length > COPIED_MAX;
    if (lent) {
        call->borrowed = value;
        call->borrowed_length = op->length;
    }
    emc_status status = store(stage, call, value, how);
    if (!lent) {
        memset(value, 0xEE, op->length);
        free(value);
    }
    return status;
}

static emc_status submit_keyed(struct sim_stage *stage, const struct sim_call *call, const emc_call *how)
{
    const struct sim_op *op = &call->ops[0];
    emc_key key = key_of(stage, op);
    switch (call->command) {
    case SIM_CALL_INCR:
        return emc_incr_async(stage->client, key.data, key.length, SIM_DELTA_BASE + op->id, how);
    case SIM_CALL_DECR:
        return emc_decr_async(stage->client, key.data, key.length, SIM_DELTA_BASE + op->id, how);
    case SIM_CALL_TOUCH:
        return emc_touch_async(stage->client, key.data, key.length, call->exptime, how);
    default:
        return emc_delete_async(stage->client, key.data, key.length, how);
    }
}

static emc_status submit_to_node(struct sim_stage *stage, const struct sim_call *call, const emc_call *how)
{
    const emc_address *node = &stage->nodes[call->node].address;
    switch (call->command) {
    case SIM_CALL_VERSION:
        return emc_version_async(stage->client, node, how);
    case SIM_CALL_FLUSH_ALL:
        return emc_flush_all_async(stage->client, node, (uint32_t)call->amount, how);
    case SIM_CALL_STATS:
        return emc_stats_async(stage->client, node,
                               call->amount == 0   ? NULL
                               : call->amount == 1 ? "settings"
                                                   : "reset",
                               how);
    case SIM_CALL_VERBOSITY:
        return emc_verbosity_async(stage->client, node, (uint32_t)call->amount, how);
    case SIM_CALL_CACHE_MEMLIMIT:
        return emc_cache_memlimit_async(stage->client, node, call->amount, how);
    case SIM_CALL_QUIT:
        return emc_quit_async(stage->client, node, how);
    default:
        return emc_dump_keys_async(stage->client, node, (emc_dump)call->amount, how);
    }
}

static emc_status submit(struct sim_stage *stage, struct sim_call *call, const emc_call *how)
{
    if (call->command == SIM_CALL_SET_MANY) {
        return submit_set_many(stage, call, how);
    }
    if (sim_command_is_bulk(call->command)) {
        return submit_bulk(stage, call, how);
    }
    if (sim_command_is_meta(call->command) && !sim_command_stores(call->command)) {
        return submit_meta(stage, call, how);
    }
    if (sim_command_retrieves(call->command)) {
        return submit_retrieval(stage, call, how);
    }
    if (sim_command_stores(call->command)) {
        return submit_storage(stage, call, how);
    }
    return sim_command_has_keys(call->command) ? submit_keyed(stage, call, how) : submit_to_node(stage, call, how);
}

/* ------------------------------------------------------------------ outward */

/* What one tick submits counts from the tick's beginning: a moment since the last flush. */
static uint64_t tick_began(struct sim_stage *stage)
{
    uint64_t now_ns = sim_transport_now(&stage->transport), began_ns = emc__client_now_ns(stage->client);
    if (began_ns > now_ns || began_ns < stage->flushed_ns) {
        sim_problem(&stage->world, "a tick began %.3f ms before now, and %.3f ms after the last flush",
                    (double)(int64_t)(now_ns - began_ns) / 1e6, (double)(int64_t)(began_ns - stage->flushed_ns) / 1e6);
    }
    return stage->world.now_ns - (now_ns - began_ns);
}

static void set_deadline(const struct sim_stage *stage, struct sim_call *call, uint64_t from_ns)
{
    uint32_t timeout = call->timeout_ms == EMC_TIMEOUT_DEFAULT ? stage->options.timeout_ms : call->timeout_ms;
    call->submitted_ns = stage->world.now_ns;
    call->clock_ahead_ns = stage->transport.clock_ahead_ns;
    call->deadline_ns = timeout == EMC_NO_LIMIT ? UINT64_MAX : from_ns + sim_ms(timeout);
}

/* Operations in flight, over all nodes. */
static uint64_t in_flight(const struct sim_stage *stage)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < stage->node_count; i++) {
        emc_pool_metrics metrics;
        if (emc_cluster_connection_pool_metrics(stage->view, &stage->nodes[i].address, &metrics) == EMC_OK) {
            count += metrics.operations_in_flight;
        }
    }
    return count;
}

static void trace_submit(const struct sim_stage *stage, const struct sim_call *call, emc_status status)
{
    if (stage->world.trace) {
        const struct sim_op *op = call->count > 0 ? &call->ops[0] : NULL;
        sim_trace(
            &stage->world, "call %u: (%u in flight) %s %s%.*s, %u keys, operation %u, %u bytes, timeout %u%s",
            call->number, (unsigned)in_flight(stage), sim_command_names[call->command],
            status == EMC_OK ? "" : emc_status_name(status), op == NULL ? 0 : (int)stage->model.keys[op->key].length,
            op == NULL ? "" : (const char *)stage->model.keys[op->key].bytes, call->count, op == NULL ? 0 : op->id,
            op == NULL ? 0 : op->length, call->timeout_ms, call->noreply ? ", noreply" : "");
    }
}

bool sim_stage_submit(struct sim_stage *stage, struct sim_call *call)
{
    emc_call how = {.callback = answered,
                    .user_data = call,
                    .timeout_ms = call->timeout_ms,
                    .options = call->noreply ? EMC_CALL_NOREPLY : 0,
                    .allocate = call->allocates ? give_home : NULL,
                    .released = value_released,
                    .operation_out = &call->operation};
    call->stage = stage;
    set_deadline(stage, call, stage->world.now_ns); /* a submit that calls back is judged, too */
    uint64_t sequence = stage->world.sequence;
    uint32_t results = call->results;
    emc_status status = submit(stage, call, &how);
    call->refused = status;
    call->accepted = status == EMC_OK;
    if (call->accepted) {
        set_deadline(stage, call, tick_began(stage));
    }
    trace_submit(stage, call, status);
    if (stage->world.sequence != sequence || call->results != results) {
        sim_problem(&stage->world, "%s (call %u): the submit called back", sim_command_names[call->command],
                    call->number);
    }
    if (call->accepted && sim_command_stores(call->command) && call->borrowed == NULL &&
        call->command != SIM_CALL_SET_MANY && call->releases != 1) {
        sim_problem(&stage->world, "%s (call %u): a copied value was released %u times by the submit",
                    sim_command_names[call->command], call->number, call->releases);
    }
    if (!call->accepted && call->borrowed != NULL) {
        free(call->borrowed); /* refused: it is the caller's again */
        call->borrowed = NULL;
    }
    if (stage->callbacks == 0) {
        sim_transport_request_pass(&stage->transport);
    }
    return call->accepted;
}

void sim_stage_end_tick(struct sim_stage *stage)
{
    if (stage->client != NULL && stage->callbacks == 0) {
        stage->flushed_ns = sim_transport_now(&stage->transport);
        emc__client_flush(stage->client, stage->flushed_ns);
    }
}

bool sim_stage_cancel(struct sim_stage *stage, struct sim_call *call)
{
    if (stage->client == NULL || !call->accepted || call->operation == 0) {
        return false;
    }
    uint32_t results = call->results;
    bool was_done = call->done;
    call->cancelled = true;
    emc_status status = emc_cancel(stage->client, call->operation);
    sim_trace(&stage->world, "call %u: is cancelled: %s", call->number, emc_status_name(status));
    if (call->results != results) {
        sim_problem(&stage->world, "call %u: the cancel called back", call->number);
    }
    if ((status == EMC_OK) == was_done) {
        sim_problem(&stage->world, "call %u: cancel says %s", call->number, emc_status_name(status));
    }
    if (stage->callbacks == 0) {
        sim_transport_request_pass(&stage->transport);
    }
    return status == EMC_OK;
}
