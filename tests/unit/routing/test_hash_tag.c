/* Hash tags: which part of a key is routed by. */
#include "mapping.h"

static void routed_by(const char *key, const char *part)
{
    struct emc__slice found = emc__routing_key(emc__slice_of_string(key), '{', '}');
    assert_true(emc__slice_equal(found, emc__slice_of_string(part)));
}

static void what_stands_between_the_first_opening_and_the_next_closing_is_the_part(void **state)
{
    (void)state;
    routed_by("user:{42}:name", "42");
    routed_by("{42}", "42");
    routed_by("a{b}c{d}e", "b");
    routed_by("a}b{c}", "c");
    routed_by("a{b{c}d", "b{c");
}

static void a_key_without_a_whole_tag_is_routed_by_itself(void **state)
{
    (void)state;
    routed_by("plain", "plain");
    routed_by("", "");
    routed_by("a{b", "a{b");
    routed_by("a{", "a{");
    routed_by("a}b", "a}b");
    routed_by("a{}b{c}", "a{}b{c}");
}

static void without_an_opening_character_tags_are_off(void **state)
{
    (void)state;
    struct emc__slice key = emc__slice_of("a\0b\0", 4);
    assert_true(emc__slice_equal(emc__routing_key(key, 0, 0), key));
    assert_true(emc__slice_equal(emc__routing_key(emc__slice_of(NULL, 0), '{', '}'), emc__slice_of(NULL, 0)));
}

static void both_characters_may_be_the_same(void **state)
{
    (void)state;
    assert_true(emc__slice_equal(emc__routing_key(emc__slice_of_string("a|b|c"), '|', '|'), emc__slice_of_string("b")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stands_between_the_first_opening_and_the_next_closing_is_the_part),
        cmocka_unit_test(a_key_without_a_whole_tag_is_routed_by_itself),
        cmocka_unit_test(without_an_opening_character_tags_are_off),
        cmocka_unit_test(both_characters_may_be_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
