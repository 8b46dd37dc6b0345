/* Who makes the passes of a client that several threads use: a thread that waits in a blocking call for as long as it does (it leads), then another that waits, then the
 * client's own. Each handing-over, and that nobody's answer, deadline or callback is lost or comes elsewhere by it. The thread sanitizer runs these. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <emcache.h>

#include "servers.h"
#include "session.h"

#define THREADS 24
#define ROUNDS  150

static struct server servers[2]; /* the first is frozen where somebody is to wait */

static int start_servers(void **state)
{
    (void)state;
    servers_start(servers, 2);
    return 0;
}

static int stop_servers(void **state)
{
    (void)state;
    servers_kill(servers, 2);
    return 0;
}

/* A blocking call of its own thread: asks a server for its version. */
struct caller {
    pthread_t thread;
    emc_client *client;
    const emc_address *node;
    uint32_t timeout_ms;
    unsigned calls;
    uint64_t took_ms; /* of the last */
    emc_status status;
    atomic_bool over, stop;
};

static void *ask(void *context)
{
    struct caller *caller = context;
    emc_call call = {.timeout_ms = caller->timeout_ms};
    for (unsigned i = 0; i < caller->calls && !caller->stop; i++) {
        char version[64];
        uint64_t begin_ms = clock_ms();
        caller->status = emc_version(caller->client, caller->node, version, &call);
        caller->took_ms = clock_ms() - begin_ms;
    }
    caller->over = true;
    return NULL;
}

static void begin(struct caller *caller, emc_client *client, unsigned server, uint32_t timeout_ms, unsigned calls)
{
    *caller = (struct caller){
        .client = client, .node = &servers[server].address, .timeout_ms = timeout_ms, .calls = calls};
    assert_int_equal(pthread_create(&caller->thread, NULL, ask, caller), 0);
}

static void end(struct caller *caller, emc_status status)
{
    assert_int_equal(pthread_join(caller->thread, NULL), 0);
    assert_int_equal(caller->status, status);
}

/* Until so many operations are under way. */
static void await_pending(emc_client *client, size_t count)
{
    for (uint64_t end_ms = clock_ms() + PATIENCE_MS; emc_client_pending(client) != count && clock_ms() < end_ms;) {
        emc_client_wait(client, 1);
    }
    assert_int_equal(emc_client_pending(client), count);
}

/* With a connection to each server. */
static emc_client *open_threaded(void)
{
    emc_options options = patient_options();
    char version[64];
    options.threaded = true;
    emc_client *client = open_client(servers, 2, &options);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(emc_version(client, &servers[i].address, version, NULL), EMC_OK);
    }
    return client;
}

/* ------------------------------------------------------------------ from one to the next */

static void a_leader_that_is_answered_leaves_nobody_behind(void **state)
{
    (void)state;
    emc_client *client = open_threaded();
    struct caller waiting[3], brisk;
    server_freeze(&servers[0]);
    for (unsigned i = 0; i < 3; i++) { /* the first leads, the others follow */
        begin(&waiting[i], client, 0, PATIENCE_MS, 1);
        await_pending(client, i + 1);
    }
    begin(&brisk, client, 1, PATIENCE_MS, 200); /* followers are answered while somebody leads */
    end(&brisk, EMC_OK);
    server_thaw(&servers[0]);
    for (unsigned i = 0; i < 3; i++) {
        end(&waiting[i], EMC_OK);
    }
    emc_client_destroy(client);
}

static void those_who_wait_longer_are_served_when_the_leader_goes(void **state)
{
    (void)state;
    emc_client *client = open_threaded();
    struct caller leader, waiting;
    for (unsigned i = 0; i < 20; i++) {
        begin(&leader, client, 1, PATIENCE_MS, 20);
        begin(&waiting, client, 0, PATIENCE_MS, 21);
        end(&leader, EMC_OK);
        end(&waiting, EMC_OK);
    }
    emc_client_destroy(client);
}

static void each_deadline_is_kept_when_leader_after_leader_times_out(void **state)
{
    (void)state;
    emc_client *client = open_threaded();
    struct caller waiting[4];
    server_freeze(&servers[0]);
    for (unsigned i = 0; i < 4; i++) {
        begin(&waiting[i], client, 0, 100 + 150 * i, 1);
        await_pending(client, i + 1);
    }
    for (unsigned i = 0; i < 4; i++) {
        end(&waiting[i], EMC_ERROR_TIMEOUT);
        assert_in_range(waiting[i].took_ms, 99 + 150 * i, PATIENCE_MS / 2);
    }
    server_thaw(&servers[0]);
    emc_client_destroy(client);
}

static void a_call_whose_node_goes_away_ends(void **state)
{
    (void)state;
    emc_client *client = open_threaded();
    char version[64];
    struct caller waiting;
    server_freeze(&servers[0]);
    begin(&waiting, client, 0, PATIENCE_MS, 1);
    await_pending(client, 1);
    assert_int_equal(emc_cluster_remove_node(emc_client_cluster_management(client), &servers[0].address, NULL), EMC_OK);
    server_kill(&servers[0]);
    assert_int_equal(pthread_join(waiting.thread, NULL), 0);
    assert_true(waiting.status < 0);
    assert_in_range(waiting.took_ms, 0, PATIENCE_MS - 1);
    assert_int_equal(emc_version(client, &servers[1].address, version, NULL), EMC_OK);
    emc_client_destroy(client);
    server_restart(&servers[0]);
}

/* ------------------------------------------------------------------ to the client's own thread and back */

struct told {
    atomic_uint count, elsewhere;
    unsigned further; /* submissions from inside callbacks */
    emc_client *client;
    pthread_t own; /* the client's thread: of the first callback */
};

static void note(struct told *told)
{
    told->elsewhere += !pthread_equal(pthread_self(), told->own);
    told->count++;
}

static void learn_thread(void *user_data, const emc_result *result)
{
    struct told *told = user_data;
    (void)result;
    told->own = pthread_self();
    told->count++;
}

static void await_count(const struct told *told, unsigned count)
{
    for (uint64_t end_ms = clock_ms() + PATIENCE_MS; told->count < count && clock_ms() < end_ms;) {
        emc_client_wait(told->client, 1);
    }
    assert_int_equal(told->count, count);
}

static void learn(struct told *told, emc_client *client)
{
    emc_call call = {.callback = learn_thread, .user_data = told};
    *told = (struct told){.client = client};
    assert_int_equal(emc_version_async(client, &servers[1].address, &call), EMC_OK);
    await_count(told, 1);
    told->count = 0;
    assert_false(pthread_equal(told->own, pthread_self()));
}

static void tell_and_go_on(void *user_data, const emc_result *result)
{
    struct told *told = user_data;
    note(told);
    if (result->status == EMC_OK && told->further > 0) {
        emc_call call = {.callback = tell_and_go_on, .user_data = told};
        told->further--;
        told->elsewhere += emc_version_async(told->client, &servers[1].address, &call) != EMC_OK;
    }
}

static void callbacks_come_from_the_clients_thread_while_another_waits(void **state)
{
    (void)state;
    emc_client *client = open_threaded();
    struct caller waiting;
    struct told told;
    learn(&told, client);
    server_freeze(&servers[0]);
    begin(&waiting, client, 0, PATIENCE_MS, 1); /* leads, and nothing comes */
    await_pending(client, 1);
    emc_call call = {.callback = tell_and_go_on, .user_data = &told};
    told.further = 200;
    assert_int_equal(emc_version_async(client, &servers[1].address, &call), EMC_OK);
    await_count(&told, 201);
    assert_int_equal(told.elsewhere, 0);
    assert_false(waiting.over);
    server_thaw(&servers[0]);
    end(&waiting, EMC_OK);
    emc_client_destroy(client);
}

static void tell_stat(void *user_data, const char *name, const char *value)
{
    (void)name;
    (void)value;
    note(user_data);
}

static void *ask_statistics(void *context)
{
    struct told *told = context;
    for (unsigned i = 0; i < 20; i++) {
        told->elsewhere += emc_stats(told->client, &servers[1].address, NULL, tell_stat, told, NULL) != EMC_OK;
    }
    return NULL;
}

static void lines_of_a_blocking_call_come_from_the_clients_thread(void **state)
{
    (void)state;
    emc_client *client = open_threaded();
    struct told told;
    struct caller brisk[2];
    pthread_t thread;
    learn(&told, client);
    begin(&brisk[0], client, 0, PATIENCE_MS, 300);
    begin(&brisk[1], client, 1, PATIENCE_MS, 300);
    assert_int_equal(pthread_create(&thread, NULL, ask_statistics, &told), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    end(&brisk[0], EMC_OK);
    end(&brisk[1], EMC_OK);
    assert_true(told.count > 20);
    assert_int_equal(told.elsewhere, 0);
    emc_client_destroy(client);
}

static void tell_event(void *user_data, const emc_cluster_event *event)
{
    (void)event;
    note(user_data);
}

static void events_come_from_the_clients_thread_while_others_lead(void **state)
{
    (void)state;
    emc_client *client = open_threaded();
    emc_cluster_management *view = emc_client_cluster_management(client);
    struct told told;
    struct caller brisk[2];
    learn(&told, client);
    assert_int_equal(emc_cluster_subscribe(view, tell_event, &told, NULL), EMC_OK);
    begin(&brisk[0], client, 1, PATIENCE_MS, UINT32_MAX);
    begin(&brisk[1], client, 1, PATIENCE_MS, UINT32_MAX);
    server_kill(&servers[0]);
    await_count(&told, 1); /* it is down */
    server_restart(&servers[0]);
    await_count(&told, 2);
    brisk[0].stop = brisk[1].stop = true;
    end(&brisk[0], EMC_OK);
    end(&brisk[1], EMC_OK);
    assert_int_equal(told.elsewhere, 0);
    emc_client_destroy(client);
}

static void let_go(void *user_data)
{
    note(user_data);
}

/* The operation ends at its deadline, half sent; its value is looked at, and given back, when the server takes it or the connection ends. */
static void a_value_is_given_back_from_the_clients_thread(void **state)
{
    (void)state;
    enum { LENGTH = 6 * 1000 * 1000 };
    emc_options options = patient_options();
    options.threaded = true;
    emc_client *client = open_client(servers, 1, &options);
    char version[64], *value = calloc(1, LENGTH);
    struct told told;
    assert_non_null(value);
    assert_int_equal(emc_version(client, &servers[0].address, version, NULL), EMC_OK);
    emc_call learning = {.callback = learn_thread, .user_data = &told};
    told = (struct told){.client = client};
    assert_int_equal(emc_version_async(client, &servers[0].address, &learning), EMC_OK);
    await_count(&told, 1);
    server_freeze(&servers[0]);
    emc_call call = {.callback = tell_and_go_on, .user_data = &told, .released = let_go, .timeout_ms = 50};
    assert_int_equal(emc_set_async(client, EMC_STR("large"), value, LENGTH, 0, 0, &call), EMC_OK);
    await_count(&told, 2); /* its outcome: no operation is under way any more */
    struct caller waiting;
    begin(&waiting, client, 0, PATIENCE_MS, 1);
    await_pending(client, 1);
    server_thaw(&servers[0]);
    await_count(&told, 3);
    assert_int_equal(pthread_join(waiting.thread, NULL), 0);
    assert_int_equal(told.elsewhere, 0);
    free(value);
    emc_client_destroy(client);
}

/* ------------------------------------------------------------------ the end */

static void destroy_it(void *user_data, const emc_result *result)
{
    (void)result;
    emc_client_destroy(user_data);
}

static void a_callback_destroys_the_client_while_another_thread_waits(void **state)
{
    (void)state;
    emc_client *client = open_threaded();
    emc_cluster_management *view = emc_cluster_management_retain(emc_client_cluster_management(client));
    struct caller waiting[2];
    emc_call call = {.callback = destroy_it, .user_data = client};
    emc_error error = {EMC_OK, ""};
    server_freeze(&servers[0]);
    for (unsigned i = 0; i < 2; i++) {
        begin(&waiting[i], client, 0, 200 + 100 * i, 1);
        await_pending(client, i + 1);
    }
    assert_int_equal(emc_version_async(client, &servers[1].address, &call), EMC_OK);
    end(&waiting[0], EMC_ERROR_TIMEOUT);
    end(&waiting[1], EMC_ERROR_TIMEOUT); /* the last of them ends it */
    assert_int_equal(emc_cluster_set_weight(view, &servers[0].address, 100, &error), EMC_ERROR_CLOSED);
    emc_cluster_management_release(view);
    server_thaw(&servers[0]);
}

/* ------------------------------------------------------------------ all at once */

struct crowd {
    struct told *told;
    unsigned number, errors;
};

static void *mix(void *context)
{
    struct crowd *crowd = context;
    emc_client *client = crowd->told->client;
    emc_call call = {.callback = tell_and_go_on, .user_data = crowd->told};
    char key[32], value[32];
    size_t length = (size_t)snprintf(key, sizeof key, "crowd%u", crowd->number);
    for (unsigned i = 0; i < ROUNDS; i++) {
        emc_item item = {0};
        size_t value_length = (size_t)snprintf(value, sizeof value, "%u of %u", i, crowd->number);
        bool right = emc_set(client, key, length, value, value_length, 0, 0, NULL) == EMC_OK &&
                     emc_get(client, key, length, &item, NULL) == EMC_OK && item.value_length == value_length &&
                     memcmp(item.value, value, value_length) == 0;
        emc_item_release(&item);
        if (crowd->number % 8 == 0 && i % 10 == 0) {
            right = right && emc_get_async(client, key, length, &call) == EMC_OK;
        }
        crowd->errors += !right;
    }
    return NULL;
}

static void many_threads_block_and_some_submit_meanwhile(void **state)
{
    (void)state;
    emc_client *client = open_threaded();
    struct told told;
    struct crowd crowd[THREADS];
    pthread_t threads[THREADS];
    learn(&told, client);
    for (unsigned i = 0; i < THREADS; i++) {
        crowd[i] = (struct crowd){&told, i, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, mix, &crowd[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(crowd[i].errors, 0);
    }
    await_count(&told, THREADS / 8 * ROUNDS / 10);
    assert_int_equal(told.elsewhere, 0);
    emc_client_destroy(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_leader_that_is_answered_leaves_nobody_behind),
        cmocka_unit_test(those_who_wait_longer_are_served_when_the_leader_goes),
        cmocka_unit_test(each_deadline_is_kept_when_leader_after_leader_times_out),
        cmocka_unit_test(a_call_whose_node_goes_away_ends),
        cmocka_unit_test(callbacks_come_from_the_clients_thread_while_another_waits),
        cmocka_unit_test(lines_of_a_blocking_call_come_from_the_clients_thread),
        cmocka_unit_test(events_come_from_the_clients_thread_while_others_lead),
        cmocka_unit_test(a_value_is_given_back_from_the_clients_thread),
        cmocka_unit_test(a_callback_destroys_the_client_while_another_thread_waits),
        cmocka_unit_test(many_threads_block_and_some_submit_meanwhile),
    };
    return cmocka_run_group_tests(tests, start_servers, stop_servers);
}
