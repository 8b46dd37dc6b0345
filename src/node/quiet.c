/* Replies to a quiet run: silence up to the fence means success, failures come labelled. An error that carries no label leaves the
 * silent operations around it with an unknown outcome, never with success. */
#include "node/pipeline.h"

/* Plain writes before quiet ones are used again after an unlabelled error. */
#define QUIET_PAUSE 1000

/* The run's members up to (not including) the label are silent: the server has passed them. */
static void answer_silent(struct emc__connection *connection, struct emc__operation *run, uint32_t label)
{
    struct emc__link *link;
    while (connection->state != EMC__CONNECTION_CLOSED && (link = emc__list_first(&run->of.members)) != NULL) {
        struct emc__operation *operation = EMC__OPERATION_OF(link);
        if (operation->in.run_length >= label) {
            return;
        }
        emc__pipeline_answer_status(connection, operation, run->meta_quiet_error ? EMC_ERROR_OUTCOME_UNKNOWN : EMC_OK,
                                    NULL);
        (void)emc__pipeline_go_on(connection);
    }
}

static bool find_label(struct emc__slice flags, uint32_t *label_out)
{
    struct emc__meta_flag flag;
    while (emc__meta_flags_next(&flags, &flag)) {
        if (flag.letter == 'O') {
            return emc__label_read(flag.token, label_out);
        }
    }
    return false;
}

static int labelled_status(const struct emc__operation *operation, uint16_t code)
{
    if (code == EMC__META_CODE('N', 'F') && operation->verb == EMC__VERB_DELETE) {
        return EMC_MISS;
    }
    if (code == EMC__META_CODE('N', 'S') && operation->verb == EMC__VERB_SET) {
        return EMC_NOT_STORED;
    }
    return code == EMC__META_CODE('H', 'D') ? EMC_OK : EMC_ERROR_PROTOCOL;
}

static bool answer_labelled(struct emc__connection *connection, struct emc__operation *run,
                            const struct emc__reply_line *line)
{
    uint32_t label = 0;
    if (!find_label(line->text, &label) || label >= run->in.run_length) {
        return emc__pipeline_contradiction(connection, "a quiet reply without its label");
    }
    struct emc__link *last = emc__list_last(&run->of.members);
    if (last == NULL || EMC__OPERATION_OF(last)->in.run_length < label) {
        return emc__pipeline_contradiction(connection, "a quiet reply out of order");
    }
    answer_silent(connection, run, label);
    struct emc__link *link = connection->state == EMC__CONNECTION_CLOSED ? NULL : emc__list_first(&run->of.members);
    if (link == NULL || EMC__OPERATION_OF(link)->in.run_length != label) {
        return emc__pipeline_contradiction(connection, "two quiet replies with one label");
    }
    int status = labelled_status(EMC__OPERATION_OF(link), line->meta_code);
    if (status == EMC_ERROR_PROTOCOL) {
        return emc__pipeline_contradiction(connection, "a quiet reply of another kind than the command has");
    }
    emc__pipeline_answer_status(connection, EMC__OPERATION_OF(link), (emc_status)status, NULL);
    return connection->state != EMC__CONNECTION_CLOSED;
}

static bool finish_run(struct emc__connection *connection, struct emc__operation *run)
{
    answer_silent(connection, run, UINT32_MAX);
    if (connection->state == EMC__CONNECTION_CLOSED) {
        return false;
    }
    emc__pipeline_leave_entry(connection, run);
    emc__pipeline_settle_owing(connection);
    return connection->state != EMC__CONNECTION_CLOSED;
}

/* Words that memcached has for a write alone stand for one of the run's. Any other line may stand in the place of the fence, and then the next run's would
 * pass for it. */
static bool unlabelled(struct emc__connection *connection, struct emc__operation *run,
                       const struct emc__reply_line *line)
{
    *connection->quiet_pause = QUIET_PAUSE;
    if (emc__text_error_is_a_writes(line)) {
        run->meta_quiet_error = true;
        return true;
    }
    char text[EMC_ERROR_MESSAGE_SIZE] = "a line of another kind within a quiet run";
    if (emc__text_is_error(line)) {
        emc__text_error_words(line, text, sizeof text);
    }
    return emc__pipeline_contradiction(connection, text);
}

bool emc__quiet_line(struct emc__connection *connection, struct emc__operation *entry,
                     const struct emc__reply_line *line)
{
    if (line->kind != EMC__REPLY_META) {
        return unlabelled(connection, entry, line);
    }
    if (line->meta_code == EMC__META_CODE('M', 'N')) {
        if (connection->open_run == entry) {
            return emc__pipeline_contradiction(connection, "the answer to a fence that was not sent");
        }
        return finish_run(connection, entry);
    }
    return answer_labelled(connection, entry, line);
}
