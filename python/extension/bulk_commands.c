/* The commands of many keys: get_many and its kin, set_many, delete_many. */
#include "arguments.h"
#include "client.h"
#include "convert.h"

/* ------------------------------------------------------------------ retrieval */

/* The keys as the engine takes them; freed with PyMem_Free. NULL: a MemoryError is set. */
static emc_key *keys_of(const struct operation *operation, size_t *count_out)
{
    size_t count = (size_t)PyTuple_GET_SIZE(operation->key);
    emc_key *keys = PyMem_Malloc((count + 1) * sizeof *keys);
    if (keys == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        PyObject *key = PyTuple_GET_ITEM(operation->key, (Py_ssize_t)i);
        keys[i] = (emc_key){PyBytes_AS_STRING(key), (size_t)PyBytes_GET_SIZE(key)};
    }
    *count_out = count;
    return keys;
}

#define DEFINE_SUBMIT(name, function, ...)                                                                    \
    static emc_status name(struct operation *operation, const emc_call *call)                                 \
    {                                                                                                         \
        size_t count = 0;                                                                                     \
        emc_key *keys = keys_of(operation, &count);                                                           \
        emc_status status = keys != NULL ? function(operation->client->engine, keys, count __VA_ARGS__, call) \
                                         : EMC_ERROR_MEMORY;                                                  \
        PyMem_Free(keys);                                                                                     \
        return status;                                                                                        \
    }
#define COMMA ,
DEFINE_SUBMIT(submit_get_many, emc_get_many_async)
DEFINE_SUBMIT(submit_gets_many, emc_gets_many_async)
DEFINE_SUBMIT(submit_gat_many, emc_gat_many_async, COMMA operation->exptime)
DEFINE_SUBMIT(submit_gats_many, emc_gats_many_async, COMMA operation->exptime)
DEFINE_SUBMIT(submit_delete_many, emc_delete_many_async)
#undef DEFINE_SUBMIT
#undef COMMA

static const struct operation_traits get_many_traits = {
    .name = "get_many", .submit = submit_get_many, .complete = convert_many};
static const struct operation_traits gets_many_traits = {
    .name = "gets_many", .submit = submit_gets_many, .complete = convert_many_with_cas};
static const struct operation_traits gat_many_traits = {
    .name = "gat_many", .submit = submit_gat_many, .complete = convert_many};
static const struct operation_traits gats_many_traits = {
    .name = "gats_many", .submit = submit_gats_many, .complete = convert_many_with_cas};
static const struct operation_traits delete_many_traits = {
    .name = "delete_many", .submit = submit_delete_many, .complete = convert_statuses};

static struct operation *create_bulk(PyObject *self, const struct operation_traits *traits, PyObject *iterable)
{
    struct client *client = (struct client *)self;
    PyObject *keys = arguments_keys(client, iterable);
    struct operation *operation = keys != NULL ? operation_create(client, traits, keys) : NULL;
    Py_XDECREF(keys);
    return operation;
}

static PyObject *retrieve_many(PyObject *self, const struct operation_traits *traits, PyObject *keys, PyObject *exptime,
                               PyObject *const *options)
{
    struct operation *operation = create_bulk(self, traits, keys);
    return operation_finish(
        operation, operation != NULL && arguments_exptime(exptime, "exptime", &operation->exptime) &&
                       arguments_bool(options[0], &operation->return_flags) &&
                       arguments_bool(options[1], &operation->return_errors) && arguments_call(operation, options + 2));
}

static PyObject *parse_many(PyObject *self, const struct operation_traits *traits, PyObject *const *args,
                            Py_ssize_t nargs, PyObject *keywords)
{
    const struct signature signature = {
        traits->name, 5, 2, 1, {"keys", "return_flags", "return_exceptions", CALL_NAMES}};
    PyObject *given[5];
    return arguments_parse(&signature, args, nargs, keywords, given)
               ? retrieve_many(self, traits, given[0], NULL, given + 1)
               : NULL;
}

static PyObject *parse_many_and_touch(PyObject *self, const struct operation_traits *traits, PyObject *const *args,
                                      Py_ssize_t nargs, PyObject *keywords)
{
    const struct signature signature = {
        traits->name, 6, 3, 2, {"exptime", "keys", "return_flags", "return_exceptions", CALL_NAMES}};
    PyObject *given[6];
    return arguments_parse(&signature, args, nargs, keywords, given)
               ? retrieve_many(self, traits, given[1], given[0], given + 2)
               : NULL;
}

static PyObject *client_get_many(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    return parse_many(self, &get_many_traits, args, nargs, keywords);
}

static PyObject *client_gets_many(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    return parse_many(self, &gets_many_traits, args, nargs, keywords);
}

static PyObject *client_gat_many(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    return parse_many_and_touch(self, &gat_many_traits, args, nargs, keywords);
}

static PyObject *client_gats_many(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    return parse_many_and_touch(self, &gats_many_traits, args, nargs, keywords);
}

/* ------------------------------------------------------------------ set_many, delete_many */

/* What a StoreItem says of its own: operation->extra has one for each item when there is a StoreItem among them, else it is NULL. */
struct own_fields {
    uint64_t flags;
    int64_t exptime;
    bool has_flags, has_exptime;
};

static emc_store_item item_at(const struct operation *operation, size_t index)
{
    PyObject *key = PyTuple_GET_ITEM(operation->key, (Py_ssize_t)index);
    PyObject *value = PyTuple_GET_ITEM(operation->value, (Py_ssize_t)index);
    const struct own_fields *own = operation->extra;
    own = own != NULL ? own + index : NULL;
    return (emc_store_item){
        .key = {PyBytes_AS_STRING(key), (size_t)PyBytes_GET_SIZE(key)},
        .value = PyBytes_AS_STRING(value),
        .value_length = (size_t)PyBytes_GET_SIZE(value),
        .exptime = own != NULL && own->has_exptime ? own->exptime : operation->exptime,
        .flags = own != NULL && own->has_flags ? own->flags : operation->flags,
    };
}

static emc_status submit_set_many(struct operation *operation, const emc_call *call)
{
    size_t count = (size_t)PyTuple_GET_SIZE(operation->key);
    emc_store_item *items = PyMem_Calloc(count + 1, sizeof *items);
    if (items == NULL) {
        PyErr_NoMemory();
        return EMC_ERROR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        items[i] = item_at(operation, i);
    }
    emc_status status = emc_set_many_async(operation->client->engine, items, count, call);
    PyMem_Free(items);
    return status;
}

static const struct operation_traits set_many_traits = {
    .name = "set_many", .submit = submit_set_many, .complete = convert_statuses, .storage = true};

/* Bytes as they are; a copy of anything else that has bytes. */
static PyObject *bytes_of(PyObject *value)
{
    if (PyBytes_CheckExact(value)) {
        Py_INCREF(value);
        return value;
    }
    if (!PyObject_CheckBuffer(value)) {
        PyErr_Format(PyExc_TypeError, "items: a value is a bytes-like object or a StoreItem, not %.100s",
                     Py_TYPE(value)->tp_name);
        return NULL;
    }
    return PyBytes_FromObject(value);
}

/* A value, or a StoreItem: then its fields go to own[index], for which room is made at the first one. A new reference, or NULL with an exception. */
static PyObject *read_item(const struct module_state *state, PyObject *item, struct own_fields **own, Py_ssize_t index,
                           Py_ssize_t count)
{
    if (!PyObject_TypeCheck(item, (PyTypeObject *)state->store_item)) {
        return bytes_of(item);
    }
    if (PyTuple_GET_SIZE(item) != 3) {
        PyErr_SetString(PyExc_TypeError, "items: a StoreItem has a value, flags and an exptime");
        return NULL;
    }
    PyObject *flags = PyTuple_GET_ITEM(item, 1), *exptime = PyTuple_GET_ITEM(item, 2);
    if (*own == NULL && (*own = PyMem_Calloc((size_t)count, sizeof **own)) == NULL) {
        return PyErr_NoMemory();
    }
    struct own_fields *fields = &(*own)[index];
    fields->has_flags = flags != Py_None;
    fields->has_exptime = exptime != Py_None;
    return arguments_flags(fields->has_flags ? flags : NULL, &fields->flags) &&
                   arguments_exptime(fields->has_exptime ? exptime : NULL, "exptime", &fields->exptime)
               ? bytes_of(PyTuple_GET_ITEM(item, 0))
               : NULL;
}

/* What create_set_many() makes of a mapping. */
struct split {
    PyObject *keys, *values;
    struct own_fields *own;
};

static void split_release(struct split *split)
{
    Py_CLEAR(split->keys);
    Py_CLEAR(split->values);
    PyMem_Free(split->own);
}

static bool split_pair(const struct module_state *state, PyObject *pair, struct split *split, Py_ssize_t index,
                       Py_ssize_t count)
{
    if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2) {
        PyErr_SetString(PyExc_TypeError, "items: a mapping from key to value is needed");
        return false;
    }
    PyObject *key = PyTuple_GET_ITEM(pair, 0), *item = PyTuple_GET_ITEM(pair, 1);
    Py_INCREF(key);
    PyTuple_SET_ITEM(split->keys, index, key);
    PyObject *value = PyBytes_CheckExact(item) ? (Py_INCREF(item), item)
                                               : read_item(state, item, &split->own, index, count);
    PyTuple_SET_ITEM(split->values, index, value);
    return value != NULL;
}

/* False with an exception; what was made so far is released by the caller either way. */
static bool split_items(const struct module_state *state, PyObject *mapping, struct split *split)
{
    PyObject *items = arguments_is_mapping(mapping) ? PyMapping_Items(mapping) : NULL;
    if (items == NULL) {
        if (!PyErr_Occurred()) {
            PyErr_Format(PyExc_TypeError, "items: a mapping from key to value is needed, not %.100s",
                         Py_TYPE(mapping)->tp_name);
        }
        return false;
    }
    Py_ssize_t count = PySequence_Fast_GET_SIZE(items);
    split->keys = PyTuple_New(count);
    split->values = PyTuple_New(count);
    bool good = split->keys != NULL && split->values != NULL;
    for (Py_ssize_t i = 0; i < count && good; i++) {
        good = split_pair(state, PySequence_Fast_GET_ITEM(items, i), split, i, count);
    }
    Py_DECREF(items);
    return good;
}

static struct operation *create_set_many(PyObject *self, PyObject *mapping)
{
    const struct client *client = (struct client *)self;
    struct split split = {NULL, NULL, NULL};
    struct operation *operation = split_items(client->state, mapping, &split)
                                      ? create_bulk(self, &set_many_traits, split.keys)
                                      : NULL;
    if (operation != NULL) {
        operation->value = split.values;
        operation->extra = split.own;
        split.values = NULL;
        split.own = NULL;
    }
    split_release(&split);
    return operation;
}

static PyObject *client_set_many(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    static const struct signature signature = {
        "set_many", 6, 1, 1, {"items", "flags", "exptime", "noreply", CALL_NAMES}};
    PyObject *given[6];
    struct operation *operation = arguments_parse(&signature, args, nargs, keywords, given)
                                      ? create_set_many(self, given[0])
                                      : NULL;
    return operation_finish(operation, operation != NULL && arguments_flags(given[1], &operation->flags) &&
                                           arguments_exptime(given[2], "exptime", &operation->exptime) &&
                                           arguments_bool(given[3], &operation->noreply) &&
                                           arguments_call(operation, given + 4));
}

static PyObject *client_delete_many(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    static const struct signature signature = {"delete_many", 4, 1, 1, {"keys", "noreply", CALL_NAMES}};
    PyObject *given[4];
    struct operation *operation = arguments_parse(&signature, args, nargs, keywords, given)
                                      ? create_bulk(self, &delete_many_traits, given[0])
                                      : NULL;
    return operation_finish(operation, operation != NULL && arguments_bool(given[1], &operation->noreply) &&
                                           arguments_call(operation, given + 2));
}

const struct command_entry client_bulk_commands[] = {
    COMMAND(get_many), COMMAND(gets_many),   COMMAND(gat_many), COMMAND(gats_many),
    COMMAND(set_many), COMMAND(delete_many), {NULL, NULL},
};
