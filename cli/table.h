/* A table of words that finds its column widths by itself. */
#ifndef EMCACHE_CLI_TABLE_H
#define EMCACHE_CLI_TABLE_H

#include "canvas.h"

/* Longest text of a cell with its zero; what is longer is cut. */
#define TABLE_CELL_SIZE 280

/* A column's heading. */
struct table_column {
    const char *title;
    bool right; /* numbers stand at the right */
};

struct table_cell {
    enum style style;
    double bar; /* >= 0: a bar of this share is drawn instead of the text */
    char text[TABLE_CELL_SIZE];
};

/* Zeroed but for columns and column_count it is empty; cells are filled row by row. */
struct table {
    const struct table_column *columns;
    size_t column_count;
    struct table_cell *cells;
    size_t cell_count;
    size_t cell_capacity;
    bool failed; /* memory ran out */
};

/* Appends a cell. */
void table_cell(struct table *table, enum style style, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Appends a cell with a bar of 20 characters. */
void table_bar(struct table *table, enum style style, double share);
/* How wide the table is. */
size_t table_width(const struct table *table);
/* Writes the heading and the rows; columns that do not fit into the canvas's width are left out. */
void table_write(const struct table *table, struct canvas *canvas);
void table_deinit(struct table *table);

#endif
