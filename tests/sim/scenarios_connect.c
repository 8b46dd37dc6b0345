/* Scenarios: how a connection comes to be, and how it does not. */
#include "talk.h"

static void a_fresh_client_connects_says_version_and_serves(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = get(p, "k");
    it_hears(p, peer, "get k\r\n");
    it_says(p, peer, "VALUE k 7 5\r\nhello\r\nEND\r\n");
    ends(p, call, EMC_OK, 5);
    gave(p, call, 0, "hello");
}

static void what_is_submitted_before_the_connection_stands_waits_for_it(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    peer->host->line.latency_ns = sim_ms(40);
    the_client_opens(p);
    struct sim_call *call = get(p, "k");
    waits(p, call, 60);
    it_is_called(p, peer, 100);
    it_hears(p, peer, "version\r\n");
    it_says(p, peer, "VERSION 1.6.18\r\n");
    it_hears(p, peer, "get k\r\n");
    it_says(p, peer, "END\r\n");
    ends(p, call, EMC_MISS, 100);
}

static void nothing_but_version_is_said_until_version_is_answered(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_is_called(p, peer, 10);
    struct sim_call *call = get(p, "k");
    it_hears(p, peer, "version\r\n");
    it_hears_nothing(p, peer, 50);
    it_says(p, peer, "VERSION 1.6.18\r\n");
    it_hears(p, peer, "get k\r\n");
    it_says(p, peer, "END\r\n");
    ends(p, call, EMC_MISS, 10);
}

SCENARIOS("connect", SCENARIO(a_fresh_client_connects_says_version_and_serves),
          SCENARIO(what_is_submitted_before_the_connection_stands_waits_for_it),
          SCENARIO(nothing_but_version_is_said_until_version_is_answered))
