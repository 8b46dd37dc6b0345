/* Jenkins's one-at-a-time on signed bytes. */
#include "routing/one_at_a_time.h"

uint32_t emc__one_at_a_time(struct emc__slice text)
{
    uint32_t hash = 0;
    for (size_t i = 0; i < text.length; i++) {
        uint32_t byte = (uint32_t)(int8_t)text.data[i];
        hash += byte;
        hash += hash << 10;
        hash ^= hash >> 6;
    }
    hash += hash << 3;
    hash ^= hash >> 11;
    return hash + (hash << 15);
}
