/* Endpoints from literal addresses and paths, and as text for messages. Uses transport.h alone. */
#ifndef EMC_TRANSPORT_ENDPOINT_H
#define EMC_TRANSPORT_ENDPOINT_H

#include "transport/transport.h"

/* Room for an endpoint as text. */
#define EMC__ENDPOINT_TEXT_SIZE 128

/* A literal IPv4 or IPv6 address (no brackets, an optional %scope); false for anything else, which is a name. */
bool emc__endpoint_from_literal(const char *host, uint16_t port, struct emc__endpoint *endpoint_out);
/* A unix socket's path; false when it does not fit. */
bool emc__endpoint_from_path(const char *path, struct emc__endpoint *endpoint_out);
/* The address alone, "1.2.3.4" or "fe80::1%2", terminated. */
void emc__endpoint_format_host(const struct emc__endpoint *endpoint, char text[EMC__ENDPOINT_TEXT_SIZE]);

#endif
