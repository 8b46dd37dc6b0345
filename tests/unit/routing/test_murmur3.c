/* MurmurHash3: known values, and pieces against the whole. */
#include "mapping.h"

#include "base/random.h"
#include "routing/murmur3.h"

static void the_128_bit_form_has_its_known_values(void **state)
{
    (void)state;
    assert_true(emc__murmur3_x64_128(emc__slice_of(NULL, 0)) == 0);
    assert_true(emc__murmur3_x64_128(emc__slice_of_string("hello")) == UINT64_C(0xcbd8a7b341bd9b02));
    assert_true(emc__murmur3_x64_128(emc__slice_of_string("The quick brown fox jumps over the lazy dog")) ==
                UINT64_C(0xe34bbc7bbc071b6c));
}

static uint32_t whole_32(const char *text)
{
    struct emc__murmur3_32 hash = {0};
    emc__murmur3_32_update(&hash, emc__slice_of_string(text));
    return emc__murmur3_32_finish(&hash);
}

static void the_32_bit_form_has_its_known_values(void **state)
{
    (void)state;
    assert_int_equal(whole_32(""), 0);
    assert_int_equal(whole_32("test"), 0xba6bd213);
    assert_int_equal(whole_32("Hello, world!"), 0xc0363e43);
    assert_int_equal(whole_32("The quick brown fox jumps over the lazy dog"), 0x2e4ff723);
}

static void the_32_bit_form_is_the_same_however_the_text_is_cut(void **state)
{
    (void)state;
    const char *text = "cache-17.example.com:11211-b'user:1234'";
    for (size_t first = 0; first <= strlen(text); first++) {
        for (size_t second = first; second <= strlen(text); second++) {
            struct emc__murmur3_32 hash = {0};
            emc__murmur3_32_update(&hash, emc__slice_of(text, first));
            emc__murmur3_32_update(&hash, emc__slice_of(text + first, second - first));
            emc__murmur3_32_update(&hash, emc__slice_of(text + second, strlen(text) - second));
            assert_int_equal(emc__murmur3_32_finish(&hash), whole_32(text));
        }
    }
}

static void a_block_of_zeros_behind_the_text_changes_nothing_but_the_length(void **state)
{
    (void)state;
    struct emc__murmur3_128 hash = {1, 2};
    assert_true(emc__murmur3_finish(hash, 7, 0, 8) == emc__murmur3_finish(hash, 7, 0, 8));
    assert_true(emc__murmur3_finish(hash, 7, 0, 8) != emc__murmur3_finish(hash, 7, 0, 9));
    uint8_t text[15] = {1, 2, 3};
    struct emc__murmur3_128 fresh = {0, 0};
    assert_true(emc__murmur3_x64_128(emc__slice_of(text, 3)) == emc__murmur3_finish(fresh, 0x030201, 0, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_128_bit_form_has_its_known_values),
        cmocka_unit_test(the_32_bit_form_has_its_known_values),
        cmocka_unit_test(the_32_bit_form_is_the_same_however_the_text_is_cut),
        cmocka_unit_test(a_block_of_zeros_behind_the_text_changes_nothing_but_the_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
