/* Memory, by way of the client's injected allocator. Every pointer is released with the allocator it came
 * from; release accepts NULL. */
#ifndef EMC_BASE_ALLOCATOR_H
#define EMC_BASE_ALLOCATOR_H

#include <stddef.h>

#include <emcache/platform.h>

/* malloc, realloc, free. */
extern const emc_allocator emc__allocator_standard;

/* NULL when there is no memory, or when size is 0. */
void *emc__allocate(const emc_allocator *allocator, size_t size);
/* The same, zeroed; NULL when count * size overflows. */
void *emc__allocate_zeroed(const emc_allocator *allocator, size_t count, size_t size);
/* Grows or shrinks; on NULL the old block stays as it was. */
void *emc__reallocate(const emc_allocator *allocator, void *pointer, size_t size);
void emc__release(const emc_allocator *allocator, void *pointer);
/* A terminated copy of length bytes; NULL when there is no memory. */
char *emc__copy_string(const emc_allocator *allocator, const char *string, size_t length);
/* Overwrites with zeros in a way the compiler keeps: for secrets. */
void emc__wipe(void *memory, size_t length);

#endif
