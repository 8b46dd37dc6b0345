/* Every request of the binary dialect, byte for byte. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "protocol/binary.h"

static uint8_t out[1024];

static int clear(void **state)
{
    (void)state;
    memset(out, 0xee, sizeof out);
    return 0;
}

/* Header fields that differ, then the body; everything else in a header is zero. */
struct expected {
    uint8_t opcode;
    uint8_t key_length, extras_length;
    uint32_t opaque;
    uint8_t cas_byte; /* in all eight bytes */
    const char *body;
    size_t body_length;  /* of `body`: what the writer wrote */
    size_t value_length; /* told in the header, sent by the caller */
};

static void wrote(size_t length, size_t bound, const struct expected *expected)
{
    uint32_t body = (uint32_t)(expected->body_length + expected->value_length);
    uint8_t header[EMC__BINARY_HEADER_SIZE] = {
        0x80, expected->opcode, 0, expected->key_length, expected->extras_length, 0, 0, 0};
    for (int i = 0; i < 4; i++) {
        header[8 + i] = (uint8_t)(body >> (24 - 8 * i));
        header[12 + i] = (uint8_t)(expected->opaque >> (24 - 8 * i));
    }
    memset(header + 16, expected->cas_byte, 8);
    assert_int_equal(length, sizeof header + expected->body_length);
    assert_memory_equal(out, header, sizeof header);
    assert_memory_equal(out + sizeof header, expected->body, expected->body_length);
    assert_in_range(length, 0, bound);
    for (size_t i = bound; i < sizeof out; i++) {
        assert_int_equal(out[i], 0xee);
    }
    memset(out, 0xee, sizeof out);
}

#define WROTE(length, bound, opcode, key_length, extras_length, opaque, body) \
    wrote(length, bound, &(struct expected){opcode, key_length, extras_length, opaque, 0, body, sizeof body - 1, 0})

static struct emc__slice slice(const char *text)
{
    return emc__slice_of_string(text);
}

static const struct emc__slice nothing = {NULL, 0};

static void gets_ask_for_one_key(void **state)
{
    (void)state;
    size_t bound = EMC__BINARY_REQUEST_MAX;
    WROTE(emc__binary_write_retrieval(out, EMC__VERB_GET, slice("key"), 9, false, 0x01020304), bound, 0x00, 3, 0,
          0x01020304, "key");
    WROTE(emc__binary_write_retrieval(out, EMC__VERB_GETS, slice("key"), 9, true, UINT32_MAX), bound, 0x0c, 3, 0,
          UINT32_MAX, "key");
    WROTE(emc__binary_write_retrieval(out, EMC__VERB_GAT, slice("k"), 0x102, false, 0), bound, 0x1d, 1, 4, 0,
          "\0\0\x01\x02k");
    WROTE(emc__binary_write_retrieval(out, EMC__VERB_GATS, slice("k"), INT32_MAX, true, 0), bound, 0x23, 1, 4, 0,
          "\x7f\xff\xff\xffk");
}

static void a_retrieval_is_made_quiet_after_it_was_written(void **state)
{
    (void)state;
    size_t bound = EMC__BINARY_REQUEST_MAX;
    size_t length = emc__binary_write_retrieval(out, EMC__VERB_GET, slice("key"), 0, true, 1);
    emc__binary_make_quiet(out);
    WROTE(length, bound, 0x0d, 3, 0, 1, "key");
    length = emc__binary_write_retrieval(out, EMC__VERB_GATS, slice("k"), 1, true, 1);
    emc__binary_make_quiet(out);
    WROTE(length, bound, 0x24, 1, 4, 1, "\0\0\0\x01k");
}

/* The opcode of each request as it was written, held against what may answer it. */
static void a_request_is_answered_by_its_own_opcode_alone(void **state)
{
    (void)state;
    for (int verb = EMC__VERB_SET; verb <= EMC__VERB_QUIT; verb++) {
        unsigned answers = 0;
        if (verb <= EMC__VERB_CAS) {
            emc__binary_write_storage(out, (enum emc__verb)verb, slice("k"), 0, 0, 0, 1, 0);
        } else if (verb <= EMC__VERB_GATS) {
            emc__binary_write_retrieval(out, (enum emc__verb)verb, slice("k"), 0, true, 0);
        } else if (verb <= EMC__VERB_TOUCH) {
            emc__binary_write_key_command(out, (enum emc__verb)verb, slice("k"), 0, 1, 0);
        } else {
            emc__binary_write_plain(out, (enum emc__verb)verb, -1, nothing, 0);
        }
        for (unsigned opcode = 0; opcode <= UINT8_MAX; opcode++) {
            answers += emc__binary_answers((enum emc__verb)verb, (uint8_t)opcode);
        }
        assert_true(emc__binary_answers((enum emc__verb)verb, out[1]));
        assert_int_equal(answers, verb >= EMC__VERB_GET && verb <= EMC__VERB_GATS ? 2 : 1);
    }
}

static void a_negative_expiry_is_a_moment_long_past(void **state)
{
    (void)state;
    size_t bound = EMC__BINARY_REQUEST_MAX;
    WROTE(emc__binary_write_retrieval(out, EMC__VERB_GAT, slice("k"), -1, false, 0), bound, 0x1d, 1, 4, 0,
          "\x00\x27\x8d\x01k");
    WROTE(emc__binary_write_key_command(out, EMC__VERB_TOUCH, slice("k"), INT64_MIN, 0, 5), bound, 0x1c, 1, 4, 5,
          "\x00\x27\x8d\x01k");
    wrote(emc__binary_write_storage(out, EMC__VERB_SET, slice("k"), 1, -1, 5, 0, 6), bound,
          &(struct expected){0x01, 1, 8, 6, 0, "\0\0\0\x01\x00\x27\x8d\x01k", 9, 5});
}

static void stored(enum emc__verb verb, uint8_t opcode, uint64_t cas, uint8_t cas_byte)
{
    wrote(emc__binary_write_storage(out, verb, slice("key"), 0xdeadbeef, 60, 1000, cas, 7), EMC__BINARY_REQUEST_MAX,
          &(struct expected){opcode, 3, 8, 7, cas_byte, "\xde\xad\xbe\xef\0\0\0\x3ckey", 11, 1000});
}

static void every_storage_command_tells_the_value_it_does_not_write(void **state)
{
    (void)state;
    stored(EMC__VERB_SET, 0x01, 99, 0);
    stored(EMC__VERB_ADD, 0x02, 99, 0);
    stored(EMC__VERB_REPLACE, 0x03, 99, 0);
    stored(EMC__VERB_CAS, 0x01, UINT64_C(0x2323232323232323), 0x23);
    wrote(emc__binary_write_storage(out, EMC__VERB_APPEND, slice("key"), 7, 60, 1000, 99, 7), EMC__BINARY_REQUEST_MAX,
          &(struct expected){0x0e, 3, 0, 7, 0, "key", 3, 1000});
    wrote(emc__binary_write_storage(out, EMC__VERB_PREPEND, slice("key"), 7, 60, 0, 99, 7), EMC__BINARY_REQUEST_MAX,
          &(struct expected){0x0f, 3, 0, 7, 0, "key", 3, 0});
}

static void a_cas_of_zero_stays_a_condition(void **state)
{
    (void)state;
    stored(EMC__VERB_CAS, 0x01, 0, 0xff);
}

static void the_longest_value_fits_the_header(void **state)
{
    (void)state;
    char key[EMC__KEY_LENGTH_MAX];
    memset(key, 'k', sizeof key);
    size_t length = emc__binary_write_storage(out, EMC__VERB_SET, emc__slice_of(key, sizeof key), UINT32_MAX,
                                              EMC__EXPTIME_MAX, UINT32_MAX - 300, 0, 0);
    assert_int_equal(length, EMC__BINARY_HEADER_SIZE + 8 + 250);
    assert_memory_equal(out + 8, "\xff\xff\xff\xd5", 4);
    assert_memory_equal(out + 2, "\x00\xfa", 2);
}

static void every_command_of_one_key_has_its_request(void **state)
{
    (void)state;
    size_t bound = EMC__BINARY_REQUEST_MAX;
    WROTE(emc__binary_write_key_command(out, EMC__VERB_DELETE, slice("key"), 9, 9, 1), bound, 0x04, 3, 0, 1, "key");
    WROTE(emc__binary_write_key_command(out, EMC__VERB_TOUCH, slice("key"), 60, 9, 1), bound, 0x1c, 3, 4, 1,
          "\0\0\0\x3ckey");
    WROTE(emc__binary_write_key_command(out, EMC__VERB_INCR, slice("key"), 9, 0x0102030405060708, 1), bound, 0x05, 3,
          20, 1, "\x01\x02\x03\x04\x05\x06\x07\x08\0\0\0\0\0\0\0\0\xff\xff\xff\xffkey");
    WROTE(emc__binary_write_key_command(out, EMC__VERB_DECR, slice("key"), 9, UINT64_MAX, 1), bound, 0x06, 3, 20, 1,
          "\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\0\xff\xff\xff\xffkey");
}

static void the_longest_key_keeps_the_bound(void **state)
{
    (void)state;
    char key[EMC__KEY_LENGTH_MAX];
    memset(key, 'k', sizeof key);
    size_t length = emc__binary_write_key_command(out, EMC__VERB_INCR, emc__slice_of(key, sizeof key), 0, 1, 0);
    assert_int_equal(length, EMC__BINARY_REQUEST_MAX);
    assert_int_equal(out[length], 0xee);
}

static void every_command_without_key_has_its_request(void **state)
{
    (void)state;
    WROTE(emc__binary_write_plain(out, EMC__VERB_VERSION, -1, nothing, 2), 64, 0x0b, 0, 0, 2, "");
    WROTE(emc__binary_write_plain(out, EMC__VERB_QUIT, -1, nothing, 2), 64, 0x07, 0, 0, 2, "");
    WROTE(emc__binary_write_plain(out, EMC__VERB_META_NOOP, -1, nothing, 2), 64, 0x0a, 0, 0, 2, "");
    WROTE(emc__binary_write_plain(out, EMC__VERB_STATS, -1, nothing, 2), 64, 0x10, 0, 0, 2, "");
    WROTE(emc__binary_write_plain(out, EMC__VERB_STATS, -1, slice("settings"), 2), 64 + 8, 0x10, 8, 0, 2, "settings");
    WROTE(emc__binary_write_plain(out, EMC__VERB_FLUSH_ALL, -1, nothing, 2), 64, 0x08, 0, 0, 2, "");
    WROTE(emc__binary_write_plain(out, EMC__VERB_FLUSH_ALL, 0, nothing, 2), 64, 0x08, 0, 4, 2, "\0\0\0\0");
    WROTE(emc__binary_write_plain(out, EMC__VERB_FLUSH_ALL, 30, nothing, 2), 64, 0x08, 0, 4, 2, "\0\0\0\x1e");
}

static void verbs_of_the_text_protocol_alone_are_known_as_such(void **state)
{
    (void)state;
    for (int verb = EMC__VERB_SET; verb <= EMC__VERB_META_NOOP; verb++) {
        bool absent = verb == EMC__VERB_VERBOSITY || verb == EMC__VERB_CACHE_MEMLIMIT || verb == EMC__VERB_RAW_LINE;
        assert_int_equal(emc__binary_has_verb((enum emc__verb)verb), !absent);
    }
}

static void plain_authentication_is_one_request(void **state)
{
    (void)state;
    WROTE(emc__binary_write_sasl_plain(out, slice("user"), slice("secret"), 3), EMC__BINARY_HEADER_SIZE + 16 + 10, 0x21,
          5, 0, 3, "PLAIN\0user\0secret");
    WROTE(emc__binary_write_sasl_plain(out, nothing, nothing, 3), EMC__BINARY_HEADER_SIZE + 16, 0x21, 5, 0, 3,
          "PLAIN\0\0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(gets_ask_for_one_key, clear),
        cmocka_unit_test_setup(a_retrieval_is_made_quiet_after_it_was_written, clear),
        cmocka_unit_test_setup(a_request_is_answered_by_its_own_opcode_alone, clear),
        cmocka_unit_test_setup(a_negative_expiry_is_a_moment_long_past, clear),
        cmocka_unit_test_setup(every_storage_command_tells_the_value_it_does_not_write, clear),
        cmocka_unit_test_setup(a_cas_of_zero_stays_a_condition, clear),
        cmocka_unit_test_setup(the_longest_value_fits_the_header, clear),
        cmocka_unit_test_setup(every_command_of_one_key_has_its_request, clear),
        cmocka_unit_test_setup(the_longest_key_keeps_the_bound, clear),
        cmocka_unit_test_setup(every_command_without_key_has_its_request, clear),
        cmocka_unit_test_setup(verbs_of_the_text_protocol_alone_are_known_as_such, clear),
        cmocka_unit_test_setup(plain_authentication_is_one_request, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
