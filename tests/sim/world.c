/* The virtual clock and its queue: a binary heap of events, ordered by time and then by when they were set. See world.h. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE ((size_t)256 * 1024)

void sim_world_init(struct sim_world *world, uint64_t seed)
{
    memset(world, 0, sizeof *world);
    world->random.state = seed * 0x9E3779B97F4A7C15u + 1;
    world->now_ns = SIM_S;
    world->unix_begin_s = 1700000000;
}

void sim_world_deinit(struct sim_world *world)
{
    while (world->chunks != NULL) {
        struct sim_chunk *next = world->chunks->next;
        free(world->chunks);
        world->chunks = next;
    }
    free(world->heap);
    world->heap = NULL;
}

/* ------------------------------------------------------------------ events */

static bool sooner(const struct sim_event *a, const struct sim_event *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void put_at(struct sim_world *world, uint32_t position, struct sim_event *event)
{
    world->heap[position - 1] = event;
    event->position = position;
}

static void sift_up(struct sim_world *world, uint32_t position, struct sim_event *event)
{
    while (position > 1 && sooner(event, world->heap[position / 2 - 1])) {
        put_at(world, position, world->heap[position / 2 - 1]);
        position /= 2;
    }
    put_at(world, position, event);
}

static void sift_down(struct sim_world *world, uint32_t position, struct sim_event *event)
{
    for (;;) {
        uint32_t child = position * 2;
        if (child > world->heap_count) {
            break;
        }
        if (child < world->heap_count && sooner(world->heap[child], world->heap[child - 1])) {
            child++;
        }
        if (!sooner(world->heap[child - 1], event)) {
            break;
        }
        put_at(world, position, world->heap[child - 1]);
        position = child;
    }
    put_at(world, position, event);
}

void sim_event_clear(struct sim_world *world, struct sim_event *event)
{
    uint32_t position = event->position;
    if (position == 0) {
        return;
    }
    event->position = 0;
    struct sim_event *last = world->heap[--world->heap_count];
    if (last == event) {
        return;
    }
    if (position > 1 && sooner(last, world->heap[position / 2 - 1])) {
        sift_up(world, position, last);
    } else {
        sift_down(world, position, last);
    }
}

static void make_room(struct sim_world *world)
{
    if (world->heap_count < world->heap_capacity) {
        return;
    }
    world->heap_capacity = world->heap_capacity == 0 ? 256 : world->heap_capacity * 2;
    world->heap = realloc(world->heap, world->heap_capacity * sizeof(struct sim_event *));
    if (world->heap == NULL) {
        abort();
    }
}

void sim_event_set(struct sim_world *world, struct sim_event *event, void (*fire)(struct sim_event *event),
                   uint64_t at_ns)
{
    sim_event_clear(world, event);
    make_room(world);
    event->at_ns = at_ns < world->now_ns ? world->now_ns : at_ns;
    event->order = world->order++;
    event->fire = fire;
    world->heap_count++;
    sift_up(world, world->heap_count, event);
}

bool sim_world_step(struct sim_world *world, uint64_t until_ns)
{
    if (world->heap_count == 0 || world->heap[0]->at_ns > until_ns) {
        world->now_ns = until_ns > world->now_ns ? until_ns : world->now_ns;
        return false;
    }
    struct sim_event *event = world->heap[0];
    world->now_ns = event->at_ns;
    sim_event_clear(world, event);
    event->fire(event);
    return true;
}

/* ------------------------------------------------------------------ memory */

void *sim_world_keep(struct sim_world *world, size_t size)
{
    size = (size + 15) & ~(size_t)15;
    if (world->chunks == NULL || world->chunks->size - world->chunks->used < size) {
        size_t payload = size > CHUNK_SIZE ? size : CHUNK_SIZE;
        struct sim_chunk *chunk = malloc(32 + payload);
        if (chunk == NULL) {
            abort();
        }
        *chunk = (struct sim_chunk){world->chunks, 0, payload};
        world->chunks = chunk;
    }
    void *memory = (char *)world->chunks + 32 + world->chunks->used;
    world->chunks->used += size;
    return memset(memory, 0, size);
}

const char *sim_world_text(struct sim_world *world, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    size_t size = (size_t)length < sizeof text ? (size_t)length + 1 : sizeof text;
    return memcpy(sim_world_keep(world, size), text, size);
}

/* ------------------------------------------------------------------ chance, words */

uint64_t sim_between(struct sim_world *world, uint64_t low, uint64_t high)
{
    return low + emc__random_below(&world->random, high - low + 1);
}

bool sim_chance(struct sim_world *world, uint32_t percent)
{
    return emc__random_below(&world->random, 100) < percent;
}

void sim_trace(const struct sim_world *world, const char *format, ...)
{
    if (!world->trace) {
        return;
    }
    printf("%12.6f ms  ", (double)(world->now_ns - SIM_S) / 1e6);
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
}

void sim_problem(struct sim_world *world, const char *format, ...)
{
    va_list arguments;
    if (world->failed) {
        return;
    }
    world->failed = true;
    int used = snprintf(world->problem, sizeof world->problem, "at %.3f ms: ", (double)(world->now_ns - SIM_S) / 1e6);
    va_start(arguments, format);
    vsnprintf(world->problem + used, sizeof world->problem - (size_t)used, format, arguments);
    va_end(arguments);
    sim_trace(world, "PROBLEM %s", world->problem);
}
