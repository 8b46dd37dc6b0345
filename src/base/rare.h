/* What hardly ever runs stays out of the way of what always does: out of line, so that the usual path saves no registers for it. */
#ifndef EMC_BASE_RARE_H
#define EMC_BASE_RARE_H

#if defined(__GNUC__)
#define EMC__RARE  __attribute__((noinline, cold))
#define EMC__APART __attribute__((noinline)) /* not rare: another way altogether */
#define EMC__HOT   __attribute__((hot))      /* what each operation passes through: the linker lays such functions side by side */
#else
#define EMC__RARE
#define EMC__APART
#define EMC__HOT
#endif

#endif
