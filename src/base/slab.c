/* Equal objects in chunks that double: see slab.h.
 *
 *   chunk i:  [header|object][header|object] …   first_chunk_count << i of them
 *
 * An object's header has its index and a generation, odd while it is taken. */
#include "base/slab.h"

#include <stddef.h>

struct emc__slab_header {
    struct emc__slab_header *next_free;
    uint32_t index, generation;
};

_Static_assert(sizeof(struct emc__slab_header) == 16, "objects stay aligned to 16");

void emc__slab_init(struct emc__slab *slab, const emc_allocator *allocator, size_t object_size,
                    uint32_t first_chunk_count, uint32_t count_max)
{
    *slab = (struct emc__slab){
        .allocator = allocator,
        .object_size = ((object_size + 15) & ~(size_t)15) + sizeof(struct emc__slab_header),
        .first_chunk_count = first_chunk_count,
        .used_max = count_max,
    };
}

void emc__slab_deinit(struct emc__slab *slab)
{
    for (uint32_t i = 0; i < slab->chunk_count; i++) {
        emc__release(slab->allocator, slab->chunks[i]);
    }
    slab->chunk_count = 0;
    slab->free_list = NULL;
}

static bool add_chunk(struct emc__slab *slab)
{
    uint32_t i = slab->chunk_count;
    if (i == EMC__SLAB_CHUNKS_MAX || (uint64_t)slab->first_chunk_count << i > UINT32_MAX / 2) {
        return false;
    }
    uint32_t count = slab->first_chunk_count << i;
    uint32_t first_index = slab->first_chunk_count * ((1u << i) - 1);
    uint8_t *chunk = emc__allocate(slab->allocator, (size_t)count * slab->object_size);
    if (chunk == NULL) {
        return false;
    }
    slab->chunks[slab->chunk_count++] = chunk;
    for (uint32_t n = count; n-- > 0;) {
        struct emc__slab_header *header = (struct emc__slab_header *)(void *)(chunk + (size_t)n * slab->object_size);
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
    uint64_t index = (uint32_t)identity;
    uint32_t chunk = 0;
    if (generation % 2 == 0) {
        return NULL;
    }
    while (chunk < slab->chunk_count && index >= (uint64_t)slab->first_chunk_count << chunk) {
        index -= (uint64_t)slab->first_chunk_count << chunk;
        chunk++;
    }
    if (chunk == slab->chunk_count) {
        return NULL;
    }
    struct emc__slab_header *header = (struct emc__slab_header *)(void *)(slab->chunks[chunk] + index * slab->object_size);
    return header->generation == generation ? header + 1 : NULL;
}
