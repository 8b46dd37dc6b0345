/* Tells the client's trace, if there is one, of operations that begin and end. */
#ifndef EMC_NODE_TRACE_H
#define EMC_NODE_TRACE_H

#include "base/rare.h"
#include "node/operation.h"

/* Out of line: what is done when somebody listens. */
EMC__APART void emc__trace_tell(const struct emc__engine *engine, const struct emc__operation *operation, struct emc__node *node,
                                const emc_result *result);

static inline bool emc__traced(const struct emc__engine *engine, const struct emc__operation *operation)
{
    return engine->options.trace != NULL && !operation->internal;
}

/* It was accepted, for a node (NULL: none, or several). */
static inline void emc__trace_begin(const struct emc__engine *engine, const struct emc__operation *operation,
                                    struct emc__node *node)
{
    if (emc__traced(engine, operation)) {
        emc__trace_tell(engine, operation, node, NULL);
    }
}

/* It has its outcome. */
static inline void emc__trace_end(const struct emc__engine *engine, const struct emc__operation *operation,
                                  const emc_result *result)
{
    if (emc__traced(engine, operation)) {
        emc__trace_tell(engine, operation, operation->node, result);
    }
}

#endif
