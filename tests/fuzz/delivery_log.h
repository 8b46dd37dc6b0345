/* What a reader delivered, as bytes that two readers can be compared by. Used by the fuzz targets and by the unit
 * tests. */
#ifndef EMC_TESTS_DELIVERY_LOG_H
#define EMC_TESTS_DELIVERY_LOG_H

#include "protocol/binary.h"

struct delivery_log {
    uint8_t *bytes;
    size_t length, capacity;
    size_t count; /* deliveries */
};

void delivery_log_init(struct delivery_log *log);
void delivery_log_deinit(struct delivery_log *log);
void delivery_log_bytes(struct delivery_log *log, const void *bytes, size_t length);
/* A number, in eight bytes. */
void delivery_log_number(struct delivery_log *log, uint64_t number);
/* A length and the bytes. */
void delivery_log_slice(struct delivery_log *log, struct emc__slice slice);
void delivery_log_line(struct delivery_log *log, const struct emc__reply_line *line);
/* The header alone; delivery_log_slice of the data follows. */
void delivery_log_header(struct delivery_log *log, const struct emc__value_header *header);
/* The reply without its value. */
void delivery_log_binary(struct delivery_log *log, const struct emc__binary_reply *reply);
bool delivery_log_equal(const struct delivery_log *a, const struct delivery_log *b);

#endif
