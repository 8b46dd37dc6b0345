/* Conversations with a scripted server: what the client says, to the byte, and what it makes of the answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <emcache.h>

#include "scripted_server.h"
#include "session.h"

static struct scripted_server *server;
static emc_client *client;

/* One connection, so that the order of the conversation is the order of the operations. */
static emc_options one_connection(void)
{
    emc_options options = patient_options();
    options.connections_max = 1;
    options.health_silence_ms = EMC_NO_LIMIT;
    options.backoff_min_ms = 10;
    return options;
}

static void begin_with(const struct scripted_step *steps, size_t count, const emc_options *options)
{
    server = scripted_server_start(steps, count);
    client = open_client_at(scripted_server_address(server), options);
}

static void begin(const struct scripted_step *steps, size_t count)
{
    emc_options options = one_connection();
    begin_with(steps, count, &options);
}

static void wait_for_step(size_t step)
{
    uint64_t end = clock_ms() + PATIENCE_MS;
    while (scripted_server_progress(server) < step && clock_ms() < end) {
        emc_client_wait(client, 2);
    }
}

static void finish(const struct scripted_step *steps, size_t count)
{
    (void)steps;
    wait_for_step(count);
    scripted_server_end(server);
    emc_client_destroy(client);
}

static void expect_hit(const char *key, const char *value)
{
    emc_item item = {0};
    emc_status status = emc_get(client, key, strlen(key), &item, NULL);
    if (status != EMC_OK) {
        fail_msg("get %s: %s: %s", key, emc_status_name(status), emc_client_error_message(client));
    }
    assert_string_equal(item.value, value);
    emc_item_release(&item);
}

static emc_status get_status(const char *key)
{
    emc_item item = {0};
    emc_status status = emc_get(client, key, strlen(key), &item, NULL);
    emc_item_release(&item);
    return status;
}

/* ------------------------------------------------------------------ what is said */

static void gets_of_one_tick_leave_as_one_line(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT,
        HANDSHAKE,
        EXPECT("get a b c\r\n"),
        SEND("VALUE a 1 1\r\nA\r\nVALUE c 3 2\r\nCC\r\nEND\r\n"),
    };
    struct outcome a, b, c;
    emc_call calls[3] = {keep(&a), keep(&b), keep(&c)};
    begin(steps, STEPS(steps));
    assert_int_equal(emc_get_async(client, EMC_STR("a"), &calls[0]), EMC_OK);
    assert_int_equal(emc_get_async(client, EMC_STR("b"), &calls[1]), EMC_OK);
    assert_int_equal(emc_get_async(client, EMC_STR("c"), &calls[2]), EMC_OK);
    await(client, &a);
    await(client, &b);
    await(client, &c);
    assert_string_equal(a.value, "A");
    assert_int_equal(b.status, EMC_MISS);
    assert_string_equal(c.value, "CC");
    assert_true(a.flags == 1 && c.flags == 3);
    finish(steps, STEPS(steps));
}

static void every_command_is_written_as_the_protocol_has_it(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT,
        HANDSHAKE,
        EXPECT("set k 7 60 5\r\nvalue\r\n"),
        SEND("STORED\r\n"),
        EXPECT("add k 0 0 0\r\n\r\n"),
        SEND("NOT_STORED\r\n"),
        EXPECT("replace k 0 -1 1\r\nv\r\n"),
        SEND("STORED\r\n"),
        EXPECT("append k 0 0 1\r\nx\r\n"),
        SEND("STORED\r\n"),
        EXPECT("prepend k 0 0 1\r\ny\r\n"),
        SEND("STORED\r\n"),
        EXPECT("cas k 0 0 1 99\r\nz\r\n"),
        SEND("EXISTS\r\n"),
        EXPECT("gets k\r\n"),
        SEND("VALUE k 0 1 18446744073709551615\r\nv\r\nEND\r\n"),
        EXPECT("gat 30 k\r\n"),
        SEND("END\r\n"),
        EXPECT("gats 30 k\r\n"),
        SEND("END\r\n"),
        EXPECT("delete k\r\n"),
        SEND("DELETED\r\n"),
        EXPECT("incr k 5\r\n"),
        SEND("12\r\n"),
        EXPECT("decr k 18446744073709551615\r\n"),
        SEND("0\r\n"),
        EXPECT("touch k 0\r\n"),
        SEND("TOUCHED\r\n"),
        EXPECT("flush_all 5\r\n"),
        SEND("OK\r\n"),
        EXPECT("verbosity 1\r\n"),
        SEND("OK\r\n"),
    };
    emc_item item = {0};
    uint64_t number = 0;
    begin(steps, STEPS(steps));
    emc_address node = scripted_server_address(server);
    assert_int_equal(emc_set(client, EMC_STR("k"), EMC_STR("value"), 60, 7, NULL), EMC_OK);
    assert_int_equal(emc_add(client, EMC_STR("k"), "", 0, 0, 0, NULL), EMC_NOT_STORED);
    assert_int_equal(emc_replace(client, EMC_STR("k"), EMC_STR("v"), -1, 0, NULL), EMC_OK);
    assert_int_equal(emc_append(client, EMC_STR("k"), EMC_STR("x"), NULL), EMC_OK);
    assert_int_equal(emc_prepend(client, EMC_STR("k"), EMC_STR("y"), NULL), EMC_OK);
    assert_int_equal(emc_cas(client, EMC_STR("k"), EMC_STR("z"), 0, 0, 99, NULL), EMC_EXISTS);
    assert_int_equal(emc_gets(client, EMC_STR("k"), &item, NULL), EMC_OK);
    assert_true(item.cas == UINT64_MAX);
    emc_item_release(&item);
    assert_int_equal(emc_gat(client, EMC_STR("k"), 30, &item, NULL), EMC_MISS);
    assert_int_equal(emc_gats(client, EMC_STR("k"), 30, &item, NULL), EMC_MISS);
    assert_int_equal(emc_delete(client, EMC_STR("k"), NULL), EMC_OK);
    assert_int_equal(emc_incr(client, EMC_STR("k"), 5, &number, NULL), EMC_OK);
    assert_true(number == 12);
    assert_int_equal(emc_decr(client, EMC_STR("k"), UINT64_MAX, &number, NULL), EMC_OK);
    assert_int_equal(emc_touch(client, EMC_STR("k"), 0, NULL), EMC_OK);
    assert_int_equal(emc_flush_all(client, &node, 5, NULL), EMC_OK);
    assert_int_equal(emc_verbosity(client, &node, 1, NULL), EMC_OK);
    finish(steps, STEPS(steps));
}

/* ------------------------------------------------------------------ how it arrives */

static void a_reply_in_single_bytes_is_the_same_reply(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT,
        EXPECT("version\r\n"),
        SEND_BY_BYTE("VERSION 1.6.18\r\n"),
        EXPECT("get k\r\n"),
        SEND_BY_BYTE("VALUE k 0 12\r\nEND\r\nERROR\r\n\r\nEND\r\n"),
    };
    begin(steps, STEPS(steps));
    expect_hit("k", "END\r\nERROR\r\n");
    finish(steps, STEPS(steps));
}

static void a_large_value_that_arrives_in_parts_is_whole(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT,     HANDSHAKE,  EXPECT("get k\r\n"), SEND("VALUE k 0 500003\r\na"), SEND_ZEROS(500000),
        SEND("bc"), SEND("\r"), SEND("\nEND\r\n"),
    };
    emc_item item = {0};
    begin(steps, STEPS(steps));
    assert_int_equal(emc_get(client, EMC_STR("k"), &item, NULL), EMC_OK);
    assert_int_equal(item.value_length, 500003);
    assert_memory_equal(item.value, "a\0", 2);
    assert_memory_equal((char *)item.value + 500001, "bc", 3);
    emc_item_release(&item);
    finish(steps, STEPS(steps));
}

/* ------------------------------------------------------------------ broken connections */

/* The answer to `get k` on the first connection loses it with `status`; the next one serves. */
static void check_loss(const struct scripted_step *steps, size_t count, emc_status status)
{
    begin(steps, count);
    assert_int_equal(get_status("k"), status);
    expect_hit("l", "L");
    finish(steps, count);
}

#define NEXT_CONNECTION ACCEPT, HANDSHAKE, EXPECT("get l\r\n"), SEND("VALUE l 0 1\r\nL\r\nEND\r\n")

static void a_reset_inside_a_value_is_a_lost_connection(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT, HANDSHAKE, EXPECT("get k\r\n"), SEND("VALUE k 0 10\r\n12345"), RESET, NEXT_CONNECTION};
    check_loss(steps, STEPS(steps), EMC_ERROR_CONNECTION_LOST);
}

static void an_end_inside_a_value_is_a_lost_connection(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT, HANDSHAKE, EXPECT("get k\r\n"), SEND("VALUE k 0 10\r\n12345"), FINISH, NEXT_CONNECTION};
    check_loss(steps, STEPS(steps), EMC_ERROR_CONNECTION_LOST);
}

static void a_value_for_another_key_is_never_delivered(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT, HANDSHAKE, EXPECT("get k\r\n"), SEND("VALUE x 0 1\r\nX\r\nEND\r\n"), EXPECT_END, NEXT_CONNECTION};
    check_loss(steps, STEPS(steps), EMC_ERROR_PROTOCOL);
}

static void a_value_that_is_repeated_is_a_contradiction(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT,     HANDSHAKE,      EXPECT("get k\r\n"), SEND("VALUE k 0 1\r\nX\r\nVALUE k 0 1\r\nY\r\nEND\r\n"),
        EXPECT_END, NEXT_CONNECTION};
    begin(steps, STEPS(steps));
    emc_status status = get_status("k"); /* its first value may have been delivered before the second came */
    assert_true(status == EMC_ERROR_PROTOCOL || status == EMC_OK);
    expect_hit("l", "L");
    finish(steps, STEPS(steps));
}

static void garbage_is_a_contradiction(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT, HANDSHAKE, EXPECT("get k\r\n"), SEND("\x80\x81\x00\x00 what?\r\n"), EXPECT_END, NEXT_CONNECTION};
    check_loss(steps, STEPS(steps), EMC_ERROR_PROTOCOL);
}

static void a_blank_line_is_a_contradiction(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {ACCEPT,     HANDSHAKE,      EXPECT("get k\r\n"), SEND("\r\nEND\r\n"),
                                                 EXPECT_END, NEXT_CONNECTION};
    check_loss(steps, STEPS(steps), EMC_ERROR_PROTOCOL);
}

static void a_length_that_overflows_is_a_contradiction(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT,     HANDSHAKE,      EXPECT("get k\r\n"), SEND("VALUE k 0 18446744073709551617\r\n"),
        EXPECT_END, NEXT_CONNECTION};
    check_loss(steps, STEPS(steps), EMC_ERROR_PROTOCOL);
}

static void a_length_beyond_the_limit_costs_no_memory(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT, HANDSHAKE, EXPECT("get k\r\n"), SEND("VALUE k 0 999999999999\r\n"), EXPECT_END, NEXT_CONNECTION};
    check_loss(steps, STEPS(steps), EMC_ERROR_PROTOCOL);
}

static void a_value_without_its_line_end_is_a_contradiction(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT, HANDSHAKE, EXPECT("get k\r\n"), SEND("VALUE k 0 1\r\nXXEND\r\n"), EXPECT_END, NEXT_CONNECTION};
    check_loss(steps, STEPS(steps), EMC_ERROR_PROTOCOL);
}

static void a_reply_of_the_wrong_kind_is_a_contradiction(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {ACCEPT,     HANDSHAKE,      EXPECT("delete k\r\n"), SEND("STORED\r\n"),
                                                 EXPECT_END, NEXT_CONNECTION};
    begin(steps, STEPS(steps));
    assert_int_equal(emc_delete(client, EMC_STR("k"), NULL), EMC_ERROR_PROTOCOL);
    expect_hit("l", "L");
    finish(steps, STEPS(steps));
}

static void bytes_that_nobody_asked_for_close_the_connection(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT,     HANDSHAKE,      EXPECT("get k\r\n"), SEND("END\r\n"), SEND("VALUE l 0 5\r\nwrong\r\nEND\r\n"),
        EXPECT_END, NEXT_CONNECTION};
    begin(steps, STEPS(steps));
    get_status("k");
    wait_for_step(7);
    expect_hit("l", "L");
    finish(steps, STEPS(steps));
}

static void a_connection_closed_while_idle_costs_a_get_nothing(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT, HANDSHAKE, EXPECT("get k\r\n"), SEND("VALUE k 0 1\r\nK\r\nEND\r\n"), STALL, FINISH, NEXT_CONNECTION};
    begin(steps, STEPS(steps));
    expect_hit("k", "K");
    scripted_server_continue(server);
    scripted_server_wait(server, 7);
    expect_hit("l", "L");
    finish(steps, STEPS(steps));
}

/* ------------------------------------------------------------------ errors of the server */

static void errors_that_leave_the_stream_in_step_keep_the_connection(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT,
        HANDSHAKE,
        EXPECT("set k 0 0 1\r\nv\r\n"),
        SEND("SERVER_ERROR object too large for cache\r\n"),
        EXPECT("set k 0 0 1\r\nv\r\n"),
        SEND("SERVER_ERROR out of memory storing object\r\n"),
        EXPECT("get k\r\n"),
        SEND("SERVER_ERROR something else\r\n"),
        EXPECT("incr k 1\r\n"),
        SEND("CLIENT_ERROR cannot increment or decrement non-numeric value\r\n"),
        EXPECT("get l\r\n"),
        SEND("VALUE l 0 1\r\nL\r\nEND\r\n"),
    };
    begin(steps, STEPS(steps));
    assert_int_equal(emc_set(client, EMC_STR("k"), EMC_STR("v"), 0, 0, NULL), EMC_ERROR_TOO_LARGE);
    assert_int_equal(emc_set(client, EMC_STR("k"), EMC_STR("v"), 0, 0, NULL), EMC_ERROR_SERVER_MEMORY);
    assert_int_equal(get_status("k"), EMC_ERROR_SERVER);
    assert_non_null(strstr(emc_client_error_message(client), "something else"));
    assert_int_equal(emc_incr(client, EMC_STR("k"), 1, NULL, NULL), EMC_ERROR_CLIENT);
    expect_hit("l", "L");
    finish(steps, STEPS(steps));
}

static void an_error_to_a_storage_command_closes_since_the_value_may_run_as_commands(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT,     HANDSHAKE,      EXPECT("set k 0 0 1\r\nv\r\n"), SEND("CLIENT_ERROR bad command line format\r\n"),
        EXPECT_END, NEXT_CONNECTION};
    begin(steps, STEPS(steps));
    assert_int_equal(emc_set(client, EMC_STR("k"), EMC_STR("v"), 0, 0, NULL), EMC_ERROR_CLIENT);
    expect_hit("l", "L");
    finish(steps, STEPS(steps));
}

static void an_error_in_place_of_many_values_asks_each_key_once_more_alone(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT,
        HANDSHAKE,
        EXPECT("get a b\r\n"),
        SEND("SERVER_ERROR out of memory writing get response\r\n"),
        EXPECT("get a\r\n"),
        SEND("VALUE a 0 1\r\nA\r\nEND\r\n"),
        EXPECT("get b\r\n"),
        SEND("SERVER_ERROR still not\r\n"),
    };
    struct outcome a, b;
    emc_call calls[2] = {keep(&a), keep(&b)};
    begin(steps, STEPS(steps));
    assert_int_equal(emc_get_async(client, EMC_STR("a"), &calls[0]), EMC_OK);
    assert_int_equal(emc_get_async(client, EMC_STR("b"), &calls[1]), EMC_OK);
    await(client, &a);
    await(client, &b);
    assert_string_equal(a.value, "A");
    assert_int_equal(b.status, EMC_ERROR_SERVER);
    finish(steps, STEPS(steps));
}

static void an_unasked_error_after_noreply_hits_nobody_else(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT,     HANDSHAKE,      EXPECT("set k 0 0 1 noreply\r\nv\r\nversion\r\n"), /* fenced */ SEND("ERROR\r\n"),
        EXPECT_END, NEXT_CONNECTION};
    emc_call quietly = {.options = EMC_CALL_NOREPLY};
    begin(steps, STEPS(steps));
    /* Written, or already known to have gone wrong: never more than that. */
    emc_status status = emc_set(client, EMC_STR("k"), EMC_STR("v"), 0, 0, &quietly);
    assert_true(status == EMC_OK || status == EMC_ERROR_PROTOCOL);
    wait_for_step(6);
    expect_hit("l", "L");
    finish(steps, STEPS(steps));
}

/* ------------------------------------------------------------------ time */

static void the_late_reply_of_a_timed_out_get_is_dropped(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT,
        HANDSHAKE,
        EXPECT("get k\r\n"),
        STALL,
        SEND("VALUE k 0 4\r\nlate\r\nEND\r\n"),
        EXPECT("get l\r\n"),
        SEND("VALUE l 0 1\r\nL\r\nEND\r\n"),
    };
    emc_item item = {0};
    emc_call brief = {.timeout_ms = 50};
    begin(steps, STEPS(steps));
    wait_for_step(3);
    uint64_t before = clock_ms();
    assert_int_equal(emc_get(client, EMC_STR("k"), &item, &brief), EMC_ERROR_TIMEOUT);
    assert_in_range(clock_ms() - before, 49, 1000);
    scripted_server_continue(server);
    expect_hit("l", "L"); /* on the same connection */
    finish(steps, STEPS(steps));
}

static void the_late_reply_of_a_cancelled_get_is_dropped(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT,
        HANDSHAKE,
        EXPECT("get k\r\n"),
        SEND("VALUE k 0 100000\r\nhalf"),
        STALL,
        SEND_ZEROS(99996),
        SEND("\r\nEND\r\n"),
        EXPECT("get l\r\n"),
        SEND("VALUE l 0 1\r\nL\r\nEND\r\n"),
    };
    struct outcome outcome;
    uint64_t operation = 0;
    emc_call call = keep(&outcome);
    call.operation_out = &operation;
    begin(steps, STEPS(steps));
    assert_int_equal(emc_get_async(client, EMC_STR("k"), &call), EMC_OK);
    wait_for_step(5);
    run_for(client, 10);
    assert_int_equal(emc_cancel(client, operation), EMC_OK);
    await(client, &outcome);
    assert_int_equal(outcome.status, EMC_ERROR_CANCELLED);
    scripted_server_continue(server);
    expect_hit("l", "L");
    finish(steps, STEPS(steps));
}

static void a_server_that_does_not_read_makes_submissions_fail_not_memory_grow(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {ACCEPT, HANDSHAKE, STALL};
    static char value[16000];
    emc_options options = one_connection();
    options.bytes_waiting_max = 1 << 20;
    begin_with(steps, STEPS(steps), &options);
    wait_for_step(3);
    emc_call call = {.timeout_ms = EMC_NO_LIMIT};
    emc_status status = EMC_OK;
    size_t accepted = 0;
    while (status == EMC_OK && accepted < 100000) {
        status = emc_set_async(client, EMC_STR("k"), value, sizeof value, 0, 0, &call);
        accepted += status == EMC_OK;
        if (accepted % 16 == 0) {
            emc_client_process(client);
        }
    }
    assert_int_equal(status, EMC_ERROR_FULL);
    assert_non_null(strstr(emc_client_error_message(client), "options.bytes_waiting_max"));
    assert_true(accepted > 10);
    scripted_server_abandon(server);
    emc_client_destroy(client);
}

static void keys_are_listed_by_either_dump_of_either_generation(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT,
        HANDSHAKE,
        EXPECT("lru_crawler mgdump all\r\n"),
        SEND("mg a\r\nmg b\r\nEN\r\n"),
        EXPECT("lru_crawler metadump all\r\n"),
        SEND("OK\r\nkey=a%20b exp=-1 la=1 cas=2 fetch=no cls=1 size=63\nEND\r\n"),
        EXPECT("lru_crawler mgdump all\r\n"),
        SEND("ERROR\r\n"),
        EXPECT("lru_crawler metadump all\r\n"),
        SEND("BUSY currently processing crawler request\r\n"),
    };
    static const struct {
        emc_dump dump;
        unsigned results;
        emc_status status;
    } asked[] = {{EMC_DUMP_KEYS, 3, EMC_OK},
                 {EMC_DUMP_META, 2, EMC_OK},
                 {EMC_DUMP_KEYS, 1, EMC_ERROR_UNSUPPORTED},
                 {EMC_DUMP_META, 1, EMC_ERROR_BUSY}};
    struct outcome outcome;
    begin(steps, STEPS(steps));
    emc_address node = scripted_server_address(server);
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        emc_call call = keep(&outcome);
        assert_int_equal(emc_dump_keys_async(client, &node, asked[i].dump, &call), EMC_OK);
        await(client, &outcome);
        assert_int_equal(outcome.results, asked[i].results);
        assert_int_equal(outcome.status, asked[i].status);
    }
    finish(steps, STEPS(steps));
}

static void statistics_that_never_end_are_cut(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT,     HANDSHAKE,      EXPECT("stats\r\n"), SEND("STAT a 1\r\nSTAT b 2\r\nSTAT c 3\r\nSTAT d 4\r\n"),
        EXPECT_END, NEXT_CONNECTION};
    emc_options options = one_connection();
    struct outcome outcome;
    emc_call call = keep(&outcome);
    options.stats_lines_max = 3;
    begin_with(steps, STEPS(steps), &options);
    emc_address node = scripted_server_address(server);
    assert_int_equal(emc_stats_async(client, &node, NULL, &call), EMC_OK);
    await(client, &outcome);
    assert_true(outcome.status < 0);
    expect_hit("l", "L");
    finish(steps, STEPS(steps));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gets_of_one_tick_leave_as_one_line),
        cmocka_unit_test(every_command_is_written_as_the_protocol_has_it),
        cmocka_unit_test(a_reply_in_single_bytes_is_the_same_reply),
        cmocka_unit_test(a_large_value_that_arrives_in_parts_is_whole),
        cmocka_unit_test(a_reset_inside_a_value_is_a_lost_connection),
        cmocka_unit_test(an_end_inside_a_value_is_a_lost_connection),
        cmocka_unit_test(a_value_for_another_key_is_never_delivered),
        cmocka_unit_test(a_value_that_is_repeated_is_a_contradiction),
        cmocka_unit_test(garbage_is_a_contradiction),
        cmocka_unit_test(a_blank_line_is_a_contradiction),
        cmocka_unit_test(a_length_that_overflows_is_a_contradiction),
        cmocka_unit_test(a_length_beyond_the_limit_costs_no_memory),
        cmocka_unit_test(a_value_without_its_line_end_is_a_contradiction),
        cmocka_unit_test(a_reply_of_the_wrong_kind_is_a_contradiction),
        cmocka_unit_test(bytes_that_nobody_asked_for_close_the_connection),
        cmocka_unit_test(a_connection_closed_while_idle_costs_a_get_nothing),
        cmocka_unit_test(errors_that_leave_the_stream_in_step_keep_the_connection),
        cmocka_unit_test(an_error_to_a_storage_command_closes_since_the_value_may_run_as_commands),
        cmocka_unit_test(an_error_in_place_of_many_values_asks_each_key_once_more_alone),
        cmocka_unit_test(an_unasked_error_after_noreply_hits_nobody_else),
        cmocka_unit_test(the_late_reply_of_a_timed_out_get_is_dropped),
        cmocka_unit_test(the_late_reply_of_a_cancelled_get_is_dropped),
        cmocka_unit_test(a_server_that_does_not_read_makes_submissions_fail_not_memory_grow),
        cmocka_unit_test(keys_are_listed_by_either_dump_of_either_generation),
        cmocka_unit_test(statistics_that_never_end_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
