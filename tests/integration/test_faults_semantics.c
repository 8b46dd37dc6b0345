/* Errors of the server, on real servers: each is reported as what it is, and none passes for success or for a miss. What a scripted server can show is in
 * test_conversations.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <emcache.h>

#include "trial.h"

#define MANY       2000
#define VALUE_SIZE 4000

struct write {
    emc_status status;
    unsigned results;
    bool checked;
};

static struct write writes[MANY];

static void note(void *user_data, const emc_result *result)
{
    struct write *write = user_data;
    write->status = result->status;
    write->results += result->last;
}

static size_t compose(unsigned i, char *key, char *value)
{
    memset(value, 'a' + (int)(i % 26), VALUE_SIZE);
    snprintf(value, VALUE_SIZE, "value of %u", i);
    return (size_t)sprintf(key, "quiet-%u", i);
}

static bool all_done(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (writes[i].results == 0) {
            return false;
        }
    }
    return true;
}

/* All in one tick, so that the engine may let them go quiet. */
static void submit_many(emc_client *client)
{
    static char value[VALUE_SIZE];
    memset(writes, 0, sizeof writes);
    for (unsigned i = 0; i < MANY; i++) {
        char key[32];
        size_t length = compose(i, key, value);
        emc_call call = {.callback = note, .user_data = &writes[i]};
        assert_int_equal(emc_set_async(client, key, length, value, VALUE_SIZE, 0, 0, &call), EMC_OK);
    }
    for (uint64_t end = clock_ms() + PATIENCE_MS; !all_done(MANY) && clock_ms() < end;) {
        emc_client_wait(client, 50);
    }
}

/* A server that is full and may not evict: many sets fail, in a run that goes without replies. Each one that succeeded is there. */
static void an_error_in_a_quiet_run_is_never_taken_for_success(void **state)
{
    (void)state;
    static char expected[VALUE_SIZE];
    struct server_settings settings = {.memory_max_mb = 2, .no_evictions = true};
    struct server server;
    struct trial trial;
    unsigned succeeded = 0, refused = 0, unknown = 0;
    server_start(&server, &settings);
    trial_begin(&trial, &server, NULL);
    submit_many(trial.client);
    for (unsigned i = 0; i < MANY; i++) {
        char key[32];
        size_t length = compose(i, key, expected);
        emc_item item = {0};
        emc_status status = emc_get(trial.client, key, length, &item, NULL);
        assert_int_equal(writes[i].results, 1);
        if (status == EMC_OK) {
            assert_int_equal(item.value_length, VALUE_SIZE);
            assert_memory_equal(item.value, expected, VALUE_SIZE);
        }
        succeeded += writes[i].status == EMC_OK;
        refused += writes[i].status == EMC_ERROR_SERVER_MEMORY;
        unknown += writes[i].status == EMC_ERROR_OUTCOME_UNKNOWN;
        assert_true(writes[i].status != EMC_OK || status == EMC_OK);
        emc_item_release(&item);
    }
    printf("%u stored, %u refused, %u of unknown outcome\n", succeeded, refused, unknown);
    assert_int_equal(succeeded + refused + unknown, MANY);
    assert_true(succeeded > 0 && refused > 0);
    assert_int_equal(trial_metrics(&trial).connections_closed, 0);
    trial_end(&trial);
    server_kill(&server);
}

/* The error of a noreply write is swallowed by the server; what follows is answered as if nothing had been. */
static void a_noreply_write_that_the_server_refuses_disturbs_nobody(void **state)
{
    (void)state;
    static char large[2000000];
    struct server server;
    struct trial trial;
    emc_call quietly = {.options = EMC_CALL_NOREPLY};
    server_start(&server, NULL);
    trial_begin(&trial, &server, NULL);
    for (int i = 0; i < 20; i++) {
        expect_either(emc_set(trial.client, EMC_STR("large"), large, sizeof large, 0, 0, &quietly), EMC_OK,
                      EMC_ERROR_TOO_LARGE);
        emc_incr(trial.client, EMC_STR("k"), 1, NULL, &quietly); /* not a number */
        trial_recovers(&trial);
    }
    trial_end(&trial);
    server_kill(&server);
}

/* Replies come when their operations have long timed out: they are recognised and dropped, on the same connection. */
static void late_replies_reach_nobody_and_cost_no_connection(void **state)
{
    (void)state;
    enum { COUNT = 50 };
    struct server server;
    struct trial trial;
    struct proxy_fault late = {.delay_ms = 150};
    static struct outcome outcomes[COUNT];
    server_start(&server, NULL);
    trial_begin(&trial, &server, NULL);
    proxy_spoil(trial.proxy, PROXY_TO_CLIENT, &late);
    for (unsigned i = 0; i < COUNT; i++) {
        char key[16];
        size_t length = (size_t)snprintf(key, sizeof key, "late-%u", i);
        emc_call call = keep(&outcomes[i]);
        call.timeout_ms = 30;
        assert_int_equal(i % 2 == 0 ? emc_get_async(trial.client, EMC_STR("k"), &call)
                                    : emc_set_async(trial.client, key, length, EMC_STR("v"), 0, 0, &call),
                         EMC_OK);
        emc_client_flush(trial.client);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        await(trial.client, &outcomes[i]);
        assert_int_equal(outcomes[i].status, EMC_ERROR_TIMEOUT);
    }
    assert_int_equal(trial_get(&trial, "k", "value", NULL), EMC_OK); /* behind all of them */
    proxy_heal(trial.proxy);
    run_for(trial.client, 200);
    for (unsigned i = 0; i < COUNT; i++) {
        assert_int_equal(outcomes[i].results, 1);
    }
    assert_int_equal(trial_metrics(&trial).connections_created, 1);
    trial_end(&trial);
    server_kill(&server);
}

static void an_expiry_over_thirty_days_does_not_expire_at_once(void **state)
{
    (void)state;
    struct server server;
    struct trial trial;
    server_start(&server, NULL);
    trial_begin(&trial, &server, NULL);
    int64_t in_forty_days = (int64_t)time(NULL) + 40 * 24 * 3600;
    assert_int_equal(emc_set(trial.client, EMC_STR("k"), EMC_STR("value"), in_forty_days, 0, NULL), EMC_OK);
    assert_int_equal(trial_get(&trial, "k", "value", NULL), EMC_OK);
    trial_end(&trial);
    server_kill(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_in_a_quiet_run_is_never_taken_for_success),
        cmocka_unit_test(a_noreply_write_that_the_server_refuses_disturbs_nobody),
        cmocka_unit_test(late_replies_reach_nobody_and_cost_no_connection),
        cmocka_unit_test(an_expiry_over_thirty_days_does_not_expire_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
