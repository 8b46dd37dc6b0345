/* The management view as Python sees it, and the engine's events and log lines on their way to Python. */
#ifndef EMC_PYTHON_MANAGEMENT_H
#define EMC_PYTHON_MANAGEMENT_H

#include "client.h"

/* client.cluster_managment(): the same object as long as anybody holds it. A new reference. */
PyObject *management_of(struct client *client);
/* Every event goes to client->events from now on. False with an exception. */
bool management_subscribe(struct client *client);
/* The engine's log: lines become entries of client->events. */
void management_log(void *reader, emc_log_level level, const char *message);

#endif
