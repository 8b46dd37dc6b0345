/* `emcache route`: the node of a key, and how keys spread over the nodes, under one kind of routing or several. Nothing is sent to any server. */
#include <emcache.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "options.h"
#include "report.h"
#include "routing_names.h"
#include "spread.h"
#include "spread_view.h"
#include "table.h"
#include "weights.h"

#define SPREAD_KEYS_MAX 10000000

/* Questions about what moves when a node leaves: so many look-ups at most over all kinds, then further nodes are left out. */
#define LEAVING_LOOKUPS_MAX 4000000

/* What was asked, read from the command line. */
struct question {
    const struct invocation *invocation;
    struct route_nodes nodes;
    struct routing_name_list kinds;
    bool json;
};

/* ------------------------------------------------------------------ route KEY… */

static enum exit_code find_node(emc_client *client, const char *key, char text_out[static EMC_ADDRESS_TEXT_SIZE])
{
    emc_node_list *list = NULL;
    emc_status status = emc_cluster_node_for_key(emc_client_cluster_management(client), key, strlen(key), &list);
    if (status == EMC_OK) {
        emc_address_format(&list->nodes[0], text_out, EMC_ADDRESS_TEXT_SIZE);
        emc_node_list_destroy(list);
    }
    return report_outcome(key, status, NULL);
}

/* One kind: a line of key, tab and node for each key, or an object of them. */
static enum exit_code route_under_one(const struct question *question, emc_client *client)
{
    struct json json = {.file = stdout};
    enum exit_code code = EXIT_CODE_OK;
    if (question->json) {
        json_open(&json, NULL, '{');
    }
    for (size_t i = 0; i < question->invocation->word_count; i++) {
        const char *key = question->invocation->words[i];
        char node[EMC_ADDRESS_TEXT_SIZE];
        enum exit_code found = find_node(client, key, node);
        code = exit_code_worse(code, found);
        if (found == EXIT_CODE_OK && question->json) {
            json_string(&json, key, node);
        } else if (found == EXIT_CODE_OK) {
            printf("%s\t%s\n", key, node);
        }
    }
    if (question->json) {
        json_close(&json, '}');
    }
    return code;
}

/* Colours the nodes, so that kinds which agree are seen to. */
static enum style style_of_node(const struct route_nodes *nodes, const char *node)
{
    char text[EMC_ADDRESS_TEXT_SIZE];
    for (size_t i = 0; i < nodes->servers.count && i < 4; i++) {
        emc_address_format(&nodes->servers.nodes[i], text, sizeof(text));
        if (strcmp(text, node) == 0) {
            return (enum style)(STYLE_NODE_A + i);
        }
    }
    return STYLE_PLAIN;
}

/* One key under all kinds: rows of the table, or an object of kind and node. */
static enum exit_code route_key(const struct question *question, emc_client *const *clients, const char *key,
                                struct table *table, struct json *json)
{
    if (question->json) {
        json_open(json, key, '{');
    }
    enum exit_code code = EXIT_CODE_OK;
    for (size_t i = 0; i < question->kinds.count && code == EXIT_CODE_OK; i++) {
        char node[EMC_ADDRESS_TEXT_SIZE];
        code = find_node(clients[i], key, node);
        if (code == EXIT_CODE_OK && question->json) {
            json_string(json, question->kinds.names[i], node);
        } else if (code == EXIT_CODE_OK) {
            table_cell(table, STYLE_BOLD, "%s", i == 0 ? key : "");
            table_cell(table, STYLE_PLAIN, "%s", question->kinds.names[i]);
            table_cell(table, style_of_node(&question->nodes, node), "%s", node);
        }
    }
    if (question->json) {
        json_close(json, '}');
    }
    return code;
}

static enum exit_code write_table(struct table *table)
{
    struct terminal terminal = terminal_look();
    struct canvas canvas = {.text = NULL};
    canvas_begin(&canvas, &terminal, false);
    if (table->cell_count > 0) {
        table_write(table, &canvas);
    }
    bool written = !table->failed && canvas_flush(&canvas);
    canvas_deinit(&canvas);
    return written ? EXIT_CODE_OK : EXIT_CODE_ERROR;
}

static enum exit_code route_under_several(const struct question *question, emc_client *const *clients)
{
    static const struct table_column columns[] = {{"key", false}, {"routing", false}, {"node", false}};
    struct table table = {.columns = columns, .column_count = sizeof(columns) / sizeof(columns[0])};
    struct json json = {.file = stdout};
    enum exit_code code = EXIT_CODE_OK;
    if (question->json) {
        json_open(&json, NULL, '{');
    }
    for (size_t i = 0; i < question->invocation->word_count; i++) {
        code = exit_code_worse(code, route_key(question, clients, question->invocation->words[i], &table, &json));
    }
    if (question->json) {
        json_close(&json, '}');
    } else {
        code = exit_code_worse(code, write_table(&table));
    }
    table_deinit(&table);
    return code;
}

static enum exit_code route_keys(const struct question *question)
{
    emc_client *clients[ROUTING_NAMES_MAX] = {NULL};
    enum exit_code code = EXIT_CODE_OK;
    for (size_t i = 0; i < question->kinds.count && code == EXIT_CODE_OK; i++) {
        code = route_client(question->invocation, &question->nodes, SIZE_MAX, question->kinds.names[i], &clients[i]);
    }
    if (code == EXIT_CODE_OK) {
        code = question->kinds.count == 1 ? route_under_one(question, clients[0])
                                          : route_under_several(question, clients);
    }
    for (size_t i = 0; i < question->kinds.count; i++) {
        emc_client_destroy(clients[i]);
    }
    return code;
}

/* ------------------------------------------------------------------ route --spread N */

static void write_json(const struct question *question, const struct spread *spreads)
{
    struct json json = {.file = stdout};
    json_open(&json, NULL, '{');
    if (question->kinds.count == 1) {
        spread_write_json(&spreads[0], &question->nodes, &json);
    }
    for (size_t i = 0; i < question->kinds.count && question->kinds.count > 1; i++) {
        json_open(&json, spreads[i].kind, '{');
        spread_write_json(&spreads[i], &question->nodes, &json);
        json_close(&json, '}');
    }
    json_close(&json, '}');
}

static enum exit_code spread_keys(const struct question *question, size_t keys)
{
    struct spread spreads[ROUTING_NAMES_MAX];
    enum exit_code code = EXIT_CODE_OK;
    size_t taken = 0, count = question->kinds.count;
    for (; taken < count && code == EXIT_CODE_OK; taken++) {
        code = spread_take(question->invocation, &question->nodes, question->kinds.names[taken], keys,
                           LEAVING_LOOKUPS_MAX / count, &spreads[taken]);
    }
    if (code == EXIT_CODE_OK && question->json) {
        write_json(question, spreads);
    } else if (code == EXIT_CODE_OK) {
        code = count == 1 ? spread_write_nodes(&spreads[0], &question->nodes) : spread_write_kinds(spreads, count);
    }
    for (size_t i = 0; i < taken; i++) {
        spread_deinit(&spreads[i]);
    }
    return code;
}

/* ------------------------------------------------------------------ the command line */

static enum exit_code read_kinds(const struct invocation *invocation, struct routing_name_list *kinds_out)
{
    const char *text = invocation->options[OPTION_ROUTING];
    if (invocation->options[OPTION_ALL_KINDS] != NULL) {
        if (text != NULL) {
            complain("route: --routing and --all-kinds do not go together");
            return EXIT_CODE_USAGE;
        }
        routing_names_all(kinds_out);
        return EXIT_CODE_OK;
    }
    return routing_names_read(text != NULL ? text : "emcache", kinds_out) ? EXIT_CODE_OK : EXIT_CODE_USAGE;
}

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
    struct question question = {.invocation = invocation, .json = invocation->options[OPTION_JSON] != NULL};
    enum exit_code code = read_kinds(invocation, &question.kinds);
    if (code == EXIT_CODE_OK) {
        code = server_list_read(invocation, &question.nodes.servers);
    }
    if (code == EXIT_CODE_OK) {
        code = weights_read(invocation, question.nodes.servers.count, &question.nodes.weights);
    }
    if (code == EXIT_CODE_OK) {
        code = keys > 0 ? spread_keys(&question, (size_t)keys) : route_keys(&question);
    }
    free(question.nodes.weights);
    server_list_destroy(&question.nodes.servers);
    return code;
}
