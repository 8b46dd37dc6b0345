/* What the parts of the command `emcache` share: the words of one call, the options, the exit codes.
 * Everything in cli/ is written on <emcache.h> alone. */
#ifndef EMCACHE_CLI_COMMAND_H
#define EMCACHE_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How the process ends; part of the interface, see the manual page. */
enum exit_code {
    EXIT_CODE_OK = 0,
    EXIT_CODE_MISS = 1,  /* the answer is "no": a key that is not there, a condition that does not hold */
    EXIT_CODE_USAGE = 2, /* the call itself is wrong; nothing was sent */
    EXIT_CODE_ERROR = 3  /* a node, the network, a file, the memory */
};

/* Every option of every command; options.c has their names. */
enum option_id {
    OPTION_SERVERS,
    OPTION_DISCOVER,
    OPTION_TIMEOUT,
    OPTION_ROUTING,
    OPTION_HASH_TAG,
    OPTION_WEIGHTS,
    OPTION_KEY_PREFIX,
    OPTION_USER,
    OPTION_PASSWORD_FILE,
    OPTION_SASL,
    OPTION_TLS,
    OPTION_TLS_CA,
    OPTION_TLS_TRUST,
    OPTION_TLS_CERTIFICATE,
    OPTION_TLS_KEY,
    OPTION_TLS_NO_VERIFY,
    OPTION_VERBOSE,
    OPTION_HELP,
    OPTION_VERSION,
    OPTION_GENERAL_COUNT, /* the ones before are known to every command */
    OPTION_JSON = OPTION_GENERAL_COUNT,
    OPTION_WATCH,
    OPTION_INTERVAL,
    OPTION_COUNT,
    OPTION_LONG,
    OPTION_EXPTIME,
    OPTION_FLAGS,
    OPTION_ADD,
    OPTION_REPLACE,
    OPTION_APPEND,
    OPTION_PREPEND,
    OPTION_CAS,
    OPTION_DELAY,
    OPTION_SPREAD,
    OPTION_ALL_KINDS,
    OPTION_FAST,
    OPTION_ID_COUNT
};

/* The set of one option, to be joined with |. */
#define OPTION_BIT(id) (UINT64_C(1) << (id))

struct command;

/* One call of the program, taken apart. The strings are argv's own. */
struct invocation {
    const struct command *command;        /* NULL: none was named */
    const char *options[OPTION_ID_COUNT]; /* NULL: not given; "" for one that takes no value */
    const char **words;                   /* what is left: keys, values, nodes */
    size_t word_count;
};

/* One command, as the help shows it and main() starts it. */
struct command {
    const char *name;
    const char *words;   /* its arguments, as the usage line shows them */
    const char *summary; /* one line */
    const char *details; /* paragraphs, each line below 80 columns */
    size_t words_min;
    size_t words_max;
    uint64_t options; /* OPTION_BITs beside the general ones */
    enum exit_code (*run)(const struct invocation *invocation);
};

/* All commands, in the order of the help; *count_out says how many. */
const struct command *commands_all(size_t *count_out);
/* NULL when there is none of that name. */
const struct command *commands_find(const char *name);

enum exit_code command_get(const struct invocation *invocation);
enum exit_code command_set(const struct invocation *invocation);
enum exit_code command_delete(const struct invocation *invocation);
enum exit_code command_incr(const struct invocation *invocation);
enum exit_code command_decr(const struct invocation *invocation);
enum exit_code command_touch(const struct invocation *invocation);
enum exit_code command_nodes(const struct invocation *invocation);
enum exit_code command_ping(const struct invocation *invocation);
enum exit_code command_version(const struct invocation *invocation);
enum exit_code command_stats(const struct invocation *invocation);
enum exit_code command_flush_all(const struct invocation *invocation);
enum exit_code command_route(const struct invocation *invocation);
enum exit_code command_top(const struct invocation *invocation);
enum exit_code command_demo(const struct invocation *invocation);
enum exit_code command_help(const struct invocation *invocation);
enum exit_code command_completion(const struct invocation *invocation);

#endif
