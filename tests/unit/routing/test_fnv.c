/* FNV-1a, 64 bits, the low half. */
#include "mapping.h"

#include "routing/fnv.h"

static void known_values(void **state)
{
    (void)state;
    assert_int_equal(emc__fnv1a_64_low(emc__slice_of_string("foo")), 0xfed9d577);
    assert_int_equal(emc__fnv1a_64_low(emc__slice_of(NULL, 0)), 0x84222325);
}

static void the_low_half_is_that_of_the_64_bit_hash(void **state)
{
    (void)state;
    const char *text = "user:1234";
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < strlen(text); i++) {
        hash = (hash ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
    }
    assert_int_equal(emc__fnv1a_64_low(emc__slice_of_string(text)), (uint32_t)hash);
}

static void a_high_byte_counts_as_negative(void **state)
{
    (void)state;
    assert_int_equal(emc__fnv1a_64_low(emc__slice_of_string("\xc3")), (uint32_t)((0x84222325u ^ 0xffffffc3u) * 0x1b3u));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values),
        cmocka_unit_test(the_low_half_is_that_of_the_64_bit_hash),
        cmocka_unit_test(a_high_byte_counts_as_negative),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
