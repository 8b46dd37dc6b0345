/* The journal of deletes: a bounded set that keeps the order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "../base/failing_allocator.h"
#include "node/journal.h"

/* Few distinct hashes, so that buckets have chains. */
static bool add(struct emc__journal *journal, const char *key)
{
    return emc__journal_add(journal, (uint64_t)key[1], emc__slice_of_string(key), false);
}

static void expect_first(struct emc__journal *journal, const char *key)
{
    const struct emc__journal_entry *entry = emc__journal_first(journal);
    assert_non_null(entry);
    assert_int_equal(entry->length, strlen(key));
    assert_memory_equal(entry->key, key, entry->length);
    emc__journal_drop_first(journal);
}

static void keys_come_out_in_the_order_in_which_they_came(void **state)
{
    (void)state;
    struct emc__journal journal;
    emc__journal_init(&journal, &emc__allocator_standard, 10);
    assert_null(emc__journal_first(&journal));
    assert_true(add(&journal, "ba"));
    assert_true(add(&journal, "aa"));
    assert_true(add(&journal, "ca"));
    expect_first(&journal, "ba");
    expect_first(&journal, "aa");
    assert_true(add(&journal, "ba"));
    expect_first(&journal, "ca");
    expect_first(&journal, "ba");
    assert_null(emc__journal_first(&journal));
    emc__journal_deinit(&journal);
}

static void a_key_is_kept_once(void **state)
{
    (void)state;
    struct emc__journal journal;
    emc__journal_init(&journal, &emc__allocator_standard, 2);
    for (int i = 0; i < 5; i++) {
        assert_true(add(&journal, "ka"));
    }
    assert_int_equal(journal.count, 1);
    assert_true(
        emc__journal_add(&journal, 'a', emc__slice_of_string("ka"), true)); /* another key: it stands for other bytes */
    assert_int_equal(journal.count, 2);
    assert_int_equal(journal.refused, 0);
    emc__journal_deinit(&journal);
}

static void what_is_too_much_is_refused_and_counted(void **state)
{
    (void)state;
    struct emc__journal journal;
    emc__journal_init(&journal, &emc__allocator_standard, 2);
    assert_true(add(&journal, "ka"));
    assert_true(add(&journal, "kb"));
    assert_false(add(&journal, "kc"));
    assert_true(add(&journal, "kb"));
    assert_int_equal(journal.refused, 1);
    emc__journal_deinit(&journal);
    assert_int_equal(journal.count, 0);
}

static void a_journal_of_none_takes_nothing(void **state)
{
    (void)state;
    struct emc__journal journal;
    emc__journal_init(&journal, &emc__allocator_standard, 0);
    assert_false(add(&journal, "ka"));
    emc__journal_deinit(&journal);
}

static void a_table_that_grows_keeps_every_key(void **state)
{
    (void)state;
    struct emc__journal journal;
    char key[16];
    emc__journal_init(&journal, &emc__allocator_standard, 1000);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 1000; i++) {
            size_t length = (size_t)snprintf(key, sizeof key, "%u", i);
            assert_true(emc__journal_add(&journal, i * 0x9E3779B97F4A7C15u, emc__slice_of(key, length), false));
        }
        assert_int_equal(journal.count, 1000);
    }
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "%u", i);
        expect_first(&journal, key);
    }
    assert_null(journal.buckets); /* an empty one holds no memory */
    emc__journal_deinit(&journal);
}

static void without_memory_it_says_so_and_goes_on(void **state)
{
    (void)state;
    for (size_t left = 0; left <= 4; left++) { /* the table, then a block for each key */
        struct failing_allocator memory;
        failing_allocator_init(&memory);
        memory.left = left;
        struct emc__journal journal;
        emc__journal_init(&journal, &memory.allocator, 10);
        unsigned taken = 0;
        taken += add(&journal, "ka");
        taken += add(&journal, "kb");
        taken += add(&journal, "kc");
        assert_int_equal(taken, left > 0 ? left - 1 : 0);
        assert_int_equal(journal.count, taken);
        assert_int_equal(journal.refused, 3 - taken);
        emc__journal_deinit(&journal);
        assert_int_equal(memory.outstanding, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_come_out_in_the_order_in_which_they_came),
        cmocka_unit_test(a_key_is_kept_once),
        cmocka_unit_test(what_is_too_much_is_refused_and_counted),
        cmocka_unit_test(a_journal_of_none_takes_nothing),
        cmocka_unit_test(a_table_that_grows_keeps_every_key),
        cmocka_unit_test(without_memory_it_says_so_and_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
