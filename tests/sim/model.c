/* Takes in what the servers did and what the client said: see model.h. What can be judged at once is judged here, the rest in model_check.c. */
#include "model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void changed(void *context, uint32_t server, struct emc__slice key, const struct sim_item *item);
/* A gat carries no number; its expiry must be one that was asked for with its key. (The gutter bounds it; the binary protocol tells what is past
 * as a number of its own.) */
static void judge_gat(const struct sim_model *model, uint32_t key, int64_t exptime)
{
    for (uint32_t i = 0; i < model->op_count; i++) {
        const struct sim_op *op = model->ops[i];
        if (op->key == key && sim_command_touches(op->call->command) &&
            (op->call->exptime == exptime || exptime < SIM_EXPTIME_BASE)) {
            return;
        }
    }
    sim_problem(model->world, "a gat of key %u reached a server with an expiry that nobody asked for: %" PRId64, key,
                exptime);
}

static void applied(void *context, uint32_t server, const struct sim_request *request, enum sim_outcome outcome,
                    uint64_t number);
static void malformed(void *context, uint32_t server, const char *words);

void sim_model_init(struct sim_model *model, struct sim_world *world)
{
    memset(model, 0, sizeof *model);
    model->world = world;
    model->observer = (struct sim_observer){model, changed, applied, malformed};
    model->slack_ns = 4 * SIM_MS;
}

static void release_call(struct sim_call *call)
{
    for (uint32_t i = 0; i < call->count; i++) {
        free(call->ops[i].home);
        call->ops[i].home = NULL;
    }
    free(call->borrowed);
    call->borrowed = NULL;
}

void sim_model_deinit(struct sim_model *model)
{
    for (uint32_t i = 0; i < model->call_count; i++) {
        release_call(model->calls[i]);
    }
}

/* Room for one more in an array that lives as long as the world. */
static void *grow(struct sim_world *world, void *array, uint32_t count, uint32_t *capacity, size_t size)
{
    if (count < *capacity) {
        return array;
    }
    uint32_t larger = *capacity == 0 ? 8 : *capacity * 2;
    void *fresh = sim_world_keep(world, larger * size);
    if (count > 0) {
        memcpy(fresh, array, count * size);
    }
    *capacity = larger;
    return fresh;
}

/* ------------------------------------------------------------------ keys, calls, nodes */

uint32_t sim_model_add_key(struct sim_model *model, const void *bytes, size_t length, bool numeric)
{
    uint32_t known = sim_model_find_key(model, emc__slice_of(bytes, length));
    if (known < SIM_KEYS_MAX || model->key_count == SIM_KEYS_MAX) {
        return known;
    }
    struct sim_key *key = &model->keys[model->key_count];
    key->bytes = sim_world_keep(model->world, length);
    memcpy(key->bytes, bytes, length);
    key->length = (uint32_t)length;
    key->numeric = numeric;
    return model->key_count++;
}

uint32_t sim_model_find_key(const struct sim_model *model, struct emc__slice bytes)
{
    for (uint32_t i = 0; i < model->key_count; i++) {
        if (model->keys[i].length == bytes.length && memcmp(model->keys[i].bytes, bytes.data, bytes.length) == 0) {
            return i;
        }
    }
    return SIM_KEYS_MAX;
}

static void add_op(struct sim_model *model, struct sim_op *op)
{
    model->ops = grow(model->world, model->ops, model->op_count, &model->op_capacity, sizeof *model->ops);
    model->ops[model->op_count++] = op;
    op->id = model->op_count;
    op->node = -1;
}

struct sim_call *sim_model_add_call(struct sim_model *model, enum sim_command command, uint32_t count)
{
    struct sim_call *call = sim_world_keep(model->world, sizeof *call);
    call->command = command;
    call->count = count;
    call->ops = sim_world_keep(model->world, count * sizeof *call->ops);
    for (uint32_t i = 0; i < count; i++) {
        call->ops[i].call = call;
        add_op(model, &call->ops[i]);
    }
    model->calls = grow(model->world, model->calls, model->call_count, &model->call_capacity, sizeof *model->calls);
    model->calls[model->call_count++] = call;
    call->number = model->call_count;
    return call;
}

int32_t sim_model_find_node(const struct sim_model *model, const emc_address *address)
{
    char text[EMC_ADDRESS_TEXT_SIZE];
    emc_address_format(address, text, sizeof text);
    for (uint32_t i = 0; i < model->node_count; i++) {
        if (strcmp(model->node_names[i], text) == 0) {
            return (int32_t)i;
        }
    }
    return -1;
}

/* ------------------------------------------------------------------ what servers do */

static void end_version(struct sim_model *model, struct sim_history *history)
{
    if (history->count > 0) {
        history->versions[history->count - 1].to_seq = model->world->sequence;
        history->versions[history->count - 1].to_ns = model->world->now_ns;
    }
}

static void begin_version(struct sim_model *model, struct sim_history *history, const struct sim_item *item)
{
    struct sim_version *version = &history->versions[history->count++];
    *version = (struct sim_version){
        .from_seq = model->world->sequence, .from_ns = model->world->now_ns, .to_seq = UINT64_MAX, .to_ns = UINT64_MAX};
    if (item != NULL) {
        version->present = true;
        version->hash = sim_hash(item->value, item->length);
        version->length = item->length;
        version->flags = item->flags;
        version->cas = item->cas;
    }
}

/* The key as the program knows it: without the client's prefix. */
static struct emc__slice bare(const struct sim_model *model, struct emc__slice key)
{
    size_t prefix = model->prefix_length <= key.length ? model->prefix_length : 0;
    return (struct emc__slice){key.data + prefix, key.length - prefix};
}

static void changed(void *context, uint32_t server, struct emc__slice key, const struct sim_item *item)
{
    struct sim_model *model = context;
    uint32_t number = sim_model_find_key(model, bare(model, key));
    if (number == SIM_KEYS_MAX) {
        sim_problem(model->world, "server %u stored a key that nobody used: %.*s", server, (int)key.length,
                    (const char *)key.data);
        return;
    }
    struct sim_history *history = &model->histories[server][number];
    end_version(model, history);
    history->versions = grow(model->world, history->versions, history->count, &history->capacity,
                             sizeof *history->versions);
    begin_version(model, history, item);
}

static void note_anonymous(struct sim_model *model, uint32_t server, const struct sim_request *request,
                           enum sim_outcome outcome)
{
    model->anonymous = grow(model->world, model->anonymous, model->anonymous_count, &model->anonymous_capacity,
                            sizeof *model->anonymous);
    uint32_t key = request->verb == SIM_FLUSH ? SIM_KEYS_MAX : sim_model_find_key(model, bare(model, request->key));
    model->anonymous[model->anonymous_count++] = (struct sim_anonymous){
        model->world->sequence, model->world->now_ns, key, server, outcome == SIM_DONE, false};
}

/* The operation that a request belongs to; NULL: it carries no number. */
static struct sim_op *owner(const struct sim_model *model, const struct sim_request *request)
{
    uint64_t id = 0;
    switch (request->verb) {
    case SIM_SET:
    case SIM_ADD:
    case SIM_REPLACE:
    case SIM_CAS:
        id = request->flags;
        break;
    case SIM_APPEND:
    case SIM_PREPEND:
        id = request->value == NULL ? 0 : sim_value_number(request->value, request->length);
        break;
    case SIM_INCR:
    case SIM_DECR:
        id = request->delta - SIM_DELTA_BASE;
        break;
    case SIM_TOUCH:
        id = request->exptime < SIM_EXPTIME_BASE ? 0 : (uint64_t)(request->exptime - SIM_EXPTIME_BASE);
        break;
    default:
        return NULL;
    }
    return id >= 1 && id <= model->op_count ? model->ops[id - 1] : NULL;
}

static bool may_lack_owner(const struct sim_request *request)
{
    bool refused_append = (request->verb == SIM_APPEND || request->verb == SIM_PREPEND) && request->value == NULL;
    bool vivified = request->verb == SIM_ADD && request->flags == 0; /* by fetch or count: an item without a number */
    return request->verb == SIM_TOUCH || request->verb == SIM_GAT || refused_append || vivified;
}

static bool meta_verb_suits(const struct sim_call *call, enum sim_verb verb)
{
    static const enum sim_verb modes[] = {SIM_SET, SIM_ADD, SIM_REPLACE, SIM_APPEND, SIM_PREPEND};
    switch (call->command) {
    case SIM_CALL_META_SET:
        return verb == modes[call->amount];
    case SIM_CALL_FILL:
        return verb == SIM_CAS;
    case SIM_CALL_COUNT:
        return verb == (call->number % 3 == 0 ? SIM_DECR : SIM_INCR);
    default:
        return false;
    }
}

static bool verb_suits(const struct sim_op *op, enum sim_verb verb)
{
    if (sim_command_is_meta(op->call->command)) {
        return meta_verb_suits(op->call, verb);
    }
    static const enum sim_command commands[] = {
        [SIM_SET] = SIM_CALL_SET,       [SIM_ADD] = SIM_CALL_ADD,         [SIM_REPLACE] = SIM_CALL_REPLACE,
        [SIM_APPEND] = SIM_CALL_APPEND, [SIM_PREPEND] = SIM_CALL_PREPEND, [SIM_CAS] = SIM_CALL_CAS,
        [SIM_DELETE] = SIM_CALL_DELETE, [SIM_INCR] = SIM_CALL_INCR,       [SIM_DECR] = SIM_CALL_DECR,
        [SIM_TOUCH] = SIM_CALL_TOUCH,   [SIM_GAT] = SIM_CALL_GAT,         [SIM_FLUSH] = SIM_CALL_FLUSH_ALL};
    return op->call->command == commands[verb] || (verb == SIM_SET && op->call->command == SIM_CALL_SET_MANY);
}

static void judge_request(struct sim_model *model, const struct sim_op *op, const struct sim_request *request)
{
    const struct sim_key *key = &model->keys[op->key];
    const char *name = sim_command_names[op->call->command];
    if (!verb_suits(op, request->verb) ||
        !emc__slice_equal(bare(model, request->key), emc__slice_of(key->bytes, key->length))) {
        sim_problem(model->world, "%s %u reached the server as another command or with another key", name, op->id);
    } else if (op->applied > 0) {
        sim_problem(model->world, "%s %u was carried out twice", name, op->id);
    } else if (!op->call->accepted && op->call->refused != EMC_OK) {
        sim_problem(model->world, "%s %u was refused, and carried out all the same", name, op->id);
    } else if (sim_command_stores(op->call->command) && request->value != NULL &&
               !sim_value_is(op, request->value, request->length)) {
        sim_problem(model->world, "%s %u reached the server with another value", name, op->id);
    }
}

static void note_applied(struct sim_model *model, struct sim_op *op, uint32_t server, enum sim_outcome outcome,
                         uint64_t number)
{
    const struct sim_history *history = &model->histories[server][op->key];
    const struct sim_version *last = history->count > 0 ? &history->versions[history->count - 1] : NULL;
    bool wrote = outcome == SIM_STORED || outcome == SIM_DONE;
    bool own = wrote && last != NULL && last->from_seq == model->world->sequence - 1;
    op->applied++;
    op->applied_server = server;
    op->applied_seq = model->world->sequence;
    op->begin_seq = own ? last->from_seq : model->world->sequence;
    op->applied_ns = model->world->now_ns;
    op->outcome = outcome;
    op->applied_number = number;
}

static void applied(void *context, uint32_t server, const struct sim_request *request, enum sim_outcome outcome,
                    uint64_t number)
{
    struct sim_model *model = context;
    model->world->sequence++;
    if (request->verb == SIM_DELETE || request->verb == SIM_FLUSH) {
        note_anonymous(model, server, request, outcome);
        return;
    }
    if (request->verb == SIM_GAT && request->exptime < 2 * SIM_EXPTIME_BASE) {
        judge_gat(model, sim_model_find_key(model, bare(model, request->key)), request->exptime);
    }
    struct sim_op *op = owner(model, request);
    if (op == NULL) {
        if (!may_lack_owner(request)) {
            sim_problem(model->world, "server %u carried out something that nobody asked for (verb %d)", server,
                        (int)request->verb);
        }
        return;
    }
    judge_request(model, op, request);
    note_applied(model, op, server, outcome, number);
}

static void malformed(void *context, uint32_t server, const char *words)
{
    struct sim_model *model = context;
    if (!model->malformed_allowed) {
        sim_problem(model->world, "server %u got a request that no client should send: %s", server, words);
    }
}

/* ------------------------------------------------------------------ what the client says */

static void keep_lease(struct sim_op *op, const emc_result *result)
{
    if (op->call->command == SIM_CALL_FETCH && result->meta != NULL) {
        op->lease = (emc_lease){result->meta->won, result->meta->stale, result->meta->cas};
    }
}

static void keep_value(struct sim_model *model, struct sim_op *op, const emc_result *result)
{
    if (!sim_command_retrieves(op->call->command) || result->status != EMC_OK) {
        return;
    }
    op->has_value = true;
    op->hash = sim_hash(result->value, result->value_length);
    op->length_out = result->value_length;
    op->flags = result->flags;
    op->cas = result->cas;
    if (result->value == NULL && result->value_length > 0) {
        sim_problem(model->world, "a value of %zu bytes without bytes", result->value_length);
    }
    if (op->home != NULL && result->value_length > 0 && result->value != op->home) {
        sim_problem(model->world, "%s %u: the value is not in the memory that was given for it",
                    sim_command_names[op->call->command], op->id);
    }
}

static void answer_op(struct sim_model *model, struct sim_op *op, const emc_result *result)
{
    const char *name = sim_command_names[op->call->command];
    if (op->done) {
        sim_problem(model->world, "%s %u was answered twice", name, op->id);
        return;
    }
    if (sim_command_is_bulk(op->call->command)) {
        const struct sim_key *key = &model->keys[op->key];
        if (!emc__slice_equal(emc__slice_of(result->key, result->key_length), emc__slice_of(key->bytes, key->length))) {
            sim_problem(model->world, "%s %u: the result names another key", name, op->id);
        }
    }
    op->done = true;
    op->status = result->status;
    op->number = result->number;
    op->node = result->node == NULL ? -1 : sim_model_find_node(model, result->node);
    keep_value(model, op, result);
    keep_lease(op, result);
}

static void judge_time(struct sim_model *model, const struct sim_call *call)
{
    uint64_t now = model->world->now_ns, limit = call->deadline_ns;
    const char *name = sim_command_names[call->command];
    if (limit == UINT64_MAX) {
        return;
    }
    if (model->paused_until_ns > call->submitted_ns && model->paused_from_ns <= limit + model->slack_ns &&
        limit < model->paused_until_ns) {
        limit = model->paused_until_ns;
    }
    if (now > limit + model->slack_ns) {
        sim_problem(model->world, "%s (call %u) ended %.1f ms after its deadline", name, call->number,
                    (double)(now - limit) / 1e6);
    }
    uint64_t leapt = model->clock_ahead_ns == NULL ? 0 : *model->clock_ahead_ns - call->clock_ahead_ns;
    if (call->status == EMC_ERROR_TIMEOUT && now + leapt < call->deadline_ns) {
        sim_problem(model->world, "%s (call %u) timed out %.3f ms before its deadline", name, call->number,
                    (double)(call->deadline_ns - now) / 1e6);
    }
}

static void finish_call(struct sim_model *model, struct sim_call *call, const emc_result *result)
{
    const char *name = sim_command_names[call->command];
    call->done = true;
    call->status = result->status;
    call->completed_ns = model->world->now_ns;
    model->completed++;
    snprintf(call->message, sizeof call->message, "%s", result->message == NULL ? "" : result->message);
    for (uint32_t i = 0; i < call->count; i++) {
        if (!call->ops[i].done) {
            sim_problem(model->world, "%s (call %u) ended without a word about its key %u", name, call->number, i);
        }
        if (call->ops[i].home !=
            NULL) { /* the caller's again: nobody may write to it any more (sim_model_check looks) */
            memset(call->ops[i].home, SIM_HOME_OVER, call->ops[i].home_length);
        }
    }
    if (call->status == EMC_ERROR_CANCELLED && !call->cancelled) {
        call->cancelled = true; /* right only while the client is being closed; the stage knows */
    }
    judge_time(model, call);
    if (call->expects_down && call->completed_ns > call->submitted_ns + model->slack_ns &&
        model->paused_until_ns <= call->submitted_ns) {
        sim_problem(model->world, "%s (call %u) to a node known to be down took %.3f ms", name, call->number,
                    (double)(call->completed_ns - call->submitted_ns) / 1e6);
    }
    sim_trace(model->world, "call %u: %s ends with %s %s", call->number, name, emc_status_name(call->status),
              call->message);
}

static bool is_stream(const struct sim_call *call)
{
    return call->command == SIM_CALL_STATS || call->command == SIM_CALL_DUMP_KEYS;
}

void sim_model_result(struct sim_model *model, struct sim_call *call, const emc_result *result)
{
    const char *name = sim_command_names[call->command];
    call->results++;
    if (call->done) {
        sim_problem(model->world, "%s (call %u) ended twice", name, call->number);
        return;
    }
    if (!call->accepted) {
        sim_problem(model->world, "%s (call %u) was answered before its submit returned", name, call->number);
        return;
    }
    if (is_stream(call) && !result->last) {
        call->lines++;
        return;
    }
    if (call->count > 0 && result->index < call->count) {
        answer_op(model, &call->ops[result->index], result);
    } else if (call->count > 0) {
        sim_problem(model->world, "%s (call %u): a result for key %zu of %u", name, call->number, result->index,
                    call->count);
    } else if (result->node != NULL && sim_command_has_keys(call->command) == false) {
        call->amount = result->number;
    }
    if (result->last) {
        finish_call(model, call, result);
    } else if (!sim_command_is_bulk(call->command)) {
        sim_problem(model->world, "%s (call %u): more results are said to follow", name, call->number);
    }
}
