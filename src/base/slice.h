/* A run of bytes that somebody else owns: read-only (slice) or writable (span). */
#ifndef EMC_BASE_SLICE_H
#define EMC_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct emc__slice {
    const uint8_t *data;
    size_t length;
};

struct emc__span {
    uint8_t *data;
    size_t length;
};

static inline struct emc__slice emc__slice_of(const void *data, size_t length)
{
    return (struct emc__slice){(const uint8_t *)data, length};
}

static inline struct emc__slice emc__slice_of_string(const char *string)
{
    return (struct emc__slice){(const uint8_t *)string, strlen(string)};
}

/* Eight bytes, in the machine's order. */
static inline uint64_t emc__load_word(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* Keys of eight bytes and more are compared by words, the last one overlapping: a call would cost more than most keys do. */
static inline bool emc__slice_equal(struct emc__slice a, struct emc__slice b)
{
    if (a.length != b.length) {
        return false;
    }
    if (a.length < 8) {
        return a.length == 0 || memcmp(a.data, b.data, a.length) == 0;
    }
    size_t last = a.length - 8;
    if (emc__load_word(a.data) != emc__load_word(b.data)) {
        return false;
    }
    for (size_t i = 8; i < last; i += 8) {
        if (emc__load_word(a.data + i) != emc__load_word(b.data + i)) {
            return false;
        }
    }
    return emc__load_word(a.data + last) == emc__load_word(b.data + last);
}

static inline bool emc__slice_begins_with(struct emc__slice slice, const char *words)
{
    size_t length = strlen(words);
    return slice.length >= length && memcmp(slice.data, words, length) == 0;
}

/* Copies, and writes nothing behind; for keys, likewise by words. The ranges do not overlap. */
static inline void emc__slice_copy(uint8_t *out, struct emc__slice from)
{
    if (from.length < 8 || from.length > 32) {
        if (from.length > 0) {
            memcpy(out, from.data, from.length);
        }
        return;
    }
    size_t last = from.length - 8;
    memcpy(out, from.data, 8);
    for (size_t i = 8; i < last; i += 8) {
        memcpy(out + i, from.data + i, 8);
    }
    memcpy(out + last, from.data + last, 8);
}

#endif
