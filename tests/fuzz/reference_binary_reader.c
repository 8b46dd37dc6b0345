/* See reference_binary_reader.h. */
#include "reference_binary_reader.h"

static uint64_t number_at(const uint8_t *bytes, size_t size)
{
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++) {
        number = number * 256 + bytes[i];
    }
    return number;
}

static bool one_of(uint64_t opcode, const uint8_t *opcodes, size_t count)
{
    return memchr(opcodes, (int)opcode, count) != NULL;
}

/* The rules for one header, in the order of the bytes. */
static bool plausible(const uint8_t *header, size_t value_length_max)
{
    static const uint8_t retrievals[] = {0x00, 0x0c, 0x0d, 0x1d, 0x23, 0x24}, arithmetic[] = {0x05, 0x06};
    uint64_t key = number_at(header + 2, 2), extras = header[4], status = number_at(header + 6, 2),
             body = number_at(header + 8, 4);
    bool hit = status == 0 && one_of(header[1], retrievals, sizeof retrievals);
    bool number = status == 0 && one_of(header[1], arithmetic, sizeof arithmetic);
    if (header[0] != 0x81 || key > 250 || header[5] != 0 || body < key + extras) {
        return false;
    }
    uint64_t value = body - key - extras;
    if (hit ? extras != 4 : extras != 0 && (header[1] != 0x1c || extras != 4)) {
        return false;
    }
    return value <= value_length_max && (hit || value <= 16384) && (!number || value == 8);
}

static struct emc__binary_reply reply_at(const uint8_t *header)
{
    size_t key = (size_t)number_at(header + 2, 2), extras = header[4];
    struct emc__binary_reply reply = {
        .opcode = header[1],
        .status = (uint16_t)number_at(header + 6, 2),
        .opaque = (uint32_t)number_at(header + 12, 4),
        .cas = number_at(header + 16, 8),
        .has_flags = extras == 4,
        .flags = extras == 4 ? (uint32_t)number_at(header + 24, 4) : 0,
        .key = {header + 24 + extras, key},
        .value_length = (size_t)number_at(header + 8, 4) - key - extras,
    };
    if (reply.status == 0 && (reply.opcode == 0x05 || reply.opcode == 0x06)) {
        reply.number = number_at(header + 24 + extras + key, 8);
    }
    return reply;
}

enum emc__read_result reference_binary_read(struct emc__slice stream, size_t value_length_max, struct delivery_log *log,
                                            size_t *consumed_out)
{
    size_t at = 0;
    for (;;) {
        const uint8_t *header = stream.length > at ? stream.data + at : NULL;
        size_t available = stream.length - at;
        *consumed_out = at;
        if (header == NULL) {
            return EMC__READ_MORE;
        }
        if (available < 24) {
            return header[0] == 0x81 ? EMC__READ_MORE : EMC__READ_BROKEN;
        }
        if (!plausible(header, value_length_max)) {
            return EMC__READ_BROKEN;
        }
        size_t body = (size_t)number_at(header + 8, 4);
        if (available - 24 < body) {
            return EMC__READ_MORE;
        }
        struct emc__binary_reply reply = reply_at(header);
        delivery_log_binary(log, &reply);
        delivery_log_slice(log, (struct emc__slice){header + 24 + body - reply.value_length, reply.value_length});
        at += 24 + body;
    }
}
