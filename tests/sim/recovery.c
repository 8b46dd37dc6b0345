/* What must be well again when every fault is over: see recovery.h. */
#include "recovery.h"

#include "client/client_internal.h"
#include "node/connection.h"

#define RECOVERY_NS ((uint64_t)2 * SIM_S)
/* A connection that alone stays silent is given up after three answers elsewhere, a second apart; and one more for each 64 of the requests that are
 * answered by silence. Where a dead address is tried first each answer takes longer, and a get may be asked again on another silent connection. */
#define SILENT_NS (2 * (uint64_t)4 * SIM_S)
#define QUIET     64
/* What else is in a request or a reply than a value: a line with a key, twice; and all of stats or a dump of keys. */
#define LINE_BYTES   600
#define STREAM_BYTES 16384

static void heal_node(const struct sim_plan *plan, const struct sim_node *node)
{
    struct sim_line line = node->host->line;
    line.latency_ns = line.latency_ns > 2 * SIM_MS ? SIM_MS : line.latency_ns;
    line.jitter_ns = 0;
    line.bytes_per_s = 0;
    line.buffer = line.buffer < 4000 ? 4000 : line.buffer;
    line.cut = SIM_CUT_WHOLE;
    sim_host_set_line(node->host, &line);
    node->host->break_down_after = 0;
    sim_host_return(node->host);
    sim_server_stop(node->server, false);
    node->server->silent = false;
    if (!plan->mutes_stay) {
        sim_server_end_mute(node->server);
    }
    node->server->mischief.times = 0;
    node->server->service_ns = 50 * SIM_US;
    node->server->service_jitter_ns = 0;
    node->server->connections_max = 0;
    if (plan->authenticates) {
        node->server->password = "secret";
    }
}

static void heal(struct sim_plan *plan)
{
    sim_trace(&plan->stage.world, "every fault is over");
    for (uint32_t i = 0; i < plan->fault_count; i++) {
        sim_fault_heal(&plan->faults[i]);
    }
    for (uint32_t i = 0; i < plan->stage.node_count; i++) {
        heal_node(plan, &plan->stage.nodes[i]);
    }
    for (struct sim_host *host = plan->stage.network.hosts; host != NULL; host = host->next) {
        if (host->black) { /* a name may have moved away from it */
            sim_host_black(host, false);
        }
        sim_host_reset_half_open(host);
    }
    if (plan->stage.configuration != NULL) {
        plan->stage.configuration->service_ns = 50 * SIM_US;
    }
    if (plan->stage.directory != NULL) {
        sim_stage_configure(&plan->stage, UINT32_MAX);
    }
    plan->stage.transport.connect_errors = 0;
    plan->stage.memory.fail_at = plan->stage.memory.fail_per_mille = 0;
}

/* ------------------------------------------------------------------ everything has ended */

/* The longest value that a key ever had on a server. */
static size_t longest_value(const struct sim_model *model, uint32_t key)
{
    size_t longest = 0;
    for (uint32_t server = 0; server < model->server_count; server++) {
        const struct sim_history *history = &model->histories[server][key];
        for (uint32_t i = 0; i < history->count; i++) {
            longest = history->versions[i].length > longest ? history->versions[i].length : longest;
        }
    }
    return longest;
}

/* Bytes that may still have to pass for it, in either direction. One that was left early keeps its place. */
static uint64_t bytes_of(const struct sim_model *model, const struct sim_call *call)
{
    bool leaves_nothing = call->done && call->status != EMC_ERROR_TIMEOUT && call->status != EMC_ERROR_CANCELLED;
    uint64_t bytes = 0;
    if (!call->accepted || leaves_nothing) {
        return 0;
    }
    for (uint32_t i = 0; i < call->count; i++) {
        bool valued = sim_command_retrieves(call->command);
        bytes += LINE_BYTES + call->ops[i].length + (valued ? longest_value(model, call->ops[i].key) : 0);
    }
    return bytes + (call->count == 0 ? STREAM_BYTES : 0);
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Until what was written to the link while its line was narrow is through. */
static uint64_t under_way_ns(const struct sim_link *link, uint64_t now_ns)
{
    uint64_t last_ns = larger(link->up.last_arrival_ns, link->down.last_arrival_ns);
    return last_ns > now_ns ? last_ns - now_ns : 0;
}

/* What all that may be outstanding takes through the narrowest of the links, one after the other: a full buffer, or a line, in each round trip. */
static uint64_t outstanding_ns(const struct sim_plan *plan)
{
    const struct sim_stage *stage = &plan->stage;
    const struct sim_model *model = &stage->model;
    uint64_t bytes = 0, lines = 0, buffer = UINT64_MAX, latency_ns = 0, written_ns = 0;
    for (uint32_t i = 0; i < model->call_count; i++) {
        uint64_t more = bytes_of(model, model->calls[i]);
        bytes += more;
        lines += more > 0 ? model->calls[i]->count + 1 : 0;
    }
    for (const struct sim_host *host = stage->network.hosts; host != NULL; host = host->next) {
        buffer = host->line.buffer < buffer ? host->line.buffer : buffer;
        latency_ns = larger(latency_ns, host->line.latency_ns);
        for (const struct sim_link *link = host->links; link != NULL; link = link->next) {
            written_ns = larger(written_ns, under_way_ns(link, stage->world.now_ns));
        }
    }
    uint64_t round_trip_ns = 2 * latency_ns + 100 * SIM_US + stage->transport.wake_slack_ns;
    return written_ns + (bytes / buffer + lines) * round_trip_ns;
}

/* Replies that were spoilt, and connections that stay silent, end by the answers that come on others. */
static uint64_t silent_ns(const struct sim_plan *plan)
{
    const struct sim_model *model = &plan->stage.model;
    uint64_t quiet = 0;
    if (!plan->mutes_stay && !model->replies_spoilt) {
        return 0;
    }
    for (uint32_t i = 0; i < model->call_count; i++) {
        const struct sim_call *call = model->calls[i];
        quiet += call->accepted && (!call->done || call->noreply) ? call->count : 0;
    }
    return SILENT_NS + quiet / QUIET * (uint64_t)SIM_S;
}

static const struct sim_call *unended(const struct sim_model *model)
{
    for (uint32_t i = 0; i < model->call_count; i++) {
        if (model->calls[i]->accepted && !model->calls[i]->done) {
            return model->calls[i];
        }
    }
    return NULL;
}

/* Whatever was asked ends, even without a deadline. (Without `version` nothing ends the wait for an answer that was spoilt.) */
static void check_everything_ends(struct sim_plan *plan, uint64_t outstanding)
{
    struct sim_stage *stage = &plan->stage;
    uint64_t end_ns = stage->world.now_ns + outstanding;
    const struct sim_call *call;
    if (stage->model.replies_spoilt && !stage->options.ask_version) {
        return;
    }
    while ((call = unended(&stage->model)) != NULL && stage->world.now_ns < end_ns && stage->client != NULL &&
           !stage->world.failed) {
        sim_stage_run(stage, 50 * SIM_MS);
    }
    if (call != NULL && stage->client != NULL) {
        sim_problem(&stage->world, "%s (call %u) has not ended, and all has been well for two seconds%s",
                    sim_command_names[call->command], call->number,
                    outstanding > 0 ? " and longer than all that was outstanding takes" : "");
    }
}

/* ------------------------------------------------------------------ every node serves */

/* A connection that was cut off without a word shows so only when it is used: each may spoil one question. And what a silent one holds may fill small
 * limits until it is given up. */
static bool ask_until_answered(struct sim_stage *stage, uint32_t node, uint64_t silent)
{
    const struct sim_call *question = NULL;
    uint64_t end_ns = stage->world.now_ns + silent;
    uint32_t tries = 0;
    while (tries <= 2 * stage->options.connections_max && stage->client != NULL && !stage->world.failed) {
        struct sim_call *call = sim_model_add_call(&stage->model, SIM_CALL_VERSION, 0);
        call->node = node;
        call->timeout_ms = 1000;
        question = call;
        bool accepted = sim_stage_submit(stage, call);
        sim_stage_run_until_done(stage, call, accepted ? (uint64_t)SIM_S + 100 * SIM_MS : 10 * SIM_MS);
        if (call->done && call->status == EMC_OK) {
            return true;
        }
        /* After a spoilt reply a connection may wait for an END that never comes: the next answer contradicts it. */
        bool out_of_step = call->status == EMC_ERROR_PROTOCOL && stage->model.replies_spoilt;
        bool may_try_again = out_of_step || call->refused == EMC_ERROR_FULL ||
                             call->status == EMC_ERROR_CONNECTION_LOST || call->status == EMC_ERROR_TIMEOUT;
        if (!may_try_again) {
            break;
        }
        tries += call->refused != EMC_ERROR_FULL || stage->world.now_ns >= end_ns;
    }
    if (question != NULL && stage->client != NULL) {
        sim_problem(&stage->world, "after all was well again %s ended with %s: %s", stage->model.node_names[node],
                    emc_status_name(question->accepted ? question->status : question->refused), question->message);
    }
    return false;
}

/* Every node that the client knows serves again. */
static void check_recovery(struct sim_stage *stage, uint64_t silent)
{
    for (uint32_t i = 0; i < stage->node_count && stage->client != NULL && !stage->world.failed; i++) {
        emc_node_state state;
        if (emc_cluster_node_state(stage->view, &stage->nodes[i].address, &state) != EMC_OK) {
            if (sim_stage_discovers(stage) && i < stage->member_count) {
                sim_problem(&stage->world, "%s is not found, and all has been well for two seconds",
                            stage->model.node_names[i]);
            }
            continue; /* removed */
        }
        if (!state.healthy) {
            sim_problem(&stage->world, "%s is still unhealthy %u s after everything was well again: %s",
                        stage->model.node_names[i], (unsigned)(RECOVERY_NS / SIM_S), state.reason);
        } else {
            ask_until_answered(stage, i, silent);
        }
    }
}

static uint64_t counted_in_flight(const struct sim_stage *stage, uint32_t node)
{
    emc_pool_metrics metrics;
    bool known = stage->client != NULL &&
                 emc_cluster_connection_pool_metrics(stage->view, &stage->nodes[node].address, &metrics) == EMC_OK;
    return known ? metrics.operations_in_flight : 0;
}

/* Connections that really owe replies: keepalives come and go, and of many connections one is always asked. */
static uint32_t asked_now(const struct sim_stage *stage)
{
    const struct emc__list *all = &stage->client->engine.connections;
    uint32_t count = 0;
    for (struct emc__link *link = emc__list_first(all); link != NULL; link = emc__list_next(all, link)) {
        count += !emc__list_empty(&EMC__CONTAINER_OF(link, struct emc__connection, all)->pipeline);
    }
    return count;
}

/* As the engine counts them. */
static void check_nothing_owed(struct sim_stage *stage, uint64_t end_ns)
{
    while (stage->client != NULL && stage->client->engine.owing > 0 && stage->world.now_ns < end_ns &&
           !stage->world.failed) {
        sim_stage_run(stage, 3 * SIM_MS);
    }
    if (stage->client != NULL && stage->client->engine.owing > asked_now(stage)) {
        sim_problem(&stage->world, "%u connections are counted as owing replies, and nothing is under way",
                    stage->client->engine.owing);
    }
}

/* Nothing is under way: so nothing may be counted as such. A noreply waits for a fence; a connection that is silent, or waits for the end of a spoilt
 * reply, for being given up. */
static void check_nothing_in_flight(struct sim_stage *stage, uint64_t silent)
{
    const struct sim_model *model = &stage->model;
    uint64_t end_ns = stage->world.now_ns + 200 * SIM_MS + silent;
    if (unended(model) != NULL || (model->replies_spoilt && !stage->options.ask_version)) {
        return;
    }
    for (uint32_t i = 0; i < stage->node_count; i++) {
        while (counted_in_flight(stage, i) > 0 && stage->world.now_ns < end_ns && !stage->world.failed) {
            sim_stage_run(stage, 20 * SIM_MS);
        }
        if (counted_in_flight(stage, i) > 0) {
            sim_problem(&stage->world, "%s counts %u operations in flight, and every call has ended",
                        model->node_names[i], (unsigned)counted_in_flight(stage, i));
        }
    }
    check_nothing_owed(stage, end_ns + 200 * SIM_MS);
}

/* The bound of 2 s holds where attempts are not stretched by what the seed chose. */
void sim_recovery_play(struct sim_plan *plan)
{
    struct sim_stage *stage = &plan->stage;
    heal(plan);
    uint64_t now_ns = stage->world.now_ns, paused_until_ns = stage->transport.paused_until_ns;
    uint64_t paused_ns = paused_until_ns > now_ns ? paused_until_ns - now_ns : 0;
    uint64_t steady_ns = sim_ms(stage->options.return_steady_ms);
    if (steady_ns >
        0) { /* a connection that was cut off without a word while its node returned shows so after a second */
        steady_ns = 2 * steady_ns + (uint64_t)2 * SIM_S;
    }
    uint64_t silent = silent_ns(plan), outstanding = outstanding_ns(plan) + silent;
    sim_stage_run(stage, paused_ns + RECOVERY_NS + 100 * SIM_MS + steady_ns);
    if (stage->client != NULL && !stage->world.failed) {
        check_everything_ends(plan, outstanding);
    }
    if (stage->client != NULL && !stage->world.failed) {
        check_recovery(stage, silent);
        check_nothing_in_flight(stage, silent);
    }
}
