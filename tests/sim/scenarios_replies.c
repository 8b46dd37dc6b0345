/* Scenarios: replies that contradict what was asked. Never another key's value. */
#include <string.h>

#include "talk.h"

/* The peer answers `get k` with this; the call must end as a contradiction, and the connection be left. */
static void contradicts(struct play *p, const char *reply)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = get(p, "k");
    it_hears(p, peer, "get k\r\n");
    it_says(p, peer, reply);
    ends(p, call, EMC_ERROR_PROTOCOL, 10);
    it_is_left(p, peer, 1);
}

static void a_value_for_another_key_contradicts(struct play *p)
{
    contradicts(p, "VALUE other 0 5\r\nhello\r\nEND\r\n");
}

static void a_line_of_garbage_contradicts(struct play *p)
{
    contradicts(p, "HTTP/1.1 400 Bad Request\r\n");
}

static void a_blank_line_contradicts(struct play *p)
{
    contradicts(p, "\r\nEND\r\n");
}

static void a_value_without_its_line_end_contradicts(struct play *p)
{
    contradicts(p, "VALUE k 0 5\r\nhelloEND\r\n");
}

static void a_negative_length_contradicts(struct play *p)
{
    contradicts(p, "VALUE k 0 -1\r\n");
}

static void a_length_beyond_64_bits_contradicts(struct play *p)
{
    contradicts(p, "VALUE k 0 18446744073709551621\r\n");
}

static void a_length_beyond_the_limit_is_refused_without_memory(struct play *p)
{
    contradicts(p, "VALUE k 0 99999999999999\r\n");
}

static void a_reply_of_another_command_contradicts(struct play *p)
{
    contradicts(p, "STORED\r\n");
}

static void error_in_place_of_a_get_contradicts(struct play *p)
{
    contradicts(p, "ERROR\r\n");
}

static void a_line_that_never_ends_costs_the_connection_not_memory(struct play *p)
{
    char dots[1025];
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = get(p, "k");
    it_hears(p, peer, "get k\r\n");
    memset(dots, '.', 1024);
    dots[1024] = 0;
    for (int i = 0; i < 8; i++) {
        it_says(p, peer, dots);
    }
    ends(p, call, EMC_ERROR_PROTOCOL, 10);
    it_is_left(p, peer, 1);
}

static void values_in_another_order_than_asked_contradict(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = get_many(p, "a b");
    it_hears(p, peer, "get a b\r\n");
    it_says(p, peer, "VALUE b 0 1\r\nB\r\nVALUE a 0 1\r\nA\r\nEND\r\n");
    ends(p, call, EMC_OK, 10);
    key_ended(p, call, 0, EMC_MISS);
    gave(p, call, 1, "B");
    it_is_left(p, peer, 5);
}

static void a_value_twice_contradicts(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = get_many(p, "a b");
    it_hears(p, peer, "get a b\r\n");
    it_says(p, peer, "VALUE a 0 1\r\nA\r\nVALUE a 0 1\r\nA\r\nEND\r\n");
    ends(p, call, EMC_ERROR_PROTOCOL, 10);
    gave(p, call, 0, "A");
    key_ended(p, call, 1, EMC_ERROR_PROTOCOL);
    it_is_left(p, peer, 1);
}

static void an_error_after_a_value_contradicts(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *many = get_many(p, "a b"), *next = incr(p, "n");
    it_hears(p, peer, "get a b\r\nincr n 1000003\r\n");
    it_says(p, peer, "VALUE a 0 1\r\nA\r\nCLIENT_ERROR cannot increment or decrement non-numeric value\r\n");
    ends(p, many, EMC_ERROR_PROTOCOL, 10);
    ends(p, next, EMC_ERROR_PROTOCOL, 10);
    it_is_left(p, peer, 1);
}

static void an_end_that_is_missing_shows_at_the_next_reply(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *first = get(p, "a"), *second = set(p, "b", 10);
    it_hears(p, peer, "get a\r\nset b");
    it_says(p, peer, "VALUE a 0 1\r\nA\r\nSTORED\r\n");
    ends(p, first, EMC_OK, 10);
    ends(p, second, EMC_ERROR_PROTOCOL, 10);
    it_is_left(p, peer, 1);
}

static void bytes_while_nothing_is_awaited_close_the_connection(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    it_says(p, peer, "END\r\n");
    it_is_left(p, peer, 5);
    it_is_called(p, peer, 500);
}

static void a_stored_does_not_answer_a_delete(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = delete_(p, "k");
    it_hears(p, peer, "delete k\r\n");
    it_says(p, peer, "STORED\r\n");
    ends(p, call, EMC_ERROR_PROTOCOL, 10);
    it_is_left(p, peer, 1);
}

static void a_cas_of_20_digits_is_read(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = gets(p, "k");
    it_hears(p, peer, "gets k\r\n");
    it_says(p, peer, "VALUE k 0 1 18446744073709551615\r\nx\r\nEND\r\n");
    ends(p, call, EMC_OK, 10);
    must(p, call->ops[0].cas == UINT64_MAX);
}

static void a_value_without_the_cas_that_was_asked_contradicts(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = gets(p, "k");
    it_hears(p, peer, "gets k\r\n");
    it_says(p, peer, "VALUE k 0 1\r\nx\r\nEND\r\n");
    ends(p, call, EMC_ERROR_PROTOCOL, 10);
    it_is_left(p, peer, 1);
}

/* Else it would take the next reply's END for its own, and every reply after it would answer another request. */
static void a_line_that_is_no_statistic_contradicts(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = stats(p, 0);
    struct sim_call *next = get(p, "k"), *last = get(p, "k");
    it_hears(p, peer, "stats");
    it_says(p, peer, "HTTP/1.1 400 Bad Request\r\nEND\r\nEND\r\n");
    ends(p, call, EMC_ERROR_PROTOCOL, 5);
    ends(p, next, EMC_ERROR_PROTOCOL, 5);
    ends(p, last, EMC_ERROR_PROTOCOL, 5);
    it_is_left(p, peer, 5);
}

static void the_lines_of_detail_and_cachedump_are_statistics(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = stats(p, 0);
    it_hears(p, peer, "stats");
    it_says(p, peer, "PREFIX foo get 2 hit 1 set 1 del 0\r\nITEM foo [5 b; 0 s]\r\nSTAT a 1\r\nEND\r\n");
    ends(p, call, EMC_OK, 5);
    it_is_kept(p, peer);
}

static void a_dump_hears(struct play *p, const char *lines, emc_status status)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = submit(p, prepare(p, SIM_CALL_DUMP_KEYS, "", 0));
    it_hears(p, peer, "lru_crawler metadump all\r\n");
    it_says(p, peer, lines);
    ends(p, call, status, 5);
}

#define DUMPED "key=a exp=-1 la=1 cas=1 fetch=no cls=1 size=60\n"

static void a_line_that_is_no_key_contradicts_a_dump(struct play *p)
{
    a_dump_hears(p, DUMPED "HTTP/1.1 400 Bad Request\r\nEND\r\n", EMC_ERROR_PROTOCOL);
}

static void a_statistic_contradicts_a_dump(struct play *p)
{
    a_dump_hears(p, DUMPED "STAT a 1\r\nEND\r\n", EMC_ERROR_PROTOCOL);
}

static void an_ok_begins_a_dump_and_does_not_stand_within(struct play *p)
{
    a_dump_hears(p, DUMPED "OK\r\nEND\r\n", EMC_ERROR_PROTOCOL);
}

static void an_ok_may_begin_a_dump(struct play *p)
{
    a_dump_hears(p, "OK\r\n" DUMPED "END\r\n", EMC_OK);
}

SCENARIOS("replies", SCENARIO(a_value_for_another_key_contradicts), SCENARIO(a_line_of_garbage_contradicts),
          SCENARIO(a_blank_line_contradicts), SCENARIO(a_value_without_its_line_end_contradicts),
          SCENARIO(a_negative_length_contradicts), SCENARIO(a_length_beyond_64_bits_contradicts),
          SCENARIO(a_length_beyond_the_limit_is_refused_without_memory),
          SCENARIO(a_reply_of_another_command_contradicts), SCENARIO(error_in_place_of_a_get_contradicts),
          SCENARIO(a_line_that_never_ends_costs_the_connection_not_memory),
          SCENARIO(values_in_another_order_than_asked_contradict), SCENARIO(a_value_twice_contradicts),
          SCENARIO(an_error_after_a_value_contradicts), SCENARIO(an_end_that_is_missing_shows_at_the_next_reply),
          SCENARIO(bytes_while_nothing_is_awaited_close_the_connection), SCENARIO(a_stored_does_not_answer_a_delete),
          SCENARIO(a_cas_of_20_digits_is_read), SCENARIO(a_value_without_the_cas_that_was_asked_contradicts),
          SCENARIO(a_line_that_is_no_statistic_contradicts), SCENARIO(the_lines_of_detail_and_cachedump_are_statistics),
          SCENARIO(a_line_that_is_no_key_contradicts_a_dump), SCENARIO(a_statistic_contradicts_a_dump),
          SCENARIO(an_ok_begins_a_dump_and_does_not_stand_within), SCENARIO(an_ok_may_begin_a_dump))
