/* The commands to one node, named by its address, and close(). */
#include "address.h"
#include "arguments.h"
#include "client.h"
#include "convert.h"

/* ------------------------------------------------------------------ submission */

/* The address is read again here: its strings live only as long as `keep`. */
static bool address_of(const struct operation *operation, emc_address *address_out, PyObject **keep_out)
{
    return address_from_python(operation->client->state, operation->key, NODE_ARGUMENT, address_out, keep_out);
}

/* To read the address may run Python, and that close the client. */
#define DEFINE_SUBMIT(name, call_expression)                                  \
    static emc_status name(struct operation *operation, const emc_call *call) \
    {                                                                         \
        PyObject *keep = NULL;                                                \
        emc_address node;                                                     \
        emc_status status = EMC_ERROR_ARGUMENT;                               \
        if (address_of(operation, &node, &keep)) {                            \
            emc_client *engine = operation->client->engine;                   \
            status = engine != NULL ? (call_expression) : EMC_ERROR_CLOSED;   \
        }                                                                     \
        Py_XDECREF(keep);                                                     \
        return status;                                                        \
    }
DEFINE_SUBMIT(submit_version, emc_version_async(engine, &node, call))
DEFINE_SUBMIT(submit_flush_all, emc_flush_all_async(engine, &node, (uint32_t)operation->number, call))
DEFINE_SUBMIT(submit_verbosity, emc_verbosity_async(engine, &node, (uint32_t)operation->number, call))
DEFINE_SUBMIT(submit_cache_memlimit, emc_cache_memlimit_async(engine, &node, operation->number, call))
DEFINE_SUBMIT(submit_stats, emc_stats_async(engine, &node, operation->extra, call))
DEFINE_SUBMIT(submit_dump_keys, emc_dump_keys_async(engine, &node, (emc_dump)operation->number, call))
DEFINE_SUBMIT(submit_administer, emc_administer_async(engine, &node, operation->extra, call))
DEFINE_SUBMIT(submit_quit, emc_quit_async(engine, &node, call))
DEFINE_SUBMIT(submit_meta_noop, emc_meta_noop_async(engine, &node, call))
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
static const struct operation_traits administer_traits = {
    .name = "administer", .submit = submit_administer, .complete = convert_done};
static const struct operation_traits quit_traits = {.name = "quit", .submit = submit_quit, .complete = convert_done};
static const struct operation_traits meta_noop_traits = {
    .name = "meta_noop", .submit = submit_meta_noop, .complete = convert_done};

/* ------------------------------------------------------------------ methods */

/* Named `key` in the operation: what it is about. */
static struct operation *create(PyObject *self, const struct operation_traits *traits, PyObject *address)
{
    struct client *client = (struct client *)self;
    emc_address ignored;
    PyObject *keep = NULL;
    if (!address_from_python(client->state, address, NODE_ARGUMENT, &ignored, &keep)) {
        return NULL;
    }
    Py_DECREF(keep);
    return operation_create(client, traits, address);
}

/* A command that takes nothing but its node. */
static PyObject *ask(PyObject *self, const struct operation_traits *traits, PyObject *const *args, Py_ssize_t nargs,
                     PyObject *keywords)
{
    const struct signature signature = {traits->name, 2, 1, 1, {NODE_ARGUMENT, "timeout"}};
    PyObject *given[2];
    struct operation *operation = arguments_parse(&signature, args, nargs, keywords, given)
                                      ? create(self, traits, given[0])
                                      : NULL;
    return operation_finish(operation, operation != NULL && arguments_timeout(operation, given[1]));
}

static PyObject *client_version(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    return ask(self, &version_traits, args, nargs, keywords);
}

static PyObject *client_quit(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    return ask(self, &quit_traits, args, nargs, keywords);
}

static PyObject *client_meta_noop(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    return ask(self, &meta_noop_traits, args, nargs, keywords);
}

static PyObject *client_flush_all(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    static const struct signature signature = {"flush_all", 4, 2, 1, {NODE_ARGUMENT, "delay", "noreply", "timeout"}};
    PyObject *given[4];
    struct operation *operation = arguments_parse(&signature, args, nargs, keywords, given)
                                      ? create(self, &flush_all_traits, given[0])
                                      : NULL;
    return operation_finish(
        operation, operation != NULL && arguments_unsigned(given[1], "delay", 2592000, &operation->number) &&
                       arguments_bool(given[2], &operation->noreply) && arguments_timeout(operation, given[3]));
}

static PyObject *client_verbosity(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    static const struct signature signature = {"verbosity", 4, 2, 2, {NODE_ARGUMENT, "level", "noreply", "timeout"}};
    PyObject *given[4];
    struct operation *operation = arguments_parse(&signature, args, nargs, keywords, given)
                                      ? create(self, &verbosity_traits, given[0])
                                      : NULL;
    return operation_finish(
        operation, operation != NULL && arguments_unsigned(given[1], "level", UINT32_MAX, &operation->number) &&
                       arguments_bool(given[2], &operation->noreply) && arguments_timeout(operation, given[3]));
}

/* noreply is accepted as emcache has it; the engine waits for the answer all the same, as its error lines would carry no label. */
static PyObject *client_cache_memlimit(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    static const struct signature signature = {
        "cache_memlimit", 4, 2, 2, {NODE_ARGUMENT, "value", "noreply", "timeout"}};
    PyObject *given[4];
    bool ignored = false;
    struct operation *operation = arguments_parse(&signature, args, nargs, keywords, given)
                                      ? create(self, &cache_memlimit_traits, given[0])
                                      : NULL;
    return operation_finish(
        operation, operation != NULL && arguments_unsigned(given[1], "value", UINT32_MAX, &operation->number) &&
                       arguments_bool(given[2], &ignored) && arguments_timeout(operation, given[3]));
}

/* Words joined by spaces, as they go on the wire; `name`: of the argument. */
static bool join_words(struct operation *operation, const char *name, PyObject *const *words, Py_ssize_t count)
{
    PyObject *list = PyList_New(count), *space = PyUnicode_FromString(" "), *joined = NULL;
    for (Py_ssize_t i = 0; list != NULL && i < count; i++) {
        Py_ssize_t ignored;
        if (arguments_text(words[i], name, &ignored) == NULL) {
            Py_CLEAR(list);
            break;
        }
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
            PyErr_Format(PyExc_ValueError, "%s: a control character", name);
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
    static const struct signature signature = {"stats", 2, 1, 1, {NODE_ARGUMENT, "timeout"}, .rest = true};
    PyObject *given[2];
    if (!arguments_parse(&signature, args, nargs, keywords, given)) {
        return NULL;
    }
    struct operation *operation = create(self, &stats_traits, given[0]);
    Py_ssize_t words = nargs > 1 ? nargs - 1 : 0;
    return operation_finish(operation, operation != NULL &&
                                           join_words(operation, "args", args + nargs - words, words) &&
                                           arguments_timeout(operation, given[1]));
}

static PyObject *client_dump_keys(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    static const struct signature signature = {"dump_keys", 3, 1, 1, {NODE_ARGUMENT, "keys_only", "timeout"}};
    PyObject *given[3];
    bool keys_only = false;
    struct operation *operation = arguments_parse(&signature, args, nargs, keywords, given)
                                      ? create(self, &dump_keys_traits, given[0])
                                      : NULL;
    bool good = operation != NULL && arguments_bool(given[1], &keys_only) && arguments_timeout(operation, given[2]);
    if (good) {
        operation->number = keys_only ? EMC_DUMP_KEYS : EMC_DUMP_META;
    }
    return operation_finish(operation, good);
}

/* An async generator: _key_stream.py, which needs this module and is imported when it is first asked for. The arguments are good. */
static PyObject *stream_keys(PyObject *self, PyObject *address, bool keys_only, PyObject *timeout)
{
    PyObject *module = PyImport_ImportModule("emcache._key_stream");
    PyObject *stream = module != NULL ? PyObject_CallMethod(module, "stream_keys", "OOOO", self, address,
                                                            keys_only ? Py_True : Py_False, timeout)
                                      : NULL;
    Py_XDECREF(module);
    return stream;
}

static PyObject *client_stream_keys(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    static const struct signature signature = {"stream_keys", 3, 1, 1, {NODE_ARGUMENT, "keys_only", "timeout"}};
    PyObject *given[3], *keep = NULL;
    emc_address ignored;
    bool keys_only = false;
    uint32_t milliseconds;
    if (!arguments_parse(&signature, args, nargs, keywords, given) ||
        !address_from_python(((struct client *)self)->state, given[0], NODE_ARGUMENT, &ignored, &keep)) {
        return NULL;
    }
    Py_DECREF(keep);
    PyObject *timeout = given[2] != NULL ? given[2] : Py_None;
    bool good = arguments_bool(given[1], &keys_only) &&
                (timeout == Py_None || arguments_seconds(timeout, "timeout", &milliseconds));
    return good ? stream_keys(self, given[0], keys_only, timeout) : NULL;
}

/* The line as memcached's protocol.txt has it; which commands the engine knows, it says when the command is awaited. */
static bool read_line(struct operation *operation, PyObject *line)
{
    Py_ssize_t length = 0;
    const char *text = arguments_text(line, "command", &length);
    if (text != NULL && (length < 1 || length > 1000)) {
        PyErr_Format(PyExc_ValueError, "command: %zd bytes; it has 1 to 1000", length);
        text = NULL;
    }
    return text != NULL && join_words(operation, "command", &line, 1);
}

static PyObject *client_administer(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    static const struct signature signature = {"administer", 3, 2, 2, {NODE_ARGUMENT, "command", "timeout"}};
    PyObject *given[3];
    struct operation *operation = arguments_parse(&signature, args, nargs, keywords, given)
                                      ? create(self, &administer_traits, given[0])
                                      : NULL;
    return operation_finish(operation, operation != NULL && read_line(operation, given[1]) &&
                                           arguments_timeout(operation, given[2]));
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

const struct command_entry client_node_commands[] = {
    COMMAND(version), COMMAND(flush_all), COMMAND(verbosity),   COMMAND(cache_memlimit),
    COMMAND(stats),   COMMAND(dump_keys), COMMAND(stream_keys), COMMAND(administer),
    COMMAND(quit),    COMMAND(meta_noop), COMMAND(close),       {NULL, NULL},
};
