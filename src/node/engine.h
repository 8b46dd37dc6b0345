/* What all nodes of one client share: memory, time, timers, limits, scratch space. Owned by the client layer; knows no node by name. */
#ifndef EMC_NODE_ENGINE_H
#define EMC_NODE_ENGINE_H

#include <emcache.h>

#include "base/blocks.h"
#include "base/list.h"
#include "base/log.h"
#include "base/random.h"
#include "base/slab.h"
#include "base/slice.h"
#include "base/timer_wheel.h"
#include "node/share.h"
#include "transport/transport.h"

/* Both scratches are shared by all connections: a connection keeps memory of its own only for what is incomplete. One send of 64 KiB
 * costs as much per byte as one of 1 MiB (measured on loopback), and an idle client stays small. */
#define EMC__SCRATCH_SIZE (64 * 1024)

struct emc__key_table; /* coalesce.c */

struct emc__engine {
    emc_allocator allocator;
    struct emc__log log;
    struct emc__transport *transport;
    struct emc__lock *lock; /* around public calls, where several threads make them; else NULL */
    emc_options options;    /* validated; strings are the engine's own copies */
    struct emc__slice key_prefix;
    struct emc__timer_wheel wheel;
    struct emc__random random;
    uint64_t hash_seed;
    struct emc__slab operations;
    struct emc__blocks blocks;
    uint8_t *receive_scratch;           /* EMC__SCRATCH_SIZE */
    uint8_t *send_scratch;              /* EMC__SCRATCH_SIZE */
    struct emc__key_table *key_table;   /* which keys the line being built has */
    uint64_t now_ns;                    /* the time of the pass, or of the tick's first submission */
    bool tick_open;                     /* now_ns was read since the last flush */
    struct emc__list dirty;             /* connections with something to write */
    struct emc__list connections;       /* all that are open */
    uint32_t attempts;                  /* nodes that are connecting now */
    uint32_t owing;                     /* connections that owe replies */
    struct emc__connection *last_owing; /* the one that began to owe last; NULL when it is gone */
    struct emc__list graveyard;         /* buried: memory that outlives the pass because frames above may still look at it */
    uint32_t settled;                   /* operations whose outcome waits for the next process */
    uint32_t pending;                   /* public operations not yet completed */
    uint64_t completed;                 /* public operations completed, ever */
    uint32_t releases;                  /* values whose release is still to be told: an operation may have completed before */
    struct emc__share share;            /* when a flush between two answers is due */
    uint32_t callback_depth;            /* > 0: a callback of the user's runs */
    bool room_wanted;                   /* an operation was refused as FULL */
};

/* Something to be released at the end of the pass. */
struct emc__grave {
    struct emc__link link;
    void (*release)(struct emc__engine *engine, struct emc__grave *grave);
};

static inline void emc__engine_bury(struct emc__engine *engine, struct emc__grave *grave,
                                    void (*release)(struct emc__engine *engine, struct emc__grave *grave))
{
    grave->release = release;
    emc__list_append(&engine->graveyard, &grave->link);
}

/* Milliseconds of an option as nanoseconds; EMC_NO_LIMIT as EMC__NEVER. */
static inline uint64_t emc__ms_to_ns(uint32_t ms)
{
    return ms == EMC_NO_LIMIT ? EMC__NEVER : (uint64_t)ms * 1000000u;
}

/* a + b, stopping at EMC__NEVER. */
static inline uint64_t emc__time_add(uint64_t a_ns, uint64_t b_ns)
{
    return a_ns > EMC__NEVER - b_ns ? EMC__NEVER : a_ns + b_ns;
}

static inline void emc__timer_set_maybe(struct emc__engine *engine, struct emc__timer *timer, uint64_t at_ns)
{
    if (at_ns == EMC__NEVER) {
        emc__timer_clear(&engine->wheel, timer);
    } else {
        emc__timer_set(&engine->wheel, timer, at_ns);
    }
}

#endif
