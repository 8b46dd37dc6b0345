/* An operation's steps as a coroutine.
 *
 *   created --send--> submitted, yields itself --the engine calls back--> done --send--> returns or raises
 *
 * Submission happens at the first send, as the body of an `async def` begins to run there. */
#include "coroutine.h"
#include "client.h"
#include "reader.h"
#include "submit.h"

static PySendResult refuse_again(const struct operation *operation)
{
    PyErr_SetString(PyExc_RuntimeError, operation->state == OPERATION_FINISHED
                                            ? "cannot reuse already awaited coroutine"
                                            : "coroutine is being awaited already");
    return PYGEN_ERROR;
}

static PySendResult hand_over(struct operation *operation, PyObject **result_out)
{
    PyObject *outcome = operation->outcome;
    operation->state = OPERATION_FINISHED;
    operation->outcome = NULL;
    Py_CLEAR(operation->callback);
    Py_CLEAR(operation->context);
    if (!operation->failed) {
        *result_out = outcome;
        return PYGEN_RETURN;
    }
    if (outcome == NULL) {
        PyErr_NoMemory();
    } else {
        PyErr_SetObject((PyObject *)Py_TYPE(outcome), outcome);
        Py_DECREF(outcome);
    }
    return PYGEN_ERROR;
}

static bool is_running(const struct client *client)
{
    PyObject *running = PyObject_CallNoArgs(client->state->running_loop);
    bool same = running == client->loop;
    Py_XDECREF(running);
    PyErr_Clear();
    return same;
}

static PySendResult begin(struct operation *operation, PyObject *value, PyObject **result_out)
{
    if (value != Py_None) {
        PyErr_SetString(PyExc_TypeError, "can't send non-None value to a just-started coroutine");
        return PYGEN_ERROR;
    }
    if (!submit_operation(operation)) {
        operation->state = OPERATION_FINISHED;
        operation_release_value(operation);
        return PYGEN_ERROR;
    }
    if (operation->state == OPERATION_DONE && operation->traits->submit == NULL && !is_running(operation->client)) {
        return hand_over(operation, result_out); /* close() of a client whose loop is closed: no way to suspend */
    }
    operation->blocking = true;
    Py_INCREF(operation);
    *result_out = (PyObject *)operation;
    return PYGEN_NEXT;
}

PySendResult coroutine_am_send(PyObject *self, PyObject *value, PyObject **result_out)
{
    struct operation *operation = (struct operation *)self;
    *result_out = NULL;
    switch (operation->state) {
    case OPERATION_CREATED:
        return begin(operation, value, result_out);
    case OPERATION_DONE:
        return hand_over(operation, result_out);
    default:
        return refuse_again(operation);
    }
}

/* A generator's return, the slow way. */
static void raise_stop(PyObject *value, bool bare)
{
    if (value == Py_None) {
        if (!bare) {
            PyErr_SetNone(PyExc_StopIteration);
        }
    } else {
        PyObject *stop = PyObject_CallFunctionObjArgs(PyExc_StopIteration, value, NULL);
        if (stop != NULL) {
            PyErr_SetObject(PyExc_StopIteration, stop);
            Py_DECREF(stop);
        }
    }
    Py_DECREF(value);
}

PyObject *coroutine_send(PyObject *self, PyObject *value)
{
    PyObject *result;
    PySendResult step = coroutine_am_send(self, value, &result);
    if (step == PYGEN_RETURN) {
        raise_stop(result, false);
        return NULL;
    }
    return result;
}

PyObject *coroutine_next(PyObject *self)
{
    PyObject *result;
    PySendResult step = coroutine_am_send(self, Py_None, &result);
    if (step == PYGEN_RETURN) {
        raise_stop(result, true);
        return NULL;
    }
    return result;
}

PyObject *coroutine_await(PyObject *self)
{
    Py_INCREF(self);
    return self;
}

void coroutine_abandon(struct operation *operation)
{
    struct client *client = operation->client;
    if (operation->state == OPERATION_WAITING) {
        operation->state = OPERATION_FINISHED;
        client_list_remove(client, operation);
        reader_update_hold(client);
    } else if (operation->state == OPERATION_PENDING) {
        operation->state = OPERATION_FINISHED;
        if (client->engine != NULL) {
            (void)emc_cancel(client->engine, operation->identity);
            reader_end_tick(client);
        }
    }
    operation->state = OPERATION_FINISHED;
}

/* throw(exception), or the older throw(type, value, traceback). */
static void raise_given(PyObject *const *args, Py_ssize_t nargs)
{
    PyObject *type = args[0], *value = nargs > 1 && args[1] != Py_None ? args[1] : NULL;
    PyObject *traceback = nargs > 2 && args[2] != Py_None ? args[2] : NULL;
    if (PyExceptionInstance_Check(type) && value == NULL) {
        value = type;
        type = (PyObject *)Py_TYPE(value);
    }
    if (!PyExceptionClass_Check(type) || (traceback != NULL && !PyTraceBack_Check(traceback))) {
        PyErr_SetString(PyExc_TypeError, "exceptions must be classes or instances deriving from BaseException");
        return;
    }
    Py_INCREF(type);
    Py_XINCREF(value);
    Py_XINCREF(traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    PyErr_Restore(type, value, traceback);
}

PyObject *coroutine_throw(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    struct operation *operation = (struct operation *)self;
    if (nargs < 1 || nargs > 3) {
        PyErr_SetString(PyExc_TypeError, "throw() takes an exception");
        return NULL;
    }
    if (operation->state == OPERATION_FINISHED) {
        (void)refuse_again(operation);
        return NULL;
    }
    Py_XDECREF(coroutine_close(self, NULL));
    raise_given(args, nargs);
    return NULL;
}

PyObject *coroutine_close(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    struct operation *operation = (struct operation *)self;
    Py_INCREF(operation);
    coroutine_abandon(operation);
    reader_wake_one_soon(
        operation); /* closed by somebody else than the Task that waits for it: that one shall not wait for ever */
    Py_CLEAR(operation->outcome);
    if (!operation->in_list && !operation->borrowed) {
        operation_release_value(operation);
    }
    Py_DECREF(operation);
    Py_RETURN_NONE;
}
