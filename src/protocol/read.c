/* The incremental reply reader: finds lines and values in whatever pieces arrive, delivers each once it is whole. No
 * memory of its own: what is incomplete stays with the caller, but for the bytes of a long value, which go to their
 * destination at once.
 *
 *   LINE ──a line that announces nothing, or a value that is whole──▶ LINE
 *   LINE ──a long value, partly there──▶ VALUE ──its last byte──▶ VALUE_CRLF ──CR LF──▶ LINE
 *   any  ──bytes that are no reply──▶ BROKEN
 *
 * After a handler said stop the reader is not touched: its connection may be gone. Uses read_line.h. */
#include "base/rare.h"
#include "protocol/read_line.h"

#define LINE_LENGTH_MAX_DEFAULT  4096
#define VALUE_LENGTH_MAX_DEFAULT ((size_t)1 << 30)

/* One call of feed. */
struct feed {
    struct emc__reader *reader;
    const uint8_t *data;
    size_t length, at;
    const struct emc__reader_handler *handler;
    void *context;
};

enum step {
    STEP_ON,      /* something was taken: go on */
    STEP_MORE,    /* what is there is not whole */
    STEP_STOPPED, /* a handler said stop */
    STEP_BROKEN
};

void emc__reader_init(struct emc__reader *reader, const struct emc__reader_limits *limits)
{
    *reader = (struct emc__reader){.limits = {LINE_LENGTH_MAX_DEFAULT, VALUE_LENGTH_MAX_DEFAULT}};
    if (limits != NULL && limits->line_length_max > 0) {
        reader->limits.line_length_max = limits->line_length_max;
    }
    if (limits != NULL && limits->value_length_max > 0) {
        reader->limits.value_length_max = limits->value_length_max;
    }
}

EMC__RARE static enum step broken(struct feed *feed, const char *error)
{
    feed->reader->phase = EMC__READER_BROKEN;
    feed->reader->error = error;
    return STEP_BROKEN;
}

/* ------------------------------------------------------------------ a value with a destination */

static enum step feed_value(struct feed *feed)
{
    struct emc__reader *reader = feed->reader;
    size_t available = feed->length - feed->at;
    size_t length = available < reader->value_missing ? available : reader->value_missing;
    if (length == 0) {
        return STEP_MORE;
    }
    if (reader->destination != NULL) {
        memcpy(reader->destination, feed->data + feed->at, length);
    }
    feed->at += length;
    emc__reader_received(reader, length);
    return STEP_ON;
}

static enum step feed_value_crlf(struct feed *feed)
{
    struct emc__reader *reader = feed->reader;
    while (reader->crlf_seen < 2) {
        if (feed->at == feed->length) {
            return STEP_MORE;
        }
        if (feed->data[feed->at] != (reader->crlf_seen == 0 ? '\r' : '\n')) {
            return broken(feed, "a value that does not end with CR LF");
        }
        feed->at++;
        reader->crlf_seen++;
    }
    reader->phase = EMC__READER_LINE;
    return feed->handler->value_end(feed->context) ? STEP_ON : STEP_STOPPED;
}

static enum step begin_value(struct feed *feed, const struct emc__value_header *header)
{
    uint8_t *destination = NULL;
    if (!feed->handler->value_begin(feed->context, header, &destination)) {
        return STEP_STOPPED;
    }
    feed->reader->destination = destination;
    feed->reader->value_missing = header->length;
    feed->reader->crlf_seen = 0;
    feed->reader->phase = EMC__READER_VALUE;
    return STEP_ON;
}

/* ------------------------------------------------------------------ lines, and values that are whole */

/* Not all of it is there. */
EMC__APART static enum step take_part(struct feed *feed, const struct emc__value_header *header, size_t begin)
{
    size_t available = feed->length - begin;
    const uint8_t *data = feed->data + begin;
    if (header->length <= EMC__READ_IN_PLACE_MAX) {
        bool wrong_end = available > header->length && data[header->length] != '\r';
        return wrong_end ? broken(feed, "a value that does not end with CR LF") : STEP_MORE;
    }
    feed->at = begin;
    return begin_value(feed, header);
}

/* A header was read, the value's bytes begin at `begin`. */
static inline enum step take_value(struct feed *feed, const struct emc__value_header *header, size_t begin)
{
    size_t available = feed->length - begin;
    const uint8_t *data = feed->data + begin;
    if (header->length > feed->reader->limits.value_length_max) {
        return broken(feed, "a value longer than the limit");
    }
    if (available < 2 || available - 2 < header->length) {
        return take_part(feed, header, begin);
    }
    if (memcmp(data + header->length, "\r\n", 2) != 0) {
        return broken(feed, "a value that does not end with CR LF");
    }
    feed->at = begin + header->length + 2;
    return feed->handler->value(feed->context, header, data) ? STEP_ON : STEP_STOPPED;
}

/* The servers end the lines of a metadump with a bare LF, and no others (measured). */
static bool may_end_bare(const uint8_t *begin, const uint8_t *end)
{
    return end - begin >= 4 && memcmp(begin, "key=", 4) == 0;
}

/* Finds the line at feed->at; STEP_ON: it is `text`, the bytes behind it begin at *next_out. */
static inline enum step find_line(struct feed *feed, struct emc__slice *text, size_t *next_out)
{
    size_t available = feed->length - feed->at;
    size_t line_length_max = feed->reader->limits.line_length_max;
    if (available == 0) {
        return STEP_MORE;
    }
    const uint8_t *begin = feed->data + feed->at;
    const uint8_t *end = memchr(begin, '\n', available < line_length_max ? available : line_length_max);
    if (end == NULL) {
        return available < line_length_max ? STEP_MORE : broken(feed, "a line longer than the limit");
    }
    bool bare = end == begin || end[-1] != '\r';
    if (bare && !may_end_bare(begin, end)) {
        return broken(feed, "a line that ends with a bare LF");
    }
    *text = (struct emc__slice){begin, (size_t)(end - begin) - (bare ? 0 : 1)};
    *next_out = feed->at + (size_t)(end - begin) + 1;
    return STEP_ON;
}

/* The lines that end most replies: found without looking for their end. 0: it is another one. */
static inline size_t frequent_line(const struct feed *feed, enum emc__reply *kind_out)
{
    const uint8_t *at = feed->data + feed->at;
    size_t available = feed->length - feed->at;
    if (feed->reader->limits.line_length_max < EMC__HIT_LINE_MAX) { /* else none of them exceeds it */
        return 0;
    }
    if (available >= 5 && memcmp(at, "END\r", 4) == 0 && at[4] == '\n') {
        *kind_out = EMC__REPLY_END;
        return 5;
    }
    if (available >= 8 && memcmp(at, "STORED\r\n", 8) == 0) {
        *kind_out = EMC__REPLY_STORED;
        return 8;
    }
    return 0;
}

/* Any line but a hit's. */
EMC__APART EMC__HOT static enum step feed_other_line(struct feed *feed)
{
    struct emc__slice text;
    struct emc__line line;
    enum emc__reply kind = EMC__REPLY_END;
    size_t next = 0, frequent = frequent_line(feed, &kind);
    if (frequent > 0) {
        feed->at += frequent;
        const struct emc__reply_line found = {.kind = kind, .text = {feed->data + feed->at - 2, 0}};
        return feed->handler->line(feed->context, &found) ? STEP_ON : STEP_STOPPED;
    }
    enum step step = find_line(feed, &text, &next);
    if (step != STEP_ON) {
        return step;
    }
    switch (emc__line_read(text, &line)) {
    case EMC__LINE_VALUE:
        return take_value(feed, &line.header, next);
    case EMC__LINE_WHOLE:
        feed->at = next;
        return feed->handler->line(feed->context, &line.reply) ? STEP_ON : STEP_STOPPED;
    default:
        return broken(feed, line.error);
    }
}

static inline enum step feed_line(struct feed *feed)
{
    struct emc__value_header header;
    size_t available = feed->length - feed->at;
    if (available == 0) {
        return STEP_MORE;
    }
    if (available < EMC__HIT_BYTES_MIN || feed->reader->limits.line_length_max < EMC__HIT_LINE_MAX) {
        return feed_other_line(feed);
    }
    size_t hit = emc__line_read_hit(feed->data + feed->at, available, &header);
    return hit > 0 ? take_value(feed, &header, feed->at + hit) : feed_other_line(feed);
}

static inline enum step feed_step(struct feed *feed)
{
    switch (feed->reader->phase) {
    case EMC__READER_LINE:
        return feed_line(feed);
    case EMC__READER_VALUE:
        return feed_value(feed);
    case EMC__READER_VALUE_CRLF:
        return feed_value_crlf(feed);
    default:
        return STEP_BROKEN;
    }
}

enum emc__read_result emc__reader_feed(struct emc__reader *reader, const uint8_t *data, size_t length,
                                       const struct emc__reader_handler *handler, void *context, size_t *consumed_out)
{
    struct feed feed = {reader, data, length, 0, handler, context};
    enum step step;
    do {
        step = feed_step(&feed);
    } while (step == STEP_ON);
    *consumed_out = feed.at;
    return step == STEP_MORE ? EMC__READ_MORE : step == STEP_STOPPED ? EMC__READ_STOPPED : EMC__READ_BROKEN;
}

/* ------------------------------------------------------------------ receiving straight into the destination */

struct emc__span emc__reader_wanted(const struct emc__reader *reader)
{
    if (reader->phase != EMC__READER_VALUE || reader->destination == NULL) {
        return (struct emc__span){NULL, 0};
    }
    return (struct emc__span){reader->destination, reader->value_missing};
}

void emc__reader_received(struct emc__reader *reader, size_t length)
{
    reader->value_missing -= length;
    if (reader->destination != NULL) {
        reader->destination += length;
    }
    if (reader->value_missing == 0) {
        reader->destination = NULL;
        reader->phase = EMC__READER_VALUE_CRLF;
    }
}

void emc__reader_discard(struct emc__reader *reader)
{
    reader->destination = NULL;
}
