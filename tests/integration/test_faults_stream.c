/* Faults of the stream, made by a proxy in front of a real server: each with its error, a bound on the time, what becomes of the connection, and nothing
 * left behind. What the bytes must look like on the way is in test_conversations.c and test_faults_replies.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <emcache.h>

#include "trial.h"

#define REPLY   "VALUE k 0 5\r\nvalue\r\nEND\r\n"
#define REQUEST "incr n 1\r\n"
/* With so many bytes the value is whole: it may be delivered before the END. */
#define WHOLE (sizeof REPLY - 1 - 5)

static struct server server;

static int start(void **state)
{
    (void)state;
    server_start(&server, NULL);
    return 0;
}

static int stop_all(void **state)
{
    (void)state;
    server_kill(&server);
    return 0;
}

static emc_options impatient_options(uint32_t timeout_ms)
{
    emc_options options = trial_options();
    options.timeout_ms = timeout_ms;
    return options;
}

/* ------------------------------------------------------------------ ends */

/* Ends the connection after so many bytes of the answer to a get: it is lost, or answered, never wrong. */
static void check_cut(struct trial *trial, enum proxy_cut how, size_t after)
{
    struct proxy_fault fault = {.cut = how, .after = after};
    emc_pool_metrics before = trial_metrics(trial);
    uint64_t took_ms;
    proxy_spoil(trial->proxy, PROXY_TO_CLIENT, &fault);
    emc_status status = trial_get(trial, "k", "value", &took_ms);
    if (status != EMC_ERROR_CONNECTION_LOST && (status != EMC_OK || after < WHOLE)) {
        fail_msg("cut after %zu bytes: %s", after, emc_status_name(status));
    }
    assert_in_range(took_ms, 0, SLACK_MS);
    trial_recovers(trial);
    assert_int_equal(trial_metrics(trial).connections_closed, before.connections_closed + 1);
    proxy_heal(trial->proxy);
}

static void check_cuts_of_replies(enum proxy_cut how)
{
    struct trial trial;
    trial_begin(&trial, &server, NULL);
    for (size_t after = 1; after <= sizeof REPLY - 1; after++) {
        check_cut(&trial, how, after);
    }
    trial_end(&trial);
}

static void a_reset_at_every_byte_of_a_reply_loses_that_operation_alone(void **state)
{
    (void)state;
    check_cuts_of_replies(PROXY_CUT_RESET);
}

static void an_end_at_every_byte_of_a_reply_loses_that_operation_alone(void **state)
{
    (void)state;
    check_cuts_of_replies(PROXY_CUT_FINISH);
}

/* A command that may not be repeated: the server sees it whole or not at all, and once. */
static void a_reset_at_every_byte_of_a_request_loses_it_and_repeats_nothing(void **state)
{
    (void)state;
    struct trial trial;
    emc_item item = {0};
    trial_begin(&trial, &server, NULL);
    assert_int_equal(emc_set(trial.client, EMC_STR("n"), EMC_STR("0"), 0, 0, NULL), EMC_OK);
    for (size_t after = 1; after < sizeof REQUEST - 1; after++) {
        struct proxy_fault fault = {.cut = PROXY_CUT_RESET, .after = after};
        proxy_spoil(trial.proxy, PROXY_TO_SERVER, &fault);
        assert_int_equal(emc_incr(trial.client, EMC_STR("n"), 1, NULL, NULL), EMC_ERROR_CONNECTION_LOST);
        proxy_heal(trial.proxy);
        trial_recovers(&trial);
    }
    assert_int_equal(emc_get(trial.client, EMC_STR("n"), &item, NULL), EMC_OK);
    assert_string_equal(item.value, "0");
    emc_item_release(&item);
    trial_end(&trial);
}

/* The whole reply, then the end, in one go: the reply counts. */
static void a_connection_that_ends_right_after_a_reply_answers_it(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {ACCEPT, HANDSHAKE, EXPECT("get k\r\n"), SEND(REPLY), FINISH,
                                                 ACCEPT, HANDSHAKE, EXPECT("get k\r\n"), SEND(REPLY)};
    struct trial trial;
    trial_begin_scripted(&trial, steps, STEPS(steps), NULL);
    assert_int_equal(trial_get(&trial, "k", "value", NULL), EMC_OK);
    trial_wait_for_step(&trial, 5);
    assert_int_equal(trial_get(&trial, "k", "value", NULL), EMC_OK);
    assert_int_equal(trial_metrics(&trial).connections_created, 2);
    trial_end(&trial);
}

/* A write that was cut is told lost; whether it happened is open, and it is never sent a second time. */
static void a_write_that_was_cut_is_never_repeated(void **state)
{
    (void)state;
    struct trial trial;
    emc_item item = {0};
    trial_begin(&trial, &server, NULL);
    assert_int_equal(emc_set(trial.client, EMC_STR("n"), EMC_STR("0"), 0, 0, NULL), EMC_OK);
    for (int i = 0; i < 20; i++) {
        struct proxy_fault fault = {.cut = i % 2 == 0 ? PROXY_CUT_RESET : PROXY_CUT_FINISH, .after = 1};
        proxy_spoil(trial.proxy, PROXY_TO_CLIENT, &fault); /* the server counts, and its answer is lost */
        assert_int_equal(emc_incr(trial.client, EMC_STR("n"), 1, NULL, NULL), EMC_ERROR_CONNECTION_LOST);
        trial_recovers(&trial);
    }
    assert_int_equal(emc_get(trial.client, EMC_STR("n"), &item, NULL), EMC_OK);
    assert_string_equal(item.value, "20");
    emc_item_release(&item);
    trial_end(&trial);
}

static void a_direction_that_ends_alone_ends_the_connection(void **state)
{
    (void)state;
    struct trial trial;
    struct proxy_fault fault = {.cut = PROXY_CUT_HALF, .after = 10};
    trial_begin(&trial, &server, NULL);
    proxy_spoil(trial.proxy, PROXY_TO_CLIENT, &fault); /* the server still reads */
    assert_int_equal(trial_get(&trial, "k", "value", NULL), EMC_ERROR_CONNECTION_LOST);
    proxy_heal(trial.proxy);
    trial_recovers(&trial);
    trial_end(&trial);
}

/* ------------------------------------------------------------------ silence */

/* Nothing passes any more, and nobody tells: as when a cable is cut. */
static void a_half_open_connection_times_out_and_the_node_is_down_within_the_bound(void **state)
{
    (void)state;
    struct trial trial;
    struct proxy_fault hole = {.swallow = true};
    emc_options options = impatient_options(300);
    uint64_t took_ms, begin;
    emc_status status;
    trial_begin(&trial, &server, &options);
    proxy_spoil(trial.proxy, PROXY_TO_SERVER, &hole);
    proxy_spoil(trial.proxy, PROXY_TO_CLIENT, &hole);
    begin = clock_ms();
    assert_int_equal(trial_get(&trial, "k", "value", &took_ms), EMC_ERROR_TIMEOUT);
    assert_in_range(took_ms, 299, 300 + SLACK_MS);
    while ((status = trial_get(&trial, "k", "value", &took_ms)) == EMC_ERROR_TIMEOUT ||
           status == EMC_ERROR_CONNECTION_LOST) {
        assert_in_range(clock_ms() - begin, 0, PATIENCE_MS);
    }
    expect_either(status, EMC_ERROR_NODE_DOWN, EMC_ERROR_CONNECT);
    assert_in_range(clock_ms() - begin, 0, 300 + UNHEALTHY_WITHIN_MS + SLACK_MS);
    proxy_heal(trial.proxy);
    proxy_end_connections(trial.proxy, true);
    trial_recovers(&trial);
    trial_end(&trial);
}

/* Without a timeout of its own an operation ends all the same when its node is found silent. */
static void an_operation_without_a_timeout_does_not_hang_on_a_silent_node(void **state)
{
    (void)state;
    struct trial trial;
    struct proxy_fault hole = {.swallow = true};
    emc_options options = impatient_options(EMC_NO_LIMIT);
    uint64_t took_ms;
    trial_begin(&trial, &server, &options);
    proxy_spoil(trial.proxy, PROXY_TO_CLIENT, &hole);
    assert_int_equal(trial_get(&trial, "k", "value", &took_ms), EMC_ERROR_NODE_DOWN);
    assert_in_range(took_ms, 1000, UNHEALTHY_WITHIN_MS + SLACK_MS);
    trial_end(&trial);
}

/* One connection is a black hole, and the node answers on every other: what it owes is told lost, and the node goes on with a new one. */
static void a_connection_that_alone_is_silent_is_given_up(void **state)
{
    (void)state;
    struct trial trial;
    struct proxy_fault hole = {.swallow = true, .connection = 1};
    emc_options options = impatient_options(EMC_NO_LIMIT);
    options.health_silence_ms = 200;
    options.health_question_ms = PATIENCE_MS;
    trial_begin(&trial, &server, &options);
    proxy_spoil(trial.proxy, PROXY_TO_CLIENT, &hole);
    uint64_t begin = clock_ms();
    assert_int_equal(emc_set(trial.client, EMC_STR("k"), EMC_STR("value"), 0, 0, NULL), EMC_ERROR_CONNECTION_LOST);
    assert_in_range(clock_ms() - begin, 550, 600 + SLACK_MS);
    assert_int_equal(proxy_accepted(trial.proxy), 4);
    assert_int_equal(trial_get(&trial, "k", "value", NULL), EMC_OK);
    assert_int_equal(trial_metrics(&trial).connections, 1);
    assert_int_equal(proxy_accepted(trial.proxy), 4);
    trial_end(&trial);
}

/* A byte now and then is a sign of life, whatever the others say meanwhile. */
static void a_connection_that_trickles_is_waited_for(void **state)
{
    (void)state;
    struct trial trial;
    struct proxy_fault trickle = {.piece = 2, .pause_ms = 150, .connection = 1};
    emc_options options = impatient_options(EMC_NO_LIMIT);
    options.health_silence_ms = 100;
    options.health_question_ms = PATIENCE_MS;
    trial_begin(&trial, &server, &options);
    proxy_spoil(trial.proxy, PROXY_TO_CLIENT, &trickle);
    assert_int_equal(trial_get(&trial, "k", "value", NULL), EMC_OK);
    trial_end(&trial);
}

static void count_completion(void *user_data, const emc_result *result)
{
    unsigned *counts = user_data;
    assert_true(result->last);
    counts[result->status >= 0 ? 0 : 1]++;
}

/* The server reads nothing: memory for what waits is bounded, timeouts come in time, and nothing completes twice. */
static void a_server_that_stops_reading_costs_bounded_memory_and_nobody_hangs(void **state)
{
    (void)state;
    enum { SIZE = 16000, TRIES = 4000 };
    static char value[SIZE];
    struct trial trial;
    struct proxy_fault stall = {.stall = true};
    emc_options options = impatient_options(500);
    unsigned counts[2] = {0, 0}, accepted = 0;
    options.bytes_waiting_max = 1 << 20;
    trial_begin(&trial, &server, &options);
    proxy_spoil(trial.proxy, PROXY_TO_SERVER, &stall);
    emc_call call = {.callback = count_completion, .user_data = counts};
    uint64_t begin = clock_ms();
    for (unsigned i = 0; i < TRIES; i++) {
        emc_status status = emc_set_async(trial.client, EMC_STR("big"), value, SIZE, 0, 0, &call);
        expect_either(status, EMC_OK, EMC_ERROR_FULL);
        accepted += status == EMC_OK;
        emc_client_process(trial.client);
    }
    assert_in_range(accepted, 10, TRIES - 1); /* it became full */
    while (counts[0] + counts[1] < accepted && clock_ms() - begin < PATIENCE_MS) {
        emc_client_wait(trial.client, 50);
    }
    assert_int_equal(counts[0] + counts[1], accepted);
    assert_in_range(clock_ms() - begin, 0, 2 * SLACK_MS);
    proxy_heal(trial.proxy);
    trial_recovers(&trial);
    trial_end(&trial);
}

/* Both send buffers full at once: large values go out while large values come in. */
static void values_that_fill_both_directions_do_not_deadlock(void **state)
{
    (void)state;
    enum { LENGTH = 400000, COUNT = 30 };
    struct trial trial;
    struct proxy_fault slow = {.piece = 4096};
    char *value = malloc(LENGTH);
    unsigned counts[2] = {0, 0};
    memset(value, 'v', LENGTH);
    trial_begin(&trial, &server, NULL);
    assert_int_equal(emc_set(trial.client, EMC_STR("big"), value, LENGTH, 0, 0, NULL), EMC_OK);
    proxy_spoil(trial.proxy, PROXY_TO_SERVER, &slow);
    emc_call call = {.callback = count_completion, .user_data = counts};
    for (unsigned i = 0; i < COUNT; i++) {
        assert_int_equal(emc_get_async(trial.client, EMC_STR("big"), &call), EMC_OK);
        assert_int_equal(emc_set_async(trial.client, EMC_STR("big"), value, LENGTH, 0, 0, &call), EMC_OK);
    }
    uint64_t begin = clock_ms();
    while (counts[0] + counts[1] < 2 * COUNT && clock_ms() - begin < PATIENCE_MS) {
        emc_client_wait(trial.client, 50);
    }
    assert_int_equal(counts[0], 2 * COUNT);
    trial_end(&trial);
    free(value);
}

/* ------------------------------------------------------------------ pieces */

static void check_pieces(uint32_t to_server, uint32_t to_client)
{
    struct trial trial;
    struct proxy_fault out = {.piece = to_server}, in = {.piece = to_client};
    emc_key keys[3] = {{EMC_STR("k")}, {EMC_STR("none")}, {EMC_STR("tricky")}};
    emc_item items[3];
    trial_begin(&trial, &server, NULL);
    proxy_spoil(trial.proxy, PROXY_TO_SERVER, &out);
    proxy_spoil(trial.proxy, PROXY_TO_CLIENT, &in);
    assert_int_equal(
        emc_set(trial.client, EMC_STR("tricky"), EMC_STR("END\r\nVALUE k 0 1\r\nX\r\nERROR\r\n"), 0, 0, NULL), EMC_OK);
    assert_int_equal(emc_get_many(trial.client, keys, 3, items, NULL), EMC_OK);
    assert_string_equal(items[0].value, "value");
    assert_int_equal(items[1].status, EMC_MISS);
    assert_string_equal(items[2].value, "END\r\nVALUE k 0 1\r\nX\r\nERROR\r\n");
    emc_items_release(items, 3);
    assert_int_equal(trial_metrics(&trial).connections_closed, 0);
    trial_end(&trial);
}

static void bytes_one_at_a_time_change_nothing(void **state)
{
    (void)state;
    check_pieces(1, 1);
}

static void a_split_at_every_length_changes_nothing(void **state)
{
    (void)state;
    for (uint32_t piece = 2; piece < 64; piece++) {
        check_pieces(0, piece);
    }
}

static void replies_that_come_all_at_once_are_told_apart(void **state)
{
    (void)state;
    enum { COUNT = 200 };
    struct trial trial;
    struct proxy_fault late = {.delay_ms = 100};
    static struct outcome outcomes[COUNT];
    trial_begin(&trial, &server, NULL);
    proxy_spoil(trial.proxy, PROXY_TO_CLIENT, &late);
    for (unsigned i = 0; i < COUNT; i++) {
        char key[16], value[16];
        size_t key_length = (size_t)snprintf(key, sizeof key, "run-%u", i / 2);
        size_t value_length = (size_t)snprintf(value, sizeof value, "v%u", i / 2);
        emc_call call = keep(&outcomes[i]);
        assert_int_equal(i % 2 == 0 ? emc_set_async(trial.client, key, key_length, value, value_length, 0, 0, &call)
                                    : emc_get_async(trial.client, key, key_length, &call),
                         EMC_OK);
        emc_client_flush(trial.client); /* each in a write of its own */
    }
    for (unsigned i = 0; i < COUNT; i++) {
        char value[16];
        await(trial.client, &outcomes[i]);
        assert_int_equal(outcomes[i].status, EMC_OK);
        snprintf(value, sizeof value, "v%u", i / 2);
        assert_string_equal(outcomes[i].value, i % 2 == 0 ? "" : value);
    }
    trial_end(&trial);
}

/* Two connections, one much later than the other: each key's operations keep their order. */
static void answers_that_overtake_each_other_between_connections_keep_each_keys_order(void **state)
{
    (void)state;
    enum { KEYS = 40, ROUNDS = 10 };
    struct trial trial;
    struct proxy_fault late = {.delay_ms = 15, .connection = 1};
    emc_options options = trial_options();
    static struct outcome outcomes[KEYS][ROUNDS];
    options.connections_min = options.connections_max = 2;
    trial_begin(&trial, &server, &options);
    for (uint64_t end = clock_ms() + PATIENCE_MS; trial_metrics(&trial).connections < 2 && clock_ms() < end;) {
        emc_client_wait(trial.client, 10);
    }
    proxy_spoil(trial.proxy, PROXY_TO_SERVER, &late);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned k = 0; k < KEYS; k++) {
            char key[16], value[16];
            size_t key_length = (size_t)snprintf(key, sizeof key, "order-%u", k);
            size_t value_length = (size_t)snprintf(value, sizeof value, "%u", round / 2);
            emc_call call = keep(&outcomes[k][round]);
            assert_int_equal(round % 2 == 0
                                 ? emc_set_async(trial.client, key, key_length, value, value_length, 0, 0, &call)
                                 : emc_get_async(trial.client, key, key_length, &call),
                             EMC_OK);
        }
        emc_client_process(trial.client);
    }
    for (unsigned k = 0; k < KEYS; k++) {
        for (unsigned round = 0; round < ROUNDS; round++) {
            char value[16];
            snprintf(value, sizeof value, "%u", round / 2);
            await(trial.client, &outcomes[k][round]);
            assert_int_equal(outcomes[k][round].status, EMC_OK);
            assert_string_equal(outcomes[k][round].value, round % 2 == 0 ? "" : value);
        }
    }
    assert_int_equal(trial_metrics(&trial).connections_closed, 0);
    trial_end(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reset_at_every_byte_of_a_reply_loses_that_operation_alone),
        cmocka_unit_test(an_end_at_every_byte_of_a_reply_loses_that_operation_alone),
        cmocka_unit_test(a_reset_at_every_byte_of_a_request_loses_it_and_repeats_nothing),
        cmocka_unit_test(a_connection_that_ends_right_after_a_reply_answers_it),
        cmocka_unit_test(a_write_that_was_cut_is_never_repeated),
        cmocka_unit_test(a_direction_that_ends_alone_ends_the_connection),
        cmocka_unit_test(a_half_open_connection_times_out_and_the_node_is_down_within_the_bound),
        cmocka_unit_test(an_operation_without_a_timeout_does_not_hang_on_a_silent_node),
        cmocka_unit_test(a_connection_that_alone_is_silent_is_given_up),
        cmocka_unit_test(a_connection_that_trickles_is_waited_for),
        cmocka_unit_test(a_server_that_stops_reading_costs_bounded_memory_and_nobody_hangs),
        cmocka_unit_test(values_that_fill_both_directions_do_not_deadlock),
        cmocka_unit_test(bytes_one_at_a_time_change_nothing),
        cmocka_unit_test(a_split_at_every_length_changes_nothing),
        cmocka_unit_test(replies_that_come_all_at_once_are_told_apart),
        cmocka_unit_test(answers_that_overtake_each_other_between_connections_keep_each_keys_order),
    };
    return cmocka_run_group_tests(tests, start, stop_all);
}
