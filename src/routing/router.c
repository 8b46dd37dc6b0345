/* A router of any kind: building it by the kind's own file, asking it, releasing it. */
#include "routing/router.h"

#include <assert.h>

void *emc__router_allocate(const emc_allocator *allocator, const struct emc__router_class *class_, size_t count,
                           size_t size)
{
    struct emc__router *router = emc__allocate_zeroed(allocator, 1, size);
    if (router != NULL) {
        router->class_ = class_;
        router->allocator = *allocator;
        router->count = (uint32_t)count;
    }
    return router;
}

static emc__router_builder *builder_of(emc_routing_kind kind)
{
    switch (kind) {
    case EMC_ROUTING_EMCACHE:
        return emc__rendezvous_emcache_build;
    case EMC_ROUTING_RENDEZVOUS:
        return emc__rendezvous_build;
    case EMC_ROUTING_KETAMA_WEIGHTED:
        return emc__ketama_weighted_build;
    case EMC_ROUTING_KETAMA:
        return emc__ketama_build;
    case EMC_ROUTING_KETAMA_MD5:
        return emc__ketama_md5_build;
    case EMC_ROUTING_MODULA:
        return emc__modula_build;
    case EMC_ROUTING_PYMEMCACHE:
        return emc__pymemcache_build;
    case EMC_ROUTING_PYMEMCACHE_BYTES:
        return emc__pymemcache_bytes_build;
    case EMC_ROUTING_SPYMEMCACHED:
        return emc__spymemcached_build;
    case EMC_ROUTING_TWEMPROXY:
        return emc__twemproxy_build;
    case EMC_ROUTING_JUMP:
        return emc__jump_build;
    case EMC_ROUTING_MCROUTER:
        return emc__mcrouter_build;
    case EMC_ROUTING_DALLI:
        return emc__dalli_build;
    }
    return NULL;
}

/* False: a name is longer than any address. */
static bool look_over(struct emc__routing_members *members)
{
    members->equal_weights = true;
    for (size_t i = 0; i < members->count; i++) {
        const struct emc__routing_member *member = &members->list[i];
        assert((member->host != NULL) != (member->path != NULL) && member->weight >= 1);
        if (strlen(member->path != NULL ? member->path : member->host) > EMC__ROUTING_ADDRESS_MAX) {
            return false;
        }
        members->weight += member->weight;
        members->equal_weights = members->equal_weights && member->weight == members->list[0].weight;
    }
    return true;
}

emc_status emc__router_build(const emc_allocator *allocator, emc_routing_kind kind,
                             const struct emc__routing_member *members, size_t count, struct emc__router **router_out)
{
    assert(allocator != NULL && members != NULL && count >= 1 && router_out != NULL);
    struct emc__routing_members checked = {members, count, 0, true};
    emc__router_builder *build = builder_of(kind);
    if (build == NULL || count > EMC__ROUTING_MEMBERS_MAX || !look_over(&checked)) {
        return EMC_ERROR_ARGUMENT;
    }
    return build(allocator, &checked, router_out);
}

void emc__router_destroy(struct emc__router *router)
{
    if (router != NULL) {
        emc_allocator allocator = router->allocator;
        emc__release(&allocator, router);
    }
}

uint32_t emc__router_pick(const struct emc__router *router, struct emc__slice key)
{
    assert(router != NULL && (key.data != NULL || key.length == 0));
    return router->count == 1 ? 0 : router->class_->pick(router, key);
}

void emc__router_pick_many(const struct emc__router *router, const struct emc__slice *keys, size_t count,
                           uint32_t *members_out)
{
    assert(router != NULL && ((keys != NULL && members_out != NULL) || count == 0));
    if (router->count > 1 && router->class_->pick_many != NULL) {
        router->class_->pick_many(router, keys, count, members_out);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        members_out[i] = emc__router_pick(router, keys[i]);
    }
}

size_t emc__router_rank(const struct emc__router *router, struct emc__slice key, uint32_t *members_out, size_t most)
{
    assert(router != NULL && (key.data != NULL || key.length == 0) && (members_out != NULL || most == 0));
    size_t wanted = most < router->count ? most : router->count;
    if (wanted == 0 || router->count > 1) {
        return wanted == 0 ? 0 : router->class_->rank(router, key, members_out, wanted);
    }
    members_out[0] = 0;
    return 1;
}
