/* How keys spread over the nodes under one kind of routing. */
#include "spread.h"

#include <math.h>
#include <stdlib.h>

#include "report.h"
#include "weights.h"

/* ------------------------------------------------------------------ a client for questions */

enum exit_code route_client(const struct invocation *invocation, const struct route_nodes *nodes, size_t left,
                            const char *kind, emc_client **client_out)
{
    struct invocation own = *invocation;
    own.options[OPTION_ROUTING] = kind;
    emc_address *rest = calloc(nodes->servers.count, sizeof(*rest));
    if (rest == NULL) {
        return report_memory();
    }
    size_t count = 0;
    for (size_t i = 0; i < nodes->servers.count; i++) {
        if (i != left) {
            rest[count++] = nodes->servers.nodes[i];
        }
    }
    emc_client *client = NULL;
    enum exit_code code = session_idle_client(&own, rest, count, &client);
    free(rest);
    if (code == EXIT_CODE_OK && nodes->weights != NULL) {
        code = weights_set(client, nodes->servers.nodes, nodes->weights, nodes->servers.count, left);
    }
    if (code == EXIT_CODE_OK) {
        *client_out = client;
    } else {
        emc_client_destroy(client);
    }
    return code;
}

/* ------------------------------------------------------------------ taking the figures */

static enum exit_code place(const struct invocation *invocation, const struct route_nodes *nodes, size_t left,
                            const char *kind, size_t keys, struct placement *placement_out)
{
    emc_client *client = NULL;
    enum exit_code code = route_client(invocation, nodes, left, kind, &client);
    if (code == EXIT_CODE_OK) {
        emc_status status = placement_take(placement_out, emc_client_cluster_management(client), keys,
                                           nodes->servers.nodes, nodes->servers.count);
        code = report_outcome("route", status, NULL);
        emc_client_destroy(client);
    }
    return code;
}

static enum exit_code let_leave(const struct invocation *invocation, const struct route_nodes *nodes, size_t left,
                                struct spread *spread, struct placement *after)
{
    enum exit_code code = place(invocation, nodes, left, spread->kind, spread->keys, after);
    if (code == EXIT_CODE_OK) {
        size_t moved = placement_moved_all(&spread->placement, after);
        spread->leaving[left] = (struct leaving){true, moved, moved - placement_on(&spread->placement, left)};
    }
    return code;
}

enum exit_code spread_take(const struct invocation *invocation, const struct route_nodes *nodes, const char *kind,
                           size_t keys, size_t lookups, struct spread *spread_out)
{
    size_t count = nodes->servers.count;
    *spread_out = (struct spread){kind, keys, count, {NULL, 0}, calloc(count, sizeof(struct leaving))};
    if (spread_out->leaving == NULL) {
        return report_memory();
    }
    enum exit_code code = place(invocation, nodes, SIZE_MAX, kind, keys, &spread_out->placement);
    size_t examined = lookups / keys < count ? lookups / keys : count;
    examined = examined == 0 ? 1 : examined;
    struct placement after = {NULL, 0};
    for (size_t i = 0; i < examined && count > 1 && code == EXIT_CODE_OK; i++) {
        size_t left = examined == 1 ? 0 : i * (count - 1) / (examined - 1);
        code = let_leave(invocation, nodes, left, spread_out, &after);
    }
    placement_deinit(&after);
    return code;
}

void spread_deinit(struct spread *spread)
{
    placement_deinit(&spread->placement);
    free(spread->leaving);
    spread->leaving = NULL;
}

/* ------------------------------------------------------------------ summing up */

double spread_share(const struct spread *spread, size_t node)
{
    return (double)placement_on(&spread->placement, node) / (double)spread->keys;
}

struct evenness spread_evenness(const struct spread *spread)
{
    struct evenness evenness = {-1, INFINITY, 0};
    for (size_t i = 0; i < spread->node_count; i++) {
        double excess = spread_share(spread, i) * (double)spread->node_count - 1;
        evenness.fullest = fmax(evenness.fullest, excess);
        evenness.emptiest = fmin(evenness.emptiest, excess);
        evenness.deviation += excess * excess;
    }
    evenness.deviation = sqrt(evenness.deviation / (double)spread->node_count);
    return evenness;
}

struct moving spread_moving(const struct spread *spread)
{
    struct moving moving = {0, 0};
    double known = 0;
    for (size_t i = 0; i < spread->node_count; i++) {
        moving.moved += (double)spread->leaving[i].moved;
        moving.others += (double)spread->leaving[i].others;
        known += spread->leaving[i].known;
    }
    double all = known * (double)spread->keys;
    return known > 0 ? (struct moving){moving.moved / all, moving.others / all} : (struct moving){-1, -1};
}
