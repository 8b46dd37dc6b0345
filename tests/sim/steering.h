/* A hand on the wheel: membership changed at random while the program runs, through the public functions, and everything about it checked at once: which
 * changes are accepted, that the view lists what was set, in order, that keys go to members alone, and that events tell each change once, in order. */
#ifndef SIM_STEERING_H
#define SIM_STEERING_H

#include "stage.h"

#define SIM_CHANGES_MAX 512

/* An event that must still come. */
struct sim_change {
    emc_cluster_event_kind kind;
    emc_address node;
    uint32_t weight;
};

struct sim_steering {
    struct sim_stage *stage;
    uint32_t candidates; /* the stage's first so many nodes may be members */
    emc_weighted_address members[SIM_NODES_MAX];
    uint32_t count;
    struct sim_change changes[SIM_CHANGES_MAX];
    uint32_t changed, told;
    uint32_t accepted, refused; /* for the coverage */
};

/* All of the stage's members are in the cluster, with weight 100. */
void sim_steering_init(struct sim_steering *steering, struct sim_stage *stage, uint32_t candidates);
/* One change by chance, good or bad. */
void sim_steering_turn(struct sim_steering *steering);
/* An event came. */
void sim_steering_hear(struct sim_steering *steering, const emc_cluster_event *event);

#endif
