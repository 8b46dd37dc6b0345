/* The methods of Client that are commands.
 *
 * To whoever looks, each is what a function written in Python would be: bound by the look-up (types.MethodType), with the code object, the defaults and the
 * documentation of its declaration in base.py. So inspect, mocks and decorators see a coroutine function with its signature. A call goes straight to C. */
#include <stddef.h>

#include "command.h"

struct command {
    PyObject_HEAD vectorcallfunc call;
    PyTypeObject *owner; /* Client: exactly its instances are taken */
    const struct command_entry *entry;
};

static PyObject *command_call(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *keywords)
{
    const struct command *command = (struct command *)self;
    Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
    if (nargs < 1 || Py_TYPE(args[0]) != command->owner) {
        PyErr_Format(PyExc_TypeError, "Client.%s() needs a client that create_client() has made", command->entry->name);
        return NULL;
    }
    return command->entry->function(args[0], args + 1, nargs - 1, keywords);
}

static PyObject *command_bind(PyObject *self, PyObject *object, PyObject *Py_UNUSED(type))
{
    if (object != NULL && object != Py_None) {
        return PyMethod_New(self, object);
    }
    Py_INCREF(self);
    return self;
}

/* ------------------------------------------------------------------ what others look at */

/* An attribute of the declaration; base.py is there by the time that anybody asks. */
static PyObject *get_declared(PyObject *self, void *attribute)
{
    PyObject *module = PyImport_ImportModule("emcache.base");
    PyObject *base = module != NULL ? PyObject_GetAttrString(module, "Client") : NULL;
    PyObject *function = base != NULL ? PyObject_GetAttrString(base, ((struct command *)self)->entry->name) : NULL;
    PyObject *value = function != NULL ? PyObject_GetAttrString(function, attribute) : NULL;
    Py_XDECREF(module);
    Py_XDECREF(base);
    Py_XDECREF(function);
    return value;
}

static PyObject *get_name(PyObject *self, void *Py_UNUSED(closure))
{
    return PyUnicode_FromString(((struct command *)self)->entry->name);
}

static PyObject *command_repr(PyObject *self)
{
    return PyUnicode_FromFormat("<method '%s' of 'emcache.Client' objects>", ((struct command *)self)->entry->name);
}

static int command_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((struct command *)self)->owner);
    return 0;
}

static int command_clear(PyObject *self)
{
    Py_CLEAR(((struct command *)self)->owner);
    return 0;
}

static void command_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    (void)command_clear(self);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static PyMemberDef command_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(struct command, call), READONLY, NULL},
    {"__objclass__", T_OBJECT, offsetof(struct command, owner), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

#define DECLARED(name)                         \
    {                                          \
#name, get_declared, NULL, NULL, #name \
    }

static PyGetSetDef command_properties[] = {
    {"__name__", get_name, NULL, NULL, NULL},
    DECLARED(__qualname__),
    DECLARED(__module__),
    DECLARED(__doc__),
    DECLARED(__code__),
    DECLARED(__defaults__),
    DECLARED(__kwdefaults__),
    DECLARED(__annotations__),
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot command_slots[] = {
    {Py_tp_dealloc, command_dealloc}, {Py_tp_traverse, command_traverse}, {Py_tp_clear, command_clear},
    {Py_tp_repr, command_repr},       {Py_tp_call, PyVectorcall_Call},    {Py_tp_descr_get, command_bind},
    {Py_tp_members, command_members}, {Py_tp_getset, command_properties}, {0, NULL},
};

static PyType_Spec command_spec = {
    .name = "emcache._emcache.Command",
    .basicsize = sizeof(struct command),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR
#if PY_VERSION_HEX >= 0x030A0000
             | Py_TPFLAGS_DISALLOW_INSTANTIATION |
             Py_TPFLAGS_IMMUTABLETYPE /* the interpreter specialises look-ups of no others */
#endif
    ,
    .slots = command_slots,
};

PyTypeObject *command_type_create(PyObject *module)
{
    PyTypeObject *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &command_spec, NULL);
#if PY_VERSION_HEX < 0x030A0000
    if (type != NULL) {
        type->tp_new = NULL; /* made below only */
    }
#endif
    return type;
}

/* ------------------------------------------------------------------ birth */

static PyObject *create(PyTypeObject *type, PyTypeObject *owner, const struct command_entry *entry)
{
    struct command *command = PyObject_GC_New(struct command, type);
    if (command != NULL) {
        command->call = command_call;
        Py_INCREF(owner);
        command->owner = owner;
        command->entry = entry;
        PyObject_GC_Track((PyObject *)command);
    }
    return (PyObject *)command;
}

bool command_add_all(PyTypeObject *command_type, PyTypeObject *owner, const struct command_entry *table)
{
    for (const struct command_entry *entry = table; entry->name != NULL; entry++) {
        PyObject *command = create(command_type, owner, entry);
        int status = command != NULL ? PyObject_SetAttrString((PyObject *)owner, entry->name, command) : -1;
        Py_XDECREF(command);
        if (status < 0) {
            return false;
        }
    }
    return true;
}
