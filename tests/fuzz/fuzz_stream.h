/* What the two reader targets share: four bytes of the input say how the stream is cut into pieces, the rest is the
 * stream, in which 0xfd n stands for n * 128 times 'v' (so that long values fit small inputs). */
#ifndef EMC_TESTS_FUZZ_STREAM_H
#define EMC_TESTS_FUZZ_STREAM_H

#include "fuzz_input.h"

struct fuzz_stream {
    uint8_t *bytes;
    size_t length;
    uint8_t options; /* free for the target */
    uint64_t random; /* of the pieces */
    size_t piece_max;
};

/* The bytes are the caller's to free. */
struct fuzz_stream fuzz_stream_take(struct emc__slice input);
/* A split_feeder_next; context: the stream. */
size_t fuzz_stream_next_piece(void *context);

#endif
