/* The trace: what the engine tells of every operation's beginning and end, on its way to Python. */
#ifndef EMC_PYTHON_TRACE_H
#define EMC_PYTHON_TRACE_H

#include "journal.h"
#include "module.h"

struct client;

/* What was told and not yet handed over. */
struct trace {
    struct journal journal; /* records, each with its key and address behind it */
    PyObject *nodes;        /* addresses by the bytes they have in a record; or NULL */
};

/* The engine's callback. Only copies: nothing of Python's runs inside the engine. `reader`: the client's. */
void trace_note(void *reader, const emc_trace_event *event);
/* Hands over what was noted, outside the engine. Exceptions are swallowed. */
void trace_deliver(struct client *client);

#endif
