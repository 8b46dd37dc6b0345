/* The thread that kills a server every few seconds and starts it again, and when it did so. */
#ifndef EMC_TESTS_SOAK_CHAOS_H
#define EMC_TESTS_SOAK_CHAOS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "model.h"
#include "servers.h"

/* One node's death and return. Times in nanoseconds; 0: not yet. */
struct node_times {
    _Atomic uint32_t life;      /* see model.h */
    _Atomic uint64_t killed_ns; /* the last time */
    _Atomic uint64_t back_ns;   /* when it accepted again after that; 0: it is down */
};

struct chaos {
    struct server *servers; /* NODES of them */
    struct node_times nodes[NODES];
    uint32_t every_ms, down_ms;
    atomic_uint kills;
    int ending; /* eventfd, a semaphore: the first ends the killing, the second the thread */
    atomic_bool quiet;
    pthread_t thread;
};

void chaos_start(struct chaos *chaos, struct server *servers, uint32_t every_ms, uint32_t down_ms);
/* Kills no more; chaos->quiet tells when all servers run. They live as long as the thread that started them. */
void chaos_calm(struct chaos *chaos);
/* Ends the thread. */
void chaos_end(struct chaos *chaos);
uint64_t chaos_now_ns(void);

#endif
