/* A journal's way to Python: see journal.h. */
#include "journal.h"

static PyObject *list_of(struct client *client, journal_reader *read, const struct journal *journal)
{
    PyObject *list = PyList_New(0);
    for (size_t position = 0, length = 0; position < journal->used && list != NULL; position += length) {
        PyObject *entry = read(client, journal->bytes + position, &length);
        if (entry == NULL || PyList_Append(list, entry) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(entry);
    }
    return list;
}

void journal_hand_over(struct journal *journal, struct client *client, journal_reader *read, PyObject *hearer)
{
    struct journal taken = *journal;
    *journal = (struct journal){NULL, 0, 0, false};
    PyObject *list = list_of(client, read, &taken);
    PyObject *result = list != NULL ? PyObject_CallFunctionObjArgs(hearer, list, NULL) : NULL;
    if (result == NULL) {
        PyErr_WriteUnraisable(hearer);
    }
    if (taken.lost) {
        PyErr_NoMemory();
        PyErr_WriteUnraisable(hearer);
    }
    Py_XDECREF(list);
    Py_XDECREF(result);
    if (journal->bytes == NULL) { /* the memory serves again */
        journal->bytes = taken.bytes;
        journal->size = taken.size;
    } else {
        PyMem_Free(taken.bytes);
    }
}
