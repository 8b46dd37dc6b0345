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

static inline bool emc__slice_equal(struct emc__slice a, struct emc__slice b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

#endif
