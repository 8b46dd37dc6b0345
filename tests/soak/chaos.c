/* Kills and restarts, one node after the other. */
#include "chaos.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

uint64_t chaos_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* False: the end was asked for. */
static bool pause_ms(const struct chaos *chaos, uint32_t milliseconds)
{
    struct pollfd ending = {chaos->ending, POLLIN, 0};
    return poll(&ending, 1, (int)milliseconds) == 0;
}

static void kill_and_return(struct chaos *chaos, size_t node)
{
    struct node_times *times = &chaos->nodes[node];
    atomic_fetch_add(&times->life, 1);
    atomic_store(&times->back_ns, 0);
    server_kill(&chaos->servers[node]);
    atomic_fetch_add(&times->life, 1);
    atomic_store(&times->killed_ns, chaos_now_ns());
    atomic_fetch_add(&chaos->kills, 1);
    poll(NULL, 0, (int)chaos->down_ms); /* to the end, even when the killing is to end: each kill is a whole one */
    atomic_fetch_add(&times->life, 1);
    server_restart(&chaos->servers[node]);
    atomic_store(&times->back_ns, chaos_now_ns());
}

static void *run(void *context)
{
    struct chaos *chaos = context;
    for (size_t node = 0; pause_ms(chaos, chaos->every_ms - chaos->down_ms); node = (node + 1) % NODES) {
        kill_and_return(chaos, node);
    }
    uint64_t one;
    struct pollfd ending = {chaos->ending, POLLIN, 0};
    assert_int_equal(read(chaos->ending, &one, sizeof one), sizeof one);
    atomic_store(&chaos->quiet, true);
    poll(&ending, 1, -1);
    return NULL;
}

void chaos_start(struct chaos *chaos, struct server *servers, uint32_t every_ms, uint32_t down_ms)
{
    memset(chaos, 0, sizeof *chaos);
    chaos->servers = servers;
    chaos->every_ms = every_ms;
    chaos->down_ms = down_ms;
    chaos->ending = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
    assert_true(chaos->ending >= 0);
    assert_int_equal(pthread_create(&chaos->thread, NULL, run, chaos), 0);
}

static void raise_event(const struct chaos *chaos)
{
    uint64_t one = 1;
    assert_int_equal(write(chaos->ending, &one, sizeof one), sizeof one);
}

void chaos_calm(struct chaos *chaos)
{
    raise_event(chaos);
}

void chaos_end(struct chaos *chaos)
{
    raise_event(chaos);
    pthread_join(chaos->thread, NULL);
    close(chaos->ending);
}
