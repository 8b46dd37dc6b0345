/* Blocking calls on a cluster: one key, many keys, a counter, a compare-and-swap; and what the cluster looks like afterwards.
 *
 *   blocking localhost:11211 localhost:11212 … */
#include <emcache.h>
#include <inttypes.h>
#include <stdio.h>

enum { NODES_MAX = 16 };

/* A result (hit, miss, not stored …) is an answer; below 0 is an error, and the client has the words. */
static int check(const emc_client *client, const char *what, emc_status status)
{
    printf("%-18s %s\n", what, status < 0 ? emc_client_error_message(client) : emc_status_text(status));
    return status < 0;
}

static int one_key(emc_client *client)
{
    emc_item item = {0};
    int errors = check(client, "set", emc_set(client, EMC_STR("user:1"), EMC_STR("Ada"), 3600, 0, NULL));
    errors += check(client, "gets", emc_gets(client, EMC_STR("user:1"), &item, NULL));
    errors += check(client, "cas", emc_cas(client, EMC_STR("user:1"), EMC_STR("Grace"), 3600, 0, item.cas, NULL));
    errors += check(client, "cas, outdated",
                    emc_cas(client, EMC_STR("user:1"), EMC_STR("Edsger"), 0, 0, item.cas, NULL));
    emc_item_release(&item);
    uint64_t visits = 0;
    errors += check(client, "add", emc_add(client, EMC_STR("visits"), EMC_STR("0"), 3600, 0, NULL));
    errors += check(client, "incr", emc_incr(client, EMC_STR("visits"), 1, &visits, NULL));
    printf("%-18s %" PRIu64 "\n", "visits", visits);
    return errors;
}

/* Asked on all nodes at once; each key has an outcome of its own. */
static int many_keys(emc_client *client)
{
    const emc_key keys[] = {{EMC_STR("user:1")}, {EMC_STR("user:2")}, {EMC_STR("visits")}};
    emc_item items[3] = {0};
    int errors = check(client, "get_many", emc_get_many(client, keys, 3, items, NULL));
    for (size_t i = 0; i < 3; i++) {
        const char *text = items[i].status == EMC_OK ? items[i].value : emc_status_text(items[i].status);
        printf("  %-16.*s %s\n", (int)keys[i].length, (const char *)keys[i].data, text);
    }
    emc_items_release(items, 3);
    return errors;
}

static int print_nodes(emc_client *client)
{
    emc_cluster_management *cluster = emc_client_cluster_management(client);
    emc_node_list *nodes;
    if (emc_cluster_nodes(cluster, &nodes) != EMC_OK) {
        return 1;
    }
    for (size_t i = 0; i < nodes->count; i++) {
        char name[EMC_ADDRESS_TEXT_SIZE];
        emc_node_state state;
        emc_pool_metrics pool;
        emc_address_format(&nodes->nodes[i], name, sizeof(name));
        if (emc_cluster_node_state(cluster, &nodes->nodes[i], &state) == EMC_OK &&
            emc_cluster_connection_pool_metrics(cluster, &nodes->nodes[i], &pool) == EMC_OK) {
            printf("%-22s %-9s %u connections, %" PRIu64 " operations\n", name, state.healthy ? "healthy" : "unhealthy",
                   (unsigned)pool.connections, pool.operations_executed);
        }
    }
    emc_node_list_destroy(nodes);
    return 0;
}

int main(int argc, char **argv)
{
    emc_address_storage storages[NODES_MAX];
    emc_address nodes[NODES_MAX];
    emc_client *client;
    emc_error error;
    size_t count = 0;
    for (int i = 1; i < argc && count < NODES_MAX; i++, count++) {
        if (emc_address_parse(argv[i], 11211, &storages[count], &error) != EMC_OK) {
            fprintf(stderr, "%s: %s\n", argv[i], error.message);
            return 1;
        }
        nodes[count] = storages[count].address;
    }
    emc_options options = emc_options_default();
    options.timeout_ms = 500;
    if (emc_client_create(&client, nodes, count, &options, &error) != EMC_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    int errors = one_key(client) + many_keys(client) + print_nodes(client);
    emc_client_destroy(client);
    return errors == 0 ? 0 : 1;
}
