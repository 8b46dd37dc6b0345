/* What a client can be told at creation. Every field has a default: start from emc_options_init() and change what you need. */
#ifndef EMCACHE_OPTIONS_H
#define EMCACHE_OPTIONS_H

#include <emcache/platform.h>
#include <emcache/routing_kind.h>

#ifdef __cplusplus
extern "C" {
#endif

/** For a duration in milliseconds: no limit. */
#define EMC_NO_LIMIT UINT32_MAX

/** What happens to operations whose node is unhealthy (docs/failover.md). Nothing that was submitted before is repeated elsewhere. */
typedef enum emc_failover {
    EMC_FAILOVER_FAIL = 0, /**< they fail at once with EMC_ERROR_NODE_DOWN; routing does not move */
    EMC_FAILOVER_NEXT,     /**< they go to the next node in the key's order of preference (same as purge_unhealthy_nodes, key by key) */
    EMC_FAILOVER_GUTTER    /**< they go to the gutter nodes, with gutter_exptime as their longest expiry */
} emc_failover;

/** TLS. All strings are borrowed until emc_client_create() (or emc_client_reload_tls()) returns; nothing of them is kept. */
typedef struct emc_tls_options {
    bool enabled;                 /**< default false: connections are plain, and files set here are refused */
    bool verify;                  /**< check the server's certificate chain and name; default true. Nothing but this turns checking off */
    const char *extra_ca_file;    /**< PEM file of certificate authorities trusted beside the system's; default NULL */
    const char *trust_file;       /**< PEM file trusted instead of the system's store; default NULL */
    const char *trust_folder;     /**< folder of certificates named by their hashes (`openssl rehash`), trusted likewise, alone or beside trust_file; default NULL */
    const char *certificate_file; /**< the client's certificate chain, PEM; default NULL. Goes with key_file */
    const char *key_file;         /**< the client's private key, PEM; default NULL */
    const char *key_password;     /**< for an encrypted key; default NULL. Not kept: the caller may wipe it when the call has returned */
    uint32_t version_min;         /**< 12 (TLS 1.2, what memcached asks at least) or 13; default 12 */
    bool session_resumption;      /**< default true */
} emc_tls_options;

/** Autodiscovery: where the list of nodes comes from when it is not fixed. */
typedef enum emc_discovery {
    EMC_DISCOVERY_NONE = 0, /**< the nodes are those given */
    EMC_DISCOVERY_CLUSTER,  /**< `config get cluster` at the address given (ElastiCache, Memorystore); of several the next after each failure */
    EMC_DISCOVERY_DNS,      /**< all A and AAAA records of the one host given */
    EMC_DISCOVERY_DNS_SRV   /**< SRV records of the one name given: their targets by name, with the ports and weights of the records */
} emc_discovery;

/** One operation's beginning or end, for a trace. Pointers are borrowed until the callback returns. */
typedef struct emc_trace_event {
    bool ended;          /**< false: it was accepted; true: it has its outcome */
    uint64_t operation;  /**< its identity, the same at both ends; as emc_call.operation_out gives it */
    const char *command; /**< as on the wire: "get", "set", "mg", "stats" … Static. That of a bulk call is its lines' */
    const void *key;     /**< with the client's prefix (base64 for a binary one); NULL for commands without key and for bulk calls */
    size_t key_length;
    size_t keys;                    /**< how many keys it asks for: 1, more for a bulk call, 0 for a command to a node */
    const struct emc_address *node; /**< the node it goes to; NULL: none, or for a bulk call several */
    size_t bytes;                   /**< of the value (a bulk call: of all its values): to be stored when it begins, received when it has ended */
    uint64_t duration_ns;           /**< from its beginning to its end; 0 when it begins */
    emc_status status;              /**< how it ended; EMC_OK when it begins */
} emc_trace_event;

/** Hears of every operation's beginning (inside the submitting call) and end (just before its callback), on the thread that uses the client. Must not call into it.
 *  set_many and delete_many are as many operations. Connections' own questions are not told. */
typedef void emc_trace_callback(void *context, const emc_trace_event *event);

/** Everything about a client but its nodes. Durations are milliseconds, 2147483647 (24 days) at most where no other end is named; sizes bytes. Strings are borrowed until
 *  create returns. What is out of its range is refused by emc_client_create(), in words that name it;
 *  so is what was set and belongs to something that is off: tls without tls.enabled, discovery_… without discovery, gutter_… without EMC_FAILOVER_GUTTER. */
typedef struct emc_options {
    size_t size; /**< sizeof(emc_options): set by emc_options_init(), tells the library which fields the program knows; a library that knows fewer refuses it */

    /* Operations */
    uint32_t timeout_ms;            /**< how long an operation may take from the end of the tick it was submitted in; 1.. or EMC_NO_LIMIT; default 1000 */
    uint32_t connection_timeout_ms; /**< how long one attempt to connect may take, look-up, TLS and authentication included; 1.. or EMC_NO_LIMIT; default 5000 */
    uint32_t busy_poll_us;          /**< microseconds in which a blocking call asks for its answer again and again before it sleeps until it comes; 0..1000; 0 (default): it sleeps at once. Keeps a core busy so long at each call. For answers that come within that time from a server on another core or over a fast network: there most of a round trip is the waking of a core that sleeps. Harmful where client and server share a core, or cores are scarce. Left out more and more often while the answers come later. Only where one connection is waited for, TCP or Unix, without TLS, and not with `threaded`; deadlines hold as without it. docs/performance.md has what it gains */

    /* Pools */
    uint32_t connections_min;                   /**< connections a node keeps; 0..connections_max; default 1 */
    uint32_t connections_max;                   /**< connections a node may have, one more while it dumps its keys; 1..64; default 2 */
    uint32_t purge_unused_connections_after_ms; /**< a connection beyond the minimum that was not used for so long is closed; 1.. or EMC_NO_LIMIT; default 60000 */
    uint32_t pool_growth_after_ms;              /**< a connection that refuses bytes for so long makes the pool grow; 1..; default 10 */

    /* Health (docs/health.md has the exact rules) */
    bool purge_unhealthy_nodes;        /**< an unhealthy node leaves the routing until it is healthy again; default false */
    uint32_t health_attempts;          /**< failed attempts in a row, without a connection, that make a node unhealthy; 1..1000; default 3 */
    uint32_t health_disconnected_ms;   /**< time without a connection that makes a node unhealthy; 1..; default 1000 */
    uint32_t health_silence_ms;        /**< time in which replies are owed and no byte comes, after which a node is asked on a fresh connection; 1.. or EMC_NO_LIMIT; default 1000 */
    uint32_t health_question_ms;       /**< time within which that question must be answered; 1..; default 1000 */
    uint32_t health_answers_elsewhere; /**< a connection that alone stays silent is closed after its node has answered on others so many times, health_silence_ms apart; 1..1000 or EMC_NO_LIMIT; default 3 */
    uint32_t backoff_min_ms;           /**< first pause between attempts; 1..backoff_max_ms; default 100 */
    uint32_t backoff_max_ms;           /**< longest pause, and longest attempt while a node is down; default 1000 */
    uint32_t keepalive_ms;             /**< an idle connection is asked `version` after so long; 1.. or EMC_NO_LIMIT; default 10000 */
    bool ask_version;                  /**< ask `version` when a connection is new; default true; off for old proxies (health then rests on connecting alone, and meta commands are refused) */

    /* Routing */
    emc_routing_kind routing; /**< default EMC_ROUTING_EMCACHE */
    char hash_tag_open;       /**< routing looks only at what stands between these two, when both are in the key; 0: off (default) */
    char hash_tag_close;
    emc_failover failover;         /**< default EMC_FAILOVER_FAIL */
    const void *gutter_nodes;      /**< emc_address array for EMC_FAILOVER_GUTTER (not used by the others), borrowed until create returns; none may be a member; default NULL */
    size_t gutter_node_count;      /**< default 0; refused without EMC_FAILOVER_GUTTER */
    uint32_t gutter_exptime;       /**< longest expiry, in seconds, of what is stored in the gutter; 1..2592000; default 10 */
    uint32_t return_steady_ms;     /**< a node that was unhealthy is used again only after it answered for so long, and connections that break sooner count as failed attempts; 0 (default): at once */
    uint32_t deletes_replayed_max; /**< keys that a node must delete before it serves again: deletes that did not reach it and changes made elsewhere while it was down; at most so many are remembered for each node; 0..1000000; 0 (default): off. Not with purge_unhealthy_nodes */

    /* Autodiscovery */
    emc_discovery discovery;             /**< default EMC_DISCOVERY_NONE */
    uint32_t discovery_interval_ms;      /**< 100..; default 60000; a tenth of it after a failure and while a node is down; A and AAAA records: their TTL where that is shorter */
    uint32_t discovery_timeout_ms;       /**< for one question; 1..; default 5000 */
    uint32_t discovery_start_timeout_ms; /**< how long emc_client_create() waits for the first answer (it fails with EMC_ERROR_NO_NODES, or at once with EMC_ERROR_UNSUPPORTED when every endpoint has no configuration); 0: not at all, operations fail with EMC_ERROR_NO_NODES until it comes; default 10000 */

    /* Authentication; both or none. 1..250 bytes each, without line breaks; the user name without spaces. Wiped from memory when the client is destroyed; never logged. */
    const char *username; /**< default NULL */
    const char *password; /**< default NULL */
    bool sasl;            /**< SASL PLAIN over the binary protocol (memcached -S) instead of ASCII (-Y); default false */

    emc_tls_options tls; /**< default: off */

    /* Limits */
    uint32_t operations_max;                /**< operations at once in the client; 1..16777216; default 1048576 */
    uint32_t operations_per_connection_max; /**< of them, waiting for or in flight on one connection; 1..16777216; default 262144 */
    size_t bytes_waiting_max;               /**< request bytes waiting for one connection; 65536..SIZE_MAX / 64; default 16 MiB */
    size_t value_length_max;                /**< longest value accepted from a server, and to be stored; 1..SIZE_MAX / 4 + 1; default 1 GiB */
    size_t line_length_max;                 /**< longest reply line accepted from a server; 512..65536; default 4096 */
    size_t stats_lines_max;                 /**< most lines of one stats reply; 1..; default 100000 */
    size_t discovery_length_max;            /**< longest configuration accepted from a discovery endpoint; 1024..65536; default 65536 */
    uint32_t keys_per_line_max;             /**< most keys of one multi-key get; 1..1000; default 1000. Smaller ones cost speed; for proxies and servers that want them */
    uint32_t gather_after_flushes;          /**< when the requests of so many ticks are unanswered on a connection, further ones are gathered until they are an eighth of what is in flight there, or one of those ticks is answered; 1..65536; default 4. docs/performance.md has what it saves */
    bool quiet_writes;                      /**< long runs of set and delete go without a reply each, fenced (see docs/performance.md); default true */

    const char *key_prefix; /**< put before every key on the wire (not part of routing); 0..200 bytes that a key may have; default NULL */

    const emc_allocator *allocator; /**< copied; default NULL: malloc */
    emc_log_callback *log;          /**< default NULL: nothing is logged */
    void *log_context;
    emc_log_level log_level;   /**< default EMC_LOG_WARNING */
    emc_trace_callback *trace; /**< hears of every operation; default NULL: nobody */
    void *trace_context;
    bool threaded; /**< any thread may use the client, and a thread of its own runs it: see emc_client; default false */
} emc_options;

/** The defaults of emc_tls_options. */
#define EMC_TLS_OPTIONS_INIT                                      \
    {                                                             \
        false, true, NULL, NULL, NULL, NULL, NULL, NULL, 12, true \
    }

/** Fills the first `size` bytes of *options, which are all that the program knows of it, with every default. For those who can't call emc_options_init(), which is in this header.
 *  Any thread. Since 0.1. */
EMC_API void emc_options_init_sized(emc_options *options, size_t size);

/** Fills *options with every default. Any thread. Since 0.1. */
static inline void emc_options_init(emc_options *options)
{
    emc_options_init_sized(options, sizeof *options);
}

/** The defaults, as an expression: `emc_options options = emc_options_default();`. Any thread. Since 0.1. */
static inline emc_options emc_options_default(void)
{
    emc_options options;
    emc_options_init(&options);
    return options;
}

#ifdef __cplusplus
}
#endif
#endif
