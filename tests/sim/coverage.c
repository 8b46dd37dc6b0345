/* Counts and prints what was met: see coverage.h. An operation counts for a fault when it was under way while the fault lasted, on the fault's node. */
#include "coverage.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define STATUS_ENTRY(name, code, class_, text) name,
static const emc_status statuses[] = {EMC_STATUS_LIST(STATUS_ENTRY)};
#define STATUS_COUNT (sizeof statuses / sizeof statuses[0])

static uint32_t status_index(emc_status status)
{
    uint32_t index = 0;
    while (index < STATUS_COUNT - 1 && statuses[index] != status) {
        index++;
    }
    return index;
}

static bool met(const struct sim_plan *plan, const struct sim_fault *fault, const struct sim_call *call, int32_t node)
{
    uint64_t end = call->done ? call->completed_ns : plan->stage.world.now_ns;
    bool in_time = fault->begun && fault->begin_ns <= end && fault->end_ns >= call->submitted_ns;
    return in_time && (!sim_fault_has_target(fault->kind) || node < 0 || node == (int32_t)fault->node);
}

static enum sim_phase phase_of(const struct sim_fault *fault, const struct sim_call *call, uint64_t now_ns)
{
    uint64_t end = call->done ? call->completed_ns : now_ns;
    if (fault->begin_ns > call->submitted_ns) {
        return SIM_PHASE_STRUCK;
    }
    return fault->end_ns < end ? SIM_PHASE_HEALED : SIM_PHASE_INSIDE;
}

static void add(struct sim_coverage *coverage, const struct sim_plan *plan, const struct sim_call *call, int32_t node,
                emc_status status)
{
    bool any = false;
    uint32_t outcome = status_index(status);
    for (uint32_t i = 0; i < plan->fault_count; i++) {
        if (met(plan, &plan->faults[i], call, node)) {
            coverage->counts[plan->faults[i].kind][call->command][outcome]++;
            coverage->phases[phase_of(&plan->faults[i], call, plan->stage.world.now_ns)][plan->faults[i].kind]
                            [call->command]++;
            any = true;
        }
    }
    if (!any) {
        coverage->counts[SIM_FAULT_NONE][call->command][outcome]++;
    }
}

void sim_coverage_add(struct sim_coverage *coverage, const struct sim_plan *plan)
{
    const struct sim_model *model = &plan->stage.model;
    for (uint32_t i = 0; i < model->call_count; i++) {
        const struct sim_call *call = model->calls[i];
        if (!call->accepted) {
            add(coverage, plan, call, -1, call->refused);
        } else if (call->count == 0) {
            add(coverage, plan, call, (int32_t)call->node, call->status);
        }
        for (uint32_t j = 0; call->accepted && j < call->count; j++) {
            add(coverage, plan, call, call->ops[j].node, call->ops[j].status);
        }
    }
}

/* ------------------------------------------------------------------ printing */

static uint64_t by_status(const struct sim_coverage *coverage, uint32_t fault, size_t status)
{
    uint64_t sum = 0;
    for (uint32_t command = 0; command < SIM_CALL_COMMANDS; command++) {
        sum += coverage->counts[fault][command][status];
    }
    return sum;
}

static uint64_t by_command(const struct sim_coverage *coverage, uint32_t fault, uint32_t command)
{
    uint64_t sum = 0;
    for (size_t status = 0; status < STATUS_COUNT; status++) {
        sum += coverage->counts[fault][command][status];
    }
    return sum;
}

static void print_outcomes(const struct sim_coverage *coverage)
{
    printf("\noutcomes met under each fault (operations)\n");
    for (uint32_t fault = 0; fault < SIM_FAULT_KINDS; fault++) {
        printf("%-18s", sim_fault_names[fault]);
        for (size_t status = 0; status < STATUS_COUNT; status++) {
            uint64_t count = by_status(coverage, fault, status);
            if (count > 0) {
                printf(" %s=%" PRIu64, emc_status_name(statuses[status]) + 4, count);
            }
        }
        printf("\n");
    }
}

static void print_phase(const struct sim_coverage *coverage, enum sim_phase phase)
{
    static const char *const titles[SIM_PHASES] = {"the fault struck while the operation was under way",
                                                   "the operation came and went under the fault",
                                                   "the fault ended while the operation was under way"};
    printf("\n%s (operations)\n%-18s", titles[phase], "");
    for (uint32_t command = 0; command < SIM_CALL_COMMANDS; command++) {
        printf(" %8.8s", sim_command_names[command]);
    }
    printf("\n");
    for (uint32_t fault = 1; fault < SIM_FAULT_KINDS; fault++) {
        printf("%-18s", sim_fault_names[fault]);
        for (uint32_t command = 0; command < SIM_CALL_COMMANDS; command++) {
            printf(" %8" PRIu64, coverage->phases[phase][fault][command]);
        }
        printf("\n");
    }
}

static void print_commands(const struct sim_coverage *coverage)
{
    printf("\ncommands met under each fault (operations)\n%-18s", "");
    for (uint32_t command = 0; command < SIM_CALL_COMMANDS; command++) {
        printf(" %8.8s", sim_command_names[command]);
    }
    printf("\n");
    for (uint32_t fault = 0; fault < SIM_FAULT_KINDS; fault++) {
        printf("%-18s", sim_fault_names[fault]);
        for (uint32_t command = 0; command < SIM_CALL_COMMANDS; command++) {
            printf(" %8" PRIu64, by_command(coverage, fault, command));
        }
        printf("\n");
    }
}

static uint32_t print_triples(const struct sim_coverage *coverage, bool full)
{
    uint32_t triples = 0;
    for (uint32_t fault = 0; fault < SIM_FAULT_KINDS; fault++) {
        for (uint32_t command = 0; command < SIM_CALL_COMMANDS; command++) {
            if (full && by_command(coverage, fault, command) > 0) {
                printf("\n%s, %s:", sim_fault_names[fault], sim_command_names[command]);
            }
            for (size_t status = 0; status < STATUS_COUNT; status++) {
                uint64_t count = coverage->counts[fault][command][status];
                triples += count > 0;
                if (full && count > 0) {
                    printf(" %s=%" PRIu64, emc_status_name(statuses[status]) + 4, count);
                }
            }
        }
    }
    return triples;
}

void sim_coverage_print(const struct sim_coverage *coverage, bool full)
{
    print_outcomes(coverage);
    print_commands(coverage);
    for (uint32_t phase = 0; full && phase < SIM_PHASES; phase++) {
        print_phase(coverage, (enum sim_phase)phase);
    }
    uint32_t triples = print_triples(coverage, full);
    printf("\n%u combinations of fault, command and outcome were met\n", triples);
}

static uint64_t by_phase(const struct sim_coverage *coverage, uint32_t phase, uint32_t fault)
{
    uint64_t sum = 0;
    for (uint32_t command = 0; command < SIM_CALL_COMMANDS; command++) {
        sum += coverage->phases[phase][fault][command];
    }
    return sum;
}

bool sim_coverage_complete(const struct sim_coverage *coverage)
{
    bool complete = true;
    for (uint32_t fault = 0; fault < SIM_FAULT_KINDS; fault++) {
        for (uint32_t phase = 0; phase < SIM_PHASES && fault != SIM_FAULT_NONE; phase++) {
            bool possible = fault != SIM_FAULT_PAUSE ||
                            phase != SIM_PHASE_INSIDE; /* a client that stands still begins nothing */
            if (possible && by_phase(coverage, phase, fault) == 0) {
                printf("not covered: the fault \"%s\" in phase %u\n", sim_fault_names[fault], phase);
                complete = false;
            }
        }
    }
    for (uint32_t command = 0; command < SIM_CALL_COMMANDS; command++) {
        uint64_t sum = 0;
        for (uint32_t fault = 1; fault < SIM_FAULT_KINDS; fault++) {
            sum += by_command(coverage, fault, command);
        }
        if (sum == 0) {
            printf("not covered: the command %s under any fault\n", sim_command_names[command]);
            complete = false;
        }
    }
    return complete;
}
