/* Text with styles, gathered in one buffer and clipped to a width. */
#include "canvas.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

#define FORMAT_SIZE 1024

static const char *const style_codes[STYLE_COUNT] = {
    [STYLE_PLAIN] = "",           [STYLE_BOLD] = "\033[1m",     [STYLE_DIM] = "\033[2m",
    [STYLE_GOOD] = "\033[32m",    [STYLE_WARNING] = "\033[33m", [STYLE_BAD] = "\033[1;31m",
    [STYLE_TITLE] = "\033[1;36m", [STYLE_NODE_A] = "\033[36m",  [STYLE_NODE_B] = "\033[35m",
    [STYLE_NODE_C] = "\033[33m",  [STYLE_NODE_D] = "\033[94m",
};

static const char *const glyphs[GLYPH_COUNT][2] = {
    [GLYPH_HEALTHY] = {"o", "●"}, [GLYPH_UNHEALTHY] = {"x", "✖"}, [GLYPH_GONE] = {"-", "○"},
    [GLYPH_ARROW] = {">", "▶"},   [GLYPH_DONE] = {"+", "✔"},      [GLYPH_DOT] = {".", "·"},
    [GLYPH_RULE] = {"-", "─"},    [GLYPH_SQUARE] = {"#", "■"},
};

/* ------------------------------------------------------------------ the buffer */

static bool reserve(struct canvas *canvas, size_t more)
{
    if (canvas->failed) {
        return false;
    }
    if (canvas->length + more <= canvas->capacity) {
        return true;
    }
    size_t capacity = canvas->capacity == 0 ? 4096 : canvas->capacity;
    while (capacity < canvas->length + more) {
        capacity *= 2;
    }
    char *text = realloc(canvas->text, capacity);
    if (text == NULL) {
        canvas->failed = true;
        return false;
    }
    canvas->text = text;
    canvas->capacity = capacity;
    return true;
}

static void append(struct canvas *canvas, const char *text, size_t length)
{
    if (reserve(canvas, length)) {
        memcpy(canvas->text + canvas->length, text, length);
        canvas->length += length;
    }
}

void canvas_begin(struct canvas *canvas, const struct terminal *terminal, bool in_place)
{
    canvas->length = 0;
    canvas->column = 0;
    /* The last column stays free: to clear the rest of a full line takes its last sign away. What is not redrawn is never cut. */
    canvas->width = in_place && terminal->columns > 1 ? terminal->columns - 1 : 0;
    canvas->colour = terminal->colour;
    canvas->unicode = terminal->unicode;
    canvas->in_place = in_place;
    if (in_place) {
        append(canvas, "\033[H", 3);
    }
}

void canvas_deinit(struct canvas *canvas)
{
    free(canvas->text);
    *canvas = (struct canvas){.text = NULL};
}

/* ------------------------------------------------------------------ text */

static bool begins_character(char byte)
{
    return ((unsigned char)byte & 0xC0) != 0x80;
}

size_t text_columns(const char *text)
{
    size_t columns = 0;
    for (; *text != '\0'; text++) {
        columns += begins_character(*text);
    }
    return columns;
}

/* How many bytes of the text fit into the rest of the line; adds their columns to *columns_out. Control characters end it. */
static size_t fitting(const struct canvas *canvas, const char *text, size_t *columns_out)
{
    size_t columns = canvas->column;
    size_t length = 0;
    while (text[length] != '\0') {
        bool first = begins_character(text[length]);
        if ((unsigned char)text[length] < ' ' || (first && canvas->width != 0 && columns >= canvas->width)) {
            break;
        }
        columns += first;
        length++;
    }
    *columns_out = columns;
    return length;
}

void canvas_put(struct canvas *canvas, enum style style, const char *text)
{
    size_t columns = 0;
    size_t length = fitting(canvas, text, &columns);
    if (length == 0) {
        return;
    }
    bool coloured = canvas->colour && style != STYLE_PLAIN;
    if (coloured) {
        append(canvas, style_codes[style], strlen(style_codes[style]));
    }
    append(canvas, text, length);
    if (coloured) {
        append(canvas, "\033[0m", 4);
    }
    canvas->column = columns;
}

void canvas_format(struct canvas *canvas, enum style style, const char *format, ...)
{
    char text[FORMAT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    canvas_put(canvas, style, text);
}

void canvas_glyph(struct canvas *canvas, enum style style, enum glyph glyph)
{
    canvas_put(canvas, style, glyphs[glyph][canvas->unicode]);
}

void canvas_move(struct canvas *canvas, size_t column)
{
    while (canvas->column < column && (canvas->width == 0 || canvas->column < canvas->width)) {
        append(canvas, " ", 1);
        canvas->column++;
    }
}

void canvas_end_line(struct canvas *canvas)
{
    if (canvas->in_place) {
        append(canvas, "\033[K", 3);
    } else {
        while (canvas->length > 0 && canvas->text[canvas->length - 1] == ' ') {
            canvas->length--; /* nobody wants blanks at the end of a line in a file */
        }
    }
    append(canvas, "\n", 1);
    canvas->column = 0;
}

/* ------------------------------------------------------------------ drawings */

static double within_one(double share)
{
    return share >= 1 ? 1 : (share > 0 ? share : 0);
}

void canvas_bar(struct canvas *canvas, enum style style, double share, size_t width)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    char text[FORMAT_SIZE] = "";
    size_t length = 0;
    const char *full = canvas->unicode ? "█" : "#";
    size_t end = canvas->column + width;
    size_t steps = (size_t)(within_one(share) * (double)width * 8 + 0.5);
    for (size_t i = 0; i < steps / 8 && length + 8 < sizeof(text); i++) {
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s", full);
    }
    if (canvas->unicode) {
        snprintf(text + length, sizeof(text) - length, "%s", eighths[steps % 8]);
    }
    canvas_put(canvas, style, text);
    canvas_move(canvas, end);
}

void canvas_spark(struct canvas *canvas, enum style style, const double *values, size_t count, double top)
{
    static const char *const unicode[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const ascii[] = {" ", ".", ".", ":", ":", "=", "=", "#", "#"};
    char text[FORMAT_SIZE] = "";
    size_t length = 0;
    for (size_t i = 0; i < count && length + 8 < sizeof(text); i++) {
        size_t height = top > 0 ? (size_t)(within_one(values[i] / top) * 8 + 0.5) : 0;
        if (height == 0 && values[i] > 0) {
            height = 1; /* little is not nothing */
        }
        const char *sign = canvas->unicode ? unicode[height] : ascii[height];
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s", sign);
    }
    canvas_put(canvas, style, text);
}

void canvas_rule(struct canvas *canvas, size_t width)
{
    size_t end = canvas->width != 0 && canvas->width < width ? canvas->width : width;
    char text[FORMAT_SIZE] = "";
    size_t length = 0;
    for (size_t i = canvas->column; i < end && length + 8 < sizeof(text); i++) {
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s", glyphs[GLYPH_RULE][canvas->unicode]);
    }
    canvas_put(canvas, STYLE_DIM, text);
}

/* ------------------------------------------------------------------ out */

bool canvas_flush(struct canvas *canvas)
{
    size_t done = 0;
    if (canvas->in_place) {
        append(canvas, "\033[J", 3);
    }
    while (done < canvas->length && !canvas->failed) {
        ssize_t written = write(STDOUT_FILENO, canvas->text + done, canvas->length - done);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            if (errno != EPIPE) { /* a reader that has seen enough is no news */
                complain("the output could not be written: %s", strerror(errno));
            }
            canvas->failed = true;
            break;
        }
        done += (size_t)written;
    }
    canvas->length = 0;
    canvas->column = 0;
    return !canvas->failed;
}
