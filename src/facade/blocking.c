/* The blocking way: submit, write, wait for this one operation's outcome.
 *
 * The usual case, one operation in flight and everything else at rest, waits in recv on its own socket, not through the loop:
 * a pass through libuv would add 7-15 % to a round trip (ENGINE.md). */
#include "facade/blocking.h"

#include <stdio.h>

#include "base/rare.h"
#include "base/timer_wheel.h"
#include "facade/threaded.h"

/* A client that was looked at less than a millisecond ago has not been idle: looking costs a system call. */
#define IDLE_NS 1000000u

void emc__wait_note(struct emc__wait *wait, emc_status status, const char *message)
{
    if (wait->noted == EMC_OK) {
        wait->noted = status;
        snprintf(wait->words, EMC_ERROR_MESSAGE_SIZE, "%s", message != NULL ? message : emc_status_text(status));
    }
}

EMC__HOT static void outcome(void *user_data, const emc_result *result)
{
    struct emc__wait *wait = user_data;
    if (wait->result != NULL) {
        wait->result(wait, result);
    }
    if (result->last) {
        wait->done = true;
        if (wait->waiter != NULL) {
            emc__runner_answered(emc__facade_of(wait->client)->runner, wait->waiter);
        }
        if (result->status < 0) {
            emc__wait_note(wait, result->status, result->message);
        }
        wait->status = wait->noted != EMC_OK ? wait->noted : result->status;
    }
}

static emc_status check(emc_client *client, const emc_call *call)
{
    if (emc__client_in_callback(client)) {
        return emc__client_refuse(client, EMC_ERROR_STATE,
                                  "a blocking call inside a callback; use the asynchronous form");
    }
    if (call != NULL && (call->callback != NULL || call->allocate != NULL)) {
        return emc__client_refuse(client, EMC_ERROR_ARGUMENT, "call.callback: a blocking call has none");
    }
    return EMC_OK;
}

/* Takes in what came while nobody looked. */
static void look(struct emc__facade *facade)
{
    emc_client *client = facade->client;
    uint64_t now_ns = facade->transport->class_->now_ns(facade->transport);
    bool idle = now_ns - facade->looked_ns > IDLE_NS;
    facade->looked_ns = now_ns;
    if (emc__client_unflushed(client) || (idle && emc__uv_ready(facade->transport)) ||
        emc__client_next_ns(client) <= now_ns) {
        if (facade->runner != NULL) {
            emc__runner_look(facade->runner);
        } else {
            emc__facade_pass(facade, 0);
        }
    } else {
        emc__client_begin_tick_at(client, now_ns); /* the submission need not read the clock again */
    }
}

emc_status emc__wait_begin(struct emc__wait *wait, emc_client *client, const emc_call *call, emc_call *prepared_out)
{
    struct emc__facade *facade = emc__facade_of(client);
    emc_status status = emc__client_enter(client);
    if (status != EMC_OK) {
        return status;
    }
    status = check(client, call);
    if (status != EMC_OK) {
        emc__client_leave(client);
        return status;
    }
    emc__facade_check_fork(facade);
    emc__client_hold(client); /* another operation's callback may destroy it */
    if (facade->runner == NULL || emc__runner_rests(facade->runner)) {
        look(facade);
    }
    wait->client = client;
    wait->words = emc__client_words(client);
    *prepared_out = call != NULL ? *call : (emc_call){0};
    wait->operation_out = prepared_out->operation_out;
    prepared_out->callback = outcome;
    prepared_out->user_data = wait;
    prepared_out->allocate_from = 0;
    prepared_out->released = NULL;
    prepared_out->operation_out = &wait->operation;
    return EMC_OK;
}

static int64_t milliseconds_left(uint64_t until_ns, uint64_t now_ns)
{
    if (until_ns == EMC__NEVER) {
        return -1;
    }
    return until_ns <= now_ns ? 0 : (int64_t)((until_ns - now_ns + 999999) / 1000000);
}

EMC__APART static void wait_in_pass(struct emc__facade *facade, uint64_t until_ns)
{
    uint64_t now_ns = facade->transport->class_->now_ns(facade->transport);
    emc__facade_pass(facade, emc__client_unflushed(facade->client) ? 0 : milliseconds_left(until_ns, now_ns));
}

static void wait_once(struct emc__facade *facade)
{
    struct emc_client *client = facade->client;
    uint64_t until_ns = emc__client_next_ns(client);
    struct emc__socket *socket = emc__client_only_socket(client);
    uint64_t told_ns = emc__client_now_ns(client); /* a moment ago: of the submission, or of what came since */
    if (socket == NULL || until_ns <= told_ns || !emc__uv_wait_socket(facade->transport, socket, until_ns - told_ns)) {
        wait_in_pass(facade, until_ns);
    }
}

/* The caller makes the passes. */
static void wait_inside(const struct emc__wait *wait)
{
    while (!wait->done) {
        wait_once(emc__facade_of(wait->client));
    }
}

/* Whichever thread makes the passes brings the outcome. */
EMC__APART static void wait_outside(struct emc__wait *wait)
{
    bool one = wait->operation != 0; /* else there are several, or none */
    struct emc__waiter waiter = {.silent = one && !wait->tells};
    wait->waiter = &waiter;
    emc__runner_await(emc__facade_of(wait->client)->runner, &waiter);
    wait->waiter = NULL;
}

static void wait_until_done(struct emc__wait *wait)
{
    emc_client *client = wait->client;
    if (wait->operation_out != NULL) {
        *wait->operation_out = wait->operation;
    }
    if (emc__facade_of(client)->runner != NULL) {
        wait_outside(wait);
    } else {
        emc__client_flush(client, 0); /* 0: the time of the submission */
        wait_inside(wait);
    }
    if (wait->batch != NULL) {
        emc__batch_let_go(wait->batch);
    } else {
        emc__client_detach_value(client, wait->operation);
    }
    if (emc__facade_of(client)->runner == NULL) {
        emc__facade_leave(emc__facade_of(client));
    }
}

emc_status emc__wait_for(struct emc__wait *wait, emc_status submitted)
{
    struct emc__lock *lock = emc__facade_of(wait->client)->lock; /* which outlives the client */
    if (submitted == EMC_OK) {
        wait_until_done(wait);
    } else {
        emc__client_end_tick(wait->client);
    }
    emc__client_unhold(wait->client);
    emc__lock_leave(lock);
    return submitted == EMC_OK ? wait->status : submitted;
}
