/* Random conversations in random pieces against the slow reference reader of tests/fuzz. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/random.h"
#include "../../fuzz/reference_reader.h"
#include "../../fuzz/split_feeder.h"

#define STREAM_MAX (256 * 1024)

static uint8_t bytes[STREAM_MAX];

static const char *const fragments[] = {
    "STORED\r\n",
    "NOT_STORED\r\n",
    "END\r\n",
    "OK\r\n",
    "12345678901234567890\r\n",
    "VERSION 1.6.18\r\n",
    "STAT a b c\r\n",
    "STAT a\r\n",
    "HD f1 O2\r\n",
    "HD \r\n",
    "EN\r\n",
    "MN\r\n",
    "NF O12 kfoo\r\n",
    "VA 0 \r\n\r\n",
    "VA 4 f0 t-1\r\nEND\r\r\n",
    "VALUE k 0 0\r\n\r\n",
    "VALUE k 1 2 3\r\n\r\n\r\n",
    "key=a exp=-1\r\n",
    "key=b exp=-1\n",
    "ERROR\r\n",
    "ERROR Too many open connections\r\n",
    "CLIENT_ERROR\r\n",
    "SERVER_ERROR object too large for cache\r\n",
    "CONFIG cluster 0 3\r\n1\n\n\r\n",
};

static const char *const hostile[] = {
    "\r\n",
    "\n",
    "STORED\n",
    "VALUE k 0 5\r\nabc\r\n",
    "VALUE k 0 -1\r\n",
    "99 \r\n",
    "VA x\r\n",
    "HD a  b\r\n",
    " END\r\n",
    "VALUE k 0 99999999999999999999\r\n",
    "VALUE  0 5\r\n",
    "CONFIG\r\n",
    "\x81",
    "VALUE k 0 70000\r\n",
    "18446744073709551616\r\n",
};

static size_t put_value(uint8_t *out, struct emc__random *random)
{
    static const size_t lengths[] = {1, 20, 300, 5000, EMC__READ_IN_PLACE_MAX, EMC__READ_IN_PLACE_MAX + 1, 40000};
    size_t length = lengths[emc__random_below(random, sizeof lengths / sizeof lengths[0])];
    size_t at = (size_t)sprintf((char *)out, "VALUE key%u %u %zu\r\n", (unsigned)emc__random_below(random, 1000),
                                (unsigned)emc__random_next(random), length);
    for (size_t i = 0; i < length; i++) {
        out[at++] = (uint8_t)emc__random_next(random);
    }
    memcpy(out + at, "\r\n", 2);
    return at + 2;
}

/* A conversation of up to 40 replies, one in eight of them with something hostile in it. */
static size_t compose(struct emc__random *random)
{
    size_t length = 0;
    size_t replies = 1 + emc__random_below(random, 40);
    bool evil = emc__random_below(random, 8) == 0;
    for (size_t i = 0; i < replies && length < STREAM_MAX - 50000; i++) {
        const char *fragment = fragments[emc__random_below(random, sizeof fragments / sizeof fragments[0])];
        if (emc__random_below(random, 10) == 0) {
            length += put_value(bytes + length, random);
            continue;
        }
        if (evil && emc__random_below(random, 10) == 0) {
            fragment = hostile[emc__random_below(random, sizeof hostile / sizeof hostile[0])];
        }
        memcpy(bytes + length, fragment, strlen(fragment));
        length += strlen(fragment);
    }
    return length - (emc__random_below(random, 4) == 0 ? emc__random_below(random, length) : 0);
}

struct pieces {
    struct emc__random random;
    size_t max;
};

static size_t next_piece(void *context)
{
    struct pieces *pieces = context;
    return 1 + emc__random_below(&pieces->random, pieces->max);
}

/* Returns the number of values that had a destination. */
static size_t compare(uint64_t seed)
{
    static const size_t piece_max[] = {100, 1000, 20000, STREAM_MAX};
    struct emc__random random = {seed};
    struct emc__reader_limits limits = {emc__random_below(&random, 4) == 0 ? 30 : 4096, 65536};
    struct emc__slice stream = {bytes, compose(&random)};
    struct pieces pieces = {{seed + 1}, piece_max[emc__random_below(&random, 4)]};
    struct delivery_log expected, got;
    size_t consumed;
    delivery_log_init(&expected);
    delivery_log_init(&got);
    enum emc__read_result result = reference_read(stream, &limits, &expected, &consumed);
    struct split_feeder_result fed = split_feed(stream, &limits, next_piece, &pieces, (seed & 1) != 0, &got);
    if (fed.result != result || !delivery_log_equal(&expected, &got)) {
        fail_msg("seed %llu: results %d and %d, deliveries %zu and %zu", (unsigned long long)seed, (int)result,
                 (int)fed.result, expected.count, got.count);
    }
    if (result == EMC__READ_MORE && fed.idle) {
        assert_int_equal(fed.consumed, consumed);
    }
    delivery_log_deinit(&expected);
    delivery_log_deinit(&got);
    return fed.values_long;
}

static void random_conversations_in_random_pieces_are_read_as_the_reference_reads_them(void **state)
{
    (void)state;
    size_t values_long = 0;
    for (uint64_t seed = 0; seed < 1500; seed++) {
        values_long += compare(seed);
    }
    assert_true(values_long > 100);
}

/* The comparison itself must be able to fail. */
static void the_logs_of_different_streams_differ(void **state)
{
    (void)state;
    static const char *const streams[] = {"STORED\r\n",
                                          "END\r\n",
                                          "12\r\n",
                                          "13\r\n",
                                          "VALUE k 0 1\r\nx\r\n",
                                          "VALUE k 0 1\r\ny\r\n",
                                          "VALUE l 0 1\r\nx\r\n",
                                          "VALUE k 1 1\r\nx\r\n",
                                          "VALUE k 0 1 0\r\nx\r\n",
                                          "VA 1\r\nx\r\n",
                                          "HD\r\n",
                                          "EN\r\n",
                                          "HD a\r\n"};
    struct delivery_log logs[sizeof streams / sizeof streams[0]];
    struct emc__reader_limits limits = {4096, 65536};
    size_t count = sizeof streams / sizeof streams[0], consumed;
    for (size_t i = 0; i < count; i++) {
        delivery_log_init(&logs[i]);
        assert_int_equal(reference_read(emc__slice_of_string(streams[i]), &limits, &logs[i], &consumed),
                         EMC__READ_MORE);
        assert_int_equal(logs[i].count, 1);
        for (size_t other = 0; other < i; other++) {
            assert_false(delivery_log_equal(&logs[i], &logs[other]));
        }
    }
    for (size_t i = 0; i < count; i++) {
        delivery_log_deinit(&logs[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_conversations_in_random_pieces_are_read_as_the_reference_reads_them),
        cmocka_unit_test(the_logs_of_different_streams_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
