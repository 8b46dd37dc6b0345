/* See delivery_log.h. Out of memory ends the test. */
#include "delivery_log.h"

#include <stdlib.h>

void delivery_log_init(struct delivery_log *log)
{
    *log = (struct delivery_log){.capacity = 256};
    log->bytes = malloc(log->capacity);
    if (log->bytes == NULL) {
        abort();
    }
}

void delivery_log_deinit(struct delivery_log *log)
{
    free(log->bytes);
}

void delivery_log_bytes(struct delivery_log *log, const void *bytes, size_t length)
{
    while (log->capacity - log->length < length) {
        log->capacity *= 2;
        log->bytes = realloc(log->bytes, log->capacity);
        if (log->bytes == NULL) {
            abort();
        }
    }
    if (length > 0) {
        memcpy(log->bytes + log->length, bytes, length);
        log->length += length;
    }
}

void delivery_log_number(struct delivery_log *log, uint64_t number)
{
    delivery_log_bytes(log, &number, sizeof number);
}

void delivery_log_slice(struct delivery_log *log, struct emc__slice slice)
{
    delivery_log_number(log, slice.length);
    delivery_log_bytes(log, slice.data, slice.length);
}

void delivery_log_line(struct delivery_log *log, const struct emc__reply_line *line)
{
    log->count++;
    delivery_log_bytes(log, "line", 4);
    delivery_log_number(log, (uint64_t)line->kind);
    delivery_log_number(log, line->meta_code);
    delivery_log_number(log, line->number);
    delivery_log_slice(log, line->text);
}

void delivery_log_header(struct delivery_log *log, const struct emc__value_header *header)
{
    log->count++;
    delivery_log_bytes(log, "value", 5);
    delivery_log_number(log, (uint64_t)header->kind);
    delivery_log_slice(log, header->key);
    delivery_log_number(log, header->flags);
    delivery_log_number(log, header->has_cas);
    delivery_log_number(log, header->cas);
    delivery_log_slice(log, header->meta_flags);
}

void delivery_log_binary(struct delivery_log *log, const struct emc__binary_reply *reply)
{
    log->count++;
    delivery_log_number(log, reply->opcode);
    delivery_log_number(log, reply->status);
    delivery_log_number(log, reply->opaque);
    delivery_log_number(log, reply->cas);
    delivery_log_number(log, reply->has_flags);
    delivery_log_number(log, reply->flags);
    delivery_log_number(log, reply->number);
    delivery_log_slice(log, reply->key);
    delivery_log_number(log, reply->value_length);
}

bool delivery_log_equal(const struct delivery_log *a, const struct delivery_log *b)
{
    return a->count == b->count && a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}
