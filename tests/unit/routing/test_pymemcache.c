/* pymemcache's HashClient, as version 3.5.2, run, answers; str and bytes. */
#include "mapping.h"

#include "routing/member_name.h"
#include "routing/murmur3.h"

static uint32_t as_str(const char *key)
{
    return node_of_text(EMC_ROUTING_PYMEMCACHE, three_ports, 3, key);
}

static uint32_t as_bytes(const char *key)
{
    return node_of_text(EMC_ROUTING_PYMEMCACHE_BYTES, three_ports, 3, key);
}

static void str_and_bytes_route_apart(void **state)
{
    (void)state;
    assert_int_equal(as_str("foo"), 2);
    assert_int_equal(as_str("bar"), 0);
    assert_int_equal(as_str("key:0"), 2);
    assert_int_equal(as_str("user:1234"), 0);
    assert_int_equal(as_bytes("foo"), 1);
    assert_int_equal(as_bytes("bar"), 0);
    assert_int_equal(as_bytes("key:0"), 0);
    assert_int_equal(as_bytes("user:1234"), 1);
}

static void a_hundred_thousand_keys(void **state)
{
    (void)state;
    maps_to(EMC_ROUTING_PYMEMCACHE, three_ports, 3, "211201201101110220010222012000");
    maps_to(EMC_ROUTING_PYMEMCACHE_BYTES, three_ports, 3, "010200220001221120022122210100");
    assert_int_equal(sum_of(EMC_ROUTING_PYMEMCACHE, three_ports, 3, 100000), 0xe25bd353);
    assert_int_equal(sum_of(EMC_ROUTING_PYMEMCACHE_BYTES, three_ports, 3, 100000), 0x26e5a13c);
    const struct emc__routing_member *many = numbered("10.0.0.%u", 1, 25);
    assert_int_equal(sum_of(EMC_ROUTING_PYMEMCACHE, many, 25, 100000), 0xe38241de);
    assert_int_equal(sum_of(EMC_ROUTING_PYMEMCACHE_BYTES, many, 25, 100000), 0x40c99182);
}

static void keys_that_python_escapes_or_decodes(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "\xc3\xa9t\xc3\xa9", "it's", "say \"it's\"", "back\\slash", "\xe4\xbd\xa0\xe5\xa5\xbd", "\xf0\x9f\x98\x80k"};
    static const uint32_t str[] = {0, 2, 1, 2, 1, 0}, bytes[] = {1, 1, 0, 2, 1, 1};
    for (size_t i = 0; i < COUNT(keys); i++) {
        assert_int_equal(as_str(keys[i]), str[i]);
        assert_int_equal(as_bytes(keys[i]), bytes[i]);
    }
    assert_int_equal(as_bytes("\xff\xfe"), 1);
    assert_int_equal(as_str(longest_key()), 0);
    assert_int_equal(as_bytes(longest_key()), 1);
}

static const struct emc__routing_member mixed[] = {TCP("cache-b.example.com", 11211), TCP("cache-a.example.com", 11212),
                                                   UNIX("/tmp/mc.sock"), TCP("localhost", 11211),
                                                   TCP("10.0.0.9", 22122)};

static void names_and_unix_paths(void **state)
{
    (void)state;
    assert_int_equal(sum_of(EMC_ROUTING_PYMEMCACHE, mixed, 5, 100000), 0x59c9d780);
    assert_int_equal(sum_of(EMC_ROUTING_PYMEMCACHE_BYTES, mixed, 5, 100000), 0x715f3218);
}

/* Two that look the same under murmur3_32 are hard to find; two nodes of the same name are not. */
static void a_tie_takes_the_larger_name_or_else_the_first(void **state)
{
    (void)state;
    const struct emc__routing_member twins[] = {TCP("same", 1), TCP("same", 1)};
    assert_int_equal(sum_of(EMC_ROUTING_PYMEMCACHE, twins, 2, 100), 0);
}

/* Longer than a piece of text: only a routing key can be. */
static void a_key_of_any_length_is_hashed_to_its_end(void **state)
{
    (void)state;
    static char key[5000];
    static uint8_t text[6000];
    struct emc__router *router = router_of(EMC_ROUTING_PYMEMCACHE, three_ports, 3);
    struct emc__router *bytes = router_of(EMC_ROUTING_PYMEMCACHE_BYTES, three_ports, 3);
    for (size_t length = 900; length < sizeof key; length += 41) {
        for (unsigned form = 0; form < 2; form++) {
            uint32_t scores[3], best = 0;
            memset(key, 'k', length);
            for (uint32_t i = 0; i < 3; i++) {
                struct emc__murmur3_32 hash = {0};
                size_t at = emc__member_name(&three_ports[i], EMC__MEMBER_COLON, text);
                text[at++] = '-';
                memcpy(text + at, "b'", 2 * form);
                memcpy(text + at + 2 * form, key, length);
                memcpy(text + at + 2 * form + length, "'", form);
                emc__murmur3_32_update(&hash, emc__slice_of(text, at + 3 * form + length));
                scores[i] = emc__murmur3_32_finish(&hash);
                best = scores[i] > scores[best] ? i : best;
            }
            assert_int_equal(emc__router_pick(form == 0 ? router : bytes, emc__slice_of(key, length)), best);
        }
    }
    emc__router_destroy(router);
    emc__router_destroy(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(str_and_bytes_route_apart),
        cmocka_unit_test(a_hundred_thousand_keys),
        cmocka_unit_test(keys_that_python_escapes_or_decodes),
        cmocka_unit_test(names_and_unix_paths),
        cmocka_unit_test(a_tie_takes_the_larger_name_or_else_the_first),
        cmocka_unit_test(a_key_of_any_length_is_hashed_to_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
