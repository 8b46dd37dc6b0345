/* The text dialect as a whole: its reader, its credentials, and its replies, each matched to the head of the pipeline by order and by key, label or kind.
 * Requests are made in coalesce.c; lines of keys, quiet runs, streams and meta replies have files of their own (pipeline.h). */
#include "base/rare.h"
#include "node/dialect.h"
#include "node/pipeline.h"

#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------------ errors and single replies */

void emc__text_error_words(const struct emc__reply_line *line, char *text, size_t size)
{
    static const char *const words[] = {"ERROR", "CLIENT_ERROR", "SERVER_ERROR"};
    const char *word = words[line->kind == EMC__REPLY_ERROR ? 0 : line->kind == EMC__REPLY_CLIENT_ERROR ? 1 : 2];
    int length = line->text.length > 200 ? 200 : (int)line->text.length;
    snprintf(text, size, "the server answered: %s%s%.*s", word, length > 0 ? " " : "", length,
             (const char *)line->text.data);
}

emc_status emc__text_error_status(const struct emc__reply_line *line)
{
    switch (line->kind) {
    case EMC__REPLY_ERROR:
        return EMC_ERROR_COMMAND;
    case EMC__REPLY_CLIENT_ERROR:
        return EMC_ERROR_CLIENT;
    default:
        if (emc__slice_begins_with(line->text, "object too large")) {
            return EMC_ERROR_TOO_LARGE;
        }
        return emc__slice_begins_with(line->text, "out of memory") ? EMC_ERROR_SERVER_MEMORY : EMC_ERROR_SERVER;
    }
}

bool emc__text_is_error(const struct emc__reply_line *line)
{
    return line->kind == EMC__REPLY_ERROR || line->kind == EMC__REPLY_CLIENT_ERROR ||
           line->kind == EMC__REPLY_SERVER_ERROR;
}

bool emc__text_error_is_a_writes(const struct emc__reply_line *line)
{
    return line->kind == EMC__REPLY_SERVER_ERROR &&
           (emc__slice_begins_with(line->text, "object too large") ||
            emc__slice_begins_with(line->text, "out of memory storing object"));
}

bool emc__text_error_is_a_gets(const struct emc__reply_line *line)
{
    return line->kind == EMC__REPLY_SERVER_ERROR &&
           emc__slice_begins_with(line->text, "out of memory writing get response");
}

/* An error of another command than the entry's. memcached (1.6.18, read) drops the answers it has not sent yet where it lacks memory for a get's: then its
 * words stand in the place of what was asked before. */
static bool is_of_another(const struct emc__operation *entry, const struct emc__reply_line *line)
{
    bool retrieval = entry->kind == EMC__OPERATION_LINE || entry->kind == EMC__OPERATION_BULK_LINE;
    return retrieval ? emc__text_error_is_a_writes(line) : emc__text_error_is_a_gets(line);
}

/* Commands that a server may not know: proxies and old versions. */
static bool may_be_unknown(const struct emc__operation *entry)
{
    switch (entry->verb) {
    case EMC__VERB_GAT:
    case EMC__VERB_GATS:
    case EMC__VERB_TOUCH:
    case EMC__VERB_FLUSH_ALL:
    case EMC__VERB_VERBOSITY:
    case EMC__VERB_CACHE_MEMLIMIT:
    case EMC__VERB_STATS:
    case EMC__VERB_RAW_LINE:
    case EMC__VERB_META_NOOP:
        return true;
    default:
        return entry->kind == EMC__OPERATION_META;
    }
}

/* An error line for a single operation: its own; and the stream may be out of step after it (protocol.md section 1). What comes for a quiet one may
 * stand in the place of its fence; and memcached's proxy (1.6.18, read) that lacks memory for a value does not skip it. */
static bool single_error(struct emc__connection *connection, struct emc__operation *entry,
                         const struct emc__reply_line *line)
{
    char text[EMC_ERROR_MESSAGE_SIZE];
    emc__text_error_words(line, text, sizeof text);
    bool storage = entry->kind == EMC__OPERATION_STORAGE ||
                   (entry->kind == EMC__OPERATION_META && entry->in.meta.command == 's');
    bool fences = entry->quiet && !emc__text_error_is_a_writes(line);
    bool unread = storage && emc__slice_equal(line->text, emc__slice_of_string("out of memory"));
    bool in_step = (line->kind == EMC__REPLY_SERVER_ERROR && !fences && !unread) ||
                   (!storage && line->kind == EMC__REPLY_CLIENT_ERROR) ||
                   (!storage && line->kind == EMC__REPLY_ERROR && may_be_unknown(entry));
    emc__pipeline_answer_status(connection, entry, emc__text_error_status(line), text);
    if (!in_step) {
        emc__connection_close(connection, EMC_ERROR_CONNECTION_LOST, text);
    }
    return connection->state != EMC__CONNECTION_CLOSED;
}

#define CONTRADICTS (-1000)

struct expectation {
    enum emc__verb verb;
    enum emc__reply reply;
    int status;
};

static const struct expectation expectations[] = {
    {EMC__VERB_SET, EMC__REPLY_STORED, EMC_OK},
    {EMC__VERB_SET, EMC__REPLY_NOT_STORED, EMC_NOT_STORED},
    {EMC__VERB_ADD, EMC__REPLY_STORED, EMC_OK},
    {EMC__VERB_ADD, EMC__REPLY_NOT_STORED, EMC_NOT_STORED},
    {EMC__VERB_REPLACE, EMC__REPLY_STORED, EMC_OK},
    {EMC__VERB_REPLACE, EMC__REPLY_NOT_STORED, EMC_NOT_STORED},
    {EMC__VERB_APPEND, EMC__REPLY_STORED, EMC_OK},
    {EMC__VERB_APPEND, EMC__REPLY_NOT_STORED, EMC_NOT_STORED},
    {EMC__VERB_PREPEND, EMC__REPLY_STORED, EMC_OK},
    {EMC__VERB_PREPEND, EMC__REPLY_NOT_STORED, EMC_NOT_STORED},
    {EMC__VERB_CAS, EMC__REPLY_STORED, EMC_OK},
    {EMC__VERB_CAS, EMC__REPLY_EXISTS, EMC_EXISTS},
    {EMC__VERB_CAS, EMC__REPLY_NOT_FOUND, EMC_MISS},
    {EMC__VERB_CAS, EMC__REPLY_NOT_STORED, EMC_NOT_STORED},
    {EMC__VERB_DELETE, EMC__REPLY_DELETED, EMC_OK},
    {EMC__VERB_DELETE, EMC__REPLY_NOT_FOUND, EMC_MISS},
    {EMC__VERB_TOUCH, EMC__REPLY_TOUCHED, EMC_OK},
    {EMC__VERB_TOUCH, EMC__REPLY_NOT_FOUND, EMC_MISS},
    {EMC__VERB_INCR, EMC__REPLY_NUMBER, EMC_OK},
    {EMC__VERB_INCR, EMC__REPLY_NOT_FOUND, EMC_MISS},
    {EMC__VERB_DECR, EMC__REPLY_NUMBER, EMC_OK},
    {EMC__VERB_DECR, EMC__REPLY_NOT_FOUND, EMC_MISS},
    {EMC__VERB_VERSION, EMC__REPLY_VERSION, EMC_OK},
    {EMC__VERB_FLUSH_ALL, EMC__REPLY_OK, EMC_OK},
    {EMC__VERB_VERBOSITY, EMC__REPLY_OK, EMC_OK},
    {EMC__VERB_CACHE_MEMLIMIT, EMC__REPLY_OK, EMC_OK},
    {EMC__VERB_CACHE_MEMLIMIT, EMC__REPLY_LINE, EMC_ERROR_CLIENT},
    {EMC__VERB_META_NOOP, EMC__REPLY_META, EMC_OK},
    {EMC__VERB_RAW_LINE, EMC__REPLY_OK, EMC_OK},
    {EMC__VERB_RAW_LINE, EMC__REPLY_LINE, EMC_ERROR_CLIENT},
};

static int expected_status(uint8_t verb, enum emc__reply reply)
{
    for (size_t i = 0; i < sizeof expectations / sizeof expectations[0]; i++) {
        if (expectations[i].verb == verb && expectations[i].reply == reply) {
            return expectations[i].status;
        }
    }
    return CONTRADICTS;
}

static bool single_line(struct emc__connection *connection, struct emc__operation *entry,
                        const struct emc__reply_line *line)
{
    int status = expected_status(entry->verb, line->kind);
    if (entry->verb == EMC__VERB_META_NOOP && line->meta_code != EMC__META_CODE('M', 'N')) {
        status = CONTRADICTS;
    }
    if (status == CONTRADICTS) {
        return emc__pipeline_contradiction(connection, "a reply of another kind than the command has");
    }
    char words[128];
    if (line->kind == EMC__REPLY_LINE && emc__slice_begins_with(line->text, "BUSY")) {
        status = EMC_ERROR_BUSY;
    }
    emc_result result = {.status = (emc_status)status, .number = line->number};
    if (line->kind == EMC__REPLY_VERSION) {
        result.value = line->text.data;
        result.value_length = line->text.length;
    } else if (status < 0) {
        snprintf(words, sizeof words, "the server answered: %.*s",
                 (int)(line->text.length > 90 ? 90 : line->text.length), (const char *)line->text.data);
        result.message = words;
    }
    emc__pipeline_answer(connection, entry, &result);
    return connection->state != EMC__CONNECTION_CLOSED;
}

static bool probe_line(struct emc__connection *connection, struct emc__operation *entry,
                       const struct emc__reply_line *line)
{
    if (entry->verb == EMC__VERB_META_NOOP) {
        bool fence = line->kind == EMC__REPLY_META && line->meta_code == EMC__META_CODE('M', 'N');
        return fence ? emc__pipeline_probe_answered(connection, entry)
                     : emc__pipeline_contradiction(connection, "another reply than the fence's");
    }
    if (line->kind != EMC__REPLY_VERSION) {
        char text[EMC_ERROR_MESSAGE_SIZE] = "the server did not answer `version` with its version";
        bool refused = line->kind == EMC__REPLY_CLIENT_ERROR && emc__slice_begins_with(line->text, "unauthenticated");
        if (emc__text_is_error(line)) {
            emc__text_error_words(line, text, sizeof text);
        }
        emc__connection_close(connection, refused ? EMC_ERROR_AUTHENTICATION : EMC_ERROR_PROTOCOL, text);
        return false;
    }
    (void)emc__pipeline_probe_answered(connection, entry);
    emc__connection_version(connection, line->text);
    return connection->state != EMC__CONNECTION_CLOSED;
}

/* ------------------------------------------------------------------ credentials */

static bool write_credentials(struct emc__connection *connection)
{
    const emc_options *options = &connection->engine->options;
    struct emc__slice user = emc__slice_of_string(options->username);
    struct emc__slice password = emc__slice_of_string(options->password);
    uint8_t *out = emc__buffer_reserve(&connection->unsent, user.length + password.length + 64);
    if (out == NULL) {
        return false;
    }
    emc__buffer_commit(&connection->unsent, emc__write_ascii_authentication(out, user, password));
    return true;
}

static bool authentication_line(struct emc__connection *connection, const struct emc__reply_line *line)
{
    if (line->kind == EMC__REPLY_STORED) {
        return emc__connection_authenticated(connection);
    }
    char text[EMC_ERROR_MESSAGE_SIZE] = "the server did not answer the credentials as memcached does";
    if (emc__text_is_error(line)) {
        emc__text_error_words(line, text, sizeof text);
    }
    emc__connection_close(connection, EMC_ERROR_AUTHENTICATION, text);
    return false;
}

/* ------------------------------------------------------------------ what the reader delivers */

bool emc__text_line(void *context, const struct emc__reply_line *line)
{
    struct emc__connection *connection = context;
    struct emc__reply_line withheld;
    if (emc__text_is_error(line) && emc__pipeline_holds_password(connection, line->text)) {
        withheld = *line;
        withheld.text = emc__slice_of_string("(words that hold the password)");
        line = &withheld;
    }
    if (connection->state == EMC__CONNECTION_AUTHENTICATING) {
        return authentication_line(connection, line);
    }
    struct emc__operation *entry = emc__pipeline_head(connection, !emc__text_is_error(line));
    if (entry == NULL) {
        return emc__pipeline_contradiction(connection, "a line while nothing is awaited");
    }
    if (entry->noreply) {
        return emc__pipeline_contradiction(connection, "an error after operations without reply");
    }
    if (line->kind == EMC__REPLY_SERVER_ERROR && is_of_another(entry, line)) {
        return emc__pipeline_contradiction(connection, "an error of another command than was asked");
    }
    if (connection->borrowed == entry && !emc__text_is_error(line)) {
        return emc__pipeline_contradiction(connection, "a result before the value was sent");
    }
    switch ((enum emc__operation_kind)entry->kind) {
    case EMC__OPERATION_LINE:
    case EMC__OPERATION_BULK_LINE:
        return emc__retrieval_line(connection, entry, line);
    case EMC__OPERATION_QUIET_RUN:
        return emc__quiet_line(connection, entry, line);
    case EMC__OPERATION_PROBE:
        return probe_line(connection, entry, line);
    case EMC__OPERATION_STREAM:
        return emc__stream_line(connection, entry, line);
    case EMC__OPERATION_META:
        return emc__text_is_error(line) ? single_error(connection, entry, line)
                                        : emc__meta_line(connection, entry, line);
    default:
        return emc__text_is_error(line) ? single_error(connection, entry, line) : single_line(connection, entry, line);
    }
}

/* Nothing is awaited, noreply operations stand before it, or several entries share its line. */
EMC__APART static struct emc__operation *seek_entry(struct emc__connection *connection,
                                                    const struct emc__value_header *header)
{
    struct emc__operation *entry = emc__pipeline_head(connection, true);
    if (entry == NULL || connection->state == EMC__CONNECTION_AUTHENTICATING) {
        emc__pipeline_contradiction(connection, "a value while nothing is awaited");
        return NULL;
    }
    return entry->goes_on ? emc__retrieval_advance(connection, entry, header->key) : entry;
}

/* The head, where all that comes is for it; NULL: that wants a closer look. */
static inline struct emc__operation *usual_entry(struct emc__connection *connection)
{
    struct emc__link *first = emc__list_first(&connection->pipeline);
    bool usual = first != NULL && !EMC__OPERATION_OF(first)->noreply && !EMC__OPERATION_OF(first)->goes_on &&
                 connection->state != EMC__CONNECTION_AUTHENTICATING;
    return usual ? EMC__OPERATION_OF(first) : NULL;
}

/* The entry that the value is for; NULL: the connection is closed. */
static inline struct emc__operation *value_entry(struct emc__connection *connection,
                                                 const struct emc__value_header *header)
{
    struct emc__operation *entry = usual_entry(connection);
    return entry != NULL ? entry : seek_entry(connection, header);
}

/* The end of a get in which nothing went wrong. */
static inline bool ends_plainly(const struct emc__operation *entry, const struct emc__reply_line *line)
{
    return line->kind == EMC__REPLY_END && !entry->erred &&
           (entry->kind == EMC__OPERATION_LINE || entry->kind == EMC__OPERATION_BULK_LINE);
}

/* Nearly all lines are the ends of gets. */
EMC__HOT static bool take_line(void *context, const struct emc__reply_line *line)
{
    struct emc__connection *connection = context;
    struct emc__operation *entry = usual_entry(connection);
    return (entry != NULL && ends_plainly(entry, line) ? emc__retrieval_end(connection, entry)
                                                       : emc__text_line(connection, line)) &&
           emc__pipeline_go_on(connection);
}

static bool give_value(struct emc__connection *connection, const struct emc__value_header *header, const uint8_t *data)
{
    struct emc__operation *entry = value_entry(connection, header);
    if (entry == NULL) {
        return false;
    }
    if (entry->kind == EMC__OPERATION_LINE && header->kind == EMC__VALUE_TEXT) {
        return emc__retrieval_value(connection, entry, header, data);
    }
    if (entry->kind == EMC__OPERATION_BULK_LINE && header->kind == EMC__VALUE_TEXT) {
        return emc__retrieval_bulk_value(connection, entry, header, data);
    }
    if (entry->kind == EMC__OPERATION_META && header->kind == EMC__VALUE_META) {
        return emc__meta_value(connection, entry, header, data);
    }
    if (entry->kind == EMC__OPERATION_STREAM && header->kind == EMC__VALUE_CONFIG) {
        return emc__stream_value(connection, entry, header, data);
    }
    return emc__pipeline_contradiction(connection, "a value that answers no retrieval");
}

EMC__HOT static bool take_value(void *context, const struct emc__value_header *header, const uint8_t *data)
{
    return give_value(context, header, data) && emc__pipeline_go_on(context);
}

static bool take_value_begin(void *context, const struct emc__value_header *header, uint8_t **destination_out)
{
    struct emc__connection *connection = context;
    struct emc__operation *entry = value_entry(connection, header);
    if (entry == NULL) {
        return false;
    }
    *destination_out = NULL;
    if (entry->kind == EMC__OPERATION_LINE && header->kind == EMC__VALUE_TEXT) {
        struct emc__operation *operation = emc__retrieval_match(connection, entry, header);
        return operation != NULL && emc__incoming_begin(connection, operation, header, destination_out);
    }
    if (entry->kind == EMC__OPERATION_BULK_LINE && header->kind == EMC__VALUE_TEXT) {
        uint32_t index = emc__retrieval_match_bulk(connection, entry, header);
        return index != EMC__BULK_END && emc__incoming_begin_bulk(connection, entry, index, header, destination_out);
    }
    if (entry->kind == EMC__OPERATION_META && header->kind == EMC__VALUE_META) {
        return emc__incoming_begin_meta(connection, entry, header, destination_out);
    }
    if (entry->kind == EMC__OPERATION_STREAM && header->kind == EMC__VALUE_CONFIG) {
        return emc__incoming_begin_configuration(connection, entry, header, destination_out);
    }
    return emc__pipeline_contradiction(connection, "a long value that answers no retrieval");
}

static bool take_value_end(void *context)
{
    return emc__incoming_end(context) && emc__pipeline_go_on(context);
}

static const struct emc__reader_handler handler = {take_line, take_value, take_value_begin, take_value_end};

/* ------------------------------------------------------------------ the dialect */

static size_t write_probe(struct emc__connection *connection, struct emc__operation *probe, uint8_t *out)
{
    (void)connection;
    (void)probe;
    return emc__write_plain(out, EMC__VERB_VERSION, -1, (struct emc__slice){0}, false);
}

static void reader_init(struct emc__connection *connection)
{
    const emc_options *options = &connection->engine->options;
    struct emc__reader_limits limits = {options->line_length_max, options->value_length_max};
    emc__reader_init(&connection->reader.text, &limits);
}

EMC__HOT static enum emc__read_result feed(struct emc__connection *connection, const uint8_t *data, size_t length,
                                           size_t *consumed_out)
{
    return emc__reader_feed(&connection->reader.text, data, length, &handler, connection, consumed_out);
}

EMC__HOT static struct emc__span wanted(const struct emc__connection *connection)
{
    return emc__reader_wanted(&connection->reader.text);
}

static void received(struct emc__connection *connection, size_t length)
{
    emc__reader_received(&connection->reader.text, length);
}

static void discard(struct emc__connection *connection)
{
    emc__reader_discard(&connection->reader.text);
}

static const char *broken(const struct emc__connection *connection)
{
    return connection->reader.text.error;
}

const struct emc__dialect emc__dialect_text = {
    .write_credentials = write_credentials,
    .write_probe = write_probe,
    .fill = emc__coalesce_fill,
    .value_end = {(const uint8_t *)"\r\n", 2},
    .reader_init = reader_init,
    .feed = feed,
    .wanted = wanted,
    .received = received,
    .discard = discard,
    .broken = broken,
};
