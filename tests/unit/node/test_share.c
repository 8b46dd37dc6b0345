/* When what callbacks submit leaves before the pass is over: told by completions one after the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "node/share.h"

#define BEFORE 1000 /* completed before the flush that the story begins with */

/* After how many completions the first flush is due; 0: not before all are answered. */
static uint32_t due_after(uint32_t in_flight, uint32_t connections)
{
    struct emc__share share;
    emc__share_begin(&share, BEFORE, in_flight, connections);
    for (uint32_t answered = 0; answered < in_flight; answered++) {
        if (emc__share_due(&share, BEFORE + answered)) {
            return answered;
        }
    }
    return 0;
}

static void it_is_half_of_much(void **state)
{
    (void)state;
    assert_int_equal(due_after(80, 1), 40);
    assert_int_equal(due_after(1000, 1), 500);
    assert_int_equal(due_after(1000, 16), 500);
}

static void it_is_a_quarter_of_little_on_one_connection(void **state)
{
    (void)state;
    assert_int_equal(due_after(79, 1), 19);
    assert_int_equal(due_after(32, 1), 8);
    assert_int_equal(due_after(32, 2), 16);
}

static void it_is_never_a_single_operation(void **state)
{
    (void)state;
    assert_int_equal(due_after(3, 1), 2);
    assert_int_equal(due_after(7, 1), 2);
}

static void nothing_leaves_early_when_all_is_answered(void **state)
{
    (void)state;
    struct emc__share share;
    assert_int_equal(due_after(1, 1), 0);
    assert_int_equal(due_after(2, 1), 0);
    emc__share_begin(&share, BEFORE, 32, 1);
    assert_true(emc__share_due(&share, BEFORE + 31));
    assert_false(emc__share_due(&share, BEFORE + 32));
    emc__share_begin(&share, BEFORE, 0, 0);
    assert_false(emc__share_due(&share, BEFORE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_half_of_much),
        cmocka_unit_test(it_is_a_quarter_of_little_on_one_connection),
        cmocka_unit_test(it_is_never_a_single_operation),
        cmocka_unit_test(nothing_leaves_early_when_all_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
