/* Completion of the command line in shells. */
#ifndef EMCACHE_CLI_COMPLETION_H
#define EMCACHE_CLI_COMPLETION_H

#include <stdbool.h>

/* Writes the script for `shell` (bash, zsh, fish) to the standard output. False when there is none: the complaint is printed. */
bool completion_write(const char *shell);

#endif
