/* The ring: look-ups against a plain search, both rules, points that collide, members without a point. */
#include "mapping.h"

#include "base/random.h"
#include "routing/ring.h"

/* A key is its own hash: four bytes. */
static uint32_t key_is_hash(struct emc__slice key)
{
    uint32_t hash;
    memcpy(&hash, key.data, sizeof hash);
    return hash;
}

static uint32_t asked(const struct emc__router *router, uint32_t hash)
{
    return emc__router_pick(router, emc__slice_of(&hash, sizeof hash));
}

static struct emc__router *ring_of(const struct emc__ring_point *list, size_t count, size_t members, bool below,
                                   bool last_wins)
{
    const struct emc__ring_rules rules = {.hash = key_is_hash, .below = below, .last_wins = last_wins};
    struct emc__ring_points points;
    struct emc__router *router = NULL;
    assert_true(emc__ring_points_init(&points, &emc__allocator_standard, count));
    for (size_t i = 0; i < count; i++) {
        emc__ring_points_add(&points, list[i].value, list[i].member);
    }
    assert_int_equal(emc__ring_build(&points, &rules, members, &router), EMC_OK);
    emc__ring_points_deinit(&points);
    return router;
}

/* The nearest point from the hash on (or down), by looking at all; of equal ones the first added, or the last. */
static uint32_t plain_search(const struct emc__ring_point *list, size_t count, uint32_t hash, bool below,
                             bool last_wins)
{
    size_t best = 0;
    for (size_t i = 1; i < count; i++) {
        uint32_t distance = below ? hash - list[i].value : list[i].value - hash;
        uint32_t best_distance = below ? hash - list[best].value : list[best].value - hash;
        best = distance < best_distance || (distance == best_distance && last_wins) ? i : best;
    }
    return list[best].member;
}

static void compare(struct emc__random *random, size_t count, uint64_t span, bool below, bool last_wins)
{
    struct emc__ring_point list[300];
    for (size_t i = 0; i < count; i++) {
        list[i] = (struct emc__ring_point){(uint32_t)emc__random_below(random, span), (uint32_t)i};
    }
    struct emc__router *router = ring_of(list, count, count, below, last_wins);
    for (unsigned i = 0; i < 200; i++) {
        uint32_t hash = i % 3 == 0 ? list[emc__random_below(random, count)].value + i % 4 - 1
                                   : (uint32_t)emc__random_next(random);
        if (below && !last_wins) {
            continue; /* which of equal points is found from above is nobody's business; see the next test */
        }
        assert_int_equal(asked(router, hash), plain_search(list, count, hash, below, last_wins));
    }
    emc__router_destroy(router);
}

static void every_key_finds_the_point_that_a_plain_search_finds(void **state)
{
    (void)state;
    struct emc__random random = {5};
    for (size_t count = 2; count <= 300; count++) {
        compare(&random, count, UINT64_C(1) << 32, false, false);
        compare(&random, count, UINT64_C(1) << 32, true, true);
        compare(&random, count, 40, false, false); /* collisions, and all in one slot */
        compare(&random, count, 40, false, true);
    }
}

static const struct emc__ring_point corners[] = {{0, 0}, {0x80000000, 1}, {UINT32_MAX, 2}};

static void the_corners_belong_to_their_points(void **state)
{
    (void)state;
    struct emc__router *up = ring_of(corners, 3, 3, false, false), *down = ring_of(corners, 3, 3, true, false);
    assert_int_equal(asked(up, 0), 0);
    assert_int_equal(asked(up, 1), 1);
    assert_int_equal(asked(up, UINT32_MAX), 2);
    assert_int_equal(asked(down, 0), 0);
    assert_int_equal(asked(down, 0x7fffffff), 0);
    assert_int_equal(asked(down, UINT32_MAX - 1), 1);
    assert_int_equal(asked(down, UINT32_MAX), 2);
    emc__router_destroy(up);
    emc__router_destroy(down);
}

static void what_lies_beyond_the_last_point_goes_round(void **state)
{
    (void)state;
    const struct emc__ring_point list[] = {{100, 0}, {200, 1}};
    struct emc__router *up = ring_of(list, 2, 2, false, false), *down = ring_of(list, 2, 2, true, false);
    assert_int_equal(asked(up, 201), 0);
    assert_int_equal(asked(down, 99), 1);
    emc__router_destroy(up);
    emc__router_destroy(down);
}

static void ranked_are(const struct emc__router *router, uint32_t hash, const char *digits)
{
    uint32_t ranked[8];
    size_t count = emc__router_rank(router, emc__slice_of(&hash, sizeof hash), ranked, strlen(digits));
    assert_int_equal(count, strlen(digits));
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(ranked[i], digits[i] - '0');
    }
}

static void members_rank_as_the_ring_meets_them_and_pointless_ones_come_last(void **state)
{
    (void)state;
    const struct emc__ring_point list[] = {{10, 3}, {20, 3}, {30, 1}, {40, 3}, {50, 0}};
    struct emc__router *up = ring_of(list, 5, 5, false, false), *down = ring_of(list, 5, 5, true, false);
    ranked_are(up, 15, "31024");
    ranked_are(up, 45, "03124");
    ranked_are(up, 60, "31");
    ranked_are(down, 35, "13024");
    ranked_are(down, 5, "03124");
    emc__router_destroy(up);
    emc__router_destroy(down);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_finds_the_point_that_a_plain_search_finds),
        cmocka_unit_test(the_corners_belong_to_their_points),
        cmocka_unit_test(what_lies_beyond_the_last_point_goes_round),
        cmocka_unit_test(members_rank_as_the_ring_meets_them_and_pointless_ones_come_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
