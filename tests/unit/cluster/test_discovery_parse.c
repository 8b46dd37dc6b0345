/* Discovered configurations: what is read, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <stdio.h>
#include <stdlib.h>

#include "cluster/discovery_parse.h"

static struct emc__discovered_node nodes[EMC__DISCOVERED_MAX];
static uint64_t version;
static size_t count;

static const char *parse(const char *text)
{
    count = 0;
    version = 0;
    return emc__discovery_parse(emc__slice_of_string(text), &version, nodes, &count);
}

static void reads(const char *text, uint64_t expected_version, const char *list)
{
    char read[1024] = "";
    size_t length = 0;
    const char *wrong = parse(text);
    if (wrong != NULL) {
        fail_msg("%s: %s", text, wrong);
    }
    for (size_t i = 0; i < count; i++) {
        length += (size_t)snprintf(read + length, sizeof read - length, "%s%s %u", i > 0 ? ", " : "", nodes[i].host,
                                   nodes[i].port);
    }
    assert_int_equal(version, expected_version);
    assert_string_equal(read, list);
}

static void configurations_of_every_provider_are_read(void **state)
{
    (void)state;
    reads("12\nmc.0001.cache.amazonaws.com|10.82.235.120|11211 mc.0002.cache.amazonaws.com|10.80.249.27|11212\n", 12,
          "mc.0001.cache.amazonaws.com 11211, mc.0002.cache.amazonaws.com 11212");
    reads("3\r\n10.0.0.1|10.0.0.1|11211\r\n", 3, "10.0.0.1 11211"); /* Memorystore */
    reads("1\nhost||11211", 1, "host 11211");
    reads("1\n|10.0.0.9|11211", 1, "10.0.0.9 11211");
    reads("1\ncache|2001:db8::1|11211 |2001:db8::2|11211", 1, "cache 11211, 2001:db8::2 11211");
    reads("  18446744073709551615 \n  a|b|1\t c|d|65535  \n\n", UINT64_MAX, "a 1, c 65535");
    reads("1\na|x|1 b|x|1 a|y|1", 1, "a 1, b 1"); /* named twice, counted once */
    reads("1\na|x|1 a|x|2", 1, "a 1, a 2");
    reads("1\na|x|1\nb|x|1\n", 1, "a 1, b 1"); /* lines are white space like any other */
}

static void refuses(const char *text)
{
    if (parse(text) == NULL) {
        fail_msg("\"%s\" is read", text);
    }
}

static void what_is_malformed_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "\n",
        "1",
        "1\n",
        "1\n \r\n",
        "x\na|b|1",
        "-1\na|b|1",
        "1.5\na|b|1",
        "18446744073709551616\na|b|1",
        "1\na",
        "1\na|b",
        "1\na|b|",
        "1\na|b|0",
        "1\na|b|65536",
        "1\na|b|x",
        "1\na|b|1|2",
        "1\n||1",
        "1\na|b|1 c",
        "1\n|\n",
        "a|b|1",
        "1\na\x01|b|1",
        "1\n\x7f|b|1",
        "1 a|b|1",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        refuses(bad[i]);
    }
    assert_non_null(emc__discovery_parse(emc__slice_of("1\na\0|b|1", 8), &version, nodes, &count));
}

static void a_name_too_long_is_refused_and_the_longest_is_not(void **state)
{
    (void)state;
    char text[EMC_HOST_LENGTH_MAX + 16];
    for (int extra = 0; extra <= 1; extra++) {
        char name[EMC_HOST_LENGTH_MAX + 2] = "";
        memset(name, 'a', (size_t)(EMC_HOST_LENGTH_MAX + extra));
        snprintf(text, sizeof text, "1\n%s||1", name);
        assert_int_equal(parse(text) == NULL, extra == 0);
    }
}

static void too_many_nodes_and_too_many_bytes_are_refused(void **state)
{
    (void)state;
    char *text = calloc(1, EMC__DISCOVERY_PAYLOAD_MAX + 2);
    assert_non_null(text);
    size_t length = (size_t)snprintf(text, 8, "1\n");
    for (unsigned i = 0; i < EMC__DISCOVERED_MAX; i++) {
        length += (size_t)snprintf(text + length, 24, "n%u||1 ", i);
    }
    assert_null(parse(text));
    assert_int_equal(count, EMC__DISCOVERED_MAX);
    snprintf(text + length, 24, "another||1");
    assert_non_null(parse(text));
    memset(text, ' ', EMC__DISCOVERY_PAYLOAD_MAX + 1);
    memcpy(text, "1\na||1", 6);
    assert_non_null(emc__discovery_parse(emc__slice_of(text, EMC__DISCOVERY_PAYLOAD_MAX + 1), &version, nodes, &count));
    assert_null(emc__discovery_parse(emc__slice_of(text, EMC__DISCOVERY_PAYLOAD_MAX), &version, nodes, &count));
    free(text);
}

static void no_prefix_of_a_configuration_names_a_node_that_is_not_in_it(void **state)
{
    (void)state;
    static const char whole[] = "12\ncache-a|10.0.0.1|11211 cache-b|10.0.0.2|11212\n";
    for (size_t length = 0; length < sizeof whole; length++) {
        if (emc__discovery_parse(emc__slice_of(whole, length), &version, nodes, &count) == NULL) {
            assert_string_equal(nodes[0].host, "cache-a");
            assert_true(count == 1 || strcmp(nodes[1].host, "cache-b") == 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(configurations_of_every_provider_are_read),
        cmocka_unit_test(what_is_malformed_is_refused),
        cmocka_unit_test(a_name_too_long_is_refused_and_the_longest_is_not),
        cmocka_unit_test(too_many_nodes_and_too_many_bytes_are_refused),
        cmocka_unit_test(no_prefix_of_a_configuration_names_a_node_that_is_not_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
