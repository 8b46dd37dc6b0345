/* Deletes that did not reach their node: remembered in the node's journal, and said again before it serves anything else (docs/failover.md).
 *
 * Remembered is what ends without an answer while the node is down or has no connection at all. With another connection alive nothing is remembered: a
 * delete said again there could pass a later write that was acknowledged. Once the first connection is back, the deletes enter its queue before
 * all that waits, and the order within a key's slot keeps them ahead of every later read. Uses the journal and the pool; knows no cluster. */
#include "node/node_internal.h"

#include <string.h>

static bool remembers(const struct emc__node *node)
{
    return node->journal.most > 0 && !node->destroyed;
}

static bool out_of_reach(const struct emc__node *node)
{
    return node->connection_count == 0 || !emc__health_usable(&node->health);
}

void emc__node_remember(struct emc__node *node, uint64_t hash, struct emc__slice key, bool binary)
{
    uint64_t refused = node->journal.refused;
    if (!remembers(node) || emc__journal_add(&node->journal, hash, key, binary) || refused != node->refused_told) {
        return;
    }
    emc__node_log(node, EMC_LOG_WARNING,
                  ": %u deletes wait for its return, and no more are remembered: stale values may come back",
                  node->journal.count);
    node->refused_told = UINT64_MAX; /* once for each time it is down */
}

static bool is_delete(const struct emc__operation *operation)
{
    return (operation->kind == EMC__OPERATION_KEYED && operation->verb == EMC__VERB_DELETE) ||
           (operation->kind == EMC__OPERATION_META && operation->in.meta.command == 'd');
}

/* Whether the outcome leaves open that the server did it. */
static bool unanswered(emc_status status)
{
    return status == EMC_ERROR_TIMEOUT || status == EMC_ERROR_NODE_DOWN || status == EMC_ERROR_CONNECT ||
           status == EMC_ERROR_RESOLVE || status == EMC_ERROR_CONNECTION_LOST || status == EMC_ERROR_AUTHENTICATION ||
           status == EMC_ERROR_TLS || status == EMC_ERROR_PROTOCOL || status == EMC_ERROR_MEMORY;
}

/* A meta command's key stands in base64 when its flags have a `b`. */
static bool is_binary(const struct emc__operation *operation)
{
    const uint8_t *flags = operation->block + operation->key_length;
    for (uint16_t i = 0; operation->kind == EMC__OPERATION_META && i + 1u < operation->in.meta.flags_length; i++) {
        if (flags[i] == ' ' && flags[i + 1] == 'b') {
            return true;
        }
    }
    return false;
}

void emc__node_missed(struct emc__operation *operation, emc_status status)
{
    struct emc__node *node = operation->node;
    if (is_delete(operation) && unanswered(status) && remembers(node) && out_of_reach(node)) {
        emc__node_remember(node, emc__operation_hash(operation), emc__operation_key(operation), is_binary(operation));
    }
}

/* ------------------------------------------------------------------ saying them again */

static void told(void *user_data, const emc_result *result)
{
    const struct emc__node *node = user_data;
    if (result->status < 0 && !unanswered(result->status) && result->status != EMC_ERROR_CANCELLED) {
        emc__node_log(node, EMC_LOG_WARNING, ": a remembered delete was refused: %s", result->message);
    }
}

static struct emc__operation *delete_of(struct emc__node *node, const struct emc__journal_entry *entry)
{
    struct emc__engine *engine = node->engine;
    static const char flags[] = " b";
    size_t flags_length = entry->binary ? sizeof flags - 1 : 0;
    struct emc__operation *operation = emc__operation_take(engine,
                                                           entry->binary ? EMC__OPERATION_META : EMC__OPERATION_KEYED,
                                                           entry->binary ? EMC__VERB_RAW_LINE : EMC__VERB_DELETE);
    uint8_t *block = operation != NULL ? emc__blocks_take(&engine->blocks, entry->length + flags_length) : NULL;
    if (block == NULL) {
        if (operation != NULL) {
            emc__slab_give(&engine->operations, operation);
        }
        return NULL;
    }
    memcpy(block, entry->key, entry->length);
    memcpy(block + entry->length, flags, flags_length);
    operation->block = block;
    operation->block_size = (uint32_t)(entry->length + flags_length);
    operation->key_length = entry->length;
    operation->argument_length = (uint16_t)flags_length;
    if (entry->binary) {
        operation->in.meta.command = 'd';
        operation->in.meta.flags_length = (uint16_t)flags_length;
    }
    operation->internal = true;
    operation->callback = told;
    operation->user_data = node;
    operation->hash = (uint32_t)entry->hash;
    operation->submitted_ns = engine->now_ns;
    operation->node = node;
    operation->slot = emc__slot_of(entry->hash);
    return operation;
}

/* It can't serve before they are said: begins again after a pause. */
static void wait_for_memory(struct emc__node *node)
{
    struct emc__engine *engine = node->engine;
    emc__timer_set(&engine->wheel, &node->attempt_timer,
                   engine->now_ns + emc__ms_to_ns(engine->options.backoff_min_ms));
    emc__pool_close_all(node, EMC_ERROR_MEMORY, "no memory for the deletes that must go first");
}

void emc__node_replay(struct emc__node *node)
{
    const struct emc__journal_entry *entry;
    uint32_t count = node->journal.count;
    while ((entry = emc__journal_first(&node->journal)) != NULL) {
        struct emc__operation *operation = delete_of(node, entry);
        if (operation == NULL) {
            wait_for_memory(node);
            return;
        }
        emc__journal_drop_first(&node->journal);
        emc__pool_place(node, operation);
    }
    if (count > 0) {
        emc__node_log(node, EMC_LOG_INFO, ": %u remembered deletes are said again", count);
    }
    node->refused_told = node->journal.refused;
}
