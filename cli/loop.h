/* A client run in a plain poll() loop until a moment comes or somebody presses Ctrl-C. */
#ifndef EMCACHE_CLI_LOOP_H
#define EMCACHE_CLI_LOOP_H

#include <emcache.h>

/* Nanoseconds of the monotonic clock. */
uint64_t clock_now_ns(void);

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  UINT64_C(1000000000)

/* Runs the client until `until_ns`, or until `done` returns true (NULL: never), or until an interrupt is pending (see terminal.h).
 * False when it was an interrupt. */
bool loop_run(emc_client *client, uint64_t until_ns, bool (*done)(const void *context), const void *context);

/* One turn: waits for the client's descriptor until `until_ns` at most, then lets the client do what there is to do. */
void loop_turn(emc_client *client, uint64_t until_ns);

#endif
