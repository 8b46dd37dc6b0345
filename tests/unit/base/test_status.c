/* Statuses as words and classes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <emcache/platform.h>

static void every_status_has_its_name_text_and_class(void **state)
{
    (void)state;
#define CHECK(name, code, class_, text)                \
    assert_string_equal(emc_status_name(name), #name); \
    assert_string_equal(emc_status_text(name), text);  \
    assert_int_equal(emc_status_classify(name), EMC_CLASS_##class_);
    EMC_STATUS_LIST(CHECK)
#undef CHECK
}

static void only_results_are_not_negative(void **state)
{
    (void)state;
#define CHECK(name, code, class_, text) assert_int_equal((code) >= 0, EMC_CLASS_##class_ == EMC_CLASS_RESULT);
    EMC_STATUS_LIST(CHECK)
#undef CHECK
}

static void a_number_that_is_none_says_so(void **state)
{
    (void)state;
    assert_string_equal(emc_status_name((emc_status)-999), "EMC_?");
    assert_string_equal(emc_status_text((emc_status)4711), "a number that is no status");
    assert_int_equal(emc_status_classify((emc_status)-999), EMC_CLASS_USAGE);
}

static void the_version_is_the_headers(void **state)
{
    (void)state;
    char expected[32];
    snprintf(expected, sizeof expected, "%d.%d.%d", EMC_VERSION_MAJOR, EMC_VERSION_MINOR, EMC_VERSION_PATCH);
    assert_string_equal(emc_library_version(), expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_its_name_text_and_class),
        cmocka_unit_test(only_results_are_not_negative),
        cmocka_unit_test(a_number_that_is_none_says_so),
        cmocka_unit_test(the_version_is_the_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
