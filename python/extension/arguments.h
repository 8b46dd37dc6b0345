/* The arguments of a command: found by position or name without a dictionary, and checked at the call. */
#ifndef EMC_PYTHON_ARGUMENTS_H
#define EMC_PYTHON_ARGUMENTS_H

#include "operation.h"

#define ARGUMENTS_MAX 16

struct signature {
    const char *function;
    uint8_t count;      /* of names */
    uint8_t positional; /* so many may be given by position */
    uint8_t required;   /* the first so many must be given */
    const char *names[ARGUMENTS_MAX];
    bool rest; /* further ones by position are the command's own business */
};

/* Fills out[0 .. count-1] with borrowed references, NULL where an argument is not given. False with a TypeError. */
bool arguments_parse(const struct signature *signature, PyObject *const *args, Py_ssize_t nargs,
                     PyObject *keyword_names, PyObject **out);

/* Raises ValueError: the argument's name, what was given (unless that is long: an int of thousands of digits) and the range, as "it is 0 to 5". */
void arguments_raise_range(const char *name, PyObject *value, const char *range);

/* The conversions raise TypeError or ValueError with the argument's name; NULL leaves *out as it is. */
bool arguments_bool(PyObject *object, bool *out);
bool arguments_unsigned(PyObject *object, const char *name, uint64_t max, uint64_t *out);
bool arguments_exptime(PyObject *object, const char *name, int64_t *out);
bool arguments_flags(PyObject *object, uint64_t *out);
/* bytes that the server takes as a key of this client. */
bool arguments_key(const struct client *client, PyObject *object);
/* A tuple of such keys (a new reference) from any iterable. */
PyObject *arguments_keys(const struct client *client, PyObject *iterable);
/* bytes, or anything that gives its bytes: then its buffer is held. */
bool arguments_value(struct operation *operation, PyObject *object);
/* A tuple (a new reference) of what an iterable gives. */
PyObject *arguments_tuple(PyObject *object, const char *name);
/* As dict() tells them from other iterables. */
bool arguments_is_mapping(PyObject *object);
/* UTF-8 that lives as long as the str; there may be zeros in it. */
const char *arguments_text(PyObject *object, const char *name, Py_ssize_t *length_out);
/* A number of seconds, whatever its range. `needed`: "seconds are", or "seconds or None is". `limit`: for a number that no double holds, the range. False with
 * an exception. */
bool arguments_number_of_seconds(PyObject *object, const char *name, const char *needed, const char *limit,
                                 double *seconds_out);
#define NO_LIMIT_WORDS "without a limit it is math.inf"
/* Seconds, more than 0 (at least a millisecond is meant); infinity, and more than 24 days: EMC_NO_LIMIT. */
bool arguments_seconds(PyObject *object, const char *name, uint32_t *ms_out);

/* What every command takes besides: the last names of its signature, in this order. Commands to a node know the first alone. */
#define CALL_NAMES "timeout", "routing_key"
/* NULL and None: the client's timeout. */
bool arguments_timeout(struct operation *operation, PyObject *timeout);
/* `given`: the two, in the order of CALL_NAMES. */
bool arguments_call(struct operation *operation, PyObject *const *given);

/* The bytes of an operation's key, as the library's functions take them. */
#define KEY_OF(operation) PyBytes_AS_STRING((operation)->key), (size_t)PyBytes_GET_SIZE((operation)->key)

/* An operation of the client's on a key, which is checked; NULL with an exception. */
struct operation *operation_on_key(PyObject *client, const struct operation_traits *traits, PyObject *key);

/* The operation; NULL when an argument was not good: an exception is set. */
static inline PyObject *operation_finish(struct operation *operation, bool good)
{
    if (operation != NULL && !good) {
        operation_discard(operation);
        return NULL;
    }
    return (PyObject *)operation;
}

/* The bytes of the value. */
const void *operation_value(const struct operation *operation, size_t *length_out);

#endif
