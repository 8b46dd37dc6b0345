/* A hundred thousand keys in one call over several nodes: with requests and replies that overflow the socket buffers of both sides, and with a node
 * that is gone. */
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

#define MANY  100000
#define NODES 4
#define KEY   200 /* 20 MB of keys: what a node is asked does not fit its socket's buffers */
#define VALUE 300
#define PIECE 10000

static struct server servers[NODES];
static emc_client *client;
static char (*names)[KEY + 1];
static emc_key *keys;
static emc_item *items;

static int start(void **state)
{
    (void)state;
    struct server_settings settings = {.memory_max_mb = 128};
    emc_options options = patient_options();
    for (size_t i = 0; i < NODES; i++) {
        server_start(&servers[i], &settings);
    }
    options.timeout_ms = 60000;
    options.health_silence_ms = 20000;
    client = open_client(servers, NODES, &options);
    names = calloc(MANY, sizeof *names);
    keys = calloc(MANY, sizeof *keys);
    items = calloc(MANY, sizeof *items);
    assert_true(names != NULL && keys != NULL && items != NULL);
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "%0*u", KEY, i);
        keys[i] = (emc_key){names[i], KEY};
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
    servers_kill(servers, NODES);
    return 0;
}

/* Every fifth key has no value; the others' begin with the end of their key. */
static void store(void)
{
    static emc_store_item stored[PIECE];
    static emc_status statuses[PIECE];
    static char values[PIECE][VALUE];
    for (size_t from = 0; from < MANY; from += PIECE) {
        size_t count = 0;
        for (size_t i = from; i < from + PIECE; i++) {
            if (i % 5 != 0) {
                memset(values[count], 'v', VALUE);
                memcpy(values[count], names[i] + KEY - 8, 8);
                stored[count] = (emc_store_item){keys[i], values[count], VALUE, 0, i};
                count++;
            }
        }
        assert_int_equal(emc_set_many(client, stored, count, statuses, NULL), EMC_OK);
    }
}

static void check_item(size_t i)
{
    assert_int_equal(items[i].status, i % 5 == 0 ? EMC_MISS : EMC_OK);
    if (i % 5 != 0) {
        assert_int_equal(items[i].value_length, VALUE);
        assert_memory_equal(items[i].value, names[i] + KEY - 8, 8);
        assert_true(items[i].flags == i);
    }
}

static void a_hundred_thousand_keys_come_though_both_sides_buffers_are_full(void **state)
{
    (void)state;
    store();
    assert_int_equal(emc_get_many(client, keys, MANY, items, NULL), EMC_OK);
    for (size_t i = 0; i < MANY; i++) {
        check_item(i);
    }
    emc_items_release(items, MANY);
    assert_int_equal(emc_gats_many(client, keys, MANY, 1000, items, NULL), EMC_OK); /* lines of 2048 bytes */
    for (size_t i = 0; i < MANY; i++) {
        check_item(i);
        assert_true(i % 5 == 0 || items[i].cas > 0);
    }
    emc_items_release(items, MANY);
}

static void the_keys_of_a_node_that_is_gone_fail_and_the_others_come(void **state)
{
    (void)state;
    emc_cluster_management *view = emc_client_cluster_management(client);
    size_t failed = 0;
    store();
    server_kill(&servers[2]);
    assert_true(emc_get_many(client, keys, MANY, items, NULL) < 0);
    for (size_t i = 0; i < MANY; i++) {
        emc_node_list *list = NULL;
        assert_int_equal(emc_cluster_node_for_key(view, names[i], KEY, &list), EMC_OK);
        bool gone = emc_address_equal(&list->nodes[0], &servers[2].address);
        emc_node_list_destroy(list);
        failed += gone;
        if (gone) {
            assert_true(items[i].status < 0);
            assert_null(items[i].value);
        } else {
            check_item(i);
        }
    }
    assert_in_range(failed, MANY / 10, MANY / 2);
    emc_items_release(items, MANY);
    server_restart(&servers[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hundred_thousand_keys_come_though_both_sides_buffers_are_full),
        cmocka_unit_test(the_keys_of_a_node_that_is_gone_fail_and_the_others_come),
    };
    return cmocka_run_group_tests(tests, start, stop_all);
}
