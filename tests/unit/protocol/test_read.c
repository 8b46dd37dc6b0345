/* The reader over a stream: splits at every byte, values with and without a destination, limits, hostile bytes,
 * handlers that stop. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "protocol/protocol.h"

/* Writes what is delivered as text, one line for each delivery. */
struct recorder {
    char text[8192];
    size_t length;
    uint8_t *destination; /* what value_begin answers */
    size_t stop_after;    /* deliveries until a handler says stop; 0: never */
    size_t count;
};

static bool record(struct recorder *recorder, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool record(struct recorder *recorder, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    recorder->length += (size_t)vsnprintf(recorder->text + recorder->length, sizeof recorder->text - recorder->length,
                                          format, arguments);
    va_end(arguments);
    assert_in_range(recorder->length, 0, sizeof recorder->text - 1);
    return ++recorder->count != recorder->stop_after;
}

static bool on_line(void *context, const struct emc__reply_line *line)
{
    return record(context, "line %d %.*s;", (int)line->kind, (int)line->text.length, (const char *)line->text.data);
}

static bool on_value(void *context, const struct emc__value_header *header, const uint8_t *data)
{
    int shown = header->length > 20 ? 20 : (int)header->length;
    return record(context, "value %.*s %zu %.*s;", (int)header->key.length, (const char *)header->key.data,
                  header->length, shown, (const char *)data);
}

static bool on_value_begin(void *context, const struct emc__value_header *header, uint8_t **destination_out)
{
    struct recorder *recorder = context;
    *destination_out = recorder->destination;
    return record(recorder, "begin %.*s %zu;", (int)header->key.length, (const char *)header->key.data, header->length);
}

static bool on_value_end(void *context)
{
    return record(context, "end;");
}

static const struct emc__reader_handler handler = {on_line, on_value, on_value_begin, on_value_end};

struct outcome {
    enum emc__read_result result;
    size_t consumed;
};

static struct outcome feed(struct emc__reader *reader, struct recorder *recorder, const void *data, size_t length)
{
    struct outcome outcome = {EMC__READ_MORE, 12345};
    uint8_t *copy = malloc(length > 0 ? length : 1);
    assert_non_null(copy);
    if (length > 0) {
        memcpy(copy, data, length);
    }
    outcome.result = emc__reader_feed(reader, copy, length, &handler, recorder, &outcome.consumed);
    free(copy);
    return outcome;
}

static void delivers(const char *stream, size_t length, enum emc__read_result result, const char *expected)
{
    struct emc__reader reader;
    struct recorder recorder = {.length = 0};
    emc__reader_init(&reader, NULL);
    assert_int_equal(feed(&reader, &recorder, stream, length).result, result);
    assert_string_equal(recorder.text, expected);
    assert_int_equal(reader.phase == EMC__READER_BROKEN, result == EMC__READ_BROKEN);
    assert_int_equal(reader.error != NULL, result == EMC__READ_BROKEN);
}

#define DELIVERS(stream, result, expected) delivers(stream, sizeof stream - 1, result, expected)

static const char long_conversation[] =
    "STORED\r\nVALUE a 0 3\r\nabc\r\nVALUE b 4294967295 0 99\r\n\r\nEND\r\n"
    "18446744073709551615\r\nSTAT version 1.6.18\r\nSTAT empty\r\nEND\r\nVERSION 1.6.18\r\n"
    "VA 5 f0 kfoo\r\nEND\r\n\r\nHD O1\r\nVA 0 \r\n\r\nEN\r\nMN\r\nSERVER_ERROR object too large for cache\r\n"
    "CONFIG cluster 0 4\r\n1\na\n\r\nEND\r\nERROR\r\nkey=a exp=-1\r\nkey=b exp=-1\nEND\r\n";

static void a_stream_split_at_every_byte_gives_the_same_deliveries(void **state)
{
    (void)state;
    size_t length = sizeof long_conversation - 1;
    struct emc__reader reader;
    struct recorder whole = {.length = 0};
    emc__reader_init(&reader, NULL);
    assert_int_equal(feed(&reader, &whole, long_conversation, length).result, EMC__READ_MORE);
    assert_int_equal(whole.count, 21);
    for (size_t split = 0; split <= length; split++) {
        struct recorder split_up = {.length = 0};
        emc__reader_init(&reader, NULL);
        struct outcome first = feed(&reader, &split_up, long_conversation, split);
        assert_int_equal(first.result, EMC__READ_MORE);
        assert_in_range(first.consumed, 0, split);
        struct outcome second = feed(&reader, &split_up, long_conversation + first.consumed, length - first.consumed);
        assert_int_equal(second.result, EMC__READ_MORE);
        assert_int_equal(first.consumed + second.consumed, length);
        assert_string_equal(split_up.text, whole.text);
        assert_int_equal(reader.phase, EMC__READER_LINE);
    }
}

static void bytes_fed_one_by_one_give_the_same_deliveries(void **state)
{
    (void)state;
    size_t length = sizeof long_conversation - 1, consumed = 0;
    struct emc__reader reader;
    struct recorder whole = {.length = 0}, single = {.length = 0};
    emc__reader_init(&reader, NULL);
    feed(&reader, &whole, long_conversation, length);
    for (size_t end = 0; end <= length; end++) {
        struct outcome outcome = feed(&reader, &single, long_conversation + consumed, end - consumed);
        assert_int_equal(outcome.result, EMC__READ_MORE);
        consumed += outcome.consumed;
    }
    assert_int_equal(consumed, length);
    assert_string_equal(single.text, whole.text);
}

static void replies_inside_a_value_are_bytes(void **state)
{
    (void)state;
    DELIVERS("VALUE k 0 14\r\nEND\r\nERROR\r\n\r\n\r\nEND\r\n", EMC__READ_MORE,
             "value k 14 END\r\nERROR\r\n\r\n;line 4 ;");
    DELIVERS("VALUE k 0 2\r\n\r\n\r\nEND\r\n", EMC__READ_MORE, "value k 2 \r\n;line 4 ;");
}

static void an_empty_value_is_delivered(void **state)
{
    (void)state;
    DELIVERS("VALUE k 0 0\r\n\r\nEND\r\n", EMC__READ_MORE, "value k 0 ;line 4 ;");
    DELIVERS("VA 0 \r\n\r\n", EMC__READ_MORE, "value  0 ;");
}

static void what_is_incomplete_stays_with_the_caller(void **state)
{
    (void)state;
    struct emc__reader reader;
    struct recorder recorder = {.length = 0};
    emc__reader_init(&reader, NULL);
    assert_int_equal(feed(&reader, &recorder, "STORED\r\nSTO", 11).consumed, 8);
    assert_int_equal(feed(&reader, &recorder, "VALUE k 0 5\r\n12345\r", 19).consumed, 0);
    assert_int_equal(feed(&reader, &recorder, NULL, 0).consumed, 0);
    assert_int_equal(reader.phase, EMC__READER_LINE);
    assert_null(emc__reader_wanted(&reader).data);
    assert_int_equal(emc__reader_wanted(&reader).length, 0);
    assert_string_equal(recorder.text, "line 0 ;");
}

static void blank_control_and_bare_lines_break(void **state)
{
    (void)state;
    DELIVERS("\r\n", EMC__READ_BROKEN, "");
    DELIVERS("\n", EMC__READ_BROKEN, "");
    DELIVERS("STORED\r\n\r\nSTORED\r\n", EMC__READ_BROKEN, "line 0 ;");
    DELIVERS("STORED\n", EMC__READ_BROKEN, "");
    DELIVERS("\x80\x01 binary\r\n", EMC__READ_BROKEN, "");
    DELIVERS("\x15\x03\x01\x00\x02\x02\n", EMC__READ_BROKEN, "");
    DELIVERS(" STORED\r\n", EMC__READ_BROKEN, "");
    DELIVERS("\0STORED\r\n", EMC__READ_BROKEN, "");
    DELIVERS("-1\r\n", EMC__READ_BROKEN, "");
}

static void lines_of_a_metadump_alone_may_end_with_a_bare_lf(void **state)
{
    (void)state;
    DELIVERS("key=a exp=-1\nkey=b exp=5\r\nkey=\nEND\r\n", EMC__READ_MORE,
             "line 16 key=a exp=-1;line 16 key=b exp=5;line 16 key=;line 4 ;");
    DELIVERS("key=a exp=-1\nEND\n", EMC__READ_BROKEN, "line 16 key=a exp=-1;");
    DELIVERS("key\n", EMC__READ_BROKEN, "");
    DELIVERS("mg a\n", EMC__READ_BROKEN, "");
    DELIVERS("Key=a\n", EMC__READ_BROKEN, "");
}

static void a_value_that_does_not_end_with_cr_lf_breaks(void **state)
{
    (void)state;
    DELIVERS("VALUE k 0 3\r\nabcd\r\n", EMC__READ_BROKEN, "");
    DELIVERS("VALUE k 0 3\r\nabcX", EMC__READ_BROKEN, "");
    DELIVERS("VALUE k 0 3\r\nabc\rX", EMC__READ_BROKEN, "");
    DELIVERS("VALUE k 0 3\r\nab\r\nEND\r\n", EMC__READ_BROKEN, "");
    DELIVERS("VALUE k 0 0\r\nX", EMC__READ_BROKEN, "");
}

static void a_broken_reader_stays_broken(void **state)
{
    (void)state;
    struct emc__reader reader;
    struct recorder recorder = {.length = 0};
    emc__reader_init(&reader, NULL);
    assert_int_equal(feed(&reader, &recorder, "STORED\r\n\r\nX", 11).consumed, 8);
    const char *error = reader.error;
    struct outcome outcome = feed(&reader, &recorder, "STORED\r\n", 8);
    assert_int_equal(outcome.result, EMC__READ_BROKEN);
    assert_int_equal(outcome.consumed, 0);
    assert_ptr_equal(reader.error, error);
    assert_int_not_equal(reader.phase, EMC__READER_LINE);
    assert_string_equal(recorder.text, "line 0 ;");
}

/* ------------------------------------------------------------------ limits */

static enum emc__read_result with_limits(size_t line, size_t value, const char *stream)
{
    struct emc__reader reader;
    struct recorder recorder = {.length = 0};
    emc__reader_init(&reader, &(struct emc__reader_limits){line, value});
    return feed(&reader, &recorder, stream, strlen(stream)).result;
}

static void a_line_may_have_the_limit_and_not_a_byte_more(void **state)
{
    (void)state;
    assert_int_equal(with_limits(8, 0, "STORED\r\n"), EMC__READ_MORE);
    assert_int_equal(with_limits(7, 0, "STORED\r\n"), EMC__READ_BROKEN);
    assert_int_equal(with_limits(8, 0, "DELETED\r\n"), EMC__READ_BROKEN);
    assert_int_equal(with_limits(8, 0, "DELETED"), EMC__READ_MORE);
    assert_int_equal(with_limits(8, 0, "DELETED\r"), EMC__READ_BROKEN);
    assert_int_equal(with_limits(8, 0, "STORED\r\nSTORED\r\nSTORED\r\n"), EMC__READ_MORE);
}

static void a_line_without_end_breaks_at_the_default_limit(void **state)
{
    (void)state;
    static char stream[4097];
    memset(stream, 'x', sizeof stream - 1);
    stream[4095] = '\0';
    assert_int_equal(with_limits(0, 0, stream), EMC__READ_MORE);
    stream[4095] = 'x';
    assert_int_equal(with_limits(0, 0, stream), EMC__READ_BROKEN);
    memcpy(stream + 4094, "\r\n", 2);
    assert_int_equal(with_limits(0, 0, stream), EMC__READ_MORE);
}

static void a_value_may_have_the_limit_and_not_a_byte_more(void **state)
{
    (void)state;
    assert_int_equal(with_limits(0, 5, "VALUE k 0 5\r\n12345\r\n"), EMC__READ_MORE);
    assert_int_equal(with_limits(0, 5, "VALUE k 0 6\r\n"), EMC__READ_BROKEN);
    assert_int_equal(with_limits(0, 5, "VA 6\r\n"), EMC__READ_BROKEN);
    assert_int_equal(with_limits(0, 5, "CONFIG cluster 0 6\r\n"), EMC__READ_BROKEN);
    assert_int_equal(with_limits(0, 0, "VALUE k 0 1073741824\r\nx"), EMC__READ_MORE);
    assert_int_equal(with_limits(0, 0, "VALUE k 0 1073741825\r\n"), EMC__READ_BROKEN);
    bool fits = SIZE_MAX == UINT64_MAX; /* 32 bits can't hold such a value */
    assert_int_equal(with_limits(0, SIZE_MAX, "VALUE k 0 18446744073709551615\r\n12345"),
                     fits ? EMC__READ_MORE : EMC__READ_BROKEN);
    assert_int_equal(with_limits(0, SIZE_MAX, "VALUE k 0 4294967295\r\n12345"), EMC__READ_MORE);
}

/* ------------------------------------------------------------------ values with a destination */

#define LONG (EMC__READ_IN_PLACE_MAX + 1000)

/* `VALUE long 0 <length>\r\n`, the value, CRLF, END. Returns the length of all; the value begins at *value_out. */
static size_t long_stream(char *stream, size_t length, size_t *value_out)
{
    size_t at = (size_t)sprintf(stream, "VALUE long 0 %zu\r\n", length);
    *value_out = at;
    for (size_t i = 0; i < length; i++) {
        stream[at++] = (char)('a' + i % 26);
    }
    memcpy(stream + at, "\r\nEND\r\n", 7);
    return at + 7;
}

static char stream[LONG + 100];
static uint8_t destination[LONG];

static void a_long_value_that_is_whole_needs_no_destination(void **state)
{
    (void)state;
    size_t value_at, length = long_stream(stream, LONG, &value_at);
    struct emc__reader reader;
    struct recorder recorder = {.length = 0};
    emc__reader_init(&reader, NULL);
    assert_int_equal(feed(&reader, &recorder, stream, length).consumed, length);
    assert_string_equal(recorder.text, "value long 17384 abcdefghijklmnopqrst;line 4 ;");
}

static void a_long_value_goes_to_its_destination_wherever_it_is_split(void **state)
{
    (void)state;
    size_t value_at, length = long_stream(stream, LONG, &value_at);
    for (size_t split = value_at; split < value_at + LONG + 2;
         split += split < value_at + 3 || split > value_at + LONG - 4 ? 1 : 997) {
        struct emc__reader reader;
        struct recorder recorder = {.destination = destination};
        memset(destination, 0, sizeof destination);
        emc__reader_init(&reader, NULL);
        assert_int_equal(feed(&reader, &recorder, stream, split).consumed, split);
        assert_string_equal(recorder.text, "begin long 17384;");
        assert_int_not_equal(reader.phase, EMC__READER_LINE);
        assert_int_equal(feed(&reader, &recorder, stream + split, length - split).consumed, length - split);
        assert_string_equal(recorder.text, "begin long 17384;end;line 4 ;");
        assert_memory_equal(destination, stream + value_at, LONG);
        assert_int_equal(reader.phase, EMC__READER_LINE);
    }
}

static void a_value_of_the_in_place_maximum_waits_with_the_caller_and_one_byte_more_does_not(void **state)
{
    (void)state;
    size_t value_at, length = long_stream(stream, EMC__READ_IN_PLACE_MAX, &value_at);
    struct emc__reader reader;
    struct recorder recorder = {.destination = destination};
    emc__reader_init(&reader, NULL);
    assert_int_equal(feed(&reader, &recorder, stream, length - 6).consumed, 0);
    assert_int_equal(recorder.count, 0);
    assert_int_equal(feed(&reader, &recorder, stream, length).consumed, length);
    assert_string_equal(recorder.text, "value long 16384 abcdefghijklmnopqrst;line 4 ;");
    length = long_stream(stream, EMC__READ_IN_PLACE_MAX + 1, &value_at);
    assert_int_equal(feed(&reader, &recorder, stream, length - 6).consumed, length - 6);
    assert_non_null(strstr(recorder.text, "begin long 16385;"));
    assert_int_equal(feed(&reader, &recorder, "\nEND\r\n", 6).consumed, 6);
    assert_non_null(strstr(recorder.text, "begin long 16385;end;line 4 ;"));
}

static void a_value_can_be_received_straight_into_its_destination(void **state)
{
    (void)state;
    size_t value_at, length = long_stream(stream, LONG, &value_at), at = value_at + 10;
    struct emc__reader reader;
    struct recorder recorder = {.destination = destination};
    memset(destination, 0, sizeof destination);
    emc__reader_init(&reader, NULL);
    feed(&reader, &recorder, stream, at);
    while (emc__reader_wanted(&reader).data != NULL) {
        struct emc__span wanted = emc__reader_wanted(&reader);
        size_t piece = wanted.length < 5000 ? wanted.length : 5000;
        assert_int_equal(wanted.length, value_at + LONG - at);
        assert_ptr_equal(wanted.data, destination + (at - value_at));
        memcpy(wanted.data, stream + at, piece);
        emc__reader_received(&reader, piece);
        at += piece;
    }
    assert_int_equal(at, value_at + LONG);
    assert_int_not_equal(reader.phase, EMC__READER_LINE);
    assert_int_equal(feed(&reader, &recorder, stream + at, length - at).consumed, 7);
    assert_string_equal(recorder.text, "begin long 17384;end;line 4 ;");
    assert_memory_equal(destination, stream + value_at, LONG);
}

static void a_value_without_destination_is_dropped_and_the_stream_goes_on(void **state)
{
    (void)state;
    size_t value_at, length = long_stream(stream, LONG, &value_at);
    struct emc__reader reader;
    struct recorder recorder = {.destination = NULL};
    emc__reader_init(&reader, NULL);
    feed(&reader, &recorder, stream, value_at + 100);
    assert_null(emc__reader_wanted(&reader).data);
    assert_int_equal(emc__reader_wanted(&reader).length, 0);
    assert_int_equal(feed(&reader, &recorder, stream + value_at + 100, length - value_at - 100).consumed,
                     length - value_at - 100);
    assert_string_equal(recorder.text, "begin long 17384;end;line 4 ;");
}

static void a_discarded_destination_is_not_touched_again(void **state)
{
    (void)state;
    size_t value_at, length = long_stream(stream, LONG, &value_at), at = value_at + 100;
    struct emc__reader reader;
    struct recorder recorder = {.destination = malloc(LONG)};
    assert_non_null(recorder.destination);
    emc__reader_init(&reader, NULL);
    feed(&reader, &recorder, stream, at);
    emc__reader_discard(&reader);
    free(recorder.destination);
    assert_null(emc__reader_wanted(&reader).data);
    assert_int_equal(emc__reader_wanted(&reader).length, 0);
    assert_int_equal(feed(&reader, &recorder, stream + at, length - at).consumed, length - at);
    assert_string_equal(recorder.text, "begin long 17384;end;line 4 ;");
    emc__reader_discard(&reader);
    assert_int_equal(reader.phase, EMC__READER_LINE);
}

static void a_long_value_with_a_wrong_end_breaks_without_end(void **state)
{
    (void)state;
    static const char *const ends[] = {"X", "\n", "\rX", "\r\r"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        size_t value_at;
        long_stream(stream, LONG, &value_at);
        struct emc__reader reader;
        struct recorder recorder = {.destination = destination};
        emc__reader_init(&reader, NULL);
        feed(&reader, &recorder, stream, value_at + LONG);
        assert_int_equal(feed(&reader, &recorder, ends[i], strlen(ends[i])).result, EMC__READ_BROKEN);
        assert_string_equal(recorder.text, "begin long 17384;");
    }
}

/* ------------------------------------------------------------------ stopping */

static void nothing_is_delivered_after_a_handler_said_stop(void **state)
{
    (void)state;
    struct emc__reader reader;
    struct recorder line = {.stop_after = 1}, value = {.stop_after = 2};
    emc__reader_init(&reader, NULL);
    struct outcome outcome = feed(&reader, &line, "STORED\r\nSTORED\r\n", 16);
    assert_int_equal(outcome.result, EMC__READ_STOPPED);
    assert_int_equal(outcome.consumed, 8);
    assert_string_equal(line.text, "line 0 ;");
    emc__reader_init(&reader, NULL);
    assert_int_equal(feed(&reader, &value, "STORED\r\nVALUE k 0 1\r\nx\r\nEND\r\n", 29).result, EMC__READ_STOPPED);
    assert_string_equal(value.text, "line 0 ;value k 1 x;");
}

static void the_beginning_and_the_end_of_a_long_value_can_stop_too(void **state)
{
    (void)state;
    size_t value_at, length = long_stream(stream, LONG, &value_at);
    struct emc__reader reader;
    struct recorder begin = {.stop_after = 1}, end = {.stop_after = 2, .destination = destination};
    emc__reader_init(&reader, NULL);
    assert_int_equal(feed(&reader, &begin, stream, length - 10).result, EMC__READ_STOPPED);
    emc__reader_init(&reader, NULL);
    assert_int_equal(feed(&reader, &end, stream, length - 10).result, EMC__READ_MORE);
    assert_int_equal(feed(&reader, &end, stream + length - 10, 10).result, EMC__READ_STOPPED);
    assert_string_equal(end.text, "begin long 17384;end;");
}

/* The handler's connection, and the reader in it, may be gone when it says stop. */
static bool free_and_stop(void *context, const struct emc__reply_line *line)
{
    free(context);
    return line == NULL;
}

static void a_handler_that_stops_may_have_freed_the_reader(void **state)
{
    (void)state;
    const struct emc__reader_handler freeing = {free_and_stop, on_value, on_value_begin, on_value_end};
    struct emc__reader *reader = malloc(sizeof *reader);
    size_t consumed;
    assert_non_null(reader);
    emc__reader_init(reader, NULL);
    assert_int_equal(emc__reader_feed(reader, (const uint8_t *)"END\r\n", 5, &freeing, reader, &consumed),
                     EMC__READ_STOPPED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_split_at_every_byte_gives_the_same_deliveries),
        cmocka_unit_test(bytes_fed_one_by_one_give_the_same_deliveries),
        cmocka_unit_test(replies_inside_a_value_are_bytes),
        cmocka_unit_test(an_empty_value_is_delivered),
        cmocka_unit_test(what_is_incomplete_stays_with_the_caller),
        cmocka_unit_test(blank_control_and_bare_lines_break),
        cmocka_unit_test(lines_of_a_metadump_alone_may_end_with_a_bare_lf),
        cmocka_unit_test(a_value_that_does_not_end_with_cr_lf_breaks),
        cmocka_unit_test(a_broken_reader_stays_broken),
        cmocka_unit_test(a_line_may_have_the_limit_and_not_a_byte_more),
        cmocka_unit_test(a_line_without_end_breaks_at_the_default_limit),
        cmocka_unit_test(a_value_may_have_the_limit_and_not_a_byte_more),
        cmocka_unit_test(a_long_value_that_is_whole_needs_no_destination),
        cmocka_unit_test(a_long_value_goes_to_its_destination_wherever_it_is_split),
        cmocka_unit_test(a_value_of_the_in_place_maximum_waits_with_the_caller_and_one_byte_more_does_not),
        cmocka_unit_test(a_value_can_be_received_straight_into_its_destination),
        cmocka_unit_test(a_value_without_destination_is_dropped_and_the_stream_goes_on),
        cmocka_unit_test(a_discarded_destination_is_not_touched_again),
        cmocka_unit_test(a_long_value_with_a_wrong_end_breaks_without_end),
        cmocka_unit_test(nothing_is_delivered_after_a_handler_said_stop),
        cmocka_unit_test(the_beginning_and_the_end_of_a_long_value_can_stop_too),
        cmocka_unit_test(a_handler_that_stops_may_have_freed_the_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
