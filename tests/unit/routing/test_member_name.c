/* The names of nodes, form by form. */
#include "mapping.h"

#include "routing/member_name.h"

static void named(const struct emc__routing_member *member, enum emc__member_form form, const char *expected)
{
    uint8_t name[EMC__MEMBER_NAME_SIZE];
    memset(name, '#', sizeof name);
    assert_int_equal(emc__member_name(member, form, name), strlen(expected));
    assert_memory_equal(name, expected, strlen(expected));
    assert_int_equal(name[strlen(expected)], '#');
}

static void each_client_has_its_form(void **state)
{
    (void)state;
    const struct emc__routing_member usual = TCP("cache-1", 11211), other = TCP("::1", 8), path = UNIX("/tmp/mc.sock");
    named(&usual, EMC__MEMBER_JOINED, "cache-111211");
    named(&other, EMC__MEMBER_JOINED, "::18");
    named(&path, EMC__MEMBER_JOINED, "/tmp/mc.sock");
    named(&usual, EMC__MEMBER_COLON, "cache-1:11211");
    named(&other, EMC__MEMBER_COLON, "::1:8");
    named(&path, EMC__MEMBER_COLON, "/tmp/mc.sock");
    named(&usual, EMC__MEMBER_LIBMEMCACHED, "cache-1");
    named(&other, EMC__MEMBER_LIBMEMCACHED, "::1:8");
    named(&path, EMC__MEMBER_LIBMEMCACHED, "/tmp/mc.sock:0");
    named(&usual, EMC__MEMBER_TWEMPROXY, "cache-1");
    named(&other, EMC__MEMBER_TWEMPROXY, "::1:8");
    named(&path, EMC__MEMBER_TWEMPROXY, "/tmp/mc.sock:");
}

static void the_longest_name_has_room_for_the_longest_number(void **state)
{
    (void)state;
    char host[EMC__ROUTING_ADDRESS_MAX + 1];
    memset(host, 'h', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    const struct emc__routing_member member = TCP(host, 65535);
    uint8_t name[EMC__MEMBER_NAME_SIZE];
    size_t length = emc__member_name(&member, EMC__MEMBER_COLON, name);
    length = emc__member_number(name, length, '-', UINT32_MAX);
    assert_true(length <= sizeof name);
    assert_memory_equal(name + EMC__ROUTING_ADDRESS_MAX, ":65535-4294967295", 17);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_client_has_its_form),
        cmocka_unit_test(the_longest_name_has_room_for_the_longest_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
