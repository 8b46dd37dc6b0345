/* What the kinds of routing have in common, for the files of this folder alone: each is one block of memory that begins with a router. */
#ifndef EMC_ROUTING_ROUTER_H
#define EMC_ROUTING_ROUTER_H

#include "routing/routing.h"

/* All are asked only where there is a choice: with two members or more. */
struct emc__router_class {
    uint32_t (*pick)(const struct emc__router *router, struct emc__slice key);
    size_t (*rank)(const struct emc__router *router, struct emc__slice key, uint32_t *members_out, size_t most);
    /* NULL: many keys gain nothing by being picked for together. */
    void (*pick_many)(const struct emc__router *router, const struct emc__slice *keys, size_t count,
                      uint32_t *members_out);
};

struct emc__router {
    const struct emc__router_class *class_;
    emc_allocator allocator;
    uint32_t count; /* of members */
};

/* Takes `size` zeroed bytes for a router of that class; NULL without memory. */
void *emc__router_allocate(const emc_allocator *allocator, const struct emc__router_class *class_, size_t count,
                           size_t size);

/* The members of a build, checked. */
struct emc__routing_members {
    const struct emc__routing_member *list;
    size_t count;
    uint64_t weight;    /* of all together */
    bool equal_weights; /* each has the same */
};

/* Builds a router of one kind: EMC_OK or EMC_ERROR_MEMORY. Each in the file of its name. */
typedef emc_status emc__router_builder(const emc_allocator *allocator, const struct emc__routing_members *members,
                                       struct emc__router **router_out);
emc__router_builder emc__rendezvous_emcache_build, emc__rendezvous_build, emc__pymemcache_build,
    emc__pymemcache_bytes_build;
/* With or without vectors, which must be there (and weights be equal): for tests that compare the two. */
typedef emc_status emc__router_builder_as(const emc_allocator *allocator, const struct emc__routing_members *members,
                                          bool wide, struct emc__router **router_out);
emc__router_builder_as emc__rendezvous_emcache_build_as, emc__rendezvous_build_as;
emc__router_builder emc__ketama_weighted_build, emc__ketama_build, emc__ketama_md5_build, emc__twemproxy_build;
emc__router_builder emc__spymemcached_build, emc__dalli_build, emc__modula_build, emc__jump_build, emc__mcrouter_build;

#endif
