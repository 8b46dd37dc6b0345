/* The options' names, and taking a command line apart. */
#ifndef EMCACHE_CLI_OPTIONS_H
#define EMCACHE_CLI_OPTIONS_H

#include "command.h"

/* What an option is called and what it says of itself. */
struct option_words {
    const char *name;  /* without the two dashes */
    char letter;       /* 0: no short form */
    const char *value; /* what its value is called; NULL: it takes none */
    const char *help;
};

const struct option_words *option_words(enum option_id id);

/* Takes argv apart. Options may stand before and behind the command's name; "--" ends them; a word such as -1 is no option.
 * words_out has room for argc words. False when it is wrong: the complaint is printed. */
bool options_read(int argc, char **argv, const char **words_out, struct invocation *invocation_out);

/* Reads an option's number. True with *number_out untouched when it is not given; false when it is wrong: the complaint is printed. */
bool options_unsigned(const struct invocation *invocation, enum option_id id, uint64_t min, uint64_t max,
                      uint64_t *number_out);
/* The same for a signed number. */
bool options_signed(const struct invocation *invocation, enum option_id id, int64_t min, int64_t max,
                    int64_t *number_out);
/* The same for seconds, which may have a fraction. */
bool options_seconds(const struct invocation *invocation, enum option_id id, double min, double max,
                     double *seconds_out);

#endif
