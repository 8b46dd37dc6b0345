/* SHA-1's first word. */
#include "mapping.h"

#include "routing/sha1.h"

static void known_values(void **state)
{
    (void)state;
    uint32_t word = 0;
    assert_true(emc__sha1_first(emc__slice_of_string("abc"), &word));
    assert_int_equal(word, 0xa9993e36);
    assert_true(emc__sha1_first(emc__slice_of_string(""), &word));
    assert_int_equal(word, 0xda39a3ee);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_values)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
