/* The table of commands, with the words of their help. */
#include "command.h"

#include <stdint.h>
#include <string.h>

static const struct command table[] = {
    {"get", "KEY...", "print values",
     "One key: its value, byte for byte; a line end is added on a terminal only.\n"
     "Several keys: a line KEY<tab>VALUE for each that is there.\n"
     "Exit code 1 when a key is not there.\n",
     1, SIZE_MAX, OPTION_BIT(OPTION_LONG), command_get},
    {"set", "KEY VALUE|-", "store a value; - reads it from the standard input",
     "Exit code 1 when the condition of --add, --replace, --append, --prepend or\n"
     "--cas does not hold. A value that begins with a dash stands behind --:\n"
     "  emcache set --flags 3 greeting -- -hello\n",
     2, 2,
     OPTION_BIT(OPTION_EXPTIME) | OPTION_BIT(OPTION_FLAGS) | OPTION_BIT(OPTION_ADD) | OPTION_BIT(OPTION_REPLACE) |
         OPTION_BIT(OPTION_APPEND) | OPTION_BIT(OPTION_PREPEND) | OPTION_BIT(OPTION_CAS),
     command_set},
    {"delete", "KEY...", "delete keys", "Exit code 1 when one of them was not there.\n", 1, SIZE_MAX, 0,
     command_delete},
    {"incr", "KEY [DELTA]", "add DELTA (1) to a number and print it",
     "The number wraps at 2^64. Exit code 1 when the key is not there.\n", 1, 2, 0, command_incr},
    {"decr", "KEY [DELTA]", "subtract DELTA (1) from a number and print it",
     "The number stops at 0. Exit code 1 when the key is not there.\n", 1, 2, 0, command_decr},
    {"touch", "KEY EXPTIME", "set an item's expiry",
     "EXPTIME is in seconds: 0 never, up to 2592000 (30 days) from now, above that a\n"
     "Unix time; -1 expires the item at once. Exit code 1 when the key is not there.\n",
     2, 2, 0, command_touch},
    {"nodes", "", "show the nodes: health, version, connection pools",
     "Connects to every node, asks for its version and shows this client's view of it:\n"
     "connections now, created, failed to be created, purged because unused, closed for\n"
     "another reason; operations answered, failed, and that had to wait; the times that\n"
     "connecting took. Exit code 0 also when nodes are unhealthy (ping tells by 3).\n",
     0, 0, OPTION_BIT(OPTION_JSON) | OPTION_BIT(OPTION_WATCH) | OPTION_BIT(OPTION_INTERVAL) | OPTION_BIT(OPTION_COUNT),
     command_nodes},
    {"ping", "", "time how fast each node answers",
     "Asks each node for its version (4 times, every 0.2 seconds) on a connection that\n"
     "is open already. Exit code 3 when an answer is missing.\n",
     0, 0, OPTION_BIT(OPTION_INTERVAL) | OPTION_BIT(OPTION_COUNT), command_ping},
    {"version", "", "print the version of each node", "Exit code 3 when a node does not answer.\n", 0, 0, 0,
     command_version},
    {"stats", "[NODE] [ARGUMENT]", "print the statistics of one node or of all",
     "ARGUMENT is what memcached knows: items, slabs, settings, sizes, conns ...\n"
     "Without it the general statistics. NODE is one of the servers.\n",
     0, 2, OPTION_BIT(OPTION_JSON), command_stats},
    {"flush_all", "[NODE...]", "make everything on the nodes (all of them) expire", "Without NODE: on every node.\n", 0,
     SIZE_MAX, OPTION_BIT(OPTION_DELAY), command_flush_all},
    {"route", "KEY... | --spread N", "tell the node of each key, or how keys spread",
     "Nothing is sent: the answer is the one of the routing (see --routing) for these\n"
     "servers. --routing may name several kinds, separated by commas; -a names all: then\n"
     "each key's node is told under each of them.\n"
     "--spread N places N made-up keys and shows each node's share, the share of all keys\n"
     "that move when it leaves, and how many of them it did not hold itself. Under several\n"
     "kinds a row for each: how much more and less than an even share the fullest and the\n"
     "emptiest node have, the standard deviation, and what moves on average.\n",
     0, SIZE_MAX, OPTION_BIT(OPTION_JSON) | OPTION_BIT(OPTION_SPREAD) | OPTION_BIT(OPTION_ALL_KINDS), command_route},
    {"top", "", "watch what the servers do, live",
     "The servers' own counters, so all of their clients together, as rates over the last\n"
     "round; p50 and p99 are this program's own pings, ten a second.\n",
     0, 0, OPTION_BIT(OPTION_INTERVAL) | OPTION_BIT(OPTION_COUNT), command_top},
    {"demo", "", "start a cluster of its own and watch it while a node dies and returns",
     "Starts memcached servers on free ports of the loopback interface, runs traffic on\n"
     "them, kills one, restarts it, adds one and removes one, and sums up. It takes about\n"
     "17 seconds and ends every server it started. Needs the program memcached.\n"
     "Exit code 3 when something did not happen as it should.\n",
     0, 0, OPTION_BIT(OPTION_FAST), command_demo},
    {"help", "[COMMAND]", "tell about a command, as COMMAND --help does",
     "Without COMMAND: what emcache --help tells.\n", 0, 1, 0, command_help},
    {"completion", "SHELL", "write completions for bash, zsh or fish",
     "Where the package did not install them:\n"
     "  bash   eval \"$(emcache completion bash)\"\n"
     "  zsh    emcache completion zsh > DIRECTORY_OF_FPATH/_emcache\n"
     "  fish   emcache completion fish | source\n",
     1, 1, 0, command_completion},
};

const struct command *commands_all(size_t *count_out)
{
    *count_out = sizeof(table) / sizeof(table[0]);
    return table;
}

const struct command *commands_find(const char *name)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (strcmp(table[i].name, name) == 0) {
            return &table[i];
        }
    }
    return NULL;
}
