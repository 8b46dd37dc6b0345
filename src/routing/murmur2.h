/* MurmurHash64A (Appleby, public domain): what mcrouter hashes with. */
#ifndef EMC_ROUTING_MURMUR2_H
#define EMC_ROUTING_MURMUR2_H

#include "base/slice.h"

uint64_t emc__murmur_64a(struct emc__slice text, uint64_t seed);
/* The hash of one 64-bit number, as if it were a text of its eight little-endian bytes. */
uint64_t emc__murmur_64a_word(uint64_t word, uint64_t seed);

#endif
