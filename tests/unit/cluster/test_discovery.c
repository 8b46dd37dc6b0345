/* Autodiscovery, word for word, on a transport in memory. */
#include <stdio.h>

#include "../fake_transport.h"

#define QUESTION "config get cluster\r\n"

static struct fake *begin(size_t endpoints)
{
    struct fake *fake = fake_begin();
    fake->options.discovery = EMC_DISCOVERY_CLUSTER;
    fake->options.discovery_interval_ms = 60000;
    fake->options.connections_max = 1;
    fake_create(fake, endpoints);
    fake_pass(fake);
    return fake;
}

static void answer(struct fake_socket *socket, const char *payload)
{
    char text[512];
    snprintf(text, sizeof text, "CONFIG cluster 0 %zu\r\n%s\r\nEND\r\n", strlen(payload), payload);
    expect_sent(socket, QUESTION);
    fake_reply(socket, text);
}

static void expect_nodes(struct fake *fake, const char *expected)
{
    char text[512] = "";
    size_t length = 0;
    emc_node_list *list = NULL;
    assert_int_equal(emc_cluster_nodes(emc_client_cluster_management(fake->client), &list), EMC_OK);
    for (size_t i = 0; i < list->count; i++) {
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%s", i > 0 ? " " : "", list->nodes[i].host);
    }
    emc_node_list_destroy(list);
    assert_string_equal(text, expected);
}

static void the_list_is_asked_for_and_followed_at_the_interval(void **state)
{
    (void)state;
    struct fake *fake = begin(1);
    struct fake_socket *endpoint = fake_handshake(fake, 0);
    emc_error error;
    assert_int_equal(emc__client_discovered(fake->client, &error), EMC_ERROR_NO_NODES);
    answer(endpoint, "1\n10.1.0.1||11211 10.1.0.2||11211");
    assert_int_equal(emc__client_discovered(fake->client, &error), EMC_OK);
    expect_nodes(fake, "10.1.0.1 10.1.0.2");
    fake_handshake(fake, 1);
    fake_handshake(fake, 2);
    fake_run(fake, 5000);
    expect_nothing_sent(endpoint);
    for (int i = 0; i < 11; i++) { /* answers its keepalive */
        fake_run(fake, 5000);
        for (size_t j = 0; j < 3; j++) {
            struct fake_socket *socket = fake_socket_at(fake, j);
            if (socket->sent.length == strlen("version\r\n")) {
                fake_forget_sent(socket);
                fake_reply(socket, "VERSION 1.6.18\r\n");
            }
        }
    }
    answer(endpoint, "2\n10.1.0.2||11211 10.1.0.3||11211");
    expect_nodes(fake, "10.1.0.2 10.1.0.3");
    assert_int_equal(fake->socket_count, 4); /* the one that stays was not connected to anew */
    fake_end(fake);
}

static void an_old_engine_is_asked_by_its_key(void **state)
{
    (void)state;
    struct fake *fake = begin(1);
    struct fake_socket *endpoint = fake_handshake(fake, 0);
    expect_sent(endpoint, QUESTION);
    fake_reply(endpoint, "ERROR\r\n");
    expect_sent(endpoint, "get AmazonElastiCache:cluster\r\n");
    fake_reply(endpoint, "VALUE AmazonElastiCache:cluster 0 19\r\n4\n10.1.0.9||11211\r\n\r\nEND\r\n");
    expect_nodes(fake, "10.1.0.9");
    fake_end(fake);
}

static void a_server_without_configuration_is_hopeless(void **state)
{
    (void)state;
    struct fake *fake = begin(1);
    struct fake_socket *endpoint = fake_handshake(fake, 0);
    emc_error error;
    expect_sent(endpoint, QUESTION);
    fake_reply(endpoint, "ERROR\r\n");
    expect_sent(endpoint, "get AmazonElastiCache:cluster\r\n");
    fake_reply(endpoint, "END\r\n");
    assert_int_equal(emc__client_discovered(fake->client, &error), EMC_ERROR_UNSUPPORTED);
    expect_words(error.message, "no cluster configuration");
    expect_words(error.message, "10.0.0.1:11211");
    struct told *told = ask_get(fake, "k");
    fake_pass(fake);
    expect_told(told, EMC_ERROR_NO_NODES);
    fake_end(fake);
}

static void after_a_failure_the_next_endpoint_is_asked_soon(void **state)
{
    (void)state;
    static const char *const useless[] = {"CONFIG cluster 0 8\r\nnonsense\r\nEND\r\n", "END\r\n",
                                          "CONFIG cluster 0 2\r\n5\n\r\nEND\r\n"};
    for (size_t i = 0; i < sizeof useless / sizeof useless[0]; i++) {
        struct fake *fake = begin(2);
        struct fake_socket *first = fake_handshake(fake, 0), *second = fake_handshake(fake, 1);
        expect_sent(first, QUESTION);
        fake_reply(first, useless[i]);
        expect_nothing_sent(second);
        fake_run(fake, 250);
        answer(second, "1\n10.1.0.1||11211");
        expect_nodes(fake, "10.1.0.1");
        fake_end(fake);
    }
}

static void an_answer_split_at_every_byte_is_the_same(void **state)
{
    (void)state;
    struct fake *fake = begin(1);
    struct fake_socket *endpoint = fake_handshake(fake, 0);
    expect_sent(endpoint, QUESTION);
    fake_reply_split(endpoint, "CONFIG cluster 0 34\r\n7\n10.1.0.1||11211 10.1.0.2||11211\n\r\nEND\r\n", 1);
    expect_nodes(fake, "10.1.0.1 10.1.0.2");
    fake_end(fake);
}

static void a_name_of_many_addresses_is_a_cluster(void **state)
{
    (void)state;
    struct fake *fake = fake_begin();
    emc_address name = emc_address_tcp("mc.example", 11211);
    fake->options.discovery = EMC_DISCOVERY_DNS;
    fake->options.connections_min = 0;
    assert_int_equal(fake_try_create(fake, &name, 1), EMC_OK);
    fake_pass(fake);
    struct fake_lookup *lookup = fake_lookup_at(fake, 0);
    assert_int_equal(lookup->kind, EMC__LOOKUP_ADDRESSES);
    fake_answer(fake, lookup, "10.1.0.1 10.1.0.2 fd00::1");
    expect_nodes(fake, "10.1.0.1 10.1.0.2 fd00::1");
    fake_run(fake, 29000);
    assert_int_equal(fake->lookup_count, 1);
    fake_run(fake, 1100); /* fake answers live 30 s */
    fake_answer(fake, fake_lookup_at(fake, 1), "");
    expect_nodes(fake, "10.1.0.1 10.1.0.2 fd00::1");
    fake_run(fake, 6100);
    fake_answer(fake, fake_lookup_at(fake, 2), "10.1.0.2");
    expect_nodes(fake, "10.1.0.1 10.1.0.2 fd00::1"); /* more than half gone: said once */
    fake_run(fake, 6100);
    fake_answer(fake, fake_lookup_at(fake, 3), "10.1.0.2");
    expect_nodes(fake, "10.1.0.2");
    fake_end(fake);
}

static void discovery_by_dns_takes_one_name(void **state)
{
    (void)state;
    struct fake *fake = fake_begin();
    emc_address names[2] = {emc_address_tcp("a.example", 1), emc_address_tcp("b.example", 1)},
                path = emc_address_unix("/run/mc.sock");
    fake->options.discovery = EMC_DISCOVERY_DNS;
    assert_int_equal(fake_try_create(fake, names, 2), EMC_ERROR_ARGUMENT);
    expect_words(fake->error.message, "one host name");
    assert_int_equal(fake_try_create(fake, &path, 1), EMC_ERROR_ARGUMENT);
    fake_end(fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_is_asked_for_and_followed_at_the_interval),
        cmocka_unit_test(an_old_engine_is_asked_by_its_key),
        cmocka_unit_test(a_server_without_configuration_is_hopeless),
        cmocka_unit_test(after_a_failure_the_next_endpoint_is_asked_soon),
        cmocka_unit_test(an_answer_split_at_every_byte_is_the_same),
        cmocka_unit_test(a_name_of_many_addresses_is_a_cluster),
        cmocka_unit_test(discovery_by_dns_takes_one_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
