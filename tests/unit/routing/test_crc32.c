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

static uint32_t bit_by_bit(const uint8_t *bytes, size_t length)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < 8 * length; i++) {
        uint32_t odd = (crc ^ bytes[i / 8] >> i % 8) & 1;
        crc = crc >> 1 ^ (odd != 0 ? 0xedb88320 : 0);
    }
    return ~crc;
}

static void every_byte_counts_as_its_bits_do(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        const uint8_t text[3] = {(uint8_t)byte, 'k', (uint8_t)(byte * 7)};
        for (size_t length = 1; length <= sizeof text; length++) {
            assert_int_equal(emc__crc32(emc__slice_of(text, length)), bit_by_bit(text, length));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_values),
                                       cmocka_unit_test(every_byte_counts_as_its_bits_do)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
