/* See binary_split_feeder.h. */
#include "binary_split_feeder.h"

#include <stdlib.h>

struct feeder {
    struct emc__binary_reader reader;
    struct delivery_log *log;
    uint8_t *value; /* under way */
    size_t value_length;
    size_t log_mark, count_mark; /* where the log stood before the value under way */
    size_t values_long;
};

static void *allocate(size_t length)
{
    void *memory = malloc(length > 0 ? length : 1);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

static bool take_reply(void *context, const struct emc__binary_reply *reply, const uint8_t *value)
{
    struct feeder *feeder = context;
    delivery_log_binary(feeder->log, reply);
    delivery_log_slice(feeder->log, (struct emc__slice){value, reply->value_length});
    return true;
}

static bool take_value_begin(void *context, const struct emc__binary_reply *reply, uint8_t **destination_out)
{
    struct feeder *feeder = context;
    if (feeder->value != NULL || reply->value_length <= EMC__READ_IN_PLACE_MAX) {
        abort();
    }
    feeder->log_mark = feeder->log->length;
    feeder->count_mark = feeder->log->count;
    delivery_log_binary(feeder->log, reply);
    feeder->value = allocate(reply->value_length);
    feeder->value_length = reply->value_length;
    *destination_out = feeder->value;
    return true;
}

static bool take_value_end(void *context)
{
    struct feeder *feeder = context;
    if (feeder->value == NULL) {
        abort();
    }
    delivery_log_slice(feeder->log, (struct emc__slice){feeder->value, feeder->value_length});
    free(feeder->value);
    feeder->value = NULL;
    feeder->values_long++;
    return true;
}

static const struct emc__binary_handler handler = {take_reply, take_value_begin, take_value_end};

/* Takes a value that never became whole out of the log. */
static void drop_value_under_way(struct feeder *feeder)
{
    if (feeder->value != NULL) {
        free(feeder->value);
        feeder->log->length = feeder->log_mark;
        feeder->log->count = feeder->count_mark;
    }
}

/* Feeds stream[from .. to) in a block of its own. */
static enum emc__read_result feed_copy(struct feeder *feeder, struct emc__slice stream, size_t from, size_t to,
                                       size_t *consumed)
{
    uint8_t *copy = allocate(to - from);
    if (to > from) {
        memcpy(copy, stream.data + from, to - from);
    }
    enum emc__read_result result = emc__binary_reader_feed(&feeder->reader, copy, to - from, &handler, feeder,
                                                           consumed);
    free(copy);
    return result;
}

/* Receives into the value under way; returns how many bytes. */
static size_t receive_straight(struct feeder *feeder, struct emc__slice stream, size_t at, size_t length)
{
    struct emc__span wanted = emc__binary_reader_wanted(&feeder->reader);
    size_t available = stream.length - at;
    length = length < available ? length : available;
    length = length < wanted.length ? length : wanted.length;
    if (wanted.data == NULL || length == 0) {
        return 0;
    }
    memcpy(wanted.data, stream.data + at, length);
    emc__binary_reader_received(&feeder->reader, length);
    return length;
}

struct split_feeder_result binary_split_feed(struct emc__slice stream, size_t value_length_max, split_feeder_next *next,
                                             void *context, bool straight, struct delivery_log *log)
{
    struct feeder feeder = {.log = log};
    struct split_feeder_result out = {.result = EMC__READ_MORE};
    size_t end = 0, consumed = 0;
    emc__binary_reader_init(&feeder.reader, value_length_max);
    while (end < stream.length && out.result == EMC__READ_MORE) {
        size_t piece = next(context);
        size_t received = straight && end == out.consumed ? receive_straight(&feeder, stream, end, piece) : 0;
        end += received > 0 ? received : piece < stream.length - end ? piece : stream.length - end;
        out.consumed += received;
        out.result = feed_copy(&feeder, stream, out.consumed, end, &consumed);
        out.consumed += consumed;
    }
    out.idle = feeder.reader.phase == EMC__BINARY_READER_HEADER;
    out.values_long = feeder.values_long;
    drop_value_under_way(&feeder);
    return out;
}
