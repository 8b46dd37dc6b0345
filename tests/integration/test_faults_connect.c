/* Faults of connecting: each with its error, a bound on the time, what becomes of the node, and nothing left behind. */
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <emcache.h>

#include "trial.h"

static struct server server;

static int start(void **state)
{
    (void)state;
    server_start(&server, NULL);
    return 0;
}

static int stop_all(void **state)
{
    (void)state;
    server_kill(&server);
    return 0;
}

/* A listener of our own that accepts nobody. */
static int listen_on(uint16_t port, int backlog)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_port = htons(port)};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int yes = 1;
    assert_true(listener >= 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, backlog), 0);
    return listener;
}

static size_t unhealthy_nodes(struct trial *trial)
{
    emc_node_list *list = NULL;
    assert_int_equal(emc_cluster_unhealthy_nodes(trial->view, &list), EMC_OK);
    size_t count = list->count;
    emc_node_list_destroy(list);
    return count;
}

/* The first operation fails so within the time a node may be without a connection, the next ones at once, and the node says why. */
static void expect_down(struct trial *trial, emc_status expected)
{
    uint64_t took_ms;
    emc_node_state node;
    expect_either(trial_get(trial, "k", "", &took_ms), expected, EMC_ERROR_NODE_DOWN);
    assert_in_range(took_ms, 0, UNHEALTHY_WITHIN_MS + SLACK_MS);
    assert_int_equal(unhealthy_nodes(trial), 1);
    assert_true(trial_get(trial, "k", "", &took_ms) < 0);
    assert_in_range(took_ms, 0, 500);
    assert_int_equal(emc_cluster_node_state(trial->view, &trial->address, &node), EMC_OK);
    assert_true(node.reason[0] != '\0');
    assert_int_equal(trial_metrics(trial).connections, 0);
}

static void a_refused_connection_fails_within_the_bound_and_later_ones_at_once(void **state)
{
    (void)state;
    struct trial trial;
    trial_begin_at(&trial, emc_address_tcp("127.0.0.1", free_port()), NULL);
    expect_down(&trial, EMC_ERROR_CONNECT);
    assert_in_range(trial_metrics(&trial).connections_created_with_error, 1, 1000);
    trial_end(&trial);
}

/* A listener whose backlog is full: further SYNs are dropped, as by a host that is gone. */
static void a_host_that_answers_no_syn_is_down_within_the_bound(void **state)
{
    (void)state;
    enum { FILLERS = 4 };
    struct trial trial;
    uint16_t port = free_port();
    int listener = listen_on(port, 0), fillers[FILLERS];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_port = htons(port)};
    for (size_t i = 0; i < FILLERS; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        connect(fillers[i], (struct sockaddr *)&address, sizeof address);
    }
    poll(NULL, 0, 20);
    trial_begin_at(&trial, emc_address_tcp("127.0.0.1", port), NULL);
    expect_down(&trial, EMC_ERROR_CONNECT);
    trial_end(&trial);
    for (size_t i = 0; i < FILLERS; i++) {
        close(fillers[i]);
    }
    close(listener);
}

static void a_host_that_accepts_and_stays_silent_is_down_within_the_bound(void **state)
{
    (void)state;
    struct trial trial;
    uint16_t port = free_port();
    int listener = listen_on(port, 64); /* the kernel accepts; nobody answers */
    trial_begin_at(&trial, emc_address_tcp("127.0.0.1", port), NULL);
    expect_down(&trial, EMC_ERROR_CONNECT);
    trial_end(&trial);
    close(listener);
}

static void a_server_that_closes_every_connection_is_down_within_the_bound(void **state)
{
    (void)state;
    struct trial trial;
    trial_begin(&trial, &server, NULL);
    proxy_refuse(trial.proxy, true);
    proxy_end_connections(trial.proxy, true);
    uint64_t begin = clock_ms();
    while (unhealthy_nodes(&trial) == 0 && clock_ms() - begin < PATIENCE_MS) {
        emc_client_wait(trial.client, 20);
    }
    assert_in_range(clock_ms() - begin, 0, UNHEALTHY_WITHIN_MS + SLACK_MS);
    expect_down(&trial, EMC_ERROR_CONNECT);
    proxy_refuse(trial.proxy, false);
    trial_recovers(&trial);
    trial_end(&trial);
}

static void a_refusal_over_the_connection_limit_is_one_failed_attempt(void **state)
{
    (void)state;
    static const struct scripted_step steps[] = {
        ACCEPT,         SEND("ERROR Too many open connections\r\n"), FINISH, ACCEPT, HANDSHAKE, EXPECT("get k\r\n"),
        SEND("END\r\n")};
    struct trial trial;
    trial_begin_scripted(&trial, steps, STEPS(steps), NULL);
    assert_int_equal(trial_get(&trial, "k", "", NULL), EMC_MISS);
    assert_int_equal(trial_metrics(&trial).connections_created_with_error, 1);
    trial_end(&trial);
}

static void a_name_that_does_not_exist_is_down_within_the_bound(void **state)
{
    (void)state;
    struct trial trial;
    trial_begin_at(&trial, emc_address_tcp("no-such-host.invalid", 11211), NULL);
    expect_down(&trial, EMC_ERROR_RESOLVE);
    trial_end(&trial);
}

static void a_name_whose_ipv6_address_is_dead_is_served_by_ipv4(void **state)
{
    (void)state;
    struct trial trial; /* the server listens on 127.0.0.1 alone */
    trial_begin_at(&trial, emc_address_tcp("localhost", server.port), NULL);
    assert_int_equal(emc_set(trial.client, EMC_STR("k"), EMC_STR("value"), 0, 0, NULL), EMC_OK);
    assert_int_equal(trial_get(&trial, "k", "value", NULL), EMC_OK);
    trial_end(&trial);
}

static void a_unix_socket_that_is_missing_is_down_within_the_bound(void **state)
{
    (void)state;
    struct trial trial;
    trial_begin_at(&trial, emc_address_unix("/no/such/socket"), NULL);
    expect_down(&trial, EMC_ERROR_CONNECT);
    trial_end(&trial);
}

/* What the process lacks says nothing about the node: it stays in the routing. */
static void without_descriptors_operations_fail_in_words_and_the_node_stays_healthy(void **state)
{
    (void)state;
    struct trial trial;
    struct rlimit limit, none;
    char words[EMC_ERROR_MESSAGE_SIZE] = "";
    trial_begin(&trial, &server, NULL);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = 3; /* below everything that is open: no descriptor can be made */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    proxy_end_connections(trial.proxy, true);
    uint64_t took_ms;
    emc_status first = trial_get(&trial, "k", "value", &took_ms), last = EMC_OK;
    for (uint64_t end = clock_ms() + 3 * UNHEALTHY_WITHIN_MS / 2; clock_ms() < end;) { /* past every bound of health */
        last = trial_get(&trial, "k", "value", NULL);
        snprintf(words, sizeof words, "%s", emc_client_error_message(trial.client));
    }
    emc_node_state node;
    emc_cluster_node_state(trial.view, &trial.address, &node);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(first < 0);
    assert_in_range(took_ms, 0, UNHEALTHY_WITHIN_MS + SLACK_MS);
    assert_int_equal(last, EMC_ERROR_CONNECT);
    assert_non_null(strstr(words, "Too many open files"));
    assert_true(node.healthy);
    trial_recovers(&trial);
    trial_end(&trial);
}

static void a_client_can_not_be_made_without_descriptors_and_says_so(void **state)
{
    (void)state;
    struct leak_check leaks;
    struct rlimit limit, none;
    emc_client *client = NULL;
    emc_error error = {EMC_OK, ""};
    leak_check_begin(&leaks);
    emc_options options = trial_options();
    options.allocator = &leaks.allocator;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    emc_status status = emc_client_create(&client, &server.address, 1, &options, &error);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(status < 0);
    assert_null(client);
    assert_true(error.message[0] != '\0');
    leak_check_end(&leaks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_connection_fails_within_the_bound_and_later_ones_at_once),
        cmocka_unit_test(a_host_that_answers_no_syn_is_down_within_the_bound),
        cmocka_unit_test(a_host_that_accepts_and_stays_silent_is_down_within_the_bound),
        cmocka_unit_test(a_server_that_closes_every_connection_is_down_within_the_bound),
        cmocka_unit_test(a_refusal_over_the_connection_limit_is_one_failed_attempt),
        cmocka_unit_test(a_name_that_does_not_exist_is_down_within_the_bound),
        cmocka_unit_test(a_name_whose_ipv6_address_is_dead_is_served_by_ipv4),
        cmocka_unit_test(a_unix_socket_that_is_missing_is_down_within_the_bound),
        cmocka_unit_test(without_descriptors_operations_fail_in_words_and_the_node_stays_healthy),
        cmocka_unit_test(a_client_can_not_be_made_without_descriptors_and_says_so),
    };
    return cmocka_run_group_tests(tests, start, stop_all);
}
