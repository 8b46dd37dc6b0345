/* What a reply line says: the words of both server generations (1.6.18, 1.6.45), the headers of values, meta codes.
 * Pure; strict where a header announces bytes (a wrong length there would make a value into replies). Uses number.h. */
#include "protocol/read_line.h"

#include "protocol/number.h"

static enum emc__line_kind broken(struct emc__line *line, const char *error)
{
    line->error = error;
    return EMC__LINE_BROKEN;
}

/* ------------------------------------------------------------------ headers of values */

/* Reads ` number` and moves the cursor behind it. */
static inline bool take_number(const uint8_t **cursor, const uint8_t *end, uint64_t *number_out)
{
    const uint8_t *at = *cursor;
    if (at == end || *at != ' ') {
        return false;
    }
    *cursor = at + 1;
    return emc__digits_take(cursor, end, number_out);
}

static inline bool take_length(const uint8_t **cursor, const uint8_t *end, size_t *length_out)
{
    uint64_t length;
    if (!take_number(cursor, end, &length) || length > SIZE_MAX) {
        return false;
    }
    *length_out = (size_t)length;
    return true;
}

/* `key flags length [cas]`, after "VALUE " or "CONFIG ". */
static enum emc__line_kind read_value_header(const uint8_t *at, const uint8_t *end, enum emc__value_kind kind,
                                             struct emc__line *line)
{
    struct emc__value_header *header = &line->header;
    size_t room = (size_t)(end - at);
    const uint8_t *key_end = memchr(at, ' ', room > EMC__KEY_LENGTH_MAX ? EMC__KEY_LENGTH_MAX + 1 : room);
    if (key_end == NULL || key_end == at) {
        return broken(line, "a VALUE line without a key of 1 to 250 bytes");
    }
    header->kind = kind;
    header->key = (struct emc__slice){at, (size_t)(key_end - at)};
    header->meta_flags = (struct emc__slice){end, 0};
    header->cas = 0;
    header->has_cas = false;
    at = key_end;
    if (!take_number(&at, end, &header->flags) || !take_length(&at, end, &header->length)) {
        return broken(line, "a VALUE line with malformed flags or length");
    }
    if (at != end) {
        header->has_cas = true;
        if (kind != EMC__VALUE_TEXT || !take_number(&at, end, &header->cas) || at != end) {
            return broken(line, "a VALUE line with a malformed cas");
        }
    }
    return EMC__LINE_VALUE;
}

#define EACH_BYTE(value) ((uint64_t)(value)*UINT64_C(0x0101010101010101))

/* What follows a key in a hit's line at most: two numbers with the byte after each, and the rest of the CRLF. */
#define HIT_TAIL_MAX (1 + 10 + 10 + 1)

/* How many bytes before the first one below 0x21: a space, or what no key has. More than EMC__KEY_LENGTH_MAX, or than lie at `at`: there is none.
 * (The usual test for "a byte below n"; its lowest hit is exact.) */
static inline size_t key_length(const uint8_t *at, size_t available)
{
    size_t i = 0;
    for (; i <= EMC__KEY_LENGTH_MAX && i + 8 <= available; i += 8) {
        uint64_t word = emc__load_le64(at + i);
        uint64_t below = (word - EACH_BYTE(0x21)) & ~word & EACH_BYTE(0x80);
        if (below != 0) {
            return i + (size_t)__builtin_ctzll(below) / 8;
        }
    }
    return EMC__KEY_LENGTH_MAX + 1;
}

/* A number of one to nine digits; NULL: it is another one. */
static inline const uint8_t *short_number(const uint8_t *at, uint32_t *number_out)
{
    uint32_t number = (uint32_t)*at - '0', digit;
    if (number > 9) {
        return NULL;
    }
    for (int i = 1; i < 9; i++) {
        digit = (uint32_t) * ++at - '0';
        if (digit > 9) {
            *number_out = number;
            return at;
        }
        number = number * 10 + digit;
    }
    *number_out = number;
    return at + 1;
}

size_t emc__line_read_hit(const uint8_t *at, size_t available, struct emc__value_header *header)
{
    const uint8_t *key = at + 6;
    uint32_t flags, length;
    if (memcmp(at, "VALUE ", 6) != 0) {
        return 0;
    }
    size_t key_bytes = key_length(key, available - 6);
    if (key_bytes == 0 || key_bytes > EMC__KEY_LENGTH_MAX || 6 + key_bytes + HIT_TAIL_MAX > available ||
        key[key_bytes] != ' ') {
        return 0;
    }
    const uint8_t *end = short_number(key + key_bytes + 1, &flags);
    if (end == NULL || *end != ' ') {
        return 0;
    }
    end = short_number(end + 1, &length);
    if (end == NULL || end[0] != '\r' || end[1] != '\n') {
        return 0;
    }
    *header = (struct emc__value_header){
        .kind = EMC__VALUE_TEXT,
        .key = {key, key_bytes},
        .flags = flags,
        .length = length,
        .meta_flags = {end, 0},
    };
    return (size_t)(end + 2 - at);
}

/* Flags of a meta reply: spaces around them fall (1.6.18 ends some lines with one), between them is one. */
static bool trim_flags(const uint8_t *at, const uint8_t *end, struct emc__slice *flags_out)
{
    while (at < end && *at == ' ') {
        at++;
    }
    while (at < end && end[-1] == ' ') {
        end--;
    }
    for (const uint8_t *scan = at; scan < end; scan++) {
        if (scan[0] == ' ' && scan[1] == ' ') {
            return false;
        }
    }
    *flags_out = (struct emc__slice){at, (size_t)(end - at)};
    return true;
}

/* ` length flags*`, after "VA". */
static enum emc__line_kind read_meta_header(const uint8_t *at, const uint8_t *end, struct emc__line *line)
{
    struct emc__value_header *header = &line->header;
    *header = (struct emc__value_header){.kind = EMC__VALUE_META, .key = {end, 0}};
    if (!take_length(&at, end, &header->length) || (at != end && *at != ' ')) {
        return broken(line, "a VA line with a malformed length");
    }
    return trim_flags(at, end, &header->meta_flags) ? EMC__LINE_VALUE : broken(line, "a VA line with malformed flags");
}

/* ------------------------------------------------------------------ lines without value */

static enum emc__line_kind whole(struct emc__line *line, enum emc__reply kind, const uint8_t *text, const uint8_t *end)
{
    line->reply = (struct emc__reply_line){.kind = kind, .text = {text, (size_t)(end - text)}};
    return EMC__LINE_WHOLE;
}

static enum emc__line_kind read_number(struct emc__slice text, struct emc__line *line)
{
    line->reply = (struct emc__reply_line){.kind = EMC__REPLY_NUMBER, .text = text};
    return emc__parse_u64(text, &line->reply.number) ? EMC__LINE_WHOLE
                                                     : broken(line, "a line that begins like a number and is none");
}

static enum emc__line_kind read_meta_code(struct emc__slice text, struct emc__line *line)
{
    line->reply = (struct emc__reply_line){.kind = EMC__REPLY_META,
                                           .meta_code = EMC__META_CODE(text.data[0], text.data[1])};
    return trim_flags(text.data + 2, text.data + text.length, &line->reply.text) ? EMC__LINE_WHOLE
                                                                                 : broken(line, "malformed meta flags");
}

/* Lines whose first word has two letters. */
static enum emc__line_kind read_short_word(struct emc__slice text, struct emc__line *line)
{
    const uint8_t *end = text.data + text.length;
    switch (EMC__META_CODE(text.data[0], text.data[1])) {
    case EMC__META_CODE('V', 'A'):
        return read_meta_header(text.data + 2, end, line);
    case EMC__META_CODE('H', 'D'):
    case EMC__META_CODE('E', 'N'):
    case EMC__META_CODE('N', 'F'):
    case EMC__META_CODE('N', 'S'):
    case EMC__META_CODE('E', 'X'):
    case EMC__META_CODE('M', 'N'):
        return read_meta_code(text, line);
    case EMC__META_CODE('O', 'K'):
        return text.length == 2 ? whole(line, EMC__REPLY_OK, end, end) : whole(line, EMC__REPLY_LINE, text.data, end);
    default:
        return whole(line, EMC__REPLY_LINE, text.data, end);
    }
}

struct word {
    char text[13];
    uint8_t length;
    bool has_text; /* something may follow; otherwise the word stands alone, or it is another line */
    enum emc__reply kind;
};

/* The frequent ones first. */
static const struct word words[] = {
    {"END", 3, false, EMC__REPLY_END},
    {"STORED", 6, false, EMC__REPLY_STORED},
    {"DELETED", 7, false, EMC__REPLY_DELETED},
    {"NOT_FOUND", 9, false, EMC__REPLY_NOT_FOUND},
    {"NOT_STORED", 10, false, EMC__REPLY_NOT_STORED},
    {"EXISTS", 6, false, EMC__REPLY_EXISTS},
    {"TOUCHED", 7, false, EMC__REPLY_TOUCHED},
    {"STAT", 4, true, EMC__REPLY_STAT},
    {"VERSION", 7, true, EMC__REPLY_VERSION},
    {"ERROR", 5, true, EMC__REPLY_ERROR},
    {"CLIENT_ERROR", 12, true, EMC__REPLY_CLIENT_ERROR},
    {"SERVER_ERROR", 12, true, EMC__REPLY_SERVER_ERROR},
    {"RESET", 5, false, EMC__REPLY_RESET},
};

static enum emc__line_kind read_long_word(struct emc__slice text, size_t length, struct emc__line *line)
{
    const uint8_t *end = text.data + text.length;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const struct word *word = &words[i];
        if (word->length != length || memcmp(word->text, text.data, length) != 0) {
            continue;
        }
        if (text.length == length) {
            return whole(line, word->kind, end, end);
        }
        return word->has_text ? whole(line, word->kind, text.data + length + 1, end)
                              : whole(line, EMC__REPLY_LINE, text.data, end);
    }
    if (length == 6 && memcmp(text.data, "CONFIG", 6) == 0) {
        return read_value_header(text.data + (text.length > 6 ? 7 : 6), end, EMC__VALUE_CONFIG, line);
    }
    return whole(line, EMC__REPLY_LINE, text.data, end);
}

static bool letter_is(uint8_t byte)
{
    return (uint8_t)((byte | 0x20) - 'a') < 26;
}

enum emc__line_kind emc__line_read(struct emc__slice text, struct emc__line *line)
{
    if (text.length >= 6 && memcmp(text.data, "VALUE ", 6) == 0) {
        return read_value_header(text.data + 6, text.data + text.length, EMC__VALUE_TEXT, line);
    }
    if (text.length == 0) {
        return broken(line, "a blank line");
    }
    if (emc__digit_is(text.data[0])) {
        return read_number(text, line);
    }
    if (!letter_is(text.data[0])) {
        return broken(line, "a line that begins with neither letter nor digit");
    }
    const uint8_t *space = memchr(text.data, ' ', text.length);
    size_t length = space == NULL ? text.length : (size_t)(space - text.data);
    if (length == 5 && memcmp(text.data, "VALUE", 5) == 0) {
        return broken(line, "a VALUE line without a key of 1 to 250 bytes");
    }
    return length == 2 ? read_short_word(text, line) : read_long_word(text, length, line);
}
