/* Jenkins's one-at-a-time, as libmemcached computes it where char is signed. */
#ifndef EMC_ROUTING_ONE_AT_A_TIME_H
#define EMC_ROUTING_ONE_AT_A_TIME_H

#include "base/slice.h"

/* A byte from 0x80 on counts as a negative number, as on x86-64. */
uint32_t emc__one_at_a_time(struct emc__slice text);

#endif
