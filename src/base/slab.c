/* Equal objects in chunks: see slab.h. Chunks do not double: with 100,000 operations in flight half of the memory would stand empty.
 *
 *   chunk i:  [header|object][header|object] …   chunk_objects of them */
#include "base/slab.h"

#include <stddef.h>

_Static_assert(sizeof(struct emc__slab_header) == 8, "objects stay aligned to 8");

void emc__slab_init(struct emc__slab *slab, const emc_allocator *allocator, size_t object_size, uint32_t chunk_objects,
                    uint32_t count_max)
{
    assert(chunk_objects > 0 && (chunk_objects & (chunk_objects - 1)) == 0);
    *slab = (struct emc__slab){
        .allocator = allocator,
        .object_size = ((object_size + 7) & ~(size_t)7) + sizeof(struct emc__slab_header),
        .chunk_objects = chunk_objects,
        .chunk_shift = (uint32_t)__builtin_ctz(chunk_objects),
        .used_max = count_max,
    };
}

void emc__slab_deinit(struct emc__slab *slab)
{
    for (uint32_t i = 0; i < slab->chunk_count; i++) {
        emc__release(slab->allocator, slab->chunks[i]);
    }
    emc__release(slab->allocator, slab->chunks);
    slab->chunks = NULL;
    slab->chunk_count = slab->chunk_capacity = slab->used = 0;
    slab->free_list = NULL;
}

static bool reserve_table(struct emc__slab *slab)
{
    if (slab->chunk_count < slab->chunk_capacity) {
        return true;
    }
    uint32_t capacity = slab->chunk_capacity > 0 ? slab->chunk_capacity * 2 : 8;
    uint8_t **chunks = emc__reallocate(slab->allocator, slab->chunks, capacity * sizeof(uint8_t *));
    if (chunks == NULL) {
        return false;
    }
    slab->chunks = chunks;
    slab->chunk_capacity = capacity;
    return true;
}

static struct emc__slab_header *header_at(const struct emc__slab *slab, uint8_t *chunk, uint32_t number)
{
    return (struct emc__slab_header *)(void *)(chunk + number * slab->object_size);
}

bool emc__slab_add_chunk(struct emc__slab *slab)
{
    uint64_t next_index = (uint64_t)slab->chunk_count * slab->chunk_objects;
    if (next_index + slab->chunk_objects > UINT32_MAX || !reserve_table(slab)) {
        return false;
    }
    uint8_t *chunk = emc__allocate(slab->allocator, slab->chunk_objects * slab->object_size);
    if (chunk == NULL) {
        return false;
    }
    uint32_t first_index = (uint32_t)next_index;
    slab->chunks[slab->chunk_count++] = chunk;
    for (uint32_t n = slab->chunk_objects; n-- > 0;) {
        struct emc__slab_header *header = header_at(slab, chunk, n);
        struct emc__slab_free *object = (struct emc__slab_free *)(void *)(header + 1);
        *header = (struct emc__slab_header){first_index + n, 0};
        object->next = slab->free_list;
        slab->free_list = object;
    }
    return true;
}

void *emc__slab_find(const struct emc__slab *slab, uint64_t identity)
{
    uint32_t generation = (uint32_t)(identity >> 32);
    uint32_t index = (uint32_t)identity;
    if (generation % 2 == 0 || index >> slab->chunk_shift >= slab->chunk_count) {
        return NULL;
    }
    struct emc__slab_header *header = header_at(slab, slab->chunks[index >> slab->chunk_shift],
                                                index & (slab->chunk_objects - 1));
    return header->generation == generation ? header + 1 : NULL;
}
