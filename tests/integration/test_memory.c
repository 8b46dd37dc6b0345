/* What a client holds: idle, for each operation in flight, and in the steady state, in which nothing is asked of the allocator. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <emcache.h>

#include "servers.h"
#include "session.h"

enum { SERVERS = 3, KEYS = 1000, KEY_LENGTH = 12, VALUE_LENGTH = 100, HEADER = 16 };

/* An allocator that counts. Blocks carry their size in front. */
struct counted {
    size_t bytes, bytes_max, calls;
};

static struct server servers[SERVERS];
static struct counted counted;
static emc_client *client;
static unsigned outstanding;
static char value[VALUE_LENGTH];

static void *counted_allocate(void *context, size_t size)
{
    (void)context;
    char *block = malloc(size + HEADER);
    assert_non_null(block);
    memcpy(block, &size, sizeof size);
    counted.calls++;
    counted.bytes += size;
    counted.bytes_max = counted.bytes > counted.bytes_max ? counted.bytes : counted.bytes_max;
    return block + HEADER;
}

static size_t size_of(const void *pointer)
{
    size_t size;
    memcpy(&size, (const char *)pointer - HEADER, sizeof size);
    return size;
}

static void counted_release(void *context, void *pointer)
{
    (void)context;
    if (pointer != NULL) {
        counted.bytes -= size_of(pointer);
        free((char *)pointer - HEADER);
    }
}

static void *counted_reallocate(void *context, void *pointer, size_t size)
{
    char *moved = counted_allocate(context, size);
    if (pointer != NULL) {
        size_t old = size_of(pointer);
        memcpy(moved, pointer, old < size ? old : size);
        counted_release(context, pointer);
    }
    return moved;
}

/* A client that has spoken to every node. */
static void open_counted(void)
{
    const emc_allocator allocator = {counted_allocate, counted_reallocate, counted_release, NULL};
    emc_options options = patient_options();
    options.allocator = &allocator;
    counted = (struct counted){0};
    client = open_client(servers, SERVERS, &options);
    for (size_t i = 0; i < SERVERS; i++) {
        char version[EMC_VERSION_TEXT_SIZE];
        assert_int_equal(emc_version(client, &servers[i].address, version, NULL), EMC_OK);
    }
}

static void close_counted(void)
{
    emc_client_destroy(client);
    assert_int_equal(counted.bytes, 0);
}

static void complete(void *user_data, const emc_result *result)
{
    (void)user_data;
    assert_true(result->status >= 0);
    outstanding--;
}

static void submit(unsigned number)
{
    char key[KEY_LENGTH + 1];
    emc_call call = {.callback = complete};
    emc_status status;
    snprintf(key, sizeof key, "key:%08u", number % KEYS);
    switch (number % 10) {
    case 7:
        status = emc_set_async(client, key, KEY_LENGTH, value, VALUE_LENGTH, 0, 0, &call);
        break;
    case 8:
        status = emc_delete_async(client, key, KEY_LENGTH, &call);
        break;
    case 9:
        status = emc_gats_async(client, key, KEY_LENGTH, 1000, &call);
        break;
    default:
        status = emc_get_async(client, key, KEY_LENGTH, &call);
    }
    assert_int_equal(status, EMC_OK);
    outstanding++;
}

static void run(unsigned operations, unsigned at_once)
{
    for (unsigned done = 0; done < operations; done += at_once) {
        for (unsigned i = 0; i < at_once; i++) {
            submit(done + i);
        }
        while (outstanding > 0) {
            emc_client_wait(client, PATIENCE_MS);
        }
    }
}

static int start_servers(void **state)
{
    (void)state;
    memset(value, 'v', sizeof value);
    servers_start(servers, SERVERS);
    return 0;
}

static int stop_servers(void **state)
{
    (void)state;
    servers_kill(servers, SERVERS);
    return 0;
}

/* ------------------------------------------------------------------ the tests */

static void an_idle_client_on_three_nodes_stays_below_256_kib(void **state)
{
    (void)state;
    size_t heap = mallinfo2().uordblks;
    open_counted();
    assert_in_range(counted.bytes, 1, 256 * 1024);
    assert_in_range(mallinfo2().uordblks - heap, 0, 256 * 1024); /* libuv's too; a sanitizer counts nothing */
    close_counted();
}

/* The most that `count` operations hold, for each, beyond key and value. */
static size_t bytes_in_flight(unsigned count, bool set)
{
    open_counted();
    size_t before = counted.bytes;
    for (unsigned i = 0; i < count; i++) {
        submit(i * 10 + (set ? 7 : 0));
    }
    size_t payload = KEY_LENGTH + (set ? VALUE_LENGTH : 0);
    while (outstanding > 0) {
        emc_client_wait(client, PATIENCE_MS);
    }
    size_t held = (counted.bytes_max - before) / count - payload;
    close_counted();
    return held;
}

static void an_operation_in_flight_holds_at_most_256_bytes_beyond_its_key_and_value(void **state)
{
    (void)state;
    assert_in_range(bytes_in_flight(50000, false), 1, 256);
    assert_in_range(bytes_in_flight(50000, true), 1, 256);
}

static void the_steady_state_asks_the_allocator_for_nothing(void **state)
{
    (void)state;
    open_counted();
    run(20000, 500);
    size_t calls = counted.calls, bytes = counted.bytes;
    run(60000, 500);
    run(2000, 1);
    assert_int_equal(counted.calls, calls);
    assert_int_equal(counted.bytes, bytes);
    close_counted();
}

/* Every value goes to the caller in memory of its own; nothing else is taken. */
static void a_blocking_get_takes_the_callers_value_alone(void **state)
{
    (void)state;
    char key[] = "key:blocking";
    open_counted();
    assert_int_equal(emc_set(client, key, KEY_LENGTH, value, VALUE_LENGTH, 0, 0, NULL), EMC_OK);
    size_t calls = 0;
    for (unsigned i = 0; i < 2000; i++) {
        emc_item item;
        calls = i == 1000 ? counted.calls : calls;
        assert_int_equal(emc_get(client, key, KEY_LENGTH, &item, NULL), EMC_OK);
        emc_item_release(&item);
    }
    assert_int_equal(counted.calls - calls, 1000);
    close_counted();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_client_on_three_nodes_stays_below_256_kib),
        cmocka_unit_test(an_operation_in_flight_holds_at_most_256_bytes_beyond_its_key_and_value),
        cmocka_unit_test(the_steady_state_asks_the_allocator_for_nothing),
        cmocka_unit_test(a_blocking_get_takes_the_callers_value_alone),
    };
    return cmocka_run_group_tests(tests, start_servers, stop_servers);
}
