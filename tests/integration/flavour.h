/* The same tests over every way to reach a server: named by the test program's first argument. */
#ifndef EMC_TESTS_INTEGRATION_FLAVOUR_H
#define EMC_TESTS_INTEGRATION_FLAVOUR_H

#include <emcache.h>

#include "servers.h"

/* "tcp" (the default), "unix", "tls", "ascii" (authentication by -Y), "sasl" (-S, the binary protocol); "threaded": TCP, the clients have threads
 * of their own. Ends the program with 77 (skipped) when this
 * machine can't do it, with 2 when there is no such flavour. */
void flavour_choose(int argc, char **argv);
/* What its servers are told. */
struct server_settings flavour_settings(void);
/* Completes options for its clients. */
emc_options flavour_options(emc_options options);
/* The binary protocol: some commands are not in it. */
bool flavour_is_binary(void);
/* Callbacks come while the test goes on. */
bool flavour_is_threaded(void);

#endif
