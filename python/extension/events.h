/* The engine's events and log lines on their way to Python, and who hears of the events. */
#ifndef EMC_PYTHON_EVENTS_H
#define EMC_PYTHON_EVENTS_H

#include "client.h"

/* One subscription of the engine's. The reader owns it: the engine may outlive the client by a turn of the loop. */
struct subscription {
    struct subscription *next;
    struct reader *reader;
    uint64_t number; /* as client->on_event knows it: 1 is the client's own, from its beginning */
    uint64_t engine; /* as the engine knows it */
};

#define EVENTS_OWN 1u

/* Every event from now on is told as one of this subscription. False with an exception. */
bool events_subscribe(struct client *client, uint64_t number);
void events_unsubscribe(struct client *client, uint64_t number);
/* When the engine is gone. */
void events_forget(struct reader *reader);
/* The engine's log. Only copies, as trace_note() does. `reader`: the client's. */
void events_log(void *reader, emc_log_level level, const char *message);
/* Hands over to client->on_event what was noted, outside the engine. Exceptions are swallowed. */
void events_deliver(struct client *client);

/* management.subscribe(cluster_events) and unsubscribe(). */
PyObject *events_add_listener(struct client *client, PyObject *management, PyObject *listener);
PyObject *events_remove_listener(struct client *client, PyObject *listener);

#endif
