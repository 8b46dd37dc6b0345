/* When autodiscovery asks next, and what it believes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "cluster/discovery_pace.h"

#define MS UINT64_C(1000000)
#define S  (1000 * MS)

static void before_the_first_list_it_asks_again_soon(void **state)
{
    (void)state;
    static const uint64_t pauses_ms[] = {250, 250, 500, 1000, 1000, 1000};
    struct emc__discovery_pace pace = {0};
    for (uint32_t i = 0; i < 6; i++) {
        pace.failures = i;
        assert_int_equal(emc__discovery_pause_ns(&pace, 60 * S, false, 0), pauses_ms[i] * MS);
    }
    assert_int_equal(emc__discovery_pause_ns(&pace, 100 * MS, false, 0), 100 * MS); /* the interval bounds it */
}

static void in_peace_it_asks_at_the_interval(void **state)
{
    (void)state;
    struct emc__discovery_pace pace = {0};
    emc__discovery_pace_applied(&pace, 3);
    assert_int_equal(emc__discovery_pause_ns(&pace, 60 * S, false, 0), 60 * S);
}

static void in_trouble_or_after_a_failure_it_asks_ten_times_as_often(void **state)
{
    (void)state;
    struct emc__discovery_pace pace = {0};
    emc__discovery_pace_applied(&pace, 3);
    assert_int_equal(emc__discovery_pause_ns(&pace, 60 * S, true, 0), 6 * S);
    assert_int_equal(emc__discovery_pause_ns(&pace, 5 * S, true, 0), S);
    assert_int_equal(emc__discovery_pause_ns(&pace, 300 * MS, true, 0), 300 * MS);
    pace.failures = 1;
    assert_int_equal(emc__discovery_pause_ns(&pace, 60 * S, false, 0), 6 * S);
    emc__discovery_pace_applied(&pace, 3);
    assert_int_equal(emc__discovery_pause_ns(&pace, 60 * S, false, 0), 60 * S);
}

static void a_shorter_ttl_is_followed_down_to_five_seconds(void **state)
{
    (void)state;
    struct emc__discovery_pace pace = {0};
    emc__discovery_pace_applied(&pace, 3);
    assert_int_equal(emc__discovery_pause_ns(&pace, 60 * S, false, 30), 30 * S);
    assert_int_equal(emc__discovery_pause_ns(&pace, 60 * S, false, 1), 5 * S);
    assert_int_equal(emc__discovery_pause_ns(&pace, 60 * S, false, 3600), 60 * S);
    assert_int_equal(emc__discovery_pause_ns(&pace, 2 * S, false, 1), 2 * S);
}

static void more_than_half_gone_must_be_said_twice(void **state)
{
    (void)state;
    struct emc__discovery_pace pace = {0};
    assert_false(emc__discovery_pace_doubts(&pace, 1)); /* the first list */
    emc__discovery_pace_applied(&pace, 5);
    assert_false(emc__discovery_pace_doubts(&pace, 3));
    assert_true(emc__discovery_pace_doubts(&pace, 2));
    assert_false(emc__discovery_pace_doubts(&pace, 2));
    assert_true(emc__discovery_pace_doubts(&pace, 1));
    assert_false(emc__discovery_pace_doubts(&pace, 5)); /* it was a hiccup */
    assert_true(emc__discovery_pace_doubts(&pace, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_the_first_list_it_asks_again_soon),
        cmocka_unit_test(in_peace_it_asks_at_the_interval),
        cmocka_unit_test(in_trouble_or_after_a_failure_it_asks_ten_times_as_often),
        cmocka_unit_test(a_shorter_ttl_is_followed_down_to_five_seconds),
        cmocka_unit_test(more_than_half_gone_must_be_said_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
