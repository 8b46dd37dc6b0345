/* Rendezvous with the full score: its own vectors, the share that weights give, and what moves when one changes. */
#include "mapping.h"

#include <math.h>

#define KEYS 60000

static void counts(const struct emc__routing_member *members, size_t count, uint32_t *nodes, size_t *found)
{
    struct emc__router *router = router_of(EMC_ROUTING_RENDEZVOUS, members, count);
    memset(found, 0, count * sizeof *found);
    for (unsigned i = 0; i < KEYS; i++) {
        nodes[i] = node_of(router, i);
        found[nodes[i]]++;
    }
    emc__router_destroy(router);
}

static uint32_t before[KEYS], after[KEYS];

/* This mapping is ours: the vectors keep it as it is, on every machine. */
static void the_mapping_stays_as_it_is(void **state)
{
    (void)state;
    maps_to(EMC_ROUTING_RENDEZVOUS, three_ports, 3, "020211110121221110112120010102");
    assert_int_equal(sum_of(EMC_ROUTING_RENDEZVOUS, three_ports, 3, 100000), 0xec3175c0);
    assert_int_equal(sum_of(EMC_ROUTING_RENDEZVOUS, weights_1_2_3, 3, 100000), 0x758a3b66);
}

static void the_spread_is_that_of_chance(void **state)
{
    (void)state;
    size_t found[100];
    counts(numbered("10.0.0.%u", 1, 100), 100, before, found);
    double square = 0, expected = KEYS / 100.0;
    for (size_t i = 0; i < 100; i++) {
        square += ((double)found[i] - expected) * ((double)found[i] - expected) / expected;
    }
    assert_true(square > 60 && square < 150); /* chi-square with 99 degrees of freedom */
}

static void a_share_of_the_weight_is_a_share_of_the_keys(void **state)
{
    (void)state;
    size_t found[3];
    counts(weights_1_2_3, 3, before, found);
    for (size_t i = 0; i < 3; i++) {
        double expected = KEYS * (double)(i + 1) / 6;
        assert_true(fabs((double)found[i] - expected) < 5 * sqrt(expected));
    }
}

static void weights_that_are_equal_are_no_weights(void **state)
{
    (void)state;
    struct emc__routing_member heavy[] = {three_ports[0], three_ports[1], three_ports[2]};
    heavy[0].weight = heavy[1].weight = heavy[2].weight = 4000000000u;
    assert_int_equal(sum_of(EMC_ROUTING_RENDEZVOUS, heavy, 3, 5000),
                     sum_of(EMC_ROUTING_RENDEZVOUS, three_ports, 3, 5000));
}

static void a_heavier_node_takes_keys_and_no_other_key_moves(void **state)
{
    (void)state;
    struct emc__routing_member members[10];
    size_t found[10], moved = 0;
    memcpy(members, numbered("10.0.0.%u", 1, 10), sizeof members);
    for (size_t i = 0; i < 10; i++) {
        members[i].weight = 100;
    }
    counts(members, 10, before, found);
    members[4].weight = 150;
    counts(members, 10, after, found);
    for (unsigned i = 0; i < KEYS; i++) {
        assert_true(before[i] == after[i] || after[i] == 4);
        moved += before[i] != after[i];
    }
    double expected = KEYS * (150.0 / 1050 - 0.1);
    assert_true(fabs((double)moved - expected) < 6 * sqrt(expected));
}

static void weights_as_far_apart_as_can_be_are_legal(void **state)
{
    (void)state;
    struct emc__routing_member members[] = {three_ports[0], three_ports[1]};
    size_t found[2];
    members[1].weight = UINT32_MAX;
    counts(members, 2, before, found);
    assert_true(found[0] <= 1);
}

static void the_order_begins_with_the_node_of_the_key_and_goes_on_as_if_it_had_left(void **state)
{
    (void)state;
    struct emc__router *router = router_of(EMC_ROUTING_RENDEZVOUS, weights_1_2_3, 3);
    for (unsigned i = 0; i < 2000; i++) {
        char key[32];
        struct emc__slice slice = emc__slice_of(key, (size_t)snprintf(key, sizeof key, "key:%u", i));
        uint32_t ranked[3];
        struct emc__routing_member left[2];
        assert_int_equal(emc__router_rank(router, slice, ranked, 3), 3);
        assert_int_equal(ranked[0], emc__router_pick(router, slice));
        size_t count = 0;
        for (uint32_t j = 0; j < 3; j++) {
            if (j != ranked[0]) {
                left[count++] = weights_1_2_3[j];
            }
        }
        struct emc__router *smaller = router_of(EMC_ROUTING_RENDEZVOUS, left, 2);
        assert_string_equal(left[emc__router_pick(smaller, slice)].host, weights_1_2_3[ranked[1]].host);
        emc__router_destroy(smaller);
    }
    emc__router_destroy(router);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_mapping_stays_as_it_is),
        cmocka_unit_test(the_spread_is_that_of_chance),
        cmocka_unit_test(a_share_of_the_weight_is_a_share_of_the_keys),
        cmocka_unit_test(weights_that_are_equal_are_no_weights),
        cmocka_unit_test(a_heavier_node_takes_keys_and_no_other_key_moves),
        cmocka_unit_test(weights_as_far_apart_as_can_be_are_legal),
        cmocka_unit_test(the_order_begins_with_the_node_of_the_key_and_goes_on_as_if_it_had_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
