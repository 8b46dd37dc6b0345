/* See reference_reader.h. */
#include "reference_reader.h"

#define WORDS_MAX 6

/* The first words of a line; `rest` is what stands behind the first word and its space. */
struct split {
    struct emc__slice line, word[WORDS_MAX], rest;
    size_t count; /* words in the line, also those beyond WORDS_MAX */
};

static struct split split_line(struct emc__slice line)
{
    struct split split = {.line = line, .rest = {line.data + line.length, 0}};
    size_t begin = 0;
    for (size_t i = 0; i <= line.length; i++) {
        if (i < line.length && line.data[i] != ' ') {
            continue;
        }
        if (split.count < WORDS_MAX) {
            split.word[split.count] = (struct emc__slice){line.data + begin, i - begin};
        }
        if (split.count == 0 && i < line.length) {
            split.rest = (struct emc__slice){line.data + i + 1, line.length - i - 1};
        }
        split.count++;
        begin = i + 1;
    }
    return split;
}

static bool is(struct emc__slice word, const char *text)
{
    return emc__slice_equal(word, emc__slice_of_string(text));
}

static bool number_of(struct emc__slice word, uint64_t *number_out)
{
    uint64_t number = 0;
    for (size_t i = 0; i < word.length; i++) {
        if (word.data[i] < '0' || word.data[i] > '9') {
            return false;
        }
        unsigned digit = (unsigned)(word.data[i] - '0');
        if (number > (UINT64_MAX - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
    }
    *number_out = number;
    return word.length > 0;
}

/* Takes the spaces off both ends; false when two stand together between flags. */
static bool flags_of(struct emc__slice text, struct emc__slice *flags_out)
{
    while (text.length > 0 && text.data[0] == ' ') {
        text.data++;
        text.length--;
    }
    while (text.length > 0 && text.data[text.length - 1] == ' ') {
        text.length--;
    }
    for (size_t i = 1; i < text.length; i++) {
        if (text.data[i - 1] == ' ' && text.data[i] == ' ') {
            return false;
        }
    }
    *flags_out = text;
    return true;
}

/* ------------------------------------------------------------------ headers */

static bool value_header(const struct split *split, struct emc__value_header *header)
{
    bool config = is(split->word[0], "CONFIG");
    bool counted = split->count == 4 || (split->count == 5 && !config);
    uint64_t length;
    if (!counted || split->word[1].length < 1 || split->word[1].length > 250 ||
        !number_of(split->word[2], &header->flags) || !number_of(split->word[3], &length)) {
        return false;
    }
    header->kind = config ? EMC__VALUE_CONFIG : EMC__VALUE_TEXT;
    header->key = split->word[1];
    header->length = length;
    header->has_cas = split->count == 5;
    return !header->has_cas || number_of(split->word[4], &header->cas);
}

static bool meta_header(const struct split *split, struct emc__value_header *header)
{
    uint64_t length;
    if (split->count < 2 || !number_of(split->word[1], &length)) {
        return false;
    }
    struct emc__slice rest = {split->rest.data + split->word[1].length, split->rest.length - split->word[1].length};
    header->kind = EMC__VALUE_META;
    header->length = length;
    return flags_of(rest, &header->meta_flags);
}

/* ------------------------------------------------------------------ lines */

static bool alone(const struct split *split, enum emc__reply *kind)
{
    static const struct {
        const char *text;
        enum emc__reply kind;
    } lines[] = {{"STORED", EMC__REPLY_STORED},   {"NOT_STORED", EMC__REPLY_NOT_STORED},
                 {"EXISTS", EMC__REPLY_EXISTS},   {"NOT_FOUND", EMC__REPLY_NOT_FOUND},
                 {"END", EMC__REPLY_END},         {"DELETED", EMC__REPLY_DELETED},
                 {"TOUCHED", EMC__REPLY_TOUCHED}, {"OK", EMC__REPLY_OK},
                 {"RESET", EMC__REPLY_RESET}};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (is(split->line, lines[i].text)) {
            *kind = lines[i].kind;
            return true;
        }
    }
    return false;
}

static bool with_text(const struct split *split, enum emc__reply *kind)
{
    static const struct {
        const char *word;
        enum emc__reply kind;
    } words[] = {{"VERSION", EMC__REPLY_VERSION},
                 {"STAT", EMC__REPLY_STAT},
                 {"ERROR", EMC__REPLY_ERROR},
                 {"CLIENT_ERROR", EMC__REPLY_CLIENT_ERROR},
                 {"SERVER_ERROR", EMC__REPLY_SERVER_ERROR}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (is(split->word[0], words[i].word)) {
            *kind = words[i].kind;
            return true;
        }
    }
    return false;
}

static bool meta_code(const struct split *split)
{
    static const char *const codes[] = {"HD", "EN", "NF", "NS", "EX", "MN"};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (is(split->word[0], codes[i])) {
            return true;
        }
    }
    return false;
}

static bool plain_line(const struct split *split, struct emc__reply_line *line)
{
    uint8_t first = split->line.data[0];
    if (first >= '0' && first <= '9') {
        line->kind = EMC__REPLY_NUMBER;
        line->text = split->line;
        return number_of(split->line, &line->number);
    }
    if (!((first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z'))) {
        return false;
    }
    if (meta_code(split)) {
        line->kind = EMC__REPLY_META;
        line->meta_code = EMC__META_CODE(first, split->line.data[1]);
        return flags_of(split->rest, &line->text);
    }
    if (alone(split, &line->kind)) {
        return true;
    }
    line->text = split->rest;
    if (!with_text(split, &line->kind)) {
        line->kind = EMC__REPLY_LINE;
        line->text = split->line;
    }
    return true;
}

/* ------------------------------------------------------------------ the stream */

/* The value that begins at stream[at], with its CRLF. */
static enum emc__read_result read_value(struct emc__slice stream, size_t *at, const struct emc__value_header *header,
                                        size_t length_max, struct delivery_log *log)
{
    if (header->length > length_max) {
        return EMC__READ_BROKEN;
    }
    size_t available = stream.length - *at;
    for (size_t i = 0; i < 2 && available > i && available - i > header->length; i++) {
        if (stream.data[*at + header->length + i] != "\r\n"[i]) {
            return EMC__READ_BROKEN;
        }
    }
    if (available < header->length || available - header->length < 2) {
        return EMC__READ_MORE;
    }
    delivery_log_header(log, header);
    delivery_log_slice(log, (struct emc__slice){stream.data + *at, header->length});
    *at += header->length + 2;
    return EMC__READ_STOPPED; /* here: go on */
}

static enum emc__read_result read_reply(struct emc__slice stream, size_t *at, const struct emc__reader_limits *limits,
                                        struct delivery_log *log)
{
    size_t end = *at;
    while (end < stream.length && stream.data[end] != '\n') {
        end++;
    }
    if (end - *at + 1 > limits->line_length_max) {
        return EMC__READ_BROKEN;
    }
    if (end == stream.length) {
        return EMC__READ_MORE;
    }
    struct emc__slice text = {stream.data + *at, end - *at};
    bool dump = text.length >= 4 && is((struct emc__slice){text.data, 4}, "key=");
    if (text.length > 0 && text.data[text.length - 1] == '\r') {
        text.length--;
    } else if (!dump) {
        return EMC__READ_BROKEN;
    }
    if (text.length == 0) {
        return EMC__READ_BROKEN;
    }
    struct split split = split_line(text);
    struct emc__value_header header = {0};
    struct emc__reply_line line = {0};
    bool meta = is(split.word[0], "VA");
    if (meta || is(split.word[0], "VALUE") || is(split.word[0], "CONFIG")) {
        if (!(meta ? meta_header(&split, &header) : value_header(&split, &header))) {
            return EMC__READ_BROKEN;
        }
        size_t value_at = end + 1;
        enum emc__read_result result = read_value(stream, &value_at, &header, limits->value_length_max, log);
        *at = result == EMC__READ_STOPPED ? value_at : *at;
        return result;
    }
    if (!plain_line(&split, &line)) {
        return EMC__READ_BROKEN;
    }
    delivery_log_line(log, &line);
    *at = end + 1;
    return EMC__READ_STOPPED;
}

enum emc__read_result reference_read(struct emc__slice stream, const struct emc__reader_limits *limits,
                                     struct delivery_log *log, size_t *consumed_out)
{
    enum emc__read_result result;
    *consumed_out = 0;
    do {
        result = read_reply(stream, consumed_out, limits, log);
    } while (result == EMC__READ_STOPPED);
    return result;
}
