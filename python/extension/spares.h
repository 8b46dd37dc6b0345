/* Objects that were freed, kept for the next of their type: a command makes two and drops them, and the allocator and the collector's books cost more than
 * to fill them anew. None of them is tracked, and none holds anything, its type included. */
#ifndef EMC_PYTHON_SPARES_H
#define EMC_PYTHON_SPARES_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

#if defined(__SANITIZE_ADDRESS__)
#define SPARES_KEPT 0 /* a use after free shall be seen */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SPARES_KEPT 0
#endif
#endif
#ifndef SPARES_KEPT
#define SPARES_KEPT 1
#endif

/* Operations come and go one by one; bulk answers free their items all at once. */
#define SPARE_OPERATIONS_MAX 128
#define SPARE_ITEMS_MAX      2048

/* A list through the first field of each, behind its header. */
struct spares {
    PyObject *first;
    unsigned count;
};

/* One with a reference and nothing else, not tracked; NULL: there is none. */
static inline PyObject *spares_take(struct spares *spares, PyTypeObject *type)
{
    PyObject *object = spares->first;
    if (object == NULL) {
        return NULL;
    }
    spares->first = *(PyObject **)(object + 1);
    spares->count--;
    return PyObject_Init(object, type);
}

/* Takes the memory of an object that is being freed; false when it is not wanted. */
static inline bool spares_keep(struct spares *spares, PyObject *object, unsigned max)
{
    if (spares->count >= max * SPARES_KEPT) {
        return false;
    }
    *(PyObject **)(object + 1) = spares->first;
    spares->first = object;
    spares->count++;
    return true;
}

/* Before the type goes. */
static inline void spares_drop(struct spares *spares)
{
    while (spares->first != NULL) {
        PyObject *object = spares->first;
        spares->first = *(PyObject **)(object + 1);
        PyObject_GC_Del(object);
    }
    spares->count = 0;
}

#endif
