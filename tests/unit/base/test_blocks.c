/* Blocks by size class. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/blocks.h"
#include "base/failing_allocator.h"

enum { RETAINED_MAX = 1 << 20 };

static void a_block_of_every_size_is_writable_whole_and_aligned(void **state)
{
    (void)state;
    struct failing_allocator failing;
    struct emc__blocks blocks;
    failing_allocator_init(&failing);
    emc__blocks_init(&blocks, &failing.allocator, RETAINED_MAX);
    for (size_t size = 1; size < 70000; size += size < 1100 ? 1 : 997) {
        unsigned char *block = emc__blocks_take(&blocks, size);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % 16, 0);
        memset(block, 0xA5, size);
        emc__blocks_give(&blocks, block, size);
    }
    emc__blocks_deinit(&blocks);
    assert_int_equal(failing.outstanding, 0);
}

static void a_block_given_back_is_taken_again_for_any_size_of_its_class(void **state)
{
    (void)state;
    struct failing_allocator failing;
    struct emc__blocks blocks;
    failing_allocator_init(&failing);
    emc__blocks_init(&blocks, &failing.allocator, RETAINED_MAX);
    for (size_t class_size = 16, step = 16; class_size <= 32768; class_size += step) {
        void *block = emc__blocks_take(&blocks, class_size);
        emc__blocks_give(&blocks, block, class_size);
        assert_ptr_equal(emc__blocks_take(&blocks, class_size - step + 1), block);
        void *next = emc__blocks_take(&blocks, class_size);
        assert_ptr_not_equal(next, block);
        emc__blocks_give(&blocks, block, class_size - step + 1);
        emc__blocks_give(&blocks, next, class_size);
        if (class_size >= 64 && (class_size & (class_size - 1)) == 0) {
            step = class_size / 4;
        }
    }
    emc__blocks_deinit(&blocks);
    assert_int_equal(failing.outstanding, 0);
}

static void a_large_block_is_never_kept(void **state)
{
    (void)state;
    struct failing_allocator failing;
    struct emc__blocks blocks;
    failing_allocator_init(&failing);
    emc__blocks_init(&blocks, &failing.allocator, RETAINED_MAX);
    void *block = emc__blocks_take(&blocks, 32769);
    emc__blocks_give(&blocks, block, 32769);
    assert_int_equal(failing.outstanding, 0);
    assert_int_equal(blocks.retained, 0);
    emc__blocks_deinit(&blocks);
}

static void what_is_kept_stays_within_the_maximum(void **state)
{
    (void)state;
    struct failing_allocator failing;
    struct emc__blocks blocks;
    void *taken[10];
    failing_allocator_init(&failing);
    emc__blocks_init(&blocks, &failing.allocator, 1000);
    for (int i = 0; i < 10; i++) {
        taken[i] = emc__blocks_take(&blocks, 200);
    }
    for (int i = 0; i < 10; i++) {
        emc__blocks_give(&blocks, taken[i], 200);
        assert_true(blocks.retained <= 1000);
    }
    assert_int_equal(failing.outstanding, 4);
    emc__blocks_deinit(&blocks);
    assert_int_equal(failing.outstanding, 0);
}

static void without_memory_a_take_fails_but_a_kept_block_serves(void **state)
{
    (void)state;
    struct failing_allocator failing;
    struct emc__blocks blocks;
    failing_allocator_init(&failing);
    emc__blocks_init(&blocks, &failing.allocator, RETAINED_MAX);
    void *block = emc__blocks_take(&blocks, 100);
    emc__blocks_give(&blocks, block, 100);
    emc__blocks_give(&blocks, NULL, 100);
    failing.left = 0;
    assert_ptr_equal(emc__blocks_take(&blocks, 112), block);
    assert_null(emc__blocks_take(&blocks, 112));
    assert_null(emc__blocks_take(&blocks, 1 << 20));
    emc__blocks_give(&blocks, block, 112);
    emc__blocks_deinit(&blocks);
    assert_int_equal(failing.outstanding, 0);
}

static void what_is_kept_is_given_back_a_part_at_a_time_the_largest_first(void **state)
{
    (void)state;
    struct failing_allocator failing;
    struct emc__blocks blocks;
    void *taken[20];
    failing_allocator_init(&failing);
    emc__blocks_init(&blocks, &failing.allocator, 100000);
    for (size_t i = 0; i < 20; i++) {
        taken[i] = emc__blocks_take(&blocks, i < 10 ? 1024 : 64);
    }
    for (size_t i = 0; i < 20; i++) {
        emc__blocks_give(&blocks, taken[i], i < 10 ? 1024 : 64);
    }
    emc__blocks_trim(&blocks, 1000, 4096);
    assert_int_equal(failing.outstanding, 16);
    emc__blocks_trim(&blocks, 1000, 100000);
    assert_int_equal(failing.outstanding, 10); /* of 64 bytes */
    assert_int_equal(blocks.retained, 640);
    emc__blocks_trim(&blocks, 1000, 100000);
    assert_int_equal(failing.outstanding, 10);
    emc__blocks_deinit(&blocks);
    assert_int_equal(failing.outstanding, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_of_every_size_is_writable_whole_and_aligned),
        cmocka_unit_test(a_block_given_back_is_taken_again_for_any_size_of_its_class),
        cmocka_unit_test(a_large_block_is_never_kept),
        cmocka_unit_test(what_is_kept_stays_within_the_maximum),
        cmocka_unit_test(what_is_kept_is_given_back_a_part_at_a_time_the_largest_first),
        cmocka_unit_test(without_memory_a_take_fails_but_a_kept_block_serves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
