/* How keys spread over the nodes under one kind of routing, and how many move when a node leaves: figures, no pictures. */
#ifndef EMCACHE_CLI_SPREAD_H
#define EMCACHE_CLI_SPREAD_H

#include "placement.h"
#include "session.h"

/* The nodes that a question about routing is about. */
struct route_nodes {
    struct server_list servers;
    uint32_t *weights; /* one for each; NULL: none were given */
};

/* A client that never connects: on all nodes but `left` (SIZE_MAX: on all), under that kind. EXIT_CODE_OK, or the complaint is printed. */
enum exit_code route_client(const struct invocation *invocation, const struct route_nodes *nodes, size_t left,
                            const char *kind, emc_client **client_out);

/* What happens to the keys of a cluster when a node leaves it. */
struct leaving {
    bool known;
    size_t moved;  /* keys that live elsewhere then */
    size_t others; /* of them, keys that did not live on the node that left */
};

struct spread {
    const char *kind;
    size_t keys;
    size_t node_count;
    struct placement placement;
    struct leaving *leaving; /* one for each node */
};

/* Places that many keys, and again without this node and that: as many as `lookups` allows, at least one, from the first to the last. Deinit it whatever comes
 * back. */
enum exit_code spread_take(const struct invocation *invocation, const struct route_nodes *nodes, const char *kind,
                           size_t keys, size_t lookups, struct spread *spread_out);
void spread_deinit(struct spread *spread);

/* A node's share of the keys. */
double spread_share(const struct spread *spread, size_t node);
/* All nodes together, as shares of an even share: 0.05 is five per cent more. Weights are not looked at. */
struct evenness {
    double fullest, emptiest, deviation;
};
struct evenness spread_evenness(const struct spread *spread);
/* The means over the nodes that were left out in turn, as shares of all keys; negative when there are none. */
struct moving {
    double moved, others;
};
struct moving spread_moving(const struct spread *spread);

#endif
