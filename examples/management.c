/* The management view, kept apart from the client: made once in a factory, asked from anywhere, for instance by a page that shows the cluster's state.
 *
 *   management localhost:11211 localhost:11212 … */
#include <emcache.h>
#include <inttypes.h>
#include <stdio.h>

enum { NODES_MAX = 16 };

/* The one view of the program's cluster; retained, so that it may outlive the client. */
static emc_cluster_management *cluster;

/* ---- the events: each change, in order, on the thread that runs the client */

static void on_event(void *user_data, const emc_cluster_event *event)
{
    static const char *const names[] = {
        [EMC_EVENT_NODE_HEALTHY] = "healthy", [EMC_EVENT_NODE_UNHEALTHY] = "unhealthy",
        [EMC_EVENT_NODE_ADDED] = "added",     [EMC_EVENT_NODE_REMOVED] = "removed",
        [EMC_EVENT_NODE_WEIGHT] = "weight",   [EMC_EVENT_DISCOVERY_ERROR] = "discovery failed",
    };
    char name[EMC_ADDRESS_TEXT_SIZE] = "";
    (void)user_data;
    if (event->node != NULL) {
        emc_address_format(event->node, name, sizeof(name));
    }
    printf("event: %s %s: %s\n", name, names[event->kind], event->reason);
}

/* ---- the factory: the only place that knows how clients are made */

static emc_client *client_create(const emc_address *nodes, size_t count)
{
    emc_client *client;
    emc_error error;
    emc_options options = emc_options_default();
    options.purge_unhealthy_nodes = true; /* the keys of a node that is down go to the others */
    if (emc_client_create(&client, nodes, count, &options, &error) != EMC_OK) {
        fprintf(stderr, "%s\n", error.message);
        return NULL;
    }
    cluster = emc_cluster_management_retain(emc_client_cluster_management(client));
    if (emc_cluster_subscribe(cluster, on_event, NULL, NULL) != EMC_OK) {
        fprintf(stderr, "no events: out of memory\n");
    }
    return client;
}

/* ---- the page: needs nothing but the view */

static void print_list(const char *title, emc_status status, emc_node_list *list)
{
    if (status != EMC_OK) {
        printf("%s: %s\n", title, emc_status_text(status));
        return;
    }
    printf("%s: %zu\n", title, list->count);
    for (size_t i = 0; i < list->count; i++) {
        char name[EMC_ADDRESS_TEXT_SIZE];
        emc_pool_metrics pool;
        emc_address_format(&list->nodes[i], name, sizeof(name));
        if (emc_cluster_connection_pool_metrics(cluster, &list->nodes[i], &pool) == EMC_OK) {
            printf("  %-22s connections %u (created %" PRIu64 ", failed %" PRIu64 ", purged %" PRIu64
                   ", closed %" PRIu64 "), operations %" PRIu64 " (errors %" PRIu64 ", waited %" PRIu64 ")\n",
                   name, (unsigned)pool.connections, pool.connections_created, pool.connections_created_with_error,
                   pool.connections_purged, pool.connections_closed, pool.operations_executed,
                   pool.operations_with_error, pool.operations_waited);
        }
    }
    emc_node_list_destroy(list);
}

static void print_page(void)
{
    emc_node_list *list = NULL;
    emc_status status = emc_cluster_nodes(cluster, &list);
    print_list("nodes", status, list);
    status = emc_cluster_healthy_nodes(cluster, &list);
    print_list("healthy nodes", status, list);
    status = emc_cluster_unhealthy_nodes(cluster, &list);
    print_list("unhealthy nodes", status, list);
}

int main(int argc, char **argv)
{
    emc_address_storage storages[NODES_MAX];
    emc_address nodes[NODES_MAX];
    emc_error error;
    size_t count = 0;
    for (int i = 1; i < argc && count < NODES_MAX; i++, count++) {
        if (emc_address_parse(argv[i], 11211, &storages[count], &error) != EMC_OK) {
            fprintf(stderr, "%s: %s\n", argv[i], error.message);
            return 1;
        }
        nodes[count] = storages[count].address;
    }
    emc_client *client = client_create(nodes, count);
    if (client == NULL) {
        return 1;
    }
    int failed = 0;
    for (int i = 0; i < 100; i++) {
        char key[32];
        int length = snprintf(key, sizeof(key), "page:%d", i);
        failed += emc_set(client, key, (size_t)length, EMC_STR("<html>"), 60, 0, NULL) < 0;
    }
    print_page();
    emc_client_destroy(client);
    printf("\nThe client is gone; the view still answers, with the last state.\n");
    print_page();
    emc_cluster_management_release(cluster);
    return failed == 0 ? 0 : 1;
}
