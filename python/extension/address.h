/* Addresses between Python's classes and the engine's. */
#ifndef EMC_PYTHON_ADDRESS_H
#define EMC_PYTHON_ADDRESS_H

#include "module.h"

/* What the commands to one node call it. */
#define NODE_ARGUMENT "memcached_host_address"

/* TypeError or ValueError unless `object` is a MemcachedHostAddress or MemcachedUnixSocketPath with sound fields. `name`: of the argument. *keep_out receives
 * what the strings of *address_out live in (a new reference). */
bool address_from_python(const struct module_state *state, PyObject *object, const char *name, emc_address *address_out,
                         PyObject **keep_out);
/* A new reference, or NULL with an exception. */
PyObject *address_to_python(const struct module_state *state, const emc_address *address);

/* The same from a host's name or a path that is not terminated. */
PyObject *address_from_text(const struct module_state *state, bool is_path, const char *text, size_t length, uint32_t port);

/* Those that an iterable gives. */
struct address_list {
    size_t count;
    emc_address *addresses;
    PyObject *keep;
};
bool address_list_from_python(const struct module_state *state, PyObject *sequence, const char *name,
                              struct address_list *list_out);
void address_list_release(struct address_list *list);

/* The module's functions parse_address(text, default_port=11211) and format_address(address). */
PyObject *address_parse(PyObject *module, PyObject *args, PyObject *keywords);
PyObject *address_format(PyObject *module, PyObject *address);

#endif
