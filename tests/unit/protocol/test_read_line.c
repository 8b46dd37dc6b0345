/* What single lines say: every kind of reply of both server generations, and the lines that are none. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "protocol/read_line.h"

/* Reads the line from a block of exactly its size, so that the address sanitizer notices a byte too many. */
static uint8_t *block;

static enum emc__line_kind read_exact(const char *text, struct emc__line *line)
{
    size_t length = strlen(text);
    free(block);
    block = malloc(length > 0 ? length : 1);
    assert_non_null(block);
    memcpy(block, text, length);
    return emc__line_read(emc__slice_of(block, length), line);
}

static int free_block(void **state)
{
    (void)state;
    free(block);
    block = NULL;
    return 0;
}

static void line_is(const char *text, enum emc__reply kind, const char *rest)
{
    struct emc__line line;
    assert_int_equal(read_exact(text, &line), EMC__LINE_WHOLE);
    assert_int_equal(line.reply.kind, kind);
    assert_int_equal(line.reply.text.length, strlen(rest));
    assert_memory_equal(line.reply.text.data, rest, strlen(rest));
    assert_int_equal(line.reply.meta_code, kind == EMC__REPLY_META ? EMC__META_CODE(text[0], text[1]) : 0);
}

static void line_is_broken(const char *text)
{
    struct emc__line line = {.error = NULL};
    assert_int_equal(read_exact(text, &line), EMC__LINE_BROKEN);
    assert_non_null(line.error);
}

static void words_that_stand_alone_are_known(void **state)
{
    (void)state;
    line_is("STORED", EMC__REPLY_STORED, "");
    line_is("NOT_STORED", EMC__REPLY_NOT_STORED, "");
    line_is("EXISTS", EMC__REPLY_EXISTS, "");
    line_is("NOT_FOUND", EMC__REPLY_NOT_FOUND, "");
    line_is("END", EMC__REPLY_END, "");
    line_is("DELETED", EMC__REPLY_DELETED, "");
    line_is("TOUCHED", EMC__REPLY_TOUCHED, "");
    line_is("OK", EMC__REPLY_OK, "");
    line_is("RESET", EMC__REPLY_RESET, "");
}

static void a_word_with_something_behind_it_is_another_line(void **state)
{
    (void)state;
    static const char *const lines[] = {"STORED ",     "STORED x", "STOREDX",  "END x", "ENDX",
                                        "E",           "OK ",      "OK x",     "OKX",   "stored",
                                        "RESET it",    "NOT_FOUN", "DELETED ", "hd",    "TOUCHED ",
                                        "NOT_FOUND k", "STORED\r", "VERSION2", "ERRORS"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        line_is(lines[i], EMC__REPLY_LINE, lines[i]);
    }
}

static void errors_come_with_and_without_text(void **state)
{
    (void)state;
    line_is("ERROR", EMC__REPLY_ERROR, "");
    line_is("ERROR Too many open connections", EMC__REPLY_ERROR, "Too many open connections");
    line_is("CLIENT_ERROR", EMC__REPLY_CLIENT_ERROR, "");
    line_is("CLIENT_ERROR ", EMC__REPLY_CLIENT_ERROR, "");
    line_is("CLIENT_ERROR bad command line format", EMC__REPLY_CLIENT_ERROR, "bad command line format");
    line_is("CLIENT_ERROR  two spaces ", EMC__REPLY_CLIENT_ERROR, " two spaces ");
    line_is("SERVER_ERROR", EMC__REPLY_SERVER_ERROR, "");
    line_is("SERVER_ERROR object too large for cache", EMC__REPLY_SERVER_ERROR, "object too large for cache");
    line_is("SERVER_ERROR out of memory storing object", EMC__REPLY_SERVER_ERROR, "out of memory storing object");
}

static void a_stat_has_a_name_and_a_value_that_may_be_empty_or_many_words(void **state)
{
    (void)state;
    line_is("STAT pid 4711", EMC__REPLY_STAT, "pid 4711");
    line_is("STAT name value with spaces", EMC__REPLY_STAT, "name value with spaces");
    line_is("STAT name", EMC__REPLY_STAT, "name");
    line_is("STAT name ", EMC__REPLY_STAT, "name ");
    line_is("STAT domain_socket NULL", EMC__REPLY_STAT, "domain_socket NULL");
    line_is("STAT", EMC__REPLY_STAT, "");
}

static void a_version_is_whatever_follows(void **state)
{
    (void)state;
    line_is("VERSION 1.6.18", EMC__REPLY_VERSION, "1.6.18");
    line_is("VERSION 1.6.45_beta 3", EMC__REPLY_VERSION, "1.6.45_beta 3");
    line_is("VERSION", EMC__REPLY_VERSION, "");
}

static void meta_codes_bring_their_flags_without_spaces_around(void **state)
{
    (void)state;
    line_is("HD", EMC__REPLY_META, "");
    line_is("HD ", EMC__REPLY_META, "");
    line_is("HD f1 t-1 O12", EMC__REPLY_META, "f1 t-1 O12");
    line_is("HD  c4 ", EMC__REPLY_META, "c4");
    line_is("EN", EMC__REPLY_META, "");
    line_is("EN O3 kfoo", EMC__REPLY_META, "O3 kfoo");
    line_is("NF O6 knope", EMC__REPLY_META, "O6 knope");
    line_is("NS O4 ka", EMC__REPLY_META, "O4 ka");
    line_is("EX c0", EMC__REPLY_META, "c0");
    line_is("MN", EMC__REPLY_META, "");
    line_is_broken("HD f1  t2");
}

static void lines_of_dumps_and_of_management_come_whole(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "key=foo exp=-1 la=1700000000 cas=3 fetch=no cls=1 size=63 flags=0",
        "mg foo",
        "ME foo exp=-1 la=3 cas=2 fetch=no cls=1 size=63",
        "BUSY currently processing crawler request",
        "BADCLASS invalid class id",
        "NOSPARE source class has no spare pages",
        "MEMLIMIT_TOO_SMALL cannot set maxbytes to lower than 1M",
        "ITEM foo [5 b; 0 s]",
        "PREFIX foo get 2 hit 1 set 1 del 0",
        "x",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        line_is(lines[i], EMC__REPLY_LINE, lines[i]);
    }
}

static void a_number_has_up_to_64_bits_and_nothing_around(void **state)
{
    (void)state;
    struct emc__line line;
    static const struct {
        const char *text;
        uint64_t number;
    } numbers[] = {{"0", 0}, {"12", 12}, {"007", 7}, {"18446744073709551615", UINT64_MAX}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        line_is(numbers[i].text, EMC__REPLY_NUMBER, numbers[i].text);
        read_exact(numbers[i].text, &line);
        assert_true(line.reply.number == numbers[i].number);
    }
    line_is_broken("18446744073709551616");
    line_is_broken("99 ");
    line_is_broken("9 9");
    line_is_broken("1st");
    line_is_broken("1.5");
}

static struct emc__value_header header_of(const char *text, enum emc__value_kind kind)
{
    struct emc__line line;
    assert_int_equal(read_exact(text, &line), EMC__LINE_VALUE);
    assert_int_equal(line.header.kind, kind);
    return line.header;
}

static bool is(struct emc__slice slice, const char *text)
{
    return emc__slice_equal(slice, emc__slice_of_string(text));
}

static void a_value_header_has_key_flags_length_and_perhaps_a_cas(void **state)
{
    (void)state;
    struct emc__value_header header = header_of("VALUE key 7 100", EMC__VALUE_TEXT);
    assert_true(is(header.key, "key") && header.flags == 7 && header.length == 100 && !header.has_cas &&
                header.cas == 0);
    assert_int_equal(header.meta_flags.length, 0);
    header = header_of("VALUE k 18446744073709551615 0 18446744073709551615", EMC__VALUE_TEXT);
    assert_true(is(header.key, "k") && header.flags == UINT64_MAX && header.length == 0 && header.has_cas &&
                header.cas == UINT64_MAX);
    header = header_of("VALUE VALUE 0 5 0", EMC__VALUE_TEXT);
    assert_true(is(header.key, "VALUE") && header.has_cas && header.cas == 0);
}

static void a_meta_value_has_a_length_and_flags(void **state)
{
    (void)state;
    struct emc__value_header header = header_of("VA 0 ", EMC__VALUE_META);
    assert_true(header.length == 0 && header.meta_flags.length == 0 && header.key.length == 0 && !header.has_cas);
    header = header_of("VA 12", EMC__VALUE_META);
    assert_true(header.length == 12 && header.meta_flags.length == 0);
    header = header_of("VA 12 f3 t-1 W", EMC__VALUE_META);
    assert_true(header.length == 12 && is(header.meta_flags, "f3 t-1 W"));
    header = header_of("VA 12  kB64 b ", EMC__VALUE_META);
    assert_true(is(header.meta_flags, "kB64 b"));
}

static void a_configuration_is_a_value_with_its_word_as_key(void **state)
{
    (void)state;
    struct emc__value_header header = header_of("CONFIG cluster 0 147", EMC__VALUE_CONFIG);
    assert_true(is(header.key, "cluster") && header.flags == 0 && header.length == 147 && !header.has_cas);
}

static void a_key_may_have_250_bytes_and_no_more(void **state)
{
    (void)state;
    char text[300] = "VALUE ";
    struct emc__line line;
    memset(text + 6, 'k', 251);
    strcpy(text + 6 + 250, " 0 5");
    assert_int_equal(header_of(text, EMC__VALUE_TEXT).key.length, 250);
    strcpy(text + 6 + 250, "k 0 5");
    assert_int_equal(read_exact(text, &line), EMC__LINE_BROKEN);
}

static void a_header_that_is_not_exactly_one_breaks(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "VALUE",
        "VALUE ",
        "VALUE k",
        "VALUE k ",
        "VALUE k 0",
        "VALUE k 0 ",
        "VALUE  0 5",
        "VALUE k  0 5",
        "VALUE k 0  5",
        "VALUE k 0 5 ",
        "VALUE k 0 5 6 ",
        "VALUE k 0 5 6 7",
        "VALUE k 0 5  6",
        "VALUE k -1 5",
        "VALUE k 0 -5",
        "VALUE k 0 +5",
        "VALUE k 0 5x",
        "VALUE k x 5",
        "VALUE k 0 x",
        "VALUE k 0 5 x",
        "VALUE k 0 5 -6",
        "VALUE k 0 18446744073709551616",
        "VALUE k 18446744073709551616 5",
        "VALUE k 0 5 18446744073709551616",
        "VALUE k 0 99999999999999999999999",
        "VA",
        "VA ",
        "VA x",
        "VA -1",
        "VA 5x",
        "VA  5",
        "VA 18446744073709551616",
        "VA 5 f1  t2",
        "CONFIG",
        "CONFIG ",
        "CONFIG cluster",
        "CONFIG cluster 0",
        "CONFIG cluster 0 5 6",
        "CONFIG  0 5",
        "CONFIG cluster 0 x",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        line_is_broken(lines[i]);
    }
}

static void a_line_begins_with_a_letter_or_a_digit(void **state)
{
    (void)state;
    struct emc__line line;
    for (int byte = 0; byte < 256; byte++) {
        const uint8_t text[2] = {(uint8_t)byte, '1'};
        bool allowed = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
        assert_int_equal(emc__line_read(emc__slice_of(text, 2), &line), allowed ? EMC__LINE_WHOLE : EMC__LINE_BROKEN);
    }
    assert_int_equal(emc__line_read(emc__slice_of("", 0), &line), EMC__LINE_BROKEN);
}

/* The line in a block of exactly `available` bytes, so that the address sanitizer notices a byte too many, filled with what would count were it looked at. */
static size_t read_hit_within(const char *text, size_t available, char filler, struct emc__value_header *header)
{
    size_t length = strlen(text);
    free(block);
    block = malloc(available);
    assert_non_null(block);
    memset(block, filler, available);
    memcpy(block, text, length < available ? length : available);
    for (size_t i = length; i < length + 2 && i < available; i++) {
        block[i] = i == length ? '\r' : '\n';
    }
    return emc__line_read_hit(block, available, header);
}

static size_t read_hit(const char *text, char filler, struct emc__value_header *header)
{
    return read_hit_within(text, EMC__HIT_LINE_MAX + 64, filler, header);
}

static void a_hit_cut_anywhere_is_taken_whole_or_not_at_all(void **state)
{
    (void)state;
    const char *const lines[] = {"VALUE k 0 0",
                                 "VALUE a-key-of-some-length-that-is-longer-than-most 123456789 123456789"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        size_t length = strlen(lines[i]) + 2;
        bool taken = false;
        for (size_t available = EMC__HIT_BYTES_MIN; available < 200; available++) {
            struct emc__value_header hit;
            size_t got = read_hit_within(lines[i], available, '0', &hit);
            assert_true(got == 0 || (got == length && got <= available));
            taken = taken || got > 0;
        }
        assert_true(taken);
    }
}

static void a_hit_read_in_one_go_is_what_the_line_says(void **state)
{
    (void)state;
    char longest[300];
    memcpy(longest, "VALUE ", 6);
    memset(longest + 6, 'k', EMC__KEY_LENGTH_MAX);
    memcpy(longest + 6 + EMC__KEY_LENGTH_MAX, " 999999999 123456789", 21);
    const char *const lines[] = {"VALUE k 0 0",        "VALUE key:00000042 0 100", "VALUE seven77 12 3",
                                 "VALUE eight888 1 1", "VALUE \xff\x80 007 0010",  longest};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct emc__value_header hit;
        struct emc__line line;
        size_t length = strlen(lines[i]);
        assert_int_equal(read_hit(lines[i], '0', &hit), length + 2);
        assert_int_equal(emc__line_read(emc__slice_of(block, length), &line), EMC__LINE_VALUE);
        assert_ptr_equal(hit.key.data, line.header.key.data);
        assert_int_equal(hit.key.length, line.header.key.length);
        assert_int_equal(hit.flags, line.header.flags);
        assert_int_equal(hit.length, line.header.length);
        assert_false(hit.has_cas);
        assert_int_equal(hit.meta_flags.length, 0);
    }
}

static void what_is_no_plain_hit_is_left_to_the_other_reader(void **state)
{
    (void)state;
    const char *const lines[] = {"END",
                                 "VALUE",
                                 "VALUE ",
                                 "VALUE  0 1",
                                 "VALUE k",
                                 "VALUE k ",
                                 "VALUE k 0",
                                 "VALUE k 0 ",
                                 "VALUE k 0 x",
                                 "VALUE k x 1",
                                 "VALUE k 0 1 7",
                                 "VALUE k 0 1 ",
                                 "VALUE k  0 1",
                                 "VALUE k\t 0 1",
                                 "VALUE a\rb 0 1",
                                 "VALUE a\nb 0 1",
                                 "VALUE k 1234567890 1",
                                 "VALUE k 0 1234567890",
                                 "VALUE k 4294967296 1",
                                 "VALUE k -1 1",
                                 "VALUe k 0 1",
                                 "VA 1 kfoo"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct emc__value_header hit;
        assert_int_equal(read_hit(lines[i], '0', &hit), 0);
        assert_int_equal(read_hit(lines[i], ' ', &hit), 0);
        assert_int_equal(read_hit(lines[i], 'k', &hit), 0);
    }
    char too_long[EMC__HIT_LINE_MAX - 1];
    memset(too_long, 'k', sizeof too_long);
    memcpy(too_long, "VALUE ", 6);
    memcpy(too_long + 6 + EMC__KEY_LENGTH_MAX + 1, " 0 1", 5);
    struct emc__value_header hit;
    assert_int_equal(read_hit(too_long, '0', &hit), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_that_stand_alone_are_known),
        cmocka_unit_test(a_word_with_something_behind_it_is_another_line),
        cmocka_unit_test(errors_come_with_and_without_text),
        cmocka_unit_test(a_stat_has_a_name_and_a_value_that_may_be_empty_or_many_words),
        cmocka_unit_test(a_version_is_whatever_follows),
        cmocka_unit_test(meta_codes_bring_their_flags_without_spaces_around),
        cmocka_unit_test(lines_of_dumps_and_of_management_come_whole),
        cmocka_unit_test(a_number_has_up_to_64_bits_and_nothing_around),
        cmocka_unit_test(a_value_header_has_key_flags_length_and_perhaps_a_cas),
        cmocka_unit_test(a_meta_value_has_a_length_and_flags),
        cmocka_unit_test(a_configuration_is_a_value_with_its_word_as_key),
        cmocka_unit_test(a_key_may_have_250_bytes_and_no_more),
        cmocka_unit_test(a_header_that_is_not_exactly_one_breaks),
        cmocka_unit_test(a_line_begins_with_a_letter_or_a_digit),
        cmocka_unit_test(a_hit_read_in_one_go_is_what_the_line_says),
        cmocka_unit_test(a_hit_cut_anywhere_is_taken_whole_or_not_at_all),
        cmocka_unit_test(what_is_no_plain_hit_is_left_to_the_other_reader),
    };
    return cmocka_run_group_tests(tests, NULL, free_block);
}
