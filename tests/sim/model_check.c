/* The rules that can be judged only when all is over: see model.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

/* The outcome as the client should have told it. */
static emc_status expected_status(enum sim_outcome outcome)
{
    static const emc_status statuses[] = {[SIM_STORED] = EMC_OK,
                                          [SIM_NOT_STORED] = EMC_NOT_STORED,
                                          [SIM_EXISTS] = EMC_EXISTS,
                                          [SIM_NOT_FOUND] = EMC_MISS,
                                          [SIM_DONE] = EMC_OK,
                                          [SIM_NON_NUMERIC] = EMC_ERROR_CLIENT,
                                          [SIM_TOO_LARGE] = EMC_ERROR_TOO_LARGE,
                                          [SIM_NO_MEMORY] = EMC_ERROR_SERVER_MEMORY};
    return statuses[outcome];
}

/* The server told this, so that it must be what happened there. */
static bool told_by_server(const struct sim_model *model, emc_status status)
{
    if (status >= 0) {
        return true;
    }
    bool error = status == EMC_ERROR_CLIENT || status == EMC_ERROR_TOO_LARGE || status == EMC_ERROR_SERVER_MEMORY;
    return error && !model->replies_spoilt;
}

static const char *name_of(const struct sim_op *op)
{
    return sim_command_names[op->call->command];
}

/* Its number can be read from the request. */
static bool carries_number(const struct sim_op *op)
{
    switch (op->call->command) {
    case SIM_CALL_SET:
    case SIM_CALL_ADD:
    case SIM_CALL_REPLACE:
    case SIM_CALL_CAS:
    case SIM_CALL_SET_MANY:
    case SIM_CALL_INCR:
    case SIM_CALL_DECR:
    case SIM_CALL_FILL:
    case SIM_CALL_COUNT:
        return true;
    case SIM_CALL_META_SET:
        return op->call->amount < EMC_META_MODE_APPEND || op->length >= SIM_HEADER;
    case SIM_CALL_APPEND:
    case SIM_CALL_PREPEND:
        return op->length >= SIM_HEADER;
    case SIM_CALL_TOUCH:
        return op->call->exptime >= SIM_EXPTIME_BASE;
    default:
        return false;
    }
}

/* Both sides know how it came out. */
static bool known(const struct sim_model *model, const struct sim_op *op)
{
    return op->done && !op->call->noreply && told_by_server(model, op->status) && carries_number(op) &&
           op->applied == 1;
}

/* Answered by a scripted peer, of which the model knows nothing. */
static bool beyond_us(const struct sim_model *model, const struct sim_op *op)
{
    return op->node >= 0 && model->servers_of_node[op->node] == 0;
}

static bool server_suits(const struct sim_model *model, const struct sim_op *op, uint32_t server)
{
    return op->node < 0 || (model->servers_of_node[op->node] & (1u << server)) != 0;
}

/* ------------------------------------------------------------------ writes */

static void check_write(const struct sim_model *model, const struct sim_op *op)
{
    if (!op->done || op->call->noreply || !told_by_server(model, op->status) || !carries_number(op) ||
        beyond_us(model, op)) {
        return;
    }
    bool oversize_append = op->status == EMC_ERROR_TOO_LARGE &&
                           op->applied == 0; /* told at its line, where no number is seen */
    if (op->applied == 0) {
        if (!oversize_append) {
            sim_problem(model->world, "%s %u is said to have ended with %s, and never happened", name_of(op), op->id,
                        emc_status_name(op->status));
        }
        return;
    }
    if (op->call->command == SIM_CALL_COUNT && op->outcome == SIM_NOT_FOUND && op->status == EMC_OK &&
        op->number == op->call->amount) {
        return; /* it began the number */
    }
    if (op->status != expected_status(op->outcome)) {
        sim_problem(model->world, "%s %u ended with %s at the server and with %s at the client", name_of(op), op->id,
                    emc_status_name(expected_status(op->outcome)), emc_status_name(op->status));
    } else if (op->applied_ns < op->call->submitted_ns || op->applied_ns > op->call->completed_ns) {
        sim_problem(model->world, "%s %u happened at %.3f ms, not while it was under way", name_of(op), op->id,
                    (double)(op->applied_ns - SIM_S) / 1e6);
    } else if (!server_suits(model, op, op->applied_server)) {
        sim_problem(model->world, "%s %u happened on server %u, which is not of its node", name_of(op), op->id,
                    op->applied_server);
    } else if ((op->call->command == SIM_CALL_INCR || op->call->command == SIM_CALL_DECR ||
                op->call->command == SIM_CALL_COUNT) &&
               op->status == EMC_OK && op->number != op->applied_number) {
        sim_problem(model->world, "%s %u gave %" PRIu64 ", the server has %" PRIu64, name_of(op), op->id, op->number,
                    op->applied_number);
    }
}

/* A delete or a flush that was answered is one that a server carried out, with that outcome, while it was under way; each is one's own. `key` is
 * SIM_KEYS_MAX for a flush. */
static bool take_anonymous(const struct sim_model *model, const struct sim_call *call, uint32_t key, uint32_t servers,
                           bool found)
{
    for (uint32_t i = 0; i < model->anonymous_count; i++) {
        struct sim_anonymous *entry = &model->anonymous[i];
        bool suits = !entry->taken && entry->key == key && (entry->found == found || key == SIM_KEYS_MAX) &&
                     (servers & (1u << entry->server)) != 0;
        if (suits && entry->at_ns >= call->submitted_ns && entry->at_ns <= call->completed_ns) {
            entry->taken = true;
            return true;
        }
    }
    return false;
}

static void check_delete(const struct sim_model *model, const struct sim_op *op)
{
    bool untouched = op->status == EMC_EXISTS || (op->call->command == SIM_CALL_INVALIDATE && op->status == EMC_OK);
    if (op->status < 0 || untouched || beyond_us(model, op)) {
        return;
    }
    uint32_t servers = op->node < 0 ? UINT32_MAX : model->servers_of_node[op->node];
    if (!take_anonymous(model, op->call, op->key, servers, op->status == EMC_OK)) {
        sim_problem(model->world, "%s %u ended with %s, and no server did that", name_of(op), op->id,
                    emc_status_name(op->status));
    }
}

static void check_flush(const struct sim_model *model, const struct sim_call *call)
{
    if (call->status != EMC_OK || model->servers_of_node[call->node] == 0) {
        return;
    }
    if (!take_anonymous(model, call, SIM_KEYS_MAX, model->servers_of_node[call->node], true)) {
        sim_problem(model->world, "flush_all (call %u) ended with OK, and no server did it", call->number);
    }
}

static int by_completion(const void *a, const void *b)
{
    const struct sim_call *first = *(const struct sim_call *const *)a, *second = *(const struct sim_call *const *)b;
    if (first->completed_ns != second->completed_ns) {
        return first->completed_ns < second->completed_ns ? -1 : 1;
    }
    return first->number < second->number ? -1 : first->number > second->number;
}

/* In the order in which they ended, each takes the first one that suits: that finds one for each of them if there is a way at all. */
static void check_anonymous(const struct sim_model *model)
{
    const struct sim_call **calls = sim_world_keep(model->world, (model->call_count + 1) * sizeof *calls);
    uint32_t count = 0;
    for (uint32_t i = 0; i < model->call_count; i++) {
        const struct sim_call *call = model->calls[i];
        bool anonymous = sim_command_deletes(call->command) || call->command == SIM_CALL_FLUSH_ALL;
        if (anonymous && call->done && !call->noreply) {
            calls[count++] = call;
        }
    }
    qsort(calls, count, sizeof *calls, by_completion);
    for (uint32_t i = 0; i < count; i++) {
        if (calls[i]->command == SIM_CALL_FLUSH_ALL) {
            check_flush(model, calls[i]);
        }
        for (uint32_t j = 0; j < calls[i]->count; j++) {
            check_delete(model, &calls[i]->ops[j]);
        }
    }
}

/* No more deletes were carried out than were asked for. */
static void check_delete_counts(const struct sim_model *model)
{
    uint32_t asked[SIM_KEYS_MAX] = {0}, done[SIM_KEYS_MAX + 1] = {0};
    for (uint32_t i = 0; i < model->op_count; i++) {
        const struct sim_call *call = model->ops[i]->call;
        if (sim_command_deletes(call->command) && call->accepted) {
            asked[model->ops[i]->key]++;
        }
    }
    for (uint32_t i = 0; i < model->anonymous_count; i++) {
        done[model->anonymous[i].key]++;
    }
    for (uint32_t key = 0; key < model->key_count && !model->deletes_again; key++) {
        if (done[key] > asked[key]) {
            sim_problem(model->world, "key %u was deleted %u times, asked for were %u", key, done[key], asked[key]);
        }
    }
}

/* ------------------------------------------------------------------ order */

/* Known writes of a key happened on a server in the order they were submitted. */
static void check_order(const struct sim_model *model)
{
    uint64_t last[SIM_SERVERS_MAX][SIM_KEYS_MAX];
    memset(last, 0, sizeof last);
    for (uint32_t i = 0; i < model->op_count; i++) {
        const struct sim_op *op = model->ops[i];
        if (!known(model, op)) {
            continue;
        }
        uint64_t *before = &last[op->applied_server][op->key];
        if (op->applied_seq < *before) {
            sim_problem(model->world, "%s %u happened before an operation of its key that was submitted earlier",
                        name_of(op), op->id);
        }
        *before = op->applied_seq > *before ? op->applied_seq : *before;
    }
}

/* The bounds that known writes of the same key set to what a retrieval may see on a server. */
struct window {
    uint64_t low, high;
};

static struct window window_of(const struct sim_model *model, const struct sim_op *op, uint32_t server)
{
    struct window window = {0, UINT64_MAX};
    for (const struct sim_op *other = model->ops_of_key[op->key]; other != NULL; other = other->next_of_key) {
        if (other->applied == 0 || other->applied_server != server || !known(model, other)) {
            continue;
        }
        if (other->id < op->id && other->applied_seq > window.low) {
            window.low = other->applied_seq;
        } else if (other->id > op->id && other->begin_seq < window.high && !model->gets_asked_again) {
            window.high = other->begin_seq;
        }
    }
    return window;
}

/* ------------------------------------------------------------------ retrievals */

static bool same_answer(const struct sim_op *op, const struct sim_version *version)
{
    if (op->status == EMC_MISS) {
        bool placeholder = op->call->command == SIM_CALL_META_GET &&
                           version->length == 0; /* of a lease: told as a miss */
        return !version->present || placeholder;
    }
    bool cas = !sim_command_gives_cas(op->call->command) || op->cas == version->cas;
    return version->present && cas && op->hash == version->hash && op->length_out == version->length &&
           op->flags == version->flags;
}

static bool seen_on(const struct sim_model *model, const struct sim_op *op, uint32_t server)
{
    static const struct sim_version nothing = {.to_seq = UINT64_MAX, .to_ns = UINT64_MAX};
    const struct sim_history *history = &model->histories[server][op->key];
    struct window window = window_of(model, op, server);
    struct sim_version first = nothing;
    if (history->count > 0) {
        first.to_seq = history->versions[0].from_seq;
        first.to_ns = history->versions[0].from_ns;
    }
    for (uint32_t i = 0; i <= history->count; i++) {
        const struct sim_version *version = i == 0 ? &first : &history->versions[i - 1];
        if (same_answer(op, version) && version->to_seq > window.low && version->from_seq < window.high &&
            version->to_ns >= op->call->submitted_ns && version->from_ns <= op->call->completed_ns) {
            return true;
        }
    }
    return false;
}

static const char *whose(const struct sim_model *model, const struct sim_op *op, char *text, size_t size)
{
    for (uint32_t server = 0; server < model->server_count; server++) {
        for (uint32_t key = 0; key < model->key_count; key++) {
            const struct sim_history *history = &model->histories[server][key];
            for (uint32_t i = 0; i < history->count; i++) {
                if (op->has_value && same_answer(op, &history->versions[i])) {
                    snprintf(text, size, "that is key %u of server %u from %.3f to %.3f ms", key, server,
                             (double)(history->versions[i].from_ns - SIM_S) / 1e6,
                             (double)(history->versions[i].to_ns - SIM_S) / 1e6);
                    return text;
                }
            }
        }
    }
    return op->has_value ? "nobody ever had that value" : "it was there all the time";
}

/* For the trace of a seed that failed: what a key was on a server, and what is known to have been done to it. */
static void explain(const struct sim_model *model, const struct sim_op *op, uint32_t server)
{
    const struct sim_history *history = &model->histories[server][op->key];
    struct window window = window_of(model, op, server);
    sim_trace(model->world, "on server %u operation %u may see what was between %" PRIu64 " and %" PRIu64, server,
              op->id, window.low, window.high);
    for (uint32_t i = 0; i < history->count; i++) {
        const struct sim_version *version = &history->versions[i];
        sim_trace(model->world,
                  "  %" PRIu64 " to %" PRIu64 ", %.6f to %.6f ms: %s, %zu bytes, flags %" PRIu64 ", cas %" PRIu64,
                  version->from_seq, version->to_seq, (double)(version->from_ns - SIM_S) / 1e6,
                  (double)(version->to_ns - SIM_S) / 1e6, version->present ? "there" : "not there", version->length,
                  version->flags, version->cas);
    }
    for (const struct sim_op *other = model->ops_of_key[op->key]; other != NULL; other = other->next_of_key) {
        if (other->applied > 0 && other->applied_server == server) {
            sim_trace(model->world, "  %" PRIu64 " to %" PRIu64 ": %s %u%s", other->begin_seq, other->applied_seq,
                      name_of(other), other->id, known(model, other) ? "" : " (not known to the client)");
        }
    }
}

static void check_retrieval(const struct sim_model *model, const struct sim_op *op)
{
    char text[160];
    bool placeholder = op->call->command == SIM_CALL_FETCH &&
                       op->status != EMC_OK; /* an item that waits for its filler is no value */
    if (!sim_command_retrieves(op->call->command) || !op->done || op->status < 0 || placeholder ||
        beyond_us(model, op)) {
        return;
    }
    for (uint32_t server = 0; server < model->server_count; server++) {
        if (server_suits(model, op, server) && seen_on(model, op, server)) {
            return;
        }
    }
    for (uint32_t server = 0; server < model->server_count && model->world->trace && !model->world->failed; server++) {
        explain(model, op, server);
    }
    sim_problem(model->world,
                "%s %u (call %u) of key %u gave %s (%zu bytes, flags %" PRIu64
                "), submitted at %.3f, answered at %.3f ms; %s",
                name_of(op), op->id, op->call->number, op->key, emc_status_name(op->status), op->length_out, op->flags,
                (double)(op->call->submitted_ns - SIM_S) / 1e6, (double)(op->call->completed_ns - SIM_S) / 1e6,
                whose(model, op, text, sizeof text));
}

/* ------------------------------------------------------------------ calls, routing */

static void check_call(const struct sim_model *model, const struct sim_call *call)
{
    const char *name = sim_command_names[call->command];
    if (call->accepted && !call->done) {
        sim_problem(model->world, "%s (call %u) never ended", name, call->number);
    }
    if (!call->accepted && call->results > 0) {
        sim_problem(model->world, "%s (call %u) was refused and answered", name, call->number);
    }
    bool may_release = sim_command_stores(call->command) && call->command != SIM_CALL_SET_MANY;
    if (may_release && call->accepted && call->releases != 1) {
        sim_problem(model->world, "%s (call %u): its value was released %u times", name, call->number, call->releases);
    }
}

/* The memory given for values is as it was left when their call ended. */
static void check_homes(const struct sim_model *model, const struct sim_call *call)
{
    for (uint32_t i = 0; i < call->count && call->done; i++) {
        const struct sim_op *op = &call->ops[i];
        bool same = true;
        for (size_t at = 0; op->home != NULL && at < op->home_length; at++) {
            same &= op->home[at] == SIM_HOME_OVER;
        }
        if (!same) {
            sim_problem(model->world, "%s %u (call %u): its memory was written to after it had ended", name_of(op),
                        op->id, call->number);
        }
    }
}

static void check_routing(const struct sim_model *model)
{
    int32_t node_of_key[SIM_KEYS_MAX];
    memset(node_of_key, -1, sizeof node_of_key);
    for (uint32_t i = 0; i < model->op_count && !model->routing_moves; i++) {
        const struct sim_op *op = model->ops[i];
        if (op->node < 0 || !sim_command_has_keys(op->call->command)) {
            continue;
        }
        if (node_of_key[op->key] >= 0 && node_of_key[op->key] != op->node) {
            sim_problem(model->world, "key %u went to node %d and to node %d", op->key, node_of_key[op->key], op->node);
        }
        node_of_key[op->key] = op->node;
    }
}

static void chain_by_key(struct sim_model *model)
{
    for (uint32_t i = 0; i < model->op_count; i++) {
        struct sim_op *op = model->ops[i];
        if (sim_command_has_keys(op->call->command)) {
            op->next_of_key = model->ops_of_key[op->key];
            model->ops_of_key[op->key] = op;
        }
    }
}

void sim_model_check(struct sim_model *model)
{
    chain_by_key(model);
    for (uint32_t i = 0; i < model->call_count; i++) {
        check_call(model, model->calls[i]);
        check_homes(model, model->calls[i]);
    }
    for (uint32_t i = 0; i < model->op_count; i++) {
        check_write(model, model->ops[i]);
        check_retrieval(model, model->ops[i]);
    }
    check_anonymous(model);
    check_delete_counts(model);
    check_order(model);
    check_routing(model);
}
