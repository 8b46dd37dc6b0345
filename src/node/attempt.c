/* A node's attempts to connect: when one is wanted, its deadline, the pause after one that failed. One is under way at a time.
 *
 * Dials, and begins the handshake of the connection that comes of it; what it became of is the pool's to hear. */
#include "node/node_internal.h"

#include <stdio.h>

/* A node that refuses is down after so many attempts, by default. */
#define LACKS_MAX 3

static void due(struct emc__timer *timer, uint64_t now_ns);
static void dial_established(void *context, struct emc__socket *socket, uint64_t now_ns);
static void dial_failed(void *context, emc_status status, const char *message, uint64_t now_ns);

static const struct emc__dial_listener dial_listener = {dial_established, dial_failed};

void emc__attempt_init(struct emc__node *node)
{
    emc__dial_init(&node->dial, node->engine, &dial_listener, node);
    emc__timer_init(&node->attempt_timer, due);
}

void emc__attempt_deinit(struct emc__node *node)
{
    emc__attempt_stop(node);
    emc__timer_clear(&node->engine->wheel, &node->attempt_timer);
}

static bool wanted(const struct emc__node *node)
{
    if (node->destroyed || (node->draining && emc__list_empty(&node->waiting))) {
        return false;
    }
    if (node->health.state == EMC__HEALTH_SUSPECT) {
        return true;
    }
    uint32_t least = node->engine->options.connections_min;
    if (least == 0 && (!emc__list_empty(&node->waiting) || !emc__health_usable(&node->health))) {
        least = 1;
    }
    return node->connection_count < least;
}

static uint64_t longest_ns(const struct emc__node *node)
{
    const emc_options *options = &node->engine->options;
    uint64_t limit_ns = emc__ms_to_ns(options->connection_timeout_ms);
    uint64_t down_ns = emc__ms_to_ns(options->backoff_max_ms);
    return !emc__health_usable(&node->health) && down_ns < limit_ns ? down_ns : limit_ns;
}

void emc__attempt_begin(struct emc__node *node)
{
    if (emc__attempt_under_way(node)) {
        return;
    }
    struct emc__engine *engine = node->engine;
    const emc_address *address = &node->address;
    bool unix_socket = address->kind == EMC_ADDRESS_UNIX;
    node->attempt_began_ns = engine->now_ns;
    engine->attempts++;
    emc__timer_set_maybe(engine, &node->attempt_timer, emc__time_add(engine->now_ns, longest_ns(node)));
    emc__dial_start(&node->dial, address->host, (uint16_t)address->port, address->path,
                    engine->options.tls.enabled && !unix_socket ? address->host : NULL);
}

void emc__attempt_seek(struct emc__node *node)
{
    if (!wanted(node)) {
        if (node->connection_count == 0 && !emc__attempt_under_way(node)) {
            emc__health_at_rest(&node->health);
        }
        return;
    }
    if (node->connection_count == 0) {
        emc__health_disconnected(&node->health, node->engine->now_ns);
        emc__node_watch_health(node);
    }
    if (!emc__attempt_under_way(node) && !emc__timer_is_set(&node->attempt_timer)) {
        emc__attempt_begin(node);
    }
}

void emc__attempt_over(struct emc__node *node)
{
    if (emc__attempt_under_way(node)) {
        node->attempt_began_ns = 0;
        node->engine->attempts--;
        emc__timer_clear(&node->engine->wheel, &node->attempt_timer);
    }
}

/* For want of a descriptor or of memory. Nothing is known about the node, so its health does not hear of it, and the time without a connection is not counted;
 * but what waits is told, from the third such attempt in a row on. */
static void lacked(struct emc__node *node, const char *message)
{
    if (node->connection_count > 0 || !emc__health_usable(&node->health)) {
        return;
    }
    emc__health_at_rest(&node->health);
    node->lacks += node->lacks < LACKS_MAX;
    if (node->lacks == LACKS_MAX) {
        emc__pool_fail_waiting(node, node->last_failure, message);
    }
}

void emc__attempt_failed(struct emc__node *node, emc_status status, const char *message)
{
    struct emc__engine *engine = node->engine;
    emc__attempt_over(node);
    node->metrics.created_with_error++;
    node->last_failure = status == EMC_ERROR_FULL ? EMC_ERROR_CONNECT : status;
    snprintf(node->reason, sizeof node->reason, "%s", message);
    emc__node_log(node, EMC_LOG_DEBUG, ": attempt to connect failed: %s", message);
    enum emc__health_verdict verdict = EMC__VERDICT_NOTHING;
    if (!emc__dial_lacks(status)) {
        node->lacks = 0;
        verdict = emc__health_attempt_failed(&node->health, node->connection_count > 0, engine->now_ns);
    }
    emc__timer_set(&engine->wheel, &node->attempt_timer,
                   engine->now_ns + emc__health_pause_ns(&node->health, &engine->random));
    emc__node_apply(node, verdict);
    if (emc__dial_lacks(status)) {
        lacked(node, message);
    }
}

void emc__attempt_stop(struct emc__node *node)
{
    struct emc__connection *handshaking = node->handshaking;
    emc__dial_stop(&node->dial);
    node->handshaking = NULL;
    emc__attempt_over(node);
    if (handshaking != NULL) {
        emc__connection_close(handshaking, EMC_ERROR_CANCELLED, "no longer wanted");
    }
}

void emc__attempt_renew(struct emc__node *node)
{
    uint64_t down_ns = emc__ms_to_ns(node->engine->options.backoff_max_ms);
    if (emc__attempt_under_way(node) && (!wanted(node) || node->engine->now_ns >= node->attempt_began_ns + down_ns)) {
        emc__attempt_stop(node);
    }
}

/* Its deadline has passed; or the pause after the one before is over. */
static void due(struct emc__timer *timer, uint64_t now_ns)
{
    struct emc__node *node = EMC__CONTAINER_OF(timer, struct emc__node, attempt_timer);
    node->engine->now_ns = now_ns;
    if (!emc__attempt_under_way(node)) {
        emc__attempt_seek(node);
        emc__pool_schedule_upkeep(node); /* growth has waited for the pause to end */
        return;
    }
    bool silent = node->handshaking != NULL;
    emc__attempt_stop(node);
    emc__attempt_failed(
        node, EMC_ERROR_CONNECT,
        silent ? "connected, but the server did not answer in time; one that wants SASL is silent to all else"
               : "connecting took too long");
}

static void dial_failed(void *context, emc_status status, const char *message, uint64_t now_ns)
{
    (void)now_ns;
    emc__attempt_failed(context, status, message);
}

static void dial_established(void *context, struct emc__socket *socket, uint64_t now_ns)
{
    struct emc__node *node = context;
    (void)now_ns;
    node->handshaking = emc__connection_open(node->engine, node, &emc__pool_connection_listener, node, socket,
                                             node->attempt_began_ns);
    if (node->handshaking == NULL) {
        emc__attempt_failed(node, EMC_ERROR_MEMORY, "no memory for a connection");
        return;
    }
    emc__connection_begin(node->handshaking);
}
