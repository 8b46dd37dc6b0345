/* The arguments of a command: found by position or name without a dictionary, and checked at the call. */
#include <math.h>

#include "arguments.h"
#include "client.h"

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
    Py_ssize_t named = nargs;
    if (nargs > signature->positional && signature->rest) {
        named = signature->positional;
    } else if (nargs > signature->positional) {
        PyErr_Format(PyExc_TypeError, "Client.%s() takes at most %d positional arguments (%zd given)",
                     signature->function, signature->positional, nargs);
        return false;
    }
    for (Py_ssize_t i = 0; i < signature->count; i++) {
        out[i] = i < named ? args[i] : NULL;
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

/* ------------------------------------------------------------------ refusals */

#define SHOWN_MAX 60

void arguments_raise_range(const char *name, PyObject *value, const char *range)
{
    PyObject *text = PyObject_Repr(value);
    if (text == NULL || PyUnicode_GET_LENGTH(text) > SHOWN_MAX) {
        PyErr_Clear();
        PyErr_Format(PyExc_ValueError, "%s: %s", name, range);
    } else {
        PyErr_Format(PyExc_ValueError, "%s: %U; %s", name, text, range);
    }
    Py_XDECREF(text);
}

/* ------------------------------------------------------------------ conversions */

PyObject *arguments_tuple(PyObject *object, const char *name)
{
    if (Py_TYPE(object)->tp_iter == NULL && !PySequence_Check(object)) {
        PyErr_Format(PyExc_TypeError, "%s: an iterable is needed, not %.100s", name, Py_TYPE(object)->tp_name);
        return NULL;
    }
    return PySequence_Tuple(object);
}

bool arguments_is_mapping(PyObject *object)
{
    return PyDict_Check(object) || (PyMapping_Check(object) && PyObject_HasAttrString(object, "keys"));
}

const char *arguments_text(PyObject *object, const char *name, Py_ssize_t *length_out)
{
    if (!PyUnicode_Check(object)) {
        PyErr_Format(PyExc_TypeError, "%s: a str is needed, not %.100s", name, Py_TYPE(object)->tp_name);
        return NULL;
    }
    const char *text = PyUnicode_AsUTF8AndSize(object, length_out);
    if (text == NULL && PyErr_ExceptionMatches(PyExc_UnicodeError)) {
        PyErr_Format(PyExc_ValueError, "%s: a lone surrogate, which has no UTF-8", name);
    }
    return text;
}

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
        char range[48];
        PyErr_Clear();
        PyOS_snprintf(range, sizeof range, "it is 0 to %llu", (unsigned long long)max);
        arguments_raise_range(name, integer, range);
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
    bool bad = overflow != 0 || number < -1 || number > INT32_MAX;
    if (bad) {
        arguments_raise_range(name, integer, "it is -1 to 2147483647");
    }
    Py_DECREF(integer);
    *out = bad ? *out : number;
    return !bad;
}

bool arguments_flags(PyObject *object, uint64_t *out)
{
    return arguments_unsigned(object, "flags", UINT32_MAX, out);
}

/* ------------------------------------------------------------------ what every command takes */

#define DURATION_MAX_MS 2147483647.0

bool arguments_number_of_seconds(PyObject *object, const char *name, const char *needed, const char *limit,
                                 double *seconds_out)
{
    *seconds_out = PyFloat_AsDouble(object);
    if (*seconds_out != -1.0 || !PyErr_Occurred()) {
        return true;
    }
    if (PyErr_ExceptionMatches(PyExc_TypeError)) {
        PyErr_Format(PyExc_TypeError, "%s: %s needed, not %.100s", name, needed, Py_TYPE(object)->tp_name);
    } else if (PyErr_ExceptionMatches(PyExc_OverflowError)) {
        PyErr_Format(PyExc_ValueError, "%s: too many seconds; %s", name, limit);
    }
    return false;
}

bool arguments_seconds(PyObject *object, const char *name, uint32_t *ms_out)
{
    double seconds;
    if (!arguments_number_of_seconds(object, name, "seconds or None is", NO_LIMIT_WORDS, &seconds)) {
        return false;
    }
    if (!(seconds > 0)) {
        arguments_raise_range(name, object, "it is more than 0 seconds");
        return false;
    }
    double ms = ceil(seconds * 1000.0 - 1e-6);
    *ms_out = ms < 1 ? 1u : ms > DURATION_MAX_MS ? EMC_NO_LIMIT : (uint32_t)ms;
    return true;
}

bool arguments_timeout(struct operation *operation, PyObject *timeout)
{
    return timeout == NULL || timeout == Py_None || arguments_seconds(timeout, "timeout", &operation->timeout_ms);
}

bool arguments_call(struct operation *operation, PyObject *const *given)
{
    PyObject *routing_key = given[1];
    if (!arguments_timeout(operation, given[0])) {
        return false;
    }
    if (routing_key == NULL || routing_key == Py_None) {
        return true;
    }
    if (!PyBytes_Check(routing_key)) {
        PyErr_Format(PyExc_TypeError, "routing_key: bytes are needed, not %.100s", Py_TYPE(routing_key)->tp_name);
        return false;
    }
    Py_INCREF(routing_key);
    operation->routing_key = routing_key;
    return true;
}

/* ------------------------------------------------------------------ keys and values */

/* Says what is wrong with the key; of a list's, with its place. */
static void refuse_key(const struct client *client, PyObject *object, Py_ssize_t place)
{
    emc_error error;
    char name[32] = "key";
    if (place >= 0) {
        PyOS_snprintf(name, sizeof name, "keys[%zd]", place);
    }
    if (!PyBytes_Check(object)) {
        PyErr_Format(PyExc_TypeError, "%s: bytes are needed, not %.100s", name, Py_TYPE(object)->tp_name);
    } else if (emc_key_validate(PyBytes_AS_STRING(object), (size_t)PyBytes_GET_SIZE(object), &error) != EMC_OK) {
        PyErr_Format(PyExc_ValueError, "%s%s", name, error.message + (sizeof "key" - 1)); /* which it begins with */
    } else {
        PyErr_Format(PyExc_ValueError, "%s: %zd bytes; with this client's prefix it has at most %zu", name,
                     PyBytes_GET_SIZE(object), client->key_length_max);
    }
}

/* `place` in a list of keys; -1: it is the only one. At the call, where a caller's mistake belongs. The engine looks again when the command is submitted: to
 * spare that (45 of the 4,800 instructions of a get on asyncio) it would need a way past its own check, and nothing shall reach the wire unvalidated. */
static bool check_key(const struct client *client, PyObject *object, Py_ssize_t place)
{
    if (PyBytes_Check(object)) {
        size_t length = (size_t)PyBytes_GET_SIZE(object);
        if (length <= client->key_length_max && emc_key_validate(PyBytes_AS_STRING(object), length, NULL) == EMC_OK) {
            return true;
        }
    }
    refuse_key(client, object, place);
    return false;
}

bool arguments_key(const struct client *client, PyObject *object)
{
    return check_key(client, object, -1);
}

struct operation *operation_on_key(PyObject *client, const struct operation_traits *traits, PyObject *key)
{
    struct client *own = (struct client *)client;
    return arguments_key(own, key) ? operation_create(own, traits, key) : NULL;
}

PyObject *arguments_keys(const struct client *client, PyObject *iterable)
{
    PyObject *keys = arguments_tuple(iterable, "keys");
    for (Py_ssize_t i = 0; keys != NULL && i < PyTuple_GET_SIZE(keys); i++) {
        if (!check_key(client, PyTuple_GET_ITEM(keys, i), i)) {
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
        if (PyErr_ExceptionMatches(PyExc_BufferError)) {
            PyErr_Format(PyExc_BufferError, "value: bytes that lie side by side are needed, not such a %.100s",
                         Py_TYPE(object)->tp_name);
        }
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
