/* libmemcached's default. */
#include "mapping.h"

static void three_nodes(void **state)
{
    (void)state;
    maps_to(EMC_ROUTING_MODULA, three_ports, 3, "222111111122111111111211222200");
    assert_int_equal(sum_of(EMC_ROUTING_MODULA, three_ports, 3, 100000), 0xd457596a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(three_nodes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
