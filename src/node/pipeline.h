/* What the files that match replies share: pipeline.c (the head, answers, the end), text_replies.c and binary_replies.c (what a reply means), retrieval.c (lines of
 * keys), quiet.c (quiet runs), stream.c (stats, dumps), meta_reply.c, incoming.c (values received into a home of their own). */
#ifndef EMC_NODE_PIPELINE_H
#define EMC_NODE_PIPELINE_H

#include "base/rare.h"
#include "node/connection.h"

/* Closes the connection as broken; returns false, as the reader's handlers do to stop. */
EMC__RARE bool emc__pipeline_contradiction(struct emc__connection *connection, const char *what);
/* Takes an entry that stands for others out of the pipeline. */
void emc__pipeline_leave_entry(struct emc__connection *connection, struct emc__operation *entry);
/* An entry has left: tells the listener when nothing is owed any more. */
EMC__HOT void emc__pipeline_settle_owing(struct emc__connection *connection);
/* The entry that the next reply answers; NULL: nothing is awaited. A reply that is no error `fences`: it proves that the noreply operations before it were
 * taken, and they leave. To an error the head may be one of them. */
struct emc__operation *emc__pipeline_head_of_noreply(struct emc__connection *connection, bool fences);
static inline struct emc__operation *emc__pipeline_head(struct emc__connection *connection, bool fences)
{
    struct emc__link *link = emc__list_first(&connection->pipeline);
    if (link != NULL && EMC__OPERATION_OF(link)->noreply) {
        return emc__pipeline_head_of_noreply(connection, fences);
    }
    return link != NULL ? EMC__OPERATION_OF(link) : NULL;
}

/* Between two answers, with nothing half done: flushes where a share of what was in flight is answered and callbacks have submitted something. True, for
 * the connection is as open as it was. */
EMC__APART void emc__pipeline_flush_share(struct emc__connection *connection);
static inline bool emc__pipeline_go_on(struct emc__connection *connection)
{
    const struct emc__engine *engine = connection->engine;
    if (emc__share_due(&engine->share, engine->completed) && !emc__list_empty(&engine->dirty)) {
        emc__pipeline_flush_share(connection);
    }
    return true;
}

/* The operation leaves the pipeline and is completed, with all that share its answer. *result may be changed. */
EMC__HOT void emc__pipeline_answer(struct emc__connection *connection, struct emc__operation *operation, emc_result *result);
void emc__pipeline_answer_status(struct emc__connection *connection, struct emc__operation *operation, emc_status status, const char *message);
/* The same with a value, which is copied to the caller's memory where that was asked for. */
EMC__HOT void emc__pipeline_answer_value(struct emc__connection *connection, struct emc__operation *operation, emc_result *result);
/* Asks the caller for memory. */
void *emc__pipeline_allocate(struct emc__connection *connection, emc_value_allocate *allocate, void *user_data, size_t index, size_t length);

/* Whether a server says our password back to us: such words reach no log and no error. */
bool emc__pipeline_holds_password(const struct emc__connection *connection, struct emc__slice words);
/* A probe has its answer: its entry leaves. */
bool emc__pipeline_probe_answered(struct emc__connection *connection, struct emc__operation *entry);
/* The server has closed after `quit`: true when that was all that was awaited; the connection is closed. */
bool emc__pipeline_quit_answered(struct emc__connection *connection);
/* Puts gets that may be asked again before what is pending: all of that is placed anew when the listener hears of the end. */
void emc__pipeline_ask_again(struct emc__connection *connection);

/* text_replies.c: an error line in words, and as a status. */
void emc__text_error_words(const struct emc__reply_line *line, char *text, size_t size);
emc_status emc__text_error_status(const struct emc__reply_line *line);
bool emc__text_is_error(const struct emc__reply_line *line);
/* Words that memcached has for a write alone; and those for a get alone, which stand for its whole answer. */
bool emc__text_error_is_a_writes(const struct emc__reply_line *line);
bool emc__text_error_is_a_gets(const struct emc__reply_line *line);
/* A line, for the head of the pipeline; context is the connection. False: the connection is closed. */
EMC__HOT bool emc__text_line(void *context, const struct emc__reply_line *line);
/* connection.c: the handshake goes on. False: the connection is closed. */
bool emc__connection_authenticated(struct emc__connection *connection);
void emc__connection_version(struct emc__connection *connection, struct emc__slice text);
/* Puts an operation that was in the pipeline back, to be written before all that is pending. */
void emc__connection_requeue(struct emc__connection *connection, struct emc__operation *operation, struct emc__link *before);

/* retrieval.c: entries are LINE or BULK_LINE */
/* The line that ends the answer: for the entry, and for those that its line goes on with. */
bool emc__retrieval_line(struct emc__connection *connection, struct emc__operation *entry, const struct emc__reply_line *line);
/* END for this entry alone: what is left of its keys is missing. */
EMC__HOT bool emc__retrieval_end(struct emc__connection *connection, struct emc__operation *entry);
/* Text: the entry, of those that share its line, that asked for the key; those before it are done, and what they lack is missing. When none asked: the
 * same entry. NULL: the connection was closed meanwhile. */
struct emc__operation *emc__retrieval_advance(struct emc__connection *connection, struct emc__operation *entry, struct emc__slice key);
bool emc__retrieval_value(struct emc__connection *connection, struct emc__operation *entry,
                          const struct emc__value_header *header, const uint8_t *data);
bool emc__retrieval_bulk_value(struct emc__connection *connection, struct emc__operation *entry,
                               const struct emc__value_header *header, const uint8_t *data);
/* Text: the member that the value is for, misses before it answered. NULL: it contradicts the line, or a callback closed the connection, which is closed in
 * either case. */
struct emc__operation *emc__retrieval_match(struct emc__connection *connection, struct emc__operation *entry,
                                            const struct emc__value_header *header);
/* The same for a bulk line: the record's index, or EMC__BULK_END. The record has left the line's chain. */
EMC__HOT uint32_t emc__retrieval_match_bulk(struct emc__connection *connection, struct emc__operation *entry,
                                            const struct emc__value_header *header);
/* What both dialects share of it. Members before this one (NULL: all) are missing: false when the connection was closed meanwhile. */
EMC__HOT bool emc__retrieval_miss_until(struct emc__connection *connection, struct emc__operation *entry, const struct emc__operation *member);
/* The first `count` records of a bulk line are missing: false when the connection was closed meanwhile. */
bool emc__retrieval_miss_records(struct emc__connection *connection, struct emc__operation *entry, uint32_t count);
/* Takes the first record off the line's chain and returns its index. */
uint32_t emc__retrieval_take_record(struct emc__connection *connection, struct emc__operation *entry);
/* Gives a value to the member, or to the bulk's record, that it was matched to. */
bool emc__retrieval_give(struct emc__connection *connection, struct emc__operation *operation,
                         const struct emc__value_header *header, const uint8_t *data);
EMC__HOT bool emc__retrieval_give_bulk(struct emc__connection *connection, struct emc__operation *entry, uint32_t index,
                                       const struct emc__value_header *header, const uint8_t *data);
/* Every key of the line is answered: its entry leaves. Returns whether the connection is still open. */
bool emc__retrieval_finish(struct emc__connection *connection, struct emc__operation *entry);

/* quiet.c, stream.c, meta_reply.c */
bool emc__quiet_line(struct emc__connection *connection, struct emc__operation *entry, const struct emc__reply_line *line);
/* One line of statistics, by its parts. */
bool emc__stream_stat(struct emc__connection *connection, struct emc__operation *entry, struct emc__slice name, struct emc__slice value);
bool emc__stream_line(struct emc__connection *connection, struct emc__operation *entry, const struct emc__reply_line *line);
/* Whether a configuration may be so long; else the connection is closed. */
bool emc__stream_accepts(struct emc__connection *connection, size_t length);
bool emc__stream_value(struct emc__connection *connection, struct emc__operation *entry,
                       const struct emc__value_header *header, const uint8_t *data);
bool emc__meta_line(struct emc__connection *connection, struct emc__operation *entry, const struct emc__reply_line *line);
bool emc__meta_value(struct emc__connection *connection, struct emc__operation *entry,
                     const struct emc__value_header *header, const uint8_t *data);

/* incoming.c */
bool emc__incoming_begin(struct emc__connection *connection, struct emc__operation *operation,
                         const struct emc__value_header *header, uint8_t **destination_out);
bool emc__incoming_begin_bulk(struct emc__connection *connection, struct emc__operation *entry, uint32_t index,
                              const struct emc__value_header *header, uint8_t **destination_out);
bool emc__incoming_begin_meta(struct emc__connection *connection, struct emc__operation *entry,
                              const struct emc__value_header *header, uint8_t **destination_out);
bool emc__incoming_begin_configuration(struct emc__connection *connection, struct emc__operation *entry,
                                       const struct emc__value_header *header, uint8_t **destination_out);
bool emc__incoming_end(struct emc__connection *connection);

#endif
