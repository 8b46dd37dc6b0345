/* Hash tags: the part of a key that routing looks at. */
#include "routing/routing.h"

struct emc__slice emc__routing_key(struct emc__slice key, char open, char close)
{
    const uint8_t *begin = open != 0 && key.length > 0 ? memchr(key.data, open, key.length) : NULL;
    if (begin == NULL) {
        return key;
    }
    size_t left = key.length - (size_t)(begin - key.data) - 1;
    const uint8_t *end = memchr(begin + 1, close, left);
    return end == NULL || end == begin + 1 ? key : (struct emc__slice){begin + 1, (size_t)(end - begin) - 1};
}
