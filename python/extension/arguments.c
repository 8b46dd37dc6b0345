/* The arguments of a command: found by position or name without a dictionary, and checked at the call. */
#include "arguments.h"
#include "client.h"

#define EXPTIME_MAX 2147483647

/* ------------------------------------------------------------------ which is which */

static int index_of(const struct signature *signature, PyObject *name)
{
    for (int i = 0; i < signature->count; i++) {
        if (PyUnicode_CompareWithASCIIString(name, signature->names[i]) == 0) {
            return i;
        }
    }
    return -1;
}

static bool parse_keywords(const struct signature *signature, PyObject *const *values, PyObject *names, PyObject **out)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); i++) {
        PyObject *name = PyTuple_GET_ITEM(names, i);
        int index = index_of(signature, name);
        if (index < 0) {
            PyErr_Format(PyExc_TypeError, "Client.%s() got an unexpected keyword argument '%U'", signature->function,
                         name);
            return false;
        }
        if (out[index] != NULL) {
            PyErr_Format(PyExc_TypeError, "Client.%s() got multiple values for argument '%U'", signature->function,
                         name);
            return false;
        }
        out[index] = values[i];
    }
    return true;
}

bool arguments_parse(const struct signature *signature, PyObject *const *args, Py_ssize_t nargs,
                     PyObject *keyword_names, PyObject **out)
{
    if (nargs > signature->positional) {
        PyErr_Format(PyExc_TypeError, "Client.%s() takes at most %d positional arguments (%zd given)",
                     signature->function, signature->positional, nargs);
        return false;
    }
    for (Py_ssize_t i = 0; i < signature->count; i++) {
        out[i] = i < nargs ? args[i] : NULL;
    }
    if (keyword_names != NULL && !parse_keywords(signature, args + nargs, keyword_names, out)) {
        return false;
    }
    for (int i = 0; i < signature->required; i++) {
        if (out[i] == NULL) {
            PyErr_Format(PyExc_TypeError, "Client.%s() missing required argument: '%s'", signature->function,
                         signature->names[i]);
            return false;
        }
    }
    return true;
}

/* ------------------------------------------------------------------ conversions */

bool arguments_bool(PyObject *object, bool *out)
{
    if (object == NULL || object == Py_False) {
        return true;
    }
    int truth = object == Py_True ? 1 : PyObject_IsTrue(object);
    *out = truth > 0;
    return truth >= 0;
}

static PyObject *as_integer(PyObject *object, const char *name)
{
    if (PyLong_Check(object)) {
        Py_INCREF(object);
        return object;
    }
    if (!PyIndex_Check(object)) {
        PyErr_Format(PyExc_TypeError, "%s: an int is needed, not %.100s", name, Py_TYPE(object)->tp_name);
        return NULL;
    }
    return PyNumber_Index(object);
}

bool arguments_unsigned(PyObject *object, const char *name, uint64_t max, uint64_t *out)
{
    if (object == NULL) {
        return true;
    }
    PyObject *integer = as_integer(object, name);
    if (integer == NULL) {
        return false;
    }
    unsigned long long number = PyLong_AsUnsignedLongLong(integer);
    bool bad = PyErr_Occurred() != NULL || number > max;
    if (bad) {
        PyErr_Clear();
        PyErr_Format(PyExc_ValueError, "%s: %R; it is 0 to %llu", name, integer, (unsigned long long)max);
    }
    Py_DECREF(integer);
    *out = bad ? *out : number;
    return !bad;
}

bool arguments_exptime(PyObject *object, const char *name, int64_t *out)
{
    if (object == NULL) {
        return true;
    }
    PyObject *integer = as_integer(object, name);
    if (integer == NULL) {
        return false;
    }
    int overflow = 0;
    long long number = PyLong_AsLongLongAndOverflow(integer, &overflow);
    bool bad = overflow != 0 || number < -1 || number > EXPTIME_MAX;
    if (bad) {
        PyErr_Format(PyExc_ValueError, "%s: %R; it is -1 to %d", name, integer, EXPTIME_MAX);
    }
    Py_DECREF(integer);
    *out = bad ? *out : number;
    return !bad;
}

bool arguments_flags(PyObject *object, uint64_t *out)
{
    return arguments_unsigned(object, "flags", UINT32_MAX, out);
}

/* ------------------------------------------------------------------ keys and values */

bool arguments_key(const struct client *client, PyObject *object)
{
    emc_error error;
    if (!PyBytes_Check(object)) {
        PyErr_Format(PyExc_TypeError, "key: bytes are needed, not %.100s", Py_TYPE(object)->tp_name);
        return false;
    }
    size_t length = (size_t)PyBytes_GET_SIZE(object);
    if (emc_key_validate(PyBytes_AS_STRING(object), length, &error) != EMC_OK) {
        PyErr_SetString(PyExc_ValueError, error.message);
        return false;
    }
    if (length > client->key_length_max) {
        PyErr_Format(PyExc_ValueError, "key: %zu bytes; with this client's prefix it has at most %zu", length,
                     client->key_length_max);
        return false;
    }
    return true;
}

PyObject *arguments_keys(const struct client *client, PyObject *iterable)
{
    PyObject *keys = PySequence_Tuple(iterable);
    for (Py_ssize_t i = 0; keys != NULL && i < PyTuple_GET_SIZE(keys); i++) {
        if (!arguments_key(client, PyTuple_GET_ITEM(keys, i))) {
            Py_CLEAR(keys);
        }
    }
    return keys;
}

bool arguments_value(struct operation *operation, PyObject *object)
{
    if (PyBytes_CheckExact(object)) {
        Py_INCREF(object);
        operation->value = object;
        return true;
    }
    if (!PyObject_CheckBuffer(object)) {
        PyErr_Format(PyExc_TypeError, "value: a bytes-like object is needed, not %.100s", Py_TYPE(object)->tp_name);
        return false;
    }
    Py_buffer *view = PyMem_Malloc(sizeof *view);
    if (view == NULL) {
        PyErr_NoMemory();
        return false;
    }
    if (PyObject_GetBuffer(object, view, PyBUF_SIMPLE) < 0) {
        PyMem_Free(view);
        return false;
    }
    operation->view = view;
    return true;
}

const void *operation_value(const struct operation *operation, size_t *length_out)
{
    if (operation->view != NULL) {
        *length_out = (size_t)operation->view->len;
        return operation->view->buf != NULL ? operation->view->buf : "";
    }
    *length_out = (size_t)PyBytes_GET_SIZE(operation->value);
    return PyBytes_AS_STRING(operation->value);
}
