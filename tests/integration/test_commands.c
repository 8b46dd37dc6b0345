/* Every command, blocking and asynchronous, against three real servers, over each way to reach them (flavour.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <emcache.h>

#include "flavour.h"
#include "servers.h"
#include "session.h"

static struct server servers[3];
static emc_client *client;

static int start_servers(void **state)
{
    (void)state;
    struct server_settings settings = flavour_settings();
    for (size_t i = 0; i < 3; i++) {
        server_start(&servers[i], &settings);
    }
    return 0;
}

static int stop_servers(void **state)
{
    (void)state;
    servers_kill(servers, 3);
    return 0;
}

/* A fresh client on empty servers. */
static int open_session(void **state)
{
    (void)state;
    emc_options options = flavour_options(patient_options());
    client = open_client(servers, 3, &options);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(emc_flush_all(client, &servers[i].address, 0, NULL), EMC_OK);
    }
    return 0;
}

static int close_session(void **state)
{
    (void)state;
    emc_client_destroy(client);
    client = NULL;
    return 0;
}

static void set_text(const char *key, const char *value)
{
    assert_int_equal(emc_set(client, key, strlen(key), value, strlen(value), 0, 0, NULL), EMC_OK);
}

static void expect_text(const char *key, const char *value)
{
    emc_item item = {0};
    assert_int_equal(emc_get(client, key, strlen(key), &item, NULL), EMC_OK);
    assert_int_equal(item.value_length, strlen(value));
    assert_string_equal(item.value, value);
    emc_item_release(&item);
    assert_null(item.value);
}

static uint64_t cas_of(const char *key)
{
    emc_item item = {0};
    assert_int_equal(emc_gets(client, key, strlen(key), &item, NULL), EMC_OK);
    uint64_t cas = item.cas;
    emc_item_release(&item);
    return cas;
}

/* What a command ends with that the binary protocol does not have. */
static emc_status text_only(emc_status status)
{
    return flavour_is_binary() ? EMC_ERROR_UNSUPPORTED : status;
}

static void expect_refusal_in_words(void)
{
    assert_true(!flavour_is_binary() || strstr(emc_client_error_message(client), "binary protocol") != NULL);
}

static void expect_miss(const char *key)
{
    emc_item item = {.status = EMC_OK, .value = (void *)1, .value_length = 77};
    assert_int_equal(emc_get(client, key, strlen(key), &item, NULL), EMC_MISS);
}

/* ------------------------------------------------------------------ blocking */

static void a_value_that_was_set_is_fetched(void **state)
{
    (void)state;
    emc_item item = {0};
    assert_int_equal(emc_set(client, EMC_STR("k"), EMC_STR("value"), 0, 4294967295u, NULL), EMC_OK);
    assert_int_equal(emc_get(client, EMC_STR("k"), &item, NULL), EMC_OK);
    assert_int_equal(item.status, EMC_OK);
    assert_string_equal(item.value, "value");
    assert_int_equal(item.value_length, 5);
    assert_true(item.flags == 4294967295u);
    emc_item_release(&item);
}

static void a_key_that_is_not_there_is_a_miss_and_no_error(void **state)
{
    (void)state;
    expect_miss("nothing");
    assert_int_equal(emc_delete(client, EMC_STR("nothing"), NULL), EMC_MISS);
    assert_int_equal(emc_touch(client, EMC_STR("nothing"), 10, NULL), EMC_MISS);
    assert_int_equal(emc_incr(client, EMC_STR("nothing"), 1, NULL, NULL), EMC_MISS);
    assert_int_equal(emc_decr(client, EMC_STR("nothing"), 1, NULL, NULL), EMC_MISS);
    assert_int_equal(emc_cas(client, EMC_STR("nothing"), EMC_STR("v"), 0, 0, 1, NULL), EMC_MISS);
}

static void add_stores_once_and_replace_only_what_is_there(void **state)
{
    (void)state;
    assert_int_equal(emc_replace(client, EMC_STR("k"), EMC_STR("r"), 0, 0, NULL), EMC_NOT_STORED);
    assert_int_equal(emc_add(client, EMC_STR("k"), EMC_STR("first"), 0, 0, NULL), EMC_OK);
    assert_int_equal(emc_add(client, EMC_STR("k"), EMC_STR("second"), 0, 0, NULL), EMC_NOT_STORED);
    expect_text("k", "first");
    assert_int_equal(emc_replace(client, EMC_STR("k"), EMC_STR("third"), 0, 0, NULL), EMC_OK);
    expect_text("k", "third");
}

static void append_and_prepend_grow_a_value(void **state)
{
    (void)state;
    assert_int_equal(emc_append(client, EMC_STR("k"), EMC_STR("x"), NULL), EMC_NOT_STORED);
    assert_int_equal(emc_prepend(client, EMC_STR("k"), EMC_STR("x"), NULL), EMC_NOT_STORED);
    set_text("k", "middle");
    assert_int_equal(emc_append(client, EMC_STR("k"), EMC_STR("-end"), NULL), EMC_OK);
    assert_int_equal(emc_prepend(client, EMC_STR("k"), EMC_STR("begin-"), NULL), EMC_OK);
    expect_text("k", "begin-middle-end");
}

static void cas_stores_only_what_nobody_changed(void **state)
{
    (void)state;
    set_text("k", "one");
    uint64_t cas = cas_of("k");
    assert_true(cas > 0);
    assert_int_equal(emc_cas(client, EMC_STR("k"), EMC_STR("two"), 0, 0, cas, NULL), EMC_OK);
    assert_int_equal(emc_cas(client, EMC_STR("k"), EMC_STR("three"), 0, 0, cas, NULL), EMC_EXISTS);
    expect_text("k", "two");
}

static void a_deleted_key_is_gone(void **state)
{
    (void)state;
    set_text("k", "v");
    assert_int_equal(emc_delete(client, EMC_STR("k"), NULL), EMC_OK);
    expect_miss("k");
}

static void numbers_count_up_and_down(void **state)
{
    (void)state;
    uint64_t number = 0;
    set_text("n", "10");
    assert_int_equal(emc_incr(client, EMC_STR("n"), 5, &number, NULL), EMC_OK);
    assert_true(number == 15);
    assert_int_equal(emc_decr(client, EMC_STR("n"), 20, &number, NULL), EMC_OK);
    assert_true(number == 0);
    set_text("n", "18446744073709551615");
    assert_int_equal(emc_incr(client, EMC_STR("n"), 2, &number, NULL), EMC_OK);
    assert_true(number == 1);
    assert_int_equal(emc_incr(client, EMC_STR("n"), UINT64_MAX, NULL, NULL), EMC_OK);
}

static void counting_on_words_is_the_servers_error_and_the_connection_stays(void **state)
{
    (void)state;
    uint64_t number = 7;
    set_text("k", "words");
    assert_int_equal(emc_incr(client, EMC_STR("k"), 1, &number, NULL), EMC_ERROR_CLIENT);
    assert_true(number == 7);
    assert_non_null(strstr(emc_client_error_message(client), "on-numeric"));
    expect_text("k", "words");
}

static void touch_and_gat_change_the_expiry(void **state)
{
    (void)state;
    emc_item item = {0};
    set_text("k", "v");
    assert_int_equal(emc_touch(client, EMC_STR("k"), 100, NULL), EMC_OK);
    expect_text("k", "v");
    assert_int_equal(emc_touch(client, EMC_STR("k"), -1, NULL), EMC_OK);
    expect_miss("k");
    set_text("k", "w");
    assert_int_equal(emc_gats(client, EMC_STR("k"), 100, &item, NULL), EMC_OK);
    assert_string_equal(item.value, "w");
    assert_true(item.cas > 0);
    emc_item_release(&item);
    assert_int_equal(emc_gat(client, EMC_STR("k"), -1, &item, NULL), EMC_OK);
    assert_string_equal(item.value, "w");
    emc_item_release(&item);
    expect_miss("k");
}

static void an_expiry_of_minus_one_is_legal_and_means_now(void **state)
{
    (void)state;
    assert_int_equal(emc_set(client, EMC_STR("k"), EMC_STR("v"), -1, 0, NULL), EMC_OK);
    expect_miss("k");
}

static void an_expiry_above_thirty_days_is_a_unix_time(void **state)
{
    (void)state;
    assert_int_equal(emc_set(client, EMC_STR("k"), EMC_STR("v"), 2592001, 0, NULL), EMC_OK);
    expect_miss("k");
    assert_int_equal(emc_set(client, EMC_STR("k"), EMC_STR("v"), 2147483647, 0, NULL), EMC_OK);
    expect_text("k", "v");
}

static void version_and_verbosity_ask_one_node(void **state)
{
    (void)state;
    char version[EMC_VERSION_TEXT_SIZE] = "";
    assert_int_equal(emc_version(client, &servers[1].address, version, NULL), EMC_OK);
    assert_true(version[0] >= '1' && version[0] <= '9');
    assert_int_equal(emc_verbosity(client, &servers[1].address, 0, NULL), text_only(EMC_OK));
    expect_refusal_in_words();
    emc_address stranger = emc_address_tcp("127.0.0.1", 1);
    assert_int_equal(emc_version(client, &stranger, version, NULL), EMC_ERROR_UNKNOWN_NODE);
}

static void count_line(void *user_data, const char *name, const char *value)
{
    unsigned *seen = user_data;
    seen[0]++;
    if (strcmp(name, "pid") == 0) {
        seen[1] = (unsigned)strtoul(value, NULL, 10);
    }
}

static void statistics_come_line_by_line(void **state)
{
    (void)state;
    unsigned seen[2] = {0, 0};
    assert_int_equal(emc_stats(client, &servers[2].address, NULL, count_line, seen, NULL), EMC_OK);
    assert_true(seen[0] > 30);
    assert_int_equal(seen[1], servers[2].pid);
    assert_int_equal(emc_stats(client, &servers[2].address, "settings", count_line, seen, NULL), EMC_OK);
    assert_int_equal(emc_stats(client, &servers[2].address, "no-such-thing", count_line, seen, NULL) < 0, true);
    assert_int_equal(emc_stats(client, &servers[2].address, NULL, NULL, NULL, NULL), EMC_OK); /* nobody hears */
    expect_miss("still-in-step");
}

static void an_administrators_command_is_answered_in_one_line(void **state)
{
    (void)state;
    const emc_address *node = &servers[0].address;
    static const char *const good[] = {"slabs automove 0",   "lru tune 10 25 0.1 2.0", "lru mode segmented",
                                       "lru temp_ttl 60",    "lru_crawler sleep 100",  "lru_crawler tocrawl 0",
                                       "lru_crawler disable"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        emc_status status = emc_administer(client, node, good[i], NULL);
        if (status != text_only(EMC_OK)) {
            fail_msg("%s: %s: %s", good[i], emc_status_name(status), emc_client_error_message(client));
        }
    }
    /* memcached refuses to enable the crawler while the thread that was told to end has not (measured): ERROR failed to start lru crawler thread. */
    emc_status enabled = EMC_ERROR_COMMAND;
    for (uint64_t end = clock_ms() + PATIENCE_MS; enabled == EMC_ERROR_COMMAND && clock_ms() < end;) {
        enabled = emc_administer(client, node, "lru_crawler enable", NULL);
    }
    assert_int_equal(enabled, text_only(EMC_OK));
    assert_int_equal(emc_administer(client, node, "slabs reassign 200 1", NULL), text_only(EMC_ERROR_CLIENT));
    assert_true(flavour_is_binary() || strstr(emc_client_error_message(client), "BADCLASS") != NULL);
    assert_true(emc_administer(client, node, "lru_crawler crawl all", NULL) == text_only(EMC_OK) ||
                emc_administer(client, node, "lru_crawler crawl all", NULL) == EMC_ERROR_BUSY);
    assert_int_equal(emc_administer(client, node, "flush_all", NULL), EMC_ERROR_ARGUMENT);
    assert_int_equal(emc_administer(client, node, "lru_crawler metadump all", NULL), EMC_ERROR_ARGUMENT);
    assert_int_equal(emc_administer(client, node, "slabs automove 0\r\nflush_all", NULL), EMC_ERROR_ARGUMENT);
    expect_miss("still-in-step");
}

static void a_flush_with_delay_comes_later(void **state)
{
    (void)state;
    set_text("k", "v");
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(emc_flush_all(client, &servers[i].address, 2, NULL), EMC_OK);
    }
    expect_text("k", "v");
    emc_item item = {0};
    emc_status status = EMC_OK;
    for (uint64_t end = clock_ms() + PATIENCE_MS; status == EMC_OK && clock_ms() < end;) {
        run_for(client, 100);
        status = emc_get(client, EMC_STR("k"), &item, NULL);
        emc_item_release(&item);
    }
    assert_int_equal(status, EMC_MISS);
    assert_int_equal(emc_flush_all(client, &servers[0].address, 2592001, NULL), EMC_ERROR_ARGUMENT);
}

static void a_quit_closes_one_connection_and_the_next_command_finds_another(void **state)
{
    (void)state;
    emc_pool_metrics before, after;
    emc_cluster_management *view = emc_client_cluster_management(client);
    struct outcome stored, quit, fetched;
    emc_call a = keep(&stored), b = keep(&quit), c = keep(&fetched);
    emc_node_list *list = NULL;
    assert_int_equal(emc_cluster_node_for_key(view, EMC_STR("k"), &list), EMC_OK);
    assert_int_equal(emc_cluster_connection_pool_metrics(view, &list->nodes[0], &before), EMC_OK);
    assert_int_equal(emc_set_async(client, EMC_STR("k"), EMC_STR("v"), 0, 0, &a), EMC_OK);
    assert_int_equal(emc_quit_async(client, &list->nodes[0], &b), EMC_OK);
    assert_int_equal(emc_get_async(client, EMC_STR("k"), &c), EMC_OK);
    await(client, &stored);
    await(client, &quit);
    await(client, &fetched);
    assert_int_equal(stored.status, EMC_OK);
    assert_int_equal(quit.status, EMC_OK);
    assert_int_equal(fetched.status, EMC_OK);
    assert_string_equal(fetched.value, "v");
    assert_int_equal(emc_quit(client, &list->nodes[0], NULL), EMC_OK);
    expect_text("k", "v");
    assert_int_equal(emc_cluster_connection_pool_metrics(view, &list->nodes[0], &after), EMC_OK);
    assert_int_equal(after.connections_closed, before.connections_closed + 2);
    assert_int_equal(after.operations_with_error, before.operations_with_error);
    emc_node_list_destroy(list);
}

static void a_memory_limit_is_set_or_refused(void **state)
{
    (void)state;
    assert_int_equal(emc_cache_memlimit(client, &servers[0].address, 64, NULL), text_only(EMC_OK));
    assert_int_equal(emc_cache_memlimit(client, &servers[0].address, 1, NULL) < 0, true);
    expect_miss("still-in-step");
}

static void flush_all_empties_one_node_alone(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        char key[16];
        snprintf(key, sizeof key, "key-%d", i);
        set_text(key, "v");
    }
    emc_cluster_management *view = emc_client_cluster_management(client);
    assert_int_equal(emc_flush_all(client, &servers[0].address, 0, NULL), EMC_OK);
    unsigned gone = 0;
    for (int i = 0; i < 100; i++) {
        char key[16];
        int length = snprintf(key, sizeof key, "key-%d", i);
        emc_node_list *list = NULL;
        emc_item item = {0};
        assert_int_equal(emc_cluster_node_for_key(view, key, (size_t)length, &list), EMC_OK);
        bool first = emc_address_equal(&list->nodes[0], &servers[0].address);
        assert_int_equal(emc_get(client, key, (size_t)length, &item, NULL), first ? EMC_MISS : EMC_OK);
        gone += first;
        emc_item_release(&item);
        emc_node_list_destroy(list);
    }
    assert_in_range(gone, 5, 90);
}

static void collect_key(void *user_data, const void *key, size_t key_length, const char *line, size_t line_length)
{
    unsigned *seen = user_data;
    assert_non_null(line);
    assert_true(line_length > 0);
    *seen += key_length == 9 && memcmp(key, "dump-key-", 8) == 0;
}

static void a_nodes_keys_are_listed(void **state)
{
    (void)state;
    unsigned seen = 0;
    for (char i = '0'; i <= '9'; i++) {
        char key[] = "dump-key?";
        key[8] = i;
        set_text(key, "v");
    }
    for (size_t i = 0; i < 3; i++) {
        emc_status status = EMC_ERROR_BUSY; /* memcached's own crawler may be under way */
        for (uint64_t end = clock_ms() + PATIENCE_MS; status == EMC_ERROR_BUSY && clock_ms() < end;) {
            status = emc_dump_keys(client, &servers[i].address, EMC_DUMP_META, collect_key, &seen, NULL);
        }
        assert_int_equal(status, text_only(EMC_OK));
    }
    assert_int_equal(seen, flavour_is_binary() ? 0 : 10);
}

static void noreply_takes_effect_and_answers_nothing(void **state)
{
    (void)state;
    emc_call quietly = {.options = EMC_CALL_NOREPLY};
    assert_int_equal(emc_set(client, EMC_STR("k"), EMC_STR("41"), 0, 0, &quietly), EMC_OK);
    assert_int_equal(emc_incr(client, EMC_STR("k"), 1, NULL, &quietly), EMC_OK);
    expect_text("k", "42");
    assert_int_equal(emc_delete(client, EMC_STR("k"), &quietly), EMC_OK);
    expect_miss("k");
}

/* ------------------------------------------------------------------ asynchronous */

static void storage_commands_report_through_their_callback(void **state)
{
    (void)state;
    struct outcome outcome[6];
    emc_call calls[6];
    for (size_t i = 0; i < 6; i++) {
        calls[i] = keep(&outcome[i]);
    }
    assert_int_equal(emc_replace_async(client, EMC_STR("k"), EMC_STR("0"), 0, 0, &calls[0]), EMC_OK);
    assert_int_equal(emc_add_async(client, EMC_STR("k"), EMC_STR("1"), 0, 0, &calls[1]), EMC_OK);
    assert_int_equal(emc_append_async(client, EMC_STR("k"), EMC_STR("2"), &calls[2]), EMC_OK);
    assert_int_equal(emc_prepend_async(client, EMC_STR("k"), EMC_STR("3"), &calls[3]), EMC_OK);
    assert_int_equal(emc_get_async(client, EMC_STR("k"), &calls[4]), EMC_OK);
    assert_int_equal(emc_set_async(client, EMC_STR("k"), EMC_STR("4"), 0, 0, &calls[5]), EMC_OK);
    for (size_t i = 0; i < 6 && !flavour_is_threaded(); i++) {
        assert_int_equal(emc_client_pending(client), 6);
        assert_int_equal(outcome[i].results, 0); /* a submit never completes */
    }
    for (size_t i = 0; i < 6; i++) {
        await(client, &outcome[i]);
        assert_int_equal(outcome[i].status, i == 0 ? EMC_NOT_STORED : EMC_OK);
    }
    assert_string_equal(outcome[4].value, "312"); /* in the order submitted, the set after it */
    assert_int_equal(emc_client_pending(client), 0);
    expect_text("k", "4");
}

static void retrievals_report_value_flags_and_cas(void **state)
{
    (void)state;
    struct outcome get, gets, gat, gats, miss;
    emc_call a = keep(&get), b = keep(&gets), c = keep(&gat), d = keep(&gats), e = keep(&miss);
    assert_int_equal(emc_set(client, EMC_STR("k"), EMC_STR("value"), 0, 9, NULL), EMC_OK);
    assert_int_equal(emc_get_async(client, EMC_STR("k"), &a), EMC_OK);
    assert_int_equal(emc_gets_async(client, EMC_STR("k"), &b), EMC_OK);
    assert_int_equal(emc_gat_async(client, EMC_STR("k"), 50, &c), EMC_OK);
    assert_int_equal(emc_gats_async(client, EMC_STR("k"), 50, &d), EMC_OK);
    assert_int_equal(emc_get_async(client, EMC_STR("none"), &e), EMC_OK);
    const struct outcome *hits[] = {&get, &gets, &gat, &gats};
    await(client, &gats);
    await(client, &miss);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(hits[i]->results, 1);
        assert_int_equal(hits[i]->status, EMC_OK);
        assert_string_equal(hits[i]->value, "value");
        assert_true(hits[i]->flags == 9);
    }
    assert_true(gets.cas > 0);
    assert_true(gats.cas > 0);
    assert_int_equal(miss.status, EMC_MISS);
}

static void changes_report_through_their_callback(void **state)
{
    (void)state;
    struct outcome incr, decr, touch, cas, stale, gone;
    emc_call a = keep(&incr), b = keep(&decr), c = keep(&touch), d = keep(&cas), e = keep(&stale), f = keep(&gone);
    set_text("n", "10");
    set_text("c", "10");
    uint64_t unique = cas_of("c");
    assert_int_equal(emc_incr_async(client, EMC_STR("n"), 7, &a), EMC_OK);
    assert_int_equal(emc_decr_async(client, EMC_STR("n"), 2, &b), EMC_OK);
    assert_int_equal(emc_touch_async(client, EMC_STR("n"), 99, &c), EMC_OK);
    assert_int_equal(emc_cas_async(client, EMC_STR("c"), EMC_STR("x"), 0, 0, unique, &d), EMC_OK);
    assert_int_equal(emc_cas_async(client, EMC_STR("c"), EMC_STR("y"), 0, 0, unique, &e), EMC_OK);
    assert_int_equal(emc_delete_async(client, EMC_STR("none"), &f), EMC_OK);
    struct outcome *all[] = {&incr, &decr, &touch, &cas, &stale, &gone};
    for (size_t i = 0; i < 6; i++) {
        await(client, all[i]);
    }
    assert_true(incr.number == 17 && incr.status == EMC_OK);
    assert_true(decr.number == 15 && decr.status == EMC_OK);
    assert_int_equal(touch.status, EMC_OK);
    assert_int_equal(cas.status, EMC_OK);
    assert_int_equal(stale.status, EMC_EXISTS);
    assert_int_equal(gone.status, EMC_MISS);
}

static void node_commands_report_through_their_callback(void **state)
{
    (void)state;
    struct outcome version, stats, flush, verbosity, limit, dump;
    emc_call a = keep(&version), b = keep(&stats), c = keep(&flush), d = keep(&verbosity), e = keep(&limit),
             f = keep(&dump);
    const emc_address *node = &servers[0].address;
    assert_int_equal(emc_version_async(client, node, &a), EMC_OK);
    assert_int_equal(emc_stats_async(client, node, NULL, &b), EMC_OK);
    assert_int_equal(emc_flush_all_async(client, node, 0, &c), EMC_OK);
    assert_int_equal(emc_verbosity_async(client, node, 0, &d), EMC_OK);
    assert_int_equal(emc_cache_memlimit_async(client, node, 64, &e), EMC_OK);
    assert_int_equal(emc_dump_keys_async(client, node, EMC_DUMP_META, &f), EMC_OK);
    struct outcome *all[] = {&version, &stats, &flush, &verbosity, &limit, &dump};
    for (size_t i = 0; i < 6; i++) {
        await(client, all[i]);
        bool crawler_busy = all[i] == &dump && all[i]->status == EMC_ERROR_BUSY; /* memcached's own */
        if (!crawler_busy && all[i]->status != (i < 3 ? EMC_OK : text_only(EMC_OK))) {
            fail_msg("operation %zu: %s: %s", i, emc_status_name(all[i]->status), all[i]->message);
        }
    }
    assert_true(version.value_length > 0);
    assert_true(stats.results > 30);
}

static void a_cancelled_operation_is_told_so_and_the_connection_stays(void **state)
{
    (void)state;
    struct outcome cancelled, other;
    uint64_t operation = 0;
    emc_call call = keep(&cancelled), after = keep(&other);
    call.operation_out = &operation;
    set_text("k", "v");
    assert_int_equal(emc_get_async(client, EMC_STR("k"), &call), EMC_OK);
    emc_client_flush(client);
    emc_status status = emc_cancel(client, operation);
    assert_true(status == EMC_OK || (flavour_is_threaded() && status == EMC_MISS)); /* the answer may have come */
    assert_int_equal(emc_get_async(client, EMC_STR("k"), &after), EMC_OK);
    await(client, &cancelled);
    await(client, &other);
    assert_int_equal(cancelled.status, status == EMC_OK ? EMC_ERROR_CANCELLED : EMC_OK);
    assert_int_equal(other.status, EMC_OK);
    assert_int_equal(emc_cancel(client, operation), EMC_MISS);
}

int main(int argc, char **argv)
{
    flavour_choose(argc, argv);
#define COMMAND_TEST(name) cmocka_unit_test_setup_teardown(name, open_session, close_session)
    const struct CMUnitTest tests[] = {
        COMMAND_TEST(a_value_that_was_set_is_fetched),
        COMMAND_TEST(a_key_that_is_not_there_is_a_miss_and_no_error),
        COMMAND_TEST(add_stores_once_and_replace_only_what_is_there),
        COMMAND_TEST(append_and_prepend_grow_a_value),
        COMMAND_TEST(cas_stores_only_what_nobody_changed),
        COMMAND_TEST(a_deleted_key_is_gone),
        COMMAND_TEST(numbers_count_up_and_down),
        COMMAND_TEST(counting_on_words_is_the_servers_error_and_the_connection_stays),
        COMMAND_TEST(touch_and_gat_change_the_expiry),
        COMMAND_TEST(an_expiry_of_minus_one_is_legal_and_means_now),
        COMMAND_TEST(an_expiry_above_thirty_days_is_a_unix_time),
        COMMAND_TEST(version_and_verbosity_ask_one_node),
        COMMAND_TEST(statistics_come_line_by_line),
        COMMAND_TEST(an_administrators_command_is_answered_in_one_line),
        COMMAND_TEST(a_flush_with_delay_comes_later),
        COMMAND_TEST(a_quit_closes_one_connection_and_the_next_command_finds_another),
        COMMAND_TEST(a_memory_limit_is_set_or_refused),
        COMMAND_TEST(flush_all_empties_one_node_alone),
        COMMAND_TEST(a_nodes_keys_are_listed),
        COMMAND_TEST(noreply_takes_effect_and_answers_nothing),
        COMMAND_TEST(storage_commands_report_through_their_callback),
        COMMAND_TEST(retrievals_report_value_flags_and_cas),
        COMMAND_TEST(changes_report_through_their_callback),
        COMMAND_TEST(node_commands_report_through_their_callback),
        COMMAND_TEST(a_cancelled_operation_is_told_so_and_the_connection_stays),
    };
    return cmocka_run_group_tests(tests, start_servers, stop_servers);
}
