/* A proxy on the loopback interface that spoils what passes through it, in front of any server that listens on TCP.
 *
 *     struct proxy *proxy = proxy_start(&server.address);
 *     … a client talks to proxy_address(proxy) …
 *     proxy_spoil(proxy, PROXY_TO_CLIENT, &(struct proxy_fault){.cut = PROXY_CUT_RESET, .after = 5});
 *     proxy_end(proxy);
 *
 * It runs in a thread of its own. Every function fails the running test when it can't do what it is asked. */
#ifndef EMC_TESTS_INTEGRATION_PROXY_H
#define EMC_TESTS_INTEGRATION_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <emcache.h>

enum proxy_direction { PROXY_TO_SERVER,
                       PROXY_TO_CLIENT };

enum proxy_cut {
    PROXY_CUT_NONE,
    PROXY_CUT_RESET,  /* both sides get an RST */
    PROXY_CUT_FINISH, /* both sides get a FIN */
    PROXY_CUT_HALF    /* only this direction ends, with a FIN; the other goes on */
};

/* What happens to one direction. Zero: everything passes at once. */
struct proxy_fault {
    enum proxy_cut
        cut;             /* once `after` bytes have passed; happens once, then this direction passes again on new connections */
    bool corrupt;        /* the byte after `after` others is another one; happens once */
    uint64_t after;      /* bytes of this direction of a connection, counted from the call of proxy_spoil(), or from its beginning */
    uint32_t delay_ms;   /* what comes is handed on so much later */
    uint32_t piece;      /* it is handed on in pieces of so many bytes, each in a segment of its own; 0: as it came */
    uint32_t pause_ms;   /* after each piece the next one waits so long */
    bool swallow;        /* what comes is taken and handed to nobody */
    bool stall;          /* nothing is taken, so that the sender's buffers fill */
    uint32_t connection; /* only the n-th connection accepted (from 1); 0: all */
};

struct proxy;

struct proxy *proxy_start(const emc_address *target);
/* Where it listens. Valid until the end. */
emc_address proxy_address(const struct proxy *proxy);
/* From now on, for the connections there are and those to come. NULL: pass. */
void proxy_spoil(struct proxy *proxy, enum proxy_direction direction, const struct proxy_fault *fault);
/* Both directions pass. */
void proxy_heal(struct proxy *proxy);
/* New connections are closed with RST as soon as they are accepted, or served again. */
void proxy_refuse(struct proxy *proxy, bool refuse);
/* Ends every connection there is, by RST or FIN. */
void proxy_end_connections(struct proxy *proxy, bool reset);
/* Connections accepted so far; bytes of a direction taken in so far. */
uint32_t proxy_accepted(struct proxy *proxy);
uint64_t proxy_passed(struct proxy *proxy, enum proxy_direction direction);
void proxy_end(struct proxy *proxy);

#endif
