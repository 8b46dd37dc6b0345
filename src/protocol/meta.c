/* The flags of a meta reply, one by one. Uses nothing. */
#include "protocol/protocol.h"

bool emc__meta_flags_next(struct emc__slice *flags, struct emc__meta_flag *flag_out)
{
    const uint8_t *at = flags->data;
    const uint8_t *end = flags->length == 0 ? at : at + flags->length;
    while (at < end && *at == ' ') {
        at++;
    }
    if (at == end) {
        *flags = (struct emc__slice){end, 0};
        return false;
    }
    const uint8_t *token = at + 1;
    const uint8_t *next = token;
    while (next < end && *next != ' ') {
        next++;
    }
    flag_out->letter = (char)*at;
    flag_out->token = (struct emc__slice){token, (size_t)(next - token)};
    *flags = (struct emc__slice){next, (size_t)(end - next)};
    return true;
}
