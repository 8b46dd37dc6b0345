/* mcrouter's Ch3. */
#include "mapping.h"

#define KEYS 20000

static uint32_t among_ten(const char *key)
{
    return node_of_text(EMC_ROUTING_MCROUTER, numbered("10.0.0.%u", 1, 10), 10, key);
}

static void ten_nodes(void **state)
{
    (void)state;
    assert_int_equal(among_ten("foo"), 1);
    assert_int_equal(among_ten("bar"), 0);
    assert_int_equal(among_ten("key:0"), 2);
    assert_int_equal(among_ten("user:1234"), 0);
    assert_int_equal(among_ten("hello world"), 5);
}

static void a_key_is_hashed_up_to_its_stop_mark(void **state)
{
    (void)state;
    assert_int_equal(among_ten("hello world|#|and more"), 5);
    assert_int_equal(among_ten("key:0|#|"), 2);
    assert_int_equal(among_ten("foo|#|bar|#|"), 1);
    for (unsigned i = 0; i < 50; i++) {
        char key[32];
        snprintf(key, sizeof key, "|#|%u", i);
        assert_int_equal(among_ten(key), among_ten(""));
    }
}

static void an_unfinished_mark_is_part_of_the_key(void **state)
{
    (void)state;
    unsigned apart = 0;
    for (unsigned i = 0; i < 50; i++) {
        char key[32], other[32];
        snprintf(key, sizeof key, "k%u|#", i);
        snprintf(other, sizeof other, "k%u", i);
        apart += among_ten(key) != among_ten(other);
    }
    assert_true(apart > 30);
}

static void a_node_added_at_the_end_takes_its_share_and_no_other_key_moves(void **state)
{
    (void)state;
    for (size_t count = 2; count <= 33; count++) {
        struct emc__router *before = router_of(EMC_ROUTING_MCROUTER, numbered("10.0.0.%u", 1, count), count);
        struct emc__router *after = router_of(EMC_ROUTING_MCROUTER, numbered("10.0.0.%u", 1, count + 1), count + 1);
        unsigned moved = 0, expected = KEYS / (unsigned)(count + 1);
        for (unsigned i = 0; i < KEYS; i++) {
            bool moves = node_of(before, i) != node_of(after, i);
            assert_true(!moves || node_of(after, i) == count);
            moved += moves;
        }
        assert_true(moved > expected - expected / 5 && moved < expected + expected / 5);
        emc__router_destroy(before);
        emc__router_destroy(after);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_nodes),
        cmocka_unit_test(a_key_is_hashed_up_to_its_stop_mark),
        cmocka_unit_test(an_unfinished_mark_is_part_of_the_key),
        cmocka_unit_test(a_node_added_at_the_end_takes_its_share_and_no_other_key_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
