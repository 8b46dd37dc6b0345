/* What a client for several threads has beyond one that its caller runs. Private to this folder. */
#ifndef EMC_FACADE_THREADED_H
#define EMC_FACADE_THREADED_H

#include "base/lock.h"
#include "facade/facade.h"

/* ------------------------------------------------------------------ the lock (threaded_lock.c) */

/* A thread's place to wait at. */
struct emc__waiter;

/* NULL without memory. Referred to once. */
struct emc__lock *emc__threads_lock_create(const emc_allocator *allocator);
/* What is called from now on before the lock is left by a thread that does not have it still; NULL: nothing. */
void emc__threads_on_leaving(struct emc__lock *lock, void (*leaving)(void *context), void *context);

/* Leaves for a while, however often it was entered, and without `leaving`; the number is for the return. */
unsigned emc__threads_step_out(struct emc__lock *lock);
void emc__threads_step_in(struct emc__lock *lock, unsigned depth);

/* The calling thread's. */
struct emc__waiter *emc__threads_waiter(void);
/* Steps out until the calling thread's waiter is woken, or for no reason. */
void emc__threads_wait(struct emc__lock *lock);
/* While inside. */
void emc__threads_wake(struct emc__waiter *waiter);
/* Steps out until a pass completed something, until_ns on the transport's clock, or for no reason. False: it is until_ns. */
bool emc__threads_wait_for_pass(struct emc__lock *lock, uint64_t until_ns);
/* While inside: a pass completed something. */
void emc__threads_passed(struct emc__lock *lock);

/* ------------------------------------------------------------------ the thread that makes the passes (threaded.c) */

/* From now on; the facade's lock is there. False: no memory, or no thread is to be had. */
bool emc__runner_start(struct emc__facade *facade);
/* No pass any more. Called inside the lock, which others may enter meanwhile. */
void emc__runner_stop(struct emc__runner *runner);
/* emc_client_wait() of such a client. */
size_t emc__runner_wait(struct emc__facade *facade, int timeout_ms);

#endif
