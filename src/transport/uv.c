/* The libuv transport: its loop, its one descriptor, its timer, its passes. Sockets are in sockets.c, names in resolve.c.
 *
 * New watches reach the kernel only inside uv_run, and libuv's own timers never make its descriptor readable: so a timer descriptor and an
 * event descriptor are watched inside the loop, and whoever changes watches outside of a pass calls emc__uv_arm. */
#include "transport/uv_internal.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/allocator.h"
#include "base/rare.h"
#include "base/timer_wheel.h"
#include "transport/descriptor.h"
#include "transport/tls.h"

/* A lost packet must not cost the five seconds of c-ares's default. */
#define NAME_TRY_MS 1000

static struct emc__uv *uv_of(struct emc__transport *transport)
{
    return (struct emc__uv *)transport;
}

uint64_t emc__uv_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ------------------------------------------------------------------ watches */

static void watch_ready(uv_poll_t *handle, int status, int events)
{
    struct emc__watch *watch = (struct emc__watch *)handle;
    if (status < 0) {
        watch->armed = 0; /* libuv stops a handle whose descriptor has an error */
    }
    if (watch->uv->arming) { /* level-triggered: it comes again in the next pass */
        if (status < 0) {
            emc__watch_want(watch, watch->wanted);
            emc__uv_raise(&watch->uv->transport);
        }
        return;
    }
    watch->ready(watch, status < 0 ? watch->wanted : events);
    if (status < 0 && !uv_is_closing((uv_handle_t *)handle)) {
        emc__watch_want(watch, watch->wanted); /* so that it comes again while nobody has taken the error */
    }
}

bool emc__watch_open(struct emc__uv *uv, struct emc__watch *watch, int descriptor)
{
    watch->uv = uv;
    watch->wanted = watch->armed = 0;
    return uv_poll_init(&uv->loop, &watch->handle, descriptor) == 0;
}

void emc__watch_want(struct emc__watch *watch, int events)
{
    watch->wanted = events;
    if (watch->armed == events) {
        return;
    }
    watch->armed = events;
    watch->uv->watches_changed = true;
    if (events == 0) {
        uv_poll_stop(&watch->handle);
    } else {
        uv_poll_start(&watch->handle, events, watch_ready);
    }
}

static void watch_closed(uv_handle_t *handle)
{
    struct emc__watch *watch = (struct emc__watch *)(void *)handle;
    watch->release(watch);
}

void emc__watch_close(struct emc__watch *watch)
{
    watch->uv->watches_changed = true;
    uv_close((uv_handle_t *)&watch->handle, watch_closed);
}

static void release_watch(struct emc__watch *watch)
{
    emc__release(&watch->uv->allocator, watch);
}

/* ------------------------------------------------------------------ the timer and the event */

static void timer_ready(struct emc__watch *watch, int events)
{
    uint64_t expirations;
    (void)events;
    if (read(watch->uv->timer_fd, &expirations, sizeof expirations) > 0) {
        watch->uv->armed_ns = EMC__NEVER;
    }
}

static void event_ready(struct emc__watch *watch, int events)
{
    uint64_t count;
    (void)events;
    if (read(watch->uv->event_fd, &count, sizeof count) > 0) {
        watch->uv->event_raised = false;
    }
}

EMC__APART static void arm_timer(struct emc__uv *uv, uint64_t at_ns)
{
    at_ns = at_ns > 0 ? at_ns : 1;
    struct itimerspec when = {.it_value = {(time_t)(at_ns / 1000000000u), (long)(at_ns % 1000000000u)}};
    if (timerfd_settime(uv->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) == 0) {
        uv->armed_ns = at_ns;
    }
}

/* Arms the timer descriptor when the deadline moves earlier; a later one is put right when it fires (or in the next pass). */
void emc__uv_set_timer(struct emc__uv *uv)
{
    uint64_t at_ns = uv->wake_ns < uv->resolver_ns ? uv->wake_ns : uv->resolver_ns;
    if (at_ns < uv->armed_ns) {
        arm_timer(uv, at_ns);
    }
}

static struct emc__watch *watch_descriptor(struct emc__uv *uv, int descriptor,
                                           void (*ready)(struct emc__watch *watch, int events))
{
    struct emc__watch *watch = descriptor < 0 ? NULL : emc__allocate_zeroed(&uv->allocator, 1, sizeof *watch);
    if (watch == NULL) {
        return NULL;
    }
    watch->ready = ready;
    watch->release = release_watch;
    if (!emc__watch_open(uv, watch, descriptor)) {
        emc__release(&uv->allocator, watch);
        return NULL;
    }
    emc__watch_want(watch, UV_READABLE);
    return watch;
}

static bool open_descriptors(struct emc__uv *uv)
{
    uv->armed_ns = EMC__NEVER;
    uv->event_raised = false;
    uv->timer_fd = emc__descriptor_above_standard(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
    uv->event_fd = emc__descriptor_above_standard(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    uv->timer_watch = watch_descriptor(uv, uv->timer_fd, timer_ready);
    uv->event_watch = watch_descriptor(uv, uv->event_fd, event_ready);
    return uv->timer_watch != NULL && uv->event_watch != NULL;
}

static void close_one(struct emc__watch **watch, int *descriptor)
{
    if (*watch != NULL) {
        emc__watch_close(*watch);
        *watch = NULL;
    }
    if (*descriptor >= 0) {
        close(*descriptor);
        *descriptor = -1;
    }
}

/* The wake that is due. It may ask for the next one. */
static void wake_when_due(struct emc__uv *uv)
{
    if (uv->now_ns < uv->wake_ns) {
        return;
    }
    uv->wake_ns = EMC__NEVER;
    if (uv->transport.wake != NULL) {
        uv->transport.wake(uv->transport.wake_context, uv->now_ns);
    }
}

static void close_descriptors(struct emc__uv *uv)
{
    close_one(&uv->timer_watch, &uv->timer_fd);
    close_one(&uv->event_watch, &uv->event_fd);
}

/* ------------------------------------------------------------------ life */

emc_status emc__uv_transport_create(const emc_allocator *allocator, const struct emc__log *log,
                                    const struct emc__tls_settings *tls, struct emc__transport **transport_out,
                                    emc_error *error)
{
    struct emc__uv *uv = emc__allocate_zeroed(allocator, 1, sizeof *uv);
    if (uv == NULL) {
        return emc__error_set(error, EMC_ERROR_MEMORY, "%s", emc_status_text(EMC_ERROR_MEMORY));
    }
    uv->transport.class_ = &emc__uv_class;
    uv->allocator = *allocator;
    uv->log = *log;
    uv->wake_ns = uv->resolver_ns = EMC__NEVER;
    emc__list_init(&uv->sockets);
    emc__list_init(&uv->lookups);
    emc__list_init(&uv->buffered);
    uv->name_try_ms = NAME_TRY_MS;
    emc_status status = tls != NULL ? emc__tls_create(&uv->allocator, tls, &uv->tls, error) : EMC_OK;
    unsigned held = emc__descriptor_hold_standard();
    int failed = status == EMC_OK ? uv_loop_init(&uv->loop) : -1;
    emc__descriptor_release_standard(held);
    if (failed != 0) {
        status = status != EMC_OK ? status
                                  : emc__error_set(error, EMC_ERROR_CONNECT, "no event loop: %s", uv_strerror(failed));
        emc__tls_destroy(uv->tls);
        emc__release(allocator, uv);
        return status;
    }
    if (!open_descriptors(uv)) {
        bool opened = uv->timer_fd >= 0 && uv->event_fd >= 0;
        status = opened ? emc__error_set(error, EMC_ERROR_MEMORY, "%s", emc_status_text(EMC_ERROR_MEMORY))
                        : emc__error_set(error, EMC_ERROR_CONNECT, "no descriptor for the event loop: %s",
                                         strerror(errno));
        emc__uv_transport_destroy(&uv->transport);
        return status;
    }
    emc__uv_arm(&uv->transport);
    *transport_out = &uv->transport;
    return EMC_OK;
}

void emc__uv_transport_destroy(struct emc__transport *transport)
{
    if (transport == NULL) {
        return;
    }
    struct emc__uv *uv = uv_of(transport);
    emc_allocator allocator = uv->allocator;
    emc__resolver_destroy(uv);
    emc__sockets_abort_all(uv);
    close_descriptors(uv);
    uv->arming = true; /* no upcall any more */
    while (!uv->loop_lost && uv_loop_close(&uv->loop) == UV_EBUSY) {
        uv_run(&uv->loop, UV_RUN_NOWAIT);
    }
    emc__tls_destroy(uv->tls);
    emc__release(&allocator, uv->staging);
    emc__release(&allocator, uv);
}

void emc__uv_after_fork(struct emc__transport *transport)
{
    struct emc__uv *uv = uv_of(transport);
    unsigned held = emc__descriptor_hold_standard();
    int failed = uv_loop_fork(
        &uv->loop); /* a new epoll; closes ours of the parent's, and leaves what is watched there alone */
    emc__descriptor_release_standard(held);
    uv->loop_lost = uv->loop_lost || failed != 0;
    close_descriptors(uv); /* first: nothing below is to raise the parent's event */
    emc__resolver_after_fork(uv);
    emc__sockets_drop_all(uv);
    uv->wake_ns = uv->resolver_ns = EMC__NEVER;
    uv->in_pass = false;
    if (uv->loop_lost) {
        emc__log_write(&uv->log, EMC_LOG_ERROR, "after fork: no event loop: %s", uv_strerror(failed));
    } else if (!open_descriptors(uv)) {
        emc__log_write(&uv->log, EMC_LOG_ERROR, "after fork: no descriptor for the event loop: %s", strerror(errno));
    }
    emc__uv_raise(transport); /* for look-ups that came to nothing */
    emc__uv_arm(transport);
}

emc_status emc__uv_tls_reload(struct emc__transport *transport, const struct emc__tls_settings *settings,
                              emc_error *error)
{
    struct emc__uv *uv = uv_of(transport);
    struct emc__tls *fresh;
    if (uv->tls == NULL) {
        return emc__error_set(error, EMC_ERROR_STATE, "TLS is not set up");
    }
    emc_status status = emc__tls_create(&uv->allocator, settings, &fresh, error);
    if (status == EMC_OK) {
        emc__tls_destroy(uv->tls); /* sockets that use it hold it */
        uv->tls = fresh;
    }
    return status;
}

/* ------------------------------------------------------------------ passes */

int emc__uv_descriptor(const struct emc__transport *transport)
{
    return uv_backend_fd(&((const struct emc__uv *)transport)->loop);
}

void emc__uv_raise(struct emc__transport *transport)
{
    struct emc__uv *uv = uv_of(transport);
    uint64_t one = 1;
    if (!uv->event_raised && write(uv->event_fd, &one, sizeof one) == (ssize_t)sizeof one) {
        uv->event_raised = true;
    }
}

EMC__APART static void arm(struct emc__uv *uv)
{
    uv->watches_changed = false;
    uv->arming = true;
    uv_run(&uv->loop, UV_RUN_NOWAIT);
    uv->arming = false;
}

void emc__uv_arm(struct emc__transport *transport)
{
    struct emc__uv *uv = uv_of(transport);
    if (!uv->in_pass && !uv->loop_lost && uv->watches_changed) {
        arm(uv);
    }
}

void emc__uv_set_busy_poll(struct emc__transport *transport, uint64_t limit_ns)
{
    uv_of(transport)->busy_poll = (struct emc__busy_poll){.limit_ns = limit_ns};
}

bool emc__uv_ready(const struct emc__transport *transport)
{
    struct pollfd descriptor = {emc__uv_descriptor(transport), POLLIN, 0};
    return poll(&descriptor, 1, 0) > 0;
}

void emc__uv_await(const struct emc__transport *transport, int64_t timeout_ms)
{
    struct pollfd descriptor = {emc__uv_descriptor(transport), POLLIN, 0};
    int timeout = timeout_ms < 0 || timeout_ms > INT32_MAX ? -1 : (int)timeout_ms;
    (void)poll(&descriptor, 1, timeout); /* a signal ends it early, which is as good as a timeout */
}

void emc__uv_sleep(uint32_t milliseconds)
{
    (void)poll(NULL, 0, (int)milliseconds);
}

void emc__uv_run(struct emc__transport *transport, int64_t timeout_ms)
{
    struct emc__uv *uv = uv_of(transport);
    if (uv->in_pass) {
        return;
    }
    emc__uv_arm(transport);
    if (timeout_ms != 0) {
        emc__uv_await(transport, timeout_ms);
    }
    uv->in_pass = true;
    uv->watches_changed = false;
    uv->received = false;
    uv->now_ns = uv->looked_ns = emc__uv_clock();
    if (!uv->loop_lost) {
        uv_run(&uv->loop, UV_RUN_NOWAIT);
    }
    emc__sockets_pass(uv);
    emc__resolver_pass(uv);
    wake_when_due(uv);
    uv->in_pass = false;
    emc__uv_set_timer(uv);
}
