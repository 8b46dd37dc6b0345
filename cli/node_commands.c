/* The commands to whole nodes: ping, version, stats, flush_all. */
#include <emcache.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "loop.h"
#include "numbers.h"
#include "options.h"
#include "report.h"
#include "session.h"
#include "survey.h"
#include "table.h"

static const char *node_text(const emc_address *node, char text[static EMC_ADDRESS_TEXT_SIZE])
{
    emc_address_format(node, text, EMC_ADDRESS_TEXT_SIZE);
    return text;
}

/* ------------------------------------------------------------------ version */

static enum exit_code write_versions(const struct survey *survey)
{
    enum exit_code code = EXIT_CODE_OK;
    char text[EMC_ADDRESS_TEXT_SIZE];
    for (size_t i = 0; i < survey->count; i++) {
        const struct survey_answer *answer = &survey->answers[i];
        if (answer->status == EMC_OK) {
            printf("%s\t%s\n", node_text(answer->node, text), answer->text);
        } else {
            code = exit_code_worse(code, report_outcome(node_text(answer->node, text), answer->status, answer->text));
        }
    }
    return code;
}

enum exit_code command_version(const struct invocation *invocation)
{
    struct session session;
    struct survey survey;
    enum exit_code code = session_open(invocation, &session);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    if (!survey_init(&survey, &session)) {
        code = report_memory();
    } else {
        survey_ask(&survey, &session);
        survey_wait(&survey, &session);
        code = write_versions(&survey);
    }
    session_close(&session);
    survey_deinit(&survey);
    return code;
}

/* ------------------------------------------------------------------ ping */

/* How one node answered so far. */
struct pings {
    uint64_t asked;
    uint64_t answered;
    double sum_s;
    double best_s;
    double worst_s;
    char words[EMC_ERROR_MESSAGE_SIZE]; /* of the last failure */
};

/* The first round has the connecting in it and so tells nothing about the way to the node: of it only the failure's words are kept, which
 * say more than the later "known to be down". */
static void count_ping(struct pings *pings, const struct survey_answer *answer, bool first_round)
{
    if (answer->status != EMC_OK && pings->words[0] == '\0') {
        snprintf(pings->words, sizeof(pings->words), "%s", answer->text);
    }
    pings->asked += !first_round;
    if (first_round || answer->status != EMC_OK) {
        return;
    }
    bool first = pings->answered++ == 0;
    pings->sum_s += answer->seconds;
    pings->best_s = first || answer->seconds < pings->best_s ? answer->seconds : pings->best_s;
    pings->worst_s = first || answer->seconds > pings->worst_s ? answer->seconds : pings->worst_s;
}

static void add_ping_row(struct table *table, const emc_address *node, const struct pings *pings)
{
    char text[EMC_ADDRESS_TEXT_SIZE];
    bool all = pings->answered == pings->asked;
    bool none = pings->answered == 0;
    table_cell(table, STYLE_PLAIN, "%s", node_text(node, text));
    table_cell(table, all ? STYLE_GOOD : STYLE_BAD, "%llu/%llu", (unsigned long long)pings->answered,
               (unsigned long long)pings->asked);
    char ms[NUMBER_TEXT_SIZE];
    table_cell(table, STYLE_PLAIN, "%s", number_ms_text(none ? -1 : pings->best_s, ms));
    table_cell(table, STYLE_PLAIN, "%s", number_ms_text(none ? -1 : pings->sum_s / (double)pings->answered, ms));
    table_cell(table, STYLE_PLAIN, "%s", number_ms_text(none ? -1 : pings->worst_s, ms));
    table_cell(table, STYLE_BAD, "%s", pings->words);
}

static enum exit_code write_pings(const struct survey *survey, const struct pings *pings)
{
    static const struct table_column columns[] = {
        {"node", false}, {"answered", true}, {"best ms", true}, {"avg ms", true}, {"worst ms", true}, {"", false},
    };
    struct table table = {.columns = columns, .column_count = sizeof(columns) / sizeof(columns[0])};
    enum exit_code code = EXIT_CODE_OK;
    for (size_t i = 0; i < survey->count; i++) {
        add_ping_row(&table, survey->answers[i].node, &pings[i]);
        code = pings[i].answered < pings[i].asked ? EXIT_CODE_ERROR : code;
    }
    struct terminal terminal = terminal_look();
    struct canvas canvas = {.text = NULL};
    canvas_begin(&canvas, &terminal, false);
    table_write(&table, &canvas);
    bool written = !table.failed && canvas_flush(&canvas);
    canvas_deinit(&canvas);
    table_deinit(&table);
    return written ? code : EXIT_CODE_ERROR;
}

static enum exit_code ping_nodes(struct session *session, struct survey *survey, uint64_t rounds, double interval_s)
{
    struct pings *pings = calloc(survey->count, sizeof(*pings));
    if (pings == NULL) {
        return report_memory();
    }
    bool going = true;
    for (uint64_t round = 0; round < rounds && going; round++) {
        uint64_t next_ns = clock_now_ns() + (uint64_t)(interval_s * (double)NS_PER_S);
        survey_ask(survey, session);
        going = survey_wait(survey, session);
        for (size_t i = 0; going && i < survey->count; i++) {
            count_ping(&pings[i], &survey->answers[i], round == 0);
        }
        going = going && (round + 1 == rounds || loop_run(session->client, round == 0 ? 0 : next_ns, NULL, NULL));
    }
    enum exit_code code = write_pings(survey, pings);
    free(pings);
    return code;
}

enum exit_code command_ping(const struct invocation *invocation)
{
    uint64_t count = 4;
    double interval_s = 0.2;
    struct session session;
    struct survey survey;
    if (!options_unsigned(invocation, OPTION_COUNT, 1, UINT32_MAX, &count) ||
        !options_seconds(invocation, OPTION_INTERVAL, 0, 3600, &interval_s)) {
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = session_open(invocation, &session);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    sigset_t saved;
    interrupt_hold(&saved);
    if (!survey_init(&survey, &session)) {
        code = report_memory();
    } else {
        code = ping_nodes(&session, &survey, count + 1, interval_s);
    }
    session_close(&session);
    survey_deinit(&survey);
    interrupt_restore(&saved);
    return code;
}

/* ------------------------------------------------------------------ stats */

/* Where one node's statistics go. */
struct stats_output {
    const char *node; /* before each line; NULL: only one node is asked */
    struct json *json;
};

static void on_stat(void *user_data, const char *name, const char *value)
{
    const struct stats_output *output = user_data;
    if (output->json != NULL) {
        json_guess(output->json, name, value);
    } else if (output->node != NULL) {
        printf("%s\t%s\t%s\n", output->node, name, value);
    } else {
        printf("%s\t%s\n", name, value);
    }
}

static enum exit_code write_stats(struct session *session, const emc_address *only, const char *argument,
                                  struct json *json)
{
    enum exit_code code = EXIT_CODE_OK;
    for (size_t i = 0; i < session->servers.count; i++) {
        const emc_address *node = &session->servers.nodes[i];
        if (only != NULL && node != only) {
            continue;
        }
        char text[EMC_ADDRESS_TEXT_SIZE];
        bool named = only == NULL && session->servers.count > 1;
        struct stats_output output = {named ? node_text(node, text) : NULL, json};
        if (json != NULL) {
            json_open(json, node_text(node, text), '{');
        }
        emc_status status = emc_stats(session->client, node, argument, on_stat, &output, NULL);
        if (json != NULL) {
            json_close(json, '}');
        }
        code = exit_code_worse(code, report_client(node_text(node, text), status, session->client));
    }
    return code;
}

/* Whether a word can only be meant for a node: then it must be one. */
static bool looks_like_node(const char *word)
{
    return strpbrk(word, ":/.") != NULL;
}

/* stats [NODE] [ARGUMENT]: the first word is a node if one is called so. */
static enum exit_code stats_words(const struct invocation *invocation, const struct session *session,
                                  const emc_address **node_out, const char **argument_out)
{
    size_t next = 0;
    *node_out = NULL;
    *argument_out = NULL;
    if (invocation->word_count > 0) {
        bool must = looks_like_node(invocation->words[0]) || invocation->word_count == 2;
        *node_out = session_find_node(session, invocation->words[0], must);
        if (*node_out == NULL && must) {
            return EXIT_CODE_USAGE;
        }
        next = *node_out != NULL;
    }
    if (next < invocation->word_count) {
        *argument_out = invocation->words[next];
    }
    return EXIT_CODE_OK;
}

enum exit_code command_stats(const struct invocation *invocation)
{
    struct session session;
    enum exit_code code = session_open(invocation, &session);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    const emc_address *node = NULL;
    const char *argument = NULL;
    struct json json = {.file = stdout};
    bool with_json = invocation->options[OPTION_JSON] != NULL;
    code = stats_words(invocation, &session, &node, &argument);
    if (code == EXIT_CODE_OK) {
        if (with_json) {
            json_open(&json, NULL, '{');
        }
        code = write_stats(&session, node, argument, with_json ? &json : NULL);
        if (with_json) {
            json_close(&json, '}');
        }
    }
    session_close(&session);
    return code;
}

/* ------------------------------------------------------------------ flush_all */

static enum exit_code flush_node(struct session *session, const emc_address *node, uint64_t delay_s)
{
    char text[EMC_ADDRESS_TEXT_SIZE];
    emc_status status = emc_flush_all(session->client, node, (uint32_t)delay_s, NULL);
    return report_client(node_text(node, text), status, session->client);
}

/* Nothing is flushed when one of the words is wrong. */
static enum exit_code flush_nodes(const struct invocation *invocation, struct session *session, uint64_t delay_s)
{
    enum exit_code code = EXIT_CODE_OK;
    for (size_t i = 0; i < invocation->word_count; i++) {
        if (session_find_node(session, invocation->words[i], true) == NULL) {
            return EXIT_CODE_USAGE;
        }
    }
    for (size_t i = 0; i < invocation->word_count; i++) {
        const emc_address *node = session_find_node(session, invocation->words[i], false);
        code = exit_code_worse(code, flush_node(session, node, delay_s));
    }
    for (size_t i = 0; invocation->word_count == 0 && i < session->servers.count; i++) {
        code = exit_code_worse(code, flush_node(session, &session->servers.nodes[i], delay_s));
    }
    return code;
}

enum exit_code command_flush_all(const struct invocation *invocation)
{
    uint64_t delay_s = 0;
    struct session session;
    if (!options_unsigned(invocation, OPTION_DELAY, 0, 2592000, &delay_s)) {
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = session_open(invocation, &session);
    if (code == EXIT_CODE_OK) {
        code = flush_nodes(invocation, &session, delay_s);
        session_close(&session);
    }
    return code;
}
