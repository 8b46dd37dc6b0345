/* From an operation object to the engine, and back through its callback. */
#include "submit.h"
#include "client.h"
#include "errors.h"
#include "reader.h"
#include "waiting.h"

/* Larger values are borrowed by the engine until it says that they are released (result.h). */
#define VALUE_COPIED_MAX 16384

/* ------------------------------------------------------------------ what the engine calls */

/* The engine is done with the operation. */
static void on_result(void *user_data, const emc_result *result)
{
    struct operation *operation = user_data;
    struct client *client = operation->client;
    bool last = result->last;
    if (operation->state == OPERATION_PENDING) {
        operation->traits->complete(operation, result);
    }
    if (!last) {
        return;
    }
    if (operation->state == OPERATION_PENDING) {
        operation->state = OPERATION_DONE;
        reader_completed(operation);
    }
    operation_drop_homes(operation);
    client_list_remove(client, operation);
}

/* Must not call into the engine, and what a value's owner does when it has it back may be anything: it is given back when the engine has returned. (Of a
 * client that is closed there is no such moment any more, and no engine that could be called.) */
static void on_released(void *user_data)
{
    struct operation *operation = user_data;
    struct client *client = operation->client;
    operation->borrowed = false;
    if (client->engine == NULL) {
        operation_release_value(operation);
        Py_DECREF(operation);
        return;
    }
    operation->next_released = client->released;
    client->released = operation;
}

void submit_give_back(struct client *client)
{
    while (client->released != NULL) {
        struct operation *operation = client->released;
        client->released = operation->next_released;
        operation->next_released = NULL;
        operation_release_value(operation);
        Py_DECREF(operation);
    }
}

/* Must not call into the engine: makes nothing that the collector looks after. */
static void *on_allocate(void *user_data, size_t index, size_t length)
{
    struct operation *operation = user_data;
    struct home *home = length <= PY_SSIZE_T_MAX ? PyMem_Malloc(sizeof *home) : NULL;
    PyObject *bytes = home != NULL ? PyBytes_FromStringAndSize(NULL, (Py_ssize_t)length) : NULL;
    if (bytes == NULL) {
        PyMem_Free(home);
        PyErr_Clear();
        return NULL;
    }
    *home = (struct home){operation->homes, index, bytes};
    operation->homes = home;
    return PyBytes_AS_STRING(bytes);
}

/* ------------------------------------------------------------------ submission */

static bool has_large_value(const struct operation *operation)
{
    const PyObject *value = operation->value;
    if (operation->view != NULL) {
        return operation->view->len > VALUE_COPIED_MAX;
    }
    if (value == NULL) {
        return false;
    }
    return PyBytes_Check(value) ? PyBytes_GET_SIZE(value) > VALUE_COPIED_MAX : PyTuple_Check(value);
}

/* A large value that its owner may change is copied now: the engine may look at it long after the command was cancelled. */
static bool settle_value(struct operation *operation)
{
    Py_buffer *view = operation->view;
    if (view == NULL || view->readonly || view->len <= VALUE_COPIED_MAX) {
        return true;
    }
    PyObject *copy = PyBytes_FromStringAndSize(view->buf, view->len);
    if (copy == NULL) {
        return false;
    }
    operation_release_value(operation);
    operation->value = copy;
    return true;
}

static emc_status try_submit(struct operation *operation, uint32_t timeout_ms)
{
    emc_call call = {
        .callback = on_result,
        .user_data = operation,
        .timeout_ms = timeout_ms,
        .options = operation->noreply ? EMC_CALL_NOREPLY : 0u,
        .allocate = on_allocate,
        .allocate_from = SUBMIT_RECEIVE_FROM,
        .operation_out = &operation->identity,
    };
    if (operation->routing_key != NULL) {
        call.routing_key = PyBytes_AS_STRING(operation->routing_key);
        call.routing_key_length = (size_t)PyBytes_GET_SIZE(operation->routing_key);
    }
    if (!settle_value(operation)) {
        return EMC_ERROR_MEMORY;
    }
    bool large = has_large_value(operation);
    if (large) {
        operation->borrowed = true;
        call.released = on_released;
        Py_INCREF(operation);
    }
    emc_status status = operation->traits->submit(operation, &call);
    if (status != EMC_OK && large) {
        operation->borrowed = false;
        Py_DECREF(operation);
    }
    if (status == EMC_OK) {
        if (!large) {
            operation_release_value(operation);
        }
        operation->state = OPERATION_PENDING;
        client_list_add(operation->client, operation, false);
    }
    return status;
}

static bool raise_refusal(struct operation *operation, emc_status status)
{
    const struct client *client = operation->client;
    if (PyErr_Occurred()) {
        return false;
    }
    if (client->engine == NULL) {
        client_raise_closed();
        return false;
    }
    errors_raise_refusal(client->state, status, emc_client_error_message(client->engine));
    return false;
}

/* close(): not the engine's business. An operation that is done when it first yields is woken in the loop's next turn. */
static bool submit_close(struct operation *operation)
{
    struct client *client = operation->client;
    if (client->engine != NULL && !client_may_close(client)) {
        return false;
    }
    client_shut_down(client);
    Py_INCREF(Py_None);
    operation_set_result(operation, Py_None);
    operation->state = OPERATION_DONE;
    return true;
}

bool submit_operation(struct operation *operation)
{
    struct client *client = operation->client;
    if (operation->traits->submit == NULL) {
        return submit_close(operation);
    }
    if (client->engine == NULL) {
        client_raise_closed();
        return false;
    }
    if (!client_check_loop(client)) {
        return false;
    }
    emc_status status = client->waiting.count > 0 ? EMC_ERROR_FULL : try_submit(operation, operation->timeout_ms);
    if (status == EMC_ERROR_FULL && !waiting_add(operation)) {
        return false;
    }
    if (status != EMC_OK && status != EMC_ERROR_FULL) {
        return raise_refusal(operation, status);
    }
    reader_end_tick(client);
    if (client->trace.journal.used > 0) {
        trace_deliver(client);
    }
    return true;
}

static uint32_t rest_ms(const struct operation *operation, double now)
{
    if (operation->deadline <= 0) {
        return operation->timeout_ms;
    }
    double rest = (operation->deadline - now) * 1000.0;
    return rest < 1.0 ? 1u : rest > (double)(UINT32_MAX - 1) ? EMC_NO_LIMIT : (uint32_t)rest;
}

bool submit_waiting(struct operation *operation, double now)
{
    Py_INCREF(operation);
    emc_status status = try_submit(operation, rest_ms(operation, now));
    if (status != EMC_OK && status != EMC_ERROR_FULL) {
        (void)raise_refusal(operation, status);
        operation_set_raised(operation);
        operation->state = OPERATION_DONE;
        client_list_remove(operation->client, operation);
        reader_completed(operation);
    }
    Py_DECREF(operation);
    return status != EMC_ERROR_FULL;
}
