/* The spread of keys, as tables and as JSON. */
#ifndef EMCACHE_CLI_SPREAD_VIEW_H
#define EMCACHE_CLI_SPREAD_VIEW_H

#include "json.h"
#include "spread.h"

/* One kind: a row for each node. */
enum exit_code spread_write_nodes(const struct spread *spread, const struct route_nodes *nodes);
/* Several kinds: a row for each. */
enum exit_code spread_write_kinds(const struct spread *spreads, size_t count);
/* The fields of one kind into the object that is open. */
void spread_write_json(const struct spread *spread, const struct route_nodes *nodes, struct json *json);

#endif
