/* `emcache nodes`: the cluster as its management view tells it: health, versions, pools. */
#include <emcache.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "loop.h"
#include "numbers.h"
#include "options.h"
#include "report.h"
#include "session.h"
#include "survey.h"
#include "table.h"

/* How long a node that does not answer is given to be found unhealthy: beyond the library's second, so that the table tells the truth. */
#define VERDICT_NS (1500 * NS_PER_MS)

/* What is known about one node. */
struct node_row {
    char address[EMC_ADDRESS_TEXT_SIZE];
    emc_node_state state;
    emc_pool_metrics metrics;
};

/* ------------------------------------------------------------------ asking */

/* Whether each node that did not answer is known to be unhealthy by now. */
static bool verdicts_are_in(const void *context)
{
    const struct survey *survey = ((const void *const *)context)[0];
    emc_cluster_management *view = ((void *const *)context)[1];
    for (size_t i = 0; i < survey->count; i++) {
        emc_node_state state;
        bool known = emc_cluster_node_state(view, survey->answers[i].node, &state) == EMC_OK;
        if (survey->answers[i].status != EMC_OK && known && state.healthy) {
            return false;
        }
    }
    return true;
}

/* Asks every node, so that the figures are those of nodes that were really reached. False when it was interrupted. */
static bool ask_nodes(struct session *session, struct survey *survey)
{
    survey_ask(survey, session);
    if (!survey_wait(survey, session)) {
        return false;
    }
    const void *context[] = {survey, session->view};
    return loop_run(session->client, clock_now_ns() + VERDICT_NS, verdicts_are_in, context);
}

static void read_row(const struct session *session, size_t index, struct node_row *row)
{
    const emc_address *node = &session->servers.nodes[index];
    *row = (struct node_row){.address = ""};
    emc_address_format(node, row->address, sizeof(row->address));
    (void)emc_cluster_node_state(session->view, node, &row->state);
    (void)emc_cluster_connection_pool_metrics(session->view, node, &row->metrics);
    if (row->metrics.connections_created == 0) { /* nothing was measured */
        row->metrics.connect_time_average_s = row->metrics.connect_time_p50_s = -1;
        row->metrics.connect_time_p99_s = row->metrics.connect_time_worst_s = -1;
    }
    if (row->metrics.operations_executed == 0) {
        row->metrics.operation_time_p50_s = row->metrics.operation_time_p99_s = row->metrics
                                                                                    .operation_time_worst_s = -1;
    }
}

/* ------------------------------------------------------------------ as a table */

static const struct table_column columns[] = {
    {"node", false},  {"health", false}, {"version", false}, {"conns", true},  {"created", true},
    {"failed", true}, {"purged", true},  {"closed", true},   {"ops", true},    {"errors", true},
    {"waited", true}, {"avg ms", true},  {"p50 ms", true},   {"p99 ms", true}, {"worst ms", true},
};

static void count_cell(struct table *table, uint64_t number, enum style style)
{
    char text[NUMBER_TEXT_SIZE];
    table_cell(table, number == 0 ? STYLE_DIM : style, "%s", number_text(number, text));
}

static void measure_cell(struct table *table, double seconds)
{
    char text[NUMBER_TEXT_SIZE];
    table_cell(table, seconds < 0 ? STYLE_DIM : STYLE_PLAIN, "%s", number_ms_text(seconds, text));
}

static void add_row(struct table *table, const struct node_row *row)
{
    const emc_pool_metrics *metrics = &row->metrics;
    bool healthy = row->state.healthy;
    table_cell(table, STYLE_PLAIN, "%s", row->address);
    table_cell(table, healthy ? STYLE_GOOD : STYLE_BAD, "%s", healthy ? "healthy" : "unhealthy");
    table_cell(table, STYLE_PLAIN, "%s", row->state.server_version[0] != '\0' ? row->state.server_version : "-");
    count_cell(table, metrics->connections, STYLE_PLAIN);
    count_cell(table, metrics->connections_created, STYLE_PLAIN);
    count_cell(table, metrics->connections_created_with_error, STYLE_BAD);
    count_cell(table, metrics->connections_purged, STYLE_PLAIN);
    count_cell(table, metrics->connections_closed, STYLE_PLAIN);
    count_cell(table, metrics->operations_executed, STYLE_PLAIN);
    count_cell(table, metrics->operations_with_error, STYLE_BAD);
    count_cell(table, metrics->operations_waited, STYLE_PLAIN);
    measure_cell(table, metrics->connect_time_average_s);
    measure_cell(table, metrics->connect_time_p50_s);
    measure_cell(table, metrics->connect_time_p99_s);
    measure_cell(table, metrics->connect_time_worst_s);
}

/* ------------------------------------------------------------------ as blocks, where the window is too narrow */

static void write_block_connecting(struct canvas *canvas, const emc_pool_metrics *metrics)
{
    char average[NUMBER_TEXT_SIZE];
    char p50[NUMBER_TEXT_SIZE];
    char p99[NUMBER_TEXT_SIZE];
    char worst[NUMBER_TEXT_SIZE];
    canvas_put(canvas, STYLE_DIM, "  connecting   ");
    canvas_format(canvas, STYLE_PLAIN, "%s ms on average, p50 %s, p99 %s, worst %s",
                  number_ms_text(metrics->connect_time_average_s, average),
                  number_ms_text(metrics->connect_time_p50_s, p50), number_ms_text(metrics->connect_time_p99_s, p99),
                  number_ms_text(metrics->connect_time_worst_s, worst));
    canvas_end_line(canvas);
}

static void write_block(struct canvas *canvas, const struct node_row *row)
{
    const emc_pool_metrics *metrics = &row->metrics;
    bool healthy = row->state.healthy;
    canvas_put(canvas, STYLE_BOLD, row->address);
    canvas_put(canvas, healthy ? STYLE_GOOD : STYLE_BAD, healthy ? "  healthy" : "  unhealthy");
    canvas_format(canvas, STYLE_PLAIN, "  %s", row->state.server_version);
    canvas_end_line(canvas);
    canvas_put(canvas, STYLE_DIM, "  connections  ");
    canvas_format(canvas, STYLE_PLAIN,
                  "%u now, %" PRIu64 " created, %" PRIu64 " failed, %" PRIu64 " purged, %" PRIu64 " closed",
                  (unsigned)metrics->connections, metrics->connections_created, metrics->connections_created_with_error,
                  metrics->connections_purged, metrics->connections_closed);
    canvas_end_line(canvas);
    canvas_put(canvas, STYLE_DIM, "  operations   ");
    canvas_format(canvas, STYLE_PLAIN, "%" PRIu64 " answered, %" PRIu64 " errors, %" PRIu64 " waited",
                  metrics->operations_executed, metrics->operations_with_error, metrics->operations_waited);
    canvas_end_line(canvas);
    if (metrics->connect_time_average_s >= 0) {
        write_block_connecting(canvas, metrics);
    }
}

static void write_blocks(const struct session *session, struct canvas *canvas)
{
    for (size_t i = 0; i < session->servers.count; i++) {
        struct node_row row;
        read_row(session, i, &row);
        write_block(canvas, &row);
    }
}

static void write_reason(struct canvas *canvas, const struct node_row *row)
{
    if (row->state.healthy) {
        return;
    }
    canvas_glyph(canvas, STYLE_BAD, GLYPH_UNHEALTHY);
    canvas_format(canvas, STYLE_PLAIN, " %s: unhealthy for %.1f s: %s", row->address,
                  (double)row->state.state_age_ms / 1000, row->state.reason);
    canvas_end_line(canvas);
}

/* ------------------------------------------------------------------ as a picture for people */

static bool write_nodes(const struct session *session, struct canvas *canvas, const struct terminal *terminal)
{
    struct table table = {.columns = columns, .column_count = sizeof(columns) / sizeof(columns[0])};
    struct node_row row;
    for (size_t i = 0; i < session->servers.count; i++) {
        read_row(session, i, &row);
        add_row(&table, &row);
    }
    if (terminal->columns != 0 && table_width(&table) > terminal->columns) {
        write_blocks(session, canvas);
    } else {
        table_write(&table, canvas);
    }
    for (size_t i = 0; i < session->servers.count; i++) {
        read_row(session, i, &row);
        write_reason(canvas, &row);
    }
    table_deinit(&table);
    return !table.failed && !canvas->failed;
}

/* ------------------------------------------------------------------ as JSON */

/* The names are the header's. */
static void write_node_json(struct json *json, const struct node_row *row)
{
    const emc_pool_metrics *metrics = &row->metrics;
    json_open(json, NULL, '{');
    json_string(json, "address", row->address);
    json_bool(json, "healthy", row->state.healthy);
    json_string(json, "reason", row->state.reason);
    json_string(json, "server_version", row->state.server_version);
    json_unsigned(json, "weight", row->state.weight);
    json_unsigned(json, "state_age_ms", row->state.state_age_ms);
    json_unsigned(json, "deletes_remembered", row->state.deletes_remembered);
    json_unsigned(json, "deletes_forgotten", row->state.deletes_forgotten);
    json_unsigned(json, "connections", metrics->connections);
    json_unsigned(json, "connections_created", metrics->connections_created);
    json_unsigned(json, "connections_created_with_error", metrics->connections_created_with_error);
    json_unsigned(json, "connections_purged", metrics->connections_purged);
    json_unsigned(json, "connections_closed", metrics->connections_closed);
    json_unsigned(json, "operations_executed", metrics->operations_executed);
    json_unsigned(json, "operations_with_error", metrics->operations_with_error);
    json_unsigned(json, "operations_waited", metrics->operations_waited);
    json_measure(json, "connect_time_average_s", metrics->connect_time_average_s);
    json_measure(json, "connect_time_p50_s", metrics->connect_time_p50_s);
    json_measure(json, "connect_time_p99_s", metrics->connect_time_p99_s);
    json_measure(json, "connect_time_worst_s", metrics->connect_time_worst_s);
    json_unsigned(json, "operations_in_flight", metrics->operations_in_flight);
    json_measure(json, "operation_time_p50_s", metrics->operation_time_p50_s);
    json_measure(json, "operation_time_p99_s", metrics->operation_time_p99_s);
    json_measure(json, "operation_time_worst_s", metrics->operation_time_worst_s);
    json_close(json, '}');
}

static void write_json(const struct session *session)
{
    struct json json = {.file = stdout};
    json_open(&json, NULL, '[');
    for (size_t i = 0; i < session->servers.count; i++) {
        struct node_row row;
        read_row(session, i, &row);
        write_node_json(&json, &row);
    }
    json_close(&json, ']');
}

/* ------------------------------------------------------------------ the command */

/* What the options say about repeating. */
struct repetition {
    bool watch;
    double interval_s;
    uint64_t rounds; /* 0: until Ctrl-C */
};

static bool read_repetition(const struct invocation *invocation, struct repetition *repetition)
{
    *repetition = (struct repetition){invocation->options[OPTION_WATCH] != NULL, 1, 0};
    if (invocation->options[OPTION_JSON] != NULL && repetition->watch) {
        complain("nodes: --json and --watch exclude each other");
        return false;
    }
    bool repeats = invocation->options[OPTION_INTERVAL] != NULL || invocation->options[OPTION_COUNT] != NULL;
    if (repeats && !repetition->watch) {
        complain("nodes: --interval and --count go with --watch");
        return false;
    }
    return options_seconds(invocation, OPTION_INTERVAL, 0.05, 3600, &repetition->interval_s) &&
           options_unsigned(invocation, OPTION_COUNT, 1, UINT32_MAX, &repetition->rounds);
}

/* One round of --watch, or the one of the plain command. */
static bool show(struct session *session, struct canvas *canvas, bool in_place)
{
    struct terminal terminal = terminal_look();
    canvas_begin(canvas, &terminal, in_place);
    return write_nodes(session, canvas, &terminal) && canvas_flush(canvas);
}

static enum exit_code watch(struct session *session, struct survey *survey, const struct repetition *repetition)
{
    struct canvas canvas = {.text = NULL};
    bool in_place = terminal_look().interactive;
    bool going = true;
    bool written = true;
    if (in_place) {
        terminal_enter();
    }
    for (uint64_t round = 0; going && written && (repetition->rounds == 0 || round < repetition->rounds); round++) {
        uint64_t next_ns = clock_now_ns() + (uint64_t)(repetition->interval_s * (double)NS_PER_S);
        going = ask_nodes(session, survey);
        written = !going || show(session, &canvas, in_place);
        going = going && loop_run(session->client, next_ns, NULL, NULL);
    }
    if (in_place) {
        terminal_leave();
    }
    canvas_deinit(&canvas);
    return written ? EXIT_CODE_OK : EXIT_CODE_ERROR;
}

static enum exit_code show_once(const struct invocation *invocation, struct session *session, struct survey *survey)
{
    if (!ask_nodes(session, survey)) {
        return EXIT_CODE_ERROR;
    }
    if (invocation->options[OPTION_JSON] != NULL) {
        write_json(session);
        return EXIT_CODE_OK;
    }
    struct canvas canvas = {.text = NULL};
    bool written = show(session, &canvas, false);
    canvas_deinit(&canvas);
    return written ? EXIT_CODE_OK : EXIT_CODE_ERROR;
}

enum exit_code command_nodes(const struct invocation *invocation)
{
    struct repetition repetition;
    struct session session;
    struct survey survey;
    if (!read_repetition(invocation, &repetition)) {
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = session_open(invocation, &session);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    sigset_t saved;
    interrupt_hold(&saved);
    if (!survey_init(&survey, &session)) {
        code = report_memory();
    } else {
        code = repetition.watch ? watch(&session, &survey, &repetition) : show_once(invocation, &session, &survey);
    }
    session_close(&session); /* before the survey: an open question is answered here */
    survey_deinit(&survey);
    interrupt_restore(&saved);
    return code;
}
