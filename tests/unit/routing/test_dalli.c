/* dalli's ring, as version 3.0.6, run, answers. */
#include "mapping.h"

static void ports(void **state)
{
    (void)state;
    maps_to(EMC_ROUTING_DALLI, three_ports, 3, "121002012000000102210122101020");
    assert_int_equal(sum_of(EMC_ROUTING_DALLI, three_ports, 3, 100000), 0x13145ab1);
    assert_int_equal(node_of_text(EMC_ROUTING_DALLI, three_ports, 3, "\xff\xfe"), 0);
    assert_int_equal(node_of_text(EMC_ROUTING_DALLI, three_ports, 3, longest_key()), 2);
}

static void weights(void **state)
{
    (void)state;
    assert_int_equal(sum_of(EMC_ROUTING_DALLI, weights_1_2_3, 3, 100000), 0x63649c9c);
}

static void twenty_five_nodes(void **state)
{
    (void)state;
    assert_int_equal(sum_of(EMC_ROUTING_DALLI, numbered("10.0.0.%u", 1, 25), 25, 100000), 0x6bba3bdc);
}

static void names_and_unix_paths(void **state)
{
    (void)state;
    const struct emc__routing_member mixed[] = {TCP("cache-b.example.com", 11211), TCP("cache-a.example.com", 11212),
                                                UNIX("/tmp/mc.sock"), TCP("localhost", 11211), TCP("10.0.0.9", 22122)};
    maps_to(EMC_ROUTING_DALLI, mixed, 5, "443242113303224233304310131421");
    assert_int_equal(sum_of(EMC_ROUTING_DALLI, mixed, 5, 100000), 0x8118a41b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ports), cmocka_unit_test(weights),
                                       cmocka_unit_test(twenty_five_nodes), cmocka_unit_test(names_and_unix_paths)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
