/* A bulk retrieval: one operation for its caller, its keys in chains by connection, each answered once. */
#include "node/operation.h"

#include <string.h>

#include "node/node.h"

struct emc__bulk *emc__bulk_create(struct emc__engine *engine, uint32_t count, size_t bytes)
{
    if (bytes > UINT32_MAX) {
        return NULL;
    }
    size_t records_size = count * sizeof(struct emc__bulk_record);
    size_t size = sizeof(struct emc__bulk) + records_size + bytes;
    struct emc__bulk *bulk = emc__blocks_take(&engine->blocks, size);
    if (bulk == NULL) {
        return NULL;
    }
    memset(bulk, 0, sizeof *bulk);
    bulk->count = bulk->unanswered = count;
    bulk->references = 1;
    bulk->size = size;
    bulk->bytes = (uint8_t *)bulk + sizeof *bulk + records_size;
    return bulk;
}

void emc__bulk_unref(struct emc__engine *engine, struct emc__bulk *bulk)
{
    if (--bulk->references == 0) {
        emc__blocks_give(&engine->blocks, bulk, bulk->size);
    }
}

struct emc__operation *emc__bulk_branch(struct emc__engine *engine, struct emc__bulk *bulk,
                                        const struct emc__operation *like, enum emc__operation_kind kind)
{
    struct emc__operation *branch = emc__operation_take(engine, kind, (enum emc__verb)like->verb);
    if (branch == NULL) {
        return NULL;
    }
    branch->of.bulk = bulk;
    branch->exptime = like->exptime;
    branch->node = like->node;
    branch->slot = like->slot;
    branch->internal = branch->completed = true;
    branch->retried = like->retried;
    bulk->references++;
    return branch;
}

void emc__bulk_answer(struct emc__engine *engine, struct emc__bulk *bulk, uint32_t index, struct emc__node *node,
                      emc_result *result)
{
    struct emc__bulk_record *record = &bulk->records[index];
    struct emc__operation *operation = bulk->operation;
    if (record->answered || operation == NULL) {
        return;
    }
    record->answered = true;
    bulk->unanswered--;
    operation->value_length += result->value_length;
    size_t prefix = engine->key_prefix.length;
    result->index = index;
    result->key = bulk->bytes + record->offset + prefix;
    result->key_length = record->length - prefix;
    if (bulk->unanswered == 0) {
        bulk->operation = NULL;
        bulk->references++;
        operation->node = node;
        operation->of.bulk = NULL;
        emc__operation_complete(engine, operation, result);
        emc__bulk_unref(engine, bulk);
        emc__bulk_unref(engine, bulk); /* the operation's */
        return;
    }
    if (operation->callback != NULL) {
        result->last = false;
        result->node = node != NULL ? emc__node_address(node) : NULL;
        result->message = result->message == NULL && result->status < 0 ? emc_status_text(result->status)
                                                                        : result->message;
        emc__call_back(engine, operation->callback, operation->user_data, result);
    }
}

void emc__bulk_settle_part(struct emc__engine *engine, struct emc__operation *part, emc_status status)
{
    part->outcome = (int16_t)status;
    part->settled = true;
    engine->settled++;
    emc__timer_set(&engine->wheel, &part->timer, 0);
}

void emc__bulk_fail_chain(struct emc__engine *engine, struct emc__bulk *bulk, uint32_t first, uint32_t count,
                          struct emc__node *node, emc_status status, const char *message)
{
    bulk->references++;
    for (uint32_t i = 0, index = first; i < count; i++, index = bulk->records[index].next) {
        emc_result result = {.status = status, .message = message};
        emc__bulk_answer(engine, bulk, index, node, &result);
    }
    emc__bulk_unref(engine, bulk);
}
