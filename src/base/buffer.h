/* A growable run of bytes with a maximum. Bytes are appended at the end and consumed at the front; memory is
 * taken at the first append, doubled as needed, and never beyond the maximum given at init. */
#ifndef EMC_BASE_BUFFER_H
#define EMC_BASE_BUFFER_H

#include "base/allocator.h"
#include "base/slice.h"

struct emc__buffer {
    const emc_allocator *allocator; /* borrowed, outlives the buffer */
    uint8_t *data;
    size_t begin, end; /* the bytes held are data[begin .. end) */
    size_t capacity, capacity_max;
};

void emc__buffer_init(struct emc__buffer *buffer, const emc_allocator *allocator, size_t capacity_max);
void emc__buffer_deinit(struct emc__buffer *buffer);

/* Room for `length` more bytes at the end, contiguous: moves what is held to the front, or grows (rather than move more than was
 * consumed, so that a byte costs O(1) below the maximum).
 * NULL when the maximum or memory forbids it; the buffer is then unchanged. */
uint8_t *emc__buffer_reserve(struct emc__buffer *buffer, size_t length);
/* Says that `length` bytes of what was reserved have been written. */
void emc__buffer_commit(struct emc__buffer *buffer, size_t length);
/* Copies to the end; false (and unchanged) where reserve would give NULL. */
bool emc__buffer_append(struct emc__buffer *buffer, const void *data, size_t length);
/* Forgets `length` bytes at the front (length <= what is held). */
void emc__buffer_consume(struct emc__buffer *buffer, size_t length);
/* Overwrites all of its memory, what was consumed included: for secrets. What it held is gone. */
void emc__buffer_wipe(struct emc__buffer *buffer);

static inline size_t emc__buffer_length(const struct emc__buffer *buffer)
{
    return buffer->end - buffer->begin;
}

static inline uint8_t *emc__buffer_front(const struct emc__buffer *buffer)
{
    return buffer->data == NULL ? NULL : buffer->data + buffer->begin;
}

static inline struct emc__slice emc__buffer_slice(const struct emc__buffer *buffer)
{
    return (struct emc__slice){buffer->data == NULL ? NULL : buffer->data + buffer->begin, buffer->end - buffer->begin};
}

#endif
