/* What a client holds: idle, per operation in flight, and per operation in the steady state. Prints one line of JSON.
 *
 *   memory --ports P,P,P [--mode FILE] [--in-flight N] [--operations N]       mode: a PEM file turns TLS on, trusting it */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <emcache.h>

#include "measure.h"

/* The client's allocator, counted. Blocks carry their size in front. */
struct counted {
    size_t bytes, bytes_max, calls;
};

#define HEADER 16

static void add(struct counted *counted, size_t bytes)
{
    counted->calls++;
    counted->bytes += bytes;
    counted->bytes_max = counted->bytes > counted->bytes_max ? counted->bytes : counted->bytes_max;
}

static void *counted_allocate(void *context, size_t size)
{
    char *block = malloc(size + HEADER);
    if (block == NULL) {
        return NULL;
    }
    *(size_t *)(void *)block = size;
    add(context, size);
    return block + HEADER;
}

static void counted_release(void *context, void *pointer)
{
    if (pointer != NULL) {
        char *block = (char *)pointer - HEADER;
        ((struct counted *)context)->bytes -= *(size_t *)(void *)block;
        free(block);
    }
}

static void *counted_reallocate(void *context, void *pointer, size_t size)
{
    void *moved = counted_allocate(context, size);
    if (moved != NULL && pointer != NULL) {
        size_t old = *(size_t *)(void *)((char *)pointer - HEADER);
        memcpy(moved, pointer, old < size ? old : size);
        counted_release(context, pointer);
    }
    return moved;
}

struct bench {
    struct bench_arguments arguments;
    struct counted counted;
    emc_client *client;
    const char *value;
    unsigned outstanding;
};

static void complete(void *user_data, const emc_result *result)
{
    struct bench *bench = user_data;
    if (result->status < 0) {
        bench_fail("an operation ended with %s", emc_status_name(result->status));
    }
    bench->outstanding--;
}

static void submit(struct bench *bench, unsigned number, bool set)
{
    char key[BENCH_KEY_LENGTH + 1];
    emc_call call = {.callback = complete, .user_data = bench};
    bench_key(key, number);
    emc_status status = set ? emc_set_async(bench->client, key, BENCH_KEY_LENGTH, bench->value,
                                            bench->arguments.value_length, 0, 0, &call)
                            : emc_get_async(bench->client, key, BENCH_KEY_LENGTH, &call);
    if (status != EMC_OK) {
        bench_fail("submit: %s", emc_client_error_message(bench->client));
    }
    bench->outstanding++;
}

static void drain(struct bench *bench)
{
    while (bench->outstanding > 0) {
        emc_client_wait(bench->client, -1);
    }
}

static void open_client(struct bench *bench)
{
    static emc_address nodes[BENCH_NODES_MAX];
    emc_allocator allocator = {counted_allocate, counted_reallocate, counted_release, &bench->counted};
    emc_options options = emc_options_default();
    emc_error error = {EMC_OK, ""};
    options.allocator = &allocator;
    options.timeout_ms = 60000;
    options.tls.enabled = bench->arguments.mode[0] != 0;
    options.tls.trust_file = options.tls.enabled ? bench->arguments.mode : NULL;
    for (size_t i = 0; i < bench->arguments.nodes; i++) {
        nodes[i] = emc_address_tcp(bench->arguments.hosts[i], bench->arguments.ports[i]);
    }
    if (emc_client_create(&bench->client, nodes, bench->arguments.nodes, &options, &error) != EMC_OK) {
        bench_fail("no client: %s", error.message);
    }
    for (size_t i = 0; i < bench->arguments.nodes; i++) {
        char version[EMC_VERSION_TEXT_SIZE];
        if (emc_version(bench->client, &nodes[i], version, NULL) != EMC_OK) {
            bench_fail("version: %s", emc_client_error_message(bench->client));
        }
    }
}

/* The most that `count` operations submitted at once hold, beyond what a fresh idle client holds, their keys and their values; for each. */
static double bytes_in_flight(struct bench *bench, unsigned count, bool set)
{
    open_client(bench);
    size_t before = bench->counted.bytes;
    bench->counted.bytes_max = before;
    for (unsigned i = 0; i < count; i++) {
        submit(bench, i, set);
    }
    size_t payload = BENCH_KEY_LENGTH + (set ? bench->arguments.value_length : 0);
    drain(bench);
    emc_client_destroy(bench->client);
    return (double)(bench->counted.bytes_max - before) / count - (double)payload;
}

static double allocations_per_operation(struct bench *bench, unsigned window, uint64_t operations)
{
    size_t calls = 0;
    for (uint64_t done = 0; done < operations; done += window) {
        if (done == window) {
            calls = bench->counted.calls; /* the first round fills the slabs */
        }
        for (unsigned i = 0; i < window; i++) {
            submit(bench, i, i % 10 == 9);
        }
        drain(bench);
    }
    return (double)(bench->counted.calls - calls) / (double)(operations - window);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    bench_parse(&bench.arguments, argc, argv);
    uint64_t operations = bench.arguments.operations == 0 ? 1000000 : bench.arguments.operations;
    unsigned in_flight = bench.arguments.in_flight == 1 ? 50000 : bench.arguments.in_flight;
    size_t heap = mallinfo2().uordblks;
    bench.value = bench_value(&bench.arguments);
    open_client(&bench);
    size_t idle = bench.counted.bytes;
    size_t idle_heap = mallinfo2().uordblks - heap;
    emc_client_destroy(bench.client);
    double get = bytes_in_flight(&bench, in_flight, false);
    double set = bytes_in_flight(&bench, in_flight, true);
    open_client(&bench);
    double calls = allocations_per_operation(&bench, 1000, 200000);
    size_t begin = bench.counted.bytes;
    allocations_per_operation(&bench, 1000, operations);
    size_t end = bench.counted.bytes;
    emc_client_destroy(bench.client);
    printf(
        "{\"idle_bytes\": %zu, \"idle_heap_bytes\": %zu, \"get_in_flight_bytes\": %.1f, \"set_in_flight_bytes\": %.1f, "
        "\"allocations_per_operation\": %.5f, \"operations\": %llu, \"grown_bytes\": %lld, \"left_bytes\": %zu}\n",
        idle, idle_heap, get, set, calls, (unsigned long long)operations, (long long)end - (long long)begin,
        bench.counted.bytes);
    return 0;
}
