/* What sending.c owes connection.c, beside emc__connection_flush and emc__connection_detach_value. */
#ifndef EMC_NODE_SENDING_H
#define EMC_NODE_SENDING_H

#include "node/connection.h"

/* The borrowed value is needed no more. An operation that was refused before all of it had gone has waited for this; it is released in the next
 * process, since a flush never calls back. */
void emc__sending_let_go(struct emc__connection *connection);
/* The socket's upcall: it takes bytes again. context: the connection. */
void emc__sending_writable(void *context, uint64_t now_ns);

#endif
