/* Scenarios: nodes added, removed, weighed and replaced while requests are in flight. */
#include <stdio.h>
#include <string.h>

#include "talk.h"

static struct sim_peer *a_peer_beside_a_server(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    a_server(p);
    p->stage.model.routing_moves = true;
    the_client_opens(p);
    it_greets(p, peer);
    return peer;
}

static void is_removed(struct play *p, const struct sim_node *node)
{
    must(p, emc_cluster_remove_node(p->stage.view, &node->address, NULL) == EMC_OK);
    sim_transport_request_pass(&p->stage.transport);
}

static void is_added(struct play *p, const struct sim_node *node)
{
    must(p, emc_cluster_add_node(p->stage.view, &node->address, 100, NULL) == EMC_OK);
    sim_transport_request_pass(&p->stage.transport);
}

/* ------------------------------------------------------------------ draining */

static void a_removed_node_answers_what_was_asked_and_is_left_then(struct play *p)
{
    struct sim_peer *peer = a_peer_beside_a_server(p);
    const char *key = key_of(p, &p->stage.nodes[0]);
    struct sim_call *call = get(p, key);
    it_hears(p, peer, sim_world_text(&p->stage.world, "get %s\r\n", key));
    is_removed(p, &p->stage.nodes[0]);
    struct sim_call *later = get(p, key);
    ends(p, later, EMC_MISS, 5);
    it_is_kept(p, peer);
    it_says(p, peer, "END\r\n");
    ends(p, call, EMC_MISS, 5);
    it_is_left(p, peer, 5);
    must(p, p->stage.last_event == EMC_EVENT_NODE_REMOVED);
}

static void a_removed_node_gets_what_was_submitted_before_and_not_yet_written(struct play *p)
{
    struct sim_peer *peer = a_peer_beside_a_server(p);
    const char *key = key_of(p, &p->stage.nodes[0]);
    struct sim_call *call = set(p, key, 12);
    is_removed(p, &p->stage.nodes[0]);
    it_hears(p, peer, sim_world_text(&p->stage.world, "set %s 1 0 12\r\n", key));
    it_says(p, peer, "STORED\r\n");
    ends(p, call, EMC_OK, 5);
    it_is_left(p, peer, 5);
}

static void a_removed_node_that_was_still_connecting_serves_what_waited(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    a_server(p);
    peer->host->line.latency_ns = sim_ms(40);
    the_client_opens(p);
    struct sim_call *call = get(p, key_of(p, &p->stage.nodes[0]));
    is_removed(p, &p->stage.nodes[0]);
    it_is_called(p, peer, 100);
    it_hears(p, peer, "version\r\n");
    it_says(p, peer, "VERSION 1.6.18\r\n");
    it_hears(p, peer, "get ");
    it_says(p, peer, "END\r\n");
    ends(p, call, EMC_MISS, 100);
    it_is_left(p, peer, 100);
}

static void a_removed_node_is_kept_until_a_large_value_of_a_bulk_is_all_there(struct play *p)
{
    struct sim_peer *peer = a_peer_beside_a_server(p);
    const char *key = key_of(p, &p->stage.nodes[0]);
    static char value[30001];
    memset(value, 'v', sizeof value - 1);
    struct sim_call *call = get_many(p, key);
    it_hears(p, peer, sim_world_text(&p->stage.world, "get %s\r\n", key));
    it_says(p, peer, sim_world_text(&p->stage.world, "VALUE %s 0 30000\r\nvvvvv", key));
    ms_pass(p, 5);
    is_removed(p, &p->stage.nodes[0]);
    waits(p, call, 100);
    it_is_kept(p, peer);
    it_says(p, peer, value + 5);
    it_says(p, peer, "\r\nEND\r\n");
    ends(p, call, EMC_OK, 5);
    gave(p, call, 0, value);
    it_is_left(p, peer, 5);
}

static void a_removed_node_that_dies_fails_what_it_owed_once(struct play *p)
{
    struct sim_peer *peer = a_peer_beside_a_server(p);
    const char *key = key_of(p, &p->stage.nodes[0]);
    struct sim_call *call = set(p, key, 12);
    it_hears(p, peer, "set ");
    is_removed(p, &p->stage.nodes[0]);
    it_resets(p, peer);
    ends(p, call, EMC_ERROR_CONNECTION_LOST, 5);
    ms_pass(p, 3000);
    must(p, peer->count == 1); /* nobody calls it again */
}

static void a_removed_node_that_falls_silent_ends_by_its_health(struct play *p)
{
    options(p)->timeout_ms = EMC_NO_LIMIT;
    struct sim_peer *peer = a_peer_beside_a_server(p);
    const char *key = key_of(p, &p->stage.nodes[0]);
    struct sim_call *call = set(p, key, 12);
    it_hears(p, peer, "set ");
    is_removed(p, &p->stage.nodes[0]);
    peer->host->reach = SIM_REACH_SILENT;
    ends(p, call, EMC_ERROR_NODE_DOWN, 3000);
    ms_pass(p, 5);
    must(p, p->stage.last_event == EMC_EVENT_NODE_REMOVED); /* of its health nobody hears any more */
}

/* ------------------------------------------------------------------ removed and added again */

static void a_node_added_again_while_it_drains_keeps_its_connection_and_the_order_of_its_keys(struct play *p)
{
    struct sim_peer *peer = a_peer_beside_a_server(p);
    const char *key = key_of(p, &p->stage.nodes[0]);
    struct sim_call *first = incr(p, key);
    it_hears(p, peer, sim_world_text(&p->stage.world, "incr %s 1000001\r\n", key));
    is_removed(p, &p->stage.nodes[0]);
    is_added(p, &p->stage.nodes[0]);
    struct sim_call *second = incr(p, key);
    it_hears(p, peer, sim_world_text(&p->stage.world, "incr %s 1000002\r\n", key)); /* on the same connection */
    it_says(p, peer, "NOT_FOUND\r\nNOT_FOUND\r\n");
    ends(p, first, EMC_MISS, 5);
    ends(p, second, EMC_MISS, 5);
    ms_pass(p, 100);
    it_is_kept(p, peer);
    must(p, peer->count == 1 && p->stage.last_event == EMC_EVENT_NODE_ADDED);
}

/* What a callback may do: submit once more, and remove the node. */
static void submit_and_remove(struct sim_stage *stage, struct sim_call *call)
{
    struct sim_call *next = stage->program;
    if (next != NULL && call != next) {
        stage->program = NULL;
        (void)sim_stage_submit(stage, next);
        emc_cluster_remove_node(stage->view, &stage->nodes[0].address, NULL);
    }
}

/* Found by seed 9002453: it waited for a new connection, while what was submitted after the node had come back used the other one. */
static void what_a_lost_connection_of_a_draining_node_left_goes_out_before_what_comes_later(struct play *p)
{
    options(p)->connections_min = 2;
    struct sim_peer *peer = a_peer_beside_a_server(p);
    it_is_called(p, peer, 50);
    it_greets(p, peer);
    const char *key = key_of(p, &p->stage.nodes[0]);
    peer->current = 0;
    struct sim_call *first = incr(p, key);
    it_hears(p, peer, sim_world_text(&p->stage.world, "incr %s 1000001\r\n", key));
    peer->current = 1;
    struct sim_call *other = version(p, 0);
    it_hears(p, peer, "version\r\n");
    struct sim_call *second = prepare(p, SIM_CALL_INCR, key, 0);
    p->stage.on_done = submit_and_remove;
    p->stage.program = second;
    peer->current = 0;
    it_says(p, peer, "NOT_FOUND\r\nNONSENSE\r\n");
    ends(p, first, EMC_MISS, 5);
    it_is_left(p, peer, 5);
    is_added(p, &p->stage.nodes[0]);
    struct sim_call *third = incr(p, key);
    peer->current = 1;
    it_hears(p, peer, sim_world_text(&p->stage.world, "incr %s 1000002\r\nincr %s 1000003\r\n", key, key));
    it_says(p, peer, "VERSION 1.6.18\r\nNOT_FOUND\r\nNOT_FOUND\r\n");
    ends(p, other, EMC_OK, 5);
    ends(p, second, EMC_MISS, 5);
    ends(p, third, EMC_MISS, 5);
    p->stage.on_done = NULL;
}

static void a_node_added_again_after_it_was_drained_is_connected_anew(struct play *p)
{
    struct sim_peer *peer = a_peer_beside_a_server(p);
    is_removed(p, &p->stage.nodes[0]);
    it_is_left(p, peer, 5);
    is_added(p, &p->stage.nodes[0]);
    it_is_called(p, peer, 10);
    it_hears(p, peer, "version\r\n");
}

static void an_unhealthy_node_added_again_while_it_drains_is_told_unhealthy_again(struct play *p)
{
    options(p)->timeout_ms = EMC_NO_LIMIT;
    struct sim_node *dead = a_server(p);
    a_server(p);
    the_client_opens(p);
    ms_pass(p, 10);
    const char *key = key_of(p, dead);
    sim_host_die(dead->host, SIM_END_RESET);
    turns_unhealthy(p, dead, 1500);
    struct sim_call *call = get(p, key); /* it is told in the next pass: until then the node drains */
    must(p, emc_cluster_remove_node(p->stage.view, &dead->address, NULL) == EMC_OK);
    must(p, emc_cluster_add_node(p->stage.view, &dead->address, 100, NULL) == EMC_OK);
    sim_transport_request_pass(&p->stage.transport);
    ends(p, call, EMC_ERROR_NODE_DOWN, 5);
    ms_pass(p, 5);
    must(p, p->stage.last_event == EMC_EVENT_NODE_UNHEALTHY && !dead->healthy);
    sim_server_restart(dead->server);
    sim_host_return(dead->host);
    turns_healthy(p, dead, 2000);
}

/* ------------------------------------------------------------------ the list as a whole */

static void nodes_that_stay_in_a_replaced_list_keep_their_connections(struct play *p)
{
    struct sim_node *nodes[4];
    for (int i = 0; i < 4; i++) {
        nodes[i] = a_server(p);
    }
    the_client_opens(p);
    ms_pass(p, 10);
    const emc_weighted_address list[] = {{nodes[3]->address, 100}, {nodes[1]->address, 200}, {nodes[0]->address, 100}};
    must(p, emc_cluster_replace_nodes(p->stage.view, list, 3, NULL) == EMC_OK);
    sim_transport_request_pass(&p->stage.transport);
    ms_pass(p, 100);
    must(p, metrics(p, nodes[0]).connections_created == 1 && metrics(p, nodes[0]).connections == 1);
    must(p, metrics(p, nodes[1]).connections_created == 1 && metrics(p, nodes[3]).connections_created == 1);
    must(p, p->stage.events == 2); /* removed, weighed */
}

static void a_node_that_comes_takes_its_share_and_no_operation_fails(struct play *p)
{
    enum { KEYS = 80 };
    uint32_t moved = 0;
    struct sim_call *calls[KEYS];
    char key[16];
    for (int i = 0; i < 4; i++) {
        a_server(p);
    }
    emc_error error;
    must(p, sim_stage_open(&p->stage, 3, &error) == EMC_OK);
    ms_pass(p, 10);
    for (int i = 0; i < KEYS; i++) {
        snprintf(key, sizeof key, "key:%d", i);
        ends(p, set(p, key, 20), EMC_OK, 5);
    }
    p->stage.model.routing_moves = true;
    for (int i = 0; i < KEYS; i++) {
        if (i == KEYS / 2) {
            is_added(p, &p->stage.nodes[3]);
        }
        snprintf(key, sizeof key, "key:%d", i);
        calls[i] = set(p, key, 30);
    }
    for (int i = 0; i < KEYS; i++) {
        ends(p, calls[i], EMC_OK, 20);
        moved += calls[i]->ops[0].node == 3;
    }
    must(p, moved > 0 && moved < KEYS / 2); /* about a quarter of the second half */
}

/* What a callback may do. */
static void remove_in_callback(struct sim_stage *stage, struct sim_call *call)
{
    if (call->count > 0 && stage->program != NULL) {
        stage->program = NULL;
        emc_cluster_remove_node(stage->view, &stage->nodes[0].address, NULL);
    }
}

static void a_callback_may_remove_the_node_that_answered(struct play *p)
{
    struct sim_node *first = a_server(p);
    a_server(p);
    the_client_opens(p);
    ms_pass(p, 10);
    const char *key = key_of(p, first);
    p->stage.model.routing_moves = true;
    p->stage.on_done = remove_in_callback;
    p->stage.program = p;
    struct sim_call *call = get(p, key), *same = get_many(p, key), *other = set(p, key, 20);
    ends(p, call, EMC_MISS, 5);
    ends(p, same, EMC_MISS, 5);
    ends(p, other, EMC_OK, 5);
    ms_pass(p, 20);
    ends(p, set(p, key, 20), EMC_OK, 5);
    must(p, p->stage.last_event == EMC_EVENT_NODE_REMOVED);
    p->stage.on_done = NULL;
}

SCENARIOS("membership", SCENARIO(a_removed_node_answers_what_was_asked_and_is_left_then),
          SCENARIO(a_removed_node_gets_what_was_submitted_before_and_not_yet_written),
          SCENARIO(a_removed_node_that_was_still_connecting_serves_what_waited),
          SCENARIO(a_removed_node_is_kept_until_a_large_value_of_a_bulk_is_all_there),
          SCENARIO(a_removed_node_that_dies_fails_what_it_owed_once),
          SCENARIO(a_removed_node_that_falls_silent_ends_by_its_health),
          SCENARIO(a_node_added_again_while_it_drains_keeps_its_connection_and_the_order_of_its_keys),
          SCENARIO(what_a_lost_connection_of_a_draining_node_left_goes_out_before_what_comes_later),
          SCENARIO(a_node_added_again_after_it_was_drained_is_connected_anew),
          SCENARIO(an_unhealthy_node_added_again_while_it_drains_is_told_unhealthy_again),
          SCENARIO(nodes_that_stay_in_a_replaced_list_keep_their_connections),
          SCENARIO(a_node_that_comes_takes_its_share_and_no_operation_fails),
          SCENARIO(a_callback_may_remove_the_node_that_answered))
