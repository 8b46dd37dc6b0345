/* The hash of the client's own tables, which the mapping of memcached's proxy uses as well. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "routing/routing.h"

uint64_t emc__hash_key(struct emc__slice key, uint64_t seed)
{
    return XXH3_64bits_withSeed(key.data, key.length, seed);
}
