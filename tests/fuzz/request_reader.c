/* See request_reader.h. The rules are those of memcached's proto_text.c: a line ends at LF, a CR before it falls, words
 * are parted by spaces, and a storage command's value has the length told in its line. */
#include "request_reader.h"

#include <stdlib.h>

static bool is(struct emc__slice word, const char *text)
{
    return emc__slice_equal(word, emc__slice_of_string(text));
}

bool request_number(struct emc__slice word, uint64_t *number_out)
{
    char text[24];
    char *end;
    if (word.length == 0 || word.length >= sizeof text || word.data[0] < '0' || word.data[0] > '9') {
        return false;
    }
    memcpy(text, word.data, word.length);
    text[word.length] = '\0';
    *number_out = strtoull(text, &end, 10);
    return *end == '\0';
}

static void split(struct emc__slice line, struct request *request)
{
    size_t at = 0;
    request->word_count = 0;
    while (at < line.length) {
        size_t begin = at;
        while (at < line.length && line.data[at] != ' ') {
            at++;
        }
        if (at > begin && request->word_count < REQUEST_WORDS_MAX) {
            request->words[request->word_count++] = (struct emc__slice){line.data + begin, at - begin};
        }
        at++;
    }
}

/* Which word tells the value's length; 0: the command has no value. */
static size_t length_word(const struct request *request)
{
    static const char *const storage[] = {"set", "add", "replace", "append", "prepend", "cas"};
    if (request->word_count > 2 && is(request->words[0], "ms")) {
        return 2;
    }
    for (size_t i = 0; i < sizeof storage / sizeof storage[0]; i++) {
        if (request->word_count > 4 && is(request->words[0], storage[i])) {
            return 4;
        }
    }
    return 0;
}

size_t request_read(struct emc__slice bytes, struct request *request_out)
{
    size_t end = 0;
    while (end < bytes.length && bytes.data[end] != '\n') {
        end++;
    }
    if (end == bytes.length || end == 0 || bytes.data[end - 1] != '\r') {
        return 0;
    }
    split((struct emc__slice){bytes.data, end - 1}, request_out);
    request_out->value = (struct emc__slice){NULL, 0};
    size_t word = length_word(request_out), begin = end + 1;
    uint64_t length;
    if (word == 0) {
        return begin;
    }
    if (!request_number(request_out->words[word], &length) || bytes.length - begin < 2 ||
        bytes.length - begin - 2 < length || bytes.data[begin + length] != '\r' ||
        bytes.data[begin + length + 1] != '\n') {
        return 0;
    }
    request_out->value = (struct emc__slice){bytes.data + begin, (size_t)length};
    return begin + (size_t)length + 2;
}

static uint64_t number_at(const uint8_t *bytes, size_t size)
{
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++) {
        number = number * 256 + bytes[i];
    }
    return number;
}

size_t binary_request_read(struct emc__slice bytes, struct binary_request *request_out)
{
    if (bytes.length < 24 || bytes.data[0] != 0x80 || bytes.data[5] != 0 || bytes.data[6] != 0 || bytes.data[7] != 0) {
        return 0;
    }
    size_t key = (size_t)number_at(bytes.data + 2, 2), extras = bytes.data[4],
           body = (size_t)number_at(bytes.data + 8, 4);
    if (key + extras > body || bytes.length - 24 < body) {
        return 0;
    }
    request_out->opcode = bytes.data[1];
    request_out->opaque = (uint32_t)number_at(bytes.data + 12, 4);
    request_out->cas = number_at(bytes.data + 16, 8);
    request_out->extras = (struct emc__slice){bytes.data + 24, extras};
    request_out->key = (struct emc__slice){bytes.data + 24 + extras, key};
    request_out->value = (struct emc__slice){bytes.data + 24 + extras + key, body - extras - key};
    return 24 + body;
}
