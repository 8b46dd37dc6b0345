/* What finding a key's node costs, for each kind of routing and from one node to a thousand: nanoseconds a key, and memory a node.
 *
 *   bench_routing                                   the tables
 *   bench_routing --kind N --nodes N --keys N       one kind and nothing else, for an instruction counter (valgrind --tool=callgrind);
 *                 [--together N]                    N keys in each call, instead of one
 *   bench_routing --spread                          how evenly each kind spreads keys over 10 and 100 nodes
 *
 * Linked to the core library: this is a part of the engine, not of the interface. Each figure is the least of many short rounds, which is what a noisy machine
 * leaves of the truth. "Chained": each look-up begins when the one before has ended, as when its node is used at once. "Overlapping": they may run into one
 * another, as in a loop over keys. "Together": 32 keys in one call, as the bulk commands ask. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "routing/member_name.h"
#include "routing/murmur3.h"
#include "routing/routing.h"

#define KEYS      4096
#define NODES_MAX 1000
#define ROUNDS    25
#define TOGETHER  32

static const struct {
    const char *name;
    emc_routing_kind kind;
} kinds[] = {
    {"emcache", EMC_ROUTING_EMCACHE},
    {"rendezvous", EMC_ROUTING_RENDEZVOUS},
    {"ketama-weighted", EMC_ROUTING_KETAMA_WEIGHTED},
    {"ketama", EMC_ROUTING_KETAMA},
    {"ketama-md5", EMC_ROUTING_KETAMA_MD5},
    {"modula", EMC_ROUTING_MODULA},
    {"pymemcache", EMC_ROUTING_PYMEMCACHE},
    {"pymemcache-bytes", EMC_ROUTING_PYMEMCACHE_BYTES},
    {"spymemcached", EMC_ROUTING_SPYMEMCACHED},
    {"twemproxy", EMC_ROUTING_TWEMPROXY},
    {"jump", EMC_ROUTING_JUMP},
    {"mcrouter", EMC_ROUTING_MCROUTER},
    {"dalli", EMC_ROUTING_DALLI},
};

#define KIND_COUNT (sizeof kinds / sizeof kinds[0])

static const size_t node_counts[] = {1, 10, 100, 1000};

#define NODE_COUNTS (sizeof node_counts / sizeof node_counts[0])

static struct emc__routing_member members[NODES_MAX];
static char hosts[NODES_MAX][32];
static char keys[KEYS][32];
static struct emc__slice slices[KEYS]; /* of keys */

/* ------------------------------------------------------------------ the setting */

static size_t allocated; /* bytes that the router asked for and kept */

static void *allocate(void *context, size_t size)
{
    size_t *block = malloc(size + 16);
    (void)context;
    allocated += size;
    return block == NULL ? NULL : (*block = size, (char *)block + 16);
}

static void release(void *context, void *pointer)
{
    (void)context;
    if (pointer != NULL) {
        size_t *block = (size_t *)(void *)((char *)pointer - 16);
        allocated -= *block;
        free(block);
    }
}

static void *reallocate(void *context, void *pointer, size_t size)
{
    (void)context;
    (void)pointer;
    (void)size;
    return NULL; /* no router asks for it */
}

static const emc_allocator counting = {allocate, reallocate, release, NULL};

static void prepare(void)
{
    for (size_t i = 0; i < NODES_MAX; i++) {
        snprintf(hosts[i], sizeof hosts[i], "cache-%zu.example.com", i);
        members[i] = (struct emc__routing_member){.host = hosts[i], .port = 11211, .weight = 100};
    }
    for (size_t i = 0; i < KEYS; i++) {
        slices[i] = emc__slice_of(keys[i], (size_t)snprintf(keys[i], sizeof keys[i], "user:%zu:name", i * 37 % 100000));
    }
}

static struct emc__router *build(emc_routing_kind kind, size_t nodes)
{
    struct emc__router *router = NULL;
    if (emc__router_build(&counting, kind, members, nodes, &router) != EMC_OK) {
        fputs("a router could not be built\n", stderr);
        exit(1);
    }
    return router;
}

static double now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* ------------------------------------------------------------------ look-ups */

/* What answers: a router, or the naive way. */
typedef uint32_t look_up(const void *with, struct emc__slice key);

static uint32_t ask_router(const void *with, struct emc__slice key)
{
    return emc__router_pick(with, key);
}

struct naive_ids {
    size_t count;
    size_t lengths[NODES_MAX];
    uint8_t ids[NODES_MAX][64];
};

/* emcache's mapping as one would write it down: murmur3 of key ‖ id for each node. (Ties are left out: they cost nothing.) */
static uint32_t ask_naively(const void *with, struct emc__slice key)
{
    const struct naive_ids *naive = with;
    uint64_t best = 0;
    uint32_t found = 0;
    for (uint32_t i = 0; i < naive->count; i++) {
        uint8_t text[512];
        memcpy(text, key.data, key.length);
        memcpy(text + key.length, naive->ids[i], naive->lengths[i]);
        uint64_t hash = emc__murmur3_x64_128(emc__slice_of(text, key.length + naive->lengths[i]));
        uint64_t score = (hash & 0x8080) != 0       ? 0xffffff00u | (hash & 0xff)
                         : (hash & 0x800000) != 0   ? 0xffff0000u | (hash & 0xff)
                         : (hash & 0x80000000) != 0 ? 0xff000000u | (hash & 0xff)
                                                    : hash & 0xff;
        found = score > best ? i : found;
        best = score > best ? score : best;
    }
    return found;
}

static volatile uint32_t sink;

/* Nanoseconds a look-up. `chained`: the next key depends on the node found, in a way that the processor can't foresee and that changes nothing. */
static double measure(look_up *ask, const void *with, bool chained, size_t keys_in_round)
{
    double least = INFINITY;
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint32_t sum = 0, node = 0;
        double begin = now_ns();
        for (size_t i = 0; i < keys_in_round; i++) {
            size_t key = (i + (chained ? node >> 31 : 0)) % KEYS;
            node = ask(with, slices[key]);
            sum += node;
        }
        double took = (now_ns() - begin) / (double)keys_in_round;
        least = took < least ? took : least;
        sink = sum;
    }
    return least;
}

/* Nanoseconds a key, `together` of them in each call. */
static double measure_together(const struct emc__router *router, size_t keys_in_round, size_t together)
{
    double least = INFINITY;
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint32_t picked[KEYS];
        size_t done = 0;
        double begin = now_ns();
        for (; done + together <= keys_in_round; done += together) {
            emc__router_pick_many(router, slices + done, together, picked + done);
        }
        double took = (now_ns() - begin) / (double)done;
        least = took < least ? took : least;
        sink = picked[0];
    }
    return least;
}

/* Slow ones get fewer keys, so that a round stays well below a time slice. */
static size_t keys_for(emc_routing_kind kind, size_t nodes)
{
    bool all_nodes = kind == EMC_ROUTING_EMCACHE || kind == EMC_ROUTING_RENDEZVOUS || kind == EMC_ROUTING_PYMEMCACHE ||
                     kind == EMC_ROUTING_PYMEMCACHE_BYTES;
    return all_nodes && nodes > 10 ? KEYS * 10 / nodes : KEYS;
}

/* ------------------------------------------------------------------ tables */

static void write_speed(bool chained)
{
    printf("%s look-ups, ns a key\n%-18s", chained ? "Chained" : "Overlapping", "nodes");
    for (size_t i = 0; i < NODE_COUNTS; i++) {
        printf("%10zu", node_counts[i]);
    }
    puts("");
    for (size_t kind = 0; kind < KIND_COUNT; kind++) {
        printf("%-18s", kinds[kind].name);
        for (size_t i = 0; i < NODE_COUNTS; i++) {
            struct emc__router *router = build(kinds[kind].kind, node_counts[i]);
            printf("%10.1f", measure(ask_router, router, chained, keys_for(kinds[kind].kind, node_counts[i])));
            fflush(stdout);
            emc__router_destroy(router);
        }
        puts("");
    }
}

/* One key alone and many together in turn, so that both see the same machine. */
static void write_together(void)
{
    printf("\nTogether, %d keys in a call: ns a key, and of a chained one's time\n%-18s", TOGETHER, "nodes");
    for (size_t i = 1; i < NODE_COUNTS; i++) {
        printf("%10zu       ", node_counts[i]);
    }
    puts("");
    for (size_t kind = 0; kind < KIND_COUNT; kind++) {
        printf("%-18s", kinds[kind].name);
        for (size_t i = 1; i < NODE_COUNTS; i++) {
            struct emc__router *router = build(kinds[kind].kind, node_counts[i]);
            size_t in_round = keys_for(kinds[kind].kind, node_counts[i]);
            double alone = measure(ask_router, router, true, in_round),
                   together = measure_together(router, in_round, TOGETHER);
            printf("%10.1f (%.2f)", together, together / alone);
            fflush(stdout);
            emc__router_destroy(router);
        }
        puts("");
    }
}

/* Ours and the naive way in turn, so that both see the same machine. */
static void write_naive(void)
{
    static struct naive_ids naive;
    printf("\nemcache's rendezvous against murmur3 of key and id for each node, ns a key\n%10s%10s%10s%8s\n", "nodes",
           "ours", "naive", "ratio");
    for (size_t i = 1; i < NODE_COUNTS; i++) {
        struct emc__router *router = build(EMC_ROUTING_EMCACHE, node_counts[i]);
        naive.count = node_counts[i];
        for (size_t j = 0; j < naive.count; j++) {
            uint8_t name[EMC__MEMBER_NAME_SIZE];
            naive.lengths[j] = emc__member_name(&members[j], EMC__MEMBER_JOINED, name);
            memcpy(naive.ids[j], name, naive.lengths[j]);
        }
        size_t in_round = keys_for(EMC_ROUTING_EMCACHE, node_counts[i]);
        double ours = measure(ask_router, router, true, in_round), slow = measure(ask_naively, &naive, true, in_round);
        printf("%10zu%10.1f%10.1f%8.1f\n", node_counts[i], ours, slow, slow / ours);
        emc__router_destroy(router);
    }
}

static void write_memory(void)
{
    printf("\nMemory a node, bytes (100 nodes), and time to build, µs (10, 100 and 1000 nodes)\n");
    for (size_t kind = 0; kind < KIND_COUNT; kind++) {
        printf("%-18s", kinds[kind].name);
        for (size_t i = 1; i < NODE_COUNTS; i++) {
            double begin = now_ns();
            struct emc__router *router = build(kinds[kind].kind, node_counts[i]);
            double took = (now_ns() - begin) / 1000;
            if (node_counts[i] == 100) {
                printf("%8zu", allocated / 100);
            }
            printf("%10.0f", took);
            emc__router_destroy(router);
        }
        puts("");
    }
}

static void write_spread(void)
{
    puts(
        "A million keys: the share of the fullest and the emptiest node, of an even share, and the standard deviation\n"
        "nodes                            10                              100");
    for (size_t kind = 0; kind < KIND_COUNT; kind++) {
        printf("%-18s", kinds[kind].name);
        for (size_t nodes = 10; nodes <= 100; nodes *= 10) {
            static double found[NODES_MAX];
            struct emc__router *router = build(kinds[kind].kind, nodes);
            double even = 1e6 / (double)nodes, fullest = 0, emptiest = 1e6, squares = 0;
            memset(found, 0, sizeof found);
            for (unsigned i = 0; i < 1000000; i++) {
                char key[32];
                int length = snprintf(key, sizeof key, "user:%u:name", i);
                found[emc__router_pick(router, emc__slice_of(key, (size_t)length))]++;
            }
            for (size_t i = 0; i < nodes; i++) {
                fullest = fmax(fullest, found[i]);
                emptiest = fmin(emptiest, found[i]);
                squares += (found[i] / even - 1) * (found[i] / even - 1);
            }
            printf("   %+6.1f %% %+6.1f %%  sd %5.1f %%", (fullest / even - 1) * 100, (emptiest / even - 1) * 100,
                   sqrt(squares / (double)nodes) * 100);
            emc__router_destroy(router);
        }
        puts("");
    }
}

/* ------------------------------------------------------------------ the program */

/* The argument behind `name`, or `otherwise`. */
static size_t argument(int argc, char **argv, const char *name, size_t otherwise)
{
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], name) == 0) {
            return strtoul(argv[i + 1], NULL, 10);
        }
    }
    return otherwise;
}

static void ask_for(const struct emc__router *router, size_t count, size_t together)
{
    uint32_t picked[KEYS];
    for (size_t i = 0; i < count && together == 1; i++) {
        sink = emc__router_pick(router, slices[i % KEYS]);
    }
    for (size_t i = 0; i < count && together > 1 && together <= KEYS / 2; i += together) {
        emc__router_pick_many(router, slices + i % (KEYS / 2), together, picked);
        sink = picked[0];
    }
}

int main(int argc, char **argv)
{
    size_t kind = argument(argc, argv, "--kind", KIND_COUNT), nodes = argument(argc, argv, "--nodes", 10);
    prepare();
    if (argc > 1 && strcmp(argv[1], "--spread") == 0) {
        write_spread();
    } else if (kind < KIND_COUNT && nodes >= 1 && nodes <= NODES_MAX) {
        struct emc__router *router = build(kinds[kind].kind, nodes);
        ask_for(router, argument(argc, argv, "--keys", 10000), argument(argc, argv, "--together", 1));
        emc__router_destroy(router);
    } else {
        write_speed(true);
        puts("");
        write_speed(false);
        write_together();
        write_naive();
        write_memory();
    }
    return 0;
}
