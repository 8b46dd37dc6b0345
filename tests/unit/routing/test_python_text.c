/* Python's str and bytes, as format() writes them. */
#include "mapping.h"

#include "routing/python_text.h"

static void written(struct emc__python_text text, const char *expected, size_t length)
{
    uint8_t whole[6 * EMC__PYTHON_TEXT_SIZE], piece[EMC__PYTHON_TEXT_SIZE];
    size_t at = 0;
    for (size_t next; (next = emc__python_text_next(&text, piece)) > 0; at += next) {
        assert_true(at + next <= sizeof whole);
        memcpy(whole + at, piece, next);
    }
    assert_int_equal(at, length);
    assert_memory_equal(whole, expected, length);
    assert_int_equal(emc__python_text_next(&text, piece), 0);
}

static void bytes_are(const char *key, const char *expected)
{
    written(emc__python_bytes(emc__slice_of_string(key)), expected, strlen(expected));
}

static void bytes_have_the_escapes_and_quotes_of_repr(void **state)
{
    (void)state;
    bytes_are("foo", "b'foo'");
    bytes_are("", "b''");
    bytes_are("it's", "b\"it's\"");
    bytes_are("say \"no\"", "b'say \"no\"'");
    bytes_are("\"it's\"", "b'\"it\\'s\"'");
    bytes_are("a\\b", "b'a\\\\b'");
    bytes_are("\t\n\r\x01\x1f\x7f\x80\xff~ ", "b'\\t\\n\\r\\x01\\x1f\\x7f\\x80\\xff~ '");
}

static void str_are(const char *key, const char *expected)
{
    written(emc__python_str(emc__slice_of_string(key)), expected, strlen(expected));
}

static void str_has_a_byte_for_each_character(void **state)
{
    (void)state;
    str_are("foo", "foo");
    str_are("\xc3\xa9t\xc3\xa9", "\xe9t\xe9");                                   /* U+00E9 */
    str_are("\xe4\xbd\xa0", "\x60");                                             /* U+4F60 */
    written(emc__python_str(emc__slice_of_string("\xf0\x9f\x98\x80")), "\0", 1); /* U+1F600 */
}

static void what_is_no_utf8_is_taken_as_it_is(void **state)
{
    (void)state;
    static const char *const wrong[] = {"\xff",
                                        "\xc3",
                                        "\xc3(",
                                        "\xc0\x80",
                                        "\xed\xa0\x80",
                                        "\xf4\x90\x80\x80",
                                        "\xe4\xbd",
                                        "a\x80",
                                        "\xf5\x80\x80\x80",
                                        "\xf0\x80\x80\x80",
                                        "\xe0\x80\x80"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        str_are(wrong[i], wrong[i]);
    }
}

static void a_text_longer_than_a_piece_comes_whole(void **state)
{
    (void)state;
    static char key[1100], expected[4 * sizeof key + 4];
    for (size_t length = 240; length <= sizeof key; length += 7) {
        size_t at = 2;
        memset(key, 0x80, length);
        memcpy(expected, "b'", 2);
        for (size_t i = 0; i < length; i++, at += 4) {
            memcpy(expected + at, "\\x80", 4);
        }
        expected[at++] = '\'';
        written(emc__python_bytes(emc__slice_of(key, length)), expected, at);
        written(emc__python_str(emc__slice_of(key, length)), key, length);
        memset(key, 'k', length);
        memcpy(expected, "b'", 2);
        memcpy(expected + 2, key, length);
        expected[length + 2] = '\'';
        written(emc__python_bytes(emc__slice_of(key, length)), expected, length + 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_have_the_escapes_and_quotes_of_repr),
        cmocka_unit_test(str_has_a_byte_for_each_character),
        cmocka_unit_test(what_is_no_utf8_is_taken_as_it_is),
        cmocka_unit_test(a_text_longer_than_a_piece_comes_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
