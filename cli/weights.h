/* The servers' weights, as --weights names them. */
#ifndef EMCACHE_CLI_WEIGHTS_H
#define EMCACHE_CLI_WEIGHTS_H

#include <emcache.h>

#include "command.h"

/* Reads "1,2,3": a weight for each of `count` servers, the caller's to free; NULL where the option is not given. What is wrong is complained about. */
enum exit_code weights_read(const struct invocation *invocation, size_t count, uint32_t **weights_out);

/* Gives the client's nodes their weights; its list becomes `nodes` but for the one at `left` (SIZE_MAX: all). */
enum exit_code weights_set(emc_client *client, const emc_address *nodes, const uint32_t *weights, size_t count,
                           size_t left);

#endif
