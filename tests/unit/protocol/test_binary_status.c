/* Statuses of the binary dialect lead to the results of the text protocol. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "protocol/binary.h"

static void conditions_that_do_not_hold_are_results(void **state)
{
    (void)state;
    static const struct {
        enum emc__verb verb;
        uint16_t status;
        emc_status outcome;
    } cases[] = {
        {EMC__VERB_GET, 0, EMC_OK},
        {EMC__VERB_GET, 1, EMC_MISS},
        {EMC__VERB_DELETE, 1, EMC_MISS},
        {EMC__VERB_TOUCH, 1, EMC_MISS},
        {EMC__VERB_INCR, 1, EMC_MISS},
        {EMC__VERB_CAS, 1, EMC_MISS},
        {EMC__VERB_CAS, 2, EMC_EXISTS},
        {EMC__VERB_ADD, 2, EMC_NOT_STORED},
        {EMC__VERB_REPLACE, 1, EMC_NOT_STORED},
        {EMC__VERB_APPEND, 5, EMC_NOT_STORED},
        {EMC__VERB_PREPEND, 5, EMC_NOT_STORED},
        {EMC__VERB_APPEND, 1, EMC_NOT_STORED},
        {EMC__VERB_SET, 5, EMC_NOT_STORED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(emc__binary_outcome(cases[i].verb, cases[i].status), cases[i].outcome);
    }
}

static void errors_have_their_class(void **state)
{
    (void)state;
    assert_int_equal(emc__binary_outcome(EMC__VERB_SET, 0x03), EMC_ERROR_TOO_LARGE);
    assert_int_equal(emc__binary_outcome(EMC__VERB_SET, 0x04), EMC_ERROR_CLIENT);
    assert_int_equal(emc__binary_outcome(EMC__VERB_INCR, 0x06), EMC_ERROR_CLIENT);
    assert_int_equal(emc__binary_outcome(EMC__VERB_GET, 0x20), EMC_ERROR_AUTHENTICATION);
    assert_int_equal(emc__binary_outcome(EMC__VERB_GET, 0x21), EMC_ERROR_AUTHENTICATION);
    assert_int_equal(emc__binary_outcome(EMC__VERB_GET, 0x81), EMC_ERROR_COMMAND);
    assert_int_equal(emc__binary_outcome(EMC__VERB_SET, 0x82), EMC_ERROR_SERVER_MEMORY);
}

static void no_unknown_status_is_a_result(void **state)
{
    (void)state;
    for (unsigned status = 6; status <= UINT16_MAX; status++) {
        assert_true(emc__binary_outcome(EMC__VERB_GET, (uint16_t)status) < 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions_that_do_not_hold_are_results),
        cmocka_unit_test(errors_have_their_class),
        cmocka_unit_test(no_unknown_status_is_a_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
