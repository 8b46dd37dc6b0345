/* A node's health is pure: every rule of docs/health.md, told by events at times of our choosing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/timer_wheel.h"
#include "node/health.h"

#define MS    UINT64_C(1000000)
#define S     (1000 * MS)
#define START (10 * S)

static const struct emc__health_settings settings = {
    .attempts = 3,
    .disconnected_ns = S,
    .silence_ns = S,
    .question_ns = S,
    .backoff_min_ns = 100 * MS,
    .backoff_max_ns = S,
};

static struct emc__health fresh(void)
{
    struct emc__health health;
    emc__health_init(&health, &settings, START);
    return health;
}

static struct emc__health down(void)
{
    struct emc__health health = fresh();
    emc__health_disconnected(&health, START);
    for (int i = 0; i < 3; i++) {
        emc__health_attempt_failed(&health, false, START);
    }
    return health;
}

static void a_node_starts_healthy_and_nothing_is_due(void **state)
{
    (void)state;
    struct emc__health health = fresh();
    assert_true(emc__health_usable(&health));
    assert_int_equal(emc__health_next_ns(&health), EMC__NEVER);
}

static void the_third_failed_attempt_in_a_row_makes_it_unhealthy(void **state)
{
    (void)state;
    struct emc__health health = fresh();
    assert_int_equal(emc__health_attempt_failed(&health, false, START), EMC__VERDICT_NOTHING);
    assert_int_equal(emc__health_attempt_failed(&health, false, START), EMC__VERDICT_NOTHING);
    assert_int_equal(emc__health_attempt_failed(&health, false, START), EMC__VERDICT_TURN_UNHEALTHY);
    assert_false(emc__health_usable(&health));
    assert_int_equal(emc__health_attempt_failed(&health, false, START), EMC__VERDICT_NOTHING);
}

static void failed_attempts_beside_a_connection_do_not_count_against_it(void **state)
{
    (void)state;
    struct emc__health health = fresh();
    for (int i = 0; i < 10; i++) {
        assert_int_equal(emc__health_attempt_failed(&health, true, START), EMC__VERDICT_NOTHING);
    }
    assert_true(emc__health_usable(&health));
}

static void a_success_between_failures_begins_the_count_anew(void **state)
{
    (void)state;
    struct emc__health health = fresh();
    for (int i = 0; i < 5; i++) {
        assert_int_equal(emc__health_attempt_failed(&health, false, START), EMC__VERDICT_NOTHING);
        assert_int_equal(emc__health_attempt_failed(&health, false, START), EMC__VERDICT_NOTHING);
        assert_int_equal(emc__health_connected(&health, START), EMC__VERDICT_NOTHING);
    }
}

static void a_second_without_a_connection_makes_it_unhealthy_and_not_a_moment_less(void **state)
{
    (void)state;
    struct emc__health health = fresh();
    emc__health_disconnected(&health, START);
    emc__health_disconnected(&health, START + 500 * MS); /* told again: the first counts */
    assert_int_equal(emc__health_next_ns(&health), START + S);
    assert_int_equal(emc__health_tick(&health, START + S - 1), EMC__VERDICT_NOTHING);
    assert_int_equal(emc__health_tick(&health, START + S), EMC__VERDICT_TURN_UNHEALTHY);
}

static void a_program_that_stood_still_gives_the_node_a_moment_more(void **state)
{
    (void)state;
    struct emc__health health = fresh();
    emc__health_disconnected(&health, START);
    assert_int_equal(emc__health_tick(&health, START + 3 * S), EMC__VERDICT_NOTHING);
    assert_int_equal(emc__health_next_ns(&health), START + 3 * S + 250 * MS);
    assert_int_equal(emc__health_tick(&health, START + 3 * S + 249 * MS), EMC__VERDICT_NOTHING);
    assert_int_equal(emc__health_tick(&health, START + 3 * S + 250 * MS), EMC__VERDICT_TURN_UNHEALTHY);
}

static void a_program_that_stands_still_again_and_again_is_no_excuse(void **state)
{
    (void)state;
    struct emc__health health = fresh();
    emc__health_disconnected(&health, START);
    assert_int_equal(emc__health_tick(&health, START + 3 * S), EMC__VERDICT_NOTHING);
    assert_int_equal(emc__health_tick(&health, START + 6 * S), EMC__VERDICT_TURN_UNHEALTHY);
    emc__health_connected(&health, START + 7 * S);
    emc__health_disconnected(&health, START + 8 * S);
    assert_int_equal(emc__health_tick(&health, START + 11 * S),
                     EMC__VERDICT_NOTHING); /* another disconnection, another moment */
}

static void a_pool_at_rest_without_a_connection_stays_healthy(void **state)
{
    (void)state;
    struct emc__health health = fresh();
    emc__health_disconnected(&health, START);
    emc__health_at_rest(&health);
    assert_int_equal(emc__health_tick(&health, START + 100 * S), EMC__VERDICT_NOTHING);
}

static void silence_while_replies_are_owed_asks_and_an_unanswered_question_turns_it(void **state)
{
    (void)state;
    struct emc__health health = fresh();
    emc__health_owed(&health, true, START);
    assert_int_equal(emc__health_next_ns(&health), START + S);
    assert_int_equal(emc__health_tick(&health, START + S), EMC__VERDICT_ASK);
    assert_true(emc__health_usable(&health));
    assert_int_equal(emc__health_tick(&health, START + 2 * S - 1), EMC__VERDICT_NOTHING);
    assert_int_equal(emc__health_tick(&health, START + 2 * S), EMC__VERDICT_TURN_UNHEALTHY);
}

static void one_byte_ends_the_suspicion(void **state)
{
    (void)state;
    struct emc__health health = fresh();
    emc__health_owed(&health, true, START);
    emc__health_tick(&health, START + S);
    emc__health_byte(&health, START + S + 1);
    assert_int_equal(emc__health_tick(&health, START + 2 * S), EMC__VERDICT_NOTHING);
    assert_int_equal(emc__health_next_ns(&health), START + 2 * S + 1);
}

static void a_slow_node_that_sends_a_byte_now_and_then_is_never_suspected(void **state)
{
    (void)state;
    struct emc__health health = fresh();
    emc__health_owed(&health, true, START);
    for (uint64_t at = START; at < START + 60 * S; at += 900 * MS) {
        emc__health_byte(&health, at);
        assert_int_equal(emc__health_tick(&health, at + 899 * MS), EMC__VERDICT_NOTHING);
    }
}

static void silence_without_anything_owed_means_nothing(void **state)
{
    (void)state;
    struct emc__health health = fresh();
    emc__health_owed(&health, true, START);
    emc__health_owed(&health, false, START + 10 * MS);
    assert_int_equal(emc__health_tick(&health, START + 3600 * S), EMC__VERDICT_NOTHING);
}

static void it_is_healthy_again_when_a_connection_answers(void **state)
{
    (void)state;
    struct emc__health health = down();
    assert_int_equal(emc__health_connected(&health, START + 5 * S), EMC__VERDICT_TURN_HEALTHY);
    assert_true(emc__health_usable(&health));
    assert_int_equal(health.changed_ns, START + 5 * S);
}

static void with_a_steady_time_it_returns_only_after_that_and_a_relapse_begins_anew(void **state)
{
    (void)state;
    struct emc__health health = down();
    health.settings.steady_ns = 500 * MS;
    assert_int_equal(emc__health_connected(&health, START + S), EMC__VERDICT_NOTHING);
    assert_false(emc__health_usable(&health));
    emc__health_disconnected(&health, START + S + 100 * MS);
    assert_int_equal(emc__health_tick(&health, START + 2 * S), EMC__VERDICT_NOTHING);
    assert_int_equal(emc__health_connected(&health, START + 3 * S), EMC__VERDICT_NOTHING);
    assert_int_equal(emc__health_tick(&health, START + 3 * S + 200 * MS), EMC__VERDICT_PROBE);
    assert_int_equal(emc__health_tick(&health, START + 3 * S + 300 * MS), EMC__VERDICT_NOTHING);
    assert_int_equal(emc__health_tick(&health, START + 3 * S + 499 * MS), EMC__VERDICT_PROBE);
    assert_int_equal(emc__health_tick(&health, START + 3 * S + 500 * MS), EMC__VERDICT_TURN_HEALTHY);
}

static struct emc__health returning(void)
{
    struct emc__health health = down();
    health.settings.steady_ns = 500 * MS;
    emc__health_connected(&health, START);
    assert_int_equal(emc__health_tick(&health, START + 200 * MS), EMC__VERDICT_PROBE);
    emc__health_owed(&health, true, START + 200 * MS);
    return health;
}

static void while_an_answer_is_owed_it_does_not_return(void **state)
{
    (void)state;
    struct emc__health health = returning();
    assert_int_equal(emc__health_next_ns(&health), START + 1200 * MS);
    assert_int_equal(emc__health_tick(&health, START + 900 * MS), EMC__VERDICT_NOTHING);
    emc__health_byte(&health, START + 901 * MS);
    emc__health_owed(&health, false, START + 901 * MS);
    assert_true(emc__health_next_ns(&health) <= START + 901 * MS);
    assert_int_equal(emc__health_tick(&health, START + 901 * MS), EMC__VERDICT_TURN_HEALTHY);
}

static void a_node_that_falls_silent_while_it_returns_begins_again(void **state)
{
    (void)state;
    struct emc__health health = returning();
    assert_int_equal(emc__health_tick(&health, START + 1200 * MS), EMC__VERDICT_FELL_SILENT);
    assert_int_equal(health.state, EMC__HEALTH_UNHEALTHY);
    assert_int_equal(emc__health_next_ns(&health), EMC__NEVER);
}

static void with_a_steady_time_connections_that_do_not_last_make_it_unhealthy(void **state)
{
    (void)state;
    struct emc__health health = fresh();
    uint64_t now_ns = START;
    health.settings.steady_ns = 500 * MS;
    for (int i = 0; i < 2; i++, now_ns += 400 * MS) {
        assert_int_equal(emc__health_connected(&health, now_ns), EMC__VERDICT_NOTHING);
        assert_int_equal(emc__health_lost(&health, true, now_ns + 200 * MS), EMC__VERDICT_NOTHING);
    }
    emc__health_connected(&health, now_ns);
    assert_int_equal(emc__health_lost(&health, true, now_ns + 200 * MS), EMC__VERDICT_TURN_UNHEALTHY);
}

static void a_connection_that_lasted_begins_the_count_anew(void **state)
{
    (void)state;
    struct emc__health health = fresh();
    health.settings.steady_ns = 500 * MS;
    emc__health_attempt_failed(&health, false, START);
    emc__health_attempt_failed(&health, false, START);
    emc__health_connected(&health, START + S);
    assert_int_equal(emc__health_lost(&health, true, START + 1500 * MS), EMC__VERDICT_NOTHING);
    assert_int_equal(health.failures, 0);
}

static void a_connection_closed_by_our_own_will_is_no_failure(void **state)
{
    (void)state;
    struct emc__health health = fresh();
    health.settings.steady_ns = 500 * MS;
    emc__health_connected(&health, START);
    assert_int_equal(emc__health_lost(&health, false, START + 1), EMC__VERDICT_NOTHING);
    assert_int_equal(health.failures, 0);
}

static void without_a_steady_time_a_short_connection_is_no_failure(void **state)
{
    (void)state;
    struct emc__health health = fresh();
    for (int i = 0; i < 20; i++) {
        emc__health_connected(&health, START);
        assert_int_equal(emc__health_lost(&health, true, START + 1), EMC__VERDICT_NOTHING);
    }
    assert_true(emc__health_usable(&health));
}

static void pauses_double_to_the_maximum_and_jitter_only_downwards(void **state)
{
    (void)state;
    struct emc__random random = {42};
    struct emc__health health = fresh();
    static const uint64_t most_ms[] = {100, 200, 400, 800, 1000, 1000, 1000};
    for (size_t i = 0; i < sizeof most_ms / sizeof most_ms[0]; i++) {
        emc__health_attempt_failed(&health, false, START);
        for (int n = 0; n < 200; n++) {
            uint64_t pause_ns = emc__health_pause_ns(&health, &random);
            assert_in_range(pause_ns, most_ms[i] * MS * 3 / 4, most_ms[i] * MS);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_starts_healthy_and_nothing_is_due),
        cmocka_unit_test(the_third_failed_attempt_in_a_row_makes_it_unhealthy),
        cmocka_unit_test(failed_attempts_beside_a_connection_do_not_count_against_it),
        cmocka_unit_test(a_success_between_failures_begins_the_count_anew),
        cmocka_unit_test(a_second_without_a_connection_makes_it_unhealthy_and_not_a_moment_less),
        cmocka_unit_test(a_program_that_stood_still_gives_the_node_a_moment_more),
        cmocka_unit_test(a_program_that_stands_still_again_and_again_is_no_excuse),
        cmocka_unit_test(a_pool_at_rest_without_a_connection_stays_healthy),
        cmocka_unit_test(silence_while_replies_are_owed_asks_and_an_unanswered_question_turns_it),
        cmocka_unit_test(one_byte_ends_the_suspicion),
        cmocka_unit_test(a_slow_node_that_sends_a_byte_now_and_then_is_never_suspected),
        cmocka_unit_test(silence_without_anything_owed_means_nothing),
        cmocka_unit_test(it_is_healthy_again_when_a_connection_answers),
        cmocka_unit_test(with_a_steady_time_it_returns_only_after_that_and_a_relapse_begins_anew),
        cmocka_unit_test(while_an_answer_is_owed_it_does_not_return),
        cmocka_unit_test(a_node_that_falls_silent_while_it_returns_begins_again),
        cmocka_unit_test(with_a_steady_time_connections_that_do_not_last_make_it_unhealthy),
        cmocka_unit_test(a_connection_that_lasted_begins_the_count_anew),
        cmocka_unit_test(a_connection_closed_by_our_own_will_is_no_failure),
        cmocka_unit_test(without_a_steady_time_a_short_connection_is_no_failure),
        cmocka_unit_test(pauses_double_to_the_maximum_and_jitter_only_downwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
