/* The one interface between the engine and the world: bytes, time and connection events come in through it, bytes,
 * timers and connection requests leave through it. The engine above reads no clock and touches no descriptor.
 *
 * Two implementations: uv.c (libuv, sockets, c-ares, OpenSSL) and the seeded simulator in tests/sim/.
 *
 * Rules, for every implementation:
 *   - Upcalls (the listeners) never happen inside a down call (the transport's functions).
 *   - The engine owns all buffers; the transport keeps no pointer to one after a call returns.
 *   - After abort, release or cancel no upcall of that object happens any more, also not one of the same pass.
 *   - An upcall may make any down call, abort of the very link that is calling included.
 *   - now_ns is monotonic, read once per pass of the loop, and never 0.
 * Includes base/ alone; knows nothing of memcached. */
#ifndef EMC_TRANSPORT_TRANSPORT_H
#define EMC_TRANSPORT_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

#include <emcache/platform.h>

#include "base/slice.h"

struct emc__transport; /* begins with a pointer to its class */
struct emc__socket;    /* one byte stream to one address, being established or established */
struct emc__lookup;    /* one name look-up that runs */

/* An address that can be connected to: nothing left to look up. */
enum emc__endpoint_family { EMC__ENDPOINT_IPV4 = 4,
                            EMC__ENDPOINT_IPV6 = 6,
                            EMC__ENDPOINT_UNIX = 1,
                            EMC__ENDPOINT_NAME = 2 };

#define EMC__UNIX_PATH_MAX 108 /* sizeof sun_path on Linux, with the terminating zero */

struct emc__endpoint {
    enum emc__endpoint_family family;
    uint16_t port;                 /* host order; 0 for unix */
    uint16_t priority, weight;     /* of an SRV record, else 0 */
    uint32_t scope;                /* IPv6 scope id, else 0 */
    uint8_t ip[16];                /* network order; IPv4 uses the first 4 */
    char path[EMC__UNIX_PATH_MAX]; /* unix */
    const char *name;              /* EMC__ENDPOINT_NAME, of a service alone: its host, still to be looked up; valid until the callback returns. Else NULL */
};

/* What is asked of the names. */
enum emc__lookup_kind {
    EMC__LOOKUP_ADDRESSES, /* A and AAAA; each endpoint has the port given */
    EMC__LOOKUP_SERVICE    /* SRV: its targets by name, with ports, priorities and weights from the records */
};

struct emc__socket_listener {
    /* Established; with TLS, the handshake is done and the peer verified. */
    void (*connected)(void *context, uint64_t now_ns);
    /* recv will give bytes, an end or an error. Repeats each pass while that is so and reading is wanted. */
    void (*readable)(void *context, uint64_t now_ns);
    /* send will take bytes. Comes only after want(write) was set. */
    void (*writable)(void *context, uint64_t now_ns);
    /* Could not be established. EMC_ERROR_CONNECT or EMC_ERROR_TLS; message (borrowed until return) says what the system or
     * OpenSSL said. The socket is still the engine's to abort. (Once connected, failures show in recv and send.) */
    void (*failed)(void *context, emc_status status, const char *message, uint64_t now_ns);
    /* In place of readable where the transport has received already: all of these bytes, borrowed until return, are the listener's to take. Comes only
     * while reading is wanted. */
    void (*arrived)(void *context, struct emc__slice bytes, uint64_t now_ns);
};

/* endpoints are borrowed until return. On failure count is 0, status is EMC_ERROR_RESOLVE, or EMC_ERROR_FULL (no descriptor is left) or EMC_ERROR_MEMORY, which
 * say nothing about the name; message says why; an empty answer is EMC_ERROR_RESOLVE. ttl_s: the smallest of the records, or 0 when not known. The look-up is over with this call (no cancel after it). */
typedef void emc__lookup_callback(void *context, emc_status status, const char *message,
                                  const struct emc__endpoint *endpoints, size_t count, uint32_t ttl_s, uint64_t now_ns);

/* How a send or a recv went. */
enum emc__io {
    EMC__IO_OK,          /* at least one byte moved */
    EMC__IO_WOULD_BLOCK, /* nothing moved; for send: set want(write) to hear of room */
    EMC__IO_END,         /* recv: the peer closed its side in order */
    EMC__IO_ERROR        /* broken; emc__transport_class.error_text says how */
};

/* How far a socket's bytes have come, beyond what send and recv tell: what lets a slow connection be told from a silent one. */
struct emc__flow {
    uint64_t sent;    /* bytes handed to the system since it was established */
    uint64_t taken;   /* of them, those that the peer's system has confirmed; where ours can't say, the same as sent */
    uint64_t arrived; /* bytes that came and that recv may not have given yet: a part of a TLS record. 0: recv tells all */
};

struct emc__transport_class {
    /* Looks `name` up, never blocking. name (copied) is a host name, not a literal address: those the engine parses itself.
     * EMC_OK and *lookup_out, or EMC_ERROR_MEMORY / EMC_ERROR_RESOLVE at once (then no callback comes). */
    emc_status (*lookup)(struct emc__transport *transport, enum emc__lookup_kind kind, const char *name, uint16_t port,
                         emc__lookup_callback *callback, void *context, struct emc__lookup **lookup_out);
    void (*lookup_cancel)(struct emc__transport *transport, struct emc__lookup *lookup);

    /* Begins to connect to one address. tls_name: NULL for plain bytes; else TLS, and the certificate must be for this name (or IP). listener and
     * context must stay valid until abort. EMC_OK, or an error at once, then error_text(transport, NULL) has the words: EMC_ERROR_FULL (the process or the
     * system has no descriptor left) and EMC_ERROR_MEMORY say nothing about the other side. */
    emc_status (*connect)(struct emc__transport *transport, const struct emc__endpoint *endpoint, const char *tls_name,
                          const struct emc__socket_listener *listener, void *context, struct emc__socket **socket_out);
    /* Hands the socket to another listener (the attempt that made it gives it to the connection that will use it). */
    void (*adopt)(struct emc__socket *socket, const struct emc__socket_listener *listener, void *context);

    /* Sends from the slices in order, as much as goes. *sent_out is set when EMC__IO_OK. */
    enum emc__io (*send)(struct emc__socket *socket, const struct emc__slice *slices, size_t count, size_t *sent_out);
    /* Receives into the spans in order. *received_out is set when EMC__IO_OK. */
    enum emc__io (*recv)(struct emc__socket *socket, const struct emc__span *spans, size_t count, size_t *received_out);
    /* What the engine wants to hear of. A new socket wants neither. Cheap when nothing changes. */
    void (*want)(struct emc__socket *socket, bool read, bool write);
    /* How far its bytes have come. Not for every operation: it may ask the system. */
    void (*flow)(const struct emc__socket *socket, struct emc__flow *flow_out);
    /* Ends the socket, in any state. reset: with RST, so that what is under way is dropped rather than delivered late;
     * else in order (FIN after what the kernel holds). Also releases it: the pointer is dead after. */
    void (*abort)(struct emc__socket *socket, bool reset);
    /* What went wrong last with this socket (NULL: with the transport's last connect), in words; valid until the next call. Never NULL. */
    const char *(*error_text)(struct emc__transport *transport, const struct emc__socket *socket);

    /* One timer for the whole client: call the wake upcall at this time or soon after. EMC__NEVER (UINT64_MAX): not at all. Replaces what was asked
     * before. A wake that comes early, or twice, is harmless. */
    void (*wake_at)(struct emc__transport *transport, uint64_t at_ns);
    /* The time of the pass that is under way (the same that upcalls carry), or the clock outside one. */
    uint64_t (*now_ns)(struct emc__transport *transport);
};

struct emc__transport {
    const struct emc__transport_class *class_;
    /* Set by the engine before its first down call. */
    void (*wake)(void *context, uint64_t now_ns);
    void *wake_context;
};

#endif
