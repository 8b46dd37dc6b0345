/* The engine's options by their names: those of <emcache/options.h>, or those that create_client() gives them. */
#include <ctype.h>
#include <math.h>

#include "arguments.h"
#include "client.h"

enum option_kind {
    OPTION_BOOL,
    OPTION_COUNT,
    OPTION_DURATION,
    OPTION_MICROSECONDS, /* of busy polling */
    OPTION_SIZE,
    OPTION_TEXT,
    OPTION_CHARACTER,
    OPTION_VERSION, /* of TLS: "1.2" or 12 */
    OPTION_VERIFY,  /* a bool that nothing but False turns off */
    OPTION_ENUM
};

struct option {
    const char *name;
    size_t offset;
    enum option_kind kind;
    const char *argument; /* of create_client(), where it has another name; or NULL */
};

#define NAMED(kind, field, argument)                                  \
    {                                                                 \
#field, offsetof(emc_options, field), OPTION_##kind, argument \
    }
#define OPTION(kind, field) NAMED(kind, field, NULL)

static const struct option table[] = {
    NAMED(DURATION, timeout_ms, "timeout"),
    NAMED(DURATION, connection_timeout_ms, "connection_timeout"),
    NAMED(MICROSECONDS, busy_poll_us, "busy_poll"),
    NAMED(COUNT, connections_min, "min_connections"),
    NAMED(COUNT, connections_max, "max_connections"),
    NAMED(DURATION, purge_unused_connections_after_ms, "purge_unused_connections_after"),
    OPTION(DURATION, pool_growth_after_ms),
    OPTION(BOOL, purge_unhealthy_nodes),
    OPTION(COUNT, health_attempts),
    OPTION(DURATION, health_disconnected_ms),
    OPTION(DURATION, health_silence_ms),
    OPTION(DURATION, health_question_ms),
    OPTION(COUNT, health_answers_elsewhere),
    OPTION(DURATION, backoff_min_ms),
    OPTION(DURATION, backoff_max_ms),
    OPTION(DURATION, keepalive_ms),
    OPTION(BOOL, ask_version),
    OPTION(ENUM, routing),
    OPTION(CHARACTER, hash_tag_open),
    OPTION(CHARACTER, hash_tag_close),
    OPTION(ENUM, failover),
    OPTION(COUNT, gutter_exptime),
    NAMED(DURATION, return_steady_ms, "return_steady"),
    OPTION(COUNT, deletes_replayed_max),
    NAMED(ENUM, discovery, "autodiscovery_kind"),
    NAMED(DURATION, discovery_interval_ms, "autodiscovery_poll_interval"),
    NAMED(DURATION, discovery_timeout_ms, "autodiscovery_timeout"),
    OPTION(COUNT, discovery_start_timeout_ms),
    OPTION(TEXT, username),
    OPTION(TEXT, password),
    OPTION(BOOL, sasl),
    NAMED(BOOL, tls.enabled, "ssl"),
    NAMED(VERIFY, tls.verify, "ssl_verify"),
    NAMED(TEXT, tls.extra_ca_file, "ssl_extra_ca"),
    NAMED(TEXT, tls.trust_file, "ssl_trust"),
    NAMED(TEXT, tls.trust_folder, "ssl_trust_folder"),
    NAMED(TEXT, tls.certificate_file, "ssl_certificate"),
    NAMED(TEXT, tls.key_file, "ssl_key"),
    NAMED(TEXT, tls.key_password, "ssl_key_password"),
    NAMED(VERSION, tls.version_min, "ssl_version_min"),
    NAMED(BOOL, tls.session_resumption, "ssl_session_resumption"),
    OPTION(COUNT, operations_max),
    OPTION(COUNT, operations_per_connection_max),
    OPTION(SIZE, bytes_waiting_max),
    OPTION(SIZE, value_length_max),
    OPTION(SIZE, line_length_max),
    OPTION(SIZE, stats_lines_max),
    OPTION(SIZE, discovery_length_max),
    OPTION(COUNT, keys_per_line_max),
    OPTION(COUNT, gather_after_flushes),
    OPTION(BOOL, quiet_writes),
    OPTION(TEXT, key_prefix),
    OPTION(ENUM, log_level),
};

static const struct option *find(const char *name)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const char *argument = table[i].argument;
        if (strcmp(table[i].name, name) == 0 || (argument != NULL && strcmp(argument, name) == 0)) {
            return &table[i];
        }
    }
    return NULL;
}

static bool read_number(const char *name, PyObject *value, uint64_t max, uint64_t *number_out)
{
    if (!PyLong_Check(value)) {
        PyErr_Format(PyExc_TypeError, "%s: an int is needed, not %.100s", name, Py_TYPE(value)->tp_name);
        return false;
    }
    unsigned long long number = PyLong_AsUnsignedLongLong(value);
    if (PyErr_Occurred() || number > max) {
        char range[48];
        PyErr_Clear();
        PyOS_snprintf(range, sizeof range, "it is 0 to %llu", (unsigned long long)max);
        arguments_raise_range(name, value, range);
        return false;
    }
    *number_out = number;
    return true;
}

/* Seconds as Python has them, None for no limit. */
static bool read_duration(const char *name, PyObject *value, uint32_t *ms_out)
{
    if (value == Py_None) {
        *ms_out = EMC_NO_LIMIT;
        return true;
    }
    return arguments_seconds(value, name, ms_out);
}

static bool read_microseconds(const char *name, PyObject *value, uint32_t *us_out)
{
    double seconds;
    if (!arguments_number_of_seconds(value, name, "seconds are", "it is 0 to 0.001", &seconds)) {
        return false;
    }
    if (!(seconds >= 0 && seconds <= 0.001)) {
        arguments_raise_range(name, value, "it is 0 to 0.001 seconds");
        return false;
    }
    *us_out = (uint32_t)ceil(seconds * 1e6 - 1e-3);
    return true;
}

static bool read_text(const char *name, PyObject *value, const char **text_out)
{
    Py_ssize_t length = 0;
    if (value == Py_None) {
        *text_out = NULL;
        return true;
    }
    *text_out = arguments_text(value, name, &length);
    if (*text_out != NULL && strlen(*text_out) != (size_t)length) {
        PyErr_Format(PyExc_ValueError, "%s: has a zero character", name);
        return false;
    }
    return *text_out != NULL;
}

static bool read_character(const char *name, PyObject *value, char *character_out)
{
    const char *text = NULL;
    if (!read_text(name, value, &text)) {
        return false;
    }
    if (text == NULL || strlen(text) != 1) {
        PyErr_Format(PyExc_ValueError, "%s: one ASCII character is needed", name);
        return false;
    }
    *character_out = text[0];
    return true;
}

static bool read_version(const char *name, PyObject *value, uint32_t *version_out)
{
    static const struct {
        const char *word;
        long number;
    } versions[] = {{"1.2", 12}, {"1.3", 13}};
    for (size_t i = 0; i < 2; i++) {
        bool same = PyUnicode_Check(value) ? PyUnicode_CompareWithASCIIString(value, versions[i].word) == 0
                                           : PyLong_Check(value) && PyLong_AsLong(value) == versions[i].number;
        if (same) {
            *version_out = (uint32_t)versions[i].number;
            return true;
        }
    }
    PyErr_Clear(); /* of an int that is too large */
    if (PyUnicode_Check(value) || PyLong_Check(value)) {
        arguments_raise_range(name, value, "it is '1.2' or '1.3'");
    } else {
        PyErr_Format(PyExc_TypeError, "%s: '1.2' or '1.3' is needed, not %.100s", name, Py_TYPE(value)->tp_name);
    }
    return false;
}

/* Checking certificates is turned off by saying so, never by a value that is merely not true: None, an empty text, a list. */
static bool read_verify(const char *name, PyObject *value, bool *truth_out)
{
    if (!PyLong_Check(value)) { /* a bool is one */
        PyErr_Format(PyExc_TypeError, "%s: True or False is needed, not %.100s", name, Py_TYPE(value)->tp_name);
        return false;
    }
    *truth_out = PyObject_IsTrue(value) != 0;
    return true;
}

static bool read_truth(PyObject *value, bool *truth_out)
{
    int truth = PyObject_IsTrue(value);
    *truth_out = truth > 0;
    return truth >= 0;
}

static bool set(emc_options *options, const struct option *option, const char *name, PyObject *value)
{
    void *field = (char *)options + option->offset;
    uint64_t number = 0;
    switch (option->kind) {
    case OPTION_BOOL:
        return read_truth(value, field);
    case OPTION_VERIFY:
        return read_verify(name, value, field);
    case OPTION_DURATION:
        return read_duration(name, value, field);
    case OPTION_MICROSECONDS:
        return read_microseconds(name, value, field);
    case OPTION_TEXT:
        return read_text(name, value, field);
    case OPTION_CHARACTER:
        return read_character(name, value, field);
    case OPTION_VERSION:
        return read_version(name, value, field);
    case OPTION_SIZE:
        if (!read_number(name, value, SIZE_MAX, &number)) {
            return false;
        }
        *(size_t *)field = (size_t)number;
        return true;
    default: /* the engine's enums are as wide as unsigned int */
        if (!read_number(name, value, UINT32_MAX, &number)) {
            return false;
        }
        *(uint32_t *)field = (uint32_t)number;
        return true;
    }
}

bool options_set(emc_options *options, const char *name, PyObject *value)
{
    const struct option *option = find(name);
    if (option == NULL) {
        PyErr_Format(PyExc_TypeError, "engine_options: there is no option '%s'", name);
    }
    return option != NULL && set(options, option, name, value);
}

bool options_fill(emc_options *options, PyObject *dict)
{
    PyObject *key, *value;
    Py_ssize_t position = 0;
    while (PyDict_Next(dict, &position, &key, &value)) {
        if (!PyUnicode_Check(key)) {
            PyErr_Format(PyExc_TypeError, "engine_options: an option's name is a str, not %.100s",
                         Py_TYPE(key)->tp_name);
            return false;
        }
        const char *name = PyUnicode_AsUTF8(key);
        if (name == NULL || !options_set(options, name, value)) {
            return false;
        }
    }
    return true;
}

/* Whether the words are about this option, and not about one whose name has it as a part. */
static bool is_about(const char *message, const char *name)
{
    const char *at = strstr(message, name);
    if (at == NULL) {
        return false;
    }
    char before = at > message ? at[-1] : ' ', behind = at[strlen(name)];
    return !isalnum((unsigned char)before) && before != '_' && !isalnum((unsigned char)behind) && behind != '_';
}

PyObject *options_words(const char *message)
{
    PyObject *words = PyUnicode_DecodeUTF8(message, (Py_ssize_t)strlen(message), "backslashreplace");
    for (size_t i = 0; i < sizeof table / sizeof table[0] && words != NULL; i++) {
        const struct option *option = &table[i];
        if (option->argument == NULL || option->kind == OPTION_DURATION || !is_about(message, option->name)) {
            continue;
        }
        PyObject *from = PyUnicode_FromString(option->name), *to = PyUnicode_FromString(option->argument);
        PyObject *replaced = from != NULL && to != NULL ? PyUnicode_Replace(words, from, to, -1) : NULL;
        Py_XDECREF(from);
        Py_XDECREF(to);
        Py_SETREF(words, replaced);
    }
    return words;
}

/* Deletes a name that may be missing. */
static bool forget(PyObject *dict, const char *name)
{
    if (name != NULL && PyDict_DelItemString(dict, name) < 0) {
        if (!PyErr_ExceptionMatches(PyExc_KeyError)) {
            return false;
        }
        PyErr_Clear();
    }
    return true;
}

PyObject *options_without_tls(PyObject *dict)
{
    PyObject *copy = PyDict_Copy(dict);
    for (size_t i = 0; i < sizeof table / sizeof table[0] && copy != NULL; i++) {
        bool tls = strncmp(table[i].name, "tls.", 4) == 0 && strcmp(table[i].name, "tls.enabled") != 0;
        if (tls && !(forget(copy, table[i].name) && forget(copy, table[i].argument))) {
            Py_CLEAR(copy);
        }
    }
    return copy;
}

PyObject *options_names(void)
{
    PyObject *names = PyDict_New();
    for (size_t i = 0; i < sizeof table / sizeof table[0] && names != NULL; i++) {
        PyObject *argument = PyUnicode_FromString(table[i].argument != NULL ? table[i].argument : table[i].name);
        if (argument == NULL || PyDict_SetItemString(names, table[i].name, argument) < 0) {
            Py_CLEAR(names);
        }
        Py_XDECREF(argument);
    }
    return names;
}

_Static_assert(sizeof(emc_routing_kind) == sizeof(uint32_t) && sizeof(emc_failover) == sizeof(uint32_t) &&
                   sizeof(emc_discovery) == sizeof(uint32_t) && sizeof(emc_log_level) == sizeof(uint32_t),
               "enums are set through uint32_t");
