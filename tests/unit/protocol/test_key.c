/* Keys: every byte at every place, the lengths, the words of the refusal. */
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

static void every_byte_is_judged_the_same_at_every_place_of_every_length(void **state)
{
    (void)state;
    uint8_t key[40];
    for (size_t length = 1; length <= sizeof key; length++) {
        for (size_t at = 0; at < length; at++) {
            for (unsigned byte = 0; byte < 256; byte++) {
                memset(key, byte >= 0x80 ? 0x21 : 0xff, sizeof key);
                key[at] = (uint8_t)byte;
                bool allowed = byte > 0x20 && byte != 0x7f;
                assert_int_equal(emc__key_validate(emc__slice_of(key, length), NULL), allowed ? EMC_OK : EMC_ERROR_KEY);
            }
        }
    }
}

static void no_byte_behind_the_key_is_read(void **state)
{
    (void)state;
    for (size_t length = 1; length <= 40; length++) {
        struct emc__slice key = exact("kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk", length);
        assert_int_equal(emc__key_validate(key, NULL), EMC_OK);
        release(key);
    }
}

static void neighbours_of_forbidden_bytes_are_allowed(void **state)
{
    (void)state;
    static const uint8_t key[] = {0x21, 0x7e, 0x80, 0x81, 0xff, 0x21, 0x7e, 0x80, 0xa0, 0xa1, 0xfe, 0xff};
    assert_int_equal(emc__key_validate(emc__slice_of(key, sizeof key), NULL), EMC_OK);
}

static void a_key_has_1_to_250_bytes(void **state)
{
    (void)state;
    char key[300];
    memset(key, 'k', sizeof key);
    assert_int_equal(emc__key_validate((struct emc__slice){0}, NULL), EMC_ERROR_KEY);
    assert_int_equal(emc__key_validate(emc__slice_of(key, 1), NULL), EMC_OK);
    assert_int_equal(emc__key_validate(emc__slice_of(key, 250), NULL), EMC_OK);
    assert_int_equal(emc__key_validate(emc__slice_of(key, 251), NULL), EMC_ERROR_KEY);
}

static void the_refusal_names_the_argument_the_limit_and_the_byte(void **state)
{
    (void)state;
    emc_error error = {.status = EMC_OK};
    char key[300];
    memset(key, 'k', sizeof key);
    emc__key_validate(emc__slice_of(key, sizeof key), &error);
    assert_int_equal(error.status, EMC_ERROR_KEY);
    assert_non_null(strstr(error.message, "key"));
    assert_non_null(strstr(error.message, "300"));
    assert_non_null(strstr(error.message, "250"));
    emc__key_validate((struct emc__slice){0}, &error);
    assert_non_null(strstr(error.message, "empty"));
    emc__key_validate(emc__slice_of_string("two words"), &error);
    assert_non_null(strstr(error.message, "0x20"));
    assert_non_null(strstr(error.message, "position 3"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_is_judged_the_same_at_every_place_of_every_length),
        cmocka_unit_test(no_byte_behind_the_key_is_read),
        cmocka_unit_test(neighbours_of_forbidden_bytes_are_allowed),
        cmocka_unit_test(a_key_has_1_to_250_bytes),
        cmocka_unit_test(the_refusal_names_the_argument_the_limit_and_the_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
