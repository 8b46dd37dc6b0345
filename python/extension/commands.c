/* The commands of one key, as users know them: get, set and their kin. Each has its signature, how it is submitted, and what its outcome becomes. */
#include "arguments.h"
#include "client.h"
#include "convert.h"
#include "errors.h"

/* ------------------------------------------------------------------ retrieval */

static emc_status submit_get(struct operation *operation, const emc_call *call)
{
    return emc_get_async(operation->client->engine, KEY_OF(operation), call);
}

static emc_status submit_gets(struct operation *operation, const emc_call *call)
{
    return emc_gets_async(operation->client->engine, KEY_OF(operation), call);
}

static emc_status submit_gat(struct operation *operation, const emc_call *call)
{
    return emc_gat_async(operation->client->engine, KEY_OF(operation), operation->exptime, call);
}

static emc_status submit_gats(struct operation *operation, const emc_call *call)
{
    return emc_gats_async(operation->client->engine, KEY_OF(operation), operation->exptime, call);
}

static const struct operation_traits get_traits = {.name = "get", .submit = submit_get, .complete = convert_item};
static const struct operation_traits gets_traits = {
    .name = "gets", .submit = submit_gets, .complete = convert_item_with_cas};
static const struct operation_traits gat_traits = {.name = "gat", .submit = submit_gat, .complete = convert_item};
static const struct operation_traits gats_traits = {
    .name = "gats", .submit = submit_gats, .complete = convert_item_with_cas};

/* `given`: the key, return_flags, CALL_NAMES. */
static PyObject *retrieve(PyObject *self, const struct operation_traits *traits, PyObject *const *given)
{
    struct operation *operation = operation_on_key(self, traits, given[0]);
    return operation_finish(operation, operation != NULL && arguments_bool(given[1], &operation->return_flags) &&
                                           arguments_call(operation, given + 2));
}

static PyObject *client_get(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    static const struct signature signature = {"get", 4, 2, 1, {"key", "return_flags", CALL_NAMES}};
    PyObject *given[4];
    if (nargs == 1 && keywords == NULL) {
        return (PyObject *)operation_on_key(self, &get_traits, args[0]);
    }
    return arguments_parse(&signature, args, nargs, keywords, given) ? retrieve(self, &get_traits, given) : NULL;
}

static PyObject *client_gets(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    static const struct signature signature = {"gets", 4, 2, 1, {"key", "return_flags", CALL_NAMES}};
    PyObject *given[4];
    return arguments_parse(&signature, args, nargs, keywords, given) ? retrieve(self, &gets_traits, given) : NULL;
}

static PyObject *retrieve_and_touch(PyObject *self, const struct operation_traits *traits, PyObject *const *args,
                                    Py_ssize_t nargs, PyObject *keywords)
{
    const struct signature signature = {traits->name, 5, 3, 2, {"exptime", "key", "return_flags", CALL_NAMES}};
    PyObject *given[5];
    int64_t exptime = 0;
    if (!arguments_parse(&signature, args, nargs, keywords, given) ||
        !arguments_exptime(given[0], "exptime", &exptime)) {
        return NULL;
    }
    PyObject *operation = retrieve(self, traits, given + 1);
    if (operation != NULL) {
        ((struct operation *)operation)->exptime = exptime;
    }
    return operation;
}

static PyObject *client_gat(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    return retrieve_and_touch(self, &gat_traits, args, nargs, keywords);
}

static PyObject *client_gats(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    return retrieve_and_touch(self, &gats_traits, args, nargs, keywords);
}

/* ------------------------------------------------------------------ storage */

#define DEFINE_STORE(verb)                                                                                         \
    static emc_status submit_##verb(struct operation *operation, const emc_call *call)                             \
    {                                                                                                              \
        size_t length;                                                                                             \
        const void *value = operation_value(operation, &length);                                                   \
        return emc_##verb##_async(operation->client->engine, KEY_OF(operation), value, length, operation->exptime, \
                                  operation->flags, call);                                                         \
    }
DEFINE_STORE(set)
DEFINE_STORE(add)
DEFINE_STORE(replace)
#undef DEFINE_STORE

static emc_status submit_append(struct operation *operation, const emc_call *call)
{
    size_t length;
    const void *value = operation_value(operation, &length);
    return emc_append_async(operation->client->engine, KEY_OF(operation), value, length, call);
}

static emc_status submit_prepend(struct operation *operation, const emc_call *call)
{
    size_t length;
    const void *value = operation_value(operation, &length);
    return emc_prepend_async(operation->client->engine, KEY_OF(operation), value, length, call);
}

static emc_status submit_cas(struct operation *operation, const emc_call *call)
{
    size_t length;
    const void *value = operation_value(operation, &length);
    return emc_cas_async(operation->client->engine, KEY_OF(operation), value, length, operation->exptime,
                         operation->flags, operation->number, call);
}

static const struct operation_traits set_traits = {
    .name = "set", .submit = submit_set, .complete = convert_stored, .storage = true};
static const struct operation_traits add_traits = {.name = "add",
                                                   .submit = submit_add,
                                                   .complete = convert_stored,
                                                   .unmet = "the key is there already",
                                                   .storage = true};
static const struct operation_traits replace_traits = {.name = "replace",
                                                       .submit = submit_replace,
                                                       .complete = convert_stored,
                                                       .unmet = "the key is not there",
                                                       .storage = true};
static const struct operation_traits append_traits = {.name = "append",
                                                      .submit = submit_append,
                                                      .complete = convert_stored,
                                                      .unmet = "the key is not there",
                                                      .storage = true};
static const struct operation_traits prepend_traits = {.name = "prepend",
                                                       .submit = submit_prepend,
                                                       .complete = convert_stored,
                                                       .unmet = "the key is not there",
                                                       .storage = true};
static const struct operation_traits cas_traits = {
    .name = "cas", .submit = submit_cas, .complete = convert_stored, .storage = true};

/* What a storage command is given beside key and value. */
struct storing {
    PyObject *flags, *exptime, *noreply, *cas;
    PyObject *const *call; /* CALL_NAMES */
};

static PyObject *store(PyObject *self, const struct operation_traits *traits, PyObject *key, PyObject *value,
                       const struct storing *more)
{
    struct operation *operation = operation_on_key(self, traits, key);
    return operation_finish(operation, operation != NULL && arguments_value(operation, value) &&
                                           arguments_flags(more->flags, &operation->flags) &&
                                           arguments_exptime(more->exptime, "exptime", &operation->exptime) &&
                                           arguments_bool(more->noreply, &operation->noreply) &&
                                           arguments_unsigned(more->cas, "cas", UINT64_MAX, &operation->number) &&
                                           arguments_call(operation, more->call));
}

static PyObject *store_value(PyObject *self, const struct operation_traits *traits, PyObject *const *args,
                             Py_ssize_t nargs, PyObject *keywords)
{
    const struct signature signature = {
        traits->name, 7, 2, 2, {"key", "value", "flags", "exptime", "noreply", CALL_NAMES}};
    PyObject *given[7];
    if (!arguments_parse(&signature, args, nargs, keywords, given)) {
        return NULL;
    }
    return store(self, traits, given[0], given[1], &(struct storing){given[2], given[3], given[4], NULL, given + 5});
}

static PyObject *client_set(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    return store_value(self, &set_traits, args, nargs, keywords);
}

static PyObject *client_add(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    return store_value(self, &add_traits, args, nargs, keywords);
}

static PyObject *client_replace(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    return store_value(self, &replace_traits, args, nargs, keywords);
}

static PyObject *extend_value(PyObject *self, const struct operation_traits *traits, PyObject *const *args,
                              Py_ssize_t nargs, PyObject *keywords)
{
    const struct signature signature = {traits->name, 5, 2, 2, {"key", "value", "noreply", CALL_NAMES}};
    PyObject *given[5];
    if (!arguments_parse(&signature, args, nargs, keywords, given)) {
        return NULL;
    }
    return store(self, traits, given[0], given[1], &(struct storing){NULL, NULL, given[2], NULL, given + 3});
}

static PyObject *client_append(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    return extend_value(self, &append_traits, args, nargs, keywords);
}

static PyObject *client_prepend(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    return extend_value(self, &prepend_traits, args, nargs, keywords);
}

static PyObject *client_cas(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    static const struct signature signature = {
        "cas", 8, 3, 3, {"key", "value", "cas", "flags", "exptime", "noreply", CALL_NAMES}};
    PyObject *given[8];
    if (!arguments_parse(&signature, args, nargs, keywords, given)) {
        return NULL;
    }
    return store(self, &cas_traits, given[0], given[1],
                 &(struct storing){given[3], given[4], given[5], given[2], given + 6});
}

/* ------------------------------------------------------------------ without value */

static emc_status submit_incr(struct operation *operation, const emc_call *call)
{
    return emc_incr_async(operation->client->engine, KEY_OF(operation), operation->number, call);
}

static emc_status submit_decr(struct operation *operation, const emc_call *call)
{
    return emc_decr_async(operation->client->engine, KEY_OF(operation), operation->number, call);
}

static emc_status submit_touch(struct operation *operation, const emc_call *call)
{
    return emc_touch_async(operation->client->engine, KEY_OF(operation), operation->exptime, call);
}

static emc_status submit_delete(struct operation *operation, const emc_call *call)
{
    return emc_delete_async(operation->client->engine, KEY_OF(operation), call);
}

static const struct operation_traits increment_traits = {
    .name = "increment", .submit = submit_incr, .complete = convert_number, .number = true};
static const struct operation_traits decrement_traits = {
    .name = "decrement", .submit = submit_decr, .complete = convert_number, .number = true};
static const struct operation_traits touch_traits = {
    .name = "touch", .submit = submit_touch, .complete = convert_found};
static const struct operation_traits delete_traits = {
    .name = "delete", .submit = submit_delete, .complete = convert_found};

static PyObject *step(PyObject *self, const struct operation_traits *traits, PyObject *const *args, Py_ssize_t nargs,
                      PyObject *keywords)
{
    const struct signature signature = {traits->name, 5, 2, 2, {"key", "value", "noreply", CALL_NAMES}};
    PyObject *given[5];
    struct operation *operation = arguments_parse(&signature, args, nargs, keywords, given)
                                      ? operation_on_key(self, traits, given[0])
                                      : NULL;
    return operation_finish(
        operation, operation != NULL && arguments_unsigned(given[1], "value", UINT64_MAX, &operation->number) &&
                       arguments_bool(given[2], &operation->noreply) && arguments_call(operation, given + 3));
}

static PyObject *client_increment(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    return step(self, &increment_traits, args, nargs, keywords);
}

static PyObject *client_decrement(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    return step(self, &decrement_traits, args, nargs, keywords);
}

static PyObject *client_touch(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    static const struct signature signature = {"touch", 5, 2, 2, {"key", "exptime", "noreply", CALL_NAMES}};
    PyObject *given[5];
    struct operation *operation = arguments_parse(&signature, args, nargs, keywords, given)
                                      ? operation_on_key(self, &touch_traits, given[0])
                                      : NULL;
    return operation_finish(operation,
                            operation != NULL && arguments_exptime(given[1], "exptime", &operation->exptime) &&
                                arguments_bool(given[2], &operation->noreply) && arguments_call(operation, given + 3));
}

static PyObject *client_delete(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    static const struct signature signature = {"delete", 4, 1, 1, {"key", "noreply", CALL_NAMES}};
    PyObject *given[4];
    struct operation *operation = arguments_parse(&signature, args, nargs, keywords, given)
                                      ? operation_on_key(self, &delete_traits, given[0])
                                      : NULL;
    return operation_finish(operation, operation != NULL && arguments_bool(given[1], &operation->noreply) &&
                                           arguments_call(operation, given + 2));
}

/* ------------------------------------------------------------------ the table */

const struct command_entry client_commands[] = {
    COMMAND(get),       COMMAND(gets),      COMMAND(gat),    COMMAND(gats),    COMMAND(set),
    COMMAND(add),       COMMAND(replace),   COMMAND(append), COMMAND(prepend), COMMAND(cas),
    COMMAND(increment), COMMAND(decrement), COMMAND(touch),  COMMAND(delete),  {NULL, NULL},
};
