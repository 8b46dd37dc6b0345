/* The demo's cluster: its servers, the client on them with its events and traffic, and their end. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "demo.h"
#include "loop.h"
#include "report.h"
#include "terminal.h"

#define HOST "127.0.0.1"

/* ------------------------------------------------------------------ beginning */

static bool wait_until_listening(struct demo *demo, struct demo_node *node, char words[static SERVER_WORDS_SIZE])
{
    uint64_t until_ns = clock_now_ns() + DEMO_WAIT_MS * NS_PER_MS;
    (void)demo;
    snprintf(words, SERVER_WORDS_SIZE, "it does not listen");
    while (!server_listens(&node->server)) {
        const struct timespec step = {0, 2000000};
        if (!server_alive(&node->server, words) || clock_now_ns() > until_ns || interrupt_pending()) {
            return false;
        }
        nanosleep(&step, NULL);
    }
    return true;
}

/* Ports are chosen here for all four; the fourth server is started later. Another process may take a port in between: then another is tried. */
static bool start_node(struct demo *demo, struct demo_node *node, bool start)
{
    char words[SERVER_WORDS_SIZE] = "there is no free port";
    for (int attempt = 0; attempt < 5 && !interrupt_pending(); attempt++) {
        uint16_t port = server_free_port();
        if (port == 0) {
            break;
        }
        node->server.port = port;
        node->address = emc_address_tcp(HOST, port);
        snprintf(node->name, sizeof(node->name), "%s:%u", HOST, (unsigned)port);
        if (!start) {
            return true;
        }
        if (server_start(&node->server, demo->program, port, words) && wait_until_listening(demo, node, words)) {
            node->membership = DEMO_MEMBER;
            return true;
        }
        server_stop(&node->server);
    }
    if (!interrupt_pending()) {
        complain("%s could not be started: %s", demo->program, words);
    }
    return false;
}

bool demo_start_servers(struct demo *demo)
{
    for (size_t i = 0; i < DEMO_NODES; i++) {
        if (!start_node(demo, &demo->nodes[i], i < DEMO_NODES_FIRST)) {
            return false;
        }
    }
    return true;
}

static void on_event(void *user_data, const emc_cluster_event *event)
{
    struct demo *demo = user_data;
    for (size_t i = 0; i < DEMO_NODES; i++) {
        struct demo_node *node = &demo->nodes[i];
        if (event->node == NULL || !emc_address_equal(&node->address, event->node)) {
            continue;
        }
        if (event->kind == EMC_EVENT_NODE_UNHEALTHY) {
            node->unhealthy_ns = clock_now_ns();
            snprintf(node->state.reason, sizeof(node->state.reason), "%s", event->reason);
        }
    }
}

/* Each operation that a node answered. */
static void on_answer(void *context, const emc_address *address, double seconds)
{
    struct demo *demo = context;
    for (size_t i = 0; i < DEMO_NODES; i++) {
        struct demo_node *node = &demo->nodes[i];
        if (emc_address_equal(&node->address, address)) {
            latency_add(&node->latency, seconds);
            node->answered_ns = node->answered_ns == 0 ? clock_now_ns() : node->answered_ns;
        }
    }
}

bool demo_open_client(struct demo *demo)
{
    emc_address addresses[DEMO_NODES_FIRST];
    emc_options options = emc_options_default();
    emc_error error = {EMC_OK, ""};
    options.purge_unhealthy_nodes = true;
    for (size_t i = 0; i < DEMO_NODES_FIRST; i++) {
        addresses[i] = demo->nodes[i].address;
    }
    if (emc_client_create(&demo->client, addresses, DEMO_NODES_FIRST, &options, &error) != EMC_OK) {
        complain("%s", error.message);
        return false;
    }
    demo->view = emc_client_cluster_management(demo->client);
    emc_status status = emc_cluster_subscribe(demo->view, on_event, demo, &demo->subscription);
    if (status != EMC_OK || !traffic_init(&demo->traffic, demo->client, DEMO_KEYS, DEMO_RATE)) {
        report_memory();
        return false;
    }
    demo->traffic.on_answer = on_answer;
    demo->traffic.context = demo;
    return true;
}

static bool nothing_pending(const void *context)
{
    return emc_client_pending(context) == 0;
}

void demo_read_nodes(struct demo *demo)
{
    for (size_t i = 0; i < DEMO_NODES; i++) {
        struct demo_node *node = &demo->nodes[i];
        if (node->membership == DEMO_MEMBER) {
            (void)emc_cluster_node_state(demo->view, &node->address, &node->state);
            (void)emc_cluster_connection_pool_metrics(demo->view, &node->address, &node->metrics);
        }
    }
}

void demo_fill(struct demo *demo)
{
    uint64_t begun_ns = clock_now_ns();
    struct traffic_counts counts = {.operations = 0};
    demo->traffic.counts = &counts;
    traffic_fill(&demo->traffic, begun_ns);
    loop_run(demo->client, begun_ns + 2 * NS_PER_S, nothing_pending, demo->client);
    double ms = (double)(clock_now_ns() - begun_ns) / (double)NS_PER_MS;
    demo_say(demo, GLYPH_DOT, STYLE_PLAIN, "%llu keys are stored in %.0f ms, connecting included",
             (unsigned long long)counts.sets, ms);
    if (counts.errors > 0) {
        demo_fail(demo, "%llu keys could not be stored", (unsigned long long)counts.errors);
    }
    demo->traffic.counts = &demo->counts[0];
    demo_read_nodes(demo);
    for (size_t i = 0; i < DEMO_NODES; i++) {
        demo->nodes[i].operations_sampled = demo->nodes[i].metrics.operations_executed;
        demo->nodes[i].latency = (struct latency){.count = 0};
    }
}

/* ------------------------------------------------------------------ ending */

void demo_settle(struct demo *demo)
{
    loop_run(demo->client, clock_now_ns() + NS_PER_S, nothing_pending, demo->client);
}

void demo_end(struct demo *demo)
{
    emc_client_destroy(demo->client);
    traffic_deinit(&demo->traffic);
    for (size_t i = 0; i < DEMO_NODES; i++) {
        server_stop(&demo->nodes[i].server);
    }
    placement_deinit(&demo->placement);
    placement_deinit(&demo->before);
    canvas_deinit(&demo->canvas);
}
