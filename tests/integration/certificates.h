/* Certificates for tests, made anew in each program: an authority, a server's, an expired one, a client's, and a stranger's authority. */
#ifndef EMC_TESTS_INTEGRATION_CERTIFICATES_H
#define EMC_TESTS_INTEGRATION_CERTIFICATES_H

#include <emcache.h>

/* Paths of PEM files. */
struct certificates {
    char authority[256];
    char server[256], server_key[256];   /* for localhost, 127.0.0.1 and ::1 */
    char expired[256], expired_key[256]; /* the same, but over since yesterday */
    char client[256], client_key[256];
    char folder[256];   /* the authority alone, in a folder under its name's hash (as `openssl rehash` does) */
    char stranger[256]; /* an authority that signed none of them */
};

/* Makes them in servers_folder() at the first call. Fails the running test when it can't. */
const struct certificates *certificates(void);
/* The same options with TLS and the authority trusted. */
emc_options with_tls(emc_options options);

#endif
