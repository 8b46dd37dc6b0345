/* Members in an order. */
#include "mapping.h"

#include "base/random.h"
#include "routing/order.h"

static bool is_lighter(const struct emc__routing_member *a, const struct emc__routing_member *b)
{
    return a->weight < b->weight;
}

static void members_come_in_order_and_equal_ones_as_configured(void **state)
{
    (void)state;
    struct emc__random random = {3};
    for (size_t count = 1; count < 100; count++) {
        struct emc__routing_member list[100];
        uint32_t order[100];
        for (size_t i = 0; i < count; i++) {
            list[i] = (struct emc__routing_member){.host = "h", .weight = 1 + (uint32_t)emc__random_below(&random, 10)};
        }
        const struct emc__routing_members members = {list, count, 0, false};
        emc__order_members(&members, is_lighter, order);
        for (size_t i = 1; i < count; i++) {
            const struct emc__routing_member *before = &list[order[i - 1]], *after = &list[order[i]];
            assert_true(before->weight < after->weight || (before->weight == after->weight && order[i - 1] < order[i]));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(members_come_in_order_and_equal_ones_as_configured)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
