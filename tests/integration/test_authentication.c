/* The handshake with credentials, to the byte: nothing before the server accepted them, every refusal told to who waits, a deadline, and the node's return.
 * And the binary conversation that follows SASL. (Real servers with -Y and -S: test_security.c, and every test with a flavour.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <emcache.h>

#include "scripted_server.h"
#include "servers.h"
#include "session.h"

/* clang-format off */
#define HEAD(magic, opcode, key, extras, status, body, opaque)                                                    \
    magic opcode "\x00" key extras "\x00" "\x00" status "\x00\x00\x00" body "\x00\x00\x00" opaque                  \
    "\x00\x00\x00\x00\x00\x00\x00\x00"
#define REQUEST(opcode, key, extras, body, opaque) HEAD("\x80", opcode, key, extras, "\x00", body, opaque)
#define REPLY(opcode, key, extras, status, body, opaque) HEAD("\x81", opcode, key, extras, status, body, opaque)
#define SASL_PLAIN EXPECT(REQUEST("\x21", "\x05", "\x00", "\x09", "\x00") "PLAIN" "\0u\0p")
#define SASL_ACCEPTED SEND(REPLY("\x21", "\x00", "\x00", "\x00", "\x0d", "\x00") "Authenticated")
#define BINARY_VERSION EXPECT(REQUEST("\x0b", "\x00", "\x00", "\x00", "\x01")), SEND(REPLY("\x0b", "\x00", "\x00", "\x00", "\x06", "\x01") "1.6.18")
#define BINARY_HANDSHAKE SASL_PLAIN, SASL_ACCEPTED, BINARY_VERSION
/* clang-format on */

static struct scripted_server *server;
static emc_client *client;

static emc_options credentials(bool sasl)
{
    emc_options options = patient_options();
    options.connections_max = 1;
    options.health_silence_ms = EMC_NO_LIMIT;
    options.backoff_min_ms = 10;
    options.username = "u";
    options.password = "p";
    options.sasl = sasl;
    return options;
}

static void begin(const struct scripted_step *steps, size_t count, const emc_options *options)
{
    server = scripted_server_start(steps, count);
    client = open_client_at(scripted_server_address(server), options);
}

static void finish(size_t count)
{
    uint64_t end = clock_ms() + PATIENCE_MS;
    while (scripted_server_progress(server) < count && clock_ms() < end) {
        emc_client_wait(client, 2);
    }
    scripted_server_end(server);
    emc_client_destroy(client);
}

/* ------------------------------------------------------------------ the handshake */

static void nothing_is_said_before_the_credentials_are_accepted(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT,    EXPECT("set _ _ _ 3\r\nu p\r\n"), EXPECT_SILENCE(150), SEND("STORED\r\n"),
        HANDSHAKE, EXPECT("set k 0 0 1\r\nv\r\n"),   SEND("STORED\r\n"),
    };
    emc_options options = credentials(false);
    begin(steps, STEPS(steps), &options);
    assert_int_equal(emc_set(client, EMC_STR("k"), EMC_STR("v"), 0, 0, NULL), EMC_OK);
    finish(STEPS(steps));
}

static void nothing_is_said_before_sasl_is_accepted(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT,
        SASL_PLAIN,
        EXPECT_SILENCE(150),
        SASL_ACCEPTED,
        BINARY_VERSION,
        EXPECT(REQUEST("\x04", "\x01", "\x00", "\x01", "\x02") "k"),
        SEND(REPLY("\x04", "\x00", "\x00", "\x00", "\x00", "\x02")),
    };
    emc_options options = credentials(true);
    begin(steps, STEPS(steps), &options);
    assert_int_equal(emc_delete(client, EMC_STR("k"), NULL), EMC_OK);
    finish(STEPS(steps));
}

static void check_refusal(const struct scripted_step *steps, size_t count, bool sasl, const char *word)
{
    emc_options options = credentials(sasl);
    options.health_attempts = 1;
    begin(steps, count, &options);
    emc_status status = emc_delete(client, EMC_STR("k"), NULL);
    if (status != EMC_ERROR_AUTHENTICATION || strstr(emc_client_error_message(client), word) == NULL) {
        fail_msg("%s: '%s' does not say '%s'", emc_status_name(status), emc_client_error_message(client), word);
    }
    scripted_server_abandon(server);
    emc_client_destroy(client);
}

static void every_refusal_is_an_authentication_error_in_the_servers_words(void **state)
{
    (void)state;
    static const struct {
        struct scripted_step answer;
        const char *word;
    } cases[] = {
        {SEND("CLIENT_ERROR authentication failure\r\n"), "authentication failure"},
        {SEND("CLIENT_ERROR bad authentication token format\r\n"), "token format"},
        {SEND("CLIENT_ERROR unauthenticated\r\n"), "unauthenticated"},
        {SEND("ERROR\r\n"), "ERROR"},
        {SEND("NOT_STORED\r\n"), "as memcached does"},
        {SEND("\x81\x00\x00\x00\r\n"), "neither letter nor digit"},
        {FINISH, "closed the connection"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct scripted_step steps[] = {ACCEPT, EXPECT("set _ _ _ 3\r\nu p\r\n"), cases[i].answer};
        check_refusal(steps, STEPS(steps), false, cases[i].word);
    }
}

static void every_refusal_of_sasl_is_an_authentication_error(void **state)
{
    (void)state;
    static const struct {
        struct scripted_step answer;
        const char *word;
    } cases[] = {
        {SEND(REPLY("\x21", "\x00", "\x00", "\x20", "\x0d", "\x00") "Auth failure."), "Auth failure."},
        {SEND(REPLY("\x21", "\x00", "\x00", "\x21", "\x00", "\x00")), "more than SASL PLAIN"},
        {SEND(REPLY("\x21", "\x00", "\x00", "\x81", "\x00", "\x00")), "does not authenticate by SASL"},
        {SEND(REPLY("\x21", "\x00", "\x00", "\x00", "\x00", "\x07")), "as memcached does"},
        {SEND("ERROR\r\nERROR\r\nERROR\r\nERROR\r\n"), "reply"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct scripted_step steps[] = {ACCEPT, SASL_PLAIN, cases[i].answer};
        check_refusal(steps, STEPS(steps), true, cases[i].word);
    }
}

static void a_handshake_has_a_deadline_and_the_node_returns(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT,
        SASL_PLAIN,
        EXPECT_END,
        ACCEPT,
        BINARY_HANDSHAKE,
        EXPECT(REQUEST("\x04", "\x01", "\x00", "\x01", "\x02") "k"),
        SEND(REPLY("\x04", "\x00", "\x00", "\x01", "\x00", "\x02")),
    };
    emc_options options = credentials(true);
    options.connection_timeout_ms = 200;
    begin(steps, STEPS(steps), &options);
    assert_int_equal(emc_delete(client, EMC_STR("k"), NULL), EMC_MISS);
    finish(STEPS(steps));
}

static void credentials_that_a_real_server_does_not_expect_are_an_error_and_stored_nowhere(void **state)
{
    (void)state;
    struct server real;
    emc_item item = {0};
    server_start(&real, NULL);
    for (int sasl = 0; sasl < 2; sasl++) {
        emc_options options = credentials(sasl == 1);
        client = open_client_at(real.address, &options);
        assert_int_equal(emc_delete(client, EMC_STR("k"), NULL), EMC_ERROR_AUTHENTICATION);
        emc_client_destroy(client);
    }
    client = open_client_at(real.address, NULL);
    assert_int_equal(emc_get(client, EMC_STR("_"), &item, NULL), EMC_MISS);
    emc_client_destroy(client);
    server_kill(&real);
}

/* ------------------------------------------------------------------ the binary conversation */

static void a_run_of_binary_gets_is_quiet_but_for_its_last(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT,
        BINARY_HANDSHAKE,
        EXPECT(REQUEST("\x0d", "\x01", "\x00", "\x01", "\x02") "a" REQUEST(
            "\x0d", "\x01", "\x00", "\x01", "\x03") "b" REQUEST("\x0c", "\x01", "\x00", "\x01", "\x04") "c"),
        SEND(REPLY("\x0d", "\x01", "\x04", "\x00", "\x06", "\x02") "\x00\x00\x00\x07"
                                                                   "aA"),
        SEND(REPLY("\x0c", "\x01", "\x00", "\x01", "\x01", "\x04") "c"),
    };
    struct outcome a, b, c;
    emc_call calls[3] = {keep(&a), keep(&b), keep(&c)};
    emc_options options = credentials(true);
    begin(steps, STEPS(steps), &options);
    assert_int_equal(emc_get_async(client, EMC_STR("a"), &calls[0]), EMC_OK);
    assert_int_equal(emc_get_async(client, EMC_STR("b"), &calls[1]), EMC_OK);
    assert_int_equal(emc_get_async(client, EMC_STR("c"), &calls[2]), EMC_OK);
    await(client, &a);
    await(client, &b);
    await(client, &c);
    assert_string_equal(a.value, "A");
    assert_true(a.flags == 7);
    assert_int_equal(b.status, EMC_MISS);
    assert_int_equal(c.status, EMC_MISS);
    finish(STEPS(steps));
}

/* The answer to a get of "k" contradicts: the connection ends, and the next one serves. */
static void check_contradiction(const struct scripted_step answer)
{
    const struct scripted_step steps[] = {
        ACCEPT,
        BINARY_HANDSHAKE,
        EXPECT(REQUEST("\x0c", "\x01", "\x00", "\x01", "\x02") "k"),
        answer,
        EXPECT_END,
        ACCEPT,
        BINARY_HANDSHAKE,
        EXPECT(REQUEST("\x04", "\x01", "\x00", "\x01", "\x02") "k"),
        SEND(REPLY("\x04", "\x00", "\x00", "\x00", "\x00", "\x02")),
    };
    emc_item item = {0};
    emc_options options = credentials(true);
    begin(steps, STEPS(steps), &options);
    assert_int_equal(emc_get(client, EMC_STR("k"), &item, NULL), EMC_ERROR_PROTOCOL);
    assert_int_equal(emc_delete(client, EMC_STR("k"), NULL), EMC_OK);
    finish(STEPS(steps));
}

static void a_binary_answer_with_another_label_is_a_contradiction(void **state)
{
    (void)state;
    static const struct scripted_step answers[] = {
        SEND(REPLY("\x0c", "\x01", "\x04", "\x00", "\x06", "\x09") "\x00\x00\x00\x00"
                                                                   "kV"), /* another opaque */
        SEND(REPLY("\x0c", "\x01", "\x04", "\x00", "\x06", "\x02") "\x00\x00\x00\x00"
                                                                   "xV"), /* another key */
        SEND(REPLY("\x04", "\x00", "\x00", "\x00", "\x00", "\x02")),      /* another command */
        SEND(REPLY("\x0c", "\x00", "\x00", "\x02", "\x00", "\x02")),      /* a get that "exists" */
        SEND("VALUE k 0 1\r\nV\r\nEND\r\n"),                              /* another protocol */
    };
    for (size_t i = 0; i < STEPS(answers); i++) {
        check_contradiction(answers[i]);
    }
}

static void the_late_binary_reply_of_a_cancelled_get_is_dropped(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT,
        BINARY_HANDSHAKE,
        EXPECT(REQUEST("\x0c", "\x01", "\x00", "\x01", "\x02") "k"),
        STALL,
        SEND(REPLY("\x0c", "\x01", "\x04", "\x00", "\x06", "\x02") "\x00\x00\x00\x00"
                                                                   "kV"),
        EXPECT(REQUEST("\x04", "\x01", "\x00", "\x01", "\x03") "k"),
        SEND(REPLY("\x04", "\x00", "\x00", "\x00", "\x00", "\x03")),
    };
    struct outcome got;
    uint64_t operation = 0;
    emc_call call = keep(&got);
    emc_options options = credentials(true);
    call.operation_out = &operation;
    begin(steps, STEPS(steps), &options);
    assert_int_equal(emc_get_async(client, EMC_STR("k"), &call), EMC_OK);
    for (uint64_t end = clock_ms() + PATIENCE_MS; scripted_server_progress(server) < 6 && clock_ms() < end;) {
        emc_client_wait(client, 2);
    }
    assert_int_equal(emc_cancel(client, operation), EMC_OK);
    await(client, &got);
    assert_int_equal(got.status, EMC_ERROR_CANCELLED);
    scripted_server_continue(server);
    assert_int_equal(emc_delete(client, EMC_STR("k"), NULL), EMC_OK);
    finish(STEPS(steps));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_said_before_the_credentials_are_accepted),
        cmocka_unit_test(nothing_is_said_before_sasl_is_accepted),
        cmocka_unit_test(every_refusal_is_an_authentication_error_in_the_servers_words),
        cmocka_unit_test(every_refusal_of_sasl_is_an_authentication_error),
        cmocka_unit_test(a_handshake_has_a_deadline_and_the_node_returns),
        cmocka_unit_test(credentials_that_a_real_server_does_not_expect_are_an_error_and_stored_nowhere),
        cmocka_unit_test(a_run_of_binary_gets_is_quiet_but_for_its_last),
        cmocka_unit_test(a_binary_answer_with_another_label_is_a_contradiction),
        cmocka_unit_test(the_late_binary_reply_of_a_cancelled_get_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
