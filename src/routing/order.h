/* Puts members in an order, without memory of its own: for ties that go by what a member is, not by where it stands in the list. */
#ifndef EMC_ROUTING_ORDER_H
#define EMC_ROUTING_ORDER_H

#include "routing/router.h"

/* Whether a member comes before another. */
typedef bool emc__order_before(const struct emc__routing_member *a, const struct emc__routing_member *b);

/* Fills order_out with the members' indexes; members that are equal stay as configured. */
void emc__order_members(const struct emc__routing_members *members, emc__order_before *before, uint32_t *order_out);

#endif
