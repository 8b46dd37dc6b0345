/* Numbers: every length of digits both ways, and what is none. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>

#include "protocol/protocol.h"

static void formatted_like_printf(uint64_t number)
{
    char expected[32];
    uint8_t out[32];
    memset(out, '#', sizeof out);
    int length = snprintf(expected, sizeof expected, "%" PRIu64, number);
    assert_int_equal(emc__format_u64(out, number), length);
    assert_memory_equal(out, expected, (size_t)length);
    assert_int_equal(out[length], '#');
}

static void every_length_of_digits_is_formatted_as_printf_does(void **state)
{
    (void)state;
    formatted_like_printf(0);
    formatted_like_printf(UINT64_MAX);
    for (uint64_t power = 1;; power *= 10) {
        formatted_like_printf(power - 1);
        formatted_like_printf(power);
        formatted_like_printf(power + 1);
        formatted_like_printf(power * 7 / 3);
        if (power > UINT64_MAX / 10) {
            break;
        }
    }
    for (uint64_t number = 0; number < 20000; number++) {
        formatted_like_printf(number);
    }
}

static void what_was_formatted_parses_to_the_same_number(void **state)
{
    (void)state;
    uint64_t seed = 1, number;
    for (int i = 0; i < 100000; i++) {
        uint8_t out[20];
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        uint64_t expected = seed >> (seed & 63);
        size_t length = emc__format_u64(out, expected);
        assert_true(emc__parse_u64(emc__slice_of(out, length), &number));
        assert_true(number == expected);
    }
}

static void accepted(const char *text, uint64_t expected)
{
    uint64_t number = 77;
    assert_true(emc__parse_u64(emc__slice_of_string(text), &number));
    assert_true(number == expected);
}

static void refused(const char *text)
{
    uint64_t number = 77;
    assert_false(emc__parse_u64(emc__slice_of_string(text), &number));
    assert_int_equal(number, 77);
}

static void a_number_is_digits_alone_within_64_bits(void **state)
{
    (void)state;
    accepted("0", 0);
    accepted("9", 9);
    accepted("1234567890123456789", UINT64_C(1234567890123456789));
    accepted("9999999999999999999", UINT64_C(9999999999999999999));
    accepted("18446744073709551615", UINT64_MAX);
    accepted("00000000000000000000000042", 42);
    refused("");
    refused("18446744073709551616");
    refused("18446744073709551620");
    refused("99999999999999999999");
    refused("100000000000000000000");
    refused("99999999999999999999999999999999999999999");
    refused("+1");
    refused("-1");
    refused(" 1");
    refused("1 ");
    refused("1x");
    refused("0x10");
    refused("/");
    refused(":");
    assert_false(emc__parse_u64((struct emc__slice){0}, &(uint64_t){0}));
}

static void only_the_slice_is_read(void **state)
{
    (void)state;
    uint64_t number;
    assert_true(emc__parse_u64(emc__slice_of("123456", 3), &number));
    assert_int_equal(number, 123);
}

static void a_signed_number_may_have_a_minus(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t number;
    } good[] = {{"0", 0},
                {"-0", 0},
                {"-1", -1},
                {"4294967107", 4294967107},
                {"9223372036854775807", INT64_MAX},
                {"-9223372036854775808", INT64_MIN}};
    static const char *const bad[] = {
        "", "-", "--1", "+1", "- 1", "-1 ", "9223372036854775808", "-9223372036854775809", "1-"};
    int64_t number;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(emc__parse_i64(emc__slice_of_string(good[i].text), &number));
        assert_true(number == good[i].number);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        number = 77;
        assert_false(emc__parse_i64(emc__slice_of_string(bad[i]), &number));
        assert_int_equal(number, 77);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_of_digits_is_formatted_as_printf_does),
        cmocka_unit_test(what_was_formatted_parses_to_the_same_number),
        cmocka_unit_test(a_number_is_digits_alone_within_64_bits),
        cmocka_unit_test(only_the_slice_is_read),
        cmocka_unit_test(a_signed_number_may_have_a_minus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
