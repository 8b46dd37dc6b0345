/* Every meta request line, byte for byte, and its bound. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "protocol/protocol.h"

static uint8_t out[EMC__LINE_LENGTH_MAX + 16];

static void wrote(size_t length, const char *expected)
{
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(out, expected, length);
}

static struct emc__slice slice(const char *text)
{
    return emc__slice_of_string(text);
}

static void a_quiet_set_names_only_what_is_not_the_default(void **state)
{
    (void)state;
    wrote(emc__write_quiet_set_line(out, slice("key"), 0, 0, 5, 0), "ms key 5 q O00\r\n");
    wrote(emc__write_quiet_set_line(out, slice("key"), 7, 0, 0, 12), "ms key 0 F7 q O0<\r\n");
    wrote(emc__write_quiet_set_line(out, slice("key"), 0, 60, 100, EMC__LABEL_MAX), "ms key 100 T60 q Ooo\r\n");
    wrote(emc__write_quiet_set_line(out, slice("key"), 4294967295, -1, 16384, 1),
          "ms key 16384 T-1 F4294967295 q O01\r\n");
}

static void a_quiet_delete_has_its_label(void **state)
{
    (void)state;
    wrote(emc__write_quiet_delete(out, slice("key"), 0), "md key q O00\r\n");
    wrote(emc__write_quiet_delete(out, slice("key"), EMC__LABEL_MAX), "md key q Ooo\r\n");
}

static void a_label_is_read_as_it_was_written(void **state)
{
    (void)state;
    for (uint32_t label = 0; label <= EMC__LABEL_MAX; label++) {
        uint32_t read = EMC__LABEL_MAX + 1;
        size_t length = emc__write_quiet_delete(out, slice("k"), label);
        assert_true(emc__label_read(emc__slice_of(out + length - 4, 2), &read));
        assert_int_equal(read, label);
    }
}

static void what_is_no_label_is_not_read(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "0", "000", "0p", "p0", "0/", "/0", "\xff\xff"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        uint32_t read = 7;
        assert_false(emc__label_read(slice(texts[i]), &read));
        assert_int_equal(read, 7);
    }
}

static void the_longest_quiet_lines_keep_their_bounds(void **state)
{
    (void)state;
    char key[EMC__KEY_LENGTH_MAX];
    size_t bound = EMC__KEY_LENGTH_MAX + 96;
    memset(key, 'k', sizeof key);
    memset(out, 0xee, sizeof out);
    size_t length = emc__write_quiet_set_line(out, emc__slice_of(key, sizeof key), UINT64_MAX, -EMC__EXPTIME_MAX,
                                              SIZE_MAX, UINT32_MAX);
    assert_in_range(length, EMC__KEY_LENGTH_MAX, bound);
    assert_int_equal(out[bound], 0xee);
    assert_in_range(emc__write_quiet_delete(out, emc__slice_of(key, sizeof key), UINT32_MAX), EMC__KEY_LENGTH_MAX,
                    bound);
}

static void wrote_meta(char command, const char *flags, size_t value_length, const char *expected)
{
    struct emc__meta_request request = {command, slice("key"), slice(flags), value_length};
    wrote(emc__write_meta(out, &request), expected);
}

static void every_meta_command_has_its_line(void **state)
{
    (void)state;
    wrote_meta('g', " v f t T30", 9, "mg key v f t T30\r\n");
    wrote_meta('g', "", 9, "mg key\r\n");
    wrote_meta('s', " T60 F7 ME", 5, "ms key 5 T60 F7 ME\r\n");
    wrote_meta('s', "", 0, "ms key 0\r\n");
    wrote_meta('d', " q I T30", 9, "md key q I T30\r\n");
    wrote_meta('a', " N0 J13 v", 9, "ma key N0 J13 v\r\n");
    wrote_meta('e', " b", 9, "me key b\r\n");
}

static void absent_flags_may_have_no_bytes_at_all(void **state)
{
    (void)state;
    struct emc__meta_request request = {'d', slice("k"), {NULL, 0}, 0};
    wrote(emc__write_meta(out, &request), "md k\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quiet_set_names_only_what_is_not_the_default),
        cmocka_unit_test(a_quiet_delete_has_its_label),
        cmocka_unit_test(a_label_is_read_as_it_was_written),
        cmocka_unit_test(what_is_no_label_is_not_read),
        cmocka_unit_test(the_longest_quiet_lines_keep_their_bounds),
        cmocka_unit_test(every_meta_command_has_its_line),
        cmocka_unit_test(absent_flags_may_have_no_bytes_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
