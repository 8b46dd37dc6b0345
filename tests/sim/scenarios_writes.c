/* Scenarios: errors of writes, noreply and its fence, quiet runs. */
#include <stdio.h>
#include <string.h>

#include "talk.h"

static void a_noreply_is_fenced_by_a_version(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = prepare(p, SIM_CALL_DELETE, "k", 0);
    call->noreply = true;
    submit(p, call);
    it_hears(p, peer, "delete k noreply\r\nversion\r\n");
    ends(p, call, EMC_OK, 2);
    it_says(p, peer, "VERSION 1.6.18\r\n");
    ms_pass(p, 5);
    it_is_kept(p, peer);
    must(p, metrics(p, node_of(p, peer)).operations_in_flight == 0);
}

static void an_error_while_a_noreply_is_not_fenced_closes_the_connection(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *silent = prepare(p, SIM_CALL_SET, "k", 20);
    silent->noreply = true;
    submit(p, silent);
    struct sim_call *next = delete_(p, "k");
    it_hears(p, peer, "set k 1 0 20 noreply\r\n");
    it_says(p, peer, "SERVER_ERROR object too large for cache\r\n");
    ends(p, next, EMC_ERROR_PROTOCOL, 5);
    it_is_left(p, peer, 1);
}

static void a_reply_behind_a_noreply_proves_that_it_was_taken(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *silent = prepare(p, SIM_CALL_INCR, "n", 0);
    silent->noreply = true;
    submit(p, silent);
    struct sim_call *next = incr(p, "n");
    it_hears(p, peer, "incr n 1000001 noreply\r\nincr n 1000002\r\n");
    it_hears_nothing(p, peer, 5); /* no fence: the second is one */
    it_says(p, peer, "2000003\r\n");
    ends(p, next, EMC_OK, 5);
    must(p, next->ops[0].number == 2000003);
}

static void too_large_keeps_the_connection_in_step(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = set(p, "k", 20), *next = get(p, "k");
    it_hears(p, peer, "set k 1 0 20\r\n");
    it_says(p, peer, "SERVER_ERROR object too large for cache\r\nEND\r\n");
    ends(p, call, EMC_ERROR_TOO_LARGE, 5);
    ends(p, next, EMC_MISS, 5);
    it_is_kept(p, peer);
}

static void a_client_error_to_a_storage_command_closes_the_connection(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = set(p, "k", 20);
    it_hears(p, peer, "set k 1 0 20\r\n");
    it_says(p, peer, "CLIENT_ERROR bad data chunk\r\n");
    ends(p, call, EMC_ERROR_CLIENT, 5);
    it_is_left(p, peer, 1);
}

static void a_client_error_to_incr_keeps_the_connection(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = incr(p, "k");
    it_hears(p, peer, "incr k 1000001\r\n");
    it_says(p, peer, "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n");
    ends(p, call, EMC_ERROR_CLIENT, 5);
    it_is_kept(p, peer);
}

static void error_to_gat_says_that_the_server_does_not_know_it(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = gat(p, "k", 60);
    it_hears(p, peer, "gat 60 k\r\n");
    it_says(p, peer, "ERROR\r\n");
    ends(p, call, EMC_ERROR_COMMAND, 5);
    it_is_kept(p, peer);
}

static void results_are_no_errors(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *a = add(p, "k", 20), *c = cas(p, "k", 20, 7), *d = cas(p, "k", 20, 8), *t = touch(p, "k");
    it_hears(p, peer, "add k 1 0 20\r\n");
    it_says(p, peer, "NOT_STORED\r\nEXISTS\r\nNOT_FOUND\r\nTOUCHED\r\n");
    ends(p, a, EMC_NOT_STORED, 5);
    ends(p, c, EMC_EXISTS, 5);
    ends(p, d, EMC_MISS, 5);
    ends(p, t, EMC_OK, 5);
}

/* Ninety sets in one tick: on 1.6.18 they go quietly. */
static void submit_a_run(struct play *p, struct sim_call **calls, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        calls[i] = set(p, sim_world_text(&p->stage.world, "q%u", i), 12);
    }
}

static void hear_the_run(struct play *p, struct sim_peer *peer)
{
    struct sim_peer_connection *connection = &peer->connections[peer->current];
    ms_pass(p, 2);
    must(p, connection->heard_length > 4);
    must(p, memcmp(connection->heard, "ms q0 12 ", 9) == 0);
    must(p, memcmp(connection->heard + connection->heard_length - 4, "mn\r\n", 4) == 0);
    sim_peer_forget(connection, connection->heard_length);
}

static void a_long_run_of_sets_goes_quiet_and_its_fence_tells_success(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    struct sim_call *calls[90];
    the_client_opens(p);
    it_greets(p, peer);
    submit_a_run(p, calls, 90);
    hear_the_run(p, peer);
    waits(p, calls[0], 5);
    it_says(p, peer, "MN\r\n");
    for (int i = 0; i < 90; i++) {
        ends(p, calls[i], EMC_OK, 5);
    }
}

static void a_labelled_failure_in_a_quiet_run_is_its_own_alone(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    struct sim_call *calls[90];
    the_client_opens(p);
    it_greets(p, peer);
    submit_a_run(p, calls, 90);
    hear_the_run(p, peer);
    it_says(p, peer, "NS O07\r\nMN\r\n");
    for (int i = 0; i < 90; i++) {
        ends(p, calls[i], i == 7 ? EMC_NOT_STORED : EMC_OK, 5);
    }
}

static void an_unlabelled_error_in_a_quiet_run_leaves_its_outcomes_unknown_and_quiet_off_for_a_while(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    struct sim_call *calls[90];
    the_client_opens(p);
    it_greets(p, peer);
    submit_a_run(p, calls, 90);
    hear_the_run(p, peer);
    it_says(p, peer, "SERVER_ERROR out of memory storing object\r\nMN\r\n");
    for (int i = 0; i < 90; i++) {
        ends(p, calls[i], EMC_ERROR_OUTCOME_UNKNOWN, 5);
    }
    it_is_kept(p, peer);
    submit_a_run(p, calls, 90);
    it_hears(p, peer, "set q0 ");
}

static void a_run_cut_off_by_a_reset_is_lost_not_stored(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    struct sim_call *calls[90];
    the_client_opens(p);
    it_greets(p, peer);
    submit_a_run(p, calls, 90);
    hear_the_run(p, peer);
    it_resets(p, peer);
    for (int i = 0; i < 90; i++) {
        ends(p, calls[i], EMC_ERROR_CONNECTION_LOST, 5);
    }
}

static void an_old_server_gets_no_quiet_writes(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    struct sim_call *calls[90];
    the_client_opens(p);
    it_is_called(p, peer, 10);
    it_hears(p, peer, "version\r\n");
    it_says(p, peer, "VERSION 1.4.39\r\n");
    ms_pass(p, 1);
    submit_a_run(p, calls, 90);
    it_hears(p, peer, "set q0 1 0 12\r\n");
}

/* The line frees the noreply, whose fence was not written yet, and answers nothing: the pipeline is empty when the connection closes. */
static void unasked_bytes_behind_a_half_sent_noreply_leave_nothing_owed(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    peer->host->line.buffer = 3000;
    the_client_opens(p);
    it_greets(p, peer);
    it_stops_reading(p, peer);
    struct sim_call *call = prepare(p, SIM_CALL_SET, "k", 30000);
    call->noreply = true;
    submit(p, call);
    ms_pass(p, 5);
    it_says(p, peer, "NOBODY asked\r\n");
    it_is_left(p, peer, 5);
    it_reads_again(p, peer);
    it_is_called(p, peer, 5);
    it_hears(p, peer, "version\r\n");
    it_says(p, peer, "VERSION 1.6.18\r\n");
    ms_pass(p, 5000); /* where a reply seems owed, the node is suspected each second */
    must(p, peer->count == 2);
}

SCENARIOS("writes", SCENARIO(a_noreply_is_fenced_by_a_version),
          SCENARIO(an_error_while_a_noreply_is_not_fenced_closes_the_connection),
          SCENARIO(a_reply_behind_a_noreply_proves_that_it_was_taken), SCENARIO(too_large_keeps_the_connection_in_step),
          SCENARIO(a_client_error_to_a_storage_command_closes_the_connection),
          SCENARIO(a_client_error_to_incr_keeps_the_connection),
          SCENARIO(error_to_gat_says_that_the_server_does_not_know_it), SCENARIO(results_are_no_errors),
          SCENARIO(a_long_run_of_sets_goes_quiet_and_its_fence_tells_success),
          SCENARIO(a_labelled_failure_in_a_quiet_run_is_its_own_alone),
          SCENARIO(an_unlabelled_error_in_a_quiet_run_leaves_its_outcomes_unknown_and_quiet_off_for_a_while),
          SCENARIO(a_run_cut_off_by_a_reset_is_lost_not_stored), SCENARIO(an_old_server_gets_no_quiet_writes),
          SCENARIO(unasked_bytes_behind_a_half_sent_noreply_leave_nothing_owed))
