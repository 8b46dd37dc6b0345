/* The logarithm in integers, against the C library's. */
#include "mapping.h"

#include <math.h>

#include "base/random.h"
#include "routing/negative_log.h"

static double of(uint64_t log)
{
    return ldexp((double)log, -EMC__NEGATIVE_LOG_BITS);
}

static void close_to(uint64_t hash)
{
    double expected = -log(ldexp((double)hash, -64));
    double found = of(emc__negative_log(hash));
    assert_true(fabs(found - expected) < 1e-12 * (expected + 1));
    assert_true(emc__negative_log(hash) >= emc__negative_log_at_least(hash));
}

static void it_is_the_logarithm(void **state)
{
    (void)state;
    struct emc__random random = {11};
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t hash = emc__random_next(&random);
        close_to(hash >> i % 64 | 1);
    }
    for (unsigned bit = 0; bit < 64; bit++) {
        close_to(UINT64_C(1) << bit);
        close_to((UINT64_C(1) << bit) - 1 + (bit == 0));
    }
}

static void it_is_known_at_a_few_points(void **state)
{
    (void)state;
    assert_true(emc__negative_log(0) == emc__negative_log(1));
    assert_true(of(emc__negative_log(1)) > 44.36 && of(emc__negative_log(1)) < 44.37);
    close_to(UINT64_C(1) << 63);
    assert_true(emc__negative_log(UINT64_MAX) == 0);
}

static void it_falls_as_the_hash_rises(void **state)
{
    (void)state;
    uint64_t before = UINT64_MAX;
    for (uint64_t i = 1; i < 100000; i++) {
        uint64_t log = emc__negative_log(i * (UINT64_MAX / 100000));
        assert_true(log < before);
        before = log;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_logarithm),
        cmocka_unit_test(it_is_known_at_a_few_points),
        cmocka_unit_test(it_falls_as_the_hash_rises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
