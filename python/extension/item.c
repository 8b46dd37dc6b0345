/* Item: what a get gives. Behaves as the dataclass it stands for, and is made without a Python frame. */
#include <stddef.h>

#include "item.h"

struct item {
    PyObject_HEAD PyObject *value, *flags, *cas;
};

/* What an item is born with can't be part of a cycle: it is tracked only when somebody sets a field. */
PyObject *item_create(struct module_state *state, PyObject *value, bool with_flags, uint64_t flags, bool with_cas,
                      uint64_t cas)
{
    struct item *item = NULL;
    if (value != NULL && (item = (struct item *)spares_take(&state->spare_items, state->item_type)) == NULL) {
        item = PyObject_GC_New(struct item, state->item_type);
    }
    if (item == NULL) {
        Py_XDECREF(value);
        return NULL;
    }
    item->value = value;
    item->flags = item->cas = NULL;
    item->flags = with_flags ? PyLong_FromUnsignedLongLong(flags) : (Py_INCREF(Py_None), Py_None);
    item->cas = with_cas ? PyLong_FromUnsignedLongLong(cas) : (Py_INCREF(Py_None), Py_None);
    if (item->flags == NULL || item->cas == NULL) {
        Py_DECREF(item);
        return NULL;
    }
    return (PyObject *)item;
}

static int item_init(PyObject *self, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"value", "flags", "cas", NULL};
    struct item *item = (struct item *)self;
    PyObject *value, *flags, *cas;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OOO:Item", names, &value, &flags, &cas)) {
        return -1;
    }
    Py_INCREF(value);
    Py_INCREF(flags);
    Py_INCREF(cas);
    Py_XSETREF(item->value, value);
    Py_XSETREF(item->flags, flags);
    Py_XSETREF(item->cas, cas);
    return 0;
}

static int item_traverse(PyObject *self, visitproc visit, void *arg)
{
    struct item *item = (struct item *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(item->value);
    Py_VISIT(item->flags);
    Py_VISIT(item->cas);
    return 0;
}

static int item_clear(PyObject *self)
{
    struct item *item = (struct item *)self;
    Py_CLEAR(item->value);
    Py_CLEAR(item->flags);
    Py_CLEAR(item->cas);
    return 0;
}

static void item_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    if (PyObject_GC_IsTracked(self)) {
        PyObject_GC_UnTrack(self);
    }
    (void)item_clear(self);
    struct module_state *state = type->tp_dealloc == item_dealloc ? module_state_of_type(type) : NULL;
    if (state == NULL || state->item_type != type || !spares_keep(&state->spare_items, self, SPARE_ITEMS_MAX)) {
        type->tp_free(self);
    }
    Py_DECREF(type);
}

static int item_setattro(PyObject *self, PyObject *name, PyObject *value)
{
    if (!PyObject_GC_IsTracked(self)) {
        PyObject_GC_Track(self);
    }
    return PyObject_GenericSetAttr(self, name, value);
}

static PyObject *item_repr(PyObject *self)
{
    const struct item *item = (struct item *)self;
    const char *name = strrchr(Py_TYPE(self)->tp_name, '.');
    return PyUnicode_FromFormat("%s(value=%R, flags=%R, cas=%R)", name != NULL ? name + 1 : Py_TYPE(self)->tp_name,
                                item->value, item->flags, item->cas);
}

static PyObject *item_richcompare(PyObject *self, PyObject *other, int op)
{
    if (Py_TYPE(self) != Py_TYPE(other) || (op != Py_EQ && op != Py_NE)) {
        Py_RETURN_NOTIMPLEMENTED;
    }
    const struct item *a = (struct item *)self, *b = (struct item *)other;
    PyObject *const pairs[][2] = {{a->value, b->value}, {a->flags, b->flags}, {a->cas, b->cas}};
    int equal = 1;
    for (size_t i = 0; i < 3 && equal > 0; i++) {
        equal = pairs[i][0] == NULL || pairs[i][1] == NULL ? pairs[i][0] == pairs[i][1]
                                                           : PyObject_RichCompareBool(pairs[i][0], pairs[i][1], Py_EQ);
    }
    return equal < 0 ? NULL : PyBool_FromLong(op == Py_EQ ? equal : !equal);
}

static PyObject *item_reduce(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    const struct item *item = (struct item *)self;
    return Py_BuildValue("O(OOO)", Py_TYPE(self), item->value, item->flags, item->cas);
}

/* A dict as that of a dataclass looks; to change it changes nothing. */
static PyObject *item_dict(PyObject *self, void *Py_UNUSED(closure))
{
    static const char *const names[] = {"value", "flags", "cas"};
    const struct item *item = (struct item *)self;
    PyObject *const fields[] = {item->value, item->flags, item->cas};
    PyObject *dict = PyDict_New();
    for (size_t i = 0; i < 3 && dict != NULL; i++) {
        if (fields[i] != NULL && PyDict_SetItemString(dict, names[i], fields[i]) < 0) {
            Py_CLEAR(dict);
        }
    }
    return dict;
}

/* The state of a dataclass's instance is its dict: so an item that emcache 1.3 has pickled is read. */
static PyObject *item_setstate(PyObject *self, PyObject *state)
{
    PyObject *name, *value;
    Py_ssize_t position = 0;
    if (!PyDict_Check(state)) {
        PyErr_Format(PyExc_TypeError, "state: a dict is needed, not %.100s", Py_TYPE(state)->tp_name);
        return NULL;
    }
    while (PyDict_Next(state, &position, &name, &value)) {
        if (PyObject_SetAttr(self, name, value) < 0) {
            return NULL;
        }
    }
    Py_RETURN_NONE;
}

static PyGetSetDef item_properties[] = {
    {"__dict__", item_dict, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef item_members[] = {
    {"value", T_OBJECT_EX, offsetof(struct item, value), 0, "The value, bytes."},
    {"flags", T_OBJECT_EX, offsetof(struct item, flags), 0, "The flags, or None when they were not asked for."},
    {"cas", T_OBJECT_EX, offsetof(struct item, cas), 0, "The cas value, or None when it was not asked for."},
    {NULL, 0, 0, 0, NULL},
};

static PyMethodDef item_methods[] = {
    {"__reduce__", item_reduce, METH_NOARGS, NULL},
    {"__setstate__", item_setstate, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot item_slots[] = {
    {Py_tp_doc, "Item(value, flags, cas)\n--\n\nWhat a get gives."},
    {Py_tp_new, PyType_GenericNew},
    {Py_tp_init, item_init},
    {Py_tp_dealloc, item_dealloc},
    {Py_tp_traverse, item_traverse},
    {Py_tp_clear, item_clear},
    {Py_tp_setattro, item_setattro},
    {Py_tp_repr, item_repr},
    {Py_tp_richcompare, item_richcompare},
    {Py_tp_hash, PyObject_HashNotImplemented},
    {Py_tp_members, item_members},
    {Py_tp_getset, item_properties},
    {Py_tp_methods, item_methods},
    {0, NULL},
};

static PyType_Spec item_spec = {
    .name = "emcache.Item",
    .basicsize = sizeof(struct item),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .slots = item_slots,
};

PyTypeObject *item_type_create(PyObject *module)
{
    return (PyTypeObject *)PyType_FromModuleAndSpec(module, &item_spec, NULL);
}
