/* A growable run of bytes: see buffer.h. */
#include "base/buffer.h"

#define FIRST_CAPACITY 256

void emc__buffer_init(struct emc__buffer *buffer, const emc_allocator *allocator, size_t capacity_max)
{
    *buffer = (struct emc__buffer){.allocator = allocator, .capacity_max = capacity_max};
}

void emc__buffer_deinit(struct emc__buffer *buffer)
{
    emc__release(buffer->allocator, buffer->data);
    *buffer = (struct emc__buffer){.allocator = buffer->allocator, .capacity_max = buffer->capacity_max};
}

static void move_to_front(struct emc__buffer *buffer)
{
    size_t held = buffer->end - buffer->begin;
    if (buffer->begin > 0) {
        memmove(buffer->data, buffer->data + buffer->begin, held);
        buffer->begin = 0;
        buffer->end = held;
    }
}

/* To twice the capacity, or what `needed` asks for; false at the maximum or without memory. */
static bool grow(struct emc__buffer *buffer, size_t needed)
{
    size_t capacity = buffer->capacity;
    do {
        capacity = capacity > buffer->capacity_max / 2 ? buffer->capacity_max : capacity * 2;
        capacity = capacity < FIRST_CAPACITY ? FIRST_CAPACITY : capacity;
    } while (capacity < needed);
    capacity = capacity < buffer->capacity_max ? capacity : buffer->capacity_max;
    if (capacity == buffer->capacity) {
        return false;
    }
    uint8_t *data = emc__reallocate(buffer->allocator, buffer->data, capacity);
    if (data == NULL) {
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

uint8_t *emc__buffer_reserve(struct emc__buffer *buffer, size_t length)
{
    size_t held = buffer->end - buffer->begin;
    if (length > buffer->capacity_max || held > buffer->capacity_max - length) {
        return NULL;
    }
    if (buffer->data != NULL && buffer->capacity - buffer->end >= length) {
        return buffer->data + buffer->end;
    }
    /* Moving is paid for by what was consumed, so a nearly full buffer that is consumed byte by byte grows instead. */
    bool fits = buffer->data != NULL && buffer->capacity - held >= length;
    if (!(fits && held <= buffer->begin) && !grow(buffer, held + length) && !fits) {
        return NULL;
    }
    move_to_front(buffer);
    return buffer->data + buffer->end;
}

void emc__buffer_commit(struct emc__buffer *buffer, size_t length)
{
    buffer->end += length;
}

bool emc__buffer_append(struct emc__buffer *buffer, const void *data, size_t length)
{
    if (length == 0) {
        return true;
    }
    uint8_t *room = emc__buffer_reserve(buffer, length);
    if (room == NULL) {
        return false;
    }
    memcpy(room, data, length);
    buffer->end += length;
    return true;
}

void emc__buffer_consume(struct emc__buffer *buffer, size_t length)
{
    buffer->begin += length;
    if (buffer->begin == buffer->end) {
        buffer->begin = buffer->end = 0;
    }
}

void emc__buffer_wipe(struct emc__buffer *buffer)
{
    if (buffer->data != NULL) {
        emc__wipe(buffer->data, buffer->capacity);
    }
    buffer->begin = buffer->end = 0;
}
