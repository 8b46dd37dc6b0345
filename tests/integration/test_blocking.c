/* Blocking calls: what they leave behind, and what the callbacks of other operations may do while they wait. */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <netinet/in.h>

#include <cmocka.h>
#include <emcache.h>

#include "scripted_server.h"
#include "servers.h"
#include "session.h"

/* More than the kernel takes from us while nobody reads. */
#define LARGE ((size_t)48 * 1024 * 1024)

static void destroy_client(void *user_data, const emc_result *result)
{
    (void)result;
    emc_client_destroy(user_data);
}

static emc_call destroying(emc_client *client)
{
    return (emc_call){.callback = destroy_client, .user_data = client};
}

/* ------------------------------------------------------------------ a server that reads when it is told to */

struct slow_reader {
    int listening, go[2];
    pthread_t thread;
    size_t changed; /* bytes that the caller wrote after its call had ended */
};

static void count_changed(struct slow_reader *reader, int connection)
{
    static char bytes[65536];
    ssize_t count;
    while ((count = recv(connection, bytes, sizeof bytes, 0)) > 0) {
        for (ssize_t i = 0; i < count; i++) {
            reader->changed += bytes[i] == '#';
        }
    }
}

static void *read_slowly(void *context)
{
    struct slow_reader *reader = context;
    char question[64];
    char byte;
    int connection = accept(reader->listening, NULL, NULL);
    if (recv(connection, question, sizeof question, 0) > 0 &&
        send(connection, "VERSION 1.6.18\r\n", 16, MSG_NOSIGNAL) == 16 && read(reader->go[0], &byte, 1) == 1) {
        count_changed(reader, connection);
    }
    close(connection);
    return NULL;
}

static emc_address slow_reader_start(struct slow_reader *reader)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    reader->changed = 0;
    reader->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(reader->listening, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(reader->listening, 1), 0);
    assert_int_equal(getsockname(reader->listening, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(pipe(reader->go), 0);
    assert_int_equal(pthread_create(&reader->thread, NULL, read_slowly, reader), 0);
    return emc_address_tcp("127.0.0.1", ntohs(address.sin_port));
}

static void slow_reader_go(struct slow_reader *reader)
{
    assert_int_equal(write(reader->go[1], "", 1), 1);
}

/* When the client is gone. */
static void slow_reader_end(struct slow_reader *reader)
{
    pthread_join(reader->thread, NULL);
    close(reader->listening);
    close(reader->go[0]);
    close(reader->go[1]);
}

static emc_options one_connection(void)
{
    emc_options options = patient_options();
    options.connections_max = 1;
    options.health_silence_ms = PATIENCE_MS;
    options.bytes_waiting_max = LARGE + LARGE / 4; /* both items, and what 32 bits allow */
    return options;
}

static void after_a_set_many_that_timed_out_its_values_are_the_callers(void **state)
{
    (void)state;
    struct slow_reader reader;
    emc_options options = one_connection();
    emc_client *client = open_client_at(slow_reader_start(&reader), &options);
    char *value = malloc(LARGE);
    assert_non_null(value);
    memset(value, 'a', LARGE);
    const emc_store_item items[] = {{{EMC_STR("small")}, EMC_STR("v"), 0, 0}, {{EMC_STR("large")}, value, LARGE, 0, 0}};
    emc_status statuses[2] = {EMC_OK, EMC_OK};
    const emc_call call = {.timeout_ms = 300};
    assert_int_equal(emc_set_many(client, items, 2, statuses, &call), EMC_ERROR_TIMEOUT);
    assert_int_equal(statuses[1], EMC_ERROR_TIMEOUT);
    memset(value, '#', LARGE);
    slow_reader_go(&reader);
    run_for(client, 500);
    emc_client_destroy(client);
    slow_reader_end(&reader);
    free(value);
    assert_int_equal(reader.changed, 0);
}

/* ------------------------------------------------------------------ outputs */

static void a_blocking_get_takes_no_notice_of_allocate_from(void **state)
{
    (void)state;
    static const struct scripted_step conversation[] = {ACCEPT,
                                                        HANDSHAKE,
                                                        EXPECT("get k\r\n"),
                                                        SEND("VALUE k 0 5\r\nhello\r\nEND\r\n"),
                                                        EXPECT("get k l\r\n"),
                                                        SEND("VALUE k 0 5\r\nhello\r\nVALUE l 0 0\r\n\r\nEND\r\n")};
    struct scripted_server *server = scripted_server_start(conversation, STEPS(conversation));
    emc_client *client = open_client_at(scripted_server_address(server), NULL);
    const emc_call call = {.allocate_from = 100};
    const emc_key keys[] = {{EMC_STR("k")}, {EMC_STR("l")}};
    emc_item item = {0}, items[2];
    assert_int_equal(emc_get(client, EMC_STR("k"), &item, &call), EMC_OK);
    assert_int_equal(item.value_length, 5);
    assert_string_equal(item.value, "hello");
    emc_item_release(&item);
    assert_int_equal(emc_get_many(client, keys, 2, items, &call), EMC_OK);
    assert_string_equal(items[0].value, "hello");
    assert_string_equal(items[1].value, "");
    emc_items_release(items, 2);
    emc_client_destroy(client);
    scripted_server_end(server);
}

struct inner {
    emc_client *client;
    emc_status status;
    emc_item items[2];
    bool called;
};

static void ask_inside(void *user_data, const emc_result *result)
{
    struct inner *inner = user_data;
    const emc_key keys[] = {{EMC_STR("k")}, {EMC_STR("l")}};
    (void)result;
    inner->status = emc_get_many(inner->client, keys, 2, inner->items, NULL);
    inner->called = true;
}

static void expect_refused_items(emc_item *items, emc_status status)
{
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(items[i].status, status);
        assert_null(items[i].value);
        assert_int_equal(items[i].value_length, 0);
    }
    emc_items_release(items, 2);
}

static void items_and_statuses_of_a_call_that_was_refused_say_so(void **state)
{
    (void)state;
    static const struct scripted_step conversation[] = {ACCEPT, HANDSHAKE, EXPECT("get a\r\n"), SEND("END\r\n")};
    struct scripted_server *server = scripted_server_start(conversation, STEPS(conversation));
    emc_client *client = open_client_at(scripted_server_address(server), NULL);
    const emc_key keys[] = {{EMC_STR("k")}, {EMC_STR("not a key")}};
    const emc_store_item stored[] = {{{EMC_STR("k")}, EMC_STR("v"), 0, 0},
                                     {{EMC_STR("not a key")}, EMC_STR("v"), 0, 0}};
    emc_item items[2];
    emc_status statuses[2] = {EMC_OK, EMC_OK};
    memset(items, 0xa5, sizeof items);
    assert_int_equal(emc_get_many(client, keys, 2, items, NULL), EMC_ERROR_KEY);
    expect_refused_items(items, EMC_ERROR_KEY);
    assert_int_equal(emc_set_many(client, stored, 2, statuses, NULL), EMC_ERROR_KEY);
    assert_int_equal(statuses[0], EMC_ERROR_KEY);
    assert_int_equal(statuses[1], EMC_ERROR_KEY);
    assert_int_equal(emc_delete_many(client, keys, 2, statuses, NULL), EMC_ERROR_KEY);
    assert_int_equal(statuses[0], EMC_ERROR_KEY);

    struct inner inner = {.client = client};
    memset(inner.items, 0xa5, sizeof inner.items);
    const emc_call call = {.callback = ask_inside, .user_data = &inner};
    assert_int_equal(emc_get_async(client, EMC_STR("a"), &call), EMC_OK);
    while (!inner.called) {
        emc_client_wait(client, 100);
    }
    assert_int_equal(inner.status, EMC_ERROR_STATE);
    expect_refused_items(inner.items, EMC_ERROR_STATE);
    emc_client_destroy(client);
    scripted_server_end(server);
}

/* ------------------------------------------------------------------ callbacks of other operations */

struct canceller {
    emc_client *client;
    uint64_t operation;
    emc_status status;
};

static void cancel_it(void *user_data, const emc_result *result)
{
    struct canceller *canceller = user_data;
    (void)result;
    canceller->status = emc_cancel(canceller->client, canceller->operation);
}

static void a_blocking_call_can_be_cancelled_by_another_operations_callback(void **state)
{
    (void)state;
    static const struct scripted_step conversation[] = {ACCEPT, HANDSHAKE, EXPECT("get a\r\nget b\r\n"),
                                                        SEND("END\r\n")};
    struct scripted_server *server = scripted_server_start(conversation, STEPS(conversation));
    emc_options options = patient_options();
    options.keys_per_line_max = 1;
    emc_client *client = open_client_at(scripted_server_address(server), &options);
    struct canceller canceller = {client, 0, EMC_ERROR_STATE};
    const emc_call first = {.callback = cancel_it, .user_data = &canceller};
    const emc_call second = {.operation_out = &canceller.operation};
    emc_item item = {0};
    assert_int_equal(emc_get_async(client, EMC_STR("a"), &first), EMC_OK);
    assert_int_equal(emc_get(client, EMC_STR("b"), &item, &second), EMC_ERROR_CANCELLED);
    assert_int_not_equal(canceller.operation, 0);
    assert_int_equal(canceller.status, EMC_OK);
    emc_client_destroy(client);
    scripted_server_end(server);
}

static void a_client_destroyed_by_what_a_blocking_call_takes_in_first_is_closed_to_it(void **state)
{
    (void)state;
    static const struct scripted_step conversation[] = {ACCEPT, HANDSHAKE, EXPECT("get a\r\n"), STALL, SEND("END\r\n")};
    struct scripted_server *server = scripted_server_start(conversation, STEPS(conversation));
    emc_client *client = open_client_at(scripted_server_address(server), NULL);
    const emc_call call = destroying(client);
    emc_item item = {0};
    assert_int_equal(emc_get_async(client, EMC_STR("a"), &call), EMC_OK);
    while (scripted_server_progress(server) < 4) { /* the get is heard */
        emc_client_wait(client, 10);
    }
    scripted_server_continue(server);
    scripted_server_wait(server, STEPS(conversation));
    assert_int_equal(emc_get(client, EMC_STR("b"), &item, NULL), EMC_ERROR_CLOSED);
    assert_null(item.value);
    scripted_server_end(server);
}

static void note_duration(void *context, const emc_trace_event *event)
{
    if (event->ended) {
        *(uint64_t *)context = event->duration_ns;
    }
}

static uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* A blocking call reads the clock before it submits. */
static void after_a_call_that_was_refused_the_next_operation_begins_when_it_is_submitted(void **state)
{
    uint64_t duration_ns = 0;
    struct outcome outcome;
    emc_item item;
    emc_options options = patient_options();
    options.trace = note_duration;
    options.trace_context = &duration_ns;
    (void)state;
    static const struct scripted_step conversation[] = {ACCEPT,          HANDSHAKE,           EXPECT("get a\r\n"),
                                                        SEND("END\r\n"), EXPECT("get a\r\n"), SEND("END\r\n")};
    struct scripted_server *server = scripted_server_start(conversation, STEPS(conversation));
    emc_client *client = open_client_at(scripted_server_address(server), &options);
    assert_int_equal(emc_get(client, EMC_STR("a"), &item, NULL), EMC_MISS);
    assert_int_equal(emc_get(client, EMC_STR("no key"), &item, NULL), EMC_ERROR_KEY);
    poll(NULL, 0, 30);
    uint64_t begin_ns = clock_ns();
    const emc_call call = keep(&outcome);
    assert_int_equal(emc_get_async(client, EMC_STR("a"), &call), EMC_OK);
    await(client, &outcome);
    assert_int_equal(outcome.status, EMC_MISS);
    assert_true(duration_ns <= clock_ns() - begin_ns);
    emc_client_destroy(client);
    scripted_server_end(server);
}

static void a_client_destroyed_while_its_cluster_is_asked_still_answers(void **state)
{
    (void)state;
    static const struct scripted_step conversation[] = {ACCEPT, HANDSHAKE, EXPECT("get a\r\n"), STALL, SEND("END\r\n")};
    struct scripted_server *server = scripted_server_start(conversation, STEPS(conversation));
    emc_client *client = open_client_at(scripted_server_address(server), NULL);
    const emc_call call = destroying(client);
    emc_node_list *list = NULL;
    assert_int_equal(emc_get_async(client, EMC_STR("a"), &call), EMC_OK);
    while (scripted_server_progress(server) < 4) { /* the get is heard */
        emc_client_wait(client, 10);
    }
    scripted_server_continue(server);
    scripted_server_wait(server, STEPS(conversation));
    assert_int_equal(emc_cluster_nodes(emc_client_cluster_management(client), &list), EMC_OK);
    assert_int_equal(list->count, 1);
    emc_node_list_destroy(list);
    scripted_server_end(server);
}

/* A key that goes to this node. */
static void key_of(emc_client *client, const emc_address *node, char key[16])
{
    for (unsigned i = 0;; i++) {
        emc_node_list *list = NULL;
        size_t length = (size_t)snprintf(key, 16, "key-%u", i);
        assert_int_equal(emc_cluster_node_for_key(emc_client_cluster_management(client), key, length, &list), EMC_OK);
        bool found = emc_address_equal(&list->nodes[0], node);
        emc_node_list_destroy(list);
        if (found) {
            return;
        }
    }
}

static void a_client_destroyed_while_a_fetch_waits_for_the_winner_is_closed_to_it(void **state)
{
    (void)state;
    static const struct scripted_step silence[] = {ACCEPT, HANDSHAKE, EXPECT("version\r\n")};
    struct server real;
    struct scripted_server *silent = scripted_server_start(silence, STEPS(silence));
    server_start(&real, NULL);
    const emc_address nodes[] = {real.address, scripted_server_address(silent)};
    emc_options options = patient_options();
    emc_client *client, *winner = open_client(&real, 1, NULL);
    assert_int_equal(emc_client_create(&client, nodes, 2, &options, NULL), EMC_OK);
    char key[16];
    emc_item item = {0};
    emc_lease lease;
    key_of(client, &real.address, key);
    assert_int_equal(emc_fetch(winner, key, strlen(key), 30, 0, 0, &item, &lease, NULL), EMC_MISS);
    assert_true(lease.won);
    emc_call call = destroying(client);
    call.timeout_ms = 200;
    assert_int_equal(emc_version_async(client, &nodes[1], &call), EMC_OK);
    assert_int_equal(emc_fetch(client, key, strlen(key), 30, 0, PATIENCE_MS, &item, &lease, NULL), EMC_ERROR_CLOSED);
    scripted_server_abandon(silent);
    emc_client_destroy(winner);
    server_kill(&real);
}

/* ------------------------------------------------------------------ the descriptor */

/* Polls the descriptor, and nothing else, until the script is so far. */
static void follow(emc_client *client, struct scripted_server *server, size_t steps)
{
    uint64_t end = clock_ms() + 3000;
    while (scripted_server_progress(server) < steps) {
        struct pollfd descriptor = {emc_client_descriptor(client), POLLIN, 0};
        if (poll(&descriptor, 1, 20) == 1) { /* else: the server has yet to see what was done */
            emc_client_process(client);
        }
        assert_true(clock_ms() < end);
    }
}

static void after_a_blocking_call_the_descriptor_tells_of_what_it_began(void **state)
{
    (void)state;
    static const struct scripted_step conversation[] = {
        ACCEPT, HANDSHAKE, EXPECT("set k 0 0 1\r\nv\r\n"), SEND("STORED\r\n"), EXPECT("set k 0 0 1\r\nw\r\n"), FINISH,
        ACCEPT, HANDSHAKE};
    struct scripted_server *server = scripted_server_start(conversation, STEPS(conversation));
    emc_options options = one_connection(); /* no timer fires that was set before */
    options.health_disconnected_ms = options.timeout_ms = options.keepalive_ms = options.connection_timeout_ms =
        2 * PATIENCE_MS;
    emc_client *client = open_client_at(scripted_server_address(server), &options);
    assert_int_equal(emc_set(client, EMC_STR("k"), EMC_STR("v"), 0, 0, NULL), EMC_OK);
    assert_int_equal(emc_set(client, EMC_STR("k"), EMC_STR("w"), 0, 0, NULL), EMC_ERROR_CONNECTION_LOST);
    follow(client, server, STEPS(conversation));
    emc_client_destroy(client);
    scripted_server_end(server);
}

/* No timer fires within the test. */
static emc_options without_timers(void)
{
    emc_options options = one_connection();
    options.health_disconnected_ms = options.timeout_ms = options.keepalive_ms = options.connection_timeout_ms =
        2 * PATIENCE_MS;
    options.backoff_min_ms = options.backoff_max_ms = 2 * PATIENCE_MS;
    return options;
}

static void after_a_node_is_added_the_descriptor_tells_of_its_connection(void **state)
{
    (void)state;
    static const struct scripted_step conversation[] = {ACCEPT, HANDSHAKE};
    struct scripted_server *first = scripted_server_start(conversation, STEPS(conversation));
    struct scripted_server *second = scripted_server_start(conversation, STEPS(conversation));
    emc_options options = without_timers();
    emc_client *client = open_client_at(scripted_server_address(first), &options);
    follow(client, first, STEPS(conversation));
    run_for(client, 50);
    const emc_address added = scripted_server_address(second);
    assert_int_equal(emc_cluster_add_node(emc_client_cluster_management(client), &added, 100, NULL), EMC_OK);
    follow(client, second, STEPS(conversation));
    emc_client_destroy(client);
    scripted_server_end(first);
    scripted_server_end(second);
}

static void after_other_credentials_the_descriptor_tells_of_the_attempt(void **state)
{
    (void)state;
    static const struct scripted_step conversation[] = {ACCEPT,
                                                        EXPECT("set _ _ _ 10\r\nuser wrong\r\n"),
                                                        SEND("CLIENT_ERROR authentication failure\r\n"),
                                                        EXPECT_END,
                                                        ACCEPT,
                                                        EXPECT("set _ _ _ 10\r\nuser right\r\n"),
                                                        SEND("STORED\r\n")};
    struct scripted_server *server = scripted_server_start(conversation, STEPS(conversation));
    emc_options options = without_timers();
    options.username = "user";
    options.password = "wrong";
    emc_client *client = open_client_at(scripted_server_address(server), &options);
    follow(client, server, 4);
    run_for(client, 50);
    assert_int_equal(emc_client_set_credentials(client, "user", "right", NULL), EMC_OK);
    follow(client, server, STEPS(conversation));
    emc_client_destroy(client);
    scripted_server_abandon(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_blocking_get_takes_no_notice_of_allocate_from),
        cmocka_unit_test(items_and_statuses_of_a_call_that_was_refused_say_so),
        cmocka_unit_test(a_blocking_call_can_be_cancelled_by_another_operations_callback),
        cmocka_unit_test(after_a_blocking_call_the_descriptor_tells_of_what_it_began),
        cmocka_unit_test(after_a_node_is_added_the_descriptor_tells_of_its_connection),
        cmocka_unit_test(after_other_credentials_the_descriptor_tells_of_the_attempt),
        cmocka_unit_test(a_client_destroyed_by_what_a_blocking_call_takes_in_first_is_closed_to_it),
        cmocka_unit_test(after_a_call_that_was_refused_the_next_operation_begins_when_it_is_submitted),
        cmocka_unit_test(a_client_destroyed_while_its_cluster_is_asked_still_answers),
        cmocka_unit_test(a_client_destroyed_while_a_fetch_waits_for_the_winner_is_closed_to_it),
        cmocka_unit_test(after_a_set_many_that_timed_out_its_values_are_the_callers),
    };
    return cmocka_run_group_tests_name("blocking", tests, NULL, NULL);
}
