/* XXH3 with a seed. */
#include "mapping.h"

static void known_values(void **state)
{
    (void)state;
    assert_true(emc__hash_key(emc__slice_of(NULL, 0), 0) == UINT64_C(0x2d06800538d394c2));
    assert_true(emc__hash_key(emc__slice_of_string("foo"), 0) == UINT64_C(0xab6e5f64077e7d8a));
    assert_true(emc__hash_key(emc__slice_of_string("foo"), 1) != emc__hash_key(emc__slice_of_string("foo"), 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_values)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
