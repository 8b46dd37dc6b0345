/* Random binary conversations in random pieces against the slow reference reader of tests/fuzz. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/random.h"
#include "../../fuzz/binary_split_feeder.h"
#include "../../fuzz/reference_binary_reader.h"

#define STREAM_MAX (256 * 1024)

static uint8_t bytes[STREAM_MAX];

static const uint8_t opcodes[] = {0x00, 0x01, 0x02, 0x04, 0x05, 0x06, 0x0a, 0x0b, 0x0c, 0x0d,
                                  0x0e, 0x10, 0x1c, 0x1d, 0x20, 0x21, 0x23, 0x24, 0x77};

static bool chance(struct emc__random *random, uint64_t one_in)
{
    return emc__random_below(random, one_in) == 0;
}

/* A plausible reply. Where `evil`, one byte of its header is changed now and then. */
static size_t put_reply(uint8_t *out, struct emc__random *random, bool evil)
{
    static const size_t lengths[] = {0, 1, 8, 20, 300, 5000, EMC__READ_IN_PLACE_MAX, EMC__READ_IN_PLACE_MAX + 1, 40000};
    uint8_t opcode = opcodes[emc__random_below(random, sizeof opcodes)];
    uint8_t status = (uint8_t)(chance(random, 4) ? emc__random_below(random, 7) : 0);
    bool hit = status == 0 && (opcode == 0x00 || opcode == 0x0c || opcode == 0x0d || opcode == 0x1d || opcode == 0x23 ||
                               opcode == 0x24);
    bool number = status == 0 && (opcode == 0x05 || opcode == 0x06);
    size_t key = chance(random, 2) ? emc__random_below(random, 251) : 0;
    size_t value = number ? 8 : lengths[emc__random_below(random, hit ? sizeof lengths / sizeof lengths[0] : 7)];
    size_t extras = hit ? 4 : 0, body = key + value + extras;
    for (size_t i = 0; i < EMC__BINARY_HEADER_SIZE + body; i++) {
        out[i] = (uint8_t)emc__random_next(random);
    }
    const uint8_t fixed[12] = {0x81, opcode, 0, (uint8_t)key,          (uint8_t)extras,      0,
                               0,    status, 0, (uint8_t)(body >> 16), (uint8_t)(body >> 8), (uint8_t)body};
    memcpy(out, fixed, sizeof fixed);
    if (evil && chance(random, 4)) {
        out[emc__random_below(random, 12)] ^= (uint8_t)(1u << emc__random_below(random, 8));
    }
    return EMC__BINARY_HEADER_SIZE + body;
}

static size_t compose(struct emc__random *random)
{
    size_t length = 0, replies = 1 + emc__random_below(random, 30);
    bool evil = chance(random, 4);
    for (size_t i = 0; i < replies && length < STREAM_MAX - 50000; i++) {
        length += put_reply(bytes + length, random, evil);
    }
    return length - (chance(random, 4) ? emc__random_below(random, length) : 0);
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
    size_t value_length_max = chance(&random, 4) ? 5000 : 65536, consumed;
    struct emc__slice stream = {bytes, compose(&random)};
    struct pieces pieces = {{seed + 1}, piece_max[emc__random_below(&random, 4)]};
    struct delivery_log expected, got;
    delivery_log_init(&expected);
    delivery_log_init(&got);
    enum emc__read_result result = reference_binary_read(stream, value_length_max, &expected, &consumed);
    struct split_feeder_result fed = binary_split_feed(stream, value_length_max, next_piece, &pieces, (seed & 1) != 0,
                                                       &got);
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
    for (uint64_t seed = 0; seed < 1000; seed++) {
        values_long += compare(seed);
    }
    assert_true(values_long > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_conversations_in_random_pieces_are_read_as_the_reference_reads_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
