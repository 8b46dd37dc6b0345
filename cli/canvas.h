/* Text with styles, gathered in one buffer and clipped to a width, so that a whole picture leaves in one write. */
#ifndef EMCACHE_CLI_CANVAS_H
#define EMCACHE_CLI_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "terminal.h"

/* How a text looks. The node styles tell up to four nodes apart. */
enum style {
    STYLE_PLAIN,
    STYLE_BOLD,
    STYLE_DIM,
    STYLE_GOOD,
    STYLE_WARNING,
    STYLE_BAD,
    STYLE_TITLE,
    STYLE_NODE_A,
    STYLE_NODE_B,
    STYLE_NODE_C,
    STYLE_NODE_D,
    STYLE_COUNT
};

/* Signs that have an ASCII form for where Unicode is not welcome. */
enum glyph {
    GLYPH_HEALTHY,
    GLYPH_UNHEALTHY,
    GLYPH_GONE,
    GLYPH_ARROW,
    GLYPH_DONE,
    GLYPH_DOT,
    GLYPH_RULE,
    GLYPH_SQUARE,
    GLYPH_COUNT
};

/* Zeroed it is empty; `failed` is raised when memory ran out, and then nothing more is written. */
struct canvas {
    char *text;
    size_t length;
    size_t capacity;
    size_t column; /* where the line stands, in characters */
    size_t width;  /* 0: no limit */
    bool colour;
    bool unicode;
    bool in_place; /* a picture that is redrawn: each line clears its rest */
    bool failed;
};

/* Empties the canvas and takes over what the terminal is like; its memory is kept. In place: the picture begins at the top left, is cut
 * to the window's width, and clears what is below it. */
void canvas_begin(struct canvas *canvas, const struct terminal *terminal, bool in_place);
void canvas_deinit(struct canvas *canvas);

void canvas_put(struct canvas *canvas, enum style style, const char *text);
void canvas_format(struct canvas *canvas, enum style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void canvas_glyph(struct canvas *canvas, enum style style, enum glyph glyph);
/* Fills with blanks up to a column; does nothing when the line is already there. */
void canvas_move(struct canvas *canvas, size_t column);
void canvas_end_line(struct canvas *canvas);

/* A bar of `share` (0..1) of `width` characters, in eighths of one, and blanks up to that width. */
void canvas_bar(struct canvas *canvas, enum style style, double share, size_t width);
/* A line of small columns, one for each value; `top` is the full height. */
void canvas_spark(struct canvas *canvas, enum style style, const double *values, size_t count, double top);
/* A horizontal rule over the whole width (`width` where there is no limit). */
void canvas_rule(struct canvas *canvas, size_t width);

/* Writes everything to the standard output, in one write where the system takes it. False when it can't be written. */
bool canvas_flush(struct canvas *canvas);

/* How many columns a text takes: one for each UTF-8 character. */
size_t text_columns(const char *text);

#endif
