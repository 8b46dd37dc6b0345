/* Feeds a stream to the real reader in pieces, as a connection would, and logs what it delivers. Every byte the reader
 * sees lies in a block of exactly that size, so that the address sanitizer notices a byte too many. */
#ifndef EMC_TESTS_SPLIT_FEEDER_H
#define EMC_TESTS_SPLIT_FEEDER_H

#include "delivery_log.h"

/* The size of the next piece, at least 1; whatever is beyond the stream's end is cut. */
typedef size_t split_feeder_next(void *context);

struct split_feeder_result {
    enum emc__read_result result;
    bool idle;          /* nothing of a value is owed at the end */
    size_t consumed;    /* bytes taken in all, with those received straight into values */
    size_t values_long; /* values that had a destination */
};

/* `straight`: long values are received straight into their destination where the reader wants that. */
struct split_feeder_result split_feed(struct emc__slice stream, const struct emc__reader_limits *limits,
                                      split_feeder_next *next, void *context, bool straight, struct delivery_log *log);

#endif
