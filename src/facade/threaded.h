/* What a client for several threads has beyond one that its caller runs. Private to this folder. */
#ifndef EMC_FACADE_THREADED_H
#define EMC_FACADE_THREADED_H

#include <semaphore.h>

#include "base/list.h"
#include "base/lock.h"
#include "base/rare.h"
#include "facade/facade.h"

/* ------------------------------------------------------------------ the lock (threaded_lock.c) */

/* A thread's place in a blocking call. */
struct emc__waiter {
    bool silent;   /* its outcome calls nobody else back */
    bool answered; /* the outcome is there */
    /* Of the lock. */
    struct emc__link link; /* among the followers */
    struct emc__waiter *next_woken;
    sem_t place;
};

/* NULL without memory. Referred to once. */
struct emc__lock *emc__threads_lock_create(const emc_allocator *allocator);
/* What is called from now on before the lock is left by a thread that does not have it still; NULL: nothing. */
void emc__threads_on_leaving(struct emc__lock *lock, void (*leaving)(void *context), void *context);

/* Leaves for a while, however often it was entered, and without `leaving`; the number is for the return. */
unsigned emc__threads_step_out(struct emc__lock *lock);
void emc__threads_step_in(struct emc__lock *lock, unsigned depth);

/* Joins the list and steps out until taken from there by emc__threads_wake. */
void emc__threads_follow(struct emc__lock *lock, struct emc__list *followers, struct emc__waiter *waiter);
/* The first of the list; NULL: it is empty. */
struct emc__waiter *emc__threads_first(const struct emc__list *followers);
/* Takes it from its list. It comes in when the lock has been left. */
void emc__threads_wake(struct emc__lock *lock, struct emc__waiter *waiter);
/* How many were woken and have not come in yet. */
unsigned emc__threads_coming(const struct emc__lock *lock);

/* Step out until a pass completed something (or somebody wakes the client's thread), until_ns on the transport's clock, or for no reason. False: it is until_ns. */
bool emc__threads_wait_for_pass(struct emc__lock *lock, uint64_t until_ns);
bool emc__threads_rest(struct emc__lock *lock, uint64_t until_ns);
/* While inside: a pass completed something; the client's thread is needed. */
void emc__threads_passed(struct emc__lock *lock);
void emc__threads_end_rest(struct emc__lock *lock);

/* ------------------------------------------------------------------ who makes the passes (threaded.c) */

/* From now on the client's thread or one that waits in a blocking call; the facade's lock is there. False: no memory, or no thread is to be had. */
bool emc__runner_start(struct emc__facade *facade);
/* No pass any more. Called inside the lock, which others may enter meanwhile. */
void emc__runner_stop(struct emc__runner *runner);
/* Before the lock is left: if there is something to do, somebody is going to. */
EMC__APART void emc__runner_leave(struct emc__runner *runner);
/* Whether nobody waits for what comes in. Then look takes it in. */
bool emc__runner_rests(const struct emc__runner *runner);
EMC__APART void emc__runner_look(struct emc__runner *runner);
/* emc_client_wait() of such a client. */
size_t emc__runner_wait(struct emc__facade *facade, int timeout_ms);

/* After the submission, in the same stay inside the lock: writes, makes the passes, or waits while another thread does, until it is answered. */
EMC__APART void emc__runner_await(struct emc__runner *runner, struct emc__waiter *waiter);
/* In a pass: its outcome is there. */
EMC__APART void emc__runner_answered(struct emc__runner *runner, struct emc__waiter *waiter);

#endif
