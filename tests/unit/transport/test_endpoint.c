/* Literal addresses, paths and their texts. */
#include "loopback.h"

#include <string.h>

static struct emc__endpoint endpoint;

static void assert_host(const char *expected)
{
    char text[EMC__ENDPOINT_TEXT_SIZE];
    emc__endpoint_format_host(&endpoint, text);
    assert_string_equal(text, expected);
}

static void an_ipv4_address_is_a_literal(void **state)
{
    assert_true(emc__endpoint_from_literal("10.1.2.3", 11211, &endpoint));
    assert_int_equal(endpoint.family, EMC__ENDPOINT_IPV4);
    assert_int_equal(endpoint.port, 11211);
    assert_memory_equal(endpoint.ip, "\x0a\x01\x02\x03", 4);
    assert_host("10.1.2.3");
}

static void an_ipv6_address_is_a_literal(void **state)
{
    assert_true(emc__endpoint_from_literal("::1", 1, &endpoint));
    assert_int_equal(endpoint.family, EMC__ENDPOINT_IPV6);
    assert_int_equal(endpoint.scope, 0);
    assert_int_equal(endpoint.port, 1);
    assert_host("::1");
}

static void a_scope_is_a_number_or_the_name_of_an_interface(void **state)
{
    assert_true(emc__endpoint_from_literal("fe80::1%7", 1, &endpoint));
    assert_int_equal(endpoint.scope, 7);
    assert_true(emc__endpoint_from_literal("fe80::1%lo", 1, &endpoint));
    assert_int_not_equal(endpoint.scope, 0);
    assert_false(emc__endpoint_from_literal("fe80::1%", 1, &endpoint));
    assert_false(emc__endpoint_from_literal("fe80::1%-1", 1, &endpoint));
    assert_false(emc__endpoint_from_literal("fe80::1% 7", 1, &endpoint));
    assert_false(emc__endpoint_from_literal("fe80::1%4294967296", 1, &endpoint));
    assert_false(emc__endpoint_from_literal("fe80::1%no-such-interface", 1, &endpoint));
    assert_false(emc__endpoint_from_literal("127.0.0.1%1", 1, &endpoint));
}

static void a_scope_is_in_the_text(void **state)
{
    assert_true(emc__endpoint_from_literal("fe80::1%7", 11211, &endpoint));
    assert_host("fe80::1%7");
}

static void anything_else_is_a_name(void **state)
{
    static const char *const names[] = {"localhost", "",          "[::1]",    "1.2.3", "1.2.3.4.5",
                                        "01.2.3.4x", "256.1.1.1", "1.2.3.4 ", "::1::", "cache.example.com"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_false(emc__endpoint_from_literal(names[i], 1, &endpoint));
    }
    char long_name[300];
    memset(long_name, '1', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    assert_false(emc__endpoint_from_literal(long_name, 1, &endpoint));
}

static void a_refused_literal_leaves_the_endpoint_alone(void **state)
{
    assert_true(emc__endpoint_from_literal("10.1.2.3", 11211, &endpoint));
    assert_false(emc__endpoint_from_literal("localhost", 1, &endpoint));
    assert_host("10.1.2.3");
}

static void a_path_of_107_bytes_fits_and_one_of_108_does_not(void **state)
{
    char path[EMC__UNIX_PATH_MAX + 1];
    memset(path, 'p', sizeof path);
    path[0] = '/';
    path[EMC__UNIX_PATH_MAX] = '\0';
    assert_false(emc__endpoint_from_path(path, &endpoint));
    path[EMC__UNIX_PATH_MAX - 1] = '\0';
    assert_true(emc__endpoint_from_path(path, &endpoint));
    assert_int_equal(endpoint.family, EMC__ENDPOINT_UNIX);
    assert_string_equal(endpoint.path, path);
    assert_false(emc__endpoint_from_path("", &endpoint));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ipv4_address_is_a_literal),
        cmocka_unit_test(an_ipv6_address_is_a_literal),
        cmocka_unit_test(a_scope_is_a_number_or_the_name_of_an_interface),
        cmocka_unit_test(a_scope_is_in_the_text),
        cmocka_unit_test(anything_else_is_a_name),
        cmocka_unit_test(a_refused_literal_leaves_the_endpoint_alone),
        cmocka_unit_test(a_path_of_107_bytes_fits_and_one_of_108_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
