/* Base64 (RFC 4648 section 4, padded) for meta's binary keys. Strict: what decodes would encode to the same text. Uses
 * nothing. */
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

/* The six bits a character stands for; 64 for none. */
static uint32_t bits_of(uint8_t character)
{
    if (character >= 'A' && character <= 'Z') {
        return (uint32_t)(character - 'A');
    }
    if (character >= 'a' && character <= 'z') {
        return (uint32_t)(character - 'a') + 26;
    }
    if (character >= '0' && character <= '9') {
        return (uint32_t)(character - '0') + 52;
    }
    return character == '+' ? 62 : character == '/' ? 63 : 64;
}

/* Decodes four characters, of which the last `padding` are '='. False: not in the alphabet, or bits under the padding.
 */
static bool decode_group(const uint8_t *text, size_t padding, uint8_t *out)
{
    uint32_t group = 0;
    for (size_t i = 0; i < 4; i++) {
        uint32_t bits = i < 4 - padding ? bits_of(text[i]) : 0;
        if (bits > 63) {
            return false;
        }
        group = group << 6 | bits;
    }
    if ((group & ((1u << 8 * padding) - 1)) != 0) {
        return false;
    }
    for (size_t i = 0; i < 3 - padding; i++) {
        out[i] = (uint8_t)(group >> (16 - 8 * i));
    }
    return true;
}

bool emc__key_decode_base64(struct emc__slice text, uint8_t *out, size_t out_size, size_t *length_out)
{
    if (text.length % 4 != 0) {
        return false;
    }
    size_t padding = 0;
    if (text.length > 0 && text.data[text.length - 1] == '=') {
        padding = text.data[text.length - 2] == '=' ? 2 : 1;
    }
    size_t length = text.length / 4 * 3 - padding;
    if (length > out_size) {
        return false;
    }
    for (size_t i = 0; i < text.length; i += 4) {
        if (!decode_group(text.data + i, i + 4 == text.length ? padding : 0, out + i / 4 * 3)) {
            return false;
        }
    }
    *length_out = length;
    return true;
}
