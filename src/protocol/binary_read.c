/* The incremental reply reader of the binary dialect, in the manner of read.c: what is incomplete stays with the
 * caller, but for the bytes of a long value, which go to their destination at once.
 *
 *   HEADER ──a reply that is whole──▶ HEADER
 *   HEADER ──a long value, partly there──▶ VALUE ──its last byte──▶ VALUE_END ──the handler was told──▶ HEADER
 *   HEADER ──bytes that are no reply──▶ BROKEN
 *
 * After a handler said stop the reader is not touched: its connection may be gone. Uses big_endian.h. */
#include "protocol/big_endian.h"
#include "protocol/binary.h"

#define MAGIC_REPLY              0x81
#define FLAGS_SIZE               4
#define NUMBER_SIZE              8
#define VALUE_LENGTH_MAX_DEFAULT ((size_t)1 << 30)

/* One call of feed. */
struct feed {
    struct emc__binary_reader *reader;
    const uint8_t *data;
    size_t length, at;
    const struct emc__binary_handler *handler;
    void *context;
};

enum step {
    STEP_ON,      /* something was taken: go on */
    STEP_MORE,    /* what is there is not whole */
    STEP_STOPPED, /* a handler said stop */
    STEP_BROKEN
};

void emc__binary_reader_init(struct emc__binary_reader *reader, size_t value_length_max)
{
    *reader = (struct emc__binary_reader){.value_length_max = value_length_max > 0 ? value_length_max
                                                                                   : VALUE_LENGTH_MAX_DEFAULT};
}

static enum step broken(struct feed *feed, const char *error)
{
    feed->reader->phase = EMC__BINARY_READER_BROKEN;
    feed->reader->error = error;
    return STEP_BROKEN;
}

/* ------------------------------------------------------------------ headers */

static bool is_hit(const struct emc__binary_reply *reply)
{
    switch (reply->opcode) {
    case EMC__BINARY_GET:
    case EMC__BINARY_GETK:
    case EMC__BINARY_GETKQ:
    case EMC__BINARY_GAT:
    case EMC__BINARY_GATK:
    case EMC__BINARY_GATKQ:
        return reply->status == EMC__BINARY_OK;
    default:
        return false;
    }
}

static bool is_number(const struct emc__binary_reply *reply)
{
    bool arithmetic = reply->opcode == EMC__BINARY_INCREMENT || reply->opcode == EMC__BINARY_DECREMENT;
    return arithmetic && reply->status == EMC__BINARY_OK;
}

/* NULL, or what contradicts the dialect. */
static const char *check(const struct emc__binary_reader *reader, const struct emc__binary_reply *reply,
                         size_t extras_length)
{
    if (reply->key.length > EMC__KEY_LENGTH_MAX) {
        return "a reply with a key of more than 250 bytes";
    }
    if (extras_length != (is_hit(reply) ? FLAGS_SIZE : 0) &&
        !(extras_length == FLAGS_SIZE && reply->opcode == EMC__BINARY_TOUCH)) {
        return "a reply with extras of a length it can't have";
    }
    if (is_number(reply) && reply->value_length != NUMBER_SIZE) {
        return "a number that has not eight bytes";
    }
    if (reply->value_length > reader->value_length_max) {
        return "a value longer than the limit";
    }
    if (reply->value_length > EMC__READ_IN_PLACE_MAX && !is_hit(reply)) {
        return "more than 16 KiB in a reply that is no value";
    }
    return NULL;
}

/* Reads the fixed part of a header; slices point to where their bytes are or will be. NULL, or what is wrong. */
static const char *read_header(const struct emc__binary_reader *reader, const uint8_t *header,
                               struct emc__binary_reply *reply, size_t *extras_length_out)
{
    size_t key_length = emc__big_endian_get16(header + 2);
    size_t extras_length = header[4];
    uint32_t body_length = emc__big_endian_get32(header + 8);
    if (header[0] != MAGIC_REPLY || header[5] != 0) {
        return "a reply that does not begin like one";
    }
    if (key_length + extras_length > body_length) {
        return "a reply whose lengths contradict each other";
    }
    *reply = (struct emc__binary_reply){
        .opcode = header[1],
        .status = emc__big_endian_get16(header + 6),
        .opaque = emc__big_endian_get32(header + 12),
        .cas = emc__big_endian_get64(header + 16),
        .key = {header + EMC__BINARY_HEADER_SIZE + extras_length, key_length},
        .value_length = body_length - key_length - extras_length,
    };
    *extras_length_out = extras_length;
    return check(reader, reply, extras_length);
}

/* ------------------------------------------------------------------ replies */

static enum step begin_value(struct feed *feed, const struct emc__binary_reply *reply)
{
    uint8_t *destination = NULL;
    if (!feed->handler->value_begin(feed->context, reply, &destination)) {
        return STEP_STOPPED;
    }
    feed->reader->destination = destination;
    feed->reader->value_missing = reply->value_length;
    feed->reader->phase = EMC__BINARY_READER_VALUE;
    return STEP_ON;
}

static enum step feed_reply(struct feed *feed)
{
    size_t available = feed->length - feed->at;
    if (available == 0) {
        return STEP_MORE;
    }
    const uint8_t *header = feed->data + feed->at;
    struct emc__binary_reply reply;
    size_t extras_length;
    if (available < EMC__BINARY_HEADER_SIZE) {
        return header[0] == MAGIC_REPLY ? STEP_MORE : broken(feed, "a reply that does not begin like one");
    }
    const char *error = read_header(feed->reader, header, &reply, &extras_length);
    if (error != NULL) {
        return broken(feed, error);
    }
    size_t value_at = EMC__BINARY_HEADER_SIZE + extras_length + reply.key.length;
    bool whole = available >= value_at && available - value_at >= reply.value_length;
    if (available < value_at || (!whole && reply.value_length <= EMC__READ_IN_PLACE_MAX)) {
        return STEP_MORE;
    }
    reply.has_flags = extras_length == FLAGS_SIZE;
    reply.flags = reply.has_flags ? emc__big_endian_get32(header + EMC__BINARY_HEADER_SIZE) : 0;
    feed->at += value_at;
    if (!whole) {
        return begin_value(feed, &reply);
    }
    reply.number = is_number(&reply) ? emc__big_endian_get64(header + value_at) : 0;
    feed->at += reply.value_length;
    return feed->handler->reply(feed->context, &reply, header + value_at) ? STEP_ON : STEP_STOPPED;
}

static enum step feed_value(struct feed *feed)
{
    struct emc__binary_reader *reader = feed->reader;
    size_t available = feed->length - feed->at;
    size_t length = available < reader->value_missing ? available : reader->value_missing;
    if (length == 0) {
        return STEP_MORE;
    }
    if (reader->destination != NULL) {
        memcpy(reader->destination, feed->data + feed->at, length);
    }
    feed->at += length;
    emc__binary_reader_received(reader, length);
    return STEP_ON;
}

static enum step feed_step(struct feed *feed)
{
    switch (feed->reader->phase) {
    case EMC__BINARY_READER_HEADER:
        return feed_reply(feed);
    case EMC__BINARY_READER_VALUE:
        return feed_value(feed);
    case EMC__BINARY_READER_VALUE_END:
        feed->reader->phase = EMC__BINARY_READER_HEADER;
        return feed->handler->value_end(feed->context) ? STEP_ON : STEP_STOPPED;
    default:
        return STEP_BROKEN;
    }
}

enum emc__read_result emc__binary_reader_feed(struct emc__binary_reader *reader, const uint8_t *data, size_t length,
                                              const struct emc__binary_handler *handler, void *context,
                                              size_t *consumed_out)
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

struct emc__span emc__binary_reader_wanted(const struct emc__binary_reader *reader)
{
    if (reader->phase != EMC__BINARY_READER_VALUE || reader->destination == NULL) {
        return (struct emc__span){NULL, 0};
    }
    return (struct emc__span){reader->destination, reader->value_missing};
}

void emc__binary_reader_received(struct emc__binary_reader *reader, size_t length)
{
    reader->value_missing -= length;
    if (reader->destination != NULL) {
        reader->destination += length;
    }
    if (reader->value_missing == 0) {
        reader->destination = NULL;
        reader->phase = EMC__BINARY_READER_VALUE_END;
    }
}

void emc__binary_reader_discard(struct emc__binary_reader *reader)
{
    reader->destination = NULL;
}
