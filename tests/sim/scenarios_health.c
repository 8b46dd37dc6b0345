/* Scenarios: nodes that die, fall silent, come back; what health does and does not say. */
#include <stdio.h>
#include <string.h>

#include "talk.h"

static void a_silent_server_is_asked_on_a_fresh_connection_after_a_second(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    options(p)->timeout_ms = EMC_NO_LIMIT;
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = get(p, "k");
    it_hears(p, peer, "get k\r\n");
    ms_pass(p, 950);
    must(p, peer->count == 1);
    it_is_called(p, peer, 100);
    it_hears(p, peer, "version\r\n");
    turns_unhealthy(p, node_of(p, peer), 1010);
    ends(p, call, EMC_ERROR_NODE_DOWN, 1);
}

static void one_slow_answer_is_no_silence_when_the_question_is_answered(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    options(p)->timeout_ms = EMC_NO_LIMIT;
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = get(p, "k");
    it_hears(p, peer, "get k\r\n");
    it_is_called(p, peer, 1100);
    it_hears(p, peer, "version\r\n");
    it_says(p, peer, "VERSION 1.6.18\r\n");
    waits(p, call, 500);
    peer->current = 0;
    it_says(p, peer, "END\r\n");
    ends(p, call, EMC_MISS, 5);
    must(p, node_of(p, peer)->turns == 0);
}

static void a_byte_from_the_old_connection_answers_the_suspicion(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    options(p)->timeout_ms = EMC_NO_LIMIT;
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = get(p, "k");
    it_hears(p, peer, "get k\r\n");
    it_is_called(p, peer, 1100);
    peer->current = 0;
    ms_pass(p, 500);
    it_says(p, peer, "VALUE k 0 3\r\n");
    ms_pass(p, 600); /* the question's second has passed */
    must(p, node_of(p, peer)->turns == 0);
    it_says(p, peer, "abc\r\nEND\r\n");
    ends(p, call, EMC_OK, 5);
}

static void a_stopped_process_is_found_although_its_kernel_accepts(struct play *p)
{
    struct sim_node *node = a_server(p);
    options(p)->timeout_ms = EMC_NO_LIMIT;
    the_client_opens(p);
    ms_pass(p, 20);
    sim_server_stop(node->server, true);
    struct sim_call *call = get(p, "k");
    turns_unhealthy(p, node, 2020);
    ends(p, call, EMC_ERROR_NODE_DOWN, 1);
    sim_server_stop(node->server, false);
    turns_healthy(p, node, 2000);
    ends(p, get(p, "k"), EMC_MISS, 20);
}

static void a_crashed_server_is_unhealthy_within_a_second_and_used_within_two_of_its_return(struct play *p)
{
    struct sim_node *node = a_server(p);
    the_client_opens(p);
    ends(p, set(p, "k", 20), EMC_OK, 20);
    sim_host_die(node->host, SIM_END_RESET);
    turns_unhealthy(p, node, 1000);
    ms_pass(p, 30000);
    sim_server_restart(node->server);
    sim_host_return(node->host);
    turns_healthy(p, node, 2000);
    ends(p, get(p, "k"), EMC_MISS, 20);
    must(p, node->turns == 2);
}

static void operations_to_a_node_known_to_be_down_fail_at_once(struct play *p)
{
    struct sim_node *node = a_server(p);
    the_client_opens(p);
    ms_pass(p, 20);
    sim_host_die(node->host, SIM_END_FIN);
    turns_unhealthy(p, node, 1000);
    struct sim_call *one = get(p, "k"), *many = get_many(p, "a b c"), *write = set(p, "k", 10);
    ends(p, one, EMC_ERROR_NODE_DOWN, 1);
    ends(p, many, EMC_ERROR_NODE_DOWN, 1);
    ends(p, write, EMC_ERROR_NODE_DOWN, 1);
    must(p, one->message[0] != 0);
}

static void a_vanished_machine_is_found_by_its_silence(struct play *p)
{
    struct sim_node *node = a_server(p);
    options(p)->timeout_ms = EMC_NO_LIMIT;
    the_client_opens(p);
    ms_pass(p, 20);
    sim_host_vanish(node->host);
    struct sim_call *call = get(p, "k");
    turns_unhealthy(p, node, 2020);
    ends(p, call, EMC_ERROR_NODE_DOWN, 1);
    sim_host_return(node->host);
    turns_healthy(p, node, 2000);
}

static void a_stall_shorter_than_a_second_does_not_flap(struct play *p)
{
    struct sim_node *node = a_server(p);
    the_client_opens(p);
    ms_pass(p, 20);
    for (int i = 0; i < 5; i++) {
        struct sim_call *call = get(p, "k");
        sim_stage_end_tick(&p->stage);
        sim_server_stop(node->server, true);
        ms_pass(p, 900);
        sim_server_stop(node->server, false);
        ends(p, call, EMC_MISS, 20);
    }
    must(p, node->turns == 0);
}

static void an_idle_connection_is_asked_after_the_keepalive_and_a_dead_one_found(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    it_hears_nothing(p, peer, 9900);
    it_hears(p, peer, "version\r\n");
    it_is_called(p, peer, 1100); /* it did not answer: a second question, on a fresh connection */
    turns_unhealthy(p, node_of(p, peer), 1010);
}

static void with_all_nodes_dead_every_operation_is_told_and_all_recover(struct play *p)
{
    struct sim_node *nodes[3];
    for (int i = 0; i < 3; i++) {
        nodes[i] = a_server(p);
    }
    the_client_opens(p);
    ms_pass(p, 20);
    for (int i = 0; i < 3; i++) {
        sim_host_die(nodes[i]->host, SIM_END_RESET);
    }
    ms_pass(p, 1000);
    for (int i = 0; i < 3; i++) {
        must(p, !nodes[i]->healthy);
        ends(p, get(p, key_of(p, nodes[i])), EMC_ERROR_NODE_DOWN, 1);
    }
    for (int i = 0; i < 3; i++) {
        sim_server_restart(nodes[i]->server);
        sim_host_return(nodes[i]->host);
    }
    for (int i = 0; i < 3; i++) {
        turns_healthy(p, nodes[i], 2000);
        ends(p, get(p, key_of(p, nodes[i])), EMC_MISS, 20);
    }
}

static void with_purging_a_dead_nodes_keys_go_to_the_others_and_come_back(struct play *p)
{
    struct sim_node *first = a_server(p), *second = a_server(p);
    options(p)->purge_unhealthy_nodes = true;
    p->stage.model.routing_moves = true;
    the_client_opens(p);
    ms_pass(p, 20);
    const char *key = key_of(p, first);
    sim_host_die(first->host, SIM_END_RESET);
    turns_unhealthy(p, first, 1000);
    ends(p, set(p, key, 20), EMC_OK, 20);
    must(p, second->server->store.bytes > 0);
    sim_server_restart(first->server);
    sim_host_return(first->host);
    turns_healthy(p, first, 2000);
    ends(p, get(p, key), EMC_MISS, 20);
}

static void with_purging_and_all_nodes_dead_there_are_no_nodes(struct play *p)
{
    struct sim_node *node = a_server(p);
    options(p)->purge_unhealthy_nodes = true;
    the_client_opens(p);
    ms_pass(p, 20);
    sim_host_die(node->host, SIM_END_RESET);
    turns_unhealthy(p, node, 1000);
    ends(p, get(p, "k"), EMC_ERROR_NO_NODES, 1);
}

static void without_purging_health_moves_no_key(struct play *p)
{
    struct sim_node *first = a_server(p);
    a_server(p);
    the_client_opens(p);
    ms_pass(p, 20);
    const char *key = key_of(p, first);
    sim_host_die(first->host, SIM_END_RESET);
    turns_unhealthy(p, first, 1000);
    ends(p, get(p, key), EMC_ERROR_NODE_DOWN, 1);
    must(p, strcmp(key, key_of(p, first)) == 0);
}

static void a_flapping_node_turns_once_for_each_fall_and_each_return(struct play *p)
{
    struct sim_node *node = a_server(p);
    the_client_opens(p);
    ms_pass(p, 20);
    for (uint32_t i = 0; i < 4; i++) {
        sim_host_die(node->host, SIM_END_RESET);
        turns_unhealthy(p, node, 1000);
        sim_server_restart(node->server);
        sim_host_return(node->host);
        turns_healthy(p, node, 2000);
        must(p, node->turns == 2 * (i + 1));
    }
}

static void one_slow_node_does_not_slow_the_others(struct play *p)
{
    struct sim_node *slow = a_server(p), *fast = a_server(p);
    slow->server->service_ns = 500 * SIM_MS;
    options(p)->timeout_ms = 5000;
    the_client_opens(p);
    ms_pass(p, 1500);
    struct sim_call *waiting = get(p, key_of(p, slow));
    ends(p, get(p, key_of(p, fast)), EMC_MISS, 5);
    ends(p, waiting, EMC_MISS, 1200);
}

static void a_node_that_must_be_steady_is_used_only_after_it_was(struct play *p)
{
    struct sim_node *node = a_server(p);
    options(p)->return_steady_ms = 3000;
    the_client_opens(p);
    ms_pass(p, 20);
    sim_host_die(node->host, SIM_END_RESET);
    turns_unhealthy(p, node, 1000);
    sim_server_restart(node->server);
    sim_host_return(node->host);
    ms_pass(p, 2900);
    must(p, !node->healthy);
    turns_healthy(p, node, 2200);
}

/* The peer answers `version` on a fresh connection, asked when a second has passed in silence. */
static void it_answers_elsewhere(struct play *p, struct sim_peer *peer)
{
    it_is_called(p, peer, 1100);
    it_hears(p, peer, "version\r\n");
    it_says(p, peer, "VERSION 1.6.18\r\n");
    ms_pass(p, 1);
}

static void a_connection_that_alone_is_silent_is_closed_after_three_answers_on_others(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    options(p)->timeout_ms = EMC_NO_LIMIT;
    options(p)->connections_max = 1;
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = set(p, "k", 5);
    it_answers_elsewhere(p, peer);
    it_is_left(p, peer, 5); /* the pool is full */
    it_answers_elsewhere(p, peer);
    waits(p, call, 900);
    it_answers_elsewhere(p, peer);
    ends(p, call, EMC_ERROR_CONNECTION_LOST, 5);
    struct sim_call *next = get(p, "j"); /* the third one took its place */
    it_hears(p, peer, "get j\r\n");
    it_says(p, peer, "END\r\n");
    ends(p, next, EMC_MISS, 5);
    must(p, node_of(p, peer)->turns == 0);
    must(p, metrics(p, node_of(p, peer)).connections == 1);
    ms_pass(p, 5000);
    must(p, metrics(p, node_of(p, peer)).connections_created == 4); /* and no more are opened */
    peer->current = 0;
    it_is_left(p, peer, 1);
}

static void destroy_it(struct sim_call *call, void *context)
{
    struct play *p = context;
    (void)call;
    p->stage.closing = true;
    emc_client_destroy(p->stage.client);
}

static void a_client_destroyed_by_the_callback_of_such_a_connection_is_gone(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    options(p)->timeout_ms = EMC_NO_LIMIT;
    options(p)->connections_max = 1;
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = set(p, "k", 5), *second = set(p, "k", 5), *many = get_many(p, "a b");
    call->then = destroy_it;
    call->then_context = p;
    for (int i = 0; i < 3; i++) {
        it_answers_elsewhere(p, peer);
    }
    ends(p, call, EMC_ERROR_CONNECTION_LOST, 5);
    ends_with_either(p, second, EMC_ERROR_CONNECTION_LOST, EMC_ERROR_CANCELLED, 5);
    ends_with_either(p, many, EMC_ERROR_CONNECTION_LOST, EMC_ERROR_CANCELLED, 5);
    must(p, p->stage.client == NULL);
}

static void what_such_a_connection_has_not_sent_goes_on_with_the_new_one_in_order(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    options(p)->timeout_ms = EMC_NO_LIMIT;
    options(p)->connections_max = 1;
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *sent = set(p, "k", 5);
    sim_stage_end_tick(&p->stage);
    struct sim_call *dump = submit(p, prepare(p, SIM_CALL_DUMP_KEYS, "", 0)); /* waits for all before it */
    struct sim_call *first = add(p, "k", 5), *second = get(p, "k");
    for (int i = 0; i < 3; i++) {
        it_answers_elsewhere(p, peer);
    }
    ends(p, sent, EMC_ERROR_CONNECTION_LOST, 5);
    it_hears(p, peer, "lru_crawler metadump all\r\n");
    it_says(p, peer, "END\r\n");
    ends(p, dump, EMC_OK, 5);
    it_hears(p, peer, "add k ");
    it_says(p, peer, "STORED\r\nEND\r\n");
    ends(p, first, EMC_OK, 5);
    ends(p, second, EMC_MISS, 5);
}

static void one_that_is_silent_while_another_is_busy_is_closed_too(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    options(p)->timeout_ms = EMC_NO_LIMIT;
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = set(p, "k", 5);
    it_answers_elsewhere(p, peer);
    uint32_t busy = peer->current;
    for (int i = 0; i < 5 && !call->done; i++) { /* other keys are asked for, and their connection answers */
        struct sim_call *other = get(p, "a");
        must(p, busy == peer->current);
        it_hears(p, peer, "get a\r\n");
        it_says(p, peer, "END\r\n");
        ends(p, other, EMC_MISS, 5);
        ms_pass(p, 700);
    }
    ends(p, call, EMC_ERROR_CONNECTION_LOST, 5);
    must(p, metrics(p, node_of(p, peer)).connections_created == 2);
}

static void a_get_on_one_that_was_silent_since_it_was_idle_is_asked_again(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    options(p)->timeout_ms = EMC_NO_LIMIT;
    options(p)->connections_max = 1;
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = get(p, "k");
    it_answers_elsewhere(p, peer);
    it_answers_elsewhere(p, peer);
    it_answers_elsewhere(p, peer);
    it_hears(p, peer, "get k\r\n");
    it_says(p, peer, "END\r\n");
    ends(p, call, EMC_MISS, 5);
}

static void a_reply_that_trickles_is_not_silent_whoever_answers_elsewhere(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    options(p)->timeout_ms = EMC_NO_LIMIT;
    options(p)->connections_max = 1;
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = get(p, "k");
    it_hears(p, peer, "get k\r\n");
    it_says(p, peer, "VALUE k 0 8\r\n");
    for (int i = 0; i < 8; i++) { /* a byte in 1.9 s; in between a fresh connection answers */
        it_answers_elsewhere(p, peer);
        ms_pass(p, 900);
        peer->current = 0;
        it_says(p, peer, "x");
    }
    it_says(p, peer, "\r\nEND\r\n");
    ends(p, call, EMC_OK, 5);
}

static void a_value_on_its_way_through_a_narrow_line_is_not_silent(struct play *p)
{
    struct sim_node *node = a_server(p);
    options(p)->timeout_ms = EMC_NO_LIMIT;
    node->host->line.cut = SIM_CUT_RANDOM;
    node->host->line.bytes_per_s = 15000;
    the_client_opens(p);
    ms_pass(p, 20);
    struct sim_call *call = set(p, "k",
                                100000); /* no byte comes back for seven seconds, and `version` is answered elsewhere */
    ends(p, call, EMC_OK, 9000);
    must(p, metrics(p, node).connections_created >= 4);
}

static void a_node_that_answers_late_on_fresh_connections_too_closes_nothing(struct play *p)
{
    struct sim_node *node = a_server(p);
    options(p)->timeout_ms = EMC_NO_LIMIT;
    options(p)->health_question_ms = 10000;
    the_client_opens(p);
    ms_pass(p, 20);
    node->server->service_ns = 6000 * SIM_MS;
    struct sim_call *call = set(p, "k", 5);
    ends(p, call, EMC_OK, 6100);
    must(p, node->turns == 0);
}

static void a_long_quiet_run_at_a_slow_server_is_waited_for(struct play *p)
{
    char keys[500] = "";
    struct sim_peer *peer = a_peer(p);
    options(p)->timeout_ms = EMC_NO_LIMIT;
    options(p)->connections_max = 1;
    the_client_opens(p);
    it_greets(p, peer);
    for (int i = 0; i < 90; i++) {
        snprintf(keys + strlen(keys), sizeof keys - strlen(keys), i == 0 ? "q%d" : " q%d", i);
    }
    struct sim_call *call = set_many(p, keys, 5);
    for (int i = 0; i < 3; i++) {
        it_answers_elsewhere(p, peer);
    }
    peer->current = 0;
    it_says(p, peer, "MN\r\n");
    ends(p, call, EMC_OK, 5);
}

static void with_no_limit_of_answers_a_silent_connection_is_kept(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    options(p)->timeout_ms = EMC_NO_LIMIT;
    options(p)->connections_max = 1;
    options(p)->health_answers_elsewhere = EMC_NO_LIMIT;
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = get(p, "k");
    it_hears(p, peer, "get k\r\n");
    for (int i = 0; i < 6; i++) {
        it_answers_elsewhere(p, peer);
    }
    peer->current = 0;
    it_says(p, peer, "END\r\n");
    ends(p, call, EMC_MISS, 5);
}

SCENARIOS("health", SCENARIO(a_silent_server_is_asked_on_a_fresh_connection_after_a_second),
          SCENARIO(one_slow_answer_is_no_silence_when_the_question_is_answered),
          SCENARIO(a_byte_from_the_old_connection_answers_the_suspicion),
          SCENARIO(a_stopped_process_is_found_although_its_kernel_accepts),
          SCENARIO(a_crashed_server_is_unhealthy_within_a_second_and_used_within_two_of_its_return),
          SCENARIO(operations_to_a_node_known_to_be_down_fail_at_once),
          SCENARIO(a_vanished_machine_is_found_by_its_silence), SCENARIO(a_stall_shorter_than_a_second_does_not_flap),
          SCENARIO(an_idle_connection_is_asked_after_the_keepalive_and_a_dead_one_found),
          SCENARIO(with_all_nodes_dead_every_operation_is_told_and_all_recover),
          SCENARIO(with_purging_a_dead_nodes_keys_go_to_the_others_and_come_back),
          SCENARIO(with_purging_and_all_nodes_dead_there_are_no_nodes), SCENARIO(without_purging_health_moves_no_key),
          SCENARIO(a_flapping_node_turns_once_for_each_fall_and_each_return),
          SCENARIO(one_slow_node_does_not_slow_the_others),
          SCENARIO(a_node_that_must_be_steady_is_used_only_after_it_was),
          SCENARIO(a_connection_that_alone_is_silent_is_closed_after_three_answers_on_others),
          SCENARIO(a_client_destroyed_by_the_callback_of_such_a_connection_is_gone),
          SCENARIO(what_such_a_connection_has_not_sent_goes_on_with_the_new_one_in_order),
          SCENARIO(one_that_is_silent_while_another_is_busy_is_closed_too),
          SCENARIO(a_get_on_one_that_was_silent_since_it_was_idle_is_asked_again),
          SCENARIO(a_reply_that_trickles_is_not_silent_whoever_answers_elsewhere),
          SCENARIO(a_value_on_its_way_through_a_narrow_line_is_not_silent),
          SCENARIO(a_node_that_answers_late_on_fresh_connections_too_closes_nothing),
          SCENARIO(a_long_quiet_run_at_a_slow_server_is_waited_for),
          SCENARIO(with_no_limit_of_answers_a_silent_connection_is_kept))
