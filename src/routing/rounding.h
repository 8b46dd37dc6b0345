/* For the mappings that are worked out in float or double, as their origins have them: the last bit of every step decides where a key goes, so each step
 * is rounded to its own type. A machine or an option that keeps more digits (x87) must not build rather than route otherwise. */
#ifndef EMC_ROUTING_ROUNDING_H
#define EMC_ROUTING_ROUNDING_H

#include <float.h>

_Static_assert(FLT_EVAL_METHOD == 0, "float and double are kept at their own precision; on x86: -msse2 -mfpmath=sse");

#endif
