/* Draws a cluster, options, keys and faults from the seed: see plan.h. */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t draw(struct sim_plan *plan, uint32_t low, uint32_t high)
{
    return (uint32_t)sim_between(&plan->stage.world, low, high);
}

static bool chance(struct sim_plan *plan, uint32_t percent)
{
    return sim_chance(&plan->stage.world, percent);
}

/* ------------------------------------------------------------------ the cluster */

static struct sim_line draw_line(struct sim_plan *plan)
{
    struct sim_line line = {.latency_ns = draw(plan, 20, 1500) * SIM_US, .buffer = (size_t)256 * 1024};
    line.jitter_ns = chance(plan, 50) ? line.latency_ns / 2 : 0;
    if (chance(plan, 20)) {
        line.buffer = draw(plan, 2000, 20000);
    }
    line.cut = chance(plan, 60) ? SIM_CUT_WHOLE : chance(plan, 80) ? SIM_CUT_RANDOM : SIM_CUT_BYTES;
    return line;
}

/* A name with two addresses of which the first is dead, now and then. */
static struct sim_name *name_for(struct sim_plan *plan, const char *text, const struct emc__endpoint *endpoint,
                                 uint32_t number)
{
    struct sim_name *name = sim_names_entry(&plan->stage.names, text, EMC__LOOKUP_ADDRESSES);
    if (chance(plan, 30)) {
        struct emc__endpoint dead = sim_endpoint_ipv6((uint8_t)number, 11211);
        struct sim_host *host = sim_network_add_host(&plan->stage.network, &dead, "dead", &sim_server_service, NULL);
        host->reach = chance(plan, 50) ? SIM_REACH_REFUSES : SIM_REACH_SILENT;
        sim_name_points_to(name, &dead);
    }
    sim_name_points_to(name, endpoint);
    return name;
}

static void add_node(struct sim_plan *plan, uint32_t number)
{
    struct sim_stage *stage = &plan->stage;
    char text[64];
    bool found = plan->discovery != EMC_DISCOVERY_NONE, unix_socket = chance(plan, 10) && !found;
    bool named = !unix_socket && chance(plan, 40);
    named = (named || plan->discovery == EMC_DISCOVERY_DNS_SRV) && plan->discovery != EMC_DISCOVERY_DNS;
    snprintf(text, sizeof text, unix_socket ? "/run/mc%u.sock" : named ? "cache-%u.example" : "10.0.0.%u", number);
    struct emc__endpoint endpoint = unix_socket ? sim_endpoint_unix(text) : sim_stage_endpoint(number);
    struct sim_host *host;
    struct sim_server *server = sim_stage_add_server(stage, text, &endpoint, &host);
    emc_address address = unix_socket ? emc_address_unix(text) : emc_address_tcp(text, 11211);
    struct sim_node *node = sim_stage_add_node(stage, &address, server, host);
    node->name = named ? name_for(plan, text, &endpoint, number) : NULL;
    server->generation = chance(plan, plan->theme == SIM_THEME_SPOILT_GETS ? 20 : 50) ? SIM_GENERATION_18
                                                                                      : SIM_GENERATION_45;
    server->service_ns = draw(plan, 1, 100) * SIM_US;
    server->service_jitter_ns = draw(plan, 0, 100) * SIM_US;
    host->line = draw_line(plan);
    if (plan->authenticates) {
        server->username = "user";
        server->password = "secret";
        server->binary = plan->sasl;
    }
}

/* ------------------------------------------------------------------ options */

static void draw_limits(struct sim_plan *plan, emc_options *options)
{
    plan->limits = chance(plan, 15);
    if (plan->limits) {
        options->operations_max = draw(plan, 1, 40);
        options->operations_per_connection_max = draw(plan, 1, 30);
        options->bytes_waiting_max = 65536;
    }
}

static void draw_options(struct sim_plan *plan)
{
    static const uint32_t timeouts[] = {20, 100, 300, 1000, 1000, 3000, EMC_NO_LIMIT};
    emc_options *options = &plan->stage.options;
    options->timeout_ms = timeouts[draw(plan, 0, 6)];
    options->connection_timeout_ms = chance(plan, 70) ? 5000 : draw(plan, 50, 1500);
    options->connections_max = draw(plan, 1, 4);
    options->connections_min = draw(plan, 0, options->connections_max);
    options->purge_unused_connections_after_ms = chance(plan, 50) ? 60000 : draw(plan, 20, 800);
    options->pool_growth_after_ms = draw(plan, 1, 20);
    options->purge_unhealthy_nodes = chance(plan, 30);
    options->keepalive_ms = chance(plan, 60) ? 10000 : draw(plan, 20, 600);
    options->quiet_writes = chance(plan, 70);
    options->gather_after_flushes = draw(plan, 1, 6);
    options->ask_version = chance(plan, 90);
    options->key_prefix = chance(plan, 15) ? "app:" : NULL;
    if (chance(plan, 20)) {
        options->routing = (emc_routing_kind)draw(plan, 0, EMC_ROUTING_DALLI);
    }
    if (plan->authenticates) {
        options->username = "user";
        options->password = "secret";
        options->sasl = plan->sasl;
    }
    if (plan->discovery != EMC_DISCOVERY_NONE) {
        options->discovery = plan->discovery;
        options->discovery_interval_ms = draw(plan, 100, 600);
        options->discovery_timeout_ms = draw(plan, 50, 500);
        options->discovery_start_timeout_ms = 0;
    }
    draw_limits(plan, options);
}

/* ------------------------------------------------------------------ failover */

static void add_gutter(struct sim_plan *plan)
{
    emc_options *options = &plan->stage.options;
    uint32_t count = draw(plan, 1, 2);
    for (uint32_t i = 0; i < count; i++) {
        add_node(plan, plan->members + 1 + i);
        plan->gutter[i] = plan->stage.nodes[plan->members + i].address;
    }
    options->gutter_nodes = plan->gutter;
    options->gutter_node_count = count;
    options->gutter_exptime = draw(plan, 1, 4);
    options->purge_unhealthy_nodes = false;
}

static void draw_failover(struct sim_plan *plan)
{
    emc_options *options = &plan->stage.options;
    plan->steers = plan->discovery == EMC_DISCOVERY_NONE && chance(plan, 20);
    options->failover = chance(plan, 65)   ? EMC_FAILOVER_FAIL
                        : chance(plan, 50) ? EMC_FAILOVER_NEXT
                                           : EMC_FAILOVER_GUTTER;
    options->return_steady_ms = chance(plan, 75) ? 0 : draw(plan, 1, 800);
    if (options->failover == EMC_FAILOVER_GUTTER) {
        add_gutter(plan);
    }
    if (!options->purge_unhealthy_nodes && chance(plan, 35)) {
        options->deletes_replayed_max = chance(plan, 50) ? draw(plan, 1, 3) : 1000;
    }
}

/* ------------------------------------------------------------------ keys */

static void add_keys(struct sim_plan *plan)
{
    uint32_t count = chance(plan, 20) ? draw(plan, 60, 90) : draw(plan, 2, 16);
    count = plan->theme == SIM_THEME_SPOILT_GETS && count > 6 ? 6 : count;
    for (uint32_t i = 0; i < count; i++) {
        char text[256];
        int length = snprintf(text, sizeof text, chance(plan, 10) ? "schl\xc3\xbcssel:%u" : "key:%u", i);
        if (chance(plan, 8)) {
            memset(text + length, 'x', sizeof text - (size_t)length);
            length = 240;
        }
        sim_model_add_key(&plan->stage.model, text, (size_t)length, chance(plan, 25));
    }
}

/* ------------------------------------------------------------------ faults */

static bool can_have(const struct sim_plan *plan, enum sim_fault_kind kind)
{
    if (kind == SIM_FAULT_MEMBERSHIP) {
        return plan->members > 1 && !plan->steers;
    }
    return (kind != SIM_FAULT_PASSWORD || plan->authenticates) &&
           (kind != SIM_FAULT_DISCOVERY || (plan->discovery != EMC_DISCOVERY_NONE));
}

/* Each kind alike, but for those that need something special of the seed, which come more often where they can. */
static enum sim_fault_kind draw_kind(struct sim_plan *plan)
{
    static const enum sim_fault_kind special[] = {SIM_FAULT_MEMBERSHIP, SIM_FAULT_MEMORY, SIM_FAULT_PASSWORD,
                                                  SIM_FAULT_DISCOVERY, SIM_FAULT_MISCHIEF};
    if (chance(plan, (plan->discovery != EMC_DISCOVERY_NONE) ? 40 : 16)) {
        return special[draw(plan, 0, 4)];
    }
    return (enum sim_fault_kind)draw(plan, 1, SIM_FAULT_KINDS - 1);
}

static enum sim_fault_kind draw_storage_fault(struct sim_plan *plan)
{
    static const enum sim_fault_kind kinds[] = {SIM_FAULT_SERVER_FULL, SIM_FAULT_ITEM_LIMIT, SIM_FAULT_MISCHIEF};
    return kinds[draw(plan, 0, 2)];
}

static void draw_fault(struct sim_plan *plan, struct sim_fault *fault)
{
    uint64_t now = plan->stage.world.now_ns;
    do {
        fault->kind = draw_kind(plan);
    } while (!can_have(plan, fault->kind));
    fault->kind = plan->floods && fault == &plan->faults[0] ? draw_storage_fault(plan) : fault->kind;
    fault->node = draw(plan, 0, (fault->kind == SIM_FAULT_MEMBERSHIP ? plan->members : plan->stage.node_count) - 1);
    fault->begin_ns = now + emc__random_below(&plan->stage.world.random, plan->end_ns - now);
    uint64_t longest = plan->long_outages ? 20 * (uint64_t)SIM_S
                       : chance(plan, 50) ? 100 * SIM_MS
                                          : 3 * (uint64_t)SIM_S;
    fault->end_ns = fault->begin_ns + SIM_MS + emc__random_below(&plan->stage.world.random, longest);
    if (fault->kind == SIM_FAULT_PAUSE && fault->end_ns > fault->begin_ns + 1500 * (uint64_t)SIM_MS) {
        fault->end_ns = fault->begin_ns + 1500 * (uint64_t)SIM_MS;
    }
    sim_fault_arm(&plan->stage, fault);
}

/* Floods go quiet where enough of them share a connection. */
static void let_floods_go_quiet(struct sim_plan *plan)
{
    emc_options *options = &plan->stage.options;
    options->quiet_writes = options->ask_version = true;
    options->connections_max = 1;
    options->connections_min = options->connections_min > 1 ? 1 : options->connections_min;
}

/* One server after the other spoils gets, from early on to the end. */
static void spoil_gets(struct sim_plan *plan)
{
    static const enum sim_mischief_kind kinds[] = {SIM_MISCHIEF_SERVER_ERROR, SIM_MISCHIEF_SERVER_ERROR,
                                                   SIM_MISCHIEF_SERVER_ERROR, SIM_MISCHIEF_EXTRA_VALUE,
                                                   SIM_MISCHIEF_WRONG_KEY};
    struct sim_model *model = &plan->stage.model;
    for (plan->fault_count = 0; plan->fault_count < plan->members; plan->fault_count++) {
        struct sim_fault *fault = &plan->faults[plan->fault_count];
        fault->kind = SIM_FAULT_MISCHIEF;
        fault->mischief = kinds[draw(plan, 0, 4)];
        fault->node = plan->fault_count;
        fault->begin_ns = plan->stage.world.now_ns + draw(plan, 1, 20) * SIM_MS;
        fault->end_ns = plan->end_ns;
        sim_fault_arm(&plan->stage, fault);
    }
    model->replies_spoilt = true;
}

/* In place of faults by chance. */
static void set_theme(struct sim_plan *plan)
{
    emc_options *options = &plan->stage.options;
    plan->peaceful = plan->theme != SIM_THEME_SPOILT_GETS;
    options->timeout_ms = 3000;
    if (plan->theme == SIM_THEME_SPOILT_GETS) {
        spoil_gets(plan);
        options->ask_version = true;
        options->connections_max = 1;
        options->connections_min = options->connections_min > 1 ? 1 : options->connections_min;
    }
    if (plan->theme == SIM_THEME_PURGE) {
        plan->slow = true;
        options->connections_min = chance(plan, 70) ? 0 : options->connections_min;
        options->purge_unused_connections_after_ms = draw(plan, 5, 40);
    }
    for (uint32_t i = 0; i < plan->stage.server_count && plan->slow; i++) {
        plan->stage.servers[i]->service_ns = draw(plan, 5, 80) * SIM_MS;
    }
}

static void draw_faults(struct sim_plan *plan)
{
    if (plan->theme != SIM_THEME_NONE) {
        set_theme(plan);
        return;
    }
    plan->peaceful = chance(plan, 12);
    plan->floods = chance(plan, 5);
    if (plan->floods) {
        let_floods_go_quiet(plan);
    }
    plan->slow = plan->peaceful && chance(plan, 25);
    for (uint32_t i = 0; i < plan->stage.server_count && plan->slow; i++) {
        plan->stage.servers[i]->service_ns = draw(plan, 5, 80) * SIM_MS;
    }
    if (plan->peaceful) {
        return;
    }
    plan->fault_count = draw(plan, 1, chance(plan, 70) ? 2 : SIM_FAULTS_MAX);
    for (uint32_t i = 0; i < plan->fault_count; i++) {
        draw_fault(plan, &plan->faults[i]);
        plan->stage.model.routing_moves |= plan->faults[i].kind == SIM_FAULT_MEMBERSHIP;
        plan->stage.model.replies_spoilt |= plan->faults[i].kind == SIM_FAULT_MISCHIEF ||
                                            plan->faults[i].kind == SIM_FAULT_BLURT;
    }
}

/* By the seed's number, so that other seeds stay what they are. */
static void choose_theme(struct sim_plan *plan, uint64_t seed)
{
    plan->theme = seed % 20 == 19 ? (enum sim_theme)(seed / 20 % 3 + 1) : SIM_THEME_NONE;
}

static void draw_authentication(struct sim_plan *plan)
{
    plan->authenticates = plan->theme == SIM_THEME_NONE ? chance(plan, 20) : plan->theme == SIM_THEME_LABELS;
    plan->sasl = plan->authenticates && (chance(plan, 60) || plan->theme == SIM_THEME_LABELS);
}

void sim_plan_make(struct sim_plan *plan, uint64_t seed, bool trace)
{
    memset(plan, 0, sizeof *plan);
    choose_theme(plan, seed);
    sim_stage_init(&plan->stage, seed, trace);
    draw_authentication(plan);
    bool discovers = plan->theme == SIM_THEME_NONE && !plan->authenticates && chance(plan, 15);
    plan->discovery = discovers ? (emc_discovery)draw(plan, 1, EMC_DISCOVERY_DNS_SRV) : EMC_DISCOVERY_NONE;
    uint32_t nodes = draw(plan, 1, chance(plan, 60) ? 2 : 5);
    for (uint32_t i = 1; i <= nodes; i++) {
        add_node(plan, i);
    }
    plan->members = plan->stage.member_count = nodes;
    if (plan->discovery == EMC_DISCOVERY_CLUSTER) {
        sim_stage_add_configuration(&plan->stage);
    } else if (plan->discovery != EMC_DISCOVERY_NONE) {
        sim_stage_add_directory(&plan->stage,
                                plan->discovery == EMC_DISCOVERY_DNS ? EMC__LOOKUP_ADDRESSES : EMC__LOOKUP_SERVICE);
        if (nodes > 1 && chance(plan, 40)) { /* one of them is found later */
            sim_stage_configure(&plan->stage, draw(plan, 0, nodes - 1));
        }
    }
    draw_options(plan);
    draw_failover(plan);
    add_keys(plan);
    plan->ticks = draw(plan, 2, chance(plan, 80) ? 20 : 60);
    plan->long_outages = chance(plan, 4);
    uint32_t most_ms = plan->long_outages ? 20000 : chance(plan, 60) ? 800 : 4000;
    plan->end_ns = plan->stage.world.now_ns + (uint64_t)draw(plan, 20, most_ms) * SIM_MS;
    plan->largest_value = chance(plan, 70) ? 600 : chance(plan, 70) ? 20000 : 110000;
    plan->stage.transport.wake_slack_ns = chance(plan, 50) ? 0 : SIM_MS;
    plan->stage.transport.short_io_percent = chance(plan, 20) ? 30 : 0;
    plan->stage.model.routing_moves = plan->stage.options.purge_unhealthy_nodes || plan->steers ||
                                      (plan->discovery != EMC_DISCOVERY_NONE);
    draw_faults(plan);
    plan->refills = seed % 10 == 3;
    plan->quits = seed % 10 == 7;
    plan->mutes_stay = plan->stage.options.ask_version && chance(plan, 50);
}
