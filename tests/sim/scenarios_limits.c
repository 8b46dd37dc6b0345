/* Scenarios: large values, narrow lines, and every bound of the engine. */
#include <string.h>

#include "talk.h"

static void a_large_value_refused_early_is_sent_to_its_end_and_the_stream_stays_in_step(struct play *p)
{
    struct sim_node *node = a_server(p);
    node->host->line.buffer = 3000;
    node->server->store.item_size_max = 1000;
    the_client_opens(p);
    ms_pass(p, 10);
    struct sim_call *large = set(p, "large", 400000);
    struct sim_call *other = get(p, "other");
    ends(p, large, EMC_ERROR_TOO_LARGE, 900);
    ends(p, other, EMC_MISS, 900);
    must(p, large->releases == 1);
    must(p, metrics(p, node).connections_closed == 0);
}

/* Found by seed 5360066: the question stood in the middle of the value, whose last bytes the server then took for a command. */
static void no_question_is_put_into_a_value_that_is_still_going_out(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    peer->host->line.buffer = 3000;
    options(p)->keepalive_ms = 50;
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = set(p, "large", 40000);
    it_stops_reading(p, peer);
    ms_pass(p, 10);
    it_says(p, peer, "SERVER_ERROR out of memory storing object\r\n");
    ends(p, call, EMC_ERROR_SERVER_MEMORY, 20);
    ms_pass(p, 300);
    it_reads_again(p, peer);
    ms_pass(p, 300);
    const struct sim_peer_connection *connection = &peer->connections[peer->current];
    const char *value = strchr(connection->heard, '\n') + 1;
    size_t head = (size_t)(value - connection->heard);
    must(p, connection->heard_length >= head + 40002 && memcmp(value + 40000, "\r\n", 2) == 0);
    must(p, memmem(value, 40000, "version", 7) == NULL);
    must(p, connection->heard_length == head + 40002 || strcmp(value + 40002, "version\r\n") == 0);
}

static void a_result_before_the_value_was_sent_contradicts(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    peer->host->line.buffer = 3000;
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = set(p, "large", 400000);
    it_stops_reading(p, peer);
    ms_pass(p, 10);
    it_says(p, peer, "STORED\r\n");
    ends(p, call, EMC_ERROR_PROTOCOL, 20);
    it_is_left(p, peer, 1);
    must(p, call->releases == 1);
}

static void growth_waits_for_the_pause_after_a_failed_attempt_without_spinning(struct play *p)
{
    struct sim_node *node = a_named_node(p, "cache.example"), *home = a_server(p);
    the_name_leads_to(p, node, home);
    home->host->line.buffer = 3000;
    options(p)->timeout_ms = 10000;
    the_client_opens(p);
    ms_pass(p, 10);
    node->name->fails_at_once = true;
    sim_server_stop(home->server, true);
    struct sim_call *call = set(p, key_of(p, node), 400000);
    waits(p, call, 900);
    must(p, p->stage.transport.passes < 200);
    must(p, metrics(p, node).connections_created_with_error > 0);
    node->name->fails_at_once = false;
    sim_server_stop(home->server, false);
    ends(p, call, EMC_OK, 900);
}

static void a_long_value_by_meta_may_name_its_long_key(struct play *p)
{
    char key[241];
    a_server(p);
    memset(key, 'k', 240);
    key[240] = 0;
    the_client_opens(p);
    ends(p, set(p, key, 100000), EMC_OK, 100);
    struct sim_call *call = prepare(p, SIM_CALL_META_GET, key, 0);
    call->amount = EMC_META_KEY | EMC_META_TTL | EMC_META_SIZE | EMC_META_HIT_BEFORE | EMC_META_LAST_ACCESS;
    submit(p, call);
    ends(p, call, EMC_OK, 100);
    must(p, call->ops[0].length_out == 100000);
}

SCENARIOS("limits", SCENARIO(a_long_value_by_meta_may_name_its_long_key),
          SCENARIO(a_large_value_refused_early_is_sent_to_its_end_and_the_stream_stays_in_step),
          SCENARIO(no_question_is_put_into_a_value_that_is_still_going_out),
          SCENARIO(a_result_before_the_value_was_sent_contradicts),
          SCENARIO(growth_waits_for_the_pause_after_a_failed_attempt_without_spinning))
