/* Values of every size, and many keys at once, over three real servers, over each way to reach them (flavour.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
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

#define MANY     10000
#define KEY_SIZE 16

static struct server servers[3];
static emc_client *client;
static char (*names)[KEY_SIZE];
static emc_key *keys;
static emc_item *items;

static int start(void **state)
{
    (void)state;
    struct server_settings settings = flavour_settings();
    emc_options options = flavour_options(patient_options());
    for (size_t i = 0; i < 3; i++) {
        server_start(&servers[i], &settings);
    }
    client = open_client(servers, 3, &options);
    names = calloc(MANY, sizeof *names);
    keys = calloc(MANY, sizeof *keys);
    items = calloc(MANY, sizeof *items);
    assert_true(names != NULL && keys != NULL && items != NULL);
    for (unsigned i = 0; i < MANY; i++) {
        keys[i].length = (size_t)snprintf(names[i], KEY_SIZE, "many-%u", i);
        keys[i].data = names[i];
    }
    return 0;
}

static int stop_all(void **state)
{
    (void)state;
    emc_client_destroy(client);
    free(names);
    free(keys);
    free(items);
    servers_kill(servers, 3);
    return 0;
}

/* Bytes that no two lengths share, with line ends and replies among them. */
static void fill(char *bytes, size_t length)
{
    static const char pattern[] = "END\r\nVALUE many-1 0 5\r\nERROR\r\n\0\xff";
    for (size_t i = 0; i < length; i++) {
        bytes[i] = (char)(pattern[i % (sizeof pattern - 1)] ^ (char)(i / 4096) ^ (char)(i % 31 == 0 ? length : 0));
    }
}

static void check_round_trip(size_t length)
{
    char *sent = malloc(length + 1);
    emc_item item = {0};
    assert_non_null(sent);
    fill(sent, length);
    assert_int_equal(emc_set(client, EMC_STR("sized"), sent, length, 0, 0, NULL), EMC_OK);
    assert_int_equal(emc_get(client, EMC_STR("sized"), &item, NULL), EMC_OK);
    assert_int_equal(item.value_length, length);
    assert_non_null(item.value);
    assert_memory_equal(item.value, sent, length);
    assert_int_equal(((char *)item.value)[length], 0);
    emc_item_release(&item);
    free(sent);
}

static void values_of_every_size_come_back_as_they_were(void **state)
{
    (void)state;
    static const size_t lengths[] = {0,     1,      2,      3,      5,      100,     1023,   1024,  2047,
                                     2048,  4095,   4096,   16383,  16384,  16385,   32768,  65535, 65536,
                                     65537, 100000, 131072, 262143, 262144, 1000000, 1048000};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        check_round_trip(lengths[i]);
    }
}

static void a_value_beyond_the_item_limit_is_too_large_and_the_old_one_is_gone(void **state)
{
    (void)state;
    size_t length = 1048577;
    char *value = calloc(1, length);
    emc_item item = {0};
    assert_int_equal(emc_set(client, EMC_STR("big"), EMC_STR("small"), 0, 0, NULL), EMC_OK);
    assert_int_equal(emc_set(client, EMC_STR("big"), value, length, 0, 0, NULL), EMC_ERROR_TOO_LARGE);
    assert_int_equal(emc_get(client, EMC_STR("big"), &item, NULL), EMC_MISS);
    free(value);
}

static void *keep_allocation(void *user_data, size_t index, size_t length)
{
    void **slot = user_data;
    (void)index;
    assert_null(*slot);
    *slot = malloc(length);
    return *slot;
}

struct placed {
    void *memory;
    const void *delivered;
    size_t length;
    atomic_bool last;
};

static void note_place(void *user_data, const emc_result *result)
{
    struct placed *placed = user_data;
    placed->delivered = result->value;
    placed->length = result->value_length;
    placed->last = result->last;
}

static void a_value_lands_in_the_callers_memory(void **state)
{
    (void)state;
    char *sent = malloc(500000);
    struct placed placed = {0};
    emc_call call = {.callback = note_place, .user_data = &placed, .allocate = keep_allocation};
    fill(sent, 500000);
    assert_int_equal(emc_set(client, EMC_STR("placed"), sent, 500000, 0, 0, NULL), EMC_OK);
    assert_int_equal(emc_get_async(client, EMC_STR("placed"), &call), EMC_OK);
    uint64_t end = clock_ms() + PATIENCE_MS;
    while (!placed.last && clock_ms() < end) {
        emc_client_wait(client, 100);
    }
    assert_int_equal(placed.length, 500000);
    assert_ptr_equal(placed.delivered, placed.memory);
    assert_memory_equal(placed.memory, sent, 500000);
    free(placed.memory);
    free(sent);
}

static void count_release(void *user_data)
{
    ++*(atomic_uint *)user_data;
}

static void a_large_value_is_borrowed_until_it_is_released(void **state)
{
    (void)state;
    size_t length = 900000;
    atomic_uint released = 0;
    char *sent = malloc(length);
    fill(sent, length);
    emc_call call = {.user_data = &released, .released = count_release};
    assert_int_equal(emc_set_async(client, EMC_STR("borrowed"), sent, length, 0, 0, &call), EMC_OK);
    uint64_t end = clock_ms() + PATIENCE_MS;
    while (released == 0 && clock_ms() < end) {
        emc_client_wait(client, 100);
    }
    assert_int_equal(released, 1);
    memset(sent, 0, length);
    free(sent);
    emc_item item = {0};
    char *expected = malloc(length);
    fill(expected, length);
    assert_int_equal(emc_get(client, EMC_STR("borrowed"), &item, NULL), EMC_OK);
    assert_int_equal(item.value_length, length);
    assert_memory_equal(item.value, expected, length);
    emc_item_release(&item);
    free(expected);
}

/* ------------------------------------------------------------------ many keys */

/* Every third key has no value. */
static void store_many(void)
{
    emc_store_item *stored = calloc(MANY, sizeof *stored);
    emc_status *statuses = calloc(MANY, sizeof *statuses);
    size_t count = 0;
    assert_true(stored != NULL && statuses != NULL);
    for (size_t i = 0; i < MANY; i++) {
        if (i % 3 != 0) {
            stored[count++] = (emc_store_item){keys[i], names[i], keys[i].length, 0, i};
        }
    }
    assert_int_equal(emc_set_many(client, stored, count, statuses, NULL), EMC_OK);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(statuses[i], EMC_OK);
    }
    free(stored);
    free(statuses);
}

static void check_many(bool with_cas)
{
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(items[i].status, i % 3 == 0 ? EMC_MISS : EMC_OK);
        if (i % 3 != 0) {
            assert_int_equal(items[i].value_length, keys[i].length);
            assert_memory_equal(items[i].value, names[i], keys[i].length);
            assert_true(items[i].flags == i);
            assert_true(!with_cas || items[i].cas > 0);
        }
    }
    emc_items_release(items, MANY);
}

static void ten_thousand_keys_over_three_nodes_come_at_once(void **state)
{
    (void)state;
    store_many();
    assert_int_equal(emc_get_many(client, keys, MANY, items, NULL), EMC_OK);
    check_many(false);
    assert_int_equal(emc_gets_many(client, keys, MANY, items, NULL), EMC_OK);
    check_many(true);
    assert_int_equal(emc_gat_many(client, keys, MANY, 1000, items, NULL), EMC_OK);
    check_many(false);
    assert_int_equal(emc_gats_many(client, keys, MANY, 1000, items, NULL), EMC_OK);
    check_many(true);
}

struct tally {
    unsigned hits, misses, others, results;
    uint8_t seen[MANY];
    atomic_bool last;
};

static void count_result(void *user_data, const emc_result *result)
{
    struct tally *tally = user_data;
    tally->results++;
    assert_false(tally->last);
    assert_in_range(result->index, 0, MANY - 1);
    assert_int_equal(tally->seen[result->index]++, 0);
    assert_int_equal(result->key_length, keys[result->index].length);
    assert_memory_equal(result->key, names[result->index], result->key_length);
    tally->hits += result->status == EMC_OK;
    tally->misses += result->status == EMC_MISS;
    tally->others += result->status != EMC_OK && result->status != EMC_MISS;
    tally->last = result->last;
}

static void many_keys_report_one_by_one_and_once_each(void **state)
{
    (void)state;
    static struct tally tally;
    emc_call call = {.callback = count_result, .user_data = &tally};
    memset(&tally, 0, sizeof tally);
    store_many();
    assert_int_equal(emc_get_many_async(client, keys, MANY, &call), EMC_OK);
    uint64_t end = clock_ms() + PATIENCE_MS;
    while (!tally.last && clock_ms() < end) {
        emc_client_wait(client, 100);
    }
    assert_int_equal(tally.results, MANY);
    assert_int_equal(tally.misses, (MANY + 2) / 3);
    assert_int_equal(tally.hits, MANY - (MANY + 2) / 3);
    assert_int_equal(tally.others, 0);
}

static void no_keys_at_all_is_one_good_result(void **state)
{
    (void)state;
    struct outcome outcome;
    emc_call call = keep(&outcome);
    assert_int_equal(emc_get_many(client, NULL, 0, NULL, NULL), EMC_OK);
    assert_int_equal(emc_get_many_async(client, NULL, 0, &call), EMC_OK);
    await(client, &outcome);
    assert_int_equal(outcome.results, 1);
    assert_int_equal(outcome.status, EMC_OK);
}

static void a_key_named_twice_has_its_value_twice(void **state)
{
    (void)state;
    emc_key twice[3] = {{EMC_STR("twin")}, {EMC_STR("no-twin")}, {EMC_STR("twin")}};
    assert_int_equal(emc_set(client, EMC_STR("twin"), EMC_STR("v"), 0, 0, NULL), EMC_OK);
    assert_int_equal(emc_get_many(client, twice, 3, items, NULL), EMC_OK);
    assert_int_equal(items[0].status, EMC_OK);
    assert_int_equal(items[1].status, EMC_MISS);
    assert_int_equal(items[2].status, EMC_OK);
    assert_string_equal(items[2].value, "v");
    emc_items_release(items, 3);
}

static void many_keys_are_deleted_each_with_its_status(void **state)
{
    (void)state;
    emc_status *statuses = calloc(MANY, sizeof *statuses);
    store_many();
    assert_int_equal(emc_delete_many(client, keys, MANY, statuses, NULL), EMC_OK);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(statuses[i], i % 3 == 0 ? EMC_MISS : EMC_OK);
    }
    assert_int_equal(emc_get_many(client, keys, MANY, items, NULL), EMC_OK);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(items[i].status, EMC_MISS);
    }
    free(statuses);
}

static void count_stored(void *user_data, const emc_result *result)
{
    *(atomic_uint *)user_data += result->status == EMC_OK;
}

/* Over TLS a server that is sent the end of a request in the middle of a record may forget it until more comes. */
static void thousands_of_small_writes_in_a_tick_are_all_answered(void **state)
{
    (void)state;
    emc_options options = flavour_options(patient_options());
    options.quiet_writes = false;
    options.connections_max = 1;
    options.keepalive_ms = EMC_NO_LIMIT;
    options.health_silence_ms = EMC_NO_LIMIT;
    emc_client *single = open_client(servers, 1, &options);
    char value[50];
    atomic_uint stored = 0;
    unsigned wanted = 0;
    emc_call call = {.callback = count_stored, .user_data = &stored};
    memset(value, 'v', sizeof value);
    for (unsigned tick = 0; tick < 10; tick++) {
        for (unsigned i = 0; i < 1500 + tick * 37; i++, wanted++) {
            assert_int_equal(emc_set_async(single, names[i], keys[i].length, value, sizeof value, 0, 0, &call), EMC_OK);
        }
        for (uint64_t end = clock_ms() + PATIENCE_MS; stored < wanted && clock_ms() < end;) {
            emc_client_wait(single, 100);
        }
        assert_int_equal(stored, wanted);
    }
    emc_client_destroy(single);
}

static void many_large_values_do_not_deadlock(void **state)
{
    (void)state;
    enum { LARGE = 64, LENGTH = 300000 };
    char *value = malloc(LENGTH);
    emc_store_item stored[LARGE];
    emc_status statuses[LARGE];
    fill(value, LENGTH);
    for (size_t i = 0; i < LARGE; i++) {
        stored[i] = (emc_store_item){keys[i], value, LENGTH, 0, 0};
    }
    assert_int_equal(emc_set_many(client, stored, LARGE, statuses, NULL), EMC_OK);
    assert_int_equal(emc_get_many(client, keys, LARGE, items, NULL), EMC_OK);
    for (size_t i = 0; i < LARGE; i++) {
        assert_int_equal(items[i].value_length, LENGTH);
        assert_memory_equal(items[i].value, value, LENGTH);
    }
    emc_items_release(items, LARGE);
    free(value);
}

struct bulk_release {
    size_t results;
    atomic_size_t last, released;
};

static void count_bulk(void *user_data, const emc_result *result)
{
    struct bulk_release *seen = user_data;
    assert_int_equal(result->status, EMC_OK);
    seen->results++;
    seen->last += result->last;
}

static void count_bulk_release(void *user_data)
{
    ((struct bulk_release *)user_data)->released++;
}

static void the_values_of_a_bulk_write_are_released_once_and_together(void **state)
{
    (void)state;
    enum { COUNT = 6, LENGTH = 100000 };
    char *value = malloc(LENGTH);
    emc_store_item list[COUNT];
    struct bulk_release seen = {0}, nothing = {0};
    memset(value, 'r', LENGTH);
    for (size_t i = 0; i < COUNT; i++) { /* small ones are copied, large ones borrowed */
        list[i] = (emc_store_item){keys[i], value, i % 2 == 0 ? LENGTH : 10, 0, 0};
    }
    emc_call call = {.callback = count_bulk, .user_data = &seen, .released = count_bulk_release};
    assert_int_equal(emc_set_many_async(client, list, COUNT, &call), EMC_OK);
    assert_true(flavour_is_threaded() || seen.released == 0);
    for (uint64_t end = clock_ms() + PATIENCE_MS; (seen.last == 0 || seen.released == 0) && clock_ms() < end;) {
        emc_client_wait(client, 5);
    }
    assert_int_equal(seen.results, COUNT);
    assert_int_equal(seen.last, 1);
    assert_int_equal(seen.released, 1);
    for (size_t i = 0; i < COUNT; i++) {
        list[i].value_length = 10;
    }
    seen.results = 0;
    seen.last = 0;
    seen.released = 0;
    assert_int_equal(emc_set_many_async(client, list, COUNT, &call), EMC_OK);
    assert_int_equal(seen.released, 1); /* all were copied */
    call.user_data = &nothing;
    assert_int_equal(emc_set_many_async(client, list, 0, &call), EMC_OK);
    assert_int_equal(nothing.released, 1);
    for (uint64_t end = clock_ms() + PATIENCE_MS; (seen.last == 0 || nothing.last == 0) && clock_ms() < end;) {
        emc_client_wait(client, 5);
    }
    assert_int_equal(seen.last, 1);
    assert_int_equal(seen.released, 1);
    free(value);
}

int main(int argc, char **argv)
{
    flavour_choose(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_every_size_come_back_as_they_were),
        cmocka_unit_test(a_value_beyond_the_item_limit_is_too_large_and_the_old_one_is_gone),
        cmocka_unit_test(a_value_lands_in_the_callers_memory),
        cmocka_unit_test(a_large_value_is_borrowed_until_it_is_released),
        cmocka_unit_test(ten_thousand_keys_over_three_nodes_come_at_once),
        cmocka_unit_test(many_keys_report_one_by_one_and_once_each),
        cmocka_unit_test(no_keys_at_all_is_one_good_result),
        cmocka_unit_test(a_key_named_twice_has_its_value_twice),
        cmocka_unit_test(many_keys_are_deleted_each_with_its_status),
        cmocka_unit_test(thousands_of_small_writes_in_a_tick_are_all_answered),
        cmocka_unit_test(many_large_values_do_not_deadlock),
        cmocka_unit_test(the_values_of_a_bulk_write_are_released_once_and_together),
    };
    return cmocka_run_group_tests(tests, start, stop_all);
}
