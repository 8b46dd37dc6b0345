/* Receiving from the one socket that answers are due on, without a look at the others. A machine under load may let the time for that pass: then a full pass
 * takes its place, and the test tries again. */
#include "loopback.h"

#include <string.h>
#include <unistd.h>

#include "base/timer_wheel.h"

#define MS       1000000ull
#define ATTEMPTS 10000

static struct emc__transport *transport;
static struct heard heard, other;
static int peer;

static int set_up(void **state)
{
    memset(&heard, 0, sizeof heard);
    memset(&other, 0, sizeof other);
    transport = new_transport();
    peer = connect_pair(&heard, transport);
    heard.receive_when_readable = true;
    transport->class_->want(heard.socket, true, false);
    emc__uv_arm(transport);
    return 0;
}

static int tear_down(void **state)
{
    heard_abort(&heard, true);
    heard_abort(&other, true);
    emc__uv_transport_destroy(transport);
    close(peer);
    return 0;
}

static void receive_in_a_pass(void)
{
    send_exactly(peer, "p", 1);
    heard.length = 0;
    run_until_length(&heard, 1);
    heard.length = 0;
}

static void a_socket_gives_what_is_there_without_a_pass(void **state)
{
    bool taken = false;
    for (int i = 0; i < ATTEMPTS && !taken; i++) {
        receive_in_a_pass();
        send_exactly(peer, "hello", 5);
        taken = emc__uv_take_socket(transport, heard.socket, EMC__NEVER);
        run_until_length(&heard, 5);
        assert_int_equal(heard.length, 5);
        assert_memory_equal(heard.bytes, "hello", 5);
    }
    assert_true(taken);
}

static void the_others_have_their_turn_however_much_it_gives(void **state)
{
    int other_peer = connect_pair(&other, transport);
    other.receive_when_readable = true;
    transport->class_->want(other.socket, true, false);
    emc__uv_arm(transport);
    receive_in_a_pass();
    send_exactly(other_peer, "x", 1);
    uint64_t begin_ns = monotonic_ns();
    do {
        heard.length = 0;
        send_exactly(peer, "y", 1);
    } while (emc__uv_take_socket(transport, heard.socket, EMC__NEVER));
    assert_true(monotonic_ns() < begin_ns + 1000 * MS);
    run_until_length(&other, 1);
    close(other_peer);
}

static void what_is_due_comes_first(void **state)
{
    receive_in_a_pass();
    send_exactly(peer, "x", 1);
    assert_false(emc__uv_take_socket(transport, heard.socket, monotonic_ns()));
    assert_int_equal(heard.length, 0);
}

static void after_a_vain_one_a_pass_is_due(void **state)
{
    receive_in_a_pass();
    assert_false(emc__uv_take_socket(transport, heard.socket, EMC__NEVER));
    send_exactly(peer, "x", 1);
    assert_false(emc__uv_take_socket(transport, heard.socket, EMC__NEVER));
    assert_int_equal(heard.length, 0);
    run_until_length(&heard, 1);
}

static void what_was_raised_is_heard_by_a_pass(void **state)
{
    receive_in_a_pass();
    send_exactly(peer, "x", 1);
    emc__uv_raise(transport);
    assert_false(emc__uv_take_socket(transport, heard.socket, EMC__NEVER));
    assert_int_equal(heard.length, 0);
}

static void an_end_is_told(void **state)
{
    receive_in_a_pass();
    close(peer);
    peer = -1;
    (void)emc__uv_take_socket(transport, heard.socket, EMC__NEVER);
    run_until(transport, &heard.readable, 2);
    assert_int_equal(heard.io, EMC__IO_END);
}

static void a_listener_may_abort(void **state)
{
    receive_in_a_pass();
    heard.abort_when_readable = true;
    send_exactly(peer, "x", 1);
    (void)emc__uv_take_socket(transport, heard.socket, EMC__NEVER);
    run_until(transport, &heard.readable, 2);
    assert_null(heard.socket);
}

#define TAKE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TAKE_TEST(a_socket_gives_what_is_there_without_a_pass),
        TAKE_TEST(the_others_have_their_turn_however_much_it_gives),
        TAKE_TEST(what_is_due_comes_first),
        TAKE_TEST(after_a_vain_one_a_pass_is_due),
        TAKE_TEST(what_was_raised_is_heard_by_a_pass),
        TAKE_TEST(an_end_is_told),
        TAKE_TEST(a_listener_may_abort),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
