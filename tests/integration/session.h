/* A client in a test: created on servers, and the outcome of an asynchronous operation kept and waited for. */
#ifndef EMC_TESTS_INTEGRATION_SESSION_H
#define EMC_TESTS_INTEGRATION_SESSION_H

#include <stdatomic.h>

#include <emcache.h>

#include "servers.h"

/* Longer than anything takes that goes well, on a slow machine and under a sanitizer. */
#define PATIENCE_MS 20000

/* What an asynchronous operation came to. */
struct outcome {
    unsigned results; /* how many results came */
    atomic_bool last; /* the final one is among them; set after everything else */
    emc_status status;
    char value[128]; /* its beginning, terminated */
    size_t value_length;
    uint64_t flags, cas, number;
    char message[EMC_ERROR_MESSAGE_SIZE];
};

/* The defaults with a timeout that a slow machine keeps. */
emc_options patient_options(void);
/* A client on servers; options NULL: patient_options(). */
emc_client *open_client(const struct server *servers, size_t count, const emc_options *options);
/* A client on one address. */
emc_client *open_client_at(emc_address address, const emc_options *options);

/* A call that keeps its outcome, which is zeroed. */
emc_call keep(struct outcome *outcome);
/* Runs the client until the outcome is there; fails the test when it does not come within PATIENCE_MS or comes more than once. */
void await(emc_client *client, struct outcome *outcome);
/* Runs the client for so long, whatever happens. */
void run_for(emc_client *client, int milliseconds);
/* Milliseconds on the monotonic clock. */
uint64_t clock_ms(void);

#endif
