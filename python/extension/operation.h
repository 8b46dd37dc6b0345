/* One command on its way: the coroutine object that the caller awaits, and at the same time the future that its Task waits for. */
#ifndef EMC_PYTHON_OPERATION_H
#define EMC_PYTHON_OPERATION_H

#include "module.h"

struct client;

/* Where an operation is. It only ever moves down this list. */
enum operation_state {
    OPERATION_CREATED, /* nobody has awaited it yet: nothing was submitted */
    OPERATION_WAITING, /* awaited, but a limit of the engine is reached: it stands in the client's line */
    OPERATION_PENDING, /* submitted: the engine will call back */
    OPERATION_DONE,    /* the outcome is known, and its Task is being woken */
    OPERATION_FINISHED /* the outcome was handed over, or nobody wants it any more */
};

struct operation_traits;

/* Bytes that a value is being received into. A list of them is short: values come one at a time on each connection. */
struct home {
    struct home *next;
    size_t index; /* of the key in a bulk command, else 0 */
    PyObject *bytes;
};

/* The bound add_done_callback of an operation, a part of it (done_callback.c). */
struct operation_adder {
    PyObject_HEAD vectorcallfunc call; /* NULL: nobody has it */
    bool holds;                        /* its operation; not while that is in a list of the client, which holds it */
};

struct operation {
    PyObject_HEAD struct client *client; /* owned */
    const struct operation_traits *traits;
    struct operation *previous, *next; /* in the client's list of those waiting or in flight */
    PyObject *key;                     /* bytes; bulk: a tuple of them; node commands: the address */
    PyObject *value;                   /* bytes; bulk: a tuple of bytes; else NULL */
    Py_buffer *view;                   /* a value that is not bytes: held as long as the engine may look at it */
    PyObject *callback;                /* the Task's wakeup, with its context */
    PyObject *context;
    PyObject *outcome;               /* the result; an exception where `failed` */
    struct home *homes;              /* values being received straight into bytes */
    void *extra;                     /* what few commands need (meta options …); freed with PyMem_Free */
    PyObject *extra_owner;           /* keeps what `extra` points to */
    struct operation *next_released; /* in the client's list of those whose value the engine has given back */
    PyObject *routing_key;           /* bytes that the node is found by in place of the key; or NULL */
    uint64_t identity;               /* names it to the engine while PENDING */
    uint32_t timeout_ms;             /* its own, as emc_call has it */
    uint64_t flags;
    uint64_t number; /* a cas value, a delta, a level … */
    int64_t exptime;
    double deadline; /* WAITING: loop time, or 0: none */
    uint8_t state;
    uint8_t in_list; /* of the client: 0 none, 1 in flight, 2 waiting */
    bool return_flags, return_errors, noreply;
    bool blocking; /* _asyncio_future_blocking */
    bool failed;
    bool borrowed; /* the engine still looks at the value */
    struct operation_adder adder;
};

/* What the kinds of operation differ in. */
struct operation_traits {
    const char *name; /* as users know it, for messages */
    emc_status (*submit)(struct operation *operation, const emc_call *call);
    void (*complete)(struct operation *operation,
                     const emc_result *result); /* sets the outcome; bulk: called for each result */
    const char *unmet;                          /* why NOT_STORED, where that has one reason */
    bool storage;                               /* refusals are StorageCommandErrors */
    bool number;                                /* a CLIENT_ERROR means that a value is no number */
};

/* A new operation of `client` on `key` (a reference is taken; may be NULL), or NULL with an exception. */
struct operation *operation_create(struct client *client, const struct operation_traits *traits, PyObject *key);

/* Drops one that was never handed out, without a warning that nobody awaited it. */
void operation_discard(struct operation *operation);

/* Sets the outcome (a reference is stolen; NULL: the exception that is set now) unless there is one already. */
void operation_set_result(struct operation *operation, PyObject *result);
void operation_set_exception(struct operation *operation, PyObject *exception);
/* Takes the exception that is set, as the outcome. */
void operation_set_raised(struct operation *operation);

/* Gives the value back to its owner. */
void operation_release_value(struct operation *operation);
/* Nothing is received any more. */
void operation_drop_homes(struct operation *operation);

#endif
