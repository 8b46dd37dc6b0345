/* Putting words and numbers into a request: each function writes at `out` and returns where the next byte goes. For the
 * writers alone. */
#ifndef EMC_PROTOCOL_PUT_H
#define EMC_PROTOCOL_PUT_H

#include "protocol/protocol.h"

static inline uint8_t *emc__put_bytes(uint8_t *out, const void *bytes, size_t length)
{
    if (length > 0) {
        memcpy(out, bytes, length);
    }
    return out + length;
}

static inline uint8_t *emc__put_slice(uint8_t *out, struct emc__slice slice)
{
    return emc__put_bytes(out, slice.data, slice.length);
}

static inline uint8_t *emc__put_u64(uint8_t *out, uint64_t number)
{
    return out + emc__format_u64(out, number);
}

static inline uint8_t *emc__put_i64(uint8_t *out, int64_t number)
{
    if (number >= 0) {
        return emc__put_u64(out, (uint64_t)number);
    }
    *out++ = '-';
    return emc__put_u64(out, 0 - (uint64_t)number);
}

static inline uint8_t *emc__put_line_end(uint8_t *out)
{
    return emc__put_bytes(out, "\r\n", 2);
}

static inline uint8_t *emc__put_noreply_end(uint8_t *out, bool noreply)
{
    return noreply ? emc__put_bytes(out, " noreply\r\n", 10) : emc__put_line_end(out);
}

#endif
