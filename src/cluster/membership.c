/* Who is in the cluster: adding, removing, weighing and replacing nodes, each atomic for routing, and the router that follows. */
#include "cluster/cluster_internal.h"

#include <stdio.h>
#include <string.h>

static void health_changed(void *context, struct emc__node *node, bool healthy, const char *reason);
static void drained(void *context, struct emc__node *node);

static const struct emc__node_listener node_listener = {health_changed, drained};

/* ------------------------------------------------------------------ the router */

static bool routable(const struct emc__cluster *cluster, const struct emc__node *node)
{
    return !cluster->engine->options.purge_unhealthy_nodes || emc__node_usable(node);
}

static size_t list_routable(const struct emc__cluster *cluster, struct emc__routing_member *members, uint32_t *routed)
{
    size_t count = 0;
    for (size_t i = 0; i < cluster->count; i++) {
        const emc_address *address = emc__node_address(cluster->members[i]);
        if (routable(cluster, cluster->members[i])) {
            members[count] = (struct emc__routing_member){address->host, (uint16_t)address->port, address->path,
                                                          emc__node_weight(cluster->members[i])};
            routed[count++] = (uint32_t)i;
        }
    }
    return count;
}

emc_status emc__membership_route(struct emc__cluster *cluster)
{
    const emc_allocator *allocator = &cluster->engine->allocator;
    struct emc__router *router = NULL;
    emc_status status = EMC_ERROR_MEMORY;
    uint32_t *routed = emc__allocate_zeroed(allocator, cluster->count, sizeof *routed);
    struct emc__routing_member *members = emc__allocate_zeroed(allocator, cluster->count, sizeof *members);
    if (routed != NULL && members != NULL) {
        size_t count = list_routable(cluster, members, routed);
        status = count == 0 ? EMC_OK
                            : emc__router_build(allocator, cluster->engine->options.routing, members, count, &router);
        if (status == EMC_OK) {
            emc__router_destroy(cluster->router);
            emc__release(allocator, cluster->routed);
            cluster->router = router;
            cluster->route_stale = false;
            cluster->routed = routed;
            cluster->routed_count = count;
            routed = NULL;
        }
    }
    emc__release(allocator, members);
    emc__release(allocator, routed);
    return status;
}

static void health_changed(void *context, struct emc__node *node, bool healthy, const char *reason)
{
    struct emc__cluster *cluster = context;
    bool member = false;
    for (size_t i = 0; i < cluster->count; i++) {
        member = member || cluster->members[i] == node;
    }
    if (cluster->closed || !member) {
        return;
    }
    if (cluster->engine->options.purge_unhealthy_nodes && emc__membership_route(cluster) != EMC_OK) {
        cluster->route_stale = true; /* tried again in each pass */
        emc__log_write(&cluster->engine->log, EMC_LOG_ERROR, "out of memory: routing stays as it was for now");
    }
    if (!healthy && cluster->discovery != NULL) {
        emc__discovery_hurry(cluster->discovery); /* it may be gone for good, and the configuration knows */
    }
    emc__events_add(&cluster->events, healthy ? EMC_EVENT_NODE_HEALTHY : EMC_EVENT_NODE_UNHEALTHY,
                    emc__node_address(node), emc__node_weight(node), reason);
}

/* ------------------------------------------------------------------ nodes that leave */

static bool reserve_leaving(struct emc__cluster *cluster, size_t more)
{
    size_t needed = cluster->leaving_count + more;
    if (needed <= cluster->leaving_capacity) {
        return true;
    }
    struct emc__node **grown = emc__reallocate(&cluster->engine->allocator, cluster->leaving,
                                               needed * sizeof(struct emc__node *));
    if (grown == NULL) {
        return false;
    }
    cluster->leaving = grown;
    cluster->leaving_capacity = needed;
    return true;
}

static void drained(void *context, struct emc__node *node)
{
    struct emc__cluster *cluster = context;
    for (size_t i = 0; i < cluster->leaving_count; i++) {
        if (cluster->leaving[i] == node) {
            cluster->leaving[i] = cluster->leaving[--cluster->leaving_count];
            emc__node_destroy(node);
            return;
        }
    }
}

/* ------------------------------------------------------------------ replacing the list */

emc_status emc__membership_validate(const emc_weighted_address *nodes, size_t count, emc_error *error)
{
    if (count == 0) {
        return emc__error_set(error, EMC_ERROR_ARGUMENT, "nodes: the list is empty; a cluster has at least one node");
    }
    if (nodes == NULL) {
        return emc__error_set(error, EMC_ERROR_ARGUMENT, "nodes: NULL");
    }
    for (size_t i = 0; i < count; i++) {
        emc_status status = emc__address_validate(&nodes[i].address, error);
        if (status != EMC_OK) {
            return status;
        }
        if (nodes[i].weight == 0) {
            return emc__error_set(error, EMC_ERROR_ARGUMENT, "weight: 0; a node's weight is at least 1");
        }
        for (size_t j = 0; j < i; j++) {
            if (emc_address_equal(&nodes[i].address, &nodes[j].address)) {
                char text[EMC_ADDRESS_TEXT_SIZE];
                emc_address_format(&nodes[i].address, text, sizeof text);
                return emc__error_set(error, EMC_ERROR_DUPLICATE, "nodes: %.200s is there twice", text);
            }
        }
    }
    return EMC_OK;
}

static struct emc__node *find_leaving(const struct emc__cluster *cluster, const emc_address *address)
{
    for (size_t i = 0; i < cluster->leaving_count; i++) {
        if (emc_address_equal(emc__node_address(cluster->leaving[i]), address)) {
            return cluster->leaving[i];
        }
    }
    return NULL;
}

/* The node that a new list means: a present one, or one that still drains. That is taken back rather than made anew: on a second connection new
 * operations could pass those of the same key that are still in flight on the first. */
static struct emc__node *known_node(const struct emc__cluster *cluster, const emc_address *address)
{
    struct emc__node *present = emc__cluster_find(cluster, address);
    return present != NULL ? present : find_leaving(cluster, address);
}

/* Fills `members` with the nodes of the new list, the known ones among them; false (nothing made) without memory. */
static bool make_members(struct emc__cluster *cluster, const emc_weighted_address *nodes, size_t count,
                         struct emc__node **members)
{
    for (size_t i = 0; i < count; i++) {
        members[i] = known_node(cluster, &nodes[i].address);
        if (members[i] == NULL) {
            members[i] = emc__node_create(cluster->engine, &nodes[i].address, nodes[i].weight, &node_listener, cluster);
        }
        if (members[i] == NULL) {
            while (i-- > 0) {
                if (known_node(cluster, &nodes[i].address) == NULL) {
                    emc__node_destroy(members[i]);
                }
            }
            return false;
        }
    }
    return true;
}

static bool is_in(struct emc__node *const *list, size_t count, const struct emc__node *node)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i] == node) {
            return true;
        }
    }
    return false;
}

/* Sets the new weights and keeps the old ones, 0 for a node that is new. */
static void swap_weights(struct emc__node **members, const emc_weighted_address *nodes, size_t count,
                         struct emc__node **old, size_t old_count, uint32_t *before)
{
    for (size_t i = 0; i < count; i++) {
        before[i] = is_in(old, old_count, members[i]) ? emc__node_weight(members[i]) : 0;
        emc__node_set_weight(members[i], nodes[i].weight);
    }
}

/* Takes a node that drains back; false: it does not drain. */
static bool take_back(struct emc__cluster *cluster, struct emc__node *node)
{
    for (size_t i = 0; i < cluster->leaving_count; i++) {
        if (cluster->leaving[i] == node) {
            cluster->leaving[i] = cluster->leaving[--cluster->leaving_count];
            emc__node_undrain(node);
            return true;
        }
    }
    return false;
}

static void tell_added(struct emc__cluster *cluster, struct emc__node *node)
{
    const emc_address *address = emc__node_address(node);
    emc__events_add(&cluster->events, EMC_EVENT_NODE_ADDED, address, emc__node_weight(node), "added");
    if (take_back(cluster, node) && !emc__node_usable(node)) { /* who hears of an added node takes it for healthy */
        emc_node_state state;
        emc__node_report_state(node, &state);
        emc__events_add(&cluster->events, EMC_EVENT_NODE_UNHEALTHY, address, emc__node_weight(node), state.reason);
    }
}

/* The new list stands: what is new is told, what is gone is drained. */
static void settle_list(struct emc__cluster *cluster, struct emc__node **old, size_t old_count, const uint32_t *before)
{
    for (size_t i = 0; i < old_count; i++) {
        if (!is_in(cluster->members, cluster->count, old[i])) {
            emc__events_add(&cluster->events, EMC_EVENT_NODE_REMOVED, emc__node_address(old[i]),
                            emc__node_weight(old[i]), "removed");
            cluster->leaving[cluster->leaving_count++] = old[i];
            emc__node_drain(old[i]);
        }
    }
    for (size_t i = 0; i < cluster->count; i++) {
        struct emc__node *node = cluster->members[i];
        if (before[i] == 0) {
            tell_added(cluster, node);
        } else if (emc__node_weight(node) != before[i]) {
            emc__events_add(&cluster->events, EMC_EVENT_NODE_WEIGHT, emc__node_address(node), emc__node_weight(node),
                            "its weight was set");
        }
    }
}

/* The router could not follow: everything is put back. */
static void undo_list(struct emc__cluster *cluster, struct emc__node **old, size_t old_count, const uint32_t *before)
{
    for (size_t i = 0; i < cluster->count; i++) {
        if (before[i] == 0 && !is_in(cluster->leaving, cluster->leaving_count, cluster->members[i])) {
            emc__node_destroy(cluster->members[i]);
        } else if (before[i] != 0) {
            emc__node_set_weight(cluster->members[i], before[i]);
        }
    }
    cluster->members = old;
    cluster->count = old_count;
}

/* Puts the validated list in place. */
static emc_status replace(struct emc__cluster *cluster, const emc_weighted_address *nodes, size_t count,
                          struct emc__node **members, uint32_t *before)
{
    struct emc__node **old = cluster->members;
    size_t old_count = cluster->count;
    if (!reserve_leaving(cluster, old_count) || !make_members(cluster, nodes, count, members)) {
        return EMC_ERROR_MEMORY;
    }
    swap_weights(members, nodes, count, old, old_count, before);
    cluster->members = members;
    cluster->count = count;
    emc_status status = emc__membership_route(cluster);
    if (status != EMC_OK) {
        undo_list(cluster, old, old_count, before);
        return status;
    }
    settle_list(cluster, old, old_count, before);
    emc__release(&cluster->engine->allocator, old);
    return EMC_OK;
}

emc_status emc__membership_replace(struct emc__cluster *cluster, const emc_weighted_address *nodes, size_t count,
                                   emc_error *error)
{
    const emc_allocator *allocator = &cluster->engine->allocator;
    emc_status status = emc__membership_validate(nodes, count, error);
    if (status != EMC_OK) {
        return status;
    }
    for (size_t i = 0; i < count; i++) {
        if (emc__gutter_find(cluster, &nodes[i].address) != NULL) {
            char text[EMC_ADDRESS_TEXT_SIZE];
            emc_address_format(&nodes[i].address, text, sizeof text);
            return emc__error_set(error, EMC_ERROR_DUPLICATE, "nodes: %.200s is one of the gutter's", text);
        }
    }
    struct emc__node **members = emc__allocate_zeroed(allocator, count, sizeof(struct emc__node *));
    uint32_t *before = emc__allocate_zeroed(allocator, count, sizeof *before);
    status = members != NULL && before != NULL ? replace(cluster, nodes, count, members, before) : EMC_ERROR_MEMORY;
    emc__release(allocator, before);
    if (status != EMC_OK) {
        emc__release(allocator, members);
        emc__error_set(error, status, "%s", emc_status_text(status));
    }
    return status;
}

void emc__membership_release(struct emc__cluster *cluster)
{
    const emc_allocator *allocator = &cluster->engine->allocator;
    emc__router_destroy(cluster->router);
    emc__release(allocator, cluster->routed);
    emc__release(allocator, cluster->members);
    emc__release(allocator, cluster->leaving);
}
