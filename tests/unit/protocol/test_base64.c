/* Base64 both ways: the vectors of RFC 4648, every length, and everything that is none. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "protocol/protocol.h"

/* A copy in a block of exactly that size, so that the address sanitizer notices a byte too many; the caller frees its
 * data. */
static struct emc__slice exact(const void *bytes, size_t length)
{
    uint8_t *copy = malloc(length > 0 ? length : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, length);
    return emc__slice_of(copy, length);
}

static void release(struct emc__slice slice)
{
    free((void *)(uintptr_t)slice.data);
}

static void the_vectors_of_rfc_4648_hold_both_ways(void **state)
{
    (void)state;
    static const char *const vectors[][2] = {{"", ""},
                                             {"f", "Zg=="},
                                             {"fo", "Zm8="},
                                             {"foo", "Zm9v"},
                                             {"foob", "Zm9vYg=="},
                                             {"fooba", "Zm9vYmE="},
                                             {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        uint8_t out[EMC__KEY_LENGTH_MAX];
        size_t length;
        struct emc__slice raw = emc__slice_of_string(vectors[i][0]), text = emc__slice_of_string(vectors[i][1]);
        assert_int_equal(emc__key_encode_base64(raw, out), text.length);
        assert_true(emc__slice_equal(emc__slice_of(out, text.length), text));
        assert_true(emc__key_decode_base64(text, out, sizeof out, &length));
        assert_true(emc__slice_equal(emc__slice_of(out, length), raw));
    }
}

static void every_length_up_to_186_bytes_comes_back(void **state)
{
    (void)state;
    uint8_t raw[186], text[EMC__KEY_LENGTH_MAX + 1], back[186];
    for (size_t length = 0; length <= sizeof raw; length++) {
        size_t decoded;
        for (size_t i = 0; i < length; i++) {
            raw[i] = (uint8_t)(i * 151 + length * 29);
        }
        text[EMC__KEY_LENGTH_MAX] = '#';
        struct emc__slice copy = exact(raw, length);
        size_t encoded = emc__key_encode_base64(copy, text);
        release(copy);
        assert_int_equal(encoded, (length + 2) / 3 * 4);
        assert_in_range(encoded, 0, EMC__KEY_LENGTH_MAX);
        assert_int_equal(text[EMC__KEY_LENGTH_MAX], '#');
        assert_true(emc__key_decode_base64(emc__slice_of(text, encoded), back, sizeof back, &decoded));
        assert_true(emc__slice_equal(emc__slice_of(back, decoded), emc__slice_of(raw, length)));
    }
}

static void what_is_not_padded_base64_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "Z",    "Zg",   "Zg=",  "=",    "====", "Z===",     "Zg=g",  "Zg==Zg==",        "Zm9v\n",
        "Zm 9", "Zm9-", "Zm9_", "Zh==", "Zm9=", "Zm8=Zm8=", "Zm9v=", "\xff\xff\xff\xff"};
    uint8_t out[64];
    size_t length = 77;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(emc__key_decode_base64(emc__slice_of_string(bad[i]), out, sizeof out, &length));
        assert_int_equal(length, 77);
    }
}

static void every_character_outside_the_alphabet_is_refused(void **state)
{
    (void)state;
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (int byte = 0; byte < 256; byte++) {
        const uint8_t text[4] = {'Z', (uint8_t)byte, '9', 'v'};
        uint8_t out[3];
        size_t length;
        bool allowed = byte != 0 && strchr(alphabet, byte) != NULL;
        assert_int_equal(emc__key_decode_base64(emc__slice_of(text, 4), out, sizeof out, &length), allowed);
    }
}

static void nothing_is_written_beyond_the_room(void **state)
{
    (void)state;
    uint8_t out[] = "######";
    size_t length;
    assert_false(emc__key_decode_base64(emc__slice_of_string("Zm9vYmFy"), out, 5, &length));
    assert_memory_equal(out, "######", 6);
    assert_true(emc__key_decode_base64(emc__slice_of_string("Zm9vYmE="), out, 5, &length));
    assert_memory_equal(out, "fooba#", 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_rfc_4648_hold_both_ways),
        cmocka_unit_test(every_length_up_to_186_bytes_comes_back),
        cmocka_unit_test(what_is_not_padded_base64_is_refused),
        cmocka_unit_test(every_character_outside_the_alphabet_is_refused),
        cmocka_unit_test(nothing_is_written_beyond_the_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
