/* The spread of keys, as tables and as JSON. */
#include "spread_view.h"

#include <math.h>
#include <stdio.h>

#include "numbers.h"
#include "report.h"
#include "table.h"

static enum exit_code write_table(struct table *table)
{
    struct terminal terminal = terminal_look();
    struct canvas canvas = {.text = NULL};
    canvas_begin(&canvas, &terminal, false);
    table_write(table, &canvas);
    bool written = !table->failed && canvas_flush(&canvas);
    canvas_deinit(&canvas);
    table_deinit(table);
    return written ? EXIT_CODE_OK : EXIT_CODE_ERROR;
}

static enum style style_of(double needlessly)
{
    return needlessly > 0 ? STYLE_WARNING : STYLE_GOOD;
}

/* ------------------------------------------------------------------ one kind */

static void add_node_row(struct table *table, const struct spread *spread, const emc_address *node, size_t index,
                         double largest)
{
    char address[EMC_ADDRESS_TEXT_SIZE];
    char number[NUMBER_TEXT_SIZE];
    double share = spread_share(spread, index);
    emc_address_format(node, address, sizeof(address));
    table_cell(table, STYLE_PLAIN, "%s", address);
    table_cell(table, STYLE_PLAIN, "%s", number_text(placement_on(&spread->placement, index), number));
    table_cell(table, STYLE_PLAIN, "%.2f %%", share * 100);
    table_bar(table, STYLE_NODE_A, largest > 0 ? share / largest : 0);
    const struct leaving *leaving = &spread->leaving[index];
    if (leaving->known) {
        double others = (double)leaving->others / (double)spread->keys;
        table_cell(table, STYLE_PLAIN, "%.2f %%", (double)leaving->moved / (double)spread->keys * 100);
        table_cell(table, style_of(others), "%.2f %%", others * 100);
    } else {
        table_cell(table, STYLE_DIM, "-");
        table_cell(table, STYLE_DIM, "-");
    }
}

enum exit_code spread_write_nodes(const struct spread *spread, const struct route_nodes *nodes)
{
    static const struct table_column columns[] = {
        {"node", false},      {"keys", true}, {"share", true}, {"", false}, {"moved if it leaves", true},
        {"needlessly", true},
    };
    struct table table = {.columns = columns, .column_count = sizeof(columns) / sizeof(columns[0])};
    double largest = 0;
    for (size_t i = 0; i < spread->node_count; i++) {
        largest = fmax(largest, spread_share(spread, i));
    }
    for (size_t i = 0; i < spread->node_count; i++) {
        add_node_row(&table, spread, &nodes->servers.nodes[i], i, largest);
    }
    return write_table(&table);
}

/* ------------------------------------------------------------------ several kinds */

static void add_kind_row(struct table *table, const struct spread *spread, double worst)
{
    struct evenness evenness = spread_evenness(spread);
    struct moving moving = spread_moving(spread);
    table_cell(table, STYLE_PLAIN, "%s", spread->kind);
    table_cell(table, STYLE_PLAIN, "%+.1f %%", evenness.fullest * 100);
    table_cell(table, STYLE_PLAIN, "%+.1f %%", evenness.emptiest * 100);
    table_cell(table, STYLE_PLAIN, "%.1f %%", evenness.deviation * 100);
    table_bar(table, STYLE_NODE_A, worst > 0 ? evenness.deviation / worst : 0);
    if (moving.moved >= 0) {
        table_cell(table, STYLE_PLAIN, "%.2f %%", moving.moved * 100);
        table_cell(table, style_of(moving.others), "%.2f %%", moving.others * 100);
    } else {
        table_cell(table, STYLE_DIM, "-");
        table_cell(table, STYLE_DIM, "-");
    }
}

enum exit_code spread_write_kinds(const struct spread *spreads, size_t count)
{
    static const struct table_column columns[] = {
        {"routing", false},   {"fullest", true}, {"emptiest", true},
        {"deviation", true},  {"", false},       {"moved if one leaves", true},
        {"needlessly", true},
    };
    struct table table = {.columns = columns, .column_count = sizeof(columns) / sizeof(columns[0])};
    double worst = 0;
    for (size_t i = 0; i < count; i++) {
        worst = fmax(worst, spread_evenness(&spreads[i]).deviation);
    }
    for (size_t i = 0; i < count; i++) {
        add_kind_row(&table, &spreads[i], worst);
    }
    return write_table(&table);
}

/* ------------------------------------------------------------------ JSON */

void spread_write_json(const struct spread *spread, const struct route_nodes *nodes, struct json *json)
{
    struct evenness evenness = spread_evenness(spread);
    json_unsigned(json, "keys", spread->keys);
    json_measure(json, "deviation", evenness.deviation);
    json_open(json, "nodes", '[');
    for (size_t i = 0; i < spread->node_count; i++) {
        char address[EMC_ADDRESS_TEXT_SIZE];
        const struct leaving *leaving = &spread->leaving[i];
        double keys = (double)spread->keys;
        emc_address_format(&nodes->servers.nodes[i], address, sizeof(address));
        json_open(json, NULL, '{');
        json_string(json, "address", address);
        json_unsigned(json, "keys", placement_on(&spread->placement, i));
        json_measure(json, "share", spread_share(spread, i));
        json_measure(json, "moved_if_it_leaves", leaving->known ? (double)leaving->moved / keys : -1);
        json_measure(json, "moved_needlessly", leaving->known ? (double)leaving->others / keys : -1);
        json_close(json, '}');
    }
    json_close(json, ']');
}
