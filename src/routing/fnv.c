/* FNV-1a, 64 bits, of which twemproxy keeps 32: the low half of a product needs the low halves of its factors alone. */
#include "routing/fnv.h"

uint32_t emc__fnv1a_64_low(struct emc__slice text)
{
    uint32_t hash = 0x84222325u; /* of 0xcbf29ce484222325 */
    for (size_t i = 0; i < text.length; i++) {
        uint32_t byte = (uint32_t)(int8_t)text.data[i];
        hash ^= byte;
        hash *= 0x1b3u; /* of 0x100000001b3 */
    }
    return hash;
}
