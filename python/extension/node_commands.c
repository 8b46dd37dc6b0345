/* The commands to one node, named by its address, and close(). */
#include "address.h"
#include "arguments.h"
#include "client.h"
#include "convert.h"

/* ------------------------------------------------------------------ submission */

/* The address is read again here: its strings live only as long as `keep`. */
static bool address_of(const struct operation *operation, emc_address *address_out, PyObject **keep_out)
{
    return address_from_python(operation->client->state, operation->key, address_out, keep_out);
}

#define DEFINE_SUBMIT(name, call_expression)                                                              \
    static emc_status name(struct operation *operation, const emc_call *call)                             \
    {                                                                                                     \
        PyObject *keep = NULL;                                                                            \
        emc_address node;                                                                                 \
        emc_client *engine = operation->client->engine;                                                   \
        emc_status status = address_of(operation, &node, &keep) ? (call_expression) : EMC_ERROR_ARGUMENT; \
        Py_XDECREF(keep);                                                                                 \
        return status;                                                                                    \
    }
DEFINE_SUBMIT(submit_version, emc_version_async(engine, &node, call))
DEFINE_SUBMIT(submit_flush_all, emc_flush_all_async(engine, &node, (uint32_t)operation->number, call))
DEFINE_SUBMIT(submit_verbosity, emc_verbosity_async(engine, &node, (uint32_t)operation->number, call))
DEFINE_SUBMIT(submit_cache_memlimit, emc_cache_memlimit_async(engine, &node, operation->number, call))
DEFINE_SUBMIT(submit_stats, emc_stats_async(engine, &node, operation->extra, call))
DEFINE_SUBMIT(submit_dump_keys, emc_dump_keys_async(engine, &node, (emc_dump)operation->number, call))
#undef DEFINE_SUBMIT

static const struct operation_traits version_traits = {
    .name = "version", .submit = submit_version, .complete = convert_text};
static const struct operation_traits flush_all_traits = {
    .name = "flush_all", .submit = submit_flush_all, .complete = convert_done};
static const struct operation_traits verbosity_traits = {
    .name = "verbosity", .submit = submit_verbosity, .complete = convert_done};
static const struct operation_traits cache_memlimit_traits = {
    .name = "cache_memlimit", .submit = submit_cache_memlimit, .complete = convert_done};
static const struct operation_traits stats_traits = {
    .name = "stats", .submit = submit_stats, .complete = convert_lines};
static const struct operation_traits dump_keys_traits = {
    .name = "dump_keys", .submit = submit_dump_keys, .complete = convert_dump};

/* ------------------------------------------------------------------ methods */

/* Named `key` in the operation: what it is about. */
static struct operation *create(PyObject *self, const struct operation_traits *traits, PyObject *address)
{
    struct client *client = (struct client *)self;
    emc_address ignored;
    PyObject *keep = NULL;
    if (!address_from_python(client->state, address, &ignored, &keep)) {
        return NULL;
    }
    Py_DECREF(keep);
    return operation_create(client, traits, address);
}

static PyObject *finish(struct operation *operation, bool good)
{
    if (operation != NULL && !good) {
        operation_discard(operation);
        return NULL;
    }
    return (PyObject *)operation;
}

static PyObject *client_version(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    static const struct signature signature = {"version", 1, 1, 1, {"memcached_host_address"}};
    PyObject *given[1];
    return arguments_parse(&signature, args, nargs, keywords, given)
               ? (PyObject *)create(self, &version_traits, given[0])
               : NULL;
}

static PyObject *client_flush_all(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    static const struct signature signature = {"flush_all", 3, 2, 1, {"memcached_host_address", "delay", "noreply"}};
    PyObject *given[3];
    struct operation *operation = arguments_parse(&signature, args, nargs, keywords, given)
                                      ? create(self, &flush_all_traits, given[0])
                                      : NULL;
    return finish(operation, operation != NULL && arguments_unsigned(given[1], "delay", 2592000, &operation->number) &&
                                 arguments_bool(given[2], &operation->noreply));
}

static PyObject *client_verbosity(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    static const struct signature signature = {"verbosity", 3, 2, 2, {"memcached_host_address", "level", "noreply"}};
    PyObject *given[3];
    struct operation *operation = arguments_parse(&signature, args, nargs, keywords, given)
                                      ? create(self, &verbosity_traits, given[0])
                                      : NULL;
    return finish(operation, operation != NULL &&
                                 arguments_unsigned(given[1], "level", UINT32_MAX, &operation->number) &&
                                 arguments_bool(given[2], &operation->noreply));
}

/* noreply is accepted as emcache has it; the engine waits for the answer all the same, as its error lines would carry no label. */
static PyObject *client_cache_memlimit(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    static const struct signature signature = {
        "cache_memlimit", 3, 2, 2, {"memcached_host_address", "value", "noreply"}};
    PyObject *given[3];
    bool ignored = false;
    struct operation *operation = arguments_parse(&signature, args, nargs, keywords, given)
                                      ? create(self, &cache_memlimit_traits, given[0])
                                      : NULL;
    return finish(operation, operation != NULL &&
                                 arguments_unsigned(given[1], "value", UINT32_MAX, &operation->number) &&
                                 arguments_bool(given[2], &ignored));
}

/* The words of stats(address, *args), joined by spaces as they go on the wire. */
static bool join_words(struct operation *operation, PyObject *const *words, Py_ssize_t count)
{
    PyObject *list = PyList_New(count), *space = PyUnicode_FromString(" "), *joined = NULL;
    for (Py_ssize_t i = 0; list != NULL && i < count; i++) {
        Py_INCREF(words[i]);
        PyList_SET_ITEM(list, i, words[i]);
    }
    if (list != NULL && space != NULL) {
        joined = PyUnicode_Join(space, list);
    }
    Py_XDECREF(list);
    Py_XDECREF(space);
    Py_ssize_t length = 0;
    const char *text = joined != NULL ? PyUnicode_AsUTF8AndSize(joined, &length) : NULL;
    for (Py_ssize_t i = 0; text != NULL && i < length; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f) {
            PyErr_SetString(PyExc_ValueError, "args: a control character");
            text = NULL;
        }
    }
    if (text != NULL && count > 0) {
        operation->extra = PyMem_Malloc((size_t)length + 1);
        if (operation->extra != NULL) {
            memcpy(operation->extra, text, (size_t)length + 1);
        } else {
            PyErr_NoMemory();
            text = NULL;
        }
    }
    Py_XDECREF(joined);
    return text != NULL;
}

static PyObject *client_stats(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    static const struct signature signature = {"stats", 1, 1, 1, {"memcached_host_address"}};
    PyObject *given[1];
    if (!arguments_parse(&signature, args, keywords != NULL || nargs < 1 ? nargs : 1, keywords, given)) {
        return NULL;
    }
    struct operation *operation = create(self, &stats_traits, given[0]);
    Py_ssize_t words = nargs > 1 ? nargs - 1 : 0;
    return finish(operation, operation != NULL && join_words(operation, args + nargs - words, words));
}

static PyObject *client_dump_keys(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    static const struct signature signature = {"dump_keys", 2, 1, 1, {"memcached_host_address", "keys_only"}};
    PyObject *given[2];
    bool keys_only = false;
    struct operation *operation = arguments_parse(&signature, args, nargs, keywords, given)
                                      ? create(self, &dump_keys_traits, given[0])
                                      : NULL;
    bool good = operation != NULL && arguments_bool(given[1], &keys_only);
    if (good) {
        operation->number = keys_only ? EMC_DUMP_KEYS : EMC_DUMP_META;
    }
    return finish(operation, good);
}

/* ------------------------------------------------------------------ close */

/* Has no submit: submit.c ends the client instead. */
static const struct operation_traits close_traits = {.name = "close"};

static PyObject *client_close(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    static const struct signature signature = {"close", 0, 0, 0, {NULL}};
    PyObject *given[1];
    return arguments_parse(&signature, args, nargs, keywords, given)
               ? (PyObject *)operation_create((struct client *)self, &close_traits, NULL)
               : NULL;
}

PyMethodDef client_node_commands[] = {
    COMMAND(version, "($self, memcached_host_address)", "The version of a node's server."),
    COMMAND(flush_all, "($self, memcached_host_address, delay=0, *, noreply=False)",
            "Makes everything on a node expire."),
    COMMAND(verbosity, "($self, memcached_host_address, level, *, noreply=False)",
            "Sets how talkative a node's log is."),
    COMMAND(cache_memlimit, "($self, memcached_host_address, value, *, noreply=False)",
            "Sets a node's memory limit, in megabytes."),
    COMMAND(stats, "($self, memcached_host_address, *args)", "A node's statistics."),
    COMMAND(dump_keys, "($self, memcached_host_address, *, keys_only=False)", "All keys of a node."),
    COMMAND(close, "($self)", "Closes the connections."),
    {NULL, NULL, 0, NULL},
};
