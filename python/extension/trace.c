/* The trace: what the engine tells of every operation's beginning and end, on its way to Python.
 *
 * The engine forbids calls from its hook, and what Python runs may call anything: so the hook copies into plain memory, and a list of TraceEvents is handed
 * over when the engine has returned. An operation's beginning is told before the command yields to its Task, its end before the Task wakes. */
#include <ctype.h>

#include "address.h"
#include "client.h"
#include "reader.h"

struct record {
    uint64_t operation, duration_ns;
    size_t keys, bytes, key_length, node_length;
    const char *command; /* static */
    emc_status status;
    uint32_t port;
    bool ended, has_key, is_path;
};

/* Addresses that are kept made; of a cluster whose nodes change all the time they are made anew now and then. */
#define NODES_MAX 1000

/* ------------------------------------------------------------------ inside the engine */

void trace_note(void *reader, const emc_trace_event *event)
{
    struct client *client = ((struct reader *)reader)->client;
    if (client == NULL || client->on_trace == NULL) {
        return; /* dropped */
    }
    const emc_address *node = event->node;
    bool is_path = node != NULL && node->kind == EMC_ADDRESS_UNIX;
    const char *text = node == NULL ? "" : is_path ? node->path : node->host;
    struct record record = {
        .operation = event->operation,
        .duration_ns = event->duration_ns,
        .keys = event->keys,
        .bytes = event->bytes,
        .key_length = event->key != NULL ? event->key_length : 0,
        .node_length = strlen(text),
        .command = event->command,
        .status = event->status,
        .port = node != NULL && !is_path ? node->port : 0,
        .ended = event->ended,
        .has_key = event->key != NULL,
        .is_path = is_path,
    };
    char *room = journal_add(&client->trace.journal,
                             journal_length(sizeof record, record.key_length + record.node_length));
    if (room != NULL) {
        memcpy(room, &record, sizeof record);
        memcpy(room + sizeof record, record.has_key ? event->key : "", record.key_length);
        memcpy(room + sizeof record + record.key_length, text, record.node_length);
    }
}

/* ------------------------------------------------------------------ outside of it */

static PyObject *node_of(struct client *client, const struct record *record, const char *text)
{
    if (record->node_length == 0) {
        Py_RETURN_NONE;
    }
    if (client->trace.nodes == NULL || PyDict_GET_SIZE(client->trace.nodes) > NODES_MAX) {
        Py_XSETREF(client->trace.nodes, PyDict_New());
    }
    PyObject *name = Py_BuildValue("(s#I)", text, (Py_ssize_t)record->node_length, record->port);
    PyObject *node = name != NULL && client->trace.nodes != NULL ? PyDict_GetItemWithError(client->trace.nodes, name)
                                                                 : NULL;
    Py_XINCREF(node);
    if (node == NULL && !PyErr_Occurred()) {
        node = address_from_text(client->state, record->is_path, text, record->node_length, record->port);
        if (node != NULL && client->trace.nodes != NULL && PyDict_SetItem(client->trace.nodes, name, node) < 0) {
            Py_CLEAR(node);
        }
    }
    Py_XDECREF(name);
    return node;
}

/* "EMC_ERROR_TIMEOUT" is "timeout" here. */
static PyObject *status_word(emc_status status)
{
    char word[64];
    size_t length = 0;
    const char *name = emc_status_name(status);
    name += strncmp(name, "EMC_ERROR_", 10) == 0 ? 10 : 4;
    for (; name[length] != '\0' && length < sizeof word; length++) {
        word[length] = (char)tolower((unsigned char)name[length]);
    }
    return PyUnicode_FromStringAndSize(word, (Py_ssize_t)length);
}

static PyObject *event_of(struct client *client, const struct record *record, const char *text)
{
    PyObject *node = node_of(client, record, text + record->key_length);
    PyObject *status = status_word(record->status);
    PyObject *key = record->has_key ? PyBytes_FromStringAndSize(text, (Py_ssize_t)record->key_length)
                                    : (Py_INCREF(Py_None), Py_None);
    if (node == NULL || status == NULL || key == NULL) {
        Py_XDECREF(node);
        Py_XDECREF(status);
        Py_XDECREF(key);
        return NULL;
    }
    return PyObject_CallFunction(client->state->trace_event, "OKsNnNndNO", record->ended ? Py_True : Py_False,
                                 (unsigned long long)record->operation, record->command, key, (Py_ssize_t)record->keys,
                                 node, (Py_ssize_t)record->bytes, (double)record->duration_ns / 1e9, status,
                                 record->status < 0 ? Py_True : Py_False);
}

static PyObject *read_event(struct client *client, const char *at, size_t *length_out)
{
    struct record record;
    memcpy(&record, at, sizeof record);
    *length_out = journal_length(sizeof record, record.key_length + record.node_length);
    return event_of(client, &record, at + sizeof record);
}

void trace_deliver(struct client *client)
{
    PyObject *on_trace = client->on_trace;
    if (on_trace == NULL || !journal_has_any(&client->trace.journal)) {
        return;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    Py_INCREF(client);
    Py_INCREF(on_trace);
    while (journal_has_any(&client->trace.journal)) {
        journal_hand_over(&client->trace.journal, client, read_event, on_trace);
    }
    Py_DECREF(on_trace);
    PyErr_Restore(type, value, traceback);
    Py_DECREF(client);
}
