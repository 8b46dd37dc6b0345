/* What one seed plays: a cluster, a client's options, keys, and faults, all by chance. */
#ifndef SIM_PLAN_H
#define SIM_PLAN_H

#include "faults.h"

#define SIM_FAULTS_MAX 6

/* What chance brings together too rarely: a few seeds in a hundred dwell on one such situation. */
enum sim_theme {
    SIM_THEME_NONE,
    SIM_THEME_LABELS,      /* in peace, lines of keys whose binary labels come round within them */
    SIM_THEME_SPOILT_GETS, /* many gets of few keys, and errors and strange values in their answers */
    SIM_THEME_PURGE        /* in peace, answers that take longer than an unused connection lives */
};

struct sim_plan {
    struct sim_stage stage;
    struct sim_fault faults[SIM_FAULTS_MAX];
    uint32_t fault_count;
    uint32_t members; /* of the stage's nodes; what comes after them is the gutter */
    emc_address gutter[2];
    enum sim_theme theme;
    bool steers;   /* the program changes the membership */
    bool peaceful; /* no fault: every operation must get its true answer */
    bool authenticates, sasl;
    bool floods;             /* hundreds of small writes in a tick, at servers that can't store them all */
    bool refills;            /* each completion submits the next call, as programs do that keep many in flight */
    bool quits;              /* servers are asked to close a connection, and for dumps, again and again */
    bool slow;               /* peaceful, but the servers take their time */
    bool long_outages;       /* faults may last for many seconds */
    emc_discovery discovery; /* where the nodes come from */
    bool mutes_stay;         /* connections that met a silent server stay silent when it has long recovered */
    bool limits;             /* small limits: FULL is to be expected */
    uint64_t end_ns;         /* when the program stops submitting */
    uint32_t ticks;
    uint32_t largest_value;
};

void sim_plan_make(struct sim_plan *plan, uint64_t seed, bool trace);

#endif
