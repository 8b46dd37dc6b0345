/* A second reader of the binary dialect, slow and obvious, to hold the real one against: it sees the whole stream at
 * once. */
#ifndef EMC_TESTS_REFERENCE_BINARY_READER_H
#define EMC_TESTS_REFERENCE_BINARY_READER_H

#include "delivery_log.h"

/* Logs what the stream holds. EMC__READ_MORE: up to *consumed_out; EMC__READ_BROKEN: what stands there is no reply. */
enum emc__read_result reference_binary_read(struct emc__slice stream, size_t value_length_max, struct delivery_log *log,
                                            size_t *consumed_out);

#endif
