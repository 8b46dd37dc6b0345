/* Busy polling: when it is tried, what it gives, how long it lasts; and the transport's wait that begins with it. */
#include "loopback.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport/uv_internal.h"

#define US          1000ull
#define MS          1000000ull
#define PATIENCE_NS (PATIENCE_MS * MS)

/* ------------------------------------------------------------------ pacing */

/* How many of so many waits begin with it, none with success. */
static unsigned tried_in_vain(struct emc__busy_poll *poll, unsigned waits)
{
    unsigned tried = 0;
    for (unsigned i = 0; i < waits; i++) {
        if (emc__busy_poll_due(poll)) {
            tried++;
            emc__busy_poll_told(poll, false);
        }
    }
    return tried;
}

static void without_a_limit_it_is_never_due(void **state)
{
    (void)state;
    struct emc__busy_poll poll = {0};
    for (int i = 0; i < 10; i++) {
        assert_false(emc__busy_poll_due(&poll));
    }
}

static void as_long_as_answers_come_every_wait_begins_with_it(void **state)
{
    (void)state;
    struct emc__busy_poll poll = {.limit_ns = 1};
    for (int i = 0; i < 10000; i++) {
        assert_true(emc__busy_poll_due(&poll));
        emc__busy_poll_told(&poll, i % EMC__BUSY_POLL_VAIN_MAX == 0); /* three times in vain is not yet in vain */
    }
}

static void what_is_in_vain_is_left_out_for_longer_and_longer(void **state)
{
    (void)state;
    struct emc__busy_poll poll = {.limit_ns = 1};
    assert_int_equal(tried_in_vain(&poll, 4), 4);
    assert_false(emc__busy_poll_due(&poll));
    assert_int_equal(tried_in_vain(&poll, 1), 1);
    assert_int_equal(tried_in_vain(&poll, 2), 0);
    assert_int_equal(tried_in_vain(&poll, 1), 1);
    assert_int_equal(tried_in_vain(&poll, 4), 0);
    assert_int_equal(tried_in_vain(&poll, 1), 1);
    tried_in_vain(&poll, 10000); /* the pauses have their full length now */
    assert_in_range(tried_in_vain(&poll, 100 * (EMC__BUSY_POLL_LEAVE_MAX + 1)), 99, 101);
}

static void one_success_ends_every_pause(void **state)
{
    (void)state;
    struct emc__busy_poll poll = {.limit_ns = 1};
    tried_in_vain(&poll, 10000);
    while (!emc__busy_poll_due(&poll)) {
    }
    emc__busy_poll_told(&poll, true);
    assert_int_equal(tried_in_vain(&poll, EMC__BUSY_POLL_VAIN_MAX), EMC__BUSY_POLL_VAIN_MAX);
}

/* ------------------------------------------------------------------ receiving, from a Unix socket */

static int ours, theirs;
static char bytes[16];

static int open_pair(void **state)
{
    (void)state;
    int both[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both), 0);
    ours = both[0];
    theirs = both[1];
    return 0;
}

static int close_pair(void **state)
{
    (void)state;
    close(ours);
    close(theirs);
    return 0;
}

static void what_is_there_is_received_and_nothing_of_the_time_is_spent(void **state)
{
    (void)state;
    struct emc__busy_poll poll = {.limit_ns = PATIENCE_NS, .in_vain = 3};
    uint64_t left_ns = PATIENCE_NS;
    ssize_t count = 0;
    send_exactly(theirs, "hello", 5);
    assert_true(emc__busy_poll_receive(&poll, ours, bytes, sizeof bytes, &left_ns, &count));
    assert_int_equal(count, 5);
    assert_memory_equal(bytes, "hello", 5);
    assert_true(left_ns == PATIENCE_NS);
    assert_int_equal(poll.in_vain, 0);
}

static void an_end_is_received(void **state)
{
    (void)state;
    struct emc__busy_poll poll = {.limit_ns = PATIENCE_NS};
    uint64_t left_ns = PATIENCE_NS;
    ssize_t count = 1;
    shutdown(theirs, SHUT_WR);
    assert_true(emc__busy_poll_receive(&poll, ours, bytes, sizeof bytes, &left_ns, &count));
    assert_int_equal(count, 0);
}

static void after_the_limit_the_wait_goes_on_with_what_is_left(void **state)
{
    (void)state;
    struct emc__busy_poll poll = {.limit_ns = 200 * US};
    uint64_t left_ns = PATIENCE_NS, begin_ns = monotonic_ns();
    ssize_t count;
    assert_false(emc__busy_poll_receive(&poll, ours, bytes, sizeof bytes, &left_ns, &count));
    uint64_t spent_ns = PATIENCE_NS - left_ns, passed_ns = monotonic_ns() - begin_ns;
    assert_true(spent_ns >= 200 * US);
    assert_true(spent_ns <= passed_ns);
    assert_int_equal(poll.in_vain, 1);
}

static void with_less_time_than_the_limit_the_wait_ends_in_time(void **state)
{
    (void)state;
    struct emc__busy_poll poll = {.limit_ns = PATIENCE_NS};
    uint64_t left_ns = 100 * US, begin_ns = monotonic_ns();
    ssize_t count = 0;
    errno = 0;
    assert_true(emc__busy_poll_receive(&poll, ours, bytes, sizeof bytes, &left_ns, &count));
    assert_true(monotonic_ns() - begin_ns < PATIENCE_NS / 2);
    assert_int_equal(count, -1);
    assert_true(errno == EAGAIN || errno == EWOULDBLOCK);
    assert_true(left_ns == 0);
}

static void a_wait_that_leaves_it_out_receives_nothing(void **state)
{
    (void)state;
    struct emc__busy_poll poll = {.limit_ns = PATIENCE_NS, .left_out = 1};
    uint64_t left_ns = PATIENCE_NS;
    ssize_t count;
    send_exactly(theirs, "hello", 5);
    assert_false(emc__busy_poll_receive(&poll, ours, bytes, sizeof bytes, &left_ns, &count));
    assert_true(left_ns == PATIENCE_NS);
    assert_true(emc__busy_poll_receive(&poll, ours, bytes, sizeof bytes, &left_ns, &count));
    assert_int_equal(count, 5);
}

static void where_no_sleep_follows_the_wait_is_over_in_any_case(void **state)
{
    (void)state;
    struct emc__busy_poll poll = {.limit_ns = 10 * US, .left_out = 1, .alone = true};
    for (int i = 0; i < 2; i++) {
        uint64_t left_ns = PATIENCE_NS;
        ssize_t count = 0;
        assert_true(emc__busy_poll_receive(&poll, ours, bytes, sizeof bytes, &left_ns, &count));
        assert_int_equal(count, -1);
        assert_true(errno == EAGAIN || errno == EWOULDBLOCK);
    }
}

static void *answer_when_asked(void *context)
{
    char question;
    (void)context;
    assert_int_equal(recv(theirs, &question, 1, 0), 1);
    send_exactly(theirs, "late", 4);
    return NULL;
}

static void what_comes_meanwhile_is_received(void **state)
{
    (void)state;
    struct emc__busy_poll poll = {.limit_ns = PATIENCE_NS};
    uint64_t left_ns = PATIENCE_NS;
    ssize_t count = 0;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, answer_when_asked, NULL), 0);
    send_exactly(ours, "?", 1);
    bool over = emc__busy_poll_receive(&poll, ours, bytes, sizeof bytes, &left_ns, &count);
    pthread_join(thread, NULL);
    assert_true(over);
    assert_int_equal(count, 4);
    assert_memory_equal(bytes, "late", 4);
}

/* ------------------------------------------------------------------ the transport's wait */

static struct emc__transport *transport;
static struct heard heard;
static int peer;

static int set_up(void **state)
{
    (void)state;
    memset(&heard, 0, sizeof heard);
    transport = new_transport();
    emc__uv_set_busy_poll(transport, 200 * US);
    peer = connect_pair(&heard, transport);
    heard.receive_when_readable = true;
    transport->class_->want(heard.socket, true, false);
    emc__uv_arm(transport);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    heard_abort(&heard, true);
    emc__uv_transport_destroy(transport);
    close(peer);
    return 0;
}

static unsigned in_vain(void)
{
    return ((struct emc__uv *)transport)->busy_poll.in_vain;
}

static void a_wait_takes_what_is_there_without_sleep(void **state)
{
    (void)state;
    assert_false(emc__uv_wait_socket(transport, heard.socket, MS));
    assert_int_equal(in_vain(), 1);
    send_exactly(peer, "hello", 5);
    assert_true(emc__uv_wait_socket(transport, heard.socket, PATIENCE_NS));
    assert_int_equal(in_vain(), 0);
    assert_int_equal(heard.length, 5);
    assert_memory_equal(heard.bytes, "hello", 5);
}

static void polling_alone_never_sleeps(void **state)
{
    (void)state;
    uint64_t begin_ns = monotonic_ns();
    for (int i = 0; i < 1000; i++) { /* asleep each would take 20 ms */
        assert_false(emc__uv_poll_socket(transport, heard.socket, PATIENCE_NS));
    }
    assert_true(monotonic_ns() - begin_ns < 10000 * MS);
    send_exactly(peer, "hello", 5);
    for (int i = 0; i < 2 * EMC__BUSY_POLL_LEAVE_MAX && heard.length == 0; i++) {
        (void)emc__uv_poll_socket(transport, heard.socket, PATIENCE_NS);
    }
    assert_int_equal(heard.length, 5);
    emc__uv_set_busy_poll(transport, 0);
    send_exactly(peer, "more", 4);
    assert_false(emc__uv_poll_socket(transport, heard.socket, PATIENCE_NS));
    run_until_length(&heard, 9);
}

static void *send_later(void *context)
{
    struct timespec pause = {0, 5 * MS};
    (void)context;
    nanosleep(&pause, NULL); /* the answer of a slow server: after the limit is what it is to come */
    send_exactly(peer, "late", 4);
    return NULL;
}

static void what_comes_after_the_limit_is_waited_for_as_without_it(void **state)
{
    (void)state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, send_later, NULL), 0);
    for (int i = 0; i < 1000 && heard.length < 4; i++) {
        (void)emc__uv_wait_socket(transport, heard.socket, PATIENCE_NS); /* 20 ms at a time */
    }
    pthread_join(thread, NULL);
    assert_int_equal(heard.length, 4);
    assert_memory_equal(heard.bytes, "late", 4);
}

static void an_end_is_told_as_without_it(void **state)
{
    (void)state;
    shutdown(peer, SHUT_WR);
    assert_true(emc__uv_wait_socket(transport, heard.socket, PATIENCE_NS));
    assert_int_equal(heard.io, EMC__IO_END);
}

static void a_listener_may_abort_as_without_it(void **state)
{
    (void)state;
    heard.abort_when_readable = true;
    send_exactly(peer, "x", 1);
    assert_true(emc__uv_wait_socket(transport, heard.socket, PATIENCE_NS));
    assert_null(heard.socket);
}

#define PAIR_TEST(name) cmocka_unit_test_setup_teardown(name, open_pair, close_pair)
#define WAIT_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_limit_it_is_never_due),
        cmocka_unit_test(as_long_as_answers_come_every_wait_begins_with_it),
        cmocka_unit_test(what_is_in_vain_is_left_out_for_longer_and_longer),
        cmocka_unit_test(one_success_ends_every_pause),
        PAIR_TEST(what_is_there_is_received_and_nothing_of_the_time_is_spent),
        PAIR_TEST(an_end_is_received),
        PAIR_TEST(after_the_limit_the_wait_goes_on_with_what_is_left),
        PAIR_TEST(with_less_time_than_the_limit_the_wait_ends_in_time),
        PAIR_TEST(a_wait_that_leaves_it_out_receives_nothing),
        PAIR_TEST(where_no_sleep_follows_the_wait_is_over_in_any_case),
        PAIR_TEST(what_comes_meanwhile_is_received),
        WAIT_TEST(a_wait_takes_what_is_there_without_sleep),
        WAIT_TEST(polling_alone_never_sleeps),
        WAIT_TEST(what_comes_after_the_limit_is_waited_for_as_without_it),
        WAIT_TEST(an_end_is_told_as_without_it),
        WAIT_TEST(a_listener_may_abort_as_without_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
