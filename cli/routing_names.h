/* The words for the kinds of routing. */
#ifndef EMCACHE_CLI_ROUTING_NAMES_H
#define EMCACHE_CLI_ROUTING_NAMES_H

#include <emcache.h>
#include <stdio.h>

/* Finds a kind by its word; - and _ are the same. False when there is none. */
bool routing_name_read(const char *text, emc_routing_kind *kind_out);
/* The kind's word when the library that runs does not have it; else NULL. */
const char *routing_name_missing(emc_routing_kind kind);
/* Writes the list of those that the library has, for people. */
void routing_names_write(FILE *file);

#endif
