/* one_at_a_time: known values, and bytes from 0x80 on. */
#include "mapping.h"

#include "routing/one_at_a_time.h"

static void known_values(void **state)
{
    (void)state;
    assert_int_equal(emc__one_at_a_time(emc__slice_of_string("foo")), 0x238678dd);
    assert_int_equal(emc__one_at_a_time(emc__slice_of(NULL, 0)), 0);
    assert_int_equal(emc__one_at_a_time(emc__slice_of_string("a")), 0xca2e9442);
}

static void a_high_byte_counts_as_negative(void **state)
{
    (void)state;
    uint32_t hash = 0xffffffff; /* (signed char)0xff */
    hash += hash << 10;
    hash ^= hash >> 6;
    hash += hash << 3;
    hash ^= hash >> 11;
    hash += hash << 15;
    assert_int_equal(emc__one_at_a_time(emc__slice_of_string("\xff")), hash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_values),
                                       cmocka_unit_test(a_high_byte_counts_as_negative)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
