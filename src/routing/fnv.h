/* FNV-1a, 64 bits, as twemproxy computes it. */
#ifndef EMC_ROUTING_FNV_H
#define EMC_ROUTING_FNV_H

#include "base/slice.h"

/* The low 32 bits; a byte from 0x80 on counts as a negative number, as on x86-64. */
uint32_t emc__fnv1a_64_low(struct emc__slice text);

#endif
