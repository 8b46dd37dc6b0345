/* A node's connections: which one an operation uses, when another is opened (attempt.c opens it), when one is closed for want of use.
 *
 * The pool grows when its connections refuse bytes, not when they are merely busy. */
#include "base/rare.h"
#include "node/node_internal.h"

#include <stdio.h>
#include <string.h>

static void upkeep_due(struct emc__timer *timer, uint64_t now_ns);

void emc__pool_init(struct emc__node *node)
{
    emc__list_init(&node->waiting);
    emc__attempt_init(node);
    emc__timer_init(&node->upkeep_timer, upkeep_due);
}

void emc__pool_deinit(struct emc__node *node)
{
    emc__attempt_deinit(node);
    emc__timer_clear(&node->engine->wheel, &node->upkeep_timer);
}

/* ------------------------------------------------------------------ placing operations */

/* Where a node drains, what a lost connection left goes to the others that drain: waiting for a new one, it would be overtaken if the node is taken back. */
static bool takes_operations(const struct emc__node *node, const struct emc__connection *connection)
{
    return emc__connection_open_for_business(connection) || connection->quitting ||
           (node->draining && connection->state == EMC__CONNECTION_DRAINING);
}

/* Behind `quit` nothing is written: what comes there waits until the server has closed it; and behind a dump, until that is over. */
static bool writes(const struct emc__connection *connection)
{
    return connection->blocked_since_ns == 0 && connection->dumps_since_ns == 0 && !connection->quitting;
}

/* Which of two an operation had better go to. */
static bool better(const struct emc__connection *candidate, const struct emc__connection *best)
{
    bool blocked = candidate->blocked_since_ns != 0, best_blocked = best->blocked_since_ns != 0;
    bool dumps = candidate->dumps_since_ns != 0, best_dumps = best->dumps_since_ns != 0;
    if (candidate->quitting != best->quitting) {
        return best->quitting;
    }
    if (dumps != best_dumps) {
        return best_dumps;
    }
    return blocked != best_blocked ? best_blocked : candidate->load < best->load;
}

EMC__RARE static struct emc__connection *least_loaded(const struct emc__node *node)
{
    struct emc__connection *best = NULL;
    for (uint32_t i = 0; i < node->connection_count; i++) {
        struct emc__connection *candidate = node->connections[i];
        if (takes_operations(node, candidate) && (best == NULL || better(candidate, best))) {
            best = candidate;
        }
    }
    return best;
}

/* The slot's connection while anything of it is in flight (behind `quit`, too: elsewhere it would be overtaken), or while that connection takes bytes; else the
 * least loaded. */
static struct emc__connection *choose(struct emc__node *node, struct emc__slot *slot)
{
    struct emc__connection *connection = slot->connection;
    if (connection != NULL && takes_operations(node, connection) && (slot->in_flight > 0 || writes(connection))) {
        return connection;
    }
    slot->connection = least_loaded(node);
    return slot->connection;
}

EMC__RARE static void wait_for_connection(struct emc__node *node, struct emc__operation *operation)
{
    node->metrics.waited += !operation->internal || operation->kind == EMC__OPERATION_BULK_PART;
    operation->place = EMC__PLACE_WAITING;
    operation->connection = NULL;
    node->bytes_waiting += emc__operation_bytes(operation);
    node->load += emc__operation_weight(operation);
    emc__list_append(&node->waiting, &operation->link);
    emc__attempt_seek(node);
}

/* Cuts off the keys at the head of the part's chain that use the same connection. NULL: all of it is gone, or there is no memory. */
static struct emc__connection *place_run(struct emc__node *node, struct emc__operation *part, uint32_t *count_out,
                                         uint32_t *next_out)
{
    const struct emc__bulk *bulk = part->of.bulk;
    struct emc__connection *connection = NULL;
    uint32_t index = part->in.records.first, count = 0;
    while (count < part->in.records.count) {
        struct emc__slot *slot = &node->slots[emc__slot_of(bulk->records[index].hash)];
        struct emc__connection *chosen = choose(node, slot);
        if (connection != NULL && chosen != connection) {
            break;
        }
        connection = chosen;
        slot->in_flight++;
        node->load++;
        index = bulk->records[index].next;
        count++;
    }
    *count_out = count;
    *next_out = index;
    return connection;
}

/* There is no memory to cut the part: its keys are told so in the next process. On another connection than their slots' they could overtake. */
static void give_up_part(struct emc__node *node, struct emc__operation *part, uint32_t counted)
{
    const struct emc__bulk *bulk = part->of.bulk;
    uint32_t index = part->in.records.first;
    for (uint32_t i = 0; i < counted; i++, index = bulk->records[index].next) {
        node->slots[emc__slot_of(bulk->records[index].hash)].in_flight--;
    }
    node->load += 1 - counted; /* one until its outcome is told */
    part->held = true;
    emc__bulk_settle_part(node->engine, part, EMC_ERROR_MEMORY);
}

/* Places a bulk's keys, each on its slot's connection. */
EMC__APART static void place_part(struct emc__node *node, struct emc__operation *part)
{
    uint32_t total = part->in.records.count;
    while (total > 0) {
        uint32_t count, next;
        struct emc__connection *connection = place_run(node, part, &count, &next);
        struct emc__operation *piece = count == total ? part : NULL;
        if (piece == NULL) {
            piece = emc__bulk_branch(node->engine, part->of.bulk, part, EMC__OPERATION_BULK_PART);
        }
        if (piece == NULL) {
            give_up_part(node, part, count);
            return;
        }
        total -= count;
        if (piece != part) {
            piece->in.records.first = part->in.records.first;
            piece->in.records.count = count;
            part->in.records.first = next;
            part->in.records.count = total;
        }
        emc__connection_enqueue(connection, piece);
    }
}

void emc__pool_place(struct emc__node *node, struct emc__operation *operation)
{
    struct emc__slot *slot = &node->slots[operation->slot];
    struct emc__connection *connection = choose(node, slot);
    if (connection == NULL) {
        wait_for_connection(node, operation);
        return;
    }
    if (operation->kind == EMC__OPERATION_BULK_PART) {
        place_part(node, operation);
        return;
    }
    slot->in_flight++;
    node->load++;
    node->metrics.waited += !writes(connection);
    emc__connection_enqueue(connection, operation);
}

static void leave_waiting(struct emc__node *node, struct emc__operation *operation)
{
    emc__link_remove(&operation->link);
    operation->place = EMC__PLACE_NONE;
    node->bytes_waiting -= emc__operation_bytes(operation);
    node->load -= emc__operation_weight(operation);
}

static void place_waiting(struct emc__node *node)
{
    struct emc__link *link;
    while (node->connection_count > 0 && (link = emc__list_first(&node->waiting)) != NULL) {
        struct emc__operation *operation = EMC__OPERATION_OF(link);
        leave_waiting(node, operation);
        emc__pool_place(node, operation);
    }
}

void emc__pool_withdraw_waiting(struct emc__node *node, struct emc__operation *operation)
{
    leave_waiting(node, operation);
    emc__attempt_seek(node);
    emc__node_check_drained(node);
}

static void fail_operation(struct emc__node *node, struct emc__operation *operation, emc_status status,
                           const char *message)
{
    struct emc__engine *engine = node->engine;
    if (operation->kind != EMC__OPERATION_BULK_PART) {
        emc__operation_fail(engine, operation, status, message);
        return;
    }
    struct emc__bulk *bulk = operation->of.bulk;
    emc__bulk_fail_chain(engine, bulk, operation->in.records.first, operation->in.records.count, node, status, message);
    emc__bulk_unref(engine, bulk);
    emc__operation_discard(engine, operation);
}

void emc__pool_fail_waiting(struct emc__node *node, emc_status status, const char *message)
{
    struct emc__list failing;
    emc__list_init(&failing);
    emc__list_splice(&failing, &node->waiting); /* a callback may submit again: that is another matter */
    struct emc__link *link;
    while ((link = emc__list_first(&failing)) != NULL) {
        struct emc__operation *operation = EMC__OPERATION_OF(link);
        leave_waiting(node, operation);
        fail_operation(node, operation, status, message);
    }
    emc__node_check_drained(node);
}

/* ------------------------------------------------------------------ what connections tell */

static void forget_slots(struct emc__node *node, const struct emc__connection *connection)
{
    for (uint32_t i = 0; i < EMC__SLOTS; i++) {
        if (node->slots[i].connection == connection) {
            node->slots[i].connection = NULL;
        }
    }
}

static void forget_connection(struct emc__node *node, const struct emc__connection *connection)
{
    for (uint32_t i = 0; i < node->connection_count; i++) {
        if (node->connections[i] == connection) {
            memmove(&node->connections[i], &node->connections[i + 1],
                    (node->connection_count - i - 1) * sizeof(struct emc__connection *));
            node->connection_count--;
            break;
        }
    }
    forget_slots(node, connection);
}

/* What was never written finds another connection. */
static void replace_pending(struct emc__node *node, struct emc__connection *connection)
{
    struct emc__link *link;
    struct emc__list moving;
    emc__list_init(&moving);
    emc__list_splice(&moving, &connection->pending);
    while ((link = emc__list_take_first(&moving)) != NULL) {
        struct emc__operation *operation = EMC__OPERATION_OF(link);
        connection->load -= emc__operation_weight(operation);
        emc__connection_discount_pending(connection, operation);
        operation->place = EMC__PLACE_NONE;
        if (operation->kind == EMC__OPERATION_BULK_PART) {
            const struct emc__bulk *bulk = operation->of.bulk;
            uint32_t index = operation->in.records.first;
            for (uint32_t i = 0; i < operation->in.records.count; i++, index = bulk->records[index].next) {
                node->slots[emc__slot_of(bulk->records[index].hash)].in_flight--;
            }
            node->load -= operation->in.records.count;
        } else {
            node->slots[operation->slot].in_flight--;
            node->load--;
        }
        emc__node_place_again(node, operation);
    }
}

/* What waits behind a dump finds another connection where there is one. All of it is unwritten, so it may: it stays in its order. */
static void pass_dumps(struct emc__node *node)
{
    for (uint32_t i = 0; i < node->connection_count; i++) {
        struct emc__connection *connection = node->connections[i], *best = least_loaded(node);
        if (connection->dumps_since_ns != 0 && !emc__list_empty(&connection->pending) && best != NULL &&
            best->dumps_since_ns == 0 && !best->quitting) {
            forget_slots(node, connection);
            replace_pending(node, connection);
        }
    }
}

/* A dump's connection is none of the pool's while it lasts. */
static uint32_t most_connections(const struct emc__node *node)
{
    bool dumps = false;
    for (uint32_t i = 0; i < node->connection_count; i++) {
        dumps = dumps || node->connections[i]->dumps_since_ns != 0;
    }
    return node->engine->options.connections_max + dumps;
}

static void connection_ready(void *context, struct emc__connection *connection)
{
    struct emc__node *node = context;
    struct emc__engine *engine = node->engine;
    node->handshaking = NULL;
    node->lacks = 0;
    emc__attempt_over(node);
    memcpy(node->version_text, connection->version_text, sizeof node->version_text);
    emc__metrics_connected(&node->metrics, engine->now_ns - connection->began_ns);
    emc__node_log(node, EMC_LOG_DEBUG, ": a connection is established");
    enum emc__health_verdict verdict = emc__health_connected(&node->health, engine->now_ns);
    emc__node_watch_health(node);
    node->connections[node->connection_count++] = connection;
    emc__pool_close_silent(node); /* it takes the place of one that is closed, and what that one has not sent */
    if (node->connection_count > most_connections(node)) {
        node->connection_count--;
        node->metrics.closed++;
        emc__connection_close(connection, EMC_OK, "the question is answered, and the pool is full");
    }
    emc__node_apply(node, verdict);
    if (emc__health_usable(&node->health)) {
        emc__node_replay(node);
    }
    pass_dumps(node);
    place_waiting(node);
    emc__pool_schedule_upkeep(node);
    emc__attempt_seek(node);
}

static void connection_closed(void *context, struct emc__connection *connection, emc_status status, const char *message)
{
    struct emc__node *node = context;
    if (connection == node->handshaking) {
        node->handshaking = NULL;
        emc__attempt_failed(node, status, message);
        return;
    }
    bool member = false;
    for (uint32_t i = 0; i < node->connection_count; i++) {
        member = member || node->connections[i] == connection;
    }
    if (!member) {
        return;
    }
    node->metrics.closed += !connection->purged;
    forget_connection(node, connection);
    if (status < 0 && !node->destroyed) {
        emc__node_log(node, EMC_LOG_WARNING, ": a connection was lost: %s", message);
        if (node->reason[0] == '\0' || node->connection_count == 0) {
            node->last_failure = status;
            snprintf(node->reason, sizeof node->reason, "%s", message);
        }
    } else {
        emc__node_log(node, EMC_LOG_DEBUG, ": a connection is closed: %s", message);
    }
    enum emc__health_verdict verdict = EMC__VERDICT_NOTHING;
    if (node->connection_count == 0 && !node->destroyed) {
        verdict = emc__health_lost(&node->health, status < 0, node->engine->now_ns);
    }
    replace_pending(node, connection);
    if (node->connection_count == 0) {
        emc__attempt_renew(node);
    }
    emc__attempt_seek(node);
    emc__node_apply(node, verdict);
    emc__node_watch_health(node);
    emc__node_check_drained(node);
}

EMC__HOT static void connection_heard(void *context, uint64_t now_ns)
{
    struct emc__node *node = context;
    emc__health_byte(&node->health, now_ns);
}

/* Nothing is owed any more, so a dump that was under way is over: the pool has its size again. */
EMC__APART static void end_dump(const struct emc__node *node, struct emc__connection *connection)
{
    connection->dumps_since_ns = 0;
    if (node->connection_count > most_connections(node) && connection->state != EMC__CONNECTION_CLOSED) {
        emc__connection_close(connection, EMC_OK, "the dump is over, and the pool has its size again");
    }
}

EMC__HOT static void connection_owes(void *context, struct emc__connection *connection, bool owed)
{
    struct emc__node *node = context;
    struct emc__engine *engine = node->engine;
    if (owed ? connection == node->handshaking : !connection->counted_owing) {
        return; /* while it shakes hands, the attempt's own deadline covers it */
    }
    connection->counted_owing = owed;
    if (owed) {
        connection->owing_since_ns = engine->now_ns;
        node->owing++;
        engine->owing++;
        engine->last_owing = connection;
    } else {
        node->owing--;
        engine->owing--;
        connection->last_used_ns = engine->now_ns;
    }
    emc__health_owed(&node->health, node->owing > 0, engine->now_ns);
    bool returning = node->health.state ==
                     EMC__HEALTH_RETURNING; /* the last answer may be all that its return waits for */
    if (returning || (owed && !emc__timer_is_set(&node->health_timer))) {
        emc__node_watch_health(node);
    }
    if (owed) {
        return;
    }
    if (connection->dumps_since_ns != 0 || node->connection_count > engine->options.connections_max) {
        end_dump(node, connection);
    }
    if (connection->state == EMC__CONNECTION_DRAINING) {
        emc__connection_drain(connection);
    }
    emc__node_check_drained(node);
}

static void connection_blocked(void *context, struct emc__connection *connection)
{
    struct emc__node *node = context;
    if (connection->dumps_since_ns != 0) {
        pass_dumps(node);
    }
    emc__pool_schedule_upkeep(node);
}

EMC__HOT static void slot_left(void *context, uint8_t slot)
{
    struct emc__node *node = context;
    node->slots[slot].in_flight--;
    node->load--;
    if (node->draining) {
        emc__node_check_drained(node);
    }
}

const struct emc__connection_listener emc__pool_connection_listener = {
    .ready = connection_ready,
    .closed = connection_closed,
    .heard = connection_heard,
    .owes = connection_owes,
    .blocked = connection_blocked,
    .slot_left = slot_left,
};

/* One that owes a reply, says nothing, and has outworn its node's patience. */
static struct emc__connection *alone_silent(struct emc__node *node)
{
    const struct emc__engine *engine = node->engine;
    for (uint32_t i = 0; i < node->connection_count; i++) {
        struct emc__connection *connection = node->connections[i];
        struct emc__patience_look look = {.now_ns = engine->now_ns,
                                          .owing_since_ns = connection->owing_since_ns,
                                          .heard_ns = connection->last_heard_ns,
                                          .node_heard_ns = node->health.heard_ns,
                                          .blocked = connection->blocked_since_ns != 0};
        if (!connection->counted_owing) {
            continue;
        }
        look.quiet_requests = emc__pipeline_quiet_ahead(connection);
        engine->transport->class_->flow(connection->socket, &look.flow);
        if (emc__patience_ends(&connection->patience, &look, node->health.settings.silence_ns,
                               engine->options.health_answers_elsewhere)) {
            return connection;
        }
    }
    return NULL;
}

void emc__pool_close_silent(struct emc__node *node)
{
    bool never = node->health.settings.silence_ns == EMC__NEVER ||
                 node->engine->options.health_answers_elsewhere == EMC_NO_LIMIT;
    struct emc__connection *connection;
    while (!never && emc__health_usable(&node->health) && (connection = alone_silent(node)) != NULL) {
        emc__connection_close(connection, EMC_ERROR_CONNECTION_LOST,
                              "the connection stayed silent while the node answered on others");
    }
}

void emc__pool_close_all(struct emc__node *node, emc_status status, const char *message)
{
    while (node->connection_count > 0) {
        emc__connection_close(node->connections[node->connection_count - 1], status, message);
    }
}

/* ------------------------------------------------------------------ growth and purge */

static uint64_t earlier(uint64_t a_ns, uint64_t b_ns)
{
    return a_ns < b_ns ? a_ns : b_ns;
}

/* A node that returns keeps the connection on which it must prove itself. */
static uint32_t kept_connections(const struct emc__node *node)
{
    uint32_t least = node->engine->options.connections_min;
    return least == 0 && !emc__health_usable(&node->health) ? 1 : least;
}

/* Since when its socket takes no bytes, or else the dump lasts behind which something waits; 0: another one is not wanted. */
static uint64_t wants_another_since_ns(const struct emc__connection *connection)
{
    bool waits = !emc__list_empty(&connection->pending);
    return connection->blocked_since_ns == 0 && waits ? connection->dumps_since_ns : connection->blocked_since_ns;
}

/* When the connection becomes reason to grow, or to be purged. */
static uint64_t upkeep_at_ns(const struct emc__node *node, const struct emc__connection *connection)
{
    const emc_options *options = &node->engine->options;
    uint64_t at_ns = EMC__NEVER;
    bool may_grow = node->connection_count < most_connections(node) && !node->draining;
    uint64_t since_ns = wants_another_since_ns(connection);
    if (since_ns != 0 && may_grow && !emc__timer_is_set(&node->attempt_timer) && !emc__attempt_under_way(node)) {
        at_ns = since_ns + emc__ms_to_ns(options->pool_growth_after_ms);
    }
    if (node->connection_count > kept_connections(node)) {
        at_ns = earlier(
            at_ns, emc__time_add(connection->last_used_ns, emc__ms_to_ns(options->purge_unused_connections_after_ms)));
    }
    return at_ns;
}

void emc__pool_schedule_upkeep(struct emc__node *node)
{
    uint64_t at_ns = EMC__NEVER;
    for (uint32_t i = 0; i < node->connection_count; i++) {
        at_ns = earlier(at_ns, upkeep_at_ns(node, node->connections[i]));
    }
    emc__timer_set_maybe(node->engine, &node->upkeep_timer, at_ns);
}

static bool unused(const struct emc__node *node, const struct emc__connection *connection, uint64_t now_ns)
{
    uint64_t limit_ns = emc__ms_to_ns(node->engine->options.purge_unused_connections_after_ms);
    return connection->load == 0 && emc__list_empty(&connection->pipeline) &&
           now_ns >= emc__time_add(connection->last_used_ns, limit_ns);
}

static void purge(struct emc__node *node, uint64_t now_ns)
{
    uint32_t i = node->connection_count;
    while (i-- > 0 && node->connection_count > kept_connections(node)) {
        struct emc__connection *connection = node->connections[i];
        if (unused(node, connection, now_ns)) {
            node->metrics.purged++;
            connection->purged = true;
            emc__connection_close(connection, EMC_OK, "unused");
        } else if (now_ns >= emc__time_add(connection->last_used_ns,
                                           emc__ms_to_ns(node->engine->options.purge_unused_connections_after_ms))) {
            connection->last_used_ns = now_ns; /* in use all the while */
        }
    }
}

static void grow(struct emc__node *node, uint64_t now_ns)
{
    uint64_t after_ns = emc__ms_to_ns(node->engine->options.pool_growth_after_ms);
    bool room = node->connection_count < most_connections(node) && !node->draining;
    for (uint32_t i = 0; i < node->connection_count && room; i++) {
        uint64_t since_ns = wants_another_since_ns(node->connections[i]);
        if (since_ns != 0 && now_ns >= since_ns + after_ns && !emc__timer_is_set(&node->attempt_timer)) {
            emc__attempt_begin(node);
            return;
        }
    }
}

static void upkeep_due(struct emc__timer *timer, uint64_t now_ns)
{
    struct emc__node *node = EMC__CONTAINER_OF(timer, struct emc__node, upkeep_timer);
    node->engine->now_ns = now_ns;
    if (emc__node_tell_drained(node)) {
        return;
    }
    purge(node, now_ns);
    grow(node, now_ns);
    emc__pool_schedule_upkeep(node);
}
