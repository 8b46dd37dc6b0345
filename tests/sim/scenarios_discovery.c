/* Scenarios: where the list of nodes comes from, when it is not fixed: a configuration endpoint, or DNS. */
#include <stdio.h>
#include <string.h>

#include "talk.h"

static void opens_on_the_first(struct play *p)
{
    emc_error error;
    p->stage.model.routing_moves = true;
    must(p, sim_stage_open(&p->stage, 1, &error) == EMC_OK);
    ms_pass(p, 20);
}

/* The hosts of the client's nodes. */
static const char *members(struct play *p)
{
    static char text[512];
    size_t length = 0;
    emc_node_list *list;
    text[0] = '\0';
    if (emc_cluster_nodes(p->stage.view, &list) == EMC_OK) {
        for (size_t i = 0; i < list->count; i++) {
            length += (size_t)snprintf(text + length, sizeof text - length, "%s%s", i > 0 ? " " : "",
                                       list->nodes[i].host);
        }
        emc_node_list_destroy(list);
    }
    return text;
}

#define members_are(p, text) must(p, strcmp(members(p), text) == 0)

/* ------------------------------------------------------------------ a configuration endpoint */

static void tells(const struct sim_node *endpoint, uint64_t version, const char *nodes)
{
    endpoint->server->cluster_version = version;
    endpoint->server->cluster_config = nodes;
}

/* An endpoint of its own at 10.0.1.N that tells this; nodes are 10.0.0.2, 10.0.0.3 … */
static struct sim_node *an_endpoint(struct play *p, uint8_t number, uint64_t version, const char *nodes)
{
    struct emc__endpoint address = sim_endpoint_ipv4(0x0a000100u + number, 11211);
    struct sim_node *node = a_server_without_node(p, &address);
    tells(node, version, nodes);
    return node;
}

static struct sim_node *a_discovering_client(struct play *p, const struct sim_node *endpoint)
{
    struct sim_node *named = a_named_node(p, "cfg.example");
    the_name_leads_to(p, named, endpoint);
    options(p)->discovery = EMC_DISCOVERY_CLUSTER;
    return named;
}

/* A list of two nodes in so many bytes, filled up with spaces. */
static const char *a_list_of(char *text, size_t length)
{
    static const char first[] = "10.0.0.2||11211", second[] = "10.0.0.3||11211";
    memset(text, ' ', length);
    memcpy(text, first, sizeof first - 1);
    memcpy(text + length - (sizeof second - 1), second, sizeof second - 1);
    text[length] = '\0';
    return text;
}

static void a_long_list_is_taken_however_it_is_cut(struct play *p)
{
    static char text[60001];
    struct sim_node *endpoint = an_endpoint(p, 1, 1, a_list_of(text, 60000));
    endpoint->host->line.cut = SIM_CUT_RANDOM;
    endpoint->host->line.buffer = 3000;
    a_discovering_client(p, endpoint);
    a_server(p);
    a_server(p);
    opens_on_the_first(p);
    ms_pass(p, 500);
    members_are(p, "10.0.0.2 10.0.0.3");
}

static void a_list_longer_than_its_limit_is_refused_however_it_comes(struct play *p)
{
    static char text[3001];
    struct sim_node *endpoint = an_endpoint(p, 1, 1, "10.0.0.2||11211 10.0.0.3||11211");
    a_discovering_client(p, endpoint);
    a_server(p);
    a_server(p);
    options(p)->discovery_length_max = 1024;
    opens_on_the_first(p);
    members_are(p, "10.0.0.2 10.0.0.3");
    a_list_of(text, 3000);
    memcpy(text, "10.0.0.9", 8);
    tells(endpoint, 2, text);
    ms_pass(p, 61000);
    members_are(p, "10.0.0.2 10.0.0.3");
    must(p, p->stage.last_event == EMC_EVENT_DISCOVERY_ERROR);
}

static void the_endpoints_list_is_served_and_followed(struct play *p)
{
    struct sim_node *endpoint = an_endpoint(p, 1, 1, "10.0.0.2||11211 10.0.0.3||11211");
    a_discovering_client(p, endpoint);
    struct sim_node *stays = a_server(p);
    a_server(p);
    a_server(p);
    opens_on_the_first(p);
    members_are(p, "10.0.0.2 10.0.0.3");
    ends(p, set(p, "k", 20), EMC_OK, 5);
    tells(endpoint, 1, "10.0.0.9||11211"); /* not newer */
    ms_pass(p, 61000);
    members_are(p, "10.0.0.2 10.0.0.3");
    tells(endpoint, 2, "10.0.0.2||11211 10.0.0.4||11211");
    ms_pass(p, 60000);
    members_are(p, "10.0.0.2 10.0.0.4");
    must(p, metrics(p, stays).connections_created == 1);
    ends(p, set(p, "k", 20), EMC_OK, 5);
}

static void when_a_node_dies_the_endpoints_name_is_looked_up_again(struct play *p)
{
    struct sim_node *old = an_endpoint(p, 1, 1, "10.0.0.2||11211 10.0.0.3||11211");
    struct sim_node *fresh = an_endpoint(p, 2, 2, "10.0.0.2||11211 10.0.0.4||11211");
    struct sim_node *named = a_discovering_client(p, old);
    a_server(p);
    struct sim_node *dies = a_server(p);
    a_server(p);
    opens_on_the_first(p);
    members_are(p, "10.0.0.2 10.0.0.3");
    sim_name_moves_to(named->name, &fresh->host->endpoint); /* the old one lives on, and knows of nothing */
    sim_host_die(dies->host, SIM_END_RESET);
    ms_pass(p, 1500);
    members_are(p, "10.0.0.2 10.0.0.4");
}

static void while_a_node_is_down_the_list_is_asked_for_ten_times_as_often(struct play *p)
{
    struct sim_node *endpoint = an_endpoint(p, 1, 1, "10.0.0.2||11211 10.0.0.3||11211");
    a_discovering_client(p, endpoint);
    a_server(p);
    struct sim_node *dies = a_server(p);
    a_server(p);
    opens_on_the_first(p);
    sim_host_die(dies->host, SIM_END_RESET);
    ms_pass(p, 10000); /* asked, and the old list came once more */
    members_are(p, "10.0.0.2 10.0.0.3");
    tells(endpoint, 2, "10.0.0.2||11211 10.0.0.4||11211");
    ms_pass(p, 6100);
    members_are(p, "10.0.0.2 10.0.0.4");
}

static void an_endpoint_that_fails_leaves_the_last_good_list_and_is_told_of(struct play *p)
{
    struct sim_node *endpoint = an_endpoint(p, 1, 1, "10.0.0.2||11211 10.0.0.3||11211");
    a_discovering_client(p, endpoint);
    a_server(p);
    a_server(p);
    opens_on_the_first(p);
    sim_host_die(endpoint->host, SIM_END_RESET);
    ms_pass(p, 70000);
    must(p, p->stage.last_event == EMC_EVENT_DISCOVERY_ERROR);
    members_are(p, "10.0.0.2 10.0.0.3");
    ends(p, set(p, "k", 20), EMC_OK, 5);
    sim_host_return(endpoint->host);
    tells(endpoint, 2, "10.0.0.2||11211");
    ms_pass(p, 7000);
    members_are(p, "10.0.0.2");
}

static void what_is_in_flight_when_the_list_changes_is_answered(struct play *p)
{
    struct sim_node *endpoint = an_endpoint(p, 1, 1, "10.0.0.2||11211 10.0.0.3||11211");
    struct sim_call *calls[40];
    char key[16];
    a_discovering_client(p, endpoint);
    options(p)->discovery_interval_ms = 100;
    options(p)->timeout_ms = 5000;
    a_server(p)->server->service_ns = sim_ms(30);
    a_server(p)->server->service_ns = sim_ms(30);
    a_server(p);
    opens_on_the_first(p);
    for (int i = 0; i < 40; i++) {
        snprintf(key, sizeof key, "key:%d", i);
        calls[i] = set(p, key, 20);
    }
    tells(endpoint, 2, "10.0.0.4||11211");
    ms_pass(p, 200);
    members_are(p, "10.0.0.4");
    for (int i = 0; i < 40; i++) {
        ends(p, calls[i], EMC_OK, 2000);
    }
    ends(p, set(p, "k", 20), EMC_OK, 5);
}

static void a_client_without_a_list_yet_fails_operations_and_serves_once_it_came(struct play *p)
{
    struct sim_node *endpoint = an_endpoint(p, 1, 1, "10.0.0.2||11211");
    a_discovering_client(p, endpoint);
    a_server(p);
    sim_host_die(endpoint->host, SIM_END_RESET);
    opens_on_the_first(p);
    ends(p, set(p, "k", 20), EMC_ERROR_NO_NODES, 5);
    ends(p, get_many(p, "a b c"), EMC_ERROR_NO_NODES, 5);
    ms_pass(p, 5000);
    sim_host_return(endpoint->host);
    ms_pass(p, 2100);
    members_are(p, "10.0.0.2");
    ends(p, set(p, "k", 20), EMC_OK, 5);
}

/* ------------------------------------------------------------------ DNS */

/* A name for the servers 10.0.0.2, 10.0.0.3 …, the client's only address. */
static struct sim_name *a_headless_service(struct play *p)
{
    struct sim_node *named = a_named_node(p, "mc.example");
    options(p)->discovery = EMC_DISCOVERY_DNS;
    options(p)->discovery_interval_ms = 10000;
    return named->name;
}

static void answers(struct sim_name *name, const struct sim_node *const *nodes, size_t count)
{
    name->count = 0;
    for (size_t i = 0; i < count; i++) {
        sim_name_points_to(name, &nodes[i]->host->endpoint);
    }
}

static void nodes_come_and_go_as_records_do(struct play *p)
{
    struct sim_name *name = a_headless_service(p);
    const struct sim_node *a = a_server(p), *b = a_server(p), *c = a_server(p);
    answers(name, (const struct sim_node *const[]){a, b}, 2);
    opens_on_the_first(p);
    members_are(p, "10.0.0.2 10.0.0.3");
    ends(p, set(p, "k", 20), EMC_OK, 5);
    answers(name, (const struct sim_node *const[]){c, a, b}, 3);
    ms_pass(p, 10100);
    members_are(p, "10.0.0.4 10.0.0.2 10.0.0.3");
    answers(name, (const struct sim_node *const[]){a, c}, 2);
    ms_pass(p, 10100);
    members_are(p, "10.0.0.2 10.0.0.4");
    must(p, metrics(p, a).connections_created == 1);
}

static void an_answer_without_nodes_empties_nothing(struct play *p)
{
    struct sim_name *name = a_headless_service(p);
    const struct sim_node *a = a_server(p), *b = a_server(p);
    answers(name, (const struct sim_node *const[]){a, b}, 2);
    opens_on_the_first(p);
    answers(name, NULL, 0);
    ms_pass(p, 60000);
    members_are(p, "10.0.0.2 10.0.0.3");
    must(p, p->stage.last_event == EMC_EVENT_DISCOVERY_ERROR);
    name->fails = true;
    ms_pass(p, 60000);
    members_are(p, "10.0.0.2 10.0.0.3");
    ends(p, set(p, "k", 20), EMC_OK, 5);
}

static void an_answer_that_lacks_most_nodes_must_be_said_twice(struct play *p)
{
    struct sim_name *name = a_headless_service(p);
    const struct sim_node *a = a_server(p), *b = a_server(p), *c = a_server(p);
    answers(name, (const struct sim_node *const[]){a, b, c}, 3);
    opens_on_the_first(p);
    answers(name, (const struct sim_node *const[]){b}, 1);
    ms_pass(p, 10100);
    members_are(p, "10.0.0.2 10.0.0.3 10.0.0.4");
    answers(name, (const struct sim_node *const[]){a, b, c}, 3); /* a hiccup */
    ms_pass(p, 1100);
    members_are(p, "10.0.0.2 10.0.0.3 10.0.0.4");
    answers(name, (const struct sim_node *const[]){b}, 1);
    ms_pass(p, 11200);
    members_are(p, "10.0.0.3");
}

static void when_a_node_dies_its_name_is_asked_at_once(struct play *p)
{
    struct sim_name *name = a_headless_service(p);
    struct sim_node *a = a_server(p), *b = a_server(p), *c = a_server(p);
    answers(name, (const struct sim_node *const[]){a, b}, 2);
    options(p)->discovery_interval_ms = 600000;
    opens_on_the_first(p);
    answers(name, (const struct sim_node *const[]){b, c}, 2);
    sim_host_die(a->host, SIM_END_RESET);
    ms_pass(p, 1500);
    members_are(p, "10.0.0.3 10.0.0.4");
}

static void targets_of_a_service_are_nodes_by_name_and_keep_it_when_they_move(struct play *p)
{
    struct sim_node *service = a_named_node(p, "_mc._tcp.example"), *named = a_named_node(p, "mc-0.example"),
                    *other = a_named_node(p, "mc-1.example");
    struct emc__endpoint here = sim_endpoint_ipv4(0x0a000101u, 11211), there = sim_endpoint_ipv4(0x0a000102u, 11211);
    struct sim_node *before = a_server_without_node(p, &here), *after = a_server_without_node(p, &there);
    struct sim_name *records = sim_names_entry(&p->stage.names, service->address.host, EMC__LOOKUP_SERVICE);
    const struct emc__endpoint targets[] = {
        {.family = EMC__ENDPOINT_NAME, .port = 11211, .weight = 70, .name = "mc-0.example"},
        {.family = EMC__ENDPOINT_NAME, .port = 11211, .weight = 30, .name = "mc-1.example"}};
    emc_node_state state;
    sim_name_points_to(records, &targets[0]);
    sim_name_points_to(records, &targets[1]);
    the_name_leads_to(p, named, before);
    options(p)->discovery = EMC_DISCOVERY_DNS_SRV;
    options(p)->timeout_ms = 5000;
    opens_on_the_first(p); /* the second target has no address at all: a node that is down, and no reason to shrink */
    members_are(p, "mc-0.example mc-1.example");
    must(p, emc_cluster_node_state(p->stage.view, &named->address, &state) == EMC_OK && state.weight == 70);
    const char *key = key_of(p, named);
    ends(p, set(p, key, 20), EMC_OK, 5);
    turns_unhealthy(p, other, 2000);
    named->name->count = 0;
    the_name_leads_to(p, named, after);
    sim_host_die(before->host, SIM_END_RESET);
    ms_pass(p, 5);
    ends(p, set(p, key, 20), EMC_OK, 3000);
    must(p, strcmp(key, key_of(p, named)) == 0);
    must(p, sim_store_find(&after->server->store, emc__slice_of(key, strlen(key))) != NULL);
}

SCENARIOS("discovery", SCENARIO(targets_of_a_service_are_nodes_by_name_and_keep_it_when_they_move),
          SCENARIO(the_endpoints_list_is_served_and_followed), SCENARIO(a_long_list_is_taken_however_it_is_cut),
          SCENARIO(a_list_longer_than_its_limit_is_refused_however_it_comes),
          SCENARIO(when_a_node_dies_the_endpoints_name_is_looked_up_again),
          SCENARIO(while_a_node_is_down_the_list_is_asked_for_ten_times_as_often),
          SCENARIO(an_endpoint_that_fails_leaves_the_last_good_list_and_is_told_of),
          SCENARIO(what_is_in_flight_when_the_list_changes_is_answered),
          SCENARIO(a_client_without_a_list_yet_fails_operations_and_serves_once_it_came),
          SCENARIO(nodes_come_and_go_as_records_do), SCENARIO(an_answer_without_nodes_empties_nothing),
          SCENARIO(an_answer_that_lacks_most_nodes_must_be_said_twice),
          SCENARIO(when_a_node_dies_its_name_is_asked_at_once))
