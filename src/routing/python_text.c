/* Python's str and bytes, as format() writes them. */
#include "routing/python_text.h"

#define PIECE_LONGEST 6 /* "b'" and one byte as \xNN; what must fit before another byte is begun */

/* ------------------------------------------------------------------ str */

/* Bytes of the UTF-8 sequence that begins with `first`; 0: none does. */
static size_t sequence_length(uint8_t first)
{
    if (first < 0x80) {
        return 1;
    }
    if (first >= 0xc2 && first <= 0xdf) {
        return 2;
    }
    if (first >= 0xe0 && first <= 0xef) {
        return 3;
    }
    return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

/* Surrogates, overlong forms and what lies above U+10FFFF show in the second byte. */
static bool second_is_legal(uint8_t first, uint8_t second)
{
    switch (first) {
    case 0xe0:
        return second >= 0xa0;
    case 0xed:
        return second < 0xa0;
    case 0xf0:
        return second >= 0x90;
    case 0xf4:
        return second < 0x90;
    default:
        return true;
    }
}

static bool is_utf8(struct emc__slice key)
{
    for (size_t i = 0; i < key.length;) {
        size_t length = sequence_length(key.data[i]);
        if (length == 0 || length > key.length - i || (length > 1 && !second_is_legal(key.data[i], key.data[i + 1]))) {
            return false;
        }
        for (size_t j = 1; j < length; j++) {
            if ((key.data[i + j] & 0xc0) != 0x80) {
                return false;
            }
        }
        i += length;
    }
    return true;
}

/* A character's low eight bits stand in its last two bytes. */
static uint8_t low_bits(const uint8_t *sequence, size_t length)
{
    return length == 1 ? sequence[0] : (uint8_t)((sequence[length - 2] & 3) << 6 | (sequence[length - 1] & 0x3f));
}

struct emc__python_text emc__python_str(struct emc__slice key)
{
    return (struct emc__python_text){.key = key, .quote = is_utf8(key) ? 'u' : 0};
}

static size_t next_of_str(struct emc__python_text *text, uint8_t *out)
{
    size_t length = 0;
    while (text->taken < text->key.length && length < EMC__PYTHON_TEXT_SIZE) {
        const uint8_t *at = text->key.data + text->taken;
        size_t sequence = text->quote == 'u' ? sequence_length(*at) : 1;
        out[length++] = low_bits(at, sequence);
        text->taken += sequence;
    }
    return length;
}

/* ------------------------------------------------------------------ bytes */

struct emc__python_text emc__python_bytes(struct emc__slice key)
{
    bool single = key.length > 0 && memchr(key.data, '\'', key.length) != NULL;
    bool both = single && memchr(key.data, '"', key.length) != NULL;
    return (struct emc__python_text){.key = key, .is_bytes = true, .quote = single && !both ? '"' : '\''};
}

static char short_escape(uint8_t byte)
{
    switch (byte) {
    case '\t':
        return 't';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    default:
        return 0;
    }
}

static size_t put_byte(uint8_t byte, char quote, uint8_t *out)
{
    static const char digits[] = "0123456789abcdef";
    if (byte == '\\' || byte == (uint8_t)quote) {
        out[0] = '\\';
        out[1] = byte;
        return 2;
    }
    if (byte >= ' ' && byte < 0x7f) {
        out[0] = byte;
        return 1;
    }
    out[0] = '\\';
    if (short_escape(byte) != 0) {
        out[1] = (uint8_t)short_escape(byte);
        return 2;
    }
    out[1] = 'x';
    out[2] = (uint8_t)digits[byte >> 4];
    out[3] = (uint8_t)digits[byte & 15];
    return 4;
}

static size_t next_of_bytes(struct emc__python_text *text, uint8_t *out)
{
    size_t length = 0;
    if (text->ended) {
        return 0;
    }
    if (text->taken == 0) {
        out[length++] = 'b';
        out[length++] = (uint8_t)text->quote;
    }
    while (text->taken < text->key.length && length + PIECE_LONGEST <= EMC__PYTHON_TEXT_SIZE) {
        length += put_byte(text->key.data[text->taken++], text->quote, out + length);
    }
    if (text->taken == text->key.length && length < EMC__PYTHON_TEXT_SIZE) {
        out[length++] = (uint8_t)text->quote;
        text->ended = true;
    }
    return length;
}

size_t emc__python_text_next(struct emc__python_text *text, uint8_t out[static EMC__PYTHON_TEXT_SIZE])
{
    return text->is_bytes ? next_of_bytes(text, out) : next_of_str(text, out);
}
