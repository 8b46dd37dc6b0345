/* spymemcached's ketama, as version 2.12.3, run, answers. */
#include "mapping.h"

static void literal_addresses(void **state)
{
    (void)state;
    maps_to(EMC_ROUTING_SPYMEMCACHED, three_ports, 3, "111101201101022022120212220020");
    assert_int_equal(sum_of(EMC_ROUTING_SPYMEMCACHED, three_ports, 3, 100000), 0x0c131b77);
    assert_int_equal(node_of_text(EMC_ROUTING_SPYMEMCACHED, three_ports, 3, "\xc3\xa9t\xc3\xa9"), 0);
    assert_int_equal(node_of_text(EMC_ROUTING_SPYMEMCACHED, three_ports, 3, longest_key()), 0);
}

/* It makes 160 points of each without weights, where libmemcached makes 156. */
static void twenty_five_nodes(void **state)
{
    (void)state;
    assert_int_equal(sum_of(EMC_ROUTING_SPYMEMCACHED, numbered("10.0.0.%u", 1, 25), 25, 100000), 0x7f21a5ba);
}

static void weights(void **state)
{
    (void)state;
    assert_int_equal(sum_of(EMC_ROUTING_SPYMEMCACHED, weights_1_2_3, 3, 100000), 0xb391425a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(literal_addresses), cmocka_unit_test(twenty_five_nodes),
                                       cmocka_unit_test(weights)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
