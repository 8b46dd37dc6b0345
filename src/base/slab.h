/* A slab of equal objects: taken and given back in O(1), in chunks of one size, never moved. Each
 * object has a 64-bit identity (index and generation) that stops being valid when the object is given
 * back, so that a stale identity finds nothing rather than a stranger. */
#ifndef EMC_BASE_SLAB_H
#define EMC_BASE_SLAB_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/allocator.h"
#include "base/rare.h"

/* In front of each object. A free object's own first bytes link it to the next free one. */
struct emc__slab_header {
    uint32_t index, generation; /* the generation is odd while the object is taken */
};

struct emc__slab_free {
    struct emc__slab_free *next;
};

struct emc__slab {
    const emc_allocator *allocator;
    size_t object_size;                   /* as given, rounded up to 8, header included */
    uint32_t chunk_objects, chunk_shift;  /* objects in a chunk: 1 << chunk_shift */
    uint32_t chunk_count, chunk_capacity; /* chunks there are; room in the table for so many */
    uint32_t used, used_max;              /* taken now; the bound */
    struct emc__slab_free *free_list;
    uint8_t **chunks; /* the table, doubled as needed */
};

/* count_max: most objects taken at once. chunk_objects, a power of two: objects in a chunk; the first is allocated at the first take. */
void emc__slab_init(struct emc__slab *slab, const emc_allocator *allocator, size_t object_size, uint32_t chunk_objects,
                    uint32_t count_max);
/* Releases every chunk, whatever is still taken. */
void emc__slab_deinit(struct emc__slab *slab);
/* Fills the free list with another chunk; false without memory. For emc__slab_take. */
EMC__RARE bool emc__slab_add_chunk(struct emc__slab *slab);
/* NULL when the object of that identity has been given back, or never was. */
void *emc__slab_find(const struct emc__slab *slab, uint64_t identity);

static inline struct emc__slab_header *emc__slab_header_of(const void *object)
{
    return (struct emc__slab_header *)(uintptr_t)object - 1;
}

/* An object with undefined contents; NULL at the bound or without memory. Aligned to 8. */
static inline void *emc__slab_take(struct emc__slab *slab)
{
    if (slab->used == slab->used_max || (slab->free_list == NULL && !emc__slab_add_chunk(slab))) {
        return NULL;
    }
    struct emc__slab_free *object = slab->free_list;
    assert(object != NULL); /* a chunk has at least one object */
    slab->free_list = object->next;
    emc__slab_header_of(object)->generation++;
    slab->used++;
    return object;
}

static inline void emc__slab_give(struct emc__slab *slab, void *object)
{
    struct emc__slab_free *freed = object;
    emc__slab_header_of(object)->generation++;
    freed->next = slab->free_list;
    slab->free_list = freed;
    slab->used--;
}

/* Never 0. */
static inline uint64_t emc__slab_identity(const void *object)
{
    const struct emc__slab_header *header = emc__slab_header_of(object);
    return (uint64_t)header->generation << 32 | header->index;
}

#endif
