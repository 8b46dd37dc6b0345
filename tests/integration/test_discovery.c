/* Autodiscovery with real servers behind a scripted configuration endpoint: good answers, and stale, empty, malformed, split and oversized ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <emcache.h>

#include "scripted_server.h"
#include "session.h"

#define QUESTION  EXPECT("config get cluster\r\n")
#define OLD_KEY   "AmazonElastiCache:cluster"
#define STEPS_MAX 64
#define OVERSIZED 70000

static struct server servers[2];
static struct scripted_step steps[STEPS_MAX];
static size_t step_count;
static char texts[STEPS_MAX][512];
static struct scripted_server *endpoint;
static emc_client *client;
static unsigned errors;
static char last_error[256];

/* ------------------------------------------------------------------ the endpoint's part */

static void say(struct scripted_step step)
{
    assert_true(step_count < STEPS_MAX);
    steps[step_count++] = step;
}

static void say_bytes(enum scripted_action action, const char *format, const char *payload)
{
    char *text = texts[step_count];
    int length = snprintf(text, sizeof texts[0], format, strlen(payload), payload);
    say((struct scripted_step){action, text, (size_t)length});
}

static void configuration(enum scripted_action action, const char *payload)
{
    say((struct scripted_step)QUESTION);
    say_bytes(action, "CONFIG cluster 0 %zu\r\n%s\r\nEND\r\n", payload);
}

/* "VERSION\nhost|ip|port …\n" of the first `count` servers from `first` on. */
static const char *list(unsigned version, size_t first, size_t count)
{
    static char text[256];
    int length = snprintf(text, sizeof text, "%u\n", version);
    for (size_t i = first; i < first + count; i++) {
        length += snprintf(text + length, sizeof text - (size_t)length, "%s127.0.0.1|127.0.0.1|%u",
                           i > first ? " " : "", servers[i].port);
    }
    snprintf(text + length, sizeof text - (size_t)length, "\n");
    return text;
}

static void shake_hands(void)
{
    const struct scripted_step hello[] = {ACCEPT, HANDSHAKE};
    for (size_t i = 0; i < STEPS(hello); i++) {
        say(hello[i]);
    }
}

static int begin_script(void **state)
{
    (void)state;
    step_count = 0;
    errors = 0;
    client = NULL;
    endpoint = NULL;
    shake_hands();
    return 0;
}

/* ------------------------------------------------------------------ the client's part */

static void hear(void *user_data, const emc_cluster_event *event)
{
    (void)user_data;
    if (event->kind == EMC_EVENT_DISCOVERY_ERROR) {
        errors++;
        snprintf(last_error, sizeof last_error, "%s", event->reason);
    }
}

static emc_options discovering(void)
{
    emc_options options = patient_options();
    options.discovery = EMC_DISCOVERY_CLUSTER;
    options.discovery_interval_ms = 100;
    options.connections_max = 1;
    return options;
}

static void open_on_endpoint(void)
{
    emc_options options = discovering();
    say((struct scripted_step){.action = SCRIPTED_LET_GO});
    endpoint = scripted_server_start(steps, step_count);
    client = open_client_at(scripted_server_address(endpoint), &options);
    assert_int_equal(emc_cluster_subscribe(emc_client_cluster_management(client), hear, NULL, NULL), EMC_OK);
}

static void play_to_the_end(void)
{
    uint64_t until = clock_ms() + PATIENCE_MS;
    while (scripted_server_progress(endpoint) < step_count && clock_ms() < until) {
        emc_client_wait(client, 5);
    }
    run_for(client, 50); /* what was said last arrives, and on a busy machine the next question may be out */
    scripted_server_end(endpoint);
}

static size_t count_nodes(void)
{
    emc_node_list *nodes = NULL;
    assert_int_equal(emc_cluster_nodes(emc_client_cluster_management(client), &nodes), EMC_OK);
    size_t count = nodes->count;
    emc_node_list_destroy(nodes);
    return count;
}

static void serves(void)
{
    char key[16];
    for (int i = 0; i < 20; i++) {
        int length = snprintf(key, sizeof key, "key-%d", i);
        assert_int_equal(emc_set(client, key, (size_t)length, EMC_STR("v"), 0, 0, NULL), EMC_OK);
    }
}

/* The script says this after a good list, and a good list after it; the cluster stays as it was meanwhile. closes: the client leaves the connection. */
static void expect_useless(const char *reply, size_t length, bool closes, const char *words)
{
    configuration(SCRIPTED_SEND, list(5, 0, 1));
    say((struct scripted_step)QUESTION);
    say((struct scripted_step){SCRIPTED_SEND, reply, length});
    if (closes) {
        say((struct scripted_step)EXPECT_END);
        shake_hands();
    }
    configuration(SCRIPTED_SEND, list(6, 0, 2));
    open_on_endpoint();
    while (errors == 0) {
        emc_client_wait(client, 5);
    }
    if (strstr(last_error, words) == NULL) {
        fail_msg("\"%s\" lacks \"%s\"", last_error, words);
    }
    assert_int_equal(count_nodes(), 1);
    serves();
    play_to_the_end();
    assert_int_equal(count_nodes(), 2);
    assert_int_equal(errors, 1);
    emc_client_destroy(client);
}

/* ------------------------------------------------------------------ */

static void only_newer_versions_are_applied_and_what_stays_keeps_its_connection(void **state)
{
    (void)state;
    emc_pool_metrics metrics;
    configuration(SCRIPTED_SEND, list(5, 0, 1));
    configuration(SCRIPTED_SEND, list(5, 1, 1));
    configuration(SCRIPTED_SEND, list(4, 1, 1));
    configuration(SCRIPTED_SEND_BY_BYTE, list(6, 0, 2));
    open_on_endpoint();
    serves();
    assert_int_equal(count_nodes(), 1);
    play_to_the_end();
    serves();
    assert_int_equal(count_nodes(), 2);
    assert_int_equal(errors, 0);
    assert_int_equal(
        emc_cluster_connection_pool_metrics(emc_client_cluster_management(client), &servers[0].address, &metrics),
        EMC_OK);
    assert_int_equal(metrics.connections_created, 1);
    emc_client_destroy(client);
}

#define USELESS(text, words) expect_useless((text), sizeof(text) - 1, false, (words))

static void an_empty_list_changes_nothing_and_is_reported(void **state)
{
    (void)state;
    USELESS("CONFIG cluster 0 3\r\n6\n\n\r\nEND\r\n", "no nodes");
}

static void a_malformed_list_changes_nothing_and_is_reported(void **state)
{
    (void)state;
    USELESS("CONFIG cluster 0 15\r\n6\n127.0.0.1:11\n\r\nEND\r\n", "host|ip|port");
}

static void no_configuration_changes_nothing_and_is_reported(void **state)
{
    (void)state;
    USELESS("END\r\n", "without a configuration");
}

static void an_oversized_configuration_changes_nothing_and_is_reported(void **state)
{
    (void)state;
    static char reply[OVERSIZED + 64];
    int length = snprintf(reply, sizeof reply, "CONFIG cluster 0 %d\r\n", OVERSIZED);
    memset(reply + length, ' ', OVERSIZED);
    memcpy(reply + length, "6\nh||1", 6);
    memcpy(reply + length + OVERSIZED, "\r\nEND\r\n", 7);
    expect_useless(reply, (size_t)length + OVERSIZED + 7, true, "too long");
}

static void a_broken_stream_changes_nothing_and_is_reported(void **state)
{
    (void)state;
    configuration(SCRIPTED_SEND, list(5, 0, 1));
    say((struct scripted_step)QUESTION);
    say((struct scripted_step)SEND("CONFIG cluster 0 400\r\n6\n127.0"));
    say((struct scripted_step)RESET);
    shake_hands();
    configuration(SCRIPTED_SEND, list(6, 0, 2));
    open_on_endpoint();
    play_to_the_end();
    assert_int_equal(errors, 1);
    assert_int_equal(count_nodes(), 2);
    serves();
    emc_client_destroy(client);
}

static void an_old_engine_tells_its_list_under_a_key(void **state)
{
    (void)state;
    say((struct scripted_step)QUESTION);
    say((struct scripted_step)SEND("ERROR\r\n"));
    say((struct scripted_step)EXPECT("get " OLD_KEY "\r\n"));
    say_bytes(SCRIPTED_SEND, "VALUE " OLD_KEY " 0 %zu\r\n%s\r\nEND\r\n", list(2, 0, 2));
    open_on_endpoint();
    play_to_the_end();
    assert_int_equal(count_nodes(), 2);
    serves();
    emc_client_destroy(client);
}

/* ------------------------------------------------------------------ creation */

static uint64_t creation_fails(emc_address address, const emc_options *options, emc_status status, const char *words)
{
    emc_error error = {EMC_OK, ""};
    emc_client *none = NULL;
    uint64_t begin = clock_ms();
    assert_int_equal(emc_client_create(&none, &address, 1, options, &error), status);
    assert_null(none);
    if (strstr(error.message, words) == NULL) {
        fail_msg("\"%s\" lacks \"%s\"", error.message, words);
    }
    return clock_ms() - begin;
}

static void a_plain_memcached_is_no_endpoint_and_creation_says_so_at_once(void **state)
{
    (void)state;
    emc_options options = discovering();
    assert_in_range(creation_fails(servers[0].address, &options, EMC_ERROR_UNSUPPORTED, "no cluster configuration"), 0,
                    5000);
}

static void creation_waits_for_the_first_list_no_longer_than_its_bound(void **state)
{
    (void)state;
    emc_options options = discovering();
    options.discovery_start_timeout_ms = 400;
    options.discovery_timeout_ms = 100;
    say((struct scripted_step)QUESTION);
    say((struct scripted_step)STALL);
    endpoint = scripted_server_start(steps, step_count);
    assert_in_range(creation_fails(scripted_server_address(endpoint), &options, EMC_ERROR_NO_NODES, "no answer"), 350,
                    10000);
    scripted_server_abandon(endpoint);
}

static void creation_tells_why_nobody_answers(void **state)
{
    (void)state;
    emc_options options = discovering();
    options.discovery_start_timeout_ms = 1500;
    creation_fails(emc_address_tcp("127.0.0.1", free_port()), &options, EMC_ERROR_NO_NODES, "refused");
}

static void with_no_time_to_wait_operations_fail_until_the_list_is_there(void **state)
{
    (void)state;
    emc_options options = discovering();
    emc_item item = {0};
    options.discovery_start_timeout_ms = 0;
    say((struct scripted_step)STALL);
    configuration(SCRIPTED_SEND, list(1, 0, 2));
    endpoint = scripted_server_start(steps, step_count);
    client = open_client_at(scripted_server_address(endpoint), &options);
    assert_int_equal(emc_get(client, EMC_STR("k"), &item, NULL), EMC_ERROR_NO_NODES);
    scripted_server_continue(endpoint);
    play_to_the_end();
    serves();
    emc_client_destroy(client);
}

/* ------------------------------------------------------------------ trouble */

static void when_a_node_dies_the_endpoint_is_asked_at_once_on_a_new_connection(void **state)
{
    (void)state;
    emc_options options = discovering();
    options.discovery_interval_ms = 600000;
    configuration(SCRIPTED_SEND, list(1, 0, 2));
    say((struct scripted_step)EXPECT_END);
    shake_hands();
    configuration(SCRIPTED_SEND, list(2, 0, 1));
    endpoint = scripted_server_start(steps, step_count);
    client = open_client_at(scripted_server_address(endpoint), &options);
    serves();
    server_kill(&servers[1]);
    play_to_the_end();
    assert_int_equal(count_nodes(), 1);
    serves();
    emc_client_destroy(client);
    server_restart(&servers[1]);
}

static int start_servers(void **state)
{
    (void)state;
    server_start(&servers[0], NULL);
    server_start(&servers[1], NULL);
    return 0;
}

static int stop_servers(void **state)
{
    (void)state;
    server_kill(&servers[0]);
    server_kill(&servers[1]);
    return 0;
}

int main(void)
{
#define SCRIPT_TEST(name) cmocka_unit_test_setup(name, begin_script)
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(only_newer_versions_are_applied_and_what_stays_keeps_its_connection),
        SCRIPT_TEST(an_empty_list_changes_nothing_and_is_reported),
        SCRIPT_TEST(a_malformed_list_changes_nothing_and_is_reported),
        SCRIPT_TEST(no_configuration_changes_nothing_and_is_reported),
        SCRIPT_TEST(an_oversized_configuration_changes_nothing_and_is_reported),
        SCRIPT_TEST(a_broken_stream_changes_nothing_and_is_reported),
        SCRIPT_TEST(an_old_engine_tells_its_list_under_a_key),
        SCRIPT_TEST(a_plain_memcached_is_no_endpoint_and_creation_says_so_at_once),
        SCRIPT_TEST(creation_waits_for_the_first_list_no_longer_than_its_bound),
        SCRIPT_TEST(creation_tells_why_nobody_answers),
        SCRIPT_TEST(with_no_time_to_wait_operations_fail_until_the_list_is_there),
        SCRIPT_TEST(when_a_node_dies_the_endpoint_is_asked_at_once_on_a_new_connection),
    };
    return cmocka_run_group_tests(tests, start_servers, stop_servers);
}
