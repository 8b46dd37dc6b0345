/* Hosts and links: see network.h. A link's life: SYN → accepted by the host's kernel → established at the client → ended by either side. Its memory
 * lives as long as the world, so that a late event never finds a stranger. */
#include "network.h"

#include <stdio.h>
#include <string.h>

#include "base/list.h"

#define DEFAULT_LATENCY_NS (100 * SIM_US)
#define DEFAULT_BUFFER     ((size_t)256 * 1024)

static void syn_arrives(struct sim_event *event);

void sim_network_init(struct sim_network *network, struct sim_world *world)
{
    *network = (struct sim_network){world, NULL, 0};
}

static void forget_connection(struct sim_link *link)
{
    void *connection = link->connection;
    link->connection = NULL;
    if (connection != NULL) {
        link->host->live--;
        link->host->service->gone(connection);
    }
}

void sim_network_deinit(struct sim_network *network)
{
    for (struct sim_host *host = network->hosts; host != NULL; host = host->next) {
        for (struct sim_link *link = host->links; link != NULL; link = link->next) {
            forget_connection(link);
            sim_event_clear(network->world, &link->connect_event);
            sim_pipe_deinit(&link->up);
            sim_pipe_deinit(&link->down);
        }
        host->links = NULL;
    }
}

struct sim_host *sim_network_add_host(struct sim_network *network, const struct emc__endpoint *endpoint,
                                      const char *name, const struct sim_service *service, void *service_context)
{
    struct sim_host *host = sim_world_keep(network->world, sizeof *host);
    host->network = network;
    host->endpoint = *endpoint;
    host->name = sim_world_text(network->world, "%s", name);
    host->service = service;
    host->service_context = service_context;
    host->line = (struct sim_line){DEFAULT_LATENCY_NS, 0, 0, DEFAULT_BUFFER, SIM_CUT_WHOLE};
    host->next = network->hosts;
    network->hosts = host;
    return host;
}

/* ------------------------------------------------------------------ endpoints */

struct emc__endpoint sim_endpoint_ipv4(uint32_t address, uint16_t port)
{
    struct emc__endpoint endpoint = {.family = EMC__ENDPOINT_IPV4, .port = port};
    for (int i = 0; i < 4; i++) {
        endpoint.ip[i] = (uint8_t)(address >> (24 - 8 * i));
    }
    return endpoint;
}

struct emc__endpoint sim_endpoint_ipv6(uint8_t last, uint16_t port)
{
    struct emc__endpoint endpoint = {.family = EMC__ENDPOINT_IPV6, .port = port};
    endpoint.ip[0] = 0xfd;
    endpoint.ip[15] = last;
    return endpoint;
}

struct emc__endpoint sim_endpoint_unix(const char *path)
{
    struct emc__endpoint endpoint = {.family = EMC__ENDPOINT_UNIX};
    snprintf(endpoint.path, sizeof endpoint.path, "%s", path);
    return endpoint;
}

static bool same_endpoint(const struct emc__endpoint *a, const struct emc__endpoint *b)
{
    if (a->family != b->family) {
        return false;
    }
    if (a->family == EMC__ENDPOINT_UNIX) {
        return strcmp(a->path, b->path) == 0;
    }
    return a->port == b->port && memcmp(a->ip, b->ip, a->family == EMC__ENDPOINT_IPV4 ? 4 : 16) == 0;
}

/* ------------------------------------------------------------------ pipes to sides */

static void up_arrived(void *context)
{
    struct sim_link *link = context;
    if (link->orphaned) {
        sim_pipe_break(&link->down, 0, SIM_END_RESET);
    } else if (link->connection != NULL) {
        link->host->service->wake(link->connection);
    }
}

static void down_room(void *context)
{
    struct sim_link *link = context;
    if (link->connection != NULL) {
        link->host->service->wake(link->connection);
    }
}

static void client_ready(void *context)
{
    struct sim_link *link = context;
    if (!link->client_done && link->established) {
        link->client->ready(link->client_context);
    }
}

static void set_up_pipes(struct sim_link *link)
{
    struct sim_host *host = link->host;
    sim_pipe_init(&link->up, host->network->world, &host->line, link);
    sim_pipe_init(&link->down, host->network->world, &host->line, link);
    link->up.arrived = up_arrived;
    link->up.room = client_ready;
    link->down.arrived = client_ready;
    link->down.room = down_room;
    link->down.discards = sim_chance(host->network->world, 30);
    if (host->break_down_after > 0) {
        sim_pipe_break(&link->down, host->break_down_after, host->break_end);
    }
    if (host->black) {
        sim_pipe_stall(&link->up, true);
        sim_pipe_stall(&link->down, true);
    }
}

/* ------------------------------------------------------------------ connecting */

static void established(struct sim_event *event)
{
    struct sim_link *link = EMC__CONTAINER_OF(event, struct sim_link, connect_event);
    link->established = true;
    link->client->established(link->client_context);
    if (sim_pipe_available(&link->down) > 0 || sim_pipe_met(&link->down) != SIM_END_NONE) {
        client_ready(link);
    }
}

static void refused(struct sim_event *event)
{
    struct sim_link *link = EMC__CONTAINER_OF(event, struct sim_link, connect_event);
    link->client->failed(link->client_context, "Connection refused");
}

/* As Linux does: the SYN is sent again after 1 s, 3 s, 7 s … */
static void syn_again(struct sim_link *link)
{
    struct sim_world *world = link->network->world;
    uint64_t pause = (uint64_t)SIM_S << (link->syn_count < 6 ? link->syn_count : 6);
    link->syn_count++;
    sim_event_set(world, &link->connect_event, syn_arrives, world->now_ns + pause);
}

static void syn_arrives(struct sim_event *event)
{
    struct sim_link *link = EMC__CONTAINER_OF(event, struct sim_link, connect_event);
    struct sim_host *host = link->host;
    struct sim_world *world = link->network->world;
    if (host->reach == SIM_REACH_SILENT || host->black) {
        syn_again(link);
        return;
    }
    uint64_t back = world->now_ns + host->line.latency_ns;
    if (host->reach == SIM_REACH_REFUSES) {
        sim_event_set(world, &link->connect_event, refused, back);
        return;
    }
    link->accepted = true;
    host->accepted++;
    host->live++;
    link->connection = host->service->accept(host->service_context, link);
    if (link->connection == NULL) {
        host->live--;
    }
    sim_event_set(world, &link->connect_event, established, back);
}

static struct sim_host *host_at(const struct sim_network *network, const struct emc__endpoint *endpoint)
{
    struct sim_host *host = network->hosts;
    while (host != NULL && !same_endpoint(&host->endpoint, endpoint)) {
        host = host->next;
    }
    return host;
}

struct sim_link *sim_link_connect(struct sim_network *network, const struct emc__endpoint *endpoint,
                                  const struct sim_client_end *client, void *client_context)
{
    struct sim_host *host = host_at(network, endpoint);
    if (host == NULL) {
        return NULL;
    }
    struct sim_world *world = network->world;
    struct sim_link *link = sim_world_keep(world, sizeof *link);
    link->network = network;
    link->host = host;
    link->number = ++network->links;
    link->client = client;
    link->client_context = client_context;
    link->next = host->links;
    host->links = link;
    set_up_pipes(link);
    uint64_t travel = host->line.latency_ns + host->connect_extra_ns +
                      emc__random_below(&world->random, host->line.jitter_ns + 1);
    sim_event_set(world, &link->connect_event, syn_arrives, world->now_ns + travel);
    if (world->trace) {
        sim_trace(world, "link %u: connects to %s", link->number, host->name);
    }
    return link;
}

void sim_link_client_close(struct sim_link *link, bool reset)
{
    link->client_done = true;
    if (link->network->world->trace) {
        sim_trace(link->network->world, "link %u: the client %s", link->number, reset ? "resets" : "closes");
    }
    sim_event_clear(link->network->world, &link->connect_event);
    if (link->accepted) {
        sim_pipe_end(&link->up, reset ? SIM_END_RESET : SIM_END_FIN);
        sim_pipe_deinit(&link->down);
        link->down.closed = true;
    }
}

void sim_link_service_close(struct sim_link *link, enum sim_end end)
{
    if (link->connection != NULL) {
        link->connection = NULL;
        link->host->live--;
    }
    if (link->network->world->trace) {
        sim_trace(link->network->world, "link %u: %s %s", link->number, link->host->name,
                  end == SIM_END_RESET ? "resets" : "closes");
    }
    if (!link->client_done) {
        sim_pipe_end(&link->down, end);
    }
    link->orphaned = true;
}

/* ------------------------------------------------------------------ faults */

void sim_host_die(struct sim_host *host, enum sim_end end)
{
    sim_trace(host->network->world, "fault: %s dies", host->name);
    host->reach = SIM_REACH_REFUSES;
    for (struct sim_link *link = host->links; link != NULL; link = link->next) {
        if (link->accepted && link->connection != NULL) {
            forget_connection(link);
            sim_link_service_close(link, end);
        }
    }
}

void sim_host_vanish(struct sim_host *host)
{
    sim_trace(host->network->world, "fault: %s vanishes", host->name);
    sim_host_black(host, true);
    for (struct sim_link *link = host->links; link != NULL; link = link->next) {
        forget_connection(link);
        link->orphaned = true;
    }
}

void sim_host_return(struct sim_host *host)
{
    sim_trace(host->network->world, "fault over: %s is back", host->name);
    host->reach = SIM_REACH_UP;
    if (host->black) {
        sim_host_black(host, false);
    }
    for (struct sim_link *link = host->links; link != NULL; link = link->next) {
        if (link->orphaned && !link->client_done && link->accepted &&
            link->up.refused) { /* the client's kernel asks for room, and hears a reset */
            sim_pipe_break(&link->down, 0, SIM_END_RESET);
        }
    }
}

void sim_host_reset_half_open(struct sim_host *host)
{
    for (struct sim_link *link = host->links; link != NULL; link = link->next) {
        if (link->orphaned && !link->client_done && link->accepted) {
            sim_pipe_break(&link->down, 0, SIM_END_RESET);
        }
    }
}

void sim_host_black(struct sim_host *host, bool black)
{
    sim_trace(host->network->world, "%s: packets to %s are %s", black ? "fault" : "fault over", host->name,
              black ? "lost" : "passed again");
    host->black = black;
    for (struct sim_link *link = host->links; link != NULL; link = link->next) {
        sim_pipe_stall(&link->up, black);
        sim_pipe_stall(&link->down, black);
    }
}

void sim_host_break(struct sim_host *host, uint64_t offset, enum sim_end end)
{
    sim_trace(host->network->world, "fault: replies of %s %s after %llu bytes", host->name,
              end == SIM_END_FIN ? "end" : "are reset", (unsigned long long)offset);
    for (struct sim_link *link = host->links; link != NULL; link = link->next) {
        if (link->connection != NULL && !link->client_done) {
            sim_pipe_break(&link->down, offset, end);
        }
    }
}

void sim_host_set_line(struct sim_host *host, const struct sim_line *line)
{
    host->line = *line;
    for (struct sim_link *link = host->links; link != NULL; link = link->next) {
        link->up.line = *line;
        link->down.line = *line;
    }
}
