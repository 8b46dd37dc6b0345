/* A slab of equal objects: taken and given back in O(1), in chunks of one size, never moved. Each
 * object has a 64-bit identity (index and generation) that stops being valid when the object is given
 * back, so that a stale identity finds nothing rather than a stranger. */
#ifndef EMC_BASE_SLAB_H
#define EMC_BASE_SLAB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/allocator.h"

struct emc__slab {
    const emc_allocator *allocator;
    size_t object_size;                   /* as given, rounded up to 16, header included */
    uint32_t chunk_objects;               /* objects in a chunk */
    uint32_t chunk_count, chunk_capacity; /* chunks there are; room in the table for so many */
    uint32_t used, used_max;              /* taken now; the bound */
    struct emc__slab_header *free_list;
    uint8_t **chunks; /* the table, doubled as needed */
};

/* count_max: most objects taken at once. chunk_objects >= 1: objects in a chunk; the first is allocated at the first take. */
void emc__slab_init(struct emc__slab *slab, const emc_allocator *allocator, size_t object_size, uint32_t chunk_objects,
                    uint32_t count_max);
/* Releases every chunk, whatever is still taken. */
void emc__slab_deinit(struct emc__slab *slab);
/* An object with undefined contents; NULL at the bound or without memory. Aligned to 16. */
void *emc__slab_take(struct emc__slab *slab);
void emc__slab_give(struct emc__slab *slab, void *object);
/* Never 0. */
uint64_t emc__slab_identity(const void *object);
/* NULL when the object of that identity has been given back, or never was. */
void *emc__slab_find(const struct emc__slab *slab, uint64_t identity);

#endif
