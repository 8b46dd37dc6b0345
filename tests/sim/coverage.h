/* Which faults met which commands, and with what outcome. */
#ifndef SIM_COVERAGE_H
#define SIM_COVERAGE_H

#include "plan.h"

#define SIM_STATUSES 40

struct sim_coverage {
    uint64_t counts[SIM_FAULT_KINDS][SIM_CALL_COMMANDS][SIM_STATUSES];
};

/* Adds a plan that was played. */
void sim_coverage_add(struct sim_coverage *coverage, const struct sim_plan *plan);
/* Fault × outcome, and fault × command; `full`: fault × command × outcome, too. */
void sim_coverage_print(const struct sim_coverage *coverage, bool full);

#endif
