/* One fault on trial: a server, a proxy in front of it, a client on the proxy, and what must be as before at the end. */
#ifndef EMC_TESTS_INTEGRATION_TRIAL_H
#define EMC_TESTS_INTEGRATION_TRIAL_H

#include <emcache.h>

#include "leaks.h"
#include "proxy.h"
#include "scripted_server.h"
#include "servers.h"
#include "session.h"

/* Slack for a bound on the time, on a busy machine: what the library promises is told beside it. */
#define SLACK_MS 3000
/* What health.md promises: a node without a connection, or silent, is unhealthy by then (1 s of silence, 1 s for the question). */
#define UNHEALTHY_WITHIN_MS 2000
/* A node that returned is used again by then. */
#define BACK_WITHIN_MS 2000

struct trial {
    struct leak_check leaks;
    struct proxy *proxy;              /* NULL: the client talks to another server */
    struct scripted_server *scripted; /* NULL: there is none */
    size_t steps;                     /* of its script */
    emc_client *client;
    emc_cluster_management *view;
    emc_address address; /* of the client's node */
};

/* Options with the defaults of health, one connection, and a timeout that is never reached by what goes well. */
emc_options trial_options(void);
/* A client on a proxy before `server`; connected, with the key "k" set to "value". options NULL: trial_options(). */
void trial_begin(struct trial *trial, const struct server *server, const emc_options *options);
/* A client on an address, whatever is there. */
void trial_begin_at(struct trial *trial, emc_address address, const emc_options *options);
/* A client on a scripted server. */
void trial_begin_scripted(struct trial *trial, const struct scripted_step *steps, size_t count,
                          const emc_options *options);
/* Runs the client until so many steps of the script are done. */
void trial_wait_for_step(struct trial *trial, size_t step);
/* Destroys client and proxy, ends the script, which must be done, and fails the test when anything is left. */
void trial_end(struct trial *trial);

emc_pool_metrics trial_metrics(const struct trial *trial);
/* Fetches a key; the status, with the time it took (may be NULL). Fails the test when a value comes that is not `value`. */
emc_status trial_get(struct trial *trial, const char *key, const char *value, uint64_t *took_ms);
/* Fails the test unless "k" can be fetched again within BACK_WITHIN_MS (and slack). */
void trial_recovers(struct trial *trial);
/* Fails the test unless the status is one of the two. */
void expect_either(emc_status status, emc_status one, emc_status other);

#endif
