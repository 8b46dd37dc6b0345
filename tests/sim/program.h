/* A client program by chance: ticks in which calls are submitted, cancelled, flushed; callbacks that submit more or destroy the client; and at the end,
 * when every fault is over, the question whether every node serves again. */
#ifndef SIM_PROGRAM_H
#define SIM_PROGRAM_H

#include "plan.h"

/* Plays the plan to its end. What is wrong stands in plan->stage.world. Leaves the stage up, for coverage; the client is gone. */
void sim_program_play(struct sim_plan *plan);

#endif
