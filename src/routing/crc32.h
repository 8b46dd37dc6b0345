/* CRC-32 (IEEE 802.3), as zlib computes it: what dalli hashes keys with. */
#ifndef EMC_ROUTING_CRC32_H
#define EMC_ROUTING_CRC32_H

#include "base/slice.h"

uint32_t emc__crc32(struct emc__slice text);

#endif
