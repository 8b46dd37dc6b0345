/* What the engine tells in hooks that must not call into it (the trace, the log) or had better not (events): copied into plain memory there, made into
 * Python objects when the engine has returned. To make an object may run anything: the collector, and with it every finaliser there is. */
#ifndef EMC_PYTHON_JOURNAL_H
#define EMC_PYTHON_JOURNAL_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Records of one kind, each with its texts behind it. */
struct journal {
    char *bytes;
    size_t used, size;
    bool lost; /* there was no memory for one */
};

/* Where each record ends: the next one is aligned as it needs. */
static inline size_t journal_length(size_t record, size_t texts)
{
    return (record + texts + sizeof(uint64_t) - 1) & ~(sizeof(uint64_t) - 1);
}

/* Room for a record at the journal's end, or NULL: it is lost. */
static inline char *journal_add(struct journal *journal, size_t length)
{
    if (journal->size - journal->used < length) {
        size_t size = (journal->size + length) * 2;
        char *bytes = PyMem_Realloc(journal->bytes, size);
        if (bytes == NULL) {
            journal->lost = true;
            return NULL;
        }
        journal->bytes = bytes;
        journal->size = size;
    }
    char *room = journal->bytes + journal->used;
    journal->used += length;
    return room;
}

struct client;

/* Makes an object of the record at `at`, and says how long that is with its texts (journal_length): a new reference, or NULL with an exception. */
typedef PyObject *journal_reader(struct client *client, const char *at, size_t *length_out);
/* There is something to hand over. */
static inline bool journal_has_any(const struct journal *journal)
{
    return journal->used > 0 || journal->lost;
}
/* Calls `hearer` with a list of what is there, and empties the journal, which may get more meanwhile. Exceptions are swallowed. */
void journal_hand_over(struct journal *journal, struct client *client, journal_reader *read, PyObject *hearer);

#endif
