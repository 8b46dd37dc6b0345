/* add_done_callback(), which each Task asks of each operation that it waits for.
 *
 * The bound method is an object within its operation: to hand it out allocates nothing. While somebody has it, its operation lives: it holds it, or a list
 * of the client does. The collector can't ask it what it holds, as it has no head for that; but an operation under way, which alone keeps a callback, is held
 * by the list, and of that one the collector knows. */
#include <stddef.h>

#include "client.h"
#include "done_callback.h"
#include "reader.h"

/* A Task gives one and the same tuple of names each time. */
static bool is_context_keyword(const struct operation *operation, PyObject *keywords)
{
    struct module_state *state = operation->client->state;
    if (keywords == state->task_keywords) {
        return true;
    }
    if (PyTuple_GET_SIZE(keywords) != 1 || PyUnicode_Compare(PyTuple_GET_ITEM(keywords, 0), state->name_context) != 0) {
        return false;
    }
    Py_INCREF(keywords);
    Py_XSETREF(state->task_keywords, keywords);
    return true;
}

PyObject *done_callback_add(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    struct operation *operation = (struct operation *)self;
    if (nargs != 1 || (keywords != NULL && !is_context_keyword(operation, keywords))) {
        PyErr_SetString(PyExc_TypeError, "add_done_callback() takes a callback and a context");
        return NULL;
    }
    if (operation->state == OPERATION_CREATED) {
        PyErr_SetString(PyExc_RuntimeError, "coroutine is not awaited yet");
        return NULL;
    }
    if (operation->callback != NULL) {
        PyErr_SetString(PyExc_RuntimeError, "coroutine is being awaited already");
        return NULL;
    }
    PyObject *context = keywords != NULL && args[1] != Py_None ? args[1] : NULL;
    if (context != NULL) {
        Py_INCREF(context);
    } else if ((context = PyContext_CopyCurrent()) == NULL) {
        return NULL;
    }
    operation->context = context;
    Py_INCREF(args[0]);
    operation->callback = args[0];
    if (operation->state >= OPERATION_DONE) {
        reader_completed(operation);
        reader_wake_soon(operation->client);
    }
    Py_RETURN_NONE;
}

/* ------------------------------------------------------------------ the bound method */

static struct operation *operation_of(PyObject *adder)
{
    return (struct operation *)((char *)adder - offsetof(struct operation, adder));
}

static PyObject *adder_call(PyObject *adder, PyObject *const *args, size_t nargsf, PyObject *keywords)
{
    return done_callback_add((PyObject *)operation_of(adder), args, PyVectorcall_NARGS(nargsf), keywords);
}

PyObject *done_callback_adder(struct operation *operation)
{
    struct operation_adder *adder = &operation->adder;
    if (adder->call != NULL) {
        Py_INCREF(adder);
        return (PyObject *)adder;
    }
    (void)PyObject_Init((PyObject *)adder, operation->client->state->adder_type);
    adder->call = adder_call;
    adder->holds = operation->in_list == 0;
    if (adder->holds) {
        Py_INCREF(operation);
    }
    return (PyObject *)adder;
}

/* Its memory is the operation's: only the hold on that one ends. */
static void adder_dealloc(PyObject *self)
{
    struct operation *operation = operation_of(self);
    PyTypeObject *type = Py_TYPE(self);
    bool held = operation->adder.holds;
    operation->adder.call = NULL;
    operation->adder.holds = false;
    Py_DECREF(type);
    if (held) {
        Py_DECREF(operation);
    }
}

static PyMemberDef adder_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(struct operation_adder, call), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot adder_slots[] = {
    {Py_tp_doc, "The add_done_callback() of an operation."},
    {Py_tp_dealloc, adder_dealloc},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_members, adder_members},
    {0, NULL},
};

static PyType_Spec adder_spec = {
    .name = "emcache._emcache.DoneCallbackAdder",
    .basicsize = sizeof(struct operation_adder),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL,
    .slots = adder_slots,
};

PyTypeObject *adder_type_create(PyObject *module)
{
    PyTypeObject *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &adder_spec, NULL);
    if (type != NULL) {
        type->tp_new = NULL; /* made by operations only */
    }
    return type;
}
