/* Events reach their subscribers in order, one at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "../base/failing_allocator.h"
#include "cluster/events.h"

static struct failing_allocator memory;
static struct emc__engine engine;
static struct emc__events events;
static char heard[256];
static uint64_t own, other;

static int begin(void **state)
{
    (void)state;
    failing_allocator_init(&memory);
    engine = (struct emc__engine){.allocator = memory.allocator};
    emc__events_init(&events, &engine);
    heard[0] = '\0';
    return 0;
}

static int end(void **state)
{
    (void)state;
    emc__events_deinit(&events);
    assert_int_equal(memory.outstanding, 0);
    return 0;
}

static void happen(emc_cluster_event_kind kind, const char *host)
{
    emc_address address = emc_address_tcp(host, 11211);
    emc__events_add(&events, kind, &address, 7, "why");
}

static void hear(void *user_data, const emc_cluster_event *event)
{
    assert_int_equal(event->weight, 7);
    assert_string_equal(event->reason, "why");
    assert_int_equal(engine.callback_depth, 1);
    strncat(heard, user_data != NULL ? (const char *)user_data : "", sizeof heard - strlen(heard) - 1);
    strncat(heard, event->node->host, sizeof heard - strlen(heard) - 1);
}

static void they_come_in_order_and_not_before_they_are_delivered(void **state)
{
    (void)state;
    assert_int_equal(emc__events_subscribe(&events, hear, NULL, &own), EMC_OK);
    happen(EMC_EVENT_NODE_ADDED, "a");
    happen(EMC_EVENT_NODE_REMOVED, "b");
    assert_string_equal(heard, "");
    assert_true(emc__events_deliver(&events));
    assert_string_equal(heard, "ab");
    assert_false(emc__events_deliver(&events));
}

static void who_subscribes_hears_of_nothing_before(void **state)
{
    (void)state;
    assert_int_equal(emc__events_subscribe(&events, hear, "1", &own), EMC_OK);
    happen(EMC_EVENT_NODE_ADDED, "a");
    assert_int_equal(emc__events_subscribe(&events, hear, "2", &other), EMC_OK);
    happen(EMC_EVENT_NODE_ADDED, "b");
    emc__events_deliver(&events);
    assert_string_equal(heard, "1a1b2b");
}

static void unsubscribe_both(void *user_data, const emc_cluster_event *event)
{
    hear(user_data, event);
    emc__events_unsubscribe(&events, own);
    emc__events_unsubscribe(&events, other);
}

static void who_unsubscribes_in_a_callback_hears_no_more(void **state)
{
    (void)state;
    assert_int_equal(emc__events_subscribe(&events, unsubscribe_both, "1", &own), EMC_OK);
    assert_int_equal(emc__events_subscribe(&events, hear, "2", &other), EMC_OK);
    happen(EMC_EVENT_NODE_ADDED, "a");
    happen(EMC_EVENT_NODE_ADDED, "b");
    emc__events_deliver(&events);
    assert_string_equal(heard, "1a");
    assert_int_equal(emc__events_unsubscribe(&events, own), EMC_MISS);
}

static void cause_another(void *user_data, const emc_cluster_event *event)
{
    hear(user_data, event);
    if (event->node->host[0] == 'a') {
        happen(EMC_EVENT_NODE_ADDED, "c");
        assert_false(emc__events_deliver(&events)); /* one at a time */
    }
}

static void what_a_callback_causes_comes_after_what_was_before(void **state)
{
    (void)state;
    assert_int_equal(emc__events_subscribe(&events, cause_another, NULL, &own), EMC_OK);
    happen(EMC_EVENT_NODE_ADDED, "a");
    happen(EMC_EVENT_NODE_ADDED, "b");
    emc__events_deliver(&events);
    assert_string_equal(heard, "abc");
}

static void without_memory_an_event_is_lost_and_nothing_else(void **state)
{
    (void)state;
    assert_int_equal(emc__events_subscribe(&events, hear, NULL, &own), EMC_OK);
    memory.left = 0;
    happen(EMC_EVENT_NODE_ADDED, "a");
    assert_int_equal(emc__events_subscribe(&events, hear, NULL, &other), EMC_ERROR_MEMORY);
    memory.left = SIZE_MAX;
    happen(EMC_EVENT_NODE_ADDED, "b");
    emc__events_deliver(&events);
    assert_string_equal(heard, "b");
}

int main(void)
{
#define EVENTS_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        EVENTS_TEST(they_come_in_order_and_not_before_they_are_delivered),
        EVENTS_TEST(who_subscribes_hears_of_nothing_before),
        EVENTS_TEST(who_unsubscribes_in_a_callback_hears_no_more),
        EVENTS_TEST(what_a_callback_causes_comes_after_what_was_before),
        EVENTS_TEST(without_memory_an_event_is_lost_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
