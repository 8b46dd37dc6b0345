/* The life of an operation object: creation, outcome, garbage collection, and the methods of a future that its Task asks for.
 *
 * The steps of the coroutine (send, throw, close) are in coroutine.c. */
#include "coroutine.h"
#include "client.h"
#include "done_callback.h"
#include "operation.h"
#include "reader.h"

/* ------------------------------------------------------------------ creation */

struct operation *operation_create(struct client *client, const struct operation_traits *traits, PyObject *key)
{
    struct module_state *state = client->state;
    struct operation *operation = (struct operation *)spares_take(&state->spare_operations, state->operation_type);
    if (operation == NULL && (operation = PyObject_GC_New(struct operation, state->operation_type)) == NULL) {
        return NULL;
    }
    memset((char *)operation + sizeof(PyObject), 0, sizeof *operation - sizeof(PyObject));
    Py_INCREF(client);
    operation->client = client;
    operation->traits = traits;
    Py_XINCREF(key);
    operation->key = key;
    PyObject_GC_Track((PyObject *)operation);
    return operation;
}

void operation_discard(struct operation *operation)
{
    operation->state = OPERATION_FINISHED;
    Py_DECREF(operation);
}

void operation_release_value(struct operation *operation)
{
    Py_buffer *view = operation->view;
    operation->view = NULL;
    if (view != NULL) {
        PyBuffer_Release(view);
        PyMem_Free(view);
    }
    Py_CLEAR(operation->value);
}

void operation_drop_homes(struct operation *operation)
{
    while (operation->homes != NULL) {
        struct home *home = operation->homes;
        operation->homes = home->next;
        Py_DECREF(home->bytes);
        PyMem_Free(home);
    }
}

/* ------------------------------------------------------------------ outcome */

void operation_set_result(struct operation *operation, PyObject *result)
{
    if (result == NULL) {
        operation_set_raised(operation);
    } else if (operation->outcome == NULL) {
        operation->outcome = result;
    } else {
        Py_DECREF(result);
    }
}

void operation_set_exception(struct operation *operation, PyObject *exception)
{
    if (exception == NULL) {
        operation_set_raised(operation);
        return;
    }
    Py_XSETREF(operation->outcome, exception);
    operation->failed = true;
}

void operation_set_raised(struct operation *operation)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (value != NULL && traceback != NULL) {
        PyException_SetTraceback(value, traceback);
    }
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    if (value == NULL) {
        value = PyErr_NoMemory();
        PyErr_Clear();
    }
    if (value != NULL) {
        operation_set_exception(operation, value);
    } else {
        operation->failed = true; /* not even that: raised as a MemoryError when it is asked for */
    }
}

/* ------------------------------------------------------------------ garbage collection */

static int operation_traverse(PyObject *self, visitproc visit, void *arg)
{
    struct operation *operation = (struct operation *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(operation->client);
    Py_VISIT(operation->key);
    Py_VISIT(operation->value);
    if (operation->view != NULL) {
        Py_VISIT(operation->view->obj);
    }
    Py_VISIT(operation->callback);
    Py_VISIT(operation->context);
    Py_VISIT(operation->outcome);
    Py_VISIT(operation->extra_owner);
    Py_VISIT(operation->routing_key);
    return 0;
}

static int operation_clear(PyObject *self)
{
    struct operation *operation = (struct operation *)self;
    Py_CLEAR(operation->callback);
    Py_CLEAR(operation->context);
    Py_CLEAR(operation->outcome);
    if (!operation->in_list && !operation->borrowed) { /* else the engine still writes to, or reads from, these */
        operation_release_value(operation);
        operation_drop_homes(operation);
        Py_CLEAR(operation->key);
        Py_CLEAR(operation->extra_owner);
        Py_CLEAR(operation->routing_key);
    }
    return 0;
}

static void operation_finalize(PyObject *self)
{
    struct operation *operation = (struct operation *)self;
    if (operation->state != OPERATION_CREATED) {
        return;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    operation->state = OPERATION_FINISHED;
    if (PyErr_WarnFormat(PyExc_RuntimeWarning, 1, "coroutine 'Client.%s' was never awaited", operation->traits->name) <
        0) {
        PyErr_WriteUnraisable(self);
    }
    PyErr_Restore(type, value, traceback);
}

static void operation_dealloc(PyObject *self)
{
    struct operation *operation = (struct operation *)self;
    if (operation->state == OPERATION_CREATED && PyObject_CallFinalizerFromDealloc(self) < 0) {
        return;
    }
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    (void)operation_clear(self);
    PyMem_Free(operation->extra);
    Py_CLEAR(operation->client);
    struct module_state *state = module_state_of_type(type);
    bool again = state != NULL && state->operation_type == type && !PyObject_GC_IsFinalized(self);
    if (!again || !spares_keep(&state->spare_operations, self, SPARE_OPERATIONS_MAX)) {
        PyObject_GC_Del(self);
    }
    Py_DECREF(type);
}

static PyObject *operation_repr(PyObject *self)
{
    static const char *const states[] = {"created", "waiting", "pending", "done", "finished"};
    struct operation *operation = (struct operation *)self;
    return PyUnicode_FromFormat("<coroutine object Client.%s, %s, at %p>", operation->traits->name,
                                states[operation->state], self);
}

/* ------------------------------------------------------------------ what a Task asks a future */

static PyObject *remove_done_callback(PyObject *self, PyObject *callback)
{
    struct operation *operation = (struct operation *)self;
    int same = operation->callback != NULL ? PyObject_RichCompareBool(operation->callback, callback, Py_EQ) : 0;
    if (same > 0) {
        Py_CLEAR(operation->callback);
        Py_CLEAR(operation->context);
    }
    return same < 0 ? NULL : PyLong_FromLong(same);
}

static PyObject *operation_get_loop(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    PyObject *loop = ((struct operation *)self)->client->loop;
    if (loop == NULL) {
        client_raise_closed();
    }
    Py_XINCREF(loop);
    return loop;
}

static PyObject *operation_done(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return PyBool_FromLong(((struct operation *)self)->state >= OPERATION_DONE);
}

static bool is_cancelled(const struct operation *operation)
{
    return operation->failed && operation->outcome != NULL &&
           PyErr_GivenExceptionMatches(operation->outcome, operation->client->state->cancelled_error);
}

static PyObject *operation_cancelled(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return PyBool_FromLong(is_cancelled((struct operation *)self));
}

static PyObject *operation_result(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    struct operation *operation = (struct operation *)self;
    if (operation->state < OPERATION_DONE || (operation->outcome == NULL && !operation->failed)) {
        PyErr_SetString(operation->client->state->invalid_state_error, "Result is not set.");
        return NULL;
    }
    if (operation->failed && operation->outcome == NULL) {
        return PyErr_NoMemory();
    }
    if (operation->failed) {
        PyErr_SetObject((PyObject *)Py_TYPE(operation->outcome), operation->outcome);
        return NULL;
    }
    /* A Task that wakes on this throws the value away and sends: the outcome is handed over there. */
    Py_INCREF(operation->outcome);
    return operation->outcome;
}

static PyObject *operation_exception(PyObject *self, PyObject *ignored)
{
    struct operation *operation = (struct operation *)self;
    if (operation->state < OPERATION_DONE || !operation->failed || is_cancelled(operation)) {
        PyObject *result = operation_result(self, ignored);
        Py_XDECREF(result);
        return result != NULL ? (Py_INCREF(Py_None), Py_None) : NULL;
    }
    Py_XINCREF(operation->outcome);
    return operation->outcome != NULL ? operation->outcome : PyErr_NoMemory();
}

static PyObject *operation_cancel(PyObject *self, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"msg", NULL};
    PyObject *message = Py_None;
    struct operation *operation = (struct operation *)self;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|O:cancel", names, &message)) {
        return NULL;
    }
    if (operation->state == OPERATION_CREATED || operation->state >= OPERATION_DONE) {
        Py_RETURN_FALSE;
    }
    PyObject *error = message == Py_None
                          ? PyObject_CallNoArgs(operation->client->state->cancelled_error)
                          : PyObject_CallFunctionObjArgs(operation->client->state->cancelled_error, message, NULL);
    if (error == NULL) {
        return NULL;
    }
    Py_INCREF(operation);
    coroutine_abandon(operation);
    operation_set_exception(operation, error);
    operation->state = OPERATION_DONE;
    reader_completed(operation);
    reader_wake_soon(operation->client);
    Py_DECREF(operation);
    Py_RETURN_TRUE;
}

static PyMethodDef operation_methods[] = {
    {"send", coroutine_send, METH_O, NULL},
    {"throw", (PyCFunction)(void (*)(void))coroutine_throw, METH_FASTCALL, NULL},
    {"close", coroutine_close, METH_NOARGS, NULL},
    {"add_done_callback", (PyCFunction)(void (*)(void))done_callback_add, METH_FASTCALL | METH_KEYWORDS, NULL},
    {"remove_done_callback", remove_done_callback, METH_O, NULL},
    {"get_loop", operation_get_loop, METH_NOARGS, NULL},
    {"done", operation_done, METH_NOARGS, NULL},
    {"cancelled", operation_cancelled, METH_NOARGS, NULL},
    {"result", operation_result, METH_NOARGS, NULL},
    {"exception", operation_exception, METH_NOARGS, NULL},
    {"cancel", (PyCFunction)(void (*)(void))operation_cancel, METH_VARARGS | METH_KEYWORDS, NULL},
    {NULL, NULL, 0, NULL},
};

/* None before the first send, so that nobody takes a coroutine for a future. */
static PyObject *get_blocking(PyObject *self, void *Py_UNUSED(closure))
{
    struct operation *operation = (struct operation *)self;
    PyObject *value = operation->state == OPERATION_CREATED ? Py_None : operation->blocking ? Py_True : Py_False;
    Py_INCREF(value);
    return value;
}

static int set_blocking(PyObject *self, PyObject *value, void *Py_UNUSED(closure))
{
    int truth = value != NULL ? PyObject_IsTrue(value) : 0;
    if (truth < 0) {
        return -1;
    }
    ((struct operation *)self)->blocking = truth != 0;
    return 0;
}

static PyObject *get_name(PyObject *self, void *Py_UNUSED(closure))
{
    return PyUnicode_FromString(((struct operation *)self)->traits->name);
}

static PyObject *get_qualified_name(PyObject *self, void *Py_UNUSED(closure))
{
    return PyUnicode_FromFormat("Client.%s", ((struct operation *)self)->traits->name);
}

static PyGetSetDef operation_properties[] = {
    {"_asyncio_future_blocking", get_blocking, set_blocking, NULL, NULL},
    {"__name__", get_name, NULL, NULL, NULL},
    {"__qualname__", get_qualified_name, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

/* A Task looks up the same three names for each await: by pointer, before the dictionaries of the type are asked. */
static PyObject *operation_getattro(PyObject *self, PyObject *name)
{
    struct operation *operation = (struct operation *)self;
    const struct module_state *state = operation->client->state;
    if (name == state->name__asyncio_future_blocking) {
        return get_blocking(self, NULL);
    }
    if (name == state->name_get_loop && operation->client->get_loop != NULL) {
        Py_INCREF(operation->client->get_loop);
        return operation->client->get_loop;
    }
    if (name == state->name_add_done_callback) {
        return done_callback_adder(operation);
    }
    return PyObject_GenericGetAttr(self, name);
}

static int operation_setattro(PyObject *self, PyObject *name, PyObject *value)
{
    struct operation *operation = (struct operation *)self;
    if (name == operation->client->state->name__asyncio_future_blocking && value == Py_False) {
        operation->blocking = false;
        return 0;
    }
    return PyObject_GenericSetAttr(self, name, value);
}

static PyType_Slot operation_slots[] = {
    {Py_tp_doc, "A command on its way: await it, or give it to create_task(), gather(), wait_for() …"},
    {Py_tp_dealloc, operation_dealloc},
    {Py_tp_finalize, operation_finalize},
    {Py_tp_traverse, operation_traverse},
    {Py_tp_clear, operation_clear},
    {Py_tp_repr, operation_repr},
    {Py_tp_getattro, operation_getattro},
    {Py_tp_setattro, operation_setattro},
    {Py_tp_methods, operation_methods},
    {Py_tp_getset, operation_properties},
    {Py_tp_iternext, coroutine_next},
    {Py_am_await, coroutine_await},
#if PY_VERSION_HEX >= 0x030A0000
    {Py_am_send, coroutine_am_send},
#endif
    {0, NULL},
};

static PyType_Spec operation_spec = {
    .name = "emcache._emcache.Operation",
    .basicsize = sizeof(struct operation),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC
#if PY_VERSION_HEX >= 0x030A0000
             | Py_TPFLAGS_DISALLOW_INSTANTIATION
#endif
    ,
    .slots = operation_slots,
};

PyTypeObject *operation_type_create(PyObject *module)
{
    PyTypeObject *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &operation_spec, NULL);
#if PY_VERSION_HEX < 0x030A0000
    if (type != NULL) {
        type->tp_new = NULL;
    }
#endif
    return type;
}
