/* The flags of a meta reply, one by one. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "protocol/protocol.h"

static void next_is(struct emc__slice *flags, char letter, const char *token)
{
    struct emc__meta_flag flag;
    assert_true(emc__meta_flags_next(flags, &flag));
    assert_int_equal(flag.letter, letter);
    assert_int_equal(flag.token.length, strlen(token));
    assert_memory_equal(flag.token.data, token, flag.token.length);
}

static void ended(struct emc__slice *flags)
{
    struct emc__meta_flag flag = {'!', {NULL, 0}};
    assert_false(emc__meta_flags_next(flags, &flag));
    assert_int_equal(flag.letter, '!');
    assert_false(emc__meta_flags_next(flags, &flag));
}

static void flags_come_one_a_call_in_their_order(void **state)
{
    (void)state;
    struct emc__slice flags = emc__slice_of_string("f12 t-1 W kfoo O7 b");
    next_is(&flags, 'f', "12");
    next_is(&flags, 't', "-1");
    next_is(&flags, 'W', "");
    next_is(&flags, 'k', "foo");
    next_is(&flags, 'O', "7");
    next_is(&flags, 'b', "");
    ended(&flags);
}

static void no_flags_are_the_end(void **state)
{
    (void)state;
    struct emc__slice nothing = {NULL, 0}, empty = emc__slice_of_string(""), spaces = emc__slice_of_string("   ");
    ended(&nothing);
    ended(&empty);
    ended(&spaces);
}

static void spaces_around_and_between_are_no_flags(void **state)
{
    (void)state;
    struct emc__slice flags = emc__slice_of_string("  c99   X ");
    next_is(&flags, 'c', "99");
    next_is(&flags, 'X', "");
    ended(&flags);
}

static void only_the_slice_is_read(void **state)
{
    (void)state;
    struct emc__slice flags = emc__slice_of("s100 W", 3);
    next_is(&flags, 's', "10");
    ended(&flags);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_come_one_a_call_in_their_order),
        cmocka_unit_test(no_flags_are_the_end),
        cmocka_unit_test(spaces_around_and_between_are_no_flags),
        cmocka_unit_test(only_the_slice_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
