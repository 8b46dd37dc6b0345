/* The line of those that wait until the engine has room. */
#ifndef EMC_PYTHON_WAITING_H
#define EMC_PYTHON_WAITING_H

#include "client.h"

/* Joins the line; false with an exception when the client has been closed meanwhile. */
bool waiting_add(struct operation *operation);
/* In a pass: what is overdue fails, and as many are submitted as there is room for. */
void waiting_serve(struct client *client);

#endif
