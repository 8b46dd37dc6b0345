/* SHA-1, by OpenSSL: the points of dalli's ring. */
#ifndef EMC_ROUTING_SHA1_H
#define EMC_ROUTING_SHA1_H

#include <stdbool.h>

#include "base/slice.h"

/* The first 32 bits, big-endian. False: OpenSSL could not (out of memory). */
bool emc__sha1_first(struct emc__slice text, uint32_t *word_out);

#endif
