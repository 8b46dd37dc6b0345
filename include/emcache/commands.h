/* The commands, each blocking and asynchronous (`_async`).
 *
 * Common to all:
 *   - Keys are 1..250 bytes without spaces and control characters (0x00-0x20, 0x7f); borrowed until the submitting call returns.
 *   - exptime is in seconds: 0 never, 1..2592000 from now, above that a Unix time, at most 2147483647; -1 expires at once.
 *   - flags is an unsigned 32-bit number kept beside the value.
 *   - `call` may be NULL for the blocking form; the asynchronous one needs one, whose callback may be NULL.
 *   - The blocking form returns the outcome: a result (>= 0) or an error. The asynchronous form returns EMC_OK when the operation was
 *     accepted (its outcome comes through the callback, exactly once), EMC_ERROR_FULL when a limit is reached, or a usage error
 *     (EMC_ERROR_ARGUMENT, EMC_ERROR_KEY, EMC_ERROR_CLOSED, EMC_ERROR_STATE): then nothing was sent and no callback comes.
 *     emc_client_error_message() has the words for both. It is sent by the next emc_client_flush(), emc_client_process() or emc_client_wait().
 *   - Errors any command may end with: EMC_ERROR_TIMEOUT, _CANCELLED, _NODE_DOWN, _NO_NODES, _CONNECT, _RESOLVE, _CONNECTION_LOST, _SERVER,
 *     _SERVER_MEMORY, _AUTHENTICATION, _TLS, _PROTOCOL, _CLIENT, _COMMAND, _MEMORY. Outputs are untouched on errors.
 *   - Operations on the same key take effect in the order they were submitted. One exception: where a server answers a line of several gets with an
 *     error, each of them is asked again once, alone, and may then see a write that was submitted after it.
 *   - All since 0.1. */
#ifndef EMCACHE_COMMANDS_H
#define EMCACHE_COMMANDS_H

#include <emcache/result.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Whether `key` may be a key of a client without prefix: EMC_OK, or EMC_ERROR_KEY with words in *error (may be NULL). For callers that check early;
 *  every command checks by itself. Any thread. Since 0.1. */
EMC_API emc_status emc_key_validate(const void *key, size_t key_length, emc_error *error);

/** Fetches a value: EMC_OK, or EMC_MISS (no value). *item_out is the caller's to release; it is untouched on errors, so begin with `emc_item item = {0};`. */
EMC_API emc_status emc_get(emc_client *client, const void *key, size_t key_length, emc_item *item_out, const emc_call *call);
/** emc_get() without waiting: the outcome comes through call->callback. */
EMC_API emc_status emc_get_async(emc_client *client, const void *key, size_t key_length, const emc_call *call);

/** Fetches a value with its cas value. */
EMC_API emc_status emc_gets(emc_client *client, const void *key, size_t key_length, emc_item *item_out, const emc_call *call);
/** emc_gets() without waiting: the outcome comes through call->callback. */
EMC_API emc_status emc_gets_async(emc_client *client, const void *key, size_t key_length, const emc_call *call);

/** Fetches a value and sets its expiry ("get and touch"). exptime -1 gives the value and expires it. */
EMC_API emc_status emc_gat(emc_client *client, const void *key, size_t key_length, int64_t exptime, emc_item *item_out, const emc_call *call);
/** emc_gat() without waiting: the outcome comes through call->callback. */
EMC_API emc_status emc_gat_async(emc_client *client, const void *key, size_t key_length, int64_t exptime, const emc_call *call);

/** Fetches a value with its cas value and sets its expiry. */
EMC_API emc_status emc_gats(emc_client *client, const void *key, size_t key_length, int64_t exptime, emc_item *item_out, const emc_call *call);
/** emc_gats() without waiting: the outcome comes through call->callback. */
EMC_API emc_status emc_gats_async(emc_client *client, const void *key, size_t key_length, int64_t exptime, const emc_call *call);

/** Fetches many values. items_out has room for `count` items, each filled with its key's own status (EMC_OK, EMC_MISS, or an error) and the caller's to release; where the whole call is refused (one key that can't be is enough; the words say which) each has the call's status and no value. Returns EMC_OK when each key has a result, else the first error. The keys are sought on all nodes at once. Asynchronous: a result for each key in the order they arrive (index and key say which), `last` on the final one; count 0 gives one result with EMC_OK. */
EMC_API emc_status emc_get_many(emc_client *client, const emc_key *keys, size_t count, emc_item *items_out, const emc_call *call);
/** emc_get_many() without waiting: the outcome comes through call->callback. */
EMC_API emc_status emc_get_many_async(emc_client *client, const emc_key *keys, size_t count, const emc_call *call);

/** Fetches many values with their cas values; as emc_get_many(). */
EMC_API emc_status emc_gets_many(emc_client *client, const emc_key *keys, size_t count, emc_item *items_out, const emc_call *call);
/** emc_gets_many() without waiting: the outcome comes through call->callback. */
EMC_API emc_status emc_gets_many_async(emc_client *client, const emc_key *keys, size_t count, const emc_call *call);

/** Fetches many values and sets their expiry; as emc_get_many(). */
EMC_API emc_status emc_gat_many(emc_client *client, const emc_key *keys, size_t count, int64_t exptime, emc_item *items_out, const emc_call *call);
/** emc_gat_many() without waiting: the outcome comes through call->callback. */
EMC_API emc_status emc_gat_many_async(emc_client *client, const emc_key *keys, size_t count, int64_t exptime, const emc_call *call);

/** Fetches many values with cas and sets their expiry; as emc_get_many(). */
EMC_API emc_status emc_gats_many(emc_client *client, const emc_key *keys, size_t count, int64_t exptime, emc_item *items_out, const emc_call *call);
/** emc_gats_many() without waiting: the outcome comes through call->callback. */
EMC_API emc_status emc_gats_many_async(emc_client *client, const emc_key *keys, size_t count, int64_t exptime, const emc_call *call);

/** Stores a value: EMC_OK. EMC_ERROR_TOO_LARGE when it exceeds what the server stores (the old item is gone then). value: 0 bytes or more; see emc_call.released for its ownership. */
EMC_API emc_status emc_set(emc_client *client, const void *key, size_t key_length, const void *value, size_t value_length, int64_t exptime, uint64_t flags, const emc_call *call);
/** emc_set() without waiting: the outcome comes through call->callback. */
EMC_API emc_status emc_set_async(emc_client *client, const void *key, size_t key_length, const void *value, size_t value_length, int64_t exptime, uint64_t flags, const emc_call *call);

/** Stores a value if the key has none: EMC_OK or EMC_NOT_STORED. */
EMC_API emc_status emc_add(emc_client *client, const void *key, size_t key_length, const void *value, size_t value_length, int64_t exptime, uint64_t flags, const emc_call *call);
/** emc_add() without waiting: the outcome comes through call->callback. */
EMC_API emc_status emc_add_async(emc_client *client, const void *key, size_t key_length, const void *value, size_t value_length, int64_t exptime, uint64_t flags, const emc_call *call);

/** Stores a value if the key has one: EMC_OK or EMC_NOT_STORED. */
EMC_API emc_status emc_replace(emc_client *client, const void *key, size_t key_length, const void *value, size_t value_length, int64_t exptime, uint64_t flags, const emc_call *call);
/** emc_replace() without waiting: the outcome comes through call->callback. */
EMC_API emc_status emc_replace_async(emc_client *client, const void *key, size_t key_length, const void *value, size_t value_length, int64_t exptime, uint64_t flags, const emc_call *call);

/** Appends to a value that is there: EMC_OK or EMC_NOT_STORED. exptime and flags stay as they are. */
EMC_API emc_status emc_append(emc_client *client, const void *key, size_t key_length, const void *value, size_t value_length, const emc_call *call);
/** emc_append() without waiting: the outcome comes through call->callback. */
EMC_API emc_status emc_append_async(emc_client *client, const void *key, size_t key_length, const void *value, size_t value_length, const emc_call *call);

/** Prepends to a value that is there: EMC_OK or EMC_NOT_STORED. */
EMC_API emc_status emc_prepend(emc_client *client, const void *key, size_t key_length, const void *value, size_t value_length, const emc_call *call);
/** emc_prepend() without waiting: the outcome comes through call->callback. */
EMC_API emc_status emc_prepend_async(emc_client *client, const void *key, size_t key_length, const void *value, size_t value_length, const emc_call *call);

/** Stores a value if the item's cas value is still `cas` (>= 1): EMC_OK, EMC_EXISTS (changed since) or EMC_MISS (gone). */
EMC_API emc_status emc_cas(emc_client *client, const void *key, size_t key_length, const void *value, size_t value_length, int64_t exptime, uint64_t flags, uint64_t cas, const emc_call *call);
/** emc_cas() without waiting: the outcome comes through call->callback. */
EMC_API emc_status emc_cas_async(emc_client *client, const void *key, size_t key_length, const void *value, size_t value_length, int64_t exptime, uint64_t flags, uint64_t cas, const emc_call *call);

/** One item of emc_set_many(). Borrowed until the call returns. */
typedef struct emc_store_item {
    emc_key key;
    const void *value;
    size_t value_length;
    int64_t exptime;
    uint64_t flags;
} emc_store_item;

/** Stores many values. statuses_out has room for `count` statuses, one for each item (where the whole call is refused, as by emc_get_many(): the call's). Returns EMC_OK when each was stored, else the first that was not. Asynchronous: as emc_get_many_async(); call->released comes once, when none of the values is looked at any more. */
EMC_API emc_status emc_set_many(emc_client *client, const emc_store_item *items, size_t count, emc_status *statuses_out, const emc_call *call);
/** emc_set_many() without waiting: the outcome comes through call->callback. */
EMC_API emc_status emc_set_many_async(emc_client *client, const emc_store_item *items, size_t count, const emc_call *call);

/** Deletes many keys; as emc_set_many(). A key that was not there is EMC_MISS and no error. */
EMC_API emc_status emc_delete_many(emc_client *client, const emc_key *keys, size_t count, emc_status *statuses_out, const emc_call *call);
/** emc_delete_many() without waiting: the outcome comes through call->callback. */
EMC_API emc_status emc_delete_many_async(emc_client *client, const emc_key *keys, size_t count, const emc_call *call);

/** Deletes a key: EMC_OK or EMC_MISS. */
EMC_API emc_status emc_delete(emc_client *client, const void *key, size_t key_length, const emc_call *call);
/** emc_delete() without waiting: the outcome comes through call->callback. */
EMC_API emc_status emc_delete_async(emc_client *client, const void *key, size_t key_length, const emc_call *call);

/** Adds to a decimal number, wrapping at 2^64: EMC_OK with the new number in *number_out (may be NULL), EMC_MISS, or EMC_ERROR_CLIENT when the value is no number. */
EMC_API emc_status emc_incr(emc_client *client, const void *key, size_t key_length, uint64_t delta, uint64_t *number_out, const emc_call *call);
/** emc_incr() without waiting: the outcome comes through call->callback. */
EMC_API emc_status emc_incr_async(emc_client *client, const void *key, size_t key_length, uint64_t delta, const emc_call *call);

/** Subtracts from a decimal number, stopping at 0; as emc_incr(). */
EMC_API emc_status emc_decr(emc_client *client, const void *key, size_t key_length, uint64_t delta, uint64_t *number_out, const emc_call *call);
/** emc_decr() without waiting: the outcome comes through call->callback. */
EMC_API emc_status emc_decr_async(emc_client *client, const void *key, size_t key_length, uint64_t delta, const emc_call *call);

/** Sets an item's expiry: EMC_OK or EMC_MISS. */
EMC_API emc_status emc_touch(emc_client *client, const void *key, size_t key_length, int64_t exptime, const emc_call *call);
/** emc_touch() without waiting: the outcome comes through call->callback. */
EMC_API emc_status emc_touch_async(emc_client *client, const void *key, size_t key_length, int64_t exptime, const emc_call *call);

/** Room for a server's version, with its terminating zero. */
#define EMC_VERSION_TEXT_SIZE 64

/* Commands to one node, named by its address as the client was given it. EMC_ERROR_UNKNOWN_NODE when there is no such node. */

/** Asks a node for its version. version_out has EMC_VERSION_TEXT_SIZE bytes. */
EMC_API emc_status emc_version(emc_client *client, const emc_address *node, char *version_out, const emc_call *call);
/** emc_version() without waiting: the outcome comes through call->callback. */
EMC_API emc_status emc_version_async(emc_client *client, const emc_address *node, const emc_call *call);

/** Makes everything on a node expire, at once (delay_s 0) or in delay_s seconds (0..2592000). */
EMC_API emc_status emc_flush_all(emc_client *client, const emc_address *node, uint32_t delay_s, const emc_call *call);
/** emc_flush_all() without waiting: the outcome comes through call->callback. */
EMC_API emc_status emc_flush_all_async(emc_client *client, const emc_address *node, uint32_t delay_s, const emc_call *call);

/** Receives one line of statistics; `name` and `value` are terminated and borrowed until return. */
typedef void emc_stats_callback(void *user_data, const char *name, const char *value);

/** Asks a node for statistics: `argument` NULL for the general ones, or "items", "slabs", "settings", "sizes", "conns" …; calls back for each line before it
 *  returns (callback NULL: nobody hears). The callback must not call into the client. EMC_ERROR_UNSUPPORTED when the server has no such statistics. */
EMC_API emc_status emc_stats(emc_client *client, const emc_address *node, const char *argument, emc_stats_callback *callback, void *user_data, const emc_call *call);
/** emc_stats() without waiting: a result for each line (key: the name, value: the value), then one with `last`. */
EMC_API emc_status emc_stats_async(emc_client *client, const emc_address *node, const char *argument, const emc_call *call);

/** Sets how talkative a node's log is (0..3 are known to memcached). */
EMC_API emc_status emc_verbosity(emc_client *client, const emc_address *node, uint32_t level, const emc_call *call);
/** emc_verbosity() without waiting: the outcome comes through call->callback. */
EMC_API emc_status emc_verbosity_async(emc_client *client, const emc_address *node, uint32_t level, const emc_call *call);

/** Sets a node's memory limit in megabytes (1..4294967295; memcached itself asks for 8 at least). EMC_ERROR_CLIENT with the server's words when it refuses. */
EMC_API emc_status emc_cache_memlimit(emc_client *client, const emc_address *node, uint64_t megabytes, const emc_call *call);
/** emc_cache_memlimit() without waiting: the outcome comes through call->callback. */
EMC_API emc_status emc_cache_memlimit_async(emc_client *client, const emc_address *node, uint64_t megabytes, const emc_call *call);

/** One of the administrator's commands that a server answers in one line: `slabs reassign|automove …`, `lru tune|mode|temp_ttl …`, `lru_crawler
 *  enable|disable|sleep|tocrawl|crawl …`, `extstore …`, `refresh_certs`; `command` (borrowed until the submitting call returns) is the line as memcached's protocol.txt has it,
 *  1..1000 bytes. EMC_OK; EMC_ERROR_BUSY; EMC_ERROR_CLIENT with the server's words for another refusal (BADCLASS, NOSPARE, SAME …); EMC_ERROR_COMMAND when it has no
 *  such command; EMC_ERROR_ARGUMENT for any other command. */
EMC_API emc_status emc_administer(emc_client *client, const emc_address *node, const char *command, const emc_call *call);
/** emc_administer() without waiting: the outcome comes through call->callback. */
EMC_API emc_status emc_administer_async(emc_client *client, const emc_address *node, const char *command, const emc_call *call);

/** Says `quit` on one of the node's connections, behind what was submitted before: EMC_OK when the server has closed it. The pool opens another when one is needed.
 *  Keys keep their order: what is submitted later on one that has operations in flight on that connection is sent when the server has closed it. */
EMC_API emc_status emc_quit(emc_client *client, const emc_address *node, const emc_call *call);
/** emc_quit() without waiting: the outcome comes through call->callback. */
EMC_API emc_status emc_quit_async(emc_client *client, const emc_address *node, const emc_call *call);

/** Which of a node's items emc_dump_keys() lists. */
typedef enum emc_dump {
    EMC_DUMP_META = 0, /**< `lru_crawler metadump all`: a line of key=… exp=… la=… cas=… fetch=… cls=… size=… for each */
    EMC_DUMP_KEYS      /**< `lru_crawler mgdump all`: the keys alone; memcached 1.6.19 or later */
} emc_dump;

/** Receives one key (decoded) of a dump and the server's line about it (without line end); borrowed until return. Must not call into the client. */
typedef void emc_dump_callback(void *user_data, const void *key, size_t key_length, const char *line, size_t line_length);

/** Streams a node's keys to `callback` (NULL: nobody hears), before it returns. EMC_OK when the dump is complete, EMC_ERROR_BUSY when another is under way, EMC_ERROR_UNSUPPORTED when the server does not have it.
 *  It has a connection to itself for as long as it lasts: other operations use another one, which is opened for them beyond connections_max if need be. */
EMC_API emc_status emc_dump_keys(emc_client *client, const emc_address *node, emc_dump dump, emc_dump_callback *callback, void *user_data, const emc_call *call);
/** emc_dump_keys() without waiting: a result for each key (key: decoded, value: the line), then one with `last`. */
EMC_API emc_status emc_dump_keys_async(emc_client *client, const emc_address *node, emc_dump dump, const emc_call *call);

#ifdef __cplusplus
}
#endif
#endif
