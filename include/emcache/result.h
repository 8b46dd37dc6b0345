/* How an operation's outcome is delivered: the call description that asks, the result that answers. */
#ifndef EMCACHE_RESULT_H
#define EMCACHE_RESULT_H

#include <emcache/client.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A string literal as the two arguments (pointer, length) that keys and values take. Anything else, a `char *` for instance, does not compile. */
#define EMC_STR(literal) ("" literal), (sizeof(literal) - 1)

/** A key in a list. Borrowed. */
typedef struct emc_key {
    const void *data;
    size_t length; /**< 1..250 (with the client's prefix) */
} emc_key;

struct emc_meta_reply; /* meta.h */

/** An outcome. Every pointer is borrowed until the callback returns. */
typedef struct emc_result {
    emc_status status; /**< >= 0: the server's answer; < 0: an error */
    bool last;         /**< false: more results of this operation follow (bulk and streaming commands) */
    size_t index;      /**< bulk: which key of the list; else 0 */
    const void *key;   /**< bulk and streams: the key (without the client's prefix), or a stat's name; else NULL */
    size_t key_length;
    const void *value; /**< the value, a stat's value, a version; NULL unless EMC_OK and the command gives one */
    size_t value_length;
    uint64_t flags;                    /**< the item's flags */
    uint64_t cas;                      /**< the item's cas value, where the command asks for it */
    uint64_t number;                   /**< the new number after incr and decr */
    const char *message;               /**< on errors: what the server, the system or the library says; else NULL */
    const emc_address *node;           /**< the node asked; NULL when none was */
    const struct emc_meta_reply *meta; /**< meta commands: the flags that came back; else NULL */
} emc_result;

/** Receives an outcome. Called on the thread that runs the client, from emc_client_process(), emc_client_wait(), a blocking call or
 *  emc_client_destroy(), never from the call that submits. May submit, cancel, change membership or destroy the client; must not call a blocking
 *  command, process or wait. */
typedef void emc_callback(void *user_data, const emc_result *result);

/** Gives memory for a value of `length` >= 1 bytes, which is then received straight into it; the result's `value` points there. NULL: out of memory; the operation ends with
 *  EMC_ERROR_MEMORY. `index` as in the result. Called at most once for a value, on the thread that runs the client; when the operation then ends otherwise than with this value
 *  (timeout, cancel, connection lost), the memory is not touched after its callback. Must not call into the client. */
typedef void *emc_value_allocate(void *user_data, size_t index, size_t length);

/** No timeout of its own: the client's. */
#define EMC_TIMEOUT_DEFAULT 0u

/** Bits of emc_call.options. */
enum {
    EMC_CALL_NOREPLY = 1u << 0 /**< the server is asked not to answer; completes with EMC_OK once written (storage, delete, incr, decr, touch, flush_all, verbosity). An
                                    error of the server is not seen, but never mistaken for another operation's answer */
};

/** How one call is to be carried out. Zero-initialised means: all defaults. Borrowed until the submitting call returns. */
typedef struct emc_call {
    emc_callback *callback;            /**< _async: receives the outcome(s); NULL: nobody hears. Blocking: must be NULL */
    void *user_data;                   /**< handed to callback, allocate, released */
    uint32_t timeout_ms;               /**< 1.., EMC_NO_LIMIT, or EMC_TIMEOUT_DEFAULT (0) for the client's */
    uint32_t options;                  /**< EMC_CALL_… */
    emc_value_allocate *allocate;      /**< _async: where values go; NULL: memory of the library, borrowed until the callback returns. Blocking: must be NULL */
    size_t allocate_from;              /**< _async: smallest value that `allocate` is asked for (smaller ones are borrowed); default 0: every value */
    void (*released)(void *user_data); /**< called once when a value given to a storage command is no longer looked at (values above 16 KiB are borrowed, not copied), after or before the outcome; may be NULL when the
                                         value outlives the client. Smaller values are copied: called before the submitting call returns. Blocking: not called, for nothing of the value is looked at
                                         when the call has returned, whatever its outcome. Must not call into the client */
    const void *routing_key;           /**< the node is found by this instead of the key (of all keys, in a bulk call), hash tags included, so that what belongs together lies
                                         together. It never goes on the wire. Whoever reads must name the same as whoever wrote. NULL (default): by the key */
    size_t routing_key_length;         /**< 0 or more bytes of any kind; default 0 */
    uint64_t *operation_out;           /**< receives the operation's identity, for emc_cancel() (blocking: by another operation's callback). 0 for set_many and delete_many, which are many.
                                         Untouched when the call is refused. May be NULL */
} emc_call;

/** Cancels: the operation completes with EMC_ERROR_CANCELLED in the next process (not in this call); its late reply is recognised and dropped, the connection stays.
 *  Returns EMC_OK, or EMC_MISS when there is no such operation any more. Since 0.1. */
EMC_API emc_status emc_cancel(emc_client *client, uint64_t operation);

/** What a blocking retrieval gives. The caller owns `value`: emc_item_release(). */
typedef struct emc_item {
    emc_status status; /**< bulk: this key's outcome */
    void *value;       /**< a terminating zero follows the value; NULL when there is none */
    size_t value_length;
    uint64_t flags;
    uint64_t cas;
} emc_item;

/** Releases the value and zeroes the item. Accepts an item without a value, and NULL. Since 0.1. */
EMC_API void emc_item_release(emc_item *item);
/** The same for `count` items. Since 0.1. */
EMC_API void emc_items_release(emc_item *items, size_t count);

#ifdef __cplusplus
}
#endif
#endif
