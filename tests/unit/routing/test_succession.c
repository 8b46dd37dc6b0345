/* The order of preference that mappings without one are given. */
#include "mapping.h"

#include "routing/succession.h"

static void each_member_comes_once_and_the_first_stays(void **state)
{
    (void)state;
    for (uint32_t count = 2; count <= 60; count++) {
        const struct emc__router router = {.count = count};
        for (uint32_t first = 0; first < count; first++) {
            uint32_t order[60] = {first};
            bool seen[60] = {false};
            assert_int_equal(emc__succession(&router, emc__slice_of(&first, sizeof first), order, count), count);
            assert_int_equal(order[0], first);
            for (uint32_t i = 0; i < count; i++) {
                assert_true(order[i] < count && !seen[order[i]]);
                seen[order[i]] = true;
            }
        }
    }
}

static void a_shorter_order_is_the_beginning_of_a_longer_one(void **state)
{
    (void)state;
    const struct emc__router router = {.count = 20};
    uint32_t longest[20] = {7}, shorter[20] = {7};
    emc__succession(&router, emc__slice_of_string("foo"), longest, 20);
    for (size_t most = 1; most < 20; most++) {
        assert_int_equal(emc__succession(&router, emc__slice_of_string("foo"), shorter, most), most);
        assert_memory_equal(shorter, longest, most * sizeof longest[0]);
    }
}

static void the_second_is_drawn_evenly_from_the_others(void **state)
{
    (void)state;
    const struct emc__router router = {.count = 10};
    unsigned found[10] = {0};
    for (unsigned i = 0; i < 9000; i++) {
        uint32_t order[2] = {4};
        emc__succession(&router, emc__slice_of(&i, sizeof i), order, 2);
        found[order[1]]++;
    }
    for (unsigned i = 0; i < 10; i++) {
        assert_true(i == 4 ? found[i] == 0 : found[i] > 850 && found[i] < 1150);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_member_comes_once_and_the_first_stays),
        cmocka_unit_test(a_shorter_order_is_the_beginning_of_a_longer_one),
        cmocka_unit_test(the_second_is_drawn_evenly_from_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
