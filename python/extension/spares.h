/* Objects that were freed, kept for the next of their type: a command makes two and drops them, and the allocator and the collector's books cost more than
 * to fill them anew. None of them is tracked, and none holds anything, its type included. */
#ifndef EMC_PYTHON_SPARES_H
#define EMC_PYTHON_SPARES_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

#if defined(__SANITIZE_ADDRESS__)
#define SPARES_MAX 0 /* a use after free shall be seen */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SPARES_MAX 0
#endif
#endif
#ifndef SPARES_MAX
#define SPARES_MAX 128
#endif

struct spares {
    unsigned count;
    PyObject *objects[SPARES_MAX + 1];
};

/* One with a reference and nothing else, not tracked; NULL: there is none. */
static inline PyObject *spares_take(struct spares *spares, PyTypeObject *type)
{
    return spares->count == 0 ? NULL : PyObject_Init(spares->objects[--spares->count], type);
}

/* Takes the memory of an object that is being freed; false when it is not wanted. */
static inline bool spares_keep(struct spares *spares, PyObject *object)
{
    if (spares->count >= SPARES_MAX) {
        return false;
    }
    spares->objects[spares->count++] = object;
    return true;
}

/* Before the type goes. */
static inline void spares_drop(struct spares *spares)
{
    while (spares->count > 0) {
        PyObject_GC_Del(spares->objects[--spares->count]);
    }
}

#endif
