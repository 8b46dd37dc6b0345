/* Every request line of the classic text protocol, byte for byte, and its bound. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <setjmp.h>
#include <cmocka.h>

#include "protocol/protocol.h"

static uint8_t out[2048];

/* The line is exactly this, and nothing beyond the bound was touched. */
static void wrote(size_t length, const char *expected, size_t bound)
{
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(out, expected, length);
    assert_in_range(length, 0, bound);
    for (size_t i = bound; i < sizeof out; i++) {
        assert_int_equal(out[i], 0xee);
    }
    memset(out, 0xee, sizeof out);
}

static int clear(void **state)
{
    (void)state;
    memset(out, 0xee, sizeof out);
    return 0;
}

static struct emc__slice slice(const char *text)
{
    return emc__slice_of_string(text);
}

static struct emc__slice longest_key(void)
{
    static char key[EMC__KEY_LENGTH_MAX];
    memset(key, 'k', sizeof key);
    return emc__slice_of(key, sizeof key);
}

static void storage(enum emc__verb verb, const char *expected, bool noreply)
{
    wrote(emc__write_storage_line(out, verb, slice("key"), 7, 60, 100, 99, noreply), expected,
          EMC__KEY_LENGTH_MAX + 128);
}

static void every_storage_command_has_its_line(void **state)
{
    (void)state;
    storage(EMC__VERB_SET, "set key 7 60 100\r\n", false);
    storage(EMC__VERB_ADD, "add key 7 60 100\r\n", false);
    storage(EMC__VERB_REPLACE, "replace key 7 60 100\r\n", false);
    storage(EMC__VERB_APPEND, "append key 7 60 100\r\n", false);
    storage(EMC__VERB_PREPEND, "prepend key 7 60 100\r\n", false);
    storage(EMC__VERB_CAS, "cas key 7 60 100 99\r\n", false);
    storage(EMC__VERB_SET, "set key 7 60 100 noreply\r\n", true);
    storage(EMC__VERB_CAS, "cas key 7 60 100 99 noreply\r\n", true);
}

static void numbers_at_their_limits_fit_a_storage_line(void **state)
{
    (void)state;
    char expected[512] = "prepend ";
    size_t bound = EMC__KEY_LENGTH_MAX + 128;
    memset(expected + 8, 'k', EMC__KEY_LENGTH_MAX);
    snprintf(expected + 8 + EMC__KEY_LENGTH_MAX, sizeof expected - 8 - EMC__KEY_LENGTH_MAX,
             " 18446744073709551615 -9223372036854775808 %zu noreply\r\n", SIZE_MAX);
    wrote(emc__write_storage_line(out, EMC__VERB_PREPEND, longest_key(), UINT64_MAX, INT64_MIN, SIZE_MAX, 0, true),
          expected, bound);
    memcpy(expected, "cas ", 4);
    memset(expected + 4, 'k', EMC__KEY_LENGTH_MAX);
    strcpy(expected + 4 + EMC__KEY_LENGTH_MAX, " 4294967295 -1 1073741824 18446744073709551615 noreply\r\n");
    wrote(emc__write_storage_line(out, EMC__VERB_CAS, longest_key(), UINT32_MAX, -1, 1 << 30, UINT64_MAX, true),
          expected, bound);
    wrote(emc__write_storage_line(out, EMC__VERB_SET, slice("k"), 0, 0, 0, 0, false), "set k 0 0 0\r\n", bound);
}

static void a_retrieval_line_begins_with_its_verb_and_expiry(void **state)
{
    (void)state;
    wrote(emc__write_retrieval_begin(out, EMC__VERB_GET, 5), "get", 32);
    wrote(emc__write_retrieval_begin(out, EMC__VERB_GETS, 5), "gets", 32);
    wrote(emc__write_retrieval_begin(out, EMC__VERB_GAT, 60), "gat 60", 32);
    wrote(emc__write_retrieval_begin(out, EMC__VERB_GATS, 0), "gats 0", 32);
    wrote(emc__write_retrieval_begin(out, EMC__VERB_GATS, -1), "gats -1", 32);
    wrote(emc__write_retrieval_begin(out, EMC__VERB_GATS, INT64_MIN), "gats -9223372036854775808", 32);
}

static void a_retrieval_key_takes_its_length_and_a_space_and_not_a_byte_more(void **state)
{
    (void)state;
    char expected[EMC__KEY_LENGTH_MAX + 2] = " ";
    wrote(emc__write_retrieval_key(out, slice("k")), " k", 2);
    wrote(emc__write_retrieval_key(out, slice("some:key")), " some:key", 9);
    memset(expected + 1, 'k', EMC__KEY_LENGTH_MAX);
    wrote(emc__write_retrieval_key(out, longest_key()), expected, EMC__KEY_LENGTH_MAX + 1);
}

static void every_command_of_one_key_has_its_line(void **state)
{
    (void)state;
    size_t bound = EMC__KEY_LENGTH_MAX + 64;
    wrote(emc__write_key_command(out, EMC__VERB_DELETE, slice("key"), 9, 9, false), "delete key\r\n", bound);
    wrote(emc__write_key_command(out, EMC__VERB_DELETE, slice("key"), 9, 9, true), "delete key noreply\r\n", bound);
    wrote(emc__write_key_command(out, EMC__VERB_INCR, slice("key"), 9, 1, false), "incr key 1\r\n", bound);
    wrote(emc__write_key_command(out, EMC__VERB_DECR, slice("key"), 9, 0, true), "decr key 0 noreply\r\n", bound);
    wrote(emc__write_key_command(out, EMC__VERB_INCR, slice("key"), 9, UINT64_MAX, true),
          "incr key 18446744073709551615 noreply\r\n", bound);
    wrote(emc__write_key_command(out, EMC__VERB_TOUCH, slice("key"), 60, 9, false), "touch key 60\r\n", bound);
    wrote(emc__write_key_command(out, EMC__VERB_TOUCH, slice("key"), -1, 9, true), "touch key -1 noreply\r\n", bound);
}

static void the_longest_key_fits_every_command_of_one_key(void **state)
{
    (void)state;
    size_t bound = EMC__KEY_LENGTH_MAX + 64;
    assert_in_range(emc__write_key_command(out, EMC__VERB_TOUCH, longest_key(), INT64_MIN, 0, true), 0, bound);
    assert_in_range(emc__write_key_command(out, EMC__VERB_DECR, longest_key(), 0, UINT64_MAX, true), 0, bound);
    assert_int_equal(out[bound], 0xee);
}

static struct emc__slice nothing(void)
{
    return (struct emc__slice){NULL, 0};
}

static void every_command_without_key_has_its_line(void **state)
{
    (void)state;
    wrote(emc__write_plain(out, EMC__VERB_VERSION, -1, nothing(), false), "version\r\n", 64);
    wrote(emc__write_plain(out, EMC__VERB_QUIT, -1, nothing(), false), "quit\r\n", 64);
    wrote(emc__write_plain(out, EMC__VERB_META_NOOP, -1, nothing(), false), "mn\r\n", 64);
    wrote(emc__write_plain(out, EMC__VERB_FLUSH_ALL, -1, nothing(), false), "flush_all\r\n", 64);
    wrote(emc__write_plain(out, EMC__VERB_FLUSH_ALL, -1, nothing(), true), "flush_all noreply\r\n", 64);
    wrote(emc__write_plain(out, EMC__VERB_FLUSH_ALL, 0, nothing(), false), "flush_all 0\r\n", 64);
    wrote(emc__write_plain(out, EMC__VERB_FLUSH_ALL, 30, nothing(), true), "flush_all 30 noreply\r\n", 64);
    wrote(emc__write_plain(out, EMC__VERB_VERBOSITY, 2, nothing(), false), "verbosity 2\r\n", 64);
    wrote(emc__write_plain(out, EMC__VERB_VERBOSITY, 0, nothing(), true), "verbosity 0 noreply\r\n", 64);
    wrote(emc__write_plain(out, EMC__VERB_CACHE_MEMLIMIT, 1024, nothing(), false), "cache_memlimit 1024\r\n", 64);
    wrote(emc__write_plain(out, EMC__VERB_CACHE_MEMLIMIT, INT64_MAX, nothing(), true),
          "cache_memlimit 9223372036854775807 noreply\r\n", 64);
    wrote(emc__write_plain(out, EMC__VERB_STATS, -1, nothing(), false), "stats\r\n", 64);
    wrote(emc__write_plain(out, EMC__VERB_STATS, -1, slice("settings"), false), "stats settings\r\n", 64 + 8);
    wrote(emc__write_plain(out, EMC__VERB_RAW_LINE, -1, slice("lru_crawler metadump all"), false),
          "lru_crawler metadump all\r\n", 64 + 24);
}

static void commands_that_must_answer_never_say_noreply(void **state)
{
    (void)state;
    wrote(emc__write_plain(out, EMC__VERB_VERSION, -1, nothing(), true), "version\r\n", 64);
    wrote(emc__write_plain(out, EMC__VERB_STATS, 5, slice("items"), true), "stats items\r\n", 64 + 5);
    wrote(emc__write_plain(out, EMC__VERB_META_NOOP, 5, nothing(), true), "mn\r\n", 64);
    wrote(emc__write_plain(out, EMC__VERB_RAW_LINE, 5, slice("config get cluster"), true), "config get cluster\r\n",
          64 + 18);
}

static void the_authentication_line_has_fields_that_no_server_stores(void **state)
{
    (void)state;
    wrote(emc__write_ascii_authentication(out, slice("user"), slice("secret")), "set _ _ _ 11\r\nuser secret\r\n",
          64 + 10);
    wrote(emc__write_ascii_authentication(out, slice("u"), nothing()), "set _ _ _ 2\r\nu \r\n", 64 + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_storage_command_has_its_line, clear),
        cmocka_unit_test_setup(numbers_at_their_limits_fit_a_storage_line, clear),
        cmocka_unit_test_setup(a_retrieval_line_begins_with_its_verb_and_expiry, clear),
        cmocka_unit_test_setup(a_retrieval_key_takes_its_length_and_a_space_and_not_a_byte_more, clear),
        cmocka_unit_test_setup(every_command_of_one_key_has_its_line, clear),
        cmocka_unit_test_setup(the_longest_key_fits_every_command_of_one_key, clear),
        cmocka_unit_test_setup(every_command_without_key_has_its_line, clear),
        cmocka_unit_test_setup(commands_that_must_answer_never_say_noreply, clear),
        cmocka_unit_test_setup(the_authentication_line_has_fields_that_no_server_stores, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
