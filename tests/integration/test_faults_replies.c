/* Bad replies, beside those of test_conversations.c: each loses the connection it came on, with an error, and gives nobody a value that is not his. */
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

#define NEXT_CONNECTION ACCEPT, HANDSHAKE, EXPECT("get k\r\n"), SEND("VALUE k 0 5\r\nvalue\r\nEND\r\n")

/* The answer to `get k` is this; the get fails with a contradiction, the connection is closed by the client, and the next one serves. */
#define BAD_REPLY(reply)                                                                 \
    {                                                                                    \
        ACCEPT, HANDSHAKE, EXPECT("get k\r\n"), SEND(reply), EXPECT_END, NEXT_CONNECTION \
    }

static void check_contradiction(const struct scripted_step *steps, size_t count)
{
    struct trial trial;
    uint64_t took_ms;
    trial_begin_scripted(&trial, steps, count, NULL);
    assert_int_equal(trial_get(&trial, "k", "value", &took_ms), EMC_ERROR_PROTOCOL);
    assert_in_range(took_ms, 0, SLACK_MS);
    assert_int_equal(trial_metrics(&trial).connections_closed, 1);
    trial_recovers(&trial);
    assert_int_equal(trial_metrics(&trial).connections_created, 2);
    trial_end(&trial);
}

struct lines {
    unsigned named, others;
};

static void count_named(void *context, emc_log_level level, const char *message)
{
    struct lines *lines = context;
    (void)level;
    *(strncmp(message, "127.0.0.1:", 10) == 0 ? &lines->named : &lines->others) += 1;
}

/* A client of a hundred nodes has one log. */
static void the_log_tells_which_node_it_is_about(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = BAD_REPLY("what?\r\n");
    struct trial trial;
    uint64_t took_ms;
    struct lines lines = {0, 0};
    emc_options options = emc_options_default();
    options.log = count_named;
    options.log_context = &lines;
    options.log_level = EMC_LOG_DEBUG;
    trial_begin_scripted(&trial, steps, STEPS(steps), &options);
    assert_int_equal(trial_get(&trial, "k", "value", &took_ms), EMC_ERROR_PROTOCOL);
    trial_recovers(&trial);
    assert_true(lines.named >= 2); /* the contradiction, the loss of its connection */
    assert_int_equal(lines.others, 0);
    trial_end(&trial);
}

static void a_value_for_an_extra_key_is_a_contradiction(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = BAD_REPLY("VALUE j 0 1\r\nJ\r\nVALUE k 0 5\r\nvalue\r\nEND\r\n");
    check_contradiction(steps, STEPS(steps));
}

static void a_negative_length_is_a_contradiction(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = BAD_REPLY("VALUE k 0 -1\r\n\r\nEND\r\n");
    check_contradiction(steps, STEPS(steps));
}

static void a_length_with_letters_is_a_contradiction(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = BAD_REPLY("VALUE k 0 5x\r\nvalue\r\nEND\r\n");
    check_contradiction(steps, STEPS(steps));
}

static void a_line_that_never_ends_is_cut_at_its_limit(void **state)
{
    (void)state;
    static char line[5000];
    memset(line, 'A', sizeof line); /* more than line_length_max, 4096; no line end */
    const struct scripted_step steps[] = {
        ACCEPT, HANDSHAKE, EXPECT("get k\r\n"), {SCRIPTED_SEND, line, sizeof line}, EXPECT_END, NEXT_CONNECTION};
    check_contradiction(steps, STEPS(steps));
}

static void a_value_line_that_never_ends_is_cut_at_its_limit(void **state)
{
    (void)state;
    static char line[6000];
    memset(line, '1', sizeof line);
    memcpy(line, "VALUE k 0 ", 10);
    const struct scripted_step steps[] = {
        ACCEPT, HANDSHAKE, EXPECT("get k\r\n"), {SCRIPTED_SEND, line, sizeof line}, EXPECT_END, NEXT_CONNECTION};
    check_contradiction(steps, STEPS(steps));
}

/* Values in another order than their keys: b's value before a's means that a is a miss; a's value after it contradicts. */
static void values_in_another_order_are_a_contradiction(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT,     HANDSHAKE,      EXPECT("get a b\r\n"), SEND("VALUE b 0 1\r\nB\r\nVALUE a 0 1\r\nA\r\nEND\r\n"),
        EXPECT_END, NEXT_CONNECTION};
    struct trial trial;
    struct outcome a, b;
    emc_call calls[2] = {keep(&a), keep(&b)};
    trial_begin_scripted(&trial, steps, STEPS(steps), NULL);
    assert_int_equal(emc_get_async(trial.client, EMC_STR("a"), &calls[0]), EMC_OK);
    assert_int_equal(emc_get_async(trial.client, EMC_STR("b"), &calls[1]), EMC_OK);
    await(trial.client, &a);
    await(trial.client, &b);
    expect_either(a.status, EMC_MISS, EMC_ERROR_PROTOCOL);
    assert_true(b.status == EMC_ERROR_PROTOCOL || (b.status == EMC_OK && strcmp(b.value, "B") == 0));
    trial_recovers(&trial);
    trial_end(&trial);
}

/* The END of one reply is missing: the next reply shows it, and belongs to nobody. */
static void a_missing_end_is_a_contradiction(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT,     HANDSHAKE,      EXPECT("get a\r\ndelete d\r\n"), SEND("VALUE a 0 1\r\nA\r\nDELETED\r\n"),
        EXPECT_END, NEXT_CONNECTION};
    struct trial trial;
    struct outcome a, d;
    emc_call calls[2] = {keep(&a), keep(&d)};
    trial_begin_scripted(&trial, steps, STEPS(steps), NULL);
    assert_int_equal(emc_get_async(trial.client, EMC_STR("a"), &calls[0]), EMC_OK);
    assert_int_equal(emc_delete_async(trial.client, EMC_STR("d"), &calls[1]), EMC_OK);
    await(trial.client, &a);
    await(trial.client, &d);
    assert_true(a.status == EMC_ERROR_PROTOCOL || (a.status == EMC_OK && strcmp(a.value, "A") == 0));
    assert_int_equal(d.status, EMC_ERROR_PROTOCOL);
    trial_recovers(&trial);
    trial_end(&trial);
}

static void a_cas_value_of_twenty_digits_is_read_and_a_larger_one_is_a_contradiction(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {ACCEPT,
                                                 HANDSHAKE,
                                                 EXPECT("gets k\r\n"),
                                                 SEND("VALUE k 0 1 18446744073709551615\r\nv\r\nEND\r\n"),
                                                 EXPECT("gets k\r\n"),
                                                 SEND("VALUE k 0 1 18446744073709551616\r\nv\r\nEND\r\n"),
                                                 EXPECT_END,
                                                 NEXT_CONNECTION};
    struct trial trial;
    emc_item item = {0};
    trial_begin_scripted(&trial, steps, STEPS(steps), NULL);
    assert_int_equal(emc_gets(trial.client, EMC_STR("k"), &item, NULL), EMC_OK);
    assert_true(item.cas == UINT64_MAX);
    emc_item_release(&item);
    assert_int_equal(emc_gets(trial.client, EMC_STR("k"), &item, NULL), EMC_ERROR_PROTOCOL);
    trial_recovers(&trial);
    trial_end(&trial);
}

static void check_meta(const struct scripted_step *steps, size_t count)
{
    struct trial trial;
    emc_item item = {0};
    emc_meta_reply reply;
    emc_meta_options options;
    emc_meta_options_init(&options);
    options.want = EMC_META_VALUE | EMC_META_KEY;
    options.opaque = "mine";
    trial_begin_scripted(&trial, steps, count, NULL);
    assert_int_equal(emc_meta_get(trial.client, EMC_STR("k"), &options, &item, &reply, NULL), EMC_ERROR_PROTOCOL);
    trial_recovers(&trial);
    trial_end(&trial);
}

static void a_wrong_label_of_a_meta_reply_is_a_contradiction(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT, HANDSHAKE, EXPECT("mg k Omine v k\r\n"), SEND("VA 1 kk Oother\r\nX\r\n"), EXPECT_END, NEXT_CONNECTION};
    check_meta(steps, STEPS(steps));
}

static void a_wrong_key_of_a_meta_reply_is_a_contradiction(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT,     HANDSHAKE,      EXPECT("mg k Omine v k\r\n"), SEND("VA 1 kother Omine\r\nX\r\n"),
        EXPECT_END, NEXT_CONNECTION};
    check_meta(steps, STEPS(steps));
}

static void a_server_that_says_bad_version_words_is_not_used(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {ACCEPT, EXPECT("version\r\n"), SEND("STORED\r\n"), EXPECT_END,
                                                 NEXT_CONNECTION};
    struct trial trial;
    trial_begin_scripted(&trial, steps, STEPS(steps), NULL);
    assert_int_equal(trial_get(&trial, "k", "value", NULL), EMC_OK);
    assert_int_equal(trial_metrics(&trial).connections_created_with_error, 1);
    trial_end(&trial);
}

/* ------------------------------------------------------------------ one byte is another one */

#define REPLY        "VALUE k 0 5\r\nvalue\r\nEND\r\n"
#define VALUE_BEGINS 13
#define VALUE_ENDS   18

/* A byte of the frame that is another one is found, or the key is a miss; a byte inside a value can't be found (memcached has no checksum), and changes nothing else. */
static void a_corrupted_byte_of_a_reply_never_gives_another_frame(void **state)
{
    (void)state;
    struct server server;
    struct trial trial;
    emc_options options = trial_options();
    server_start(&server, NULL);
    options.timeout_ms = 300;
    trial_begin(&trial, &server, &options);
    for (size_t at = 0; at < sizeof REPLY - 1; at++) {
        struct proxy_fault fault = {.corrupt = true, .after = at};
        emc_item item = {0};
        proxy_spoil(trial.proxy, PROXY_TO_CLIENT, &fault);
        emc_status status = emc_get(trial.client, EMC_STR("k"), &item, NULL);
        bool inside = at >= VALUE_BEGINS && at < VALUE_ENDS;
        if (status == EMC_OK) {
            assert_int_equal(item.value_length, 5);
            assert_true(inside || memcmp(item.value, "value", 5) == 0);
        } else {
            assert_false(inside);
            expect_either(status, EMC_ERROR_PROTOCOL, EMC_ERROR_TIMEOUT);
        }
        emc_item_release(&item);
        proxy_heal(trial.proxy);
        trial_recovers(&trial);
    }
    trial_end(&trial);
    server_kill(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_log_tells_which_node_it_is_about),
        cmocka_unit_test(a_value_for_an_extra_key_is_a_contradiction),
        cmocka_unit_test(a_negative_length_is_a_contradiction),
        cmocka_unit_test(a_length_with_letters_is_a_contradiction),
        cmocka_unit_test(a_line_that_never_ends_is_cut_at_its_limit),
        cmocka_unit_test(a_value_line_that_never_ends_is_cut_at_its_limit),
        cmocka_unit_test(values_in_another_order_are_a_contradiction),
        cmocka_unit_test(a_missing_end_is_a_contradiction),
        cmocka_unit_test(a_cas_value_of_twenty_digits_is_read_and_a_larger_one_is_a_contradiction),
        cmocka_unit_test(a_wrong_label_of_a_meta_reply_is_a_contradiction),
        cmocka_unit_test(a_wrong_key_of_a_meta_reply_is_a_contradiction),
        cmocka_unit_test(a_server_that_says_bad_version_words_is_not_used),
        cmocka_unit_test(a_corrupted_byte_of_a_reply_never_gives_another_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
