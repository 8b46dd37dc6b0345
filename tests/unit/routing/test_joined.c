/* Ids hashed behind a key, one by one and eight at a time: at every length of key and id, those of a group alike and unlike. */
#include "mapping.h"

#include "routing/joined_wide.h"

static uint64_t one_by_one(struct emc__slice key, const struct emc__routing_member *member)
{
    uint8_t text[1200], id[EMC__MEMBER_NAME_SIZE];
    size_t length = emc__member_name(member, EMC__MEMBER_JOINED, id);
    if (key.length > 0) {
        memcpy(text, key.data, key.length);
    }
    memcpy(text + key.length, id, length);
    return emc__murmur3_x64_128(emc__slice_of(text, key.length + length));
}

#ifdef EMC__JOINED_WIDE

EMC__JOINED_WIDE static void hash_wide(const struct emc__joined_ids *ids, struct emc__slice key, uint64_t *hashes_out)
{
    struct emc__joined_key joined;
    emc__joined_begin(&joined, ids, key);
    for (size_t first = 0; first < ids->places; first += EMC__JOINED_LANES) {
        emc__lanes hashes = emc__joined_hash_wide(ids, &joined, first);
        memcpy(hashes_out + first, &hashes, sizeof hashes);
    }
}

#else
#define hash_wide hash_narrow
#endif

static void hash_narrow(const struct emc__joined_ids *ids, struct emc__slice key, uint64_t *hashes_out)
{
    struct emc__joined_key joined;
    emc__joined_begin(&joined, ids, key);
    for (size_t i = 0; i < ids->places; i++) {
        hashes_out[i] = emc__joined_hash(ids, &joined, i);
    }
}

/* Laid out for `lanes`: the hashes of all places, of which those behind the last id are the last one's again. */
static void hashes_agree_of(const struct emc__routing_member *members, size_t count, size_t lanes)
{
    static uint64_t memory[16 * 400];
    const struct emc__routing_members all = {members, count, count, true};
    struct emc__joined_ids ids;
    uint8_t key[70];
    uint64_t hashes[16];
    assert_true(emc__joined_ids_size(&all, lanes) <= sizeof memory);
    memset(memory, 0xa5, sizeof memory);
    emc__joined_ids_init(&ids, memory, &all, NULL, lanes);
    assert_int_equal(ids.places, (count + lanes - 1) / lanes * lanes);
    for (size_t i = emc__joined_ids_size(&all, lanes); i < sizeof memory; i++) {
        assert_int_equal(((uint8_t *)memory)[i], 0xa5);
    }
    for (size_t length = 0; length <= sizeof key; length++) {
        struct emc__slice text = emc__slice_of(key, length);
        memset(key, (int)(length + 190), sizeof key);
        (lanes > 1 ? hash_wide : hash_narrow)(&ids, text, hashes);
        for (size_t i = 0; i < ids.places; i++) {
            assert_true(hashes[i] == one_by_one(text, &members[i < count ? i : count - 1]));
        }
    }
}

static void hashes_agree(const struct emc__routing_member *members, size_t count)
{
    hashes_agree_of(members, count, 1);
    if (emc__joined_wide_available()) {
        hashes_agree_of(members, count, EMC__JOINED_LANES);
    }
}

static void every_length_of_key_and_id_hashes_as_if_joined(void **state)
{
    (void)state;
    char host[100];
    for (size_t length = 1; length < sizeof host; length++) {
        memset(host, 'x', length);
        host[length] = '\0';
        const struct emc__routing_member alike[] = {TCP(host, 11211), TCP(host, 11212), TCP(host, 11213),
                                                    TCP(host, 11214), TCP(host, 11215)};
        hashes_agree(alike, COUNT(alike));
    }
}

static void ids_of_different_lengths_hash_as_if_joined(void **state)
{
    (void)state;
    const struct emc__routing_member unlike[] = {TCP("a", 1),
                                                 TCP("cache-1.a-very-long-name.example.com", 65535),
                                                 UNIX("/s"),
                                                 TCP("10.0.0.1", 11211),
                                                 TCP("cache-12.example.com", 11211),
                                                 TCP("cache-1.example.com", 11211)};
    hashes_agree(unlike, COUNT(unlike));
}

static void an_order_says_which_id_stands_where(void **state)
{
    (void)state;
    static uint64_t memory[600];
    const uint32_t order[] = {2, 0, 1};
    const struct emc__routing_members all = {three_ports, 3, 3, true};
    struct emc__joined_ids ids;
    uint64_t hashes[3];
    assert_true(emc__joined_ids_size(&all, 1) <= sizeof memory);
    emc__joined_ids_init(&ids, memory, &all, order, 1);
    hash_narrow(&ids, emc__slice_of_string("foo"), hashes);
    for (size_t i = 0; i < 3; i++) {
        assert_true(hashes[i] == one_by_one(emc__slice_of_string("foo"), &three_ports[order[i]]));
    }
}

typedef uint32_t naive_pick(const struct emc__routing_member *members, size_t count, struct emc__slice key);

static uint32_t by_full_score(const struct emc__routing_member *members, size_t count, struct emc__slice key)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < count; i++) {
        best = one_by_one(key, &members[i]) > one_by_one(key, &members[best]) ? i : best;
    }
    return best;
}

static uint32_t coarse(uint64_t hash)
{
    uint32_t low = (uint32_t)(hash & 0xff);
    return (hash & 0x8080) != 0       ? 0xffffff00u | low
           : (hash & 0x800000) != 0   ? 0xffff0000u | low
           : (hash & 0x80000000) != 0 ? 0xff000000u | low
                                      : low;
}

static uint32_t by_coarse_score(const struct emc__routing_member *members, size_t count, struct emc__slice key)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < count; i++) {
        uint32_t own = coarse(one_by_one(key, &members[i])), other = coarse(one_by_one(key, &members[best]));
        uint32_t own_tie = coarse(one_by_one(emc__slice_of("", 0), &members[i])),
                 other_tie = coarse(one_by_one(emc__slice_of("", 0), &members[best]));
        best = own > other || (own == other && own_tie > other_tie) ? i : best;
    }
    return best;
}

/* Keys of 0 to 39 bytes, at each number of nodes around what eight lanes and several groups of them have; each second list has names of several lengths. */
static void picks_agree(emc__router_builder_as *build, naive_pick *naive, bool wide)
{
    static const size_t counts[] = {2, 3, 4, 5, 7, 8, 9, 10, 15, 16, 17, 24, 33, 64, 100};
    for (size_t which = 0; which < 2 * COUNT(counts); which++) {
        size_t count = counts[which / 2];
        const struct emc__routing_member *members = numbered(which % 2 == 0 ? "10.0.1.%03u" : "cache-%u.example.com", 7,
                                                             count);
        const struct emc__routing_members all = {members, count, count, true};
        struct emc__router *router = NULL;
        assert_int_equal(build(&emc__allocator_standard, &all, wide, &router), EMC_OK);
        for (unsigned number = 0; number < 200; number++) {
            char text[48];
            snprintf(text, sizeof text, "%040u", number * 2654435761u);
            struct emc__slice key = emc__slice_of(text + 40 - number % 40, number % 40);
            assert_int_equal(emc__router_pick(router, key), naive(members, count, key));
        }
        emc__router_destroy(router);
    }
}

static void picks_one_by_one_are_those_of_the_plain_way(void **state)
{
    (void)state;
    picks_agree(emc__rendezvous_build_as, by_full_score, false);
    picks_agree(emc__rendezvous_emcache_build_as, by_coarse_score, false);
}

static void picks_by_eight_are_those_of_the_plain_way(void **state)
{
    (void)state;
    if (!emc__joined_wide_available()) {
        skip();
    }
    picks_agree(emc__rendezvous_build_as, by_full_score, true);
    picks_agree(emc__rendezvous_emcache_build_as, by_coarse_score, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_of_key_and_id_hashes_as_if_joined),
        cmocka_unit_test(ids_of_different_lengths_hash_as_if_joined),
        cmocka_unit_test(an_order_says_which_id_stands_where),
        cmocka_unit_test(picks_one_by_one_are_those_of_the_plain_way),
        cmocka_unit_test(picks_by_eight_are_those_of_the_plain_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
