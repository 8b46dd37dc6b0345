/* The help, made from the tables of commands and options. */
#ifndef EMCACHE_CLI_HELP_H
#define EMCACHE_CLI_HELP_H

#include "command.h"

/* Writes the help of a command (NULL: of the program) to the standard output. */
void help_write(const struct command *command);

#endif
