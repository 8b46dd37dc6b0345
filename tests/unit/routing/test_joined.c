/* Ids hashed behind a key: at every length of key and id, those of a group alike and unlike. */
#include "mapping.h"

#include "routing/joined.h"

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

static void hashes_agree(const struct emc__routing_member *members, size_t count)
{
    static uint8_t memory[64 * 600];
    const struct emc__routing_members all = {members, count, count, true};
    struct emc__joined_ids ids;
    uint8_t key[70];
    assert_true(emc__joined_ids_size(&all) <= sizeof memory);
    memset(memory, 0, sizeof memory);
    emc__joined_ids_init(&ids, memory, &all, NULL);
    for (size_t length = 0; length <= sizeof key; length++) {
        struct emc__joined_key joined;
        memset(key, (int)(length + 190), sizeof key);
        emc__joined_begin(&joined, emc__slice_of(key, length));
        for (size_t first = 0; first < count; first += EMC__JOINED_LANES) {
            uint64_t hashes[EMC__JOINED_LANES];
            emc__joined_hash(&ids, &joined, first, hashes);
            for (size_t i = first; i < count && i < first + EMC__JOINED_LANES; i++) {
                assert_true(hashes[i - first] == one_by_one(emc__slice_of(key, length), &members[i]));
            }
        }
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
    static uint8_t memory[600];
    const uint32_t order[] = {2, 0, 1};
    const struct emc__routing_members all = {three_ports, 3, 3, true};
    struct emc__joined_ids ids;
    struct emc__joined_key joined;
    uint64_t hashes[EMC__JOINED_LANES];
    assert_true(emc__joined_ids_size(&all) <= sizeof memory);
    emc__joined_ids_init(&ids, memory, &all, order);
    emc__joined_begin(&joined, emc__slice_of_string("foo"));
    emc__joined_hash(&ids, &joined, 0, hashes);
    for (size_t i = 0; i < 3; i++) {
        assert_true(hashes[i] == one_by_one(emc__slice_of_string("foo"), &three_ports[order[i]]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_of_key_and_id_hashes_as_if_joined),
        cmocka_unit_test(ids_of_different_lengths_hash_as_if_joined),
        cmocka_unit_test(an_order_says_which_id_stands_where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
