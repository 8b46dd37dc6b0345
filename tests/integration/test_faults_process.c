/* Faults of the process itself: signals that interrupt every system call, SIGPIPE at its default, several clients in several threads, cancelling at every moment, no standard streams.
 * Allocations that fail are in test_out_of_memory.c, fork in test_fork.c, descriptors in test_faults_connect.c. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <emcache.h>

#include "certificates.h"
#include "trial.h"

static struct server server;

static int start(void **state)
{
    (void)state;
    server_start(&server, NULL);
    return 0;
}

static int stop_all(void **state)
{
    (void)state;
    server_kill(&server);
    return 0;
}

/* ------------------------------------------------------------------ signals */

static atomic_uint alarms;

static void count_alarm(int number)
{
    (void)number;
    atomic_fetch_add(&alarms, 1);
}

/* Threads that are started meanwhile inherit it: the storm is the client's thread's alone. */
static void block_alarms(int how)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    assert_int_equal(pthread_sigmask(how, &set, NULL), 0);
}

/* Every 200 microseconds, without SA_RESTART: whatever waits is interrupted. */
static void set_storm(bool on)
{
    struct sigaction action = {.sa_handler = count_alarm};
    struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, on ? &often : &never, NULL), 0);
}

static void check_under_storm(const emc_options *options, const struct server *which)
{
    static char large[300000], key[32];
    struct trial trial;
    block_alarms(SIG_BLOCK);
    trial_begin(&trial, which, options);
    block_alarms(SIG_UNBLOCK);
    memset(large, 'L', sizeof large);
    alarms = 0;
    set_storm(true);
    for (unsigned i = 0; i < 3000 || alarms < 200; i++) {
        emc_item item = {0};
        size_t key_length = (size_t)snprintf(key, sizeof key, "storm-%u", i % 50);
        size_t length = i % 20 == 0 ? sizeof large : 100;
        assert_int_equal(emc_set(trial.client, key, key_length, large, length, 0, 0, NULL), EMC_OK);
        assert_int_equal(emc_get(trial.client, key, key_length, &item, NULL), EMC_OK);
        assert_int_equal(item.value_length, length);
        emc_item_release(&item);
    }
    proxy_end_connections(trial.proxy, true); /* connecting too */
    trial_recovers(&trial);
    set_storm(false);
    assert_in_range(alarms, 200, 100000000);
    trial_end(&trial);
}

static void a_storm_of_signals_disturbs_no_operation(void **state)
{
    (void)state;
    check_under_storm(NULL, &server);
}

static void a_storm_of_signals_disturbs_no_operation_under_tls(void **state)
{
    (void)state;
    struct server_settings settings = {.tls = true};
    struct server secured;
    emc_options options = with_tls(trial_options());
    server_start(&secured, &settings);
    check_under_storm(&options, &secured);
    server_kill(&secured);
}

/* A broken connection is written to, again and again, with SIGPIPE at its default: it would end the process. */
static void sigpipe_never_reaches_the_program(void **state)
{
    (void)state;
    static char large[400000];
    struct server_settings settings = {.tls = true};
    struct server secured;
    emc_options tls = with_tls(trial_options());
    server_start(&secured, &settings);
    signal(SIGPIPE, SIG_DFL);
    for (int i = 0; i < 20; i++) {
        struct trial trial;
        struct proxy_fault fault = {.cut = PROXY_CUT_RESET, .after = 1000};
        trial_begin(&trial, i % 2 == 0 ? &server : &secured, i % 2 == 0 ? NULL : &tls);
        proxy_spoil(trial.proxy, PROXY_TO_SERVER, &fault);
        assert_true(emc_set(trial.client, EMC_STR("large"), large, sizeof large, 0, 0, NULL) < 0);
        trial_recovers(&trial);
        trial_end(&trial);
    }
    server_kill(&secured);
}

/* ------------------------------------------------------------------ threads */

struct worker {
    pthread_t thread;
    unsigned number;
    bool went_well;
};

/* A client of its own in each thread: nothing is shared but the library. */
static void *work(void *context)
{
    struct worker *worker = context;
    emc_options options = patient_options();
    emc_client *client = NULL;
    bool well = true;
    for (unsigned round = 0; round < 5 && well; round++) {
        well = emc_client_create(&client, &server.address, 1, &options, NULL) == EMC_OK;
        for (unsigned i = 0; i < 100 && well; i++) {
            char key[32], value[32];
            emc_item item = {0};
            size_t key_length = (size_t)snprintf(key, sizeof key, "thread-%u-%u", worker->number, i);
            size_t value_length = (size_t)snprintf(value, sizeof value, "%u of %u", i, worker->number);
            well = emc_set(client, key, key_length, value, value_length, 0, 0, NULL) == EMC_OK &&
                   emc_get(client, key, key_length, &item, NULL) == EMC_OK && item.value_length == value_length &&
                   memcmp(item.value, value, value_length) == 0;
            emc_item_release(&item);
        }
        emc_client_destroy(client);
    }
    worker->went_well = well;
    return NULL;
}

static void clients_in_several_threads_share_nothing(void **state)
{
    (void)state;
    enum { WORKERS = 4 };
    struct worker workers[WORKERS];
    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i].number = i;
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_true(workers[i].went_well);
    }
}

static void *fork_often(void *context)
{
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        if (child == 0) {
            _exit(0);
        }
        int status;
        *(bool *)context = waitpid(child, &status, 0) == child && status == 0;
    }
    return NULL;
}

/* Another thread forks while this one is in the middle of its operations: the parent notices nothing. */
static void a_fork_in_another_thread_disturbs_nothing(void **state)
{
    (void)state;
    struct trial trial;
    pthread_t thread;
    bool well = false;
    trial_begin(&trial, &server, NULL);
    assert_int_equal(pthread_create(&thread, NULL, fork_often, &well), 0);
    for (int i = 0; i < 500; i++) {
        assert_int_equal(trial_get(&trial, "k", "value", NULL), EMC_OK);
    }
    pthread_join(thread, NULL);
    assert_true(well);
    assert_int_equal(trial_metrics(&trial).connections_created, 1);
    trial_end(&trial);
}

/* ------------------------------------------------------------------ cancelling */

/* One of each kind, cancelled after so many turns of the loop: each completes once, cancelled or answered, and the connection is never given up. */
static void cancelling_at_every_moment_completes_each_operation_once(void **state)
{
    (void)state;
    enum { KINDS = 4, TURNS = 12 };
    static char large[100000];
    struct trial trial;
    struct proxy_fault slow = {.piece = 16384, .delay_ms = 2};
    trial_begin(&trial, &server, NULL);
    memset(large, 'v', sizeof large);
    assert_int_equal(emc_set(trial.client, EMC_STR("large"), large, sizeof large, 0, 0, NULL), EMC_OK);
    proxy_spoil(trial.proxy, PROXY_TO_CLIENT, &slow);
    for (unsigned turns = 0; turns < TURNS; turns++) {
        struct outcome outcomes[KINDS];
        uint64_t operations[KINDS];
        emc_call calls[KINDS];
        for (unsigned i = 0; i < KINDS; i++) {
            calls[i] = keep(&outcomes[i]);
            calls[i].operation_out = &operations[i];
        }
        assert_int_equal(emc_get_async(trial.client, EMC_STR("large"), &calls[0]), EMC_OK);
        assert_int_equal(emc_get_async(trial.client, EMC_STR("k"), &calls[1]), EMC_OK);
        assert_int_equal(emc_set_async(trial.client, EMC_STR("other"), EMC_STR("v"), 0, 0, &calls[2]), EMC_OK);
        assert_int_equal(emc_delete_async(trial.client, EMC_STR("none"), &calls[3]), EMC_OK);
        for (unsigned turn = 0; turn < turns; turn++) {
            emc_client_wait(trial.client, 2);
        }
        for (unsigned i = 0; i < KINDS; i++) {
            emc_status status = emc_cancel(trial.client, operations[i]);
            assert_true(status == EMC_OK || (status == EMC_MISS && outcomes[i].last));
        }
        for (unsigned i = 0; i < KINDS; i++) {
            await(trial.client, &outcomes[i]);
            assert_true(outcomes[i].status == EMC_ERROR_CANCELLED || outcomes[i].status >= 0);
        }
    }
    proxy_heal(trial.proxy);
    assert_int_equal(trial_get(&trial, "k", "value", NULL), EMC_OK);
    assert_int_equal(trial_metrics(&trial).connections_created, 1);
    trial_end(&trial);
}

/* ------------------------------------------------------------------ closed standard streams */

/* The exit code of a process in which a value is stored and fetched; 10 and more: a number of a standard stream was taken. */
static int talk_without_streams(emc_client *client)
{
    emc_item item = {0};
    bool stored = emc_set(client, EMC_STR("stream"), EMC_STR("value"), 0, 0, NULL) == EMC_OK;
    bool fetched = emc_get(client, EMC_STR("stream"), &item, NULL) == EMC_OK && item.value_length == 5;
    int code = stored && fetched ? 0 : 1;
    emc_item_release(&item);
    for (int stream = 0; stream <= STDERR_FILENO; stream++) {
        code += fcntl(stream, F_GETFD) == -1 ? 0 : 10;
    }
    return code;
}

/* libuv aborts when it closes a descriptor below 3, and whatever the program prints would go to a server. */
static void a_program_without_standard_streams_prints_into_no_connection(void **state)
{
    (void)state;
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        emc_client *client = NULL;
        for (int stream = 0; stream <= STDERR_FILENO; stream++) {
            close(stream);
        }
        int code = 3;
        if (emc_client_create(&client, &server.address, 1, NULL, NULL) == EMC_OK) {
            code = talk_without_streams(client);
        }
        emc_client_destroy(client);
        _exit(code);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_storm_of_signals_disturbs_no_operation),
        cmocka_unit_test(a_storm_of_signals_disturbs_no_operation_under_tls),
        cmocka_unit_test(sigpipe_never_reaches_the_program),
        cmocka_unit_test(clients_in_several_threads_share_nothing),
        cmocka_unit_test(a_fork_in_another_thread_disturbs_nothing),
        cmocka_unit_test(cancelling_at_every_moment_completes_each_operation_once),
        cmocka_unit_test(a_program_without_standard_streams_prints_into_no_connection),
    };
    return cmocka_run_group_tests(tests, start, stop_all);
}
