/* See fuzz_stream.h. */
#include "fuzz_stream.h"

#include "base/random.h"

#define STREAM_MAX   (160 * 1024)
#define RUN_MARK     0xfd
#define RUN_UNIT     128
#define SHORT_ENOUGH 2048 /* for pieces of single bytes: an incomplete reply is fed again with each */

static void expand(struct fuzz_stream *stream, struct emc__slice input)
{
    while (input.length > 0 && stream->length < STREAM_MAX) {
        uint8_t byte = fuzz_take_byte(&input);
        if (byte != RUN_MARK) {
            stream->bytes[stream->length++] = byte;
            continue;
        }
        size_t run = (size_t)fuzz_take_byte(&input) * RUN_UNIT;
        run = run < STREAM_MAX - stream->length ? run : STREAM_MAX - stream->length;
        memset(stream->bytes + stream->length, 'v', run);
        stream->length += run;
    }
}

struct fuzz_stream fuzz_stream_take(struct emc__slice input)
{
    static const size_t piece_max[] = {1, 3, 16, 200, 5000, 20000, STREAM_MAX};
    struct fuzz_stream stream = {.bytes = malloc(STREAM_MAX)};
    FUZZ_CHECK(stream.bytes != NULL);
    stream.options = fuzz_take_byte(&input);
    stream.piece_max = piece_max[fuzz_take_byte(&input) % (sizeof piece_max / sizeof piece_max[0])];
    stream.random = (uint64_t)fuzz_take_byte(&input) << 8;
    stream.random |= fuzz_take_byte(&input);
    expand(&stream, input);
    if (stream.length > SHORT_ENOUGH && stream.piece_max < 1000) {
        stream.piece_max = 1000;
    }
    return stream;
}

size_t fuzz_stream_next_piece(void *context)
{
    struct fuzz_stream *stream = context;
    struct emc__random random = {stream->random};
    size_t piece = 1 + emc__random_below(&random, stream->piece_max);
    stream->random = random.state;
    return piece;
}
