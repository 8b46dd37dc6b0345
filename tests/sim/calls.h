/* The program's calls: what was asked of the client, and what came back. One call is one public asynchronous command; it has an operation for each of its
 * keys, and each operation has a number that travels with it to the server (in the item's flags, the delta, the exptime or the value), so that the
 * model can tell there whose it is. */
#ifndef SIM_CALLS_H
#define SIM_CALLS_H

#include <emcache.h>

#include "store.h"

enum sim_command {
    SIM_CALL_GET,
    SIM_CALL_GETS,
    SIM_CALL_GAT,
    SIM_CALL_GATS,
    SIM_CALL_GET_MANY,
    SIM_CALL_GETS_MANY,
    SIM_CALL_GAT_MANY,
    SIM_CALL_GATS_MANY,
    SIM_CALL_SET,
    SIM_CALL_ADD,
    SIM_CALL_REPLACE,
    SIM_CALL_APPEND,
    SIM_CALL_PREPEND,
    SIM_CALL_CAS,
    SIM_CALL_SET_MANY,
    SIM_CALL_DELETE_MANY,
    SIM_CALL_DELETE,
    SIM_CALL_INCR,
    SIM_CALL_DECR,
    SIM_CALL_TOUCH,
    SIM_CALL_VERSION,
    SIM_CALL_FLUSH_ALL,
    SIM_CALL_STATS,
    SIM_CALL_VERBOSITY,
    SIM_CALL_CACHE_MEMLIMIT,
    SIM_CALL_DUMP_KEYS,
    SIM_CALL_QUIT,
    SIM_CALL_META_GET,
    SIM_CALL_META_SET,
    SIM_CALL_META_DELETE,
    SIM_CALL_META_NOOP,
    SIM_CALL_META_DEBUG,
    SIM_CALL_FETCH,
    SIM_CALL_FILL,
    SIM_CALL_GIVE_UP,
    SIM_CALL_INVALIDATE,
    SIM_CALL_COUNT,
    SIM_CALL_COMMANDS
};

extern const char *const sim_command_names[SIM_CALL_COMMANDS];

#define SIM_DELTA_BASE   1000000u /* an incr's delta is this and its number */
#define SIM_EXPTIME_BASE 100000   /* a touch's exptime is this and its number */
#define SIM_HEADER       10u      /* "#0000002a#" begins every value that is long enough */

struct sim_call;

struct sim_op {
    struct sim_call *call;
    struct sim_op *next_of_key;
    uint32_t id;     /* from 1 */
    uint32_t key;    /* its number in the model */
    uint32_t length; /* of the value it stores */
    bool numeric;    /* the value is a decimal number */
    /* What came back. */
    bool done;
    emc_status status;
    uint64_t hash, flags, cas, number; /* of the value that came back */
    size_t length_out;
    bool has_value;
    emc_lease lease; /* fetch: what came back; fill and give_up: what is given */
    int32_t node;    /* which node the result names; -1: none */
    uint8_t *home;   /* memory given for its value */
    size_t home_length;
    /* What really happened. */
    uint32_t applied; /* so many times */
    uint32_t applied_server;
    uint64_t applied_seq, begin_seq, applied_ns;
    enum sim_outcome outcome;
    uint64_t applied_number;
};

struct sim_call {
    enum sim_command command;
    uint32_t number; /* in order of submission */
    struct sim_op *ops;
    uint32_t count;
    uint32_t node; /* of commands to a node */
    int64_t exptime;
    uint64_t cas, amount; /* amount: a node command's number, a meta set's mode, a count's initial number */
    bool quiet;           /* meta: EMC_META_QUIET */
    uint32_t timeout_ms;  /* as given: 0 is the client's */
    bool noreply, allocates;
    bool cancelled;
    /* What came back. */
    emc_status refused; /* not EMC_OK: never accepted */
    bool accepted, done;
    emc_status status; /* of the last result */
    uint32_t results, lines;
    uint64_t submitted_ns, completed_ns, deadline_ns;
    uint64_t clock_ahead_ns; /* of the client, when it was submitted */
    uint64_t operation;
    uint32_t releases;
    uint8_t *borrowed; /* the value, until it is released */
    size_t borrowed_length;
    bool expects_down; /* the node was known to be down when it was submitted */
    char message[160];
    void *stage;
    void (*then)(struct sim_call *call, void *context); /* what the program does when it is done */
    void *then_context;
};

/* Whether a command has one operation for each key of a list. */
bool sim_command_is_bulk(enum sim_command command);
bool sim_command_retrieves(enum sim_command command);
bool sim_command_stores(enum sim_command command);
bool sim_command_touches(enum sim_command command); /* gat and its kin */
bool sim_command_has_keys(enum sim_command command);
bool sim_command_gives_cas(enum sim_command command);
bool sim_command_is_meta(enum sim_command command);
/* Deletes, or what may do so: told by the server without a number. */
bool sim_command_deletes(enum sim_command command);

/* Writes the value of an operation: `length` bytes that begin with its number, and hold what confuses parsers. */
void sim_value_write(const struct sim_op *op, uint8_t *out);
/* Whether these are the bytes that sim_value_write() writes. */
bool sim_value_is(const struct sim_op *op, const uint8_t *bytes, size_t length);
/* The number in a value's header; 0 without one. */
uint32_t sim_value_number(const uint8_t *bytes, size_t length);
uint64_t sim_hash(const void *bytes, size_t length);

#endif
