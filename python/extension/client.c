/* The client object: its birth, its lists, its end. */
#include <stddef.h>
#include <unistd.h>

#include "address.h"
#include "arguments.h"
#include "client.h"
#include "errors.h"
#include "events.h"
#include "management.h"
#include "reader.h"
#include "submit.h"

void client_raise_closed(void)
{
    PyErr_SetString(PyExc_RuntimeError, "Emcache client is closed");
}

bool client_check_loop(struct client *client)
{
    if (client->thread != PyThread_get_thread_ident()) {
        PyErr_SetString(PyExc_RuntimeError,
                        "Emcache client is used from another thread than the one whose event loop it was created in");
        return false;
    }
    if (client->in_reader) {
        return true; /* the loop is calling us */
    }
    PyObject *running = PyObject_CallNoArgs(client->state->running_loop);
    if (running == NULL) {
        return false;
    }
    bool good = running == client->loop;
    if (!good) {
        PyErr_SetString(PyExc_RuntimeError,
                        running == Py_None ? "no running event loop" : "Emcache client belongs to another event loop");
    }
    Py_DECREF(running);
    return good;
}

static bool loop_is_closed(const struct client *client)
{
    PyObject *closed = client->loop != NULL
                           ? PyObject_CallMethodObjArgs(client->loop, client->state->name_is_closed, NULL)
                           : NULL;
    bool result = closed == Py_True;
    Py_XDECREF(closed);
    PyErr_Clear();
    return result;
}

bool client_may_close(struct client *client)
{
    return loop_is_closed(client) || client_check_loop(client);
}

/* ------------------------------------------------------------------ lists */

static struct operation_list *list_of(struct client *client, const struct operation *operation)
{
    return operation->in_list == 1 ? &client->in_flight : &client->waiting;
}

static void unlink_operation(struct client *client, struct operation *operation)
{
    struct operation_list *list = list_of(client, operation);
    *(operation->previous != NULL ? &operation->previous->next : &list->first) = operation->next;
    *(operation->next != NULL ? &operation->next->previous : &list->last) = operation->previous;
    operation->previous = operation->next = NULL;
    operation->in_list = 0;
    list->count--;
}

void client_list_add(struct client *client, struct operation *operation, bool waiting)
{
    if (operation->in_list != 0) {
        unlink_operation(client, operation);
    } else if (operation->adder.holds) {
        operation->adder.holds = false; /* its reference is the list's now */
    } else {
        Py_INCREF(operation);
    }
    operation->in_list = waiting ? 2 : 1;
    struct operation_list *list = list_of(client, operation);
    operation->previous = list->last;
    operation->next = NULL;
    *(list->last != NULL ? &list->last->next : &list->first) = operation;
    list->last = operation;
    list->count++;
}

void client_list_remove(struct client *client, struct operation *operation)
{
    if (operation->in_list != 0) {
        unlink_operation(client, operation);
        if (operation->adder.call != NULL) {
            operation->adder.holds = true; /* and the list's is the bound method's */
        } else {
            Py_DECREF(operation);
        }
    }
}

/* ------------------------------------------------------------------ the end */

static void fail_waiting(struct client *client)
{
    struct operation *operation;
    while ((operation = client->waiting.first) != NULL) {
        client_raise_closed();
        operation_set_raised(operation);
        operation->state = OPERATION_DONE;
        reader_completed(operation);
        client_list_remove(client, operation);
    }
}

static void close_listener(struct client *client)
{
    PyObject *on_event = client->on_event;
    client->on_event = NULL;
    client->listeners = 0;
    if (on_event == NULL) {
        return;
    }
    PyObject *result = PyObject_CallFunctionObjArgs(on_event, Py_None, NULL);
    if (result == NULL) {
        PyErr_WriteUnraisable(on_event);
    }
    Py_XDECREF(result);
    Py_DECREF(on_event);
}

void client_shut_down(struct client *client)
{
    emc_client *engine = client->engine;
    if (engine == NULL) {
        return;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    Py_INCREF(client);
    client->engine = NULL;
    bool forked = client->process != getpid(); /* a child must not touch its parent's loop */
    bool foreign = !forked && client->thread != PyThread_get_thread_ident() && client->in_flight.count == 0 &&
                   !loop_is_closed(client);
    if (!foreign || !reader_bury_soon(client->reader, engine)) {
        if (!forked) {
            reader_stop(client->reader);
        }
        emc_client_destroy(engine);
    }
    submit_give_back(client);
    fail_waiting(client);
    trace_deliver(client);
    close_listener(client);
    Py_CLEAR(client->options); /* there are credentials in it */
    reader_wake_soon(client);
    reader_update_hold(client);
    client->reader->client = NULL;
    Py_DECREF(client);
    PyErr_Restore(type, value, traceback);
}

static void client_finalize(PyObject *self)
{
    struct client *client = (struct client *)self;
    if (client->engine == NULL) {
        return;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (PyErr_ResourceWarning(self, 1, "unclosed emcache client %R", self) < 0) {
        PyErr_WriteUnraisable(self);
    }
    client_shut_down(client);
    PyErr_Restore(type, value, traceback);
}

static int client_traverse(PyObject *self, visitproc visit, void *arg)
{
    struct client *client = (struct client *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT((PyObject *)client->reader);
    Py_VISIT(client->loop);
    Py_VISIT(client->call_soon);
    Py_VISIT(client->get_loop);
    Py_VISIT(client->flush_soon);
    Py_VISIT(client->process_soon);
    Py_VISIT(client->poll_soon);
    Py_VISIT(client->finished);
    Py_VISIT(client->on_event);
    Py_VISIT(client->on_trace);
    Py_VISIT(client->options);
    Py_VISIT(client->on_lines);
    Py_VISIT(client->lines);
    Py_VISIT(client->trace.nodes);
    Py_VISIT(client->expiry_timer);
    Py_VISIT(client->attributes);
    for (struct operation *operation = client->in_flight.first; operation != NULL; operation = operation->next) {
        Py_VISIT((PyObject *)operation);
    }
    for (struct operation *operation = client->waiting.first; operation != NULL; operation = operation->next) {
        Py_VISIT((PyObject *)operation);
    }
    for (size_t i = 0; i < client->ready_count; i++) {
        Py_VISIT((PyObject *)client->ready[i]);
    }
    return 0;
}

static int client_clear(PyObject *self)
{
    struct client *client = (struct client *)self;
    client_shut_down(client);
    Py_CLEAR(client->reader);
    Py_CLEAR(client->loop);
    Py_CLEAR(client->call_soon);
    Py_CLEAR(client->get_loop);
    Py_CLEAR(client->flush_soon);
    Py_CLEAR(client->process_soon);
    Py_CLEAR(client->poll_soon);
    Py_CLEAR(client->finished);
    Py_CLEAR(client->on_event);
    Py_CLEAR(client->on_trace);
    Py_CLEAR(client->options);
    Py_CLEAR(client->on_lines);
    Py_CLEAR(client->lines);
    Py_CLEAR(client->trace.nodes);
    Py_CLEAR(client->expiry_timer);
    Py_CLEAR(client->attributes);
    while (client->ready_count > 0) {
        Py_DECREF(client->ready[--client->ready_count]);
    }
    return 0;
}

static void client_dealloc(PyObject *self)
{
    struct client *client = (struct client *)self;
    if (PyObject_CallFinalizerFromDealloc(self) < 0) {
        return;
    }
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (client->weak_references != NULL) {
        PyObject_ClearWeakRefs(self);
    }
    (void)client_clear(self);
    PyMem_Free(client->ready);
    PyMem_Free(client->trace.journal.bytes);
    PyMem_Free(client->events.bytes);
    emc_cluster_management_release(client->view);
    type->tp_free(self);
    Py_DECREF(type);
}

/* ------------------------------------------------------------------ birth */

/* The future that every direct wake shows to the Task: finished, its result None. */
static PyObject *finished_future(struct client *client)
{
    PyObject *keywords = Py_BuildValue("{s:O}", "loop", client->loop);
    PyObject *none = PyTuple_New(0);
    PyObject *future = keywords != NULL && none != NULL ? PyObject_Call(client->state->future_class, none, keywords)
                                                        : NULL;
    Py_XDECREF(keywords);
    Py_XDECREF(none);
    PyObject *result = future != NULL
                           ? PyObject_CallMethodObjArgs(future, client->state->name_set_result, Py_None, NULL)
                           : NULL;
    if (result == NULL) {
        Py_CLEAR(future);
    }
    Py_XDECREF(result);
    return future;
}

static bool bind(struct client *client, bool fast)
{
    const struct module_state *state = client->state;
    client->reader = reader_create(client);
    if (client->reader == NULL) {
        return false;
    }
    client->call_soon = PyObject_GetAttr(client->loop, state->name_call_soon);
    client->flush_soon = PyObject_GetAttrString((PyObject *)client->reader, "flush");
    client->process_soon = PyObject_GetAttrString((PyObject *)client->reader, "process");
    client->poll_soon = PyObject_GetAttrString((PyObject *)client->reader, "poll");
    client->get_loop = PyObject_GetAttrString((PyObject *)client->reader, "get_loop");
    client->finished = fast ? finished_future(client) : NULL;
    return client->call_soon != NULL && client->flush_soon != NULL && client->process_soon != NULL &&
           client->poll_soon != NULL && client->get_loop != NULL && (!fast || client->finished != NULL);
}

/* None, or a weight for each node. Nobody hears of events yet. */
static bool set_weights(struct client *client, const struct address_list *nodes, PyObject *weights)
{
    if (weights == Py_None) {
        return true;
    }
    for (size_t i = 0; i < nodes->count && i < (size_t)PyTuple_GET_SIZE(weights); i++) {
        uint64_t weight = 0;
        emc_error error = {.message = ""};
        if (!arguments_unsigned(PyTuple_GET_ITEM(weights, (Py_ssize_t)i), "weight", UINT32_MAX, &weight)) {
            return false;
        }
        emc_status status = emc_cluster_set_weight(client->view, &nodes->addresses[i], (uint32_t)weight, &error);
        if (status != EMC_OK) {
            errors_raise_refusal(client->state, status, error.message);
            return false;
        }
    }
    return true;
}

static bool create_engine(struct client *client, PyObject *nodes, PyObject *weights, PyObject *options_dict,
                          PyObject *gutter)
{
    struct address_list list = {0}, gutter_list = {0};
    emc_options options;
    emc_error error = {.message = ""};
    emc_options_init(&options);
    options.log_level = EMC_LOG_INFO;
    if (!options_fill(&options, options_dict) ||
        !address_list_from_python(client->state, nodes, "node_addresses", &list)) {
        return false;
    }
    if (!address_list_from_python(client->state, gutter, "gutter_nodes", &gutter_list)) {
        address_list_release(&list);
        return false;
    }
    options.gutter_nodes = gutter_list.count > 0 ? gutter_list.addresses : NULL;
    options.gutter_node_count = gutter_list.count;
    options.log = events_log;
    options.log_context = client->reader;
    options.trace = client->on_trace != NULL ? trace_note : NULL;
    options.trace_context = client->reader;
    client->timeout = options.timeout_ms == EMC_NO_LIMIT ? -1.0 : (double)options.timeout_ms / 1000.0;
    client->busy_poll = options.busy_poll_us > 0;
    client->key_length_max = 250 - (options.key_prefix != NULL ? strlen(options.key_prefix) : 0);
    emc_status status = emc_client_create(&client->engine, list.addresses, list.count, &options, &error);
    bool good = status == EMC_OK;
    if (good) {
        client->view = emc_cluster_management_retain(emc_client_cluster_management(client->engine));
        good = set_weights(client, &list, weights);
    } else {
        errors_raise_options(client->state, status, error.message);
    }
    address_list_release(&list);
    address_list_release(&gutter_list);
    return good;
}

static PyObject *client_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"loop",    "nodes",     "weights",     "options", "gutter_nodes", "on_event", "on_trace",
                            "listens", "fast_wake", "batch_ticks", NULL};
    PyObject *loop, *nodes, *weights, *options, *gutter, *on_event, *on_trace;
    int listens, fast, batch;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OOOO!OOOppp:Client", names, &loop, &nodes, &weights, &PyDict_Type,
                                     &options, &gutter, &on_event, &on_trace, &listens, &fast, &batch)) {
        return NULL;
    }
    if (weights != Py_None && !PyTuple_Check(weights)) {
        PyErr_SetString(PyExc_TypeError, "weights: a tuple or None is needed");
        return NULL;
    }
    struct client *client = (struct client *)type->tp_alloc(type, 0);
    if (client == NULL) {
        return NULL;
    }
    client->state = PyType_GetModuleState(type);
    client->thread = PyThread_get_thread_ident();
    client->process = getpid();
    client->attributes =
        PyDict_New(); /* not at first use: CPython 3.11 specialises no look-up on an object without one */
    Py_INCREF(loop);
    client->loop = loop;
    client->batch_ticks = batch != 0;
    Py_INCREF(options);
    client->options = options;
    if (on_trace != Py_None) {
        Py_INCREF(on_trace);
        client->on_trace = on_trace;
    }
    if (!bind(client, fast != 0) || !create_engine(client, nodes, weights, options, gutter)) {
        client_shut_down(client);
        Py_DECREF(client);
        return NULL;
    }
    Py_INCREF(on_event);
    client->on_event = on_event;
    client->listeners = listens != 0;
    client->last_subscription = EVENTS_OWN;
    if (!events_subscribe(client, EVENTS_OWN) || !reader_start(client->reader)) {
        client_shut_down(client);
        Py_DECREF(client);
        return NULL;
    }
    reader_update_hold(client);
    reader_after_call(client);
    return (PyObject *)client;
}

/* ------------------------------------------------------------------ the type */

static PyObject *get_closed(PyObject *self, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(((struct client *)self)->engine == NULL);
}

static PyObject *get_pending(PyObject *self, void *Py_UNUSED(closure))
{
    const struct client *client = (struct client *)self;
    return PyLong_FromSize_t(client->in_flight.count + client->waiting.count);
}

static PyObject *client_repr(PyObject *self)
{
    const struct client *client = (struct client *)self;
    return PyUnicode_FromFormat("<emcache.Client closed=%s at %p>", client->engine == NULL ? "True" : "False", self);
}

static PyObject *client_cluster_management(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return management_of((struct client *)self);
}

static PyMethodDef client_methods[] = {
    {"cluster_managment", client_cluster_management, METH_NOARGS,
     "cluster_managment($self)\n--\n\nThe management view of this client's cluster."},
    {"cluster_management", client_cluster_management, METH_NOARGS,
     "cluster_management($self)\n--\n\nThe management view of this client's cluster."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef client_properties[] = {
    {"closed", get_closed, NULL, "True when the client is closed.", NULL},
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {"pending", get_pending, NULL, "Operations awaited and not yet complete.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef client_members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(struct client, attributes), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(struct client, weak_references), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot client_slots[] = {
    {Py_tp_doc, "A client of a memcached cluster; made by emcache.create_client()."},
    {Py_tp_new, client_new},
    {Py_tp_dealloc, client_dealloc},
    {Py_tp_finalize, client_finalize},
    {Py_tp_traverse, client_traverse},
    {Py_tp_clear, client_clear},
    {Py_tp_repr, client_repr},
    {Py_tp_methods, client_methods},
    {Py_tp_getset, client_properties},
    {Py_tp_members, client_members},
    {0, NULL},
};

static PyType_Spec client_spec = {
    .name = "emcache._emcache.Client",
    .basicsize = sizeof(struct client),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = client_slots,
};

/* The commands come from several files. */
static bool add_commands(PyTypeObject *command_type, PyTypeObject *type)
{
    const struct command_entry *const tables[] = {client_commands,      client_bulk_commands,    client_node_commands,
                                                  client_meta_commands, client_pattern_commands, client_renewal};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        if (!command_add_all(command_type, type, tables[i])) {
            return false;
        }
    }
    return true;
}

PyTypeObject *client_type_create(PyObject *module)
{
    PyTypeObject *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &client_spec, NULL);
    if (type != NULL && !add_commands(module_state_of(module)->command_type, type)) {
        Py_CLEAR(type);
    }
    return type;
}
