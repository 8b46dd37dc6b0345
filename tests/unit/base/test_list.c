/* Intrusive lists, and the small generator beside them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/list.h"
#include "base/random.h"

struct entry {
    int number;
    struct emc__link link;
};

static int number_of(struct emc__link *link)
{
    return link == NULL ? -1 : EMC__CONTAINER_OF(link, struct entry, link)->number;
}

static void entries_come_in_the_order_they_joined(void **state)
{
    (void)state;
    struct emc__list list;
    struct entry entries[4] = {{.number = 0}, {.number = 1}, {.number = 2}, {.number = 3}};
    emc__list_init(&list);
    assert_null(emc__list_first(&list));
    assert_null(emc__list_last(&list));
    emc__list_append(&list, &entries[1].link);
    emc__list_append(&list, &entries[3].link);
    emc__link_insert_before(&entries[0].link, &entries[1].link);
    emc__link_insert_before(&entries[2].link, &entries[3].link);
    int expected = 0;
    for (struct emc__link *link = emc__list_first(&list); link != NULL; link = emc__list_next(&list, link)) {
        assert_int_equal(number_of(link), expected++);
    }
    assert_int_equal(expected, 4);
    assert_int_equal(number_of(emc__list_last(&list)), 3);
}

static void leaving_unlinks_and_leaving_twice_is_harmless(void **state)
{
    (void)state;
    struct emc__list list;
    struct entry entry = {0};
    emc__list_init(&list);
    emc__list_append(&list, &entry.link);
    assert_true(emc__link_linked(&entry.link));
    emc__link_remove(&entry.link);
    emc__link_remove(&entry.link);
    assert_false(emc__link_linked(&entry.link));
    assert_true(emc__list_empty(&list));
    assert_null(emc__list_take_first(&list));
}

static void splicing_moves_everything_in_order(void **state)
{
    (void)state;
    struct emc__list to, from;
    struct entry entries[3] = {{.number = 0}, {.number = 1}, {.number = 2}};
    emc__list_init(&to);
    emc__list_init(&from);
    emc__list_splice(&to, &from);
    assert_true(emc__list_empty(&to));
    emc__list_append(&to, &entries[0].link);
    emc__list_append(&from, &entries[1].link);
    emc__list_append(&from, &entries[2].link);
    emc__list_splice(&to, &from);
    assert_true(emc__list_empty(&from));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(number_of(emc__list_take_first(&to)), i);
    }
    assert_true(emc__list_empty(&to));
}

static void random_numbers_repeat_by_seed_and_stay_below_the_bound(void **state)
{
    (void)state;
    struct emc__random a = {42}, b = {42};
    unsigned seen[10] = {0};
    for (int i = 0; i < 10000; i++) {
        uint64_t number = emc__random_below(&a, 10);
        assert_true(number == emc__random_below(&b, 10));
        assert_in_range(number, 0, 9);
        seen[number]++;
    }
    for (int i = 0; i < 10; i++) {
        assert_in_range(seen[i], 850, 1150);
    }
    assert_int_equal(emc__random_below(&a, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_come_in_the_order_they_joined),
        cmocka_unit_test(leaving_unlinks_and_leaving_twice_is_harmless),
        cmocka_unit_test(splicing_moves_everything_in_order),
        cmocka_unit_test(random_numbers_repeat_by_seed_and_stay_below_the_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
