/* Points by MD5, as all descendants of ketama make them, and libmemcached's count of them. */
#ifndef EMC_ROUTING_KETAMA_H
#define EMC_ROUTING_KETAMA_H

#include "routing/member_name.h"
#include "routing/ring.h"

#define EMC__KETAMA_POINTS 160 /* of a member, where all weigh the same */

/* A member's points by weight, in the float32 arithmetic of libmemcached (and of twemproxy and spymemcached, which took it over): 156 instead of 160 for
 * some numbers of members of equal weight. */
size_t emc__ketama_points(uint32_t weight, uint64_t weight_of_all, size_t member_count);

/* Adds `count` points (a multiple of 4) of a member: MD5 of "name-N", four little-endian words each. */
void emc__ketama_add(struct emc__ring_points *points, const struct emc__routing_member *member,
                     enum emc__member_form form, size_t index, size_t count);

#endif
