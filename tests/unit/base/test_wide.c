/* The two forms of each operation agree, and are right where the answer is known. */
#include "base/wide.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/random.h"

#define ROUNDS 20000

static void a_product_is_the_same_in_halves(void **state)
{
    (void)state;
    struct emc__random random = {3};
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t a = emc__random_next(&random) >> i % 64, b = emc__random_next(&random) >> i / 64 % 64;
        assert_true(emc__multiply_high(a, b) == emc__multiply_high_by_halves(a, b));
    }
}

static void products_are_right(void **state)
{
    (void)state;
    assert_true(emc__multiply_high_by_halves(UINT64_MAX, UINT64_MAX) == UINT64_MAX - 1);
    assert_true(emc__multiply_high_by_halves(UINT64_C(1) << 63, 6) == 3);
    assert_true(emc__multiply_high_by_halves(UINT32_MAX, UINT32_MAX) == 0);
    assert_true(emc__multiply_high_by_halves(UINT64_C(0x123456789abcdef0), UINT64_C(0xfedcba9876543210)) ==
                UINT64_C(0x121fa00ad77d7422));
}

static void a_quotient_is_the_same_by_bits(void **state)
{
    (void)state;
    struct emc__random random = {4};
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t divisor = (emc__random_next(&random) >> i % 64) | 1;
        uint64_t high = emc__random_next(&random) % divisor, low = emc__random_next(&random);
        assert_true(emc__divide_wide(high, low, divisor) == emc__divide_wide_by_bits(high, low, divisor));
    }
}

static void quotients_are_right(void **state)
{
    (void)state;
    assert_true(emc__divide_wide_by_bits(0, 100, 7) == 14);
    assert_true(emc__divide_wide_by_bits(1, 0, 2) == UINT64_C(1) << 63);
    assert_true(emc__divide_wide_by_bits(UINT64_MAX - 1, UINT64_MAX, UINT64_MAX) == UINT64_MAX);
    assert_true(emc__divide_wide_by_bits(UINT64_C(0x0123456789abcdef), UINT64_C(0xfedcba9876543210),
                                         UINT64_C(1) << 60) == UINT64_C(0x123456789abcdeff));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_product_is_the_same_in_halves),
        cmocka_unit_test(products_are_right),
        cmocka_unit_test(a_quotient_is_the_same_by_bits),
        cmocka_unit_test(quotients_are_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
