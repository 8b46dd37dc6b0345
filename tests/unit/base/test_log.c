/* Log lines and error texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/log.h"

struct heard {
    int lines;
    emc_log_level level;
    char message[1024];
};

static void hear(void *context, emc_log_level level, const char *message)
{
    struct heard *heard = context;
    heard->lines++;
    heard->level = level;
    strncpy(heard->message, message, sizeof heard->message - 1);
}

static void a_line_is_formatted_and_passed_on_with_its_level(void **state)
{
    (void)state;
    struct heard heard = {0};
    const struct emc__log log = {hear, &heard, EMC_LOG_INFO};
    emc__log_write(&log, EMC_LOG_WARNING, "node %s: %d", "a", 7);
    assert_int_equal(heard.lines, 1);
    assert_int_equal(heard.level, EMC_LOG_WARNING);
    assert_string_equal(heard.message, "node a: 7");
}

static void a_level_beyond_the_one_wanted_is_dropped(void **state)
{
    (void)state;
    struct heard heard = {0};
    const struct emc__log log = {hear, &heard, EMC_LOG_WARNING};
    const struct emc__log silent = {NULL, NULL, EMC_LOG_DEBUG};
    emc__log_write(&log, EMC_LOG_INFO, "no");
    emc__log_write(&silent, EMC_LOG_ERROR, "no");
    assert_int_equal(heard.lines, 0);
    emc__log_write(&log, EMC_LOG_WARNING, "yes");
    assert_int_equal(heard.lines, 1);
}

static void a_long_line_is_cut_not_overrun(void **state)
{
    (void)state;
    struct heard heard = {0};
    const struct emc__log log = {hear, &heard, EMC_LOG_DEBUG};
    emc__log_write(&log, EMC_LOG_DEBUG, "%01000d", 1);
    assert_int_equal(strlen(heard.message), 511);
}

static void an_error_has_its_status_and_a_terminated_text(void **state)
{
    (void)state;
    emc_error error;
    assert_int_equal(emc__error_set(&error, EMC_ERROR_ARGUMENT, "timeout_ms is %d", -1), EMC_ERROR_ARGUMENT);
    assert_int_equal(error.status, EMC_ERROR_ARGUMENT);
    assert_string_equal(error.message, "timeout_ms is -1");
    emc__error_set(&error, EMC_ERROR_KEY, "%01000d", 1);
    assert_int_equal(strlen(error.message), EMC_ERROR_MESSAGE_SIZE - 1);
    assert_int_equal(emc__error_set(NULL, EMC_ERROR_FULL, "%d", 1), EMC_ERROR_FULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_formatted_and_passed_on_with_its_level),
        cmocka_unit_test(a_level_beyond_the_one_wanted_is_dropped),
        cmocka_unit_test(a_long_line_is_cut_not_overrun),
        cmocka_unit_test(an_error_has_its_status_and_a_terminated_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
