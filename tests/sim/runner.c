/* Plays a file's scenarios as cmocka tests: each on a stage of its own, checked to the end. Needs no real clock and no socket.
 *
 * SIM_TRACE=1 in the environment prints every line that is spoken; the first argument of the program chooses scenarios by a pattern ("*late*"). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "talk.h"

static void play_one(void **state)
{
    const struct scenario *scenario = *state;
    struct play *p = malloc(sizeof *p);
    assert_non_null(p);
    play_begin(p);
    scenario->act(p);
    const char *problem = play_finish(p);
    free(p);
    if (problem != NULL) {
        fail_msg("%s", problem);
    }
}

int play_scenarios(const char *group, const struct scenario *scenarios, size_t count, const char *pattern)
{
    struct CMUnitTest *tests = calloc(count, sizeof *tests);
    if (tests == NULL) {
        return 1;
    }
    for (size_t i = 0; i < count; i++) {
        tests[i] = (struct CMUnitTest){
            .name = scenarios[i].name, .test_func = play_one, .initial_state = (void *)(uintptr_t)&scenarios[i]};
    }
    if (pattern != NULL) {
        cmocka_set_test_filter(pattern);
    }
    int failed = _cmocka_run_group_tests(group, tests, count, NULL, NULL);
    free(tests);
    return failed;
}
