/* The meta commands with every flag, typed, and the patterns built on them, against a real server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <emcache.h>

#include "scripted_server.h"
#include "servers.h"
#include "session.h"

static struct server server;
static emc_client *client;
static emc_item item;
static emc_meta_reply reply;

static int start(void **state)
{
    (void)state;
    server_start(&server, NULL);
    return 0;
}

static int stop_all(void **state)
{
    (void)state;
    server_kill(&server);
    return 0;
}

static int open_session(void **state)
{
    (void)state;
    client = open_client(&server, 1, NULL);
    assert_int_equal(emc_flush_all(client, &server.address, 0, NULL), EMC_OK);
    return 0;
}

static int close_session(void **state)
{
    (void)state;
    emc_item_release(&item);
    emc_client_destroy(client);
    return 0;
}

static emc_meta_options defaults(void)
{
    emc_meta_options options;
    emc_meta_options_init(&options);
    return options;
}

static emc_status get(const char *key, const emc_meta_options *options)
{
    emc_item_release(&item);
    return emc_meta_get(client, key, strlen(key), options, &item, &reply, NULL);
}

static void set_text(const char *key, const char *value, int64_t exptime)
{
    assert_int_equal(emc_set(client, key, strlen(key), value, strlen(value), exptime, 7, NULL), EMC_OK);
}

static uint64_t cas_of(const char *key)
{
    emc_meta_options options = defaults();
    options.want = EMC_META_CAS;
    assert_int_equal(get(key, &options), EMC_OK);
    return reply.cas;
}

static void expect_text(const char *key, const char *value)
{
    emc_meta_options options = defaults();
    options.want = EMC_META_VALUE;
    assert_int_equal(get(key, &options), EMC_OK);
    assert_string_equal(item.value, value);
}

/* ------------------------------------------------------------------ mg */

static void get_gives_every_field_that_is_asked_for(void **state)
{
    (void)state;
    emc_meta_options options = defaults();
    set_text("k", "value", 100);
    options.want = EMC_META_VALUE | EMC_META_FLAGS | EMC_META_CAS | EMC_META_TTL | EMC_META_SIZE | EMC_META_HIT_BEFORE |
                   EMC_META_LAST_ACCESS | EMC_META_KEY;
    options.opaque = "label-1";
    assert_int_equal(get("k", &options), EMC_OK);
    assert_int_equal(reply.present, options.want);
    assert_string_equal(item.value, "value");
    assert_int_equal(item.value_length, 5);
    assert_true(reply.flags == 7 && reply.cas > 0 && reply.size == 5);
    assert_in_range(reply.ttl, 98, 100);
    assert_false(reply.hit_before);
    assert_in_range(reply.last_access_s, 0, 2);
    assert_string_equal(reply.opaque, "label-1");
    assert_false(reply.won || reply.stale || reply.already_won);
    assert_int_equal(get("k", &options), EMC_OK);
    assert_true(reply.hit_before);
}

static void get_without_a_wish_tells_only_that_the_key_is_there(void **state)
{
    (void)state;
    set_text("k", "v", 0);
    assert_int_equal(get("k", NULL), EMC_OK);
    assert_int_equal(reply.present, 0);
    assert_null(item.value);
    assert_int_equal(get("none", NULL), EMC_MISS);
}

static void get_sets_the_time_to_live_and_tells_it(void **state)
{
    (void)state;
    emc_meta_options options = defaults();
    set_text("k", "v", 0);
    options.want = EMC_META_TTL;
    assert_int_equal(get("k", &options), EMC_OK);
    assert_true(reply.ttl == -1);
    options.ttl = 50;
    assert_int_equal(get("k", &options), EMC_OK);
    assert_in_range(reply.ttl, 48, 50);
}

static void get_that_does_not_bump_leaves_no_trace(void **state)
{
    (void)state;
    emc_meta_options options = defaults();
    set_text("k", "v", 0);
    options.want = EMC_META_HIT_BEFORE;
    options.modes = EMC_META_NO_BUMP;
    assert_int_equal(get("k", &options), EMC_OK);
    assert_int_equal(get("k", &options), EMC_OK);
    assert_false(reply.hit_before);
}

static void get_vivifies_and_one_caller_wins(void **state)
{
    (void)state;
    emc_meta_options options = defaults();
    options.want = EMC_META_VALUE | EMC_META_CAS;
    options.vivify_ttl = 30;
    assert_int_equal(get("k", &options), EMC_MISS);
    assert_true(reply.won && !reply.already_won && reply.cas > 0);
    assert_int_equal(get("k", &options), EMC_MISS);
    assert_true(!reply.won && reply.already_won);
}

static void get_wins_early_when_little_time_is_left(void **state)
{
    (void)state;
    emc_meta_options options = defaults();
    set_text("k", "v", 20);
    options.want = EMC_META_VALUE;
    options.recache_below = 30;
    assert_int_equal(get("k", &options), EMC_OK);
    assert_true(reply.won);
    assert_string_equal(item.value, "v");
    assert_int_equal(get("k", &options), EMC_OK);
    assert_true(!reply.won && reply.already_won);
}

static void quiet_hides_nothing_from_the_caller(void **state)
{
    (void)state;
    emc_meta_options options = defaults();
    options.want = EMC_META_VALUE;
    options.modes = EMC_META_QUIET;
    assert_int_equal(get("none", &options), EMC_MISS);
    set_text("k", "v", 0);
    assert_int_equal(get("k", &options), EMC_OK);
    assert_string_equal(item.value, "v");
    options.want = 0;
    assert_int_equal(emc_meta_set(client, EMC_STR("q"), EMC_STR("w"), &options, &reply, NULL), EMC_OK);
    options.mode = EMC_META_MODE_ADD;
    assert_int_equal(emc_meta_set(client, EMC_STR("q"), EMC_STR("x"), &options, &reply, NULL), EMC_NOT_STORED);
    options.mode = EMC_META_MODE_SET;
    assert_int_equal(emc_meta_delete(client, EMC_STR("none"), &options, &reply, NULL), EMC_MISS);
    assert_int_equal(emc_meta_delete(client, EMC_STR("q"), &options, &reply, NULL), EMC_OK);
    set_text("n", "1", 0);
    assert_int_equal(emc_meta_arithmetic(client, EMC_STR("n"), &options, NULL, &reply, NULL), EMC_OK);
    expect_text("n", "2");
}

/* memcached 1.6.38 knows the b of `me`; 1.6.45 looks for the text in base64 and misses. */
static bool me_may_ignore_b(void)
{
    char version[EMC_VERSION_TEXT_SIZE];
    unsigned patch = 0;
    assert_int_equal(emc_version(client, &server.address, version, NULL), EMC_OK);
    return sscanf(version, "1.6.%u", &patch) == 1 && patch > 38;
}

static void a_binary_key_may_have_any_bytes(void **state)
{
    (void)state;
    static const char key[] = "a b\r\n\0\xff";
    emc_meta_options options = defaults();
    emc_meta_options wish = defaults();
    char longest[186];
    options.modes = wish.modes = EMC_META_BINARY_KEY;
    wish.want = EMC_META_VALUE | EMC_META_KEY;
    assert_int_equal(emc_meta_set(client, key, sizeof key, EMC_STR("v"), &options, NULL, NULL), EMC_OK);
    assert_int_equal(emc_meta_get(client, key, sizeof key, &wish, &item, &reply, NULL), EMC_OK);
    assert_string_equal(item.value, "v");
    assert_true((reply.present & EMC_META_KEY) != 0);
    assert_int_equal(emc_meta_delete(client, key, sizeof key, &options, NULL, NULL), EMC_OK);
    memset(longest, 0x80, sizeof longest);
    assert_int_equal(emc_meta_set(client, key, sizeof key, EMC_STR("v"), &options, NULL, NULL), EMC_OK);
    char text[256] = "";
    if (emc_meta_debug(client, key, sizeof key, text, sizeof text, NULL) == EMC_OK) {
        assert_non_null(strstr(text, "exp=-1"));
    } else {
        assert_true(me_may_ignore_b());
    }
    assert_int_equal(emc_meta_set(client, longest, sizeof longest, EMC_STR("v"), &options, NULL, NULL), EMC_OK);
    assert_int_equal(emc_meta_set(client, longest, 187, EMC_STR("v"), &options, NULL, NULL), EMC_ERROR_KEY);
}

/* ------------------------------------------------------------------ ms */

static void set_has_its_five_modes(void **state)
{
    (void)state;
    emc_meta_options options = defaults();
    options.mode = EMC_META_MODE_REPLACE;
    assert_int_equal(emc_meta_set(client, EMC_STR("k"), EMC_STR("r"), &options, NULL, NULL), EMC_NOT_STORED);
    options.mode = EMC_META_MODE_ADD;
    assert_int_equal(emc_meta_set(client, EMC_STR("k"), EMC_STR("b"), &options, NULL, NULL), EMC_OK);
    assert_int_equal(emc_meta_set(client, EMC_STR("k"), EMC_STR("b"), &options, NULL, NULL), EMC_NOT_STORED);
    options.mode = EMC_META_MODE_APPEND;
    assert_int_equal(emc_meta_set(client, EMC_STR("k"), EMC_STR("c"), &options, NULL, NULL), EMC_OK);
    options.mode = EMC_META_MODE_PREPEND;
    assert_int_equal(emc_meta_set(client, EMC_STR("k"), EMC_STR("a"), &options, NULL, NULL), EMC_OK);
    expect_text("k", "abc");
    options.mode = EMC_META_MODE_SET;
    assert_int_equal(emc_meta_set(client, EMC_STR("k"), "", 0, &options, NULL, NULL), EMC_OK);
    expect_text("k", "");
}

static void set_keeps_flags_and_time_and_gives_key_opaque_and_cas(void **state)
{
    (void)state;
    emc_meta_options options = defaults();
    options.flags = 4294967295u;
    options.ttl = 60;
    options.want = EMC_META_CAS | EMC_META_KEY;
    options.opaque = "o";
    assert_int_equal(emc_meta_set(client, EMC_STR("k"), EMC_STR("v"), &options, &reply, NULL), EMC_OK);
    assert_string_equal(reply.opaque, "o");
    assert_int_equal(reply.present, EMC_META_CAS | EMC_META_KEY);
    uint64_t cas = reply.cas;
    assert_true(cas > 0);
    options = defaults();
    options.want = EMC_META_FLAGS | EMC_META_TTL | EMC_META_CAS;
    assert_int_equal(get("k", &options), EMC_OK);
    assert_true(reply.flags == 4294967295u && reply.cas == cas);
    assert_in_range(reply.ttl, 58, 60);
}

static void set_compares_the_cas_value(void **state)
{
    (void)state;
    emc_meta_options options = defaults();
    set_text("k", "old", 0);
    options.cas = cas_of("k");
    assert_int_equal(emc_meta_set(client, EMC_STR("k"), EMC_STR("new"), &options, NULL, NULL), EMC_OK);
    assert_int_equal(emc_meta_set(client, EMC_STR("k"), EMC_STR("late"), &options, NULL, NULL), EMC_EXISTS);
    assert_int_equal(emc_meta_set(client, EMC_STR("none"), EMC_STR("v"), &options, NULL, NULL), EMC_MISS);
    options.modes = EMC_META_INVALIDATE; /* an older cas value stores, as stale */
    assert_int_equal(emc_meta_set(client, EMC_STR("k"), EMC_STR("stale"), &options, NULL, NULL), EMC_OK);
    options = defaults();
    options.want = EMC_META_VALUE;
    assert_int_equal(get("k", &options), EMC_OK);
    assert_true(reply.stale && reply.won);
    assert_string_equal(item.value, "stale");
}

static void a_large_value_goes_and_comes_by_meta(void **state)
{
    (void)state;
    size_t length = 700000;
    char *value = malloc(length);
    emc_meta_options options = defaults();
    memset(value, 'm', length);
    options.want = EMC_META_VALUE | EMC_META_SIZE | EMC_META_FLAGS;
    assert_int_equal(emc_meta_set(client, EMC_STR("big"), value, length, NULL, NULL, NULL), EMC_OK);
    assert_int_equal(get("big", &options), EMC_OK);
    assert_int_equal(item.value_length, length);
    assert_memory_equal(item.value, value, length);
    assert_true(reply.size == length);
    free(value);
}

/* ------------------------------------------------------------------ md, ma, mn, me */

static void delete_deletes_compares_or_marks_stale(void **state)
{
    (void)state;
    emc_meta_options options = defaults();
    set_text("k", "v", 0);
    options.cas = cas_of("k") + 1;
    options.opaque = "d";
    assert_int_equal(emc_meta_delete(client, EMC_STR("k"), &options, &reply, NULL), EMC_EXISTS);
    assert_string_equal(reply.opaque, "d");
    options = defaults();
    options.modes = EMC_META_INVALIDATE;
    options.ttl = 30;
    options.want = EMC_META_KEY;
    assert_int_equal(emc_meta_delete(client, EMC_STR("k"), &options, &reply, NULL), EMC_OK);
    options = defaults();
    options.want = EMC_META_VALUE | EMC_META_TTL;
    assert_int_equal(get("k", &options), EMC_OK);
    assert_true(reply.won && reply.stale);
    assert_in_range(reply.ttl, 28, 30);
    assert_int_equal(get("k", &options), EMC_OK);
    assert_true(reply.already_won && reply.stale && !reply.won);
    assert_int_equal(emc_meta_delete(client, EMC_STR("k"), NULL, NULL, NULL), EMC_OK);
    assert_int_equal(emc_meta_delete(client, EMC_STR("k"), NULL, NULL, NULL), EMC_MISS);
}

static void arithmetic_has_delta_initial_value_mode_and_time(void **state)
{
    (void)state;
    emc_meta_options options = defaults();
    uint64_t number = 0;
    options.want = EMC_META_VALUE | EMC_META_TTL | EMC_META_CAS;
    assert_int_equal(emc_meta_arithmetic(client, EMC_STR("n"), &options, &number, &reply, NULL), EMC_MISS);
    options.vivify_ttl = 90;
    options.initial = 100;
    options.delta = 5;
    options.opaque = "a";
    assert_int_equal(emc_meta_arithmetic(client, EMC_STR("n"), &options, &number, &reply, NULL), EMC_OK);
    assert_true(number == 100);
    assert_string_equal(reply.opaque, "a");
    assert_in_range(reply.ttl, 88, 90);
    assert_int_equal(emc_meta_arithmetic(client, EMC_STR("n"), &options, &number, &reply, NULL), EMC_OK);
    assert_true(number == 105);
    uint64_t cas = reply.cas;
    options = defaults();
    options.want = EMC_META_VALUE | EMC_META_TTL;
    options.decrement = true;
    options.delta = 200;
    options.cas = cas;
    options.ttl = 40;
    assert_int_equal(emc_meta_arithmetic(client, EMC_STR("n"), &options, &number, &reply, NULL), EMC_OK);
    assert_true(number == 0);
    assert_in_range(reply.ttl, 38, 40);
    assert_int_equal(emc_meta_arithmetic(client, EMC_STR("n"), &options, &number, &reply, NULL), EMC_EXISTS);
    set_text("w", "words", 0);
    assert_int_equal(emc_meta_arithmetic(client, EMC_STR("w"), NULL, &number, &reply, NULL), EMC_ERROR_CLIENT);
    expect_text("w", "words");
}

static void noop_answers_and_debug_describes(void **state)
{
    (void)state;
    char text[256] = "";
    assert_int_equal(emc_meta_noop(client, &server.address, NULL), EMC_OK);
    set_text("k", "v", 0);
    assert_int_equal(emc_meta_debug(client, EMC_STR("k"), text, sizeof text, NULL), EMC_OK);
    assert_non_null(strstr(text, "exp=-1"));
    assert_non_null(strstr(text, "fetch=no"));
    assert_int_equal(emc_meta_debug(client, EMC_STR("none"), text, sizeof text, NULL), EMC_MISS);
}

/* ------------------------------------------------------------------ what the server or the command does not have */

static void a_flag_that_the_server_is_too_old_for_names_the_version_needed(void **state)
{
    (void)state;
    char version[EMC_VERSION_TEXT_SIZE];
    assert_int_equal(emc_version(client, &server.address, version, NULL), EMC_OK);
    if (strcmp(version, "1.6.18") != 0) {
        skip(); /* the answers of scripted servers are in the next test */
    }
    emc_meta_options options = defaults();
    options.modes = EMC_META_DROP_VALUE;
    assert_int_equal(emc_meta_delete(client, EMC_STR("k"), &options, NULL, NULL), EMC_ERROR_UNSUPPORTED);
    assert_non_null(strstr(emc_client_error_message(client), "1.6.27"));
    options = defaults();
    options.cas = 9;
    assert_int_equal(get("k", &options), EMC_ERROR_UNSUPPORTED);
    assert_non_null(strstr(emc_client_error_message(client), "1.6.40"));
    options = defaults();
    options.want = EMC_META_SIZE;
    assert_int_equal(emc_meta_set(client, EMC_STR("k"), EMC_STR("v"), &options, NULL, NULL), EMC_ERROR_UNSUPPORTED);
    assert_non_null(strstr(emc_client_error_message(client), "1.6.20"));
    assert_int_equal(emc_meta_noop(client, &server.address, NULL), EMC_OK);
}

static void an_old_server_is_never_sent_a_meta_command(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT,
        EXPECT("version\r\n"),
        SEND("VERSION 1.5.22\r\n"),
        EXPECT("get l\r\n"),
        SEND("VALUE l 0 1\r\nL\r\nEND\r\n"),
    };
    struct scripted_server *old = scripted_server_start(steps, STEPS(steps));
    emc_client *other = open_client_at(scripted_server_address(old), NULL);
    emc_item fetched = {0};
    assert_int_equal(emc_meta_get(other, EMC_STR("k"), NULL, NULL, NULL, NULL), EMC_ERROR_UNSUPPORTED);
    assert_non_null(strstr(emc_client_error_message(other), "1.6.10"));
    assert_non_null(strstr(emc_client_error_message(other), "1.5.22"));
    assert_int_equal(emc_get(other, EMC_STR("l"), &fetched, NULL), EMC_OK);
    emc_item_release(&fetched);
    scripted_server_end(old);
    emc_client_destroy(other);
}

static void a_newer_server_is_sent_the_newer_flags(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT,
        EXPECT("version\r\n"),
        SEND("VERSION 1.6.45\r\n"),
        EXPECT("md k x E99\r\n"),
        SEND("HD\r\n"),
        EXPECT("mg k C5\r\n"),
        SEND("EX\r\n"),
        EXPECT("ms k 1 s\r\nv\r\n"),
        SEND("HD s1\r\n"),
        EXPECT("ms k 1 N30 MA\r\nv\r\n"),
        SEND("HD\r\n"),
    };
    struct scripted_server *newer = scripted_server_start(steps, STEPS(steps));
    emc_client *other = open_client_at(scripted_server_address(newer), NULL);
    emc_meta_options options = defaults();
    options.modes = EMC_META_DROP_VALUE;
    options.new_cas = 99;
    assert_int_equal(emc_meta_delete(other, EMC_STR("k"), &options, NULL, NULL), EMC_OK);
    options = defaults();
    options.cas = 5;
    assert_int_equal(emc_meta_get(other, EMC_STR("k"), &options, NULL, NULL, NULL), EMC_EXISTS);
    options = defaults();
    options.want = EMC_META_SIZE;
    assert_int_equal(emc_meta_set(other, EMC_STR("k"), EMC_STR("v"), &options, &reply, NULL), EMC_OK);
    assert_true(reply.size == 1);
    options = defaults();
    options.mode = EMC_META_MODE_APPEND;
    options.vivify_ttl = 30;
    assert_int_equal(emc_meta_set(other, EMC_STR("k"), EMC_STR("v"), &options, NULL, NULL), EMC_OK);
    scripted_server_end(newer);
    emc_client_destroy(other);
}

static void an_option_that_does_not_go_with_the_command_is_refused(void **state)
{
    (void)state;
    emc_meta_options options = defaults();
    options.want = EMC_META_VALUE;
    assert_int_equal(emc_meta_delete(client, EMC_STR("k"), &options, NULL, NULL), EMC_ERROR_ARGUMENT);
    options = defaults();
    options.recache_below = 5;
    assert_int_equal(emc_meta_set(client, EMC_STR("k"), EMC_STR("v"), &options, NULL, NULL), EMC_ERROR_ARGUMENT);
    options = defaults();
    options.opaque = "has space";
    assert_int_equal(get("k", &options), EMC_ERROR_ARGUMENT);
    options = defaults();
    options.ttl = INT64_C(4294967396);
    assert_int_equal(get("k", &options), EMC_ERROR_ARGUMENT);
}

/* ------------------------------------------------------------------ patterns */

static emc_status fetch(emc_client *by, uint32_t recache_below_s, uint32_t wait_ms, emc_lease *lease)
{
    emc_item_release(&item);
    return emc_fetch(by, EMC_STR("p"), 30, recache_below_s, wait_ms, &item, lease, NULL);
}

/* The fields that a program knows are those that its structure's size says. */
static void options_of_an_older_program_are_taken_of_a_newer_one_refused(void **state)
{
    (void)state;
    emc_meta_options options = defaults();
    set_text("k", "v", 0);
    options.want = EMC_META_VALUE;
    options.size = offsetof(emc_meta_options, opaque);
    options.opaque = "this program does not have the field; what lies there is something else";
    assert_int_equal(get("k", &options), EMC_OK);
    assert_memory_equal(item.value, "v", 1);
    options.size = sizeof options + 8;
    assert_int_equal(get("k", &options), EMC_ERROR_ARGUMENT);
    assert_non_null(strstr(emc_client_error_message(client), "newer library"));
}

static void one_caller_loads_and_the_others_get_what_it_loaded(void **state)
{
    (void)state;
    emc_lease winner, other;
    emc_client *second = open_client(&server, 1, NULL);
    assert_int_equal(fetch(client, 0, 0, &winner), EMC_MISS);
    assert_true(winner.won);
    assert_int_equal(fetch(second, 0, 0, &other), EMC_MISS);
    assert_false(other.won);
    assert_int_equal(emc_fill(second, EMC_STR("p"), EMC_STR("v"), 60, 3, &other, NULL), EMC_ERROR_ARGUMENT);
    assert_int_equal(emc_fill(client, EMC_STR("p"), EMC_STR("loaded"), 60, 3, &winner, NULL), EMC_OK);
    assert_int_equal(fetch(second, 0, 0, &other), EMC_OK);
    assert_string_equal(item.value, "loaded");
    assert_true(item.flags == 3);
    emc_client_destroy(second);
}

static void fill_when_done(void *user_data, const emc_result *result)
{
    (void)result;
    *(bool *)user_data = true;
}

static void a_caller_waits_for_the_winner(void **state)
{
    (void)state;
    emc_lease winner, other;
    bool filled = false;
    emc_call call = {.callback = fill_when_done, .user_data = &filled};
    assert_int_equal(fetch(client, 0, 0, &winner), EMC_MISS);
    /* The winner's fill leaves with the first pass of the one that waits. */
    assert_int_equal(emc_fill_async(client, EMC_STR("p"), EMC_STR("late"), 60, 0, &winner, &call), EMC_OK);
    assert_int_equal(fetch(client, 0, PATIENCE_MS, &other), EMC_OK);
    assert_string_equal(item.value, "late");
    assert_true(filled);
    assert_int_equal(emc_delete(client, EMC_STR("p"), NULL), EMC_OK);
    assert_int_equal(fetch(client, 0, 0, &winner), EMC_MISS);
    uint64_t before = clock_ms();
    assert_int_equal(fetch(client, 0, 60, &other), EMC_MISS); /* nobody fills */
    assert_false(other.won);
    assert_in_range(clock_ms() - before, 55, PATIENCE_MS);
}

static void a_lease_given_up_is_won_by_the_next(void **state)
{
    (void)state;
    emc_lease first, second;
    assert_int_equal(fetch(client, 0, 0, &first), EMC_MISS);
    assert_int_equal(emc_give_up(client, EMC_STR("p"), &first, NULL), EMC_OK);
    assert_int_equal(fetch(client, 0, 0, &second), EMC_MISS);
    assert_true(second.won);
    assert_int_equal(emc_fill(client, EMC_STR("p"), EMC_STR("v"), 60, 0, &first, NULL), EMC_EXISTS);
    assert_int_equal(emc_delete(client, EMC_STR("p"), NULL), EMC_OK);
    assert_int_equal(emc_fill(client, EMC_STR("p"), EMC_STR("v"), 60, 0, &second, NULL), EMC_MISS);
}

static void a_stale_value_is_served_while_one_caller_loads(void **state)
{
    (void)state;
    emc_lease first, second;
    set_text("p", "old", 100);
    assert_int_equal(emc_invalidate(client, EMC_STR("p"), 30, NULL), EMC_OK);
    assert_int_equal(fetch(client, 0, 0, &first), EMC_OK);
    assert_true(first.won && first.stale);
    assert_string_equal(item.value, "old");
    assert_int_equal(fetch(client, 0, 0, &second), EMC_OK);
    assert_true(!second.won && second.stale);
    assert_string_equal(item.value, "old");
    assert_int_equal(emc_fill(client, EMC_STR("p"), EMC_STR("new"), 100, 0, &first, NULL), EMC_OK);
    assert_int_equal(fetch(client, 0, 0, &second), EMC_OK);
    assert_true(!second.won && !second.stale);
    assert_string_equal(item.value, "new");
    assert_int_equal(emc_invalidate(client, EMC_STR("none"), 30, NULL), EMC_MISS);
}

static void a_value_is_loaded_anew_before_it_expires(void **state)
{
    (void)state;
    emc_lease first, second;
    set_text("p", "old", 20);
    assert_int_equal(fetch(client, 10, 0, &first), EMC_OK);
    assert_false(first.won);
    assert_int_equal(fetch(client, 25, 0, &first), EMC_OK);
    assert_true(first.won);
    assert_int_equal(fetch(client, 25, 0, &second), EMC_OK);
    assert_false(second.won);
    assert_string_equal(item.value, "old");
    assert_int_equal(emc_fill(client, EMC_STR("p"), EMC_STR("new"), 100, 0, &first, NULL), EMC_OK);
}

static void counting_begins_by_itself(void **state)
{
    (void)state;
    uint64_t number = 0;
    assert_int_equal(emc_count(client, EMC_STR("c"), 1, 10, 60, &number, NULL), EMC_OK);
    assert_true(number == 10);
    assert_int_equal(emc_count(client, EMC_STR("c"), 5, 10, 60, &number, NULL), EMC_OK);
    assert_true(number == 15);
    assert_int_equal(emc_count(client, EMC_STR("c"), -20, 10, 60, &number, NULL), EMC_OK);
    assert_true(number == 0);
}

int main(void)
{
#define META_TEST(name) cmocka_unit_test_setup_teardown(name, open_session, close_session)
    const struct CMUnitTest tests[] = {
        META_TEST(get_gives_every_field_that_is_asked_for),
        META_TEST(get_without_a_wish_tells_only_that_the_key_is_there),
        META_TEST(get_sets_the_time_to_live_and_tells_it),
        META_TEST(get_that_does_not_bump_leaves_no_trace),
        META_TEST(get_vivifies_and_one_caller_wins),
        META_TEST(get_wins_early_when_little_time_is_left),
        META_TEST(quiet_hides_nothing_from_the_caller),
        META_TEST(a_binary_key_may_have_any_bytes),
        META_TEST(set_has_its_five_modes),
        META_TEST(set_keeps_flags_and_time_and_gives_key_opaque_and_cas),
        META_TEST(set_compares_the_cas_value),
        META_TEST(a_large_value_goes_and_comes_by_meta),
        META_TEST(delete_deletes_compares_or_marks_stale),
        META_TEST(arithmetic_has_delta_initial_value_mode_and_time),
        META_TEST(noop_answers_and_debug_describes),
        META_TEST(a_flag_that_the_server_is_too_old_for_names_the_version_needed),
        META_TEST(an_old_server_is_never_sent_a_meta_command),
        META_TEST(a_newer_server_is_sent_the_newer_flags),
        META_TEST(an_option_that_does_not_go_with_the_command_is_refused),
        META_TEST(options_of_an_older_program_are_taken_of_a_newer_one_refused),
        META_TEST(one_caller_loads_and_the_others_get_what_it_loaded),
        META_TEST(a_caller_waits_for_the_winner),
        META_TEST(a_lease_given_up_is_won_by_the_next),
        META_TEST(a_stale_value_is_served_while_one_caller_loads),
        META_TEST(a_value_is_loaded_anew_before_it_expires),
        META_TEST(counting_begins_by_itself),
    };
    return cmocka_run_group_tests(tests, start, stop_all);
}
