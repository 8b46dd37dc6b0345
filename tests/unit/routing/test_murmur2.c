/* MurmurHash64A: every length of tail, and a word against the text of its bytes. */
#include "mapping.h"

#include "routing/murmur2.h"

/* The algorithm as its author wrote it, byte by byte. */
static uint64_t by_the_book(const uint8_t *data, size_t length, uint64_t seed)
{
    const uint64_t m = 0xc6a4a7935bd1e995u;
    uint64_t h = seed ^ length * m;
    size_t i = 0;
    for (; i + 8 <= length; i += 8) {
        uint64_t k = 0;
        for (size_t j = 0; j < 8; j++) {
            k |= (uint64_t)data[i + j] << 8 * j;
        }
        k *= m;
        k ^= k >> 47;
        k *= m;
        h = (h ^ k) * m;
    }
    if (i < length) {
        for (size_t j = 0; i + j < length; j++) {
            h ^= (uint64_t)data[i + j] << 8 * j;
        }
        h *= m;
    }
    h ^= h >> 47;
    h *= m;
    return h ^ h >> 47;
}

static void every_length_of_text_hashes_by_the_book(void **state)
{
    (void)state;
    uint8_t text[64];
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = (uint8_t)(i * 37 + 200);
    }
    for (size_t length = 0; length <= sizeof text; length++) {
        assert_true(emc__murmur_64a(emc__slice_of(text, length), 4193360111u) ==
                    by_the_book(text, length, 4193360111u));
    }
}

static void a_word_hashes_as_its_bytes(void **state)
{
    (void)state;
    const uint8_t bytes[8] = {1, 2, 3, 4, 250, 6, 7, 8};
    assert_true(emc__murmur_64a_word(UINT64_C(0x080706fa04030201), 99) == emc__murmur_64a(emc__slice_of(bytes, 8), 99));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_of_text_hashes_by_the_book),
        cmocka_unit_test(a_word_hashes_as_its_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
