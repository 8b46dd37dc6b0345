/* Cluster management on real servers that die, freeze and come back. */
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

#define EVENTS_MAX 32

struct event {
    emc_cluster_event_kind kind;
    size_t server; /* which of `servers`; 3: another */
};

static struct server servers[3];
static emc_client *client;
static emc_cluster_management *view;
static struct event events[EVENTS_MAX];
static size_t event_count;

static size_t server_of(const emc_address *address)
{
    size_t i = 0;
    while (i < 3 && !emc_address_equal(address, &servers[i].address)) {
        i++;
    }
    return i;
}

static void note_event(void *user_data, const emc_cluster_event *event)
{
    (void)user_data;
    assert_non_null(event->reason);
    assert_true(event_count < EVENTS_MAX);
    events[event_count++] = (struct event){event->kind, server_of(event->node)};
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

static void wait_until_connected(void)
{
    char version[EMC_VERSION_TEXT_SIZE];
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(emc_version(client, &servers[i].address, version, NULL), EMC_OK);
    }
}

static int open_with(bool purge)
{
    emc_options options = patient_options();
    options.purge_unhealthy_nodes = purge;
    client = open_client(servers, 3, &options);
    view = emc_client_cluster_management(client);
    event_count = 0;
    wait_until_connected();
    assert_int_equal(emc_cluster_subscribe(view, note_event, NULL, NULL), EMC_OK);
    return 0;
}

static int open_session(void **state)
{
    (void)state;
    return open_with(false);
}

static int open_purging_session(void **state)
{
    (void)state;
    return open_with(true);
}

static int close_session(void **state)
{
    (void)state;
    emc_client_destroy(client);
    for (size_t i = 0; i < 3; i++) {
        if (servers[i].pid == 0) {
            server_restart(&servers[i]);
        }
    }
    return 0;
}

typedef emc_status list_function(emc_cluster_management *view, emc_node_list **list_out);

static size_t count_nodes(list_function *list_nodes)
{
    emc_node_list *list = NULL;
    assert_int_equal(list_nodes(view, &list), EMC_OK);
    size_t count = list->count;
    emc_node_list_destroy(list);
    return count;
}

/* The only node of a list. */
static size_t only_node(list_function *list_nodes)
{
    emc_node_list *list = NULL;
    assert_int_equal(list_nodes(view, &list), EMC_OK);
    assert_int_equal(list->count, 1);
    size_t which = server_of(&list->nodes[0]);
    emc_node_list_destroy(list);
    return which;
}

static uint64_t milliseconds_until(list_function *list_nodes, size_t count)
{
    uint64_t begin = clock_ms();
    while (count_nodes(list_nodes) != count) {
        if (clock_ms() - begin > PATIENCE_MS) {
            fail_msg("the list never had %zu nodes", count);
        }
        emc_client_wait(client, 20);
    }
    return clock_ms() - begin;
}

/* A key of this server's, as things are now; `number` tells several apart. */
static size_t key_of(size_t server, char key[24])
{
    for (unsigned i = 0; i < 10000; i++) {
        emc_node_list *list = NULL;
        size_t length = (size_t)snprintf(key, 24, "key-%u", i);
        assert_int_equal(emc_cluster_node_for_key(view, key, length, &list), EMC_OK);
        size_t which = server_of(&list->nodes[0]);
        emc_node_list_destroy(list);
        if (which == server) {
            return length;
        }
    }
    fail_msg("no key goes to server %zu", server);
    return 0;
}

/* ------------------------------------------------------------------ lists */

static void the_view_is_the_same_at_every_call(void **state)
{
    (void)state;
    assert_ptr_equal(view, emc_client_cluster_management(client));
    assert_int_equal(emc_set(client, EMC_STR("k"), EMC_STR("v"), 0, 0, NULL), EMC_OK);
    assert_ptr_equal(view, emc_client_cluster_management(client));
}

static void nodes_are_listed_in_the_order_configured(void **state)
{
    (void)state;
    emc_node_list *list = NULL;
    assert_int_equal(emc_cluster_nodes(view, &list), EMC_OK);
    assert_int_equal(list->count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(emc_address_equal(&list->nodes[i], &servers[i].address));
    }
    emc_node_list_destroy(list);
    assert_int_equal(count_nodes(emc_cluster_healthy_nodes), 3);
    assert_int_equal(count_nodes(emc_cluster_unhealthy_nodes), 0);
}

static void an_operation_goes_to_the_node_that_the_view_names(void **state)
{
    (void)state;
    char key[24];
    for (size_t i = 0; i < 3; i++) {
        size_t length = key_of(i, key);
        emc_pool_metrics before, after;
        assert_int_equal(emc_cluster_connection_pool_metrics(view, &servers[i].address, &before), EMC_OK);
        assert_int_equal(emc_set(client, key, length, EMC_STR("v"), 0, 0, NULL), EMC_OK);
        assert_int_equal(emc_cluster_connection_pool_metrics(view, &servers[i].address, &after), EMC_OK);
        assert_int_equal(after.operations_executed, before.operations_executed + 1);
    }
}

static void metrics_tell_of_connections_and_operations(void **state)
{
    (void)state;
    char key[24];
    size_t length = key_of(0, key);
    emc_pool_metrics metrics;
    emc_address stranger = emc_address_tcp("127.0.0.1", 1);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(emc_set(client, key, length, EMC_STR("v"), 0, 0, NULL), EMC_OK);
    }
    assert_int_equal(emc_cluster_connection_pool_metrics(view, &servers[0].address, &metrics), EMC_OK);
    assert_int_equal(metrics.connections, 1);
    assert_int_equal(metrics.connections_created, 1);
    assert_int_equal(metrics.connections_created_with_error, 0);
    assert_int_equal(metrics.connections_closed, 0);
    assert_true(metrics.operations_executed >= 10);
    assert_int_equal(metrics.operations_with_error, 0);
    assert_int_equal(metrics.operations_in_flight, 0);
    assert_true(metrics.connect_time_average_s > 0);
    assert_true(metrics.connect_time_p50_s <= metrics.connect_time_p99_s);
    assert_true(metrics.connect_time_p99_s <= metrics.connect_time_worst_s);
    assert_true(metrics.operation_time_p50_s > 0);
    assert_true(metrics.operation_time_p50_s <= metrics.operation_time_p99_s);
    assert_true(metrics.operation_time_p99_s <= metrics.operation_time_worst_s);
    assert_int_equal(emc_cluster_connection_pool_metrics(view, &stranger, &metrics), EMC_ERROR_UNKNOWN_NODE);
}

static void a_nodes_state_names_its_version(void **state)
{
    (void)state;
    emc_node_state node;
    char version[EMC_VERSION_TEXT_SIZE];
    assert_int_equal(emc_version(client, &servers[0].address, version, NULL), EMC_OK);
    assert_int_equal(emc_cluster_node_state(view, &servers[0].address, &node), EMC_OK);
    assert_true(node.healthy);
    assert_string_equal(node.server_version, version);
    assert_string_equal(node.reason, "");
}

/* ------------------------------------------------------------------ death and return */

static void a_killed_node_is_unhealthy_and_back_within_two_seconds_of_its_return(void **state)
{
    (void)state;
    server_kill(&servers[1]);
    milliseconds_until(emc_cluster_unhealthy_nodes, 1);
    assert_int_equal(only_node(emc_cluster_unhealthy_nodes), 1);
    assert_int_equal(count_nodes(emc_cluster_healthy_nodes), 2);
    assert_int_equal(count_nodes(emc_cluster_nodes), 3);
    emc_node_state node;
    assert_int_equal(emc_cluster_node_state(view, &servers[1].address, &node), EMC_OK);
    assert_false(node.healthy);
    assert_true(node.reason[0] != 0);
    server_restart(&servers[1]);
    assert_in_range(milliseconds_until(emc_cluster_unhealthy_nodes, 0), 0, 2000);
    char key[24];
    size_t length = key_of(1, key);
    assert_int_equal(emc_set(client, key, length, EMC_STR("v"), 0, 0, NULL), EMC_OK);
    assert_int_equal(event_count, 2);
    assert_int_equal(events[0].kind, EMC_EVENT_NODE_UNHEALTHY);
    assert_int_equal(events[0].server, 1);
    assert_int_equal(events[1].kind, EMC_EVENT_NODE_HEALTHY);
    assert_int_equal(events[1].server, 1);
}

static void operations_to_a_dead_node_fail_at_once_and_the_others_go_on(void **state)
{
    (void)state;
    char dead[24], alive[24];
    size_t dead_length = key_of(2, dead), alive_length = key_of(0, alive);
    emc_item item = {0};
    server_kill(&servers[2]);
    milliseconds_until(emc_cluster_unhealthy_nodes, 1);
    uint64_t begin = clock_ms();
    for (int i = 0; i < 50; i++) {
        assert_int_equal(emc_get(client, dead, dead_length, &item, NULL), EMC_ERROR_NODE_DOWN);
        assert_int_equal(emc_set(client, alive, alive_length, EMC_STR("v"), 0, 0, NULL), EMC_OK);
    }
    assert_in_range(clock_ms() - begin, 0, 1000);
    emc_pool_metrics metrics;
    assert_int_equal(emc_cluster_connection_pool_metrics(view, &servers[2].address, &metrics), EMC_OK);
    assert_int_equal(metrics.connections, 0);
    assert_true(metrics.connections_created_with_error > 0);
    assert_true(metrics.operations_with_error >= 50);
}

static void routing_does_not_move_for_a_dead_node_unless_told_to(void **state)
{
    (void)state;
    char key[24], again[24];
    key_of(1, key);
    server_kill(&servers[1]);
    milliseconds_until(emc_cluster_unhealthy_nodes, 1);
    key_of(1, again);
    assert_string_equal(key, again);
}

static void a_purged_node_leaves_the_routing_until_it_is_back(void **state)
{
    (void)state;
    char key[24], again[24];
    size_t length = key_of(1, key);
    server_kill(&servers[1]);
    milliseconds_until(emc_cluster_unhealthy_nodes, 1);
    assert_int_equal(emc_set(client, key, length, EMC_STR("elsewhere"), 0, 0, NULL), EMC_OK);
    server_restart(&servers[1]);
    milliseconds_until(emc_cluster_unhealthy_nodes, 0);
    key_of(1, again);
    assert_string_equal(key, again);
    emc_item item = {0};
    assert_int_equal(emc_get(client, key, length, &item, NULL), EMC_MISS);
}

static void a_frozen_node_is_found_and_used_again_when_it_wakes(void **state)
{
    (void)state;
    char key[24];
    size_t length = key_of(0, key);
    struct outcome outcome;
    emc_call call = keep(&outcome);
    server_freeze(&servers[0]);
    assert_int_equal(emc_set_async(client, key, length, EMC_STR("v"), 0, 0, &call), EMC_OK);
    milliseconds_until(emc_cluster_unhealthy_nodes, 1);
    assert_int_equal(only_node(emc_cluster_unhealthy_nodes), 0);
    server_thaw(&servers[0]);
    assert_in_range(milliseconds_until(emc_cluster_unhealthy_nodes, 0), 0, 2000);
    await(client, &outcome);
    assert_int_equal(emc_set(client, key, length, EMC_STR("w"), 0, 0, NULL), EMC_OK);
}

static void a_client_whose_nodes_are_all_dead_recovers(void **state)
{
    (void)state;
    servers_kill(servers, 3);
    milliseconds_until(emc_cluster_unhealthy_nodes, 3);
    for (size_t i = 0; i < 3; i++) {
        server_restart(&servers[i]);
    }
    assert_in_range(milliseconds_until(emc_cluster_healthy_nodes, 3), 0, 2000);
    assert_int_equal(emc_set(client, EMC_STR("k"), EMC_STR("v"), 0, 0, NULL), EMC_OK);
}

/* ------------------------------------------------------------------ membership */

static void a_node_can_be_removed_and_added_under_traffic(void **state)
{
    (void)state;
    struct outcome outcomes[200];
    for (size_t i = 0; i < 200; i++) {
        char key[24];
        emc_call call = keep(&outcomes[i]);
        size_t length = (size_t)snprintf(key, sizeof key, "traffic-%zu", i);
        assert_int_equal(emc_set_async(client, key, length, EMC_STR("v"), 0, 0, &call), EMC_OK);
        if (i == 100) {
            emc_client_flush(client);
            assert_int_equal(emc_cluster_remove_node(view, &servers[1].address, NULL), EMC_OK);
        }
    }
    for (size_t i = 0; i < 200; i++) {
        await(client, &outcomes[i]);
        assert_int_equal(outcomes[i].status, EMC_OK);
    }
    assert_int_equal(count_nodes(emc_cluster_nodes), 2);
    assert_int_equal(emc_cluster_add_node(view, &servers[1].address, 100, NULL), EMC_OK);
    assert_int_equal(count_nodes(emc_cluster_nodes), 3);
    wait_until_connected();
    assert_true(event_count >= 2);
    assert_int_equal(events[0].kind, EMC_EVENT_NODE_REMOVED);
    assert_int_equal(events[1].kind, EMC_EVENT_NODE_ADDED);
    assert_int_equal(events[1].server, 1);
}

static void append_line(void *context, emc_log_level level, const char *message)
{
    char *text = context;
    snprintf(text + strlen(text), 4096 - strlen(text), "%d %s\n", (int)level, message);
}

static void expect_line(const char *text, emc_log_level level, const struct server *server, const char *what)
{
    char name[EMC_ADDRESS_TEXT_SIZE], line[EMC_ADDRESS_TEXT_SIZE + 64];
    emc_address_format(&server->address, name, sizeof name);
    snprintf(line, sizeof line, "%d %s%s\n", (int)level, name, what);
    if (strstr(text, line) == NULL) {
        fail_msg("no line %s in:\n%s", line, text);
    }
}

static void the_log_tells_of_connections_and_of_membership(void **state)
{
    (void)state;
    static char text[4096];
    text[0] = '\0';
    emc_options options = patient_options();
    options.log = append_line;
    options.log_context = text;
    options.log_level = EMC_LOG_DEBUG;
    emc_client *logged = open_client(servers, 1, &options);
    emc_cluster_management *its_view = emc_client_cluster_management(logged);
    assert_int_equal(emc_set(logged, EMC_STR("k"), EMC_STR("v"), 0, 0, NULL), EMC_OK);
    assert_int_equal(emc_cluster_add_node(its_view, &servers[1].address, 100, NULL), EMC_OK);
    assert_int_equal(emc_cluster_set_weight(its_view, &servers[1].address, 50, NULL), EMC_OK);
    assert_int_equal(emc_cluster_remove_node(its_view, &servers[0].address, NULL), EMC_OK);
    for (uint64_t end = clock_ms() + PATIENCE_MS; strstr(text, "is closed") == NULL && clock_ms() < end;) {
        emc_client_wait(logged, 10);
    }
    emc_client_destroy(logged);
    expect_line(text, EMC_LOG_DEBUG, &servers[0], ": a connection is established");
    expect_line(text, EMC_LOG_INFO, &servers[1], " is added, with weight 100");
    expect_line(text, EMC_LOG_INFO, &servers[1], " has weight 50 now");
    expect_line(text, EMC_LOG_INFO, &servers[0], " is removed");
    assert_null(strstr(strstr(text, "is added") + 1, "is added")); /* the first list is no change */
    assert_non_null(strstr(text, ": a connection is closed: "));
}

static void a_whole_list_is_replaced_in_one_step_or_not_at_all(void **state)
{
    (void)state;
    emc_weighted_address bad[2] = {{servers[0].address, 100}, {servers[0].address, 100}};
    emc_weighted_address good[2] = {{servers[2].address, 100}, {servers[0].address, 200}};
    assert_int_equal(emc_cluster_replace_nodes(view, bad, 2, NULL), EMC_ERROR_DUPLICATE);
    assert_int_equal(count_nodes(emc_cluster_nodes), 3);
    assert_int_equal(emc_cluster_replace_nodes(view, good, 2, NULL), EMC_OK);
    assert_int_equal(count_nodes(emc_cluster_nodes), 2);
    assert_int_equal(emc_set(client, EMC_STR("k"), EMC_STR("v"), 0, 0, NULL), EMC_OK);
    emc_node_state node;
    assert_int_equal(emc_cluster_node_state(view, &servers[0].address, &node), EMC_OK);
    assert_int_equal(node.weight, 200);
}

static void an_ended_subscription_hears_nothing(void **state)
{
    (void)state;
    uint64_t subscription = 0;
    size_t before = event_count;
    assert_int_equal(emc_cluster_subscribe(view, note_event, NULL, &subscription), EMC_OK);
    assert_int_equal(emc_cluster_unsubscribe(view, subscription), EMC_OK);
    assert_int_equal(emc_cluster_unsubscribe(view, subscription), EMC_MISS);
    assert_int_equal(emc_cluster_set_weight(view, &servers[0].address, 50, NULL), EMC_OK);
    run_for(client, 20);
    assert_int_equal(event_count, before + 1); /* the session's own subscription alone */
    assert_int_equal(events[before].kind, EMC_EVENT_NODE_WEIGHT);
}

static void a_retained_view_outlives_its_client(void **state)
{
    (void)state;
    emc_pool_metrics metrics;
    emc_cluster_management_retain(view);
    emc_client_destroy(client);
    client = NULL;
    assert_int_equal(count_nodes(emc_cluster_nodes), 3);
    assert_int_equal(count_nodes(emc_cluster_healthy_nodes), 3);
    assert_int_equal(emc_cluster_connection_pool_metrics(view, &servers[0].address, &metrics), EMC_OK);
    assert_true(metrics.operations_executed > 0);
    assert_int_equal(emc_cluster_add_node(view, &servers[0].address, 1, NULL), EMC_ERROR_CLOSED);
    assert_int_equal(emc_cluster_subscribe(view, note_event, NULL, NULL), EMC_ERROR_CLOSED);
    emc_cluster_management_release(view);
}

int main(void)
{
#define SESSION_TEST(name) cmocka_unit_test_setup_teardown(name, open_session, close_session)
    const struct CMUnitTest tests[] = {
        SESSION_TEST(the_view_is_the_same_at_every_call),
        SESSION_TEST(nodes_are_listed_in_the_order_configured),
        SESSION_TEST(an_operation_goes_to_the_node_that_the_view_names),
        SESSION_TEST(metrics_tell_of_connections_and_operations),
        SESSION_TEST(a_nodes_state_names_its_version),
        SESSION_TEST(a_killed_node_is_unhealthy_and_back_within_two_seconds_of_its_return),
        SESSION_TEST(operations_to_a_dead_node_fail_at_once_and_the_others_go_on),
        SESSION_TEST(routing_does_not_move_for_a_dead_node_unless_told_to),
        cmocka_unit_test_setup_teardown(a_purged_node_leaves_the_routing_until_it_is_back, open_purging_session,
                                        close_session),
        SESSION_TEST(a_frozen_node_is_found_and_used_again_when_it_wakes),
        SESSION_TEST(a_client_whose_nodes_are_all_dead_recovers),
        SESSION_TEST(a_node_can_be_removed_and_added_under_traffic),
        SESSION_TEST(a_whole_list_is_replaced_in_one_step_or_not_at_all),
        SESSION_TEST(the_log_tells_of_connections_and_of_membership),
        SESSION_TEST(an_ended_subscription_hears_nothing),
        SESSION_TEST(a_retained_view_outlives_its_client),
    };
    return cmocka_run_group_tests(tests, start_servers, stop_servers);
}
