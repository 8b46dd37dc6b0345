/* Scenarios: a dump of a node's keys, which may take long, has its connection to itself. */
#include "talk.h"

#define DUMPED "key=k exp=-1 la=1 cas=1 fetch=no cls=1 size=60\r\n"

/* Opens a client with one connection, and has a dump asked for on it. */
static struct sim_call *a_dump_is_under_way(struct play *p, struct sim_peer *peer)
{
    options(p)->timeout_ms = 5000;
    options(p)->connections_max = 1;
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *dump = dump_keys(p, 0);
    it_hears(p, peer, "lru_crawler metadump all\r\n");
    return dump;
}

static void another_connection_is_called(struct play *p, struct sim_peer *peer, uint64_t ms)
{
    it_is_called(p, peer, ms);
    it_hears(p, peer, "version\r\n");
    it_says(p, peer, "VERSION 1.6.18\r\n");
}

static void a_quick_dump_costs_no_connection(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    struct sim_call *dump = a_dump_is_under_way(p, peer);
    struct sim_call *call = get(p, "k");
    it_hears_nothing(p, peer, 5);
    it_says(p, peer, DUMPED "END\r\n");
    ends(p, dump, EMC_OK, 5);
    it_hears(p, peer, "get k\r\n");
    it_says(p, peer, "END\r\n");
    ends(p, call, EMC_MISS, 5);
    ms_pass(p, 100);
    must(p, peer->count == 1);
}

static void a_dump_that_nobody_waits_behind_costs_no_connection(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    struct sim_call *dump = a_dump_is_under_way(p, peer);
    for (int i = 0; i < 10; i++) {
        it_says(p, peer, DUMPED);
        ms_pass(p, 100);
    }
    it_says(p, peer, "END\r\n");
    ends(p, dump, EMC_OK, 5);
    must(p, peer->count == 1);
}

static void what_waits_behind_a_dump_gets_a_connection_beyond_the_pool_in_order(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    struct sim_call *dump = a_dump_is_under_way(p, peer);
    struct sim_call *first = incr(p, "k"), *bulk = get_many(p, "a b");
    ms_pass(p, 5);
    struct sim_call *second = get(p, "k");
    another_connection_is_called(p, peer, 20);
    it_hears(p, peer, "incr k 1000001\r\nget a b\r\nget k\r\n");
    it_says(p, peer, "1\r\nEND\r\nEND\r\n");
    ends(p, first, EMC_OK, 5);
    ends(p, bulk, EMC_MISS, 5);
    ends(p, second, EMC_MISS, 5);
    struct sim_call *later = get(p, "k");
    it_hears(p, peer, "get k\r\n");
    it_says(p, peer, "END\r\n");
    ends(p, later, EMC_MISS, 5);
    must(p, peer->count == 2);
    peer->current = 0;
    it_says(p, peer, DUMPED "END\r\n");
    ends(p, dump, EMC_OK, 5);
    it_is_left(p, peer, 5); /* the pool has its size again */
    peer->current = 1;
    it_is_kept(p, peer);
    must(p, metrics(p, node_of(p, peer)).connections == 1);
}

static void while_a_dump_lasts_all_keys_use_the_other_connection(struct play *p)
{
    static const char *const keys[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"};
    struct sim_peer *peer = a_peer(p);
    options(p)->connections_min = 2;
    options(p)->timeout_ms = 5000;
    the_client_opens(p);
    it_greets(p, peer);
    another_connection_is_called(p, peer, 100);
    ms_pass(p, 2);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) { /* each finds its connection */
        get(p, keys[i]);
    }
    ms_pass(p, 2);
    for (uint32_t i = 0; i < 2; i++) {
        must(p, peer->connections[i].heard_length > 0);
        peer->current = i;
        it_says(p, peer, "END\r\n");
        sim_peer_forget(&peer->connections[i], peer->connections[i].heard_length);
    }
    ms_pass(p, 2);
    struct sim_call *dump = dump_keys(p, 0), *last = NULL;
    ms_pass(p, 2);
    peer->current = peer->connections[0].heard_length > 0 ? 1 : 0;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        last = get(p, keys[i]);
    }
    it_hears(p, peer, "get a b c d e f g h i j k l\r\n");
    it_says(p, peer, "END\r\n");
    ends(p, last, EMC_MISS, 5);
    peer->current = 1 - peer->current;
    it_hears(p, peer, "lru_crawler metadump all\r\n");
    it_hears_nothing(p, peer, 20);
    it_says(p, peer, DUMPED "END\r\n");
    ends(p, dump, EMC_OK, 5);
    must(p, peer->count == 2);
    it_is_kept(p, peer);
}

/* Once it went to and fro between the two, for ever. */
static void beside_a_dump_a_connection_that_takes_no_bytes_is_what_the_rest_waits_for(struct play *p)
{
    static const char *const keys[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    struct sim_peer *peer = a_peer(p);
    struct sim_call *last = NULL;
    peer->host->line.buffer = 2000;
    struct sim_call *dump = a_dump_is_under_way(p, peer);
    struct sim_call *call = get(p, "k");
    another_connection_is_called(p, peer, 20);
    it_hears(p, peer, "get k\r\n");
    it_says(p, peer, "END\r\n");
    ends(p, call, EMC_MISS, 5);
    it_stops_reading(p, peer);
    struct sim_call *large = set(p, "large", 9000);
    ms_pass(p, 5);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        last = get(p, keys[i]);
        ms_pass(p, 1);
    }
    it_reads_again(p, peer);
    it_hears(p, peer, "set large ");
    sim_peer_forget(&peer->connections[1], peer->connections[1].heard_length);
    ms_pass(p, 20);
    sim_peer_forget(&peer->connections[1], peer->connections[1].heard_length);
    it_says(p, peer, "STORED\r\nEND\r\n");
    ends(p, large, EMC_OK, 5);
    ends(p, last, EMC_MISS, 5);
    peer->current = 0;
    it_says(p, peer, DUMPED "END\r\n");
    ends(p, dump, EMC_OK, 5);
}

static void what_waits_behind_a_dump_waits_for_its_end_where_no_connection_can_be_made(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    struct sim_call *dump = a_dump_is_under_way(p, peer);
    peer->host->reach = SIM_REACH_REFUSES;
    struct sim_call *call = get(p, "k");
    for (int i = 0; i < 10; i++) {
        it_says(p, peer, DUMPED);
        waits(p, call, 100);
    }
    it_says(p, peer, "END\r\n");
    ends(p, dump, EMC_OK, 5);
    it_hears(p, peer, "get k\r\n");
    it_says(p, peer, "END\r\n");
    ends(p, call, EMC_MISS, 5);
    must(p, node_of(p, peer)->turns == 0);
}

SCENARIOS("dump", SCENARIO(a_quick_dump_costs_no_connection),
          SCENARIO(a_dump_that_nobody_waits_behind_costs_no_connection),
          SCENARIO(what_waits_behind_a_dump_gets_a_connection_beyond_the_pool_in_order),
          SCENARIO(while_a_dump_lasts_all_keys_use_the_other_connection),
          SCENARIO(beside_a_dump_a_connection_that_takes_no_bytes_is_what_the_rest_waits_for),
          SCENARIO(what_waits_behind_a_dump_waits_for_its_end_where_no_connection_can_be_made))
