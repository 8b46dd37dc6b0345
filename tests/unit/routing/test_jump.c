/* The default of memcached's proxy. */
#include "mapping.h"

#define KEYS 20000

static void ten_nodes(void **state)
{
    (void)state;
    const struct emc__routing_member *ten = numbered("10.0.0.%u", 1, 10);
    assert_int_equal(node_of_text(EMC_ROUTING_JUMP, ten, 10, "foo"), 2);
    assert_int_equal(node_of_text(EMC_ROUTING_JUMP, ten, 10, "bar"), 3);
    assert_int_equal(node_of_text(EMC_ROUTING_JUMP, ten, 10, "key:0"), 0);
    assert_int_equal(node_of_text(EMC_ROUTING_JUMP, ten, 10, "user:1234"), 0);
    assert_int_equal(node_of_text(EMC_ROUTING_JUMP, ten, 10, "hello world"), 4);
}

static void a_node_added_at_the_end_takes_its_share_and_no_other_key_moves(void **state)
{
    (void)state;
    struct emc__router *before = router_of(EMC_ROUTING_JUMP, numbered("10.0.0.%u", 1, 10), 10);
    struct emc__router *after = router_of(EMC_ROUTING_JUMP, numbered("10.0.0.%u", 1, 11), 11);
    unsigned moved = 0;
    for (unsigned i = 0; i < KEYS; i++) {
        bool moves = node_of(before, i) != node_of(after, i);
        assert_true(!moves || node_of(after, i) == 10);
        moved += moves;
    }
    assert_true(moved > KEYS / 11 - 200 && moved < KEYS / 11 + 200);
    emc__router_destroy(before);
    emc__router_destroy(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_nodes),
        cmocka_unit_test(a_node_added_at_the_end_takes_its_share_and_no_other_key_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
