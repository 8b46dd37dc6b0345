/* The counting, failing allocator: see memory.h. Each block has a header that tells a foreign or twice released pointer. */
#include "memory.h"

#include <stdlib.h>
#include <string.h>

#define ALIVE  0x53494d414c495645u
#define GONE   0x53494d474f4e4521u
#define FILLED 256 /* bytes at the front that are filled; all of them would cost more than it finds */
#define FRESH  0xA5
#define STALE  0x5A

struct header {
    uint64_t state;
    size_t size;
};

static bool refused(struct sim_memory *memory)
{
    memory->requests++;
    bool fails = memory->requests == memory->fail_at ||
                 (memory->fail_per_mille > 0 &&
                  emc__random_below(&memory->world->random, 1000) < memory->fail_per_mille);
    memory->failed += fails;
    if (fails) {
        sim_trace(memory->world, "memory: request %llu is refused", (unsigned long long)memory->requests);
    }
    return fails;
}

static void fill(void *block, size_t size, int with)
{
    memset(block, with, size < FILLED ? size : FILLED);
}

static void *allocate(void *context, size_t size)
{
    struct sim_memory *memory = context;
    if (refused(memory)) {
        return NULL;
    }
    struct header *header = malloc(sizeof *header + size);
    if (header == NULL) {
        return NULL;
    }
    *header = (struct header){ALIVE, size};
    memory->blocks++;
    memory->bytes += size;
    memory->bytes_max = memory->bytes > memory->bytes_max ? memory->bytes : memory->bytes_max;
    fill(header + 1, size, FRESH);
    return header + 1;
}

static void release(void *context, void *pointer)
{
    struct sim_memory *memory = context;
    if (pointer == NULL) {
        return;
    }
    struct header *header = (struct header *)pointer - 1;
    if (header->state != ALIVE) {
        sim_problem(memory->world, "memory: released a block that is not out");
        return;
    }
    header->state = GONE;
    memory->blocks--;
    memory->bytes -= header->size;
    fill(pointer, header->size, STALE);
    free(header);
}

static void *reallocate(void *context, void *pointer, size_t size)
{
    if (pointer == NULL) {
        return allocate(context, size);
    }
    size_t old = ((struct header *)pointer - 1)->size;
    void *fresh = allocate(context, size);
    if (fresh != NULL) {
        memcpy(fresh, pointer, old < size ? old : size);
        release(context, pointer);
    }
    return fresh;
}

void sim_memory_init(struct sim_memory *memory, struct sim_world *world)
{
    memset(memory, 0, sizeof *memory);
    memory->world = world;
    memory->allocator = (emc_allocator){allocate, reallocate, release, memory};
}
