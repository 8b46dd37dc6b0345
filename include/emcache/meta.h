/* The meta commands (mg ms md ma mn me), typed, and the patterns that users build on them, each one call.
 *
 * Servers: memcached 1.6.10 or later; what needs a later one says so. A server that is too old is recognised by its version: the operation ends with
 * EMC_ERROR_UNSUPPORTED and words that name the version needed, and nothing is sent. */
#ifndef EMCACHE_META_H
#define EMCACHE_META_H

#include <emcache/result.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a reply is asked to carry: bits of emc_meta_options.want, and of emc_meta_reply.present when it came. */
enum {
    EMC_META_VALUE = 1u << 0,       /**< v: the value (get, arithmetic) */
    EMC_META_FLAGS = 1u << 1,       /**< f: the item's flags (get) */
    EMC_META_CAS = 1u << 2,         /**< c: the item's cas value */
    EMC_META_TTL = 1u << 3,         /**< t: seconds left to live, -1 for ever; after what the command changes of it (get, arithmetic) */
    EMC_META_SIZE = 1u << 4,        /**< s: the value's length (get; set with 1.6.20) */
    EMC_META_HIT_BEFORE = 1u << 5,  /**< h: whether it was fetched before (get) */
    EMC_META_LAST_ACCESS = 1u << 6, /**< l: seconds since it was last accessed (get) */
    EMC_META_KEY = 1u << 7          /**< k: the key as the server has it (it is checked against the one asked) */
};

/** How the command is carried out: bits of emc_meta_options.modes. */
enum {
    EMC_META_BINARY_KEY = 1u << 0, /**< b: the key may have any bytes, 1..186 of them; sent in base64 */
    EMC_META_NO_BUMP = 1u << 1,    /**< u: don't count this access (get) */
    EMC_META_INVALIDATE = 1u << 2, /**< I: set: store as stale where `cas` is older than the item's; delete: mark stale instead of deleting */
    EMC_META_DROP_VALUE = 1u << 3, /**< x: delete: empty the value and clear the flags, keep the item (1.6.27) */
    EMC_META_QUIET = 1u << 4       /**< q: the server answers only the unusual; the outcome is made exact by an `mn` after it */
};

/** A number of emc_meta_options that is not given. */
#define EMC_META_UNSET INT64_MIN

/** What emc_meta_set() does: the letters of its M flag. */
typedef enum emc_meta_mode {
    EMC_META_MODE_SET = 0, /**< S */
    EMC_META_MODE_ADD,     /**< E */
    EMC_META_MODE_REPLACE, /**< R */
    EMC_META_MODE_APPEND,  /**< A; with vivify_ttl 1.6.20 */
    EMC_META_MODE_PREPEND  /**< P; with vivify_ttl 1.6.20 */
} emc_meta_mode;

/** The flags of a meta command. Start from emc_meta_options_init(), or give NULL for the defaults; a field that does not go with the command is refused. */
typedef struct emc_meta_options {
    size_t size;           /**< sizeof(emc_meta_options), by emc_meta_options_init() */
    uint32_t want;         /**< bits EMC_META_VALUE …; default 0 */
    uint32_t modes;        /**< bits EMC_META_BINARY_KEY …; default 0 */
    int64_t ttl;           /**< T: new time to live, as exptime; get, set, arithmetic; delete with EMC_META_INVALIDATE. EMC_META_UNSET */
    int64_t vivify_ttl;    /**< N: on a miss an empty (get, append, prepend) or initial (arithmetic) item of that ttl is made. EMC_META_UNSET */
    int64_t recache_below; /**< R: get: less than so many seconds left wins the right to recache. EMC_META_UNSET */
    uint64_t cas;          /**< C: only if the item's cas value is this (get: 1.6.40); 0: any (default) */
    uint64_t new_cas;      /**< E: the cas value the item shall have (1.6.27); 0: the server's (default) */
    uint64_t flags;        /**< F: set: the item's flags, 32 bits; default 0 */
    emc_meta_mode mode;    /**< M: set; default EMC_META_MODE_SET */
    bool decrement;        /**< arithmetic: subtract, stopping at 0; default false */
    uint64_t delta;        /**< D: arithmetic; default 1 */
    uint64_t initial;      /**< J: arithmetic with vivify_ttl: the number of a new item; default 0 */
    const char *opaque;    /**< O: 1..31 letters, digits and the like, which the reply repeats; NULL (default): none */
} emc_meta_options;

/** As emc_options_init_sized(). Any thread. Since 0.1. */
EMC_API void emc_meta_options_init_sized(emc_meta_options *options, size_t size);

/** Fills *options with its defaults. Any thread. Since 0.1. */
static inline void emc_meta_options_init(emc_meta_options *options)
{
    emc_meta_options_init_sized(options, sizeof *options);
}

/** Room for an opaque with its terminating zero. */
#define EMC_META_OPAQUE_SIZE 33

/** What came back beside the value. */
typedef struct emc_meta_reply {
    uint32_t present; /**< bits EMC_META_…: which of these are filled */
    bool won;         /**< W: this caller won the right to fill or recache */
    bool stale;       /**< X: the value is marked stale */
    bool already_won; /**< Z: another caller has won it */
    bool hit_before;
    int64_t ttl; /**< -1: for ever */
    uint64_t size;
    uint64_t last_access_s;
    uint64_t flags;
    uint64_t cas;
    char opaque[EMC_META_OPAQUE_SIZE]; /**< terminated; empty: none */
} emc_meta_reply;

/** mg. EMC_OK (a hit), EMC_MISS, EMC_EXISTS (options->cas differs). The item has a value with EMC_META_VALUE. reply_out may be NULL. Since 0.1. */
EMC_API emc_status emc_meta_get(emc_client *client, const void *key, size_t key_length, const emc_meta_options *options,
                                emc_item *item_out, emc_meta_reply *reply_out, const emc_call *call);
/** emc_meta_get() without waiting: result->meta has the reply. */
EMC_API emc_status emc_meta_get_async(emc_client *client, const void *key, size_t key_length, const emc_meta_options *options,
                                      const emc_call *call);

/** ms. EMC_OK, EMC_NOT_STORED, EMC_EXISTS, EMC_MISS. Since 0.1. */
EMC_API emc_status emc_meta_set(emc_client *client, const void *key, size_t key_length, const void *value, size_t value_length,
                                const emc_meta_options *options, emc_meta_reply *reply_out, const emc_call *call);
/** emc_meta_set() without waiting. */
EMC_API emc_status emc_meta_set_async(emc_client *client, const void *key, size_t key_length, const void *value, size_t value_length,
                                      const emc_meta_options *options, const emc_call *call);

/** md. EMC_OK, EMC_MISS, EMC_EXISTS. Since 0.1. */
EMC_API emc_status emc_meta_delete(emc_client *client, const void *key, size_t key_length, const emc_meta_options *options,
                                   emc_meta_reply *reply_out, const emc_call *call);
/** emc_meta_delete() without waiting. */
EMC_API emc_status emc_meta_delete_async(emc_client *client, const void *key, size_t key_length, const emc_meta_options *options,
                                         const emc_call *call);

/** ma. EMC_OK with the new number in *number_out (may be NULL; needs EMC_META_VALUE), EMC_MISS, EMC_NOT_STORED, EMC_EXISTS. Since 0.1. */
EMC_API emc_status emc_meta_arithmetic(emc_client *client, const void *key, size_t key_length, const emc_meta_options *options,
                                       uint64_t *number_out, emc_meta_reply *reply_out, const emc_call *call);
/** emc_meta_arithmetic() without waiting: result->number. */
EMC_API emc_status emc_meta_arithmetic_async(emc_client *client, const void *key, size_t key_length, const emc_meta_options *options,
                                             const emc_call *call);

/** mn: does nothing but answer. Since 0.1. */
EMC_API emc_status emc_meta_noop(emc_client *client, const emc_address *node, const emc_call *call);
/** emc_meta_noop() without waiting. */
EMC_API emc_status emc_meta_noop_async(emc_client *client, const emc_address *node, const emc_call *call);

/** me: what the server knows of an item, as "exp=-1 la=3 cas=2 fetch=no cls=1 size=63". text_out has `size` bytes; what does not fit is cut, and it is terminated. EMC_OK or EMC_MISS.
 *  A key that a text key can't be (spaces, control characters) is taken for a binary one, as with EMC_META_BINARY_KEY
 *  (memcached 1.6.45 takes no notice of that here: EMC_MISS). Absent on ElastiCache Serverless. Since 0.1. */
EMC_API emc_status emc_meta_debug(emc_client *client, const void *key, size_t key_length, char *text_out, size_t size,
                                  const emc_call *call);
/** emc_meta_debug() without waiting: result->value. */
EMC_API emc_status emc_meta_debug_async(emc_client *client, const void *key, size_t key_length, const emc_call *call);

/* ------------------------------------------------------------------ patterns */

/** The right to fill a key, won by emc_fetch(). Given to emc_fill() or emc_give_up(). */
typedef struct emc_lease {
    bool won;     /**< this caller is the one to load the value */
    bool stale;   /**< the value handed out is stale (it may be served while one caller loads) */
    uint64_t cas; /**< internal: names the lease */
} emc_lease;

/** Fetches a value with a lease, against stampedes: when the key is missing, stale, or has less than `recache_below_s` seconds left, exactly one caller gets
 *  lease_out->won and loads it; the others get the old value at once (lease_out->stale or a plain hit), or, where there is none, wait up to `wait_ms` for the
 *  winner and then get EMC_MISS with won false.
 *  EMC_OK: *item_out has a value. EMC_MISS: there is none; load it if lease_out->won. lease_s (1..2592000): how long a winner has. recache_below_s 0: no early recache.
 *  Since 0.1. */
EMC_API emc_status emc_fetch(emc_client *client, const void *key, size_t key_length, uint32_t lease_s, uint32_t recache_below_s,
                             uint32_t wait_ms, emc_item *item_out, emc_lease *lease_out, const emc_call *call);
/** One look without waiting for a winner: result->meta has won, stale, already_won and cas; a miss that somebody else is filling is EMC_MISS with already_won. */
EMC_API emc_status emc_fetch_async(emc_client *client, const void *key, size_t key_length, uint32_t lease_s, uint32_t recache_below_s,
                                   const emc_call *call);
/** Stores the value that a lease was won for. EMC_OK; EMC_EXISTS or EMC_MISS when the key was changed or deleted meanwhile (the value is then not stored). Since 0.1. */
EMC_API emc_status emc_fill(emc_client *client, const void *key, size_t key_length, const void *value, size_t value_length,
                            int64_t exptime, uint64_t flags, const emc_lease *lease, const emc_call *call);
/** emc_fill() without waiting. */
EMC_API emc_status emc_fill_async(emc_client *client, const void *key, size_t key_length, const void *value, size_t value_length,
                                  int64_t exptime, uint64_t flags, const emc_lease *lease, const emc_call *call);
/** Gives a lease back, when the value can't be loaded: the next caller wins at once. EMC_OK, EMC_EXISTS or EMC_MISS. Since 0.1. */
EMC_API emc_status emc_give_up(emc_client *client, const void *key, size_t key_length, const emc_lease *lease, const emc_call *call);
/** emc_give_up() without waiting. */
EMC_API emc_status emc_give_up_async(emc_client *client, const void *key, size_t key_length, const emc_lease *lease, const emc_call *call);
/** Marks a value stale for stale_s seconds (as exptime; stale-while-revalidate): the first emc_fetch() after it wins, the others get the stale value. EMC_OK or EMC_MISS. Since 0.1. */
EMC_API emc_status emc_invalidate(emc_client *client, const void *key, size_t key_length, int64_t stale_s, const emc_call *call);
/** emc_invalidate() without waiting. */
EMC_API emc_status emc_invalidate_async(emc_client *client, const void *key, size_t key_length, int64_t stale_s, const emc_call *call);
/** Counts: adds `delta` (negative: subtracts, stopping at 0) to a number, which begins with `initial` and `exptime` where there is none. EMC_OK with the number in
 *  *number_out (may be NULL). Since 0.1. */
EMC_API emc_status emc_count(emc_client *client, const void *key, size_t key_length, int64_t delta, uint64_t initial, int64_t exptime,
                             uint64_t *number_out, const emc_call *call);
/** emc_count() without waiting: result->number. */
EMC_API emc_status emc_count_async(emc_client *client, const void *key, size_t key_length, int64_t delta, uint64_t initial, int64_t exptime,
                                   const emc_call *call);

#ifdef __cplusplus
}
#endif
#endif
