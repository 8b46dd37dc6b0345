/* The engine's options from a dict: each by the name it has in <emcache/options.h>. */
#include "arguments.h"
#include "client.h"

enum option_kind {
    OPTION_BOOL,
    OPTION_COUNT,
    OPTION_DURATION,
    OPTION_SIZE,
    OPTION_TEXT,
    OPTION_CHARACTER,
    OPTION_ENUM
};

struct option {
    const char *name;
    size_t offset;
    enum option_kind kind;
};

#define OPTION(kind, field)                                 \
    {                                                       \
#field, offsetof(emc_options, field), OPTION_##kind \
    }

static const struct option table[] = {
    OPTION(DURATION, timeout_ms),
    OPTION(DURATION, connection_timeout_ms),
    OPTION(COUNT, connections_min),
    OPTION(COUNT, connections_max),
    OPTION(DURATION, purge_unused_connections_after_ms),
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
    OPTION(DURATION, return_steady_ms),
    OPTION(COUNT, deletes_replayed_max),
    OPTION(ENUM, discovery),
    OPTION(DURATION, discovery_interval_ms),
    OPTION(DURATION, discovery_timeout_ms),
    OPTION(COUNT, discovery_start_timeout_ms),
    OPTION(TEXT, username),
    OPTION(TEXT, password),
    OPTION(BOOL, sasl),
    OPTION(BOOL, tls.enabled),
    OPTION(BOOL, tls.verify),
    OPTION(TEXT, tls.extra_ca_file),
    OPTION(TEXT, tls.trust_file),
    OPTION(TEXT, tls.certificate_file),
    OPTION(TEXT, tls.key_file),
    OPTION(TEXT, tls.key_password),
    OPTION(COUNT, tls.version_min),
    OPTION(BOOL, tls.session_resumption),
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
};

static const struct option *find(const char *name)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(table[i].name, name) == 0) {
            return &table[i];
        }
    }
    return NULL;
}

static bool read_number(const struct option *option, PyObject *value, uint64_t max, uint64_t *number_out)
{
    if (!PyLong_Check(value)) {
        PyErr_Format(PyExc_TypeError, "%s: an int is needed, not %.100s", option->name, Py_TYPE(value)->tp_name);
        return false;
    }
    unsigned long long number = PyLong_AsUnsignedLongLong(value);
    if (PyErr_Occurred() || number > max) {
        PyErr_Clear();
        PyErr_Format(PyExc_ValueError, "%s: %R; it is 0 to %llu", option->name, value, (unsigned long long)max);
        return false;
    }
    *number_out = number;
    return true;
}

/* Seconds as Python has them, None for no limit. */
static bool read_duration(const struct option *option, PyObject *value, uint32_t *ms_out)
{
    if (value == Py_None) {
        *ms_out = EMC_NO_LIMIT;
        return true;
    }
    return arguments_seconds(value, option->name, ms_out);
}

static bool read_text(const struct option *option, PyObject *value, const char **text_out)
{
    Py_ssize_t length = 0;
    if (value == Py_None) {
        *text_out = NULL;
        return true;
    }
    if (!PyUnicode_Check(value)) {
        PyErr_Format(PyExc_TypeError, "%s: a str is needed, not %.100s", option->name, Py_TYPE(value)->tp_name);
        return false;
    }
    *text_out = PyUnicode_AsUTF8AndSize(value, &length);
    if (*text_out != NULL && strlen(*text_out) != (size_t)length) {
        PyErr_Format(PyExc_ValueError, "%s: has a zero character", option->name);
        return false;
    }
    return *text_out != NULL;
}

static bool read_character(const struct option *option, PyObject *value, char *character_out)
{
    const char *text = NULL;
    if (!read_text(option, value, &text)) {
        return false;
    }
    if (text == NULL || strlen(text) != 1) {
        PyErr_Format(PyExc_ValueError, "%s: one ASCII character is needed", option->name);
        return false;
    }
    *character_out = text[0];
    return true;
}

static bool set(emc_options *options, const struct option *option, PyObject *value)
{
    void *field = (char *)options + option->offset;
    uint64_t number = 0;
    int truth;
    switch (option->kind) {
    case OPTION_BOOL:
        truth = PyObject_IsTrue(value);
        *(bool *)field = truth > 0;
        return truth >= 0;
    case OPTION_DURATION:
        return read_duration(option, value, field);
    case OPTION_TEXT:
        return read_text(option, value, field);
    case OPTION_CHARACTER:
        return read_character(option, value, field);
    case OPTION_SIZE:
        if (!read_number(option, value, SIZE_MAX, &number)) {
            return false;
        }
        *(size_t *)field = (size_t)number;
        return true;
    default: /* the engine's enums are as wide as unsigned int */
        if (!read_number(option, value, UINT32_MAX, &number)) {
            return false;
        }
        *(uint32_t *)field = (uint32_t)number;
        return true;
    }
}

bool options_fill(emc_options *options, PyObject *dict)
{
    PyObject *key, *value;
    Py_ssize_t position = 0;
    emc_options_init(options);
    while (PyDict_Next(dict, &position, &key, &value)) {
        const char *name = PyUnicode_AsUTF8(key);
        const struct option *option = name != NULL ? find(name) : NULL;
        if (option == NULL) {
            if (!PyErr_Occurred()) {
                PyErr_Format(PyExc_TypeError, "there is no option %R", key);
            }
            return false;
        }
        if (!set(options, option, value)) {
            return false;
        }
    }
    return true;
}

_Static_assert(sizeof(emc_routing_kind) == sizeof(uint32_t) && sizeof(emc_failover) == sizeof(uint32_t) &&
                   sizeof(emc_discovery) == sizeof(uint32_t),
               "enums are set through uint32_t");
