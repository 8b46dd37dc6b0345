/* The cluster as one piece: its life, and what it does on behalf of autodiscovery. */
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

static bool troubled(void *context)
{
    const struct emc__cluster *cluster = context;
    for (size_t i = 0; i < cluster->count; i++) {
        if (!emc__node_usable(cluster->members[i])) {
            return true;
        }
    }
    return false;
}

static const struct emc__discovery_listener discovery_listener = {list_found, discovery_failed, troubled};

static emc_status begin_discovery(struct emc__cluster *cluster, const emc_weighted_address *nodes, size_t count,
                                  emc_error *error)
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
    return cluster->discovery != NULL
               ? EMC_OK
               : emc__error_set(error, EMC_ERROR_MEMORY, "%s", emc_status_text(EMC_ERROR_MEMORY));
}

emc_status emc__cluster_discovered(const struct emc__cluster *cluster, emc_error *error)
{
    if (cluster->count > 0) {
        return EMC_OK;
    }
    const char *words = cluster->discovery_error.message[0] != '\0' ? cluster->discovery_error.message
                                                                    : "autodiscovery: no answer came";
    bool hopeless = cluster->discovery != NULL && emc__discovery_hopeless(cluster->discovery);
    return emc__error_set(error, hopeless ? EMC_ERROR_UNSUPPORTED : EMC_ERROR_NO_NODES, "%s", words);
}

/* ------------------------------------------------------------------ life */

/* The members, or the way to find them, and the gutter. */
static emc_status populate(struct emc__cluster *cluster, const struct emc__cluster_setup *setup, emc_error *error)
{
    const emc_options *options = &cluster->engine->options;
    emc_status status = EMC_OK;
    if (options->failover == EMC_FAILOVER_GUTTER) {
        status = emc__gutter_open(cluster, setup->gutter, setup->gutter_count, error);
    }
    if (status != EMC_OK) {
        return status;
    }
    return options->discovery != EMC_DISCOVERY_NONE
               ? begin_discovery(cluster, setup->nodes, setup->count, error)
               : emc__membership_replace(cluster, setup->nodes, setup->count, error);
}

emc_status emc__cluster_create(struct emc__engine *engine, const struct emc__cluster_setup *setup,
                               struct emc__cluster **cluster_out, emc_error *error)
{
    struct emc__cluster *cluster = emc__allocate_zeroed(&engine->allocator, 1, sizeof *cluster);
    emc_status status = EMC_ERROR_MEMORY;
    if (cluster == NULL) {
        return emc__error_set(error, status, "%s", emc_status_text(status));
    }
    cluster->engine = engine;
    cluster->hooks = setup->hooks;
    emc__events_init(&cluster->events, engine);
    cluster->view = emc__view_create(cluster);
    if (cluster->view == NULL) {
        emc__error_set(error, status, "%s", emc_status_text(status));
    } else {
        status = populate(cluster, setup, error);
    }
    if (status != EMC_OK) {
        cluster->closed = true;
        emc__gutter_close(cluster);
        emc__cluster_free(cluster);
        return status;
    }
    cluster->events.begun = true;
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
    emc__gutter_close(cluster);
}

void emc__cluster_free(struct emc__cluster *cluster)
{
    emc__events_deinit(&cluster->events);
    emc__membership_release(cluster);
    emc__gutter_release(cluster);
    emc_cluster_management_release(cluster->view);
    emc__release(&cluster->engine->allocator, cluster);
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

struct emc__node *emc__cluster_find_any(const struct emc__cluster *cluster, const emc_address *address)
{
    struct emc__node *member = emc__cluster_find(cluster, address);
    return member != NULL ? member : emc__gutter_find(cluster, address);
}

size_t emc__cluster_count_all(const struct emc__cluster *cluster)
{
    return cluster->count + cluster->gutter.count;
}

bool emc__cluster_deliver_events(struct emc__cluster *cluster)
{
    if (cluster->route_stale && !cluster->closed && emc__membership_route(cluster) == EMC_OK) {
        cluster->route_stale = false;
    }
    return emc__events_deliver(&cluster->events);
}

bool emc__cluster_events_wait(const struct emc__cluster *cluster)
{
    return cluster->route_stale || !emc__list_empty(&cluster->events.queue);
}

void emc__cluster_hurry(struct emc__cluster *cluster)
{
    for (size_t i = 0; i < cluster->count; i++) {
        emc__node_hurry(cluster->members[i]);
    }
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
    for (size_t i = 0; i < cluster->gutter.count; i++) {
        emc__node_after_fork(cluster->gutter.nodes[i]);
    }
}

emc_status emc__cluster_unknown(const emc_address *node, emc_error *error)
{
    char text[EMC_ADDRESS_TEXT_SIZE];
    emc_address_format(node, text, sizeof text);
    return emc__error_set(error, EMC_ERROR_UNKNOWN_NODE, "node: %.200s is not in the cluster", text);
}

emc_cluster_management *emc__cluster_view(const struct emc__cluster *cluster)
{
    return cluster->view;
}
