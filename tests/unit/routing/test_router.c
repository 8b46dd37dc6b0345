/* What holds for a router of every kind: one member, the order of preference, refusals, memory that runs out. */
#include "mapping.h"

#include "../base/failing_allocator.h"
#include "base/random.h"

#define KIND_COUNT (EMC_ROUTING_DALLI + 1)

static void for_each_kind(void (*test)(emc_routing_kind kind))
{
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        test((emc_routing_kind)kind);
    }
}

static void has_everything(emc_routing_kind kind)
{
    struct emc__router *router = router_of(kind, &three_ports[1], 1);
    uint32_t ranked[3] = {9, 9, 9};
    assert_int_equal(emc__router_pick(router, emc__slice_of_string("foo")), 0);
    assert_int_equal(emc__router_pick(router, emc__slice_of(NULL, 0)), 0);
    assert_int_equal(emc__router_rank(router, emc__slice_of_string("foo"), ranked, 3), 1);
    assert_int_equal(ranked[0], 0);
    assert_int_equal(ranked[1], 9);
    emc__router_destroy(router);
}

static void one_member_has_everything(void **state)
{
    (void)state;
    for_each_kind(has_everything);
}

static void ranks_well(emc_routing_kind kind, const struct emc__routing_member *members, size_t count)
{
    struct emc__router *router = router_of(kind, members, count);
    uint32_t ranked[64], whole[64];
    for (unsigned i = 0; i < 60; i++) {
        char key[32];
        struct emc__slice slice = emc__slice_of(key, (size_t)snprintf(key, sizeof key, "key:%u", i));
        bool seen[64] = {false};
        assert_int_equal(emc__router_rank(router, slice, whole, 64), count);
        assert_int_equal(whole[0], emc__router_pick(router, slice));
        for (size_t j = 0; j < count; j++) {
            assert_true(whole[j] < count && !seen[whole[j]]);
            seen[whole[j]] = true;
        }
        size_t most = i % count;
        ranked[most] = 77;
        assert_int_equal(emc__router_rank(router, slice, most == 0 ? NULL : ranked, most), most);
        assert_memory_equal(ranked, whole, most * sizeof ranked[0]);
        assert_int_equal(ranked[most], 77);
    }
    emc__router_destroy(router);
}

static void ranks_any_list_well(emc_routing_kind kind)
{
    struct emc__routing_member weighted[50];
    memcpy(weighted, numbered("10.0.0.%u", 1, 50), sizeof weighted);
    for (size_t count = 2; count <= 50; count += count < 10 ? 1 : 13) {
        ranks_well(kind, weighted, count);
    }
    weighted[0].weight = 3000;
    weighted[7].weight = 4000000000u; /* others have no point on a ring then */
    ranks_well(kind, weighted, 50);
}

static void the_order_begins_with_the_node_of_the_key_and_has_every_member_once(void **state)
{
    (void)state;
    for_each_kind(ranks_any_list_well);
}

static void takes_any_key(emc_routing_kind kind)
{
    struct emc__random random = {17};
    static uint8_t key[3000];
    struct emc__router *router = router_of(kind, three_ports, 3);
    for (size_t i = 0; i < sizeof key; i++) {
        key[i] = (uint8_t)emc__random_next(&random);
    }
    for (size_t length = 0; length <= sizeof key; length += length < 300 ? 1 : 100) {
        uint32_t node = emc__router_pick(router, emc__slice_of(key, length));
        assert_true(node < 3);
        assert_int_equal(emc__router_pick(router, emc__slice_of(key, length)), node);
    }
    emc__router_destroy(router);
}

static void a_key_may_have_any_length_and_any_bytes(void **state)
{
    (void)state;
    for_each_kind(takes_any_key);
}

/* Keys of 0 to 79 bytes, short ones in the majority as with users, picked for in calls of any size. */
static void picks_for_many_as_for_each(emc_routing_kind kind, const struct emc__routing_member *members, size_t count)
{
    struct emc__random random = {(uint64_t)kind + 100 * count};
    struct emc__router *router = router_of(kind, members, count);
    uint8_t bytes[300][80];
    struct emc__slice keys[300];
    uint32_t picked[301];
    for (size_t i = 0; i < COUNT(keys); i++) {
        size_t length = emc__random_below(&random, i % 4 == 0 ? sizeof bytes[i] : 30);
        for (size_t j = 0; j < length; j++) {
            bytes[i][j] = (uint8_t)emc__random_next(&random);
        }
        keys[i] = emc__slice_of(i == 7 ? NULL : bytes[i], i == 7 ? 0 : length);
    }
    for (size_t first = 0, many; first < COUNT(keys); first += many) {
        many = emc__random_below(&random, 40);
        many = many < COUNT(keys) - first ? many : COUNT(keys) - first;
        picked[first + many] = 7777;
        emc__router_pick_many(router, keys + first, many, picked + first);
        assert_int_equal(picked[first + many], 7777);
    }
    for (size_t i = 0; i < COUNT(keys); i++) {
        assert_int_equal(picked[i], emc__router_pick(router, keys[i]));
    }
    emc__router_destroy(router);
}

static void picks_for_many(emc_routing_kind kind)
{
    struct emc__routing_member list[50];
    memcpy(list, numbered("10.0.0.%u", 1, 50), sizeof list);
    for (size_t count = 1; count <= 50; count += count < 4 ? 1 : 23) {
        picks_for_many_as_for_each(kind, list, count);
    }
    list[0].weight = 3000;
    picks_for_many_as_for_each(kind, list, 50);
}

static void many_keys_are_picked_for_as_each_of_them(void **state)
{
    (void)state;
    for_each_kind(picks_for_many);
}

static void survives_failure(emc_routing_kind kind)
{
    struct failing_allocator failing;
    struct emc__router *const untouched = (struct emc__router *)(void *)&failing;
    emc_status status = EMC_ERROR_MEMORY;
    for (size_t left = 0; status != EMC_OK; left++) {
        struct emc__router *router = untouched;
        failing_allocator_init(&failing);
        failing.left = left;
        status = emc__router_build(&failing.allocator, kind, weights_1_2_3, 3, &router);
        if (status == EMC_OK) {
            assert_true(left > 0);
            assert_int_equal(failing.outstanding, 1); /* a router is one block */
            emc__router_destroy(router);
        } else {
            assert_int_equal(status, EMC_ERROR_MEMORY);
            assert_ptr_equal(router, untouched);
        }
        assert_int_equal(failing.outstanding, 0);
        assert_true(left < 10);
    }
}

static void a_build_that_runs_out_of_memory_says_so_and_leaves_nothing_behind(void **state)
{
    (void)state;
    for_each_kind(survives_failure);
}

static void asks_for_no_memory(emc_routing_kind kind)
{
    struct failing_allocator failing;
    struct emc__router *router = NULL;
    uint32_t ranked[3];
    failing_allocator_init(&failing);
    assert_int_equal(emc__router_build(&failing.allocator, kind, weights_1_2_3, 3, &router), EMC_OK);
    size_t calls = failing.calls;
    for (unsigned i = 0; i < 100; i++) {
        node_of(router, i);
    }
    emc__router_rank(router, emc__slice_of_string("foo"), ranked, 3);
    assert_int_equal(failing.calls, calls);
    emc__router_destroy(router);
}

static void asking_takes_no_memory(void **state)
{
    (void)state;
    for_each_kind(asks_for_no_memory);
}

static void an_unknown_kind_and_an_endless_name_are_refused(void **state)
{
    (void)state;
    struct emc__router *router = NULL;
    char host[EMC__ROUTING_ADDRESS_MAX + 2];
    memset(host, 'h', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    struct emc__routing_member member = TCP(host, 1);
    assert_int_equal(emc__router_build(&emc__allocator_standard, (emc_routing_kind)KIND_COUNT, three_ports, 3, &router),
                     EMC_ERROR_ARGUMENT);
    assert_int_equal(emc__router_build(&emc__allocator_standard, EMC_ROUTING_EMCACHE, &member, 1, &router),
                     EMC_ERROR_ARGUMENT);
    assert_null(router);
    host[EMC__ROUTING_ADDRESS_MAX] = '\0';
    assert_int_equal(emc__router_build(&emc__allocator_standard, EMC_ROUTING_EMCACHE, &member, 1, &router), EMC_OK);
    emc__router_destroy(router);
    emc__router_destroy(NULL);
}

static void the_names_may_go_once_the_router_stands(void **state)
{
    (void)state;
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        char hosts[3][16] = {"127.0.0.1", "127.0.0.1", "127.0.0.1"};
        const struct emc__routing_member own[] = {TCP(hosts[0], 11211), TCP(hosts[1], 11212), TCP(hosts[2], 11213)};
        struct emc__router *router = router_of((emc_routing_kind)kind, own, 3),
                           *other = router_of((emc_routing_kind)kind, three_ports, 3);
        memset(hosts, 'x', sizeof hosts);
        for (unsigned i = 0; i < 200; i++) {
            assert_int_equal(node_of(router, i), node_of(other, i));
        }
        emc__router_destroy(router);
        emc__router_destroy(other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_member_has_everything),
        cmocka_unit_test(the_order_begins_with_the_node_of_the_key_and_has_every_member_once),
        cmocka_unit_test(a_key_may_have_any_length_and_any_bytes),
        cmocka_unit_test(many_keys_are_picked_for_as_each_of_them),
        cmocka_unit_test(a_build_that_runs_out_of_memory_says_so_and_leaves_nothing_behind),
        cmocka_unit_test(asking_takes_no_memory),
        cmocka_unit_test(an_unknown_kind_and_an_endless_name_are_refused),
        cmocka_unit_test(the_names_may_go_once_the_router_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
