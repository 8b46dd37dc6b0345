/* Base64 (RFC 4648 section 4, padded) for meta's binary keys. Uses nothing. */
#include "protocol/protocol.h"

static const char alphabet[] = {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"};

size_t emc__key_encode_base64(struct emc__slice raw, uint8_t *out)
{
    uint8_t *at = out;
    for (size_t i = 0; i < raw.length; i += 3) {
        size_t left = raw.length - i;
        uint32_t group = (uint32_t)raw.data[i] << 16 | (left > 1 ? (uint32_t)raw.data[i + 1] << 8 : 0) |
                         (left > 2 ? (uint32_t)raw.data[i + 2] : 0);
        *at++ = (uint8_t)alphabet[group >> 18];
        *at++ = (uint8_t)alphabet[group >> 12 & 63];
        *at++ = left > 1 ? (uint8_t)alphabet[group >> 6 & 63] : '=';
        *at++ = left > 2 ? (uint8_t)alphabet[group & 63] : '=';
    }
    return (size_t)(at - out);
}
