/* A node: brings its pool, its health and its metrics together, and is what the cluster sees. */
#include "base/rare.h"
#include "node/node_internal.h"
#include "node/outgoing.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void health_due(struct emc__timer *timer, uint64_t now_ns)
{
    struct emc__node *node = EMC__CONTAINER_OF(timer, struct emc__node, health_timer);
    node->engine->now_ns = now_ns;
    emc__pool_close_silent(node);
    emc__node_apply(node, emc__health_tick(&node->health, now_ns));
    emc__node_watch_health(node);
}

/* The node and copies of its address's strings, in one block. */
static struct emc__node *allocate(struct emc__engine *engine, const emc_address *address)
{
    const char *text = address->kind == EMC_ADDRESS_UNIX ? address->path : address->host;
    size_t length = strlen(text) + 1;
    struct emc__node *node = emc__allocate_zeroed(&engine->allocator, 1, sizeof *node + length);
    if (node == NULL) {
        return NULL;
    }
    char *copy = (char *)(node + 1);
    memcpy(copy, text, length);
    node->address = *address;
    node->address.host = address->kind == EMC_ADDRESS_UNIX ? NULL : copy;
    node->address.path = address->kind == EMC_ADDRESS_UNIX ? copy : NULL;
    return node;
}

struct emc__node *emc__node_create(struct emc__engine *engine, const emc_address *address, uint32_t weight,
                                   const struct emc__node_listener *listener, void *context)
{
    struct emc__node *node = allocate(engine, address);
    if (node == NULL) {
        return NULL;
    }
    const emc_options *options = &engine->options;
    node->engine = engine;
    node->listener = listener;
    node->context = context;
    node->weight = weight;
    struct emc__health_settings settings = {
        .attempts = options->health_attempts,
        .disconnected_ns = emc__ms_to_ns(options->health_disconnected_ms),
        .silence_ns = emc__ms_to_ns(options->health_silence_ms),
        .question_ns = emc__ms_to_ns(options->health_question_ms),
        .backoff_min_ns = emc__ms_to_ns(options->backoff_min_ms),
        .backoff_max_ns = emc__ms_to_ns(options->backoff_max_ms),
        .steady_ns = emc__ms_to_ns(options->return_steady_ms),
    };
    emc__health_init(&node->health, &settings, engine->now_ns);
    emc__timer_init(&node->health_timer, health_due);
    emc__metrics_init(&node->metrics);
    emc__journal_init(&node->journal, &engine->allocator, options->deletes_replayed_max);
    emc__pool_init(node);
    emc__attempt_seek(node);
    return node;
}

static void release(struct emc__engine *engine, struct emc__grave *grave)
{
    struct emc__node *node = EMC__CONTAINER_OF(grave, struct emc__node, grave);
    assert(node->bytes_waiting == 0); /* nothing waits at what is gone */
    emc__journal_deinit(&node->journal);
    emc__release(&engine->allocator, node);
}

void emc__node_destroy(struct emc__node *node)
{
    if (node->destroyed) {
        return;
    }
    node->destroyed = true;
    emc__pool_deinit(node);
    emc__pool_close_all(node, EMC_ERROR_CANCELLED, "the client was closed");
    emc__pool_fail_waiting(node, EMC_ERROR_CANCELLED, "the client was closed");
    emc__pool_deinit(node);
    emc__timer_clear(&node->engine->wheel, &node->health_timer);
    emc__engine_bury(node->engine, &node->grave, release);
}

/* ------------------------------------------------------------------ draining */

/* A large value of a bulk that is being received counts no more as load, but its line is still owed. */
static bool nothing_left(const struct emc__node *node)
{
    return node->load == 0 && node->owing == 0;
}

void emc__node_check_drained(struct emc__node *node)
{
    if (node->draining && !node->drained_told && !node->destroyed && nothing_left(node)) {
        emc__timer_set(&node->engine->wheel, &node->upkeep_timer, 0);
    }
}

bool emc__node_tell_drained(struct emc__node *node)
{
    if (!node->draining || !nothing_left(node) || node->drained_told) {
        return node->drained_told;
    }
    node->drained_told = true;
    emc__attempt_stop(node);
    emc__pool_close_all(node, EMC_OK, "drained");
    node->listener->drained(node->context, node);
    return true;
}

void emc__node_drain(struct emc__node *node)
{
    node->draining = true;
    for (uint32_t i = 0; i < node->connection_count; i++) {
        if (node->connections[i]->state == EMC__CONNECTION_READY && emc__list_empty(&node->waiting)) {
            node->connections[i]->state = EMC__CONNECTION_DRAINING;
        }
    }
    emc__node_check_drained(node);
}

void emc__node_undrain(struct emc__node *node)
{
    node->draining = false;
    for (uint32_t i = 0; i < node->connection_count; i++) {
        if (node->connections[i]->state == EMC__CONNECTION_DRAINING) {
            node->connections[i]->state = EMC__CONNECTION_READY;
        }
    }
    emc__attempt_seek(node);
}

/* ------------------------------------------------------------------ health */

void emc__node_watch_health(struct emc__node *node)
{
    if (!node->destroyed) {
        emc__timer_set_maybe(node->engine, &node->health_timer, emc__health_next_ns(&node->health));
    }
}

void emc__node_log(const struct emc__node *node, emc_log_level level, const char *format, ...)
{
    char address[EMC_ADDRESS_TEXT_SIZE], words[EMC_ERROR_MESSAGE_SIZE + 128];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    emc_address_format(&node->address, address, sizeof address);
    emc__log_write(&node->engine->log, level, "%s%s", address, words);
}

/* What an operation of this node ends with while the node is down. */
static emc_status down_status(const struct emc__node *node)
{
    return node->last_failure == EMC_ERROR_AUTHENTICATION ? EMC_ERROR_AUTHENTICATION : EMC_ERROR_NODE_DOWN;
}

static void turn_unhealthy(struct emc__node *node)
{
    struct emc__engine *engine = node->engine;
    if (node->connection_count > 0) {
        node->last_failure = EMC_ERROR_NODE_DOWN;
        snprintf(node->reason, sizeof node->reason, "silent: a fresh connection's question was not answered");
    } else if (node->reason[0] == '\0') {
        node->last_failure = EMC_ERROR_CONNECT;
        snprintf(node->reason, sizeof node->reason, "%s",
                 node->handshaking != NULL
                     ? "connected, but the server has not answered so far; one that wants SASL is silent to all else"
                     : "no connection could be established so far");
    }
    emc__node_log(node, EMC_LOG_WARNING, " is unhealthy: %s", node->reason);
    node->listener->health_changed(node->context, node, false, node->reason);
    emc_status status = node->last_failure < 0 && node->last_failure != EMC_ERROR_CONNECTION_LOST ? node->last_failure
                                                                                                  : EMC_ERROR_NODE_DOWN;
    char reason[EMC_ERROR_MESSAGE_SIZE];
    memcpy(reason, node->reason, sizeof reason);
    emc__pool_close_all(node, EMC_ERROR_NODE_DOWN, reason);
    emc__pool_fail_waiting(node, status, reason);
    uint64_t limit_ns = emc__time_add(node->attempt_began_ns, emc__ms_to_ns(engine->options.backoff_max_ms));
    if (node->attempt_began_ns != 0) {
        emc__timer_set(&engine->wheel, &node->attempt_timer, limit_ns);
    }
    emc__attempt_seek(node);
}

static void turn_healthy(struct emc__node *node)
{
    node->reason[0] = '\0';
    node->last_failure = EMC_OK;
    emc__node_log(node, EMC_LOG_INFO, " is healthy");
    node->listener->health_changed(node->context, node, true, "connected, and it answers");
    emc__node_replay(node);
    emc__pool_schedule_upkeep(node);
}

void emc__node_apply(struct emc__node *node, enum emc__health_verdict verdict)
{
    if (node->destroyed) {
        return;
    }
    switch (verdict) {
    case EMC__VERDICT_NOTHING:
        break;
    case EMC__VERDICT_ASK:
        emc__timer_clear(&node->engine->wheel, &node->attempt_timer);
        if (node->attempt_began_ns != 0) {
            emc__attempt_stop(node);
        }
        emc__attempt_begin(node);
        break;
    case EMC__VERDICT_PROBE:
        for (uint32_t i = 0; i < node->connection_count && node->engine->options.ask_version; i++) {
            emc__connection_probe(node->connections[i]);
        }
        break;
    case EMC__VERDICT_FELL_SILENT:
        emc__pool_close_all(node, EMC_ERROR_CONNECTION_LOST, "it answered again, and then no more");
        break;
    case EMC__VERDICT_TURN_UNHEALTHY:
        turn_unhealthy(node);
        break;
    case EMC__VERDICT_TURN_HEALTHY:
        turn_healthy(node);
        break;
    }
    emc__node_watch_health(node);
}

void emc__node_hurry(struct emc__node *node)
{
    if (node->attempt_began_ns == 0) {
        emc__timer_clear(&node->engine->wheel, &node->attempt_timer);
        emc__attempt_seek(node);
    }
}

/* ------------------------------------------------------------------ operations */

emc_status emc__node_admit(const struct emc__node *node, size_t bytes)
{
    const emc_options *options = &node->engine->options;
    uint64_t connections = node->connection_count > 0 ? node->connection_count : 1;
    bool full = node->load >= options->operations_per_connection_max * connections ||
                (node->bytes_waiting > 0 &&
                 (uint64_t)node->bytes_waiting + bytes > options->bytes_waiting_max * connections);
    return full ? EMC_ERROR_FULL : EMC_OK;
}

void emc__node_place_again(struct emc__node *node, struct emc__operation *operation)
{
    if (node->destroyed || !emc__health_usable(&node->health)) {
        emc__node_fail_soon(node, operation);
        return;
    }
    emc__pool_place(node, operation);
}

/* Completes it in the next process, as the node is down. */
EMC__RARE void emc__node_fail_soon(struct emc__node *node, struct emc__operation *operation)
{
    struct emc__engine *engine = node->engine;
    assert(operation->kind != EMC__OPERATION_RETRIEVAL || operation->of.follower == NULL);
    assert(emc__operation_wanted(operation) || operation->kind == EMC__OPERATION_BULK_PART);
    operation->held = true;
    node->load++;
    emc__node_missed(operation, EMC_ERROR_NODE_DOWN); /* now: by the time it is told, the node may be back */
    emc_status status = node->destroyed ? EMC_ERROR_CANCELLED : down_status(node);
    if (operation->kind != EMC__OPERATION_BULK_PART) {
        emc__operation_settle(engine, operation, status);
        return;
    }
    emc__bulk_settle_part(engine, operation, status);
}

void emc__node_submit(struct emc__node *node, struct emc__operation *operation)
{
    operation->node = node;
    if (!emc__health_usable(&node->health)) {
        emc__node_fail_soon(node, operation);
        return;
    }
    emc__pool_place(node, operation);
}

static void complete_part(struct emc__operation *part)
{
    struct emc__engine *engine = part->engine;
    engine->settled--;
    emc__bulk_fail_chain(engine, part->of.bulk, part->in.records.first, part->in.records.count, part->node,
                         (emc_status)part->outcome,
                         part->node != NULL && part->outcome != EMC_ERROR_MEMORY ? part->node->reason : NULL);
    emc__bulk_unref(engine, part->of.bulk);
    emc__operation_discard(engine, part);
}

static void complete_unsupported(struct emc__operation *operation)
{
    char words[EMC_ERROR_MESSAGE_SIZE];
    unsigned version = (unsigned)operation->number;
    assert(operation->node != NULL); /* it was refused by one */
    const char *present = operation->node->version_text;
    if (version == EMC__OUTGOING_NO_VERSION) {
        emc__operation_fail(operation->engine, operation, EMC_ERROR_UNSUPPORTED,
                            "the binary protocol, which servers with SASL speak, does not have this command");
        return;
    }
    snprintf(words, sizeof words, "needs memcached %u.%u.%u or later; the server says %.60s", version / 10000,
             version / 100 % 100, version % 100,
             present[0] != '\0' ? present : "nothing about its version (ask_version is off)");
    emc__operation_fail(operation->engine, operation, EMC_ERROR_UNSUPPORTED, words);
}

void emc__node_operation_due(struct emc__operation *operation)
{
    if (operation->completed && !operation->settled) { /* all that was left is its value, which has gone now */
        emc__operation_discard(operation->engine, operation);
        return;
    }
    if (!operation->settled) {
        emc__node_abandon(operation, EMC_ERROR_TIMEOUT);
        return;
    }
    struct emc__node *node = operation->node;
    bool down = operation->outcome < 0 && node != NULL && node->reason[0] != '\0';
    bool held = operation->held;
    if (operation->kind == EMC__OPERATION_BULK_PART) {
        complete_part(operation);
    } else if (operation->kind == EMC__OPERATION_BULK) {
        emc__node_abandon(operation, (emc_status)operation->outcome);
    } else if (operation->outcome == EMC_ERROR_UNSUPPORTED) {
        complete_unsupported(operation);
    } else {
        emc__operation_fail(operation->engine, operation, (emc_status)operation->outcome, down ? node->reason : NULL);
    }
    if (held) {
        assert(node != NULL); /* which holds it */
        node->load--;
        emc__node_check_drained(node);
    }
}

static void abandon_bulk(struct emc__operation *operation, emc_status status)
{
    struct emc__engine *engine = operation->engine;
    struct emc__bulk *bulk = operation->of.bulk;
    emc__connection_abandoned_bulk(engine, bulk, status == EMC_ERROR_TIMEOUT);
    bulk->references++;
    for (uint32_t i = 0; i < bulk->count; i++) {
        emc_result result = {.status = status};
        emc__bulk_answer(engine, bulk, i, NULL, &result);
    }
    emc__bulk_unref(engine, bulk);
}

void emc__node_abandon(struct emc__operation *operation, emc_status status)
{
    struct emc__engine *engine = operation->engine;
    if (operation->kind == EMC__OPERATION_BULK) {
        abandon_bulk(operation, status);
        return;
    }
    if (operation->place == EMC__PLACE_WAITING) {
        emc__pool_withdraw_waiting(operation->node, operation);
    } else if (operation->place == EMC__PLACE_PENDING && operation->of.follower == NULL) {
        if (status == EMC_ERROR_TIMEOUT) {
            emc__connection_abandoned_unsent(operation->connection, operation);
        }
        emc__connection_withdraw(operation->connection, operation);
    } else if (operation->place == EMC__PLACE_SENT && operation->connection != NULL) {
        emc__connection_abandoned(operation->connection, operation, status == EMC_ERROR_TIMEOUT);
    }
    emc__operation_fail(engine, operation, status, NULL);
}

/* Takes it out of the queue it waits in; its node outlives it until its outcome is told. */
static void withdraw_held(struct emc__operation *operation)
{
    struct emc__node *node = operation->node;
    operation->held = true;
    node->load++;
    if (operation->place == EMC__PLACE_WAITING) {
        emc__pool_withdraw_waiting(node, operation);
    } else {
        emc__connection_withdraw(operation->connection, operation);
    }
}

void emc__outgoing_refuse(struct emc__operation *operation, uint32_t version)
{
    operation->number = version;
    withdraw_held(operation);
    if (!operation->completed) {
        emc__operation_settle(operation->engine, operation, EMC_ERROR_UNSUPPORTED);
    }
}

void emc__node_cancel(struct emc__operation *operation)
{
    struct emc__engine *engine = operation->engine;
    if (operation->kind == EMC__OPERATION_BULK) {
        emc__connection_abandoned_bulk(engine, operation->of.bulk, false);
    } else if (operation->place == EMC__PLACE_WAITING ||
               (operation->place == EMC__PLACE_PENDING && operation->of.follower == NULL)) {
        withdraw_held(operation);
    } else if (operation->place == EMC__PLACE_SENT && operation->connection != NULL) {
        emc__connection_abandoned(operation->connection, operation, false);
    }
    emc__operation_settle(engine, operation, EMC_ERROR_CANCELLED);
}

void emc__node_flush_all(struct emc__engine *engine)
{
    struct emc__link *link;
    assert(engine->callback_depth == 0); /* between two answers, but never within one */
    while ((link = emc__list_first(&engine->dirty)) != NULL) {
        emc__connection_flush(EMC__CONTAINER_OF(link, struct emc__connection, dirty));
    }
    emc__share_begin(&engine->share, engine->completed, engine->pending, engine->owing);
}

/* ------------------------------------------------------------------ what others ask */

struct emc__metrics *emc__node_metrics(struct emc__node *node)
{
    return &node->metrics;
}

size_t *emc__node_bytes_waiting(struct emc__node *node)
{
    return &node->bytes_waiting;
}

uint32_t *emc__node_quiet_pause(struct emc__node *node)
{
    return &node->quiet_pause;
}

const emc_address *emc__node_address(const struct emc__node *node)
{
    return &node->address;
}

uint32_t emc__node_weight(const struct emc__node *node)
{
    return node->weight;
}

void emc__node_set_weight(struct emc__node *node, uint32_t weight)
{
    node->weight = weight;
}

bool emc__node_usable(const struct emc__node *node)
{
    return emc__health_usable(&node->health);
}

void emc__node_report_metrics(const struct emc__node *node, emc_pool_metrics *out)
{
    emc__metrics_report(&node->metrics, out);
    out->connections = node->connection_count;
    out->operations_in_flight = node->load;
}

void emc__node_report_state(const struct emc__node *node, emc_node_state *out)
{
    memset(out, 0, sizeof *out);
    out->healthy = emc__node_usable(node);
    out->weight = node->weight;
    out->deletes_remembered = node->journal.count;
    out->deletes_forgotten = node->journal.refused;
    out->state_age_ms = (node->engine->now_ns - node->health.changed_ns) / 1000000u;
    if (!out->healthy) {
        snprintf(out->reason, sizeof out->reason, "%s", node->reason);
    }
    snprintf(out->server_version, sizeof out->server_version, "%s", node->version_text);
}

struct emc__socket *emc__node_only_socket(const struct emc__engine *engine)
{
    const struct emc__connection *connection = engine->last_owing;
    bool alone = engine->attempts == 0 && engine->owing == 1 && connection != NULL &&
                 connection->state == EMC__CONNECTION_READY && !emc__list_empty(&connection->pipeline) &&
                 emc__list_empty(&connection->pending) && connection->borrowed == NULL &&
                 emc__buffer_length(&connection->unsent) == 0 && !connection->send_broken;
    return alone ? connection->socket : NULL;
}

void emc__node_after_fork(struct emc__node *node)
{
    emc__attempt_stop(node);
    for (uint32_t i = 0; i < node->connection_count; i++) {
        node->connections[i]->heard_since_idle = true; /* the parent hears the answers: nothing is asked again */
    }
    emc__pool_close_all(node, EMC_ERROR_CONNECTION_LOST, "the process forked");
    emc__node_hurry(node);
}
