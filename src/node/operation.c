/* The life of an operation: taken, completed once, freed when no queue holds it. Uses the slab and the timer wheel; knows a
 * node only to count at it. */
#include "node/operation.h"

#include <string.h>

#include "node/node_internal.h"
#include "node/trace.h"

void emc__operation_deadline(struct emc__timer *timer, uint64_t now_ns)
{
    struct emc__operation *operation = EMC__CONTAINER_OF(timer, struct emc__operation, timer);
    (void)now_ns;
    emc__node_operation_due(operation);
}

void emc__operation_release_value(struct emc__engine *engine, struct emc__operation *operation)
{
    void (*released)(void *user_data) = operation->released;
    if (released == NULL) {
        return;
    }
    operation->released = NULL;
    operation->borrowed = false;
    engine->releases--;
    engine->callback_depth++;
    released(operation->user_data);
    engine->callback_depth--;
}

static inline void give_back(struct emc__engine *engine, struct emc__operation *operation)
{
    if (operation->released != NULL) {
        emc__operation_release_value(engine, operation);
    }
    if (operation->block_size > 0) {
        emc__blocks_give(&engine->blocks, operation->block, operation->block_size);
    }
    emc__slab_give(&engine->operations, operation);
}

void emc__operation_discard(struct emc__engine *engine, struct emc__operation *operation)
{
    if (operation->completed && operation->place == EMC__PLACE_NONE) {
        give_back(engine, operation);
    }
}

/* A user's operation has its outcome. */
static inline void count(struct emc__engine *engine, const struct emc__operation *operation, const emc_result *result)
{
    if (operation->node != NULL) {
        uint64_t took_ns = engine->now_ns - operation->submitted_ns;
        emc__metrics_operation(emc__node_metrics(operation->node), result->status, took_ns);
    }
    emc__trace_end(engine, operation, result);
    engine->pending--;
    engine->completed++;
}

void emc__operation_complete(struct emc__engine *engine, struct emc__operation *operation, emc_result *result)
{
    if (result->status < EMC_OK && operation->node != NULL) {
        emc__node_missed(operation, result->status);
    }
    if (operation->completed) {
        emc__operation_discard(engine, operation);
        return;
    }
    if (operation->settled &&
        operation->outcome !=
            result->status) { /* cancelled, or written without reply: what came since changes nothing */
        *result = (emc_result){.status = (emc_status)operation->outcome,
                               .index = result->index,
                               .key = result->key,
                               .key_length = result->key_length};
    }
    operation->completed = true;
    emc__timer_clear(&engine->wheel, &operation->timer);
    if (operation->settled) {
        engine->settled--;
    }
    if (!operation->internal) {
        count(engine, operation, result);
    }
    if (operation->callback != NULL) {
        result->last = true;
        if (result->status < 0 && result->message == NULL) {
            result->message = emc_status_text(result->status);
        }
        result->node = operation->node != NULL ? emc__node_address(operation->node) : NULL;
        emc__call_back(engine, operation->callback, operation->user_data, result);
    }
    if (operation->place == EMC__PLACE_NONE) {
        give_back(engine, operation);
    }
}

void emc__operation_fail(struct emc__engine *engine, struct emc__operation *operation, emc_status status,
                         const char *message)
{
    emc_result result = {.status = status, .message = message};
    emc__operation_complete(engine, operation, &result);
}

void emc__operation_settle(struct emc__engine *engine, struct emc__operation *operation, emc_status status)
{
    if (operation->completed || operation->settled) {
        return;
    }
    operation->settled = true;
    operation->outcome = (int16_t)status;
    engine->settled++;
    emc__timer_set(&engine->wheel, &operation->timer, 0);
}
