/* The binary dialect as a whole: its reader, its authentication, and its replies, each matched to the head of the pipeline by opaque, by opcode and, where
 * the reply has one, by key. Any contradiction closes the connection. Requests are made in binary_requests.c.
 *
 * An error is labelled like any other reply and leaves the stream in step, but for one: memcached 1.6.18 answers a command that it does not know before it
 * skips the body, and skips too much (measured). */
#include "node/dialect.h"
#include "node/pipeline.h"

#include <assert.h>
#include <stdio.h>

/* Words of the server in an error of ours. */
static void error_text(const struct emc__binary_reply *reply, const uint8_t *words, char *text, size_t size)
{
    int length = reply->value_length > 200 ? 200 : (int)reply->value_length;
    if (length > 0) {
        snprintf(text, size, "the server answered: %.*s", length, (const char *)words);
    } else {
        snprintf(text, size, "the server answered with status 0x%02x", reply->status);
    }
}

/* ------------------------------------------------------------------ authentication */

/* RFC 4616: an empty authorization identity, the user, the password. */
static bool write_credentials(struct emc__connection *connection)
{
    const emc_options *options = &connection->engine->options;
    struct emc__slice user = emc__slice_of_string(options->username);
    struct emc__slice password = emc__slice_of_string(options->password);
    uint8_t *out = emc__buffer_reserve(&connection->unsent,
                                       EMC__BINARY_HEADER_SIZE + 16 + user.length + password.length);
    if (out == NULL) {
        return false;
    }
    emc__buffer_commit(&connection->unsent, emc__binary_write_sasl_plain(out, user, password, connection->next_opaque));
    return true;
}

static bool authentication_reply(struct emc__connection *connection, const struct emc__binary_reply *reply,
                                 const uint8_t *words)
{
    char text[EMC_ERROR_MESSAGE_SIZE] = "the server wants more than SASL PLAIN in one step";
    if (reply->opcode != EMC__BINARY_SASL_AUTH || reply->opaque != connection->next_opaque) {
        return emc__pipeline_contradiction(connection, "the server did not answer the credentials as memcached does");
    }
    connection->next_opaque++;
    if (reply->status == EMC__BINARY_OK) {
        return emc__connection_authenticated(connection);
    }
    if (reply->status == EMC__BINARY_UNKNOWN_COMMAND) {
        snprintf(text, sizeof text, "the server does not authenticate by SASL");
    } else if (reply->status != EMC__BINARY_AUTHENTICATION_CONTINUES) {
        error_text(reply, words, text, sizeof text);
    }
    emc__connection_close(connection, EMC_ERROR_AUTHENTICATION, text);
    return false;
}

/* ------------------------------------------------------------------ lines of retrievals */

static struct emc__value_header header_of(const struct emc__operation *operation, const struct emc__binary_reply *reply)
{
    bool wants_cas = operation->verb == EMC__VERB_GETS || operation->verb == EMC__VERB_GATS;
    return (struct emc__value_header){.kind = EMC__VALUE_TEXT,
                                      .key = reply->key,
                                      .flags = reply->flags,
                                      .cas = wants_cas ? reply->cas : 0,
                                      .has_cas = wants_cas,
                                      .length = reply->value_length};
}

static bool names_key(const struct emc__binary_reply *reply, struct emc__slice key)
{
    return reply->status != EMC__BINARY_OK || emc__slice_equal(reply->key, key);
}

/* The member that the reply answers, misses before it answered. NULL: it contradicts the line, or a callback closed the connection, which is closed
 * in either case. */
static struct emc__operation *match(struct emc__connection *connection, struct emc__operation *line,
                                    const struct emc__binary_reply *reply)
{
    struct emc__link *link = emc__list_first(&line->of.members);
    while (link != NULL && EMC__OPERATION_OF(link)->opaque != reply->opaque) {
        link = emc__list_next(&line->of.members, link);
    }
    struct emc__operation *member = link != NULL ? EMC__OPERATION_OF(link) : NULL;
    if (member == NULL || !emc__binary_answers((enum emc__verb)member->verb, reply->opcode) ||
        !names_key(reply, emc__operation_key(member))) {
        emc__pipeline_contradiction(connection, "a reply that answers none of the keys asked for");
        return NULL;
    }
    return emc__retrieval_miss_until(connection, line, member) ? member : NULL;
}

/* The same for a bulk line: the record's index, or EMC__BULK_END. The record has left the line's chain. */
static uint32_t match_bulk(struct emc__connection *connection, struct emc__operation *line,
                           const struct emc__binary_reply *reply)
{
    const struct emc__bulk *bulk = line->of.bulk;
    uint32_t skipped = reply->opaque - line->opaque, index = line->in.records.first;
    bool fits = skipped < line->in.records.count && emc__binary_answers((enum emc__verb)line->verb, reply->opcode);
    for (uint32_t i = 0; fits && i < skipped; i++) {
        index = bulk->records[index].next;
    }
    if (!fits || !names_key(reply, emc__bulk_key(bulk, index))) {
        emc__pipeline_contradiction(connection, "a reply that answers none of the keys asked for");
        return EMC__BULK_END;
    }
    return emc__retrieval_miss_records(connection, line, skipped) ? emc__retrieval_take_record(connection, line)
                                                                  : EMC__BULK_END;
}

/* The last request of a line is answered in any case: with it the line is over. */
static bool finish_if_over(struct emc__connection *connection, struct emc__operation *line)
{
    if (connection->state == EMC__CONNECTION_CLOSED) {
        return false;
    }
    assert(line != NULL); /* an open connection still has the line whose reply this was */
    bool over = line->kind == EMC__OPERATION_LINE ? emc__list_empty(&line->of.members) : line->in.records.count == 0;
    return !over || emc__retrieval_finish(connection, line);
}

/* A reply without value as a result: a miss, or an error in words. */
static emc_result result_of(uint8_t verb, const struct emc__binary_reply *reply, const uint8_t *words, char *text,
                            size_t size)
{
    emc_result result = {.status = emc__binary_outcome((enum emc__verb)verb, reply->status), .number = reply->number};
    if (result.status < 0) {
        error_text(reply, words, text, size);
        result.message = text;
    }
    return result;
}

/* Whether a command can end so: a get that "exists" or a delete that is "not stored" answers something else. */
static bool fits(uint8_t verb, const emc_result *result)
{
    bool storage = verb <= EMC__VERB_CAS, plain = verb > EMC__VERB_TOUCH;
    switch (result->status) {
    case EMC_MISS:
        return !plain && (!storage || verb == EMC__VERB_CAS);
    case EMC_NOT_STORED:
        return storage;
    case EMC_EXISTS:
        return verb == EMC__VERB_CAS;
    default:
        return true;
    }
}

static const char other_kind[] = "a reply of another kind than the command has";

static bool line_reply(struct emc__connection *connection, struct emc__operation *line,
                       const struct emc__binary_reply *reply, const uint8_t *value)
{
    char text[EMC_ERROR_MESSAGE_SIZE];
    struct emc__operation *member = match(connection, line, reply);
    if (member == NULL) {
        return false;
    }
    if (reply->status == EMC__BINARY_OK) {
        struct emc__value_header header = header_of(member, reply);
        (void)emc__retrieval_give(connection, member, &header, value);
    } else {
        emc_result result = result_of(member->verb, reply, value, text, sizeof text);
        if (!fits(member->verb, &result)) {
            return emc__pipeline_contradiction(connection, other_kind);
        }
        emc__pipeline_answer(connection, member, &result);
    }
    return finish_if_over(connection, line);
}

static bool bulk_reply(struct emc__connection *connection, struct emc__operation *line,
                       const struct emc__binary_reply *reply, const uint8_t *value)
{
    char text[EMC_ERROR_MESSAGE_SIZE];
    uint32_t index = match_bulk(connection, line, reply);
    if (index == EMC__BULK_END) {
        return false;
    }
    if (reply->status == EMC__BINARY_OK) {
        struct emc__value_header header = header_of(line, reply);
        (void)emc__retrieval_give_bulk(connection, line, index, &header, value);
    } else {
        emc_result result = result_of(line->verb, reply, value, text, sizeof text);
        bool sane = fits(line->verb, &result);
        if (!sane) { /* its record has left the chain: it fails here, the others with the connection */
            result = (emc_result){.status = EMC_ERROR_PROTOCOL, .message = other_kind};
        }
        emc__bulk_answer(connection->engine, line->of.bulk, index, connection->node, &result);
        if (!sane) {
            return emc__pipeline_contradiction(connection, other_kind);
        }
    }
    return finish_if_over(connection, line);
}

/* ------------------------------------------------------------------ single replies */

static bool probe_reply(struct emc__connection *connection, struct emc__operation *probe,
                        const struct emc__binary_reply *reply, const uint8_t *value)
{
    char text[EMC_ERROR_MESSAGE_SIZE];
    if (reply->status != EMC__BINARY_OK) {
        error_text(reply, value, text, sizeof text);
        emc__connection_close(
            connection, reply->status == EMC__BINARY_AUTHENTICATION ? EMC_ERROR_AUTHENTICATION : EMC_ERROR_PROTOCOL,
            text);
        return false;
    }
    if (emc__pipeline_probe_answered(connection, probe)) {
        emc__connection_version(connection, emc__slice_of(value, reply->value_length));
    }
    return connection->state != EMC__CONNECTION_CLOSED;
}

static bool stats_reply(struct emc__connection *connection, struct emc__operation *stats,
                        const struct emc__binary_reply *reply, const uint8_t *value)
{
    char text[EMC_ERROR_MESSAGE_SIZE];
    if (reply->status == EMC__BINARY_OK && reply->key.length > 0) {
        return emc__stream_stat(connection, stats, reply->key, emc__slice_of(value, reply->value_length));
    }
    emc_result result = result_of(stats->verb, reply, value, text, sizeof text);
    if (result.status > 0) { /* there are no such statistics */
        error_text(reply, value, text, sizeof text);
        result = (emc_result){.status = EMC_ERROR_UNSUPPORTED, .message = text};
    }
    emc__pipeline_answer(connection, stats, &result);
    return connection->state != EMC__CONNECTION_CLOSED;
}

static bool single_reply(struct emc__connection *connection, struct emc__operation *operation,
                         const struct emc__binary_reply *reply, const uint8_t *value)
{
    char text[EMC_ERROR_MESSAGE_SIZE];
    emc_result result = result_of(operation->verb, reply, value, text, sizeof text);
    if (!fits(operation->verb, &result)) {
        return emc__pipeline_contradiction(connection, other_kind);
    }
    if (connection->borrowed == operation && result.status >= 0) {
        return emc__pipeline_contradiction(connection, "a result before the value was sent");
    }
    if (operation->verb == EMC__VERB_VERSION && result.status == EMC_OK) {
        result.value = value;
        result.value_length = reply->value_length;
    }
    emc__pipeline_answer(connection, operation, &result);
    if (connection->quitting && emc__list_empty(&connection->pipeline)) {
        emc__connection_close(connection, EMC_OK, "the server was asked to close it");
    }
    if (reply->status == EMC__BINARY_UNKNOWN_COMMAND) {
        emc__connection_close(connection, EMC_ERROR_CONNECTION_LOST,
                              "after a command that the server does not know the stream may be out of step");
    }
    return connection->state != EMC__CONNECTION_CLOSED;
}

/* ------------------------------------------------------------------ all of them */

/* The entry that the next reply answers; those without reply are answered here like all others. */
static struct emc__operation *head(struct emc__connection *connection)
{
    struct emc__link *link = emc__list_first(&connection->pipeline);
    return link != NULL ? EMC__OPERATION_OF(link) : NULL;
}

static bool answer(struct emc__connection *connection, const struct emc__binary_reply *reply, const uint8_t *value)
{
    struct emc__binary_reply withheld = *reply;
    if (reply->status != 0 && emc__pipeline_holds_password(connection, emc__slice_of(value, reply->value_length))) {
        withheld.value_length = 0; /* its words are told by its number */
        reply = &withheld;
    }
    if (connection->state == EMC__CONNECTION_AUTHENTICATING) {
        return authentication_reply(connection, reply, value);
    }
    struct emc__operation *entry = head(connection);
    if (entry == NULL) {
        return emc__pipeline_contradiction(connection, "a reply while nothing is awaited");
    }
    if (entry->kind == EMC__OPERATION_LINE) {
        return line_reply(connection, entry, reply, value);
    }
    if (entry->kind == EMC__OPERATION_BULK_LINE) {
        return bulk_reply(connection, entry, reply, value);
    }
    if (reply->opaque != entry->opaque || !emc__binary_answers((enum emc__verb)entry->verb, reply->opcode)) {
        return emc__pipeline_contradiction(connection, "a reply to another request than the one that is awaited");
    }
    if (entry->kind == EMC__OPERATION_PROBE) {
        return probe_reply(connection, entry, reply, value);
    }
    return entry->kind == EMC__OPERATION_STREAM ? stats_reply(connection, entry, reply, value)
                                                : single_reply(connection, entry, reply, value);
}

static bool take_reply(void *context, const struct emc__binary_reply *reply, const uint8_t *value)
{
    return answer(context, reply, value) && emc__pipeline_go_on(context);
}

static bool take_value_begin(void *context, const struct emc__binary_reply *reply, uint8_t **destination_out)
{
    struct emc__connection *connection = context;
    struct emc__operation *entry = head(connection);
    struct emc__value_header header;
    *destination_out = NULL;
    if (entry != NULL && entry->kind == EMC__OPERATION_LINE) {
        struct emc__operation *member = match(connection, entry, reply);
        header = member != NULL ? header_of(member, reply) : (struct emc__value_header){0};
        return member != NULL && emc__incoming_begin(connection, member, &header, destination_out);
    }
    if (entry != NULL && entry->kind == EMC__OPERATION_BULK_LINE) {
        uint32_t index = match_bulk(connection, entry, reply);
        header = header_of(entry, reply);
        return index != EMC__BULK_END && emc__incoming_begin_bulk(connection, entry, index, &header, destination_out);
    }
    return emc__pipeline_contradiction(connection, "a long value that answers no retrieval");
}

/* The line whose value it was is still the head: it leaves with its last answer. */
static bool take_value_end(void *context)
{
    struct emc__connection *connection = context;
    struct emc__operation *line = head(connection);
    return emc__incoming_end(connection) && finish_if_over(connection, line) && emc__pipeline_go_on(connection);
}

static const struct emc__binary_handler handler = {take_reply, take_value_begin, take_value_end};

/* ------------------------------------------------------------------ the dialect */

static size_t write_probe(struct emc__connection *connection, struct emc__operation *probe, uint8_t *out)
{
    probe->opaque = connection->next_opaque++;
    return emc__binary_write_plain(out, EMC__VERB_VERSION, -1, (struct emc__slice){0}, probe->opaque);
}

static void reader_init(struct emc__connection *connection)
{
    emc__binary_reader_init(&connection->reader.binary, connection->engine->options.value_length_max);
}

static enum emc__read_result feed(struct emc__connection *connection, const uint8_t *data, size_t length,
                                  size_t *consumed_out)
{
    return emc__binary_reader_feed(&connection->reader.binary, data, length, &handler, connection, consumed_out);
}

static struct emc__span wanted(const struct emc__connection *connection)
{
    return emc__binary_reader_wanted(&connection->reader.binary);
}

static void received(struct emc__connection *connection, size_t length)
{
    emc__binary_reader_received(&connection->reader.binary, length);
}

static void discard(struct emc__connection *connection)
{
    emc__binary_reader_discard(&connection->reader.binary);
}

static const char *broken(const struct emc__connection *connection)
{
    return connection->reader.binary.error;
}

const struct emc__dialect emc__dialect_binary = {
    .write_credentials = write_credentials,
    .write_probe = write_probe,
    .fill = emc__binary_fill,
    .value_end = {NULL, 0},
    .reader_init = reader_init,
    .feed = feed,
    .wanted = wanted,
    .received = received,
    .discard = discard,
    .broken = broken,
};
