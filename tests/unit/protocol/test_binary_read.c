/* The binary reader over a stream: replies as a real server (1.6.18) sent them, splits at every byte, long values,
 * hostile lengths. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "protocol/binary.h"

/* Writes what is delivered as text. */
struct recorder {
    char text[4096];
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

static bool on_reply(void *context, const struct emc__binary_reply *reply, const uint8_t *value)
{
    int shown = reply->number > 0 ? 0 : reply->value_length > 20 ? 20 : (int)reply->value_length;
    record(context, "%02x/%02x #%u c%llu", (unsigned)reply->opcode, (unsigned)reply->status, (unsigned)reply->opaque,
           (unsigned long long)reply->cas);
    ((struct recorder *)context)->count--;
    if (reply->has_flags) {
        record(context, " f%u", (unsigned)reply->flags);
        ((struct recorder *)context)->count--;
    }
    return record(context, " n%llu %.*s=%.*s;", (unsigned long long)reply->number, (int)reply->key.length,
                  (const char *)reply->key.data, shown, (const char *)value);
}

static bool on_value_begin(void *context, const struct emc__binary_reply *reply, uint8_t **destination_out)
{
    struct recorder *recorder = context;
    *destination_out = recorder->destination;
    return record(recorder, "begin #%u f%u %.*s %zu;", (unsigned)reply->opaque, (unsigned)reply->flags,
                  (int)reply->key.length, (const char *)reply->key.data, reply->value_length);
}

static bool on_value_end(void *context)
{
    return record(context, "end;");
}

static const struct emc__binary_handler handler = {on_reply, on_value_begin, on_value_end};

struct outcome {
    enum emc__read_result result;
    size_t consumed;
};

static struct outcome feed(struct emc__binary_reader *reader, struct recorder *recorder, const void *data,
                           size_t length)
{
    struct outcome outcome = {EMC__READ_MORE, 12345};
    uint8_t *copy = malloc(length > 0 ? length : 1);
    assert_non_null(copy);
    if (length > 0) {
        memcpy(copy, data, length);
    }
    outcome.result = emc__binary_reader_feed(reader, copy, length, &handler, recorder, &outcome.consumed);
    free(copy);
    return outcome;
}

/* hit, miss with and without key, number, touch, version, two stats and their end, error with words, noop */
static const char conversation[] =
    "\x81\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x09\x00\x00\x00\x07\x00\x00\x00\x00\x00\x00\x00\x05"
    "\xee\x6b\x28\x00hello"
    "\x81\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x09\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00"
    "Not found"
    "\x81\x0c\x00\x03\x00\x00\x00\x01\x00\x00\x00\x03\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00"
    "key"
    "\x81\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x08\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x06"
    "\xff\xff\xff\xff\xff\xff\xff\xff"
    "\x81\x1c\x00\x00\x04\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00\x06"
    "\x00\x00\x00\x01"
    "\x81\x0b\x00\x00\x00\x00\x00\x00\x00\x00\x00\x06\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00"
    "1.6.18"
    "\x81\x10\x00\x03\x00\x00\x00\x00\x00\x00\x00\x07\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x00"
    "pid4711"
    "\x81\x10\x00\x05\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x00"
    "empty"
    "\x81\x10\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x00"
    "\x81\x06\x00\x00\x00\x00\x00\x06\x00\x00\x00\x03\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00\x00"
    "Non"
    "\x81\x0a\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00";
static const char delivered[] =
    "00/00 #7 c5 f4000000000 n0 =hello;00/01 #4294967295 c0 n0 =Not found;0c/01 #1 c0 n0 key=;"
    "05/00 #2 c6 n18446744073709551615 =;1c/00 #3 c6 f1 n0 =;0b/00 #4 c0 n0 =1.6.18;10/00 #5 c0 n0 pid=4711;"
    "10/00 #5 c0 n0 empty=;10/00 #5 c0 n0 =;06/06 #6 c0 n0 =Non;0a/00 #8 c0 n0 =;";

static void every_kind_of_reply_is_delivered_and_so_is_every_split(void **state)
{
    (void)state;
    size_t length = sizeof conversation - 1;
    for (size_t split = 0; split <= length; split++) {
        struct emc__binary_reader reader;
        struct recorder recorder = {.length = 0};
        emc__binary_reader_init(&reader, 0);
        struct outcome first = feed(&reader, &recorder, conversation, split);
        assert_int_equal(first.result, EMC__READ_MORE);
        assert_in_range(first.consumed, 0, split);
        struct outcome second = feed(&reader, &recorder, conversation + first.consumed, length - first.consumed);
        assert_int_equal(second.result, EMC__READ_MORE);
        assert_int_equal(first.consumed + second.consumed, length);
        assert_string_equal(recorder.text, delivered);
        assert_int_equal(reader.phase, EMC__BINARY_READER_HEADER);
    }
}

/* ------------------------------------------------------------------ hostile headers */

struct header {
    uint8_t magic, opcode, extras_length, data_type;
    uint16_t key_length, status;
    uint32_t body_length;
};

static void put_header(uint8_t *out, const struct header *header)
{
    const uint8_t bytes[EMC__BINARY_HEADER_SIZE] = {
        header->magic,
        header->opcode,
        (uint8_t)(header->key_length >> 8),
        (uint8_t)header->key_length,
        header->extras_length,
        header->data_type,
        (uint8_t)(header->status >> 8),
        (uint8_t)header->status,
        (uint8_t)(header->body_length >> 24),
        (uint8_t)(header->body_length >> 16),
        (uint8_t)(header->body_length >> 8),
        (uint8_t)header->body_length,
    };
    memcpy(out, bytes, sizeof bytes);
}

static enum emc__read_result fed_header(const struct header *header, size_t value_length_max)
{
    uint8_t bytes[EMC__BINARY_HEADER_SIZE];
    struct emc__binary_reader reader;
    struct recorder recorder = {.length = 0};
    put_header(bytes, header);
    emc__binary_reader_init(&reader, value_length_max);
    enum emc__read_result result = feed(&reader, &recorder, bytes, sizeof bytes).result;
    assert_int_equal(reader.error != NULL, result == EMC__READ_BROKEN);
    return result;
}

#define BREAKS(...) assert_int_equal(fed_header(&(struct header)__VA_ARGS__, 0), EMC__READ_BROKEN)
#define WAITS(...)  assert_int_equal(fed_header(&(struct header)__VA_ARGS__, 0), EMC__READ_MORE)

static void headers_that_contradict_themselves_break(void **state)
{
    (void)state;
    WAITS({0x81, 0x00, 4, 0, 0, 0, 100});
    BREAKS({0x80, 0x00, 4, 0, 0, 0, 100});
    BREAKS({0x81, 0x00, 4, 1, 0, 0, 100});
    BREAKS({0x81, 0x00, 4, 0, 0, 0, 3});
    BREAKS({0x81, 0x0c, 4, 0, 10, 0, 13});
    WAITS({0x81, 0x0c, 4, 0, 10, 0, 14});
    BREAKS({0x81, 0x01, 255, 0, 65535, 0, 1});
}

static void keys_and_extras_have_their_limits(void **state)
{
    (void)state;
    WAITS({0x81, 0x0c, 4, 0, 250, 0, 300});
    BREAKS({0x81, 0x0c, 4, 0, 251, 0, 300});
    BREAKS({0x81, 0x00, 0, 0, 0, 0, 100});
    BREAKS({0x81, 0x00, 3, 0, 0, 0, 100});
    BREAKS({0x81, 0x00, 5, 0, 0, 0, 100});
    BREAKS({0x81, 0x00, 4, 0, 0, 1, 100});
    BREAKS({0x81, 0x01, 4, 0, 0, 0, 100});
    WAITS({0x81, 0x1c, 4, 0, 0, 0, 4});
    BREAKS({0x81, 0x1c, 8, 0, 0, 0, 8});
}

static void values_have_their_limits(void **state)
{
    (void)state;
    WAITS({0x81, 0x00, 4, 0, 0, 0, 4 + (1u << 30)});
    BREAKS({0x81, 0x00, 4, 0, 0, 0, 5 + (1u << 30)});
    BREAKS({0x81, 0x00, 4, 0, 0, 0, UINT32_MAX});
    assert_int_equal(fed_header(&(struct header){0x81, 0x00, 4, 0, 0, 0, 104}, 100), EMC__READ_MORE);
    assert_int_equal(fed_header(&(struct header){0x81, 0x00, 4, 0, 0, 0, 105}, 100), EMC__READ_BROKEN);
}

static void only_retrieved_values_may_be_long(void **state)
{
    (void)state;
    WAITS({0x81, 0x01, 0, 0, 0, 1, 16384});
    BREAKS({0x81, 0x01, 0, 0, 0, 1, 16385});
    BREAKS({0x81, 0x00, 0, 0, 0, 1, 16385});
    BREAKS({0x81, 0x10, 0, 0, 4, 0, 20000});
    BREAKS({0x81, 0x0b, 0, 0, 0, 0, 1u << 20});
}

static void a_number_has_eight_bytes(void **state)
{
    (void)state;
    WAITS({0x81, 0x05, 0, 0, 0, 0, 8});
    BREAKS({0x81, 0x05, 0, 0, 0, 0, 7});
    BREAKS({0x81, 0x06, 0, 0, 0, 0, 0});
    BREAKS({0x81, 0x06, 0, 0, 0, 0, 9});
    WAITS({0x81, 0x06, 0, 0, 0, 1, 9});
}

static void text_in_place_of_a_reply_breaks_at_its_first_byte(void **state)
{
    (void)state;
    struct emc__binary_reader reader;
    struct recorder recorder = {.length = 0};
    emc__binary_reader_init(&reader, 0);
    assert_int_equal(feed(&reader, &recorder, "E", 1).result, EMC__READ_BROKEN);
    assert_int_equal(feed(&reader, &recorder, conversation, sizeof conversation - 1).result, EMC__READ_BROKEN);
    assert_int_equal(recorder.count, 0);
}

/* ------------------------------------------------------------------ long values */

#define LONG (EMC__READ_IN_PLACE_MAX + 1000)
#define HEAD (EMC__BINARY_HEADER_SIZE + 4 + 3)

static uint8_t stream[HEAD + LONG + EMC__BINARY_HEADER_SIZE];
static uint8_t destination[LONG];

/* A hit of getk with the key `key` and a value of `length`, then a noop's reply. */
static size_t long_stream(size_t length)
{
    memset(stream, 0, sizeof stream);
    put_header(stream, &(struct header){0x81, 0x0c, 4, 0, 3, 0, (uint32_t)(7 + length)});
    memcpy(stream + EMC__BINARY_HEADER_SIZE, "\0\0\0\x09key", 7);
    for (size_t i = 0; i < length; i++) {
        stream[HEAD + i] = (uint8_t)('a' + i % 26);
    }
    put_header(stream + HEAD + length, &(struct header){.magic = 0x81, .opcode = 0x0a});
    return HEAD + length + EMC__BINARY_HEADER_SIZE;
}

static void a_long_value_that_is_whole_needs_no_destination(void **state)
{
    (void)state;
    size_t length = long_stream(LONG);
    struct emc__binary_reader reader;
    struct recorder recorder = {.length = 0};
    emc__binary_reader_init(&reader, 0);
    assert_int_equal(feed(&reader, &recorder, stream, length).consumed, length);
    assert_string_equal(recorder.text, "0c/00 #0 c0 f9 n0 key=abcdefghijklmnopqrst;0a/00 #0 c0 n0 =;");
}

static void a_long_value_goes_to_its_destination_wherever_it_is_split(void **state)
{
    (void)state;
    size_t length = long_stream(LONG);
    for (size_t split = HEAD; split < HEAD + LONG; split += split < HEAD + 3 || split > HEAD + LONG - 4 ? 1 : 997) {
        struct emc__binary_reader reader;
        struct recorder recorder = {.destination = destination};
        memset(destination, 0, sizeof destination);
        emc__binary_reader_init(&reader, 0);
        assert_int_equal(feed(&reader, &recorder, stream, split).consumed, split);
        assert_string_equal(recorder.text, "begin #0 f9 key 17384;");
        assert_int_not_equal(reader.phase, EMC__BINARY_READER_HEADER);
        assert_int_equal(feed(&reader, &recorder, stream + split, length - split).consumed, length - split);
        assert_string_equal(recorder.text, "begin #0 f9 key 17384;end;0a/00 #0 c0 n0 =;");
        assert_memory_equal(destination, stream + HEAD, LONG);
    }
}

static void a_head_without_its_key_waits(void **state)
{
    (void)state;
    long_stream(LONG);
    for (size_t split = 0; split < HEAD; split++) {
        struct emc__binary_reader reader;
        struct recorder recorder = {.destination = destination};
        emc__binary_reader_init(&reader, 0);
        struct outcome outcome = feed(&reader, &recorder, stream, split);
        assert_int_equal(outcome.result, EMC__READ_MORE);
        assert_int_equal(outcome.consumed, 0);
        assert_int_equal(recorder.count, 0);
    }
}

static void a_value_of_the_in_place_maximum_waits_with_the_caller(void **state)
{
    (void)state;
    size_t length = long_stream(EMC__READ_IN_PLACE_MAX);
    struct emc__binary_reader reader;
    struct recorder recorder = {.destination = destination};
    emc__binary_reader_init(&reader, 0);
    assert_int_equal(feed(&reader, &recorder, stream, length - EMC__BINARY_HEADER_SIZE - 1).consumed, 0);
    assert_int_equal(recorder.count, 0);
    assert_int_equal(feed(&reader, &recorder, stream, length).consumed, length);
    assert_int_equal(recorder.count, 2);
}

static void a_value_can_be_received_straight_and_its_end_is_told_at_the_next_feed(void **state)
{
    (void)state;
    long_stream(LONG);
    size_t at = HEAD + 10;
    struct emc__binary_reader reader;
    struct recorder recorder = {.destination = destination};
    memset(destination, 0, sizeof destination);
    emc__binary_reader_init(&reader, 0);
    feed(&reader, &recorder, stream, at);
    while (emc__binary_reader_wanted(&reader).data != NULL) {
        struct emc__span wanted = emc__binary_reader_wanted(&reader);
        size_t piece = wanted.length < 5000 ? wanted.length : 5000;
        assert_int_equal(wanted.length, HEAD + LONG - at);
        memcpy(wanted.data, stream + at, piece);
        emc__binary_reader_received(&reader, piece);
        at += piece;
    }
    assert_int_equal(at, HEAD + LONG);
    assert_int_not_equal(reader.phase, EMC__BINARY_READER_HEADER);
    assert_int_equal(feed(&reader, &recorder, NULL, 0).result, EMC__READ_MORE);
    assert_string_equal(recorder.text, "begin #0 f9 key 17384;end;");
    assert_int_equal(reader.phase, EMC__BINARY_READER_HEADER);
    assert_memory_equal(destination, stream + HEAD, LONG);
}

static void dropped_and_discarded_values_go_by(void **state)
{
    (void)state;
    size_t length = long_stream(LONG), at = HEAD + 100;
    struct emc__binary_reader reader;
    struct recorder dropped = {.destination = NULL}, discarded = {.destination = malloc(LONG)};
    assert_non_null(discarded.destination);
    emc__binary_reader_init(&reader, 0);
    feed(&reader, &dropped, stream, at);
    assert_null(emc__binary_reader_wanted(&reader).data);
    assert_int_equal(emc__binary_reader_wanted(&reader).length, 0);
    assert_int_equal(feed(&reader, &dropped, stream + at, length - at).consumed, length - at);
    assert_string_equal(dropped.text, "begin #0 f9 key 17384;end;0a/00 #0 c0 n0 =;");
    feed(&reader, &discarded, stream, at);
    emc__binary_reader_discard(&reader);
    free(discarded.destination);
    assert_int_equal(feed(&reader, &discarded, stream + at, length - at).consumed, length - at);
    assert_string_equal(discarded.text, dropped.text);
}

static void nothing_is_delivered_after_a_handler_said_stop(void **state)
{
    (void)state;
    size_t length = long_stream(LONG);
    struct emc__binary_reader reader;
    struct recorder reply = {.stop_after = 2}, begin = {.stop_after = 1},
                    end = {.stop_after = 2, .destination = destination};
    emc__binary_reader_init(&reader, 0);
    struct outcome outcome = feed(&reader, &reply, conversation, sizeof conversation - 1);
    assert_int_equal(outcome.result, EMC__READ_STOPPED);
    assert_int_equal(outcome.consumed, 33 + 33);
    assert_int_equal(reply.count, 2);
    emc__binary_reader_init(&reader, 0);
    assert_int_equal(feed(&reader, &begin, stream, HEAD + 1).result, EMC__READ_STOPPED);
    emc__binary_reader_init(&reader, 0);
    feed(&reader, &end, stream, HEAD + 1);
    assert_int_equal(feed(&reader, &end, stream + HEAD + 1, length - HEAD - 1).result, EMC__READ_STOPPED);
    assert_string_equal(end.text, "begin #0 f9 key 17384;end;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_reply_is_delivered_and_so_is_every_split),
        cmocka_unit_test(headers_that_contradict_themselves_break),
        cmocka_unit_test(keys_and_extras_have_their_limits),
        cmocka_unit_test(values_have_their_limits),
        cmocka_unit_test(only_retrieved_values_may_be_long),
        cmocka_unit_test(a_number_has_eight_bytes),
        cmocka_unit_test(text_in_place_of_a_reply_breaks_at_its_first_byte),
        cmocka_unit_test(a_long_value_that_is_whole_needs_no_destination),
        cmocka_unit_test(a_long_value_goes_to_its_destination_wherever_it_is_split),
        cmocka_unit_test(a_head_without_its_key_waits),
        cmocka_unit_test(a_value_of_the_in_place_maximum_waits_with_the_caller),
        cmocka_unit_test(a_value_can_be_received_straight_and_its_end_is_told_at_the_next_feed),
        cmocka_unit_test(dropped_and_discarded_values_go_by),
        cmocka_unit_test(nothing_is_delivered_after_a_handler_said_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
