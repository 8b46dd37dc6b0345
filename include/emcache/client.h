/* A client's life: create, run, close. */
#ifndef EMCACHE_CLIENT_H
#define EMCACHE_CLIENT_H

#include <emcache/address.h>
#include <emcache/options.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A client of a cluster. It belongs to the thread that uses it: one thread at a time may call into it. With options.threaded any thread may, at any time.
 *
 *  Three ways to run it, of which the first two may be mixed:
 *    - blocking: the commands without `_async` wait for their outcome in the caller's thread;
 *    - embedded: the commands with `_async` return at once; emc_client_descriptor() becomes readable when there is
 *      something to do, and emc_client_process() does it. Works in poll(), epoll, libuv, GLib, asyncio …
 *      A command only takes note of what is to be sent. What callbacks of the client submit leaves by itself; whoever submits from elsewhere (a timer, another
 *      descriptor) calls emc_client_flush() before going back to the loop, or has emc_client_next_deadline_ms() as the loop's timeout:
 *      else it stays until the client has something else to do, up to a second later. examples/uv_loop.c and examples/poll_loop.c show the two.
 *    - threaded (options.threaded): blocking commands of several threads are under way together, on the same few connections. One of the threads that wait in them receives
 *      for all, until its own outcome is there, then another one; a thread of the client's own does when none waits, and whenever callbacks are due. All callbacks, log lines and
 *      traces come one at a time: callbacks of operations (and of emc_stats() and emc_dump_keys()), of events and of emc_client_on_room() from the client's thread, log lines and traces
 *      from that one or any that is in a call; while one runs other threads wait to enter, so none may wait for a thread that calls into the client. Values and lists are allocated
 *      in any of these threads: an options.allocator must allow that. The client's thread takes no signals. Threads of different priority should not share a client: one that is
 *      kept from running while it receives keeps the others' answers waiting. emc_client_error_message() tells each thread of its own last error. emc_client_destroy() must come
 *      when no other thread is in a call on the client, or from a callback; the management view may be asked meanwhile and afterwards. A child of fork can't use
 *      the client (EMC_ERROR_STATE; destroying it there does nothing): another thread may have been at work in it.
 *
 *  fork: from its first call on the child has a descriptor and connections of its own; what was in flight stays the parent's. A child that is forked inside
 *  one of the client's callbacks must not return from it: exec or _exit. */
typedef struct emc_client emc_client;

/** Creates a client on `node_count` >= 1 addresses (borrowed until return). Connections are opened in the background:
 *  a cluster that is down is no error here (with autodiscovery: waits for the first answer).
 *  options: NULL for the defaults. error: may be NULL; filled on failure with words that name the argument and its limit.
 *  Returns EMC_OK, EMC_ERROR_ARGUMENT, EMC_ERROR_DUPLICATE (the same node twice), EMC_ERROR_TLS (certificates that can't
 *  be read), EMC_ERROR_CONNECT (no descriptor is left for its event loop), EMC_ERROR_MEMORY; with autodiscovery EMC_ERROR_NO_NODES and EMC_ERROR_UNSUPPORTED (see
 *  emc_options.discovery_start_timeout_ms). *client_out is untouched on failure. Calls back nothing but options.log. Since 0.1. */
EMC_API emc_status emc_client_create(emc_client **client_out, const emc_address *nodes, size_t node_count,
                                     const emc_options *options, emc_error *error);

/** Ends the client: every operation still under way completes with EMC_ERROR_CANCELLED (its callback is called before this
 *  returns), connections are closed, memory is released. From inside one of the client's callbacks it takes effect when the outermost call
 *  into the client returns. The management view stays valid as long as it is retained. Accepts NULL. Since 0.1. */
EMC_API void emc_client_destroy(emc_client *client);

/** Takes other credentials for connections from now on, as options.username and options.password: EMC_OK, EMC_ERROR_ARGUMENT with words in *error (may be NULL; both
 *  NULL is legal without options.sasl: no authentication), EMC_ERROR_MEMORY. The strings are copied, the old ones wiped; established connections go on. Nodes that are
 *  down are tried at once. Since 0.1. */
EMC_API emc_status emc_client_set_credentials(emc_client *client, const char *username, const char *password, emc_error *error);

/** Reads the certificates anew, for connections from now on; established ones go on as they are. `tls` (borrowed until return) is complete, as at creation: nothing is kept
 *  of the old one. Nodes that are down are tried at once. EMC_OK; EMC_ERROR_TLS (files that can't be used) and EMC_ERROR_ARGUMENT with words in *error (may be NULL),
 *  EMC_ERROR_STATE (the client was created without TLS), EMC_ERROR_MEMORY: everything stays as it was. Since 0.1. */
EMC_API emc_status emc_client_reload_tls(emc_client *client, const emc_tls_options *tls, emc_error *error);

/** The words for the last error that a command on this client returned directly (not through a callback; what has an emc_error of its own, and the calls of
 *  cluster.h, leave them as they are). Borrowed until the next call on the client; never NULL. Since 0.1. */
EMC_API const char *emc_client_error_message(const emc_client *client);

/** The descriptor to watch for reading, level-triggered; the same for the client's whole life, but a new one in a child of fork. On Linux nothing else need be watched: what arrives and
 *  timers make it readable. A submission does not: see emc_client_flush(). Don't read from it, don't close it. -1: a threaded client has none. Since 0.1. */
EMC_API int emc_client_descriptor(const emc_client *client);

/** Milliseconds until emc_client_process() should be called even if the descriptor stays silent: 0 when something submitted
 *  is not yet written, -1 for never (and with options.threaded). Goes straight into poll(). Since 0.1. */
EMC_API int emc_client_next_deadline_ms(emc_client *client);

/** Does all that is to do and never waits: takes in what arrived, fires timers, calls back, writes what was submitted.
 *  Returns the number of operations that completed. Not from inside a callback (returns 0). A threaded client does it by itself: returns 0. Since 0.1. */
EMC_API size_t emc_client_process(emc_client *client);

/** Writes what was submitted since the last process or flush, and nothing else: the end of a tick. In an event loop: once after everything that is to be submitted at this moment. Where several flushes are unanswered already it may
 *  be gathered until one of them is (options.gather_after_flushes). Never calls back.
 *  Not needed before emc_client_process(), nor inside callbacks. Since 0.1. */
EMC_API void emc_client_flush(emc_client *client);

/** Waits for something to do, `timeout_ms` at most (-1: for ever), and does it as emc_client_process(). For programs without an event loop
 *  of their own. Returns the number of operations that completed. Of a threaded client: waits until its thread has completed something. Since 0.1. */
EMC_API size_t emc_client_wait(emc_client *client, int timeout_ms);

/** Asks for the answers of the one connection that owes any, again and again without sleep, for options.busy_poll_us at most, and does what came as
 *  emc_client_process() does. For programs with an event loop of their own that can spare a core: after emc_client_flush(), before they go back to their loop,
 *  which is not served meanwhile. Does nothing where the option is 0, with options.threaded, where several connections owe answers, or the one that does has TLS, and ever more rarely
 *  something while answers come too late for it. Returns 0 when nothing came, else the number of operations that completed. Not from inside a callback (returns 0). Since 0.1. */
EMC_API size_t emc_client_busy_poll(emc_client *client);

/** Operations submitted and not yet completed. Since 0.1. */
EMC_API size_t emc_client_pending(const emc_client *client);

/** Calls `callback` once when operations are accepted again after one was refused with EMC_ERROR_FULL; at most one is kept, a later call
 *  replaces it. NULL clears. Since 0.1. */
EMC_API void emc_client_on_room(emc_client *client, void (*callback)(void *user_data), void *user_data);

#ifdef __cplusplus
}
#endif
#endif
