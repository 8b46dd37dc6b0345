/* See trace.h. */
#include "node/trace.h"

#include "node/node.h"

static const char *const verb_names[] = {
    [EMC__VERB_SET] = "set",
    [EMC__VERB_ADD] = "add",
    [EMC__VERB_REPLACE] = "replace",
    [EMC__VERB_APPEND] = "append",
    [EMC__VERB_PREPEND] = "prepend",
    [EMC__VERB_CAS] = "cas",
    [EMC__VERB_GET] = "get",
    [EMC__VERB_GETS] = "gets",
    [EMC__VERB_GAT] = "gat",
    [EMC__VERB_GATS] = "gats",
    [EMC__VERB_DELETE] = "delete",
    [EMC__VERB_INCR] = "incr",
    [EMC__VERB_DECR] = "decr",
    [EMC__VERB_TOUCH] = "touch",
    [EMC__VERB_VERSION] = "version",
    [EMC__VERB_FLUSH_ALL] = "flush_all",
    [EMC__VERB_STATS] = "stats",
    [EMC__VERB_VERBOSITY] = "verbosity",
    [EMC__VERB_CACHE_MEMLIMIT] = "cache_memlimit",
    [EMC__VERB_QUIT] = "quit",
    [EMC__VERB_RAW_LINE] = "lru_crawler",
    [EMC__VERB_META_NOOP] = "mn",
};

static const char *command_of(const struct emc__operation *operation)
{
    if (operation->kind == EMC__OPERATION_PLAIN && operation->verb == EMC__VERB_RAW_LINE) {
        return "administer";
    }
    if (operation->kind != EMC__OPERATION_META) {
        return verb_names[operation->verb];
    }
    switch (operation->in.meta.command) {
    case 'g':
        return "mg";
    case 's':
        return "ms";
    case 'd':
        return "md";
    case 'a':
        return "ma";
    default:
        return "me";
    }
}

void emc__trace_tell(const struct emc__engine *engine, const struct emc__operation *operation, struct emc__node *node,
                     const emc_result *result)
{
    bool bulk = operation->kind == EMC__OPERATION_BULK;
    struct emc__slice key = bulk ? (struct emc__slice){NULL, 0} : emc__operation_key(operation);
    emc_trace_event event = {
        .ended = result != NULL,
        .operation = emc__slab_identity(operation),
        .command = command_of(operation),
        .key = key.length > 0 ? key.data : NULL,
        .key_length = key.length,
        .keys = bulk ? (size_t)operation->number : key.length > 0,
        .node = node != NULL && !bulk ? emc__node_address(node) : NULL,
        .bytes = operation->value_length,
        .status = EMC_OK,
    };
    if (result != NULL) {
        event.bytes = bulk ? operation->value_length : result->value != NULL ? result->value_length : 0;
        event.duration_ns = engine->now_ns - operation->submitted_ns;
        event.status = result->status;
    }
    engine->options.trace(engine->options.trace_context, &event);
}
