/* A client that several threads use: every value is right, every callback comes once and from one thread, and whatever one thread does leaves the others'
 * calls alone. The thread sanitizer runs these. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
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

#define THREADS 8
#define ROUNDS  300

static struct server servers[3];

static int start_servers(void **state)
{
    (void)state;
    servers_start(servers, 3);
    return 0;
}

static int stop_servers(void **state)
{
    (void)state;
    servers_kill(servers, 3);
    return 0;
}

static emc_client *open_threaded(void)
{
    emc_options options = patient_options();
    options.threaded = true;
    return open_client(servers, 3, &options);
}

/* One thread's part; a failing assertion is told to the test's own thread by `fault`. */
struct part {
    pthread_t thread;
    emc_client *client;
    unsigned number;
    bool faults_allowed; /* servers go away meanwhile: errors are fine, wrong values are not */
    atomic_bool *stop;   /* NULL: ROUNDS rounds */
    unsigned rounds, errors;
    const char *fault;
};

#define MUST(condition)               \
    do {                              \
        if (!(condition)) {           \
            part->fault = #condition; \
            return part;              \
        }                             \
    } while (0)

static bool goes_on(const struct part *part)
{
    return part->fault == NULL && (part->stop != NULL ? !atomic_load(part->stop) : part->rounds < ROUNDS);
}

/* Whether a status may be looked at further: an error that is allowed ends the round. */
static bool went_well(struct part *part, emc_status status)
{
    if (status < 0) {
        part->errors++;
        part->fault = part->faults_allowed ? part->fault : emc_client_error_message(part->client);
    }
    return status >= 0;
}

static bool is_text(const emc_item *item, const char *text)
{
    return item->value_length == strlen(text) && memcmp(item->value, text, item->value_length) == 0;
}

/* A key of its own for each round (where nodes come and go, another may have an older value of it): what was stored is what is found. */
static bool store_and_fetch(struct part *part)
{
    char key[32], value[64];
    size_t length = (size_t)snprintf(key, sizeof key, "t%u-%u", part->number, part->rounds);
    snprintf(value, sizeof value, "thread %u says %u", part->number, part->rounds);
    emc_item item = {0};
    if (!went_well(part, emc_set(part->client, key, length, value, strlen(value), 0, 0, NULL))) {
        return true;
    }
    emc_status status = emc_get(part->client, key, length, &item, NULL);
    bool right = !went_well(part, status) || (status == EMC_MISS && part->faults_allowed) || is_text(&item, value);
    emc_item_release(&item);
    return right;
}

static bool fetch_many(struct part *part)
{
    char names[20][32], value[64];
    emc_key keys[20];
    emc_item items[20] = {{0}};
    bool right = true;
    for (unsigned i = 0; i < 20; i++) {
        int length = snprintf(names[i], sizeof names[i], "m%u-%u", part->number, i);
        keys[i] = (emc_key){names[i], (size_t)length};
        snprintf(value, sizeof value, "many %u of %u", i, part->number);
        (void)went_well(part, emc_set(part->client, names[i], (size_t)length, value, strlen(value), 0, 0, NULL));
    }
    (void)went_well(part, emc_get_many(part->client, keys, 20, items, NULL));
    for (unsigned i = 0; i < 20; i++) {
        snprintf(value, sizeof value, "many %u of %u", i, part->number);
        right = right && (items[i].status == EMC_OK ? is_text(&items[i], value) : part->faults_allowed);
    }
    emc_items_release(items, 20);
    return right;
}

static void *talk(void *context)
{
    struct part *part = context;
    for (; goes_on(part); part->rounds++) {
        MUST(store_and_fetch(part));
        if (part->rounds % 50 == 0) {
            MUST(fetch_many(part));
        }
    }
    return part;
}

static void begin(struct part *part, emc_client *client, unsigned number, void *(*work)(void *context))
{
    *part = (struct part){
        .client = client, .number = number, .faults_allowed = part->faults_allowed, .stop = part->stop};
    assert_int_equal(pthread_create(&part->thread, NULL, work, part), 0);
}

static void end(struct part *part)
{
    assert_int_equal(pthread_join(part->thread, NULL), 0);
    if (part->fault != NULL) {
        fail_msg("thread %u, round %u: %s", part->number, part->rounds, part->fault);
    }
}

/* The same work in all threads. */
static void run_all(emc_client *client, void *(*work)(void *context), struct part parts[THREADS])
{
    memset(parts, 0, THREADS * sizeof *parts);
    for (unsigned i = 0; i < THREADS; i++) {
        begin(&parts[i], client, i, work);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        end(&parts[i]);
    }
}

static void end_all(atomic_bool *stop, struct part parts[THREADS])
{
    atomic_store(stop, true);
    for (unsigned i = 0; i < THREADS; i++) {
        end(&parts[i]);
    }
}

/* ------------------------------------------------------------------ values */

static void every_thread_finds_what_it_stored(void **state)
{
    (void)state;
    emc_client *client = open_threaded();
    struct part parts[THREADS];
    run_all(client, talk, parts);
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(parts[i].rounds, ROUNDS);
    }
    assert_int_equal(emc_client_pending(client), 0);
    emc_client_destroy(client);
}

static void *count_up(void *context)
{
    struct part *part = context;
    for (; goes_on(part); part->rounds++) {
        uint64_t number;
        MUST(emc_incr(part->client, EMC_STR("shared"), 1, &number, NULL) == EMC_OK);
        MUST(number >= part->rounds + 1u && number <= THREADS * ROUNDS);
    }
    return part;
}

static void a_counter_that_all_raise_misses_no_step(void **state)
{
    (void)state;
    emc_client *client = open_threaded();
    struct part parts[THREADS];
    assert_int_equal(emc_set(client, EMC_STR("shared"), "0", 1, 0, 0, NULL), EMC_OK);
    run_all(client, count_up, parts);
    uint64_t number = 0;
    assert_int_equal(emc_incr(client, EMC_STR("shared"), 0, &number, NULL), EMC_OK);
    assert_int_equal(number, THREADS * ROUNDS);
    emc_client_destroy(client);
}

/* One wins the lease and fills; the others wait and are given the value. */
static void *fetch_or_fill(void *context)
{
    struct part *part = context;
    emc_item item = {0};
    emc_lease lease = {0};
    emc_status status = emc_fetch(part->client, EMC_STR("leased"), 30, 0, 10000, &item, &lease, NULL);
    if (lease.won) {
        part->rounds = 1;
        usleep(100000); /* the work that the lease is for */
        MUST(emc_fill(part->client, EMC_STR("leased"), "filled", 6, 0, 0, &lease, NULL) == EMC_OK);
    } else {
        MUST(status == EMC_OK);
        MUST(is_text(&item, "filled"));
    }
    emc_item_release(&item);
    return part;
}

static void threads_that_want_the_same_key_wait_for_the_one_that_fills_it(void **state)
{
    (void)state;
    emc_client *client = open_threaded();
    struct part parts[THREADS];
    unsigned winners = 0;
    (void)emc_delete(client, EMC_STR("leased"), NULL);
    run_all(client, fetch_or_fill, parts);
    for (unsigned i = 0; i < THREADS; i++) {
        winners += parts[i].rounds;
    }
    assert_int_equal(winners, 1);
    emc_client_destroy(client);
}

/* ------------------------------------------------------------------ faults */

static void a_node_that_dies_and_comes_back_costs_errors_and_no_wrong_value(void **state)
{
    (void)state;
    emc_client *client = open_threaded();
    emc_cluster_management *view = emc_client_cluster_management(client);
    atomic_bool stop = false;
    struct part parts[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        parts[i] = (struct part){.faults_allowed = true, .stop = &stop};
        begin(&parts[i], client, i, talk);
    }
    server_kill(&servers[1]);
    emc_node_state node_state = {.healthy = true};
    for (uint64_t end_ms = clock_ms() + PATIENCE_MS; node_state.healthy && clock_ms() < end_ms;) {
        assert_int_equal(emc_cluster_node_state(view, &servers[1].address, &node_state), EMC_OK);
        emc_client_wait(client, 10);
    }
    assert_false(node_state.healthy);
    server_restart(&servers[1]);
    for (uint64_t end_ms = clock_ms() + PATIENCE_MS; !node_state.healthy && clock_ms() < end_ms;) {
        assert_int_equal(emc_cluster_node_state(view, &servers[1].address, &node_state), EMC_OK);
        emc_client_wait(client, 10);
    }
    assert_true(node_state.healthy);
    end_all(&stop, parts);
    emc_client_destroy(client);
}

static void *be_refused(void *context)
{
    struct part *part = context;
    char key[400], words[32];
    memset(key, 'k', sizeof key);
    for (; goes_on(part); part->rounds++) {
        size_t length = 251 + part->number;
        emc_item item = {0};
        MUST(emc_get(part->client, key, length, &item, NULL) == EMC_ERROR_KEY);
        snprintf(words, sizeof words, "%zu", length);
        MUST(strstr(emc_client_error_message(part->client), words) != NULL);
        const emc_key keys[2] = {{EMC_STR("fine")}, {key, length}};
        emc_item items[2] = {{0}};
        MUST(emc_get_many(part->client, keys, 2, items, NULL) == EMC_ERROR_KEY);
        MUST(strstr(emc_client_error_message(part->client), words) != NULL);
        MUST(strstr(emc_client_error_message(part->client), "keys[1]") != NULL);
    }
    return part;
}

static void each_thread_reads_the_words_of_its_own_error(void **state)
{
    (void)state;
    emc_client *client = open_threaded();
    struct part parts[THREADS];
    run_all(client, be_refused, parts);
    emc_client_destroy(client);
}

/* ------------------------------------------------------------------ callbacks */

struct counts {
    atomic_uint results;
    atomic_bool inside, overlapped, elsewhere;
    pthread_t thread; /* of the first callback */
    emc_client *client;
    atomic_int refused; /* what a blocking call inside a callback was told */
};

static void count_result(void *user_data, const emc_result *result)
{
    struct counts *counts = user_data;
    if (atomic_exchange(&counts->inside, true)) {
        counts->overlapped = true;
    }
    if (counts->results == 0) {
        counts->thread = pthread_self();
    }
    if (!pthread_equal(counts->thread, pthread_self()) || result->status != EMC_OK) {
        counts->elsewhere = true;
    }
    emc_item item;
    counts->refused = emc_get(counts->client, EMC_STR("k"), &item, NULL);
    counts->inside = false;
    counts->results++;
}

static struct counts counts;

static void *submit_many(void *context)
{
    struct part *part = context;
    emc_call call = {.callback = count_result, .user_data = &counts};
    for (; goes_on(part); part->rounds++) {
        MUST(emc_set_async(part->client, EMC_STR("k"), "v", 1, 0, 0, &call) == EMC_OK);
    }
    return part;
}

static void callbacks_come_once_one_at_a_time_from_the_clients_thread(void **state)
{
    (void)state;
    emc_client *client = open_threaded();
    struct part parts[THREADS];
    memset(&counts, 0, sizeof counts);
    counts.client = client;
    run_all(client, submit_many, parts);
    for (uint64_t end_ms = clock_ms() + PATIENCE_MS; emc_client_pending(client) > 0 && clock_ms() < end_ms;) {
        emc_client_wait(client, 100);
    }
    assert_int_equal(counts.results, THREADS * ROUNDS);
    assert_false(counts.overlapped);
    assert_false(counts.elsewhere);
    assert_false(pthread_equal(counts.thread, pthread_self()));
    assert_int_equal(counts.refused, EMC_ERROR_STATE);
    emc_client_destroy(client);
}

static void nobody_else_may_run_it(void **state)
{
    (void)state;
    emc_client *client = open_threaded();
    assert_int_equal(emc_client_descriptor(client), -1);
    assert_int_equal(emc_client_next_deadline_ms(client), -1);
    assert_int_equal(emc_client_process(client), 0);
    assert_int_equal(emc_client_busy_poll(client), 0);
    uint64_t begin_ms = clock_ms();
    assert_int_equal(emc_client_wait(client, 30), 0);
    assert_in_range(clock_ms() - begin_ms, 29, PATIENCE_MS);
    emc_client_destroy(client);
}

/* ------------------------------------------------------------------ nodes */

static void *ask_cluster(void *context)
{
    struct part *part = context;
    emc_cluster_management *view = emc_client_cluster_management(part->client);
    for (; goes_on(part); part->rounds++) {
        emc_node_list *list = NULL;
        emc_pool_metrics metrics;
        MUST(emc_cluster_nodes(view, &list) == EMC_OK);
        MUST(list->count == 2 || list->count == 3);
        MUST(emc_cluster_connection_pool_metrics(view, &list->nodes[0], &metrics) == EMC_OK);
        emc_node_list_destroy(list);
    }
    return part;
}

static void nodes_come_and_go_while_threads_talk(void **state)
{
    (void)state;
    emc_client *client = open_threaded();
    emc_cluster_management *view = emc_client_cluster_management(client);
    atomic_bool stop = false;
    struct part parts[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        parts[i] = (struct part){.faults_allowed = true, .stop = &stop};
        begin(&parts[i], client, i, i % 4 == 0 ? ask_cluster : talk);
    }
    for (unsigned i = 0; i < 50; i++) {
        assert_int_equal(emc_cluster_remove_node(view, &servers[2].address, NULL), EMC_OK);
        emc_client_wait(client, 2);
        assert_int_equal(emc_cluster_add_node(view, &servers[2].address, 100, NULL), EMC_OK);
        emc_client_wait(client, 2);
    }
    end_all(&stop, parts);
    emc_client_destroy(client);
}

/* The view is another thread's, too: it asks while the client ends, and afterwards. */
static void *ask_until_told(void *context)
{
    struct part *part = context;
    emc_cluster_management *view = (emc_cluster_management *)(void *)part->client;
    for (; goes_on(part); part->rounds++) {
        emc_node_list *list = NULL;
        MUST(emc_cluster_nodes(view, &list) == EMC_OK);
        MUST(list->count == 3);
        emc_node_list_destroy(list);
    }
    emc_cluster_management_release(view);
    return part;
}

static void a_view_outlives_its_client_in_every_thread(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        emc_client *client = open_threaded();
        atomic_bool stop = false;
        struct part parts[2];
        for (unsigned j = 0; j < 2; j++) {
            emc_cluster_management *view = emc_cluster_management_retain(emc_client_cluster_management(client));
            parts[j] = (struct part){.stop = &stop};
            begin(&parts[j], (emc_client *)(void *)view, j, ask_until_told);
        }
        emc_client_destroy(client);
        atomic_store(&stop, true);
        end(&parts[0]);
        end(&parts[1]);
    }
}

/* ------------------------------------------------------------------ the end */

static void what_is_under_way_at_the_end_is_cancelled(void **state)
{
    (void)state;
    emc_client *client = open_threaded();
    struct outcome outcome;
    emc_call call = keep(&outcome);
    server_freeze(&servers[0]);
    assert_int_equal(emc_version_async(client, &servers[0].address, &call), EMC_OK);
    emc_client_destroy(client);
    server_thaw(&servers[0]);
    assert_true(outcome.last);
    assert_int_equal(outcome.status, EMC_ERROR_CANCELLED);
}

static atomic_bool destroyed;

static void destroy_it(void *user_data, const emc_result *result)
{
    (void)result;
    emc_client_destroy(user_data);
    destroyed = true;
}

static void a_callback_may_destroy_the_client(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        emc_client *client = open_threaded();
        emc_cluster_management *view = emc_cluster_management_retain(emc_client_cluster_management(client));
        emc_call call = {.callback = destroy_it, .user_data = client};
        emc_error error = {EMC_OK, ""};
        destroyed = false;
        assert_int_equal(emc_get_async(client, EMC_STR("k"), &call), EMC_OK);
        /* The view tells when it has happened: the callback's return alone does not. */
        uint64_t end_ms = clock_ms() + PATIENCE_MS;
        while (emc_cluster_set_weight(view, &servers[0].address, 100, &error) != EMC_ERROR_CLOSED &&
               clock_ms() < end_ms) {
            usleep(1000);
        }
        assert_true(destroyed);
        assert_int_equal(error.status, EMC_ERROR_CLOSED);
        emc_cluster_management_release(view);
    }
}

/* ------------------------------------------------------------------ fork */

static bool is_refused(emc_client *client)
{
    emc_item item;
    emc_node_list *list;
    emc_call call = {.callback = count_result};
    return emc_get(client, EMC_STR("k"), &item, NULL) == EMC_ERROR_STATE &&
           strstr(emc_client_error_message(client), "fork") != NULL &&
           emc_set_async(client, EMC_STR("k"), "v", 1, 0, 0, &call) == EMC_ERROR_STATE &&
           emc_cluster_nodes(emc_client_cluster_management(client), &list) == EMC_ERROR_STATE &&
           emc_client_pending(client) == 0 && emc_client_wait(client, 10000) == 0;
}

static bool child_is_refused(emc_client *client)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        bool refused = is_refused(client);
        emc_client_destroy(client);
        _exit(refused ? 0 : 1);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void a_child_of_fork_is_refused_and_the_parent_goes_on(void **state)
{
    (void)state;
    emc_client *client = open_threaded();
    atomic_bool stop = false;
    struct part parts[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        parts[i] = (struct part){.stop = &stop};
        begin(&parts[i], client, i, talk);
    }
    for (unsigned i = 0; i < 5; i++) { /* others are inside at any moment */
        assert_true(child_is_refused(client));
    }
    end_all(&stop, parts);
    emc_client_destroy(client);
}

static atomic_int refused_in_callback;

static void fork_inside(void *user_data, const emc_result *result)
{
    (void)result;
    refused_in_callback = child_is_refused(user_data) ? 1 : -1;
}

/* The thread that forks is inside: in the child it is so, too, and has no business there. */
static void a_child_forked_inside_a_callback_is_refused(void **state)
{
    (void)state;
    emc_client *client = open_threaded();
    emc_call call = {.callback = fork_inside, .user_data = client};
    refused_in_callback = 0;
    assert_int_equal(emc_get_async(client, EMC_STR("k"), &call), EMC_OK);
    for (uint64_t end_ms = clock_ms() + PATIENCE_MS; refused_in_callback == 0 && clock_ms() < end_ms;) {
        emc_client_wait(client, 100);
    }
    assert_int_equal(refused_in_callback, 1);
    emc_client_destroy(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_thread_finds_what_it_stored),
        cmocka_unit_test(a_counter_that_all_raise_misses_no_step),
        cmocka_unit_test(threads_that_want_the_same_key_wait_for_the_one_that_fills_it),
        cmocka_unit_test(a_node_that_dies_and_comes_back_costs_errors_and_no_wrong_value),
        cmocka_unit_test(each_thread_reads_the_words_of_its_own_error),
        cmocka_unit_test(callbacks_come_once_one_at_a_time_from_the_clients_thread),
        cmocka_unit_test(nobody_else_may_run_it),
        cmocka_unit_test(nodes_come_and_go_while_threads_talk),
        cmocka_unit_test(a_view_outlives_its_client_in_every_thread),
        cmocka_unit_test(what_is_under_way_at_the_end_is_cancelled),
        cmocka_unit_test(a_callback_may_destroy_the_client),
        cmocka_unit_test(a_child_of_fork_is_refused_and_the_parent_goes_on),
        cmocka_unit_test(a_child_forked_inside_a_callback_is_refused),
    };
    return cmocka_run_group_tests(tests, start_servers, stop_servers);
}
