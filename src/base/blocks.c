/* Blocks by size class: see blocks.h. */
#include "base/blocks.h"

#define LINEAR_MAX 64 /* up to here a class for every 16 bytes */
#define LARGEST    32768
#define NO_CLASS   EMC__BLOCK_CLASSES

/* Above LINEAR_MAX: the octave, then the quarter of it that the size falls into. */
static unsigned class_of(size_t size)
{
    if (size <= LINEAR_MAX) {
        return size == 0 ? 0 : (unsigned)(size - 1) / 16;
    }
    if (size > LARGEST) {
        return NO_CLASS;
    }
    unsigned last = (unsigned)size - 1;
    unsigned octave = 31 - (unsigned)__builtin_clz(last);
    return 4 * (octave - 6) +
           (last >> (octave - 2)); /* the octave's leading bit is the fourth quarter of what precedes it */
}

static const uint16_t class_sizes[EMC__BLOCK_CLASSES] = {
    16,   32,   48,   64,   80,    96,    112,   128,   160,   192,   224,   256,  320,  384,
    448,  512,  640,  768,  896,   1024,  1280,  1536,  1792,  2048,  2560,  3072, 3584, 4096,
    5120, 6144, 7168, 8192, 10240, 12288, 14336, 16384, 20480, 24576, 28672, 32768};

void emc__blocks_init(struct emc__blocks *blocks, const emc_allocator *allocator, size_t retained_max)
{
    *blocks = (struct emc__blocks){.allocator = allocator, .retained_max = retained_max};
}

void emc__blocks_deinit(struct emc__blocks *blocks)
{
    for (unsigned i = 0; i < EMC__BLOCK_CLASSES; i++) {
        while (blocks->free_lists[i] != NULL) {
            struct emc__block *block = blocks->free_lists[i];
            blocks->free_lists[i] = block->next;
            emc__release(blocks->allocator, block);
        }
    }
    blocks->retained = 0;
}

void emc__blocks_trim(struct emc__blocks *blocks, size_t kept, size_t most)
{
    size_t least = blocks->retained > most ? blocks->retained - most : 0;
    least = least > kept ? least : kept;
    for (unsigned i = EMC__BLOCK_CLASSES; i-- > 0;) {
        while (blocks->free_lists[i] != NULL && blocks->retained > least) {
            struct emc__block *block = blocks->free_lists[i];
            blocks->free_lists[i] = block->next;
            blocks->retained -= class_sizes[i];
            emc__release(blocks->allocator, block);
        }
    }
}

void *emc__blocks_take(struct emc__blocks *blocks, size_t size)
{
    unsigned class_index = class_of(size);
    if (class_index == NO_CLASS) {
        return emc__allocate(blocks->allocator, size);
    }
    struct emc__block *block = blocks->free_lists[class_index];
    if (block == NULL) {
        return emc__allocate(blocks->allocator, class_sizes[class_index]);
    }
    blocks->free_lists[class_index] = block->next;
    blocks->retained -= class_sizes[class_index];
    return block;
}

void emc__blocks_give(struct emc__blocks *blocks, void *block, size_t size)
{
    unsigned class_index = class_of(size);
    if (block == NULL) {
        return;
    }
    if (class_index == NO_CLASS || blocks->retained + class_sizes[class_index] > blocks->retained_max) {
        emc__release(blocks->allocator, block);
        return;
    }
    struct emc__block *freed = block;
    freed->next = blocks->free_lists[class_index];
    blocks->free_lists[class_index] = freed;
    blocks->retained += class_sizes[class_index];
}
