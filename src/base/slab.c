/* Equal objects in chunks: see slab.h. Chunks do not double: with 100,000 operations in flight half of the memory would stand empty.
 *
 *   chunk i:  [header|object][header|object] …   chunk_objects of them
 *
 * An object's header has its index and a generation, odd while it is taken. */
#include "base/slab.h"

#include <assert.h>
#include <stddef.h>

struct emc__slab_header {
    struct emc__slab_header *next_free;
    uint32_t index, generation;
};

_Static_assert(sizeof(struct emc__slab_header) == 16, "objects stay aligned to 16");

void emc__slab_init(struct emc__slab *slab, const emc_allocator *allocator, size_t object_size, uint32_t chunk_objects,
                    uint32_t count_max)
{
    *slab = (struct emc__slab){
        .allocator = allocator,
        .object_size = ((object_size + 15) & ~(size_t)15) + sizeof(struct emc__slab_header),
        .chunk_objects = chunk_objects,
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

static bool add_chunk(struct emc__slab *slab)
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
        struct emc__slab_header *header = (struct emc__slab_header *)(void *)(chunk + n * slab->object_size);
        *header = (struct emc__slab_header){slab->free_list, first_index + n, 0};
        slab->free_list = header;
    }
    return true;
}

void *emc__slab_take(struct emc__slab *slab)
{
    if (slab->used == slab->used_max || (slab->free_list == NULL && !add_chunk(slab))) {
        return NULL;
    }
    struct emc__slab_header *header = slab->free_list;
    assert(header != NULL); /* a chunk has at least one object */
    slab->free_list = header->next_free;
    header->generation++;
    slab->used++;
    return header + 1;
}

void emc__slab_give(struct emc__slab *slab, void *object)
{
    struct emc__slab_header *header = (struct emc__slab_header *)object - 1;
    header->generation++;
    header->next_free = slab->free_list;
    slab->free_list = header;
    slab->used--;
}

uint64_t emc__slab_identity(const void *object)
{
    const struct emc__slab_header *header = (const struct emc__slab_header *)object - 1;
    return (uint64_t)header->generation << 32 | header->index;
}

void *emc__slab_find(const struct emc__slab *slab, uint64_t identity)
{
    uint32_t generation = (uint32_t)(identity >> 32);
    uint32_t index = (uint32_t)identity;
    if (generation % 2 == 0 || index / slab->chunk_objects >= slab->chunk_count) {
        return NULL;
    }
    uint8_t *chunk = slab->chunks[index / slab->chunk_objects];
    struct emc__slab_header *header = (struct emc__slab_header *)(void *)(chunk + index % slab->chunk_objects *
                                                                                      slab->object_size);
    return header->generation == generation ? header + 1 : NULL;
}
