/* emcache from several threads, on the public header alone: each makes one blocking get after the other.
 *
 * Modes: shared (one client for all, options.threaded), own (a client for each). --in-flight is the number of threads. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <emcache.h>

#include "measure.h"

#define THREADS_MAX 256

struct bench {
    struct bench_arguments arguments;
    bool shared;
    emc_client *client; /* of all */
    pthread_barrier_t together;
    atomic_bool stop;
    _Atomic uint64_t operations;
};

struct worker {
    struct bench *bench;
    unsigned number;
    pthread_t thread;
};

static emc_client *open_client(const struct bench *bench, bool threaded)
{
    static emc_address nodes[BENCH_NODES_MAX];
    emc_options options = emc_options_default();
    emc_error error = {EMC_OK, ""};
    emc_client *client = NULL;
    options.threaded = threaded;
    options.timeout_ms = 60000;
    for (size_t i = 0; i < bench->arguments.nodes; i++) {
        nodes[i] = emc_address_tcp(bench->arguments.hosts[i], bench->arguments.ports[i]);
    }
    if (emc_client_create(&client, nodes, bench->arguments.nodes, &options, &error) != EMC_OK) {
        bench_fail("no client: %s", error.message);
    }
    return client;
}

static void get_one(const struct bench *bench, emc_client *client, unsigned number)
{
    char key[BENCH_KEY_LENGTH + 1];
    emc_item item = {0};
    bench_key(key, number % bench->arguments.keys);
    if (emc_get(client, key, BENCH_KEY_LENGTH, &item, NULL) != EMC_OK) {
        bench_fail("get: %s", emc_client_error_message(client));
    }
    emc_item_release(&item);
}

static void *work(void *context)
{
    struct worker *worker = context;
    struct bench *bench = worker->bench;
    emc_client *client = bench->shared ? bench->client : open_client(bench, false);
    uint64_t operations = 0;
    unsigned next = worker->number * 37;
    get_one(bench, client, next);
    pthread_barrier_wait(&bench->together);
    while (!atomic_load_explicit(&bench->stop, memory_order_relaxed)) {
        get_one(bench, client, next++);
        operations++;
    }
    bench->operations += operations;
    if (!bench->shared) {
        emc_client_destroy(client);
    }
    return NULL;
}

static void run(struct bench *bench, struct worker *workers)
{
    unsigned count = bench->arguments.in_flight;
    struct bench_run figures;
    pthread_barrier_init(&bench->together, NULL, count + 1);
    for (unsigned i = 0; i < count; i++) {
        workers[i] = (struct worker){.bench = bench, .number = i};
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) {
            bench_fail("no thread");
        }
    }
    pthread_barrier_wait(&bench->together);
    bench_begin(&figures, &bench->arguments);
    struct timespec nap = {.tv_nsec = 1000000};
    while (bench_more(&figures, 0)) {
        nanosleep(&nap, NULL);
    }
    bench->stop = true;
    for (unsigned i = 0; i < count; i++) {
        pthread_join(workers[i].thread, NULL);
    }
    figures.operations = bench->operations;
    bench_report(&figures);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    static struct worker workers[THREADS_MAX];
    bench_parse(&bench.arguments, argc, argv);
    bench.shared = strcmp(bench.arguments.mode, "shared") == 0;
    if (bench.arguments.in_flight > THREADS_MAX || (!bench.shared && strcmp(bench.arguments.mode, "own") != 0)) {
        bench_fail("--mode shared or own, --in-flight 1 to %d", THREADS_MAX);
    }
    bench.client = bench.shared ? open_client(&bench, true) : NULL;
    run(&bench, workers);
    if (bench.shared) {
        emc_client_destroy(bench.client);
    }
    return 0;
}
