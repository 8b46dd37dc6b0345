/* The demo's live picture: one frame, drawn for the size that the window has now. */
#include <stdio.h>
#include <string.h>

#include "demo.h"
#include "numbers.h"

/* Where the columns of the node table stand. What does not fit into the window is left out, the least important first. */
struct layout {
    size_t width;
    size_t rows;
    size_t health;
    size_t rate;
    size_t spark;       /* where it begins */
    size_t spark_width; /* 0: no room */
    size_t times;       /* where the p50 column begins; 0: no room */
    size_t figures;     /* connections and errors; 0: no room */
    bool roomy;         /* blank lines between the parts */
};

enum { MARGIN = 2, RATE_WIDTH = 7, TIMES_WIDTH = 16, FIGURES_WIDTH = 22 };

static struct layout lay_out(const struct canvas *canvas, size_t rows)
{
    struct layout layout = {.width = canvas->width, .rows = rows, .health = 24, .rate = 34, .spark = 43};
    size_t right = layout.width > MARGIN ? layout.width - MARGIN : 0;
    bool with_figures = right >= layout.spark + 10 + TIMES_WIDTH + FIGURES_WIDTH;
    bool with_times = right >= layout.spark + 10 + TIMES_WIDTH;
    if (with_figures) {
        right -= FIGURES_WIDTH;
        layout.figures = right;
    }
    if (with_times) {
        right -= TIMES_WIDTH;
        layout.times = right;
    }
    layout.spark_width = right > layout.spark + 4 ? right - layout.spark : 0;
    layout.spark_width = layout.spark_width > DEMO_SAMPLES ? DEMO_SAMPLES : layout.spark_width;
    layout.roomy = rows >= 32;
    return layout;
}

static void blank(struct canvas *canvas, const struct layout *layout)
{
    if (layout->roomy) {
        canvas_end_line(canvas);
    }
}

/* Puts a text so that it ends at a column. */
static void put_right(struct canvas *canvas, size_t end, enum style style, const char *text)
{
    size_t columns = text_columns(text);
    canvas_move(canvas, end > columns ? end - columns : 0);
    canvas_put(canvas, style, text);
}

/* ------------------------------------------------------------------ the head */

static void draw_title(struct demo *demo, const struct layout *layout)
{
    struct canvas *canvas = &demo->canvas;
    char clock[32];
    snprintf(clock, sizeof(clock), "%5.1f s", demo_seconds(demo));
    canvas_put(canvas, STYLE_TITLE, "  emcache demo");
    const char *subtitle = "   real memcached servers on this machine; Ctrl-C ends them";
    if (canvas->column + text_columns(subtitle) + text_columns(clock) + MARGIN < layout->width) {
        canvas_put(canvas, STYLE_DIM, subtitle);
    }
    put_right(canvas, layout->width > MARGIN ? layout->width - MARGIN : 0, STYLE_BOLD, clock);
    canvas_end_line(canvas);
    canvas_move(canvas, MARGIN);
    canvas_rule(canvas, layout->width > MARGIN ? layout->width - MARGIN : 0);
    canvas_end_line(canvas);
}

static void draw_chapters(struct demo *demo)
{
    struct canvas *canvas = &demo->canvas;
    canvas_move(canvas, MARGIN);
    for (size_t i = 0; i < DEMO_CHAPTERS; i++) {
        bool done = i < demo->chapter;
        bool now = i == demo->chapter;
        canvas_glyph(canvas, done ? STYLE_GOOD : (now ? STYLE_TITLE : STYLE_DIM),
                     done ? GLYPH_DONE : (now ? GLYPH_ARROW : GLYPH_DOT));
        canvas_format(canvas, now ? STYLE_BOLD : STYLE_DIM, " %zu %s", i + 1, demo_chapters[i].title);
        canvas_put(canvas, STYLE_PLAIN, "  ");
    }
    canvas_glyph(canvas, STYLE_DIM, GLYPH_DOT);
    canvas_format(canvas, STYLE_DIM, " %d summary", DEMO_CHAPTERS + 1);
    canvas_end_line(canvas);
    canvas_move(canvas, MARGIN);
    canvas_put(canvas, STYLE_PLAIN, demo->chapter < DEMO_CHAPTERS ? demo_chapters[demo->chapter].story : "");
    canvas_end_line(canvas);
}

/* ------------------------------------------------------------------ the nodes */

static void draw_heading(struct demo *demo, const struct layout *layout)
{
    struct canvas *canvas = &demo->canvas;
    char span[32];
    canvas_move(canvas, MARGIN);
    canvas_put(canvas, STYLE_DIM, "node");
    canvas_move(canvas, layout->health);
    canvas_put(canvas, STYLE_DIM, "health");
    put_right(canvas, layout->rate + RATE_WIDTH, STYLE_DIM, "ops/s");
    if (layout->spark_width > 0) {
        canvas_move(canvas, layout->spark);
        snprintf(span, sizeof(span), "last %zu s", layout->spark_width * DEMO_SAMPLE_MS / 1000);
        canvas_put(canvas, STYLE_DIM, layout->spark_width >= 10 ? span : "");
    }
    if (layout->times > 0) {
        put_right(canvas, layout->times + 8, STYLE_DIM, "p50 ms");
        put_right(canvas, layout->times + TIMES_WIDTH, STYLE_DIM, "p99 ms");
    }
    if (layout->figures > 0) {
        put_right(canvas, layout->figures + 7, STYLE_DIM, "conns");
        put_right(canvas, layout->figures + 14, STYLE_DIM, "errors");
        put_right(canvas, layout->figures + FIGURES_WIDTH, STYLE_DIM, "keys");
    }
    canvas_end_line(canvas);
}

/* The newest samples that fit, at the right end, so that the line flows to the left. */
static void draw_history(struct canvas *canvas, const struct layout *layout, enum style style,
                         const struct demo_history *history, double top)
{
    size_t count = history->count < layout->spark_width ? history->count : layout->spark_width;
    canvas_move(canvas, layout->spark + layout->spark_width - count);
    canvas_spark(canvas, style, history->values + history->count - count, count, top);
}

static void draw_health(struct canvas *canvas, const struct demo_node *node)
{
    bool member = node->membership == DEMO_MEMBER;
    enum style style = !member ? STYLE_DIM : (node->state.healthy ? STYLE_GOOD : STYLE_BAD);
    canvas_put(canvas, style, demo_health_word(node));
}

static void draw_name(struct canvas *canvas, const struct demo_node *node, size_t index)
{
    bool member = node->membership == DEMO_MEMBER;
    enum style style = !member ? STYLE_DIM : (node->state.healthy ? STYLE_GOOD : STYLE_BAD);
    canvas_move(canvas, MARGIN);
    canvas_glyph(canvas, style, !member ? GLYPH_GONE : (node->state.healthy ? GLYPH_HEALTHY : GLYPH_UNHEALTHY));
    canvas_format(canvas, member ? demo_style(index) : STYLE_DIM, " %c", demo_letter(index));
    canvas_format(canvas, member ? STYLE_PLAIN : STYLE_DIM, " %s", node->name);
}

static void draw_times(struct canvas *canvas, const struct layout *layout, const struct demo_node *node)
{
    char text[NUMBER_TEXT_SIZE];
    bool serves = node->membership == DEMO_MEMBER && node->state.healthy;
    double p50_s = serves ? latency_at(&node->latency, 0.5) : -1;
    double p99_s = serves ? latency_at(&node->latency, 0.99) : -1;
    put_right(canvas, layout->times + 8, serves ? STYLE_PLAIN : STYLE_DIM, number_ms_text(p50_s, text));
    put_right(canvas, layout->times + TIMES_WIDTH, serves ? STYLE_PLAIN : STYLE_DIM, number_ms_text(p99_s, text));
}

static void draw_figures(struct canvas *canvas, const struct layout *layout, const struct demo_node *node)
{
    char text[NUMBER_TEXT_SIZE];
    bool member = node->membership == DEMO_MEMBER;
    uint64_t errors = node->metrics.operations_with_error;
    put_right(canvas, layout->figures + 7, STYLE_PLAIN, number_text(member ? node->metrics.connections : 0, text));
    put_right(canvas, layout->figures + 14, errors > 0 ? STYLE_BAD : STYLE_DIM, number_text(errors, text));
    snprintf(text, sizeof(text), "%.1f %%", 100.0 * (double)node->keys / (double)DEMO_KEYS);
    put_right(canvas, layout->figures + FIGURES_WIDTH, node->keys > 0 ? STYLE_PLAIN : STYLE_DIM, text);
}

static void draw_node(struct demo *demo, const struct layout *layout, size_t index, double top)
{
    struct canvas *canvas = &demo->canvas;
    const struct demo_node *node = &demo->nodes[index];
    char text[NUMBER_TEXT_SIZE];
    if (node->membership == DEMO_NOT_YET) {
        canvas_end_line(canvas); /* its line is kept, so that nothing jumps when it joins */
        return;
    }
    draw_name(canvas, node, index);
    canvas_move(canvas, layout->health);
    draw_health(canvas, node);
    double rate = demo_history_now(&node->rates);
    put_right(canvas, layout->rate + RATE_WIDTH, rate > 0 ? STYLE_BOLD : STYLE_DIM,
              number_text((uint64_t)(rate + 0.5), text));
    if (layout->spark_width > 0) {
        draw_history(canvas, layout, demo_style(index), &node->rates, top);
    }
    if (layout->times > 0) {
        draw_times(canvas, layout, node);
    }
    if (layout->figures > 0) {
        draw_figures(canvas, layout, node);
    }
    canvas_end_line(canvas);
}

static void draw_total(struct demo *demo, const struct layout *layout, double top)
{
    struct canvas *canvas = &demo->canvas;
    char text[NUMBER_TEXT_SIZE];
    struct traffic_counts total;
    demo_total(demo, &total);
    canvas_move(canvas, MARGIN);
    canvas_put(canvas, STYLE_PLAIN, "    all operations");
    put_right(canvas, layout->rate + RATE_WIDTH, STYLE_BOLD,
              number_text((uint64_t)(demo_history_now(&demo->total_rates) + 0.5), text));
    if (layout->spark_width > 0) {
        draw_history(canvas, layout, STYLE_DIM, &demo->total_rates, top);
    }
    if (layout->figures > 0) {
        put_right(canvas, layout->figures + 14, total.errors > 0 ? STYLE_BAD : STYLE_DIM,
                  number_text(total.errors, text));
    }
    canvas_end_line(canvas);
    canvas_move(canvas, MARGIN);
    canvas_put(canvas, STYLE_PLAIN, "    hits among gets");
    snprintf(text, sizeof(text), "%.1f %%", 100 * demo_history_now(&demo->hit_ratios));
    put_right(canvas, layout->rate + RATE_WIDTH, STYLE_BOLD, text);
    if (layout->spark_width > 0) {
        draw_history(canvas, layout, STYLE_DIM, &demo->hit_heights, 1);
    }
    canvas_end_line(canvas);
}

static void draw_nodes(struct demo *demo, const struct layout *layout)
{
    /* One scale for all nodes: the fair share of three nodes stands at half the height. */
    double top = (double)DEMO_RATE * 2 / (double)DEMO_NODES_FIRST;
    draw_heading(demo, layout);
    for (size_t i = 0; i < DEMO_NODES; i++) {
        draw_node(demo, layout, i, top);
    }
    draw_total(demo, layout, (double)DEMO_RATE * 1.5);
}

/* ------------------------------------------------------------------ the keys */

/* A strip of keys, each in the colour (or letter) of its node: it shows at a glance that only those keys change which have to. */
static void draw_strip(struct demo *demo, const struct layout *layout, size_t first, size_t count)
{
    struct canvas *canvas = &demo->canvas;
    canvas_move(canvas, MARGIN);
    for (size_t i = first; i < first + count && i < demo->placement.count; i++) {
        uint16_t node = demo->placement.node_of[i];
        if (node >= DEMO_NODES) {
            canvas_glyph(canvas, STYLE_BAD, GLYPH_DOT);
        } else if (canvas->colour) {
            canvas_glyph(canvas, demo_style(node), GLYPH_SQUARE);
        } else {
            canvas_format(canvas, STYLE_PLAIN, "%c", demo_letter(node));
        }
    }
    (void)layout;
    canvas_end_line(canvas);
}

static void draw_keys(struct demo *demo, const struct layout *layout)
{
    struct canvas *canvas = &demo->canvas;
    size_t cells = layout->width > 2 * (size_t)MARGIN ? layout->width - 2 * MARGIN : 0;
    size_t strips = layout->roomy ? 3 : 1;
    canvas_move(canvas, MARGIN);
    canvas_format(canvas, STYLE_DIM, "%zu of the %d keys, each in its node's ", cells * strips, DEMO_KEYS);
    canvas_put(canvas, STYLE_DIM, canvas->colour ? "colour:" : "letter");
    for (size_t i = 0; i < DEMO_NODES && canvas->colour; i++) {
        if (demo->nodes[i].membership == DEMO_MEMBER) {
            canvas_format(canvas, demo_style(i), " %c", demo_letter(i));
        }
    }
    canvas_end_line(canvas);
    for (size_t i = 0; i < strips; i++) {
        draw_strip(demo, layout, i * cells, cells);
    }
}

/* ------------------------------------------------------------------ the panel and the events */

/* The panel keeps its height, so that nothing below jumps. */
static size_t draw_panel(struct demo *demo)
{
    const size_t height = 2 + DEMO_NODES - 1;
    size_t lines = 0;
    if (demo->move.title[0] != '\0') {
        demo_draw_move(&demo->canvas, demo, &demo->move, MARGIN);
        lines = 2;
        for (size_t i = 0; i < DEMO_NODES; i++) {
            lines += demo->move.keys[i] > 0;
        }
    }
    for (size_t i = lines; i < height; i++) {
        canvas_end_line(&demo->canvas);
    }
    return height;
}

static void draw_event(struct canvas *canvas, const struct demo_event *event)
{
    canvas_format(canvas, STYLE_DIM, "  %7.3f s ", event->at_s);
    canvas_glyph(canvas, event->style, event->glyph);
    canvas_format(canvas, event->style, " %s", event->text);
    canvas_end_line(canvas);
}

static void draw_events(struct demo *demo, size_t lines)
{
    size_t count = demo->event_count < lines ? demo->event_count : lines;
    for (size_t i = demo->event_count - count; i < demo->event_count; i++) {
        draw_event(&demo->canvas, &demo->events[i]);
    }
}

bool demo_frame(struct demo *demo)
{
    struct terminal terminal = terminal_look();
    struct canvas *canvas = &demo->canvas;
    canvas_begin(canvas, &terminal, true);
    struct layout layout = lay_out(canvas, terminal.rows);
    draw_title(demo, &layout);
    draw_chapters(demo);
    blank(canvas, &layout);
    draw_nodes(demo, &layout);
    blank(canvas, &layout);
    size_t used = 4 + 1 + DEMO_NODES + 2 + (layout.roomy ? 2 : 0);
    if (terminal.rows >= 20) {
        draw_keys(demo, &layout);
        blank(canvas, &layout);
        used += layout.roomy ? 5 : 2;
    }
    if (terminal.rows >= 24) {
        used += draw_panel(demo);
        blank(canvas, &layout);
        used += layout.roomy;
    }
    /* The last row stays free: a line end there would scroll the picture. */
    draw_events(demo, terminal.rows > used + 1 ? terminal.rows - used - 1 : 0);
    return canvas_flush(canvas);
}
