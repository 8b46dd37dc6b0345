/* The mappings of libmemcached against libmemcached itself: lists of servers and weights at random, the same keys asked of both. */
#include "mapping.h"

#include <libmemcached/memcached.h>

#include "base/random.h"

/* How to make libmemcached behave as a kind is documented to. */
struct behaviour {
    emc_routing_kind kind;
    memcached_behavior_t behavior;
    uint64_t value;
    bool md5;
};

static const struct behaviour behaviours[] = {
    {EMC_ROUTING_KETAMA_WEIGHTED, MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED, 1, false},
    {EMC_ROUTING_KETAMA, MEMCACHED_BEHAVIOR_DISTRIBUTION, MEMCACHED_DISTRIBUTION_CONSISTENT_KETAMA, false},
    {EMC_ROUTING_KETAMA_MD5, MEMCACHED_BEHAVIOR_DISTRIBUTION, MEMCACHED_DISTRIBUTION_CONSISTENT_KETAMA, true},
    {EMC_ROUTING_MODULA, MEMCACHED_BEHAVIOR_DISTRIBUTION, MEMCACHED_DISTRIBUTION_MODULA, false},
};

static memcached_st *theirs(const struct behaviour *behaviour, const struct emc__routing_member *members, size_t count)
{
    memcached_st *client = memcached_create(NULL);
    assert_int_equal(memcached_behavior_set(client, behaviour->behavior, behaviour->value), MEMCACHED_SUCCESS);
    if (behaviour->md5) {
        assert_int_equal(memcached_behavior_set(client, MEMCACHED_BEHAVIOR_HASH, MEMCACHED_HASH_MD5),
                         MEMCACHED_SUCCESS);
    }
    for (size_t i = 0; i < count; i++) {
        memcached_return_t added = members[i].path != NULL
                                       ? memcached_server_add_unix_socket_with_weight(client, members[i].path,
                                                                                      members[i].weight)
                                       : memcached_server_add_with_weight(client, members[i].host, members[i].port,
                                                                          members[i].weight);
        assert_int_equal(added, MEMCACHED_SUCCESS);
    }
    return client;
}

static void compare(const struct behaviour *behaviour, const struct emc__routing_member *members, size_t count,
                    struct emc__random *random)
{
    memcached_st *client = theirs(behaviour, members, count);
    struct emc__router *router = router_of(behaviour->kind, members, count);
    for (unsigned i = 0; i < 500; i++) {
        uint8_t key[250];
        size_t length = 1 + emc__random_below(random, i % 10 == 0 ? sizeof key : 30);
        for (size_t j = 0; j < length; j++) {
            key[j] = (uint8_t)(0x21 + emc__random_below(random, i % 3 == 0 ? 0xde : 0x5e));
        }
        assert_int_equal(emc__router_pick(router, emc__slice_of(key, length)),
                         memcached_generate_hash(client, (const char *)key, length));
    }
    emc__router_destroy(router);
    memcached_free(client);
}

/* Where libmemcached counts weighted points with the digits of x87, it differs from itself on every other machine; we don't. */
#ifdef __i386__
#define WEIGHTED_POINTS_DIFFER true
#else
#define WEIGHTED_POINTS_DIFFER false
#endif

static bool comparable(const struct behaviour *behaviour, const struct emc__routing_member *members, size_t count)
{
    bool weighted = behaviour->kind == EMC_ROUTING_KETAMA_WEIGHTED;
    for (size_t i = 0; i < count; i++) {
        weighted = weighted || members[i].weight != 1;
    }
    return !WEIGHTED_POINTS_DIFFER || !weighted || behaviour->kind == EMC_ROUTING_MODULA;
}

/* Weights: all 1, all the same, or different. */
static size_t make_members(struct emc__random *random, struct emc__routing_member *members, char (*names)[40])
{
    size_t count = 2 + emc__random_below(random, 40);
    uint64_t weights = emc__random_below(random, 3);
    for (size_t i = 0; i < count; i++) {
        bool path = emc__random_below(random, 8) == 0;
        snprintf(names[i], sizeof names[i], path ? "/tmp/mc-%u-%zu.sock" : "node-%u-%zu.example",
                 (unsigned)emc__random_below(random, 1000), i);
        members[i] = (struct emc__routing_member){
            .host = path ? NULL : names[i],
            .path = path ? names[i] : NULL,
            .port = emc__random_below(random, 2) == 0 ? 11211 : (uint16_t)(1 + emc__random_below(random, 65535)),
            .weight = weights == 0   ? 1
                      : weights == 1 ? 2
                                     : 1 + (uint32_t)emc__random_below(random, 50),
        };
    }
    return count;
}

static void every_key_goes_where_libmemcached_sends_it(void **state)
{
    (void)state;
    struct emc__random random = {1};
    struct emc__routing_member members[64];
    char names[64][40];
    for (unsigned round = 0; round < 10; round++) {
        for (size_t i = 0; i < COUNT(behaviours); i++) {
            size_t count = make_members(&random, members, names);
            if (comparable(&behaviours[i], members, count)) {
                compare(&behaviours[i], members, count, &random);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_key_goes_where_libmemcached_sends_it)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
