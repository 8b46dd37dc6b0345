/* The parts of a node, for the files of this folder alone. */
#ifndef EMC_NODE_NODE_INTERNAL_H
#define EMC_NODE_NODE_INTERNAL_H

#include "base/rare.h"

#include "node/connection.h"
#include "node/dial.h"
#include "node/health.h"
#include "node/journal.h"
#include "node/metrics.h"
#include "node/node.h"

#define EMC__SLOTS           64
#define EMC__CONNECTIONS_MAX 64

/* All keys of a slot use one connection while any of them is in flight: that keeps operations on one key in order. */
struct emc__slot {
    struct emc__connection *connection;
    uint32_t in_flight;
};

struct emc__node {
    struct emc__grave grave; /* first */
    struct emc__engine *engine;
    const struct emc__node_listener *listener;
    void *context;
    emc_address address; /* strings in the same block */
    uint32_t weight;
    bool draining, destroyed, drained_told;
    uint32_t connection_count;
    uint32_t owing;           /* connections whose pipeline is not empty */
    struct emc__list waiting; /* operations without an established connection */
    uint32_t load;            /* operations waiting, pending or in a pipeline */
    uint32_t quiet_pause;     /* see node.h */
    size_t bytes_waiting;     /* of operations that are not written: waiting, or pending at a connection */
    struct emc__slot slots[EMC__SLOTS];
    /* Ready or draining; one beyond the pool while another dumps; and one that has answered and finds the pool full. */
    struct emc__connection *connections[EMC__CONNECTIONS_MAX + 2];
    /* The one attempt to connect that may be under way. */
    struct emc__dial dial;
    struct emc__connection *handshaking;
    uint64_t attempt_began_ns;       /* 0: none is under way */
    uint32_t lacks;                  /* attempts in a row that failed for want of something of ours */
    struct emc__timer attempt_timer; /* its deadline; or, between attempts, the next one's beginning */
    struct emc__health health;
    struct emc__timer health_timer;
    struct emc__timer upkeep_timer; /* growth and purge */
    struct emc__metrics metrics;
    struct emc__journal journal; /* deletes that did not reach it */
    uint64_t refused_told;       /* journal.refused when the last warning about it was due; UINT64_MAX: it was given */
    emc_status last_failure;     /* of the last attempt */
    char reason[EMC_ERROR_MESSAGE_SIZE];
    char version_text[EMC_VERSION_TEXT_SIZE];
};

/* operation.c asks these of its node. */
void emc__node_operation_due(struct emc__operation *operation);
struct emc__metrics *emc__node_metrics(struct emc__node *node);

/* replay.c: remembers the delete if the operation is one and its node is out of reach. */
void emc__node_missed(struct emc__operation *operation, emc_status status);
/* Puts the remembered deletes into the queue of the node's connection, before anything else. Without memory the connection is closed, and those that are
 * left stay remembered. */
void emc__node_replay(struct emc__node *node);

/* attempt.c */
void emc__attempt_init(struct emc__node *node);
void emc__attempt_deinit(struct emc__node *node);
/* Begins an attempt when one is wanted and none is under way or paused. */
void emc__attempt_seek(struct emc__node *node);
/* Begins an attempt now. */
void emc__attempt_begin(struct emc__node *node);
/* The last connection is gone. An attempt that has hung for longer than one may while the node is down is begun anew: what refused it may accept now. Where none
 * is wanted any more (connections_min is 0, and nothing waits) one to grow ends: what comes later would wait for it. */
void emc__attempt_renew(struct emc__node *node);
/* Ends the attempt under way without counting it. */
void emc__attempt_stop(struct emc__node *node);
/* The attempt is over, one way or the other. */
void emc__attempt_over(struct emc__node *node);
/* It failed: counted, its pause begins, and the node's health hears of it. */
void emc__attempt_failed(struct emc__node *node, emc_status status, const char *message);
static inline bool emc__attempt_under_way(const struct emc__node *node)
{
    return node->attempt_began_ns != 0;
}

/* pool.c */
extern const struct emc__connection_listener emc__pool_connection_listener;
/* Places an operation on a connection, or lets it wait. */
EMC__HOT void emc__pool_place(struct emc__node *node, struct emc__operation *operation);
/* Completes what waits with a status. */
void emc__pool_fail_waiting(struct emc__node *node, emc_status status, const char *message);
/* Closes those that alone stay silent (patience.h). */
void emc__pool_close_silent(struct emc__node *node);
/* Closes every connection with a status. */
void emc__pool_close_all(struct emc__node *node, emc_status status, const char *message);
/* Takes an operation out of those that wait. */
void emc__pool_withdraw_waiting(struct emc__node *node, struct emc__operation *operation);
void emc__pool_init(struct emc__node *node);
void emc__pool_deinit(struct emc__node *node);
/* Growth and purge become due. */
void emc__pool_schedule_upkeep(struct emc__node *node);

/* node.c */
void emc__node_apply(struct emc__node *node, enum emc__health_verdict verdict);
void emc__node_watch_health(struct emc__node *node);
/* Has `drained` told in the next pass when it is so. */
void emc__node_check_drained(struct emc__node *node);
/* Tells it; true when the node is drained. */
bool emc__node_tell_drained(struct emc__node *node);
/* Places an operation whose connection went away before it was written. */
void emc__node_place_again(struct emc__node *node, struct emc__operation *operation);
void emc__node_fail_soon(struct emc__node *node, struct emc__operation *operation);

#endif
