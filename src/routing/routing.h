/* Which node has a key: the hash functions and the mappings of the clients already deployed, to the bit.
 *
 * Pure: a router is built from a list of members and then answers by arithmetic alone. It knows neither connections nor health: whoever
 * leaves unhealthy nodes out builds a router without them. Built on base/ alone. */
#ifndef EMC_ROUTING_ROUTING_H
#define EMC_ROUTING_ROUTING_H

#include <emcache/routing_kind.h>

#include "base/allocator.h"
#include "base/rare.h"
#include "base/slice.h"

/* One node, as routing sees it: the address as it was given, never an address found by look-up. */
struct emc__routing_member {
    const char *host; /* borrowed until the router's build returns; NULL for a unix socket */
    uint16_t port;
    const char *path; /* borrowed likewise; NULL for TCP */
    uint32_t weight;  /* >= 1 */
};

/* Longest host or path, and most members, that a router takes. */
#define EMC__ROUTING_ADDRESS_MAX 512
#define EMC__ROUTING_MEMBERS_MAX (1u << 20)

struct emc__router; /* opaque, immutable once built */

/* Builds a router over count >= 1 members, in the order configured. Results are indexes into that list.
 * EMC_OK, EMC_ERROR_MEMORY, or EMC_ERROR_ARGUMENT (unknown kind; a limit above exceeded). *router_out is untouched on failure. The allocator is copied. */
emc_status emc__router_build(const emc_allocator *allocator, emc_routing_kind kind,
                             const struct emc__routing_member *members, size_t count, struct emc__router **router_out);
void emc__router_destroy(struct emc__router *router); /* accepts NULL */

/* The member that has the key. Any key length (0 included), any bytes. */
uint32_t emc__router_pick(const struct emc__router *router, struct emc__slice key);
/* The same of many keys, member i of key i; the kinds that hash keys by MD5 hash them side by side, in a quarter of the time. */
void emc__router_pick_many(const struct emc__router *router, const struct emc__slice *keys, size_t count,
                           uint32_t *members_out);

/* The key's members in order of preference, the first as emc__router_pick gives it, no member twice: for failover. Fills at most `most`
 * and returns how many (min(most, count)). Allocates nothing. The order after the first is, for
 *   rendezvous of any kind    that of the scores, so that it is the order in which the key would move if one node after the other went;
 *   rings                     that in which the ring meets the members, onwards from the key (downwards for dalli), then those without a point;
 *   modula, jump, mcrouter    one of our own, as these have none: succession.h. */
size_t emc__router_rank(const struct emc__router *router, struct emc__slice key, uint32_t *members_out, size_t most);

/* The part of the key that routing looks at when hash tags are on: what stands between the first `open` and the next `close`
 * after it, when there is anything between them; else the whole key. open == 0: off. */
struct emc__slice emc__routing_key(struct emc__slice key, char open, char close);

/* 64-bit hash for the client's own tables: XXH3 with a seed. */
EMC__HOT uint64_t emc__hash_key(struct emc__slice key, uint64_t seed);

#endif
