/* When what callbacks submit leaves before the pass that calls them is over: a pure decision, as those of health.h.
 *
 * Where all that was in flight comes back in one pass, the server has nothing to do until the last callback has run. So a share of the callbacks is enough: what
 * they submitted is flushed, between two answers, and the server works while the other callbacks run (docs/decisions/0012). */
#ifndef EMC_NODE_SHARE_H
#define EMC_NODE_SHARE_H

#include <stdbool.h>
#include <stdint.h>

/* Measured: a half; and a quarter of what is little and one connection's, where a line of eight keys is better than a server that sleeps. */
#define EMC__SHARE_LITTLE 80
/* Never a single operation: a line for it costs more than it gains. */
#define EMC__SHARE_MIN 2

/* Since the last flush; counted by completions, of whatever connections. */
struct emc__share {
    uint64_t from;  /* so many are completed: a share of what was in flight */
    uint64_t until; /* all that was in flight is completed: the pass is about to end, and flushes */
};

/* A flush has ended: so many operations were completed ever, so many are in flight now, on so many connections. */
static inline void emc__share_begin(struct emc__share *share, uint64_t completed, uint32_t in_flight, uint32_t connections)
{
    uint32_t part = in_flight / (in_flight < EMC__SHARE_LITTLE && connections <= 1 ? 4 : 2);
    share->from = completed + (part > EMC__SHARE_MIN ? part : EMC__SHARE_MIN);
    share->until = completed + in_flight;
}

static inline bool emc__share_due(const struct emc__share *share, uint64_t completed)
{
    return completed >= share->from && completed < share->until;
}

#endif
