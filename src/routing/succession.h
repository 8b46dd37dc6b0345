/* An order of preference for the mappings that name one member and know no second: modula, jump, mcrouter's.
 *
 * The rule, ours and stable: each member of the order after the first is drawn evenly from those not yet in it, by splitmix64's next number from the state XXH3_64(key). So the
 * keys of a node that is down spread evenly over all others, and every client of this library agrees. */
#ifndef EMC_ROUTING_SUCCESSION_H
#define EMC_ROUTING_SUCCESSION_H

#include "routing/router.h"

/* Fills members_out after its first, which is there. */
size_t emc__succession(const struct emc__router *router, struct emc__slice key, uint32_t *members_out, size_t most);

#endif
