/* libmemcached, with the options its users set for speed (TCP_NODELAY, NO_BLOCK). Modes: get, set (one at a time), mget (N keys in one call), set_buffered
 * (its buffered, answerless sets, flushed every N). In front of a mode: "binary_" speaks the binary protocol, "plain_" leaves NO_BLOCK off. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmemcached/memcached.h>

#include "measure.h"

struct bench {
    struct bench_arguments arguments;
    struct bench_run run;
    memcached_st *client;
    char (*names)[BENCH_KEY_LENGTH + 1];
    const char **keys;
    size_t *lengths;
    const char *value;
};

static void check(const struct bench *bench, memcached_return_t result)
{
    if (result != MEMCACHED_SUCCESS && result != MEMCACHED_BUFFERED) {
        bench_fail("libmemcached: %s", memcached_strerror(bench->client, result));
    }
}

static void run_get(struct bench *bench)
{
    unsigned i = 0;
    do {
        size_t length = 0;
        uint32_t flags = 0;
        memcached_return_t result;
        char *value = memcached_get(bench->client, bench->keys[i++ % bench->arguments.keys], BENCH_KEY_LENGTH, &length,
                                    &flags, &result);
        check(bench, result);
        free(value);
    } while (bench_more(&bench->run, 1));
}

static void run_set(struct bench *bench, bool buffered)
{
    unsigned i = 0;
    unsigned at_once = buffered ? bench->arguments.in_flight : 1;
    memcached_behavior_set(bench->client, MEMCACHED_BEHAVIOR_NOREPLY, buffered);
    memcached_behavior_set(bench->client, MEMCACHED_BEHAVIOR_BUFFER_REQUESTS, buffered);
    do {
        for (unsigned j = 0; j < at_once; j++) {
            check(bench, memcached_set(bench->client, bench->keys[i++ % bench->arguments.keys], BENCH_KEY_LENGTH,
                                       bench->value, bench->arguments.value_length, 0, 0));
        }
        if (buffered) {
            check(bench, memcached_flush_buffers(bench->client));
        }
    } while (bench_more(&bench->run, at_once));
}

static void run_mget(struct bench *bench)
{
    unsigned count = bench->arguments.in_flight;
    unsigned first = 0;
    memcached_result_st found;
    memcached_result_create(bench->client, &found);
    do {
        memcached_return_t result;
        unsigned seen = 0;
        first = first + count > bench->arguments.keys ? 0 : first;
        check(bench, memcached_mget(bench->client, bench->keys + first, bench->lengths + first, count));
        while (memcached_fetch_result(bench->client, &found, &result) != NULL) {
            seen++;
        }
        if (seen != count) {
            bench_fail("%u of %u values", seen, count);
        }
        first += count;
    } while (bench_more(&bench->run, count));
    memcached_result_free(&found);
}

/* Takes the word off the front of the mode; true when it was there. */
static bool take_prefix(struct bench *bench, const char *word)
{
    bool there = strncmp(bench->arguments.mode, word, strlen(word)) == 0;
    bench->arguments.mode += there ? strlen(word) : 0;
    return there;
}

static void open_client(struct bench *bench)
{
    unsigned keys = bench->arguments.keys;
    bench->client = memcached_create(NULL);
    for (size_t i = 0; i < bench->arguments.nodes; i++) {
        check(bench, memcached_server_add(bench->client, bench->arguments.hosts[i], bench->arguments.ports[i]));
    }
    memcached_behavior_set(bench->client, MEMCACHED_BEHAVIOR_TCP_NODELAY, 1);
    memcached_behavior_set(bench->client, MEMCACHED_BEHAVIOR_BINARY_PROTOCOL, take_prefix(bench, "binary_"));
    memcached_behavior_set(bench->client, MEMCACHED_BEHAVIOR_NO_BLOCK, !take_prefix(bench, "plain_"));
    bench->names = calloc(keys, sizeof *bench->names);
    bench->keys = calloc(keys, sizeof *bench->keys);
    bench->lengths = calloc(keys, sizeof *bench->lengths);
    bench->value = bench_value(&bench->arguments);
    if (bench->names == NULL || bench->keys == NULL || bench->lengths == NULL) {
        bench_fail("out of memory");
    }
    for (unsigned i = 0; i < keys; i++) {
        bench_key(bench->names[i], i);
        bench->keys[i] = bench->names[i];
        bench->lengths[i] = BENCH_KEY_LENGTH;
    }
}

static void run_mode(struct bench *bench)
{
    bench_begin(&bench->run, &bench->arguments);
    if (strcmp(bench->arguments.mode, "get") == 0) {
        run_get(bench);
    } else if (strcmp(bench->arguments.mode, "mget") == 0) {
        run_mget(bench);
    } else if (strncmp(bench->arguments.mode, "set", 3) == 0) {
        run_set(bench, bench->arguments.mode[3] != 0);
    } else {
        bench_fail("unknown mode %s", bench->arguments.mode);
    }
}

int main(int argc, char **argv)
{
    static struct bench bench;
    bench_parse(&bench.arguments, argc, argv);
    open_client(&bench);
    struct bench_arguments asked = bench.arguments;
    bench.arguments.operations = bench.arguments.in_flight > 500 ? 4ull * bench.arguments.in_flight : 2000;
    run_mode(&bench);
    bench.arguments = asked;
    run_mode(&bench);
    bench_report(&bench.run);
    memcached_free(bench.client);
    return 0;
}
