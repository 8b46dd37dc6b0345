/* CRC-32: the check value of its catalogue entry, and others by zlib. */
#include "mapping.h"

#include "routing/crc32.h"

static void known_values(void **state)
{
    (void)state;
    assert_int_equal(emc__crc32(emc__slice_of(NULL, 0)), 0);
    assert_int_equal(emc__crc32(emc__slice_of_string("123456789")), 0xcbf43926);
    assert_int_equal(emc__crc32(emc__slice_of_string("foo")), 0x8c736521);
    assert_int_equal(emc__crc32(emc__slice_of("\x00\xff\x80", 3)), 0x81dda740);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_values)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
