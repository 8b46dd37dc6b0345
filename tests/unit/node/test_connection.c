/* What a connection receives: values that end with the last byte of what came, in each dialect and on each way, and replies too long to be kept. */
#include "../fake_transport.h"

#include <stdio.h>
#include <stdlib.h>

#define LARGE 20000 /* more than is read in place: it goes to a home of its own */

/* How bytes reach the connection: it receives them itself, or a blocking wait hands them up. */
enum way { RECEIVED, HANDED_UP, WAYS };

static void bytes_come(struct fake_socket *socket, enum way way, const void *data, size_t length)
{
    if (way == RECEIVED) {
        fake_inject(socket, data, length);
        fake_deliver(socket);
        return;
    }
    uint8_t *copy = malloc(length); /* gone when the call returns */
    assert_non_null(copy);
    memcpy(copy, data, length);
    socket->listener->arrived(socket->context, (struct emc__slice){copy, length}, socket->fake->now_ns);
    free(copy);
    fake_pass(socket->fake);
}

static void expect_large(const struct told *told, const uint8_t *value)
{
    expect_told(told, EMC_OK);
    assert_int_equal(told->value_length, LARGE);
    assert_memory_equal(told->value, value, LARGE);
}

static void fill(uint8_t *value)
{
    for (size_t i = 0; i < LARGE; i++) {
        value[i] = (uint8_t)(i * 7 + i / 256);
    }
}

/* ------------------------------------------------------------------ binary, as a server with SASL speaks it */

static size_t put_reply(uint8_t *out, uint8_t opcode, uint8_t opaque, const char *extras, size_t extras_length,
                        size_t body)
{
    memset(out, 0, 24);
    out[0] = 0x81;
    out[1] = opcode;
    out[4] = (uint8_t)extras_length;
    out[9] = (uint8_t)(body >> 16);
    out[10] = (uint8_t)(body >> 8);
    out[11] = (uint8_t)body;
    out[15] = opaque;
    memcpy(out + 24, extras, extras_length);
    return 24 + extras_length;
}

static struct fake_socket *start_binary(struct fake *fake)
{
    uint8_t head[32];
    fake->options.sasl = true;
    fake->options.username = "u";
    fake->options.password = "p";
    fake_create(fake, 1);
    struct fake_socket *socket = fake_socket_at(fake, 0);
    fake_connect(socket);
    fake_inject(socket, head, put_reply(head, 0x21, 0, "", 0, 0));
    fake_deliver(socket);
    fake_inject(socket, head, put_reply(head, 0x0b, 1, "", 0, 6));
    fake_reply(socket, "1.6.18");
    fake_forget_sent(socket);
    return socket;
}

/* The label of the one request that was sent, which was no quiet one. */
static uint8_t opaque_of_the_request(struct fake_socket *socket)
{
    assert_true(socket->sent.length > 24 && socket->sent.data[0] == 0x80);
    uint8_t opaque = socket->sent.data[15];
    fake_forget_sent(socket);
    return opaque;
}

/* The value in two pieces: `first` bytes with its header, then the rest and not one byte more. */
static void check_binary(enum way way, size_t first, bool allocating)
{
    static uint8_t bytes[64 + LARGE];
    uint8_t value[LARGE];
    struct fake *fake = fake_begin();
    struct fake_socket *socket = start_binary(fake);
    struct told *told = fake_told(fake);
    emc_call call = allocating ? fake_call_allocating(told, 1) : fake_call(told);
    assert_int_equal(emc_get_async(fake->client, EMC_STR("k"), &call), EMC_OK);
    fake_pass(fake);
    fill(value);
    uint8_t opcode = socket->sent.data[1];
    bool with_key = opcode == 0x0c || opcode == 0x0d || opcode == 0x23 || opcode == 0x24;
    size_t head = put_reply(bytes, opcode, opaque_of_the_request(socket), "\0\0\0\0", 4, 4 + with_key + LARGE);
    bytes[3] = with_key;
    memcpy(bytes + head, "k", with_key);
    head += with_key;
    memcpy(bytes + head, value, LARGE);
    bytes_come(socket, way, bytes, head + first);
    expect_waiting(told);
    bytes_come(socket, way, bytes + head + first, LARGE - first);
    expect_large(told, value);
    struct told *next = ask_delete(fake, "k"); /* and the stream is in step */
    fake_pass(fake);
    fake_inject(socket, bytes, put_reply(bytes, 0x04, opaque_of_the_request(socket), "", 0, 0));
    fake_deliver(socket);
    expect_told(next, EMC_OK);
    fake_end(fake);
}

/* The bug of simulation seed 51893: with nothing behind it, a binary value (which has no line end) was complete, and nobody was told. */
static void a_binary_value_that_ends_with_the_bytes_that_came_is_told(void **state)
{
    static const size_t firsts[] = {0, 1, 1000, LARGE - 1};
    for (size_t i = 0; i < 2 * WAYS * sizeof firsts / sizeof firsts[0]; i++) {
        check_binary((enum way)(i % WAYS), firsts[i / (2 * WAYS)], i / WAYS % 2 == 1);
    }
}

/* ------------------------------------------------------------------ text */

static void check_text(enum way way, size_t cut)
{
    static uint8_t bytes[64 + LARGE];
    uint8_t value[LARGE];
    struct fake *fake = fake_begin();
    struct fake_socket *socket = fake_start(fake);
    struct told *told = ask_get(fake, "k"), *next = ask_delete(fake, "k");
    fake_pass(fake);
    fill(value);
    size_t head = (size_t)snprintf((char *)bytes, sizeof bytes, "VALUE k 0 %d\r\n", LARGE);
    memcpy(bytes + head, value, LARGE);
    memcpy(bytes + head + LARGE, "\r\nEND\r\n", 7);
    bytes_come(socket, way, bytes, head + 1000);
    bytes_come(socket, way, bytes + head + 1000, LARGE - 1000 + cut);
    bytes_come(socket, way, bytes + head + LARGE + cut, 7 - cut);
    expect_large(told, value);
    bytes_come(socket, way, "DELETED\r\n", 9);
    expect_told(next, EMC_OK);
    fake_forget_sent(socket);
    fake_end(fake);
}

static void a_text_value_that_ends_with_the_bytes_that_came_goes_on_with_the_next(void **state)
{
    for (size_t cut = 0; cut < 7; cut++) {
        check_text(RECEIVED, cut);
        check_text(HANDED_UP, cut);
    }
}

/* ------------------------------------------------------------------ no room */

/* A line and a value that are each within their limits, and together more than is kept of a reply. */
static void check_too_long(enum way way)
{
    static char line[64000];
    static char value[16384];
    struct fake *fake = fake_begin();
    fake->options.line_length_max = 65536;
    struct fake_socket *socket = fake_start(fake);
    emc_meta_options options;
    struct told *told = fake_told(fake);
    emc_call call = fake_call(told);
    emc_meta_options_init(&options);
    options.want = EMC_META_VALUE;
    assert_int_equal(emc_meta_get_async(fake->client, EMC_STR("k"), &options, &call), EMC_OK);
    fake_pass(fake);
    fake_forget_sent(socket);
    memset(line, 'x', sizeof line);
    memcpy(line, "VA 16384 ", 9);
    memcpy(line + sizeof line - 2, "\r\n", 2);
    memset(value, 'v', sizeof value);
    bytes_come(socket, way, line, sizeof line);
    expect_waiting(told);
    bytes_come(socket, way, value, sizeof value);
    expect_told(told, EMC_ERROR_PROTOCOL);
    expect_words(told->message, "don't fit");
    assert_true(socket->aborted);
    fake_end(fake);
}

static void a_reply_that_leaves_no_room_to_receive_contradicts(void **state)
{
    check_too_long(RECEIVED);
    check_too_long(HANDED_UP);
}

/* ------------------------------------------------------------------ a quiet while */

static void what_a_peak_has_left_is_given_back_when_nothing_happens(void **state)
{
    static char value[10001];
    struct fake *fake = fake_begin();
    struct fake_socket *socket = fake_start(fake);
    memset(value, 'v', sizeof value - 1);
    for (int i = 0; i < 300; i++) {
        ask_set(fake, "k", value);
    }
    fake_pass(fake);
    for (int i = 0; i < 300; i++) {
        fake_reply(socket, "STORED\r\n");
    }
    fake_forget_sent(socket);
    size_t peak = fake->blocks;
    fake_run(fake, 9000);
    assert_int_equal(fake->blocks, peak);
    fake_run(fake, 2000);
    expect_sent(socket, "version\r\n");
    assert_in_range(fake->blocks, peak - 110, peak - 90); /* a megabyte */
    for (int i = 0; i < 5; i++) {
        fake_reply(socket, "VERSION 1.6.18\r\n");
        fake_run(fake, 11000);
        fake_forget_sent(socket);
    }
    assert_in_range(fake->blocks, peak - 210, peak - 190); /* of three one is kept */
    fake_reply(socket, "VERSION 1.6.18\r\n");
    fake_end(fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_binary_value_that_ends_with_the_bytes_that_came_is_told),
        cmocka_unit_test(a_text_value_that_ends_with_the_bytes_that_came_goes_on_with_the_next),
        cmocka_unit_test(what_a_peak_has_left_is_given_back_when_nothing_happens),
        cmocka_unit_test(a_reply_that_leaves_no_room_to_receive_contradicts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
