/* The demo as plain lines, for a file or a pipe, and its summary, which closes both ways of showing it. */
#include <stdio.h>

#include "demo.h"
#include "numbers.h"

enum { BAR_WIDTH = 30, LABEL_WIDTH = 37 };

/* ------------------------------------------------------------------ lines as they happen */

void demo_print_event(struct demo *demo, const struct demo_event *event)
{
    struct terminal terminal = terminal_look();
    struct canvas *canvas = &demo->canvas;
    canvas_begin(canvas, &terminal, false);
    canvas_format(canvas, STYLE_DIM, "[%7.3f s] ", event->at_s);
    canvas_put(canvas, event->style, event->text);
    canvas_end_line(canvas);
    (void)canvas_flush(canvas); /* a status block follows soon and tells when nobody reads any more */
}

static void print_node(struct canvas *canvas, const struct demo_node *node, size_t index)
{
    char rate[NUMBER_TEXT_SIZE];
    char p50[NUMBER_TEXT_SIZE];
    char p99[NUMBER_TEXT_SIZE];
    if (node->membership == DEMO_NOT_YET) {
        return;
    }
    canvas_format(
        canvas, STYLE_PLAIN, "            %c %-16s %-10s %6s ops/s  p50 %s ms  p99 %s ms  %4.1f %% of the keys",
        demo_letter(index), node->name, demo_health_word(node),
        number_text((uint64_t)(demo_history_now(&node->rates) + 0.5), rate),
        number_ms_text(latency_at(&node->latency, 0.5), p50), number_ms_text(latency_at(&node->latency, 0.99), p99),
        100.0 * (double)node->keys / (double)DEMO_KEYS);
    canvas_end_line(canvas);
}

bool demo_print_status(struct demo *demo)
{
    struct terminal terminal = terminal_look();
    struct canvas *canvas = &demo->canvas;
    struct traffic_counts total;
    char rate[NUMBER_TEXT_SIZE];
    char errors[NUMBER_TEXT_SIZE];
    demo_total(demo, &total);
    canvas_begin(canvas, &terminal, false);
    canvas_format(canvas, STYLE_PLAIN, "[%7.3f s] %s ops/s, %.1f %% of the gets hit, %s errors so far",
                  demo_seconds(demo), number_text((uint64_t)(demo_history_now(&demo->total_rates) + 0.5), rate),
                  100 * demo_history_now(&demo->hit_ratios), number_text(total.errors, errors));
    canvas_end_line(canvas);
    for (size_t i = 0; i < DEMO_NODES; i++) {
        print_node(canvas, &demo->nodes[i], i);
    }
    return canvas_flush(canvas);
}

/* ------------------------------------------------------------------ keys that moved */

void demo_draw_move(struct canvas *canvas, const struct demo *demo, const struct demo_move *move, size_t indent)
{
    char number[NUMBER_TEXT_SIZE];
    canvas_move(canvas, indent);
    canvas_put(canvas, STYLE_BOLD, move->title);
    canvas_format(canvas, STYLE_DIM, "  %s keys, %.1f %% of all", number_text(move->total, number),
                  100.0 * (double)move->total / (double)DEMO_KEYS);
    canvas_end_line(canvas);
    for (size_t i = 0; i < DEMO_NODES; i++) {
        if (move->keys[i] == 0) {
            continue;
        }
        double share = (double)move->keys[i] / (double)move->total;
        canvas_move(canvas, indent + 2);
        canvas_format(canvas, demo_style(i), "%c ", demo_letter(i));
        canvas_format(canvas, STYLE_PLAIN, "%-16s ", demo->nodes[i].name);
        canvas_bar(canvas, demo_style(i), share, BAR_WIDTH);
        canvas_format(canvas, STYLE_PLAIN, " %6s  %5.1f %%", number_text(move->keys[i], number), 100 * share);
        canvas_end_line(canvas);
    }
    canvas_move(canvas, indent + 2);
    if (move->needless == 0) {
        canvas_put(canvas, STYLE_GOOD, "no other key moved");
    } else {
        canvas_format(canvas, STYLE_WARNING, "%s other keys moved", number_text(move->needless, number));
    }
    canvas_end_line(canvas);
}

/* ------------------------------------------------------------------ the summary */

static void begin_label(struct canvas *canvas, const char *label)
{
    canvas_put(canvas, STYLE_DIM, "  ");
    canvas_put(canvas, STYLE_DIM, label);
    canvas_move(canvas, LABEL_WIDTH);
}

static void print_count(struct canvas *canvas, const char *label, uint64_t number, enum style style)
{
    char text[NUMBER_TEXT_SIZE];
    begin_label(canvas, label);
    canvas_put(canvas, style, number_text(number, text));
    canvas_end_line(canvas);
}

static void print_duration(struct canvas *canvas, const char *label, double seconds)
{
    begin_label(canvas, label);
    if (seconds >= 0) {
        canvas_format(canvas, STYLE_BOLD, "%.3f s", seconds);
    } else {
        canvas_put(canvas, STYLE_BAD, "not found out");
    }
    canvas_end_line(canvas);
}

static void print_share(struct canvas *canvas, const char *label, const struct demo_move *move)
{
    if (move->title[0] == '\0') {
        return;
    }
    begin_label(canvas, label);
    canvas_format(canvas, STYLE_BOLD, "%.1f %%", 100.0 * (double)move->total / (double)DEMO_KEYS);
    if (move->needless == 0) {
        canvas_put(canvas, STYLE_PLAIN, ", and none that did not have to");
    } else {
        canvas_format(canvas, STYLE_WARNING, ", and %.1f %% needlessly",
                      100.0 * (double)move->needless / (double)DEMO_KEYS);
    }
    canvas_end_line(canvas);
}

/* One line for each chapter in which something failed, and for each kind of error there. */
static void print_errors(struct canvas *canvas, const struct demo *demo)
{
    char text[NUMBER_TEXT_SIZE];
    for (size_t i = 0; i < DEMO_CHAPTERS; i++) {
        const struct traffic_counts *counts = &demo->counts[i];
        for (size_t k = 0; k < counts->kind_count; k++) {
            canvas_format(canvas, STYLE_DIM, "    in chapter %zu: ", i + 1);
            canvas_format(canvas, STYLE_PLAIN, "%s x %s", number_text(counts->kinds[k].count, text),
                          emc_status_text(counts->kinds[k].status));
            canvas_end_line(canvas);
        }
    }
}

static void print_traffic(struct canvas *canvas, const struct demo *demo)
{
    struct traffic_counts total;
    const struct traffic_counts *last = &demo->counts[DEMO_CHAPTERS - 1];
    demo_total(demo, &total);
    print_count(canvas, "operations", total.operations, STYLE_BOLD);
    begin_label(canvas, "hits among gets");
    canvas_format(canvas, STYLE_BOLD, "%.2f %%", 100 * traffic_hit_ratio(&total));
    canvas_end_line(canvas);
    print_count(canvas, "wrong values", total.wrong, total.wrong == 0 ? STYLE_GOOD : STYLE_BAD);
    print_count(canvas, "errors", total.errors, total.errors == 0 ? STYLE_GOOD : STYLE_WARNING);
    print_errors(canvas, demo);
    print_count(canvas, "errors while nodes join and leave", last->errors, last->errors == 0 ? STYLE_GOOD : STYLE_BAD);
}

bool demo_print_summary(struct demo *demo)
{
    struct terminal terminal = terminal_look();
    struct canvas *canvas = &demo->canvas;
    if (terminal.interactive) {
        /* The live picture is gone with its screen: what happened stays readable above the summary. */
        for (size_t i = 0; i < demo->event_count; i++) {
            demo_print_event(demo, &demo->events[i]);
        }
    }
    canvas_begin(canvas, &terminal, false);
    canvas_end_line(canvas);
    canvas_format(canvas, STYLE_TITLE, "Chapter %d: summary", DEMO_CHAPTERS + 1);
    canvas_put(canvas, STYLE_BAD, demo->failed ? "  Something did not happen as it should: see above." : "");
    canvas_end_line(canvas);
    print_traffic(canvas, demo);
    print_duration(canvas, "to notice that B died", demo->findings.notice_s);
    print_duration(canvas, "to use B after it listened", demo->findings.recover_s);
    print_share(canvas, "keys that moved when B died", &demo->findings.died);
    print_share(canvas, "keys that moved when B returned", &demo->findings.returned);
    print_share(canvas, "keys that moved when D joined", &demo->findings.joined);
    print_share(canvas, "keys that moved when A left", &demo->findings.left);
    return canvas_flush(canvas);
}
