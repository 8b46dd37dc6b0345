/* Rendezvous as emcache computes it: the vectors of the reference, ties, perfect scores, and a naive version at random. */
#include "mapping.h"

#include "base/random.h"
#include "routing/member_name.h"
#include "routing/murmur3.h"

static const struct emc__routing_member caches[] = {
    TCP("cache-0.example.com", 11211), TCP("cache-1.example.com", 11211), TCP("cache-2.example.com", 11211),
    TCP("cache-3.example.com", 11211), TCP("cache-4.example.com", 11211), TCP("cache-5.example.com", 11211),
    TCP("cache-6.example.com", 11211), TCP("cache-7.example.com", 11211), TCP("cache-8.example.com", 11211),
    TCP("cache-9.example.com", 11211)};
static const struct emc__routing_member sockets[] = {UNIX("/tmp/mc0.sock"), UNIX("/tmp/mc1.sock"),
                                                     UNIX("/tmp/mc2.sock")};

/* ------------------------------------------------------------------ the score, as the reference has it, in one go */

static uint32_t naive_score(struct emc__slice key, const struct emc__routing_member *member)
{
    uint8_t text[2000], id[EMC__MEMBER_NAME_SIZE];
    size_t length = emc__member_name(member, EMC__MEMBER_JOINED, id);
    assert_true(key.length + length <= sizeof text);
    if (key.length > 0) {
        memcpy(text, key.data, key.length);
    }
    memcpy(text + key.length, id, length);
    uint64_t hash = emc__murmur3_x64_128(emc__slice_of(text, key.length + length));
    uint8_t out[4] = {(uint8_t)hash, (uint8_t)(hash >> 8), (uint8_t)(hash >> 16), (uint8_t)(hash >> 24)};
    if (out[0] >= 0x80 || out[1] >= 0x80) {
        return 0xffffff00u | out[0];
    }
    if (out[2] >= 0x80) {
        return 0xffff0000u | out[0];
    }
    return out[3] >= 0x80 ? 0xff000000u | out[0] : out[0];
}

static bool is_better(struct emc__slice key, const struct emc__routing_member *a, const struct emc__routing_member *b)
{
    const struct emc__slice none = {NULL, 0};
    uint32_t score_a = naive_score(key, a), score_b = naive_score(key, b);
    return score_a > score_b || (score_a == score_b && naive_score(none, a) > naive_score(none, b));
}

static uint32_t naive_pick(struct emc__slice key, const struct emc__routing_member *members, size_t count)
{
    size_t best = 0;
    for (size_t i = 1; i < count; i++) {
        best = is_better(key, &members[i], &members[best]) ? i : best;
    }
    return (uint32_t)best;
}

/* ------------------------------------------------------------------ vectors */

static void scores_are(const char *key, uint32_t first, uint32_t second, uint32_t third)
{
    assert_int_equal(naive_score(emc__slice_of_string(key), &three_ports[0]), first);
    assert_int_equal(naive_score(emc__slice_of_string(key), &three_ports[1]), second);
    assert_int_equal(naive_score(emc__slice_of_string(key), &three_ports[2]), third);
}

static void the_scores_of_the_reference(void **state)
{
    (void)state;
    scores_are("", 0xffffffe6, 0xffff006b, 0xffffffa7);
    scores_are("foo", 0xff000048, 0xffffffbf, 0xfffffff9);
    scores_are("bar", 0x00000075, 0x00000067, 0xffffffc5);
    scores_are("key:0", 0xffffffc1, 0xffff004e, 0xff000032);
    scores_are("user:1234", 0xffffff2c, 0xffffff37, 0xfffffffc);
    scores_are("key:104", 0xffffffed, 0xffffffc9, 0xffffffed);
}

static uint32_t among_three(const char *key)
{
    return node_of_text(EMC_ROUTING_EMCACHE, three_ports, 3, key);
}

static void the_nodes_of_the_reference(void **state)
{
    (void)state;
    assert_int_equal(among_three("foo"), 2);
    assert_int_equal(among_three("bar"), 2);
    assert_int_equal(among_three("key:0"), 0);
    assert_int_equal(among_three("user:1234"), 2);
    assert_int_equal(among_three("key:1"), 0);
    assert_int_equal(among_three(longest_key()), 0);
    assert_int_equal(among_three("\xc3\xa9t\xc3\xa9"), 1);
}

static void a_tie_goes_to_the_node_with_the_higher_score_of_its_own(void **state)
{
    (void)state;
    assert_int_equal(among_three("key:104"), 0);
    const struct emc__routing_member reversed[] = {three_ports[2], three_ports[1], three_ports[0]};
    assert_int_equal(node_of_text(EMC_ROUTING_EMCACHE, reversed, 3, "key:104"), 2);
}

/* Searched for, among made-up hosts: two whose own scores are equal. */
static void a_tie_that_their_own_scores_do_not_break_goes_to_the_node_configured_first(void **state)
{
    (void)state;
    const struct emc__slice none = {NULL, 0};
    const struct emc__routing_member *members = numbered("h%u", 0, 2000);
    size_t ties = 0;
    for (size_t i = 1; i < 2000; i++) {
        struct emc__routing_member pair[] = {members[0], members[i]}, swapped[] = {members[i], members[0]};
        if (naive_score(none, &pair[0]) != naive_score(none, &pair[1])) {
            continue;
        }
        struct emc__router *router = router_of(EMC_ROUTING_EMCACHE, pair, 2),
                           *other = router_of(EMC_ROUTING_EMCACHE, swapped, 2);
        for (unsigned j = 0; j < 3000; j++) {
            char key[32];
            struct emc__slice slice = emc__slice_of(key, (size_t)snprintf(key, sizeof key, "key:%u", j));
            if (naive_score(slice, &pair[0]) == naive_score(slice, &pair[1])) {
                ties++;
                assert_int_equal(emc__router_pick(router, slice), 0);
                assert_int_equal(emc__router_pick(other, slice), 0);
            }
        }
        emc__router_destroy(router);
        emc__router_destroy(other);
    }
    assert_true(ties > 0);
}

static void names_and_unix_paths(void **state)
{
    (void)state;
    maps_to(EMC_ROUTING_EMCACHE, caches, COUNT(caches), "65315962511738545336");
    maps_to(EMC_ROUTING_EMCACHE, sockets, COUNT(sockets), "20002201011110221201");
}

/* By emcache 1.3.3, run. */
static void many_keys(void **state)
{
    (void)state;
    assert_int_equal(sum_of(EMC_ROUTING_EMCACHE, three_ports, 3, 100000), 0x53dcc9d4);
    assert_int_equal(sum_of(EMC_ROUTING_EMCACHE, caches, COUNT(caches), 100000), 0xd1bdfc8e);
    assert_int_equal(sum_of(EMC_ROUTING_EMCACHE, sockets, COUNT(sockets), 100000), 0xc3e98114);
    assert_int_equal(sum_of(EMC_ROUTING_EMCACHE, numbered("10.0.0.%u", 1, 100), 100, 20000), 0x1bfb390d);
}

static void weights_mean_nothing(void **state)
{
    (void)state;
    struct emc__routing_member heavy[] = {three_ports[0], three_ports[1], three_ports[2]};
    heavy[1].weight = 1000;
    assert_int_equal(sum_of(EMC_ROUTING_EMCACHE, heavy, 3, 1000), sum_of(EMC_ROUTING_EMCACHE, three_ports, 3, 1000));
}

/* ------------------------------------------------------------------ at random */

static size_t random_members(struct emc__random *random, struct emc__routing_member *members, char (*names)[80],
                             size_t most)
{
    size_t count = 2 + emc__random_below(random, most - 1);
    for (size_t i = 0; i < count; i++) {
        size_t length = 1 + emc__random_below(random, 70);
        for (size_t j = 0; j < length; j++) {
            names[i][j] = (char)('a' + emc__random_below(random, 26));
        }
        names[i][length] = '\0';
        bool path = emc__random_below(random, 4) == 0;
        members[i] = (struct emc__routing_member){.host = path ? NULL : names[i],
                                                  .path = path ? names[i] : NULL,
                                                  .port = (uint16_t)emc__random_below(random, 65536),
                                                  .weight = 1};
    }
    return count;
}

static void side_by_side_is_the_same_as_one_by_one(void **state)
{
    (void)state;
    struct emc__random random = {20240229};
    static struct emc__routing_member members[600];
    static char names[600][80];
    for (unsigned round = 0; round < 300; round++) {
        size_t count = random_members(&random, members, names, round % 20 == 0 ? 600 : 12);
        struct emc__router *router = router_of(EMC_ROUTING_EMCACHE, members, count);
        for (unsigned i = 0; i < 20; i++) {
            uint8_t key[300];
            size_t length = emc__random_below(&random, i == 0 ? sizeof key : 40);
            for (size_t j = 0; j < length; j++) {
                key[j] = (uint8_t)emc__random_next(&random);
            }
            struct emc__slice slice = emc__slice_of(key, length);
            assert_int_equal(emc__router_pick(router, slice), naive_pick(slice, members, count));
        }
        emc__router_destroy(router);
    }
}

static void the_order_is_that_in_which_the_key_would_move(void **state)
{
    (void)state;
    const struct emc__slice key = emc__slice_of_string("user:1234");
    struct emc__routing_member left[COUNT(caches)];
    uint32_t ranked[COUNT(caches)], place[COUNT(caches)];
    struct emc__router *router = router_of(EMC_ROUTING_EMCACHE, caches, COUNT(caches));
    assert_int_equal(emc__router_rank(router, key, ranked, COUNT(caches)), COUNT(caches));
    emc__router_destroy(router);
    size_t count = COUNT(caches);
    for (size_t i = 0; i < count; i++) {
        left[i] = caches[i];
        place[i] = (uint32_t)i;
    }
    for (size_t next = 0; count > 0; next++) {
        router = router_of(EMC_ROUTING_EMCACHE, left, count);
        uint32_t gone = emc__router_pick(router, key);
        emc__router_destroy(router);
        assert_int_equal(place[gone], ranked[next]);
        count--;
        memmove(&left[gone], &left[gone + 1], (count - gone) * sizeof left[0]);
        memmove(&place[gone], &place[gone + 1], (count - gone) * sizeof place[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_scores_of_the_reference),
        cmocka_unit_test(the_nodes_of_the_reference),
        cmocka_unit_test(a_tie_goes_to_the_node_with_the_higher_score_of_its_own),
        cmocka_unit_test(a_tie_that_their_own_scores_do_not_break_goes_to_the_node_configured_first),
        cmocka_unit_test(names_and_unix_paths),
        cmocka_unit_test(many_keys),
        cmocka_unit_test(weights_mean_nothing),
        cmocka_unit_test(side_by_side_is_the_same_as_one_by_one),
        cmocka_unit_test(the_order_is_that_in_which_the_key_would_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
