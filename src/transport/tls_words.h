/* OpenSSL's numbers as words for people. Both give NULL where OpenSSL's own words have to do; what they give is static. */
#ifndef EMC_TRANSPORT_TLS_WORDS_H
#define EMC_TRANSPORT_TLS_WORDS_H

#include <stdbool.h>

/* result: as SSL_get_verify_result gives it. */
const char *emc__tls_verify_words(long result);
/* reason: of an error code. handshake: it is still under way. certificate_asked: the server wanted a client certificate, and there was none. */
const char *emc__tls_reason_words(int reason, bool handshake, bool certificate_asked);

#endif
