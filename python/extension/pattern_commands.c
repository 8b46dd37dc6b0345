/* The patterns on top of the meta commands, each one call: leases against stampedes, stale values, counters that begin by themselves. */
#include "arguments.h"
#include "client.h"
#include "convert.h"

/* ------------------------------------------------------------------ outcomes */

static void convert_fetch(struct operation *operation, const emc_result *result)
{
    static const emc_meta_reply nothing;
    const emc_meta_reply *reply = result->meta != NULL ? result->meta : &nothing;
    if (convert_error(operation, result)) {
        return;
    }
    bool hit = result->status == EMC_OK;
    PyObject *value = hit ? convert_value(operation, result) : (Py_INCREF(Py_None), Py_None);
    PyObject *flags = hit ? PyLong_FromUnsignedLongLong(result->flags) : (Py_INCREF(Py_None), Py_None);
    operation_set_result(
        operation, PyObject_CallFunction(operation->client->state->fetch_result, "NNOOOK", value, flags,
                                         reply->won ? Py_True : Py_False, reply->stale ? Py_True : Py_False,
                                         reply->already_won ? Py_True : Py_False, (unsigned long long)reply->cas));
}

/* True; False for a result that is no error and no success. */
static void convert_truth(struct operation *operation, const emc_result *result)
{
    if (!convert_error(operation, result)) {
        operation_set_result(operation, PyBool_FromLong(result->status == EMC_OK));
    }
}

/* ------------------------------------------------------------------ submission */

static emc_status submit_fetch(struct operation *operation, const emc_call *call)
{
    return emc_fetch_async(operation->client->engine, KEY_OF(operation), (uint32_t)operation->number,
                           (uint32_t)operation->flags, call);
}

static emc_status submit_fill(struct operation *operation, const emc_call *call)
{
    const emc_lease lease = {.won = true, .cas = operation->number};
    size_t length;
    const void *value = operation_value(operation, &length);
    return emc_fill_async(operation->client->engine, KEY_OF(operation), value, length, operation->exptime,
                          operation->flags, &lease, call);
}

static emc_status submit_give_up(struct operation *operation, const emc_call *call)
{
    const emc_lease lease = {.won = true, .cas = operation->number};
    return emc_give_up_async(operation->client->engine, KEY_OF(operation), &lease, call);
}

static emc_status submit_invalidate(struct operation *operation, const emc_call *call)
{
    return emc_invalidate_async(operation->client->engine, KEY_OF(operation), operation->exptime, call);
}

static emc_status submit_count(struct operation *operation, const emc_call *call)
{
    return emc_count_async(operation->client->engine, KEY_OF(operation), (int64_t)operation->number, operation->flags,
                           operation->exptime, call);
}

static const struct operation_traits fetch_traits = {
    .name = "fetch", .submit = submit_fetch, .complete = convert_fetch};
static const struct operation_traits fill_traits = {
    .name = "fill", .submit = submit_fill, .complete = convert_truth, .storage = true};
static const struct operation_traits give_up_traits = {
    .name = "give_up", .submit = submit_give_up, .complete = convert_truth};
static const struct operation_traits invalidate_traits = {
    .name = "invalidate", .submit = submit_invalidate, .complete = convert_truth};
static const struct operation_traits count_traits = {
    .name = "count", .submit = submit_count, .complete = convert_number, .number = true};

/* ------------------------------------------------------------------ methods */

static bool read_seconds(PyObject *object, const char *name, uint64_t least, uint64_t *out)
{
    if (!arguments_unsigned(object, name, 2592000, out)) {
        return false;
    }
    if (*out < least) {
        PyErr_Format(PyExc_ValueError, "%s: 0; it is 1 to 2592000", name);
        return false;
    }
    return true;
}

/* Seconds, 0 (also when it is not given) or more; infinity is one of them. */
static bool read_wait(PyObject *object, double *seconds_out)
{
    double seconds = 0;
    if (object != NULL && !arguments_number_of_seconds(object, "wait", "seconds are", NO_LIMIT_WORDS, &seconds)) {
        return false;
    }
    if (!(seconds >= 0)) {
        arguments_raise_range("wait", object, "it is 0 seconds or more");
        return false;
    }
    *seconds_out = seconds;
    return true;
}

static PyObject *or_none(PyObject *object)
{
    return object != NULL ? object : Py_None;
}

/* Look after look until the winner has filled: that is Python's, as it sleeps in between. The arguments are good. */
static PyObject *fetch_and_wait(PyObject *self, PyObject *const *given, double wait)
{
    const struct module_state *state = ((struct client *)self)->state;
    PyObject *zero = PyLong_FromLong(0);
    PyObject *coroutine = zero != NULL ? PyObject_CallFunction(state->wait_for_winner, "OOOOOOd", self, given[0],
                                                               given[1], given[2] != NULL ? given[2] : zero,
                                                               or_none(given[3]), or_none(given[4]), wait)
                                       : NULL;
    Py_XDECREF(zero);
    return coroutine;
}

static PyObject *client_fetch(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    static const struct signature signature = {"fetch", 6, 2, 2, {"key", "lease", "recache_below", CALL_NAMES, "wait"}};
    PyObject *given[6];
    double wait = 0;
    struct operation *operation = arguments_parse(&signature, args, nargs, keywords, given)
                                      ? operation_on_key(self, &fetch_traits, given[0])
                                      : NULL;
    bool good = operation != NULL && read_seconds(given[1], "lease", 1, &operation->number) &&
                read_seconds(given[2], "recache_below", 0, &operation->flags) && arguments_call(operation, given + 3) &&
                read_wait(given[5], &wait);
    if (good && wait > 0) {
        operation_discard(operation);
        return fetch_and_wait(self, given, wait);
    }
    return operation_finish(operation, good);
}

/* The lease in a FetchResult that has won. */
static bool read_lease(struct operation *operation, PyObject *lease)
{
    if (!PyObject_TypeCheck(lease, (PyTypeObject *)operation->client->state->fetch_result)) {
        PyErr_Format(PyExc_TypeError, "lease: what fetch() gave is needed, not %.100s", Py_TYPE(lease)->tp_name);
        return false;
    }
    PyObject *won = PyObject_GetAttrString(lease, "won"), *number = PyObject_GetAttrString(lease, "lease");
    bool good = won != NULL && number != NULL && arguments_unsigned(number, "lease", UINT64_MAX, &operation->number);
    if (good && won != Py_True) {
        PyErr_SetString(PyExc_ValueError, "lease: it was not won");
        good = false;
    }
    Py_XDECREF(won);
    Py_XDECREF(number);
    return good;
}

static PyObject *client_fill(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    static const struct signature signature = {
        "fill", 7, 3, 3, {"key", "value", "lease", "flags", "exptime", CALL_NAMES}};
    PyObject *given[7];
    struct operation *operation = arguments_parse(&signature, args, nargs, keywords, given)
                                      ? operation_on_key(self, &fill_traits, given[0])
                                      : NULL;
    return operation_finish(operation, operation != NULL && arguments_value(operation, given[1]) &&
                                           read_lease(operation, given[2]) &&
                                           arguments_flags(given[3], &operation->flags) &&
                                           arguments_exptime(given[4], "exptime", &operation->exptime) &&
                                           arguments_call(operation, given + 5));
}

static PyObject *client_give_up(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    static const struct signature signature = {"give_up", 4, 2, 2, {"key", "lease", CALL_NAMES}};
    PyObject *given[4];
    struct operation *operation = arguments_parse(&signature, args, nargs, keywords, given)
                                      ? operation_on_key(self, &give_up_traits, given[0])
                                      : NULL;
    return operation_finish(operation, operation != NULL && read_lease(operation, given[1]) &&
                                           arguments_call(operation, given + 2));
}

static PyObject *client_invalidate(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    static const struct signature signature = {"invalidate", 4, 2, 2, {"key", "stale", CALL_NAMES}};
    PyObject *given[4];
    struct operation *operation = arguments_parse(&signature, args, nargs, keywords, given)
                                      ? operation_on_key(self, &invalidate_traits, given[0])
                                      : NULL;
    return operation_finish(operation, operation != NULL && arguments_exptime(given[1], "stale", &operation->exptime) &&
                                           arguments_call(operation, given + 2));
}

static bool read_delta(PyObject *object, struct operation *operation)
{
    operation->number = 1;
    if (object == NULL) {
        return true;
    }
    int overflow = 0;
    if (!PyLong_Check(object)) {
        PyErr_Format(PyExc_TypeError, "delta: an int is needed, not %.100s", Py_TYPE(object)->tp_name);
        return false;
    }
    long long delta = PyLong_AsLongLongAndOverflow(object, &overflow);
    if (overflow != 0) {
        PyErr_SetString(PyExc_ValueError, "delta: it is -2**63 to 2**63-1");
        return false;
    }
    operation->number = (uint64_t)delta;
    return true;
}

static PyObject *client_count(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    static const struct signature signature = {"count", 6, 2, 1, {"key", "delta", "initial", "exptime", CALL_NAMES}};
    PyObject *given[6];
    struct operation *operation = arguments_parse(&signature, args, nargs, keywords, given)
                                      ? operation_on_key(self, &count_traits, given[0])
                                      : NULL;
    return operation_finish(operation, operation != NULL && read_delta(given[1], operation) &&
                                           arguments_unsigned(given[2], "initial", UINT64_MAX, &operation->flags) &&
                                           arguments_exptime(given[3], "exptime", &operation->exptime) &&
                                           arguments_call(operation, given + 4));
}

const struct command_entry client_pattern_commands[] = {
    COMMAND(fetch), COMMAND(fill), COMMAND(give_up), COMMAND(invalidate), COMMAND(count), {NULL, NULL},
};
