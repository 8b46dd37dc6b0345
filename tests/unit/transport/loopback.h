/* What the transport's tests share: a transport, a listener that records its upcalls, and plain servers on the loopback
 * interface that are driven by the test itself. */
#ifndef EMC_TESTS_LOOPBACK_H
#define EMC_TESTS_LOOPBACK_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "transport/endpoint.h"
#include "transport/uv.h"

/* Long enough for anything that is going to happen on the loopback interface. */
#define PATIENCE_MS 5000

/* One socket of the transport's, and what was heard of it. */
struct heard {
    struct emc__transport *transport;
    struct emc__socket *socket;
    unsigned connected, readable, writable, failed, arrived;
    emc_status status;
    char message[EMC_ERROR_MESSAGE_SIZE];
    uint64_t now_ns;
    bool abort_when_connected, abort_when_readable, abort_when_writable, abort_when_failed;
    bool receive_when_readable; /* into bytes */
    bool stop_reading;          /* after one receive */
    enum emc__io io;            /* of the last receive */
    size_t receive_max;         /* at once; 0: all there is room for */
    size_t length;
    uint8_t bytes[65536];
};

extern const struct emc__socket_listener heard_listener;

/* A transport without TLS, on the standard allocator. */
struct emc__transport *new_transport(void);
/* Begins to connect, and says what it wants once connected. */
emc_status heard_connect(struct heard *heard, struct emc__transport *transport, const struct emc__endpoint *endpoint, const char *tls_name);
void heard_abort(struct heard *heard, bool reset);
/* Runs passes until *counter is at least count; fails the test when that does not happen. */
void run_until(struct emc__transport *transport, const unsigned *counter, unsigned count);
void run_until_length(struct heard *heard, size_t length);
/* Passes that find nothing to wait for. */
void run_some(struct emc__transport *transport, int passes);

/* A listening socket on 127.0.0.1 and its endpoint. */
int listen_on_loopback(struct emc__endpoint *endpoint_out);
int listen_on_path(const char *path, struct emc__endpoint *endpoint_out);
/* A port of the loopback interface on which nobody listens. */
struct emc__endpoint endpoint_of_nobody(void);
int accept_one(int listener);
void send_exactly(int descriptor, const void *data, size_t length);
size_t receive_exactly(int descriptor, void *data, size_t length);

/* Connects a plain socket: heard on one side, a descriptor on the other. */
int connect_pair(struct heard *heard, struct emc__transport *transport);

/* Descriptors this process has open. */
unsigned count_descriptors(void);
uint64_t monotonic_ns(void);

#endif
