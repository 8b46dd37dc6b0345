/* Replies to operations: every reply is matched to the head of the pipeline by order and by key, label or kind, and any contradiction
 * closes the connection, failing what was in flight. Never a wrong value.
 *
 *   pipeline:  [noreply]* [line: a b c] [set] [quiet run: d e f] …     ← replies come in this order
 *
 * Uses the reader's deliveries; hands retrieved values on, tells its listener which slots became free. */
#include "node/pipeline.h"

#include <stdio.h>
#include <string.h>

bool emc__pipeline_contradiction(struct emc__connection *connection, const char *what)
{
    bool handshake = connection->state == EMC__CONNECTION_AUTHENTICATING;
    emc__log_write(&connection->engine->log, EMC_LOG_ERROR, "protocol contradiction: %s", what);
    emc__connection_close(connection, handshake ? EMC_ERROR_AUTHENTICATION : EMC_ERROR_PROTOCOL, what);
    return false;
}

void emc__pipeline_leave_record(struct emc__connection *connection, const struct emc__bulk_record *record)
{
    connection->load--;
    connection->listener->slot_left(connection->context, emc__slot_of(record->hash));
}

void emc__pipeline_push(struct emc__connection *connection, struct emc__operation *entry)
{
    bool was_empty = emc__list_empty(&connection->pipeline);
    entry->place = EMC__PLACE_SENT;
    entry->connection = connection;
    emc__list_append(&connection->pipeline, &entry->link);
    if (!entry->noreply) {
        connection->fence_owed = false;
    }
    if (was_empty) {
        connection->heard_since_idle = false;
        connection->listener->owes(connection->context, connection, true);
    }
}

/* The operation's place is free: its reply has gone by, or never will. One that was refused while its value was still going out lives until the value
 * has gone (sending.h). */
static void leave(struct emc__connection *connection, struct emc__operation *operation)
{
    emc__link_remove(&operation->link);
    operation->place = connection->borrowed == operation ? EMC__PLACE_SENT : EMC__PLACE_NONE;
    connection->load--;
    connection->listener->slot_left(connection->context, operation->slot);
}

/* Takes an entry that stands for others out of the pipeline. */
static void leave_entry(struct emc__connection *connection, struct emc__operation *entry)
{
    emc__link_remove(&entry->link);
    entry->place = EMC__PLACE_NONE;
    emc__operation_discard(connection->engine, entry);
}

void emc__pipeline_settle_owing(struct emc__connection *connection)
{
    if (connection->state == EMC__CONNECTION_CLOSED || !emc__list_empty(&connection->pipeline)) {
        return;
    }
    if (!emc__list_empty(&connection->pending)) {
        emc__connection_mark_dirty(connection); /* something waits for an empty pipeline */
    }
    connection->listener->owes(connection->context, connection, false);
}

typedef void answer_function(struct emc__connection *connection, struct emc__operation *operation, emc_result *result);

/* The followers of an answered operation, in the order submitted, from the ring that `last` ends. */
static void answer_followers(struct emc__connection *connection, struct emc__operation *last, const emc_result *result,
                             answer_function *answer)
{
    struct emc__operation *next = last->of.follower;
    while (next != NULL) {
        struct emc__operation *follower = next;
        emc_result copy = *result;
        next = follower == last ? NULL : follower->of.follower;
        follower->of.follower = NULL;
        leave(connection, follower);
        answer(connection, follower, &copy);
    }
}

/* Calls `answer` for the operation and all that share its answer; each has left the queues before. *result may be changed. */
static inline void answer_all(struct emc__connection *connection, struct emc__operation *operation, emc_result *result,
                              answer_function *answer)
{
    struct emc__operation *last = operation->kind == EMC__OPERATION_RETRIEVAL ? operation->of.follower : NULL;
    leave(connection, operation);
    if (last == NULL) {
        answer(connection, operation, result);
        return;
    }
    emc_result copy = *result;
    answer(connection, operation, &copy);
    answer_followers(connection, last, result, answer);
}

static void answer_plainly(struct emc__connection *connection, struct emc__operation *operation, emc_result *result)
{
    emc__operation_complete(connection->engine, operation, result);
}

/* Gives a value: in the caller's own memory where it asked for that. */
static void answer_with_value(struct emc__connection *connection, struct emc__operation *operation, emc_result *result)
{
    bool wanted = operation->allocate != NULL && !operation->completed && result->value_length > 0 &&
                  result->value_length >= operation->allocate_from;
    if (wanted) {
        void *memory = emc__pipeline_allocate(connection, operation->allocate, operation->user_data, 0, result->value_length);
        if (memory == NULL) {
            emc__operation_fail(connection->engine, operation, EMC_ERROR_MEMORY, NULL);
            return;
        }
        memcpy(memory, result->value, result->value_length);
        result->value = memory;
    }
    emc__operation_complete(connection->engine, operation, result);
}

void emc__pipeline_answer(struct emc__connection *connection, struct emc__operation *operation, emc_result *result)
{
    answer_all(connection, operation, result, answer_plainly);
    emc__pipeline_settle_owing(connection);
}

void emc__pipeline_answer_status(struct emc__connection *connection, struct emc__operation *operation, emc_status status,
                                 const char *message)
{
    emc_result result = {.status = status, .message = message};
    emc__pipeline_answer(connection, operation, &result);
}

void emc__pipeline_answer_value(struct emc__connection *connection, struct emc__operation *operation, emc_result *result)
{
    answer_all(connection, operation, result, answer_with_value);
    emc__pipeline_settle_owing(connection);
}

void *emc__pipeline_allocate(struct emc__connection *connection, emc_value_allocate *allocate, void *user_data, size_t index,
                             size_t length)
{
    connection->engine->callback_depth++;
    void *memory = allocate(user_data, index, length);
    connection->engine->callback_depth--;
    return memory;
}

/* ------------------------------------------------------------------ the head */

/* The entry that the next reply answers. A reply that is no error proves that the noreply operations before it were taken. NULL: nothing is awaited. */
struct emc__operation *emc__pipeline_head(struct emc__connection *connection, bool fences)
{
    struct emc__link *link = emc__list_first(&connection->pipeline);
    while (link != NULL && EMC__OPERATION_OF(link)->noreply) {
        struct emc__operation *noreply = EMC__OPERATION_OF(link);
        if (!fences) {
            return noreply;
        }
        leave(connection, noreply);
        emc__operation_discard(connection->engine, noreply);
        link = emc__list_first(&connection->pipeline);
    }
    return link != NULL ? EMC__OPERATION_OF(link) : NULL;
}

bool emc__pipeline_quit_answered(struct emc__connection *connection)
{
    struct emc__operation *entry = emc__pipeline_head(connection, true);
    if (entry == NULL || entry->verb != EMC__VERB_QUIT) {
        return false;
    }
    emc__pipeline_answer_status(connection, entry, EMC_OK, NULL);
    emc__connection_close(connection, EMC_OK, "the server was asked to close it");
    return true;
}

/* ------------------------------------------------------------------ lines */

void emc__pipeline_error_text(const struct emc__reply_line *line, char *text, size_t size)
{
    static const char *const words[] = {"ERROR", "CLIENT_ERROR", "SERVER_ERROR"};
    const char *word = words[line->kind == EMC__REPLY_ERROR ? 0 : line->kind == EMC__REPLY_CLIENT_ERROR ? 1 : 2];
    int length = line->text.length > 200 ? 200 : (int)line->text.length;
    snprintf(text, size, "the server answered: %s%s%.*s", word, length > 0 ? " " : "", length, (const char *)line->text.data);
}

static bool begins_with(struct emc__slice text, const char *words)
{
    size_t length = strlen(words);
    return text.length >= length && memcmp(text.data, words, length) == 0;
}

emc_status emc__pipeline_error_status(const struct emc__reply_line *line)
{
    switch (line->kind) {
    case EMC__REPLY_ERROR:
        return EMC_ERROR_COMMAND;
    case EMC__REPLY_CLIENT_ERROR:
        return EMC_ERROR_CLIENT;
    default:
        if (begins_with(line->text, "object too large")) {
            return EMC_ERROR_TOO_LARGE;
        }
        return begins_with(line->text, "out of memory") ? EMC_ERROR_SERVER_MEMORY : EMC_ERROR_SERVER;
    }
}

static bool is_error(const struct emc__reply_line *line)
{
    return line->kind == EMC__REPLY_ERROR || line->kind == EMC__REPLY_CLIENT_ERROR || line->kind == EMC__REPLY_SERVER_ERROR;
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

/* An error line for a single operation: its own; and the stream may be out of step after it (protocol.md section 1). */
static bool single_error(struct emc__connection *connection, struct emc__operation *entry, const struct emc__reply_line *line)
{
    char text[EMC_ERROR_MESSAGE_SIZE];
    emc__pipeline_error_text(line, text, sizeof text);
    bool storage = entry->kind == EMC__OPERATION_STORAGE || (entry->kind == EMC__OPERATION_META && entry->in.meta.command == 's');
    bool in_step = line->kind == EMC__REPLY_SERVER_ERROR || (!storage && line->kind == EMC__REPLY_CLIENT_ERROR) ||
                   (!storage && line->kind == EMC__REPLY_ERROR && may_be_unknown(entry));
    emc__pipeline_answer_status(connection, entry, emc__pipeline_error_status(line), text);
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

static bool single_line(struct emc__connection *connection, struct emc__operation *entry, const struct emc__reply_line *line)
{
    int status = expected_status(entry->verb, line->kind);
    if (entry->verb == EMC__VERB_META_NOOP && line->meta_code != EMC__META_CODE('M', 'N')) {
        status = CONTRADICTS;
    }
    if (status == CONTRADICTS) {
        return emc__pipeline_contradiction(connection, "a reply of another kind than the command has");
    }
    char words[128];
    if (line->kind == EMC__REPLY_LINE && begins_with(line->text, "BUSY")) {
        status = EMC_ERROR_BUSY;
    }
    emc_result result = {.status = (emc_status)status, .number = line->number};
    if (line->kind == EMC__REPLY_VERSION) {
        result.value = line->text.data;
        result.value_length = line->text.length;
    } else if (status < 0) {
        snprintf(words, sizeof words, "the server answered: %.*s", (int)(line->text.length > 90 ? 90 : line->text.length),
                 (const char *)line->text.data);
        result.message = words;
    }
    emc__pipeline_answer(connection, entry, &result);
    return connection->state != EMC__CONNECTION_CLOSED;
}

bool emc__pipeline_probe_answered(struct emc__connection *connection, struct emc__operation *entry)
{
    leave_entry(connection, entry);
    emc__pipeline_settle_owing(connection);
    return connection->state != EMC__CONNECTION_CLOSED;
}

static bool probe_line(struct emc__connection *connection, struct emc__operation *entry, const struct emc__reply_line *line)
{
    if (entry->verb == EMC__VERB_META_NOOP) {
        bool fence = line->kind == EMC__REPLY_META && line->meta_code == EMC__META_CODE('M', 'N');
        return fence ? emc__pipeline_probe_answered(connection, entry) : emc__pipeline_contradiction(connection, "another reply than the fence's");
    }
    if (line->kind != EMC__REPLY_VERSION) {
        char text[EMC_ERROR_MESSAGE_SIZE] = "the server did not answer `version` with its version";
        bool refused = line->kind == EMC__REPLY_CLIENT_ERROR && begins_with(line->text, "unauthenticated");
        if (is_error(line)) {
            emc__pipeline_error_text(line, text, sizeof text);
        }
        emc__connection_close(connection, refused ? EMC_ERROR_AUTHENTICATION : EMC_ERROR_PROTOCOL, text);
        return false;
    }
    (void)emc__pipeline_probe_answered(connection, entry);
    emc__connection_version(connection, line->text);
    return connection->state != EMC__CONNECTION_CLOSED;
}

bool emc__pipeline_holds_password(const struct emc__connection *connection, struct emc__slice words)
{
    const char *password = connection->engine->options.password;
    return password != NULL && words.length > 0 && memmem(words.data, words.length, password, strlen(password)) != NULL;
}

static bool take_line(void *context, const struct emc__reply_line *line)
{
    struct emc__connection *connection = context;
    struct emc__reply_line withheld = *line;
    if (is_error(line) && emc__pipeline_holds_password(connection, line->text)) {
        withheld.text = emc__slice_of_string("(words that hold the password)");
        line = &withheld;
    }
    if (connection->state == EMC__CONNECTION_AUTHENTICATING) {
        return emc__text_authentication_line(connection, line);
    }
    struct emc__operation *entry = emc__pipeline_head(connection, !is_error(line));
    if (entry == NULL) {
        return emc__pipeline_contradiction(connection, "a line while nothing is awaited");
    }
    if (entry->noreply) {
        return emc__pipeline_contradiction(connection, "an error after operations without reply");
    }
    if (connection->borrowed == entry && !is_error(line)) {
        return emc__pipeline_contradiction(connection, "a result before the value was sent");
    }
    switch ((enum emc__operation_kind)entry->kind) {
    case EMC__OPERATION_LINE:
        return emc__retrieval_line(connection, entry, line);
    case EMC__OPERATION_BULK_LINE:
        return emc__retrieval_bulk_line(connection, entry, line);
    case EMC__OPERATION_QUIET_RUN:
        return emc__quiet_line(connection, entry, line);
    case EMC__OPERATION_PROBE:
        return probe_line(connection, entry, line);
    case EMC__OPERATION_STREAM:
        return emc__stream_line(connection, entry, line);
    case EMC__OPERATION_META:
        return is_error(line) ? single_error(connection, entry, line) : emc__meta_line(connection, entry, line);
    default:
        return is_error(line) ? single_error(connection, entry, line) : single_line(connection, entry, line);
    }
}

/* ------------------------------------------------------------------ values */

static bool take_value(void *context, const struct emc__value_header *header, const uint8_t *data)
{
    struct emc__connection *connection = context;
    struct emc__operation *entry = emc__pipeline_head(connection, true);
    if (entry == NULL || connection->state == EMC__CONNECTION_AUTHENTICATING) {
        return emc__pipeline_contradiction(connection, "a value while nothing is awaited");
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

static bool take_value_begin(void *context, const struct emc__value_header *header, uint8_t **destination_out)
{
    struct emc__connection *connection = context;
    struct emc__operation *entry = emc__pipeline_head(connection, true);
    if (entry == NULL || connection->state == EMC__CONNECTION_AUTHENTICATING) {
        return emc__pipeline_contradiction(connection, "a value while nothing is awaited");
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
    const char *what = entry->kind == EMC__OPERATION_STREAM ? "a configuration that is too long" : "a long value that answers no retrieval";
    return emc__pipeline_contradiction(connection, what);
}

static bool take_value_end(void *context)
{
    return emc__incoming_end(context);
}

const struct emc__reader_handler emc__pipeline_handler = {take_line, take_value, take_value_begin, take_value_end};

/* ------------------------------------------------------------------ the end of a connection */

static void fail_members(struct emc__connection *connection, struct emc__operation *entry, emc_status status, const char *message)
{
    struct emc__link *link;
    while ((link = emc__list_first(&entry->of.members)) != NULL) {
        emc_result result = {.status = status, .message = message};
        answer_all(connection, EMC__OPERATION_OF(link), &result, answer_plainly);
    }
}

static void leave_chain(struct emc__connection *connection, const struct emc__operation *entry)
{
    const struct emc__bulk *bulk = entry->of.bulk;
    uint32_t index = entry->in.records.first;
    for (uint32_t i = 0; i < entry->in.records.count; i++, index = bulk->records[index].next) {
        emc__pipeline_leave_record(connection, &bulk->records[index]);
    }
}

static void fail_entry(struct emc__connection *connection, struct emc__operation *entry, emc_status status, const char *message)
{
    switch ((enum emc__operation_kind)entry->kind) {
    case EMC__OPERATION_LINE:
    case EMC__OPERATION_QUIET_RUN:
        fail_members(connection, entry, status, message);
        leave_entry(connection, entry);
        break;
    case EMC__OPERATION_BULK_LINE:
        leave_chain(connection, entry);
        emc__bulk_fail_chain(connection->engine, entry->of.bulk, entry->in.records.first, entry->in.records.count,
                             connection->node, status, message);
        emc__bulk_unref(connection->engine, entry->of.bulk);
        leave_entry(connection, entry);
        break;
    case EMC__OPERATION_PROBE:
        leave_entry(connection, entry);
        break;
    default: {
        emc_result result = {.status = status, .message = message};
        answer_all(connection, entry, &result, answer_plainly);
        break;
    }
    }
}

void emc__pipeline_fail(struct emc__connection *connection, emc_status status, const char *message)
{
    struct emc__link *link;
    struct emc__incoming incoming = connection->incoming;
    connection->incoming = (struct emc__incoming){0};
    status = status < 0 ? status : EMC_ERROR_CONNECTION_LOST; /* a connection closed in peace owes nothing; if it does, that is no success */
    if (incoming.bulk != NULL) { /* the key whose value was under way has left its line's chain */
        emc_result result = {.status = status, .message = message};
        emc__bulk_answer(connection->engine, incoming.bulk, incoming.index, connection->node, &result);
        emc__bulk_unref(connection->engine, incoming.bulk);
    }
    while ((link = emc__list_first(&connection->pipeline)) != NULL) {
        fail_entry(connection, EMC__OPERATION_OF(link), status, message);
    }
}

/* A get that was never answered, on a connection that turned out to be closed while it was idle, is asked again once: it takes its place before what
 * was submitted later and never written, which is placed anew with it. Its slot and load stay counted. */
static void ask_members_again(struct emc__connection *connection, struct emc__operation *entry, struct emc__link *before)
{
    struct emc__link *link = emc__list_first(&entry->of.members);
    while (link != NULL) {
        struct emc__operation *operation = EMC__OPERATION_OF(link);
        link = emc__list_next(&entry->of.members, link);
        if (!operation->retried && !operation->completed && operation->of.follower == NULL) {
            operation->retried = true;
            emc__connection_requeue(connection, operation, before);
        }
    }
}

static void ask_chain_again(struct emc__connection *connection, struct emc__operation *entry, struct emc__link *before)
{
    struct emc__operation *part = emc__bulk_branch(connection->engine, entry->of.bulk, entry, EMC__OPERATION_BULK_PART);
    if (part == NULL) {
        return;
    }
    part->in.records = entry->in.records;
    part->retried = true;
    entry->in.records.count = 0;
    emc__connection_requeue(connection, part, before);
}

void emc__pipeline_ask_again(struct emc__connection *connection)
{
    struct emc__link *link = emc__list_first(&connection->pipeline), *before = emc__list_first(&connection->pending);
    while (link != NULL) {
        struct emc__operation *entry = EMC__OPERATION_OF(link);
        link = emc__list_next(&connection->pipeline, link);
        if (entry->kind == EMC__OPERATION_LINE) {
            ask_members_again(connection, entry, before);
        } else if (entry->kind == EMC__OPERATION_BULK_LINE && !entry->retried) {
            ask_chain_again(connection, entry, before);
        }
    }
}
