/* The cluster as one piece: its life, and which node a key goes to. */
#include "cluster/cluster_internal.h"

#include <string.h>

/* ------------------------------------------------------------------ autodiscovery */

static emc_status list_found(void *context, const emc_weighted_address *nodes, size_t count, emc_error *error)
{
    return emc__membership_replace(context, nodes, count, error);
}

static void discovery_failed(void *context, const emc_address *endpoint, emc_status status, const char *message)
{
    struct emc__cluster *cluster = context;
    char text[EMC_ADDRESS_TEXT_SIZE];
    emc_address_format(endpoint, text, sizeof text);
    emc__error_set(&cluster->discovery_error, status, "autodiscovery at %.90s: %.140s", text, message);
    emc__log_write(&cluster->engine->log, EMC_LOG_WARNING, "%s", cluster->discovery_error.message);
    emc__events_add(&cluster->events, EMC_EVENT_DISCOVERY_ERROR, endpoint, 0, message);
}

static const struct emc__discovery_listener discovery_listener = {list_found, discovery_failed};

static emc_status begin_discovery(struct emc__cluster *cluster, const emc_weighted_address *nodes, size_t count, emc_error *error)
{
    emc_discovery kind = cluster->engine->options.discovery;
    emc_status status = emc__membership_validate(nodes, count, error);
    if (status != EMC_OK) {
        return status;
    }
    if (kind != EMC_DISCOVERY_CLUSTER && (count > 1 || nodes[0].address.kind != EMC_ADDRESS_TCP)) {
        return emc__error_set(error, EMC_ERROR_ARGUMENT, "nodes: discovery by DNS takes one host name");
    }
    cluster->discovery = emc__discovery_create(cluster->engine, nodes, count, &discovery_listener, cluster);
    return cluster->discovery != NULL ? EMC_OK : emc__error_set(error, EMC_ERROR_MEMORY, "%s", emc_status_text(EMC_ERROR_MEMORY));
}

emc_status emc__cluster_discovered(const struct emc__cluster *cluster, emc_error *error)
{
    if (cluster->count > 0) {
        return EMC_OK;
    }
    const char *words = cluster->discovery_error.message[0] != '\0' ? cluster->discovery_error.message : "autodiscovery: no answer came";
    return emc__error_set(error, EMC_ERROR_NO_NODES, "%s", words);
}

/* ------------------------------------------------------------------ life */

emc_status emc__cluster_create(struct emc__engine *engine, const struct emc__cluster_hooks *hooks,
                               const emc_weighted_address *nodes, size_t count, struct emc__cluster **cluster_out, emc_error *error)
{
    struct emc__cluster *cluster = emc__allocate_zeroed(&engine->allocator, 1, sizeof *cluster);
    emc_status status = EMC_ERROR_MEMORY;
    if (cluster == NULL) {
        return emc__error_set(error, status, "%s", emc_status_text(status));
    }
    cluster->engine = engine;
    cluster->hooks = *hooks;
    emc__events_init(&cluster->events, engine);
    cluster->view = emc__view_create(cluster);
    if (cluster->view == NULL) {
        emc__error_set(error, status, "%s", emc_status_text(status));
    } else if (engine->options.discovery != EMC_DISCOVERY_NONE) {
        status = begin_discovery(cluster, nodes, count, error);
    } else {
        status = emc__membership_replace(cluster, nodes, count, error);
    }
    if (status != EMC_OK) {
        cluster->closed = true;
        emc__cluster_free(cluster);
        return status;
    }
    *cluster_out = cluster;
    return EMC_OK;
}

void emc__cluster_close(struct emc__cluster *cluster)
{
    emc__view_detach(cluster->view);
    cluster->closed = true;
    emc__discovery_destroy(cluster->discovery);
    for (size_t i = 0; i < cluster->count; i++) {
        emc__node_destroy(cluster->members[i]);
    }
    for (size_t i = 0; i < cluster->leaving_count; i++) {
        emc__node_destroy(cluster->leaving[i]);
    }
    cluster->count = cluster->leaving_count = 0;
}

void emc__cluster_free(struct emc__cluster *cluster)
{
    emc__events_deinit(&cluster->events);
    emc__membership_release(cluster);
    emc_cluster_management_release(cluster->view);
    emc__release(&cluster->engine->allocator, cluster);
}

/* The first usable node in the key's order of preference; the first of all when none is. */
static uint32_t first_usable(const struct emc__cluster *cluster, struct emc__slice routing_key)
{
    uint32_t ranked[16];
    size_t count = emc__router_rank(cluster->router, routing_key, ranked, sizeof ranked / sizeof ranked[0]);
    for (size_t i = 0; i < count; i++) {
        if (emc__node_usable(cluster->members[cluster->routed[ranked[i]]])) {
            return ranked[i];
        }
    }
    return ranked[0];
}

struct emc__node *emc__cluster_pick(const struct emc__cluster *cluster, struct emc__slice routing_key)
{
    const emc_options *options = &cluster->engine->options;
    if (cluster->router == NULL || cluster->count == 0) {
        return NULL;
    }
    struct emc__slice part = options->hash_tag_open != 0
                                 ? emc__routing_key(routing_key, options->hash_tag_open, options->hash_tag_close)
                                 : routing_key;
    uint32_t index = emc__router_pick(cluster->router, part);
    struct emc__node *node = cluster->members[cluster->routed[index]];
    if (options->failover == EMC_FAILOVER_NEXT && !emc__node_usable(node)) {
        node = cluster->members[cluster->routed[first_usable(cluster, part)]];
    }
    return node;
}

struct emc__node *emc__cluster_find(const struct emc__cluster *cluster, const emc_address *address)
{
    for (size_t i = 0; i < cluster->count; i++) {
        if (emc_address_equal(emc__node_address(cluster->members[i]), address)) {
            return cluster->members[i];
        }
    }
    return NULL;
}

size_t emc__cluster_count(const struct emc__cluster *cluster)
{
    return cluster->count;
}

struct emc__node *emc__cluster_member(const struct emc__cluster *cluster, size_t index)
{
    return cluster->members[index];
}

bool emc__cluster_deliver_events(struct emc__cluster *cluster)
{
    return emc__events_deliver(&cluster->events);
}

void emc__cluster_after_fork(struct emc__cluster *cluster)
{
    if (cluster->discovery != NULL) {
        emc__discovery_after_fork(cluster->discovery);
    }
    for (size_t i = 0; i < cluster->count; i++) {
        emc__node_after_fork(cluster->members[i]);
    }
    for (size_t i = 0; i < cluster->leaving_count; i++) {
        emc__node_after_fork(cluster->leaving[i]);
    }
}

emc_cluster_management *emc__cluster_view(const struct emc__cluster *cluster)
{
    return cluster->view;
}
