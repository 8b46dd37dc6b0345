/* An allocator that counts what is out and fails when told to: after `left` more successes. */
#ifndef EMC_UNIT_FAILING_ALLOCATOR_H
#define EMC_UNIT_FAILING_ALLOCATOR_H

#include <stdlib.h>

#include "base/allocator.h"

struct failing_allocator {
    emc_allocator allocator;
    size_t left;        /* successes before failure; SIZE_MAX: never fails */
    size_t outstanding; /* blocks not given back */
    size_t calls;       /* allocations and reallocations asked for */
};

static inline bool failing_allocator_refuses(struct failing_allocator *failing)
{
    failing->calls++;
    if (failing->left == 0) {
        return true;
    }
    failing->left -= failing->left != SIZE_MAX;
    return false;
}

static inline void *failing_allocate(void *context, size_t size)
{
    struct failing_allocator *failing = context;
    void *block = failing_allocator_refuses(failing) ? NULL : malloc(size);
    failing->outstanding += block != NULL;
    return block;
}

static inline void *failing_reallocate(void *context, void *pointer, size_t size)
{
    return failing_allocator_refuses(context) ? NULL : realloc(pointer, size);
}

static inline void failing_release(void *context, void *pointer)
{
    struct failing_allocator *failing = context;
    failing->outstanding -= pointer != NULL;
    free(pointer);
}

static inline void failing_allocator_init(struct failing_allocator *failing)
{
    *failing = (struct failing_allocator){
        .allocator = {failing_allocate, failing_reallocate, failing_release, failing},
        .left = SIZE_MAX,
    };
}

#endif
