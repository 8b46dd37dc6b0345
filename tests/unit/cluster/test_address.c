/* Addresses: read, written, compared, refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "cluster/cluster.h"

static void reads_as(const char *text, const char *written)
{
    emc_address_storage storage;
    emc_error error;
    char back[EMC_ADDRESS_TEXT_SIZE];
    if (emc_address_parse(text, 11211, &storage, &error) != EMC_OK) {
        fail_msg("%s is refused: %s", text, error.message);
    }
    assert_int_equal(emc_address_format(&storage.address, back, sizeof back), strlen(written));
    assert_string_equal(back, written);
}

static void every_spelling_is_read_and_written(void **state)
{
    (void)state;
    reads_as("localhost", "localhost:11211");
    reads_as("localhost:1", "localhost:1");
    reads_as("10.0.0.1:65535", "10.0.0.1:65535");
    reads_as("[::1]:21", "[::1]:21");
    reads_as("[::1]", "[::1]:11211");
    reads_as("::1", "[::1]:11211");
    reads_as("fe80::1%lo", "[fe80::1%lo]:11211");
    reads_as("/run/memcached.sock", "/run/memcached.sock");
    reads_as("unix:relative.sock", "relative.sock");
}

static void refused(const char *text, const char *word)
{
    emc_address_storage storage;
    emc_error error = {EMC_OK, ""};
    assert_int_equal(emc_address_parse(text, 11211, &storage, &error), EMC_ERROR_ARGUMENT);
    if (strstr(error.message, word) == NULL) {
        fail_msg("the words do not name %s: %s", word, error.message);
    }
}

static void what_is_no_address_is_refused_with_words(void **state)
{
    (void)state;
    char longest[400];
    memset(longest, 'a', sizeof longest);
    longest[399] = '\0';
    refused("", "host");
    refused(":11211", "host");
    refused("host:", "port");
    refused("host:0", "port");
    refused("host:70000", "port");
    refused("host:99999999999999999999", "port");
    refused("host:12x", "port");
    refused("[::1", "]");
    refused("[::1]x", "behind `]`");
    refused(NULL, "NULL");
    refused("ho st", "host");
    refused("a:b:c", "IPv6");
    refused(longest, "address");
    longest[300] = '\0';
    refused(longest, "address");
    longest[260] = '\0';
    refused(longest, "host");
    longest[0] = '/';
    longest[120] = '\0';
    refused(longest, "path");
    refused("unix:", "path");
}

static void addresses_are_equal_by_their_words_alone(void **state)
{
    (void)state;
    emc_address a = emc_address_tcp("localhost", 11211), b = emc_address_tcp("127.0.0.1", 11211);
    emc_address c = emc_address_tcp("localhost", 11212), d = emc_address_unix("localhost");
    assert_true(emc_address_equal(&a, &a));
    assert_false(emc_address_equal(&a, &b));
    assert_false(emc_address_equal(&a, &c));
    assert_false(emc_address_equal(&a, &d));
}

static void a_text_that_does_not_fit_is_cut_and_its_length_told(void **state)
{
    (void)state;
    emc_address address = emc_address_tcp("localhost", 11211);
    char text[6];
    assert_int_equal(emc_address_format(&address, text, sizeof text), strlen("localhost:11211"));
    assert_string_equal(text, "local");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_spelling_is_read_and_written),
        cmocka_unit_test(what_is_no_address_is_refused_with_words),
        cmocka_unit_test(addresses_are_equal_by_their_words_alone),
        cmocka_unit_test(a_text_that_does_not_fit_is_cut_and_its_length_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
