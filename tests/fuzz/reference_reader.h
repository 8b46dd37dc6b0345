/* A second reader of replies, slow and obvious, to hold the real one against: it sees the whole stream at once, cuts it
 * into lines and lines into words, and knows no states. Shares nothing with src/protocol but the types. */
#ifndef EMC_TESTS_REFERENCE_READER_H
#define EMC_TESTS_REFERENCE_READER_H

#include "delivery_log.h"

/* Logs what the stream holds. EMC__READ_MORE: up to *consumed_out; EMC__READ_BROKEN: what stands there is no reply. */
enum emc__read_result reference_read(struct emc__slice stream, const struct emc__reader_limits *limits,
                                     struct delivery_log *log, size_t *consumed_out);

#endif
