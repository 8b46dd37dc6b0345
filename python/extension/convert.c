/* From an outcome of the engine to what the caller awaits. */
#include "convert.h"
#include "client.h"
#include "errors.h"
#include "item.h"
#include "submit.h"

#define DICT_ROOM_MAX 1000

/* `exception` (a reference is stolen) or, where it is NULL, the one that is set. To make it may have run the collector, and that anything: an operation that
 * was cancelled meanwhile stays so. */
static void fail(struct operation *operation, PyObject *exception)
{
    if (operation->state == OPERATION_PENDING) {
        operation_set_exception(operation, exception);
    } else {
        Py_XDECREF(exception);
        PyErr_Clear();
    }
}

bool convert_error(struct operation *operation, const emc_result *result)
{
    if (result->status >= 0) {
        return false;
    }
    fail(operation, errors_from_result(operation, result));
    return true;
}

static void set_none(struct operation *operation)
{
    Py_INCREF(Py_None);
    operation_set_result(operation, Py_None);
}

/* ------------------------------------------------------------------ one key */

static PyObject *received(struct operation *operation, const emc_result *result)
{
    if (result->value_length < SUBMIT_RECEIVE_FROM) {
        return NULL;
    }
    for (struct home **place = &operation->homes; *place != NULL; place = &(*place)->next) {
        struct home *home = *place;
        if (home->index == result->index) {
            PyObject *bytes = home->bytes;
            *place = home->next;
            PyMem_Free(home);
            return bytes;
        }
    }
    return NULL;
}

PyObject *convert_value(struct operation *operation, const emc_result *result)
{
    PyObject *bytes = received(operation, result);
    if (bytes != NULL && PyBytes_AS_STRING(bytes) == result->value) {
        return bytes;
    }
    Py_XDECREF(bytes);
    return PyBytes_FromStringAndSize(result->value, (Py_ssize_t)result->value_length);
}

static PyObject *item_of(struct operation *operation, const emc_result *result, bool with_cas)
{
    return item_create(operation->client->state, convert_value(operation, result), operation->return_flags,
                       result->flags, with_cas, result->cas);
}

static void set_item(struct operation *operation, const emc_result *result, bool with_cas)
{
    if (result->status == EMC_OK) {
        operation_set_result(operation, item_of(operation, result, with_cas));
    } else if (!convert_error(operation, result)) {
        set_none(operation);
    }
}

void convert_item(struct operation *operation, const emc_result *result)
{
    set_item(operation, result, false);
}

void convert_item_with_cas(struct operation *operation, const emc_result *result)
{
    set_item(operation, result, true);
}

void convert_stored(struct operation *operation, const emc_result *result)
{
    const struct module_state *state = operation->client->state;
    if (result->status == EMC_OK) {
        set_none(operation);
    } else if (!convert_error(operation, result)) { /* a miss: cas of a key that is gone */
        PyObject *error_class = result->status == EMC_MISS ? state->storage_error : state->not_stored_error;
        fail(operation, errors_unmet(operation, result, error_class));
    }
}

void convert_found(struct operation *operation, const emc_result *result)
{
    if (result->status == EMC_OK) {
        set_none(operation);
    } else if (!convert_error(operation, result)) {
        fail(operation, errors_unmet(operation, result, operation->client->state->not_found_error));
    }
}

void convert_number(struct operation *operation, const emc_result *result)
{
    if (result->status == EMC_OK && !operation->noreply) {
        operation_set_result(operation, PyLong_FromUnsignedLongLong(result->number));
    } else {
        convert_found(operation, result);
    }
}

void convert_done(struct operation *operation, const emc_result *result)
{
    if (!convert_error(operation, result)) {
        set_none(operation);
    }
}

void convert_text(struct operation *operation, const emc_result *result)
{
    if (!convert_error(operation, result)) {
        operation_set_result(operation,
                             PyUnicode_DecodeUTF8(result->value, (Py_ssize_t)result->value_length, "replace"));
    }
}

/* ------------------------------------------------------------------ many keys */

/* A dict with room for as many as are asked for, within reason: it does not grow step by step. */
static PyObject *new_dict(const struct operation *operation)
{
#if PY_VERSION_HEX < 0x030E0000 /* later ones keep it to themselves */
    if (operation->key != NULL && PyTuple_Check(operation->key)) {
        Py_ssize_t count = PyTuple_GET_SIZE(operation->key);
        return _PyDict_NewPresized(count < DICT_ROOM_MAX ? count : DICT_ROOM_MAX);
    }
#else
    (void)operation;
#endif
    return PyDict_New();
}

/* The dict that the results of a bulk command are gathered in; NULL: there is an exception already, or now. */
static PyObject *gathered(struct operation *operation)
{
    if (operation->outcome == NULL && !operation->failed) {
        operation_set_result(operation, new_dict(operation));
    }
    return operation->failed ? NULL : operation->outcome;
}

static void gather(struct operation *operation, PyObject *key, PyObject *value)
{
    PyObject *dict = gathered(operation);
    Py_XINCREF(dict); /* the hash of a class derived from bytes may cancel the command */
    if (value == NULL || (dict != NULL && PyDict_SetItem(dict, key, value) < 0)) {
        fail(operation, NULL);
    }
    Py_XDECREF(dict);
    Py_XDECREF(value);
}

static PyObject *key_at(const struct operation *operation, size_t index)
{
    return PyTuple_GET_ITEM(operation->key, (Py_ssize_t)index);
}

/* An error of one key ends the whole call, unless errors are wanted key by key. */
static void gather_error(struct operation *operation, const emc_result *result)
{
    if (operation->return_errors && PyTuple_GET_SIZE(operation->key) > 0) {
        gather(operation, key_at(operation, result->index), errors_from_result(operation, result));
    } else if (!operation->failed) {
        (void)convert_error(operation, result);
    }
}

static void gather_item(struct operation *operation, const emc_result *result, bool with_cas)
{
    if (result->status < 0) {
        gather_error(operation, result);
    } else if (result->status == EMC_OK && PyTuple_GET_SIZE(operation->key) > 0) {
        if (gathered(operation) != NULL) {
            gather(operation, key_at(operation, result->index), item_of(operation, result, with_cas));
        }
    } else {
        (void)gathered(operation);
    }
}

void convert_many(struct operation *operation, const emc_result *result)
{
    gather_item(operation, result, false);
}

void convert_many_with_cas(struct operation *operation, const emc_result *result)
{
    gather_item(operation, result, true);
}

void convert_statuses(struct operation *operation, const emc_result *result)
{
    if (PyTuple_GET_SIZE(operation->key) == 0) {
        (void)gathered(operation);
    } else if (result->status < 0) {
        gather(operation, key_at(operation, result->index), errors_from_result(operation, result));
    } else {
        gather(operation, key_at(operation, result->index), PyBool_FromLong(result->status == EMC_OK));
    }
}

/* ------------------------------------------------------------------ streams */

void convert_lines(struct operation *operation, const emc_result *result)
{
    PyObject *dict = gathered(operation);
    if (result->status < 0) {
        (void)convert_error(operation, result);
        return;
    }
    if (dict == NULL || result->key == NULL) {
        return;
    }
    Py_INCREF(dict);
    PyObject *name = PyUnicode_DecodeUTF8(result->key, (Py_ssize_t)result->key_length, "replace");
    PyObject *value = PyUnicode_DecodeUTF8(result->value != NULL ? result->value : "", (Py_ssize_t)result->value_length,
                                           "replace");
    if (name == NULL || value == NULL || PyDict_SetItem(dict, name, value) < 0) {
        fail(operation, NULL);
    }
    Py_DECREF(dict);
    Py_XDECREF(name);
    Py_XDECREF(value);
}

void convert_dump(struct operation *operation, const emc_result *result)
{
    if (operation->outcome == NULL && !operation->failed) {
        operation_set_result(operation, PyList_New(0));
    }
    if (convert_error(operation, result) || operation->failed || result->key == NULL) {
        return;
    }
    const char *line = result->value != NULL ? result->value : "";
    PyObject *entry = Py_BuildValue("(y#y#)", (const char *)result->key, (Py_ssize_t)result->key_length, line,
                                    (Py_ssize_t)result->value_length);
    bool wanted = operation->state == OPERATION_PENDING; /* else the outcome is no list any more */
    if (entry == NULL || (wanted && PyList_Append(operation->outcome, entry) < 0)) {
        fail(operation, NULL);
    }
    Py_XDECREF(entry);
}
