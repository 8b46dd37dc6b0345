/* The steps of an operation as a coroutine: send, throw, close. */
#ifndef EMC_PYTHON_COROUTINE_H
#define EMC_PYTHON_COROUTINE_H

#include "operation.h"

#if PY_VERSION_HEX < 0x030A0000
typedef enum { PYGEN_RETURN = 0,
               PYGEN_ERROR = -1,
               PYGEN_NEXT = 1 } PySendResult;
#endif

PySendResult coroutine_am_send(PyObject *self, PyObject *value, PyObject **result_out);
PyObject *coroutine_send(PyObject *self, PyObject *value);
PyObject *coroutine_next(PyObject *self);
PyObject *coroutine_await(PyObject *self);
PyObject *coroutine_throw(PyObject *self, PyObject *const *args, Py_ssize_t nargs);
PyObject *coroutine_close(PyObject *self, PyObject *ignored);

/* Nobody wants the outcome any more: what was submitted is cancelled, its late reply is dropped by the engine. */
void coroutine_abandon(struct operation *operation);

#endif
