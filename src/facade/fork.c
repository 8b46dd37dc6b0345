/* fork: a generation that every child raises, so that a client notices that its sockets are its parent's. */
#include <pthread.h>
#include <stdatomic.h>

#include "base/rare.h"
#include "facade/facade.h"

static _Atomic uint64_t generation;
static pthread_once_t registered = PTHREAD_ONCE_INIT;

static void in_child(void)
{
    atomic_fetch_add_explicit(&generation, 1, memory_order_relaxed);
}

static void register_once(void)
{
    (void)pthread_atfork(NULL, NULL, in_child);
}

uint64_t emc__fork_generation(void)
{
    (void)pthread_once(&registered, register_once);
    return atomic_load_explicit(&generation, memory_order_relaxed);
}

EMC__RARE static void begin_anew(struct emc__facade *facade, uint64_t now)
{
    if (emc__client_in_callback(facade->client)) { /* inside a pass the loop can't be taken apart */
        return;
    }
    facade->fork_generation = now;
    emc__uv_after_fork(facade->transport);
    emc__client_after_fork(facade->client);
}

void emc__facade_check_fork(struct emc__facade *facade)
{
    uint64_t now = atomic_load_explicit(&generation, memory_order_relaxed);
    if (now != facade->fork_generation) {
        begin_anew(facade, now);
    }
}
