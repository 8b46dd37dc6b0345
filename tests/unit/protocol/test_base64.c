/* Base64: the vectors of RFC 4648, and every length against OpenSSL. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <openssl/evp.h>
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

static void the_vectors_of_rfc_4648_hold(void **state)
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
        struct emc__slice raw = emc__slice_of_string(vectors[i][0]), text = emc__slice_of_string(vectors[i][1]);
        assert_int_equal(emc__key_encode_base64(raw, out), text.length);
        assert_true(emc__slice_equal(emc__slice_of(out, text.length), text));
    }
}

static void every_length_up_to_186_bytes_is_encoded_as_openssl_does_it(void **state)
{
    (void)state;
    uint8_t raw[186], text[EMC__KEY_LENGTH_MAX + 1], expected[EMC__KEY_LENGTH_MAX];
    for (size_t length = 0; length <= sizeof raw; length++) {
        for (size_t i = 0; i < length; i++) {
            raw[i] = (uint8_t)(i * 151 + length * 29);
        }
        text[EMC__KEY_LENGTH_MAX] = '#';
        struct emc__slice copy = exact(raw, length);
        size_t encoded = emc__key_encode_base64(copy, text);
        release(copy);
        assert_int_equal(encoded, EVP_EncodeBlock(expected, raw, (int)length));
        assert_memory_equal(text, expected, encoded);
        assert_int_equal(text[EMC__KEY_LENGTH_MAX], '#');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_rfc_4648_hold),
        cmocka_unit_test(every_length_up_to_186_bytes_is_encoded_as_openssl_does_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
