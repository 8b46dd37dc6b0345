/* A node's health: pure decisions from (state, event, now). Allocates nothing, calls nobody.
 *
 * The rules are those of docs/health.md. */
#ifndef EMC_NODE_HEALTH_H
#define EMC_NODE_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"

struct emc__health_settings {
    uint32_t attempts;        /* failed attempts in a row, without a connection, that make it unhealthy */
    uint64_t disconnected_ns; /* so does so long a time without a connection */
    uint64_t silence_ns;      /* replies owed and no byte for so long: suspect. EMC__NEVER: never */
    uint64_t question_ns;     /* the suspect's fresh connection must answer within this */
    uint64_t backoff_min_ns, backoff_max_ns;
    uint64_t steady_ns; /* after its return it must have answered for so long; 0: it is used at once */
};

enum emc__health_state {
    EMC__HEALTH_HEALTHY,   /* in use; also before the first connection */
    EMC__HEALTH_SUSPECT,   /* silent while replies are owed: a fresh connection asks; still in use */
    EMC__HEALTH_UNHEALTHY, /* operations fail at once; attempts go on */
    EMC__HEALTH_RETURNING  /* answers again, but not for long enough; not yet in use */
};

/* What the node must do after an event. */
enum emc__health_verdict {
    EMC__VERDICT_NOTHING,
    EMC__VERDICT_ASK,            /* open a fresh connection and ask `version` on it */
    EMC__VERDICT_PROBE,          /* ask `version` on the connections there are: it is returning */
    EMC__VERDICT_FELL_SILENT,    /* it was returning and stopped answering: close its connections, begin again */
    EMC__VERDICT_TURN_UNHEALTHY, /* fail what is queued and in flight, report */
    EMC__VERDICT_TURN_HEALTHY    /* report, use again */
};

struct emc__health {
    struct emc__health_settings settings;
    enum emc__health_state state;
    uint32_t failures;              /* attempts failed in a row */
    uint64_t disconnected_since_ns; /* 0: connected, or no connection is wanted */
    uint64_t owed_since_ns;         /* 0: no reply is owed */
    uint64_t last_byte_ns;          /* or when a connection was established last */
    uint64_t heard_ns;              /* the last byte; to be established alone says nothing */
    uint64_t question_until_ns;     /* in SUSPECT */
    uint64_t steady_until_ns;       /* in RETURNING */
    uint64_t probe_at_ns;           /* in RETURNING: the next question */
    uint64_t connected_since_ns;    /* 0: there is no connection */
    uint64_t changed_ns;            /* when it last turned */
    bool excused;                   /* this disconnection's end was met late once: see emc__health_tick */
};

void emc__health_init(struct emc__health *health, const struct emc__health_settings *settings, uint64_t now_ns);
/* A connection is wanted and there is none. */
void emc__health_disconnected(struct emc__health *health, uint64_t now_ns);
/* There is no connection and none is wanted (the pool's minimum is 0 and nothing waits). */
void emc__health_at_rest(struct emc__health *health);
/* A connection was established and answered. */
enum emc__health_verdict emc__health_connected(struct emc__health *health, uint64_t now_ns);
/* The last connection is gone; broken: not by our own will. With steady_ns, one that broke before it had lasted so long counts as a failed attempt, so
 * that a node that flaps is found out. */
enum emc__health_verdict emc__health_lost(struct emc__health *health, bool broken, uint64_t now_ns);
/* An attempt failed; connected: there is an established connection all the same. */
enum emc__health_verdict emc__health_attempt_failed(struct emc__health *health, bool connected, uint64_t now_ns);
/* Bytes came from the node. */
void emc__health_byte(struct emc__health *health, uint64_t now_ns);
/* Whether replies are owed, told whenever it changes. */
void emc__health_owed(struct emc__health *health, bool owed, uint64_t now_ns);
/* The time is now. Where it comes far too late to say that there was no connection for so long, it was the program that stood still: what has come
 * meanwhile is only now taken in, so the node has a moment more, once for each disconnection. */
enum emc__health_verdict emc__health_tick(struct emc__health *health, uint64_t now_ns);
/* When tick has something to say at the earliest; EMC__NEVER when nothing. */
uint64_t emc__health_next_ns(const struct emc__health *health);
/* The pause before the next attempt: doubles from the minimum with each failure, jitter of up to a quarter downwards. */
uint64_t emc__health_pause_ns(const struct emc__health *health, struct emc__random *random);

static inline bool emc__health_usable(const struct emc__health *health)
{
    return health->state == EMC__HEALTH_HEALTHY || health->state == EMC__HEALTH_SUSPECT;
}

#endif
