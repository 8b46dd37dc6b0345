/* When a connection that alone is silent is given up: told by looks at times of our choosing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "node/patience.h"

#define MS      UINT64_C(1000000)
#define S       (1000 * MS)
#define START   (10 * S)
#define ANSWERS 3

/* A connection that began to owe at START; `heard_ms` after it its node was heard on another one, and it is looked at. */
struct story {
    struct emc__patience patience;
    struct emc__patience_look look;
};

static struct story a_silent_connection(void)
{
    struct story story = {.look = {.owing_since_ns = START, .heard_ns = START - S}};
    story.look.flow = (struct emc__flow){.sent = 100, .taken = 100};
    return story;
}

static bool ends(struct story *story, uint64_t heard_ms)
{
    story->look.node_heard_ns = START + heard_ms * MS;
    story->look.now_ns = story->look.node_heard_ns + MS;
    return emc__patience_ends(&story->patience, &story->look, S, ANSWERS);
}

static void the_third_answer_elsewhere_ends_it(void **state)
{
    (void)state;
    struct story story = a_silent_connection();
    assert_false(ends(&story, 1000));
    assert_false(ends(&story, 2000));
    assert_true(ends(&story, 3000));
    assert_true(ends(&story, 3000)); /* and stays so */
}

static void answers_that_come_sooner_count_once_in_a_silence(void **state)
{
    (void)state;
    struct story story = a_silent_connection();
    for (uint64_t ms = 0; ms < 2250; ms += 10) {
        assert_false(ends(&story, ms));
    }
    assert_true(ends(&story, 2300));
}

static void a_node_that_is_silent_elsewhere_too_ends_nothing(void **state)
{
    (void)state;
    struct story story = a_silent_connection();
    for (uint64_t ms = 1000; ms < 100000; ms += 1000) {
        story.look.now_ns = START + ms * MS;
        story.look.node_heard_ns = START + 1500 * MS;
        assert_false(emc__patience_ends(&story.patience, &story.look, S, ANSWERS));
    }
}

/* Looks come a second after the last byte before, and the other connection is heard now and then: an answer a little before each look counts. */
static void an_answer_a_little_before_each_look_counts(void **state)
{
    (void)state;
    struct story story = a_silent_connection();
    for (uint64_t look = 1; look <= 3; look++) {
        story.look.now_ns = START + look * 940 * MS;
        story.look.node_heard_ns = story.look.now_ns - 60 * MS;
        assert_int_equal(emc__patience_ends(&story.patience, &story.look, S, ANSWERS), look == 3);
    }
}

static void a_byte_is_a_sign_of_life(void **state)
{
    (void)state;
    struct story story = a_silent_connection();
    assert_false(ends(&story, 2900));
    story.look.heard_ns = START + 2950 * MS;
    assert_false(ends(&story, 3900));
    assert_false(ends(&story, 4900));
    assert_true(ends(&story, 5900));
}

static void what_it_owed_before_is_another_matter(void **state)
{
    (void)state;
    struct story story = a_silent_connection();
    assert_false(ends(&story, 1000));
    assert_false(ends(&story, 2000));
    story.look.owing_since_ns = START + 2500 * MS; /* it was answered, and is asked again */
    assert_false(ends(&story, 3000));
    assert_false(ends(&story, 4400));
    assert_false(ends(&story, 5400));
    assert_true(ends(&story, 6400));
}

static void a_request_that_makes_its_way_is_a_sign_of_life(void **state)
{
    (void)state;
    struct story story = a_silent_connection();
    story.look.flow.sent = 1000000;
    for (uint64_t ms = 1000; ms < 100000; ms += 1000) {
        story.look.flow.taken += 10000;
        assert_false(ends(&story, ms));
    }
    story.look.flow.taken = 1000000; /* all of it is there: from now on the server owes */
    for (uint64_t ms = 101000; ms < 104000; ms += 1000) {
        assert_false(ends(&story, ms));
    }
    assert_true(ends(&story, 104000));
}

static void a_request_that_makes_no_way_is_none(void **state)
{
    (void)state;
    struct story story = a_silent_connection();
    story.look.flow.sent = 1000000;
    assert_false(ends(&story, 1000));
    assert_false(ends(&story, 2000));
    assert_true(ends(&story, 3000));
}

static void what_is_sent_later_is_none_although_the_peers_system_takes_it(void **state)
{
    (void)state;
    struct story story = a_silent_connection();
    assert_false(ends(&story, 0));
    for (uint64_t ms = 100; ms < 2200; ms += 100) {
        story.look.flow.sent += 50;
        assert_false(ends(&story, ms));
        story.look.flow.taken += 50;
    }
    assert_true(ends(&story, 3000));
}

static void a_socket_that_took_bytes_again_is_a_sign_of_life_where_the_system_says_no_more(void **state)
{
    (void)state;
    struct story story = a_silent_connection();
    story.look.blocked = true;
    for (uint64_t ms = 1000; ms < 20000; ms += 1000) {
        story.look.flow.sent += 10000;
        story.look.flow.taken = story.look.flow.sent;
        assert_false(ends(&story, ms));
    }
    for (uint64_t ms = 20000; ms < 22000; ms += 1000) {
        assert_false(ends(&story, ms));
    }
    assert_true(ends(&story, 22000));
}

static void a_part_of_a_record_is_a_sign_of_life(void **state)
{
    (void)state;
    struct story story = a_silent_connection();
    for (uint64_t ms = 1000; ms < 20000; ms += 1000) {
        story.look.flow.arrived += 100;
        assert_false(ends(&story, ms));
    }
}

static void requests_that_are_answered_by_silence_are_given_more(void **state)
{
    (void)state;
    struct story story = a_silent_connection();
    story.look.quiet_requests = 2 * EMC__PATIENCE_REQUESTS;
    for (uint64_t ms = 1000; ms < 5000; ms += 1000) {
        assert_false(ends(&story, ms));
    }
    assert_true(ends(&story, 5000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_third_answer_elsewhere_ends_it),
        cmocka_unit_test(answers_that_come_sooner_count_once_in_a_silence),
        cmocka_unit_test(a_node_that_is_silent_elsewhere_too_ends_nothing),
        cmocka_unit_test(an_answer_a_little_before_each_look_counts),
        cmocka_unit_test(a_byte_is_a_sign_of_life),
        cmocka_unit_test(what_it_owed_before_is_another_matter),
        cmocka_unit_test(a_request_that_makes_its_way_is_a_sign_of_life),
        cmocka_unit_test(a_request_that_makes_no_way_is_none),
        cmocka_unit_test(what_is_sent_later_is_none_although_the_peers_system_takes_it),
        cmocka_unit_test(a_socket_that_took_bytes_again_is_a_sign_of_life_where_the_system_says_no_more),
        cmocka_unit_test(a_part_of_a_record_is_a_sign_of_life),
        cmocka_unit_test(requests_that_are_answered_by_silence_are_given_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
