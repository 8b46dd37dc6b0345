/* TLS and authentication against real servers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <emcache.h>

#include "certificates.h"
#include "servers.h"
#include "session.h"

static struct server server;

static int stop_server(void **state)
{
    (void)state;
    server_kill(&server);
    return 0;
}

static void expect_service(emc_address address, const emc_options *options)
{
    emc_client *client = open_client_at(address, options);
    emc_item item = {0};
    emc_status status = emc_set(client, EMC_STR("k"), EMC_STR("secret value"), 0, 0, NULL);
    if (status != EMC_OK) {
        fail_msg("set: %s: %s", emc_status_name(status), emc_client_error_message(client));
    }
    assert_int_equal(emc_get(client, EMC_STR("k"), &item, NULL), EMC_OK);
    assert_string_equal(item.value, "secret value");
    emc_item_release(&item);
    emc_client_destroy(client);
}

/* The first operation ends with this status, well before its deadline. */
static void expect_refusal(emc_address address, const emc_options *options, emc_status expected)
{
    emc_client *client = open_client_at(address, options);
    uint64_t before = clock_ms();
    emc_status status = emc_set(client, EMC_STR("k"), EMC_STR("v"), 0, 0, NULL);
    if (status != expected) {
        fail_msg("expected %s, got %s: %s", emc_status_name(expected), emc_status_name(status),
                 emc_client_error_message(client));
    }
    assert_in_range(clock_ms() - before, 0, PATIENCE_MS / 2 - 1);
    const char *message = emc_client_error_message(client);
    assert_null(strstr(message, SERVER_PASSWORD));
    assert_true(message[0] != 0);
    emc_client_destroy(client);
}

/* ------------------------------------------------------------------ TLS */

static void tls_serves_a_client_that_trusts_the_authority(void **state)
{
    (void)state;
    struct server_settings settings = {.tls = true};
    emc_options options = with_tls(patient_options());
    server_start(&server, &settings);
    expect_service(server.address, &options);
    expect_service(emc_address_tcp("localhost", server.port), &options);
    options.tls.version_min = 13;
    expect_service(server.address, &options);
    options.tls.trust_file = NULL;
    options.tls.extra_ca_file = certificates()->authority;
    expect_service(server.address, &options);
}

static void tls_carries_large_values(void **state)
{
    (void)state;
    struct server_settings settings = {.tls = true};
    emc_options options = with_tls(patient_options());
    size_t length = 1000000;
    char *value = malloc(length);
    emc_item item = {0};
    server_start(&server, &settings);
    memset(value, 'x', length);
    emc_client *client = open_client_at(server.address, &options);
    assert_int_equal(emc_set(client, EMC_STR("k"), value, length, 0, 0, NULL), EMC_OK);
    assert_int_equal(emc_get(client, EMC_STR("k"), &item, NULL), EMC_OK);
    assert_int_equal(item.value_length, length);
    assert_memory_equal(item.value, value, length);
    emc_item_release(&item);
    emc_client_destroy(client);
    free(value);
}

static void an_unknown_authority_is_refused_and_an_extra_one_changes_nothing(void **state)
{
    (void)state;
    struct server_settings settings = {.tls = true};
    emc_options options = with_tls(patient_options());
    server_start(&server, &settings);
    options.tls.trust_file = certificates()->stranger;
    expect_refusal(server.address, &options, EMC_ERROR_TLS);
    options.tls.trust_file = NULL;
    options.tls.extra_ca_file = certificates()->stranger;
    expect_refusal(server.address, &options, EMC_ERROR_TLS);
    options.tls.verify = false;
    expect_service(server.address, &options);
}

static void a_certificate_for_another_name_is_refused(void **state)
{
    (void)state;
    struct server_settings settings = {.tls = true, .host = "127.0.0.2"};
    emc_options options = with_tls(patient_options());
    server_start(&server, &settings);
    expect_refusal(server.address, &options, EMC_ERROR_TLS);
}

static void an_expired_certificate_is_refused(void **state)
{
    (void)state;
    struct server_settings settings = {.tls = true, .tls_expired = true};
    emc_options options = with_tls(patient_options());
    server_start(&server, &settings);
    expect_refusal(server.address, &options, EMC_ERROR_TLS);
}

static void a_server_that_wants_a_client_certificate_gets_it(void **state)
{
    (void)state;
    struct server_settings settings = {.tls = true, .tls_client = true};
    emc_options options = with_tls(patient_options());
    server_start(&server, &settings);
    options.tls.certificate_file = certificates()->client;
    options.tls.key_file = certificates()->client_key;
    expect_service(server.address, &options);
}

static void plain_to_a_tls_port_and_tls_to_a_plain_port_both_fail(void **state)
{
    (void)state;
    struct server_settings settings = {.tls = true};
    emc_options options = with_tls(patient_options());
    server_start(&server, &settings);
    expect_refusal(server.address, NULL, EMC_ERROR_NODE_DOWN); /* memcached resets: not one connection answers */
    server_kill(&server);
    server_start(&server, NULL);
    expect_refusal(server.address, &options, EMC_ERROR_TLS);
}

static void certificates_that_can_not_be_read_are_refused_at_creation(void **state)
{
    (void)state;
    emc_address node = emc_address_tcp("localhost", 1);
    emc_options options = with_tls(patient_options());
    emc_client *client = NULL;
    emc_error error = {EMC_OK, ""};
    options.tls.trust_file = "/no/such/file.pem";
    assert_int_equal(emc_client_create(&client, &node, 1, &options, &error), EMC_ERROR_TLS);
    assert_non_null(strstr(error.message, "/no/such/file.pem"));
    assert_null(client);
}

/* ------------------------------------------------------------------ authentication */

static void ascii_authentication_serves_who_knows_the_password(void **state)
{
    (void)state;
    struct server_settings settings = {.ascii_authentication = true};
    emc_options options = patient_options();
    server_start(&server, &settings);
    options.username = SERVER_USER;
    options.password = SERVER_PASSWORD;
    expect_service(server.address, &options);
    options.password = "wrong";
    expect_refusal(server.address, &options, EMC_ERROR_AUTHENTICATION);
}

static void a_client_without_credentials_is_told_so(void **state)
{
    (void)state;
    struct server_settings settings = {.ascii_authentication = true};
    server_start(&server, &settings);
    expect_refusal(server.address, NULL, EMC_ERROR_AUTHENTICATION);
}

static void credentials_work_again_when_the_server_knows_them_again(void **state)
{
    (void)state;
    struct server_settings settings = {.ascii_authentication = true};
    emc_options options = patient_options();
    server_start(&server, &settings);
    options.username = SERVER_USER;
    options.password = SERVER_PASSWORD;
    emc_client *client = open_client_at(server.address, &options);
    assert_int_equal(emc_set(client, EMC_STR("k"), EMC_STR("v"), 0, 0, NULL), EMC_OK);
    server_restart(&server);
    emc_status status = EMC_ERROR_NODE_DOWN;
    for (uint64_t end = clock_ms() + PATIENCE_MS; status != EMC_OK && clock_ms() < end;) {
        status = emc_set(client, EMC_STR("k"), EMC_STR("v"), 0, 0, NULL);
        run_for(client, 10);
    }
    assert_int_equal(status, EMC_OK);
    emc_client_destroy(client);
}

static void credentials_put_right_at_the_client_serve_at_once(void **state)
{
    (void)state;
    struct server_settings settings = {.ascii_authentication = true};
    emc_options options = patient_options();
    emc_error error = {EMC_OK, ""};
    char password[] = SERVER_PASSWORD;
    server_start(&server, &settings);
    options.username = SERVER_USER;
    options.password = "wrong";
    emc_client *client = open_client_at(server.address, &options);
    assert_int_equal(emc_set(client, EMC_STR("k"), EMC_STR("v"), 0, 0, NULL), EMC_ERROR_AUTHENTICATION);
    assert_int_equal(emc_client_set_credentials(client, "a b", "x", &error), EMC_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "username"));
    assert_int_equal(emc_client_set_credentials(client, SERVER_USER, NULL, &error), EMC_ERROR_ARGUMENT);
    assert_int_equal(emc_client_set_credentials(client, SERVER_USER, password, &error), EMC_OK);
    memset(password, 'x', sizeof password - 1); /* copied */
    emc_status status = EMC_ERROR_AUTHENTICATION;
    for (uint64_t end = clock_ms() + PATIENCE_MS; status != EMC_OK && clock_ms() < end;) {
        status = emc_set(client, EMC_STR("k"), EMC_STR("v"), 0, 0, NULL);
        run_for(client, 10);
    }
    assert_int_equal(status, EMC_OK);
    emc_client_destroy(client);
}

static void sasl_serves_who_knows_the_password(void **state)
{
    (void)state;
    if (!server_has_sasl()) {
        skip();
    }
    struct server_settings settings = {.sasl = true};
    emc_options options = patient_options();
    server_start(&server, &settings);
    options.username = SERVER_USER;
    options.password = SERVER_PASSWORD;
    options.sasl = true;
    expect_service(server.address, &options);
    options.password = "wrong";
    expect_refusal(server.address, &options, EMC_ERROR_AUTHENTICATION);
}

static void a_client_without_sasl_is_told_why_a_sasl_server_may_be_silent(void **state)
{
    (void)state;
    if (!server_has_sasl()) {
        skip();
    }
    struct server_settings settings = {.sasl = true};
    server_start(&server, &settings);
    emc_client *client = open_client_at(server.address, NULL);
    assert_true(emc_set(client, EMC_STR("k"), EMC_STR("v"), 0, 0, NULL) < 0);
    assert_non_null(strstr(emc_client_error_message(client), "SASL"));
    emc_client_destroy(client);
}

/* ------------------------------------------------------------------ other ways to listen, and limits */

static void a_unix_socket_serves_like_a_port(void **state)
{
    (void)state;
    struct server_settings settings = {.unix_socket = true};
    server_start(&server, &settings);
    expect_service(server.address, NULL);
    expect_refusal(emc_address_unix("/no/such/socket"), NULL, EMC_ERROR_CONNECT);
}

static void a_name_is_found_whatever_address_the_server_listens_on(void **state)
{
    (void)state;
    server_start(&server, NULL);
    expect_service(emc_address_tcp("localhost", server.port), NULL);
}

static void an_idle_connection_that_the_server_closes_costs_nothing(void **state)
{
    (void)state;
    struct server_settings settings = {.idle_timeout_s = 1};
    server_start(&server, &settings);
    emc_client *client = open_client_at(server.address, NULL);
    emc_item item = {0};
    emc_pool_metrics metrics;
    assert_int_equal(emc_set(client, EMC_STR("k"), EMC_STR("v"), 0, 0, NULL), EMC_OK);
    uint64_t end = clock_ms() + PATIENCE_MS;
    do {
        run_for(client, 50);
        emc_cluster_management *view = emc_client_cluster_management(client);
        assert_int_equal(emc_cluster_connection_pool_metrics(view, &server.address, &metrics), EMC_OK);
    } while (metrics.connections_closed == 0 && clock_ms() < end);
    assert_int_equal(metrics.connections_closed, 1);
    assert_int_equal(emc_get(client, EMC_STR("k"), &item, NULL), EMC_OK);
    emc_item_release(&item);
    emc_client_destroy(client);
}

static void a_small_item_limit_is_reported_as_such(void **state)
{
    (void)state;
    static char value[20000];
    struct server_settings settings = {.item_size_max = 8192};
    server_start(&server, &settings);
    emc_client *client = open_client_at(server.address, NULL);
    assert_int_equal(emc_set(client, EMC_STR("k"), value, sizeof value, 0, 0, NULL), EMC_ERROR_TOO_LARGE);
    assert_int_equal(emc_set(client, EMC_STR("k"), value, 100, 0, 0, NULL), EMC_OK);
    emc_client_destroy(client);
}

static void clients_beyond_the_connection_limit_hear_of_it_and_get_in_later(void **state)
{
    (void)state;
    enum { CLIENTS = 12 };
    struct server_settings settings = {.connections_max = 24};
    emc_client *clients[CLIENTS];
    unsigned served = 0;
    server_start(&server, &settings);
    emc_options options = patient_options();
    options.timeout_ms = 3000;
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i] = open_client_at(server.address, &options);
        served += emc_set(clients[i], EMC_STR("k"), EMC_STR("v"), 0, 0, NULL) == EMC_OK;
    }
    assert_in_range(served, 1, CLIENTS - 1);
    for (size_t i = 0; i < CLIENTS - 1; i++) {
        emc_client_destroy(clients[i]);
    }
    emc_status status = EMC_ERROR_NODE_DOWN;
    for (uint64_t end = clock_ms() + PATIENCE_MS; status != EMC_OK && clock_ms() < end;) {
        status = emc_set(clients[CLIENTS - 1], EMC_STR("k"), EMC_STR("v"), 0, 0, NULL);
        run_for(clients[CLIENTS - 1], 10);
    }
    assert_int_equal(status, EMC_OK);
    emc_client_destroy(clients[CLIENTS - 1]);
}

int main(void)
{
#define SERVER_TEST(name) cmocka_unit_test_teardown(name, stop_server)
    const struct CMUnitTest tests[] = {
        SERVER_TEST(tls_serves_a_client_that_trusts_the_authority),
        SERVER_TEST(tls_carries_large_values),
        SERVER_TEST(an_unknown_authority_is_refused_and_an_extra_one_changes_nothing),
        SERVER_TEST(a_certificate_for_another_name_is_refused),
        SERVER_TEST(an_expired_certificate_is_refused),
        SERVER_TEST(a_server_that_wants_a_client_certificate_gets_it),
        SERVER_TEST(plain_to_a_tls_port_and_tls_to_a_plain_port_both_fail),
        cmocka_unit_test(certificates_that_can_not_be_read_are_refused_at_creation),
        SERVER_TEST(ascii_authentication_serves_who_knows_the_password),
        SERVER_TEST(a_client_without_credentials_is_told_so),
        SERVER_TEST(credentials_work_again_when_the_server_knows_them_again),
        SERVER_TEST(credentials_put_right_at_the_client_serve_at_once),
        SERVER_TEST(sasl_serves_who_knows_the_password),
        SERVER_TEST(a_client_without_sasl_is_told_why_a_sasl_server_may_be_silent),
        SERVER_TEST(a_unix_socket_serves_like_a_port),
        SERVER_TEST(a_name_is_found_whatever_address_the_server_listens_on),
        SERVER_TEST(an_idle_connection_that_the_server_closes_costs_nothing),
        SERVER_TEST(a_small_item_limit_is_reported_as_such),
        SERVER_TEST(clients_beyond_the_connection_limit_hear_of_it_and_get_in_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
