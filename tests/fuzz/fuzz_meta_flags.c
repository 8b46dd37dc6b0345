/* Meta flags, numbers and base64 in replies: any bytes, each against a slow and obvious reading of the same. */
#include <openssl/evp.h>

#include "fuzz_input.h"
#include "protocol/protocol.h"

/* The flag that begins at or after `at`; returns where it ends, or 0 at the end. */
static size_t next_flag(struct emc__slice text, size_t at, struct emc__meta_flag *flag_out)
{
    while (at < text.length && text.data[at] == ' ') {
        at++;
    }
    size_t end = at;
    while (end < text.length && text.data[end] != ' ') {
        end++;
    }
    if (at == end) {
        return 0;
    }
    *flag_out = (struct emc__meta_flag){(char)text.data[at], {text.data + at + 1, end - at - 1}};
    return end;
}

static void check_flags(struct emc__slice text)
{
    struct emc__slice rest = text;
    struct emc__meta_flag flag, expected;
    size_t at = 0;
    while ((at = next_flag(text, at, &expected)) != 0) {
        FUZZ_CHECK(emc__meta_flags_next(&rest, &flag));
        FUZZ_CHECK(flag.letter == expected.letter && flag.token.data == expected.token.data &&
                   flag.token.length == expected.token.length);
    }
    FUZZ_CHECK(!emc__meta_flags_next(&rest, &flag) && rest.length == 0);
}

/* Formatting what was parsed gives the digits again, without leading zeros. */
static void check_numbers(struct emc__slice text)
{
    uint64_t number;
    int64_t signed_number;
    uint8_t digits[20];
    bool is_number = emc__parse_u64(text, &number);
    if (is_number) {
        size_t zeros = 0, length = emc__format_u64(digits, number);
        while (zeros + 1 < text.length && text.data[zeros] == '0') {
            zeros++;
        }
        FUZZ_CHECK(
            emc__slice_equal(emc__slice_of(digits, length), emc__slice_of(text.data + zeros, text.length - zeros)));
    }
    bool minus = text.length > 0 && text.data[0] == '-';
    bool is_signed = emc__parse_i64(text, &signed_number);
    FUZZ_CHECK(minus || is_signed == (is_number && number <= INT64_MAX));
    FUZZ_CHECK(minus || !is_signed || (uint64_t)signed_number == number);
    FUZZ_CHECK(!minus || !is_signed || signed_number <= 0);
}

static void check_base64(struct emc__slice text)
{
    uint8_t encoded[256], expected[256];
    struct emc__slice key = {text.data, text.length < 186 ? text.length : 186};
    size_t length = emc__key_encode_base64(key, encoded);
    FUZZ_CHECK(length <= EMC__KEY_LENGTH_MAX &&
               emc__key_validate(emc__slice_of(encoded, length), NULL) == (length > 0 ? EMC_OK : EMC_ERROR_KEY));
    FUZZ_CHECK((size_t)EVP_EncodeBlock(expected, key.data, (int)key.length) == length);
    FUZZ_CHECK(emc__slice_equal(emc__slice_of(encoded, length), emc__slice_of(expected, length)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct emc__slice text = {data, size};
    check_flags(text);
    check_numbers(text);
    check_base64(text);
    return 0;
}
