/* Scenarios: what happens to a key whose node is down, under each policy: killed, flapping, cut off, slow among fast ones; and that no stale value
 * comes back with it. */
#include <string.h>

#include "talk.h"

/* ------------------------------------------------------------------ the cast */

static void dies(struct sim_node *node)
{
    sim_host_die(node->host, SIM_END_RESET);
}

/* Its data is gone. */
static void is_started_again(struct sim_node *node)
{
    sim_server_restart(node->server);
    sim_host_return(node->host);
}

static void is_cut_off(struct sim_node *node)
{
    sim_host_black(node->host, true);
}

static void is_reached_again(struct sim_node *node)
{
    sim_host_black(node->host, false);
}

/* Three servers, the client on the first two; the third is the gutter. */
struct house {
    struct sim_node *first, *second, *gutter;
    emc_address addresses[1];
};

static void opens_on(struct play *p, uint32_t count)
{
    emc_error error;
    must(p, sim_stage_open(&p->stage, count, &error) == EMC_OK);
    ms_pass(p, 10);
}

static struct house a_house_with(struct play *p, emc_failover failover)
{
    struct house house = {.first = a_server(p), .second = a_server(p)};
    options(p)->failover = failover;
    if (failover == EMC_FAILOVER_GUTTER) {
        house.gutter = a_server(p);
        house.addresses[0] = house.gutter->address;
        options(p)->gutter_nodes = house.addresses;
        options(p)->gutter_node_count = 1;
    }
    opens_on(p, 2);
    return house;
}

static bool holds(const struct sim_node *node, const char *key)
{
    return sim_store_find(&node->server->store, emc__slice_of(key, strlen(key))) != NULL;
}

/* ------------------------------------------------------------------ killed */

static void with_fail_a_dead_nodes_keys_fail_at_once_and_the_others_go_on(struct play *p)
{
    struct house house = a_house_with(p, EMC_FAILOVER_FAIL);
    const char *lost = key_of(p, house.first), *kept = key_of(p, house.second);
    dies(house.first);
    turns_unhealthy(p, house.first, 1200);
    for (int i = 0; i < 20; i++) {
        struct sim_call *dead = set(p, lost, 20), *alive = set(p, kept, 20);
        ends(p, dead, EMC_ERROR_NODE_DOWN, 1);
        ends(p, alive, EMC_OK, 5);
    }
    is_started_again(house.first);
    turns_healthy(p, house.first, 2000);
    ends(p, set(p, lost, 20), EMC_OK, 5);
}

static void with_next_a_dead_nodes_keys_go_to_the_next_node_and_come_back(struct play *p)
{
    struct house house = a_house_with(p, EMC_FAILOVER_NEXT);
    const char *key = key_of(p, house.first);
    dies(house.first);
    turns_unhealthy(p, house.first, 1200);
    ends(p, set(p, key, 20), EMC_OK, 5);
    ends(p, get(p, key), EMC_OK, 5);
    ends(p, get_many(p, "a b c d e f"), EMC_MISS, 5);
    must(p, holds(house.second, key));
    is_started_again(house.first);
    turns_healthy(p, house.first, 2000);
    ends(p, get(p, key), EMC_MISS, 5);
    ends(p, set(p, key, 20), EMC_OK, 5);
    must(p, holds(house.first, key));
}

static void with_gutter_what_a_dead_node_should_have_lives_there_for_a_short_time(struct play *p)
{
    options(p)->gutter_exptime = 3;
    struct house house = a_house_with(p, EMC_FAILOVER_GUTTER);
    const char *key = key_of(p, house.first), *kept = key_of(p, house.second);
    ends(p, set(p, key, 20), EMC_OK, 5);
    must(p, !holds(house.gutter, key));
    dies(house.first);
    turns_unhealthy(p, house.first, 1200);
    ends(p, get(p, key), EMC_MISS, 5);
    ends(p, set(p, key, 20), EMC_OK, 5);
    ends(p, set(p, kept, 20), EMC_OK, 5);
    ends(p, get(p, key), EMC_OK, 5);
    must(p, holds(house.gutter, key) && !holds(house.gutter, kept));
    ms_pass(p, 4000);
    ends(p, get(p, key), EMC_MISS, 5);
    is_started_again(house.first);
    turns_healthy(p, house.first, 2000);
    ends(p, set(p, key, 20), EMC_OK, 5);
    must(p, holds(house.first, key));
}

static void in_the_gutter_no_touch_makes_an_item_live_longer(struct play *p)
{
    options(p)->gutter_exptime = 3;
    struct house house = a_house_with(p, EMC_FAILOVER_GUTTER);
    const char *key = key_of(p, house.first);
    dies(house.first);
    turns_unhealthy(p, house.first, 1200);
    ends(p, set(p, key, 20), EMC_OK, 5);
    ends(p, gat(p, key, 1000), EMC_OK, 5);
    ends(p, append(p, key, 20), EMC_OK, 5);
    ms_pass(p, 4000);
    ends(p, get(p, key), EMC_MISS, 5);
}

static void when_the_gutter_is_down_too_operations_fail_at_once(struct play *p)
{
    struct house house = a_house_with(p, EMC_FAILOVER_GUTTER);
    const char *key = key_of(p, house.first);
    dies(house.first);
    dies(house.gutter);
    turns_unhealthy(p, house.first, 1200);
    turns_unhealthy(p, house.gutter, 1200);
    ends(p, set(p, key, 20), EMC_ERROR_NODE_DOWN, 1);
    ends(p, get_many(p, key), EMC_ERROR_NODE_DOWN, 1);
}

static void the_gutter_is_told_of_by_the_view_but_is_no_member(struct play *p)
{
    struct house house = a_house_with(p, EMC_FAILOVER_GUTTER);
    emc_node_list *list = NULL;
    emc_node_state state;
    emc_error error;
    must(p, emc_cluster_gutter_nodes(p->stage.view, &list) == EMC_OK && list->count == 1);
    must(p, emc_address_equal(&list->nodes[0], &house.gutter->address));
    emc_node_list_destroy(list);
    must(p, emc_cluster_nodes(p->stage.view, &list) == EMC_OK && list->count == 2);
    emc_node_list_destroy(list);
    must(p, emc_cluster_node_state(p->stage.view, &house.gutter->address, &state) == EMC_OK && state.healthy);
    must(p, metrics(p, house.gutter).connections == 1);
    must(p, emc_cluster_add_node(p->stage.view, &house.gutter->address, 100, &error) == EMC_ERROR_DUPLICATE);
    must(p, strstr(error.message, "gutter") != NULL);
    must(p, emc_cluster_remove_node(p->stage.view, &house.gutter->address, &error) == EMC_ERROR_UNKNOWN_NODE);
    ends(p, version(p, 2), EMC_OK, 5);
}

/* ------------------------------------------------------------------ flapping */

/* Up and down every 200 ms, for so many times. */
static void flaps(struct play *p, struct sim_node *node, uint32_t times, const char *key, uint32_t *failed)
{
    for (uint32_t i = 0; i < times; i++) {
        bool up = i % 2 == 1;
        if (up) {
            sim_host_return(node->host);
        } else {
            dies(node);
        }
        for (int tick = 0; tick < 4; tick++) {
            struct sim_call *call = set(p, key, 20);
            ms_pass(p, 50);
            *failed += !call->done || call->status != EMC_OK;
        }
    }
}

static void a_node_that_flaps_is_left_alone_until_it_is_steady(struct play *p)
{
    uint32_t failed = 0, failed_later = 0;
    options(p)->return_steady_ms = 1000;
    struct house house = a_house_with(p, EMC_FAILOVER_NEXT);
    const char *key = key_of(p, house.first);
    ms_pass(p, 2000);
    flaps(p, house.first, 10, key, &failed);
    must(p, !sim_stage_healthy(&p->stage, house.first));
    uint32_t turns = house.first->turns;
    flaps(p, house.first, 40, key, &failed_later);
    must(p, failed_later == 0);
    must(p, house.first->turns == turns); /* not once was it believed */
    sim_host_return(house.first->host);
    turns_healthy(p, house.first, 3100);
    ends(p, set(p, key, 20), EMC_OK, 5);
    must(p, holds(house.first, key));
}

static void a_node_that_flaps_leaves_the_gutter_in_its_place(struct play *p)
{
    uint32_t failed = 0, failed_later = 0;
    options(p)->return_steady_ms = 1000;
    struct house house = a_house_with(p, EMC_FAILOVER_GUTTER);
    const char *key = key_of(p, house.first);
    ms_pass(p, 2000);
    flaps(p, house.first, 10, key, &failed);
    flaps(p, house.first, 40, key, &failed_later);
    must(p, failed_later == 0);
    must(p, holds(house.gutter, key));
}

static void with_fail_a_node_that_flaps_costs_its_own_keys_alone(struct play *p)
{
    uint32_t failed = 0, failed_other = 0;
    struct house house = a_house_with(p, EMC_FAILOVER_FAIL);
    const char *key = key_of(p, house.first), *other = key_of(p, house.second);
    flaps(p, house.first, 20, key, &failed);
    for (int i = 0; i < 20; i++) {
        struct sim_call *call = set(p, other, 20);
        flaps(p, house.first, 1, key, &failed);
        failed_other += call->status != EMC_OK;
    }
    must(p, failed_other == 0);
    sim_host_return(house.first->host);
    turns_healthy(p, house.first, 2000);
    ends(p, set(p, key, 20), EMC_OK, 5);
}

static void a_node_that_answers_once_and_then_is_silent_is_not_used(struct play *p)
{
    options(p)->return_steady_ms = 2000;
    options(p)->failover = EMC_FAILOVER_NEXT;
    struct sim_peer *peer = a_peer(p);
    struct sim_node *other = a_server(p);
    the_client_opens(p);
    it_greets(p, peer);
    const char *key = key_of(p, &p->stage.nodes[0]);
    it_resets(p, peer);
    peer->host->reach = SIM_REACH_REFUSES;
    turns_unhealthy(p, &p->stage.nodes[0], 1200);
    peer->host->reach = SIM_REACH_UP;
    it_is_called(p, peer, 2000);
    it_hears(p, peer, "version\r\n");
    it_says(p, peer, "VERSION 1.6.18\r\n");
    it_hears(p, peer, "version\r\n"); /* it is asked again, and says nothing */
    ends(p, set(p, key, 20), EMC_OK, 5);
    it_is_left(p, peer, 1100);
    must(p, holds(other, key));
    it_is_called(p, peer, 2000);
    for (int i = 0; i < 4; i++) {
        it_hears(p, peer, "version\r\n");
        it_says(p, peer, "VERSION 1.6.18\r\n");
    }
    ms_pass(p, 1000);
    must(p, sim_stage_healthy(&p->stage, &p->stage.nodes[0]));
}

static void a_handshake_that_fell_silent_leaves_no_reply_owed(struct play *p)
{
    options(p)->connection_timeout_ms = 200;
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_is_called(p, peer, 10);
    it_hears(p, peer, "version\r\n");
    it_is_left(p, peer, 250);
    it_is_called(p, peer, 1000);
    it_hears(p, peer, "version\r\n");
    it_says(p, peer, "VERSION 1.6.18\r\n");
    it_hears_nothing(p, peer, 5000);
    must(p, peer->count == 2); /* else it was suspected, and asked on a connection of its own */
}

/* ------------------------------------------------------------------ slow */

static void a_slow_node_among_fast_ones_is_neither_left_nor_does_it_slow_the_others(struct play *p)
{
    struct house house = a_house_with(p, EMC_FAILOVER_NEXT);
    const char *slow = key_of(p, house.first), *fast = key_of(p, house.second);
    house.first->server->service_ns = sim_ms(400);
    for (int i = 0; i < 10; i++) {
        struct sim_call *slow_call = set(p, slow, 20), *fast_call = set(p, fast, 20);
        ends(p, fast_call, EMC_OK, 3);
        ends(p, slow_call, EMC_OK, 500);
    }
    must(p, house.first->turns == 0 && holds(house.first, slow) && !holds(house.second, slow));
}

static void a_node_too_slow_for_its_timeouts_still_is_no_dead_node(struct play *p)
{
    options(p)->timeout_ms = 100;
    struct house house = a_house_with(p, EMC_FAILOVER_GUTTER);
    const char *slow = key_of(p, house.first);
    house.first->server->service_ns = sim_ms(300);
    for (int i = 0; i < 10; i++) {
        ends(p, set(p, slow, 20), EMC_ERROR_TIMEOUT, 110);
        ms_pass(p, 300);
    }
    must(p, house.first->turns == 0 && !holds(house.gutter, slow));
}

/* ------------------------------------------------------------------ a split network; stale values */

static void without_remembering_a_delete_that_missed_its_node_leaves_a_stale_value(struct play *p)
{
    struct house house = a_house_with(p, EMC_FAILOVER_GUTTER);
    const char *key = key_of(p, house.first);
    ends(p, set(p, key, 20), EMC_OK, 5);
    is_cut_off(house.first);
    ends(p, get(p, key), EMC_ERROR_TIMEOUT, 1100);
    turns_unhealthy(p, house.first, 3000);
    ends(p, delete_(p, key), EMC_MISS, 5);
    is_reached_again(house.first);
    turns_healthy(p, house.first, 2000);
    ends(p, get(p, key), EMC_OK, 5); /* what the option is for */
}

static void deletes_in_a_split(struct play *p, emc_failover failover, emc_status status)
{
    options(p)->deletes_replayed_max = 100;
    struct house house = a_house_with(p, failover);
    const char *key = key_of(p, house.first);
    ends(p, set(p, key, 20), EMC_OK, 5);
    is_cut_off(house.first);
    ends(p, get(p, key), EMC_ERROR_TIMEOUT, 1100);
    turns_unhealthy(p, house.first, 3000);
    ends(p, delete_(p, key), status, 5);
    emc_node_state state;
    must(p, emc_cluster_node_state(p->stage.view, &house.first->address, &state) == EMC_OK &&
                state.deletes_remembered == 1);
    ms_pass(p, 3000);
    is_reached_again(house.first);
    turns_healthy(p, house.first, 2000);
    ends(p, get(p, key), EMC_MISS, 5);
    must(p, emc_cluster_node_state(p->stage.view, &house.first->address, &state) == EMC_OK &&
                state.deletes_remembered == 0);
}

static void with_fail_a_remembered_delete_lets_no_stale_value_come_back(struct play *p)
{
    deletes_in_a_split(p, EMC_FAILOVER_FAIL, EMC_ERROR_NODE_DOWN);
}

static void with_next_a_remembered_delete_lets_no_stale_value_come_back(struct play *p)
{
    deletes_in_a_split(p, EMC_FAILOVER_NEXT, EMC_MISS);
}

static void with_gutter_a_remembered_delete_lets_no_stale_value_come_back(struct play *p)
{
    deletes_in_a_split(p, EMC_FAILOVER_GUTTER, EMC_MISS);
}

static void a_value_written_elsewhere_meanwhile_makes_the_old_one_go(struct play *p)
{
    options(p)->deletes_replayed_max = 100;
    struct house house = a_house_with(p, EMC_FAILOVER_GUTTER);
    const char *key = key_of(p, house.first);
    ends(p, set(p, key, 20), EMC_OK, 5);
    is_cut_off(house.first);
    ends(p, get(p, key), EMC_ERROR_TIMEOUT, 1100);
    turns_unhealthy(p, house.first, 3000);
    ends(p, set(p, key, 30), EMC_OK, 5);
    is_reached_again(house.first);
    turns_healthy(p, house.first, 2000);
    ends(p, get(p, key), EMC_MISS, 5);
}

static void a_touch_elsewhere_leaves_the_value_where_it_is(struct play *p)
{
    options(p)->deletes_replayed_max = 100;
    struct house house = a_house_with(p, EMC_FAILOVER_NEXT);
    const char *key = key_of(p, house.first);
    ends(p, set(p, key, 20), EMC_OK, 5);
    is_cut_off(house.first);
    ends(p, get(p, key), EMC_ERROR_TIMEOUT, 1100);
    turns_unhealthy(p, house.first, 3000);
    ends(p, touch(p, key), EMC_MISS, 5);
    is_reached_again(house.first);
    turns_healthy(p, house.first, 2000);
    ends(p, get(p, key), EMC_OK, 5);
}

static void deletes_in_flight_when_the_network_splits_are_remembered_too(struct play *p)
{
    options(p)->deletes_replayed_max = 100;
    options(p)->timeout_ms = 300;
    struct house house = a_house_with(p, EMC_FAILOVER_FAIL);
    const char *key = key_of(p, house.first);
    ends(p, set(p, key, 20), EMC_OK, 5);
    is_cut_off(house.first);
    struct sim_call *timed_out = delete_(p, key);
    struct sim_call *unheard = prepare(p, SIM_CALL_DELETE, key, 0);
    unheard->noreply = true;
    submit(p, unheard);
    ends(p, timed_out, EMC_ERROR_TIMEOUT, 310);
    turns_unhealthy(p, house.first, 4000);
    is_reached_again(house.first);
    turns_healthy(p, house.first, 2000);
    ends(p, get(p, key), EMC_MISS, 5);
}

static void what_is_too_much_to_remember_is_counted_and_may_come_back(struct play *p)
{
    options(p)->deletes_replayed_max = 2;
    struct sim_node *node = a_server(p);
    the_client_opens(p);
    ms_pass(p, 10);
    const char *keys[] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++) {
        ends(p, set(p, keys[i], 20), EMC_OK, 5);
    }
    is_cut_off(node);
    ends(p, get(p, "a"), EMC_ERROR_TIMEOUT, 1100);
    turns_unhealthy(p, node, 3000);
    for (int i = 0; i < 6; i++) {
        ends(p, delete_(p, keys[i % 3]), EMC_ERROR_NODE_DOWN, 5);
    }
    emc_node_state state;
    must(p, emc_cluster_node_state(p->stage.view, &node->address, &state) == EMC_OK);
    must(p, state.deletes_remembered == 2 && state.deletes_forgotten >= 1);
    is_reached_again(node);
    turns_healthy(p, node, 2000);
    ends(p, get(p, "a"), EMC_MISS, 5);
    ends(p, get(p, "b"), EMC_MISS, 5);
    ends(p, get(p, "c"), EMC_OK, 5);
}

/* ------------------------------------------------------------------ how they are said again */

static struct sim_peer *a_peer_that_was_told_to_delete(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    options(p)->deletes_replayed_max = 100;
    options(p)->timeout_ms = 20000;
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = delete_(p, "k");
    it_hears(p, peer, "delete k\r\n");
    it_resets(p, peer);
    ends(p, call, EMC_ERROR_CONNECTION_LOST, 5);
    return peer;
}

static void a_remembered_delete_goes_before_what_waited_for_the_connection(struct play *p)
{
    struct sim_peer *peer = a_peer_that_was_told_to_delete(p);
    struct sim_call *first = get(p, "k");
    it_is_called(p, peer, 1000);
    it_hears(p, peer, "version\r\n");
    it_says(p, peer, "VERSION 1.6.18\r\n");
    it_hears(p, peer, "delete k\r\nget k\r\n");
    it_says(p, peer, "DELETED\r\nEND\r\n");
    ends(p, first, EMC_MISS, 5);
    it_hears_nothing(p, peer, 100);
}

static void a_remembered_delete_whose_connection_breaks_again_is_said_once_more(struct play *p)
{
    struct sim_peer *peer = a_peer_that_was_told_to_delete(p);
    for (int i = 0; i < 2; i++) {
        it_is_called(p, peer, 2000);
        it_hears(p, peer, "version\r\n");
        it_says(p, peer, "VERSION 1.6.18\r\n");
        it_hears(p, peer, "delete k\r\n");
        it_resets(p, peer);
        ms_pass(p, 5);
    }
    it_is_called(p, peer, 2000);
    it_hears(p, peer, "version\r\n");
    it_says(p, peer, "VERSION 1.6.18\r\n");
    it_hears(p, peer, "delete k\r\n");
    it_says(p, peer, "NOT_FOUND\r\n");
    it_hears_nothing(p, peer, 100);
    it_resets(p, peer);
    it_is_called(p, peer, 2000);
    it_hears(p, peer, "version\r\n");
    it_says(p, peer, "VERSION 1.6.18\r\n");
    it_hears_nothing(p, peer, 100);
}

static void a_delete_that_was_answered_is_not_said_again(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    options(p)->deletes_replayed_max = 100;
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = delete_(p, "k");
    it_hears(p, peer, "delete k\r\n");
    it_says(p, peer, "DELETED\r\n");
    ends(p, call, EMC_OK, 5);
    it_resets(p, peer);
    it_is_called(p, peer, 1000);
    it_hears(p, peer, "version\r\n");
    it_says(p, peer, "VERSION 1.6.18\r\n");
    it_hears_nothing(p, peer, 100);
}

static void without_memory_for_the_deletes_the_node_does_not_serve(struct play *p)
{
    struct sim_peer *peer = a_peer_that_was_told_to_delete(p);
    it_is_called(p, peer, 1000);
    it_hears(p, peer, "version\r\n");
    struct sim_call *waiting = get(p, "k");
    p->stage.memory.fail_per_mille = 1000;
    while (sim_stage_submit(&p->stage, prepare(p, SIM_CALL_GET, "k", 0))) {
    }
    it_says(p, peer, "VERSION 1.6.18\r\n");
    ms_pass(p, 5);
    p->stage.memory.fail_per_mille = 0;
    it_is_called(p, peer, 2000);
    it_hears(p, peer, "version\r\n");
    it_says(p, peer, "VERSION 1.6.18\r\n");
    it_hears(p, peer, "delete k\r\nget k\r\n");
    it_says(p, peer, "DELETED\r\nEND\r\n");
    ends(p, waiting, EMC_MISS, 5);
}

SCENARIOS("failover", SCENARIO(with_fail_a_dead_nodes_keys_fail_at_once_and_the_others_go_on),
          SCENARIO(with_next_a_dead_nodes_keys_go_to_the_next_node_and_come_back),
          SCENARIO(with_gutter_what_a_dead_node_should_have_lives_there_for_a_short_time),
          SCENARIO(in_the_gutter_no_touch_makes_an_item_live_longer),
          SCENARIO(when_the_gutter_is_down_too_operations_fail_at_once),
          SCENARIO(the_gutter_is_told_of_by_the_view_but_is_no_member),
          SCENARIO(a_node_that_flaps_is_left_alone_until_it_is_steady),
          SCENARIO(a_node_that_flaps_leaves_the_gutter_in_its_place),
          SCENARIO(with_fail_a_node_that_flaps_costs_its_own_keys_alone),
          SCENARIO(a_node_that_answers_once_and_then_is_silent_is_not_used),
          SCENARIO(a_handshake_that_fell_silent_leaves_no_reply_owed),
          SCENARIO(a_slow_node_among_fast_ones_is_neither_left_nor_does_it_slow_the_others),
          SCENARIO(a_node_too_slow_for_its_timeouts_still_is_no_dead_node),
          SCENARIO(without_remembering_a_delete_that_missed_its_node_leaves_a_stale_value),
          SCENARIO(with_fail_a_remembered_delete_lets_no_stale_value_come_back),
          SCENARIO(with_next_a_remembered_delete_lets_no_stale_value_come_back),
          SCENARIO(with_gutter_a_remembered_delete_lets_no_stale_value_come_back),
          SCENARIO(a_value_written_elsewhere_meanwhile_makes_the_old_one_go),
          SCENARIO(a_touch_elsewhere_leaves_the_value_where_it_is),
          SCENARIO(deletes_in_flight_when_the_network_splits_are_remembered_too),
          SCENARIO(what_is_too_much_to_remember_is_counted_and_may_come_back),
          SCENARIO(a_remembered_delete_goes_before_what_waited_for_the_connection),
          SCENARIO(a_remembered_delete_whose_connection_breaks_again_is_said_once_more),
          SCENARIO(a_delete_that_was_answered_is_not_said_again),
          SCENARIO(without_memory_for_the_deletes_the_node_does_not_serve))
