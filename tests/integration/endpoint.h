/* A configuration endpoint that tells a list of servers to everybody who asks, on as many connections as come, until its end. */
#ifndef EMC_TESTS_INTEGRATION_ENDPOINT_H
#define EMC_TESTS_INTEGRATION_ENDPOINT_H

#include <stddef.h>

#include <emcache.h>

#include "servers.h"

struct endpoint;

struct endpoint *endpoint_start(const struct server *servers, size_t count);
emc_address endpoint_address(const struct endpoint *endpoint);
/* Tells these from now on, under the next version number. */
void endpoint_tell(struct endpoint *endpoint, const struct server *servers, size_t count);
void endpoint_end(struct endpoint *endpoint);

#endif
