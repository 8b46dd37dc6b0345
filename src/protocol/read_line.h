/* One line of a reply, understood: between read.c, which finds the lines, and read_line.c, which knows them. */
#ifndef EMC_PROTOCOL_READ_LINE_H
#define EMC_PROTOCOL_READ_LINE_H

#include "base/rare.h"
#include "protocol/protocol.h"

enum emc__line_kind {
    EMC__LINE_WHOLE, /* a reply of its own: `reply` is filled */
    EMC__LINE_VALUE, /* announces a value: `header` is filled */
    EMC__LINE_BROKEN /* no reply: `error` is filled */
};

struct emc__line {
    struct emc__reply_line reply;
    struct emc__value_header header;
    const char *error;
};

/* Understands a line (without its CRLF). Only what the result names is filled; slices point into the line. */
enum emc__line_kind emc__line_read(struct emc__slice text, struct emc__line *line);

/* The fewest bytes in which emc__line_read_hit looks for a line, and the longest line that it takes. */
#define EMC__HIT_BYTES_MIN 48
#define EMC__HIT_LINE_MAX  (6 + EMC__KEY_LENGTH_MAX + 1 + 9 + 1 + 9 + 2)

/* The line that a multi-get's hit begins with, read in one go: `VALUE key flags length\r\n` with numbers of at most nine digits. Returns the length of the
 * line with its CRLF, or 0: it is another line (or a strange one, or too near the end of what is there), for emc__line_read to judge.
 * available: bytes at `at`, EMC__HIT_BYTES_MIN or more. */
EMC__HOT size_t emc__line_read_hit(const uint8_t *at, size_t available, struct emc__value_header *header);

#endif
