/* How long a connection that alone stays silent is borne while its node answers on others: a pure decision, as those of health.h.
 *
 * A node that is silent altogether is health's affair. Here the node lives, and one of its connections does not: its way is cut, or what serves it hangs. */
#ifndef EMC_NODE_PATIENCE_H
#define EMC_NODE_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "transport/transport.h"

/* What is remembered of a connection between two looks at it. */
struct emc__patience {
    uint64_t since_ns;     /* the last sign of life, or when it began to owe */
    uint64_t answered_ns;  /* the look at which the last answer was counted */
    uint64_t awaited;      /* bytes sent by the first look: until the peer has them, their way is a sign of life */
    struct emc__flow flow; /* at the last look */
    bool blocked;          /* its socket took no more bytes then */
    uint32_t answers;      /* of the node on other connections, each about a silence after the one before */
};

/* A look at a connection that owes a reply. */
struct emc__patience_look {
    uint64_t now_ns;
    uint64_t owing_since_ns, heard_ns; /* of the connection */
    uint64_t node_heard_ns;            /* of any connection of its node */
    struct emc__flow flow;
    uint32_t quiet_requests; /* that come before the next reply: noreply ones, those of a quiet run */
    bool blocked;
};

/* A slow server may need some time for each request that it answers by silence: so many of them are worth one answer more. */
#define EMC__PATIENCE_REQUESTS 64

/* True: it is over, the connection is closed. To be called at any time, at least once in a silence while it owes. */
bool emc__patience_ends(struct emc__patience *patience, const struct emc__patience_look *look, uint64_t silence_ns,
                        uint32_t answers_max);

#endif
