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

#include "certificates.h"
#include "endpoint.h"
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

static int stop_all(void **state)
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

static void submit_meta(emc_client *client, struct tally *tally)
{
    static char large[40000];
    emc_meta_options options;
    emc_call call = {.callback = count_result, .user_data = tally, .timeout_ms = 2000};
    emc_meta_options_init(&options);
    options.want = EMC_META_KEY | EMC_META_CAS;
    options.opaque = "label";
    tally->accepted += emc_meta_set_async(client, EMC_STR("m"), large, sizeof large, &options, &call) == EMC_OK;
    options.want |= EMC_META_VALUE;
    tally->accepted += emc_meta_get_async(client, EMC_STR("m"), &options, &call) == EMC_OK;
    tally->accepted += emc_meta_delete_async(client, EMC_STR("m"), NULL, &call) == EMC_OK;
    tally->accepted += emc_fetch_async(client, EMC_STR("lease"), 10, 0, &call) == EMC_OK;
    tally->accepted += emc_count_async(client, EMC_STR("count"), 1, 0, 0, &call) == EMC_OK;
    tally->accepted += emc_meta_debug_async(client, EMC_STR("count"), &call) == EMC_OK;
    tally->accepted += emc_meta_noop_async(client, &servers[0].address, &call) == EMC_OK;
}

/* Bulk commands of every kind, over both nodes, waiting for each. */
static void block_for_bulks(emc_client *client, struct tally *tally)
{
    enum { COUNT = 300 };
    static char names[COUNT][16];
    static emc_key keys[COUNT];
    static emc_store_item stored[COUNT];
    emc_item *items = calloc(COUNT, sizeof *items);
    emc_status *statuses = calloc(COUNT, sizeof *statuses);
    (void)tally;
    assert_true(items != NULL && statuses != NULL);
    for (unsigned i = 0; i < COUNT; i++) {
        keys[i] = (emc_key){names[i], (size_t)snprintf(names[i], sizeof names[i], "bulk-%u", i)};
        stored[i] = (emc_store_item){keys[i], names[i], keys[i].length, 0, 0};
    }
    (void)emc_set_many(client, stored, COUNT, statuses, NULL);
    if (emc_get_many(client, keys, COUNT, items, NULL) == EMC_OK) {
        for (unsigned i = 0; i < COUNT; i++) {
            assert_true(items[i].status != EMC_OK || memcmp(items[i].value, names[i], keys[i].length) == 0);
        }
    }
    emc_items_release(items, COUNT);
    (void)emc_delete_many(client, keys, COUNT, statuses, NULL);
    free(items);
    free(statuses);
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
        emc_status removed = emc_cluster_remove_node(view, &other, NULL);
        if (removed == EMC_ERROR_MEMORY) { /* nothing half done; and one allocation fails, not two */
            removed = emc_cluster_remove_node(view, &other, NULL);
        }
        assert_int_equal(removed, EMC_OK);
    }
}

/* After the failure the same client serves as if nothing had been. */
static void prove_it_usable(emc_client *client)
{
    emc_item item = {0};
    emc_status status = EMC_ERROR_MEMORY;
    for (uint64_t end = clock_ms() + PATIENCE_MS / 2; status != EMC_OK && clock_ms() < end;) {
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

/* What a session does with its client, and how the client is made. */
struct session {
    void (*use)(emc_client *client, struct tally *tally);
    const emc_options *options;
    const emc_address *addresses;
    size_t count;
};

/* One session with the Nth allocation failing. True when the session ended before its Nth allocation. */
static bool session_with_failure_at(const struct session *session, size_t n)
{
    struct failing failing = {0, n, 0};
    emc_allocator allocator = {failing_allocate, failing_reallocate, failing_release, &failing};
    emc_options options = *session->options;
    emc_client *client = NULL;
    struct tally tally = {0};
    options.allocator = &allocator;
    options.backoff_min_ms = 1;
    options.timeout_ms = 5000;
    emc_status status = emc_client_create(&client, session->addresses, session->count, &options, NULL);
    if (status != EMC_OK) {
        /* A discovery that could not be begun again in time is told as such. */
        assert_true(status == EMC_ERROR_MEMORY || options.discovery != EMC_DISCOVERY_NONE);
        assert_null(client);
    } else {
        session->use(client, &tally);
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

static void fail_each_allocation(const char *what, const struct session *session)
{
    size_t n = 1;
    while (!session_with_failure_at(session, n)) {
        assert_true(++n < FAR_ENOUGH);
    }
    printf("%s: %zu allocations failed in turn\n", what, n - 1);
    assert_true(n > 10);
}

static void check_session(const char *what, void (*use)(emc_client *client, struct tally *tally),
                          const emc_options *options)
{
    emc_address addresses[2] = {servers[0].address, servers[1].address};
    emc_options defaults = emc_options_default();
    struct session session = {use, options != NULL ? options : &defaults, addresses, 2};
    fail_each_allocation(what, &session);
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    check_session("commands", submit_some, NULL);
}

static void any_allocation_of_meta_commands_may_fail(void **state)
{
    (void)state;
    check_session("meta commands", submit_meta, NULL);
}

static void any_allocation_of_blocking_bulks_may_fail(void **state)
{
    (void)state;
    check_session("blocking bulks", block_for_bulks, NULL);
}

static void any_allocation_with_a_prefix_and_credentials_may_fail(void **state)
{
    (void)state;
    struct server_settings settings = {.ascii_authentication = true};
    struct server secured;
    emc_options options = emc_options_default();
    server_start(&secured, &settings);
    options.username = SERVER_USER;
    options.password = SERVER_PASSWORD;
    options.key_prefix = "prefix:";
    struct session session = {submit_some, &options, &secured.address, 1};
    fail_each_allocation("prefix and credentials", &session);
    server_kill(&secured);
}

static void any_allocation_under_tls_may_fail(void **state)
{
    (void)state;
    struct server_settings settings = {.tls = true};
    struct server secured;
    emc_options options = emc_options_default();
    server_start(&secured, &settings);
    options.tls.enabled = true;
    options.tls.trust_file = certificates()->authority;
    options.backoff_max_ms =
        5000; /* a handshake under valgrind takes longer than a second, which is what an attempt may take while a node is down */
    struct session session = {submit_some, &options, &secured.address, 1};
    fail_each_allocation("under TLS", &session);
    server_kill(&secured);
}

/* An endpoint in a thread that tells the two servers as its nodes, to every connection. */
static void any_allocation_of_discovery_may_fail(void **state)
{
    (void)state;
    struct endpoint *endpoint = endpoint_start(servers, 2);
    emc_address address = endpoint_address(endpoint);
    emc_options options = emc_options_default();
    options.discovery = EMC_DISCOVERY_CLUSTER;
    options.discovery_interval_ms = 100;
    options.discovery_start_timeout_ms = 1000;
    struct session session = {submit_some, &options, &address, 1};
    fail_each_allocation("discovery", &session);
    endpoint_end(endpoint);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_allocation_may_fail),
        cmocka_unit_test(any_allocation_of_meta_commands_may_fail),
        cmocka_unit_test(any_allocation_of_blocking_bulks_may_fail),
        cmocka_unit_test(any_allocation_with_a_prefix_and_credentials_may_fail),
        cmocka_unit_test(any_allocation_under_tls_may_fail),
        cmocka_unit_test(any_allocation_of_discovery_may_fail),
    };
    return cmocka_run_group_tests(tests, start, stop_all);
}
