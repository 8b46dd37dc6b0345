/* split_feeder.h for the reader of the binary dialect. */
#ifndef EMC_TESTS_BINARY_SPLIT_FEEDER_H
#define EMC_TESTS_BINARY_SPLIT_FEEDER_H

#include "split_feeder.h"

struct split_feeder_result binary_split_feed(struct emc__slice stream, size_t value_length_max, split_feeder_next *next,
                                             void *context, bool straight, struct delivery_log *log);

#endif
