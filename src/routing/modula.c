/* libmemcached's default: one_at_a_time of the key, modulo the number of servers. Weights mean nothing to it. */
#include "routing/one_at_a_time.h"
#include "routing/succession.h"

static uint32_t pick(const struct emc__router *router, struct emc__slice key)
{
    return emc__one_at_a_time(key) % router->count;
}

static size_t rank(const struct emc__router *router, struct emc__slice key, uint32_t *members_out, size_t most)
{
    members_out[0] = pick(router, key);
    return emc__succession(router, key, members_out, most);
}

static const struct emc__router_class modula_class = {.pick = pick, .rank = rank};

emc_status emc__modula_build(const emc_allocator *allocator, const struct emc__routing_members *members,
                             struct emc__router **router_out)
{
    struct emc__router *router = emc__router_allocate(allocator, &modula_class, members->count, sizeof *router);
    if (router == NULL) {
        return EMC_ERROR_MEMORY;
    }
    *router_out = router;
    return EMC_OK;
}
