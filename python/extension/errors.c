/* From a status to the exception that emcache's users expect.
 *
 * What keeps an answer from coming is an asyncio.TimeoutError of some kind: programs written for emcache handle no other. */
#include "errors.h"
#include "client.h"

static PyObject *class_of_refusal(const struct module_state *state, emc_status status)
{
    switch (status) {
    case EMC_ERROR_CLOSED:
    case EMC_ERROR_STATE:
        return PyExc_RuntimeError;
    case EMC_ERROR_MEMORY:
        return PyExc_MemoryError;
    case EMC_ERROR_NO_NODES:
        return state->no_nodes_error;
    case EMC_ERROR_UNSUPPORTED:
        return state->unsupported_error;
    default:
        return PyExc_ValueError;
    }
}

void errors_raise_refusal(const struct module_state *state, emc_status status, const char *message)
{
    PyErr_SetString(class_of_refusal(state, status),
                    message != NULL && message[0] != '\0' ? message : emc_status_text(status));
}

void errors_raise_options(const struct module_state *state, emc_status status, const char *message)
{
    PyObject *words = options_words(message[0] != '\0' ? message : emc_status_text(status));
    if (words != NULL) {
        PyErr_SetObject(class_of_refusal(state, status), words);
        Py_DECREF(words);
    }
}

static PyObject *class_of_refused_command(const struct operation *operation, emc_status status)
{
    const struct module_state *state = operation->client->state;
    if (status == EMC_ERROR_CLIENT && operation->traits->number) {
        return state->not_number_error;
    }
    return operation->traits->storage ? state->storage_error : state->command_error;
}

static PyObject *class_of_result(const struct operation *operation, emc_status status)
{
    const struct module_state *state = operation->client->state;
    switch (status) {
    case EMC_ERROR_TIMEOUT:
        return state->timeout_error;
    case EMC_ERROR_NODE_DOWN:
    case EMC_ERROR_CONNECT:
    case EMC_ERROR_RESOLVE:
    case EMC_ERROR_TLS:
        return state->node_down_error;
    case EMC_ERROR_CONNECTION_LOST:
        return state->connection_lost_error;
    case EMC_ERROR_NO_NODES:
        return state->no_nodes_error;
    case EMC_ERROR_AUTHENTICATION:
        return state->authentication_error;
    case EMC_ERROR_UNSUPPORTED:
        return state->unsupported_error;
    case EMC_ERROR_CANCELLED: /* only when the client is closed under it: who cancels hears no result */
    case EMC_ERROR_CLOSED:
        return PyExc_RuntimeError;
    case EMC_ERROR_MEMORY:
        return PyExc_MemoryError;
    case EMC_ERROR_ARGUMENT:
    case EMC_ERROR_KEY:
        return PyExc_ValueError;
    default:
        return class_of_refused_command(operation, status);
    }
}

/* The words (a reference is stolen; NULL: an exception is set), with the node they are about. */
static PyObject *with_node(PyObject *text, const emc_result *result)
{
    if (text == NULL || result->node == NULL) {
        return text;
    }
    char address[EMC_ADDRESS_TEXT_SIZE];
    (void)emc_address_format(result->node, address, sizeof address);
    PyObject *longer = PyUnicode_FromFormat("%U (node %s)", text, address);
    Py_DECREF(text);
    return longer;
}

static PyObject *words(emc_status status, const emc_result *result)
{
    if (status == EMC_ERROR_CANCELLED) {
        return PyUnicode_FromString("Emcache client is closed");
    }
    const char *message = result->message != NULL && result->message[0] != '\0' ? result->message
                                                                                : emc_status_text(status);
    return with_node(PyUnicode_DecodeUTF8(message, (Py_ssize_t)strlen(message), "backslashreplace"), result);
}

/* An exception with these words; a reference to them is stolen. */
static PyObject *make(PyObject *error_class, PyObject *text)
{
    PyObject *error = text != NULL ? PyObject_CallFunctionObjArgs(error_class, text, NULL) : NULL;
    Py_XDECREF(text);
    return error;
}

PyObject *errors_from_result(const struct operation *operation, const emc_result *result)
{
    return make(class_of_result(operation, result->status), words(result->status, result));
}

PyObject *errors_unmet(const struct operation *operation, const emc_result *result, PyObject *error_class)
{
    const struct operation_traits *traits = operation->traits;
    const char *reason = result->status == EMC_NOT_STORED && traits->unmet != NULL ? traits->unmet
                                                                                   : emc_status_text(result->status);
    return make(error_class, with_node(PyUnicode_FromFormat("%s: %s", traits->name, reason), result));
}
