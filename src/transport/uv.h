/* The transport for the world: libuv, sockets of our own, c-ares, OpenSSL. This header is for the facades, which run it. */
#ifndef EMC_TRANSPORT_UV_H
#define EMC_TRANSPORT_UV_H

#include "base/log.h"
#include "transport/transport.h"

/* What TLS is to check and to show. Strings are borrowed until the call returns. */
struct emc__tls_settings {
    bool verify, verify_host;
    const char *extra_ca_file, *trust_file;
    const char *certificate_file, *key_file, *key_password;
    uint32_t version_min;            /* 12 or 13 */
    bool session_resumption;
};

/* tls: NULL for none. EMC_OK, EMC_ERROR_TLS (files that can't be used), EMC_ERROR_MEMORY, EMC_ERROR_CONNECT (no descriptors). */
emc_status emc__uv_transport_create(const emc_allocator *allocator, const struct emc__log *log, const struct emc__tls_settings *tls,
                                    struct emc__transport **transport_out, emc_error *error);
/* Ends everything, never waits. The engine has aborted its sockets. Accepts NULL. */
void emc__uv_transport_destroy(struct emc__transport *transport);

/* The one descriptor: becomes readable for sockets, timers (wake_at) and emc__uv_raise. */
int emc__uv_descriptor(const struct emc__transport *transport);
/* One pass: waits timeout_ms at most (-1: for ever), then makes the upcalls that are due. */
void emc__uv_run(struct emc__transport *transport, int64_t timeout_ms);
/* Makes the descriptor readable until the next pass. */
void emc__uv_raise(struct emc__transport *transport);
/* Tells the kernel of watches that changed outside of a pass; makes no upcall. */
void emc__uv_arm(struct emc__transport *transport);
/* Whether anything waits to be taken in: one system call. */
bool emc__uv_ready(const struct emc__transport *transport);
/* Waits, in a receive, until this plain socket has something to read or until_ns, and makes its readable upcall. False: not
 * possible here (TLS, or too little time left); true: something came, or some time has passed. */
bool emc__uv_wait_socket(struct emc__transport *transport, struct emc__socket *socket, uint64_t until_ns);
/* In a child of fork: the parent's descriptors are closed without touching what it watches, every socket is dead. */
void emc__uv_after_fork(struct emc__transport *transport);

#endif
