/* The words for the kinds of routing. */
#ifndef EMCACHE_CLI_ROUTING_NAMES_H
#define EMCACHE_CLI_ROUTING_NAMES_H

#include <emcache.h>
#include <stdio.h>

/* Finds a kind by its word; - and _ are the same. False when there is none. */
bool routing_name_read(const char *text, emc_routing_kind *kind_out);
/* The kind's word when the library that runs does not have it; else NULL. */
const char *routing_name_missing(emc_routing_kind kind);
/* Room for every kind. */
#define ROUTING_NAMES_MAX 32

/* The words of several kinds; static. */
struct routing_name_list {
    const char *names[ROUTING_NAMES_MAX];
    size_t count;
};

/* Reads a list of words separated by commas, each once. False when one is none: the complaint is printed. */
bool routing_names_read(const char *text, struct routing_name_list *list_out);
/* All kinds that the library has. */
void routing_names_all(struct routing_name_list *list_out);

/* Writes the list of those that the library has, for people. */
void routing_names_write(FILE *file);

#endif
