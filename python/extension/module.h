/* What the module keeps: its types, the classes it borrows from Python, interned names. One for each interpreter that imports it; nothing is global. */
#ifndef EMC_PYTHON_MODULE_H
#define EMC_PYTHON_MODULE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#include <emcache.h>

#include "spares.h"

/* Classes taken from Python at import: X(field, module, name). */
#define MODULE_IMPORTS(X)                                                        \
    X(timeout_error, "asyncio", "TimeoutError")                                  \
    X(cancelled_error, "asyncio", "CancelledError")                              \
    X(invalid_state_error, "asyncio", "InvalidStateError")                       \
    X(future_class, "asyncio", "Future")                                         \
    X(task_class, "asyncio", "Task")                                             \
    X(running_loop, "asyncio", "_get_running_loop")                              \
    X(node_down_error, "emcache.client_errors", "NodeDownError")                 \
    X(connection_lost_error, "emcache.client_errors", "ConnectionLostError")     \
    X(no_nodes_error, "emcache.client_errors", "ClusterNoAvailableNodes")        \
    X(command_error, "emcache.client_errors", "CommandError")                    \
    X(storage_error, "emcache.client_errors", "StorageCommandError")             \
    X(not_stored_error, "emcache.client_errors", "NotStoredStorageCommandError") \
    X(not_found_error, "emcache.client_errors", "NotFoundCommandError")          \
    X(not_number_error, "emcache.client_errors", "NotNumberCommandError")        \
    X(authentication_error, "emcache.client_errors", "AuthenticationError")      \
    X(unsupported_error, "emcache.client_errors", "UnsupportedCommandError")     \
    X(host_address, "emcache._address", "MemcachedHostAddress")                  \
    X(unix_path, "emcache._address", "MemcachedUnixSocketPath")                  \
    X(pool_metrics, "emcache.connection_pool", "ConnectionPoolMetrics")          \
    X(operation_metrics, "emcache.connection_pool", "OperationMetrics")          \
    X(node_state, "emcache.connection_pool", "NodeState")                        \
    X(meta_result, "emcache.meta", "MetaResult")                                 \
    X(fetch_result, "emcache.meta", "FetchResult")                               \
    X(wait_for_winner, "emcache._waiting", "wait_for_winner")                    \
    X(store_item, "emcache.store", "StoreItem")                                  \
    X(trace_event, "emcache.trace", "TraceEvent")

/* Names looked up or compared on the way of every operation. */
#define MODULE_NAMES(X)         \
    X(_asyncio_future_blocking) \
    X(add_done_callback)        \
    X(add_reader)               \
    X(address)                  \
    X(call_later)               \
    X(call_soon)                \
    X(call_soon_threadsafe)     \
    X(cancel)                   \
    X(context)                  \
    X(get_loop)                 \
    X(is_closed)                \
    X(path)                     \
    X(port)                     \
    X(set_result)

struct module_state {
    PyTypeObject *adder_type;
    PyTypeObject *client_type;
    PyTypeObject *command_type;
    PyTypeObject *item_type;
    PyTypeObject *management_type;
    PyTypeObject *operation_type;
    PyTypeObject *reader_type;
#define MODULE_FIELD(field, module, name) PyObject *field;
    MODULE_IMPORTS(MODULE_FIELD)
#undef MODULE_FIELD
#define MODULE_NAME(name) PyObject *name_##name;
    MODULE_NAMES(MODULE_NAME)
#undef MODULE_NAME
    PyObject *context_keyword; /* ("context",): the keyword names of call_soon(callback, argument, context=…) */
    PyObject *task_keywords;   /* the same names as a Task gave them to add_done_callback() last; or NULL */
    PyCFunction
        task_wakeup; /* what a Task gives to add_done_callback(), as the check at import found it; NULL: wake by call_soon only */
    struct spares spare_items, spare_operations;
};

extern PyModuleDef emcache_module;

struct module_state *module_state_of(PyObject *module);

/* That of one of our types, exactly; NULL while the module is being taken down. Raises nothing. */
static inline struct module_state *module_state_of_type(PyTypeObject *type)
{
    PyObject *module = ((PyHeapTypeObject *)type)->ht_module;
    return module != NULL ? PyModule_GetState(module) : NULL;
}

/* The types, made by their own files. */
PyTypeObject *adder_type_create(PyObject *module);
PyTypeObject *client_type_create(PyObject *module); /* needs the command_type */
PyTypeObject *item_type_create(PyObject *module);
PyTypeObject *management_type_create(PyObject *module);
PyTypeObject *operation_type_create(PyObject *module);
PyTypeObject *reader_type_create(PyObject *module);

#endif
