/* One line of a reply, understood: between read.c, which finds the lines, and read_line.c, which knows them. */
#ifndef EMC_PROTOCOL_READ_LINE_H
#define EMC_PROTOCOL_READ_LINE_H

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

#endif
