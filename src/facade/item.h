/* Values handed out by blocking calls. */
#ifndef EMC_FACADE_ITEM_H
#define EMC_FACADE_ITEM_H

#include <emcache.h>

/* Room for a value of that length and a terminating zero (set), released by emc_item_release; NULL without memory. */
void *emc__item_allocate(const emc_allocator *allocator, size_t length);
/* Accepts NULL. */
void emc__item_free(void *value);

#endif
