/* The engine as one piece: a client on a transport. Its outward header, for the facades and the simulator.
 *
 * The public asynchronous commands (emc_…_async, emc_cancel), the cluster functions and emc_client_pending work on any such client, whatever
 * its transport. What waits or polls (blocking commands, emc_client_process …) belongs to the facades. */
#ifndef EMC_CLIENT_CLIENT_H
#define EMC_CLIENT_CLIENT_H

#include <emcache.h>

#include "base/rare.h"
#include "transport/transport.h"

/* How a facade drives its client. */
struct emc__client_environment {
    struct emc__transport *transport; /* borrowed, outlives the client */
    uint64_t seed;                    /* for jitter and hash tables */
    /* Takes in what is ready without waiting (for the management view), or NULL. */
    void (*take_in)(void *context);
    /* Before and after the membership is changed from outside, or NULL both. */
    void (*change_begins)(void *context);
    void (*change_ends)(void *context);
    /* The client is to be destroyed: called by emc_client_destroy() outside of callbacks, or by emc__client_process() when the destroy came
     * from inside one. Must end with emc__client_free(). NULL: emc__client_free() alone. */
    void (*destroy)(void *context, struct emc_client *client);
    struct emc__lock *lock; /* of a client that several threads use: public calls enter it, and passes are to be made inside; else NULL */
    void *context;
};

/* Whether these options can be a client's (NULL: defaults); words in *error name the field and its range. *complete_out has them with the defaults of fields that
 * the program does not know. */
emc_status emc__client_check_options(const emc_options *options, emc_options *complete_out, emc_error *error);

/* Validates everything, builds the engine and begins to connect. As emc_client_create() otherwise. */
emc_status emc__client_create(struct emc_client **client_out, const struct emc__client_environment *environment,
                              const emc_address *nodes, size_t node_count, const emc_options *options, emc_error *error);

/* Completes everything still under way with EMC_ERROR_CANCELLED, aborts all sockets, releases all memory. Not from inside a callback. */
void emc__client_free(struct emc_client *client);

/* The end of a pass, after the transport's upcalls: delivers what waits to be completed and the events, reaps what is gone, writes what was submitted, sets
 * the wake-up. Returns the number of operations that completed since the last call. The client may be gone after it when a callback destroyed it. */
size_t emc__client_process(struct emc_client *client, uint64_t now_ns);

/* Whether a pass may have something to call the user back with, beyond the outcomes of `silent` operations under way, whose callbacks are the facade's own. */
bool emc__client_owes_callbacks(const struct emc_client *client, uint32_t silent);
/* While withheld, the ends of passes leave events and the room that came to a later one. */
void emc__client_withhold(struct emc_client *client, bool withheld);

/* Writes what was submitted, and sets the wake-up. Never calls back. */
EMC__HOT void emc__client_flush(struct emc_client *client, uint64_t now_ns);

/* Whether the nodes are known: see emc__cluster_discovered. */
emc_status emc__client_discovered(const struct emc_client *client, emc_error *error);
/* Something was submitted or completed that the next process or flush must take care of. */
bool emc__client_unflushed(const struct emc_client *client);
/* There is no more of that than flush takes care of. */
bool emc__client_only_unwritten(const struct emc_client *client);
/* Servers owe answers. */
bool emc__client_awaits_answers(const struct emc_client *client);
/* True while a callback of the client's runs. */
bool emc__client_in_callback(const struct emc_client *client);
/* How many public operations have completed, ever. */
uint64_t emc__client_completed(const struct emc_client *client);
/* The facade's own context, as given in the environment. */
void *emc__client_context(const struct emc_client *client);
/* When the engine wants to be woken; EMC__NEVER (UINT64_MAX) for not at all. */
uint64_t emc__client_next_ns(struct emc_client *client);
/* For a caller that has just read the clock and is about to submit: the tick begins now, so that the submission need not read it again. A submission that is
 * refused must be followed by end_tick, as nothing will be flushed. */
void emc__client_begin_tick_at(struct emc_client *client, uint64_t now_ns);
EMC__HOT void emc__client_end_tick(struct emc_client *client);
/* The time that the engine was told last. */
uint64_t emc__client_now_ns(const struct emc_client *client);
/* Sets the words for a usage error and returns status. */
EMC__RARE emc_status emc__client_refuse(struct emc_client *client, emc_status status, const char *format, ...);
/* Where the words of the calling thread's errors are: EMC_ERROR_MESSAGE_SIZE bytes. */
char *emc__client_words(struct emc_client *client);
/* Of a client that several threads use: no other is inside until leave. EMC_OK, or EMC_ERROR_STATE with its words in a child of fork. */
emc_status emc__client_enter(struct emc_client *client);
void emc__client_leave(struct emc_client *client);
/* That error for those who have an emc_error. */
EMC__RARE emc_status emc__client_forked(emc_error *error);
/* The client's allocator. */
const emc_allocator *emc__client_allocator(const struct emc_client *client);

/* While held, a destroy waits. Unhold returns false when it was carried out: the client is gone. */
void emc__client_hold(struct emc_client *client);
bool emc__client_unhold(struct emc_client *client);

/* For the blocking fast path: the socket on which the one operation in flight waits for its reply, everything being written and no other
 * work of the engine depending on the loop; NULL when that is not so. */
struct emc__socket *emc__client_only_socket(const struct emc_client *client);
/* For blocking calls that return early: the operation's borrowed value (above 16 KiB), as far as it is not sent, is copied, or its connection aborted
 * where the bound forbids that. Afterwards nothing of the caller's memory is looked at. */
void emc__client_detach_value(struct emc_client *client, uint64_t operation);
/* emc_set_many_async() for a blocking call: with EMC_OK *batch_out must be let go when every item has its outcome. */
struct emc__batch;
emc_status emc__client_set_many(struct emc_client *client, const emc_store_item *items, size_t count, const emc_call *call,
                                struct emc__batch **batch_out);
/* As emc__client_detach_value, for all of the batch's values. */
EMC__APART void emc__batch_let_go(struct emc__batch *batch);
/* As emc_client_set_credentials(). */
emc_status emc__client_set_credentials(struct emc_client *client, const char *username, const char *password, emc_error *error);
/* Credentials or certificates were put right: nodes that are down are tried at once. */
void emc__client_hurry(struct emc_client *client);
/* In a child of fork: every socket is dropped without a word to the peer (the transport has closed the descriptors already), operations under way complete with
 * EMC_ERROR_CONNECTION_LOST, and connections are opened anew. */
void emc__client_after_fork(struct emc_client *client);

#endif
