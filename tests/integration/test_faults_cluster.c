/* Faults of a cluster: nodes that flap, that are slow, that come and go with requests in flight, and what discovery is told that it must not believe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <emcache.h>

#include "trial.h"

#define NODES 3
#define KEYS  60

static struct server servers[NODES];
static struct proxy *proxies[NODES];
static struct leak_check leaks;
static emc_client *client;
static emc_cluster_management *view;
static char keys[KEYS][16];
static size_t node_of_key[KEYS];

static int start(void **state)
{
    (void)state;
    servers_start(servers, NODES);
    return 0;
}

static int stop_all(void **state)
{
    (void)state;
    servers_kill(servers, NODES);
    return 0;
}

static size_t node_for(const char *key)
{
    emc_node_list *list = NULL;
    size_t node = 0;
    assert_int_equal(emc_cluster_node_for_key(view, key, strlen(key), &list), EMC_OK);
    while (proxy_address(proxies[node]).port != list->nodes[0].port) {
        node++;
    }
    emc_node_list_destroy(list);
    return node;
}

/* A client on three proxies, each key stored. */
static void open_cluster(emc_options options)
{
    emc_address addresses[NODES];
    leak_check_begin(&leaks);
    options.allocator = &leaks.allocator;
    for (size_t i = 0; i < NODES; i++) {
        proxies[i] = proxy_start(&servers[i].address);
        addresses[i] = proxy_address(proxies[i]);
    }
    assert_int_equal(emc_client_create(&client, addresses, NODES, &options, NULL), EMC_OK);
    view = emc_client_cluster_management(client);
    for (size_t i = 0; i < KEYS; i++) {
        snprintf(keys[i], sizeof keys[i], "cluster-%zu", i);
        node_of_key[i] = node_for(keys[i]);
        assert_int_equal(emc_set(client, keys[i], strlen(keys[i]), keys[i], strlen(keys[i]), 0, 0, NULL), EMC_OK);
    }
}

static void close_cluster(void)
{
    emc_client_destroy(client);
    for (size_t i = 0; i < NODES; i++) {
        proxy_end(proxies[i]);
    }
    leak_check_end(&leaks);
}

static bool is_healthy(size_t node)
{
    emc_node_state node_state;
    emc_address address = proxy_address(proxies[node]);
    assert_int_equal(emc_cluster_node_state(view, &address, &node_state), EMC_OK);
    return node_state.healthy;
}

static void wait_for_health(size_t node, bool healthy)
{
    for (uint64_t end = clock_ms() + PATIENCE_MS; is_healthy(node) != healthy && clock_ms() < end;) {
        emc_client_wait(client, 10);
    }
    assert_int_equal(is_healthy(node), healthy);
}

/* Its value, if any, is its own name. */
static emc_status get(size_t key)
{
    emc_item item = {0};
    emc_status status = emc_get(client, keys[key], strlen(keys[key]), &item, NULL);
    if (status == EMC_OK) {
        assert_string_equal(item.value, keys[key]);
    }
    emc_item_release(&item);
    return status;
}

/* A node that is cut off and comes back, again and again, under traffic: keys of the others never notice, its own fail as what they are, and when it is back they
 * are what they were: routing has not moved, so nothing stale was left anywhere. */
static void a_node_that_flaps_costs_its_own_keys_alone_and_leaves_nothing_stale(void **state)
{
    (void)state;
    open_cluster(trial_options());
    for (int round = 0; round < 5; round++) {
        proxy_refuse(proxies[0], true);
        proxy_end_connections(proxies[0], round % 2 == 0);
        for (size_t i = 0; i < KEYS; i++) {
            emc_status status = get(i);
            assert_true(node_of_key[i] == 0 ? status < 0 : status == EMC_OK);
        }
        proxy_refuse(proxies[0], false);
        if (round % 2 == 1) {
            wait_for_health(0, true);
        }
    }
    wait_for_health(0, true);
    for (size_t i = 0; i < KEYS; i++) {
        emc_status status = EMC_ERROR_NODE_DOWN;
        for (uint64_t end = clock_ms() + BACK_WITHIN_MS + SLACK_MS; status != EMC_OK && clock_ms() < end;) {
            status = get(i);
        }
        assert_int_equal(status, EMC_OK);
    }
    close_cluster();
}

/* Slow is not silent: the node stays healthy, and the keys of the others are as fast as ever. */
static void a_slow_node_delays_nobody_else_and_is_not_given_up(void **state)
{
    (void)state;
    struct proxy_fault slow = {.delay_ms = 400};
    static struct outcome outcomes[KEYS];
    open_cluster(trial_options());
    proxy_spoil(proxies[0], PROXY_TO_CLIENT, &slow);
    uint64_t begin = clock_ms(), fast_done = 0;
    for (size_t i = 0; i < KEYS; i++) {
        emc_call call = keep(&outcomes[i]);
        assert_int_equal(emc_get_async(client, keys[i], strlen(keys[i]), &call), EMC_OK);
    }
    for (size_t pending = 1; pending > 0 && clock_ms() - begin < PATIENCE_MS;) {
        size_t fast_pending = pending = 0;
        emc_client_wait(client, 5);
        for (size_t i = 0; i < KEYS; i++) {
            pending += !outcomes[i].last;
            fast_pending += !outcomes[i].last && node_of_key[i] != 0;
        }
        fast_done = fast_done == 0 && fast_pending == 0 ? clock_ms() - begin : fast_done;
    }
    for (size_t i = 0; i < KEYS; i++) {
        assert_int_equal(outcomes[i].status, EMC_OK);
        assert_string_equal(outcomes[i].value, keys[i]);
    }
    assert_in_range(fast_done, 0, 399);
    assert_in_range(clock_ms() - begin, 399, PATIENCE_MS);
    assert_true(is_healthy(0));
    close_cluster();
}

/* A bulk over three nodes, one of them dead: each key has its own outcome. */
static void a_bulk_over_a_dead_node_gives_the_keys_of_the_others(void **state)
{
    (void)state;
    emc_key list[KEYS];
    emc_item items[KEYS];
    open_cluster(trial_options());
    proxy_refuse(proxies[1], true);
    proxy_end_connections(proxies[1], true);
    wait_for_health(1, false);
    for (size_t i = 0; i < KEYS; i++) {
        list[i] = (emc_key){keys[i], strlen(keys[i])};
    }
    uint64_t begin = clock_ms();
    emc_get_many(client, list, KEYS, items, NULL);
    assert_in_range(clock_ms() - begin, 0, 1000);
    for (size_t i = 0; i < KEYS; i++) {
        assert_int_equal(items[i].status, node_of_key[i] == 1 ? EMC_ERROR_NODE_DOWN : EMC_OK);
        assert_true(items[i].status != EMC_OK || strcmp(items[i].value, keys[i]) == 0);
    }
    emc_items_release(items, KEYS);
    close_cluster();
}

/* Its answers are still on the way when a node is removed: they arrive, and nothing is lost or told twice. */
static void a_node_removed_with_requests_in_flight_answers_them_first(void **state)
{
    (void)state;
    struct proxy_fault slow = {.delay_ms = 100};
    static struct outcome outcomes[KEYS];
    open_cluster(trial_options());
    for (size_t i = 0; i < NODES; i++) {
        proxy_spoil(proxies[i], PROXY_TO_CLIENT, &slow);
    }
    for (size_t i = 0; i < KEYS; i++) {
        emc_call call = keep(&outcomes[i]);
        assert_int_equal(emc_get_async(client, keys[i], strlen(keys[i]), &call), EMC_OK);
    }
    emc_client_flush(client);
    emc_address removed = proxy_address(proxies[2]);
    assert_int_equal(emc_cluster_remove_node(view, &removed, NULL), EMC_OK);
    for (size_t i = 0; i < KEYS; i++) {
        await(client, &outcomes[i]);
        assert_int_equal(outcomes[i].status, EMC_OK);
    }
    assert_int_equal(emc_cluster_add_node(view, &removed, 100, NULL), EMC_OK);
    proxy_heal(proxies[2]);
    for (size_t i = 0; i < KEYS; i++) {
        assert_int_equal(get(i), EMC_OK);
    }
    close_cluster();
}

static void nodes_that_are_all_gone_fail_every_operation_at_once_and_all_return(void **state)
{
    (void)state;
    open_cluster(trial_options());
    for (size_t i = 0; i < NODES; i++) {
        proxy_refuse(proxies[i], true);
        proxy_end_connections(proxies[i], true);
    }
    for (size_t i = 0; i < NODES; i++) {
        wait_for_health(i, false);
    }
    uint64_t begin = clock_ms();
    for (size_t i = 0; i < KEYS; i++) {
        assert_int_equal(get(i), EMC_ERROR_NODE_DOWN);
    }
    assert_in_range(clock_ms() - begin, 0, 1000);
    for (size_t i = 0; i < NODES; i++) {
        proxy_refuse(proxies[i], false);
    }
    begin = clock_ms();
    for (size_t i = 0; i < NODES; i++) {
        wait_for_health(i, true);
    }
    assert_in_range(clock_ms() - begin, 0, BACK_WITHIN_MS + SLACK_MS);
    close_cluster();
}

/* ------------------------------------------------------------------ discovery */

#define ASK EXPECT("config get cluster\r\n")

static unsigned discovery_errors;

static void count_event(void *user_data, const emc_cluster_event *event)
{
    (void)user_data;
    assert_true(event->reason[0] != '\0');
    discovery_errors += event->kind == EMC_EVENT_DISCOVERY_ERROR;
}

/* The nodes, as "host:port host:port". */
static void expect_nodes(const char *expected)
{
    char text[512] = "", address[EMC_ADDRESS_TEXT_SIZE];
    emc_node_list *list = NULL;
    assert_int_equal(emc_cluster_nodes(view, &list), EMC_OK);
    for (size_t i = 0; i < list->count; i++) {
        emc_address_format(&list->nodes[i], address, sizeof address);
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i == 0 ? "" : " ", address);
    }
    emc_node_list_destroy(list);
    assert_string_equal(text, expected);
}

/* Runs a client on a scripted endpoint until the script is done; the nodes must then be the expected ones. */
static void check_discovery(const struct scripted_step *steps, size_t count, const char *expected,
                            unsigned errors_least)
{
    emc_options options = trial_options();
    leak_check_begin(&leaks);
    options.allocator = &leaks.allocator;
    options.discovery = EMC_DISCOVERY_CLUSTER;
    options.discovery_interval_ms = 100;
    options.discovery_timeout_ms = 500;
    options.health_attempts = 1000; /* nodes of the list that turn out down would have the endpoint connected to anew */
    options.health_disconnected_ms = 2 * PATIENCE_MS;
    discovery_errors = 0;
    struct scripted_server *endpoint = scripted_server_start(steps, count);
    client = open_client_at(scripted_server_address(endpoint), &options);
    view = emc_client_cluster_management(client);
    assert_int_equal(emc_cluster_subscribe(view, count_event, NULL, NULL), EMC_OK);
    for (uint64_t end = clock_ms() + PATIENCE_MS;
         (scripted_server_progress(endpoint) < count || discovery_errors < errors_least) && clock_ms() < end;) {
        emc_client_wait(client, 10);
    }
    assert_int_equal(scripted_server_progress(endpoint), count);
    run_for(client, 50); /* the last answer is taken in */
    expect_nodes(expected);
    assert_in_range(discovery_errors, errors_least, 1000);
    scripted_server_abandon(endpoint);
    emc_client_destroy(client);
    leak_check_end(&leaks);
}

#define GOOD ASK, SEND("CONFIG cluster 0 34\r\n5\na.invalid|127.0.0.1|1 b.inva||2\n\r\nEND\r\n")

static void a_stale_configuration_changes_nothing(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {ACCEPT,
                                                 HANDSHAKE,
                                                 GOOD,
                                                 ASK,
                                                 SEND("CONFIG cluster 0 12\r\n4\nother||11\n\r\nEND\r\n"),
                                                 ASK,
                                                 SEND("CONFIG cluster 0 12\r\n5\nother||11\n\r\nEND\r\n")};
    check_discovery(steps, STEPS(steps), "a.invalid:1 b.inva:2", 0);
}

static void a_newer_configuration_is_applied(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {ACCEPT, HANDSHAKE, GOOD, ASK,
                                                 SEND("CONFIG cluster 0 12\r\n6\nother||11\n\r\nEND\r\n")};
    check_discovery(steps, STEPS(steps), "other:11", 0);
}

static void an_empty_configuration_is_told_and_the_last_good_list_stays(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT, HANDSHAKE, GOOD, ASK, SEND("END\r\n"), ASK, SEND("CONFIG cluster 0 2\r\n9\n\r\nEND\r\n")};
    check_discovery(steps, STEPS(steps), "a.invalid:1 b.inva:2", 2);
}

static void a_malformed_configuration_is_told_and_the_last_good_list_stays(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {ACCEPT,
                                                 HANDSHAKE,
                                                 GOOD,
                                                 ASK,
                                                 SEND("CONFIG cluster 0 9\r\n7\nnothing\r\nEND\r\n"),
                                                 ASK,
                                                 SEND("CONFIG cluster 0 14\r\n8\nhost||99999\n\r\nEND\r\n"),
                                                 ASK,
                                                 SEND("CONFIG cluster 0 13\r\nx\nhost||1111\n\r\nEND\r\n")};
    check_discovery(steps, STEPS(steps), "a.invalid:1 b.inva:2", 3);
}

/* More than is looked at, and more than there is memory for: the connection ends, the list stays. */
static void an_oversized_configuration_costs_a_connection_and_no_memory(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT, HANDSHAKE, GOOD, ASK, SEND("CONFIG cluster 0 900000000\r\n7\n"), EXPECT_END};
    check_discovery(steps, STEPS(steps), "a.invalid:1 b.inva:2", 1);
}

static void an_endpoint_that_goes_silent_is_told_and_the_last_good_list_stays(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {ACCEPT, HANDSHAKE, GOOD, ASK, STALL};
    emc_options options = trial_options();
    leak_check_begin(&leaks);
    options.allocator = &leaks.allocator;
    options.discovery = EMC_DISCOVERY_CLUSTER;
    options.discovery_interval_ms = 100;
    options.discovery_timeout_ms = 200;
    discovery_errors = 0;
    struct scripted_server *endpoint = scripted_server_start(steps, STEPS(steps));
    client = open_client_at(scripted_server_address(endpoint), &options);
    view = emc_client_cluster_management(client);
    assert_int_equal(emc_cluster_subscribe(view, count_event, NULL, NULL), EMC_OK);
    for (uint64_t end = clock_ms() + PATIENCE_MS; discovery_errors == 0 && clock_ms() < end;) {
        emc_client_wait(client, 10);
    }
    assert_in_range(discovery_errors, 1, 1000);
    expect_nodes("a.invalid:1 b.inva:2");
    scripted_server_abandon(endpoint);
    emc_client_destroy(client);
    leak_check_end(&leaks);
}

static void a_discovery_that_fails_at_the_start_fails_in_words_or_waits_as_told(void **state)
{
    (void)state;
    emc_address nobody = emc_address_tcp("127.0.0.1", free_port());
    emc_options options = trial_options();
    emc_error error = {EMC_OK, ""};
    uint64_t begin = clock_ms();
    leak_check_begin(&leaks);
    options.allocator = &leaks.allocator;
    options.discovery = EMC_DISCOVERY_CLUSTER;
    options.discovery_start_timeout_ms = 300;
    client = NULL;
    assert_true(emc_client_create(&client, &nobody, 1, &options, &error) < 0);
    assert_in_range(clock_ms() - begin, 0, 300 + SLACK_MS);
    assert_null(client);
    assert_true(error.message[0] != '\0');
    options.discovery_start_timeout_ms = 0; /* not at all: operations say that there are no nodes */
    assert_int_equal(emc_client_create(&client, &nobody, 1, &options, &error), EMC_OK);
    assert_int_equal(emc_set(client, EMC_STR("k"), EMC_STR("v"), 0, 0, NULL), EMC_ERROR_NO_NODES);
    emc_client_destroy(client);
    leak_check_end(&leaks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_that_flaps_costs_its_own_keys_alone_and_leaves_nothing_stale),
        cmocka_unit_test(a_slow_node_delays_nobody_else_and_is_not_given_up),
        cmocka_unit_test(a_bulk_over_a_dead_node_gives_the_keys_of_the_others),
        cmocka_unit_test(a_node_removed_with_requests_in_flight_answers_them_first),
        cmocka_unit_test(nodes_that_are_all_gone_fail_every_operation_at_once_and_all_return),
        cmocka_unit_test(a_stale_configuration_changes_nothing),
        cmocka_unit_test(a_newer_configuration_is_applied),
        cmocka_unit_test(an_empty_configuration_is_told_and_the_last_good_list_stays),
        cmocka_unit_test(a_malformed_configuration_is_told_and_the_last_good_list_stays),
        cmocka_unit_test(an_oversized_configuration_costs_a_connection_and_no_memory),
        cmocka_unit_test(an_endpoint_that_goes_silent_is_told_and_the_last_good_list_stays),
        cmocka_unit_test(a_discovery_that_fails_at_the_start_fails_in_words_or_waits_as_told),
    };
    return cmocka_run_group_tests(tests, start, stop_all);
}
