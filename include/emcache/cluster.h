/* Cluster management: which nodes there are, which are healthy, how their connection pools fare; changing them at run time; events. */
#ifndef EMCACHE_CLUSTER_H
#define EMCACHE_CLUSTER_H

#include <emcache/client.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The management view of one client's cluster. Keep it as long as you like: it counts references, and after its client is gone it answers
 *  with the last state. Used on the client's thread; of a threaded client on any. */
typedef struct emc_cluster_management emc_cluster_management;

/** The view: the same one at every call. Borrowed: it lives at least as long as the client; retain it to keep it longer. Never NULL. Since 0.1. */
EMC_API emc_cluster_management *emc_client_cluster_management(emc_client *client);
/** Takes one more reference and returns the view. Since 0.1. */
EMC_API emc_cluster_management *emc_cluster_management_retain(emc_cluster_management *view);
/** Gives a reference back. Accepts NULL. Since 0.1. */
EMC_API void emc_cluster_management_release(emc_cluster_management *view);

/** A list of addresses: one block of memory with its strings, the caller's to destroy. In the order the nodes were configured. */
typedef struct emc_node_list {
    size_t count;
    const emc_address *nodes;
    emc_allocator allocator; /**< internal */
} emc_node_list;

/** Releases a list. Accepts NULL. Since 0.1. */
EMC_API void emc_node_list_destroy(emc_node_list *list);

/** All nodes. EMC_OK or EMC_ERROR_MEMORY. Takes in first what is ready on the connections (not from inside a callback). Since 0.1. */
EMC_API emc_status emc_cluster_nodes(emc_cluster_management *view, emc_node_list **list_out);
/** The nodes that are healthy: connected and answering, or not yet found otherwise. Since 0.1. */
EMC_API emc_status emc_cluster_healthy_nodes(emc_cluster_management *view, emc_node_list **list_out);
/** The nodes that are unhealthy: operations to them fail at once. Since 0.1. */
EMC_API emc_status emc_cluster_unhealthy_nodes(emc_cluster_management *view, emc_node_list **list_out);
/** The nodes of the gutter (EMC_FAILOVER_GUTTER), healthy or not; they are in none of the lists above. Since 0.1. */
EMC_API emc_status emc_cluster_gutter_nodes(emc_cluster_management *view, emc_node_list **list_out);

/** How one node's connection pool fares. Counters count since the node was added. */
typedef struct emc_pool_metrics {
    uint32_t connections;                    /**< established now */
    uint64_t connections_created;            /**< established so far */
    uint64_t connections_created_with_error; /**< attempts that failed */
    uint64_t connections_purged;             /**< closed because unused */
    uint64_t connections_closed;             /**< closed for any other reason: broken, node gone, contradiction */
    uint64_t operations_executed;            /**< operations completed by an answer of the server */
    uint64_t operations_with_error;          /**< operations that ended with an error */
    uint64_t operations_waited;              /**< operations that could not enter an established pipeline at once */
    double connect_time_average_s;           /**< over the last 100 connections, in seconds; 0 before the first, as are the three below */
    double connect_time_p50_s;
    double connect_time_p99_s;
    double connect_time_worst_s;
    uint64_t operations_in_flight; /**< waiting for or in flight on the node's connections now */
    double operation_time_p50_s;   /**< from submission to answer, over all operations; 0 before the first */
    double operation_time_p99_s;
    double operation_time_worst_s;
} emc_pool_metrics;

/** The metrics of one node, which may be the gutter's. EMC_OK or EMC_ERROR_UNKNOWN_NODE. Since 0.1. */
EMC_API emc_status emc_cluster_connection_pool_metrics(emc_cluster_management *view, const emc_address *node,
                                                       emc_pool_metrics *metrics_out);

/** Why a node is as it is, for people and dashboards. */
typedef struct emc_node_state {
    bool healthy;
    uint32_t weight;
    uint64_t state_age_ms;               /**< how long it has been so */
    char reason[EMC_ERROR_MESSAGE_SIZE]; /**< unhealthy: what the last attempt met, in words; else empty */
    char server_version[64];             /**< as the node told it last; empty before */
    uint64_t deletes_remembered;         /**< keys that will be deleted there before it serves again (options.deletes_replayed_max) */
    uint64_t deletes_forgotten;          /**< keys for which there was no room, since the node was added */
} emc_node_state;

/** The state of one node, which may be the gutter's. EMC_OK or EMC_ERROR_UNKNOWN_NODE. Since 0.1. */
EMC_API emc_status emc_cluster_node_state(emc_cluster_management *view, const emc_address *node,
                                          emc_node_state *state_out);

/** The node that an operation on `key` goes to now (a list of one); while its own node is down, the one that stands in. EMC_OK, EMC_ERROR_KEY, EMC_ERROR_NO_NODES (all purged, or the client is gone), EMC_ERROR_MEMORY. Since 0.1. */
EMC_API emc_status emc_cluster_node_for_key(emc_cluster_management *view, const void *key, size_t key_length,
                                            emc_node_list **list_out);

/* ------------------------------------------------------------------ events */

/** What happened to a node. */
typedef enum emc_cluster_event_kind {
    EMC_EVENT_NODE_HEALTHY = 0,
    EMC_EVENT_NODE_UNHEALTHY,
    EMC_EVENT_NODE_ADDED,
    EMC_EVENT_NODE_REMOVED,
    EMC_EVENT_NODE_WEIGHT,    /**< its weight changed */
    EMC_EVENT_DISCOVERY_ERROR /**< autodiscovery got no usable answer; the last good list stays. node is the endpoint asked */
} emc_cluster_event_kind;

/** An event. Borrowed until the callback returns. */
typedef struct emc_cluster_event {
    emc_cluster_event_kind kind;
    const emc_address *node;
    uint32_t weight;
    const char *reason; /**< in words; never NULL */
} emc_cluster_event;

/** Receives events in the order they happened, one at a time, on the thread that runs the client, after the completions they caused. May do
 *  whatever an operation's callback may. */
typedef void emc_cluster_event_callback(void *user_data, const emc_cluster_event *event);

/** Subscribes from now on. *subscription_out (may be NULL) is for emc_cluster_unsubscribe(). EMC_OK, EMC_ERROR_ARGUMENT (no callback), EMC_ERROR_CLOSED
 *  or EMC_ERROR_MEMORY. Since 0.1. */
EMC_API emc_status emc_cluster_subscribe(emc_cluster_management *view, emc_cluster_event_callback *callback, void *user_data,
                                         uint64_t *subscription_out);
/** Ends a subscription; no event comes after it. EMC_OK or EMC_MISS. Since 0.1. */
EMC_API emc_status emc_cluster_unsubscribe(emc_cluster_management *view, uint64_t subscription);

/* ------------------------------------------------------------------ membership at run time */

/** Adds a node of weight >= 1 (100 is usual). From the next submission on keys may go to it.
 *  EMC_OK, EMC_ERROR_ARGUMENT, EMC_ERROR_DUPLICATE, EMC_ERROR_CLOSED, EMC_ERROR_MEMORY; words in *error (may be NULL). Since 0.1. */
EMC_API emc_status emc_cluster_add_node(emc_cluster_management *view, const emc_address *node, uint32_t weight,
                                        emc_error *error);
/** Removes a node, drained: nothing new is sent to it, what is in flight completes, then its connections close.
 *  EMC_OK, EMC_ERROR_UNKNOWN_NODE, EMC_ERROR_ARGUMENT (the last node), EMC_ERROR_CLOSED. Since 0.1. */
EMC_API emc_status emc_cluster_remove_node(emc_cluster_management *view, const emc_address *node, emc_error *error);
/** Sets a node's weight, >= 1. Matters to the routing kinds that know weights. EMC_OK, EMC_ERROR_UNKNOWN_NODE, EMC_ERROR_ARGUMENT. Since 0.1. */
EMC_API emc_status emc_cluster_set_weight(emc_cluster_management *view, const emc_address *node, uint32_t weight,
                                          emc_error *error);

/** A node and its weight, for emc_cluster_replace_nodes(). */
typedef struct emc_weighted_address {
    emc_address address;
    uint32_t weight; /**< >= 1; 100 is usual */
} emc_weighted_address;

/** Replaces the whole list in one step: nodes that stay keep their connections and health, others are added or removed (drained). Atomic for routing; refused
 *  as a whole when any entry is bad. Since 0.1. */
EMC_API emc_status emc_cluster_replace_nodes(emc_cluster_management *view, const emc_weighted_address *nodes, size_t count,
                                             emc_error *error);

#ifdef __cplusplus
}
#endif
#endif
