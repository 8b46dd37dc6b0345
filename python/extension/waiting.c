/* The line of those that wait until the engine has room: first come, first served, within their timeouts. */
#include "waiting.h"
#include "reader.h"
#include "submit.h"

static double loop_time(const struct client *client)
{
    PyObject *now = PyObject_CallMethod(client->loop, "time", NULL);
    double seconds = now != NULL ? PyFloat_AsDouble(now) : 0;
    Py_XDECREF(now);
    PyErr_Clear();
    return seconds;
}

static void clear_expiry_timer(struct client *client)
{
    PyObject *timer = client->expiry_timer;
    client->expiry_timer = NULL;
    if (timer != NULL) {
        Py_XDECREF(PyObject_CallMethodObjArgs(timer, client->state->name_cancel, NULL));
        PyErr_Clear();
        Py_DECREF(timer);
    }
}

/* A deadline of 0 is none. The timer only ever moves forward from here. */
static void set_expiry_timer(struct client *client, double deadline, double now)
{
    if (deadline <= 0 || (client->expiry_timer != NULL && client->expiry_at <= deadline)) {
        return;
    }
    clear_expiry_timer(client);
    PyObject *delay = PyFloat_FromDouble(deadline > now ? deadline - now : 0);
    client->expiry_at = deadline;
    client->expiry_timer = delay == NULL ? NULL
                                         : PyObject_CallMethodObjArgs(client->loop, client->state->name_call_later,
                                                                      delay, client->process_soon, NULL);
    Py_XDECREF(delay);
    if (client->expiry_timer == NULL) {
        PyErr_Clear();
    }
}

/* Loop time, or 0: none. */
static double deadline_of(const struct operation *operation, double now)
{
    if (operation->timeout_ms == EMC_TIMEOUT_DEFAULT) {
        return operation->client->timeout < 0 ? 0 : now + operation->client->timeout;
    }
    return operation->timeout_ms == EMC_NO_LIMIT ? 0 : now + (double)operation->timeout_ms / 1000.0;
}

static void on_room(void *client)
{
    ((struct client *)client)->room = true;
}

bool waiting_add(struct operation *operation)
{
    struct client *client = operation->client;
    double now = loop_time(client);
    if (client->engine == NULL) { /* the loop's time is Python's: anything may have run */
        client_raise_closed();
        return false;
    }
    operation->deadline = deadline_of(operation, now);
    operation->state = OPERATION_WAITING;
    client->mixed_deadlines = operation->timeout_ms != EMC_TIMEOUT_DEFAULT ||
                              (client->mixed_deadlines && client->waiting.count > 0);
    client_list_add(client, operation, true);
    emc_client_on_room(client->engine, on_room, client);
    set_expiry_timer(client, operation->deadline, now);
    return true;
}

static void expire(struct client *client, struct operation *operation)
{
    PyErr_SetString(client->state->timeout_error,
                    "no room among the client's operations within the operation's timeout");
    operation_set_raised(operation);
    operation->state = OPERATION_DONE;
    reader_completed(operation);
    client_list_remove(client, operation);
}

/* Whether the look through the line is over: where all have the client's timeout, those behind are due later. */
static bool is_last_due(const struct client *client, const struct operation *operation, double now)
{
    return !client->mixed_deadlines && (operation->deadline <= 0 || operation->deadline > now);
}

static void expire_overdue(struct client *client, double now)
{
    struct operation *next = client->waiting.first;
    Py_XINCREF(next);
    while (next != NULL) {
        struct operation *operation = next;
        bool last = is_last_due(client, operation, now);
        next = last ? NULL : operation->next;
        Py_XINCREF(next);
        if (operation->deadline > 0 && operation->deadline <= now && operation->state == OPERATION_WAITING) {
            expire(client, operation);
        }
        Py_DECREF(operation);
    }
}

static double earliest_deadline(const struct client *client)
{
    double earliest = 0;
    for (const struct operation *one = client->waiting.first; one != NULL; one = one->next) {
        if (one->deadline > 0 && (earliest <= 0 || one->deadline < earliest)) {
            earliest = one->deadline;
        }
        if (!client->mixed_deadlines) {
            break;
        }
    }
    return earliest;
}

/* First come, first served; what is overdue fails. */
void waiting_serve(struct client *client)
{
    if (client->waiting.count == 0) {
        clear_expiry_timer(client); /* or one that has fired would be taken for one that is set */
        return;
    }
    double now = loop_time(client);
    expire_overdue(client, now);
    bool room = client->room || client->in_flight.count == 0;
    client->room = false;
    while (room && client->waiting.first != NULL && client->engine != NULL) {
        room = submit_waiting(client->waiting.first, now);
    }
    clear_expiry_timer(client);
    if (client->waiting.count > 0 && client->engine != NULL) {
        emc_client_on_room(client->engine, on_room, client);
        set_expiry_timer(client, earliest_deadline(client), now);
    }
}
