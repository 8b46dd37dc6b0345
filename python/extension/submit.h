/* From an operation object to the engine, and back through its callback. */
#ifndef EMC_PYTHON_SUBMIT_H
#define EMC_PYTHON_SUBMIT_H

#include "operation.h"

/* Values of at least so many bytes are received straight into a bytes object; below, a copy is cheaper. */
#define SUBMIT_RECEIVE_FROM 16384

/* At the first send: checks thread and loop, submits or joins the line for room. False with an exception. */
bool submit_operation(struct operation *operation);
/* Values that the engine no longer looks at go back to their owners: to be called when it has returned. */
void submit_give_back(struct client *client);
/* Submits one that waited for room; false when there is none after all. Its outcome is set when it is refused otherwise. */
bool submit_waiting(struct operation *operation, double now);

#endif
