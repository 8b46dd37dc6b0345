/* Traffic for the demo: a steady, rate-limited mix of gets and sets through the asynchronous calls, each outcome counted and each value checked. */
#ifndef EMCACHE_CLI_TRAFFIC_H
#define EMCACHE_CLI_TRAFFIC_H

#include <emcache.h>

#define TRAFFIC_KINDS_MAX 16

/* What became of the operations. */
struct traffic_counts {
    uint64_t operations; /* completed */
    uint64_t hits;
    uint64_t misses;
    uint64_t sets;
    uint64_t errors;
    uint64_t wrong; /* hits with a value that is not their key's: must never be */
    struct {
        emc_status status;
        uint64_t count;
    } kinds[TRAFFIC_KINDS_MAX]; /* the errors by kind */
    size_t kind_count;
};

struct traffic;

/* What an operation's callback is given: its key, and whose it is. */
struct traffic_slot {
    struct traffic *traffic;
    uint32_t number;
    uint64_t submitted_ns; /* when the key was last asked for */
};

struct traffic {
    emc_client *client;
    struct traffic_counts *counts; /* where outcomes are counted now */
    struct traffic_slot *slots;    /* one for each key */
    size_t key_count;
    double rate; /* operations a second */
    uint64_t begun_ns;
    uint64_t due; /* operations submitted since then */
    uint64_t random;
    /* Hears of each operation that a node answered: which one, and after how long. */
    void (*on_answer)(void *context, const emc_address *node, double seconds);
    void *context;
};

/* False when memory ran out. */
bool traffic_init(struct traffic *traffic, emc_client *client, size_t key_count, double rate);
/* Only when no operation is under way any more. */
void traffic_deinit(struct traffic *traffic);

/* Stores every key once; the outcomes are counted like the others. */
void traffic_fill(struct traffic *traffic, uint64_t now_ns);
/* Starts the clock of the rate. */
void traffic_begin(struct traffic *traffic, uint64_t now_ns);
/* Submits what is due by now: nine gets and a set in ten; a miss is followed by a set of that key, as a program would. */
void traffic_submit(struct traffic *traffic, uint64_t now_ns);

/* Adds the counts of `from` to `to`. */
void traffic_counts_add(struct traffic_counts *to, const struct traffic_counts *from);
/* Hits among the gets that were answered; 1 when there were none. */
double traffic_hit_ratio(const struct traffic_counts *counts);

#endif
