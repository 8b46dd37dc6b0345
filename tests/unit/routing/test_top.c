/* The best by score, pass by pass. */
#include "mapping.h"

#include "routing/top.h"

/* Scores with many ties: place % 7. */
static void offer_all(const struct emc__router *router, struct emc__slice key, struct emc__top *top)
{
    (void)key;
    for (uint32_t i = 0; i < router->count; i++) {
        emc__top_offer(top, (struct emc__candidate){.score = i % 7, .place = i});
    }
}

static void all_come_in_order_however_many_are_asked_for(void **state)
{
    (void)state;
    const struct emc__router router = {.count = 150};
    uint32_t ranked[150];
    for (size_t most = 1; most <= 150; most++) {
        assert_int_equal(emc__top_rank(&router, emc__slice_of(NULL, 0), offer_all, NULL, ranked, most), most);
        for (size_t i = 0; i < most; i++) {
            assert_true(i == 0 || ranked[i - 1] % 7 > ranked[i] % 7 ||
                        (ranked[i - 1] % 7 == ranked[i] % 7 && ranked[i - 1] < ranked[i]));
        }
        assert_int_equal(ranked[0], 6);
    }
}

static void places_are_turned_into_members(void **state)
{
    (void)state;
    const struct emc__router router = {.count = 3};
    const uint32_t order[] = {5, 6, 7};
    uint32_t ranked[3];
    assert_int_equal(emc__top_rank(&router, emc__slice_of(NULL, 0), offer_all, order, ranked, 3), 3);
    assert_int_equal(ranked[0], 7);
    assert_int_equal(ranked[2], 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_come_in_order_however_many_are_asked_for),
        cmocka_unit_test(places_are_turned_into_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
