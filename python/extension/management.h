/* The management view as Python sees it. */
#ifndef EMC_PYTHON_MANAGEMENT_H
#define EMC_PYTHON_MANAGEMENT_H

#include "client.h"

/* client.cluster_managment(): the same object as long as anybody holds it. A new reference. */
PyObject *management_of(struct client *client);

#endif
