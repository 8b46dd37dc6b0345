/* `emcache route`: the node of a key, and how keys spread over the nodes. Nothing is sent to any server. */
#include <emcache.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "numbers.h"
#include "options.h"
#include "placement.h"
#include "report.h"
#include "session.h"
#include "table.h"

#define SPREAD_KEYS_MAX 10000000

/* Questions about what moves when a node leaves: so many look-ups at most, then further nodes are left out. */
#define LEAVING_LOOKUPS_MAX 4000000

/* ------------------------------------------------------------------ route KEY… */

static enum exit_code route_key(emc_cluster_management *view, const char *key, struct json *json)
{
    emc_node_list *list = NULL;
    emc_status status = emc_cluster_node_for_key(view, key, strlen(key), &list);
    if (status != EMC_OK) {
        return report_outcome(key, status, NULL);
    }
    char text[EMC_ADDRESS_TEXT_SIZE];
    emc_address_format(&list->nodes[0], text, sizeof(text));
    if (json != NULL) {
        json_string(json, key, text);
    } else {
        printf("%s\t%s\n", key, text);
    }
    emc_node_list_destroy(list);
    return EXIT_CODE_OK;
}

static enum exit_code route_keys(const struct invocation *invocation, emc_cluster_management *view)
{
    struct json json = {.file = stdout};
    bool with_json = invocation->options[OPTION_JSON] != NULL;
    enum exit_code code = EXIT_CODE_OK;
    if (with_json) {
        json_open(&json, NULL, '{');
    }
    for (size_t i = 0; i < invocation->word_count; i++) {
        code = exit_code_worse(code, route_key(view, invocation->words[i], with_json ? &json : NULL));
    }
    if (with_json) {
        json_close(&json, '}');
    }
    return code;
}

/* ------------------------------------------------------------------ route --spread N: the figures */

/* What happens to the keys of a cluster when a node leaves it. */
struct leaving {
    bool known;
    size_t moved;  /* keys that live elsewhere then */
    size_t others; /* of them, keys that did not live on the node that left */
};

struct spread {
    size_t keys;
    struct placement placement;
    struct leaving *leaving; /* one for each node */
};

/* Places the keys on a cluster without node `left`. */
static enum exit_code place_without(const struct invocation *invocation, const struct server_list *servers, size_t left,
                                    size_t keys, struct placement *placement_out)
{
    emc_address *rest = calloc(servers->count, sizeof(*rest));
    if (rest == NULL) {
        return report_memory();
    }
    size_t count = 0;
    for (size_t i = 0; i < servers->count; i++) {
        if (i != left) {
            rest[count++] = servers->nodes[i];
        }
    }
    emc_client *client = NULL;
    enum exit_code code = session_idle_client(invocation, rest, count, &client);
    if (code == EXIT_CODE_OK) {
        emc_status status = placement_take(placement_out, emc_client_cluster_management(client), keys, servers->nodes,
                                           servers->count);
        code = report_outcome("route", status, NULL);
        emc_client_destroy(client);
    }
    free(rest);
    return code;
}

static enum exit_code find_leaving(const struct invocation *invocation, const struct server_list *servers,
                                   struct spread *spread)
{
    enum exit_code code = EXIT_CODE_OK;
    struct placement after = {NULL, 0};
    size_t examined = LEAVING_LOOKUPS_MAX / spread->keys;
    examined = examined == 0 ? 1 : examined;
    for (size_t left = 0; left < servers->count && left < examined && servers->count > 1; left++) {
        code = place_without(invocation, servers, left, spread->keys, &after);
        if (code != EXIT_CODE_OK) {
            break;
        }
        struct leaving *leaving = &spread->leaving[left];
        leaving->known = true;
        leaving->moved = placement_moved_all(&spread->placement, &after);
        leaving->others = leaving->moved - placement_on(&spread->placement, left);
    }
    placement_deinit(&after);
    return code;
}

/* ------------------------------------------------------------------ route --spread N: the picture */

static double share_of(size_t part, size_t whole)
{
    return (double)part / (double)whole;
}

static void add_spread_row(struct table *table, const struct spread *spread, const emc_address *node, size_t index,
                           double largest)
{
    char address[EMC_ADDRESS_TEXT_SIZE];
    char number[NUMBER_TEXT_SIZE];
    size_t own = placement_on(&spread->placement, index);
    double share = share_of(own, spread->keys);
    emc_address_format(node, address, sizeof(address));
    table_cell(table, STYLE_PLAIN, "%s", address);
    table_cell(table, STYLE_PLAIN, "%s", number_text(own, number));
    table_cell(table, STYLE_PLAIN, "%.2f %%", share * 100);
    table_bar(table, STYLE_NODE_A, largest > 0 ? share / largest : 0);
    const struct leaving *leaving = &spread->leaving[index];
    if (leaving->known) {
        double others = share_of(leaving->others, spread->keys);
        table_cell(table, STYLE_PLAIN, "%.2f %%", share_of(leaving->moved, spread->keys) * 100);
        table_cell(table, leaving->others > 0 ? STYLE_WARNING : STYLE_GOOD, "%.2f %%", others * 100);
    } else {
        table_cell(table, STYLE_DIM, "-");
        table_cell(table, STYLE_DIM, "-");
    }
}

static enum exit_code write_spread_table(const struct server_list *servers, const struct spread *spread)
{
    static const struct table_column columns[] = {
        {"node", false},      {"keys", true}, {"share", true}, {"", false}, {"moved if it leaves", true},
        {"needlessly", true},
    };
    struct table table = {.columns = columns, .column_count = sizeof(columns) / sizeof(columns[0])};
    double largest = 0;
    for (size_t i = 0; i < servers->count; i++) {
        double share = share_of(placement_on(&spread->placement, i), spread->keys);
        largest = share > largest ? share : largest;
    }
    for (size_t i = 0; i < servers->count; i++) {
        add_spread_row(&table, spread, &servers->nodes[i], i, largest);
    }
    struct terminal terminal = terminal_look();
    struct canvas canvas = {.text = NULL};
    canvas_begin(&canvas, &terminal, false);
    table_write(&table, &canvas);
    bool written = !table.failed && canvas_flush(&canvas);
    canvas_deinit(&canvas);
    table_deinit(&table);
    return written ? EXIT_CODE_OK : EXIT_CODE_ERROR;
}

static void write_spread_json(const struct server_list *servers, const struct spread *spread)
{
    struct json json = {.file = stdout};
    json_open(&json, NULL, '{');
    json_unsigned(&json, "keys", spread->keys);
    json_open(&json, "nodes", '[');
    for (size_t i = 0; i < servers->count; i++) {
        char address[EMC_ADDRESS_TEXT_SIZE];
        const struct leaving *leaving = &spread->leaving[i];
        emc_address_format(&servers->nodes[i], address, sizeof(address));
        json_open(&json, NULL, '{');
        json_string(&json, "address", address);
        json_unsigned(&json, "keys", placement_on(&spread->placement, i));
        json_measure(&json, "share", share_of(placement_on(&spread->placement, i), spread->keys));
        json_measure(&json, "moved_if_it_leaves", leaving->known ? share_of(leaving->moved, spread->keys) : -1);
        json_measure(&json, "moved_needlessly", leaving->known ? share_of(leaving->others, spread->keys) : -1);
        json_close(&json, '}');
    }
    json_close(&json, ']');
    json_close(&json, '}');
}

static enum exit_code spread_keys(const struct invocation *invocation, const struct server_list *servers,
                                  emc_cluster_management *view, uint64_t keys)
{
    struct spread spread = {(size_t)keys, {NULL, 0}, calloc(servers->count, sizeof(struct leaving))};
    if (spread.leaving == NULL) {
        return report_memory();
    }
    emc_status status = placement_take(&spread.placement, view, spread.keys, servers->nodes, servers->count);
    enum exit_code code = report_outcome("route", status, NULL);
    if (code == EXIT_CODE_OK) {
        code = find_leaving(invocation, servers, &spread);
    }
    if (code == EXIT_CODE_OK && invocation->options[OPTION_JSON] != NULL) {
        write_spread_json(servers, &spread);
    } else if (code == EXIT_CODE_OK) {
        code = write_spread_table(servers, &spread);
    }
    placement_deinit(&spread.placement);
    free(spread.leaving);
    return code;
}

/* ------------------------------------------------------------------ the command */

enum exit_code command_route(const struct invocation *invocation)
{
    uint64_t keys = 0;
    if (!options_unsigned(invocation, OPTION_SPREAD, 1, SPREAD_KEYS_MAX, &keys)) {
        return EXIT_CODE_USAGE;
    }
    if ((keys == 0) == (invocation->word_count == 0)) {
        complain("route: name keys, or use --spread N");
        return EXIT_CODE_USAGE;
    }
    struct server_list servers;
    enum exit_code code = server_list_read(invocation, &servers);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    emc_client *client = NULL;
    code = session_idle_client(invocation, servers.nodes, servers.count, &client);
    if (code == EXIT_CODE_OK) {
        emc_cluster_management *view = emc_client_cluster_management(client);
        code = keys > 0 ? spread_keys(invocation, &servers, view, keys) : route_keys(invocation, view);
        emc_client_destroy(client);
    }
    server_list_destroy(&servers);
    return code;
}
