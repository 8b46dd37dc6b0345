/* From an outcome of the engine to what the caller awaits: one function for each kind of command. Called from the engine's callback. */
#ifndef EMC_PYTHON_CONVERT_H
#define EMC_PYTHON_CONVERT_H

#include "operation.h"

void convert_item(struct operation *operation, const emc_result *result); /* Item or None */
void convert_item_with_cas(struct operation *operation, const emc_result *result);
void convert_stored(struct operation *operation, const emc_result *result); /* None, or not stored */
void convert_found(struct operation *operation, const emc_result *result);  /* None, or not found */
void convert_number(struct operation *operation, const emc_result *result); /* int, or not found */
void convert_done(struct operation *operation, const emc_result *result);   /* None */
void convert_text(struct operation *operation, const emc_result *result);   /* str */
void convert_many(struct operation *operation, const emc_result *result);   /* dict of the items found */
void convert_many_with_cas(struct operation *operation, const emc_result *result);
void convert_statuses(struct operation *operation, const emc_result *result); /* dict of True, False, exception */
void convert_lines(struct operation *operation, const emc_result *result);    /* dict of str by str: statistics */
void convert_dump(struct operation *operation, const emc_result *result);     /* list of (key, line) */

/* An error becomes the operation's outcome; true when it was one. */
bool convert_error(struct operation *operation, const emc_result *result);
/* The value as bytes: the object it was received into, or a copy. */
PyObject *convert_value(struct operation *operation, const emc_result *result);

#endif
