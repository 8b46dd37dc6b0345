/* The threaded way: a thread of the client's own makes its passes, and any other may call into it.
 *
 * One lock is around the whole engine. Calls submit inside it; whoever leaves it with something unwritten raises the client's descriptor, on which the thread
 * waits outside of it. Blocking calls write at once and wait to be woken (blocking.c). */
#include <pthread.h>
#include <signal.h>

#include "base/allocator.h"
#include "base/timer_wheel.h"
#include "facade/threaded.h"

struct emc__runner {
    emc_allocator allocator;
    struct emc__facade *facade;
    struct emc__lock *lock; /* outlives the facade where the client ends in a callback */
    pthread_t thread;
    bool ending;
    bool alone; /* ended by its own thread: nobody waits for it */
};

static bool pass(struct emc__runner *runner)
{
    bool entered = emc__lock_enter(runner->lock);
    if (entered && !runner->ending && emc__facade_pass(runner->facade, 0) > 0) {
        emc__threads_passed(runner->lock);
    }
    bool over = !entered || runner->ending;
    if (entered) {
        emc__lock_leave(runner->lock);
    }
    return !over;
}

static void *run(void *context)
{
    struct emc__runner *runner = context;
    do {
        emc__uv_await(runner->facade->transport, -1);
    } while (pass(runner));
    if (runner->alone) {
        emc_allocator allocator = runner->allocator;
        emc__release(&allocator, runner);
    }
    return NULL;
}

/* Signals are for the program's own threads. */
static int start_thread(struct emc__runner *runner)
{
    sigset_t all, before;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&runner->thread, NULL, run, runner);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed == 0) {
        (void)pthread_setname_np(runner->thread, "emcache");
    }
    return failed;
}

bool emc__runner_start(struct emc__facade *facade)
{
    struct emc__runner *runner = emc__allocate_zeroed(&facade->allocator, 1, sizeof *runner);
    if (runner == NULL) {
        return false;
    }
    runner->allocator = facade->allocator;
    runner->facade = facade;
    runner->lock = facade->lock;
    facade->runner = runner;
    if (start_thread(runner) != 0) {
        facade->runner = NULL;
        emc__release(&facade->allocator, runner);
        return false;
    }
    return true;
}

void emc__runner_stop(struct emc__runner *runner)
{
    runner->ending = true;
    if (pthread_equal(pthread_self(), runner->thread)) { /* a callback of its own destroys the client */
        runner->alone = true;
        (void)pthread_detach(runner->thread);
        return;
    }
    emc__uv_raise(runner->facade->transport);
    unsigned depth = emc__threads_step_out(runner->lock);
    (void)pthread_join(runner->thread, NULL);
    emc__threads_step_in(runner->lock, depth);
    emc_allocator allocator = runner->allocator;
    emc__release(&allocator, runner);
}

size_t emc__runner_wait(struct emc__facade *facade, int timeout_ms)
{
    emc_client *client = facade->client;
    if (emc__client_enter(client) != EMC_OK) {
        return 0;
    }
    uint64_t before = emc__client_completed(client), until_ns = EMC__NEVER / 2;
    if (timeout_ms >= 0) {
        until_ns = facade->transport->class_->now_ns(facade->transport) + (uint64_t)timeout_ms * 1000000u;
    }
    bool in_time = !emc__client_in_callback(client);
    while (in_time && emc__client_completed(client) == before) {
        in_time = emc__threads_wait_for_pass(facade->lock, until_ns);
    }
    size_t completed = (size_t)(emc__client_completed(client) - before);
    emc__client_leave(client);
    return completed;
}
