/* Scenarios: authentication, limits with their room callback, closing with work in flight, nodes added and removed under it. */
#include <string.h>

#include "talk.h"

static void credentials_go_first_and_version_after_them(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    options(p)->username = "user";
    options(p)->password = "secret";
    the_client_opens(p);
    it_is_called(p, peer, 10);
    struct sim_call *call = get(p, "k");
    it_hears(p, peer, "set _ _ _ 11\r\nuser secret\r\n");
    it_hears_nothing(p, peer, 20);
    it_says(p, peer, "STORED\r\n");
    it_hears(p, peer, "version\r\n");
    it_says(p, peer, "VERSION 1.6.18\r\n");
    it_hears(p, peer, "get k\r\n");
    it_says(p, peer, "END\r\n");
    ends(p, call, EMC_MISS, 5);
}

static void refused_credentials_end_in_authentication_and_right_ones_work_again(struct play *p)
{
    struct sim_node *node = a_server(p);
    node->server->username = "user";
    node->server->password = "another";
    options(p)->username = "user";
    options(p)->password = "secret";
    the_client_opens(p);
    struct sim_call *call = get(p, "k");
    turns_unhealthy(p, node, 500);
    ends(p, call, EMC_ERROR_AUTHENTICATION, 1);
    must(p, strstr(call->message, "secret") == NULL);
    ends(p, get(p, "k"), EMC_ERROR_AUTHENTICATION, 1);
    node->server->password = "secret";
    turns_healthy(p, node, 2000);
    ends(p, get(p, "k"), EMC_MISS, 20);
}

static void missing_credentials_are_told_as_such(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    struct sim_call *call = get(p, "k");
    for (int i = 0; i < 3; i++) {
        it_is_called(p, peer, 1000);
        it_hears(p, peer, "version\r\n");
        it_says(p, peer, "CLIENT_ERROR unauthenticated\r\n");
    }
    ends(p, call, EMC_ERROR_AUTHENTICATION, 50);
}

static void room_is_told(void *user_data)
{
    (*(uint32_t *)user_data)++;
}

static void a_full_client_refuses_and_tells_when_there_is_room(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    uint32_t rooms = 0;
    options(p)->operations_max = 2;
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *first = get(p, "a"), *second = get(p, "b");
    is_refused(p, prepare(p, SIM_CALL_GET, "c", 0), EMC_ERROR_FULL);
    emc_client_on_room(p->stage.client, room_is_told, &rooms);
    it_hears(p, peer, "get a b\r\n");
    must(p, rooms == 0);
    it_says(p, peer, "END\r\n");
    ends(p, first, EMC_MISS, 5);
    ends(p, second, EMC_MISS, 5);
    ms_pass(p, 1);
    must(p, rooms == 1);
    struct sim_call *third = get(p, "c");
    it_hears(p, peer, "get c\r\n");
    it_says(p, peer, "END\r\n");
    ends(p, third, EMC_MISS, 5);
    must(p, rooms == 1);
}

static void a_connections_own_limit_is_full_too(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    options(p)->operations_per_connection_max = 2;
    options(p)->connections_max = 1;
    the_client_opens(p);
    it_greets(p, peer);
    get(p, "a");
    get(p, "b");
    is_refused(p, prepare(p, SIM_CALL_GET, "c", 0), EMC_ERROR_FULL);
}

static void a_close_with_operations_everywhere_ends_each_of_them_once(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    struct sim_node *unreachable = a_server(p);
    unreachable->host->reach = SIM_REACH_SILENT;
    peer->host->line.buffer = 3000;
    the_client_opens(p);
    it_greets(p, peer);
    const char *here = key_of(p, node_of(p, peer)), *there = key_of(p, unreachable);
    struct sim_call *sent = get(p, here), *waiting = get(p, there);
    it_hears(p, peer, "get ");
    it_stops_reading(p, peer);
    struct sim_call *half_sent = set(p, here, 90000),
                    *bulk = get_many(p, sim_world_text(&p->stage.world, "%s %s", here, there));
    ms_pass(p, 5);
    struct sim_call *unsent = incr(p, here);
    the_client_closes(p);
    ends(p, sent, EMC_ERROR_CANCELLED, 1);
    ends(p, waiting, EMC_ERROR_CANCELLED, 1);
    ends(p, half_sent, EMC_ERROR_CANCELLED, 1);
    ends(p, bulk, EMC_ERROR_CANCELLED, 1);
    ends(p, unsent, EMC_ERROR_CANCELLED, 1);
    must(p, half_sent->releases == 1);
}

static void destroy_it(struct sim_call *call, void *context)
{
    (void)call;
    struct play *p = context;
    p->stage.closing = true;
    emc_client_destroy(p->stage.client);
}

static void a_destroy_inside_a_callback_takes_effect_when_it_has_returned(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *first = get(p, "a"), *second = get(p, "b");
    first->then = destroy_it;
    first->then_context = p;
    it_hears(p, peer, "get a b\r\n");
    it_says(p, peer, "VALUE a 0 1\r\nA\r\nVALUE b 0 1\r\nB\r\nEND\r\n");
    ends(p, first, EMC_OK, 5);
    ends_with_either(p, second, EMC_OK, EMC_ERROR_CANCELLED, 1);
    must(p, p->stage.client == NULL);
}

static void submit_another(struct sim_call *call, void *context)
{
    (void)call;
    set(context, "from-the-callback", 12);
}

static void what_a_callback_submits_leaves_at_the_end_of_its_pass(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *first = get(p, "a");
    first->then = submit_another;
    first->then_context = p;
    it_hears(p, peer, "get a\r\n");
    it_says(p, peer, "END\r\n");
    it_hears(p, peer, "set from-the-callback 2 0 12\r\n");
}

static void a_node_removed_with_requests_in_flight_answers_them_first(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    a_server(p);
    p->stage.model.routing_moves = true;
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = get(p, key_of(p, node_of(p, peer)));
    it_hears(p, peer, "get ");
    must(p, emc_cluster_remove_node(p->stage.view, &node_of(p, peer)->address, NULL) == EMC_OK);
    ms_pass(p, 50);
    it_is_kept(p, peer);
    struct sim_call *elsewhere = get(p, "anything");
    ends(p, elsewhere, EMC_MISS, 20);
    it_says(p, peer, "END\r\n");
    ends(p, call, EMC_MISS, 5);
    it_is_left(p, peer, 5);
}

static void a_node_removed_while_a_bulks_long_value_comes_gives_it_whole(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    a_server(p);
    static char value[30001];
    memset(value, 'v', 30000);
    p->stage.model.routing_moves = true;
    the_client_opens(p);
    it_greets(p, peer);
    const char *key = key_of(p, node_of(p, peer));
    struct sim_call *call = get_many(p, key);
    it_hears(p, peer, "get ");
    it_says(p, peer, sim_world_text(&p->stage.world, "VALUE %s 0 30000\r\nvv", key));
    ms_pass(p, 2);
    must(p, emc_cluster_remove_node(p->stage.view, &node_of(p, peer)->address, NULL) == EMC_OK);
    ms_pass(p, 20);
    it_is_kept(p, peer);
    it_says(p, peer, value + 2);
    it_says(p, peer, "\r\nEND\r\n");
    ends(p, call, EMC_OK, 5);
    gave(p, call, 0, value);
    it_is_left(p, peer, 20);
}

static void a_node_added_serves_within_a_moment(struct play *p)
{
    a_server(p);
    the_client_opens(p);
    ms_pass(p, 10);
    struct sim_node *fresh = a_server(p);
    p->stage.model.routing_moves = true;
    must(p, emc_cluster_add_node(p->stage.view, &fresh->address, 100, NULL) == EMC_OK);
    ends(p, set(p, key_of(p, fresh), 20), EMC_OK, 20);
    must(p, fresh->server->store.bytes > 0);
}

SCENARIOS("close", SCENARIO(credentials_go_first_and_version_after_them),
          SCENARIO(refused_credentials_end_in_authentication_and_right_ones_work_again),
          SCENARIO(missing_credentials_are_told_as_such), SCENARIO(a_full_client_refuses_and_tells_when_there_is_room),
          SCENARIO(a_connections_own_limit_is_full_too),
          SCENARIO(a_close_with_operations_everywhere_ends_each_of_them_once),
          SCENARIO(a_destroy_inside_a_callback_takes_effect_when_it_has_returned),
          SCENARIO(what_a_callback_submits_leaves_at_the_end_of_its_pass),
          SCENARIO(a_node_removed_with_requests_in_flight_answers_them_first),
          SCENARIO(a_node_removed_while_a_bulks_long_value_comes_gives_it_whole),
          SCENARIO(a_node_added_serves_within_a_moment))
