/* TLS: each way to be wrong has a message of its own, trust comes from where it was told, and certificates are read anew without a restart. (Stalls, cuts
 * and resumed sessions: test_faults_tls.c.) */
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
#include "scripted_server.h"
#include "servers.h"
#include "session.h"
#include "tls_server.h"

static struct server server;

static int stop_server(void **state)
{
    (void)state;
    server_kill(&server);
    return 0;
}

static emc_status try_once(emc_client *client)
{
    return emc_set(client, EMC_STR("k"), EMC_STR("v"), 0, 0, NULL);
}

/* Tries until it is served, or patience ends. */
static void expect_service_in_the_end(emc_client *client)
{
    emc_status status = EMC_ERROR_NODE_DOWN;
    for (uint64_t end = clock_ms() + PATIENCE_MS; status != EMC_OK && clock_ms() < end;) {
        status = try_once(client);
        run_for(client, 10);
    }
    if (status != EMC_OK) {
        fail_msg("not served in the end: %s", emc_client_error_message(client));
    }
}

static void expect_service(const emc_options *options)
{
    emc_client *client = open_client_at(server.address, options);
    emc_status status = try_once(client);
    if (status != EMC_OK) {
        fail_msg("%s: %s", emc_status_name(status), emc_client_error_message(client));
    }
    emc_client_destroy(client);
}

/* ------------------------------------------------------------------ every way to be wrong */

enum wrong {
    WRONG_AUTHORITY,
    WRONG_NAME,
    EXPIRED,
    NO_CLIENT_CERTIFICATE,
    TLS_TO_A_PLAIN_PORT,
    PLAIN_TO_A_TLS_PORT,
    VERSION_TOO_OLD,
    SILENT,
    WRONGS
};

/* What the message must say, in words that no other case's has. */
static const char *const words[WRONGS] = {
    [WRONG_AUTHORITY] = "signed by no authority",
    [WRONG_NAME] = "127.0.0.2",
    [EXPIRED] = "expired",
    [NO_CLIENT_CERTIFICATE] = "client certificate",
    [TLS_TO_A_PLAIN_PORT] = "does not speak TLS",
    [PLAIN_TO_A_TLS_PORT] = "does it want TLS",
    [VERSION_TOO_OLD] = "version",
    [SILENT] = "took too long",
};

static emc_status refusal(emc_address address, const emc_options *options, char message[EMC_ERROR_MESSAGE_SIZE])
{
    emc_client *client = open_client_at(address, options);
    emc_status status = try_once(client);
    snprintf(message, EMC_ERROR_MESSAGE_SIZE, "%s", emc_client_error_message(client));
    emc_client_destroy(client);
    return status;
}

static emc_status refusal_of_memcached(enum wrong wrong, char message[EMC_ERROR_MESSAGE_SIZE])
{
    struct server_settings settings = {.tls = wrong != TLS_TO_A_PLAIN_PORT,
                                       .tls_expired = wrong == EXPIRED,
                                       .tls_client = wrong == NO_CLIENT_CERTIFICATE,
                                       .host = wrong == WRONG_NAME ? "127.0.0.2" : NULL};
    emc_options options = with_tls(patient_options());
    if (wrong == WRONG_AUTHORITY) {
        options.tls.trust_file = certificates()->stranger;
    }
    if (wrong == PLAIN_TO_A_TLS_PORT) {
        options.tls = (emc_tls_options)EMC_TLS_OPTIONS_INIT;
    }
    server_start(&server, &settings);
    emc_status status = refusal(server.address, &options, message);
    server_kill(&server);
    return status;
}

static emc_status refusal_of_an_old_version(char message[EMC_ERROR_MESSAGE_SIZE])
{
    struct tls_server_settings settings = {.version_max = 12};
    emc_options options = with_tls(patient_options());
    options.tls.version_min = 13;
    struct tls_server *old = tls_server_start(&settings);
    emc_status status = refusal(tls_server_address(old), &options, message);
    tls_server_end(old);
    return status;
}

static emc_status refusal_of_a_silent_server(char message[EMC_ERROR_MESSAGE_SIZE])
{
    static const struct scripted_step steps[] = {ACCEPT, STALL};
    emc_options options = with_tls(patient_options());
    options.connection_timeout_ms = 200;
    options.health_disconnected_ms = 5000;
    options.health_attempts = 1;
    struct scripted_server *silent = scripted_server_start(steps, STEPS(steps));
    emc_status status = refusal(scripted_server_address(silent), &options, message);
    scripted_server_abandon(silent);
    return status;
}

static void each_way_to_be_wrong_has_its_own_words(void **state)
{
    (void)state;
    char messages[WRONGS][EMC_ERROR_MESSAGE_SIZE];
    for (int wrong = 0; wrong < WRONGS; wrong++) {
        emc_status status = wrong == VERSION_TOO_OLD ? refusal_of_an_old_version(messages[wrong])
                            : wrong == SILENT        ? refusal_of_a_silent_server(messages[wrong])
                                                     : refusal_of_memcached((enum wrong)wrong, messages[wrong]);
        bool tls = wrong < PLAIN_TO_A_TLS_PORT || wrong == VERSION_TOO_OLD;
        if (status >= 0 || (status == EMC_ERROR_TLS) != tls || strstr(messages[wrong], words[wrong]) == NULL) {
            fail_msg("case %d: %s: '%s' does not say '%s'", wrong, emc_status_name(status), messages[wrong],
                     words[wrong]);
        }
    }
    for (int a = 0; a < WRONGS; a++) {
        for (int b = 0; b < WRONGS; b++) {
            assert_true(a == b || strstr(messages[a], words[b]) == NULL);
        }
    }
}

/* ------------------------------------------------------------------ trust */

static void a_folder_of_hashed_certificates_is_a_trust_store(void **state)
{
    (void)state;
    struct server_settings settings = {.tls = true};
    emc_options options = with_tls(patient_options());
    server_start(&server, &settings);
    options.tls.trust_file = NULL;
    options.tls.trust_folder = certificates()->folder;
    expect_service(&options);
    options.tls.trust_file = certificates()->stranger; /* the folder stands beside the file */
    expect_service(&options);
}

static void a_folder_that_is_none_is_refused_with_words(void **state)
{
    (void)state;
    const emc_address node = emc_address_tcp("localhost", 11211);
    const char *const bad[] = {"/none/at/all", certificates()->authority};
    for (size_t i = 0; i < 2; i++) {
        emc_client *client = NULL;
        emc_error error = {EMC_OK, ""};
        emc_options options = with_tls(patient_options());
        options.tls.trust_folder = bad[i];
        assert_int_equal(emc_client_create(&client, &node, 1, &options, &error), EMC_ERROR_TLS);
        assert_null(client);
        assert_non_null(strstr(error.message, "tls.trust_folder"));
    }
}

static void the_system_store_is_not_trusted_beside_ones_own(void **state)
{
    (void)state;
    struct server_settings settings = {.tls = true};
    char message[EMC_ERROR_MESSAGE_SIZE];
    emc_options options = with_tls(patient_options());
    server_start(&server, &settings);
    options.tls.trust_file = NULL; /* the system's store: it does not know our authority */
    assert_int_equal(refusal(server.address, &options, message), EMC_ERROR_TLS);
}

/* ------------------------------------------------------------------ certificates read anew */

static void certificates_read_anew_serve_without_a_restart(void **state)
{
    (void)state;
    struct server_settings settings = {.tls = true};
    emc_options options = with_tls(patient_options());
    emc_error error = {EMC_OK, ""};
    server_start(&server, &settings);
    options.tls.trust_file = certificates()->stranger;
    emc_client *client = open_client_at(server.address, &options);
    assert_int_equal(try_once(client), EMC_ERROR_TLS);
    options.tls.trust_file = certificates()->authority;
    assert_int_equal(emc_client_reload_tls(client, &options.tls, &error), EMC_OK);
    expect_service_in_the_end(client);
    emc_client_destroy(client);
}

static void new_connections_use_what_was_read_anew_and_old_ones_go_on(void **state)
{
    (void)state;
    struct server_settings settings = {.tls = true};
    emc_options options = with_tls(patient_options());
    emc_error error = {EMC_OK, ""};
    server_start(&server, &settings);
    emc_client *client = open_client_at(server.address, &options);
    assert_int_equal(try_once(client), EMC_OK);
    options.tls.trust_file = certificates()->stranger;
    assert_int_equal(emc_client_reload_tls(client, &options.tls, &error), EMC_OK);
    assert_int_equal(try_once(client), EMC_OK);
    server_restart(&server);
    emc_status status = EMC_OK;
    for (uint64_t end = clock_ms() + PATIENCE_MS; status != EMC_ERROR_TLS && clock_ms() < end;) {
        status = try_once(client);
        run_for(client, 10);
    }
    assert_int_equal(status, EMC_ERROR_TLS);
    emc_client_destroy(client);
}

static void what_can_not_be_read_anew_changes_nothing(void **state)
{
    (void)state;
    struct server_settings settings = {.tls = true};
    emc_options options = with_tls(patient_options());
    emc_error error = {EMC_OK, ""};
    server_start(&server, &settings);
    emc_client *client = open_client_at(server.address, &options);
    options.tls.trust_file = "/no/such/file.pem";
    assert_int_equal(emc_client_reload_tls(client, &options.tls, &error), EMC_ERROR_TLS);
    assert_non_null(strstr(error.message, "/no/such/file.pem"));
    assert_int_equal(emc_client_reload_tls(client, NULL, &error), EMC_ERROR_ARGUMENT);
    options = with_tls(patient_options());
    options.tls.version_min = 11;
    assert_int_equal(emc_client_reload_tls(client, &options.tls, &error), EMC_ERROR_ARGUMENT);
    server_restart(&server);
    expect_service_in_the_end(client);
    emc_client_destroy(client);
    options = with_tls(patient_options());
    client = open_client_at(server.address, NULL);
    assert_int_equal(emc_client_reload_tls(client, &options.tls, &error), EMC_ERROR_STATE);
    emc_client_destroy(client);
}

/* The dot of a fully qualified name is not part of a certificate's. */
static void a_name_with_its_last_dot_is_the_certificates(void **state)
{
    (void)state;
    struct server_settings settings = {.tls = true};
    emc_options options = with_tls(patient_options());
    server_start(&server, &settings);
    emc_client *client = open_client_at(emc_address_tcp("localhost.", server.port), &options);
    emc_status status = try_once(client);
    if (status != EMC_OK) {
        fail_msg("%s: %s", emc_status_name(status), emc_client_error_message(client));
    }
    emc_client_destroy(client);
}

int main(void)
{
#define TLS_TEST(name) cmocka_unit_test_teardown(name, stop_server)
    const struct CMUnitTest tests[] = {
        TLS_TEST(each_way_to_be_wrong_has_its_own_words),
        TLS_TEST(a_name_with_its_last_dot_is_the_certificates),
        TLS_TEST(a_folder_of_hashed_certificates_is_a_trust_store),
        TLS_TEST(a_folder_that_is_none_is_refused_with_words),
        TLS_TEST(the_system_store_is_not_trusted_beside_ones_own),
        TLS_TEST(certificates_read_anew_serve_without_a_restart),
        TLS_TEST(new_connections_use_what_was_read_anew_and_old_ones_go_on),
        TLS_TEST(what_can_not_be_read_anew_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
