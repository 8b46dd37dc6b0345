/* The Nth allocation fails, for every N: whatever it was for, the call says so or goes on, every operation completes exactly once,
 * nothing leaks, and the client stays usable. */
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

#define FAR_ENOUGH 100000

static struct server servers[2];

struct failing {
    size_t calls;    /* allocations asked for so far */
    size_t fails_at; /* this one gets NULL; 0: none */
    size_t blocks;   /* held now */
};

static bool fails_now(struct failing *failing)
{
    return ++failing->calls == failing->fails_at;
}

static void *failing_allocate(void *context, size_t size)
{
    struct failing *failing = context;
    void *block = fails_now(failing) ? NULL : malloc(size);
    failing->blocks += block != NULL;
    return block;
}

static void *failing_reallocate(void *context, void *pointer, size_t size)
{
    struct failing *failing = context;
    void *block = fails_now(failing) ? NULL : realloc(pointer, size);
    failing->blocks += pointer == NULL && block != NULL;
    return block;
}

static void failing_release(void *context, void *pointer)
{
    ((struct failing *)context)->blocks -= pointer != NULL;
    free(pointer);
}

static int start(void **state)
{
    (void)state;
    server_start(&servers[0], NULL);
    server_start(&servers[1], NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    server_kill(&servers[0]);
    server_kill(&servers[1]);
    return 0;
}

struct tally {
    unsigned accepted, completed;
};

static void count_result(void *user_data, const emc_result *result)
{
    ((struct tally *)user_data)->completed += result->last;
}

static void submit_some(emc_client *client, struct tally *tally)
{
    static char large[40000];
    emc_key keys[4] = {{EMC_STR("a")}, {EMC_STR("b")}, {EMC_STR("large")}, {EMC_STR("none")}};
    emc_call call = {.callback = count_result, .user_data = tally, .timeout_ms = 2000};
    tally->accepted += emc_set_async(client, EMC_STR("a"), EMC_STR("1"), 0, 0, &call) == EMC_OK;
    tally->accepted += emc_set_async(client, EMC_STR("large"), large, sizeof large, 0, 0, &call) == EMC_OK;
    tally->accepted += emc_get_async(client, EMC_STR("a"), &call) == EMC_OK;
    tally->accepted += emc_incr_async(client, EMC_STR("a"), 1, &call) == EMC_OK;
    tally->accepted += emc_get_many_async(client, keys, 4, &call) == EMC_OK;
    tally->accepted += emc_delete_async(client, EMC_STR("b"), &call) == EMC_OK;
    tally->accepted += emc_stats_async(client, &servers[0].address, NULL, &call) == EMC_OK;
}

static void wait_for_all(emc_client *client, const struct tally *tally)
{
    uint64_t end = clock_ms() + PATIENCE_MS;
    while (tally->completed < tally->accepted && clock_ms() < end) {
        emc_client_wait(client, 50);
    }
    assert_int_equal(tally->completed, tally->accepted);
}

static void ask_the_view(emc_client *client)
{
    emc_cluster_management *view = emc_client_cluster_management(client);
    emc_node_list *list = NULL;
    emc_address other = emc_address_tcp("127.0.0.1", 1);
    if (emc_cluster_nodes(view, &list) == EMC_OK) {
        emc_node_list_destroy(list);
    }
    if (emc_cluster_add_node(view, &other, 100, NULL) == EMC_OK) {
        assert_int_equal(emc_cluster_remove_node(view, &other, NULL) >= EMC_ERROR_MEMORY, true);
    }
}

/* After the failure the same client serves as if nothing had been. */
static void prove_it_usable(emc_client *client)
{
    emc_item item = {0};
    emc_status status = EMC_ERROR_MEMORY;
    for (int attempt = 0; attempt < 50 && status != EMC_OK; attempt++) {
        status = emc_set(client, EMC_STR("proof"), EMC_STR("works"), 0, 0, NULL);
        if (status != EMC_OK) {
            run_for(client, 20);
        }
    }
    assert_int_equal(status, EMC_OK);
    assert_int_equal(emc_get(client, EMC_STR("proof"), &item, NULL), EMC_OK);
    assert_string_equal(item.value, "works");
    emc_item_release(&item);
}

/* One session with the Nth allocation failing. True when the session ended before its Nth allocation. */
static bool session_with_failure_at(size_t n)
{
    struct failing failing = {0, n, 0};
    emc_allocator allocator = {failing_allocate, failing_reallocate, failing_release, &failing};
    emc_address addresses[2] = {servers[0].address, servers[1].address};
    emc_options options = emc_options_default();
    emc_client *client = NULL;
    struct tally tally = {0};
    options.allocator = &allocator;
    options.backoff_min_ms = 1;
    options.timeout_ms = 5000;
    emc_status status = emc_client_create(&client, addresses, 2, &options, NULL);
    if (status != EMC_OK) {
        assert_int_equal(status, EMC_ERROR_MEMORY);
        assert_null(client);
    } else {
        submit_some(client, &tally);
        wait_for_all(client, &tally);
        ask_the_view(client);
        size_t calls = failing.calls;
        prove_it_usable(client);
        emc_client_destroy(client);
        failing.calls = calls;
    }
    if (failing.blocks != 0) {
        fail_msg("%zu blocks are still held after the failure of allocation %zu", failing.blocks, n);
    }
    return status == EMC_OK && failing.calls < n;
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    size_t n = 1;
    while (!session_with_failure_at(n)) {
        assert_true(++n < FAR_ENOUGH);
    }
    printf("%zu allocations failed in turn\n", n - 1);
    assert_true(n > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_allocation_may_fail)};
    return cmocka_run_group_tests(tests, start, stop);
}
