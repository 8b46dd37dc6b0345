/* `emcache top`: what the servers do, all their clients together. The servers' own counters are asked for each round (`stats`), and `version` is asked
 * ten times a second to time the way there. */
#include <emcache.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "latency.h"
#include "loop.h"
#include "numbers.h"
#include "options.h"
#include "report.h"
#include "session.h"
#include "survey.h"
#include "table.h"

#define PING_NS (100 * NS_PER_MS)

/* The counters that are shown, by their names in `stats`. */
enum counter {
    COUNTER_GET,
    COUNTER_HITS,
    COUNTER_SET,
    COUNTER_TOUCH,
    COUNTER_EVICTIONS,
    COUNTER_READ,
    COUNTER_WRITTEN,
    COUNTER_CONNECTIONS,
    COUNTER_ITEMS,
    COUNTER_BYTES,
    COUNTER_LIMIT,
    COUNTER_COUNT
};

static const char *const counter_names[COUNTER_COUNT] = {
    [COUNTER_GET] = "cmd_get",           [COUNTER_HITS] = "get_hits",
    [COUNTER_SET] = "cmd_set",           [COUNTER_TOUCH] = "cmd_touch",
    [COUNTER_EVICTIONS] = "evictions",   [COUNTER_READ] = "bytes_read",
    [COUNTER_WRITTEN] = "bytes_written", [COUNTER_CONNECTIONS] = "curr_connections",
    [COUNTER_ITEMS] = "curr_items",      [COUNTER_BYTES] = "bytes",
    [COUNTER_LIMIT] = "limit_maxbytes",
};

/* One reading of a node's counters. */
struct reading {
    bool complete;
    uint64_t taken_ns;
    uint64_t counters[COUNTER_COUNT];
};

struct top_node {
    const emc_address *address;
    struct top *top;
    struct reading before;
    struct reading now;
    struct latency pings;
    char words[EMC_ERROR_MESSAGE_SIZE]; /* why the last reading failed */
};

struct top {
    struct session *session;
    struct top_node *nodes;
    size_t count;
    size_t open; /* readings under way */
    struct survey survey;
    struct canvas canvas;
};

/* ------------------------------------------------------------------ asking */

static void take_counter(struct reading *reading, const emc_result *result)
{
    char text[NUMBER_TEXT_SIZE];
    for (size_t i = 0; i < COUNTER_COUNT; i++) {
        bool same = strlen(counter_names[i]) == result->key_length &&
                    memcmp(counter_names[i], result->key, result->key_length) == 0;
        if (same && result->value != NULL) {
            snprintf(text, sizeof(text), "%.*s", (int)result->value_length, (const char *)result->value);
            (void)number_read_unsigned(text, 0, UINT64_MAX, &reading->counters[i]);
            return;
        }
    }
}

static void on_stats(void *user_data, const emc_result *result)
{
    struct top_node *node = user_data;
    if (result->status == EMC_OK && result->key != NULL) {
        take_counter(&node->now, result);
    }
    if (result->last) {
        node->now.complete = result->status == EMC_OK;
        node->now.taken_ns = clock_now_ns();
        const char *words = result->message != NULL ? result->message : emc_status_text(result->status);
        snprintf(node->words, sizeof(node->words), "%s", result->status == EMC_OK ? "" : words);
        node->top->open--;
    }
}

static void ask_stats(struct top *top)
{
    for (size_t i = 0; i < top->count; i++) {
        struct top_node *node = &top->nodes[i];
        emc_call call = {.callback = on_stats, .user_data = node};
        if (node->now.complete) {
            node->before = node->now;
        }
        node->now = (struct reading){.complete = false};
        top->open++;
        if (emc_stats_async(top->session->client, node->address, NULL, &call) != EMC_OK) {
            snprintf(node->words, sizeof(node->words), "%s", emc_client_error_message(top->session->client));
            top->open--;
        }
    }
}

static bool stats_are_in(const void *context)
{
    const struct top *top = context;
    return top->open == 0;
}

static void keep_pings(struct top *top)
{
    for (size_t i = 0; i < top->count; i++) {
        struct top_node *node = &top->nodes[i];
        if (top->survey.answers[i].status == EMC_OK) {
            latency_add(&node->pings, top->survey.answers[i].seconds);
        }
    }
}

/* Pings until the round is over. False when it was interrupted. */
static bool ping_until(struct top *top, uint64_t until_ns)
{
    while (clock_now_ns() < until_ns) {
        uint64_t next_ns = clock_now_ns() + PING_NS;
        survey_ask(&top->survey, top->session);
        if (!survey_wait(&top->survey, top->session)) {
            return false;
        }
        keep_pings(top);
        if (!loop_run(top->session->client, next_ns < until_ns ? next_ns : until_ns, NULL, NULL)) {
            return false;
        }
    }
    return true;
}

/* ------------------------------------------------------------------ showing */

/* Per second, between the two readings; -1 when there are not two of the same server's life. */
static double rate_of(const struct top_node *node, enum counter counter)
{
    bool two = node->before.complete && node->now.complete && node->now.taken_ns > node->before.taken_ns;
    if (!two || node->now.counters[counter] < node->before.counters[counter]) {
        return -1;
    }
    double seconds = (double)(node->now.taken_ns - node->before.taken_ns) / (double)NS_PER_S;
    return (double)(node->now.counters[counter] - node->before.counters[counter]) / seconds;
}

static void rate_cell(struct table *table, double rate)
{
    char text[NUMBER_TEXT_SIZE];
    if (rate < 0) {
        table_cell(table, STYLE_DIM, "-");
    } else {
        table_cell(table, rate > 0 ? STYLE_PLAIN : STYLE_DIM, "%s", number_text((uint64_t)(rate + 0.5), text));
    }
}

static void ms_cell(struct table *table, double seconds)
{
    char text[NUMBER_TEXT_SIZE];
    table_cell(table, seconds < 0 ? STYLE_DIM : STYLE_PLAIN, "%s", number_ms_text(seconds, text));
}

static void bytes_cell(struct table *table, double bytes, bool known)
{
    char text[NUMBER_TEXT_SIZE];
    table_cell(table, known ? STYLE_PLAIN : STYLE_DIM, "%s", known ? number_bytes_text(bytes, text) : "-");
}

static void add_rates(struct table *table, const struct top_node *node)
{
    double gets = rate_of(node, COUNTER_GET);
    double hits = rate_of(node, COUNTER_HITS);
    double sets = rate_of(node, COUNTER_SET);
    double touches = rate_of(node, COUNTER_TOUCH);
    rate_cell(table, gets < 0 || sets < 0 || touches < 0 ? -1 : gets + sets + touches);
    rate_cell(table, gets);
    if (gets > 0 && hits >= 0) {
        table_cell(table, STYLE_PLAIN, "%.1f", 100 * hits / gets);
    } else {
        table_cell(table, STYLE_DIM, "-");
    }
    rate_cell(table, sets);
    rate_cell(table, rate_of(node, COUNTER_EVICTIONS));
}

static void add_node(struct table *table, const struct top_node *node, bool healthy)
{
    char text[EMC_ADDRESS_TEXT_SIZE];
    const struct reading *now = &node->now;
    emc_address_format(node->address, text, sizeof(text));
    table_cell(table, STYLE_PLAIN, "%s", text);
    table_cell(table, healthy ? STYLE_GOOD : STYLE_BAD, "%s", healthy ? "healthy" : "unhealthy");
    ms_cell(table, latency_at(&node->pings, 0.5));
    ms_cell(table, latency_at(&node->pings, 0.99));
    add_rates(table, node);
    double in = rate_of(node, COUNTER_READ);
    double out = rate_of(node, COUNTER_WRITTEN);
    bytes_cell(table, in, in >= 0);
    bytes_cell(table, out, out >= 0);
    table_cell(table, STYLE_PLAIN, "%" PRIu64, now->counters[COUNTER_CONNECTIONS]);
    table_cell(table, STYLE_PLAIN, "%" PRIu64, now->counters[COUNTER_ITEMS]);
    double limit = (double)now->counters[COUNTER_LIMIT];
    bytes_cell(table, (double)now->counters[COUNTER_BYTES], now->complete);
    table_bar(table, STYLE_NODE_A, limit > 0 ? (double)now->counters[COUNTER_BYTES] / limit : 0);
}

static void write_title(struct top *top, size_t healthy)
{
    char text[64];
    time_t now = time(NULL);
    struct tm local;
    strftime(text, sizeof(text), "%H:%M:%S", localtime_r(&now, &local));
    canvas_put(&top->canvas, STYLE_TITLE, "emcache top");
    canvas_format(&top->canvas, STYLE_PLAIN, "  %s  %zu of %zu nodes healthy", text, healthy, top->count);
    canvas_end_line(&top->canvas);
}

/* False when it can't be written. */
static bool show(struct top *top)
{
    static const struct table_column columns[] = {
        {"node", false},  {"health", false}, {"p50 ms", true}, {"p99 ms", true},  {"ops/s", true},
        {"gets/s", true}, {"hits %", true},  {"sets/s", true}, {"evict/s", true}, {"in/s", true},
        {"out/s", true},  {"conns", true},   {"items", true},  {"memory", true},  {"of the limit", false},
    };
    struct terminal terminal = terminal_look();
    struct table table = {.columns = columns, .column_count = sizeof(columns) / sizeof(columns[0])};
    size_t healthy = 0;
    for (size_t i = 0; i < top->count; i++) {
        emc_node_state state;
        bool known = emc_cluster_node_state(top->session->view, top->nodes[i].address, &state) == EMC_OK;
        healthy += known && state.healthy;
        add_node(&table, &top->nodes[i], known && state.healthy);
    }
    canvas_begin(&top->canvas, &terminal, terminal.interactive);
    write_title(top, healthy);
    table_write(&table, &top->canvas);
    for (size_t i = 0; i < top->count; i++) {
        char text[EMC_ADDRESS_TEXT_SIZE];
        emc_address_format(top->nodes[i].address, text, sizeof(text));
        if (!top->nodes[i].now.complete) {
            canvas_format(&top->canvas, STYLE_BAD, "%s: %s", text, top->nodes[i].words);
            canvas_end_line(&top->canvas);
        }
        top->nodes[i].pings.count = 0;
    }
    if (!terminal.interactive) {
        canvas_end_line(&top->canvas);
    }
    bool written = !table.failed && canvas_flush(&top->canvas);
    table_deinit(&table);
    return written;
}

/* ------------------------------------------------------------------ the command */

/* `rounds` 0: until Ctrl-C. */
static enum exit_code run(struct top *top, double interval_s, uint64_t rounds)
{
    bool interactive = terminal_look().interactive;
    bool going = true;
    bool written = true;
    if (interactive) {
        terminal_enter();
    }
    ask_stats(top); /* the first reading: what the first round is compared with */
    going = loop_run(top->session->client, UINT64_MAX, stats_are_in, top);
    for (uint64_t round = 0; going && written && (rounds == 0 || round < rounds); round++) {
        going = ping_until(top, clock_now_ns() + (uint64_t)(interval_s * (double)NS_PER_S));
        if (going) {
            ask_stats(top);
            going = loop_run(top->session->client, UINT64_MAX, stats_are_in, top);
        }
        written = !going || show(top);
    }
    if (interactive) {
        terminal_leave();
    }
    return written ? EXIT_CODE_OK : EXIT_CODE_ERROR;
}

static bool init(struct top *top, struct session *session)
{
    *top = (struct top){.session = session, .count = session->servers.count};
    top->nodes = calloc(top->count, sizeof(*top->nodes));
    for (size_t i = 0; top->nodes != NULL && i < top->count; i++) {
        top->nodes[i].address = &session->servers.nodes[i];
        top->nodes[i].top = top;
    }
    return top->nodes != NULL && survey_init(&top->survey, session);
}

enum exit_code command_top(const struct invocation *invocation)
{
    double interval_s = 1;
    uint64_t rounds = 0;
    if (!options_seconds(invocation, OPTION_INTERVAL, 0.1, 60, &interval_s) ||
        !options_unsigned(invocation, OPTION_COUNT, 1, UINT32_MAX, &rounds)) {
        return EXIT_CODE_USAGE;
    }
    struct session session;
    enum exit_code code = session_open(invocation, &session);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    sigset_t saved;
    struct top top;
    interrupt_hold(&saved);
    code = init(&top, &session) ? run(&top, interval_s, rounds) : report_memory();
    session_close(&session); /* first: open questions are answered here */
    survey_deinit(&top.survey);
    canvas_deinit(&top.canvas);
    free(top.nodes);
    interrupt_restore(&saved);
    return code;
}
