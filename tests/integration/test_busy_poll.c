/* Busy polling: blocking calls and embedded clients with options.busy_poll_us. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <emcache.h>

#include "scripted_server.h"
#include "session.h"

static emc_options polling(void)
{
    emc_options options = patient_options();
    options.connections_max = 1;
    options.health_silence_ms = PATIENCE_MS;
    options.busy_poll_us = 1000;
    return options;
}

static void with_busy_polling_answers_come_in_time_late_and_in_parts(void **state)
{
    (void)state;
    static const struct scripted_step conversation[] = {ACCEPT,
                                                        HANDSHAKE,
                                                        EXPECT("get k\r\n"),
                                                        SEND("VALUE k 0 4\r\nsoon\r\nEND\r\n"),
                                                        EXPECT("get k\r\n"),
                                                        EXPECT_SILENCE(40),
                                                        SEND("VALUE k 0 4\r\nlate\r\nEND\r\n"),
                                                        EXPECT("get k\r\n"),
                                                        SEND("VALUE k 0 5\r\npa"),
                                                        EXPECT_SILENCE(40),
                                                        SEND("rts\r\nEND\r\n"),
                                                        EXPECT("set k 0 0 1\r\nv\r\n"),
                                                        FINISH,
                                                        ACCEPT,
                                                        HANDSHAKE};
    struct scripted_server *server = scripted_server_start(conversation, STEPS(conversation));
    emc_options options = polling();
    emc_client *client = open_client_at(scripted_server_address(server), &options);
    const char *const values[] = {"soon", "late", "parts"};
    emc_item item;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(emc_get(client, EMC_STR("k"), &item, NULL), EMC_OK);
        assert_string_equal(item.value, values[i]);
        emc_item_release(&item);
    }
    assert_int_equal(emc_set(client, EMC_STR("k"), EMC_STR("v"), 0, 0, NULL), EMC_ERROR_CONNECTION_LOST);
    while (scripted_server_progress(server) < STEPS(conversation)) {
        emc_client_wait(client, 10);
    }
    emc_client_destroy(client);
    scripted_server_end(server);
}

static void with_busy_polling_deadlines_hold(void **state)
{
    (void)state;
    static const struct scripted_step conversation[] = {ACCEPT, HANDSHAKE, STALL};
    struct scripted_server *server = scripted_server_start(conversation, STEPS(conversation));
    emc_options options = polling();
    emc_client *client = open_client_at(scripted_server_address(server), &options);
    /* Within the busy polling; with a poll beside the receive; with several waits of 20 ms. */
    const uint32_t timeouts_ms[] = {1, 15, 60};
    for (size_t i = 0; i < 3; i++) {
        const emc_call call = {.timeout_ms = timeouts_ms[i]};
        emc_item item;
        uint64_t begin_ms = clock_ms();
        assert_int_equal(emc_get(client, EMC_STR("k"), &item, &call), EMC_ERROR_TIMEOUT);
        assert_in_range(clock_ms() - begin_ms, timeouts_ms[i] - 1, timeouts_ms[i] + PATIENCE_MS / 10);
    }
    emc_client_destroy(client);
    scripted_server_abandon(server);
}

static void poll_inside(void *user_data, const emc_result *result)
{
    (void)result;
    assert_int_equal(emc_client_busy_poll(user_data), 0);
}

static void an_embedded_client_takes_an_answer_by_busy_polling_alone(void **state)
{
    (void)state;
    static const struct scripted_step conversation[] = {ACCEPT,
                                                        HANDSHAKE,
                                                        EXPECT("get k\r\n"),
                                                        SEND("VALUE k 0 1\r\nv\r\nEND\r\n"),
                                                        EXPECT("delete k\r\n"),
                                                        SEND("DELETED\r\n")};
    struct scripted_server *server = scripted_server_start(conversation, STEPS(conversation));
    emc_options options = polling();
    emc_client *client = open_client_at(scripted_server_address(server), &options);
    struct outcome outcome;
    const emc_call call = keep(&outcome);
    emc_item item;
    assert_int_equal(emc_client_busy_poll(client), 0);                    /* nothing is asked for */
    assert_int_equal(emc_get(client, EMC_STR("k"), &item, NULL), EMC_OK); /* it is connected */
    emc_item_release(&item);
    assert_int_equal(emc_delete_async(client, EMC_STR("k"), &call), EMC_OK);
    assert_int_equal(emc_client_busy_poll(client), 0); /* it is not written yet */
    emc_client_flush(client);
    uint64_t end_ms = clock_ms() + PATIENCE_MS;
    while (!outcome.last && clock_ms() < end_ms) {
        size_t completed = emc_client_busy_poll(client);
        assert_int_equal(completed > 0, outcome.last);
    }
    assert_int_equal(outcome.results, 1);
    assert_int_equal(outcome.status, EMC_OK);
    emc_client_destroy(client);
    scripted_server_end(server);
}

static void without_the_option_and_in_callbacks_nothing_is_polled(void **state)
{
    (void)state;
    static const struct scripted_step conversation[] = {
        ACCEPT, HANDSHAKE, EXPECT("get k\r\n"), SEND("END\r\n"), EXPECT("delete k\r\n"), SEND("DELETED\r\n")};
    struct scripted_server *server = scripted_server_start(conversation, STEPS(conversation));
    emc_client *client = open_client_at(scripted_server_address(server), NULL);
    const emc_call call = {.callback = poll_inside, .user_data = client};
    emc_item item;
    assert_int_equal(emc_get(client, EMC_STR("k"), &item, NULL), EMC_MISS);
    assert_int_equal(emc_delete_async(client, EMC_STR("k"), &call), EMC_OK);
    emc_client_flush(client);
    scripted_server_wait(server, STEPS(conversation));
    assert_int_equal(emc_client_busy_poll(client), 0);
    assert_int_equal(emc_client_pending(client), 1);
    while (emc_client_pending(client) > 0) {
        emc_client_wait(client, 10);
    }
    emc_client_destroy(client);
    scripted_server_end(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_busy_polling_answers_come_in_time_late_and_in_parts),
        cmocka_unit_test(with_busy_polling_deadlines_hold),
        cmocka_unit_test(an_embedded_client_takes_an_answer_by_busy_polling_alone),
        cmocka_unit_test(without_the_option_and_in_callbacks_nothing_is_polled),
    };
    return cmocka_run_group_tests_name("busy_poll", tests, NULL, NULL);
}
