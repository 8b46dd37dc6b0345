/* One attempt to get a byte stream to a node: look-up, then its addresses raced (RFC 8305), IPv6 and IPv4 in turn, until one is established. */
#ifndef EMC_NODE_DIAL_H
#define EMC_NODE_DIAL_H

#include "node/engine.h"

#define EMC__DIAL_ENDPOINTS_MAX 16
/* RFC 8305 section 5: the pause before the next address is tried beside the first. */
#define EMC__DIAL_STAGGER_NS 250000000u

struct emc__dial_listener {
    /* Established. The socket is the listener's; its upcalls must be adopted at once. The dial is idle again. */
    void (*established)(void *context, struct emc__socket *socket, uint64_t now_ns);
    /* No address could be reached. message is borrowed until return. The dial is idle again. */
    void (*failed)(void *context, emc_status status, const char *message, uint64_t now_ns);
};

struct emc__dial;

struct emc__dial_race {
    struct emc__dial *dial;
    struct emc__socket *socket; /* NULL: not begun, or lost */
};

struct emc__dial {
    struct emc__engine *engine;
    const struct emc__dial_listener *listener;
    void *context;
    const char *host; /* borrowed: the node's */
    const char *tls_name;
    uint16_t port;
    struct emc__lookup *lookup; /* runs */
    struct emc__timer stagger;  /* time for the next address; at once when nothing could begin */
    struct emc__endpoint endpoints[EMC__DIAL_ENDPOINTS_MAX];
    struct emc__dial_race races[EMC__DIAL_ENDPOINTS_MAX];
    uint32_t count, begun, lost;
    bool active;
    emc_status status; /* of the address that failed last */
    char message[EMC_ERROR_MESSAGE_SIZE];
};

void emc__dial_init(struct emc__dial *dial, struct emc__engine *engine, const struct emc__dial_listener *listener, void *context);
/* Begins. host: a name or a literal address with its port, or NULL and a unix path. tls_name: see the transport. All borrowed until the dial is
 * idle. Reports through the listener, never from inside this call. */
void emc__dial_start(struct emc__dial *dial, const char *host, uint16_t port, const char *path, const char *tls_name);
/* Ends an attempt under way without a word; harmless when idle. */
void emc__dial_stop(struct emc__dial *dial);

/* The attempt failed for want of something of ours, which says nothing about the node. */
static inline bool emc__dial_lacks(emc_status status)
{
    return status == EMC_ERROR_FULL || status == EMC_ERROR_MEMORY;
}

#endif
