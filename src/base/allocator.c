/* The client's allocator: see allocator.h. */
#include "base/allocator.h"

#include <stdlib.h>
#include <string.h>

#include "base/rare.h"

EMC__HOT static void *standard_allocate(void *context, size_t size)
{
    (void)context;
    return malloc(size);
}

static void *standard_reallocate(void *context, void *pointer, size_t size)
{
    (void)context;
    return realloc(pointer, size);
}

EMC__HOT static void standard_release(void *context, void *pointer)
{
    (void)context;
    free(pointer);
}

const emc_allocator emc__allocator_standard = {standard_allocate, standard_reallocate, standard_release, NULL};

void *emc__allocate(const emc_allocator *allocator, size_t size)
{
    return size == 0 ? NULL : allocator->allocate(allocator->context, size);
}

void *emc__allocate_zeroed(const emc_allocator *allocator, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size) {
        return NULL;
    }
    void *memory = emc__allocate(allocator, count * size);
    if (memory != NULL) {
        memset(memory, 0, count * size);
    }
    return memory;
}

void *emc__reallocate(const emc_allocator *allocator, void *pointer, size_t size)
{
    if (pointer == NULL) {
        return emc__allocate(allocator, size);
    }
    return size == 0 ? NULL : allocator->reallocate(allocator->context, pointer, size);
}

void emc__release(const emc_allocator *allocator, void *pointer)
{
    if (pointer != NULL) {
        allocator->release(allocator->context, pointer);
    }
}

char *emc__copy_string(const emc_allocator *allocator, const char *string, size_t length)
{
    char *copy = length == SIZE_MAX ? NULL : emc__allocate(allocator, length + 1);
    if (copy != NULL) {
        if (length > 0) {
            memcpy(copy, string, length);
        }
        copy[length] = '\0';
    }
    return copy;
}

void emc__wipe(void *memory, size_t length)
{
    if (length > 0) {
        explicit_bzero(memory, length);
    }
}
