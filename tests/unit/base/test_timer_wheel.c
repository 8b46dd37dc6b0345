/* The timer wheel against a model that searches all timers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/random.h"
#include "base/timer_wheel.h"

#define MS  UINT64_C(1000000)
#define S   (1000 * MS)
#define DAY (24 * 3600 * S)

enum { TIMERS = 64, FIRINGS_MAX = 4096 };

/* The wheel, the model's view of each timer, and what was fired. */
struct bench {
    struct emc__timer_wheel wheel;
    struct emc__timer timers[TIMERS];
    uint64_t due_tick[TIMERS], order[TIMERS]; /* due_tick 0: clear */
    uint64_t set_count;
    uint64_t now_ns;
    unsigned fired[FIRINGS_MAX], fired_count;
    void (*on_fire)(struct bench *bench, unsigned index);
};

static struct bench bench;

static void fire(struct emc__timer *timer, uint64_t now_ns)
{
    unsigned index = (unsigned)(timer - bench.timers);
    assert_false(emc__timer_is_set(timer));
    assert_true(now_ns == bench.now_ns);
    assert_in_range(bench.fired_count, 0, FIRINGS_MAX - 1);
    bench.fired[bench.fired_count++] = index;
    if (bench.on_fire != NULL) {
        bench.on_fire(&bench, index);
    }
}

static void begin(uint64_t now_ns)
{
    memset(&bench, 0, sizeof bench);
    bench.now_ns = now_ns;
    emc__timer_wheel_init(&bench.wheel, now_ns);
    for (unsigned i = 0; i < TIMERS; i++) {
        emc__timer_init(&bench.timers[i], fire);
    }
}

static void set(unsigned index, uint64_t at_ns)
{
    uint64_t tick = at_ns / MS + (at_ns % MS != 0);
    emc__timer_set(&bench.wheel, &bench.timers[index], at_ns);
    bench.due_tick[index] = tick > bench.wheel.now_tick ? tick : bench.wheel.now_tick;
    bench.order[index] = ++bench.set_count;
}

static void clear(unsigned index)
{
    emc__timer_clear(&bench.wheel, &bench.timers[index]);
    bench.due_tick[index] = 0;
}

/* The model's earliest timer (first set among equals) that is due by the tick; TIMERS: none. */
static unsigned earliest_by(uint64_t tick)
{
    unsigned found = TIMERS;
    for (unsigned i = 0; i < TIMERS; i++) {
        if (bench.due_tick[i] != 0 && bench.due_tick[i] <= tick &&
            (found == TIMERS || bench.due_tick[i] < bench.due_tick[found] ||
             (bench.due_tick[i] == bench.due_tick[found] && bench.order[i] < bench.order[found]))) {
            found = i;
        }
    }
    return found;
}

static void advance_and_compare(uint64_t now_ns)
{
    bench.now_ns = now_ns;
    bench.fired_count = 0;
    emc__timer_wheel_advance(&bench.wheel, now_ns);
    unsigned seen = 0, expected;
    while ((expected = earliest_by(now_ns / MS)) != TIMERS) {
        assert_in_range(seen, 0, bench.fired_count - 1);
        assert_int_equal(bench.fired[seen++], expected);
        bench.due_tick[expected] = 0;
    }
    assert_int_equal(seen, bench.fired_count);
}

static void check_next(void)
{
    unsigned first = earliest_by(UINT64_MAX);
    uint64_t next_ns = emc__timer_wheel_next_ns(&bench.wheel);
    unsigned set_now = 0;
    for (unsigned i = 0; i < TIMERS; i++) {
        assert_int_equal(emc__timer_is_set(&bench.timers[i]), bench.due_tick[i] != 0);
        set_now += bench.due_tick[i] != 0;
    }
    assert_int_equal(bench.wheel.count, set_now);
    if (first == TIMERS) {
        assert_true(next_ns == EMC__NEVER);
        return;
    }
    assert_true(next_ns <= bench.due_tick[first] * MS);
    assert_true(next_ns >= bench.wheel.now_tick * MS);
    if (bench.due_tick[first] / 64 == bench.wheel.now_tick / 64) {
        assert_true(next_ns == bench.due_tick[first] * MS);
    }
}

/* A span of time from under a millisecond to some days. */
static uint64_t random_span(struct emc__random *random)
{
    return emc__random_next(random) >> (15 + emc__random_below(random, 35));
}

static void random_operations_fire_what_the_model_fires(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct emc__random random = {seed};
        begin(MS + random_span(&random) * (seed % 3)); /* the model has no tick 0: it stands for a clear timer */
        for (int step = 0; step < 2000; step++) {
            unsigned index = (unsigned)emc__random_below(&random, TIMERS);
            uint64_t kind = emc__random_below(&random, 8);
            if (kind < 4) {
                set(index, bench.now_ns + random_span(&random));
            } else if (kind == 4) {
                clear(index);
            } else if (kind == 5) {
                set(index, bench.now_ns - emc__random_below(&random, bench.now_ns + 1));
            } else if (kind == 6) {
                uint64_t next_ns = emc__timer_wheel_next_ns(&bench.wheel);
                advance_and_compare(next_ns == EMC__NEVER || next_ns < bench.now_ns ? bench.now_ns : next_ns);
            } else {
                advance_and_compare(bench.now_ns + random_span(&random));
            }
            check_next();
        }
    }
}

static void a_jump_of_days_or_years_is_quick_and_in_order(void **state)
{
    (void)state;
    begin(123456789);
    for (uint64_t round = 0; round < 500; round++) { /* 549 years in all: 64 bits of nanoseconds hold 584 */
        set(0, bench.now_ns + 400 * DAY);
        set(1, bench.now_ns + 2 * DAY);
        set(2, bench.now_ns + 1);
        advance_and_compare(bench.now_ns + 401 * DAY);
    }
    advance_and_compare(bench.now_ns + 10000 * DAY);
}

static void a_timer_beyond_the_reach_of_the_wheel_fires_in_its_time(void **state)
{
    (void)state;
    begin(S);
    set(0, 3000 * DAY);
    set(1, UINT64_MAX);
    assert_true(emc__timer_wheel_next_ns(&bench.wheel) <= 3000 * DAY);
    for (uint64_t day = 1; day < 3000; day += 100) {
        advance_and_compare(day * DAY);
        assert_int_equal(bench.fired_count, 0);
    }
    advance_and_compare(3000 * DAY);
    assert_int_equal(bench.fired_count, 1);
    assert_true(emc__timer_is_set(&bench.timers[1]));
}

static void the_next_time_is_exact_again_after_a_timer_was_cleared(void **state)
{
    (void)state;
    begin(0);
    set(0, 5 * MS);
    set(1, 9 * MS);
    set(2, 9 * MS);
    clear(0);
    clear(1);
    assert_true(emc__timer_wheel_next_ns(&bench.wheel) == 9 * MS);
    clear(2);
    clear(2);
    assert_true(emc__timer_wheel_next_ns(&bench.wheel) == EMC__NEVER);
}

static void setting_again_moves_a_timer(void **state)
{
    (void)state;
    begin(0);
    set(0, 5 * MS);
    set(0, 5000 * MS);
    advance_and_compare(100 * MS);
    assert_int_equal(bench.fired_count, 0);
    advance_and_compare(5000 * MS);
    assert_int_equal(bench.fired_count, 1);
}

static void a_part_of_a_millisecond_is_rounded_up(void **state)
{
    (void)state;
    begin(0);
    set(0, 5 * MS + 1);
    advance_and_compare(5 * MS + 999999);
    assert_int_equal(bench.fired_count, 0);
    advance_and_compare(6 * MS);
    assert_int_equal(bench.fired_count, 1);
}

static void set_once_more(struct bench *self, unsigned index)
{
    (void)self;
    emc__timer_set(&bench.wheel, &bench.timers[index], 0);
}

static void a_timer_that_sets_itself_for_the_past_fires_once_an_advance(void **state)
{
    (void)state;
    begin(S);
    bench.on_fire = set_once_more;
    emc__timer_set(&bench.wheel, &bench.timers[0], 0);
    for (unsigned round = 1; round <= 5; round++) {
        bench.now_ns = S + round * MS;
        assert_true(emc__timer_wheel_next_ns(&bench.wheel) <= bench.now_ns);
        emc__timer_wheel_advance(&bench.wheel, bench.now_ns);
        assert_int_equal(bench.fired_count, round);
    }
}

static void clear_all_and_set_a_later_one(struct bench *self, unsigned index)
{
    (void)self;
    for (unsigned i = 0; i < 4; i++) {
        emc__timer_clear(&bench.wheel, &bench.timers[i]);
    }
    if (index != 10) {
        emc__timer_set(&bench.wheel, &bench.timers[10], bench.now_ns);
    }
}

static void a_fired_timer_may_clear_its_neighbours_and_set_others(void **state)
{
    (void)state;
    begin(0);
    bench.on_fire = clear_all_and_set_a_later_one;
    for (unsigned i = 0; i < 4; i++) {
        emc__timer_set(&bench.wheel, &bench.timers[i], (i == 3 ? 80 : 7) * MS);
    }
    bench.now_ns = 90 * MS;
    emc__timer_wheel_advance(&bench.wheel, bench.now_ns);
    assert_int_equal(bench.fired_count, 2);
    assert_int_equal(bench.fired[0], 0);
    assert_int_equal(bench.fired[1], 10);
    assert_int_equal(bench.wheel.count, 0);
    assert_true(emc__timer_wheel_next_ns(&bench.wheel) == EMC__NEVER);
}

static void time_that_runs_backwards_is_the_time_reached(void **state)
{
    (void)state;
    begin(10 * S);
    set(0, 5 * S);
    bench.now_ns = 10 * S;
    emc__timer_wheel_advance(&bench.wheel, 3 * S);
    assert_int_equal(bench.fired_count, 1);
    assert_true(bench.wheel.now_tick == 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations_fire_what_the_model_fires),
        cmocka_unit_test(a_jump_of_days_or_years_is_quick_and_in_order),
        cmocka_unit_test(a_timer_beyond_the_reach_of_the_wheel_fires_in_its_time),
        cmocka_unit_test(the_next_time_is_exact_again_after_a_timer_was_cleared),
        cmocka_unit_test(setting_again_moves_a_timer),
        cmocka_unit_test(a_part_of_a_millisecond_is_rounded_up),
        cmocka_unit_test(a_timer_that_sets_itself_for_the_past_fires_once_an_advance),
        cmocka_unit_test(a_fired_timer_may_clear_its_neighbours_and_set_others),
        cmocka_unit_test(time_that_runs_backwards_is_the_time_reached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
