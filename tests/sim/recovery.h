/* The end of a program: every fault is over, and all must be well again within the bounds that the client promises. */
#ifndef SIM_RECOVERY_H
#define SIM_RECOVERY_H

#include "plan.h"

/* Heals everything, lets the time pass that recovery may take, and checks: what was asked has ended, every node serves, nothing is counted as in flight.
 * Nothing may be submitted any more. */
void sim_recovery_play(struct sim_plan *plan);

#endif
