/* Memory by way of an injected allocator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/failing_allocator.h"

static void a_size_of_zero_gives_nothing_and_asks_nobody(void **state)
{
    (void)state;
    struct failing_allocator failing;
    failing_allocator_init(&failing);
    assert_null(emc__allocate(&failing.allocator, 0));
    assert_null(emc__allocate_zeroed(&failing.allocator, 0, 8));
    assert_null(emc__allocate_zeroed(&failing.allocator, 8, 0));
    assert_null(emc__reallocate(&failing.allocator, NULL, 0));
    emc__release(&failing.allocator, NULL);
    assert_int_equal(failing.calls, 0);
}

static void a_product_that_overflows_gives_nothing(void **state)
{
    (void)state;
    assert_null(emc__allocate_zeroed(&emc__allocator_standard, SIZE_MAX / 2 + 2, 2));
}

static void zeroed_memory_is_zero(void **state)
{
    (void)state;
    unsigned char *memory = emc__allocate_zeroed(&emc__allocator_standard, 33, 3);
    assert_non_null(memory);
    for (size_t i = 0; i < 99; i++) {
        assert_int_equal(memory[i], 0);
    }
    emc__release(&emc__allocator_standard, memory);
}

static void a_failed_reallocation_leaves_the_old_block(void **state)
{
    (void)state;
    struct failing_allocator failing;
    failing_allocator_init(&failing);
    char *memory = emc__reallocate(&failing.allocator, NULL, 4);
    memcpy(memory, "abc", 4);
    failing.left = 0;
    assert_null(emc__reallocate(&failing.allocator, memory, 1000));
    assert_string_equal(memory, "abc");
    emc__release(&failing.allocator, memory);
    assert_int_equal(failing.outstanding, 0);
}

static void a_copied_string_is_terminated_and_may_be_empty(void **state)
{
    (void)state;
    char *copy = emc__copy_string(&emc__allocator_standard, "memcached", 3);
    char *empty = emc__copy_string(&emc__allocator_standard, NULL, 0);
    assert_string_equal(copy, "mem");
    assert_string_equal(empty, "");
    emc__release(&emc__allocator_standard, copy);
    emc__release(&emc__allocator_standard, empty);
    assert_null(emc__copy_string(&emc__allocator_standard, "x", SIZE_MAX));
}

static void a_copy_without_memory_is_null(void **state)
{
    (void)state;
    struct failing_allocator failing;
    failing_allocator_init(&failing);
    failing.left = 0;
    assert_null(emc__copy_string(&failing.allocator, "mem", 3));
    assert_null(emc__allocate_zeroed(&failing.allocator, 2, 3));
}

static void wiping_leaves_zeros_and_nothing_else(void **state)
{
    (void)state;
    char secret[] = "password!";
    emc__wipe(secret, 8);
    emc__wipe(secret + 8, 0);
    assert_memory_equal(secret, "\0\0\0\0\0\0\0\0!", 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_size_of_zero_gives_nothing_and_asks_nobody),
        cmocka_unit_test(a_product_that_overflows_gives_nothing),
        cmocka_unit_test(zeroed_memory_is_zero),
        cmocka_unit_test(a_failed_reallocation_leaves_the_old_block),
        cmocka_unit_test(a_copied_string_is_terminated_and_may_be_empty),
        cmocka_unit_test(a_copy_without_memory_is_null),
        cmocka_unit_test(wiping_leaves_zeros_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
