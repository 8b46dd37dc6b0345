/* The trace: every operation is told at its beginning and its end, once each, with what it was about. And the key prefix, which the trace shows as it goes
 * on the wire. */
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

#define EVENTS_MAX 64

/* An event with copies of what it points to. */
struct seen {
    emc_trace_event event;
    char key[64];
    bool has_node;
};

static struct server servers[2];
static emc_client *client;
static struct seen seen[EVENTS_MAX];
static size_t count;

static void note(void *context, const emc_trace_event *event)
{
    assert_ptr_equal(context, &count);
    assert_in_range(count, 0, EVENTS_MAX - 1);
    struct seen *entry = &seen[count++];
    *entry = (struct seen){.event = *event, .has_node = event->node != NULL};
    if (event->key != NULL) {
        assert_in_range(event->key_length, 1, sizeof entry->key - 1);
        memcpy(entry->key, event->key, event->key_length);
    }
    if (event->node != NULL) {
        assert_true(emc_address_equal(event->node, &servers[0].address) ||
                    emc_address_equal(event->node, &servers[1].address));
    }
}

static int start(void **state)
{
    (void)state;
    server_start(&servers[0], NULL);
    server_start(&servers[1], NULL);
    return 0;
}

static int stop_all(void **state)
{
    (void)state;
    server_kill(&servers[0]);
    server_kill(&servers[1]);
    return 0;
}

static int open_session(void **state)
{
    (void)state;
    emc_options options = patient_options();
    options.trace = note;
    options.trace_context = &count;
    options.key_prefix = "app:";
    client = open_client(servers, 2, &options);
    count = 0;
    return 0;
}

static int close_session(void **state)
{
    (void)state;
    emc_client_destroy(client);
    return 0;
}

/* The two events of the only operation so far. */
static void expect_pair(const char *command, const char *key, size_t bytes_begun, size_t bytes_ended, emc_status status)
{
    assert_int_equal(count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(seen[i].event.command, command);
        assert_string_equal(seen[i].key, key);
        assert_true(seen[i].has_node);
        assert_int_equal(seen[i].event.ended, i == 1);
        assert_int_equal(seen[i].event.keys, key[0] != 0);
    }
    assert_true(seen[0].event.operation == seen[1].event.operation);
    assert_int_equal(seen[0].event.bytes, bytes_begun);
    assert_int_equal(seen[1].event.bytes, bytes_ended);
    assert_true(seen[0].event.duration_ns == 0);
    assert_true(seen[1].event.duration_ns > 0);
    assert_int_equal(seen[0].event.status, EMC_OK);
    assert_int_equal(seen[1].event.status, status);
    count = 0;
}

static void every_kind_of_command_is_told_twice(void **state)
{
    (void)state;
    emc_item item = {0};
    char version[EMC_VERSION_TEXT_SIZE];
    assert_int_equal(emc_set(client, EMC_STR("k"), EMC_STR("value"), 0, 0, NULL), EMC_OK);
    expect_pair("set", "app:k", 5, 0, EMC_OK);
    assert_int_equal(emc_get(client, EMC_STR("k"), &item, NULL), EMC_OK);
    emc_item_release(&item);
    expect_pair("get", "app:k", 0, 5, EMC_OK);
    assert_int_equal(emc_gat(client, EMC_STR("none"), 9, &item, NULL), EMC_MISS);
    expect_pair("gat", "app:none", 0, 0, EMC_MISS);
    assert_int_equal(emc_incr(client, EMC_STR("k"), 1, NULL, NULL), EMC_ERROR_CLIENT);
    expect_pair("incr", "app:k", 0, 0, EMC_ERROR_CLIENT);
    assert_int_equal(emc_meta_delete(client, EMC_STR("k"), NULL, NULL, NULL), EMC_OK);
    expect_pair("md", "app:k", 0, 0, EMC_OK);
    assert_int_equal(emc_version(client, &servers[0].address, version, NULL), EMC_OK);
    expect_pair("version", "", 0, strlen(version), EMC_OK);
}

static void a_bulk_call_is_one_operation_with_all_its_bytes(void **state)
{
    (void)state;
    emc_key keys[3] = {{EMC_STR("a")}, {EMC_STR("b")}, {EMC_STR("none")}};
    emc_item items[3];
    assert_int_equal(emc_set(client, EMC_STR("a"), EMC_STR("four"), 0, 0, NULL), EMC_OK);
    assert_int_equal(emc_set(client, EMC_STR("b"), EMC_STR("three"), 0, 0, NULL), EMC_OK);
    count = 0;
    assert_int_equal(emc_get_many(client, keys, 3, items, NULL), EMC_OK);
    emc_items_release(items, 3);
    assert_int_equal(count, 2);
    assert_int_equal(seen[0].event.keys, 3);
    assert_int_equal(seen[1].event.bytes, 9);
    assert_true(seen[1].event.ended);
    assert_string_equal(seen[1].event.command, "get");
}

static void an_operation_that_is_refused_is_not_told_and_one_that_fails_is(void **state)
{
    (void)state;
    struct outcome outcome;
    uint64_t operation = 0;
    emc_call call = keep(&outcome);
    call.operation_out = &operation;
    assert_int_equal(emc_delete(client, EMC_STR("has space"), NULL), EMC_ERROR_KEY);
    assert_int_equal(count, 0);
    assert_int_equal(emc_delete_async(client, EMC_STR("k"), &call), EMC_OK);
    assert_int_equal(count, 1);
    assert_true(seen[0].event.operation == operation);
    assert_int_equal(emc_cancel(client, operation), EMC_OK);
    await(client, &outcome);
    expect_pair("delete", "app:k", 0, 0, EMC_ERROR_CANCELLED);
}

static void the_prefix_is_on_the_wire_and_not_in_what_is_told(void **state)
{
    (void)state;
    emc_key keys[1] = {{EMC_STR("shared")}};
    emc_item item = {0};
    struct outcome outcome;
    emc_call call = keep(&outcome);
    emc_client *plain = open_client(servers, 2, NULL);
    emc_cluster_management *view = emc_client_cluster_management(client);
    emc_node_list *list = NULL;
    assert_int_equal(emc_set(client, EMC_STR("shared"), EMC_STR("v"), 0, 0, NULL), EMC_OK);
    assert_int_equal(emc_get(plain, EMC_STR("shared"), &item, NULL), EMC_MISS);
    /* Routing goes by the key alone, so the plain client must be told where the prefixed one is. */
    assert_int_equal(emc_cluster_node_for_key(view, EMC_STR("shared"), &list), EMC_OK);
    emc_call routed = {.routing_key = "shared", .routing_key_length = 6};
    assert_int_equal(emc_get(plain, EMC_STR("app:shared"), &item, &routed), EMC_OK);
    assert_string_equal(item.value, "v");
    emc_item_release(&item);
    assert_int_equal(emc_get_many_async(client, keys, 1, &call), EMC_OK);
    await(client, &outcome);
    assert_string_equal(outcome.value, "v");
    emc_node_list_destroy(list);
    emc_client_destroy(plain);
}

static void key_and_prefix_share_the_limit(void **state)
{
    (void)state;
    char key[250];
    memset(key, 'k', sizeof key);
    emc_item item = {0};
    assert_int_equal(emc_get(client, key, 247, &item, NULL), EMC_ERROR_KEY);
    assert_non_null(strstr(emc_client_error_message(client), "prefix"));
    count = 0;
}

int main(void)
{
#define TRACE_TEST(name) cmocka_unit_test_setup_teardown(name, open_session, close_session)
    const struct CMUnitTest tests[] = {
        TRACE_TEST(every_kind_of_command_is_told_twice),
        TRACE_TEST(a_bulk_call_is_one_operation_with_all_its_bytes),
        TRACE_TEST(an_operation_that_is_refused_is_not_told_and_one_that_fails_is),
        TRACE_TEST(the_prefix_is_on_the_wire_and_not_in_what_is_told),
        TRACE_TEST(key_and_prefix_share_the_limit),
    };
    return cmocka_run_group_tests(tests, start, stop_all);
}
