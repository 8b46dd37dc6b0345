/* MD5 (RFC 1321), of our own: one short block at a time, without a context, an allocation or a provider (docs/decisions/). A mapping of keys to
 * nodes, never anything that must be secure. */
#ifndef EMC_ROUTING_MD5_H
#define EMC_ROUTING_MD5_H

#include "base/slice.h"

/* The digest as its four little-endian words. */
void emc__md5(struct emc__slice text, uint32_t words_out[4]);
/* Its first word: what the ketama of libmemcached and of spymemcached takes for a key's hash. */
uint32_t emc__md5_first(struct emc__slice text);
/* The same of many, word i of text i: short ones (below 56 bytes) are hashed side by side, which takes a quarter of the time. */
void emc__md5_first_many(const struct emc__slice *texts, size_t count, uint32_t *words_out);

#endif
