/* What the program says on stderr, and which exit code an outcome is. */
#ifndef EMCACHE_CLI_REPORT_H
#define EMCACHE_CLI_REPORT_H

#include <emcache.h>

#include "command.h"

/* Prints "emcache: …" and a line end on stderr. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The exit code for an outcome. */
enum exit_code exit_code_of(emc_status status);

/* The worse of two exit codes: a command on many keys ends with the worst of them. */
enum exit_code exit_code_worse(enum exit_code a, enum exit_code b);

/* Complains about an outcome that is not EMC_OK: "emcache: <subject>: <words>". `words` may be NULL or "": the status's own. */
enum exit_code report_outcome(const char *subject, emc_status status, const char *words);

/* The same, with the words of the client's last error. */
enum exit_code report_client(const char *subject, emc_status status, const emc_client *client);

/* The same for an operation on a key: where a node or the way to it is at fault, the node is named. */
enum exit_code report_key(const char *key, emc_status status, emc_client *client);

/* The same for one key of several, whose status is all that is known of it. */
enum exit_code report_key_of_many(const char *key, emc_status status, emc_client *client);

/* Complains that memory ran out. */
enum exit_code report_memory(void);

#endif
