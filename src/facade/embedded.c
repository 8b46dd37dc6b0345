/* The embedded way: one descriptor to watch, a next deadline, one call to process. */
#include "base/timer_wheel.h"
#include "facade/threaded.h"

static uint64_t now_ns(const struct emc__facade *facade)
{
    return facade->transport->class_->now_ns(facade->transport);
}

void emc__facade_leave(struct emc__facade *facade)
{
    if (emc__client_unflushed(facade->client)) {
        emc__uv_raise(facade->transport);
    }
    emc__uv_arm(facade->transport);
}

/* The usual case, one connection that answers are due on: it is received from at once, a system call less than libuv makes. */
static bool take_alone(struct emc__facade *facade)
{
    struct emc__socket *socket = emc__client_only_socket(facade->client);
    return socket != NULL && emc__uv_take_socket(facade->transport, socket, emc__client_next_ns(facade->client));
}

size_t emc__facade_pass(struct emc__facade *facade, int64_t timeout_ms)
{
    struct emc_client *client = facade->client;
    size_t completed = 0;
    if (emc__client_unflushed(client)) {
        emc__client_flush(client, now_ns(facade));
        timeout_ms = emc__client_unflushed(client) ? 0 : timeout_ms;
    }
    emc__client_hold(client); /* a callback may destroy it: then when everything here is done */
    if (timeout_ms != 0 || !take_alone(facade)) {
        emc__uv_run(facade->transport, timeout_ms);
    }
    completed = emc__client_process(client, now_ns(facade));
    emc__facade_leave(facade);
    emc__client_unhold(client);
    return completed;
}

int emc_client_descriptor(const emc_client *client)
{
    struct emc__facade *facade = emc__facade_of(client);
    if (facade->runner != NULL) {
        return -1;
    }
    emc__facade_check_fork(facade);
    return emc__uv_descriptor(facade->transport);
}

int emc_client_next_deadline_ms(emc_client *client)
{
    struct emc__facade *facade = emc__facade_of(client);
    if (facade->runner != NULL) {
        return -1;
    }
    if (emc__client_unflushed(client)) {
        return 0;
    }
    uint64_t next_ns = emc__client_next_ns(client);
    if (next_ns == EMC__NEVER) {
        return -1;
    }
    uint64_t now = now_ns(facade);
    if (next_ns <= now) {
        return 0;
    }
    uint64_t ms = (next_ns - now + 999999) / 1000000;
    return ms > INT32_MAX ? INT32_MAX : (int)ms;
}

size_t emc_client_process(emc_client *client)
{
    return emc_client_wait(client, 0);
}

size_t emc_client_wait(emc_client *client, int timeout_ms)
{
    struct emc__facade *facade = emc__facade_of(client);
    if (facade->runner != NULL) {
        return emc__runner_wait(facade, timeout_ms);
    }
    if (emc__client_in_callback(client)) {
        return 0;
    }
    emc__facade_check_fork(facade);
    return emc__facade_pass(facade, timeout_ms);
}

size_t emc_client_busy_poll(emc_client *client)
{
    struct emc__facade *facade = emc__facade_of(client);
    if (facade->runner != NULL || emc__client_in_callback(client)) {
        return 0;
    }
    emc__facade_check_fork(facade);
    uint64_t now = now_ns(facade), until_ns = emc__client_next_ns(client);
    struct emc__socket *socket = emc__client_only_socket(client);
    if (socket == NULL || until_ns <= now || emc__client_unflushed(client)) {
        return 0;
    }
    emc__client_hold(client);
    bool came = emc__uv_poll_socket(facade->transport, socket, until_ns - now);
    size_t completed = came ? emc__client_process(client, now_ns(facade)) : 0;
    if (came) {
        emc__facade_leave(facade);
    }
    emc__client_unhold(client);
    return completed;
}

void emc_client_flush(emc_client *client)
{
    struct emc__facade *facade = emc__facade_of(client);
    if (emc__client_enter(client) != EMC_OK) {
        return;
    }
    if (!emc__client_in_callback(client)) {
        emc__facade_check_fork(facade);
        emc__client_flush(client, now_ns(facade));
        emc__facade_leave(facade);
    }
    emc__client_leave(client);
}
