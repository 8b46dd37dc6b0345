/* Timers in a hierarchical wheel: set, moved and cleared in O(1), fired to the millisecond.
 *
 * Six levels of 64 slots, 1 ms at the bottom, reach over two years. The wheel reads no clock: it is told the time. */
#ifndef EMC_BASE_TIMER_WHEEL_H
#define EMC_BASE_TIMER_WHEEL_H

#include <stdint.h>

#include "base/list.h"
#include "base/rare.h"

#define EMC__WHEEL_LEVELS 6
#define EMC__WHEEL_SLOTS  64
#define EMC__NEVER        UINT64_MAX

struct emc__timer {
    struct emc__link link; /* first member */
    uint64_t at_tick;      /* in milliseconds, rounded up */
    void (*fire)(struct emc__timer *timer,
                 uint64_t now_ns); /* the timer is clear when it is called; it may set itself again */
};

struct emc__timer_wheel {
    uint64_t now_tick;                    /* everything due up to here has fired */
    uint64_t occupied[EMC__WHEEL_LEVELS]; /* a bit for each slot that holds timers */
    struct emc__list due;                 /* set for a time already past: fires at the next advance */
    struct emc__list slots[EMC__WHEEL_LEVELS][EMC__WHEEL_SLOTS];
    uint32_t count;     /* timers set */
    uint64_t next_tick; /* the first tick at which a slot is due, while next_known */
    bool next_known;
    /* Where the timer set last went: operations of one tick share their deadline, so the next one mostly goes there too. */
    struct {
        uint64_t at_ns; /* EMC__NEVER: no time is remembered, see tick */
        uint64_t tick;  /* EMC__NEVER: nothing is remembered */
        uint64_t due;   /* when its slot is */
        struct emc__list *slot;
        uint64_t *occupied;
        uint64_t bit;
    } recent;
};

void emc__timer_wheel_init(struct emc__timer_wheel *wheel, uint64_t now_ns);
/* fire is kept; the timer starts clear. */
void emc__timer_init(struct emc__timer *timer, void (*fire)(struct emc__timer *timer, uint64_t now_ns));
static inline bool emc__timer_is_set(const struct emc__timer *timer)
{
    return emc__link_linked(&timer->link);
}
/* A clear timer goes where the one before went. */
static inline void emc__timer_set_recent(struct emc__timer_wheel *wheel, struct emc__timer *timer)
{
    timer->at_tick = wheel->recent.tick;
    wheel->count++;
    emc__list_append(wheel->recent.slot, &timer->link);
    *wheel->recent.occupied |= wheel->recent.bit;
    wheel->next_tick = wheel->recent.due < wheel->next_tick ? wheel->recent.due : wheel->next_tick;
}
/* emc__timer_set, wherever the timer goes. */
EMC__HOT void emc__timer_set_anew(struct emc__timer_wheel *wheel, struct emc__timer *timer, uint64_t at_ns);
/* Sets or moves. Fires at the first advance to at_ns, rounded up to the millisecond, or later, never earlier; a time already past fires at
 * the next advance. */
static inline void emc__timer_set(struct emc__timer_wheel *wheel, struct emc__timer *timer, uint64_t at_ns)
{
    if (at_ns != wheel->recent.at_ns || at_ns == EMC__NEVER || emc__timer_is_set(timer)) {
        emc__timer_set_anew(wheel, timer, at_ns);
        return;
    }
    emc__timer_set_recent(wheel, timer);
}
/* An emptied slot loses its bit. For emc__timer_clear. */
void emc__timer_forget_slot(struct emc__timer_wheel *wheel, const struct emc__link *head);
/* Harmless on a clear timer. */
static inline void emc__timer_clear(struct emc__timer_wheel *wheel, struct emc__timer *timer)
{
    if (emc__timer_is_set(timer)) {
        if (timer->link.next == timer->link.previous) {
            emc__timer_forget_slot(wheel, timer->link.next);
        }
        emc__link_lift(&timer->link);
        timer->link.next = NULL;
        wheel->count--;
    }
}
/* A time at which advance should be called next: never later than the earliest timer is due, and just then when that is within its level-0
 * slots (below 64 ms); at times earlier otherwise (a slot of an upper level must be spread out). EMC__NEVER when no timer is set. */
uint64_t emc__timer_wheel_next_ns(struct emc__timer_wheel *wheel);
/* Fires all that is due, in order of their milliseconds (and in order of setting within one). Fired timers may set and clear any
 * timer, themselves included. A now_ns smaller than before is taken as the time reached before. */
void emc__timer_wheel_advance(struct emc__timer_wheel *wheel, uint64_t now_ns);

#endif
