/* What a get gives: value, flags, cas. */
#ifndef EMC_PYTHON_ITEM_H
#define EMC_PYTHON_ITEM_H

#include "module.h"

/* A new item; steals `value` (NULL: an exception is set). Flags and cas are None unless asked for. */
PyObject *item_create(struct module_state *state, PyObject *value, bool with_flags, uint64_t flags, bool with_cas,
                      uint64_t cas);

#endif
