/* The wheel: see timer_wheel.h.
 *
 * Level L has 64 slots of 64^L ms. A timer sits at the level of the highest digit (base 64) in which its tick differs from now; when now reaches
 * its slot, an upper level's slot is spread out over the levels below. */
#include "base/timer_wheel.h"

#include "base/rare.h"

#define SLOT_BITS   6
#define SLOT_MASK   (EMC__WHEEL_SLOTS - 1)
#define REACH       ((uint64_t)1 << (SLOT_BITS * EMC__WHEEL_LEVELS))
#define NS_PER_TICK 1000000u

static void forget_recent(struct emc__timer_wheel *wheel)
{
    wheel->recent.at_ns = wheel->recent.tick = EMC__NEVER;
}

void emc__timer_wheel_init(struct emc__timer_wheel *wheel, uint64_t now_ns)
{
    wheel->now_tick = now_ns / NS_PER_TICK;
    wheel->count = 0;
    wheel->next_tick = UINT64_MAX;
    wheel->next_known = true;
    forget_recent(wheel);
    emc__list_init(&wheel->due);
    for (unsigned level = 0; level < EMC__WHEEL_LEVELS; level++) {
        wheel->occupied[level] = 0;
        for (unsigned slot = 0; slot < EMC__WHEEL_SLOTS; slot++) {
            emc__list_init(&wheel->slots[level][slot]);
        }
    }
}

void emc__timer_init(struct emc__timer *timer, void (*fire)(struct emc__timer *timer, uint64_t now_ns))
{
    timer->link = (struct emc__link){NULL, NULL};
    timer->at_tick = 0;
    timer->fire = fire;
}

/* Puts a timer whose tick is after now where it belongs. */
static void insert(struct emc__timer_wheel *wheel, struct emc__timer *timer)
{
    uint64_t tick = timer->at_tick;
    if (tick - wheel->now_tick >= REACH) {
        tick = wheel->now_tick + REACH - 1; /* comes round and is put again */
    }
    uint64_t differs = tick ^ wheel->now_tick;
    unsigned level = (unsigned)(63 - __builtin_clzll(differs | 1)) / SLOT_BITS;
    if (level >= EMC__WHEEL_LEVELS) {
        level = EMC__WHEEL_LEVELS - 1;
    }
    unsigned slot = (unsigned)(tick >> (level * SLOT_BITS)) & SLOT_MASK;
    emc__list_append(&wheel->slots[level][slot], &timer->link);
    wheel->occupied[level] |= (uint64_t)1 << slot;
    uint64_t due = tick >> (level * SLOT_BITS) << (level * SLOT_BITS);
    wheel->next_tick = due < wheel->next_tick ? due : wheel->next_tick;
    wheel->recent.at_ns = EMC__NEVER;
    wheel->recent.tick = timer->at_tick;
    wheel->recent.due = due;
    wheel->recent.slot = &wheel->slots[level][slot];
    wheel->recent.occupied = &wheel->occupied[level];
    wheel->recent.bit = (uint64_t)1 << slot;
}

void emc__timer_set_anew(struct emc__timer_wheel *wheel, struct emc__timer *timer, uint64_t at_ns)
{
    uint64_t tick = at_ns / NS_PER_TICK + (at_ns % NS_PER_TICK != 0);
    emc__timer_clear(wheel, timer);
    if (tick ==
        wheel->recent.tick) { /* one blocking call after the other sets its deadline within the same millisecond */
        emc__timer_set_recent(wheel, timer);
        wheel->recent.at_ns = at_ns;
        return;
    }
    timer->at_tick = tick;
    wheel->count++;
    if (tick <= wheel->now_tick) {
        emc__list_append(&wheel->due, &timer->link);
    } else {
        insert(wheel, timer);
        wheel->recent.at_ns = at_ns;
    }
}

/* The distance, in slots, from `from` to the next occupied slot of the level, `from` itself included; 64: none. */
static unsigned next_occupied(const struct emc__timer_wheel *wheel, unsigned level, unsigned from)
{
    uint64_t bits = wheel->occupied[level];
    uint64_t turned = from == 0 ? bits : bits >> from | bits << (EMC__WHEEL_SLOTS - from);
    return turned == 0 ? EMC__WHEEL_SLOTS : (unsigned)__builtin_ctzll(turned);
}

/* The tick at which the slot is due: within the next turn of its level. */
static uint64_t slot_due(const struct emc__timer_wheel *wheel, unsigned level, unsigned slot)
{
    unsigned shift = level * SLOT_BITS;
    uint64_t now = wheel->now_tick >> shift;
    unsigned distance = (slot - (unsigned)now) & SLOT_MASK;
    return (now + (distance == 0 ? EMC__WHEEL_SLOTS : distance)) << shift;
}

/* An emptied slot loses its bit, so that next_ns does not wake for nothing. An only entry points at its list's head from both sides, and
 * the head's place among the slots tells level and slot. */
void emc__timer_forget_slot(struct emc__timer_wheel *wheel, const struct emc__link *head)
{
    uintptr_t distance = (uintptr_t)head - (uintptr_t)&wheel->slots[0][0];
    if (distance < sizeof wheel->slots) { /* else: the list of what is due, or one that is being fired */
        size_t place = distance / sizeof(struct emc__list);
        unsigned level = (unsigned)(place / EMC__WHEEL_SLOTS), slot = (unsigned)(place % EMC__WHEEL_SLOTS);
        wheel->occupied[level] &= ~((uint64_t)1 << slot);
        wheel->next_known = wheel->next_known && slot_due(wheel, level, slot) > wheel->next_tick;
    }
}

/* The first tick at which a slot of the level is due; UINT64_MAX: none. */
static uint64_t level_due(const struct emc__timer_wheel *wheel, unsigned level)
{
    unsigned shift = level * SLOT_BITS;
    unsigned current = (unsigned)(wheel->now_tick >> shift) & SLOT_MASK;
    unsigned distance = next_occupied(wheel, level, current);
    if (distance == EMC__WHEEL_SLOTS) {
        return UINT64_MAX;
    }
    if (distance == 0) {
        distance = EMC__WHEEL_SLOTS; /* once round */
    }
    return ((wheel->now_tick >> shift) + distance) << shift;
}

EMC__APART static uint64_t find_next_tick(struct emc__timer_wheel *wheel)
{
    uint64_t earliest = UINT64_MAX;
    for (unsigned level = 0; level < EMC__WHEEL_LEVELS; level++) {
        uint64_t due = level_due(wheel, level);
        earliest = due < earliest ? due : earliest;
    }
    wheel->next_tick = earliest;
    wheel->next_known = true;
    return earliest;
}

static inline uint64_t next_tick(struct emc__timer_wheel *wheel)
{
    return wheel->next_known ? wheel->next_tick : find_next_tick(wheel);
}

uint64_t emc__timer_wheel_next_ns(struct emc__timer_wheel *wheel)
{
    if (!emc__list_empty(&wheel->due)) {
        return wheel->now_tick * NS_PER_TICK;
    }
    uint64_t tick = wheel->count == 0 ? UINT64_MAX : next_tick(wheel);
    return tick > UINT64_MAX / NS_PER_TICK ? EMC__NEVER : tick * NS_PER_TICK;
}

/* now has reached this slot of an upper level: its timers go down. */
static void spread(struct emc__timer_wheel *wheel, unsigned level)
{
    unsigned slot = (unsigned)(wheel->now_tick >> (level * SLOT_BITS)) & SLOT_MASK;
    struct emc__list moving;
    struct emc__link *link;
    emc__list_init(&moving);
    emc__list_splice(&moving, &wheel->slots[level][slot]);
    wheel->occupied[level] &= ~((uint64_t)1 << slot);
    while ((link = emc__list_take_first(&moving)) != NULL) {
        insert(wheel, EMC__CONTAINER_OF(link, struct emc__timer, link));
    }
}

/* Fires a list; what it sets for a time already past fires at the next advance. */
static void fire_list(struct emc__timer_wheel *wheel, struct emc__list *list, uint64_t now_ns)
{
    struct emc__list due;
    struct emc__link *link;
    emc__list_init(&due);
    emc__list_splice(&due, list);
    while ((link = emc__list_take_first(&due)) != NULL) {
        struct emc__timer *timer = EMC__CONTAINER_OF(link, struct emc__timer, link);
        wheel->count--;
        timer->fire(timer, now_ns);
    }
}

void emc__timer_wheel_advance(struct emc__timer_wheel *wheel, uint64_t now_ns)
{
    uint64_t target = now_ns / NS_PER_TICK;
    now_ns = target < wheel->now_tick ? wheel->now_tick * NS_PER_TICK : now_ns;
    fire_list(wheel, &wheel->due, now_ns);
    while (wheel->now_tick < target) {
        uint64_t from = wheel->now_tick + 1;
        uint64_t tick = next_tick(wheel);
        tick = tick < from ? from : tick;
        forget_recent(wheel); /* a slot's place depends on now */
        if (tick > target) {
            wheel->now_tick = target;
            return;
        }
        wheel->now_tick = tick;
        wheel->next_known = false;
        for (unsigned level = EMC__WHEEL_LEVELS - 1; level > 0; level--) {
            if ((tick & (((uint64_t)1 << (level * SLOT_BITS)) - 1)) == 0) {
                spread(wheel, level);
            }
        }
        unsigned slot = (unsigned)tick & SLOT_MASK;
        wheel->occupied[0] &= ~((uint64_t)1 << slot);
        forget_recent(wheel); /* spreading has put some */
        fire_list(wheel, &wheel->slots[0][slot], now_ns);
    }
}
