/* Addresses between Python's classes and the engine's. */
#include "address.h"
#include "arguments.h"

static const char *text_of(PyObject *object, PyObject *name, PyObject **keep_out)
{
    PyObject *text = PyObject_GetAttr(object, name);
    Py_ssize_t length = 0;
    if (text == NULL) {
        return NULL;
    }
    const char *bytes = arguments_text(text, PyUnicode_AsUTF8(name), &length);
    if (bytes != NULL && strlen(bytes) != (size_t)length) {
        PyErr_Format(PyExc_ValueError, "%U: has a zero character", name);
        bytes = NULL;
    }
    if (bytes == NULL) {
        Py_DECREF(text);
        return NULL;
    }
    *keep_out = text;
    return bytes;
}

static bool port_of(const struct module_state *state, PyObject *object, uint32_t *port_out)
{
    PyObject *number = PyObject_GetAttr(object, state->name_port);
    if (number == NULL) {
        return false;
    }
    if (!PyLong_Check(number)) {
        PyErr_Format(PyExc_TypeError, "port: an int is needed, not %.100s", Py_TYPE(number)->tp_name);
        Py_DECREF(number);
        return false;
    }
    int overflow = 0;
    long port = PyLong_AsLongAndOverflow(number, &overflow);
    bool good = overflow == 0 && port >= 1 && port <= 65535;
    if (!good) {
        arguments_raise_range("port", number, "it is 1 to 65535");
    }
    Py_DECREF(number);
    *port_out = good ? (uint32_t)port : 0;
    return good;
}

bool address_from_python(const struct module_state *state, PyObject *object, const char *name, emc_address *address_out,
                         PyObject **keep_out)
{
    int is_host = PyObject_IsInstance(object, state->host_address);
    int is_path = is_host == 0 ? PyObject_IsInstance(object, state->unix_path) : 0;
    if (is_host < 0 || is_path < 0) {
        return false;
    }
    if (!is_host && !is_path) {
        PyErr_Format(PyExc_TypeError, "%s: a MemcachedHostAddress or MemcachedUnixSocketPath is needed, not %.100s",
                     name, Py_TYPE(object)->tp_name);
        return false;
    }
    const char *text = text_of(object, is_host ? state->name_address : state->name_path, keep_out);
    if (text == NULL) {
        return false;
    }
    uint32_t port = 0;
    if (is_host && !port_of(state, object, &port)) {
        Py_CLEAR(*keep_out);
        return false;
    }
    *address_out = is_host ? emc_address_tcp(text, port) : emc_address_unix(text);
    return true;
}

PyObject *address_from_text(const struct module_state *state, bool is_path, const char *text, size_t length,
                            uint32_t port)
{
    return is_path ? PyObject_CallFunction(state->unix_path, "s#", text, (Py_ssize_t)length)
                   : PyObject_CallFunction(state->host_address, "s#I", text, (Py_ssize_t)length, (unsigned int)port);
}

PyObject *address_to_python(const struct module_state *state, const emc_address *address)
{
    bool is_path = address->kind == EMC_ADDRESS_UNIX;
    const char *text = is_path ? address->path : address->host;
    return address_from_text(state, is_path, text, strlen(text), address->port);
}

bool address_list_from_python(const struct module_state *state, PyObject *sequence, const char *name,
                              struct address_list *list_out)
{
    PyObject *items = arguments_tuple(sequence, name);
    if (items == NULL) {
        return false;
    }
    size_t count = (size_t)PyTuple_GET_SIZE(items);
    struct address_list list = {count, PyMem_Calloc(count + 1, sizeof(emc_address)), PyList_New(0)};
    bool good = list.addresses != NULL && list.keep != NULL;
    for (size_t i = 0; i < count && good; i++) {
        PyObject *keep = NULL;
        char place[64];
        PyOS_snprintf(place, sizeof place, "%s[%zu]", name, i);
        good = address_from_python(state, PyTuple_GET_ITEM(items, (Py_ssize_t)i), place, &list.addresses[i], &keep) &&
               PyList_Append(list.keep, keep) == 0;
        Py_XDECREF(keep);
    }
    Py_DECREF(items);
    if (!good) {
        if (!PyErr_Occurred()) {
            PyErr_NoMemory();
        }
        address_list_release(&list);
        return false;
    }
    *list_out = list;
    return true;
}

void address_list_release(struct address_list *list)
{
    PyMem_Free(list->addresses);
    Py_CLEAR(list->keep);
    list->addresses = NULL;
    list->count = 0;
}

/* ------------------------------------------------------------------ text */

#define DEFAULT_PORT 11211

PyObject *address_parse(PyObject *module, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"text", "default_port", NULL};
    PyObject *text, *port = NULL;
    uint64_t number = DEFAULT_PORT;
    emc_address_storage storage;
    emc_error error = {.message = ""};
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O|O:parse_address", names, &text, &port) ||
        !arguments_unsigned(port, "default_port", 65535, &number)) {
        return NULL;
    }
    Py_ssize_t length = 0;
    const char *bytes = arguments_text(text, "text", &length);
    if (bytes != NULL && strlen(bytes) != (size_t)length) {
        PyErr_SetString(PyExc_ValueError, "text: has a zero character");
        bytes = NULL;
    }
    if (bytes == NULL) {
        return NULL;
    }
    if (number == 0) {
        PyErr_SetString(PyExc_ValueError, "default_port: 0; it is 1 to 65535");
        return NULL;
    }
    if (emc_address_parse(bytes, (uint32_t)number, &storage, &error) != EMC_OK) {
        PyObject *words = PyUnicode_DecodeUTF8(error.message, (Py_ssize_t)strlen(error.message), "backslashreplace");
        if (words != NULL) {
            PyErr_SetObject(PyExc_ValueError, words);
            Py_DECREF(words);
        }
        return NULL;
    }
    return address_to_python(module_state_of(module), &storage.address);
}

PyObject *address_format(PyObject *module, PyObject *object)
{
    char text[EMC_ADDRESS_TEXT_SIZE];
    emc_address address;
    PyObject *keep = NULL;
    if (!address_from_python(module_state_of(module), object, "address", &address, &keep)) {
        return NULL;
    }
    size_t length = emc_address_format(&address, text, sizeof text);
    Py_DECREF(keep);
    if (length >= sizeof text) {
        PyErr_Format(PyExc_ValueError, "address: longer than %d bytes", EMC_ADDRESS_TEXT_SIZE - 1);
        return NULL;
    }
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)length, "strict");
}
