/* The simulated world's frame: a virtual clock, its queue of events, one seeded source of chance, memory that lives as long as the world, and the
 * first thing found wrong in it. Knows nothing of networks, servers or clients. Reads no real clock. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "base/random.h"

#define SIM_US 1000u
#define SIM_MS 1000000u
#define SIM_S  1000000000u

static inline uint64_t sim_ms(uint64_t milliseconds)
{
    return milliseconds * SIM_MS;
}

/* Something that will happen. Lives in what it happens to; zeroed means not set. */
struct sim_event {
    uint64_t at_ns, order;
    uint32_t position; /* in the heap, from 1; 0: not set */
    void (*fire)(struct sim_event *event);
};

struct sim_chunk {
    struct sim_chunk *next;
    size_t used, size;
};

struct sim_world {
    uint64_t now_ns;
    uint64_t unix_begin_s; /* what a server's calendar said when the virtual clock was 0 */
    struct emc__random random;
    struct sim_event **heap;
    uint32_t heap_count, heap_capacity;
    uint64_t order;    /* events of one time happen in the order they were set */
    uint64_t sequence; /* numbers everything that happens to stored items, over all servers */
    struct sim_chunk *chunks;
    bool trace;
    bool failed;
    char problem[1024];
};

void sim_world_init(struct sim_world *world, uint64_t seed);
void sim_world_deinit(struct sim_world *world);

/* Sets or moves an event. A time gone by means now. */
void sim_event_set(struct sim_world *world, struct sim_event *event, void (*fire)(struct sim_event *event), uint64_t at_ns);
/* Harmless on an event that is not set. */
void sim_event_clear(struct sim_world *world, struct sim_event *event);
static inline bool sim_event_is_set(const struct sim_event *event)
{
    return event->position != 0;
}

/* Lets the next event happen; false when there is none until `until_ns` (the clock then stands there). */
bool sim_world_step(struct sim_world *world, uint64_t until_ns);

/* Zeroed memory until the world ends. */
void *sim_world_keep(struct sim_world *world, size_t size);
/* A copy of the words, kept. */
const char *sim_world_text(struct sim_world *world, const char *format, ...) EMC__PRINTF(2, 3);

/* Uniform in [low, high]. */
uint64_t sim_between(struct sim_world *world, uint64_t low, uint64_t high);
/* True with a probability of `percent` in a hundred. */
bool sim_chance(struct sim_world *world, uint32_t percent);

/* A line of the trace, when there is one. Guard costly arguments with world->trace. */
void sim_trace(const struct sim_world *world, const char *format, ...) EMC__PRINTF(2, 3);
/* Something is wrong. The first one is kept. */
void sim_problem(struct sim_world *world, const char *format, ...) EMC__PRINTF(2, 3);

#endif
