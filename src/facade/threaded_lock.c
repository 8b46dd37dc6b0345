/* The lock of a client for several threads: a mutex that its owner may take again, counted references, a place to wait for each thread.
 *
 * A child of fork can't enter: another thread may have been inside, in the midst of something, when it was forked. */
#include <pthread.h>
#include <stdatomic.h>

#include "base/allocator.h"
#include "facade/threaded.h"

struct emc__waiter {
    pthread_cond_t condition;
};

struct threads_lock {
    struct emc__lock base;
    emc_allocator allocator;
    pthread_mutex_t mutex;
    pthread_cond_t passed;
    _Atomic(struct emc__waiter *) owner; /* names the thread that is inside */
    unsigned depth;
    unsigned references; /* whoever is inside counts */
    uint64_t generation; /* of the process it was made in */
    void (*leaving)(void *context);
    void *context;
};

static _Thread_local struct emc__waiter own_waiter = {PTHREAD_COND_INITIALIZER};
static _Thread_local char own_words[EMC_ERROR_MESSAGE_SIZE];

static struct threads_lock *lock_of(struct emc__lock *lock)
{
    return (struct threads_lock *)lock;
}

static void own(struct threads_lock *lock, unsigned depth)
{
    atomic_store_explicit(&lock->owner, &own_waiter, memory_order_relaxed);
    lock->depth = depth;
}

static void disown(struct threads_lock *lock)
{
    lock->depth = 0;
    atomic_store_explicit(&lock->owner, NULL, memory_order_relaxed);
}

static bool take(struct emc__lock *base)
{
    struct threads_lock *lock = lock_of(base);
    if (lock->generation != emc__fork_generation()) {
        return false; /* first: a thread of a child's may lie where the owner lay in the parent */
    }
    /* Only the thread itself can find itself there. */
    if (atomic_load_explicit(&lock->owner, memory_order_relaxed) == &own_waiter) {
        lock->depth++;
        return true;
    }
    pthread_mutex_lock(&lock->mutex);
    own(lock, 1);
    lock->references++;
    return true;
}

static void give(struct emc__lock *base)
{
    struct threads_lock *lock = lock_of(base);
    if (lock->depth > 1) {
        lock->depth--;
        return;
    }
    if (lock->leaving != NULL) {
        lock->leaving(lock->context);
    }
    disown(lock);
    bool last = --lock->references == 0;
    pthread_mutex_unlock(&lock->mutex);
    if (last) {
        emc_allocator allocator = lock->allocator;
        pthread_cond_destroy(&lock->passed);
        pthread_mutex_destroy(&lock->mutex);
        emc__release(&allocator, lock);
    }
}

static void retain(struct emc__lock *base)
{
    if (take(base)) {
        lock_of(base)->references++;
        give(base);
    }
}

static void release(struct emc__lock *base)
{
    if (take(base)) {
        lock_of(base)->references--;
        give(base);
    }
}

static char *words(void)
{
    return own_words;
}

struct emc__lock *emc__threads_lock_create(const emc_allocator *allocator)
{
    struct threads_lock *lock = emc__allocate_zeroed(allocator, 1, sizeof *lock);
    if (lock == NULL) {
        return NULL;
    }
    lock->base = (struct emc__lock){take, give, retain, release, words};
    lock->allocator = *allocator;
    lock->references = 1;
    lock->generation = emc__fork_generation();
    pthread_mutex_init(&lock->mutex, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&lock->passed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return &lock->base;
}

void emc__threads_on_leaving(struct emc__lock *base, void (*leaving)(void *context), void *context)
{
    struct threads_lock *lock = lock_of(base);
    lock->leaving = leaving;
    lock->context = context;
}

unsigned emc__threads_step_out(struct emc__lock *base)
{
    struct threads_lock *lock = lock_of(base);
    unsigned depth = lock->depth;
    disown(lock);
    pthread_mutex_unlock(&lock->mutex);
    return depth;
}

void emc__threads_step_in(struct emc__lock *base, unsigned depth)
{
    struct threads_lock *lock = lock_of(base);
    pthread_mutex_lock(&lock->mutex);
    own(lock, depth);
}

struct emc__waiter *emc__threads_waiter(void)
{
    return &own_waiter;
}

void emc__threads_wait(struct emc__lock *base)
{
    struct threads_lock *lock = lock_of(base);
    unsigned depth = lock->depth;
    disown(lock);
    pthread_cond_wait(&own_waiter.condition, &lock->mutex);
    own(lock, depth);
}

void emc__threads_wake(struct emc__waiter *waiter)
{
    pthread_cond_signal(&waiter->condition);
}

bool emc__threads_wait_for_pass(struct emc__lock *base, uint64_t until_ns)
{
    struct threads_lock *lock = lock_of(base);
    struct timespec until = {(time_t)(until_ns / 1000000000u), (long)(until_ns % 1000000000u)};
    unsigned depth = lock->depth;
    disown(lock);
    bool in_time = pthread_cond_timedwait(&lock->passed, &lock->mutex, &until) == 0;
    own(lock, depth);
    return in_time;
}

void emc__threads_passed(struct emc__lock *lock)
{
    pthread_cond_broadcast(&lock_of(lock)->passed);
}
