/* The threaded way: any thread may call in, and one thread at a time makes the passes.
 *
 * One lock is around the whole engine. Whoever drives waits for the client's descriptor outside of it and makes the pass inside. Who drives is, of the threads that wait in
 * blocking calls, one (the leader), until its own outcome is there; the others (the followers) sleep until theirs is, or until they are to lead. A leader brings blocking calls their
 * outcomes and does the engine's own work; where a pass might call the user back, it leaves the wheel to the client's own thread (the runner), which has it, too, when
 * nobody waits. Between two calls nobody drives: the runner rests for a moment, and takes over when no further call came. */
#include "facade/threaded.h"

#include <pthread.h>
#include <signal.h>

#include "base/allocator.h"
#include "base/timer_wheel.h"

/* So long nobody need drive after a call whose end left nothing to do: the next one drives by itself, and does not have to send the runner away. What comes unasked
 * meanwhile (the end of an idle connection) is noticed so much later. Timers are not: the runner comes earlier for them. */
#define REST_NS 10000000u

/* The longest that a request waits for others to join it, where no answer ends the wait earlier. */
#define HELD_MS 1

struct emc__runner {
    emc_allocator allocator;
    struct emc__facade *facade;
    struct emc__lock *lock; /* outlives the facade where the client ends in a callback */
    pthread_t thread;
    struct emc__waiter self;
    const struct emc__waiter *driver; /* &self: the runner; NULL: nobody */
    struct emc__list followers;
    uint32_t silent;   /* calls under way whose outcomes call nobody back: an operation each */
    uint32_t held;     /* blocking calls whose requests wait to be written together */
    uint32_t turns;    /* leaders' passes so far */
    uint64_t until_ns; /* when the runner's rest ends */
    bool brief;        /* the leader waits for HELD_MS at most */
    bool relieved;     /* blocking calls have come: others will drive */
    bool ending;
    bool alone; /* ended by its own thread: nobody waits for it */
};

static bool owes_callbacks(const struct emc__runner *runner)
{
    return emc__client_owes_callbacks(runner->facade->client, runner->silent);
}

/* ------------------------------------------------------------------ who drives */

static void appoint_runner(struct emc__runner *runner)
{
    runner->driver = &runner->self;
    if (owes_callbacks(runner)) {
        emc__uv_raise(runner->facade->transport); /* what they are about may have come in already */
    }
    emc__threads_end_rest(runner->lock);
}

/* Something to be done before the runner comes by itself, and no call waits for it. */
static bool is_needed(const struct emc__runner *runner)
{
    emc_client *client = runner->facade->client;
    return emc__client_unflushed(client) || emc_client_pending(client) > 0 ||
           emc__client_next_ns(client) < runner->until_ns;
}

/* What many threads ask for at a time leaves together: who was woken and has not come in yet may soon ask, too. Until as many wait as are still to come; the second
 * half is gathered while the server is at the first. An answer, or the leader after HELD_MS, ends it where they do not come. */
static bool may_hold(const struct emc__runner *runner)
{
    const emc_client *client = runner->facade->client;
    bool bounded = runner->driver == NULL || runner->brief || emc__client_awaits_answers(client);
    return bounded && runner->held < emc__threads_coming(runner->lock) && emc__client_only_unwritten(client);
}

static void write_unless_held(struct emc__runner *runner)
{
    if (!may_hold(runner)) {
        runner->held = 0;
        emc__client_flush(runner->facade->client, 0); /* 0: the time of the submission */
    }
}

static void leave_engine(struct emc__runner *runner)
{
    if (runner->held > 0) {
        write_unless_held(runner);
    }
    if (runner->held > 0) {
        emc__uv_arm(runner->facade->transport);
    } else {
        emc__facade_leave(runner->facade);
    }
}

/* Whoever was woken and has not come in yet may call again, and then drives: the last of them sees to it that somebody does. */
void emc__runner_leave(struct emc__runner *runner)
{
    leave_engine(runner);
    if (runner->driver != NULL) {
        return;
    }
    if (owes_callbacks(runner)) {
        appoint_runner(runner);
    } else if (emc__threads_coming(runner->lock) == 0) {
        struct emc__waiter *follower = emc__threads_first(&runner->followers);
        if (follower != NULL) {
            runner->driver = follower;
            emc__threads_wake(runner->lock, follower);
        } else if (is_needed(runner)) {
            appoint_runner(runner);
        }
    }
}

/* ------------------------------------------------------------------ a thread in a blocking call */

static void await_something(struct emc__runner *runner, int timeout_ms)
{
    emc__uv_arm(runner->facade->transport);
    unsigned depth = emc__threads_step_out(runner->lock);
    emc__uv_await(runner->facade->transport, timeout_ms);
    emc__threads_step_in(runner->lock, depth);
}

static void quiet_pass(struct emc__runner *runner)
{
    runner->held = 0;
    emc__client_withhold(runner->facade->client, true);
    size_t completed = emc__facade_pass(runner->facade, 0);
    emc__client_withhold(runner->facade->client, false);
    if (completed > 0) {
        emc__threads_passed(runner->lock);
    }
}

static void lead(struct emc__runner *runner, const struct emc__waiter *waiter)
{
    runner->driver = waiter;
    runner->turns++;
    if (runner->held > 0 || !emc__client_unflushed(runner->facade->client)) {
        runner->brief = runner->held > 0;
        await_something(runner, runner->brief ? HELD_MS : -1);
        runner->brief = false;
    }
    if (!owes_callbacks(runner)) {
        quiet_pass(runner);
    }
}

static void follow(struct emc__runner *runner, struct emc__waiter *waiter)
{
    runner->driver = runner->driver == waiter ? NULL : runner->driver;
    runner->relieved = true;
    emc__runner_leave(runner);
    emc__threads_follow(runner->lock, &runner->followers, waiter);
}

void emc__runner_await(struct emc__runner *runner, struct emc__waiter *waiter)
{
    runner->silent += waiter->silent;
    runner->held++;
    write_unless_held(runner);
    while (!waiter->answered) {
        bool free = runner->driver == NULL || runner->driver == waiter;
        if (free && !owes_callbacks(runner)) {
            lead(runner, waiter);
        } else {
            follow(runner, waiter);
        }
    }
    if (runner->driver == waiter) {
        runner->driver = NULL;
    }
}

void emc__runner_answered(struct emc__runner *runner, struct emc__waiter *waiter)
{
    waiter->answered = true;
    runner->silent -= waiter->silent;
    if (emc__link_linked(&waiter->link)) {
        emc__threads_wake(runner->lock, waiter);
    }
}

bool emc__runner_rests(const struct emc__runner *runner)
{
    return runner->driver == NULL && runner->held == 0;
}

void emc__runner_look(struct emc__runner *runner)
{
    if (emc__runner_rests(runner) && !owes_callbacks(runner)) {
        quiet_pass(runner);
    }
}

/* ------------------------------------------------------------------ the client's own thread */

static void drive(struct emc__runner *runner)
{
    struct emc__lock *lock = runner->lock;
    if (!emc__client_unflushed(runner->facade->client)) {
        await_something(runner, -1);
    }
    runner->held = 0;
    if (!runner->ending && emc__facade_pass(runner->facade, 0) > 0) {
        emc__threads_passed(lock);
    }
    if (!runner->ending && runner->relieved && !owes_callbacks(runner)) {
        runner->relieved = false;
        runner->driver = NULL;
        emc__runner_leave(runner);
    }
}

static void rest(struct emc__runner *runner)
{
    struct emc__transport *transport = runner->facade->transport;
    uint32_t turns = runner->turns;
    uint64_t next_ns = emc__client_next_ns(runner->facade->client);
    runner->until_ns = transport->class_->now_ns(transport) + REST_NS;
    bool due = next_ns <= runner->until_ns;
    runner->until_ns = due ? next_ns : runner->until_ns;
    bool over = !emc__threads_rest(runner->lock, runner->until_ns);
    if (over && !runner->ending && runner->driver == NULL && (runner->turns == turns || due || is_needed(runner))) {
        runner->driver = &runner->self;
    }
}

static void *run(void *context)
{
    struct emc__runner *runner = context;
    struct emc__lock *lock = runner->lock;
    if (emc__lock_enter(lock)) {
        while (!runner->ending) {
            if (runner->driver == &runner->self) {
                drive(runner);
            } else {
                rest(runner);
            }
        }
        emc__lock_leave(lock);
    }
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
    runner->driver = &runner->self;
    emc__list_init(&runner->followers);
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
    emc__threads_end_rest(runner->lock);
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
