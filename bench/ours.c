/* emcache, on the public header alone.
 *
 * Modes: get, set (blocking, one at a time); get_busy, set_busy (the same with busy polling for 50 µs); get_many (one bulk call of N); get_batch, set_batch, mixed_batch (N submitted, then all awaited, as the limit
 * programs do it); get_window, set_window, mixed_window (N kept in flight: each completion submits the next). Mixed is nine gets to a set. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <emcache.h>

#include "measure.h"

enum kind { KIND_GET, KIND_SET, KIND_MIXED };

struct bench {
    struct bench_arguments arguments;
    struct bench_run run;
    emc_client *client;
    char (*keys)[BENCH_KEY_LENGTH + 1];
    const char *value;
    enum kind kind;
    bool refill; /* a completion submits the next operation */
    unsigned next;
    unsigned outstanding;
    uint64_t completed;
    size_t bytes_received;
};

static void complete(void *user_data, const emc_result *result);

static void submit_one(struct bench *bench)
{
    const emc_call call = {.callback = complete, .user_data = bench};
    const char *key = bench->keys[bench->next % bench->arguments.keys];
    bool set = bench->kind == KIND_SET || (bench->kind == KIND_MIXED && bench->next % 10 == 9);
    bench->next++;
    bench->outstanding++;
    emc_status status = set ? emc_set_async(bench->client, key, BENCH_KEY_LENGTH, bench->value,
                                            bench->arguments.value_length, 0, 0, &call)
                            : emc_get_async(bench->client, key, BENCH_KEY_LENGTH, &call);
    if (status != EMC_OK) {
        bench_fail("submit: %s", emc_client_error_message(bench->client));
    }
}

static void complete(void *user_data, const emc_result *result)
{
    struct bench *bench = user_data;
    if (result->status != EMC_OK) {
        bench_fail("an operation ended with %s: %s", emc_status_name(result->status),
                   result->message == NULL ? "" : result->message);
    }
    bench->outstanding--;
    bench->completed++;
    bench->bytes_received += result->value_length;
    if (bench->refill) {
        submit_one(bench);
    }
}

static void run_batches(struct bench *bench)
{
    do {
        for (unsigned i = 0; i < bench->arguments.in_flight; i++) {
            submit_one(bench);
        }
        while (bench->outstanding > 0) {
            emc_client_wait(bench->client, -1);
        }
    } while (bench_more(&bench->run, bench->arguments.in_flight));
}

static void run_window(struct bench *bench)
{
    uint64_t counted = 0;
    bench->refill = true;
    for (unsigned i = 0; i < bench->arguments.in_flight; i++) {
        submit_one(bench);
    }
    uint64_t before;
    do {
        before = counted;
        emc_client_wait(bench->client, -1);
        counted = bench->completed;
    } while (bench_more(&bench->run, counted - before));
    bench->refill = false;
}

static void run_blocking(struct bench *bench)
{
    unsigned i = 0;
    do {
        const char *key = bench->keys[i++ % bench->arguments.keys];
        emc_item item = {.status = EMC_OK};
        emc_status status = bench->kind == KIND_SET ? emc_set(bench->client, key, BENCH_KEY_LENGTH, bench->value,
                                                              bench->arguments.value_length, 0, 0, NULL)
                                                    : emc_get(bench->client, key, BENCH_KEY_LENGTH, &item, NULL);
        if (status != EMC_OK) {
            bench_fail("blocking: %s", emc_client_error_message(bench->client));
        }
        emc_item_release(&item);
    } while (bench_more(&bench->run, 1));
}

static void run_many(struct bench *bench)
{
    unsigned count = bench->arguments.in_flight;
    emc_key *keys = calloc(bench->arguments.keys, sizeof *keys);
    emc_item *items = calloc(count, sizeof *items);
    unsigned first = 0;
    if (keys == NULL || items == NULL) {
        bench_fail("out of memory");
    }
    for (unsigned i = 0; i < bench->arguments.keys; i++) {
        keys[i] = (emc_key){bench->keys[i], BENCH_KEY_LENGTH};
    }
    do {
        first = first + count > bench->arguments.keys ? 0 : first;
        if (emc_get_many(bench->client, keys + first, count, items, NULL) != EMC_OK || items[0].status != EMC_OK) {
            bench_fail("get_many: %s", emc_client_error_message(bench->client));
        }
        emc_items_release(items, count);
        first += count;
    } while (bench_more(&bench->run, count));
    free(keys);
    free(items);
}

static emc_routing_kind routing_of(const char *name)
{
    static const struct {
        const char *name;
        emc_routing_kind kind;
    } kinds[] = {{"", EMC_ROUTING_EMCACHE},
                 {"rendezvous", EMC_ROUTING_RENDEZVOUS},
                 {"ketama", EMC_ROUTING_KETAMA_WEIGHTED},
                 {"jump", EMC_ROUTING_JUMP},
                 {"modula", EMC_ROUTING_MODULA}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return kinds[i].kind;
        }
    }
    bench_fail("unknown routing %s", name);
}

/* Every node has answered before anything is measured: under callgrind a large batch takes longer to submit than an attempt to connect may. */
static void speak_to_all(struct bench *bench, const emc_address *nodes)
{
    for (size_t i = 0; i < bench->arguments.nodes; i++) {
        char version[EMC_VERSION_TEXT_SIZE];
        if (emc_version(bench->client, &nodes[i], version, NULL) != EMC_OK) {
            bench_fail("version: %s", emc_client_error_message(bench->client));
        }
    }
}

static void open_client(struct bench *bench)
{
    static emc_address nodes[BENCH_NODES_MAX];
    emc_options options = emc_options_default();
    emc_error error = {EMC_OK, ""};
    options.routing = routing_of(bench->arguments.routing);
    options.timeout_ms = 60000;
    options.bytes_waiting_max = 64u << 20; /* 100,000 sets at once */
    options.busy_poll_us = strstr(bench->arguments.mode, "_busy") != NULL ? 50 : 0;
    for (size_t i = 0; i < bench->arguments.nodes; i++) {
        nodes[i] = emc_address_tcp(bench->arguments.hosts[i], bench->arguments.ports[i]);
    }
    if (emc_client_create(&bench->client, nodes, bench->arguments.nodes, &options, &error) != EMC_OK) {
        bench_fail("no client: %s", error.message);
    }
    speak_to_all(bench, nodes);
    bench->value = bench_value(&bench->arguments);
    bench->keys = calloc(bench->arguments.keys, sizeof *bench->keys);
    if (bench->keys == NULL) {
        bench_fail("out of memory");
    }
    for (unsigned i = 0; i < bench->arguments.keys; i++) {
        bench_key(bench->keys[i], i);
    }
}

static void parse_mode(struct bench *bench)
{
    const char *mode = bench->arguments.mode;
    bench->kind = strncmp(mode, "set", 3) == 0 ? KIND_SET : strncmp(mode, "mixed", 5) == 0 ? KIND_MIXED : KIND_GET;
}

static void run_mode(struct bench *bench)
{
    const char *way = strchr(bench->arguments.mode, '_');
    bench_begin(&bench->run, &bench->arguments);
    if (way == NULL || strcmp(way, "_busy") == 0) {
        run_blocking(bench);
    } else if (strcmp(way, "_many") == 0) {
        run_many(bench);
    } else if (strcmp(way, "_batch") == 0) {
        run_batches(bench);
    } else if (strcmp(way, "_window") == 0) {
        run_window(bench);
    } else {
        bench_fail("unknown mode %s", bench->arguments.mode);
    }
}

static void drain(struct bench *bench)
{
    while (bench->outstanding > 0) {
        emc_client_wait(bench->client, -1);
    }
}

/* Connections are made, slabs and caches are filled before the clock begins. */
static void warm_up(struct bench *bench)
{
    struct bench_arguments asked = bench->arguments;
    bench->arguments.operations = bench->arguments.in_flight > 500 ? 4ull * bench->arguments.in_flight : 2000;
    run_mode(bench);
    drain(bench);
    bench->arguments = asked;
}

int main(int argc, char **argv)
{
    static struct bench bench;
    bench_parse(&bench.arguments, argc, argv);
    parse_mode(&bench);
    open_client(&bench);
    warm_up(&bench);
    run_mode(&bench);
    bench_report(&bench.run);
    drain(&bench);
    emc_client_destroy(bench.client);
    free(bench.keys);
    return 0;
}
