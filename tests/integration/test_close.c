/* Closing a client with everything under way: each operation completes exactly once, and nothing is left behind. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <emcache.h>

#include "leaks.h"
#include "scripted_server.h"
#include "servers.h"
#include "session.h"

#define UNDER_WAY 1000

static struct server servers[3];

static int start_servers(void **state)
{
    (void)state;
    servers_start(servers, 3);
    emc_client_destroy(open_client(servers, 3, NULL)); /* libuv keeps a pipe for signals from its first loop on */
    return 0;
}

static int stop_servers(void **state)
{
    (void)state;
    servers_kill(servers, 3);
    return 0;
}

struct tally {
    unsigned completed, cancelled, done;
};

static void count_result(void *user_data, const emc_result *result)
{
    struct tally *tally = user_data;
    assert_true(result->last);
    tally->completed++;
    tally->cancelled += result->status == EMC_ERROR_CANCELLED;
    tally->done += result->status >= 0;
}

static void submit_much(emc_client *client, struct tally *tally)
{
    emc_call call = {.callback = count_result, .user_data = tally};
    for (unsigned i = 0; i < UNDER_WAY; i++) {
        char key[24];
        size_t length = (size_t)snprintf(key, sizeof key, "close-%u", i);
        emc_status status = i % 2 == 0 ? emc_set_async(client, key, length, EMC_STR("v"), 0, 0, &call)
                                       : emc_get_async(client, key, length, &call);
        assert_int_equal(status, EMC_OK);
    }
}

/* stage 0: nothing sent; 1: sent; 2: some answered. */
static void check_close_at(unsigned stage)
{
    struct leak_check leaks;
    struct tally tally = {0};
    emc_options options = patient_options();
    leak_check_begin(&leaks);
    options.allocator = &leaks.allocator;
    emc_client *client = open_client(servers, 3, &options);
    submit_much(client, &tally);
    if (stage == 1) {
        emc_client_flush(client);
    }
    for (unsigned i = 0; stage == 2 && i < 3; i++) {
        emc_client_wait(client, 100);
    }
    emc_client_destroy(client);
    assert_int_equal(tally.completed, UNDER_WAY);
    assert_int_equal(tally.cancelled + tally.done, UNDER_WAY);
    leak_check_end(&leaks);
}

static void closing_before_anything_is_sent_completes_everything(void **state)
{
    (void)state;
    check_close_at(0);
}

static void closing_after_sending_completes_everything(void **state)
{
    (void)state;
    check_close_at(1);
}

static void closing_amid_the_answers_completes_everything(void **state)
{
    (void)state;
    check_close_at(2);
}

static void a_client_can_be_opened_and_closed_many_times(void **state)
{
    (void)state;
    unsigned descriptors = open_descriptors();
    for (int i = 0; i < 100; i++) {
        emc_client *client = open_client(servers, 3, NULL);
        if (i % 2 == 0) {
            assert_int_equal(emc_set(client, EMC_STR("k"), EMC_STR("v"), 0, 0, NULL), EMC_OK);
        }
        emc_client_destroy(client);
    }
    assert_int_equal(open_descriptors(), descriptors);
}

static void closing_nothing_is_harmless(void **state)
{
    (void)state;
    emc_client_destroy(NULL);
    emc_cluster_management_release(NULL);
    emc_node_list_destroy(NULL);
    emc_item_release(NULL);
}

static void closing_a_client_of_dead_nodes_does_not_wait(void **state)
{
    (void)state;
    struct tally tally = {0};
    emc_address nobody = emc_address_tcp("127.0.0.1", free_port());
    emc_client *client = open_client_at(nobody, NULL);
    submit_much(client, &tally);
    uint64_t begin = clock_ms();
    emc_client_destroy(client);
    assert_in_range(clock_ms() - begin, 0, 500);
    assert_int_equal(tally.completed, UNDER_WAY);
}

static void closing_while_a_name_is_looked_up_does_not_wait(void **state)
{
    (void)state;
    struct tally tally = {0};
    emc_address unknown = emc_address_tcp("no-such-host.invalid", 11211);
    emc_client *client = open_client_at(unknown, NULL);
    submit_much(client, &tally);
    emc_client_process(client);
    uint64_t begin = clock_ms();
    emc_client_destroy(client);
    assert_in_range(clock_ms() - begin, 0, 500);
    assert_int_equal(tally.completed, UNDER_WAY);
}

/* ------------------------------------------------------------------ from inside */

struct suicide {
    emc_client *client;
    unsigned completed;
};

static void destroy_inside(void *user_data, const emc_result *result)
{
    struct suicide *suicide = user_data;
    (void)result;
    if (suicide->completed++ == 0) {
        emc_client_destroy(suicide->client);
    }
}

static void a_callback_may_destroy_its_client(void **state)
{
    (void)state;
    struct suicide suicide = {open_client(servers, 3, NULL), 0};
    emc_call call = {.callback = destroy_inside, .user_data = &suicide};
    for (unsigned i = 0; i < 100; i++) {
        char key[24];
        size_t length = (size_t)snprintf(key, sizeof key, "inside-%u", i);
        assert_int_equal(emc_get_async(suicide.client, key, length, &call), EMC_OK);
    }
    while (suicide.completed == 0) {
        emc_client_wait(suicide.client, 100);
    }
    assert_int_equal(suicide.completed, 100);
}

static void a_reply_cut_short_by_the_close_is_not_delivered(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT, HANDSHAKE, EXPECT("get k\r\n"), SEND("VALUE k 0 10\r\n12345"), EXPECT_END,
    };
    struct scripted_server *server = scripted_server_start(steps, STEPS(steps));
    struct outcome outcome;
    emc_call call = keep(&outcome);
    emc_client *client = open_client_at(scripted_server_address(server), NULL);
    assert_int_equal(emc_get_async(client, EMC_STR("k"), &call), EMC_OK);
    while (scripted_server_progress(server) < 5) {
        emc_client_wait(client, 5);
    }
    emc_client_destroy(client);
    assert_int_equal(outcome.results, 1);
    assert_int_equal(outcome.status, EMC_ERROR_CANCELLED);
    scripted_server_wait(server, STEPS(steps));
    scripted_server_end(server);
}

int main(void)
{
    signal(SIGPIPE, SIG_DFL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closing_before_anything_is_sent_completes_everything),
        cmocka_unit_test(closing_after_sending_completes_everything),
        cmocka_unit_test(closing_amid_the_answers_completes_everything),
        cmocka_unit_test(a_client_can_be_opened_and_closed_many_times),
        cmocka_unit_test(closing_nothing_is_harmless),
        cmocka_unit_test(closing_a_client_of_dead_nodes_does_not_wait),
        cmocka_unit_test(closing_while_a_name_is_looked_up_does_not_wait),
        cmocka_unit_test(a_callback_may_destroy_its_client),
        cmocka_unit_test(a_reply_cut_short_by_the_close_is_not_delivered),
    };
    return cmocka_run_group_tests(tests, start_servers, stop_servers);
}
