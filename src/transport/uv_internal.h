/* The parts of the libuv transport, for the files of this folder alone. */
#ifndef EMC_TRANSPORT_UV_INTERNAL_H
#define EMC_TRANSPORT_UV_INTERNAL_H

#include <uv.h>

#include "base/list.h"
#include "transport/busy_poll.h"
#include "transport/uv.h"

struct emc__uv;
struct emc__resolver;

/* What watches a descriptor: begins with the handle, released when libuv has let go of it. */
struct emc__watch {
    uv_poll_t handle; /* first */
    struct emc__uv *uv;
    void (*ready)(struct emc__watch *watch, int events); /* UV_READABLE, UV_WRITABLE */
    void (*release)(struct emc__watch *watch);
    int wanted, armed;
};

struct emc__uv {
    struct emc__transport transport; /* first */
    emc_allocator allocator;
    struct emc__log log;
    uv_loop_t loop;
    struct emc__watch *timer_watch, *event_watch;
    int timer_fd, event_fd;
    bool event_raised;
    uint64_t wake_ns;     /* what the engine asked for */
    uint64_t resolver_ns; /* what the resolver asked for */
    uint64_t armed_ns;    /* what the timer descriptor is set to */
    uint64_t now_ns;      /* of the pass */
    uint64_t looked_ns;   /* when every descriptor was looked at last */
    bool received;        /* since it was cleared: a socket gave bytes, its end or an error */
    bool in_pass, arming, watches_changed;
    bool loop_lost; /* after a fork without a descriptor left: nothing works any more but the end */
    struct emc__list sockets, lookups;
    struct emc__list buffered;      /* sockets with decrypted bytes, which their descriptors know nothing of */
    struct emc__resolver *resolver; /* lives while look-ups run */
    char name_servers[64];          /* "address:port,…" instead of the system's; for tests */
    int name_try_ms;                /* how long before a name server is asked again */
    struct emc__tls *tls;           /* NULL: plain */
    uint8_t *staging;               /* what a blocking wait receives into */
    struct emc__busy_poll busy_poll;
    char error[EMC_ERROR_MESSAGE_SIZE];
};

uint64_t emc__uv_clock(void);
/* Begins to watch a descriptor for nothing; false without memory. The watch is the caller's until emc__watch_close. */
bool emc__watch_open(struct emc__uv *uv, struct emc__watch *watch, int descriptor);
void emc__watch_want(struct emc__watch *watch, int events);
/* Ends it; release is called when libuv has let go, in a pass or at the end. The descriptor may be closed right after. */
void emc__watch_close(struct emc__watch *watch);
void emc__uv_set_timer(struct emc__uv *uv);

/* sockets.c */
extern const struct emc__transport_class emc__uv_class;
/* In a child of fork: descriptors are closed, the sockets stay until the engine aborts them. */
void emc__sockets_drop_all(struct emc__uv *uv);
/* At the end: as if the engine had aborted each. */
void emc__sockets_abort_all(struct emc__uv *uv);
/* Tells of bytes that are received already and that nobody took. */
void emc__sockets_pass(struct emc__uv *uv);

/* resolve.c */
emc_status emc__resolve_start(struct emc__transport *transport, enum emc__lookup_kind kind, const char *name, uint16_t port,
                              emc__lookup_callback *callback, void *context, struct emc__lookup **lookup_out);
void emc__resolve_cancel(struct emc__transport *transport, struct emc__lookup *lookup);
/* Delivers what is answered, and lets time pass. */
void emc__resolver_pass(struct emc__uv *uv);
/* In a child of fork: what was asked comes to nothing, in the next pass; each look-up can still be cancelled. */
void emc__resolver_after_fork(struct emc__uv *uv);
/* At the end: no callback any more. */
void emc__resolver_destroy(struct emc__uv *uv);

#endif
