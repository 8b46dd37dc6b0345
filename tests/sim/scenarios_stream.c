/* Scenarios: the byte stream breaks, stalls, trickles. */
#include "talk.h"

static void a_reset_inside_a_value_is_a_lost_connection_and_no_part_of_it_is_given(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = get(p, "k");
    it_hears(p, peer, "get k\r\n");
    it_says(p, peer, "VALUE k 0 5\r\nhel");
    it_resets(p, peer);
    ends(p, call, EMC_ERROR_CONNECTION_LOST, 5);
    must(p, !call->ops[0].has_value);
    it_is_called(p, peer, 500);
}

static void an_end_inside_a_value_is_a_lost_connection(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = get(p, "k");
    it_hears(p, peer, "get k\r\n");
    it_says(p, peer, "VALUE k 0 5\r\nhel");
    it_closes(p, peer);
    ends(p, call, EMC_ERROR_CONNECTION_LOST, 5);
}

static void a_reset_inside_a_large_value_gives_the_home_back_unused(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = prepare(p, SIM_CALL_GET, "k", 0);
    call->allocates = true;
    submit(p, call);
    it_hears(p, peer, "get k\r\n");
    it_says(p, peer, "VALUE k 0 200000\r\nhel");
    it_resets(p, peer);
    ends(p, call, EMC_ERROR_CONNECTION_LOST, 5);
}

static void a_get_is_asked_again_once_when_the_connection_was_closed_while_idle(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    peer->host->line.latency_ns = sim_ms(5);
    sim_host_set_line(peer->host, &peer->host->line);
    it_closes(p, peer); /* the end is on its way while the get is written */
    struct sim_call *call = get(p, "k");
    it_is_called(p, peer, 500);
    it_hears(p, peer, "version\r\n");
    it_says(p, peer, "VERSION 1.6.18\r\n");
    it_hears(p, peer, "get k\r\n");
    it_closes(p, peer); /* a second time it is not */
    ends(p, call, EMC_ERROR_CONNECTION_LOST, 20);
}

static void a_write_is_never_repeated_by_itself(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    peer->host->line.latency_ns = sim_ms(5);
    sim_host_set_line(peer->host, &peer->host->line);
    it_closes(p, peer);
    struct sim_call *call = incr(p, "n");
    ends(p, call, EMC_ERROR_CONNECTION_LOST, 20);
    it_is_called(p, peer, 500);
    it_hears(p, peer, "version\r\n");
    it_says(p, peer, "VERSION 1.6.18\r\n");
    it_hears_nothing(p, peer, 100);
}

static void a_get_that_was_under_way_when_the_connection_broke_is_not_asked_again(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *first = get(p, "a"), *second;
    it_hears(p, peer, "get a\r\n");
    it_says(p, peer, "VALUE a 0 1\r\nA\r\n");
    ends(p, first, EMC_OK, 5);
    second = get(p, "b");
    it_hears(p, peer, "get b\r\n");
    it_resets(p, peer);
    ends(p, second, EMC_ERROR_CONNECTION_LOST, 5);
}

static void what_was_not_written_yet_finds_another_connection(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    peer->host->line.buffer = 1000;
    options(p)->connections_max = 1;
    the_client_opens(p);
    it_greets(p, peer);
    it_stops_reading(p, peer);
    struct sim_call *large = set(p, "large", 9000);
    ms_pass(p, 5);
    struct sim_call *unsent = incr(p, "n");
    ms_pass(p, 5);
    it_resets(p, peer);
    ends(p, large, EMC_ERROR_CONNECTION_LOST, 20);
    it_reads_again(p, peer);
    it_is_called(p, peer, 500);
    it_hears(p, peer, "version\r\n");
    it_says(p, peer, "VERSION 1.6.18\r\n");
    it_hears(p, peer, "incr n 1000002\r\n");
    it_says(p, peer, "7\r\n");
    ends(p, unsent, EMC_OK, 20);
}

static void one_byte_at_a_time_gives_the_same_items(struct play *p)
{
    struct sim_node *node = a_server(p);
    node->host->line.cut = SIM_CUT_BYTES;
    the_client_opens(p);
    ends(p, set_many(p, "a b c d", 40), EMC_OK, 200);
    ends(p, get_many(p, "a b c d nothing"), EMC_MISS, 200);
    ends(p, gets(p, "b"), EMC_OK, 200);
    ends(p, delete_(p, "c"), EMC_OK, 200);
    ends(p, get(p, "c"), EMC_MISS, 200);
}

static void pieces_cut_anywhere_and_short_reads_give_the_same_items(struct play *p)
{
    struct sim_node *node = a_server(p);
    node->host->line.cut = SIM_CUT_RANDOM;
    p->stage.transport.short_io_percent = 80;
    the_client_opens(p);
    ends(p, set(p, "large", 150000), EMC_OK, 500);
    ends(p, get(p, "large"), EMC_OK, 500);
    ends(p, get_many(p, "large a large b"), EMC_MISS, 500);
}

static void a_server_that_stops_reading_fills_no_memory_and_ends_in_full(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    peer->host->line.buffer = 1000;
    options(p)->bytes_waiting_max = 65536;
    options(p)->connections_max = 1;
    options(p)->timeout_ms = EMC_NO_LIMIT;
    the_client_opens(p);
    it_greets(p, peer);
    it_stops_reading(p, peer);
    uint32_t accepted = 0;
    struct sim_call *call = NULL;
    for (int i = 0; i < 200 && (call == NULL || call->accepted); i++) {
        call = prepare(p, SIM_CALL_SET, "k", 1500);
        accepted += sim_stage_submit(&p->stage, call);
        ms_pass(p, 1);
    }
    must(p, call->refused == EMC_ERROR_FULL);
    must(p, accepted > 20 && accepted < 150);
    must(p, p->stage.memory.bytes < 600000);
}

static void a_connection_that_takes_no_byte_past_a_deadline_is_left(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    peer->host->line.buffer = 1000;
    options(p)->connections_max = 1;
    the_client_opens(p);
    it_greets(p, peer);
    it_stops_reading(p, peer);
    struct sim_call *endless = prepare(p, SIM_CALL_SET, "large", 90000);
    endless->timeout_ms = EMC_NO_LIMIT;
    submit(p, endless);
    ms_pass(p, 10);
    struct sim_call *second = get(p, "k");
    ends(p, second, EMC_ERROR_TIMEOUT, 1010);
    waits(p, endless, 500);
    ends_with_either(p, endless, EMC_ERROR_CONNECTION_LOST, EMC_ERROR_NODE_DOWN, 600);
}

SCENARIOS("stream", SCENARIO(a_reset_inside_a_value_is_a_lost_connection_and_no_part_of_it_is_given),
          SCENARIO(an_end_inside_a_value_is_a_lost_connection),
          SCENARIO(a_reset_inside_a_large_value_gives_the_home_back_unused),
          SCENARIO(a_get_is_asked_again_once_when_the_connection_was_closed_while_idle),
          SCENARIO(a_write_is_never_repeated_by_itself),
          SCENARIO(a_get_that_was_under_way_when_the_connection_broke_is_not_asked_again),
          SCENARIO(what_was_not_written_yet_finds_another_connection),
          SCENARIO(one_byte_at_a_time_gives_the_same_items),
          SCENARIO(pieces_cut_anywhere_and_short_reads_give_the_same_items),
          SCENARIO(a_server_that_stops_reading_fills_no_memory_and_ends_in_full),
          SCENARIO(a_connection_that_takes_no_byte_past_a_deadline_is_left))
