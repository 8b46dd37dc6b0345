/* The lock of a client for several threads: a mutex that its owner may take again, counted references, places to wait at.
 *
 * Who is woken is told after the lock was left: else he would run into it. A child of fork can't enter: another thread may have been inside, in the midst of
 * something, when it was forked. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/allocator.h"
#include "facade/threaded.h"

struct threads_lock {
    struct emc__lock base;
    emc_allocator allocator;
    pthread_mutex_t mutex;
    pthread_cond_t passed, rest;
    _Atomic(const char *) owner; /* names the thread that is inside */
    unsigned depth;
    unsigned references;                    /* whoever is inside counts */
    uint64_t generation;                    /* of the process it was made in */
    struct emc__waiter *woken, *woken_last; /* to be told when the lock is left */
    unsigned coming;                        /* woken, and not in yet */
    void (*leaving)(void *context);
    void *context;
};

static _Thread_local char own_words[EMC_ERROR_MESSAGE_SIZE]; /* its address names the thread */

static struct threads_lock *lock_of(struct emc__lock *lock)
{
    return (struct threads_lock *)lock;
}

static void own(struct threads_lock *lock, unsigned depth)
{
    atomic_store_explicit(&lock->owner, own_words, memory_order_relaxed);
    lock->depth = depth;
}

static void disown(struct threads_lock *lock)
{
    lock->depth = 0;
    atomic_store_explicit(&lock->owner, NULL, memory_order_relaxed);
}

/* Each may be gone with its post. */
static void tell(struct emc__waiter *woken)
{
    while (woken != NULL) {
        struct emc__waiter *next = woken->next_woken;
        sem_post(&woken->place);
        woken = next;
    }
}

static struct emc__waiter *take_woken(struct threads_lock *lock)
{
    struct emc__waiter *woken = lock->woken;
    lock->woken = NULL;
    return woken;
}

static void unlock(struct threads_lock *lock)
{
    struct emc__waiter *woken = take_woken(lock);
    pthread_mutex_unlock(&lock->mutex);
    tell(woken);
}

static bool take(struct emc__lock *base)
{
    struct threads_lock *lock = lock_of(base);
    if (lock->generation != emc__fork_generation()) {
        return false; /* first: a thread of a child's may lie where the owner lay in the parent */
    }
    /* Only the thread itself can find itself there. */
    if (atomic_load_explicit(&lock->owner, memory_order_relaxed) == own_words) {
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
    unlock(lock);
    if (last) {
        emc_allocator allocator = lock->allocator;
        pthread_cond_destroy(&lock->passed);
        pthread_cond_destroy(&lock->rest);
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
    pthread_cond_init(&lock->rest, &monotonic);
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
    unlock(lock);
    return depth;
}

void emc__threads_step_in(struct emc__lock *base, unsigned depth)
{
    struct threads_lock *lock = lock_of(base);
    pthread_mutex_lock(&lock->mutex);
    own(lock, depth);
}

/* ------------------------------------------------------------------ who waits for another thread */

void emc__threads_follow(struct emc__lock *base, struct emc__list *followers, struct emc__waiter *waiter)
{
    struct threads_lock *lock = lock_of(base);
    sem_init(&waiter->place, 0, 0);
    emc__list_append(followers, &waiter->link);
    unsigned depth = emc__threads_step_out(base);
    while (sem_wait(&waiter->place) != 0 && errno == EINTR) {
    }
    emc__threads_step_in(base, depth);
    lock->coming--;
    sem_destroy(&waiter->place);
}

struct emc__waiter *emc__threads_first(const struct emc__list *followers)
{
    struct emc__link *first = emc__list_first(followers);
    return first != NULL ? EMC__CONTAINER_OF(first, struct emc__waiter, link) : NULL;
}

void emc__threads_wake(struct emc__lock *base, struct emc__waiter *waiter)
{
    struct threads_lock *lock = lock_of(base);
    emc__link_remove(&waiter->link);
    waiter->next_woken = NULL;
    *(lock->woken == NULL ? &lock->woken : &lock->woken_last->next_woken) = waiter;
    lock->woken_last = waiter;
    lock->coming++;
}

unsigned emc__threads_coming(const struct emc__lock *base)
{
    return ((const struct threads_lock *)base)->coming;
}

/* ------------------------------------------------------------------ who waits for a time */

static bool wait_until(struct threads_lock *lock, pthread_cond_t *condition, uint64_t until_ns)
{
    struct timespec until = {(time_t)(until_ns / 1000000000u), (long)(until_ns % 1000000000u)};
    unsigned depth = lock->depth;
    disown(lock);
    tell(take_woken(lock));
    bool in_time = pthread_cond_timedwait(condition, &lock->mutex, &until) == 0;
    own(lock, depth);
    return in_time;
}

bool emc__threads_wait_for_pass(struct emc__lock *base, uint64_t until_ns)
{
    return wait_until(lock_of(base), &lock_of(base)->passed, until_ns);
}

bool emc__threads_rest(struct emc__lock *base, uint64_t until_ns)
{
    return wait_until(lock_of(base), &lock_of(base)->rest, until_ns);
}

void emc__threads_passed(struct emc__lock *lock)
{
    pthread_cond_broadcast(&lock_of(lock)->passed);
}

void emc__threads_end_rest(struct emc__lock *lock)
{
    pthread_cond_signal(&lock_of(lock)->rest);
}
