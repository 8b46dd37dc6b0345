/* The module: its types, what it borrows from Python, its few functions. */
#include "module.h"
#include "address.h"
#include "client.h"
#include "key_stream.h"

struct module_state *module_state_of(PyObject *module)
{
    return PyModule_GetState(module);
}

/* ------------------------------------------------------------------ functions */

/* Learns what function a Task gives to add_done_callback(): from then on that one is woken directly. Called once, by the check at import. */
static PyObject *enable_fast_wake(PyObject *module, PyObject *callback)
{
    struct module_state *state = module_state_of(module);
    if (!PyCFunction_CheckExact(callback) || PyCFunction_GET_SELF(callback) == NULL ||
        PyCFunction_GET_FLAGS(callback) != METH_O ||
        (PyObject *)Py_TYPE(PyCFunction_GET_SELF(callback)) != state->task_class) {
        Py_RETURN_FALSE;
    }
    state->task_wakeup = PyCFunction_GET_FUNCTION(callback);
    Py_RETURN_TRUE;
}

static PyObject *library_version(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyUnicode_FromString(emc_library_version());
}

static PyObject *option_names(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return options_names();
}

static PyMethodDef module_methods[] = {
    {"enable_fast_wake", enable_fast_wake, METH_O, "Learns what a Task's wakeup is."},
    {"option_names", option_names, METH_NOARGS, "The engine's options: what create_client() calls each."},
    {"parse_address", (PyCFunction)(void (*)(void))address_parse, METH_VARARGS | METH_KEYWORDS,
     "parse_address($module, /, text, default_port=11211)\n--\n\n"
     "Reads an address as people write it: \"host\", \"host:port\", \"[ipv6]:port\", a bare IPv6 address, or \"/path\" "
     "(also "
     "\"unix:/path\") of a unix socket.\n\n"
     "`default_port` (1 to 65535) is that of a host without one. ValueError for anything else; nothing is looked up."},
    {"format_address", address_format, METH_O,
     "format_address($module, address, /)\n--\n\n"
     "Writes an address for people: \"host:port\", \"[ipv6]:port\" or the path."},
    {"dump_origin", key_stream_origin, METH_VARARGS, NULL},
    {"begin_dump", key_stream_begin, METH_VARARGS, NULL},
    {"resume_dump", key_stream_resume, METH_O, NULL},
    {"end_dump", key_stream_end, METH_O, NULL},
    {"library_version", library_version, METH_NOARGS, "The version of the library that runs."},
    {NULL, NULL, 0, NULL},
};

/* ------------------------------------------------------------------ execution */

static PyObject *import_from(const char *module_name, const char *name)
{
    PyObject *module = PyImport_ImportModule(module_name);
    PyObject *object = module != NULL ? PyObject_GetAttrString(module, name) : NULL;
    Py_XDECREF(module);
    return object;
}

static int import_all(struct module_state *state)
{
#define IMPORT(field, module, name)                           \
    if ((state->field = import_from(module, name)) == NULL) { \
        return -1;                                            \
    }
    MODULE_IMPORTS(IMPORT)
#undef IMPORT
#define INTERN(name)                                                        \
    if ((state->name_##name = PyUnicode_InternFromString(#name)) == NULL) { \
        return -1;                                                          \
    }
    MODULE_NAMES(INTERN)
#undef INTERN
    state->context_keyword = PyTuple_Pack(1, state->name_context);
    return state->context_keyword != NULL ? 0 : -1;
}

static int add_type(PyObject *module, PyTypeObject **field, PyTypeObject *type)
{
    *field = type;
    if (type == NULL) {
        return -1;
    }
    const char *name = strrchr(type->tp_name, '.');
    Py_INCREF(type);
    if (PyModule_AddObject(module, name != NULL ? name + 1 : type->tp_name, (PyObject *)type) < 0) {
        Py_DECREF(type);
        return -1;
    }
    return 0;
}

static int module_exec(PyObject *module)
{
    struct module_state *state = module_state_of(module);
    if (import_all(state) < 0 || add_type(module, &state->item_type, item_type_create(module)) < 0 ||
        (state->adder_type = adder_type_create(module)) == NULL ||
        (state->command_type = command_type_create(module)) == NULL ||
        add_type(module, &state->operation_type, operation_type_create(module)) < 0 ||
        add_type(module, &state->reader_type, reader_type_create(module)) < 0 ||
        add_type(module, &state->management_type, management_type_create(module)) < 0 ||
        add_type(module, &state->client_type, client_type_create(module)) < 0) {
        return -1;
    }
    return 0;
}

static int module_traverse(PyObject *module, visitproc visit, void *arg)
{
    struct module_state *state = module_state_of(module);
    Py_VISIT(state->adder_type);
    Py_VISIT(state->client_type);
    Py_VISIT(state->command_type);
    Py_VISIT(state->item_type);
    Py_VISIT(state->management_type);
    Py_VISIT(state->operation_type);
    Py_VISIT(state->reader_type);
#define VISIT_FIELD(field, module_name, name) Py_VISIT(state->field);
    MODULE_IMPORTS(VISIT_FIELD)
#undef VISIT_FIELD
    return 0;
}

static int module_clear(PyObject *module)
{
    struct module_state *state = module_state_of(module);
    spares_drop(&state->spare_items);
    spares_drop(&state->spare_operations);
    Py_CLEAR(state->adder_type);
    Py_CLEAR(state->client_type);
    Py_CLEAR(state->command_type);
    Py_CLEAR(state->item_type);
    Py_CLEAR(state->management_type);
    Py_CLEAR(state->operation_type);
    Py_CLEAR(state->reader_type);
#define CLEAR_FIELD(field, module_name, name) Py_CLEAR(state->field);
    MODULE_IMPORTS(CLEAR_FIELD)
#undef CLEAR_FIELD
#define CLEAR_NAME(name) Py_CLEAR(state->name_##name);
    MODULE_NAMES(CLEAR_NAME)
#undef CLEAR_NAME
    Py_CLEAR(state->context_keyword);
    Py_CLEAR(state->task_keywords);
    return 0;
}

static void module_free(void *module)
{
    (void)module_clear(module);
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
    {0, NULL},
};

PyModuleDef emcache_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_emcache",
    .m_doc = "The engine of emcache for asyncio.",
    .m_size = sizeof(struct module_state),
    .m_methods = module_methods,
    .m_slots = module_slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__emcache(void);

PyMODINIT_FUNC PyInit__emcache(void)
{
    return PyModuleDef_Init(&emcache_module);
}
