/* A table of words that finds its column widths by itself. */
#include "table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define GAP       2
#define BAR_WIDTH 20

static struct table_cell *add(struct table *table, enum style style)
{
    if (table->cell_count == table->cell_capacity) {
        size_t capacity = table->cell_capacity == 0 ? 64 : table->cell_capacity * 2;
        struct table_cell *cells = realloc(table->cells, capacity * sizeof(*cells));
        if (cells == NULL) {
            table->failed = true;
            return NULL;
        }
        table->cells = cells;
        table->cell_capacity = capacity;
    }
    struct table_cell *cell = &table->cells[table->cell_count++];
    cell->style = style;
    cell->bar = -1;
    cell->text[0] = '\0';
    return cell;
}

void table_cell(struct table *table, enum style style, const char *format, ...)
{
    struct table_cell *cell = add(table, style);
    if (cell == NULL) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(cell->text, sizeof(cell->text), format, arguments);
    va_end(arguments);
}

void table_bar(struct table *table, enum style style, double share)
{
    struct table_cell *cell = add(table, style);
    if (cell != NULL) {
        cell->bar = share;
    }
}

static size_t cell_width(const struct table_cell *cell)
{
    return cell->bar >= 0 ? BAR_WIDTH : text_columns(cell->text);
}

static size_t column_width(const struct table *table, size_t column)
{
    size_t width = text_columns(table->columns[column].title);
    for (size_t i = column; i < table->cell_count; i += table->column_count) {
        size_t own = cell_width(&table->cells[i]);
        width = own > width ? own : width;
    }
    return width;
}

size_t table_width(const struct table *table)
{
    size_t width = 0;
    for (size_t column = 0; column < table->column_count; column++) {
        width += column_width(table, column) + (column > 0 ? GAP : 0);
    }
    return width;
}

/* Where a column begins and how wide it is; width 0: it is left out. */
struct place {
    size_t begin;
    size_t width;
};

static void write_cell(struct canvas *canvas, const struct table_column *column, struct place place,
                       const struct table_cell *cell)
{
    if (place.width == 0) {
        return;
    }
    canvas_move(canvas, place.begin);
    if (cell->bar >= 0) {
        canvas_bar(canvas, cell->style, cell->bar, place.width);
        return;
    }
    if (column->right) {
        canvas_move(canvas, place.begin + place.width - text_columns(cell->text));
    }
    canvas_put(canvas, cell->style, cell->text);
}

static void write_row(const struct table *table, struct canvas *canvas, const struct place *places,
                      const struct table_cell *cells)
{
    for (size_t column = 0; column < table->column_count; column++) {
        write_cell(canvas, &table->columns[column], places[column], &cells[column]);
    }
    canvas_end_line(canvas);
}

static void write_heading(const struct table *table, struct canvas *canvas, const struct place *places)
{
    for (size_t column = 0; column < table->column_count; column++) {
        struct table_cell title = {STYLE_BOLD, -1, ""};
        snprintf(title.text, sizeof(title.text), "%s", table->columns[column].title);
        write_cell(canvas, &table->columns[column], places[column], &title);
    }
    canvas_end_line(canvas);
}

void table_write(const struct table *table, struct canvas *canvas)
{
    struct place *places = calloc(table->column_count, sizeof(*places));
    if (places == NULL) {
        canvas->failed = true;
        return;
    }
    size_t begin = 0;
    for (size_t column = 0; column < table->column_count; column++) {
        places[column] = (struct place){begin, column_width(table, column)};
        begin += places[column].width + GAP;
        if (canvas->width != 0 && column > 0 && begin - GAP > canvas->width) {
            places[column].width = 0; /* half a column says nothing; those behind it are left out as well */
        }
    }
    write_heading(table, canvas, places);
    for (size_t i = 0; i + table->column_count <= table->cell_count; i += table->column_count) {
        write_row(table, canvas, places, &table->cells[i]);
    }
    free(places);
}

void table_deinit(struct table *table)
{
    free(table->cells);
    table->cells = NULL;
    table->cell_count = table->cell_capacity = 0;
}
