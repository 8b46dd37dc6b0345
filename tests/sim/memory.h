/* An allocator that counts what is out, fills what it gives and takes back, and fails on demand. */
#ifndef SIM_MEMORY_H
#define SIM_MEMORY_H

#include <emcache/platform.h>

#include "world.h"

struct sim_memory {
    struct sim_world *world;
    emc_allocator allocator; /* what the client is given */
    size_t blocks, bytes;    /* out now */
    size_t bytes_max;
    uint64_t requests;       /* so far */
    uint64_t fail_at;        /* the request of this number (from 1) fails; 0: none */
    uint32_t fail_per_mille; /* so many in a thousand fail */
    uint64_t failed;         /* requests that were refused */
};

void sim_memory_init(struct sim_memory *memory, struct sim_world *world);

#endif
