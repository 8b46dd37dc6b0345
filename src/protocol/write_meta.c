/* Request lines of the meta commands. Everything was validated before; nothing fails here. Uses put.h. */
#include "protocol/put.h"

/* ` q O<label>\r\n`. Two characters are quicker to write, and to read for the server, than a number of any length. */
static uint8_t *put_quiet_end(uint8_t *out, uint32_t label)
{
    uint8_t *end = emc__put_bytes(out, " q O__\r\n", 8);
    out[4] = (uint8_t)('0' + label / 64);
    out[5] = (uint8_t)('0' + label % 64);
    return end;
}

bool emc__label_read(struct emc__slice text, uint32_t *label_out)
{
    if (text.length != 2 || (uint8_t)(text.data[0] - '0') > 63 || (uint8_t)(text.data[1] - '0') > 63) {
        return false;
    }
    *label_out = (uint32_t)(text.data[0] - '0') * 64 + (uint32_t)(text.data[1] - '0');
    return true;
}

/* Zero flags and no expiry are the server's defaults, and so cost no bytes. */
size_t emc__write_quiet_set_line(uint8_t *out, struct emc__slice key, uint64_t flags, int64_t exptime,
                                 size_t value_length, uint32_t label)
{
    uint8_t *at = emc__put_slice(emc__put_bytes(out, "ms ", 3), key);
    *at++ = ' ';
    at = emc__put_u64(at, value_length);
    if (exptime != 0) {
        at = emc__put_i64(emc__put_bytes(at, " T", 2), exptime);
    }
    if (flags != 0) {
        at = emc__put_u64(emc__put_bytes(at, " F", 2), flags);
    }
    return (size_t)(put_quiet_end(at, label) - out);
}

size_t emc__write_quiet_delete(uint8_t *out, struct emc__slice key, uint32_t label)
{
    uint8_t *at = emc__put_slice(emc__put_bytes(out, "md ", 3), key);
    return (size_t)(put_quiet_end(at, label) - out);
}

size_t emc__write_meta(uint8_t *out, const struct emc__meta_request *request)
{
    const uint8_t begin[3] = {'m', (uint8_t)request->command, ' '};
    uint8_t *at = emc__put_slice(emc__put_bytes(out, begin, sizeof begin), request->key);
    if (request->command == 's') {
        *at++ = ' ';
        at = emc__put_u64(at, request->value_length);
    }
    return (size_t)(emc__put_line_end(emc__put_slice(at, request->flags)) - out);
}
