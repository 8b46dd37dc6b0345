/* The methods of Client that are commands: see command.c. */
#ifndef EMC_PYTHON_COMMAND_H
#define EMC_PYTHON_COMMAND_H

#include "module.h"

/* Called with the arguments as METH_FASTCALL | METH_KEYWORDS has them. */
typedef PyObject *command_function(PyObject *client, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords);

struct command_entry {
    const char *name; /* NULL: the table's end */
    command_function *function;
};

/* An entry of a table; signature and documentation are those of the method in base.py. */
#define COMMAND(name)         \
    {                         \
#name, client_##name, \
    }

/* Makes the commands of a table attributes of the type. False with an exception. */
bool command_add_all(PyTypeObject *command_type, PyTypeObject *owner, const struct command_entry *table);

PyTypeObject *command_type_create(PyObject *module);

#endif
