/* A growable run of bytes with a maximum. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/buffer.h"
#include "base/failing_allocator.h"
#include "base/random.h"

static void what_is_appended_comes_out_in_order_under_any_mixture_of_calls(void **state)
{
    (void)state;
    enum { MAX = 5000 };
    struct emc__random random = {7};
    struct emc__buffer buffer;
    uint8_t model[MAX], chunk[MAX];
    size_t held = 0;
    uint8_t next = 0;
    emc__buffer_init(&buffer, &emc__allocator_standard, MAX);
    for (int round = 0; round < 20000; round++) {
        size_t length = emc__random_below(&random, round % 100 == 0 ? MAX : 300);
        if (emc__random_below(&random, 2) == 0) {
            for (size_t i = 0; i < length; i++) {
                chunk[i] = next++;
            }
            bool appended = emc__buffer_append(&buffer, chunk, length);
            assert_int_equal(appended, length <= MAX - held);
            if (appended) {
                memcpy(model + held, chunk, length);
                held += length;
            }
        } else {
            length = length < held ? length : held;
            emc__buffer_consume(&buffer, length);
            memmove(model, model + length, held - length);
            held -= length;
        }
        assert_int_equal(emc__buffer_length(&buffer), held);
        assert_true(buffer.capacity <= MAX);
        assert_true(emc__slice_equal(emc__buffer_slice(&buffer), (struct emc__slice){model, held}));
    }
    emc__buffer_deinit(&buffer);
}

static void nothing_beyond_the_maximum_and_what_is_held_stays(void **state)
{
    (void)state;
    struct emc__buffer buffer;
    emc__buffer_init(&buffer, &emc__allocator_standard, 10);
    assert_true(emc__buffer_append(&buffer, "0123456789", 10));
    assert_null(emc__buffer_reserve(&buffer, 1));
    assert_null(emc__buffer_reserve(&buffer, SIZE_MAX));
    assert_memory_equal(emc__buffer_front(&buffer), "0123456789", 10);
    emc__buffer_consume(&buffer, 4);
    assert_non_null(emc__buffer_reserve(&buffer, 4));
    assert_null(emc__buffer_reserve(&buffer, 5));
    assert_memory_equal(emc__buffer_front(&buffer), "456789", 6);
    emc__buffer_deinit(&buffer);
}

static void without_memory_the_buffer_is_unchanged_and_usable_later(void **state)
{
    (void)state;
    struct failing_allocator failing;
    struct emc__buffer buffer;
    uint8_t large[1000] = {0};
    failing_allocator_init(&failing);
    failing.left = 0;
    emc__buffer_init(&buffer, &failing.allocator, 4000);
    assert_false(emc__buffer_append(&buffer, "abc", 3));
    assert_int_equal(emc__buffer_length(&buffer), 0);
    failing.left = 1;
    assert_true(emc__buffer_append(&buffer, "abc", 3));
    assert_false(emc__buffer_append(&buffer, large, sizeof large));
    assert_int_equal(emc__buffer_length(&buffer), 3);
    assert_memory_equal(emc__buffer_front(&buffer), "abc", 3);
    failing.left = SIZE_MAX;
    assert_true(emc__buffer_append(&buffer, large, sizeof large));
    emc__buffer_deinit(&buffer);
    assert_int_equal(failing.outstanding, 0);
}

static void without_memory_room_at_the_front_is_still_used(void **state)
{
    (void)state;
    struct failing_allocator failing;
    struct emc__buffer buffer;
    uint8_t bytes[256] = {0};
    failing_allocator_init(&failing);
    emc__buffer_init(&buffer, &failing.allocator, 4000);
    assert_true(emc__buffer_append(&buffer, bytes, 256));
    failing.left = 0;
    emc__buffer_consume(&buffer, 10);
    assert_true(emc__buffer_append(&buffer, bytes, 10));
    assert_false(emc__buffer_append(&buffer, bytes, 1));
    emc__buffer_deinit(&buffer);
}

static void a_nearly_full_buffer_does_not_move_at_each_byte(void **state)
{
    (void)state;
    struct failing_allocator failing;
    struct emc__buffer buffer;
    uint8_t bytes[250] = {0};
    failing_allocator_init(&failing);
    emc__buffer_init(&buffer, &failing.allocator, 1 << 20);
    assert_true(emc__buffer_append(&buffer, bytes, sizeof bytes));
    unsigned moves = 0;
    for (int i = 0; i < 100000; i++) {
        size_t begin = buffer.begin;
        assert_true(emc__buffer_append(&buffer, "x", 1));
        moves += buffer.begin < begin;
        emc__buffer_consume(&buffer, 1);
    }
    assert_in_range(moves, 1, 1000);
    assert_in_range(buffer.capacity, 512, 1024);
    emc__buffer_deinit(&buffer);
}

static void nothing_needs_no_memory_and_reserving_nothing_is_not_a_failure(void **state)
{
    (void)state;
    struct failing_allocator failing;
    struct emc__buffer buffer;
    failing_allocator_init(&failing);
    emc__buffer_init(&buffer, &failing.allocator, 100);
    assert_true(emc__buffer_append(&buffer, NULL, 0));
    assert_null(emc__buffer_slice(&buffer).data);
    assert_int_equal(failing.calls, 0);
    assert_non_null(emc__buffer_reserve(&buffer, 0));
    emc__buffer_deinit(&buffer);
    assert_int_equal(failing.outstanding, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_appended_comes_out_in_order_under_any_mixture_of_calls),
        cmocka_unit_test(nothing_beyond_the_maximum_and_what_is_held_stays),
        cmocka_unit_test(without_memory_the_buffer_is_unchanged_and_usable_later),
        cmocka_unit_test(without_memory_room_at_the_front_is_still_used),
        cmocka_unit_test(a_nearly_full_buffer_does_not_move_at_each_byte),
        cmocka_unit_test(nothing_needs_no_memory_and_reserving_nothing_is_not_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
