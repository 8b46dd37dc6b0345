/* Credentials reach no log and no error text, at whatever level, whatever a server does with them; and what a hostile server can cost is one connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <emcache.h>

#include "certificates.h"
#include "trial.h"

#define USER     "a-user-of-ours"
#define PASSWORD "xyzzy-plugh-42"
#define LOGIN    USER " " PASSWORD

/* ------------------------------------------------------------------ credentials */

static unsigned lines_logged;

static void look_at(const char *text)
{
    if (text != NULL && (strstr(text, PASSWORD) != NULL || strstr(text, USER) != NULL)) {
        fail_msg("a credential is in: %s", text);
    }
}

static void note_line(void *context, emc_log_level level, const char *message)
{
    (void)context;
    (void)level;
    lines_logged++;
    look_at(message);
}

static void note_event(void *user_data, const emc_cluster_event *event)
{
    (void)user_data;
    look_at(event->reason);
}

static emc_options telling_options(void)
{
    emc_options options = trial_options();
    options.username = USER;
    options.password = PASSWORD;
    options.log = note_line;
    options.log_level = EMC_LOG_DEBUG;
    options.backoff_min_ms = 1;
    options.timeout_ms = 3000;
    return options;
}

/* Everything a client says in words while it fails. Returns the status of the last operation. */
static emc_status listen_to(struct trial *trial)
{
    emc_node_state node;
    struct outcome outcome;
    emc_call call = keep(&outcome);
    lines_logged = 0;
    assert_int_equal(emc_cluster_subscribe(trial->view, note_event, NULL, NULL), EMC_OK);
    emc_status status = trial_get(trial, "k", "value", NULL);
    look_at(emc_client_error_message(trial->client));
    if (emc_get_async(trial->client, EMC_STR("k"), &call) == EMC_OK) {
        await(trial->client, &outcome);
        look_at(outcome.message);
    }
    run_for(trial->client, 30);
    assert_int_equal(emc_cluster_node_state(trial->view, &trial->address, &node), EMC_OK);
    look_at(node.reason);
    return status;
}

static void check_server(const struct server_settings *settings, const char *host, bool sasl)
{
    struct server server;
    struct trial trial;
    emc_options options = telling_options();
    options.sasl = sasl;
    server_start(&server, settings);
    trial_begin_at(&trial, emc_address_tcp(host, server.port), &options);
    assert_true(listen_to(&trial) < 0);
    assert_in_range(lines_logged, 1, 100000);
    trial_end(&trial);
    server_kill(&server);
}

static void refused_credentials_are_in_no_log_and_no_error(void **state)
{
    (void)state;
    check_server(&(struct server_settings){.ascii_authentication = true}, "127.0.0.1", false);
    check_server(NULL, "127.0.0.1", false); /* which knows no authentication */
    if (server_has_sasl()) {
        check_server(&(struct server_settings){.sasl = true}, "127.0.0.1", true);
    }
}

static void accepted_credentials_are_in_no_log_and_no_error(void **state)
{
    (void)state;
    struct server_settings settings = {.ascii_authentication = true};
    struct server server;
    struct trial trial;
    emc_options options = telling_options();
    options.username = SERVER_USER;
    options.password = SERVER_PASSWORD;
    server_start(&server, &settings);
    trial_begin_at(&trial, server.address, &options);
    assert_int_equal(trial_get(&trial, "k", "", NULL), EMC_MISS);
    server_kill(&server);
    lines_logged = 0;
    assert_true(trial_get(&trial, "k", "", NULL) < 0);
    assert_null(strstr(emc_client_error_message(trial.client), SERVER_PASSWORD));
    trial_end(&trial);
}

static void check_echo(const struct scripted_step *steps, size_t count)
{
    struct trial trial;
    emc_options options = telling_options();
    leak_check_begin(&trial.leaks);
    trial.scripted = scripted_server_start(steps, count);
    trial.proxy = NULL;
    trial.address = scripted_server_address(trial.scripted);
    trial.client = open_client_at(trial.address, &options);
    trial.view = emc_client_cluster_management(trial.client);
    assert_true(listen_to(&trial) < 0);
    scripted_server_abandon(trial.scripted);
    emc_client_destroy(trial.client);
}

/* A hostile server, or one in despair, says what it was told: its words are withheld. */
static void a_server_that_says_the_password_back_is_not_quoted(void **state)
{
    (void)state;
    char text[128];
    static const char *const replies[] = {"CLIENT_ERROR %s\r\n", "SERVER_ERROR no such user: %s\r\n", "ERROR %s\r\n",
                                          "%s\r\n"};
    char login[64];
    size_t login_length = (size_t)snprintf(login, sizeof login, "set _ _ _ %zu\r\n%s\r\n", sizeof LOGIN - 1, LOGIN);
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        size_t length = (size_t)snprintf(text, sizeof text, replies[i], LOGIN);
        const struct scripted_step steps[] = {
            ACCEPT, {SCRIPTED_EXPECT, login, login_length}, {SCRIPTED_SEND, text, length}};
        check_echo(steps, STEPS(steps));
    }
    size_t length = (size_t)snprintf(text, sizeof text, "SERVER_ERROR who is %s?\r\n", LOGIN);
    const struct scripted_step later[] = {ACCEPT,
                                          {SCRIPTED_EXPECT, login, login_length},
                                          SEND("STORED\r\n"),
                                          HANDSHAKE,
                                          EXPECT("get k\r\n"),
                                          {SCRIPTED_SEND, text, length},
                                          EXPECT("get k\r\n"),
                                          {SCRIPTED_SEND, text, length}};
    check_echo(later, STEPS(later));
}

/* At creation: everything that can be wrong beside them. */
static void a_refused_option_is_told_without_the_credentials(void **state)
{
    (void)state;
    emc_address node = emc_address_tcp("127.0.0.1", 1);
    for (unsigned i = 0; i < 6; i++) {
        emc_client *client = NULL;
        emc_error error = {EMC_OK, ""};
        emc_options options = telling_options();
        options.password = i == 0 ? PASSWORD "\r\n" : PASSWORD;
        options.username = i == 1 ? USER " x" : i == 2 ? NULL : USER;
        options.timeout_ms = i == 3 ? 0 : 1000;
        options.tls.enabled = i >= 4;
        options.tls.trust_file = i == 4 ? "/no/such/file" : NULL;
        options.tls.certificate_file = i == 5 ? certificates()->client : NULL;
        options.tls.key_file = i == 5 ? certificates()->client : NULL; /* no key in there */
        options.tls.key_password = PASSWORD;
        assert_true(emc_client_create(&client, &node, 1, &options, &error) < 0);
        assert_true(error.message[0] != '\0');
        look_at(error.message);
    }
}

/* ------------------------------------------------------------------ hostile servers */

#define MEMORY_MOST (1024u * 1024) /* far above what a client on one node holds, far below what is threatened with */

static size_t held, held_most;

static void *measure_allocate(void *context, size_t size)
{
    (void)context;
    size_t *block = malloc(size + 16);
    if (block != NULL) {
        block[0] = size;
        held += size;
        held_most = held > held_most ? held : held_most;
    }
    return block != NULL ? block + 2 : NULL;
}

static void measure_release(void *context, void *pointer)
{
    (void)context;
    if (pointer != NULL) {
        held -= ((size_t *)pointer)[-2];
        free((size_t *)pointer - 2);
    }
}

static void *measure_reallocate(void *context, void *pointer, size_t size)
{
    void *block = measure_allocate(context, size);
    if (block != NULL && pointer != NULL) {
        size_t old = ((size_t *)pointer)[-2];
        memcpy(block, pointer, old < size ? old : size);
        measure_release(context, pointer);
    }
    return block;
}

/* Lines, of statistics or of anything, without end: so many of them. */
static char *many_lines(const char *line, size_t count, size_t *length_out)
{
    size_t length = strlen(line);
    char *text = malloc(length * count);
    assert_non_null(text);
    for (size_t i = 0; i < count; i++) {
        memcpy(text + i * length, line, length);
    }
    *length_out = length * count;
    return text;
}

static emc_status ask(emc_client *client, const emc_address *node, bool statistics)
{
    struct outcome outcome;
    emc_call call = keep(&outcome);
    emc_status status = statistics ? emc_stats_async(client, node, NULL, &call)
                                   : emc_get_async(client, EMC_STR("k"), &call);
    assert_int_equal(status, EMC_OK);
    while (!outcome.last) {
        emc_client_wait(client, 100);
    }
    return outcome.status;
}

/* The answer to a question costs the connection, and no more memory than MEMORY_MOST. */
static void check_hostile(const char *answer, size_t length, bool statistics)
{
    const struct scripted_step steps[] = {ACCEPT,
                                          HANDSHAKE,
                                          {SCRIPTED_EXPECT, statistics ? "stats\r\n" : "get k\r\n", 7},
                                          {SCRIPTED_SEND, answer, length}};
    struct scripted_server *server = scripted_server_start(steps, STEPS(steps));
    emc_allocator allocator = {measure_allocate, measure_reallocate, measure_release, NULL};
    emc_options options = trial_options();
    emc_address node = scripted_server_address(server);
    emc_pool_metrics metrics;
    options.allocator = &allocator;
    options.timeout_ms = 2000;
    held = held_most = 0;
    emc_client *client = open_client_at(node, &options);
    uint64_t begin = clock_ms();
    assert_true(ask(client, &node, statistics) < 0);
    assert_in_range(clock_ms() - begin, 0, 2000 + SLACK_MS);
    assert_int_equal(emc_cluster_connection_pool_metrics(emc_client_cluster_management(client), &node, &metrics),
                     EMC_OK);
    assert_in_range(metrics.connections_closed, 1, 2);
    assert_in_range(held_most, 1, MEMORY_MOST);
    scripted_server_abandon(server);
    emc_client_destroy(client);
    assert_int_equal(held, 0);
}

static void an_endless_line_costs_one_connection(void **state)
{
    (void)state;
    size_t length;
    char *text = many_lines("AAAAAAAAAAAAAAAA", 1 << 17, &length); /* 2 MiB without a line end */
    check_hostile(text, length, false);
    check_hostile(text, length, true);
    free(text);
}

static void a_value_of_an_absurd_length_costs_one_connection(void **state)
{
    (void)state;
    static const char text[] = "VALUE k 0 18446744073709551615\r\nxxxx";
    static const char long_text[] = "VALUE k 0 1073741825\r\nxxxx"; /* a byte over value_length_max */
    check_hostile(text, sizeof text - 1, false);
    check_hostile(long_text, sizeof long_text - 1, false);
}

static void endless_statistics_cost_one_connection(void **state)
{
    (void)state;
    size_t length;
    char *text = many_lines("STAT name value\r\n", 200000, &length); /* stats_lines_max is 100,000 */
    check_hostile(text, length, true);
    free(text);
}

static void unasked_replies_without_end_cost_one_connection(void **state)
{
    (void)state;
    size_t length;
    char *text = many_lines("VALUE other 0 4\r\nxxxx\r\n", 100000, &length);
    check_hostile(text, length, false);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_credentials_are_in_no_log_and_no_error),
        cmocka_unit_test(accepted_credentials_are_in_no_log_and_no_error),
        cmocka_unit_test(a_server_that_says_the_password_back_is_not_quoted),
        cmocka_unit_test(a_refused_option_is_told_without_the_credentials),
        cmocka_unit_test(an_endless_line_costs_one_connection),
        cmocka_unit_test(a_value_of_an_absurd_length_costs_one_connection),
        cmocka_unit_test(endless_statistics_cost_one_connection),
        cmocka_unit_test(unasked_replies_without_end_cost_one_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
