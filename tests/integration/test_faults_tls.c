/* Faults of TLS and authentication, beside those of test_security.c: stalls, cuts and corruption under TLS, keys that change, sessions that can't be resumed, and
 * servers that know no credentials or nothing else. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <emcache.h>

#include "certificates.h"
#include "tls_server.h"
#include "trial.h"

static void expect_failure_in_time(struct trial *trial, emc_status expected)
{
    uint64_t took_ms;
    expect_either(trial_get(trial, "k", "", &took_ms), expected, EMC_ERROR_NODE_DOWN);
    assert_in_range(took_ms, 0, UNHEALTHY_WITHIN_MS + SLACK_MS);
    assert_int_equal(trial_metrics(trial).connections, 0);
}

/* ------------------------------------------------------------------ handshakes */

static void a_missing_client_certificate_is_refused_in_time(void **state)
{
    (void)state;
    struct server_settings settings = {.tls = true, .tls_client = true};
    struct server server;
    struct trial trial;
    emc_options options = with_tls(trial_options());
    server_start(&server, &settings);
    trial_begin_at(&trial, server.address, &options);
    expect_failure_in_time(&trial, EMC_ERROR_TLS);
    trial_end(&trial);
    server_kill(&server);
}

/* The kernel accepts, and nobody shakes hands. */
static void a_handshake_that_stalls_ends_in_time(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    struct trial trial;
    emc_options options = with_tls(trial_options());
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(listener, 64), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    trial_begin_at(&trial, emc_address_tcp("127.0.0.1", ntohs(address.sin_port)), &options);
    expect_failure_in_time(&trial, EMC_ERROR_CONNECT);
    trial_end(&trial);
    close(listener);
}

/* Cut after so many bytes of the server's half of the handshake and of what follows: an error, then a new connection that serves. */
static void a_cut_anywhere_under_tls_is_a_lost_connection(void **state)
{
    (void)state;
    struct server_settings settings = {.tls = true};
    struct server server;
    struct trial trial;
    emc_options options = with_tls(trial_options());
    server_start(&server, &settings);
    trial_begin(&trial, &server, &options);
    for (unsigned after = 1; after < 60; after += 4) { /* inside the record with the answer, and at its ends */
        struct proxy_fault fault = {.cut = after % 8 == 1 ? PROXY_CUT_RESET : PROXY_CUT_FINISH, .after = after};
        proxy_spoil(trial.proxy, PROXY_TO_CLIENT, &fault);
        emc_status status = trial_get(&trial, "k", "value", NULL);
        assert_true(status == EMC_OK || status == EMC_ERROR_CONNECTION_LOST || status == EMC_ERROR_TLS);
        proxy_heal(trial.proxy);
        trial_recovers(&trial);
    }
    for (unsigned after = 1; after < 3000; after += 150) { /* inside the handshake */
        struct proxy_fault fault = {.cut = PROXY_CUT_FINISH, .after = after};
        proxy_end_connections(trial.proxy, true);
        proxy_spoil(trial.proxy, PROXY_TO_CLIENT, &fault);
        trial_recovers(&trial);
        proxy_heal(trial.proxy);
    }
    trial_end(&trial);
    server_kill(&server);
}

static void a_corrupted_byte_under_tls_costs_the_connection_and_gives_no_other_value(void **state)
{
    (void)state;
    struct server_settings settings = {.tls = true};
    struct server server;
    struct trial trial;
    emc_options options = with_tls(trial_options());
    server_start(&server, &settings);
    options.timeout_ms = 500;
    trial_begin(&trial, &server, &options);
    for (unsigned at = 0; at < 48; at += 3) {
        struct proxy_fault fault = {.corrupt = true, .after = at};
        emc_pool_metrics before = trial_metrics(&trial);
        proxy_spoil(trial.proxy, PROXY_TO_CLIENT, &fault);
        emc_status status = trial_get(&trial, "k", "value", NULL);
        /* OK: nothing was heard, so the get was asked once more, on a new connection. */
        if (status != EMC_OK && status != EMC_ERROR_TLS && status != EMC_ERROR_CONNECTION_LOST &&
            status != EMC_ERROR_TIMEOUT) {
            fail_msg("byte %u: %s", at, emc_status_name(status));
        }
        proxy_heal(trial.proxy);
        trial_recovers(&trial);
        /* Where a record's length was hit, the node is silent for a moment, and asked on a fresh connection. */
        assert_in_range(trial_metrics(&trial).connections_closed, before.connections_closed + 1,
                        before.connections_closed + 2);
    }
    trial_end(&trial);
    server_kill(&server);
}

static void bytes_one_at_a_time_under_tls_change_nothing(void **state)
{
    (void)state;
    struct server_settings settings = {.tls = true};
    struct server server;
    struct trial trial;
    struct proxy_fault pieces = {.piece = 1};
    emc_options options = with_tls(trial_options());
    server_start(&server, &settings);
    trial_begin(&trial, &server, &options);
    proxy_spoil(trial.proxy, PROXY_TO_CLIENT, &pieces);
    proxy_spoil(trial.proxy, PROXY_TO_SERVER, &pieces);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(trial_get(&trial, "k", "value", NULL), EMC_OK);
    }
    proxy_end_connections(trial.proxy, true); /* a handshake too */
    trial_recovers(&trial);
    trial_end(&trial);
    server_kill(&server);
}

/* ------------------------------------------------------------------ silence */

static emc_options options_without_a_timeout(void)
{
    emc_options options = with_tls(trial_options());
    options.timeout_ms = EMC_NO_LIMIT;
    options.health_silence_ms = 150;
    options.health_question_ms = PATIENCE_MS;
    return options;
}

/* Until its record is whole nothing of a reply can be read: the record's bytes are a sign of life all the same. */
static void a_record_that_trickles_is_waited_for(void **state)
{
    (void)state;
    struct server_settings settings = {.tls = true};
    struct proxy_fault trickle = {.piece = 2, .pause_ms = 60, .connection = 1};
    struct server server;
    struct trial trial;
    emc_options options = options_without_a_timeout();
    server_start(&server, &settings);
    trial_begin(&trial, &server, &options);
    proxy_spoil(trial.proxy, PROXY_TO_CLIENT, &trickle);
    assert_int_equal(emc_set(trial.client, EMC_STR("k"), EMC_STR("value"), 0, 0, NULL), EMC_OK);
    trial_end(&trial);
    server_kill(&server);
}

static void a_connection_under_tls_that_alone_is_silent_is_given_up(void **state)
{
    (void)state;
    struct server_settings settings = {.tls = true};
    struct proxy_fault hole = {.swallow = true, .connection = 1};
    struct server server;
    struct trial trial;
    emc_options options = options_without_a_timeout();
    server_start(&server, &settings);
    trial_begin(&trial, &server, &options);
    proxy_spoil(trial.proxy, PROXY_TO_CLIENT, &hole);
    assert_int_equal(emc_set(trial.client, EMC_STR("k"), EMC_STR("value"), 0, 0, NULL), EMC_ERROR_CONNECTION_LOST);
    assert_int_equal(trial_get(&trial, "k", "value", NULL), EMC_OK);
    trial_end(&trial);
    server_kill(&server);
}

/* ------------------------------------------------------------------ keys and sessions */

static void keys_that_change_in_the_middle_change_nothing(void **state)
{
    (void)state;
    struct tls_server_settings settings = {.update_keys = true, .version_max = 13};
    struct trial trial;
    emc_options options = with_tls(trial_options());
    struct tls_server *server = tls_server_start(&settings);
    trial_begin_at(&trial, tls_server_address(server), &options);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(trial_get(&trial, "k", "value", NULL), EMC_OK);
    }
    assert_int_equal(tls_server_handshakes(server), 1);
    emc_client_destroy(trial.client);
    tls_server_end(server);
    assert_int_equal(trial.leaks.blocks, 0);
}

/* One connection for each get. Returns how many handshakes resumed a session. */
static unsigned reconnect_often(struct tls_server_settings settings, const emc_options *options)
{
    struct trial trial;
    settings.close_after_get = true;
    struct tls_server *server = tls_server_start(&settings);
    trial_begin_at(&trial, tls_server_address(server), options);
    for (unsigned i = 0; i < 6; i++) {
        assert_int_equal(trial_get(&trial, "k", "value", NULL), EMC_OK);
        for (uint64_t end = clock_ms() + PATIENCE_MS;
             trial_metrics(&trial).connections_created < i + 2 && clock_ms() < end;) {
            emc_client_wait(trial.client, 10);
        }
    }
    unsigned resumed = tls_server_resumed(server);
    assert_in_range(tls_server_handshakes(server), 6, 7);
    emc_client_destroy(trial.client);
    tls_server_end(server);
    assert_int_equal(trial.leaks.blocks, 0);
    return resumed;
}

static void sessions_are_resumed_and_a_server_that_refuses_gets_a_full_handshake(void **state)
{
    (void)state;
    emc_options options = with_tls(trial_options());
    assert_in_range(reconnect_often((struct tls_server_settings){.version_max = 13}, &options), 1, 6);
    assert_in_range(reconnect_often((struct tls_server_settings){.version_max = 12}, &options), 1, 6);
    assert_int_equal(reconnect_often((struct tls_server_settings){.version_max = 13, .forget = true}, &options), 0);
    options.tls.session_resumption = false;
    assert_int_equal(reconnect_often((struct tls_server_settings){.version_max = 13}, &options), 0);
}

/* ------------------------------------------------------------------ verification stays */

/* Every option beside `verify` at once, and the server's certificate is still checked. */
static void no_other_option_turns_verification_off(void **state)
{
    (void)state;
    struct server_settings settings = {.tls = true};
    struct server server;
    server_start(&server, &settings);
    for (unsigned bits = 0; bits < 32; bits++) {
        struct trial trial;
        emc_options options = trial_options();
        options.tls.enabled = true;
        options.tls.extra_ca_file = (bits & 1) != 0 ? certificates()->stranger : NULL;
        options.tls.trust_file = (bits & 2) != 0 ? certificates()->stranger : NULL;
        options.tls.certificate_file = (bits & 4) != 0 ? certificates()->client : NULL;
        options.tls.key_file = (bits & 4) != 0 ? certificates()->client_key : NULL;
        options.tls.session_resumption = (bits & 8) != 0;
        options.tls.version_min = (bits & 16) != 0 ? 13 : 12;
        options.timeout_ms = 2000;
        options.backoff_min_ms = 1;
        trial_begin_at(&trial, server.address, &options);
        expect_either(trial_get(&trial, "k", "", NULL), EMC_ERROR_TLS, EMC_ERROR_NODE_DOWN);
        assert_int_equal(trial_metrics(&trial).connections_created, 0);
        trial_end(&trial);
    }
    server_kill(&server);
}

/* The name is checked too, whichever way the authority is trusted. */
static void an_extra_authority_does_not_turn_the_check_of_names_off(void **state)
{
    (void)state;
    struct server_settings settings = {.tls = true, .host = "127.0.0.2"}; /* the certificate names 127.0.0.1 */
    struct server server;
    struct trial trial;
    emc_options options = trial_options();
    server_start(&server, &settings);
    options.tls.enabled = true;
    options.tls.extra_ca_file = certificates()->authority;
    trial_begin_at(&trial, server.address, &options);
    expect_failure_in_time(&trial, EMC_ERROR_TLS);
    trial_end(&trial);
    server_kill(&server);
}

/* ------------------------------------------------------------------ authentication */

/* A server without authentication does not store the password as an item, and the client says what is wrong. */
static void credentials_for_a_server_that_knows_none_are_refused_and_not_stored(void **state)
{
    (void)state;
    struct server server;
    struct trial trial;
    emc_options options = trial_options();
    server_start(&server, NULL);
    options.username = SERVER_USER;
    options.password = SERVER_PASSWORD;
    trial_begin_at(&trial, server.address, &options);
    expect_failure_in_time(&trial, EMC_ERROR_AUTHENTICATION);
    trial_end(&trial);
    trial_begin_at(&trial, server.address, NULL);
    assert_int_equal(trial_get(&trial, "_", "", NULL), EMC_MISS);
    trial_end(&trial);
    server_kill(&server);
}

/* It answers no text at all. */
static void a_server_of_sasl_alone_is_down_in_time_for_a_client_of_text(void **state)
{
    (void)state;
    if (!server_has_sasl()) {
        skip();
    }
    struct server_settings settings = {.sasl = true};
    struct server server;
    struct trial trial;
    server_start(&server, &settings);
    trial_begin_at(&trial, server.address, NULL);
    expect_failure_in_time(&trial, EMC_ERROR_CONNECT);
    trial_end(&trial);
    server_kill(&server);
}

static emc_status set_with(const struct server *server, const char *password)
{
    emc_options options = trial_options();
    options.username = SERVER_USER;
    options.password = password;
    emc_client *client = open_client_at(server->address, &options);
    emc_status status = emc_set(client, EMC_STR("k"), EMC_STR("v"), 0, 0, NULL);
    emc_client_destroy(client);
    return status;
}

/* One refusal leaves nothing dead: the same server serves who knows the password, and a client with a wrong one fails in time, each time. */
static void a_refused_password_leaves_the_server_usable(void **state)
{
    (void)state;
    struct server_settings settings = {.ascii_authentication = true};
    struct server server;
    server_start(&server, &settings);
    for (int i = 0; i < 3; i++) {
        uint64_t begin = clock_ms();
        assert_int_equal(set_with(&server, "wrong"), EMC_ERROR_AUTHENTICATION);
        assert_in_range(clock_ms() - begin, 0, UNHEALTHY_WITHIN_MS + SLACK_MS);
        assert_int_equal(set_with(&server, SERVER_PASSWORD), EMC_OK);
    }
    server_kill(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_client_certificate_is_refused_in_time),
        cmocka_unit_test(a_handshake_that_stalls_ends_in_time),
        cmocka_unit_test(a_cut_anywhere_under_tls_is_a_lost_connection),
        cmocka_unit_test(a_corrupted_byte_under_tls_costs_the_connection_and_gives_no_other_value),
        cmocka_unit_test(bytes_one_at_a_time_under_tls_change_nothing),
        cmocka_unit_test(a_record_that_trickles_is_waited_for),
        cmocka_unit_test(a_connection_under_tls_that_alone_is_silent_is_given_up),
        cmocka_unit_test(keys_that_change_in_the_middle_change_nothing),
        cmocka_unit_test(sessions_are_resumed_and_a_server_that_refuses_gets_a_full_handshake),
        cmocka_unit_test(no_other_option_turns_verification_off),
        cmocka_unit_test(an_extra_authority_does_not_turn_the_check_of_names_off),
        cmocka_unit_test(credentials_for_a_server_that_knows_none_are_refused_and_not_stored),
        cmocka_unit_test(a_server_of_sasl_alone_is_down_in_time_for_a_client_of_text),
        cmocka_unit_test(a_refused_password_leaves_the_server_usable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
