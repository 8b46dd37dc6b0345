/* The transport for the world: libuv, sockets of our own, c-ares, OpenSSL. This header is for the facades, which run it. */
#ifndef EMC_TRANSPORT_UV_H
#define EMC_TRANSPORT_UV_H

#include "base/log.h"
#include "base/rare.h"
#include "transport/transport.h"

/* What TLS is to check and to show. Strings are borrowed until the call returns. */
struct emc__tls_settings {
    bool verify, verify_host;
    const char *extra_ca_file; /* trusted beside the system's store, or beside trust_file and trust_path */
    const char *trust_file;    /* trusted instead of the system's store */
    const char *trust_path;    /* a folder of certificates named by their hashes (openssl rehash), likewise */
    const char *certificate_file, *key_file, *key_password;
    uint32_t version_min; /* 12 or 13 */
    bool session_resumption;
};

/* tls: NULL for none. EMC_OK, EMC_ERROR_TLS (files that can't be used), EMC_ERROR_MEMORY, EMC_ERROR_CONNECT (no descriptors). */
emc_status emc__uv_transport_create(const emc_allocator *allocator, const struct emc__log *log, const struct emc__tls_settings *tls,
                                    struct emc__transport **transport_out, emc_error *error);
/* Ends everything and never waits: sockets and look-ups still there are ended without an upcall. Not from inside an upcall. Accepts NULL. */
void emc__uv_transport_destroy(struct emc__transport *transport);

/* The one descriptor: becomes readable for sockets, timers (wake_at) and emc__uv_raise. */
int emc__uv_descriptor(const struct emc__transport *transport);
/* One pass: waits timeout_ms at most (-1: for ever; a signal ends it early), then makes the upcalls that are due. Nothing when called
 * from inside an upcall. */
void emc__uv_run(struct emc__transport *transport, int64_t timeout_ms);
/* Waits until the descriptor is readable, timeout_ms at most (-1: for ever; a signal ends it early). Beside other calls: any thread. */
void emc__uv_await(const struct emc__transport *transport, int64_t timeout_ms);
/* Any thread. */
void emc__uv_sleep(uint32_t milliseconds);
/* Makes the descriptor readable until the next pass. */
EMC__APART void emc__uv_raise(struct emc__transport *transport);
/* The fast way of a pass without a wait: makes the readable upcall of this plain socket, which receives, and asks nothing else what is ready. False:
 * nothing came, or it is time for emc__uv_run: something is due (at due_ns), or the last one was two milliseconds ago. */
bool emc__uv_take_socket(struct emc__transport *transport, struct emc__socket *socket, uint64_t due_ns);
/* Tells the kernel of watches that changed outside of a pass; makes no upcall. */
EMC__HOT void emc__uv_arm(struct emc__transport *transport);
/* Whether anything waits to be taken in: one system call. */
EMC__APART bool emc__uv_ready(const struct emc__transport *transport);
/* Of emc__uv_wait_socket only what comes before it sleeps. */
bool emc__uv_poll_socket(struct emc__transport *transport, struct emc__socket *socket, uint64_t left_ns);
/* How long emc__uv_wait_socket receives without sleep before it sleeps; 0, as at creation: not at all. */
void emc__uv_set_busy_poll(struct emc__transport *transport, uint64_t limit_ns);
/* The fast way to wait for one answer: waits, in a receive, until this plain socket has something to read, and hands it over (arrived; an end or
 * an error: readable). Waits 20 ms at most, and not longer than left_ns. False: nothing came, or it is not possible here (TLS, reading not
 * wanted): wait by emc__uv_run, which serves everything. */
EMC__HOT bool emc__uv_wait_socket(struct emc__transport *transport, struct emc__socket *socket, uint64_t left_ns);
/* Reads the files anew, for connections from now on; established ones go on as they are. On failure everything stays as it was. The
 * transport must have been created with TLS. EMC_OK, EMC_ERROR_TLS, EMC_ERROR_MEMORY, EMC_ERROR_STATE. */
emc_status emc__uv_tls_reload(struct emc__transport *transport, const struct emc__tls_settings *settings, emc_error *error);
/* In a child of fork: the parent's descriptors are closed without touching what it watches, every socket is dead. */
void emc__uv_after_fork(struct emc__transport *transport);

#endif
