/* The reader of binary replies, in pieces, against its slow reference reader. */
#include "binary_split_feeder.h"
#include "fuzz_stream.h"
#include "reference_binary_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_stream stream = fuzz_stream_take((struct emc__slice){data, size});
    size_t value_length_max = (stream.options & 2) != 0 ? 1000 : 65536, consumed;
    struct emc__slice bytes = {stream.bytes, stream.length};
    struct delivery_log expected, got;
    delivery_log_init(&expected);
    delivery_log_init(&got);
    enum emc__read_result result = reference_binary_read(bytes, value_length_max, &expected, &consumed);
    struct split_feeder_result fed = binary_split_feed(bytes, value_length_max, fuzz_stream_next_piece, &stream,
                                                       (stream.options & 1) != 0, &got);
    FUZZ_CHECK(fed.result == result);
    FUZZ_CHECK(delivery_log_equal(&expected, &got));
    FUZZ_CHECK(result != EMC__READ_MORE || !fed.idle || fed.consumed == consumed);
    delivery_log_deinit(&expected);
    delivery_log_deinit(&got);
    free(stream.bytes);
    return 0;
}
