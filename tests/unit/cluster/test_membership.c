/* The membership through the view, on a transport in memory: refusals leave everything as it was, also when memory fails at any point. */
#include <stdio.h>

#include "../fake_transport.h"

static emc_cluster_management *view_of(struct fake *fake)
{
    return emc_client_cluster_management(fake->client);
}

static void expect_nodes(struct fake *fake, const char *expected)
{
    char text[512] = "";
    size_t length = 0;
    emc_node_list *list = NULL;
    assert_int_equal(emc_cluster_nodes(view_of(fake), &list), EMC_OK);
    for (size_t i = 0; i < list->count; i++) {
        emc_node_state state;
        assert_int_equal(emc_cluster_node_state(view_of(fake), &list->nodes[i], &state), EMC_OK);
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%s/%u", i > 0 ? " " : "",
                                   list->nodes[i].host, state.weight);
    }
    emc_node_list_destroy(list);
    assert_string_equal(text, expected);
}

static void bad_changes_are_refused_with_words_and_change_nothing(void **state)
{
    (void)state;
    struct fake *fake = fake_begin();
    emc_error error;
    fake_create(fake, 2);
    emc_cluster_management *view = view_of(fake);
    emc_address known = fake_node(1), second = fake_node(2), unknown = fake_node(3),
                no_port = emc_address_tcp("10.0.0.3", 0);
#define REFUSED(call, status, words)                     \
    do {                                                 \
        error.message[0] = '\0';                         \
        assert_int_equal(call, status);                  \
        expect_words(error.message, words);              \
        expect_nodes(fake, "10.0.0.1/100 10.0.0.2/100"); \
    } while (0)
    REFUSED(emc_cluster_add_node(view, &known, 100, &error), EMC_ERROR_DUPLICATE, "10.0.0.1:11211 is there twice");
    REFUSED(emc_cluster_add_node(view, &unknown, 0, &error), EMC_ERROR_ARGUMENT, "weight: 0");
    REFUSED(emc_cluster_add_node(view, &no_port, 100, &error), EMC_ERROR_ARGUMENT, "port");
    REFUSED(emc_cluster_remove_node(view, &unknown, &error), EMC_ERROR_UNKNOWN_NODE,
            "10.0.0.3:11211 is not in the cluster");
    REFUSED(emc_cluster_set_weight(view, &unknown, 5, &error), EMC_ERROR_UNKNOWN_NODE, "not in the cluster");
    REFUSED(emc_cluster_set_weight(view, &known, 0, &error), EMC_ERROR_ARGUMENT, "weight: 0");
    const emc_weighted_address bad[] = {{unknown, 100}, {known, 100}, {unknown, 100}},
                               weightless[] = {{unknown, 100}, {known, 0}};
    REFUSED(emc_cluster_replace_nodes(view, bad, 3, &error), EMC_ERROR_DUPLICATE, "twice");
    REFUSED(emc_cluster_replace_nodes(view, weightless, 2, &error), EMC_ERROR_ARGUMENT, "weight: 0");
    REFUSED(emc_cluster_replace_nodes(view, NULL, 0, &error), EMC_ERROR_ARGUMENT, "empty");
    assert_int_equal(emc_cluster_remove_node(view, &second, NULL), EMC_OK);
    assert_int_equal(emc_cluster_remove_node(view, &known, &error), EMC_ERROR_ARGUMENT);
    expect_words(error.message, "last one");
    expect_nodes(fake, "10.0.0.1/100");
    fake_end(fake);
}

static void changes_without_memory_are_made_wholly_or_not_at_all(void **state)
{
    (void)state;
    unsigned failed = 0;
    for (uint64_t nth = 1;; nth++) {
        struct fake *fake = fake_begin();
        fake_create(fake, 3);
        const emc_weighted_address list[] = {{fake_node(4), 100}, {fake_node(2), 200}, {fake_node(5), 100}};
        fake->fail_at = fake->requests + nth;
        emc_status status = emc_cluster_replace_nodes(view_of(fake), list, 3, NULL);
        fake->fail_at = 0;
        expect_nodes(fake, status == EMC_OK ? "10.0.0.4/100 10.0.0.2/200 10.0.0.5/100"
                                            : "10.0.0.1/100 10.0.0.2/100 10.0.0.3/100");
        bool reached = fake->failed > 0;
        failed += status == EMC_ERROR_MEMORY;
        fake_end(fake);
        if (!reached) {
            break;
        }
    }
    assert_true(failed >= 5);
}

static void a_list_is_a_snapshot(void **state)
{
    (void)state;
    struct fake *fake = fake_begin();
    emc_node_list *before = NULL;
    fake_create(fake, 2);
    assert_int_equal(emc_cluster_nodes(view_of(fake), &before), EMC_OK);
    emc_address first = fake_node(1), third = fake_node(3);
    assert_int_equal(emc_cluster_remove_node(view_of(fake), &first, NULL), EMC_OK);
    assert_int_equal(emc_cluster_add_node(view_of(fake), &third, 1, NULL), EMC_OK);
    fake_pass(fake);
    assert_int_equal(before->count, 2);
    assert_string_equal(before->nodes[0].host, "10.0.0.1");
    expect_nodes(fake, "10.0.0.2/100 10.0.0.3/1");
    fake_destroy(fake);
    assert_string_equal(before->nodes[1].host, "10.0.0.2");
    emc_node_list_destroy(before);
    fake_end(fake);
}

static void a_purged_node_that_no_memory_was_there_for_is_routed_to_later(void **state)
{
    (void)state;
    struct fake *fake = fake_begin();
    emc_node_list *list = NULL;
    fake->options.purge_unhealthy_nodes = true;
    fake->options.health_attempts = 1;
    fake_create(fake, 1);
    fake_refuse(fake_socket_at(fake, 0), EMC_ERROR_CONNECT, "refused");
    fake_pass(fake);
    assert_int_equal(emc_cluster_node_for_key(view_of(fake), "k", 1, &list), EMC_ERROR_NO_NODES);
    fake_run(fake, 1000);
    struct fake_socket *socket = fake_socket_at(fake, 1);
    fake_connect(socket);
    expect_sent(socket, "version\r\n");
    fake_inject(socket, "VERSION 1.6.18\r\n", 16);
    fake->fail_all = true;
    fake_readable(socket); /* healthy, but no router can be built */
    fake->fail_all = false;
    assert_int_equal(emc_cluster_node_for_key(view_of(fake), "k", 1, &list), EMC_ERROR_NO_NODES);
    fake_pass(fake);
    assert_int_equal(emc_cluster_node_for_key(view_of(fake), "k", 1, &list), EMC_OK);
    emc_node_list_destroy(list);
    fake_end(fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_changes_are_refused_with_words_and_change_nothing),
        cmocka_unit_test(changes_without_memory_are_made_wholly_or_not_at_all),
        cmocka_unit_test(a_list_is_a_snapshot),
        cmocka_unit_test(a_purged_node_that_no_memory_was_there_for_is_routed_to_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
