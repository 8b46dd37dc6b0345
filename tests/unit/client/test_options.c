/* Options: every default as documented, every range refused outside, with words that name the field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/allocator.h"
#include "client/options.h"

static void the_defaults_are_those_documented(void **state)
{
    (void)state;
    emc_options options = emc_options_default();
    assert_int_equal(options.timeout_ms, 1000);
    assert_int_equal(options.connection_timeout_ms, 5000);
    assert_int_equal(options.busy_poll_us, 0);
    assert_int_equal(options.connections_min, 1);
    assert_int_equal(options.connections_max, 2);
    assert_int_equal(options.purge_unused_connections_after_ms, 60000);
    assert_false(options.purge_unhealthy_nodes);
    assert_int_equal(options.health_attempts, 3);
    assert_int_equal(options.backoff_min_ms, 100);
    assert_int_equal(options.backoff_max_ms, 1000);
    assert_int_equal(options.routing, EMC_ROUTING_EMCACHE);
    assert_true(options.tls.verify);
    assert_int_equal(options.size, sizeof options);
}

static void refused(const emc_options *options, const char *field)
{
    emc_options validated;
    emc_error error = {EMC_OK, ""};
    assert_int_equal(emc__options_validate(options, &validated, &error), EMC_ERROR_ARGUMENT);
    assert_int_equal(error.status, EMC_ERROR_ARGUMENT);
    if (strstr(error.message, field) == NULL) {
        fail_msg("the words do not name %s: %s", field, error.message);
    }
}

static void a_number_outside_its_range_is_refused_by_name(void **state)
{
    (void)state;
    emc_options o = emc_options_default();
    o.timeout_ms = 0;
    refused(&o, "timeout_ms");
    o = emc_options_default();
    o.connections_min = 3;
    refused(&o, "connections_min");
    o = emc_options_default();
    o.connections_max = 0;
    refused(&o, "connections_max");
    o = emc_options_default();
    o.connections_max = 65;
    refused(&o, "connections_max");
    o = emc_options_default();
    o.backoff_min_ms = 2000;
    refused(&o, "backoff_min_ms");
    o = emc_options_default();
    o.health_attempts = 0;
    refused(&o, "health_attempts");
    o = emc_options_default();
    o.tls.version_min = 11;
    refused(&o, "tls.version_min");
    o = emc_options_default();
    o.line_length_max = 100;
    refused(&o, "line_length_max");
    o = emc_options_default();
    o.keys_per_line_max = 0;
    refused(&o, "keys_per_line_max");
    o.keys_per_line_max = 1001;
    refused(&o, "keys_per_line_max");
    o = emc_options_default();
    o.gather_after_flushes = 0;
    refused(&o, "gather_after_flushes");
    o = emc_options_default();
    o.busy_poll_us = 1001;
    refused(&o, "busy_poll_us");
    o = emc_options_default();
    o.routing = (emc_routing_kind)99;
    refused(&o, "routing");
}

static void no_limit_and_a_minimum_of_zero_are_legal(void **state)
{
    (void)state;
    emc_options validated;
    emc_options o = emc_options_default();
    o.timeout_ms = o.connection_timeout_ms = o.purge_unused_connections_after_ms = EMC_NO_LIMIT;
    o.connections_min = 0;
    assert_int_equal(emc__options_validate(&o, &validated, NULL), EMC_OK);
}

static void credentials_go_together_and_have_no_line_breaks(void **state)
{
    (void)state;
    emc_options o = emc_options_default();
    o.username = "u";
    refused(&o, "password");
    o.password = "p\r\nflush_all";
    refused(&o, "password");
    o.password = "p";
    o.username = "a b";
    refused(&o, "username");
    o.username = "";
    refused(&o, "username");
    o = emc_options_default();
    o.sasl = true;
    refused(&o, "sasl");
}

static void the_words_never_hold_a_credential(void **state)
{
    (void)state;
    emc_options validated;
    emc_error error;
    emc_options o = emc_options_default();
    o.username = "someone";
    o.password = "hunter2\nx";
    assert_int_equal(emc__options_validate(&o, &validated, &error), EMC_ERROR_ARGUMENT);
    assert_null(strstr(error.message, "hunter2"));
}

static void other_pairs_go_together(void **state)
{
    (void)state;
    emc_options o = emc_options_default();
    o.hash_tag_open = '{';
    refused(&o, "hash_tag");
    o = emc_options_default();
    o.tls.enabled = true;
    o.tls.certificate_file = "c.pem";
    refused(&o, "tls.key_file");
    o = emc_options_default();
    o.tls.trust_file = "t.pem";
    refused(&o, "tls.trust_file: it needs tls.enabled");
    o = emc_options_default();
    o.gutter_nodes = &(emc_address){.kind = EMC_ADDRESS_TCP, .host = "h", .port = 1};
    o.gutter_node_count = 1;
    refused(&o, "gutter_nodes: they need EMC_FAILOVER_GUTTER");
    o = emc_options_default();
    o.failover = EMC_FAILOVER_GUTTER;
    refused(&o, "gutter_nodes");
    o = emc_options_default();
    o.key_prefix = "has space";
    refused(&o, "key_prefix");
    o = emc_options_default();
    o.size = 4;
    refused(&o, "size");
}

static void what_belongs_to_something_that_is_off_is_refused(void **state)
{
    (void)state;
    emc_options validated;
    emc_options o = emc_options_default();
    o.discovery_interval_ms = 1000;
    refused(&o, "discovery_interval_ms: it needs discovery");
    o = emc_options_default();
    o.discovery_timeout_ms = 1000;
    refused(&o, "discovery_timeout_ms: it needs discovery");
    o = emc_options_default();
    o.discovery_start_timeout_ms = 0;
    refused(&o, "discovery_start_timeout_ms: it needs discovery");
    o.discovery = EMC_DISCOVERY_CLUSTER;
    assert_int_equal(emc__options_validate(&o, &validated, NULL), EMC_OK);
    o = emc_options_default();
    o.gutter_exptime = 5;
    refused(&o, "gutter_exptime: it needs EMC_FAILOVER_GUTTER");
    o = emc_options_default();
    o.tls.version_min = 13;
    refused(&o, "tls.version_min: it needs tls.enabled");
    o = emc_options_default();
    o.tls.verify = false;
    refused(&o, "tls.verify: it needs tls.enabled");
    o.tls.enabled = true;
    assert_int_equal(emc__options_validate(&o, &validated, NULL), EMC_OK);
    o = emc_options_default();
    o.gutter_node_count = 1;
    refused(&o, "gutter_nodes: NULL, and gutter_node_count is 1");
}

static void an_older_program_leaves_later_fields_at_their_defaults(void **state)
{
    (void)state;
    emc_options validated, o = emc_options_default();
    o.timeout_ms = 7;
    o.connection_timeout_ms = 1;
    o.size = offsetof(emc_options, connection_timeout_ms);
    assert_int_equal(emc__options_validate(&o, &validated, NULL), EMC_OK);
    assert_int_equal(validated.timeout_ms, 7);
    assert_int_equal(validated.connection_timeout_ms, 5000);
}

static void an_older_programs_structure_is_filled_as_far_as_it_goes(void **state)
{
    (void)state;
    struct {
        emc_options options;
        emc_meta_options meta;
    } known;
    size_t options_known = offsetof(emc_options, connection_timeout_ms);
    size_t meta_known = offsetof(emc_meta_options, opaque);
    memset(&known, 0x55, sizeof known);
    emc_options_init_sized(&known.options, options_known);
    emc_meta_options_init_sized(&known.meta, meta_known);
    assert_int_equal(known.options.size, options_known);
    assert_int_equal(known.options.timeout_ms, 1000);
    assert_int_equal(known.options.connection_timeout_ms, 0x55555555);
    assert_int_equal(known.meta.size, meta_known);
    assert_int_equal(known.meta.delta, 1);
    for (size_t i = meta_known; i < sizeof known.meta; i++) {
        assert_int_equal(((unsigned char *)&known.meta)[i], 0x55);
    }
}

static void a_program_for_a_newer_library_is_refused_in_words(void **state)
{
    (void)state;
    struct {
        emc_options options;
        char later[16];
    } newer;
    emc_options validated;
    emc_error error;
    memset(&newer, 0x55, sizeof newer);
    emc_options_init_sized(&newer.options, sizeof newer);
    for (size_t i = 0; i < sizeof newer.later; i++) {
        assert_int_equal(newer.later[i], 0);
    }
    assert_int_equal(emc__options_validate(&newer.options, &validated, &error), EMC_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "newer library"));
}

static void strings_become_copies(void **state)
{
    (void)state;
    char user[] = "user", password[] = "secret";
    struct emc__owned_strings strings, credentials;
    emc_options o = emc_options_default();
    o.username = user;
    o.password = password;
    char prefix[] = "app:";
    o.key_prefix = prefix;
    assert_int_equal(emc__options_own_strings(&o, &emc__allocator_standard, &strings), EMC_OK);
    assert_int_equal(emc__options_own_credentials(&o, &emc__allocator_standard, &credentials), EMC_OK);
    memset(prefix, 'x', 4);
    memset(user, 'x', 4);
    memset(password, 'x', 6);
    assert_string_equal(o.username, "user");
    assert_string_equal(o.password, "secret");
    assert_string_equal(o.key_prefix, "app:");
    emc__owned_strings_wipe(&strings, &emc__allocator_standard);
    emc__owned_strings_wipe(&credentials, &emc__allocator_standard);
    emc__owned_strings_wipe(&credentials, &emc__allocator_standard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_those_documented),
        cmocka_unit_test(a_number_outside_its_range_is_refused_by_name),
        cmocka_unit_test(no_limit_and_a_minimum_of_zero_are_legal),
        cmocka_unit_test(credentials_go_together_and_have_no_line_breaks),
        cmocka_unit_test(the_words_never_hold_a_credential),
        cmocka_unit_test(other_pairs_go_together),
        cmocka_unit_test(what_belongs_to_something_that_is_off_is_refused),
        cmocka_unit_test(an_older_program_leaves_later_fields_at_their_defaults),
        cmocka_unit_test(an_older_programs_structure_is_filled_as_far_as_it_goes),
        cmocka_unit_test(a_program_for_a_newer_library_is_refused_in_words),
        cmocka_unit_test(strings_become_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
