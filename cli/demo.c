/* `emcache demo`: a cluster of its own that loses a node and gets it back, grows and shrinks, under traffic. This file holds the frame: the poll() loop, the
 * samples, the events. The servers and the client are in demo_cluster.c, what happens when in demo_chapters.c, what it looks like in demo_view.c and demo_lines.c. */
#include "demo.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "loop.h"
#include "report.h"
#include "terminal.h"

#define FRAME_NS  (100 * NS_PER_MS)
#define STATUS_NS (2 * NS_PER_S)
#define TICK_NS   (5 * NS_PER_MS)

/* ------------------------------------------------------------------ small services to the chapters and views */

double demo_seconds(const struct demo *demo)
{
    return (double)(clock_now_ns() - demo->begun_ns) / (double)NS_PER_S;
}

char demo_letter(size_t node)
{
    return (char)('A' + node);
}

enum style demo_style(size_t node)
{
    static const enum style styles[DEMO_NODES] = {STYLE_NODE_A, STYLE_NODE_B, STYLE_NODE_C, STYLE_NODE_D};
    return styles[node];
}

const char *demo_health_word(const struct demo_node *node)
{
    switch (node->membership) {
    case DEMO_NOT_YET:
        return "not yet";
    case DEMO_REMOVED:
        return "removed";
    case DEMO_MEMBER:
        break;
    }
    return node->state.healthy ? "healthy" : "unhealthy";
}

double demo_history_now(const struct demo_history *history)
{
    size_t samples = 1000 / DEMO_SAMPLE_MS;
    size_t count = history->count < samples ? history->count : samples;
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += history->values[history->count - 1 - i];
    }
    return count == 0 ? 0 : sum / (double)count;
}

static void history_add(struct demo_history *history, double value)
{
    if (history->count == DEMO_SAMPLES) {
        memmove(history->values, history->values + 1, (DEMO_SAMPLES - 1) * sizeof(history->values[0]));
        history->count--;
    }
    history->values[history->count++] = value;
}

void demo_total(const struct demo *demo, struct traffic_counts *total_out)
{
    *total_out = (struct traffic_counts){.operations = 0};
    for (size_t i = 0; i < DEMO_CHAPTERS; i++) {
        traffic_counts_add(total_out, &demo->counts[i]);
    }
}

static void add_event(struct demo *demo, enum glyph glyph, enum style style, const char *format, va_list arguments)
{
    if (demo->event_count == DEMO_EVENTS) {
        memmove(demo->events, demo->events + 1, (DEMO_EVENTS - 1) * sizeof(demo->events[0]));
        demo->event_count--;
    }
    struct demo_event *event = &demo->events[demo->event_count++];
    *event = (struct demo_event){.at_s = demo_seconds(demo), .style = style, .glyph = glyph};
    vsnprintf(event->text, sizeof(event->text), format, arguments);
    if (!demo->live) {
        demo_print_event(demo, event);
    }
    demo->next_frame_ns = demo->live ? 0 : demo->next_frame_ns; /* a picture at once */
}

void demo_say(struct demo *demo, enum glyph glyph, enum style style, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_event(demo, glyph, style, format, arguments);
    va_end(arguments);
}

void demo_fail(struct demo *demo, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_event(demo, GLYPH_UNHEALTHY, STYLE_BAD, format, arguments);
    va_end(arguments);
    demo->failed = true;
}

void demo_place(struct demo *demo)
{
    emc_address addresses[DEMO_NODES];
    for (size_t i = 0; i < DEMO_NODES; i++) {
        addresses[i] = demo->nodes[i].address;
    }
    bool kept = placement_copy(&demo->before, &demo->placement);
    emc_status status = placement_take(&demo->placement, demo->view, DEMO_KEYS, addresses, DEMO_NODES);
    if (!kept || status != EMC_OK) {
        demo_fail(demo, "where the keys live could not be found out: %s", emc_status_text(status));
        return;
    }
    for (size_t i = 0; i < DEMO_NODES; i++) {
        demo->nodes[i].keys = placement_on(&demo->placement, i);
    }
}

/* ------------------------------------------------------------------ running */

static void sample(struct demo *demo)
{
    const double per_second = 1000.0 / (double)DEMO_SAMPLE_MS;
    struct traffic_counts total;
    demo_total(demo, &total);
    history_add(&demo->total_rates, (double)(total.operations - demo->sampled.operations) * per_second);
    uint64_t hits = total.hits - demo->sampled.hits;
    uint64_t gets = hits + total.misses - demo->sampled.misses;
    double ratio = gets == 0 ? 0 : (double)hits / (double)gets;
    history_add(&demo->hit_ratios, ratio);
    history_add(&demo->hit_heights, ratio > 0.5 ? (ratio - 0.5) * 2 : 0);
    demo->sampled = total;
    for (size_t i = 0; i < DEMO_NODES; i++) {
        struct demo_node *node = &demo->nodes[i];
        uint64_t executed = node->metrics.operations_executed;
        bool counts = node->membership == DEMO_MEMBER;
        history_add(&node->rates, counts ? (double)(executed - node->operations_sampled) * per_second : 0);
        node->operations_sampled = executed;
    }
}

/* Samples and shows what is due. False when the output is gone. */
static bool observe(struct demo *demo, uint64_t now_ns)
{
    bool sample_due = now_ns >= demo->next_sample_ns;
    bool frame_due = now_ns >= demo->next_frame_ns;
    if (sample_due || frame_due) {
        demo_read_nodes(demo);
    }
    if (sample_due) {
        sample(demo);
        demo->next_sample_ns += DEMO_SAMPLE_MS * NS_PER_MS;
    }
    if (!frame_due) {
        return true;
    }
    demo->next_frame_ns = now_ns + (demo->live ? FRAME_NS : STATUS_NS);
    return demo->live ? demo_frame(demo) : demo_print_status(demo);
}

static void enter_chapter(struct demo *demo, size_t chapter)
{
    demo->chapter = chapter;
    demo->stage = 0;
    demo->chapter_ns = demo->stage_ns = clock_now_ns();
    if (chapter < DEMO_CHAPTERS) {
        demo->traffic.counts = &demo->counts[chapter];
        demo_say(demo, GLYPH_ARROW, STYLE_TITLE, "Chapter %zu: %s", chapter + 1, demo_chapters[chapter].title);
    }
}

/* What no server should do in a demo: end by itself. */
static void check_servers(struct demo *demo)
{
    for (size_t i = 0; i < DEMO_NODES; i++) {
        char words[SERVER_WORDS_SIZE] = "";
        bool runs = demo->nodes[i].server.pid != 0;
        if (runs && !server_alive(&demo->nodes[i].server, words)) {
            demo_fail(demo, "the server of %c ended: %s", demo_letter(i), words);
        }
    }
}

/* True when it came to its end. */
static bool run_chapters(struct demo *demo)
{
    enter_chapter(demo, 0);
    demo->next_sample_ns = clock_now_ns() + DEMO_SAMPLE_MS * NS_PER_MS;
    demo->next_frame_ns = demo->live ? 0 : clock_now_ns() + STATUS_NS / 2;
    while (demo->chapter < DEMO_CHAPTERS && !demo->failed) {
        uint64_t now_ns = clock_now_ns();
        if (interrupt_pending() || !observe(demo, now_ns)) {
            return false;
        }
        traffic_submit(&demo->traffic, now_ns);
        loop_turn(demo->client, now_ns + TICK_NS);
        check_servers(demo);
        if (!demo->failed && demo_chapters[demo->chapter].step(demo)) {
            enter_chapter(demo, demo->chapter + 1);
        }
    }
    return true;
}

/* ------------------------------------------------------------------ ending */

/* Something that must not be in a demo that went well. */
static void judge(struct demo *demo)
{
    struct traffic_counts total;
    demo_total(demo, &total);
    if (total.wrong > 0) {
        demo_fail(demo, "%llu values were wrong", (unsigned long long)total.wrong);
    }
    uint64_t errors = demo->counts[DEMO_CHAPTERS - 1].errors;
    if (errors > 0) {
        demo_fail(demo, "%llu operations failed while nodes joined and left", (unsigned long long)errors);
    }
}

static enum exit_code play(struct demo *demo)
{
    if (!demo_start_servers(demo) || !demo_open_client(demo)) {
        return EXIT_CODE_ERROR;
    }
    demo->begun_ns = clock_now_ns();
    if (demo->live) {
        terminal_enter();
    }
    for (size_t i = 0; i < DEMO_NODES_FIRST; i++) {
        demo_say(demo, GLYPH_HEALTHY, STYLE_GOOD, "%c is memcached on %s (process %ld)", demo_letter(i),
                 demo->nodes[i].name, (long)demo->nodes[i].server.pid);
    }
    demo_fill(demo);
    demo_place(demo);
    traffic_begin(&demo->traffic, clock_now_ns());
    bool complete = run_chapters(demo);
    demo_settle(demo);
    demo->traffic
        .counts = &demo->counts[DEMO_CHAPTERS - 1]; /* what the end of the client cancels must be counted somewhere */
    if (demo->live) {
        terminal_leave();
        demo->live = false;
    }
    if (!complete) {
        return EXIT_CODE_ERROR;
    }
    judge(demo);
    return demo_print_summary(demo) && !demo->failed ? EXIT_CODE_OK : EXIT_CODE_ERROR;
}

enum exit_code command_demo(const struct invocation *invocation)
{
    char program[PATH_MAX];
    if (!server_program(program, sizeof(program))) {
        complain("the program memcached was not found in PATH (Debian's package: memcached)");
        return EXIT_CODE_ERROR;
    }
    struct demo *demo = calloc(1, sizeof(*demo));
    if (demo == NULL) {
        return report_memory();
    }
    demo->program = program;
    demo->pace = invocation->options[OPTION_FAST] != NULL ? 0.5 : 1;
    demo->live = terminal_look().interactive;
    demo->findings = (struct demo_findings){.notice_s = -1, .recover_s = -1};
    sigset_t saved;
    interrupt_hold(&saved);
    enum exit_code code = play(demo);
    demo_end(demo);
    free(demo);
    int signal_taken = interrupt_restore(&saved);
    if (signal_taken != 0) {
        complain("the demo was interrupted; its servers are ended");
        code = EXIT_CODE_ERROR;
    }
    return code;
}
