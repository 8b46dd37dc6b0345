/* add_done_callback() of an operation. */
#ifndef EMC_PYTHON_DONE_CALLBACK_H
#define EMC_PYTHON_DONE_CALLBACK_H

#include "operation.h"

/* add_done_callback(callback, *, context=None). */
PyObject *done_callback_add(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords);
/* The same as a bound method: a new reference. */
PyObject *done_callback_adder(struct operation *operation);

#endif
