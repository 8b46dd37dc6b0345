/* A survey: every node is asked for its version at once. */
#include "survey.h"

#include <stdio.h>
#include <stdlib.h>

#include "loop.h"

bool survey_init(struct survey *survey, const struct session *session)
{
    *survey = (struct survey){calloc(session->servers.count, sizeof(struct survey_answer)), session->servers.count, 0};
    for (size_t i = 0; survey->answers != NULL && i < survey->count; i++) {
        survey->answers[i].node = &session->servers.nodes[i];
        survey->answers[i].survey = survey;
    }
    return survey->answers != NULL;
}

void survey_deinit(struct survey *survey)
{
    free(survey->answers);
    survey->answers = NULL;
}

static void settle(struct survey_answer *answer, emc_status status, const char *text, size_t length)
{
    answer->done = true;
    answer->status = status;
    answer->seconds = (double)(clock_now_ns() - answer->asked_ns) / (double)NS_PER_S;
    size_t most = sizeof(answer->text) - 1;
    snprintf(answer->text, sizeof(answer->text), "%.*s", (int)(length < most ? length : most), text);
    answer->survey->open--;
}

static void on_answer(void *user_data, const emc_result *result)
{
    struct survey_answer *answer = user_data;
    if (result->status == EMC_OK) {
        settle(answer, EMC_OK, result->value, result->value_length);
    } else {
        const char *words = result->message != NULL ? result->message : emc_status_text(result->status);
        settle(answer, result->status, words, EMC_ERROR_MESSAGE_SIZE);
    }
}

void survey_ask(struct survey *survey, struct session *session)
{
    for (size_t i = 0; i < survey->count; i++) {
        struct survey_answer *answer = &survey->answers[i];
        emc_call call = {.callback = on_answer, .user_data = answer};
        answer->done = false;
        answer->asked_ns = clock_now_ns();
        survey->open++;
        emc_status status = emc_version_async(session->client, answer->node, &call);
        if (status != EMC_OK) {
            settle(answer, status, emc_client_error_message(session->client), EMC_ERROR_MESSAGE_SIZE);
        }
    }
    emc_client_flush(session->client);
}

static bool is_complete(const void *context)
{
    const struct survey *survey = context;
    return survey->open == 0;
}

bool survey_wait(struct survey *survey, struct session *session)
{
    return loop_run(session->client, UINT64_MAX, is_complete, survey);
}
