/* The meta commands, typed as in <emcache/meta.h>. */
#include "arguments.h"
#include "client.h"
#include "convert.h"

/* ------------------------------------------------------------------ outcomes */

static PyObject *none_or(PyObject *value, bool present)
{
    if (present) {
        return value;
    }
    Py_XDECREF(value);
    Py_RETURN_NONE;
}

static PyObject *text_or_none(const char *text)
{
    if (text[0] == '\0') {
        Py_RETURN_NONE;
    }
    return PyUnicode_FromString(text);
}

static const char *status_word(emc_status status)
{
    switch (status) {
    case EMC_MISS:
        return "miss";
    case EMC_NOT_STORED:
        return "not_stored";
    case EMC_EXISTS:
        return "exists";
    default:
        return "ok";
    }
}

static void convert_meta(struct operation *operation, const emc_result *result)
{
    static const emc_meta_reply nothing;
    const emc_meta_reply *reply = result->meta != NULL ? result->meta : &nothing;
    const emc_meta_options *asked = operation->extra;
    bool arithmetic = operation->traits->number;
    if (convert_error(operation, result)) {
        return;
    }
    bool has_number = arithmetic && result->status == EMC_OK && (asked->want & EMC_META_VALUE) != 0;
    PyObject *value = result->value != NULL && !arithmetic ? convert_value(operation, result) : none_or(NULL, false);
    operation_set_result(
        operation,
        PyObject_CallFunction(
            operation->client->state->meta_result, "sNNNNNNNNNOOO", status_word(result->status), value,
            none_or(PyLong_FromUnsignedLongLong(result->number), has_number),
            none_or(PyLong_FromUnsignedLongLong(reply->flags), (reply->present & EMC_META_FLAGS) != 0),
            none_or(PyLong_FromUnsignedLongLong(reply->cas), (reply->present & EMC_META_CAS) != 0),
            none_or(PyLong_FromLongLong(reply->ttl), (reply->present & EMC_META_TTL) != 0),
            none_or(PyLong_FromUnsignedLongLong(reply->size), (reply->present & EMC_META_SIZE) != 0),
            none_or(PyBool_FromLong(reply->hit_before), (reply->present & EMC_META_HIT_BEFORE) != 0),
            none_or(PyLong_FromUnsignedLongLong(reply->last_access_s), (reply->present & EMC_META_LAST_ACCESS) != 0),
            text_or_none(reply->opaque), reply->won ? Py_True : Py_False, reply->stale ? Py_True : Py_False,
            reply->already_won ? Py_True : Py_False));
}

static void convert_debug(struct operation *operation, const emc_result *result)
{
    if (result->status == EMC_MISS) {
        operation_set_result(operation, none_or(NULL, false));
    } else {
        convert_text(operation, result);
    }
}

/* ------------------------------------------------------------------ submission */

static emc_status submit_meta_get(struct operation *operation, const emc_call *call)
{
    return emc_meta_get_async(operation->client->engine, KEY_OF(operation), operation->extra, call);
}

static emc_status submit_meta_set(struct operation *operation, const emc_call *call)
{
    size_t length;
    const void *value = operation_value(operation, &length);
    return emc_meta_set_async(operation->client->engine, KEY_OF(operation), value, length, operation->extra, call);
}

static emc_status submit_meta_delete(struct operation *operation, const emc_call *call)
{
    return emc_meta_delete_async(operation->client->engine, KEY_OF(operation), operation->extra, call);
}

static emc_status submit_meta_arithmetic(struct operation *operation, const emc_call *call)
{
    return emc_meta_arithmetic_async(operation->client->engine, KEY_OF(operation), operation->extra, call);
}

static emc_status submit_meta_debug(struct operation *operation, const emc_call *call)
{
    return emc_meta_debug_async(operation->client->engine, KEY_OF(operation), call);
}

static const struct operation_traits meta_get_traits = {
    .name = "meta_get", .submit = submit_meta_get, .complete = convert_meta};
static const struct operation_traits meta_set_traits = {
    .name = "meta_set", .submit = submit_meta_set, .complete = convert_meta, .storage = true};
static const struct operation_traits meta_delete_traits = {
    .name = "meta_delete", .submit = submit_meta_delete, .complete = convert_meta};
static const struct operation_traits meta_arithmetic_traits = {
    .name = "meta_arithmetic", .submit = submit_meta_arithmetic, .complete = convert_meta, .number = true};

static const struct operation_traits meta_debug_traits = {
    .name = "meta_debug", .submit = submit_meta_debug, .complete = convert_debug};

/* ------------------------------------------------------------------ the options of the meta commands */

static bool read_word(PyObject *word, const char *argument, const char *const *words, unsigned count,
                      unsigned *index_out)
{
    if (!PyUnicode_Check(word)) {
        PyErr_Format(PyExc_TypeError, "%s: a str is needed, not %.100s", argument, Py_TYPE(word)->tp_name);
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        if (PyUnicode_CompareWithASCIIString(word, words[i]) == 0) {
            *index_out = i;
            return true;
        }
    }
    PyErr_Format(PyExc_ValueError, "%s: there is no %R", argument, word);
    return false;
}

static bool read_want(PyObject *object, uint32_t *want)
{
    static const char *const words[] = {"value", "flags", "cas", "ttl", "size", "hit_before", "last_access", "key"};
    PyObject *names = object != NULL ? arguments_tuple(object, "want") : NULL;
    if (object == NULL) {
        return true;
    }
    bool good = names != NULL;
    uint32_t bits = 0;
    for (Py_ssize_t i = 0; good && i < PyTuple_GET_SIZE(names); i++) {
        unsigned index = 0;
        good = read_word(PyTuple_GET_ITEM(names, i), "want", words, 8, &index);
        bits |= 1u << index;
    }
    Py_XDECREF(names);
    *want = bits;
    return good;
}

static bool read_mode(PyObject *object, emc_meta_mode *mode)
{
    static const char *const words[] = {"set", "add", "replace", "append", "prepend"};
    unsigned index = 0;
    if (object != NULL && !read_word(object, "mode", words, 5, &index)) {
        return false;
    }
    *mode = (emc_meta_mode)index;
    return true;
}

/* None, and nothing: not given. */
static bool read_time(PyObject *object, const char *name, int64_t *out)
{
    return object == NULL || object == Py_None || arguments_exptime(object, name, out);
}

static bool read_bit(PyObject *object, uint32_t bit, uint32_t *bits)
{
    bool set = false;
    if (!arguments_bool(object, &set)) {
        return false;
    }
    *bits |= set ? bit : 0;
    return true;
}

static bool read_opaque(PyObject *object, struct operation *operation, emc_meta_options *options)
{
    if (object == NULL || object == Py_None) {
        return true;
    }
    Py_ssize_t length = 0;
    const char *text = arguments_text(object, "opaque", &length);
    if (text == NULL) {
        return false;
    }
    for (Py_ssize_t i = 0; i < length; i++) {
        if (text[i] <= ' ' || text[i] >= 0x7f) {
            length = 0; /* refused below */
        }
    }
    if (length < 1 || length > 31) {
        PyErr_SetString(PyExc_ValueError, "opaque: it has 1 to 31 ASCII characters without spaces");
        return false;
    }
    Py_INCREF(object);
    operation->extra_owner = object;
    options->opaque = text;
    return true;
}

/* Where the options stand among a command's arguments; all commands know these. */
enum { AT_WANT, AT_BINARY, AT_TTL, AT_CAS, AT_OPAQUE, AT_QUIET, AT_CALL, AT_COMMON = AT_CALL + 2 };

static bool read_common(PyObject *const *given, struct operation *operation, emc_meta_options *options)
{
    return read_want(given[AT_WANT], &options->want) &&
           read_bit(given[AT_BINARY], EMC_META_BINARY_KEY, &options->modes) &&
           read_time(given[AT_TTL], "ttl", &options->ttl) &&
           arguments_unsigned(given[AT_CAS], "cas", UINT64_MAX, &options->cas) &&
           read_opaque(given[AT_OPAQUE], operation, options) &&
           read_bit(given[AT_QUIET], EMC_META_QUIET, &options->modes) && arguments_call(operation, given + AT_CALL);
}

/* A key of any bytes is checked here as the library does it: at the call. */
static bool check_key(const struct client *client, PyObject *key, bool binary)
{
    if (!binary || !PyBytes_Check(key)) {
        return arguments_key(client, key);
    }
    size_t prefix = 250 - client->key_length_max, length = (size_t)PyBytes_GET_SIZE(key);
    if (length < 1 || length + prefix > 186) {
        PyErr_Format(PyExc_ValueError, "key: %zu bytes; a binary key has 1 to %zu", length, 186 - prefix);
        return false;
    }
    return true;
}

/* An operation with meta options, the common ones read. `want`: its default. */
static struct operation *create_meta(PyObject *self, const struct operation_traits *traits, PyObject *key,
                                     PyObject *const *common, uint32_t want)
{
    struct client *client = (struct client *)self;
    struct operation *operation = operation_create(client, traits, key);
    emc_meta_options *options = operation != NULL ? PyMem_Malloc(sizeof *options) : NULL;
    if (options == NULL) {
        if (operation != NULL) {
            operation_discard(operation);
            PyErr_NoMemory();
        }
        return NULL;
    }
    emc_meta_options_init(options);
    options->want = want;
    operation->extra = options;
    if (!read_common(common, operation, options) ||
        !check_key(client, key, (options->modes & EMC_META_BINARY_KEY) != 0)) {
        operation_discard(operation);
        return NULL;
    }
    return operation;
}

/* ------------------------------------------------------------------ mg ms md ma */

#define COMMON_NAMES "want", "binary_key", "ttl", "cas", "opaque", "quiet", CALL_NAMES

static PyObject *client_meta_get(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    static const struct signature signature = {
        "meta_get", 12, 1, 1, {"key", COMMON_NAMES, "no_bump", "vivify_ttl", "recache_below"}};
    PyObject *given[12];
    struct operation *operation = arguments_parse(&signature, args, nargs, keywords, given)
                                      ? create_meta(self, &meta_get_traits, given[0], given + 1, EMC_META_VALUE)
                                      : NULL;
    emc_meta_options *options = operation != NULL ? operation->extra : NULL;
    PyObject **more = given + 1 + AT_COMMON;
    return operation_finish(operation, options != NULL && read_bit(more[0], EMC_META_NO_BUMP, &options->modes) &&
                                           read_time(more[1], "vivify_ttl", &options->vivify_ttl) &&
                                           read_time(more[2], "recache_below", &options->recache_below));
}

static PyObject *client_meta_set(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    static const struct signature signature = {
        "meta_set", 15, 2, 2, {"key", "value", COMMON_NAMES, "mode", "invalidate", "vivify_ttl", "new_cas", "flags"}};
    PyObject *given[15];
    struct operation *operation = arguments_parse(&signature, args, nargs, keywords, given)
                                      ? create_meta(self, &meta_set_traits, given[0], given + 2, 0)
                                      : NULL;
    emc_meta_options *options = operation != NULL ? operation->extra : NULL;
    PyObject **more = given + 2 + AT_COMMON;
    return operation_finish(operation, options != NULL && arguments_value(operation, given[1]) &&
                                           read_mode(more[0], &options->mode) &&
                                           read_bit(more[1], EMC_META_INVALIDATE, &options->modes) &&
                                           read_time(more[2], "vivify_ttl", &options->vivify_ttl) &&
                                           arguments_unsigned(more[3], "new_cas", UINT64_MAX, &options->new_cas) &&
                                           arguments_flags(more[4], &options->flags));
}

static PyObject *client_meta_delete(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    static const struct signature signature = {
        "meta_delete", 12, 1, 1, {"key", COMMON_NAMES, "invalidate", "drop_value", "new_cas"}};
    PyObject *given[12];
    struct operation *operation = arguments_parse(&signature, args, nargs, keywords, given)
                                      ? create_meta(self, &meta_delete_traits, given[0], given + 1, 0)
                                      : NULL;
    emc_meta_options *options = operation != NULL ? operation->extra : NULL;
    PyObject **more = given + 1 + AT_COMMON;
    return operation_finish(operation, options != NULL && read_bit(more[0], EMC_META_INVALIDATE, &options->modes) &&
                                           read_bit(more[1], EMC_META_DROP_VALUE, &options->modes) &&
                                           arguments_unsigned(more[2], "new_cas", UINT64_MAX, &options->new_cas));
}

static PyObject *client_meta_arithmetic(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    static const struct signature signature = {
        "meta_arithmetic", 14, 1, 1, {"key", COMMON_NAMES, "delta", "decrement", "initial", "vivify_ttl", "new_cas"}};
    PyObject *given[14];
    struct operation *operation = arguments_parse(&signature, args, nargs, keywords, given)
                                      ? create_meta(self, &meta_arithmetic_traits, given[0], given + 1, EMC_META_VALUE)
                                      : NULL;
    emc_meta_options *options = operation != NULL ? operation->extra : NULL;
    PyObject **more = given + 1 + AT_COMMON;
    return operation_finish(operation, options != NULL &&
                                           arguments_unsigned(more[0], "delta", UINT64_MAX, &options->delta) &&
                                           arguments_bool(more[1], &options->decrement) &&
                                           arguments_unsigned(more[2], "initial", UINT64_MAX, &options->initial) &&
                                           read_time(more[3], "vivify_ttl", &options->vivify_ttl) &&
                                           arguments_unsigned(more[4], "new_cas", UINT64_MAX, &options->new_cas));
}

/* ------------------------------------------------------------------ me */

/* A key that a text key can't be is taken for a binary one. */
static bool is_binary(PyObject *key)
{
    return PyBytes_Check(key) && PyBytes_GET_SIZE(key) > 0 &&
           emc_key_validate(PyBytes_AS_STRING(key), (size_t)PyBytes_GET_SIZE(key), NULL) != EMC_OK;
}

static PyObject *client_meta_debug(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    static const struct signature signature = {"meta_debug", 3, 1, 1, {"key", CALL_NAMES}};
    PyObject *given[3];
    struct client *client = (struct client *)self;
    if (!arguments_parse(&signature, args, nargs, keywords, given) ||
        !check_key(client, given[0], is_binary(given[0]))) {
        return NULL;
    }
    struct operation *operation = operation_create(client, &meta_debug_traits, given[0]);
    return operation_finish(operation, operation != NULL && arguments_call(operation, given + 1));
}

const struct command_entry client_meta_commands[] = {
    COMMAND(meta_get),        COMMAND(meta_set),   COMMAND(meta_delete),
    COMMAND(meta_arithmetic), COMMAND(meta_debug), {NULL, NULL},
};
