/* Faults of the stream under the binary dialect, on real sockets, with a server that authenticates by SASL: cuts, pieces, spoilt headers, a stall. (The
 * same under text: test_faults_stream.c.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <emcache.h>

#include "trial.h"

static struct server server;

static int start(void **state)
{
    (void)state;
    struct server_settings settings = {.sasl = true};
    if (server_has_sasl()) {
        server_start(&server, &settings);
    }
    return 0;
}

static int stop_all(void **state)
{
    (void)state;
    server_kill(&server);
    return 0;
}

static void begin(struct trial *trial)
{
    if (!server_has_sasl()) {
        skip();
    }
    emc_options options = trial_options();
    options.username = SERVER_USER;
    options.password = SERVER_PASSWORD;
    options.sasl = true;
    options.timeout_ms = 1000;
    trial_begin(trial, &server, &options);
}

static void a_cut_anywhere_in_a_binary_reply_is_a_lost_connection(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    for (unsigned at = 0; at < 34; at++) { /* header, flags, "k", "value" */
        struct proxy_fault fault = {.cut = at % 2 == 0 ? PROXY_CUT_RESET : PROXY_CUT_FINISH, .after = at};
        proxy_spoil(trial.proxy, PROXY_TO_CLIENT, &fault);
        emc_status status = trial_get(&trial, "k", "value", NULL);
        /* OK: nothing was heard, so the get was asked once more, on a new connection. */
        expect_either(status, EMC_ERROR_CONNECTION_LOST, at == 0 ? EMC_OK : EMC_ERROR_CONNECTION_LOST);
        proxy_heal(trial.proxy);
        trial_recovers(&trial);
    }
    trial_end(&trial);
}

static void a_spoilt_magic_opcode_opaque_or_key_is_a_contradiction(void **state)
{
    (void)state;
    static const unsigned places[] = {0, 1, 12, 13, 14, 15, 28};
    struct trial trial;
    begin(&trial);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct proxy_fault fault = {.corrupt = true, .after = places[i]};
        proxy_spoil(trial.proxy, PROXY_TO_CLIENT, &fault);
        assert_int_equal(trial_get(&trial, "k", "value", NULL), EMC_ERROR_PROTOCOL);
        proxy_heal(trial.proxy);
        trial_recovers(&trial);
    }
    trial_end(&trial);
}

static void binary_bytes_one_at_a_time_change_nothing(void **state)
{
    (void)state;
    struct trial trial;
    struct proxy_fault pieces = {.piece = 1};
    emc_item item = {0};
    char *large = malloc(40000);
    begin(&trial);
    memset(large, 'L', 40000);
    assert_int_equal(emc_set(trial.client, EMC_STR("large"), large, 40000, 0, 0, NULL), EMC_OK);
    proxy_spoil(trial.proxy, PROXY_TO_CLIENT, &pieces);
    proxy_spoil(trial.proxy, PROXY_TO_SERVER, &pieces);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(trial_get(&trial, "k", "value", NULL), EMC_OK);
    }
    proxy_end_connections(trial.proxy, true); /* a handshake too */
    trial_recovers(&trial);
    pieces.piece = 1000;
    proxy_spoil(trial.proxy, PROXY_TO_CLIENT, &pieces);
    assert_int_equal(emc_get(trial.client, EMC_STR("large"), &item, NULL), EMC_OK);
    assert_int_equal(item.value_length, 40000);
    assert_memory_equal(item.value, large, 40000);
    emc_item_release(&item);
    free(large);
    trial_end(&trial);
}

static void a_large_value_cut_half_way_is_a_lost_connection_and_the_next_is_whole(void **state)
{
    (void)state;
    struct trial trial;
    struct proxy_fault fault = {.cut = PROXY_CUT_RESET, .after = 300000};
    emc_item item = {0};
    char *large = malloc(900000);
    begin(&trial);
    memset(large, 'L', 900000);
    assert_int_equal(emc_set(trial.client, EMC_STR("large"), large, 900000, 0, 0, NULL), EMC_OK);
    proxy_spoil(trial.proxy, PROXY_TO_CLIENT, &fault);
    assert_int_equal(emc_get(trial.client, EMC_STR("large"), &item, NULL), EMC_ERROR_CONNECTION_LOST);
    proxy_heal(trial.proxy);
    trial_recovers(&trial);
    proxy_spoil(trial.proxy, PROXY_TO_SERVER, &fault);
    assert_int_equal(emc_set(trial.client, EMC_STR("large"), large, 900000, 0, 0, NULL), EMC_ERROR_CONNECTION_LOST);
    proxy_heal(trial.proxy);
    trial_recovers(&trial);
    assert_int_equal(emc_set(trial.client, EMC_STR("large"), large, 900000, 0, 0, NULL), EMC_OK);
    assert_int_equal(emc_get(trial.client, EMC_STR("large"), &item, NULL), EMC_OK);
    assert_int_equal(item.value_length, 900000);
    emc_item_release(&item);
    free(large);
    trial_end(&trial);
}

static void a_timeout_under_binary_keeps_the_connection(void **state)
{
    (void)state;
    struct trial trial;
    struct proxy_fault late = {.delay_ms = 300};
    emc_item item = {0};
    emc_call hasty = {.timeout_ms = 50};
    begin(&trial);
    emc_pool_metrics before = trial_metrics(&trial);
    proxy_spoil(trial.proxy, PROXY_TO_CLIENT, &late);
    assert_int_equal(emc_get(trial.client, EMC_STR("k"), &item, &hasty), EMC_ERROR_TIMEOUT);
    assert_int_equal(trial_get(&trial, "none", "", NULL), EMC_MISS); /* behind the late reply, which is dropped */
    assert_int_equal(trial_metrics(&trial).connections_closed, before.connections_closed);
    proxy_heal(trial.proxy);
    trial_end(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_anywhere_in_a_binary_reply_is_a_lost_connection),
        cmocka_unit_test(a_spoilt_magic_opcode_opaque_or_key_is_a_contradiction),
        cmocka_unit_test(binary_bytes_one_at_a_time_change_nothing),
        cmocka_unit_test(a_large_value_cut_half_way_is_a_lost_connection_and_the_next_is_whole),
        cmocka_unit_test(a_timeout_under_binary_keeps_the_connection),
    };
    return cmocka_run_group_tests(tests, start, stop_all);
}
