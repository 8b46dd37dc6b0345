/* emcache-sim: plays random clusters, programs and faults by seed.
 *
 *   emcache-sim --seeds N [--first S]      N seeds from S (default 1)
 *   emcache-sim --seconds T [--first S]    as many as there is time for
 *   emcache-sim --seed N --trace           one seed, line by line
 *   --table                                the whole coverage table
 *   --covers-all                           fails when a fault or a command was met by nothing
 *   --keep-going                           not only up to the first seed that fails
 *
 * Ends with the coverage and with "N passed, M failed"; exits with 1 when a seed failed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "coverage.h"
#include "program.h"

struct request {
    uint64_t first, seeds;
    double seconds;
    bool trace, table, keep_going, covers_all, one;
};

static double clock_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int usage(void)
{
    fprintf(stderr, "usage: emcache-sim [--seeds N] [--first S] [--seconds T] [--seed N] [--trace] [--table] "
                    "[--covers-all] [--keep-going]\n");
    return 2;
}

static bool parse(int count, char **words, struct request *request)
{
    *request = (struct request){.first = 1, .seeds = 1000};
    for (int i = 1; i < count; i++) {
        const char *value = i + 1 < count ? words[i + 1] : NULL;
        if (strcmp(words[i], "--trace") == 0) {
            request->trace = true;
        } else if (strcmp(words[i], "--table") == 0) {
            request->table = true;
        } else if (strcmp(words[i], "--covers-all") == 0) {
            request->covers_all = true;
        } else if (strcmp(words[i], "--keep-going") == 0) {
            request->keep_going = true;
        } else if (value == NULL) {
            return false;
        } else if (strcmp(words[i], "--seeds") == 0) {
            request->seeds = strtoull(words[++i], NULL, 10);
        } else if (strcmp(words[i], "--first") == 0) {
            request->first = strtoull(words[++i], NULL, 10);
        } else if (strcmp(words[i], "--seconds") == 0) {
            request->seconds = strtod(words[++i], NULL);
            request->seeds = UINT64_MAX;
        } else if (strcmp(words[i], "--seed") == 0) {
            request->first = strtoull(words[++i], NULL, 10);
            request->seeds = 1;
            request->one = true;
        } else {
            return false;
        }
    }
    return true;
}

/* True when all went well. */
static bool play(uint64_t seed, bool trace, struct sim_plan *plan, struct sim_coverage *coverage)
{
    sim_plan_make(plan, seed, trace);
    sim_program_play(plan);
    sim_coverage_add(coverage, plan);
    sim_stage_deinit(&plan->stage);
    if (plan->stage.world.failed) {
        printf("seed %" PRIu64 " failed: %s\n  again, line by line: emcache-sim --seed %" PRIu64 " --trace\n", seed,
               plan->stage.world.problem, seed);
        fflush(stdout);
    }
    return !plan->stage.world.failed;
}

int main(int count, char **words)
{
    struct request request;
    if (!parse(count, words, &request)) {
        return usage();
    }
    struct sim_plan *plan = malloc(sizeof *plan);
    struct sim_coverage *coverage = calloc(1, sizeof *coverage);
    if (plan == NULL || coverage == NULL) {
        return 2;
    }
    uint64_t passed = 0, failed = 0;
    double begin = clock_s(), elapsed = 0;
    for (uint64_t i = 0; i < request.seeds && (failed == 0 || request.keep_going); i++) {
        bool good = play(request.first + i, request.trace, plan, coverage);
        passed += good;
        failed += !good;
        elapsed = clock_s() - begin;
        if (request.seconds > 0 && elapsed >= request.seconds) {
            break;
        }
    }
    if (!request.one || request.table) {
        sim_coverage_print(coverage, request.table);
        printf("%" PRIu64 " seeds in %.1f s: %.0f seeds/s\n", passed + failed, elapsed,
               (double)(passed + failed) / (elapsed > 0 ? elapsed : 1));
    }
    printf("%" PRIu64 " passed, %" PRIu64 " failed\n", passed, failed);
    failed += request.covers_all && !sim_coverage_complete(coverage);
    free(plan);
    free(coverage);
    return failed > 0;
}
