/* Quiet runs against a server that answers them wrongly: whatever it says, no write is told stored that the server did not vouch for. */
#include "../fake_transport.h"

#include <stdio.h>

#define RUN 90 /* above the least run that goes quiet */

static struct told *told[RUN];

static struct fake_socket *begin_run(struct fake *fake, const char *command)
{
    struct fake_socket *socket = fake_start(fake);
    fake_forget_sent(socket);
    for (int i = 0; i < RUN; i++) {
        char key[16];
        snprintf(key, sizeof key, "q%d", i);
        told[i] = command[0] == 's' ? ask_set(fake, key, "v") : ask_delete(fake, key);
    }
    fake_pass(fake);
    char first[64];
    snprintf(first, sizeof first, "%.*s", (int)socket->sent.length, (const char *)socket->sent.data);
    assert_non_null(strstr(first, command[0] == 's' ? "ms q0 1 q O00" : "md q0 q O00"));
    fake_forget_sent(socket);
    return socket;
}

/* The answer contradicts: from `label` on nobody is told success, each is told once, and the connection is left. */
static void check_contradiction(const char *command, const char *answer, int label)
{
    struct fake *fake = fake_begin();
    struct fake_socket *socket = begin_run(fake, command);
    fake_reply(socket, answer);
    for (int i = label; i < RUN; i++) {
        expect_told(told[i], EMC_ERROR_PROTOCOL);
    }
    assert_true(socket->aborted);
    fake_end(fake);
}

static void a_quiet_reply_without_its_label_contradicts(void **state)
{
    check_contradiction("set", "NS\r\nMN\r\n", 0);
    check_contradiction("set", "NS O\r\nMN\r\n", 0);
    check_contradiction("set", "NS Onine\r\nMN\r\n", 0);
    check_contradiction("set", "NS k7\r\nMN\r\n", 0);
}

static void a_label_beyond_the_run_contradicts(void **state)
{
    check_contradiction("set", "NS O1J\r\nMN\r\n", 0);
    check_contradiction("delete", "NF O18446744073709551615\r\nMN\r\n", 0);
}

static void labels_that_go_backwards_contradict(void **state)
{
    check_contradiction("set", "NS O09\r\nNS O07\r\nMN\r\n", 10);
}

static void a_label_that_comes_twice_contradicts(void **state)
{
    check_contradiction("delete", "NF O07\r\nNF O07\r\nMN\r\n", 8);
    check_contradiction("delete", "NF O1I\r\nNF O1I\r\nMN\r\n", RUN);
}

static void a_code_that_the_command_does_not_have_contradicts(void **state)
{
    check_contradiction("set", "NF O07\r\nMN\r\n", 7);
    check_contradiction("delete", "NS O07\r\nMN\r\n", 7);
    check_contradiction("set", "EX O07\r\nMN\r\n", 7);
}

static void a_line_of_another_kind_contradicts(void **state)
{
    check_contradiction("set", "STORED\r\n", 0);
    check_contradiction("set", "ERROR\r\n", 0);
    check_contradiction("set", "CLIENT_ERROR bad data chunk\r\n", 0);
    check_contradiction("set", "VERSION 1.6.18\r\n", 0);
}

static void a_value_within_a_run_contradicts(void **state)
{
    check_contradiction("set", "VALUE q0 0 1\r\nv\r\n", 0);
    check_contradiction("set", "VA 1 O07\r\nv\r\n", 0);
}

static void success_that_is_said_aloud_is_success(void **state)
{
    struct fake *fake = fake_begin();
    struct fake_socket *socket = begin_run(fake, "set");
    fake_reply(socket, "HD O07\r\nNS O08\r\nMN\r\n");
    for (int i = 0; i < RUN; i++) {
        expect_told(told[i], i == 8 ? EMC_NOT_STORED : EMC_OK);
    }
    assert_false(socket->aborted);
    fake_end(fake);
}

static void an_unlabelled_error_leaves_what_was_silent_unknown_and_what_was_told_told(void **state)
{
    struct fake *fake = fake_begin();
    struct fake_socket *socket = begin_run(fake, "set");
    fake_reply(socket, "NS O03\r\nSERVER_ERROR out of memory storing object\r\nNS O0b\r\nMN\r\n");
    for (int i = 0; i < RUN; i++) {
        if (i == 3 || i == 50) {
            expect_told(told[i], EMC_NOT_STORED);
        } else {
            assert_true(told[i]->calls == 1 &&
                        (i < 3 ? told[i]->status == EMC_OK : told[i]->status == EMC_ERROR_OUTCOME_UNKNOWN));
        }
    }
    assert_false(socket->aborted);
    fake_end(fake);
}

static void a_run_whose_connection_ends_before_the_fence_is_lost(void **state)
{
    struct fake *fake = fake_begin();
    struct fake_socket *socket = begin_run(fake, "set");
    fake_reply(socket, "NS O03\r\n");
    fake_hang_up(socket);
    for (int i = 4; i < RUN; i++) {
        expect_told(told[i], EMC_ERROR_CONNECTION_LOST);
    }
    fake_end(fake);
}

/* ------------------------------------------------------------------ how many */

/* So many small sets in one tick; what the first of them looks like, and how much leaves at first. */
static void check_first_send(int count, const char *beginning, size_t least, size_t most)
{
    struct fake *fake = fake_begin();
    struct fake_socket *socket = fake_start(fake);
    char value[101] = {0}, key[16];
    memset(value, 'v', sizeof value - 1);
    fake_forget_sent(socket);
    for (int i = 0; i < count; i++) {
        snprintf(key, sizeof key, "q%d", i);
        ask_set(fake, key, value);
    }
    fake_pass(fake);
    assert_memory_equal(socket->sent.data, beginning, strlen(beginning));
    assert_in_range(socket->first_send, least, most);
    snprintf(key, sizeof key, " q%d ", count - 1);
    assert_non_null(memmem(socket->sent.data, socket->sent.length, key, strlen(key)));
    fake_end(fake);
}

static void thirty_two_writes_are_enough_to_go_quietly(void **state)
{
    (void)state;
    check_first_send(31, "set q0 ", 31 * 110, 31 * 130);
    check_first_send(32, "ms q0 ", 32 * 110, 32 * 130);
}

static void of_many_writes_the_first_leave_early(void **state)
{
    (void)state;
    check_first_send(511, "ms q0 ", 32 * 1024, 64 * 1024);
    check_first_send(512, "ms q0 ", 8 * 1024, 16 * 1024);
}

/* ------------------------------------------------------------------ runs longer than what one send takes */

/* The socket takes `room` bytes for now, of sets that come to more than the scratch holds. */
static struct fake_socket *begin_long_run(struct fake *fake, size_t room)
{
    struct fake_socket *socket = fake_start(fake);
    static char value[1001];
    memset(value, 'v', sizeof value - 1);
    fake_forget_sent(socket);
    socket->room = room;
    for (int i = 0; i < RUN; i++) {
        char key[16];
        snprintf(key, sizeof key, "q%d", i);
        told[i] = ask_set(fake, key, value);
    }
    fake_pass(fake);
    return socket;
}

static void the_socket_takes_all(struct fake_socket *socket)
{
    socket->room = SIZE_MAX;
    fake_writable(socket);
    fake_pass(socket->fake);
}

static const char *find(const struct fake_socket *socket, const char *words)
{
    return memmem(socket->sent.data, socket->sent.length, words, strlen(words));
}

static void expect_one_fence_at_the_end(const struct fake_socket *socket)
{
    assert_non_null(find(socket, "ms q89 1000 q O1I\r\n"));
    assert_ptr_equal(find(socket, "\r\nmn\r\n"), socket->sent.data + socket->sent.length - 6);
}

static void a_run_longer_than_a_send_has_one_fence(void **state)
{
    (void)state;
    struct fake *fake = fake_begin();
    struct fake_socket *socket = begin_long_run(fake, SIZE_MAX);
    expect_one_fence_at_the_end(socket);
    fake_reply(socket, "NS O1A\r\nMN\r\n");
    for (int i = 0; i < RUN; i++) {
        expect_told(told[i], i == 81 ? EMC_NOT_STORED : EMC_OK);
    }
    fake_end(fake);
}

static void a_run_goes_on_when_the_socket_takes_bytes_again(void **state)
{
    (void)state;
    struct fake *fake = fake_begin();
    struct fake_socket *socket = begin_long_run(fake, 1000);
    fake_reply(socket, "NS O03\r\n");
    the_socket_takes_all(socket);
    expect_one_fence_at_the_end(socket);
    fake_reply(socket, "MN\r\n");
    for (int i = 0; i < RUN; i++) {
        expect_told(told[i], i == 3 ? EMC_NOT_STORED : EMC_OK);
    }
    fake_end(fake);
}

static void a_run_whose_rest_is_cancelled_has_its_fence_all_the_same(void **state)
{
    (void)state;
    struct fake *fake = fake_begin();
    struct fake_socket *socket = begin_long_run(fake, 1000);
    for (int i = 50; i < RUN; i++) {
        assert_int_equal(emc_cancel(fake->client, told[i]->operation), EMC_OK);
    }
    fake_pass(fake);
    the_socket_takes_all(socket);
    assert_null(find(socket, "ms q89 "));
    assert_ptr_equal(find(socket, "\r\nmn\r\n"), socket->sent.data + socket->sent.length - 6);
    fake_reply(socket, "MN\r\n");
    for (int i = 0; i < RUN; i++) {
        expect_told(told[i], i < 50 ? EMC_OK : EMC_ERROR_CANCELLED);
    }
    fake_end(fake);
}

static void a_fence_answered_before_it_was_sent_contradicts(void **state)
{
    (void)state;
    struct fake *fake = fake_begin();
    struct fake_socket *socket = begin_long_run(fake, 1000);
    fake_reply(socket, "MN\r\n");
    for (int i = 0; i < 50; i++) {
        expect_told(told[i], EMC_ERROR_PROTOCOL);
    }
    assert_true(socket->aborted);
    fake_end(fake);
}

static void an_unlabelled_error_ends_a_run_that_is_still_being_sent(void **state)
{
    (void)state;
    struct fake *fake = fake_begin();
    struct fake_socket *socket = begin_long_run(fake, 1000);
    fake_reply(socket, "SERVER_ERROR out of memory storing object\r\n");
    the_socket_takes_all(socket);
    const char *fence = find(socket, "\r\nmn\r\n"), *plain = find(socket, "set q89 0 0 1000\r\n");
    assert_true(fence != NULL && plain != NULL && fence < plain);
    fake_reply(socket, "MN\r\n");
    expect_told(told[0], EMC_ERROR_OUTCOME_UNKNOWN);
    fake_reply(socket, "STORED\r\n");
    int stored = 0;
    for (int i = 0; i < RUN; i++) {
        stored += told[i]->calls == 1 && told[i]->status == EMC_OK;
    }
    assert_int_equal(stored, 1);
    fake_end(fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quiet_reply_without_its_label_contradicts),
        cmocka_unit_test(a_label_beyond_the_run_contradicts),
        cmocka_unit_test(labels_that_go_backwards_contradict),
        cmocka_unit_test(a_label_that_comes_twice_contradicts),
        cmocka_unit_test(a_code_that_the_command_does_not_have_contradicts),
        cmocka_unit_test(a_line_of_another_kind_contradicts),
        cmocka_unit_test(a_value_within_a_run_contradicts),
        cmocka_unit_test(success_that_is_said_aloud_is_success),
        cmocka_unit_test(an_unlabelled_error_leaves_what_was_silent_unknown_and_what_was_told_told),
        cmocka_unit_test(a_run_whose_connection_ends_before_the_fence_is_lost),
        cmocka_unit_test(thirty_two_writes_are_enough_to_go_quietly),
        cmocka_unit_test(of_many_writes_the_first_leave_early),
        cmocka_unit_test(a_run_longer_than_a_send_has_one_fence),
        cmocka_unit_test(a_run_goes_on_when_the_socket_takes_bytes_again),
        cmocka_unit_test(a_run_whose_rest_is_cancelled_has_its_fence_all_the_same),
        cmocka_unit_test(a_fence_answered_before_it_was_sent_contradicts),
        cmocka_unit_test(an_unlabelled_error_ends_a_run_that_is_still_being_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
