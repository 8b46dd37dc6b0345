/* A log-linear histogram against sorted durations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/histogram.h"
#include "base/random.h"

static int ascending(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static void an_empty_one_answers_zero(void **state)
{
    (void)state;
    struct emc__histogram histogram;
    emc__histogram_reset(&histogram);
    assert_int_equal(emc__histogram_percentile_ns(&histogram, 50.0), 0);
}

static void percentiles_are_within_a_sixteenth_of_the_sorted_durations(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    static const double percents[] = {0.01, 1, 10, 50, 90, 99, 99.9, 100};
    static uint64_t durations[COUNT];
    struct emc__histogram histogram;
    struct emc__random random = {5};
    emc__histogram_reset(&histogram);
    for (size_t i = 0; i < COUNT; i++) {
        durations[i] = emc__random_next(&random) >>
                       (18 + emc__random_below(&random, 36)); /* up to 19 hours, as far as the buckets reach */
        emc__histogram_add(&histogram, durations[i]);
    }
    qsort(durations, COUNT, sizeof durations[0], ascending);
    for (size_t i = 0; i < sizeof percents / sizeof percents[0]; i++) {
        size_t rank = (size_t)(percents[i] / 100 * (double)COUNT + 0.9999);
        uint64_t exact = durations[rank - 1];
        uint64_t answer = emc__histogram_percentile_ns(&histogram, percents[i]);
        assert_true(answer >= exact);
        assert_true(answer <= exact + exact / 16 + 1000);
    }
    assert_int_equal(histogram.max_ns, durations[COUNT - 1]);
}

static void no_percentile_exceeds_the_largest_duration(void **state)
{
    (void)state;
    struct emc__histogram histogram;
    emc__histogram_reset(&histogram);
    emc__histogram_add(&histogram, 17);
    assert_int_equal(emc__histogram_percentile_ns(&histogram, 50.0), 17);
    emc__histogram_add(&histogram, 123456789);
    assert_int_equal(emc__histogram_percentile_ns(&histogram, 100.0), 123456789);
}

static void durations_beyond_the_last_bucket_are_bounded_by_the_largest(void **state)
{
    (void)state;
    struct emc__histogram histogram;
    emc__histogram_reset(&histogram);
    emc__histogram_add(&histogram, UINT64_MAX - 1);
    emc__histogram_add(&histogram, (UINT64_C(1) << 36) * 1000);
    assert_true(emc__histogram_percentile_ns(&histogram, 100.0) == UINT64_MAX - 1);
}

static void a_full_bucket_saturates(void **state)
{
    (void)state;
    struct emc__histogram histogram;
    emc__histogram_reset(&histogram);
    histogram.buckets[3] = UINT32_MAX;
    emc__histogram_add(&histogram, 3000);
    assert_int_equal(histogram.buckets[3], UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_one_answers_zero),
        cmocka_unit_test(percentiles_are_within_a_sixteenth_of_the_sorted_durations),
        cmocka_unit_test(no_percentile_exceeds_the_largest_duration),
        cmocka_unit_test(durations_beyond_the_last_bucket_are_bounded_by_the_largest),
        cmocka_unit_test(a_full_bucket_saturates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
