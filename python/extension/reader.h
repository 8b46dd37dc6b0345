/* The meeting of engine and event loop: what the loop calls, how Tasks are woken, when a tick is flushed. */
#ifndef EMC_PYTHON_READER_H
#define EMC_PYTHON_READER_H

#include "client.h"

/* What the loop holds. It holds its client only while there is something to wait for, so that a client that was dropped is collected. */
struct reader {
    PyObject_HEAD struct client *client; /* NULL: gone */
    PyObject *loop;
    bool holds; /* `client` is an owned reference */
    int descriptor;
    emc_client *orphan;                 /* an engine whose client was dropped in another thread: ended in the loop's */
    struct subscription *subscriptions; /* the engine tells events by them */
};

struct reader *reader_create(struct client *client);
/* Registers with the loop; false with an exception. */
bool reader_start(struct reader *reader);
/* Leaves the loop; exceptions are swallowed (the loop may be closed). */
void reader_stop(struct reader *reader);
/* From another thread than the loop's: the engine is handed over, to be ended there. False when the loop takes nothing any more. */
bool reader_bury_soon(struct reader *reader, emc_client *engine);
/* Holds the client as long as there is something to wait for. May drop the last reference to it. */
void reader_update_hold(struct client *client);

/* Sees to it that what was submitted is written: at the end of the reader's callback, at once when nothing was under way, else by call_soon. */
void reader_end_tick(struct client *client);
/* The outcome of `operation` is known: its Task is woken at the end of the pass. Takes no reference of the caller's. */
void reader_completed(struct operation *operation);
/* Wakes whoever waits for this one, by call_soon. */
void reader_wake_one_soon(struct operation *operation);
/* Wakes everything that is ready by call_soon. */
void reader_wake_soon(struct client *client);
/* An engine call outside the reader may have completed operations: has them woken. */
void reader_after_call(struct client *client);

#endif
