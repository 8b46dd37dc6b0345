/* Replies of many lines: stats, key dumps, the configuration of autodiscovery. Each line is handed on as it comes; the number of
 * lines is bounded. */
#include "node/pipeline.h"

#include <stdio.h>
#include <string.h>

static bool finish(struct emc__connection *connection, struct emc__operation *entry, emc_status status,
                   const char *message)
{
    emc__pipeline_answer_status(connection, entry, status, message);
    return connection->state != EMC__CONNECTION_CLOSED;
}

/* A result that is not the last one. */
static void hand_on(struct emc__connection *connection, const struct emc__operation *entry, emc_result *result)
{
    if (entry->completed || entry->callback == NULL) {
        return;
    }
    result->last = false;
    result->node = emc__connection_address(connection);
    emc__call_back(connection->engine, entry->callback, entry->user_data, result);
}

/* One more line of the stream. False: there are too many, and the connection is closed. */
static bool count_line(struct emc__connection *connection, struct emc__operation *entry)
{
    if (++entry->in.lines > connection->engine->options.stats_lines_max && entry->verb == EMC__VERB_STATS) {
        return emc__pipeline_contradiction(connection, "more lines of statistics than stats_lines_max");
    }
    return true;
}

static bool hand_on_stat(struct emc__connection *connection, const struct emc__operation *entry, struct emc__slice name,
                         struct emc__slice value)
{
    emc_result result = {.key = name.data,
                         .key_length = name.length,
                         .value = value.length > 0 ? value.data : (const uint8_t *)"",
                         .value_length = value.length};
    hand_on(connection, entry, &result);
    return connection->state != EMC__CONNECTION_CLOSED;
}

bool emc__stream_stat(struct emc__connection *connection, struct emc__operation *entry, struct emc__slice name,
                      struct emc__slice value)
{
    return count_line(connection, entry) && hand_on_stat(connection, entry, name, value);
}

/* `name value`; the value may be empty, or missing with its space. */
static bool stat_line(struct emc__connection *connection, const struct emc__operation *entry, struct emc__slice text)
{
    const uint8_t *space = text.length > 0 ? memchr(text.data, ' ', text.length) : NULL;
    size_t name_length = space != NULL ? (size_t)(space - text.data) : text.length;
    size_t skip = name_length + (space != NULL);
    return hand_on_stat(connection, entry, emc__slice_of(text.data, name_length),
                        emc__slice_of(text.data + skip, text.length - skip));
}

/* The key within a dump's line: `key=…` up to the space (metadump), or what follows `mg ` (mgdump). */
static struct emc__slice dumped_key(struct emc__slice line)
{
    size_t skip = line.length > 4 && memcmp(line.data, "key=", 4) == 0 ? 4 : 3;
    if (line.length <= skip) {
        return (struct emc__slice){line.data, 0};
    }
    const uint8_t *space = memchr(line.data + skip, ' ', line.length - skip);
    size_t end = space != NULL ? (size_t)(space - line.data) : line.length;
    return (struct emc__slice){line.data + skip, end - skip};
}

static int hex_digit(uint8_t digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    int letter = digit | 0x20;
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* metadump writes keys URI-encoded (protocol.txt). Room: EMC__KEY_LENGTH_MAX. */
static size_t decode_uri(struct emc__slice text, uint8_t *out)
{
    size_t length = 0;
    for (size_t i = 0; i < text.length && length < EMC__KEY_LENGTH_MAX; i++) {
        int high = -1, low = -1;
        if (text.data[i] == '%' && i + 2 < text.length) {
            high = hex_digit(text.data[i + 1]);
            low = hex_digit(text.data[i + 2]);
        }
        if (high >= 0 && low >= 0) {
            out[length++] = (uint8_t)(high << 4 | low);
            i += 2;
        } else {
            out[length++] = text.data[i];
        }
    }
    return length;
}

static void hand_on_dumped(struct emc__connection *connection, const struct emc__operation *entry,
                           struct emc__slice line)
{
    uint8_t key[EMC__KEY_LENGTH_MAX];
    emc_result result = {
        .key = key, .key_length = decode_uri(dumped_key(line), key), .value = line.data, .value_length = line.length};
    hand_on(connection, entry, &result);
}

static const char not_its_line[] = "a line that does not belong to this reply";

/* What lru_crawler says instead of a dump. */
static bool refused_dump(struct emc__slice line, emc_status *status_out)
{
    if (emc__slice_begins_with(line, "BUSY")) {
        *status_out = EMC_ERROR_BUSY;
        return true;
    }
    if (emc__slice_begins_with(line, "BADCLASS") || emc__slice_begins_with(line, "NOTSTART")) {
        *status_out = EMC_ERROR_CLIENT;
        return true;
    }
    return false;
}

/* Lines that are no STAT: of `stats detail dump`, of `stats cachedump`; of the two dumps of keys. Any other belongs to another reply, and the END behind it
 * too. */
static bool fits(const struct emc__operation *entry, struct emc__slice line)
{
    return entry->verb == EMC__VERB_RAW_LINE
               ? emc__slice_begins_with(line, "key=") || emc__slice_begins_with(line, "mg ")
               : emc__slice_begins_with(line, "PREFIX ") || emc__slice_begins_with(line, "ITEM ");
}

static bool raw_line(struct emc__connection *connection, struct emc__operation *entry, struct emc__slice line)
{
    emc_status status;
    char text[EMC_ERROR_MESSAGE_SIZE];
    if (entry->verb != EMC__VERB_RAW_LINE && fits(entry, line)) {
        emc_result result = {.value = line.data, .value_length = line.length};
        hand_on(connection, entry, &result);
        return connection->state != EMC__CONNECTION_CLOSED;
    }
    if (entry->verb == EMC__VERB_RAW_LINE && refused_dump(line, &status)) {
        snprintf(text, sizeof text, "the server answered: %.*s", (int)(line.length > 200 ? 200 : line.length),
                 (const char *)line.data);
        return finish(connection, entry, status, text);
    }
    if (!fits(entry, line)) {
        return emc__pipeline_contradiction(connection, not_its_line);
    }
    hand_on_dumped(connection, entry, line);
    return connection->state != EMC__CONNECTION_CLOSED;
}

static bool stream_error(struct emc__connection *connection, struct emc__operation *entry,
                         const struct emc__reply_line *line)
{
    char text[EMC_ERROR_MESSAGE_SIZE];
    emc__text_error_words(line, text, sizeof text);
    emc_status status = emc__text_error_status(line);
    if (status == EMC_ERROR_COMMAND) {
        status = EMC_ERROR_UNSUPPORTED;
    }
    return finish(connection, entry, status, text);
}

bool emc__stream_line(struct emc__connection *connection, struct emc__operation *entry,
                      const struct emc__reply_line *line)
{
    if (!count_line(connection, entry)) {
        return false;
    }
    bool statistics = entry->verb != EMC__VERB_RAW_LINE;
    switch (line->kind) {
    case EMC__REPLY_STAT:
        return statistics ? stat_line(connection, entry, line->text)
                          : emc__pipeline_contradiction(connection, not_its_line);
    case EMC__REPLY_END:
        return finish(connection, entry, EMC_OK, NULL);
    case EMC__REPLY_RESET:
        return statistics ? finish(connection, entry, EMC_OK, NULL)
                          : emc__pipeline_contradiction(connection, not_its_line);
    case EMC__REPLY_OK:
        /* `stats detail on` ends with it; metadump of 1.6.43 and later begins with it. */
        if (!statistics && entry->in.lines > 1) {
            return emc__pipeline_contradiction(connection, not_its_line);
        }
        return statistics ? finish(connection, entry, EMC_OK, NULL) : true;
    case EMC__REPLY_META:
        if (line->meta_code == EMC__META_CODE('E', 'N') && entry->verb == EMC__VERB_RAW_LINE) {
            return finish(connection, entry, EMC_OK, NULL);
        }
        return emc__pipeline_contradiction(connection, "a meta reply within a stream");
    case EMC__REPLY_LINE:
        return raw_line(connection, entry, line->text);
    case EMC__REPLY_ERROR:
    case EMC__REPLY_CLIENT_ERROR:
    case EMC__REPLY_SERVER_ERROR:
        return stream_error(connection, entry, line);
    default:
        return emc__pipeline_contradiction(connection, "a reply of another kind within a stream");
    }
}

bool emc__stream_accepts(struct emc__connection *connection, size_t length)
{
    return length <= connection->engine->options.discovery_length_max ||
           emc__pipeline_contradiction(connection, "a configuration that is too long: more than discovery_length_max");
}

bool emc__stream_value(struct emc__connection *connection, struct emc__operation *entry,
                       const struct emc__value_header *header, const uint8_t *data)
{
    if (!emc__stream_accepts(connection, header->length)) {
        return false;
    }
    emc_result result = {.key = header->key.data,
                         .key_length = header->key.length,
                         .value = data,
                         .value_length = header->length,
                         .flags = header->flags};
    hand_on(connection, entry, &result);
    return connection->state != EMC__CONNECTION_CLOSED;
}
