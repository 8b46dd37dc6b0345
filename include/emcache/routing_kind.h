/* The kinds of routing: how a key finds its node. Stands alone. */
#ifndef EMCACHE_ROUTING_KIND_H
#define EMCACHE_ROUTING_KIND_H

#ifdef __cplusplus
extern "C" {
#endif

/** How a key finds its node. Each kind gives, to the bit, the mapping of the client it is named after, so that a cluster
 *  that changes client keeps its cache. Nodes are named as they were given. Default EMC_ROUTING_EMCACHE. */
typedef enum emc_routing_kind {
    EMC_ROUTING_EMCACHE = 0,      /**< rendezvous as emcache 1.3 computes it on x86-64 (its coarse score included); weights are ignored */
    EMC_ROUTING_RENDEZVOUS,       /**< rendezvous with the full 64-bit score and weights */
    EMC_ROUTING_KETAMA_WEIGHTED,  /**< libmemcached's KETAMA_WEIGHTED: MD5, 160 points a node, weights */
    EMC_ROUTING_KETAMA,           /**< libmemcached's unweighted ketama: one_at_a_time, 100 points a node */
    EMC_ROUTING_KETAMA_MD5,       /**< the same with hash = MD5 in libmemcached: points and keys by MD5, 100 points a node */
    EMC_ROUTING_MODULA,           /**< libmemcached's default: one_at_a_time modulo the number of nodes */
    EMC_ROUTING_PYMEMCACHE,       /**< pymemcache's HashClient with str keys: murmur3_32 of "host:port-key" */
    EMC_ROUTING_PYMEMCACHE_BYTES, /**< the same with bytes keys, which pymemcache formats as b'…' */
    EMC_ROUTING_SPYMEMCACHED,     /**< spymemcached's ketama on "host:port-N" */
    EMC_ROUTING_TWEMPROXY,        /**< twemproxy: ketama points, keys by fnv1a_64 */
    EMC_ROUTING_JUMP,             /**< memcached's proxy: XXH3 and jump hash */
    EMC_ROUTING_MCROUTER,         /**< mcrouter's Ch3: furc_hash, up to `|#|` in the key */
    EMC_ROUTING_DALLI             /**< dalli: SHA1 ring, CRC32 of the key */
} emc_routing_kind;

#ifdef __cplusplus
}
#endif
#endif
