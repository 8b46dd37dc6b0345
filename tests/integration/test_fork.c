/* A child of fork has connections of its own: neither process hears the other's replies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <emcache.h>

#include "servers.h"
#include "session.h"

#define ROUNDS 500

static struct server servers[3];
static emc_client *client;

static int open_session(void **state)
{
    (void)state;
    servers_start(servers, 3);
    client = open_client(servers, 3, NULL);
    return 0;
}

static int close_session(void **state)
{
    (void)state;
    emc_client_destroy(client);
    servers_kill(servers, 3);
    return 0;
}

/* Stores and fetches values that name their process; false at the first that is another's. */
static bool talk(const char *process)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        char key[32], value[32];
        size_t key_length = (size_t)snprintf(key, sizeof key, "%s-%u", process, i % 50);
        size_t value_length = (size_t)snprintf(value, sizeof value, "%s says %u", process, i);
        emc_item item = {0};
        if (emc_set(client, key, key_length, value, value_length, 0, 0, NULL) != EMC_OK ||
            emc_get(client, key, key_length, &item, NULL) != EMC_OK) {
            fprintf(stderr, "%s: %s\n", process, emc_client_error_message(client));
            return false;
        }
        bool same = item.value_length == value_length && memcmp(item.value, value, value_length) == 0;
        emc_item_release(&item);
        if (!same) {
            return false;
        }
    }
    return true;
}

static bool child_went_well(pid_t child)
{
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void parent_and_child_use_the_client_side_by_side(void **state)
{
    (void)state;
    assert_true(talk("before"));
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(talk("child") ? 0 : 1);
    }
    assert_true(talk("parent"));
    assert_true(child_went_well(child));
    assert_true(talk("after"));
    emc_pool_metrics metrics;
    emc_cluster_management *view = emc_client_cluster_management(client);
    assert_int_equal(emc_cluster_connection_pool_metrics(view, &servers[0].address, &metrics), EMC_OK);
    assert_int_equal(metrics.connections_created, 1); /* the parent's connections were left alone */
}

static void a_child_that_closes_its_client_does_not_disturb_the_parent(void **state)
{
    (void)state;
    assert_true(talk("before"));
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        emc_client_destroy(client);
        _exit(0);
    }
    assert_true(child_went_well(child));
    assert_true(talk("after"));
}

/* In the child: the operation that was under way is told lost, or, a get being harmless to ask twice, was asked anew; and the client works. */
static bool child_hears_of_what_was_in_flight(struct outcome *outcome)
{
    uint64_t end = clock_ms() + PATIENCE_MS;
    while (!outcome->last && clock_ms() < end) {
        emc_client_wait(client, 100);
    }
    bool lost = outcome->status == EMC_ERROR_CONNECTION_LOST;
    bool asked_anew = outcome->status == EMC_OK && strcmp(outcome->value, "v") == 0;
    return outcome->last && outcome->results == 1 && (lost || asked_anew) && talk("child");
}

static void what_is_in_flight_stays_with_the_parent(void **state)
{
    (void)state;
    struct outcome outcome;
    emc_call call = keep(&outcome);
    assert_true(talk("before"));
    assert_int_equal(emc_set(client, EMC_STR("k"), EMC_STR("v"), 0, 0, NULL), EMC_OK);
    assert_int_equal(emc_get_async(client, EMC_STR("k"), &call), EMC_OK);
    emc_client_flush(client);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(child_hears_of_what_was_in_flight(&outcome) ? 0 : 1);
    }
    await(client, &outcome);
    assert_int_equal(outcome.status, EMC_OK);
    assert_string_equal(outcome.value, "v");
    assert_true(child_went_well(child));
}

static void the_descriptor_is_a_new_one_in_the_child(void **state)
{
    (void)state;
    assert_true(talk("before"));
    assert_true(emc_client_descriptor(client) >= 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct outcome outcome;
        emc_call call = keep(&outcome);
        bool well = emc_set_async(client, EMC_STR("k"), EMC_STR("child"), 0, 0, &call) == EMC_OK;
        uint64_t end = clock_ms() + PATIENCE_MS;
        while (well && !outcome.last && clock_ms() < end) {
            emc_client_wait(client, 100);
        }
        _exit(well && outcome.status == EMC_OK && emc_client_descriptor(client) >= 0 ? 0 : 1);
    }
    assert_true(talk("parent"));
    assert_true(child_went_well(child));
}

int main(void)
{
#define SESSION_TEST(name) cmocka_unit_test_setup_teardown(name, open_session, close_session)
    const struct CMUnitTest tests[] = {
        SESSION_TEST(parent_and_child_use_the_client_side_by_side),
        SESSION_TEST(a_child_that_closes_its_client_does_not_disturb_the_parent),
        SESSION_TEST(what_is_in_flight_stays_with_the_parent),
        SESSION_TEST(the_descriptor_is_a_new_one_in_the_child),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
