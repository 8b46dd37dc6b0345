/* Which faults met which commands, and with what outcome. */
#ifndef SIM_COVERAGE_H
#define SIM_COVERAGE_H

#include "plan.h"

#define SIM_STATUSES 40

/* How an operation met a fault. */
enum sim_phase {
    SIM_PHASE_STRUCK, /* the fault began while the operation was under way */
    SIM_PHASE_INSIDE, /* the operation began and ended while the fault lasted */
    SIM_PHASE_HEALED, /* it began under the fault and saw its end */
    SIM_PHASES
};

struct sim_coverage {
    uint64_t counts[SIM_FAULT_KINDS][SIM_CALL_COMMANDS][SIM_STATUSES];
    uint64_t phases[SIM_PHASES][SIM_FAULT_KINDS][SIM_CALL_COMMANDS];
};

/* Adds a plan that was played. */
void sim_coverage_add(struct sim_coverage *coverage, const struct sim_plan *plan);
/* False, and words about it, when a fault or a command was met by nothing, or a fault in one of its phases. */
bool sim_coverage_complete(const struct sim_coverage *coverage);
/* Fault × outcome, and fault × command; `full`: fault × command × phase, and fault × command × outcome, too. */
void sim_coverage_print(const struct sim_coverage *coverage, bool full);

#endif
