/* What the ways to run a client share: the client on the libuv transport. Private to this folder. */
#ifndef EMC_FACADE_FACADE_H
#define EMC_FACADE_FACADE_H

#include "base/rare.h"
#include "client/client.h"
#include "transport/uv.h"

/* The context of every client that emc_client_create() makes. */
struct emc__facade {
    emc_allocator allocator;
    struct emc__transport *transport;
    struct emc_client *client;
    uint64_t fork_generation;   /* in which process the transport lives */
    uint64_t looked_ns;         /* when somebody last looked whether anything had come in */
    struct emc__lock *lock;     /* of a client for several threads; else NULL */
    struct emc__runner *runner; /* its thread */
};

struct emc__facade *emc__facade_of(const emc_client *client);

/* Raised in every child of fork (fork.c). */
uint64_t emc__fork_generation(void);
/* To be called at the beginning of every public call that touches the transport: a child of fork gets sockets of its own. */
EMC__HOT void emc__facade_check_fork(struct emc__facade *facade);

/* To be called at the end of every public call that gives the engine something to do: whoever watches the descriptor is to come again when there is more, and
 * to hear of what was begun. */
EMC__HOT void emc__facade_leave(struct emc__facade *facade);

/* One pass: waits timeout_ms at most (0 not at all, -1 for ever), takes in what is ready, processes. */
EMC__APART size_t emc__facade_pass(struct emc__facade *facade, int64_t timeout_ms);

#endif
