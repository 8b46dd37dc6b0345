/* The meeting of engine and event loop.
 *
 *   loop --readable--> process: the engine calls back, outcomes become Python objects
 *                      wake:    the Tasks run, right here, and submit more
 *                      flush:   what they submitted leaves in one write
 *
 * A Task is woken directly only from here, where no Task is current; everything else goes through call_soon. */
#include "reader.h"
#include "events.h"
#include "key_stream.h"
#include "submit.h"
#include "waiting.h"

/* So many answers one after the other, before the loop is served. */
#define BUSY_POLLS 16

/* ------------------------------------------------------------------ a call of the loop's */

static PyObject *call_soon(const struct client *client, PyObject *callback, PyObject *argument, PyObject *context)
{
    PyObject *arguments[] = {NULL, callback, argument, context};
    if (client->call_soon == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "Emcache client is closed");
        return NULL;
    }
    size_t count = argument != NULL ? 2 : 1;
    return PyObject_Vectorcall(client->call_soon, arguments + 1, count | PY_VECTORCALL_ARGUMENTS_OFFSET,
                               context != NULL ? client->state->context_keyword : NULL);
}

/* The loop may be closed already: nobody is left to be told. False then. */
static bool call_soon_quietly(const struct client *client, PyObject *callback, PyObject *argument, PyObject *context)
{
    PyObject *handle = call_soon(client, callback, argument, context);
    if (handle == NULL) {
        PyErr_Clear();
        return false;
    }
    Py_DECREF(handle);
    return true;
}

/* From another thread only the thread-safe call will do. */
static void call_process_soon(struct client *client)
{
    if (client->process_wanted || client->process_soon == NULL) {
        return;
    }
    client->process_wanted = true;
    PyObject *name = client->thread == PyThread_get_thread_ident() ? client->state->name_call_soon
                                                                   : client->state->name_call_soon_threadsafe;
    PyObject *handle = PyObject_CallMethodObjArgs(client->loop, name, client->process_soon, NULL);
    if (handle == NULL) {
        PyErr_Clear();
        client->process_wanted = false;
    }
    Py_XDECREF(handle);
}

/* ------------------------------------------------------------------ completions */

void reader_completed(struct operation *operation)
{
    struct client *client = operation->client;
    if (client->ready_count == client->ready_size) {
        size_t size = client->ready_size > 0 ? client->ready_size * 2 : 64;
        struct operation **ready = PyMem_Realloc(client->ready, size * sizeof(struct operation *));
        if (ready == NULL) { /* woken alone */
            if (operation->callback != NULL) {
                call_soon_quietly(client, operation->callback, (PyObject *)operation, operation->context);
            }
            return;
        }
        client->ready = ready;
        client->ready_size = size;
    }
    Py_INCREF(operation);
    client->ready[client->ready_count++] = operation;
}

static void wake_soon(const struct client *client, struct operation *operation)
{
    PyObject *callback = operation->callback, *context = operation->context;
    operation->callback = NULL;
    operation->context = NULL;
    if (callback != NULL) {
        call_soon_quietly(client, callback, (PyObject *)operation, context);
    }
    Py_XDECREF(callback);
    Py_XDECREF(context);
}

/* Takes the list of those to wake; the caller frees it. */
static struct operation **take_ready(struct client *client, size_t *count)
{
    struct operation **ready = client->ready;
    *count = client->ready_count;
    client->ready = NULL;
    client->ready_count = client->ready_size = 0;
    return ready;
}

/* Keeps the memory for the next batch. */
static void give_back(struct client *client, struct operation **ready, size_t size)
{
    if (client->ready == NULL) {
        client->ready = ready;
        client->ready_size = size;
    } else {
        PyMem_Free(ready);
    }
}

void reader_wake_one_soon(struct operation *operation)
{
    wake_soon(operation->client, operation);
}

void reader_wake_soon(struct client *client)
{
    size_t size = client->ready_size, count;
    if (client->ready_count == 0) {
        return;
    }
    struct operation **ready = take_ready(client, &count);
    for (size_t i = 0; i < count; i++) {
        wake_soon(client, ready[i]);
        Py_DECREF(ready[i]);
    }
    give_back(client, ready, size);
}

/* ------------------------------------------------------------------ waking directly */

/* Whether the callback is the wakeup of a real asyncio.Task, whose next step a finished future brings about. */
static bool can_wake(const struct client *client, PyObject *callback)
{
    const struct module_state *state = client->state;
    return state->task_wakeup != NULL && PyCFunction_CheckExact(callback) &&
           PyCFunction_GET_FUNCTION(callback) == state->task_wakeup &&
           (PyObject *)Py_TYPE(PyCFunction_GET_SELF(callback)) == state->task_class;
}

static void leave_context(PyObject *context, bool raised)
{
    PyObject *type = NULL, *value = NULL, *traceback = NULL;
    if (raised) {
        PyErr_Fetch(&type, &value, &traceback);
    }
    if (PyContext_Exit(context) < 0) {
        PyErr_Clear();
    }
    if (raised) {
        PyErr_Restore(type, value, traceback);
    }
}

/* False: an exception that ends the program (KeyboardInterrupt, SystemExit) came out of the Task. */
static bool wake(struct client *client, struct operation *operation)
{
    PyObject *callback = operation->callback, *context = operation->context;
    if (callback == NULL || operation->state != OPERATION_DONE) {
        return true;
    }
    if (client->finished == NULL || !can_wake(client, callback)) {
        wake_soon(client, operation);
        return true;
    }
    if (PyContext_Enter(context) < 0) {
        PyErr_Clear();
        wake_soon(client, operation);
        return true;
    }
    operation->callback = NULL;
    operation->context = NULL;
    /* As a call of the function object would, without its detour. */
    PyObject *result = PyCFunction_GET_FUNCTION(callback)(PyCFunction_GET_SELF(callback), client->finished);
    leave_context(context, result == NULL);
    Py_DECREF(callback);
    Py_DECREF(context);
    Py_XDECREF(result);
    return result != NULL;
}

/* After how many of `count` wakes what their Tasks submitted is flushed.
 *
 * Where all that was in flight has come back at once, the server would have nothing to do until the last Task has run: what the first part
 * submits leaves before the rest run. Measured on uvloop, gets a second: 32 tasks 338,000 in one flush, 412,000 in halves, 478,000 in quarters; 64
 * 583,000, 795,000, 860,000; 100 749,000, 1,090,000, 1,032,000; 256 853,000, 1,226,000, 1,110,000. With 1,000 something is in flight at all times.
 * (The engine has such a rule for callbacks that submit, docs/decisions/0012; ours only note what has ended.) */
static size_t first_share(const struct client *client, size_t count)
{
    bool server_idle = (size_t)client->in_flight.count < count / 4;
    if (!server_idle || count < 8) {
        return count;
    }
    return count < 80 ? (count + 3) / 4 : (count + 1) / 2;
}

static bool wake_ready(struct client *client)
{
    bool good = true;
    while (client->ready_count > 0) {
        size_t size = client->ready_size, count;
        struct operation **ready = take_ready(client, &count);
        size_t share = first_share(client, count);
        for (size_t i = 0; i < count; i++) {
            if (good) {
                good = wake(client, ready[i]);
            } else {
                PyObject *type, *value, *traceback;
                PyErr_Fetch(&type, &value, &traceback);
                wake_soon(client, ready[i]);
                PyErr_Restore(type, value, traceback);
            }
            Py_DECREF(ready[i]);
            if ((i + 1) % share == 0 && i + 1 < count && client->engine != NULL) {
                emc_client_flush(client->engine);
            }
        }
        give_back(client, ready, size);
    }
    return good;
}

/* ------------------------------------------------------------------ the end of a tick */

static bool busy_poll_due(const struct client *client)
{
    return client->busy_poll && client->in_flight.count == 1 && client->engine != NULL && !client->paused;
}

/* In the loop's next turn, which does not sleep then. */
static void poll_in_next_turn(struct client *client)
{
    if (client->poll_wanted || !busy_poll_due(client)) {
        return;
    }
    client->poll_wanted = call_soon_quietly(client, client->poll_soon, NULL, NULL);
}

static void flush_now(struct client *client)
{
    if (client->engine != NULL) {
        emc_client_flush(client->engine);
    }
    submit_give_back(client);
}

void reader_end_tick(struct client *client)
{
    if (client->in_reader || client->flush_wanted || client->engine == NULL) {
        return;
    }
    if (client->in_flight.count <= 1 && !client->batch_ticks) {
        flush_now(client);
        reader_update_hold(client);
        poll_in_next_turn(client);
        return;
    }
    reader_update_hold(client);
    client->flush_wanted = call_soon_quietly(client, client->flush_soon, NULL, NULL);
    if (!client->flush_wanted) {
        flush_now(client);
    }
}

static PyObject *reader_flush(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    struct client *client = ((struct reader *)self)->client;
    if (client != NULL) {
        client->flush_wanted = false;
        if (client->engine != NULL && !client->in_reader) {
            flush_now(client);
        }
    }
    Py_RETURN_NONE;
}

/* ------------------------------------------------------------------ the pass */

/* What a pass of the engine's brought. */
static bool deliver(struct client *client)
{
    submit_give_back(client); /* before anybody who awaited it goes on */
    waiting_serve(client);
    events_deliver(client);
    key_stream_deliver(client);
    trace_deliver(client);
    return wake_ready(client);
}

/* As long as one operation is in flight and its answer comes in time, the next one is asked for right here; then the loop has its turn, which does not
 * sleep. What does not come in time the loop waits for. */
static bool poll_busily(struct client *client)
{
    for (int i = 0; i < BUSY_POLLS; i++) {
        if (!busy_poll_due(client)) {
            return true;
        }
        emc_client_flush(client->engine);
        if (emc_client_busy_poll(client->engine) == 0) {
            return true;
        }
        if (!deliver(client)) {
            return false;
        }
    }
    poll_in_next_turn(client);
    return true;
}

static bool process(struct client *client)
{
    client->process_wanted = false;
    (void)emc_client_process(client->engine);
    return deliver(client) && (!client->busy_poll || client->poll_wanted || poll_busily(client));
}

static PyObject *make_pass(struct client *client, bool (*pass)(struct client *client))
{
    if (client == NULL || client->engine == NULL || client->in_reader || client->paused) {
        Py_RETURN_NONE;
    }
    Py_INCREF(client);
    client->in_reader = true;
    bool good = pass(client);
    client->in_reader = false;
    if (client->engine != NULL) {
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        flush_now(client);
        reader_update_hold(client);
        PyErr_Restore(type, value, traceback);
    }
    Py_DECREF(client);
    if (!good) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *reader_process(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return make_pass(((struct reader *)self)->client, process);
}

static PyObject *reader_poll(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    struct client *client = ((struct reader *)self)->client;
    if (client != NULL) {
        client->poll_wanted = false;
    }
    return make_pass(client, poll_busily);
}

void reader_after_call(struct client *client)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback); /* that of the call */
    if (!client->in_reader) {
        submit_give_back(client);
    }
    if (client->engine == NULL) {
        reader_wake_soon(client);
    } else if (!client->in_reader &&
               (client->ready_count > 0 || client->room || client->trace.journal.used > 0 || client->events.used > 0)) {
        call_process_soon(client);
    }
    PyErr_Restore(type, value, traceback);
}

/* ------------------------------------------------------------------ the loop's side */

void reader_update_hold(struct client *client)
{
    struct reader *reader = client->reader;
    if (reader == NULL) {
        return;
    }
    bool wanted = client->engine != NULL &&
                  (client->in_flight.count > 0 || client->waiting.count > 0 || client->listeners > 0);
    if (wanted && !reader->holds) {
        reader->holds = true;
        Py_INCREF(client);
    } else if (!wanted && reader->holds) {
        reader->holds = false;
        Py_DECREF(client);
    }
}

struct reader *reader_create(struct client *client)
{
    struct reader *reader = PyObject_GC_New(struct reader, client->state->reader_type);
    if (reader != NULL) {
        reader->client = client;
        reader->loop = client->loop;
        Py_INCREF(reader->loop);
        reader->holds = false;
        reader->descriptor = -1;
        reader->orphan = NULL;
        reader->subscriptions = NULL;
        PyObject_GC_Track((PyObject *)reader);
    }
    return reader;
}

bool reader_start(struct reader *reader)
{
    struct client *client = reader->client;
    int descriptor = emc_client_descriptor(client->engine);
    PyObject *number = PyLong_FromLong(descriptor);
    PyObject *result = number == NULL ? NULL
                                      : PyObject_CallMethodObjArgs(client->loop, client->state->name_add_reader, number,
                                                                   client->process_soon, NULL);
    Py_XDECREF(number);
    Py_XDECREF(result);
    reader->descriptor = result != NULL ? descriptor : -1;
    return result != NULL;
}

void reader_stop(struct reader *reader)
{
    if (reader->descriptor < 0 || reader->loop == NULL) {
        return;
    }
    PyObject *result = PyObject_CallMethod(reader->loop, "remove_reader", "i", reader->descriptor);
    reader->descriptor = -1;
    if (result == NULL) {
        PyErr_Clear(); /* a closed loop watches nothing any more */
    }
    Py_XDECREF(result);
}

static PyObject *reader_bury(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    struct reader *reader = (struct reader *)self;
    emc_client *orphan = reader->orphan;
    reader->orphan = NULL;
    if (orphan != NULL) {
        reader_stop(reader);
        emc_client_destroy(orphan);
    }
    Py_RETURN_NONE;
}

bool reader_bury_soon(struct reader *reader, emc_client *engine)
{
    PyObject *bury = PyObject_GetAttrString((PyObject *)reader, "bury");
    reader->orphan = engine;
    PyObject *handle = bury != NULL ? PyObject_CallMethod(reader->loop, "call_soon_threadsafe", "O", bury) : NULL;
    Py_XDECREF(bury);
    if (handle == NULL) {
        PyErr_Clear();
        reader->orphan = NULL;
        return false;
    }
    Py_DECREF(handle);
    return true;
}

static int reader_traverse(PyObject *self, visitproc visit, void *arg)
{
    struct reader *reader = (struct reader *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(reader->loop);
    if (reader->holds) {
        Py_VISIT((PyObject *)reader->client);
    }
    return 0;
}

static int reader_clear(PyObject *self)
{
    struct reader *reader = (struct reader *)self;
    if (reader->holds) {
        reader->holds = false;
        Py_DECREF(reader->client);
    }
    Py_CLEAR(reader->loop);
    return 0;
}

/* What a Task asks each operation for: a bound method that is made once. */
static PyObject *reader_get_loop(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    PyObject *loop = ((struct reader *)self)->loop;
    loop = loop != NULL ? loop : Py_None;
    Py_INCREF(loop);
    return loop;
}

static void reader_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    emc_client_destroy(((struct reader *)self)->orphan); /* its loop never ran again */
    events_forget((struct reader *)self);
    (void)reader_clear(self);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static PyMethodDef reader_methods[] = {
    {"process", reader_process, METH_NOARGS, "Called by the loop when the engine has something to do."},
    {"poll", reader_poll, METH_NOARGS, "Called by the loop when an answer is to be asked for before it sleeps."},
    {"flush", reader_flush, METH_NOARGS, "Called by the loop at the end of a tick."},
    {"bury", reader_bury, METH_NOARGS, "Ends the engine of a client that was dropped in another thread."},
    {"get_loop", reader_get_loop, METH_NOARGS, "The loop that the client lives in."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot reader_slots[] = {
    {Py_tp_dealloc, reader_dealloc},
    {Py_tp_traverse, reader_traverse},
    {Py_tp_clear, reader_clear},
    {Py_tp_methods, reader_methods},
    {0, NULL},
};

static PyType_Spec reader_spec = {
    .name = "emcache._emcache.Reader",
    .basicsize = sizeof(struct reader),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = reader_slots,
};

PyTypeObject *reader_type_create(PyObject *module)
{
    PyTypeObject *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &reader_spec, NULL);
    if (type != NULL) {
        type->tp_new = NULL; /* made by clients only */
    }
    return type;
}
