/* A node: its pool of connections, its health, its metrics. The layer's outward header. */
#ifndef EMC_NODE_NODE_H
#define EMC_NODE_NODE_H

#include "base/log.h"
#include "base/rare.h"
#include "node/engine.h"
#include "node/operation.h"

struct emc__node;

struct emc__node_listener {
    /* Its health turned. reason is borrowed until return. */
    void (*health_changed)(void *context, struct emc__node *node, bool healthy, const char *reason);
    /* Drained: nothing is left of it but its memory; the listener destroys it (it is buried, frames above may still hold it). */
    void (*drained)(void *context, struct emc__node *node);
};

/* Begins to connect. The address is copied. NULL without memory. */
struct emc__node *emc__node_create(struct emc__engine *engine, const emc_address *address, uint32_t weight,
                                   const struct emc__node_listener *listener, void *context);
/* Ends everything at once: operations are completed with EMC_ERROR_CANCELLED. No listener call. */
void emc__node_destroy(struct emc__node *node);
/* Takes nothing new, completes what it has, then tells `drained` (never from inside this call). */
void emc__node_drain(struct emc__node *node);
/* A node that drains, and has not told so yet, is used again as if nothing had been. */
void emc__node_undrain(struct emc__node *node);

/* EMC_OK, or EMC_ERROR_FULL when `bytes` more would pass a bound. */
emc_status emc__node_admit(const struct emc__node *node, size_t bytes);
/* Takes the operation (RETRIEVAL … META, or BULK_PART). Never completes it inside the call: a node that is down settles it. */
void emc__node_submit(struct emc__node *node, struct emc__operation *operation);
/* Completes an operation early: its deadline passed, or it was cancelled. */
void emc__node_abandon(struct emc__operation *operation, emc_status status);
/* Cancels it: the destination is no longer written to at once, the callback comes in the next process. */
void emc__node_cancel(struct emc__operation *operation);
/* Writes what every connection of the engine has to write. */
EMC__HOT void emc__node_flush_all(struct emc__engine *engine);

/* Its count of the bytes of operations that are not written: its connections keep it, too. */
size_t *emc__node_bytes_waiting(struct emc__node *node);
/* And of the writes that are still to go with a reply each before quiet runs are used again: a server that answered one badly is not better on a new connection. */
uint32_t *emc__node_quiet_pause(struct emc__node *node);
/* A log line that begins with the node's address. */
EMC__RARE void emc__node_log(const struct emc__node *node, emc_log_level level, const char *format, ...) EMC__PRINTF(3, 4);
const emc_address *emc__node_address(const struct emc__node *node);
uint32_t emc__node_weight(const struct emc__node *node);
void emc__node_set_weight(struct emc__node *node, uint32_t weight);
bool emc__node_usable(const struct emc__node *node); /* healthy or suspect */
/* The key (on the wire; in base64 when binary) must be deleted on the node before it is read there again: what it has is out of date, and it is down. Does
 * nothing when options.deletes_replayed_max is 0. */
void emc__node_remember(struct emc__node *node, uint64_t hash, struct emc__slice key, bool binary);
/* A node whose credentials, certificates … were put right, or whose name may have moved: attempts begin at once. */
void emc__node_hurry(struct emc__node *node);
void emc__node_report_metrics(const struct emc__node *node, emc_pool_metrics *out);
void emc__node_report_state(const struct emc__node *node, emc_node_state *out);
/* The socket on which the one connection that owes replies will give them, everything being written and nobody connecting; NULL when it is not so. */
struct emc__socket *emc__node_only_socket(const struct emc__engine *engine);
/* In a child of fork: all sockets are gone. */
void emc__node_after_fork(struct emc__node *node);

#endif
