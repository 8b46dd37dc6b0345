/* What is told of each kill, and the pace by windows. */
#include "observer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LATE_NS 2000000000u

void observer_init(struct observer *observer, emc_client *client, struct chaos *chaos)
{
    memset(observer, 0, sizeof *observer);
    observer->client = client;
    observer->view = emc_client_cluster_management(client);
    observer->chaos = chaos;
    observer->window_began_ns = chaos_now_ns();
}

static void add(struct durations *durations, uint64_t duration_ns)
{
    if (durations->count < KILLS_MAX) {
        durations->values[durations->count++] = duration_ns;
    }
}

void observer_note(struct observer *observer, size_t node, bool answered)
{
    struct node_times *times = &observer->chaos->nodes[node];
    observer->window_answers[node] += answered;
    observer->window_errors += !answered;
    uint64_t back_ns = atomic_load(&times->back_ns);
    if (answered && observer->watched[node] && !observer->used[node] && back_ns != 0) {
        observer->used[node] = true;
        uint64_t now_ns = chaos_now_ns();
        add(&observer->to_use, now_ns > back_ns ? now_ns - back_ns : 0);
    }
}

static bool is_unhealthy(const struct observer *observer, size_t node)
{
    emc_node_list *list = NULL;
    bool found = false;
    if (emc_cluster_unhealthy_nodes(observer->view, &list) == EMC_OK) {
        for (size_t i = 0; i < list->count; i++) {
            found = found || emc_address_equal(&list->nodes[i], &observer->chaos->servers[node].address);
        }
        emc_node_list_destroy(list);
    }
    return found;
}

/* Two seconds after its return a node is still not used: says what the client knows of all of them, once. */
static void tell_when_late(struct observer *observer, size_t node, uint64_t now_ns)
{
    uint64_t back_ns = atomic_load(&observer->chaos->nodes[node].back_ns);
    if (!observer->watched[node] || observer->used[node] || observer->told[node] || back_ns == 0 ||
        now_ns < back_ns + LATE_NS) {
        return;
    }
    observer->told[node] = true;
    fprintf(stderr, "node %zu is not used two seconds after its return; %zu operations pending\n", node,
            emc_client_pending(observer->client));
    for (size_t i = 0; i < NODES; i++) {
        emc_node_state state;
        emc_pool_metrics metrics;
        const emc_address *address = &observer->chaos->servers[i].address;
        if (emc_cluster_node_state(observer->view, address, &state) == EMC_OK &&
            emc_cluster_connection_pool_metrics(observer->view, address, &metrics) == EMC_OK) {
            fprintf(stderr,
                    "  %zu: pid %d, life %u, %s for %llu ms: %s; %u connections, %llu attempts failed, %llu operations "
                    "in flight\n",
                    i, (int)observer->chaos->servers[i].pid, (unsigned)atomic_load(&observer->chaos->nodes[i].life),
                    state.healthy ? "healthy" : "unhealthy", (unsigned long long)state.state_age_ms, state.reason,
                    metrics.connections, (unsigned long long)metrics.connections_created_with_error,
                    (unsigned long long)metrics.operations_in_flight);
        }
    }
}

static void look_at(struct observer *observer, size_t node, uint64_t now_ns)
{
    uint64_t killed_ns = atomic_load(&observer->chaos->nodes[node].killed_ns);
    if (killed_ns != observer->killed_ns[node]) {
        observer->killed_ns[node] = killed_ns;
        observer->watched[node] = true;
        observer->shown[node] = observer->used[node] = observer->told[node] = false;
    }
    if (observer->watched[node] && !observer->shown[node] && is_unhealthy(observer, node)) {
        observer->shown[node] = true;
        add(&observer->to_shown, now_ns - killed_ns);
    }
    tell_when_late(observer, node, now_ns);
}

static bool watching(const struct observer *observer)
{
    for (size_t i = 0; i < NODES; i++) {
        if (observer->watched[i]) {
            return true;
        }
    }
    return false;
}

/* At the end of a window: learns the shares of calm times, or finds the pace restored. */
static void close_window(struct observer *observer, uint64_t now_ns)
{
    uint64_t all = 0;
    for (size_t i = 0; i < NODES; i++) {
        all += observer->window_answers[i];
    }
    bool clean = observer->window_errors == 0 && all >= 100;
    for (size_t i = 0; i < NODES && clean; i++) {
        double share = (double)observer->window_answers[i] / (double)all;
        if (!watching(observer)) {
            observer->share[i] += (share - observer->share[i]) / (double)(observer->calm_windows + 1);
        } else if (observer->watched[i] && observer->used[i] && share >= 0.8 * observer->share[i]) {
            add(&observer->to_pace, now_ns - atomic_load(&observer->chaos->nodes[i].back_ns));
            observer->watched[i] = false;
        }
    }
    observer->calm_windows += clean && !watching(observer);
    memset(observer->window_answers, 0, sizeof observer->window_answers);
    observer->window_errors = 0;
    observer->window_began_ns = now_ns;
}

void observer_look(struct observer *observer, uint64_t now_ns)
{
    for (size_t i = 0; i < NODES; i++) {
        look_at(observer, i, now_ns);
    }
    if (now_ns - observer->window_began_ns >= WINDOW_NS) {
        close_window(observer, now_ns);
    }
}

bool observer_is_done(const struct observer *observer)
{
    return !watching(observer);
}

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

double durations_quantile_ms(struct durations *durations, double q)
{
    if (durations->count == 0) {
        return 0;
    }
    qsort(durations->values, durations->count, sizeof durations->values[0], compare);
    return (double)durations->values[(size_t)(q * (double)(durations->count - 1) + 0.5)] / 1e6;
}
