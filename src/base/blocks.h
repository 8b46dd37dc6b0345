/* Variable-sized blocks for keys and values, cached by size class, so that the steady state asks the
 * allocator for nothing. Classes are 16, 32, 48, 64 bytes and then four to the octave up to 32768 (80, 96, 112,
 * 128, 160 …: at most a fifth is lost); a larger block goes straight to the allocator. What the cache keeps is bounded by retained_max bytes. */
#ifndef EMC_BASE_BLOCKS_H
#define EMC_BASE_BLOCKS_H

#include <stdint.h>

#include "base/allocator.h"
#include "base/rare.h"

#define EMC__BLOCK_CLASSES 40

struct emc__block {
    struct emc__block *next;
};

struct emc__blocks {
    const emc_allocator *allocator;
    size_t retained, retained_max;
    struct emc__block *free_lists[EMC__BLOCK_CLASSES];
};

void emc__blocks_init(struct emc__blocks *blocks, const emc_allocator *allocator, size_t retained_max);
void emc__blocks_deinit(struct emc__blocks *blocks);
/* NULL without memory. Aligned to 16. */
EMC__APART EMC__HOT void *emc__blocks_take(struct emc__blocks *blocks, size_t size);
/* Gives of what is kept back to the allocator until `kept` bytes are left, the largest blocks first; about `most` bytes in one call. */
void emc__blocks_trim(struct emc__blocks *blocks, size_t kept, size_t most);
/* `size` as it was taken. Accepts NULL. */
EMC__APART EMC__HOT void emc__blocks_give(struct emc__blocks *blocks, void *block, size_t size);

#endif
