/* The management view as Python sees it: nodes, health, metrics, membership. It holds its client, and answers with the last state when that is closed. */
#include "management.h"
#include "address.h"
#include "arguments.h"
#include "errors.h"
#include "events.h"
#include "reader.h"

struct management {
    PyObject_HEAD struct client *client; /* owned */
};

PyObject *management_of(struct client *client)
{
    struct management *management = client->management;
    if (management != NULL) {
        Py_INCREF(management);
        return (PyObject *)management;
    }
    management = PyObject_GC_New(struct management, client->state->management_type);
    if (management == NULL) {
        return NULL;
    }
    Py_INCREF(client);
    management->client = client;
    client->management = management;
    PyObject_GC_Track((PyObject *)management);
    return (PyObject *)management;
}

/* ------------------------------------------------------------------ nodes */

typedef emc_status list_function(emc_cluster_management *view, emc_node_list **list_out);

static PyObject *list_to_python(const struct module_state *state, const emc_node_list *list)
{
    PyObject *nodes = PyList_New((Py_ssize_t)list->count);
    for (size_t i = 0; nodes != NULL && i < list->count; i++) {
        PyObject *address = address_to_python(state, &list->nodes[i]);
        if (address == NULL) {
            Py_CLEAR(nodes);
        } else {
            PyList_SET_ITEM(nodes, (Py_ssize_t)i, address);
        }
    }
    return nodes;
}

static PyObject *list_nodes(PyObject *self, list_function *list_of)
{
    struct client *client = ((struct management *)self)->client;
    emc_node_list *list = NULL;
    emc_status status = list_of(client->view, &list);
    if (status != EMC_OK) {
        errors_raise_refusal(client->state, status, NULL);
        return NULL;
    }
    PyObject *nodes = list_to_python(client->state, list);
    emc_node_list_destroy(list);
    reader_after_call(client);
    return nodes;
}

static PyObject *management_nodes(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return list_nodes(self, emc_cluster_nodes);
}

static PyObject *management_healthy_nodes(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return list_nodes(self, emc_cluster_healthy_nodes);
}

static PyObject *management_unhealthy_nodes(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return list_nodes(self, emc_cluster_unhealthy_nodes);
}

static PyObject *management_gutter_nodes(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return list_nodes(self, emc_cluster_gutter_nodes);
}

static PyObject *management_node_for_key(PyObject *self, PyObject *key)
{
    struct client *client = ((struct management *)self)->client;
    emc_node_list *list = NULL;
    if (!arguments_key(client, key)) {
        return NULL;
    }
    emc_status status = emc_cluster_node_for_key(client->view, PyBytes_AS_STRING(key), (size_t)PyBytes_GET_SIZE(key),
                                                 &list);
    if (status != EMC_OK) {
        errors_raise_refusal(client->state, status, NULL);
        return NULL;
    }
    PyObject *address = address_to_python(client->state, &list->nodes[0]);
    emc_node_list_destroy(list);
    return address;
}

/* ------------------------------------------------------------------ metrics and state */

/* None before the first sample. */
static PyObject *seconds(double value, bool known)
{
    if (!known) {
        Py_RETURN_NONE;
    }
    return PyFloat_FromDouble(value);
}

static PyObject *pool_metrics(const struct module_state *state, const emc_pool_metrics *metrics)
{
    bool known = metrics->connections_created > 0;
    return PyObject_CallFunction(
        state->pool_metrics, "IKKKKKKKNNNN", (unsigned int)metrics->connections,
        (unsigned long long)metrics->connections_created, (unsigned long long)metrics->connections_created_with_error,
        (unsigned long long)metrics->connections_purged, (unsigned long long)metrics->connections_closed,
        (unsigned long long)metrics->operations_executed, (unsigned long long)metrics->operations_with_error,
        (unsigned long long)metrics->operations_waited, seconds(metrics->connect_time_average_s, known),
        seconds(metrics->connect_time_p50_s, known), seconds(metrics->connect_time_p99_s, known),
        seconds(metrics->connect_time_worst_s, known));
}

static PyObject *operation_metrics(const struct module_state *state, const emc_pool_metrics *metrics)
{
    bool known = metrics->operations_executed > 0;
    return PyObject_CallFunction(state->operation_metrics, "KNNN", (unsigned long long)metrics->operations_in_flight,
                                 seconds(metrics->operation_time_p50_s, known),
                                 seconds(metrics->operation_time_p99_s, known),
                                 seconds(metrics->operation_time_worst_s, known));
}

static PyObject *node_state(const struct module_state *state, const emc_node_state *node)
{
    return PyObject_CallFunction(state->node_state, "OIdssKK", node->healthy ? Py_True : Py_False,
                                 (unsigned int)node->weight, (double)node->state_age_ms / 1000.0, node->reason,
                                 node->server_version, (unsigned long long)node->deletes_remembered,
                                 (unsigned long long)node->deletes_forgotten);
}

enum report { REPORT_POOL, REPORT_OPERATIONS, REPORT_STATE };

/* NULL with an exception, or with none: the node has left. (To make the objects of the others may have woken the collector, and that removed it.) */
static PyObject *report_of(const struct client *client, const emc_address *node, enum report report)
{
    emc_pool_metrics metrics;
    emc_node_state state;
    emc_status status = report == REPORT_STATE ? emc_cluster_node_state(client->view, node, &state)
                                               : emc_cluster_connection_pool_metrics(client->view, node, &metrics);
    if (status == EMC_ERROR_UNKNOWN_NODE) {
        return NULL;
    }
    if (status != EMC_OK) {
        errors_raise_refusal(client->state, status, NULL);
        return NULL;
    }
    if (report == REPORT_STATE) {
        return node_state(client->state, &state);
    }
    return report == REPORT_POOL ? pool_metrics(client->state, &metrics) : operation_metrics(client->state, &metrics);
}

/* False with an exception. */
static bool report_list(const struct client *client, list_function *list_of, enum report report, PyObject *dict)
{
    emc_node_list *list = NULL;
    emc_status status = list_of(client->view, &list);
    if (status != EMC_OK) {
        errors_raise_refusal(client->state, status, NULL);
        return false;
    }
    bool good = true;
    for (size_t i = 0; good && i < list->count; i++) {
        PyObject *address = address_to_python(client->state, &list->nodes[i]);
        PyObject *entry = address != NULL ? report_of(client, &list->nodes[i], report) : NULL;
        good = entry != NULL ? PyDict_SetItem(dict, address, entry) == 0 : !PyErr_Occurred();
        Py_XDECREF(address);
        Py_XDECREF(entry);
    }
    emc_node_list_destroy(list);
    return good;
}

/* By address: the members, and the gutter's behind them. */
static PyObject *report_all(PyObject *self, enum report report)
{
    struct client *client = ((struct management *)self)->client;
    PyObject *dict = PyDict_New();
    if (dict != NULL && !(report_list(client, emc_cluster_nodes, report, dict) &&
                          report_list(client, emc_cluster_gutter_nodes, report, dict))) {
        Py_CLEAR(dict);
    }
    reader_after_call(client);
    return dict;
}

static PyObject *management_connection_pool_metrics(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return report_all(self, REPORT_POOL);
}

static PyObject *management_operation_metrics(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return report_all(self, REPORT_OPERATIONS);
}

static PyObject *management_node_states(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return report_all(self, REPORT_STATE);
}

/* ------------------------------------------------------------------ membership */

/* ValueError, or RuntimeError for a closed client; None when it went well. */
static PyObject *changed(struct client *client, emc_status status, const emc_error *error)
{
    if (status != EMC_OK) {
        if (!PyErr_Occurred()) {
            errors_raise_refusal(client->state, status, error->message);
        }
        return NULL;
    }
    if (client->engine != NULL && !client->in_reader) {
        emc_client_flush(client->engine);
    }
    reader_after_call(client);
    Py_RETURN_NONE;
}

static PyObject *change_node(PyObject *self, PyObject *address, PyObject *weight,
                             emc_status (*change)(emc_cluster_management *, const emc_address *, uint32_t, emc_error *))
{
    struct client *client = ((struct management *)self)->client;
    emc_error error = {.message = ""};
    emc_address node;
    PyObject *keep = NULL;
    uint64_t number = 100;
    if (!address_from_python(client->state, address, "host", &node, &keep)) {
        return NULL;
    }
    emc_status status = EMC_ERROR_ARGUMENT;
    if (arguments_unsigned(weight, "weight", UINT32_MAX, &number)) {
        status = change(client->view, &node, (uint32_t)number, &error);
    }
    Py_DECREF(keep);
    return changed(client, status, &error);
}

static PyObject *management_add_node(PyObject *self, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"host", "weight", NULL};
    PyObject *address, *weight = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O|O:add_node", names, &address, &weight)) {
        return NULL;
    }
    return change_node(self, address, weight, emc_cluster_add_node);
}

static emc_status remove_node(emc_cluster_management *view, const emc_address *node, uint32_t ignored, emc_error *error)
{
    (void)ignored;
    return emc_cluster_remove_node(view, node, error);
}

static PyObject *management_remove_node(PyObject *self, PyObject *address)
{
    return change_node(self, address, NULL, remove_node);
}

static PyObject *management_set_weight(PyObject *self, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"host", "weight", NULL};
    PyObject *address, *weight;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OO:set_weight", names, &address, &weight)) {
        return NULL;
    }
    return change_node(self, address, weight, emc_cluster_set_weight);
}

/* Weights of 100, or those of a mapping from address to weight. */
static bool read_weights(PyObject *nodes, emc_weighted_address *list, size_t count)
{
    PyObject *values = arguments_is_mapping(nodes) ? PyMapping_Values(nodes) : NULL;
    bool good = values != NULL || !PyErr_Occurred();
    if (values != NULL && (size_t)PyList_GET_SIZE(values) != count) {
        PyErr_SetString(PyExc_RuntimeError, "nodes: they were changed while they were read");
        good = false;
    }
    for (size_t i = 0; i < count && good; i++) {
        uint64_t weight = 100;
        good = values == NULL ||
               arguments_unsigned(PyList_GET_ITEM(values, (Py_ssize_t)i), "weight", UINT32_MAX, &weight);
        list[i].weight = (uint32_t)weight;
    }
    Py_XDECREF(values);
    return good;
}

static PyObject *management_replace_nodes(PyObject *self, PyObject *nodes)
{
    struct client *client = ((struct management *)self)->client;
    struct address_list list;
    emc_error error = {.message = ""};
    if (!address_list_from_python(client->state, nodes, "nodes", &list)) {
        return NULL;
    }
    emc_weighted_address *weighted = PyMem_Calloc(list.count + 1, sizeof *weighted);
    emc_status status = EMC_ERROR_MEMORY;
    if (weighted != NULL) {
        for (size_t i = 0; i < list.count; i++) {
            weighted[i].address = list.addresses[i];
        }
        status = read_weights(nodes, weighted, list.count)
                     ? emc_cluster_replace_nodes(client->view, weighted, list.count, &error)
                     : EMC_ERROR_ARGUMENT;
    }
    PyMem_Free(weighted);
    address_list_release(&list);
    return changed(client, status, &error);
}

/* ------------------------------------------------------------------ events */

static PyObject *management_subscribe(PyObject *self, PyObject *listener)
{
    return events_add_listener(((struct management *)self)->client, self, listener);
}

static PyObject *management_unsubscribe(PyObject *self, PyObject *listener)
{
    return events_remove_listener(((struct management *)self)->client, listener);
}

/* ------------------------------------------------------------------ the type */

static int management_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT((PyObject *)((struct management *)self)->client);
    return 0;
}

static void management_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    struct client *client = ((struct management *)self)->client;
    PyObject_GC_UnTrack(self);
    if (client != NULL) {
        client->management = NULL;
        Py_DECREF(client);
    }
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static PyMethodDef management_methods[] = {
    {"nodes", management_nodes, METH_NOARGS, "nodes($self)\n--\n\nAll nodes."},
    {"healthy_nodes", management_healthy_nodes, METH_NOARGS, "healthy_nodes($self)\n--\n\nThe nodes that are healthy."},
    {"unhealthy_nodes", management_unhealthy_nodes, METH_NOARGS,
     "unhealthy_nodes($self)\n--\n\nThe nodes that are unhealthy."},
    {"gutter_nodes", management_gutter_nodes, METH_NOARGS, "gutter_nodes($self)\n--\n\nThe nodes of the gutter."},
    {"connection_pool_metrics", management_connection_pool_metrics, METH_NOARGS,
     "connection_pool_metrics($self)\n--\n\nHow the connection pool of each node fares."},
    {"operation_metrics", management_operation_metrics, METH_NOARGS,
     "operation_metrics($self)\n--\n\nHow long the operations of each node take."},
    {"node_states", management_node_states, METH_NOARGS, "node_states($self)\n--\n\nWhy each node is as it is."},
    {"node_for_key", management_node_for_key, METH_O,
     "node_for_key($self, key, /)\n--\n\nThe node that a command on the key goes to now."},
    {"add_node", (PyCFunction)(void (*)(void))management_add_node, METH_VARARGS | METH_KEYWORDS,
     "add_node($self, host, weight=100)\n--\n\nAdds a node."},
    {"remove_node", management_remove_node, METH_O, "remove_node($self, host, /)\n--\n\nRemoves a node, drained."},
    {"set_weight", (PyCFunction)(void (*)(void))management_set_weight, METH_VARARGS | METH_KEYWORDS,
     "set_weight($self, host, weight)\n--\n\nSets a node's weight."},
    {"replace_nodes", management_replace_nodes, METH_O,
     "replace_nodes($self, nodes, /)\n--\n\nReplaces the whole list in one step."},
    {"subscribe", management_subscribe, METH_O,
     "subscribe($self, cluster_events, /)\n--\n\nHas a ClusterEvents hear of what happens from now on."},
    {"unsubscribe", management_unsubscribe, METH_O,
     "unsubscribe($self, cluster_events, /)\n--\n\nEnds what subscribe() began; False when there is nothing to end."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot management_slots[] = {
    {Py_tp_doc, "The view of a client's cluster; from client.cluster_managment()."},
    {Py_tp_dealloc, management_dealloc},
    {Py_tp_traverse, management_traverse},
    {Py_tp_methods, management_methods},
    {0, NULL},
};

static PyType_Spec management_spec = {
    .name = "emcache._emcache.ClusterManagment",
    .basicsize = sizeof(struct management),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = management_slots,
};

PyTypeObject *management_type_create(PyObject *module)
{
    PyTypeObject *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &management_spec, NULL);
    if (type != NULL) {
        type->tp_new = NULL; /* made by clients only */
    }
    return type;
}
