/* Watches one client through kills and returns: how long until unhealthy_nodes() shows a dead node, until a returned one is used, and until everything runs
 * at its former pace. */
#ifndef EMC_TESTS_SOAK_OBSERVER_H
#define EMC_TESTS_SOAK_OBSERVER_H

#include "chaos.h"

#define KILLS_MAX 1000
/* A window of pace: in one, no operation may fail, and a node's share of the answers must be near what it was. */
#define WINDOW_NS 50000000u

/* Durations of one kind, in nanoseconds. */
struct durations {
    uint64_t values[KILLS_MAX];
    size_t count;
};

struct observer {
    emc_client *client;
    emc_cluster_management *view;
    struct chaos *chaos;
    uint64_t killed_ns[NODES]; /* the last kill seen */
    bool watched[NODES];       /* not yet back at full pace after it */
    bool shown[NODES], used[NODES], told[NODES];
    struct durations to_shown, to_use, to_pace;
    uint64_t window_began_ns;
    uint64_t window_answers[NODES], window_errors;
    double share[NODES]; /* of the answers, in calm windows */
    uint64_t calm_windows;
};

void observer_init(struct observer *observer, emc_client *client, struct chaos *chaos);
/* An operation on this node ended. */
void observer_note(struct observer *observer, size_t node, bool answered);
/* Between passes. */
void observer_look(struct observer *observer, uint64_t now_ns);
/* Whether every kill was seen through to full pace. */
bool observer_is_done(const struct observer *observer);
/* The q-quantile in milliseconds, 0 to 1; sorts. */
double durations_quantile_ms(struct durations *durations, double q);

#endif
