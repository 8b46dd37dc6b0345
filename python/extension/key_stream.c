/* The engine's side of Client.stream_keys(): a dump on a client of its own, which takes in only when it is asked to.
 *
 *   resume --readable--> the engine takes in what one pass takes --> on_lines(list), and paused: the loop no longer looks at the descriptor
 *
 * While it is paused the answer waits in the system's buffers, and then at the server: so memory is bounded whatever the size of the dump. The client's other
 * connections are not touched by this. The rest is Python's (_key_stream.py). */
#include "key_stream.h"
#include "address.h"
#include "arguments.h"
#include "convert.h"
#include "errors.h"
#include "reader.h"

/* ------------------------------------------------------------------ lines */

static void convert_streamed(struct operation *operation, const emc_result *result)
{
    struct client *client = operation->client;
    if (result->key == NULL || operation->failed) {
        convert_done(operation, result);
        return;
    }
    if (client->lines == NULL) {
        client->lines = PyList_New(0);
    }
    const char *line = result->value != NULL ? result->value : "";
    PyObject *entry = Py_BuildValue("(y#y#)", (const char *)result->key, (Py_ssize_t)result->key_length, line,
                                    (Py_ssize_t)result->value_length);
    if (entry == NULL || client->lines == NULL || PyList_Append(client->lines, entry) < 0) {
        operation_set_raised(operation);
    }
    Py_XDECREF(entry);
}

static emc_status submit_streamed(struct operation *operation, const emc_call *call)
{
    PyObject *keep = NULL;
    emc_address node;
    emc_status status = EMC_ERROR_ARGUMENT;
    if (address_from_python(operation->client->state, operation->key, NODE_ARGUMENT, &node, &keep)) {
        emc_client *engine = operation->client->engine; /* to read the address may have closed the client */
        status = engine != NULL ? emc_dump_keys_async(engine, &node, (emc_dump)operation->number, call)
                                : EMC_ERROR_CLOSED;
    }
    Py_XDECREF(keep);
    return status;
}

static const struct operation_traits stream_traits = {
    .name = "stream_keys", .submit = submit_streamed, .complete = convert_streamed};

static void pause_reading(struct client *client)
{
    client->paused = true;
    reader_stop(client->reader);
}

void key_stream_deliver(struct client *client)
{
    PyObject *lines = client->lines, *on_lines = client->on_lines;
    if (lines == NULL || on_lines == NULL) {
        return;
    }
    client->lines = NULL;
    pause_reading(client);
    Py_INCREF(on_lines);
    PyObject *result = PyObject_CallFunctionObjArgs(on_lines, lines, NULL);
    if (result == NULL) {
        PyErr_WriteUnraisable(on_lines);
    }
    Py_XDECREF(result);
    Py_DECREF(on_lines);
    Py_DECREF(lines);
}

/* ------------------------------------------------------------------ the module's functions */

static struct client *client_of(PyObject *module, PyObject *object)
{
    if (Py_TYPE(object) != module_state_of(module)->client_type) {
        PyErr_Format(PyExc_TypeError, "a Client is needed, not %.100s", Py_TYPE(object)->tp_name);
        return NULL;
    }
    return (struct client *)object;
}

PyObject *key_stream_origin(PyObject *module, PyObject *args)
{
    PyObject *object, *address, *keep = NULL;
    emc_address node;
    emc_pool_metrics ignored;
    if (!PyArg_ParseTuple(args, "OO:dump_origin", &object, &address)) {
        return NULL;
    }
    struct client *client = client_of(module, object);
    if (client != NULL && client->engine == NULL) {
        client_raise_closed();
        return NULL;
    }
    if (client == NULL || !client_check_loop(client) ||
        !address_from_python(client->state, address, NODE_ARGUMENT, &node, &keep)) {
        return NULL;
    }
    emc_status status = emc_cluster_connection_pool_metrics(client->view, &node, &ignored);
    Py_DECREF(keep);
    if (status != EMC_OK) {
        errors_raise_refusal(client->state, status, NULL);
        return NULL;
    }
    return Py_BuildValue("OOOOd", client->loop, client->options, client->on_event,
                         client->on_trace != NULL ? client->on_trace : Py_None, client->timeout);
}

PyObject *key_stream_begin(PyObject *module, PyObject *args)
{
    PyObject *object, *address, *on_lines;
    int keys_only;
    if (!PyArg_ParseTuple(args, "OOpO:begin_dump", &object, &address, &keys_only, &on_lines)) {
        return NULL;
    }
    struct client *client = client_of(module, object);
    struct operation *operation = client != NULL ? operation_create(client, &stream_traits, address) : NULL;
    if (operation == NULL) {
        return NULL;
    }
    operation->number = keys_only ? EMC_DUMP_KEYS : EMC_DUMP_META;
    operation->timeout_ms = EMC_NO_LIMIT;
    Py_INCREF(on_lines);
    Py_XSETREF(client->on_lines, on_lines);
    return (PyObject *)operation;
}

PyObject *key_stream_resume(PyObject *module, PyObject *object)
{
    struct client *client = client_of(module, object);
    if (client == NULL) {
        return NULL;
    }
    if (client->paused && client->engine != NULL) {
        client->paused = false;
        if (!reader_start(client->reader)) {
            return NULL;
        }
    }
    Py_RETURN_NONE;
}

PyObject *key_stream_end(PyObject *module, PyObject *object)
{
    struct client *client = client_of(module, object);
    if (client == NULL) {
        return NULL;
    }
    client_shut_down(client);
    Py_CLEAR(client->on_lines);
    Py_CLEAR(client->lines);
    Py_RETURN_NONE;
}
