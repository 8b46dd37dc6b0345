/* libmemcached's ketama in its modes, and twemproxy's: the vectors of the references, and the float32 count of points. */
#include "mapping.h"

#include <stdlib.h>

#include "routing/ketama.h"

static void weighted(void **state)
{
    (void)state;
    maps_to(EMC_ROUTING_KETAMA_WEIGHTED, three_ports, 3, "100001220100020100101210202000");
    assert_int_equal(sum_of(EMC_ROUTING_KETAMA_WEIGHTED, three_ports, 3, 100000), 0x4280a249);
}

static void weighted_with_weights(void **state)
{
    (void)state;
    maps_to(EMC_ROUTING_KETAMA_WEIGHTED, weights_1_2_3, 3, "112210011211112120012122220211");
    assert_int_equal(sum_of(EMC_ROUTING_KETAMA_WEIGHTED, weights_1_2_3, 3, 100000), 0x19e882d5);
}

static void unweighted(void **state)
{
    (void)state;
    maps_to(EMC_ROUTING_KETAMA, three_ports, 3, "000101121220211200020101011122");
    assert_int_equal(sum_of(EMC_ROUTING_KETAMA, three_ports, 3, 100000), 0x3552cc02);
}

static void unweighted_by_md5(void **state)
{
    (void)state;
    maps_to(EMC_ROUTING_KETAMA_MD5, three_ports, 3, "201021100201222020110012202210");
    assert_int_equal(sum_of(EMC_ROUTING_KETAMA_MD5, three_ports, 3, 100000), 0xfbaa51da);
}

static void a_weight_of_100_for_each_is_what_a_client_has_by_default_and_no_weight(void **state)
{
    (void)state;
    struct emc__routing_member usual[] = {three_ports[0], three_ports[1], three_ports[2]};
    usual[0].weight = usual[1].weight = usual[2].weight = 100;
    assert_int_equal(sum_of(EMC_ROUTING_KETAMA, usual, 3, 100000), 0x3552cc02);
    assert_int_equal(sum_of(EMC_ROUTING_KETAMA_MD5, usual, 3, 100000), 0xfbaa51da);
    assert_int_equal(sum_of(EMC_ROUTING_KETAMA_WEIGHTED, usual, 3, 100000), 0x4280a249);
}

static void a_weight_above_1_turns_the_unweighted_ring_to_md5_and_keeps_the_hash_of_keys(void **state)
{
    (void)state;
    struct emc__routing_member heavy[] = {three_ports[0], three_ports[1], three_ports[2]};
    heavy[0].weight = heavy[1].weight = heavy[2].weight = 2;
    assert_int_not_equal(sum_of(EMC_ROUTING_KETAMA, heavy, 3, 1000), sum_of(EMC_ROUTING_KETAMA, three_ports, 3, 1000));
    /* With MD5 for the keys as well the modes meet. */
    assert_int_equal(sum_of(EMC_ROUTING_KETAMA_MD5, heavy, 3, 100000), 0x4280a249);
    assert_int_equal(sum_of(EMC_ROUTING_KETAMA_MD5, weights_1_2_3, 3, 100000), 0x19e882d5);
}

static void points_of_equal_members_are_160_but_156_for_some_numbers_of_them(void **state)
{
    (void)state;
    static const size_t fewer[] = {25, 47, 50, 55, 61, 71, 94, 100};
    size_t next = 0;
    for (size_t count = 1; count <= 100; count++) {
        bool is_fewer = next < COUNT(fewer) && count == fewer[next];
        next += is_fewer;
        assert_int_equal(emc__ketama_points(1, count, count), is_fewer ? 156 : 160);
        assert_int_equal(emc__ketama_points(100, 100 * count, count), is_fewer ? 156 : 160);
    }
    assert_int_equal(next, COUNT(fewer));
}

static int by_value(const void *a, const void *b)
{
    const struct emc__ring_point *left = a, *right = b;
    return left->value < right->value ? -1 : left->value > right->value;
}

static void the_first_points_of_the_ring(void **state)
{
    (void)state;
    struct emc__ring_points points;
    assert_true(emc__ring_points_init(&points, &emc__allocator_standard, 480));
    for (size_t i = 0; i < 3; i++) {
        emc__ketama_add(&points, &three_ports[i], EMC__MEMBER_LIBMEMCACHED, i, 160);
    }
    assert_int_equal(points.count, 480);
    qsort(points.list, points.count, sizeof points.list[0], by_value);
    const struct emc__ring_point expected[] = {{0x00f35431, 1}, {0x00fd272f, 0}, {0x016eff02, 1}};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(points.list[i].value, expected[i].value);
        assert_int_equal(points.list[i].member, expected[i].member);
    }
    emc__ring_points_deinit(&points);
}

/* ------------------------------------------------------------------ twemproxy: where version 0.5.0, run, put the keys */

static const struct emc__routing_member proxied[] = {TCP("127.0.0.77", 11211), TCP("127.0.0.77", 11212),
                                                     TCP("127.0.0.77", 11213)};

static void twemproxy(void **state)
{
    (void)state;
    maps_in_steps(EMC_ROUTING_TWEMPROXY, proxied, 3, "222202000012102200200012021020", 100);
    assert_int_equal(sum_of(EMC_ROUTING_TWEMPROXY, proxied, 3, 3000), 0x60bebfe0);
    assert_int_equal(node_of_text(EMC_ROUTING_TWEMPROXY, proxied, 3, "\xc3\xa9k0"), 0);
    assert_int_equal(node_of_text(EMC_ROUTING_TWEMPROXY, proxied, 3, longest_key()), 2);
}

static void twemproxy_with_weights(void **state)
{
    (void)state;
    const struct emc__routing_member heavy[] = {{.host = "127.0.0.77", .port = 11211, .weight = 1},
                                                {.host = "127.0.0.77", .port = 11212, .weight = 2},
                                                {.host = "127.0.0.77", .port = 11213, .weight = 3}};
    maps_in_steps(EMC_ROUTING_TWEMPROXY, heavy, 3, "222202012012102210201212121221", 100);
    assert_int_equal(sum_of(EMC_ROUTING_TWEMPROXY, heavy, 3, 3000), 0xcccf65c0);
}

static void twemproxy_with_a_unix_socket(void **state)
{
    (void)state;
    const struct emc__routing_member mixed[] = {TCP("127.0.0.77", 11211), UNIX("/tmp/mc1.sock"),
                                                TCP("127.0.0.77", 11213)};
    maps_in_steps(EMC_ROUTING_TWEMPROXY, mixed, 3, "222212000011211201211002021020", 100);
    assert_int_equal(sum_of(EMC_ROUTING_TWEMPROXY, mixed, 3, 3000), 0xe0090940);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weighted),
        cmocka_unit_test(weighted_with_weights),
        cmocka_unit_test(unweighted),
        cmocka_unit_test(unweighted_by_md5),
        cmocka_unit_test(a_weight_of_100_for_each_is_what_a_client_has_by_default_and_no_weight),
        cmocka_unit_test(a_weight_above_1_turns_the_unweighted_ring_to_md5_and_keeps_the_hash_of_keys),
        cmocka_unit_test(points_of_equal_members_are_160_but_156_for_some_numbers_of_them),
        cmocka_unit_test(the_first_points_of_the_ring),
        cmocka_unit_test(twemproxy),
        cmocka_unit_test(twemproxy_with_weights),
        cmocka_unit_test(twemproxy_with_a_unix_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
