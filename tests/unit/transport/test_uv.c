/* The libuv transport's loop: its one descriptor, its timer, arming, waiting for one socket, fork, the end. */
#include "loopback.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/allocator.h"
#include "base/timer_wheel.h"

#define MS 1000000ull

static struct emc__transport *transport;
static struct heard heard;
static unsigned descriptors;
static unsigned woken;
static uint64_t woken_ns, wake_again_ns;

static void wake(void *context, uint64_t now_ns)
{
    woken++;
    woken_ns = now_ns;
    if (wake_again_ns != 0) {
        transport->class_->wake_at(transport, wake_again_ns);
    }
}

static int set_up(void **state)
{
    descriptors = count_descriptors();
    memset(&heard, 0, sizeof heard);
    transport = new_transport();
    transport->wake = wake;
    woken = 0;
    woken_ns = wake_again_ns = 0;
    return 0;
}

static int tear_down(void **state)
{
    heard_abort(&heard, true);
    emc__uv_transport_destroy(transport);
    assert_int_equal(count_descriptors(), descriptors);
    return 0;
}

static bool descriptor_readable(int timeout_ms)
{
    struct pollfd waiting = {emc__uv_descriptor(transport), POLLIN, 0};
    return poll(&waiting, 1, timeout_ms) == 1;
}

/* ------------------------------------------------------------------ the timer */

static void a_wake_comes_at_its_time_and_not_before(void **state)
{
    uint64_t at_ns = monotonic_ns() + 15 * MS;
    transport->class_->wake_at(transport, at_ns);
    run_some(transport, 2);
    assert_true(woken == 0 || monotonic_ns() >= at_ns); /* a slow machine may be there already */
    run_until(transport, &woken, 1);
    assert_true(woken_ns >= at_ns);
    assert_true(woken_ns < at_ns + 500 * MS); /* a machine under load may be late, not early */
    run_some(transport, 3);
    assert_int_equal(woken, 1);
}

static void the_descriptor_becomes_readable_for_a_wake_without_any_call(void **state)
{
    assert_false(descriptor_readable(0));
    transport->class_->wake_at(transport, monotonic_ns() + 5 * MS);
    assert_true(descriptor_readable(PATIENCE_MS));
    emc__uv_run(transport, 0);
    assert_int_equal(woken, 1);
    assert_false(descriptor_readable(0));
}

static void a_wake_that_moves_earlier_comes_earlier(void **state)
{
    transport->class_->wake_at(transport, monotonic_ns() + 60000 * MS);
    transport->class_->wake_at(transport, monotonic_ns() + 5 * MS);
    run_until(transport, &woken, 1);
}

static void a_wake_that_moves_later_comes_at_the_later_time_only(void **state)
{
    uint64_t later_ns = monotonic_ns() + 30 * MS;
    transport->class_->wake_at(transport, monotonic_ns() + 2 * MS);
    transport->class_->wake_at(transport, later_ns);
    run_until(transport, &woken, 1);
    assert_true(woken_ns >= later_ns);
}

static void a_wake_that_is_taken_back_does_not_come(void **state)
{
    transport->class_->wake_at(transport, monotonic_ns() + 2 * MS);
    transport->class_->wake_at(transport, EMC__NEVER);
    emc__uv_run(transport, 10);
    emc__uv_run(transport, 0);
    assert_int_equal(woken, 0);
}

static void a_wake_in_the_past_comes_in_the_next_pass(void **state)
{
    transport->class_->wake_at(transport, 1);
    assert_int_equal(woken, 0);
    emc__uv_run(transport, 0);
    assert_int_equal(woken, 1);
}

static void a_wake_may_ask_for_the_next_one(void **state)
{
    wake_again_ns = monotonic_ns() + 10 * MS;
    transport->class_->wake_at(transport, 1);
    run_until(transport, &woken, 1);
    wake_again_ns = 0;
    run_until(transport, &woken, 2);
    assert_true(woken_ns >= heard.now_ns);
}

static void a_transport_without_a_wake_upcall_lets_the_time_pass(void **state)
{
    transport->wake = NULL;
    transport->class_->wake_at(transport, 1);
    run_some(transport, 3);
}

/* ------------------------------------------------------------------ the descriptor */

static void a_raise_makes_the_descriptor_readable_until_the_next_pass(void **state)
{
    assert_false(emc__uv_ready(transport));
    emc__uv_raise(transport);
    emc__uv_raise(transport);
    assert_true(emc__uv_ready(transport));
    assert_true(descriptor_readable(0));
    emc__uv_run(transport, 0);
    assert_false(emc__uv_ready(transport));
    emc__uv_raise(transport);
    assert_true(emc__uv_ready(transport));
}

static void a_raise_ends_a_wait(void **state)
{
    uint64_t begin_ns = monotonic_ns();
    emc__uv_raise(transport);
    emc__uv_run(transport, PATIENCE_MS);
    assert_true(monotonic_ns() - begin_ns < PATIENCE_MS * MS);
}

static void a_connect_outside_of_a_pass_needs_arming_alone_to_reach_the_descriptor(void **state)
{
    struct emc__endpoint endpoint;
    int listener = listen_on_loopback(&endpoint);
    assert_int_equal(heard_connect(&heard, transport, &endpoint, NULL), EMC_OK);
    emc__uv_arm(transport);
    assert_int_equal(heard.connected, 0);
    assert_true(descriptor_readable(PATIENCE_MS));
    emc__uv_run(transport, 0);
    assert_int_equal(heard.connected, 1);
    close(listener);
}

static void arming_makes_no_upcall_and_loses_nothing(void **state)
{
    int peer = connect_pair(&heard, transport);
    send_exactly(peer, "x", 1);
    for (int i = 0; i < 3; i++) {
        transport->class_->want(heard.socket, i % 2 == 0, false);
        emc__uv_arm(transport);
    }
    assert_int_equal(heard.readable, 0);
    assert_true(descriptor_readable(PATIENCE_MS));
    emc__uv_run(transport, 0);
    assert_int_equal(heard.readable, 1);
    close(peer);
}

static void a_pass_waits_no_longer_than_it_is_told(void **state)
{
    uint64_t begin_ns = monotonic_ns();
    emc__uv_run(transport, 5);
    uint64_t passed_ns = monotonic_ns() - begin_ns;
    assert_true(passed_ns >= 4 * MS && passed_ns < 1000 * MS);
}

static void the_time_stands_still_in_a_pass_and_goes_on_outside(void **state)
{
    int peer = connect_pair(&heard, transport);
    transport->class_->want(heard.socket, true, false);
    send_exactly(peer, "x", 1);
    run_until(transport, &heard.readable, 1);
    assert_true(heard.now_ns <= monotonic_ns());
    uint64_t first_ns = transport->class_->now_ns(transport);
    while (transport->class_->now_ns(transport) == first_ns) {
    }
    assert_true(first_ns >= heard.now_ns);
    close(peer);
}

/* ------------------------------------------------------------------ waiting for one socket */

static int connect_for_waiting(void)
{
    memset(&heard, 0, sizeof heard);
    int peer = connect_pair(&heard, transport);
    heard.receive_when_readable = true;
    transport->class_->want(heard.socket, true, false);
    emc__uv_arm(transport);
    return peer;
}

#define PATIENCE_NS ((uint64_t)PATIENCE_MS * MS)

static void waiting_for_a_socket_receives_what_is_there(void **state)
{
    int peer = connect_for_waiting();
    send_exactly(peer, "hello", 5);
    assert_true(emc__uv_wait_socket(transport, heard.socket, PATIENCE_NS));
    assert_int_equal(heard.length, 5);
    assert_memory_equal(heard.bytes, "hello", 5);
    assert_true(heard.now_ns <= monotonic_ns());
    close(peer);
}

static void waiting_for_a_socket_carries_a_long_answer_whole(void **state)
{
    static uint8_t bytes[60000];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 7 + i / 251);
    }
    int peer = connect_for_waiting();
    send_exactly(peer, bytes, sizeof bytes);
    while (heard.length < sizeof bytes) {
        assert_true(emc__uv_wait_socket(transport, heard.socket, PATIENCE_NS));
    }
    assert_memory_equal(heard.bytes, bytes, sizeof bytes);
    close(peer);
}

static void a_listener_that_stops_reading_loses_nothing(void **state)
{
    int peer = connect_for_waiting();
    heard.stop_reading = true;
    send_exactly(peer, "0123", 4);
    assert_true(emc__uv_wait_socket(transport, heard.socket, PATIENCE_NS));
    send_exactly(peer, "456789", 6);
    assert_false(emc__uv_wait_socket(transport, heard.socket, PATIENCE_NS));
    run_some(transport, 3);
    assert_int_equal(heard.length, 4);
    heard.stop_reading = false;
    transport->class_->want(heard.socket, true, false);
    run_until_length(&heard, 10);
    assert_memory_equal(heard.bytes, "0123456789", 10);
    close(peer);
}

static void a_listener_that_stops_within_a_long_answer_loses_nothing(void **state)
{
    static uint8_t bytes[40000];
    memset(bytes, 'v', sizeof bytes);
    int peer = connect_for_waiting();
    heard.stop_reading = true;
    send_exactly(peer, bytes, sizeof bytes);
    assert_true(emc__uv_wait_socket(transport, heard.socket, PATIENCE_NS));
    assert_int_equal(heard.readable, 0);
    assert_int_equal(heard.arrived, 1);
    heard.stop_reading = false;
    transport->class_->want(heard.socket, true, false);
    run_until_length(&heard, sizeof bytes);
    assert_memory_equal(heard.bytes, bytes, sizeof bytes);
    close(peer);
}

static void bytes_of_one_socket_never_reach_another(void **state)
{
    static struct heard other;
    memset(&other, 0, sizeof other);
    int peer = connect_for_waiting(), other_peer = connect_pair(&other, transport);
    other.receive_when_readable = true;
    transport->class_->want(other.socket, true, false);
    send_exactly(other_peer, "yours", 5);
    send_exactly(peer, "mine", 4);
    assert_true(emc__uv_wait_socket(transport, heard.socket, PATIENCE_NS));
    assert_int_equal(heard.length, 4);
    assert_memory_equal(heard.bytes, "mine", 4);
    assert_int_equal(other.length, 0);
    run_until_length(&other, 5);
    assert_memory_equal(other.bytes, "yours", 5);
    heard_abort(&other, true);
    close(peer);
    close(other_peer);
}

static void an_end_and_a_reset_are_told_to_who_waits(void **state)
{
    int peer = connect_for_waiting();
    close(peer);
    assert_true(emc__uv_wait_socket(transport, heard.socket, PATIENCE_NS));
    assert_int_equal(heard.io, EMC__IO_END);
    heard_abort(&heard, true);
    peer = connect_for_waiting();
    struct linger at_once = {1, 0};
    setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(peer);
    assert_true(emc__uv_wait_socket(transport, heard.socket, PATIENCE_NS));
    assert_int_equal(heard.io, EMC__IO_ERROR);
}

static void an_abort_while_waiting_is_legal(void **state)
{
    int peer = connect_for_waiting();
    heard.abort_when_readable = true;
    send_exactly(peer, "hello", 5);
    assert_true(emc__uv_wait_socket(transport, heard.socket, PATIENCE_NS));
    assert_null(heard.socket);
    run_some(transport, 3);
    assert_int_equal(heard.arrived, 1);
    assert_int_equal(heard.readable, 0);
    close(peer);
}

static void waiting_in_vain_ends_near_its_time(void **state)
{
    int peer = connect_for_waiting();
    uint64_t until_ns = monotonic_ns() + 10 * MS;
    (void)emc__uv_wait_socket(transport, heard.socket, 10 * MS);
    assert_int_equal(heard.readable + heard.arrived, 0);
    assert_true(monotonic_ns() < until_ns + 500 * MS);
    close(peer);
}

/* A silent socket must not keep the others from being looked at. */
static void waiting_in_vain_for_long_says_so(void **state)
{
    int peer = connect_for_waiting();
    uint64_t begin_ns = monotonic_ns();
    assert_false(emc__uv_wait_socket(transport, heard.socket, 60000 * MS));
    assert_true(monotonic_ns() < begin_ns + 5000 * MS);
    close(peer);
}

static void a_receive_outside_of_a_wait_never_blocks(void **state)
{
    int peer = connect_for_waiting();
    send_exactly(peer, "x", 1);
    assert_true(emc__uv_wait_socket(transport, heard.socket, PATIENCE_NS));
    uint8_t byte;
    struct emc__span span = {&byte, 1};
    size_t received;
    uint64_t begin_ns = monotonic_ns();
    assert_int_equal(transport->class_->recv(heard.socket, &span, 1, &received), EMC__IO_WOULD_BLOCK);
    assert_true(monotonic_ns() - begin_ns < 50 * MS);
    close(peer);
}

/* ------------------------------------------------------------------ fork */

static void in_a_child(void (*body)(int peer), int peer)
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        body(peer);
        _exit(0);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

#define CHILD_CHECK(condition) \
    do {                       \
        if (!(condition)) {    \
            _exit(__LINE__);   \
        }                      \
    } while (0)

static void child_leaves_and_reconnects(int peer)
{
    struct emc__slice slice = emc__slice_of_string("from the child");
    size_t sent;
    CHILD_CHECK(emc__uv_descriptor(transport) >= 0);
    emc__uv_after_fork(transport);
    heard.readable = 0;
    for (int i = 0; i < 3; i++) {
        emc__uv_run(transport, 0);
    }
    CHILD_CHECK(heard.readable == 0);
    CHILD_CHECK(transport->class_->send(heard.socket, &slice, 1, &sent) == EMC__IO_ERROR);
    CHILD_CHECK(transport->class_->error_text(transport, heard.socket)[0] != '\0');
    heard_abort(&heard, true);
    struct emc__endpoint endpoint;
    int listener = listen_on_loopback(&endpoint);
    CHILD_CHECK(heard_connect(&heard, transport, &endpoint, NULL) == EMC_OK);
    heard.connected = 0;
    for (int i = 0; i < 50 && heard.connected == 0; i++) {
        emc__uv_run(transport, 100);
    }
    CHILD_CHECK(heard.connected == 1);
    woken = 0;
    transport->class_->wake_at(transport, 1);
    emc__uv_run(transport, 100);
    CHILD_CHECK(woken == 1);
    heard_abort(&heard, false);
    emc__uv_transport_destroy(transport);
    close(listener);
    close(peer);
}

static void a_child_of_fork_leaves_the_parents_sockets_and_opens_its_own(void **state)
{
    int peer = connect_for_waiting();
    send_exactly(peer, "x", 1);
    transport->class_->wake_at(transport, monotonic_ns() + 1 * MS);
    emc__uv_raise(transport);
    in_a_child(child_leaves_and_reconnects, peer);
    assert_true(emc__uv_ready(transport)); /* the child took nothing from the parent's watches */
    run_until(transport, &heard.readable, 1);
    assert_int_equal(heard.io, EMC__IO_OK);
    run_until(transport, &woken, 1);
    send_exactly(peer, "y", 1);
    run_until_length(&heard, 2);
    size_t sent;
    char byte;
    struct emc__slice slice = emc__slice_of_string("z");
    assert_int_equal(transport->class_->send(heard.socket, &slice, 1, &sent), EMC__IO_OK);
    assert_int_equal(receive_exactly(peer, &byte, 1), 1);
    assert_int_equal(byte, 'z'); /* and sent nothing, neither bytes nor an end */
    close(peer);
}

static void child_destroys(int peer)
{
    emc__uv_after_fork(transport);
    emc__uv_transport_destroy(transport);
    close(peer);
}

static void a_child_may_simply_destroy(void **state)
{
    int peer = connect_for_waiting();
    in_a_child(child_destroys, peer);
    send_exactly(peer, "y", 1);
    run_until_length(&heard, 1);
    close(peer);
}

/* ------------------------------------------------------------------ the end */

static void destroy_with_everything_pending_neither_hangs_nor_leaks(void **state)
{
    static struct heard more[4];
    struct emc__endpoint endpoint, nobody = endpoint_of_nobody();
    struct emc__lookup *lookup = NULL;
    memset(more, 0, sizeof more);
    int listener = listen_on_loopback(&endpoint);
    int peer = connect_for_waiting();
    send_exactly(peer, "x", 1);
    assert_int_equal(heard_connect(&more[0], transport, &endpoint, NULL), EMC_OK);
    (void)heard_connect(&more[1], transport, &nobody, NULL);
    assert_int_equal(heard_connect(&more[2], transport, &endpoint, NULL), EMC_OK);
    heard_abort(&more[2], true);
    (void)transport->class_->lookup(transport, EMC__LOOKUP_ADDRESSES, "never-answered.invalid", 1, NULL, NULL, &lookup);
    transport->class_->wake_at(transport, 1);
    emc__uv_raise(transport);
    heard.socket = NULL; /* not aborted: destroy does that */
    emc__uv_transport_destroy(transport);
    assert_int_equal(heard.readable + more[0].connected + more[1].failed + woken, 0);
    transport = new_transport();
    close(peer);
    close(listener);
}

static void destroy_accepts_null(void **state)
{
    emc__uv_transport_destroy(NULL);
}

/* ------------------------------------------------------------------ no memory */

static long allocations_left;

static void *allocate_some(void *context, size_t size)
{
    return allocations_left-- > 0 ? emc__allocator_standard.allocate(emc__allocator_standard.context, size) : NULL;
}

static void *reallocate_some(void *context, void *pointer, size_t size)
{
    return allocations_left-- > 0 ? emc__allocator_standard.reallocate(emc__allocator_standard.context, pointer, size)
                                  : NULL;
}

static void release_any(void *context, void *pointer)
{
    emc__allocator_standard.release(emc__allocator_standard.context, pointer);
}

static void one_life(struct emc__transport *short_of_memory, const struct emc__endpoint *endpoint)
{
    static struct heard life;
    memset(&life, 0, sizeof life);
    emc_status status = heard_connect(&life, short_of_memory, endpoint, NULL);
    if (status == EMC_OK) {
        run_until(short_of_memory, &life.connected, 1);
        heard_abort(&life, true);
        return;
    }
    assert_int_equal(status, EMC_ERROR_MEMORY);
    assert_string_not_equal(short_of_memory->class_->error_text(short_of_memory, NULL), "");
}

static void each_allocation_may_fail(void **state)
{
    const emc_allocator scarce = {allocate_some, reallocate_some, release_any, NULL};
    const struct emc__log silent = {0};
    struct emc__endpoint endpoint;
    int listener = listen_on_loopback(&endpoint);
    for (long allowed = 0; allowed < 8; allowed++) {
        struct emc__transport *made = NULL;
        emc_error error = {0};
        allocations_left = allowed;
        emc_status status = emc__uv_transport_create(&scarce, &silent, NULL, &made, &error);
        if (status != EMC_OK) {
            assert_int_equal(status, EMC_ERROR_MEMORY);
            assert_int_equal(error.status, status);
            assert_string_not_equal(error.message, "");
            assert_null(made);
            continue;
        }
        one_life(made, &endpoint);
        emc__uv_transport_destroy(made);
    }
    close(listener);
}

int main(void)
{
    emc__uv_transport_destroy(new_transport()); /* libuv opens a pipe for the whole process */
#define UV_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        UV_TEST(a_wake_comes_at_its_time_and_not_before),
        UV_TEST(the_descriptor_becomes_readable_for_a_wake_without_any_call),
        UV_TEST(a_wake_that_moves_earlier_comes_earlier),
        UV_TEST(a_wake_that_moves_later_comes_at_the_later_time_only),
        UV_TEST(a_wake_that_is_taken_back_does_not_come),
        UV_TEST(a_wake_in_the_past_comes_in_the_next_pass),
        UV_TEST(a_wake_may_ask_for_the_next_one),
        UV_TEST(a_transport_without_a_wake_upcall_lets_the_time_pass),
        UV_TEST(a_raise_makes_the_descriptor_readable_until_the_next_pass),
        UV_TEST(a_raise_ends_a_wait),
        UV_TEST(a_connect_outside_of_a_pass_needs_arming_alone_to_reach_the_descriptor),
        UV_TEST(arming_makes_no_upcall_and_loses_nothing),
        UV_TEST(a_pass_waits_no_longer_than_it_is_told),
        UV_TEST(the_time_stands_still_in_a_pass_and_goes_on_outside),
        UV_TEST(waiting_for_a_socket_receives_what_is_there),
        UV_TEST(waiting_for_a_socket_carries_a_long_answer_whole),
        UV_TEST(a_listener_that_stops_within_a_long_answer_loses_nothing),
        UV_TEST(a_listener_that_stops_reading_loses_nothing),
        UV_TEST(bytes_of_one_socket_never_reach_another),
        UV_TEST(an_end_and_a_reset_are_told_to_who_waits),
        UV_TEST(an_abort_while_waiting_is_legal),
        UV_TEST(waiting_in_vain_ends_near_its_time),
        UV_TEST(waiting_in_vain_for_long_says_so),
        UV_TEST(a_receive_outside_of_a_wait_never_blocks),
        UV_TEST(a_child_of_fork_leaves_the_parents_sockets_and_opens_its_own),
        UV_TEST(a_child_may_simply_destroy),
        UV_TEST(destroy_with_everything_pending_neither_hangs_nor_leaks),
        UV_TEST(destroy_accepts_null),
        UV_TEST(each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
