/* Writes JSON to a stream. Text that comes from a server may be anything: bytes that are no UTF-8 are written as U+FFFD. */
#include "json.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Length of the well-formed UTF-8 character at `at`, or 0. Overlong forms, surrogates and what lies above U+10FFFF are not well-formed. */
static size_t character_length(const unsigned char *at)
{
    size_t length = at[0] < 0x80    ? 1
                    : at[0] >= 0xF5 ? 0
                    : at[0] >= 0xF0 ? 4
                    : at[0] >= 0xE0 ? 3
                    : at[0] >= 0xC2 ? 2
                                    : 0;
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xC0) != 0x80) {
            return 0; /* the terminating zero ends here, too */
        }
    }
    bool overlong = (at[0] == 0xE0 && at[1] < 0xA0) || (at[0] == 0xF0 && at[1] < 0x90);
    bool beyond = (at[0] == 0xED && at[1] > 0x9F) || (at[0] == 0xF4 && at[1] > 0x8F);
    return length > 1 && (overlong || beyond) ? 0 : length;
}

static void write_text(FILE *file, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    fputc('"', file);
    while (*at != '\0') {
        size_t length = character_length(at);
        if (*at == '"' || *at == '\\') {
            fprintf(file, "\\%c", *at);
        } else if (*at < ' ') {
            fprintf(file, "\\u%04x", *at);
        } else if (length == 0) {
            fputs("\\ufffd", file);
        } else {
            fwrite(at, 1, length, file);
        }
        at += length == 0 ? 1 : length;
    }
    fputc('"', file);
}

static void new_line(const struct json *json)
{
    fprintf(json->file, "\n%*s", (int)json->depth * 2, "");
}

static void begin_value(struct json *json, const char *name)
{
    if (json->comma) {
        fputc(',', json->file);
    }
    if (json->depth > 0) {
        new_line(json);
    }
    json->comma = true;
    if (name != NULL) {
        write_text(json->file, name);
        fputs(": ", json->file);
    }
}

void json_open(struct json *json, const char *name, char bracket)
{
    begin_value(json, name);
    fputc(bracket, json->file);
    json->depth++;
    json->comma = false;
}

void json_close(struct json *json, char bracket)
{
    json->depth--;
    if (json->comma) {
        new_line(json);
    }
    fputc(bracket, json->file);
    json->comma = true;
    if (json->depth == 0) {
        fputc('\n', json->file);
    }
}

void json_string(struct json *json, const char *name, const char *text)
{
    begin_value(json, name);
    write_text(json->file, text);
}

void json_unsigned(struct json *json, const char *name, uint64_t number)
{
    begin_value(json, name);
    fprintf(json->file, "%" PRIu64, number);
}

void json_measure(struct json *json, const char *name, double number)
{
    begin_value(json, name);
    if (isfinite(number) && number >= 0) {
        fprintf(json->file, "%.9g", number);
    } else {
        fputs("null", json->file);
    }
}

void json_bool(struct json *json, const char *name, bool value)
{
    begin_value(json, name);
    fputs(value ? "true" : "false", json->file);
}

/* -?(0|[1-9][0-9]*)(\.[0-9]+)? */
static bool is_number(const char *text)
{
    text += text[0] == '-';
    size_t whole = strspn(text, "0123456789");
    if (whole == 0 || (whole > 1 && text[0] == '0')) {
        return false;
    }
    text += whole;
    if (*text == '.') {
        size_t fraction = strspn(text + 1, "0123456789");
        text += fraction == 0 ? 0 : fraction + 1;
    }
    return *text == '\0';
}

void json_guess(struct json *json, const char *name, const char *text)
{
    if (is_number(text)) {
        begin_value(json, name);
        fputs(text, json->file);
    } else {
        json_string(json, name, text);
    }
}
