/* The client object: the engine, the loop it lives in, and the operations under way. */
#ifndef EMC_PYTHON_CLIENT_H
#define EMC_PYTHON_CLIENT_H

#include <sys/types.h>

#include "command.h"
#include "journal.h"
#include "operation.h"
#include "trace.h"

struct reader;
struct management;

struct operation_list {
    struct operation *first, *last;
    size_t count;
};

struct client {
    PyObject_HEAD struct module_state *state; /* lives as long as the type */
    emc_client *engine;                       /* NULL: closed */
    struct reader *reader;                    /* what the loop calls; owned */
    PyObject *loop;
    PyObject *call_soon; /* bound methods of the loop */
    PyObject *get_loop;
    PyObject *flush_soon; /* what call_soon calls at the end of a tick */
    PyObject *process_soon;
    PyObject *poll_soon; /* the same, of busy polling */
    PyObject *finished;  /* a finished future, the argument of every direct wake */
    PyObject *on_event;  /* the Dispatcher, called with a list of (subscription, kind, address, weight, reason); or NULL */
    PyObject *on_trace;  /* called with a list of TraceEvents; or NULL */
    PyObject *options;   /* how it was made, and renewed since: for what reaches the servers as it does (key_stream.c). A dict */
    PyObject *on_lines;  /* of a dump that is streamed: called with the list below at the end of a pass; or NULL */
    PyObject *lines;
    struct trace trace;
    struct journal events;      /* events and log lines that came during a pass */
    uint64_t last_subscription; /* to events; their numbers go up */
    unsigned listeners;         /* so many hear the events: the loop holds the client until it is closed or they are gone */
    PyObject *expiry_timer;     /* for the line of those that wait for room … */
    double expiry_at;           /* … set for this loop time */
    PyObject *weak_references;
    PyObject *attributes;          /* __dict__: what a program sets, of its own or in place of a command */
    struct management *management; /* the view while anybody holds it; borrowed */
    emc_cluster_management *view;  /* retained */
    struct operation_list in_flight, waiting;
    struct operation *released; /* values to be given back, see submit.c; owned references */
    struct operation **ready;   /* outcomes known, Tasks not yet woken; owned references */
    size_t ready_count, ready_size;
    unsigned long thread;
    pid_t process;
    double timeout; /* seconds; < 0: none */
    size_t key_length_max;
    bool in_reader;       /* the loop is calling us: a flush follows anyway */
    bool flush_wanted;    /* a flush is on its way by call_soon */
    bool process_wanted;  /* a pass of the reader too */
    bool poll_wanted;     /* and one that polls busily */
    bool room;            /* the engine accepts again */
    bool mixed_deadlines; /* some in the line have a timeout of their own: its order is not that of the deadlines */
    bool paused;          /* the loop does not look at the descriptor until key_stream_resume() */
    bool busy_poll;       /* while one operation is in flight, its answer is asked for before the loop sleeps */
    bool batch_ticks;     /* autobatching: a tick always ends by call_soon, so that its gets share lines */
};

/* True when the calling thread and the running loop are the client's; else an exception is set. */
bool client_check_loop(struct client *client);
/* The same for close(), which a client whose loop is closed takes from any loop. */
bool client_may_close(struct client *client);
/* RuntimeError: closed. */
void client_raise_closed(void);
/* Ends the engine and lets every operation under way fail; the reader leaves the loop. Idempotent. */
void client_shut_down(struct client *client);

/* The lists. An operation in a list is owned by it. */
void client_list_add(struct client *client, struct operation *operation, bool waiting);
void client_list_remove(struct client *client, struct operation *operation);

/* Client's methods that make operations (commands.c, bulk_commands.c …). */
extern const struct command_entry client_commands[], client_bulk_commands[], client_node_commands[],
    client_meta_commands[], client_pattern_commands[], client_renewal[];

/* Sets an option by its name, that of the header or of create_client(); false with an exception. What a string points to is kept by its `value`. */
bool options_set(emc_options *options, const char *name, PyObject *value);
/* Sets all of a dict. */
bool options_fill(emc_options *options, PyObject *dict);
/* The library's words about options, with the names that create_client() gives them: a new reference. */
PyObject *options_words(const char *message);
/* A copy of the dict without what it says of TLS, whatever the names, but that it is on: a new reference. */
PyObject *options_without_tls(PyObject *dict);
/* A dict from the name of each option in the header to its name here. */
PyObject *options_names(void);

#endif
