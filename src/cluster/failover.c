/* Where an operation goes while the node its key belongs to is down: nowhere else, to the next node of the key's order of preference, or to
 * the gutter, a few nodes of their own that carry no keys otherwise (docs/failover.md). Decides; what a command must mind elsewhere (expiry, what to
 * remember) is the client layer's. */
#include <assert.h>

#include "base/rare.h"
#include "cluster/cluster_internal.h"

/* How far down a key's order of preference a usable node is sought. */
#define RANKS_MAX 16

/* ------------------------------------------------------------------ the gutter */

static void gutter_health_changed(void *context, struct emc__node *node, bool healthy, const char *reason)
{
    struct emc__cluster *cluster = context;
    if (!cluster->closed) {
        emc__events_add(&cluster->events, healthy ? EMC_EVENT_NODE_HEALTHY : EMC_EVENT_NODE_UNHEALTHY,
                        emc__node_address(node), emc__node_weight(node), reason);
    }
}

static void never_drained(void *context, struct emc__node *node)
{
    (void)context;
    (void)node;
}

static const struct emc__node_listener gutter_listener = {gutter_health_changed, never_drained};

static emc_status open_nodes(struct emc__cluster *cluster, const emc_weighted_address *nodes, size_t count)
{
    struct emc__gutter *gutter = &cluster->gutter;
    const emc_allocator *allocator = &cluster->engine->allocator;
    struct emc__routing_member *members = emc__allocate_zeroed(allocator, count, sizeof *members);
    gutter->nodes = emc__allocate_zeroed(allocator, count, sizeof(struct emc__node *));
    emc_status status = members != NULL && gutter->nodes != NULL ? EMC_OK : EMC_ERROR_MEMORY;
    for (size_t i = 0; i < count && status == EMC_OK; i++) {
        const emc_address *address = &nodes[i].address;
        struct emc__node *node = emc__node_create(cluster->engine, address, nodes[i].weight, &gutter_listener, cluster);
        if (node == NULL) {
            status = EMC_ERROR_MEMORY;
        } else {
            gutter->nodes[gutter->count++] = node;
            members[i] = (struct emc__routing_member){address->host, (uint16_t)address->port, address->path,
                                                      nodes[i].weight};
        }
    }
    if (status == EMC_OK) {
        status = emc__router_build(allocator, cluster->engine->options.routing, members, count, &gutter->router);
    }
    emc__release(allocator, members);
    return status;
}

emc_status emc__gutter_open(struct emc__cluster *cluster, const emc_weighted_address *nodes, size_t count,
                            emc_error *error)
{
    emc_error words;
    emc_status status = emc__membership_validate(nodes, count, &words);
    if (status != EMC_OK) {
        return emc__error_set(error, status, "gutter_nodes: %.220s", words.message);
    }
    status = open_nodes(cluster, nodes, count);
    return status == EMC_OK ? EMC_OK : emc__error_set(error, status, "%s", emc_status_text(status));
}

void emc__gutter_close(struct emc__cluster *cluster)
{
    for (size_t i = 0; i < cluster->gutter.count; i++) {
        emc__node_destroy(cluster->gutter.nodes[i]);
    }
    cluster->gutter.count = 0;
}

void emc__gutter_release(struct emc__cluster *cluster)
{
    emc__router_destroy(cluster->gutter.router);
    emc__release(&cluster->engine->allocator, cluster->gutter.nodes);
}

struct emc__node *emc__gutter_find(const struct emc__cluster *cluster, const emc_address *address)
{
    for (size_t i = 0; i < cluster->gutter.count; i++) {
        if (emc_address_equal(emc__node_address(cluster->gutter.nodes[i]), address)) {
            return cluster->gutter.nodes[i];
        }
    }
    return NULL;
}

/* ------------------------------------------------------------------ routes */

/* The first usable node in the key's order of preference, or NULL. routed: the router's index → index into nodes; NULL: the same. */
static struct emc__node *first_usable(const struct emc__router *router, struct emc__node *const *nodes,
                                      const uint32_t *routed, struct emc__slice part)
{
    uint32_t ranked[RANKS_MAX];
    size_t count = emc__router_rank(router, part, ranked, RANKS_MAX);
    for (size_t i = 0; i < count; i++) {
        struct emc__node *node = nodes[routed != NULL ? routed[ranked[i]] : ranked[i]];
        if (emc__node_usable(node)) {
            return node;
        }
    }
    return NULL;
}

static struct emc__node *substitute(const struct emc__cluster *cluster, struct emc__slice part)
{
    switch (cluster->engine->options.failover) {
    case EMC_FAILOVER_FAIL:
        break;
    case EMC_FAILOVER_NEXT:
        return first_usable(cluster->router, cluster->members, cluster->routed, part);
    case EMC_FAILOVER_GUTTER:
        return cluster->gutter.count > 0 ? first_usable(cluster->gutter.router, cluster->gutter.nodes, NULL, part)
                                         : NULL;
    }
    return NULL;
}

EMC__RARE static struct emc__route divert(const struct emc__cluster *cluster, struct emc__node *home,
                                          struct emc__slice part)
{
    struct emc__node *other = substitute(cluster, part);
    return (struct emc__route){other != NULL ? other : home, home};
}

/* What of the key is hashed. */
static inline struct emc__slice hashed_part(const struct emc__cluster *cluster, struct emc__slice routing_key)
{
    const emc_options *options = &cluster->engine->options;
    return options->hash_tag_open != 0 ? emc__routing_key(routing_key, options->hash_tag_open, options->hash_tag_close)
                                       : routing_key;
}

/* Where the key goes for which the router picked that member. */
static inline struct emc__route route_of(const struct emc__cluster *cluster, struct emc__slice part, uint32_t picked)
{
    const emc_options *options = &cluster->engine->options;
    struct emc__node *home = cluster->members[cluster->routed[picked]];
    if (options->failover == EMC_FAILOVER_FAIL || emc__node_usable(home)) {
        return (struct emc__route){home, home};
    }
    return divert(cluster, home, part);
}

struct emc__route emc__cluster_route(const struct emc__cluster *cluster, struct emc__slice routing_key)
{
    if (cluster->router == NULL || cluster->count == 0) {
        return (struct emc__route){NULL, NULL};
    }
    struct emc__slice part = hashed_part(cluster, routing_key);
    return route_of(cluster, part, emc__router_pick(cluster->router, part));
}

void emc__cluster_route_many(const struct emc__cluster *cluster, const struct emc__slice *routing_keys, size_t count,
                             struct emc__route *routes_out)
{
    struct emc__slice parts[EMC__ROUTES_AT_ONCE] = {{NULL, 0}};
    uint32_t picked[EMC__ROUTES_AT_ONCE];
    assert(count <= EMC__ROUTES_AT_ONCE);
    if (cluster->router == NULL || cluster->count == 0) {
        for (size_t i = 0; i < count; i++) {
            routes_out[i] = (struct emc__route){NULL, NULL};
        }
        return;
    }
    for (size_t i = 0; i < count; i++) {
        parts[i] = hashed_part(cluster, routing_keys[i]);
    }
    emc__router_pick_many(cluster->router, parts, count, picked);
    for (size_t i = 0; i < count; i++) {
        routes_out[i] = route_of(cluster, parts[i], picked[i]);
    }
}
