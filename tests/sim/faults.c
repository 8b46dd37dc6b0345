/* What each kind of fault does when it begins and when it ends: see faults.h. */
#include "faults.h"

#include <string.h>

#include "base/list.h"

const char *const sim_fault_names[SIM_FAULT_KINDS] = {
    "none",          "crash, reset",     "crash, FIN",       "vanish",
    "packets lost",  "stopped",          "silent",           "SYN silent",
    "refuse new",    "connection limit", "reset at byte",    "FIN at byte",
    "fragile links", "slow server",      "slow line",        "narrow line",
    "byte by byte",  "split anywhere",   "client paused",    "clock leaps",
    "descriptors",   "name fails",       "name slow",        "name silent",
    "name moves",    "spoilt reply",     "unasked bytes",    "server full",
    "eviction",      "item limit",       "allocation fails", "password refused",
    "membership",    "discovery wrong",  "crawler busy"};

bool sim_fault_has_target(enum sim_fault_kind kind)
{
    return kind != SIM_FAULT_NONE && kind != SIM_FAULT_PAUSE && kind != SIM_FAULT_CLOCK &&
           kind != SIM_FAULT_DESCRIPTORS && kind != SIM_FAULT_MEMORY && kind != SIM_FAULT_DISCOVERY;
}

static struct sim_node *target(struct sim_fault *fault)
{
    return &fault->stage->nodes[fault->node];
}

/* A name may move while the fault lasts: it ends where it began. */
static struct sim_host *host_of(struct sim_fault *fault)
{
    fault->host = fault->host == NULL ? target(fault)->host : fault->host;
    return fault->host;
}

static struct sim_server *server_of(struct sim_fault *fault)
{
    fault->server = fault->server == NULL ? target(fault)->server : fault->server;
    return fault->server;
}

/* ------------------------------------------------------------------ the process and the machine */

static void begin_host(struct sim_fault *fault)
{
    struct sim_world *world = &fault->stage->world;
    struct sim_host *host = host_of(fault);
    (void)server_of(fault);
    switch (fault->kind) {
    case SIM_FAULT_CRASH_RESET:
        sim_host_die(host, SIM_END_RESET);
        break;
    case SIM_FAULT_CRASH_FIN:
        sim_host_die(host, SIM_END_FIN);
        break;
    case SIM_FAULT_VANISH:
        sim_host_vanish(host);
        break;
    case SIM_FAULT_BLACK:
        sim_host_black(host, true);
        break;
    case SIM_FAULT_SYN_SILENT:
        host->reach = SIM_REACH_SILENT;
        break;
    case SIM_FAULT_REFUSE_NEW:
        host->reach = SIM_REACH_REFUSES;
        break;
    case SIM_FAULT_RESET:
        sim_host_break(host, emc__random_below(&world->random, 300), SIM_END_RESET);
        break;
    case SIM_FAULT_FIN:
        sim_host_break(host, emc__random_below(&world->random, 300), SIM_END_FIN);
        break;
    default:
        host->break_down_after = sim_between(world, 1, 400);
        host->break_end = sim_chance(world, 50) ? SIM_END_FIN : SIM_END_RESET;
        break;
    }
}

static void end_host(struct sim_fault *fault)
{
    struct sim_host *host = host_of(fault);
    switch (fault->kind) {
    case SIM_FAULT_CRASH_RESET:
    case SIM_FAULT_CRASH_FIN:
    case SIM_FAULT_VANISH:
        sim_server_restart(server_of(fault));
        sim_host_return(host);
        break;
    case SIM_FAULT_BLACK:
        sim_host_black(host, false);
        break;
    case SIM_FAULT_SYN_SILENT:
    case SIM_FAULT_REFUSE_NEW:
        host->reach = SIM_REACH_UP;
        break;
    default:
        host->break_down_after = 0;
        break;
    }
}

static void begin_server(struct sim_fault *fault)
{
    static const char blurt[] = "NOBODY asked\r\n";
    struct sim_world *world = &fault->stage->world;
    struct sim_server *server = server_of(fault);
    switch (fault->kind) {
    case SIM_FAULT_STOP:
        sim_server_stop(server, true);
        break;
    case SIM_FAULT_SILENT:
        server->silent = true;
        break;
    case SIM_FAULT_CONNECTIONS:
        server->connections_max = 1;
        server->closes_with_reset = sim_chance(world, 50);
        break;
    case SIM_FAULT_SLOW_SERVER:
        server->service_ns = sim_between(world, 1, 400) * SIM_MS;
        server->service_jitter_ns = 5 * SIM_MS;
        break;
    case SIM_FAULT_MISCHIEF:
        server->mischief = (struct sim_mischief){(enum sim_mischief_kind)sim_between(world, 1, SIM_MISCHIEF_KINDS - 1),
                                                 (uint32_t)sim_between(world, 0, 6), (uint32_t)sim_between(world, 1, 3),
                                                 0, false};
        if (fault->mischief != SIM_MISCHIEF_NONE) {
            server->mischief.kind = fault->mischief;
            server->mischief.times *= 10;
            server->mischief.hits = true;
        }
        fault->stage->model.gets_asked_again |= server->mischief.kind == SIM_MISCHIEF_SERVER_ERROR ||
                                                server->mischief.kind == SIM_MISCHIEF_ERROR;
        break;
    case SIM_FAULT_BLURT:
        sim_trace(world, "fault: %s says what nobody asked for", server->name);
        sim_server_blurt(server, blurt, sizeof blurt - 1);
        break;
    case SIM_FAULT_SERVER_FULL:
    case SIM_FAULT_EVICTION:
        server->store.bytes_max = sim_between(world, 300, 8000);
        server->store.refuses_when_full = fault->kind == SIM_FAULT_SERVER_FULL;
        break;
    case SIM_FAULT_ITEM_LIMIT:
        server->store.item_size_max = sim_between(world, 400, 20000);
        break;
    case SIM_FAULT_PASSWORD:
        fault->password = server->password;
        server->password = server->username == NULL ? NULL : "changed";
        break;
    default:
        server->crawler_busy = true;
        break;
    }
}

static void end_server(struct sim_fault *fault)
{
    struct sim_server *server = server_of(fault);
    switch (fault->kind) {
    case SIM_FAULT_STOP:
        sim_server_stop(server, false);
        break;
    case SIM_FAULT_SILENT:
        server->silent = false;
        if (sim_chance(&fault->stage->world, 50)) {
            sim_server_end_mute(server);
        }
        break;
    case SIM_FAULT_CONNECTIONS:
        server->connections_max = 0;
        server->closes_with_reset = false;
        break;
    case SIM_FAULT_SLOW_SERVER:
        server->service_ns = 20 * SIM_US;
        server->service_jitter_ns = 0;
        break;
    case SIM_FAULT_MISCHIEF:
        server->mischief.times = 0;
        break;
    case SIM_FAULT_SERVER_FULL:
    case SIM_FAULT_EVICTION:
        server->store.bytes_max = 0;
        break;
    case SIM_FAULT_ITEM_LIMIT:
        server->store.item_size_max = 1024 * 1024;
        break;
    case SIM_FAULT_PASSWORD:
        server->password = fault->password;
        break;
    default:
        server->crawler_busy = false;
        break;
    }
}

/* ------------------------------------------------------------------ lines */

static void begin_line(struct sim_fault *fault)
{
    struct sim_world *world = &fault->stage->world;
    struct sim_host *host = host_of(fault);
    struct sim_line line = host->line;
    fault->line = line;
    switch (fault->kind) {
    case SIM_FAULT_SLOW_LINE:
        line.latency_ns = sim_between(world, 2, 150) * SIM_MS;
        line.jitter_ns = 10 * SIM_MS;
        break;
    case SIM_FAULT_NARROW:
        line.bytes_per_s = sim_between(world, 2000, 200000);
        line.buffer = (size_t)sim_between(world, 50, 3000);
        break;
    case SIM_FAULT_TRICKLE:
        line.cut = SIM_CUT_BYTES;
        break;
    default:
        line.cut = SIM_CUT_RANDOM;
        fault->stage->transport.short_io_percent = 50;
        break;
    }
    sim_trace(world, "fault: %s on the line to %s", sim_fault_names[fault->kind], host->name);
    sim_host_set_line(host, &line);
}

static void end_line(struct sim_fault *fault)
{
    sim_trace(&fault->stage->world, "fault over: %s", sim_fault_names[fault->kind]);
    fault->stage->transport.short_io_percent = 0;
    sim_host_set_line(host_of(fault), &fault->line);
}

/* ------------------------------------------------------------------ names */

static void begin_name(struct sim_fault *fault)
{
    struct sim_stage *stage = fault->stage;
    struct sim_node *node = target(fault);
    if (node->name == NULL) {
        return;
    }
    sim_trace(&stage->world, "fault: the name %s: %s", node->name->name, sim_fault_names[fault->kind]);
    if (fault->kind == SIM_FAULT_NAME_FAILS) {
        node->name->fails = sim_chance(&stage->world, 70);
        node->name->fails_at_once = !node->name->fails;
    } else if (fault->kind == SIM_FAULT_NAME_SLOW) {
        node->name->delay_ns = sim_between(&stage->world, 1, 800) * SIM_MS;
    } else if (fault->kind == SIM_FAULT_NAME_SILENT) {
        node->name->delay_ns = UINT64_MAX;
    } else if (stage->server_count < SIM_SERVERS_MAX) {
        struct emc__endpoint endpoint = sim_stage_endpoint(100 + stage->server_count);
        struct sim_host *old = node->host;
        node->server = sim_stage_add_server(stage, "moved", &endpoint, &node->host);
        stage->model.servers_of_node[fault->node] |= 1u << node->server->number;
        node->server->username = stage->servers[0]->username;
        node->server->binary = stage->servers[0]->binary;
        node->server->password = stage->servers[0]->username == NULL ? NULL : "secret";
        sim_name_moves_to(node->name, &endpoint);
        sim_host_die(old, sim_chance(&stage->world, 50) ? SIM_END_FIN : SIM_END_RESET);
    }
}

static void end_name(struct sim_fault *fault)
{
    struct sim_node *node = target(fault);
    if (node->name != NULL) {
        node->name->fails = node->name->fails_at_once = false;
        node->name->delay_ns = 50 * SIM_US;
        sim_transport_retry_lookups(&fault->stage->transport, node->name);
    }
}

/* ------------------------------------------------------------------ the client */

static void begin_client(struct sim_fault *fault)
{
    struct sim_stage *stage = fault->stage;
    switch (fault->kind) {
    case SIM_FAULT_PAUSE:
        if (stage->world.now_ns >= stage->model.paused_until_ns) {
            stage->model.paused_from_ns = stage->world.now_ns;
        }
        stage->model.paused_until_ns = fault->end_ns > stage->model.paused_until_ns ? fault->end_ns
                                                                                    : stage->model.paused_until_ns;
        sim_transport_pause(&stage->transport, fault->end_ns);
        break;
    case SIM_FAULT_CLOCK:
        sim_transport_leap(&stage->transport,
                           sim_between(&stage->world, 1, sim_chance(&stage->world, 70) ? 300 : 20000) * SIM_MS);
        break;
    case SIM_FAULT_DESCRIPTORS:
        stage->transport.connect_errors = (uint32_t)sim_between(&stage->world, 1, 12);
        break;
    case SIM_FAULT_MEMORY:
        if (sim_chance(&stage->world, 50)) {
            stage->memory.fail_at = stage->memory.requests + sim_between(&stage->world, 1, 60);
        } else {
            stage->memory.fail_per_mille = (uint32_t)sim_between(&stage->world, 5, 400);
        }
        break;
    default:
        if (sim_stage_discovers(stage)) {
            sim_stage_configure(stage, fault->node);
        } else if (stage->client != NULL) {
            emc_error error;
            emc_status status = emc_cluster_remove_node(stage->view, &target(fault)->address, &error);
            sim_trace(&stage->world, "fault: node %u is removed: %s", fault->node, emc_status_name(status));
            sim_transport_request_pass(&stage->transport);
        }
        break;
    }
}

static void end_client(struct sim_fault *fault)
{
    struct sim_stage *stage = fault->stage;
    if (fault->kind == SIM_FAULT_DESCRIPTORS) {
        stage->transport.connect_errors = 0;
    } else if (fault->kind == SIM_FAULT_MEMORY) {
        stage->memory.fail_at = 0;
        stage->memory.fail_per_mille = 0;
    } else if (fault->kind == SIM_FAULT_MEMBERSHIP && sim_stage_discovers(stage)) {
        sim_stage_configure(stage, UINT32_MAX);
    } else if (fault->kind == SIM_FAULT_MEMBERSHIP && stage->client != NULL) {
        emc_status status = emc_cluster_add_node(stage->view, &target(fault)->address, 100, NULL);
        sim_trace(&stage->world, "fault over: node %u is added: %s", fault->node, emc_status_name(status));
        sim_transport_request_pass(&stage->transport);
    }
}

/* ------------------------------------------------------------------ autodiscovery */

/* The look-up fails, is slow, is never answered, or its answer is empty, lacks most of the nodes, or names a stranger. */
static void spoil_directory(struct sim_stage *stage)
{
    struct sim_name *directory = stage->directory;
    const struct emc__endpoint stranger = directory->kind == EMC__LOOKUP_SERVICE
                                              ? (struct emc__endpoint){.family = EMC__ENDPOINT_NAME,
                                                                       .port = 11211,
                                                                       .name = "nowhere.example"}
                                              : sim_endpoint_ipv4(0x0a090909u, 11211);
    uint32_t what = (uint32_t)sim_between(&stage->world, 0, 6);
    directory->fails = what == 0;
    directory->fails_at_once = what == 1;
    if (what == 2 || what == 3) {
        directory->delay_ns = what == 2 ? sim_between(&stage->world, 1, 1500) * SIM_MS : UINT64_MAX;
    } else if (what == 4) {
        directory->count = 0;
    } else if (what == 5) {
        directory->count = directory->count > 0 ? 1 : 0;
    } else if (what == 6) {
        sim_name_points_to(directory, &stranger);
    }
    sim_trace(&stage->world, "fault: the records go wrong (%u)", what);
}

static void begin_discovery(struct sim_fault *fault)
{
    static const char *const payloads[] = {"a|b|c d", "", "nowhere.example|10.9.9.9|99999", "0\n0", NULL};
    struct sim_stage *stage = fault->stage;
    struct sim_server *server = stage->configuration;
    if (stage->directory != NULL) {
        spoil_directory(stage);
        return;
    }
    uint32_t what = (uint32_t)sim_between(&stage->world, 0, 6);
    if (what < 5) {
        server->cluster_config = payloads[what];
        server->cluster_version += sim_chance(&stage->world, 50);
    } else if (what == 5) {
        server->cluster_version -= server->cluster_version > 1;
    } else {
        server->silent = true;
    }
    sim_trace(&stage->world, "fault: the configuration goes wrong (%u)", what);
}

static void end_discovery(struct sim_fault *fault)
{
    struct sim_stage *stage = fault->stage;
    if (stage->directory != NULL) {
        stage->directory->fails = stage->directory->fails_at_once = false;
        stage->directory->delay_ns = 50 * SIM_US;
        sim_transport_retry_lookups(&stage->transport, stage->directory);
    } else {
        stage->configuration->silent = false;
        sim_server_end_mute(stage->configuration);
    }
    sim_stage_configure(stage, UINT32_MAX);
}

/* ------------------------------------------------------------------ which */

typedef void fault_action(struct sim_fault *fault);

static const struct {
    enum sim_fault_kind first, last;
    fault_action *begin, *end;
} actions[] = {{SIM_FAULT_CRASH_RESET, SIM_FAULT_BLACK, begin_host, end_host},
               {SIM_FAULT_STOP, SIM_FAULT_SILENT, begin_server, end_server},
               {SIM_FAULT_SYN_SILENT, SIM_FAULT_REFUSE_NEW, begin_host, end_host},
               {SIM_FAULT_CONNECTIONS, SIM_FAULT_CONNECTIONS, begin_server, end_server},
               {SIM_FAULT_RESET, SIM_FAULT_FRAGILE, begin_host, end_host},
               {SIM_FAULT_SLOW_SERVER, SIM_FAULT_SLOW_SERVER, begin_server, end_server},
               {SIM_FAULT_SLOW_LINE, SIM_FAULT_SPLIT, begin_line, end_line},
               {SIM_FAULT_PAUSE, SIM_FAULT_DESCRIPTORS, begin_client, end_client},
               {SIM_FAULT_NAME_FAILS, SIM_FAULT_NAME_MOVES, begin_name, end_name},
               {SIM_FAULT_MISCHIEF, SIM_FAULT_ITEM_LIMIT, begin_server, end_server},
               {SIM_FAULT_MEMORY, SIM_FAULT_MEMORY, begin_client, end_client},
               {SIM_FAULT_PASSWORD, SIM_FAULT_PASSWORD, begin_server, end_server},
               {SIM_FAULT_MEMBERSHIP, SIM_FAULT_MEMBERSHIP, begin_client, end_client},
               {SIM_FAULT_DISCOVERY, SIM_FAULT_DISCOVERY, begin_discovery, end_discovery},
               {SIM_FAULT_BUSY, SIM_FAULT_BUSY, begin_server, end_server}};

static void act(struct sim_fault *fault, bool begin)
{
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        if (fault->kind >= actions[i].first && fault->kind <= actions[i].last) {
            (begin ? actions[i].begin : actions[i].end)(fault);
        }
    }
}

static void due(struct sim_event *event)
{
    struct sim_fault *fault = EMC__CONTAINER_OF(event, struct sim_fault, event);
    if (!fault->begun) {
        fault->begun = true;
        sim_trace(&fault->stage->world, "fault: %s, node %u", sim_fault_names[fault->kind], fault->node);
        sim_event_set(&fault->stage->world, &fault->event, due, fault->end_ns);
        act(fault, true);
    } else if (!fault->over) {
        fault->over = true;
        sim_trace(&fault->stage->world, "fault over: %s, node %u", sim_fault_names[fault->kind], fault->node);
        act(fault, false);
    }
}

void sim_fault_arm(struct sim_stage *stage, struct sim_fault *fault)
{
    fault->stage = stage;
    sim_event_set(&stage->world, &fault->event, due, fault->begin_ns);
}

void sim_fault_heal(struct sim_fault *fault)
{
    sim_event_clear(&fault->stage->world, &fault->event);
    if (fault->begun && !fault->over) {
        fault->over = true;
        fault->end_ns = fault->stage->world.now_ns;
        act(fault, false);
    }
}
