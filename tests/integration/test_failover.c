/* Failover with real servers: the next node, the gutter, and deletes that are made up for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <emcache.h>

#include "servers.h"
#include "session.h"

/* The client is given the first two; the third is the gutter. */
static struct server servers[3];
static emc_client *client;
static emc_cluster_management *view;

static void open_with(const emc_options *options)
{
    char version[EMC_VERSION_TEXT_SIZE];
    client = open_client(servers, 2, options);
    view = emc_client_cluster_management(client);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(emc_version(client, &servers[i].address, version, NULL), EMC_OK);
    }
}

static int start_servers(void **state)
{
    (void)state;
    servers_start(servers, 3);
    return 0;
}

static int stop_servers(void **state)
{
    (void)state;
    servers_kill(servers, 3);
    return 0;
}

static int close_client(void **state)
{
    (void)state;
    emc_client_destroy(client);
    if (servers[0].pid == 0) {
        server_restart(&servers[0]);
    }
    return 0;
}

/* A key of the first server's. */
static size_t key_of_first(char key[24])
{
    for (unsigned i = 0; i < 10000; i++) {
        emc_node_list *list = NULL;
        size_t length = (size_t)snprintf(key, 24, "key-%u", i);
        assert_int_equal(emc_cluster_node_for_key(view, key, length, &list), EMC_OK);
        bool found = emc_address_equal(&list->nodes[0], &servers[0].address);
        emc_node_list_destroy(list);
        if (found) {
            return length;
        }
    }
    fail_msg("no key goes to the first server");
    return 0;
}

static void wait_until_first_is(bool healthy)
{
    uint64_t until = clock_ms() + PATIENCE_MS;
    emc_node_state node = {0};
    do {
        emc_client_wait(client, 10);
        assert_int_equal(emc_cluster_node_state(view, &servers[0].address, &node), EMC_OK);
    } while (node.healthy != healthy && clock_ms() < until);
    assert_int_equal(node.healthy, healthy);
}

static emc_status get(const char *key, size_t length)
{
    emc_item item = {0};
    emc_status status = emc_get(client, key, length, &item, NULL);
    if (status == EMC_OK) {
        emc_item_release(&item);
    }
    return status;
}

static void a_dead_nodes_keys_are_served_by_the_next_one_until_it_is_back(void **state)
{
    (void)state;
    char key[24];
    emc_options options = patient_options();
    options.failover = EMC_FAILOVER_NEXT;
    open_with(&options);
    size_t length = key_of_first(key);
    server_kill(&servers[0]);
    wait_until_first_is(false);
    assert_int_equal(emc_set(client, key, length, EMC_STR("v"), 0, 0, NULL), EMC_OK);
    assert_int_equal(get(key, length), EMC_OK);
    server_restart(&servers[0]);
    wait_until_first_is(true);
    assert_int_equal(get(key, length), EMC_MISS); /* at home again, and empty */
}

static void the_gutter_keeps_what_it_is_given_for_a_short_time_alone(void **state)
{
    (void)state;
    char key[24];
    emc_options options = patient_options();
    options.failover = EMC_FAILOVER_GUTTER;
    options.gutter_nodes = &servers[2].address;
    options.gutter_node_count = 1;
    options.gutter_exptime = 2;
    open_with(&options);
    size_t length = key_of_first(key);
    server_kill(&servers[0]);
    wait_until_first_is(false);
    assert_int_equal(emc_set(client, key, length, EMC_STR("v"), 0, 0, NULL), EMC_OK);
    assert_int_equal(get(key, length), EMC_OK);
    emc_node_list *list = NULL;
    assert_int_equal(emc_cluster_node_for_key(view, key, length, &list), EMC_OK);
    assert_true(emc_address_equal(&list->nodes[0], &servers[2].address));
    emc_node_list_destroy(list);
    uint64_t until = clock_ms() + PATIENCE_MS;
    while (get(key, length) == EMC_OK && clock_ms() < until) { /* memcached's clock ticks once a second */
        run_for(client, 100);
    }
    assert_int_equal(get(key, length), EMC_MISS);
}

/* A frozen server keeps its data: what a network that splits looks like. */
static void with_remembered_deletes_no_stale_value_comes_back(void **state)
{
    (void)state;
    char key[24];
    emc_options options = patient_options();
    options.timeout_ms = 500;
    options.deletes_replayed_max = 1000;
    open_with(&options);
    size_t length = key_of_first(key);
    assert_int_equal(emc_set(client, key, length, EMC_STR("old"), 0, 0, NULL), EMC_OK);
    server_freeze(&servers[0]);
    assert_int_equal(get(key, length), EMC_ERROR_TIMEOUT);
    wait_until_first_is(false);
    assert_int_equal(emc_delete(client, key, length, NULL), EMC_ERROR_NODE_DOWN);
    emc_node_state node;
    assert_int_equal(emc_cluster_node_state(view, &servers[0].address, &node), EMC_OK);
    assert_int_equal(node.deletes_remembered, 1);
    server_thaw(&servers[0]);
    wait_until_first_is(true);
    assert_int_equal(get(key, length), EMC_MISS);
    assert_int_equal(emc_cluster_node_state(view, &servers[0].address, &node), EMC_OK);
    assert_int_equal(node.deletes_remembered, 0);
}

int main(void)
{
#define FAILOVER_TEST(name) cmocka_unit_test_teardown(name, close_client)
    const struct CMUnitTest tests[] = {
        FAILOVER_TEST(a_dead_nodes_keys_are_served_by_the_next_one_until_it_is_back),
        FAILOVER_TEST(the_gutter_keeps_what_it_is_given_for_a_short_time_alone),
        FAILOVER_TEST(with_remembered_deletes_no_stale_value_comes_back),
    };
    return cmocka_run_group_tests(tests, start_servers, stop_servers);
}
