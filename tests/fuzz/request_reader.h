/* Reads requests as a server does: an independent judge of the writers. Shares nothing with src/protocol but the types.
 */
#ifndef EMC_TESTS_REQUEST_READER_H
#define EMC_TESTS_REQUEST_READER_H

#include "base/slice.h"

#define REQUEST_WORDS_MAX 12

/* A request of the text protocol: its line in words, and the value where the command has one. */
struct request {
    struct emc__slice words[REQUEST_WORDS_MAX];
    size_t word_count;
    struct emc__slice value; /* data NULL: the command has none */
};

/* Reads the request at the beginning of `bytes`; returns its length, with value and CRLFs, or 0 when there is no whole
 * one. */
size_t request_read(struct emc__slice bytes, struct request *request_out);

/* A request of the binary dialect. */
struct binary_request {
    uint8_t opcode;
    uint32_t opaque;
    uint64_t cas;
    struct emc__slice extras, key, value;
};
size_t binary_request_read(struct emc__slice bytes, struct binary_request *request_out);

/* A word as a number; false when it is none. */
bool request_number(struct emc__slice word, uint64_t *number_out);

#endif
