/* Scenarios: deadlines and cancels, wherever the operation is; late replies. */
#include <string.h>

#include "talk.h"

static void a_timeout_in_flight_ends_at_the_deadline_and_its_late_reply_is_dropped(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *late = prepare(p, SIM_CALL_GET, "k", 0);
    late->timeout_ms = 100;
    submit(p, late);
    it_hears(p, peer, "get k\r\n");
    waits(p, late, 98);
    ends(p, late, EMC_ERROR_TIMEOUT, 4);
    struct sim_call *next = get(p, "other");
    it_hears(p, peer, "get other\r\n");
    it_says(p, peer, "VALUE k 0 4\r\nlate\r\nEND\r\nVALUE other 0 3\r\nnow\r\nEND\r\n");
    ends(p, next, EMC_OK, 5);
    gave(p, next, 0, "now");
    it_is_kept(p, peer);
}

/* A get times out in flight; its line is refused, so that the others are to be asked again, and the node goes down before they are. */
static void a_line_with_a_timeout_is_refused(struct play *p, bool follows)
{
    struct sim_peer *peer = a_peer(p);
    options(p)->return_steady_ms = 5000;
    options(p)->health_attempts = 1;
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *leader = follows ? get(p, "k") : NULL;
    struct sim_call *late = prepare(p, SIM_CALL_GET, "k", 0);
    late->timeout_ms = 20;
    submit(p, late);
    struct sim_call *other = get(p, "other");
    it_hears(p, peer, "get k other\r\n");
    ends(p, late, EMC_ERROR_TIMEOUT, 25);
    it_says(p, peer, "CLIENT_ERROR busy\r\nSTORED\r\n"); /* and the second line costs the connection */
    ends(p, other, EMC_ERROR_NODE_DOWN, 5);
    if (follows) {
        ends(p, leader, EMC_ERROR_NODE_DOWN, 5);
    }
    must(p, metrics(p, node_of(p, peer)).operations_in_flight == 0);
}

/* Found by seed 73239: it was to be asked again, and stayed counted for ever. */
static void a_timeout_in_flight_is_counted_no_more_when_its_line_is_refused_and_its_node_goes_down(struct play *p)
{
    a_line_with_a_timeout_is_refused(p, false);
}

static void nor_is_one_that_shared_another_ones_answer(struct play *p)
{
    a_line_with_a_timeout_is_refused(p, true);
}

static void a_late_reply_for_the_same_key_answers_the_first_not_the_second(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *late = prepare(p, SIM_CALL_GET, "k", 0);
    late->timeout_ms = 50;
    submit(p, late);
    it_hears(p, peer, "get k\r\n");
    ends(p, late, EMC_ERROR_TIMEOUT, 60);
    struct sim_call *next = get(p, "k");
    it_hears(p, peer, "get k\r\n");
    it_says(p, peer, "VALUE k 0 3\r\nold\r\nEND\r\n");
    waits(p, next, 5);
    it_says(p, peer, "VALUE k 0 3\r\nnew\r\nEND\r\n");
    ends(p, next, EMC_OK, 5);
    gave(p, next, 0, "new");
}

static void a_cancel_in_flight_ends_at_once_and_the_connection_lives_on(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = set(p, "k", 20);
    it_hears(p, peer, "set k 1 0 20\r\n");
    cancel(p, call);
    must(p, !call->done); /* told in the next process, never inside the cancel */
    ends(p, call, EMC_ERROR_CANCELLED, 1);
    it_says(p, peer, "STORED\r\n");
    ms_pass(p, 5);
    it_is_kept(p, peer);
}

static void a_cancel_before_anything_was_written_leaves_nothing_to_write(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *gone = get(p, "gone"), *stays = get(p, "stays");
    cancel(p, gone);
    it_hears(p, peer, "get stays\r\n");
    it_says(p, peer, "END\r\n");
    ends(p, gone, EMC_ERROR_CANCELLED, 1);
    ends(p, stays, EMC_MISS, 5);
}

static void a_cancel_while_waiting_for_a_connection_ends_at_once(struct play *p)
{
    struct sim_node *node = a_server(p);
    node->host->reach = SIM_REACH_SILENT;
    the_client_opens(p);
    struct sim_call *call = get(p, "k");
    ms_pass(p, 10);
    cancel(p, call);
    ends(p, call, EMC_ERROR_CANCELLED, 1);
}

static void a_second_cancel_finds_nothing(struct play *p)
{
    a_server(p);
    the_client_opens(p);
    struct sim_call *call = get(p, "k");
    ends(p, call, EMC_MISS, 20);
    must(p, emc_cancel(p->stage.client, call->operation) != EMC_OK);
}

static void a_timeout_inside_a_large_value_writes_no_more_into_its_home(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    static char chunk[20001];
    memset(chunk, 'x', 20000);
    struct sim_call *call = prepare(p, SIM_CALL_GET, "k", 0);
    call->timeout_ms = 100;
    call->allocates = true;
    submit(p, call);
    it_hears(p, peer, "get k\r\n");
    it_says(p, peer, "VALUE k 0 40000\r\n");
    it_says(p, peer, chunk);
    ms_pass(p, 10);
    must(p, call->ops[0].home != NULL);
    ends(p, call, EMC_ERROR_TIMEOUT, 100); /* the home is released here: writing on would be a use after free */
    it_says(p, peer, chunk);
    it_says(p, peer, "\r\nEND\r\n");
    struct sim_call *next = get(p, "next");
    it_hears(p, peer, "get next\r\n");
    it_says(p, peer, "END\r\n");
    ends(p, next, EMC_MISS, 10);
    it_is_kept(p, peer);
}

static void a_cancel_inside_a_large_value_drops_the_rest(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    static char chunk[20001];
    memset(chunk, 'x', 20000);
    struct sim_call *call = prepare(p, SIM_CALL_GET_MANY, "a b", 0);
    call->allocates = true;
    submit(p, call);
    it_hears(p, peer, "get a b\r\n");
    it_says(p, peer, "VALUE a 0 40000\r\n");
    it_says(p, peer, chunk);
    ms_pass(p, 5);
    cancel(p, call);
    ends(p, call, EMC_ERROR_CANCELLED, 1);
    it_says(p, peer, chunk);
    it_says(p, peer, "\r\nVALUE b 0 1\r\nB\r\nEND\r\n");
    ms_pass(p, 5);
    it_is_kept(p, peer);
    must(p, metrics(p, node_of(p, peer)).operations_in_flight == 0);
}

static void a_timeout_of_one_that_shares_an_answer_leaves_the_others_theirs(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *leader = prepare(p, SIM_CALL_GET, "k", 0);
    leader->timeout_ms = 50;
    submit(p, leader);
    struct sim_call *follower = get(p, "k");
    it_hears(p, peer, "get k\r\n");
    ends(p, leader, EMC_ERROR_TIMEOUT, 60);
    it_says(p, peer, "VALUE k 0 2\r\nhi\r\nEND\r\n");
    ends(p, follower, EMC_OK, 5);
    gave(p, follower, 0, "hi");
}

static void a_bulk_that_times_out_keeps_the_keys_that_came(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = prepare(p, SIM_CALL_GET_MANY, "a b c", 0);
    call->timeout_ms = 100;
    submit(p, call);
    it_hears(p, peer, "get a b c\r\n");
    it_says(p, peer, "VALUE b 0 1\r\nB\r\n");
    ends(p, call, EMC_ERROR_TIMEOUT, 110);
    key_ended(p, call, 0, EMC_MISS);
    gave(p, call, 1, "B");
    key_ended(p, call, 2, EMC_ERROR_TIMEOUT);
    it_says(p, peer, "VALUE c 0 1\r\nC\r\nEND\r\n");
    ms_pass(p, 5);
    it_is_kept(p, peer);
}

static void a_connection_silent_for_a_second_past_a_deadline_is_closed(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    options(p)->health_silence_ms = EMC_NO_LIMIT;
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = prepare(p, SIM_CALL_GET, "k", 0);
    call->timeout_ms = 100;
    submit(p, call);
    it_hears(p, peer, "get k\r\n");
    ends(p, call, EMC_ERROR_TIMEOUT, 110);
    ms_pass(p, 980);
    it_is_kept(p, peer);
    it_is_left(p, peer, 40);
}

static void a_connection_silent_for_a_second_past_a_bulks_deadline_is_closed(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    options(p)->health_silence_ms = EMC_NO_LIMIT;
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = prepare(p, SIM_CALL_GET_MANY, "a b c", 0);
    call->timeout_ms = 100;
    submit(p, call);
    it_hears(p, peer, "get a b c\r\n");
    ends(p, call, EMC_ERROR_TIMEOUT, 110);
    ms_pass(p, 980);
    it_is_kept(p, peer);
    it_is_left(p, peer, 40);
}

static void a_bulks_deadline_says_nothing_of_a_connection_it_is_not_on(struct play *p)
{
    struct sim_peer *one = a_peer(p), *other = a_peer(p);
    options(p)->health_silence_ms = EMC_NO_LIMIT;
    options(p)->timeout_ms = 5000;
    the_client_opens(p);
    it_greets(p, one);
    it_greets(p, other);
    struct sim_call *slow = get(p, key_of(p, node_of(p, one)));
    sim_stage_end_tick(&p->stage);
    ms_pass(p, 1);
    struct sim_call *call = prepare(p, SIM_CALL_GET_MANY, key_of(p, node_of(p, other)), 0);
    call->timeout_ms = 100;
    submit(p, call);
    ends(p, call, EMC_ERROR_TIMEOUT, 110);
    waits(p, slow, 3000);
    it_is_kept(p, one);
}

static void a_byte_after_the_deadline_keeps_the_connection(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    options(p)->health_silence_ms = EMC_NO_LIMIT;
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = prepare(p, SIM_CALL_GET, "k", 0);
    call->timeout_ms = 100;
    submit(p, call);
    it_hears(p, peer, "get k\r\n");
    ends(p, call, EMC_ERROR_TIMEOUT, 110);
    ms_pass(p, 900);
    it_says(p, peer, "E");
    ms_pass(p, 900);
    it_says(p, peer, "ND\r\n");
    ms_pass(p, 2000);
    it_is_kept(p, peer);
}

static void a_large_value_cancelled_while_half_sent_is_released_only_when_it_has_gone(struct play *p)
{
    struct sim_node *node = a_server(p);
    node->host->line.buffer = 3000;
    the_client_opens(p);
    ms_pass(p, 10);
    struct sim_call *call = set(p, "large", 100000);
    sim_stage_end_tick(&p->stage);
    cancel(p, call);
    ends(p, call, EMC_ERROR_CANCELLED, 2);
    must(p, call->releases == 0);
    ms_pass(p, 300);
    must(p, call->releases == 1);
    ends(p, get(p, "large"), EMC_OK, 100); /* it was written all the same: whole, or not at all */
}

static void a_copied_value_is_the_callers_again_when_the_submit_returns(struct play *p)
{
    a_server(p);
    the_client_opens(p);
    struct sim_call *call = set(p, "k", 16384);
    must(p, call->releases == 1);
    ends(p, call, EMC_OK, 50);
    ends(p, get(p, "k"), EMC_OK, 50);
}

SCENARIOS("cancel", SCENARIO(a_timeout_in_flight_ends_at_the_deadline_and_its_late_reply_is_dropped),
          SCENARIO(a_timeout_in_flight_is_counted_no_more_when_its_line_is_refused_and_its_node_goes_down),
          SCENARIO(nor_is_one_that_shared_another_ones_answer),
          SCENARIO(a_late_reply_for_the_same_key_answers_the_first_not_the_second),
          SCENARIO(a_cancel_in_flight_ends_at_once_and_the_connection_lives_on),
          SCENARIO(a_cancel_before_anything_was_written_leaves_nothing_to_write),
          SCENARIO(a_cancel_while_waiting_for_a_connection_ends_at_once), SCENARIO(a_second_cancel_finds_nothing),
          SCENARIO(a_timeout_inside_a_large_value_writes_no_more_into_its_home),
          SCENARIO(a_cancel_inside_a_large_value_drops_the_rest),
          SCENARIO(a_timeout_of_one_that_shares_an_answer_leaves_the_others_theirs),
          SCENARIO(a_bulk_that_times_out_keeps_the_keys_that_came),
          SCENARIO(a_connection_silent_for_a_second_past_a_deadline_is_closed),
          SCENARIO(a_connection_silent_for_a_second_past_a_bulks_deadline_is_closed),
          SCENARIO(a_bulks_deadline_says_nothing_of_a_connection_it_is_not_on),
          SCENARIO(a_byte_after_the_deadline_keeps_the_connection),
          SCENARIO(a_large_value_cancelled_while_half_sent_is_released_only_when_it_has_gone),
          SCENARIO(a_copied_value_is_the_callers_again_when_the_submit_returns))
