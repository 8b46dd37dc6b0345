/* Sets a stage and clears it: see stage.h. Submitting is in submit.c. */
#include "stage.h"

#include <stdio.h>
#include <string.h>

#include "base/list.h"

/* ------------------------------------------------------------------ setting */

void sim_stage_init(struct sim_stage *stage, uint64_t seed, bool trace)
{
    memset(stage, 0, sizeof *stage);
    sim_world_init(&stage->world, seed);
    stage->world.trace = trace;
    sim_network_init(&stage->network, &stage->world);
    stage->names.world = &stage->world;
    sim_transport_init(&stage->transport, &stage->world, &stage->network, &stage->names);
    sim_memory_init(&stage->memory, &stage->world);
    sim_model_init(&stage->model, &stage->world);
    stage->model.clock_ahead_ns = &stage->transport.clock_ahead_ns;
    emc_options_init(&stage->options);
    stage->options.allocator = &stage->memory.allocator;
}

struct emc__endpoint sim_stage_endpoint(uint32_t number)
{
    return sim_endpoint_ipv4(0x0a000000u + number, 11211);
}

struct sim_server *sim_stage_add_server(struct sim_stage *stage, const char *name, const struct emc__endpoint *endpoint,
                                        struct sim_host **host_out)
{
    struct sim_server *server = sim_world_keep(&stage->world, sizeof *server);
    sim_server_init(server, &stage->world, &stage->model.observer, stage->server_count, name);
    stage->servers[stage->server_count++] = server;
    stage->model.server_count = stage->server_count;
    struct sim_host *host = sim_network_add_host(&stage->network, endpoint, name, &sim_server_service, server);
    if (host_out != NULL) {
        *host_out = host;
    }
    return server;
}

struct sim_node *sim_stage_add_node(struct sim_stage *stage, const emc_address *address, struct sim_server *server,
                                    struct sim_host *host)
{
    uint32_t index = stage->node_count++;
    struct sim_node *node = &stage->nodes[index];
    char text[EMC_ADDRESS_TEXT_SIZE];
    emc_address_format(address, text, sizeof text);
    node->address = *address;
    if (address->kind == EMC_ADDRESS_TCP) {
        node->address.host = sim_world_text(&stage->world, "%s", address->host);
    } else {
        node->address.path = sim_world_text(&stage->world, "%s", address->path);
    }
    node->server = server;
    node->host = host;
    node->healthy = true;
    stage->model.node_names[index] = sim_world_text(&stage->world, "%s", text);
    stage->model.servers_of_node[index] = server != NULL ? 1u << server->number : 0;
    stage->model.node_count = stage->node_count;
    return node;
}

struct sim_node *sim_stage_add_plain_node(struct sim_stage *stage)
{
    uint32_t number = stage->node_count + 1;
    struct emc__endpoint endpoint = sim_stage_endpoint(number);
    struct sim_host *host;
    char name[32];
    snprintf(name, sizeof name, "10.0.0.%u", number);
    struct sim_server *server = sim_stage_add_server(stage, name, &endpoint, &host);
    emc_address address = emc_address_tcp(name, 11211);
    return sim_stage_add_node(stage, &address, server, host);
}

void sim_stage_add_configuration(struct sim_stage *stage)
{
    struct emc__endpoint endpoint = sim_stage_endpoint(240);
    stage->configuration = sim_stage_add_server(stage, "10.0.0.240", &endpoint, NULL);
    stage->configuration_address = emc_address_tcp("10.0.0.240", 11211);
    sim_stage_configure(stage, UINT32_MAX);
}

void sim_stage_add_directory(struct sim_stage *stage, enum emc__lookup_kind kind)
{
    stage->directory = sim_names_entry(&stage->names, "cluster.example", kind);
    stage->directory->rotates = true;
    sim_stage_configure(stage, UINT32_MAX);
}

static void add_record(struct sim_stage *stage, const struct sim_node *node)
{
    static const uint16_t weights[] = {0, 1, 100, 65535};
    struct emc__endpoint endpoint = node->host->endpoint;
    if (stage->directory->kind == EMC__LOOKUP_SERVICE) {
        endpoint = (struct emc__endpoint){.family = EMC__ENDPOINT_NAME, .port = 11211, .name = node->address.host};
        endpoint.weight = weights[sim_between(&stage->world, 0, 3)];
    }
    sim_name_points_to(stage->directory, &endpoint);
    if (sim_chance(&stage->world, 15)) { /* twice, as some servers answer */
        sim_name_points_to(stage->directory, &endpoint);
    }
}

static void set_records(struct sim_stage *stage, uint32_t without)
{
    stage->directory->count = 0;
    for (uint32_t i = 0; i < stage->member_count; i++) {
        if (i != without) {
            add_record(stage, &stage->nodes[i]);
        }
    }
    sim_trace(&stage->world, "%s has %zu records", stage->directory->name, stage->directory->count);
}

void sim_stage_configure(struct sim_stage *stage, uint32_t without)
{
    if (stage->directory != NULL) {
        set_records(stage, without);
        return;
    }
    char text[1024];
    size_t length = 0;
    for (uint32_t i = 0; i < stage->member_count; i++) {
        const char *host = stage->nodes[i].address.host;
        if (i != without) {
            length += (size_t)snprintf(text + length, sizeof text - length, "%s%s||11211", length > 0 ? " " : "", host);
        }
    }
    stage->configuration->cluster_config = sim_world_text(&stage->world, "%s", text);
    stage->configuration->cluster_version += 2;
    sim_trace(&stage->world, "configuration %u: %s", (unsigned)stage->configuration->cluster_version, text);
}

/* ------------------------------------------------------------------ the client's surroundings */

static void process(void *context, uint64_t now_ns)
{
    struct sim_stage *stage = context;
    if (stage->client != NULL) {
        stage->flushed_ns = now_ns;
        emc__client_process(stage->client, now_ns);
    }
}

static bool unflushed(void *context)
{
    const struct sim_stage *stage = context;
    return stage->client != NULL && emc__client_unflushed(stage->client);
}

static void destroyed(void *context, struct emc_client *client)
{
    struct sim_stage *stage = context;
    stage->closing = true;
    emc__client_free(client);
    stage->client = NULL;
    sim_trace(&stage->world, "the client is gone");
}

static struct sim_node *node_at(struct sim_stage *stage, const emc_address *address)
{
    int32_t index = sim_model_find_node(&stage->model, address);
    return index < 0 ? NULL : &stage->nodes[index];
}

static void event_happened(void *user_data, const emc_cluster_event *event)
{
    static const char *const kinds[] = {"healthy", "unhealthy", "added", "removed", "weight", "discovery error"};
    struct sim_stage *stage = user_data;
    struct sim_node *node = node_at(stage, event->node);
    stage->events++;
    stage->last_event = event->kind;
    if (node != NULL && (event->kind == EMC_EVENT_NODE_HEALTHY || event->kind == EMC_EVENT_NODE_UNHEALTHY)) {
        bool healthy = event->kind == EMC_EVENT_NODE_HEALTHY;
        if (node->healthy == healthy && stage->memory.failed == 0) { /* without memory an event may be lost */
            sim_problem(&stage->world, "an event says that %s is %s, which it was",
                        stage->model.node_names[node - stage->nodes], kinds[event->kind]);
        }
        node->healthy = healthy;
        node->turns++;
    }
    if (node != NULL && event->kind == EMC_EVENT_NODE_ADDED) {
        node->healthy = true;
    }
    if (stage->world.trace && node != NULL) {
        sim_trace(&stage->world, "event: %s %s: %s", stage->model.node_names[node - stage->nodes], kinds[event->kind],
                  event->reason);
    }
    if (stage->on_event != NULL) {
        stage->on_event(stage, event);
    }
}

static void log_line(void *context, emc_log_level level, const char *message)
{
    const struct sim_stage *stage = context;
    (void)level;
    sim_trace(&stage->world, "log: %s", message);
}

emc_status sim_stage_open(struct sim_stage *stage, uint32_t count, emc_error *error)
{
    emc_address addresses[SIM_NODES_MAX];
    uint32_t members = stage->member_count == 0 ? stage->node_count : stage->member_count;
    count = count == 0 ? members : count;
    for (uint32_t i = 0; i < count; i++) {
        addresses[i] = stage->nodes[i].address;
    }
    stage->model.deletes_again = stage->options.deletes_replayed_max > 0;
    stage->model.routing_moves |= stage->options.failover != EMC_FAILOVER_FAIL;
    stage->model.prefix_length = stage->options.key_prefix == NULL ? 0 : strlen(stage->options.key_prefix);
    if (stage->world.trace) {
        stage->options.log = log_line;
        stage->options.log_context = stage;
        stage->options.log_level = EMC_LOG_DEBUG;
    }
    stage->transport.process = process;
    stage->transport.unflushed = unflushed;
    stage->transport.context = stage;
    struct emc__client_environment environment = {.transport = &stage->transport.base,
                                                  .seed = emc__random_next(&stage->world.random),
                                                  .destroy = destroyed,
                                                  .context = stage};
    emc_client *client;
    emc_address directory = emc_address_tcp("cluster.example", 11211);
    const emc_address *given = stage->configuration != NULL ? &stage->configuration_address
                               : stage->directory != NULL   ? &directory
                                                            : addresses;
    emc_status status = emc__client_create(&client, &environment, given, given == addresses ? count : 1,
                                           &stage->options, error);
    if (status != EMC_OK) {
        return status;
    }
    stage->client = client;
    stage->view = emc_cluster_management_retain(emc_client_cluster_management(client));
    if (emc_cluster_subscribe(stage->view, event_happened, stage, NULL) != EMC_OK && stage->memory.failed == 0) {
        sim_problem(&stage->world, "subscribing failed");
    }
    sim_transport_request_pass(&stage->transport);
    return EMC_OK;
}

void sim_stage_close(struct sim_stage *stage)
{
    if (stage->client != NULL) {
        stage->closing = true;
        emc_client_destroy(stage->client);
    }
}

/* ------------------------------------------------------------------ clearing */

static void check_nothing_left(struct sim_stage *stage)
{
    if (stage->client != NULL) {
        sim_problem(&stage->world, "the client is not gone");
    }
    if (stage->transport.socket_count > 0 || stage->transport.lookup_count > 0) {
        sim_problem(&stage->world, "%u sockets and %u look-ups are left", stage->transport.socket_count,
                    stage->transport.lookup_count);
    }
    if (sim_event_is_set(&stage->transport.wake)) {
        sim_problem(&stage->world, "a wake-up is left");
    }
    if (stage->memory.blocks > 0) {
        sim_problem(&stage->world, "%zu blocks of memory are left (%zu bytes)", stage->memory.blocks,
                    stage->memory.bytes);
    }
}

void sim_stage_deinit(struct sim_stage *stage)
{
    sim_stage_close(stage);
    emc_cluster_management_release(stage->view);
    stage->view = NULL;
    check_nothing_left(stage);
    stage->transport.process = NULL;
    sim_network_deinit(&stage->network);
    if (!stage->world.failed) {
        sim_model_check(&stage->model);
    }
    for (uint32_t i = 0; i < stage->server_count; i++) {
        sim_server_deinit(stage->servers[i]);
    }
    sim_model_deinit(&stage->model);
    sim_world_deinit(&stage->world);
}

/* ------------------------------------------------------------------ running */

void sim_stage_run(struct sim_stage *stage, uint64_t duration_ns)
{
    uint64_t until = stage->world.now_ns + duration_ns;
    while (!stage->world.failed && sim_world_step(&stage->world, until)) {
    }
}

bool sim_stage_run_until_done(struct sim_stage *stage, const struct sim_call *call, uint64_t most_ns)
{
    uint64_t until = stage->world.now_ns + most_ns;
    while (!call->done && !stage->world.failed && sim_world_step(&stage->world, until)) {
    }
    return call->done;
}

bool sim_stage_healthy(struct sim_stage *stage, const struct sim_node *node)
{
    emc_node_state state;
    return emc_cluster_node_state(stage->view, &node->address, &state) == EMC_OK && state.healthy;
}
