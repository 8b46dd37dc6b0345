/* The default of memcached's built-in proxy: XXH3_64 (seed 0) of the key and jump consistent hash (Lamping and Veach 2014) over the nodes in the order
 * configured. Weights mean nothing to it; a node in the middle of the list that leaves moves more keys than its own. */
#include "routing/rounding.h"
#include "routing/succession.h"

static uint32_t pick(const struct emc__router *router, struct emc__slice key)
{
    uint64_t hash = emc__hash_key(key, 0);
    int64_t bucket = -1, next = 0;
    while (next < router->count) {
        bucket = next;
        hash = hash * 2862933555777941757u + 1;
        next = (int64_t)((double)(bucket + 1) * (2147483648.0 / (double)((hash >> 33) + 1)));
    }
    return (uint32_t)bucket;
}

static size_t rank(const struct emc__router *router, struct emc__slice key, uint32_t *members_out, size_t most)
{
    members_out[0] = pick(router, key);
    return emc__succession(router, key, members_out, most);
}

static const struct emc__router_class jump_class = {.pick = pick, .rank = rank};

emc_status emc__jump_build(const emc_allocator *allocator, const struct emc__routing_members *members,
                           struct emc__router **router_out)
{
    struct emc__router *router = emc__router_allocate(allocator, &jump_class, members->count, sizeof *router);
    if (router == NULL) {
        return EMC_ERROR_MEMORY;
    }
    *router_out = router;
    return EMC_OK;
}
