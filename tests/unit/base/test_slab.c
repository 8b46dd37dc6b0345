/* A slab: bounded, never moving, with identities that go stale. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/failing_allocator.h"
#include "base/random.h"
#include "base/slab.h"

enum { OBJECT = 40, CHUNK = 4, MOST = 100 };

static void it_hands_out_up_to_its_bound_and_every_object_is_its_own(void **state)
{
    (void)state;
    struct emc__slab slab;
    unsigned char *taken[MOST];
    emc__slab_init(&slab, &emc__allocator_standard, OBJECT, CHUNK, MOST);
    for (unsigned i = 0; i < MOST; i++) {
        taken[i] = emc__slab_take(&slab);
        assert_non_null(taken[i]);
        assert_int_equal((uintptr_t)taken[i] % 8, 0);
        memset(taken[i], (int)i, OBJECT);
    }
    assert_null(emc__slab_take(&slab));
    for (unsigned i = 0; i < MOST; i++) {
        for (unsigned byte = 0; byte < OBJECT; byte++) {
            assert_int_equal(taken[i][byte], i);
        }
        assert_ptr_equal(emc__slab_find(&slab, emc__slab_identity(taken[i])), taken[i]);
    }
    emc__slab_give(&slab, taken[50]);
    assert_ptr_equal(emc__slab_take(&slab), taken[50]);
    emc__slab_deinit(&slab);
}

static void a_stale_identity_finds_nothing_even_when_the_place_is_taken_again(void **state)
{
    (void)state;
    struct emc__slab slab;
    emc__slab_init(&slab, &emc__allocator_standard, OBJECT, CHUNK, MOST);
    void *first = emc__slab_take(&slab);
    uint64_t stale = emc__slab_identity(first);
    assert_true(stale != 0);
    emc__slab_give(&slab, first);
    assert_null(emc__slab_find(&slab, stale));
    void *second = emc__slab_take(&slab);
    assert_ptr_equal(second, first);
    assert_null(emc__slab_find(&slab, stale));
    assert_ptr_equal(emc__slab_find(&slab, emc__slab_identity(second)), second);
    emc__slab_deinit(&slab);
}

static void a_number_that_was_never_an_identity_finds_nothing(void **state)
{
    (void)state;
    struct emc__slab slab;
    struct emc__random random = {3};
    emc__slab_init(&slab, &emc__allocator_standard, OBJECT, CHUNK, MOST);
    assert_null(emc__slab_find(&slab, UINT64_C(1) << 32));
    uint64_t known = emc__slab_identity(emc__slab_take(&slab));
    assert_null(emc__slab_find(&slab, 0));
    assert_null(emc__slab_find(&slab, UINT64_MAX));
    assert_null(emc__slab_find(&slab, known + CHUNK));
    for (int i = 0; i < 100000; i++) {
        uint64_t number = emc__random_next(&random);
        assert_true(number == known || emc__slab_find(&slab, number) == NULL);
    }
    emc__slab_deinit(&slab);
}

static void identities_agree_with_a_model_under_random_takes_and_gives(void **state)
{
    (void)state;
    struct emc__slab slab;
    struct emc__random random = {11};
    void *objects[MOST] = {0};
    uint64_t identities[MOST] = {0}, stale[MOST] = {0};
    emc__slab_init(&slab, &emc__allocator_standard, OBJECT, CHUNK, MOST);
    for (int round = 0; round < 50000; round++) {
        size_t i = emc__random_below(&random, MOST);
        if (objects[i] == NULL) {
            objects[i] = emc__slab_take(&slab);
            assert_non_null(objects[i]);
            identities[i] = emc__slab_identity(objects[i]);
        } else {
            emc__slab_give(&slab, objects[i]);
            stale[i] = identities[i];
            objects[i] = NULL;
        }
        size_t other = emc__random_below(&random, MOST);
        assert_null(emc__slab_find(&slab, stale[other]));
        assert_true(objects[other] == NULL || emc__slab_find(&slab, identities[other]) == objects[other]);
    }
    emc__slab_deinit(&slab);
}

static void without_memory_a_take_fails_and_a_later_one_succeeds(void **state)
{
    (void)state;
    struct failing_allocator failing;
    struct emc__slab slab;
    failing_allocator_init(&failing);
    emc__slab_init(&slab, &failing.allocator, OBJECT, CHUNK, MOST);
    for (size_t successes = 0; successes < 2; successes++) {
        failing.left = successes;
        assert_null(emc__slab_take(&slab));
    }
    failing.left = SIZE_MAX;
    for (int i = 0; i < CHUNK; i++) {
        assert_non_null(emc__slab_take(&slab));
    }
    failing.left = 0;
    assert_null(emc__slab_take(&slab));
    assert_int_equal(slab.used, CHUNK);
    failing.left = SIZE_MAX;
    for (int i = CHUNK; i < MOST; i++) {
        assert_non_null(emc__slab_take(&slab));
    }
    emc__slab_deinit(&slab);
    assert_int_equal(failing.outstanding, 0);
}

static void the_steady_state_asks_the_allocator_for_nothing(void **state)
{
    (void)state;
    struct failing_allocator failing;
    struct emc__slab slab;
    failing_allocator_init(&failing);
    emc__slab_init(&slab, &failing.allocator, OBJECT, CHUNK, MOST);
    assert_int_equal(failing.calls, 0);
    emc__slab_give(&slab, emc__slab_take(&slab));
    size_t calls = failing.calls;
    for (int i = 0; i < 1000; i++) {
        void *object = emc__slab_take(&slab);
        emc__slab_give(&slab, object);
    }
    assert_int_equal(failing.calls, calls);
    emc__slab_deinit(&slab);
    emc__slab_deinit(&slab);
    assert_int_equal(failing.outstanding, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_hands_out_up_to_its_bound_and_every_object_is_its_own),
        cmocka_unit_test(a_stale_identity_finds_nothing_even_when_the_place_is_taken_again),
        cmocka_unit_test(a_number_that_was_never_an_identity_finds_nothing),
        cmocka_unit_test(identities_agree_with_a_model_under_random_takes_and_gives),
        cmocka_unit_test(without_memory_a_take_fails_and_a_later_one_succeeds),
        cmocka_unit_test(the_steady_state_asks_the_allocator_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
