/* TLS between the engine and a socket, on OpenSSL 3; nothing is buffered but one record each way. Used by sockets.c alone. */
#ifndef EMC_TRANSPORT_TLS_H
#define EMC_TRANSPORT_TLS_H

#include "transport/uv.h"

struct emc__tls;         /* one context for each transport */
struct emc__tls_session; /* one for each socket */

/* Reads the files and builds the context. EMC_OK, EMC_ERROR_TLS (words name the option and what OpenSSL says), EMC_ERROR_MEMORY. */
emc_status emc__tls_create(const emc_allocator *allocator, const struct emc__tls_settings *settings, struct emc__tls **tls_out, emc_error *error);
/* Its sessions may live on: memory goes with the last of them. Accepts NULL. */
void emc__tls_destroy(struct emc__tls *tls);

/* name: what the certificate must be for (host name or literal address); port: with the name, the key of resumed sessions. NULL without memory. */
struct emc__tls_session *emc__tls_session_create(struct emc__tls *tls, const char *name, uint16_t port);
void emc__tls_session_destroy(struct emc__tls_session *session);

enum emc__tls_progress { EMC__TLS_DONE,
                         EMC__TLS_MORE,
                         EMC__TLS_FAILED };
/* Goes on with the handshake as far as the descriptor allows without blocking. */
enum emc__tls_progress emc__tls_handshake(struct emc__tls_session *session, int descriptor);

/* As the transport's send and recv. */
enum emc__io emc__tls_send(struct emc__tls_session *session, int descriptor, const struct emc__slice *slices, size_t count, size_t *sent_out);
enum emc__io emc__tls_recv(struct emc__tls_session *session, int descriptor, const struct emc__span *spans, size_t count, size_t *received_out);
/* Which events (UV_READABLE = 1, UV_WRITABLE = 2) the descriptor must be watched for, given what the engine wants. */
int emc__tls_wants(const struct emc__tls_session *session, bool want_read, bool want_write);
/* Which of the two the engine is to hear of, given what the descriptor is ready for. */
int emc__tls_ready(struct emc__tls_session *session, int events, bool want_read, bool want_write);
/* Bytes are decrypted and not yet taken, or an end or an error was met: the descriptor will not tell of it. */
bool emc__tls_pending(const struct emc__tls_session *session);
/* How far its records have come. */
void emc__tls_flow(const struct emc__tls_session *session, struct emc__flow *flow_out);
/* Best effort: says that the stream ends in order. */
void emc__tls_say_goodbye(struct emc__tls_session *session, int descriptor);
/* What went wrong, in words; never NULL. */
const char *emc__tls_error(const struct emc__tls_session *session);

#endif
