/* Scenarios: error lines that stand in the place of something else than one reply. Which reply is missing is never guessed. */
#include <stdio.h>
#include <string.h>

#include "talk.h"

static void it_greets_as(struct play *p, struct sim_peer *peer, const char *version)
{
    char line[64];
    it_is_called(p, peer, 10);
    it_hears(p, peer, "version\r\n");
    snprintf(line, sizeof line, "VERSION %s\r\n", version);
    it_says(p, peer, line);
    ms_pass(p, 1);
}

static void forget_what_it_heard(struct play *p, struct sim_peer *peer)
{
    struct sim_peer_connection *connection = &peer->connections[peer->current];
    ms_pass(p, 2);
    sim_peer_forget(connection, connection->heard_length);
}

/* ------------------------------------------------------------------ in the place of a fence */

#define RUN_MAX 512
#define WRITES  (2 * RUN_MAX + 90)

/* Three runs in one tick, each with its fence. The peer answers them with this. */
static void three_runs_are_answered(struct play *p, struct sim_call **calls, const char *replies)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    for (uint32_t i = 0; i < WRITES; i++) {
        calls[i] = set(p, sim_world_text(&p->stage.world, "q%u", i % 64), 12);
    }
    forget_what_it_heard(p, peer);
    it_says(p, peer, replies);
}

static void an_error_that_may_be_a_fences_closes_the_connection(struct play *p)
{
    struct sim_call *calls[WRITES];
    three_runs_are_answered(p, calls, "SERVER_ERROR out of memory\r\nNS O05\r\nMN\r\n");
    it_is_left(p, p->peers[0], 5);
    for (int i = 0; i < WRITES; i++) {
        ends(p, calls[i], EMC_ERROR_PROTOCOL, 5);
    }
}

/* The second run's first set is refused; the first run's fence is gone. */
static void a_lost_fence_makes_no_success_of_the_next_runs_errors(struct play *p)
{
    struct sim_call *calls[WRITES];
    three_runs_are_answered(p, calls, "SERVER_ERROR busy\r\nSERVER_ERROR out of memory storing object\r\nMN\r\nMN\r\n");
    it_is_left(p, p->peers[0], 5);
    for (int i = 0; i < WRITES; i++) {
        ends(p, calls[i], EMC_ERROR_PROTOCOL, 5);
    }
}

static void errors_of_writes_leave_unknown_the_runs_they_came_in(struct play *p)
{
    struct sim_call *calls[WRITES];
    three_runs_are_answered(p, calls,
                            "MN\r\nSERVER_ERROR out of memory storing object\r\nSERVER_ERROR object too large for "
                            "cache\r\nNS O09\r\nMN\r\nMN\r\n");
    for (int i = 0; i < WRITES; i++) {
        bool second = i >= RUN_MAX && i < 2 * RUN_MAX;
        ends(p, calls[i], i == RUN_MAX + 9 ? EMC_NOT_STORED : second ? EMC_ERROR_OUTCOME_UNKNOWN : EMC_OK, 5);
    }
    it_is_kept(p, p->peers[0]);
}

/* A server that answers so is not spoken to quietly on the next connection either. */
static void a_run_that_closed_its_connection_makes_the_next_one_loud(struct play *p)
{
    struct sim_call *calls[WRITES];
    three_runs_are_answered(p, calls, "SERVER_ERROR busy\r\n");
    it_is_left(p, p->peers[0], 5);
    it_is_called(p, p->peers[0], 1000);
    it_hears(p, p->peers[0], "version\r\n");
    it_says(p, p->peers[0], "VERSION 1.6.18\r\n");
    ms_pass(p, 1);
    for (uint32_t i = 0; i < 90; i++) {
        calls[i] = set(p, sim_world_text(&p->stage.world, "q%u", i % 64), 12);
    }
    it_hears(p, p->peers[0], "set q0 ");
}

/* ------------------------------------------------------------------ in the place of a get's answer, and of what stood before it */

/* memcached throws away the answers it has not sent yet when it lacks memory for a get's. */
static void the_words_for_a_get_do_not_answer_a_write(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *stored = set(p, "a", 20), *next = set(p, "b", 20), *read = get(p, "k");
    forget_what_it_heard(p, peer);
    it_says(p, peer, "SERVER_ERROR out of memory writing get response\r\n");
    ends(p, stored, EMC_ERROR_PROTOCOL, 5);
    ends(p, next, EMC_ERROR_PROTOCOL, 5);
    ends(p, read, EMC_ERROR_PROTOCOL, 5);
    it_is_left(p, peer, 1);
}

/* Of two gets that both lack memory, the second drops the first one's error. What comes next would be misses for the second. */
static void the_words_for_a_get_may_be_the_next_ones(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *first = get_many(p, "a b"), *second = get_many(p, "b c"), *third = get_many(p, "c d");
    it_hears(p, peer, "get a b\r\nget b c\r\nget c d\r\n");
    it_says(p, peer, "SERVER_ERROR out of memory writing get response\r\nEND\r\n");
    it_is_left(p, peer, 5);
    it_is_called(p, peer, 1000);
    it_hears(p, peer, "version\r\n");
    it_says(p, peer, "VERSION 1.6.18\r\n");
    it_hears(p, peer, "get a b\r\nget b c\r\nget c d\r\n"); /* each once more */
    it_says(p, peer, "VALUE a 0 1\r\nA\r\nEND\r\nSERVER_ERROR out of memory writing get response\r\n");
    ends(p, first, EMC_MISS, 5);
    gave(p, first, 0, "A");
    ends(p, second, EMC_ERROR_PROTOCOL, 5);
    ends(p, third, EMC_ERROR_PROTOCOL, 5);
    it_is_left(p, peer, 5);
}

static void the_words_for_a_write_do_not_answer_a_get(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *read = get(p, "k"), *stored = set(p, "a", 20);
    forget_what_it_heard(p, peer);
    it_says(p, peer, "SERVER_ERROR out of memory storing object\r\n");
    ends(p, read, EMC_ERROR_PROTOCOL, 5);
    ends(p, stored, EMC_ERROR_PROTOCOL, 5);
    it_is_left(p, peer, 1);
}

/* ------------------------------------------------------------------ in the place of one key of a line: memcached's proxy */

static void an_error_within_a_line_is_of_one_key_and_the_line_goes_on(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *a = get(p, "a"), *b = get(p, "b"), *c = get(p, "c"), *d = get(p, "d");
    it_hears(p, peer, "get a b c d\r\n");
    it_says(p, peer, "VALUE a 0 1\r\nA\r\nSERVER_ERROR backend failure\r\nVALUE c 0 1\r\nC\r\nEND\r\n");
    ends(p, a, EMC_OK, 5);
    ends(p, c, EMC_OK, 5);
    it_hears(p, peer, "get d\r\nget b\r\n");
    it_says(p, peer, "END\r\nSERVER_ERROR backend failure\r\n");
    ends(p, b, EMC_ERROR_SERVER, 5);
    ends(p, d, EMC_MISS, 5);
    it_is_kept(p, peer);
}

static void errors_within_a_line_answer_nothing_behind_it(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *a = get(p, "a"), *b = get(p, "b");
    it_hears(p, peer, "get a b\r\n");
    struct sim_call *stored = set(p, "s", 20);
    forget_what_it_heard(p, peer);
    it_says(p, peer, "SERVER_ERROR backend failure\r\nSERVER_ERROR backend failure\r\nEND\r\nSTORED\r\n");
    ends(p, stored, EMC_OK, 5);
    it_hears(p, peer, "get a\r\nget b\r\n");
    it_says(p, peer, "SERVER_ERROR backend failure\r\nVALUE b 0 1\r\nB\r\nEND\r\n");
    ends(p, a, EMC_ERROR_SERVER, 5);
    ends(p, b, EMC_OK, 5);
    it_is_kept(p, peer);
}

/* Where the error stood for the whole answer, after all, the END is the second line's, and b would be missing from the next one. */
static void an_end_that_may_be_the_next_lines_closes_the_connection(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *first = get_many(p, "a b"), *second = get_many(p, "b c");
    it_hears(p, peer, "get a b\r\nget b c\r\n");
    it_says(p, peer, "SERVER_ERROR busy\r\nVALUE b 0 1\r\nB\r\nEND\r\n");
    it_is_left(p, peer, 5);
    gave(p, first, 1, "B");
    it_is_called(p, peer, 1000);
    it_hears(p, peer, "version\r\n");
    it_says(p, peer, "VERSION 1.6.18\r\n");
    it_hears(p, peer, "get b c\r\nget a\r\n"); /* once more */
    it_says(p, peer, "VALUE b 0 1\r\nb\r\nEND\r\nEND\r\n");
    ends(p, second, EMC_MISS, 5);
    gave(p, second, 0, "b");
    ends(p, first, EMC_MISS, 5);
    key_ended(p, first, 0, EMC_MISS);
}

static void an_error_within_a_bulks_line_is_of_one_key(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = get_many(p, "a b c d e");
    it_hears(p, peer, "get a b c d e\r\n");
    it_says(p, peer, "VALUE b 0 1\r\nB\r\nSERVER_ERROR backend failure\r\nVALUE e 0 1\r\nE\r\nEND\r\n");
    it_hears(p, peer, "get c\r\nget d\r\n");
    it_says(p, peer, "SERVER_ERROR backend failure\r\nVALUE d 0 1\r\nD\r\nEND\r\n");
    ends(p, call, EMC_OK, 5);
    key_ended(p, call, 0, EMC_MISS);
    gave(p, call, 1, "B");
    key_ended(p, call, 2, EMC_ERROR_SERVER);
    gave(p, call, 3, "D");
    gave(p, call, 4, "E");
    it_is_kept(p, peer);
}

static void an_error_within_a_shared_line_may_be_of_any_of_its_calls(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *first = get_many(p, "a b"), *second = get_many(p, "c d");
    it_hears(p, peer, "get a b c d\r\n");
    it_says(p, peer, "VALUE a 0 1\r\nA\r\nSERVER_ERROR backend failure\r\nVALUE d 0 1\r\nD\r\nEND\r\n");
    it_hears(p, peer, "get c\r\nget b\r\n");
    it_says(p, peer, "SERVER_ERROR backend failure\r\nVALUE b 0 1\r\nB\r\nEND\r\n");
    ends(p, first, EMC_OK, 5);
    gave(p, first, 1, "B");
    ends(p, second, EMC_ERROR_SERVER, 5);
    gave(p, second, 1, "D");
    it_is_kept(p, peer);
}

static void an_error_after_all_values_of_a_line_contradicts(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = get_many(p, "a b");
    struct sim_call *next = get_many(p, "a");
    it_hears(p, peer, "get a b\r\nget a\r\n");
    it_says(p, peer, "VALUE a 0 1\r\nA\r\nVALUE b 0 1\r\nB\r\nSERVER_ERROR backend failure\r\n");
    ends(p, call, EMC_OK, 5);
    ends(p, next, EMC_ERROR_PROTOCOL, 5);
    it_is_left(p, peer, 1);
}

/* mcrouter, and what does not say a version of memcached's: one line stands for the whole answer. */
static void where_no_memcached_speaks_an_error_ends_the_line(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets_as(p, peer, "mcrouter mcrouter 1.0");
    struct sim_call *a = get(p, "a"), *b = get(p, "b");
    it_hears(p, peer, "get a b\r\n");
    it_says(p, peer, "SERVER_ERROR timeout\r\n");
    it_hears(p, peer, "get a\r\nget b\r\n");
    it_says(p, peer, "SERVER_ERROR timeout\r\nEND\r\n");
    ends(p, a, EMC_ERROR_SERVER, 5);
    ends(p, b, EMC_MISS, 5);
    it_is_kept(p, peer);
}

/* Both may speak there: what follows may be the same answer's, or the next one's. */
static void where_no_version_was_asked_such_an_error_costs_the_connection(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    options(p)->ask_version = false;
    the_client_opens(p);
    it_is_called(p, peer, 10);
    struct sim_call *first = get_many(p, "a b"), *second = get_many(p, "b c"), *stored = set(p, "s", 20);
    it_hears(p, peer, "get a b\r\nget b c\r\n");
    it_says(p, peer, "SERVER_ERROR backend failure\r\nVALUE b 0 1\r\nB\r\nEND\r\nEND\r\n");
    it_is_left(p, peer, 5);
    ends(p, stored, EMC_ERROR_PROTOCOL, 1);
    it_is_called(p, peer, 1000);
    it_hears(p, peer, "get b c\r\nget a\r\nget b\r\n");
    it_says(p, peer, "VALUE b 0 1\r\nb\r\nEND\r\nSERVER_ERROR backend failure\r\nVALUE b 0 1\r\nb\r\nEND\r\n");
    ends(p, first, EMC_OK, 5);
    key_ended(p, first, 0, EMC_ERROR_SERVER);
    ends(p, second, EMC_MISS, 5);
    it_is_kept(p, peer);
}

/* The second get of `a` shares the first one's answer; asked again, each is on its own, and its deadline passes on the second connection. */
static void gets_that_share_an_answer_are_asked_again_on_another_connection(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *leader = get(p, "a"), *follower = prepare(p, SIM_CALL_GET, "a", 0);
    follower->timeout_ms = 100;
    submit(p, follower);
    struct sim_call *b = get(p, "b");
    it_hears(p, peer, "get a b\r\n");
    it_says(p, peer, "SERVER_ERROR out of memory writing get response\r\nand another thing\r\n");
    it_is_left(p, peer, 5);
    it_is_called(p, peer, 1000);
    it_hears(p, peer, "version\r\n");
    it_says(p, peer, "VERSION 1.6.18\r\n");
    it_hears(p, peer, "get a\r\nget a\r\nget b\r\n");
    ends(p, follower, EMC_ERROR_TIMEOUT, 200);
    it_says(p, peer, "VALUE a 0 1\r\nA\r\nEND\r\nVALUE a 0 1\r\nA\r\nEND\r\nEND\r\n");
    ends(p, leader, EMC_OK, 5);
    gave(p, leader, 0, "A");
    ends(p, b, EMC_MISS, 5);
}

/* memcached's proxy says so before it has read the value, and then takes the value for commands. */
static void out_of_memory_without_more_words_leaves_a_write_out_of_step(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *refused = set(p, "a", 20), *next = set(p, "b", 20);
    forget_what_it_heard(p, peer);
    it_says(p, peer, "SERVER_ERROR out of memory\r\nERROR\r\nSTORED\r\n");
    ends(p, refused, EMC_ERROR_SERVER_MEMORY, 5);
    ends(p, next, EMC_ERROR_CONNECTION_LOST, 5);
    it_is_left(p, peer, 1);
}

SCENARIOS("errors", SCENARIO(an_error_that_may_be_a_fences_closes_the_connection),
          SCENARIO(a_lost_fence_makes_no_success_of_the_next_runs_errors),
          SCENARIO(errors_of_writes_leave_unknown_the_runs_they_came_in),
          SCENARIO(a_run_that_closed_its_connection_makes_the_next_one_loud),
          SCENARIO(the_words_for_a_get_do_not_answer_a_write), SCENARIO(the_words_for_a_get_may_be_the_next_ones),
          SCENARIO(the_words_for_a_write_do_not_answer_a_get),
          SCENARIO(an_error_within_a_line_is_of_one_key_and_the_line_goes_on),
          SCENARIO(errors_within_a_line_answer_nothing_behind_it),
          SCENARIO(an_end_that_may_be_the_next_lines_closes_the_connection),
          SCENARIO(an_error_within_a_bulks_line_is_of_one_key),
          SCENARIO(an_error_within_a_shared_line_may_be_of_any_of_its_calls),
          SCENARIO(an_error_after_all_values_of_a_line_contradicts),
          SCENARIO(where_no_memcached_speaks_an_error_ends_the_line),
          SCENARIO(where_no_version_was_asked_such_an_error_costs_the_connection),
          SCENARIO(gets_that_share_an_answer_are_asked_again_on_another_connection),
          SCENARIO(out_of_memory_without_more_words_leaves_a_write_out_of_step))
