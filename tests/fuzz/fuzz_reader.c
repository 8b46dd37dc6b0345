/* The reader of text and meta replies, in pieces, against the slow reference reader: any difference in what they
 * deliver ends the run. */
#include "fuzz_stream.h"
#include "reference_reader.h"
#include "split_feeder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_stream stream = fuzz_stream_take((struct emc__slice){data, size});
    struct emc__reader_limits limits = {(stream.options & 2) != 0 ? 40 : 4096,
                                        (stream.options & 4) != 0 ? 1000 : 65536};
    struct emc__slice bytes = {stream.bytes, stream.length};
    struct delivery_log expected, got;
    size_t consumed;
    delivery_log_init(&expected);
    delivery_log_init(&got);
    enum emc__read_result result = reference_read(bytes, &limits, &expected, &consumed);
    struct split_feeder_result fed = split_feed(bytes, &limits, fuzz_stream_next_piece, &stream,
                                                (stream.options & 1) != 0, &got);
    FUZZ_CHECK(fed.result == result);
    FUZZ_CHECK(delivery_log_equal(&expected, &got));
    FUZZ_CHECK(result != EMC__READ_MORE || !fed.idle || fed.consumed == consumed);
    delivery_log_deinit(&expected);
    delivery_log_deinit(&got);
    free(stream.bytes);
    return 0;
}
