/* Sockets of the libuv transport over real loopback connections: establishing, bytes both ways, every kind of end. */
#include "loopback.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static struct emc__transport *transport;
static struct heard heard;
static unsigned descriptors;

static int set_up(void **state)
{
    descriptors = count_descriptors();
    memset(&heard, 0, sizeof heard);
    transport = new_transport();
    return 0;
}

static int tear_down(void **state)
{
    heard_abort(&heard, true);
    emc__uv_transport_destroy(transport);
    assert_int_equal(count_descriptors(), descriptors);
    return 0;
}

static void want(bool read, bool write)
{
    transport->class_->want(heard.socket, read, write);
}

static enum emc__io send_bytes(const void *data, size_t length, size_t *sent_out)
{
    struct emc__slice slice = emc__slice_of(data, length);
    return transport->class_->send(heard.socket, &slice, 1, sent_out);
}

/* ------------------------------------------------------------------ establishing */

static void connecting_to_a_listener_tells_connected_once(void **state)
{
    int peer = connect_pair(&heard, transport);
    run_some(transport, 3);
    assert_int_equal(heard.connected, 1);
    assert_int_equal(heard.failed + heard.readable + heard.writable, 0);
    assert_int_not_equal(heard.now_ns, 0);
    close(peer);
}

static void no_upcall_comes_from_inside_connect(void **state)
{
    struct emc__endpoint endpoint;
    int listener = listen_on_loopback(&endpoint);
    assert_int_equal(heard_connect(&heard, transport, &endpoint, NULL), EMC_OK);
    emc__uv_arm(transport);
    assert_int_equal(heard.connected, 0);
    run_until(transport, &heard.connected, 1);
    close(listener);
}

/* The system may know at once or a little later. */
static void assert_connect_fails(const struct emc__endpoint *endpoint, const char *words)
{
    emc_status status = heard_connect(&heard, transport, endpoint, NULL);
    if (status == EMC_OK) {
        run_until(transport, &heard.failed, 1);
        assert_int_equal(heard.status, EMC_ERROR_CONNECT);
        assert_string_equal(heard.message, words);
        assert_string_equal(transport->class_->error_text(transport, heard.socket), words);
        run_some(transport, 3);
        assert_int_equal(heard.failed, 1);
    } else {
        assert_int_equal(status, EMC_ERROR_CONNECT);
        assert_string_equal(transport->class_->error_text(transport, NULL), words);
    }
    assert_int_equal(heard.connected, 0);
}

static void a_refused_connection_fails_with_the_systems_words(void **state)
{
    struct emc__endpoint endpoint = endpoint_of_nobody();
    assert_connect_fails(&endpoint, strerror(ECONNREFUSED));
}

/* libuv stops a watch that sees an error; when that happens while nothing may be told, it must be told later all the same. */
static void a_refusal_seen_while_arming_is_told_in_the_next_pass(void **state)
{
    struct emc__endpoint endpoint = endpoint_of_nobody();
    assert_int_equal(heard_connect(&heard, transport, &endpoint, NULL), EMC_OK);
    for (int i = 0; i < 3; i++) {
        emc__uv_arm(transport);
    }
    assert_int_equal(heard.failed, 0);
    assert_true(emc__uv_ready(transport));
    emc__uv_run(transport, 0);
    assert_int_equal(heard.failed, 1);
}

static void a_missing_unix_socket_fails_with_the_systems_words(void **state)
{
    struct emc__endpoint endpoint;
    assert_true(emc__endpoint_from_path("/nonexistent/socket", &endpoint));
    assert_connect_fails(&endpoint, strerror(ENOENT));
}

static void a_unix_socket_connects_and_carries_bytes(void **state)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/emcache-unit-%ld", (long)getpid());
    struct emc__endpoint endpoint;
    int listener = listen_on_path(path, &endpoint);
    heard.receive_when_readable = true;
    assert_int_equal(heard_connect(&heard, transport, &endpoint, NULL), EMC_OK);
    run_until(transport, &heard.connected, 1);
    int peer = accept_one(listener);
    want(true, false);
    send_exactly(peer, "hello", 5);
    run_until_length(&heard, 5);
    assert_memory_equal(heard.bytes, "hello", 5);
    close(peer);
    close(listener);
    unlink(path);
}

static void running_out_of_descriptors_is_told_at_once(void **state)
{
    struct rlimit limit, none;
    struct emc__endpoint endpoint;
    int listener = listen_on_loopback(&endpoint);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = (rlim_t)dup(0);
    close((int)none.rlim_cur);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    emc_status status = heard_connect(&heard, transport, &endpoint, NULL);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(status, EMC_ERROR_FULL);
    assert_string_equal(transport->class_->error_text(transport, NULL), strerror(EMFILE));
    assert_int_equal(heard_connect(&heard, transport, &endpoint, NULL), EMC_OK);
    run_until(transport, &heard.connected, 1);
    close(listener);
}

static void tls_without_settings_is_refused_at_once(void **state)
{
    struct emc__endpoint endpoint;
    int listener = listen_on_loopback(&endpoint);
    assert_int_equal(heard_connect(&heard, transport, &endpoint, "localhost"), EMC_ERROR_TLS);
    assert_null(heard.socket);
    close(listener);
}

/* ------------------------------------------------------------------ bytes */

static void bytes_go_out_from_several_slices_in_order(void **state)
{
    int peer = connect_pair(&heard, transport);
    struct emc__slice slices[3] = {emc__slice_of_string("one "), emc__slice_of("", 0), emc__slice_of_string("two")};
    size_t sent = 0;
    char bytes[7];
    assert_int_equal(transport->class_->send(heard.socket, slices, 3, &sent), EMC__IO_OK);
    assert_int_equal(sent, 7);
    assert_int_equal(receive_exactly(peer, bytes, 7), 7);
    assert_memory_equal(bytes, "one two", 7);
    close(peer);
}

static void sending_until_it_would_block_and_then_hearing_of_room(void **state)
{
    static uint8_t block[65536];
    int peer = connect_pair(&heard, transport);
    size_t total = 0, sent;
    enum emc__io io;
    while ((io = send_bytes(block, sizeof block, &sent)) == EMC__IO_OK) {
        total += sent;
    }
    assert_int_equal(io, EMC__IO_WOULD_BLOCK);
    run_some(transport, 3);
    assert_int_equal(heard.writable, 0);
    want(false, true);
    run_some(transport, 3);
    assert_int_equal(heard.writable, 0);
    static uint8_t drain[65536];
    while (total > 0) {
        total -= receive_exactly(peer, drain, total < sizeof drain ? total : sizeof drain);
    }
    run_until(transport, &heard.writable, 1);
    want(false, false);
    unsigned before = heard.writable;
    run_some(transport, 3);
    assert_int_equal(heard.writable, before);
    close(peer);
}

/* The peer's system takes what its buffers hold; the rest waits here until the peer reads. */
static void the_flow_tells_what_was_sent_and_what_the_peers_system_took(void **state)
{
    static uint8_t bytes[65536];
    int peer = connect_pair(&heard, transport);
    size_t total = 0, sent = 0;
    struct emc__flow before, after;
    while (send_bytes(bytes, sizeof bytes, &sent) == EMC__IO_OK) {
        total += sent;
    }
    transport->class_->flow(heard.socket, &before);
    assert_int_equal(before.sent, total);
    assert_true(before.taken <= before.sent);
    for (size_t taken = 0; taken < total; taken += sizeof bytes) {
        size_t length = total - taken < sizeof bytes ? total - taken : sizeof bytes;
        assert_int_equal(receive_exactly(peer, bytes, length), length);
    }
    uint64_t end_ns = monotonic_ns() + PATIENCE_MS * UINT64_C(1000000);
    do { /* its last word is on the way */
        transport->class_->flow(heard.socket, &after);
    } while (after.taken < total && monotonic_ns() < end_ns);
    assert_int_equal(after.sent, total);
    assert_int_equal(after.taken, total);
#ifdef __linux__
    assert_true(before.taken < total);
#endif
    close(peer);
}

static void readable_repeats_each_pass_until_the_bytes_are_taken(void **state)
{
    int peer = connect_pair(&heard, transport);
    want(true, false);
    send_exactly(peer, "x", 1);
    run_until(transport, &heard.readable, 1);
    run_some(transport, 2);
    assert_int_equal(heard.readable, 3);
    heard.receive_when_readable = true;
    run_some(transport, 1);
    assert_int_equal(heard.length, 1);
    run_some(transport, 3);
    assert_int_equal(heard.readable, 4);
    close(peer);
}

static void nothing_is_told_of_bytes_that_are_not_wanted(void **state)
{
    int peer = connect_pair(&heard, transport);
    send_exactly(peer, "x", 1);
    run_some(transport, 3);
    assert_int_equal(heard.readable, 0);
    want(true, false);
    run_until(transport, &heard.readable, 1);
    close(peer);
}

static void receiving_fills_several_spans_in_order(void **state)
{
    int peer = connect_pair(&heard, transport);
    uint8_t first[3], second[5] = {0};
    struct emc__span spans[2] = {{first, sizeof first}, {second, sizeof second}};
    size_t received = 0;
    want(true, false);
    assert_int_equal(transport->class_->recv(heard.socket, spans, 2, &received), EMC__IO_WOULD_BLOCK);
    send_exactly(peer, "abcdef", 6);
    run_until(transport, &heard.readable, 1);
    assert_int_equal(transport->class_->recv(heard.socket, spans, 2, &received), EMC__IO_OK);
    assert_int_equal(received, 6);
    assert_memory_equal(first, "abc", 3);
    assert_memory_equal(second, "def", 3);
    close(peer);
}

static void no_room_and_no_bytes_are_neither_an_end_nor_an_error(void **state)
{
    int peer = connect_pair(&heard, transport);
    uint8_t byte;
    struct emc__span span = {&byte, 0};
    size_t moved = 7;
    send_exactly(peer, "x", 1);
    want(true, false);
    run_until(transport, &heard.readable, 1);
    assert_int_equal(transport->class_->recv(heard.socket, &span, 1, &moved), EMC__IO_WOULD_BLOCK);
    assert_int_equal(send_bytes("", 0, &moved), EMC__IO_WOULD_BLOCK);
    close(peer);
}

/* ------------------------------------------------------------------ ends */

static void an_orderly_end_comes_after_the_last_byte(void **state)
{
    int peer = connect_pair(&heard, transport);
    heard.receive_when_readable = true;
    want(true, false);
    send_exactly(peer, "bye", 3);
    close(peer);
    run_until_length(&heard, 3);
    while (heard.io == EMC__IO_OK) {
        run_until(transport, &heard.readable, heard.readable + 1);
    }
    assert_int_equal(heard.io, EMC__IO_END);
}

static void reset_from(int peer)
{
    struct linger at_once = {1, 0};
    assert_int_equal(setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    close(peer);
}

static void a_reset_shows_in_recv_with_the_systems_words(void **state)
{
    int peer = connect_pair(&heard, transport);
    heard.receive_when_readable = true;
    want(true, false);
    reset_from(peer);
    run_until(transport, &heard.readable, 1);
    assert_int_equal(heard.io, EMC__IO_ERROR);
    assert_string_equal(transport->class_->error_text(transport, heard.socket), strerror(ECONNRESET));
}

static void a_reset_is_told_again_each_pass_until_it_is_taken(void **state)
{
    int peer = connect_pair(&heard, transport);
    want(true, false);
    reset_from(peer);
    run_until(transport, &heard.readable, 1);
    run_until(transport, &heard.readable, 3);
    heard.receive_when_readable = true;
    run_until(transport, &heard.readable, 4);
    assert_int_equal(heard.io, EMC__IO_ERROR);
}

static void sending_into_a_broken_connection_is_an_error_and_no_signal(void **state)
{
    int peer = connect_pair(&heard, transport);
    size_t sent;
    reset_from(peer);
    enum emc__io io = EMC__IO_OK;
    for (int i = 0; i < 100 && io == EMC__IO_OK; i++) {
        io = send_bytes("x", 1, &sent);
    }
    assert_int_equal(io, EMC__IO_ERROR);
    const char *text = transport->class_->error_text(transport, heard.socket);
    assert_true(strcmp(text, strerror(EPIPE)) == 0 || strcmp(text, strerror(ECONNRESET)) == 0);
}

static void an_abort_in_order_lets_the_peer_read_to_the_end(void **state)
{
    int peer = connect_pair(&heard, transport);
    size_t sent;
    char bytes[8];
    assert_int_equal(send_bytes("last", 4, &sent), EMC__IO_OK);
    heard_abort(&heard, false);
    assert_int_equal(receive_exactly(peer, bytes, sizeof bytes), 4);
    close(peer);
}

static void an_abort_with_reset_reaches_the_peer_as_one(void **state)
{
    int peer = connect_pair(&heard, transport);
    char byte;
    heard_abort(&heard, true);
    assert_int_equal(recv(peer, &byte, 1, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    close(peer);
}

static void no_upcall_follows_an_abort(void **state)
{
    int peer = connect_pair(&heard, transport);
    want(true, true);
    send_exactly(peer, "x", 1);
    heard_abort(&heard, false);
    run_some(transport, 3);
    assert_int_equal(heard.readable + heard.writable, 0);
    close(peer);
}

static void an_abort_while_connecting_is_the_last_that_is_heard(void **state)
{
    struct emc__endpoint endpoint;
    int listener = listen_on_loopback(&endpoint);
    assert_int_equal(heard_connect(&heard, transport, &endpoint, NULL), EMC_OK);
    heard_abort(&heard, true);
    run_some(transport, 3);
    assert_int_equal(heard.connected + heard.failed, 0);
    close(listener);
}

static void an_abort_from_inside_connected_is_legal(void **state)
{
    heard.abort_when_connected = true;
    close(connect_pair(&heard, transport));
    run_some(transport, 3);
    assert_int_equal(heard.connected, 1);
    assert_null(heard.socket);
}

static void an_abort_from_inside_readable_takes_the_writable_of_the_same_pass_away(void **state)
{
    int peer = connect_pair(&heard, transport);
    heard.abort_when_readable = true;
    send_exactly(peer, "x", 1);
    char byte;
    assert_int_equal(recv(peer, &byte, 1, MSG_DONTWAIT), -1);
    want(true, true);
    while (heard.readable == 0) {
        heard.writable = 0;
        emc__uv_run(transport, 100);
    }
    assert_null(heard.socket);
    assert_int_equal(heard.writable, 0);
    run_some(transport, 3);
    assert_int_equal(heard.readable, 1);
    close(peer);
}

static void an_abort_from_inside_writable_and_failed_is_legal(void **state)
{
    int peer = connect_pair(&heard, transport);
    heard.abort_when_writable = heard.abort_when_failed = true;
    want(false, true);
    run_until(transport, &heard.writable, 1);
    assert_null(heard.socket);
    close(peer);
    struct emc__endpoint endpoint = endpoint_of_nobody();
    assert_int_equal(heard_connect(&heard, transport, &endpoint, NULL), EMC_OK);
    run_until(transport, &heard.failed, 1);
    assert_null(heard.socket);
    run_some(transport, 3);
    assert_int_equal(heard.failed, 1);
}

static struct heard other;

static void abort_the_other(void *context, uint64_t now_ns)
{
    struct heard *self = context;
    self->readable++;
    heard_abort(self == &heard ? &other : &heard, true);
}

static void an_upcall_that_aborts_another_socket_keeps_it_silent_in_the_same_pass(void **state)
{
    const struct emc__socket_listener mutual = {.connected = heard_listener.connected,
                                                .readable = abort_the_other,
                                                .writable = heard_listener.writable,
                                                .failed = heard_listener.failed};
    memset(&other, 0, sizeof other);
    int peer = connect_pair(&heard, transport), other_peer = connect_pair(&other, transport);
    transport->class_->adopt(heard.socket, &mutual, &heard);
    transport->class_->adopt(other.socket, &mutual, &other);
    want(true, false);
    transport->class_->want(other.socket, true, false);
    send_exactly(peer, "x", 1);
    send_exactly(other_peer, "x", 1);
    emc__uv_run(transport, 100);
    assert_int_equal(heard.readable + other.readable, 1);
    heard_abort(&other, true);
    close(peer);
    close(other_peer);
}

static void an_adopted_socket_tells_its_new_listener_alone(void **state)
{
    int peer = connect_pair(&heard, transport);
    memset(&other, 0, sizeof other);
    other.transport = transport;
    transport->class_->adopt(heard.socket, &heard_listener, &other);
    want(true, false);
    send_exactly(peer, "x", 1);
    run_until(transport, &other.readable, 1);
    assert_int_equal(heard.readable, 0);
    close(peer);
}

int main(void)
{
    emc__uv_transport_destroy(new_transport()); /* libuv opens a pipe for the whole process */
#define SOCKET_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        SOCKET_TEST(connecting_to_a_listener_tells_connected_once),
        SOCKET_TEST(no_upcall_comes_from_inside_connect),
        SOCKET_TEST(a_refused_connection_fails_with_the_systems_words),
        SOCKET_TEST(a_refusal_seen_while_arming_is_told_in_the_next_pass),
        SOCKET_TEST(a_missing_unix_socket_fails_with_the_systems_words),
        SOCKET_TEST(a_unix_socket_connects_and_carries_bytes),
        SOCKET_TEST(running_out_of_descriptors_is_told_at_once),
        SOCKET_TEST(tls_without_settings_is_refused_at_once),
        SOCKET_TEST(bytes_go_out_from_several_slices_in_order),
        SOCKET_TEST(sending_until_it_would_block_and_then_hearing_of_room),
        SOCKET_TEST(the_flow_tells_what_was_sent_and_what_the_peers_system_took),
        SOCKET_TEST(readable_repeats_each_pass_until_the_bytes_are_taken),
        SOCKET_TEST(nothing_is_told_of_bytes_that_are_not_wanted),
        SOCKET_TEST(receiving_fills_several_spans_in_order),
        SOCKET_TEST(no_room_and_no_bytes_are_neither_an_end_nor_an_error),
        SOCKET_TEST(an_orderly_end_comes_after_the_last_byte),
        SOCKET_TEST(a_reset_shows_in_recv_with_the_systems_words),
        SOCKET_TEST(a_reset_is_told_again_each_pass_until_it_is_taken),
        SOCKET_TEST(sending_into_a_broken_connection_is_an_error_and_no_signal),
        SOCKET_TEST(an_abort_in_order_lets_the_peer_read_to_the_end),
        SOCKET_TEST(an_abort_with_reset_reaches_the_peer_as_one),
        SOCKET_TEST(no_upcall_follows_an_abort),
        SOCKET_TEST(an_abort_while_connecting_is_the_last_that_is_heard),
        SOCKET_TEST(an_abort_from_inside_connected_is_legal),
        SOCKET_TEST(an_abort_from_inside_readable_takes_the_writable_of_the_same_pass_away),
        SOCKET_TEST(an_abort_from_inside_writable_and_failed_is_legal),
        SOCKET_TEST(an_upcall_that_aborts_another_socket_keeps_it_silent_in_the_same_pass),
        SOCKET_TEST(an_adopted_socket_tells_its_new_listener_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
