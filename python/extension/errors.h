/* From a status to the exception that emcache's users expect. */
#ifndef EMC_PYTHON_ERRORS_H
#define EMC_PYTHON_ERRORS_H

#include "operation.h"

/* Sets the exception for a call that was refused. `message`: the library's words. */
void errors_raise_refusal(const struct module_state *state, emc_status status, const char *message);
/* The same for options: named as create_client() names them. */
void errors_raise_options(const struct module_state *state, emc_status status, const char *message);
/* The exception for an outcome below zero (a new reference), or NULL with an exception. */
PyObject *errors_from_result(const struct operation *operation, const emc_result *result);
/* That for a result which is no error, but not what the command is for: not stored, not there. It names the command. */
PyObject *errors_unmet(const struct operation *operation, const emc_result *result, PyObject *error_class);

#endif
