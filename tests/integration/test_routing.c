/* Routing by way of the public interface: every kind, weights, hash tags, prefixes, and routing keys apart from the key on real servers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <emcache.h>

#include "servers.h"
#include "session.h"

/* ------------------------------------------------------------------ without a server: nothing connects unless it is used */

static const emc_weighted_address ports[] = {
    {{.kind = EMC_ADDRESS_TCP, .host = "127.0.0.1", .port = 11211}, 1},
    {{.kind = EMC_ADDRESS_TCP, .host = "127.0.0.1", .port = 11212}, 1},
    {{.kind = EMC_ADDRESS_TCP, .host = "127.0.0.1", .port = 11213}, 1},
};
static const emc_weighted_address weighted[] = {
    {{.kind = EMC_ADDRESS_TCP, .host = "10.0.0.1", .port = 11211}, 1},
    {{.kind = EMC_ADDRESS_TCP, .host = "10.0.0.2", .port = 11211}, 2},
    {{.kind = EMC_ADDRESS_TCP, .host = "10.0.0.3", .port = 11211}, 3},
};

static emc_client *idle_client(const emc_weighted_address *nodes, emc_options *options)
{
    const emc_address addresses[] = {nodes[0].address, nodes[1].address, nodes[2].address};
    emc_client *client = NULL;
    options->connections_min = 0;
    assert_int_equal(emc_client_create(&client, addresses, 3, options, NULL), EMC_OK);
    return client;
}

/* Which of the nodes has the key. */
static char node_of(emc_client *client, const emc_weighted_address *nodes, const char *key)
{
    emc_node_list *list = NULL;
    char found = '?';
    assert_int_equal(emc_cluster_node_for_key(emc_client_cluster_management(client), key, strlen(key), &list), EMC_OK);
    assert_int_equal(list->count, 1);
    for (size_t i = 0; i < 3; i++) {
        if (emc_address_equal(&list->nodes[0], &nodes[i].address)) {
            found = (char)('0' + i);
        }
    }
    emc_node_list_destroy(list);
    return found;
}

static void maps_to(emc_client *client, const emc_weighted_address *nodes, const char *digits)
{
    char found[64] = "";
    assert_true(strlen(digits) < sizeof found);
    for (unsigned i = 0; digits[i] != '\0'; i++) {
        char key[32];
        snprintf(key, sizeof key, "key:%u", i);
        found[i] = node_of(client, nodes, key);
    }
    assert_string_equal(found, digits);
}

/* The nodes of key:0 to key:29 as the clients of these names give them (tests/unit/routing has the rest). */
static const char *const mappings[] = {
    [EMC_ROUTING_EMCACHE] = "002000210210221102201222220211",
    [EMC_ROUTING_RENDEZVOUS] = "020211110121221110112120010102",
    [EMC_ROUTING_KETAMA_WEIGHTED] = "100001220100020100101210202000",
    [EMC_ROUTING_KETAMA] = "000101121220211200020101011122",
    [EMC_ROUTING_KETAMA_MD5] = "201021100201222020110012202210",
    [EMC_ROUTING_MODULA] = "222111111122111111111211222200",
    [EMC_ROUTING_PYMEMCACHE] = "211201201101110220010222012000",
    [EMC_ROUTING_PYMEMCACHE_BYTES] = "010200220001221120022122210100",
    [EMC_ROUTING_SPYMEMCACHED] = "111101201101022022120212220020",
    [EMC_ROUTING_TWEMPROXY] = "222222222200000000000000000000",
    [EMC_ROUTING_JUMP] = "011010112212020112122120112110",
    [EMC_ROUTING_MCROUTER] = "212120200202101112002021201120",
    [EMC_ROUTING_DALLI] = "121002012000000102210122101020",
};

static void every_kind_maps_as_the_client_it_is_named_after(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < sizeof mappings / sizeof mappings[0]; kind++) {
        emc_options options = patient_options();
        options.routing = (emc_routing_kind)kind;
        emc_client *client = idle_client(ports, &options);
        maps_to(client, ports, mappings[kind]);
        emc_client_destroy(client);
    }
}

static void weights_count_once_they_are_set(void **state)
{
    (void)state;
    emc_options options = patient_options();
    options.routing = EMC_ROUTING_KETAMA_WEIGHTED;
    emc_client *client = idle_client(weighted, &options);
    emc_cluster_management *view = emc_client_cluster_management(client);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(emc_cluster_set_weight(view, &weighted[i].address, weighted[i].weight, NULL), EMC_OK);
    }
    maps_to(client, weighted, "112210011211112120012122220211");
    emc_client_destroy(client);
}

static void weights_count_when_the_list_is_replaced(void **state)
{
    (void)state;
    emc_options options = patient_options();
    options.routing = EMC_ROUTING_KETAMA_WEIGHTED;
    emc_client *client = idle_client(ports, &options);
    maps_to(client, ports, mappings[EMC_ROUTING_KETAMA_WEIGHTED]);
    assert_int_equal(emc_cluster_replace_nodes(emc_client_cluster_management(client), weighted, 3, NULL), EMC_OK);
    maps_to(client, weighted, "112210011211112120012122220211");
    emc_client_destroy(client);
}

static void keys_with_the_same_hash_tag_have_the_same_node(void **state)
{
    (void)state;
    emc_options options = patient_options();
    options.hash_tag_open = '{';
    options.hash_tag_close = '}';
    emc_client *client = idle_client(ports, &options);
    for (unsigned i = 0; i < 60; i++) {
        char plain[32], tagged[64], other[64];
        snprintf(plain, sizeof plain, "key:%u", i);
        snprintf(tagged, sizeof tagged, "name:{key:%u}:%u", i, i);
        snprintf(other, sizeof other, "{key:%u}", i);
        assert_int_equal(node_of(client, ports, tagged), node_of(client, ports, plain));
        assert_int_equal(node_of(client, ports, other), node_of(client, ports, plain));
    }
    emc_client_destroy(client);
}

static void a_prefix_is_no_part_of_routing(void **state)
{
    (void)state;
    emc_options options = patient_options();
    options.key_prefix = "tenant-7:";
    emc_client *client = idle_client(ports, &options);
    maps_to(client, ports, mappings[EMC_ROUTING_EMCACHE]);
    emc_client_destroy(client);
}

/* ------------------------------------------------------------------ a routing key apart from the key */

static struct server servers[3];
static emc_client *all, *alone[3];

static int open_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        server_start(&servers[i], NULL);
        alone[i] = open_client(&servers[i], 1, NULL);
    }
    all = open_client(servers, 3, NULL);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    emc_client_destroy(all);
    for (size_t i = 0; i < 3; i++) {
        emc_client_destroy(alone[i]);
        server_kill(&servers[i]);
    }
    return 0;
}

/* A routing key whose node is that one; 16 bytes. */
static void routing_key_for(size_t node, char key_out[static 16])
{
    for (unsigned i = 0;; i++) {
        emc_node_list *list = NULL;
        snprintf(key_out, 16, "tenant:%u", i);
        assert_int_equal(emc_cluster_node_for_key(emc_client_cluster_management(all), key_out, strlen(key_out), &list),
                         EMC_OK);
        bool found = emc_address_equal(&list->nodes[0], &servers[node].address);
        emc_node_list_destroy(list);
        if (found) {
            return;
        }
    }
}

static void is_on(size_t node, const char *key, bool there)
{
    emc_item item = {0};
    assert_int_equal(emc_get(alone[node], key, strlen(key), &item, NULL), there ? EMC_OK : EMC_MISS);
    emc_item_release(&item);
}

/* Writes and reads six keys by one routing key; on the other two nodes there is nothing of them. */
static void keeps_together(size_t node)
{
    char routing_key[16], key[32];
    routing_key_for(node, routing_key);
    const emc_call call = {.routing_key = routing_key, .routing_key_length = strlen(routing_key)};
    for (unsigned i = 0; i < 6; i++) {
        emc_item item = {0};
        snprintf(key, sizeof key, "single:%zu:%u", node, i);
        assert_int_equal(emc_set(all, key, strlen(key), EMC_STR("1"), 0, 0, &call), EMC_OK);
        for (size_t j = 0; j < 3; j++) {
            is_on(j, key, j == node);
        }
        assert_int_equal(emc_incr(all, key, strlen(key), 1, NULL, &call), EMC_OK);
        assert_int_equal(emc_get(all, key, strlen(key), &item, &call), EMC_OK);
        assert_memory_equal(item.value, "2", 1);
        emc_item_release(&item);
        assert_int_equal(emc_delete(all, key, strlen(key), &call), EMC_OK);
        is_on(node, key, false);
    }
}

static void single_commands_go_to_the_node_of_the_routing_key(void **state)
{
    (void)state;
    for (size_t node = 0; node < 3; node++) {
        keeps_together(node);
    }
}

static void bulk_commands_go_to_the_node_of_the_routing_key(void **state)
{
    (void)state;
    static const emc_store_item items[] = {{{"bulk:a", 6}, "a", 1, 0, 0},
                                           {{"bulk:b", 6}, "b", 1, 0, 0},
                                           {{"bulk:c", 6}, "c", 1, 0, 0},
                                           {{"bulk:d", 6}, "d", 1, 0, 0},
                                           {{"bulk:e", 6}, "e", 1, 0, 0}};
    for (size_t node = 0; node < 3; node++) {
        char routing_key[16];
        emc_key keys[5];
        emc_item found[5];
        emc_status statuses[5];
        routing_key_for(node, routing_key);
        const emc_call call = {.routing_key = routing_key, .routing_key_length = strlen(routing_key)};
        assert_int_equal(emc_set_many(all, items, 5, statuses, &call), EMC_OK);
        for (size_t i = 0; i < 5; i++) {
            keys[i] = items[i].key;
            for (size_t j = 0; j < 3; j++) {
                is_on(j, keys[i].data, j == node);
            }
        }
        assert_int_equal(emc_get_many(all, keys, 5, found, &call), EMC_OK);
        for (size_t i = 0; i < 5; i++) {
            assert_int_equal(found[i].status, EMC_OK);
            assert_memory_equal(found[i].value, items[i].value, 1);
        }
        emc_items_release(found, 5);
        assert_int_equal(emc_delete_many(all, keys, 5, statuses, &call), EMC_OK);
        is_on(node, "bulk:a", false);
    }
}

static void meta_commands_and_leases_go_to_the_node_of_the_routing_key(void **state)
{
    (void)state;
    for (size_t node = 0; node < 3; node++) {
        char routing_key[16];
        emc_lease lease = {0};
        emc_item item = {0};
        routing_key_for(node, routing_key);
        const emc_call call = {.routing_key = routing_key, .routing_key_length = strlen(routing_key)};
        assert_int_equal(emc_meta_set(all, EMC_STR("meta"), EMC_STR("v"), NULL, NULL, &call), EMC_OK);
        is_on(node, "meta", true);
        is_on((node + 1) % 3, "meta", false);
        assert_int_equal(emc_meta_delete(all, EMC_STR("meta"), NULL, NULL, &call), EMC_OK);
        assert_int_equal(emc_fetch(all, EMC_STR("lease"), 30, 0, 0, &item, &lease, &call), EMC_MISS);
        assert_true(lease.won);
        assert_int_equal(emc_fill(all, EMC_STR("lease"), EMC_STR("v"), 0, 0, &lease, &call), EMC_OK);
        is_on(node, "lease", true);
        assert_int_equal(emc_delete(all, EMC_STR("lease"), &call), EMC_OK);
    }
}

static void a_routing_key_may_have_bytes_and_lengths_that_a_key_must_not(void **state)
{
    (void)state;
    static const char blanks[400] = "two words\r\n";
    const emc_call call = {.routing_key = blanks, .routing_key_length = sizeof blanks};
    const emc_call empty = {.routing_key = "", .routing_key_length = 0};
    emc_item item = {0};
    assert_int_equal(emc_set(all, EMC_STR("odd"), EMC_STR("v"), 0, 0, &call), EMC_OK);
    assert_int_equal(emc_get(all, EMC_STR("odd"), &item, &call), EMC_OK);
    emc_item_release(&item);
    assert_int_equal(emc_set(all, EMC_STR("none"), EMC_STR("v"), 0, 0, &empty), EMC_OK);
    assert_int_equal(emc_get(all, EMC_STR("none"), &item, &empty), EMC_OK);
    emc_item_release(&item);
}

static void a_length_without_a_routing_key_is_refused(void **state)
{
    (void)state;
    const emc_call call = {.routing_key_length = 3};
    emc_item item = {0};
    const emc_key key = {"k", 1};
    assert_int_equal(emc_get(all, EMC_STR("k"), &item, &call), EMC_ERROR_ARGUMENT);
    assert_non_null(strstr(emc_client_error_message(all), "routing_key"));
    assert_int_equal(emc_get_many(all, &key, 1, &item, &call), EMC_ERROR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest idle[] = {
        cmocka_unit_test(every_kind_maps_as_the_client_it_is_named_after),
        cmocka_unit_test(weights_count_once_they_are_set),
        cmocka_unit_test(weights_count_when_the_list_is_replaced),
        cmocka_unit_test(keys_with_the_same_hash_tag_have_the_same_node),
        cmocka_unit_test(a_prefix_is_no_part_of_routing),
    };
    const struct CMUnitTest served[] = {
        cmocka_unit_test(single_commands_go_to_the_node_of_the_routing_key),
        cmocka_unit_test(bulk_commands_go_to_the_node_of_the_routing_key),
        cmocka_unit_test(meta_commands_and_leases_go_to_the_node_of_the_routing_key),
        cmocka_unit_test(a_routing_key_may_have_bytes_and_lengths_that_a_key_must_not),
        cmocka_unit_test(a_length_without_a_routing_key_is_refused),
    };
    int failed = cmocka_run_group_tests(idle, NULL, NULL);
    return failed + cmocka_run_group_tests(served, open_all, close_all);
}
