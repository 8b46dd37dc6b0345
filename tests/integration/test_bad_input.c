/* What the server would wrap, misread or run as a command is refused before a byte is sent, in words that name the argument.
 *
 * The server here is a scripted one: it says `version`, and any byte more fails the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <emcache.h>

#include "scripted_server.h"
#include "session.h"

static const struct scripted_step greeting[] = {ACCEPT, HANDSHAKE};
static struct scripted_server *server;
static emc_client *client;

static int open_session(void **state)
{
    (void)state;
    server = scripted_server_start(greeting, STEPS(greeting));
    client = open_client_at(scripted_server_address(server), NULL);
    uint64_t end = clock_ms() + PATIENCE_MS;
    while (scripted_server_progress(server) < STEPS(greeting) && clock_ms() < end) {
        emc_client_wait(client, 5);
    }
    return 0;
}

static int close_session(void **state)
{
    (void)state;
    run_for(client, 20);
    scripted_server_end(server);
    emc_client_destroy(client);
    return 0;
}

static void never(void *user_data, const emc_result *result)
{
    (void)user_data;
    (void)result;
    fail_msg("a refused operation must not call back");
}

static const emc_call unheard = {.callback = never};

/* Refused with this status, in words that hold `word`. */
static void refused(emc_status got, emc_status expected, const char *word)
{
    assert_int_equal(got, expected);
    const char *message = emc_client_error_message(client);
    if (strstr(message, word) == NULL) {
        fail_msg("the message '%s' does not say '%s'", message, word);
    }
}

static void check_key(const void *key, size_t length)
{
    emc_item item;
    emc_key list[2] = {{EMC_STR("good")}, {key, length}};
    emc_status statuses[2];
    emc_item items[2];
    refused(emc_get(client, key, length, &item, NULL), EMC_ERROR_KEY, "key");
    refused(emc_get_async(client, key, length, &unheard), EMC_ERROR_KEY, "key");
    refused(emc_gets(client, key, length, &item, NULL), EMC_ERROR_KEY, "key");
    refused(emc_gat(client, key, length, 1, &item, NULL), EMC_ERROR_KEY, "key");
    refused(emc_gats(client, key, length, 1, &item, NULL), EMC_ERROR_KEY, "key");
    refused(emc_set(client, key, length, EMC_STR("v"), 0, 0, NULL), EMC_ERROR_KEY, "key");
    refused(emc_set_async(client, key, length, EMC_STR("v"), 0, 0, &unheard), EMC_ERROR_KEY, "key");
    refused(emc_add(client, key, length, EMC_STR("v"), 0, 0, NULL), EMC_ERROR_KEY, "key");
    refused(emc_replace(client, key, length, EMC_STR("v"), 0, 0, NULL), EMC_ERROR_KEY, "key");
    refused(emc_append(client, key, length, EMC_STR("v"), NULL), EMC_ERROR_KEY, "key");
    refused(emc_prepend(client, key, length, EMC_STR("v"), NULL), EMC_ERROR_KEY, "key");
    refused(emc_cas(client, key, length, EMC_STR("v"), 0, 0, 1, NULL), EMC_ERROR_KEY, "key");
    refused(emc_delete(client, key, length, NULL), EMC_ERROR_KEY, "key");
    refused(emc_incr(client, key, length, 1, NULL, NULL), EMC_ERROR_KEY, "key");
    refused(emc_decr(client, key, length, 1, NULL, NULL), EMC_ERROR_KEY, "key");
    refused(emc_touch(client, key, length, 1, NULL), EMC_ERROR_KEY, "key");
    refused(emc_get_many(client, list, 2, items, NULL), EMC_ERROR_KEY, "key");
    refused(emc_get_many_async(client, list, 2, &unheard), EMC_ERROR_KEY, "key");
    refused(emc_delete_many(client, list, 2, statuses, NULL), EMC_ERROR_KEY, "key");
}

static void an_empty_key_is_refused_by_every_command(void **state)
{
    (void)state;
    check_key("", 0);
}

static void a_key_of_251_bytes_is_refused_by_every_command(void **state)
{
    (void)state;
    char key[251];
    memset(key, 'k', sizeof key);
    check_key(key, sizeof key);
}

static void a_key_with_a_space_a_control_byte_or_a_line_end_is_refused(void **state)
{
    (void)state;
    check_key("a b", 3);
    check_key("a\r\nflush_all\r\n", 14);
    check_key("\0", 1);
    check_key("tab\t", 4);
    check_key("del\x7f", 4);
    check_key("\x01", 1);
}

static void an_expiry_the_server_would_wrap_is_refused(void **state)
{
    (void)state;
    static const int64_t bad[] = {-2, 2147483648, 4294967396, INT64_MIN, INT64_MAX};
    emc_item item;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        refused(emc_set(client, EMC_STR("k"), EMC_STR("v"), bad[i], 0, NULL), EMC_ERROR_ARGUMENT, "exptime");
        refused(emc_set_async(client, EMC_STR("k"), EMC_STR("v"), bad[i], 0, &unheard), EMC_ERROR_ARGUMENT, "exptime");
        refused(emc_add(client, EMC_STR("k"), EMC_STR("v"), bad[i], 0, NULL), EMC_ERROR_ARGUMENT, "exptime");
        refused(emc_replace(client, EMC_STR("k"), EMC_STR("v"), bad[i], 0, NULL), EMC_ERROR_ARGUMENT, "exptime");
        refused(emc_cas(client, EMC_STR("k"), EMC_STR("v"), bad[i], 0, 1, NULL), EMC_ERROR_ARGUMENT, "exptime");
        refused(emc_touch(client, EMC_STR("k"), bad[i], NULL), EMC_ERROR_ARGUMENT, "exptime");
        refused(emc_gat(client, EMC_STR("k"), bad[i], &item, NULL), EMC_ERROR_ARGUMENT, "exptime");
    }
}

static void flags_beyond_32_bits_are_refused(void **state)
{
    (void)state;
    refused(emc_set(client, EMC_STR("k"), EMC_STR("v"), 0, 4294967296u, NULL), EMC_ERROR_ARGUMENT, "flags");
    refused(emc_add(client, EMC_STR("k"), EMC_STR("v"), 0, UINT64_MAX, NULL), EMC_ERROR_ARGUMENT, "flags");
    emc_store_item items[1] = {{{EMC_STR("k")}, "v", 1, 0, 4294967301u}};
    emc_status statuses[1];
    refused(emc_set_many(client, items, 1, statuses, NULL), EMC_ERROR_ARGUMENT, "flags");
}

static void a_cas_value_of_zero_is_refused(void **state)
{
    (void)state;
    refused(emc_cas(client, EMC_STR("k"), EMC_STR("v"), 0, 0, 0, NULL), EMC_ERROR_ARGUMENT, "cas");
}

static void a_call_that_contradicts_itself_is_refused(void **state)
{
    (void)state;
    emc_item item;
    refused(emc_get(client, EMC_STR("k"), &item, &unheard), EMC_ERROR_ARGUMENT, "callback");
    refused(emc_set(client, EMC_STR("k"), NULL, 5, 0, 0, NULL), EMC_ERROR_ARGUMENT, "value");
    emc_call strange = {.options = 1u << 31};
    refused(emc_set(client, EMC_STR("k"), EMC_STR("v"), 0, 0, &strange), EMC_ERROR_ARGUMENT, "options");
}

static void words_for_a_node_can_not_become_a_second_command(void **state)
{
    (void)state;
    emc_address node = scripted_server_address(server);
    refused(emc_stats_async(client, &node, "items\r\nflush_all", &unheard), EMC_ERROR_ARGUMENT, "argument");
    refused(emc_flush_all(client, &node, 2592001, NULL), EMC_ERROR_ARGUMENT, "delay");
    emc_address nobody = emc_address_tcp("127.0.0.1", 1);
    refused(emc_flush_all(client, &nobody, 0, NULL), EMC_ERROR_UNKNOWN_NODE, "node: 127.0.0.1:1 is not in the cluster");
}

/* ------------------------------------------------------------------ creation */

static void not_created(const emc_address *nodes, size_t count, const emc_options *options, emc_status expected,
                        const char *word)
{
    static char anything;
    emc_client *unborn = (emc_client *)(void *)&anything; /* it must stay as it is */
    emc_error error = {EMC_OK, ""};
    assert_int_equal(emc_client_create(&unborn, nodes, count, options, &error), expected);
    assert_ptr_equal(unborn, &anything);
    assert_int_equal(error.status, expected);
    if (strstr(error.message, word) == NULL) {
        fail_msg("the message '%s' does not say '%s'", error.message, word);
    }
}

static void a_list_of_nodes_that_makes_no_sense_is_refused(void **state)
{
    (void)state;
    static char long_host[300], long_path[200];
    memset(long_host, 'h', sizeof long_host - 1);
    memset(long_path, '/', sizeof long_path - 1);
    emc_address good[2] = {emc_address_tcp("localhost", 11211), emc_address_tcp("localhost", 11211)};
    not_created(good, 0, NULL, EMC_ERROR_ARGUMENT, "node");
    not_created(good, 2, NULL, EMC_ERROR_DUPLICATE, "localhost");
    emc_address bad[] = {emc_address_tcp("localhost", 0), emc_address_tcp("localhost", 70000),
                         emc_address_tcp("", 1),          emc_address_tcp(NULL, 1),
                         emc_address_tcp(long_host, 1),   emc_address_unix(""),
                         emc_address_unix(long_path),     emc_address_unix(NULL)};
    static const char *const words[] = {"port", "port", "host", "host", "host", "path", "path", "path"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        not_created(&bad[i], 1, NULL, EMC_ERROR_ARGUMENT, words[i]);
    }
}

static void options_out_of_their_range_are_refused_by_name(void **state)
{
    (void)state;
    emc_address node = emc_address_tcp("localhost", 11211);
    emc_options options = emc_options_default();
    options.connections_min = 3;
    options.connections_max = 2;
    not_created(&node, 1, &options, EMC_ERROR_ARGUMENT, "connections_min: 3; it is 0 to connections_max, 2");
    options = emc_options_default();
    options.connections_max = 65;
    not_created(&node, 1, &options, EMC_ERROR_ARGUMENT, "connections_max");
    options = emc_options_default();
    options.timeout_ms = 0;
    not_created(&node, 1, &options, EMC_ERROR_ARGUMENT, "timeout_ms");
    options = emc_options_default();
    options.backoff_min_ms = 2000;
    not_created(&node, 1, &options, EMC_ERROR_ARGUMENT, "backoff_min_ms: 2000; it is 1 to backoff_max_ms, 1000");
    options = emc_options_default();
    options.routing = (emc_routing_kind)99;
    not_created(&node, 1, &options, EMC_ERROR_ARGUMENT, "routing");
    options = emc_options_default();
    options.username = "only";
    not_created(&node, 1, &options, EMC_ERROR_ARGUMENT, "password");
    options = emc_options_default();
    options.username = "user\r\n";
    options.password = "secret-word";
    not_created(&node, 1, &options, EMC_ERROR_ARGUMENT, "username");
    options = emc_options_default();
    options.key_prefix = "a prefix";
    not_created(&node, 1, &options, EMC_ERROR_ARGUMENT, "key_prefix");
    options = emc_options_default();
    options.size = 3;
    not_created(&node, 1, &options, EMC_ERROR_ARGUMENT, "size");
}

static void an_added_node_is_checked_like_the_first_ones(void **state)
{
    (void)state;
    emc_cluster_management *view = emc_client_cluster_management(client);
    emc_error error = {EMC_OK, ""};
    emc_address same = scripted_server_address(server);
    emc_address bad_port = emc_address_tcp("localhost", 70000);
    emc_address good = emc_address_tcp("localhost", 1);
    assert_int_equal(emc_cluster_add_node(view, &same, 100, &error), EMC_ERROR_DUPLICATE);
    assert_int_equal(emc_cluster_add_node(view, &bad_port, 100, &error), EMC_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "port"));
    assert_int_equal(emc_cluster_add_node(view, &good, 0, &error), EMC_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "weight"));
    assert_int_equal(emc_cluster_remove_node(view, &good, &error), EMC_ERROR_UNKNOWN_NODE);
    assert_int_equal(emc_cluster_remove_node(view, &same, &error), EMC_ERROR_ARGUMENT);
    assert_int_equal(emc_cluster_set_weight(view, &same, 0, &error), EMC_ERROR_ARGUMENT);
}

static void a_key_can_be_checked_before_any_command(void **state)
{
    (void)state;
    char long_key[251];
    emc_error error;
    memset(long_key, 'k', sizeof long_key);
    assert_int_equal(emc_key_validate(long_key, 250, NULL), EMC_OK);
    assert_int_equal(emc_key_validate(long_key, 251, &error), EMC_ERROR_KEY);
    assert_non_null(strstr(error.message, "key"));
    assert_int_equal(emc_key_validate("", 0, &error), EMC_ERROR_KEY);
    assert_int_equal(emc_key_validate(NULL, 3, &error), EMC_ERROR_KEY);
    assert_int_equal(emc_key_validate(EMC_STR("a b"), NULL), EMC_ERROR_KEY);
    assert_int_equal(emc_key_validate(EMC_STR("a\r\nflush_all"), NULL), EMC_ERROR_KEY);
}

/* Which of a thousand keys is it? */
static void the_bad_one_of_many_is_told(void **state)
{
    (void)state;
    const emc_key keys[] = {{EMC_STR("good")}, {EMC_STR("good too")}};
    const emc_store_item items[] = {{{EMC_STR("a")}, EMC_STR("v"), 0, 0}, {{EMC_STR("b")}, EMC_STR("v"), -5, 0}};
    emc_item got[2];
    emc_status statuses[2];
    refused(emc_get_many(client, keys, 2, got, NULL), EMC_ERROR_KEY, "keys[1]: byte 0x20 at position 4");
    assert_int_equal(got[0].status, EMC_ERROR_KEY);
    refused(emc_delete_many(client, keys, 2, statuses, NULL), EMC_ERROR_KEY, "keys[1]: byte 0x20 at position 4");
    refused(emc_set_many(client, items, 2, statuses, NULL), EMC_ERROR_ARGUMENT, "items[1].exptime: -5");
    assert_int_equal(statuses[0], EMC_ERROR_ARGUMENT);
}

static void what_is_missing_is_refused(void **state)
{
    (void)state;
    emc_item item;
    emc_status answer;
    refused(emc_get(client, NULL, 1, &item, NULL), EMC_ERROR_KEY, "key: NULL");
    refused(emc_get_async(client, EMC_STR("k"), NULL), EMC_ERROR_ARGUMENT, "call: NULL");
    refused(emc_get_many(client, NULL, 1, &item, NULL), EMC_ERROR_ARGUMENT, "keys: NULL");
    refused(emc_delete_many(client, NULL, 1, &answer, NULL), EMC_ERROR_ARGUMENT, "keys: NULL");
    refused(emc_set_many(client, NULL, 1, &answer, NULL), EMC_ERROR_ARGUMENT, "items: NULL");
    refused(emc_flush_all(client, NULL, 0, NULL), EMC_ERROR_ARGUMENT, "node: NULL");
    not_created(NULL, 1, NULL, EMC_ERROR_ARGUMENT, "nodes: NULL");
    emc_cluster_management *view = emc_client_cluster_management(client);
    emc_error error = {EMC_OK, ""};
    emc_node_state node_state;
    emc_pool_metrics metrics;
    assert_int_equal(emc_cluster_add_node(view, NULL, 100, &error), EMC_ERROR_ARGUMENT);
    assert_string_equal(error.message, "node: NULL");
    assert_int_equal(emc_cluster_remove_node(view, NULL, NULL), EMC_ERROR_ARGUMENT);
    assert_int_equal(emc_cluster_set_weight(view, NULL, 100, NULL), EMC_ERROR_ARGUMENT);
    assert_int_equal(emc_cluster_replace_nodes(view, NULL, 1, NULL), EMC_ERROR_ARGUMENT);
    assert_int_equal(emc_cluster_node_state(view, NULL, &node_state), EMC_ERROR_UNKNOWN_NODE);
    assert_int_equal(emc_cluster_connection_pool_metrics(view, NULL, &metrics), EMC_ERROR_UNKNOWN_NODE);
    assert_int_equal(emc_cluster_subscribe(view, NULL, NULL, NULL), EMC_ERROR_ARGUMENT);
}

/* options.operations_max counts a bulk call as one. */
static void a_full_client_refuses_a_bulk_call_too(void **state)
{
    (void)state;
    static const struct scripted_step conversation[] = {ACCEPT,          HANDSHAKE,           EXPECT("get k\r\n"),
                                                        SEND("END\r\n"), EXPECT("get k\r\n"), SEND("END\r\n")};
    struct scripted_server *asked = scripted_server_start(conversation, STEPS(conversation));
    emc_options options = patient_options();
    options.operations_max = 1;
    emc_client *full = open_client_at(scripted_server_address(asked), &options);
    struct outcome first, second;
    emc_call call = keep(&first), refused_call = keep(&second);
    const emc_key key = {EMC_STR("k")};
    assert_int_equal(emc_get_async(full, EMC_STR("k"), &call), EMC_OK);
    assert_int_equal(emc_get_many_async(full, &key, 1, &refused_call), EMC_ERROR_FULL);
    assert_non_null(strstr(emc_client_error_message(full), "1 operations are under way, and options.operations_max"));
    await(full, &first);
    assert_int_equal(emc_get_many_async(full, &key, 1, &refused_call), EMC_OK);
    await(full, &second);
    emc_client_destroy(full);
    scripted_server_end(asked);
}

int main(void)
{
#define SESSION_TEST(name) cmocka_unit_test_setup_teardown(name, open_session, close_session)
    const struct CMUnitTest tests[] = {
        SESSION_TEST(an_empty_key_is_refused_by_every_command),
        SESSION_TEST(a_key_of_251_bytes_is_refused_by_every_command),
        SESSION_TEST(a_key_with_a_space_a_control_byte_or_a_line_end_is_refused),
        SESSION_TEST(an_expiry_the_server_would_wrap_is_refused),
        SESSION_TEST(flags_beyond_32_bits_are_refused),
        cmocka_unit_test(a_full_client_refuses_a_bulk_call_too),
        SESSION_TEST(a_cas_value_of_zero_is_refused),
        SESSION_TEST(a_call_that_contradicts_itself_is_refused),
        SESSION_TEST(words_for_a_node_can_not_become_a_second_command),
        SESSION_TEST(the_bad_one_of_many_is_told),
        SESSION_TEST(what_is_missing_is_refused),
        cmocka_unit_test(a_key_can_be_checked_before_any_command),
        cmocka_unit_test(a_list_of_nodes_that_makes_no_sense_is_refused),
        cmocka_unit_test(options_out_of_their_range_are_refused_by_name),
        SESSION_TEST(an_added_node_is_checked_like_the_first_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
