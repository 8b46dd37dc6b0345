/* Values handed out by blocking calls: they carry their allocator with them, so that they may outlive the client. */
#include "facade/item.h"

#include <string.h>

#include "base/allocator.h"
#include "base/rare.h"

struct item_header {
    _Alignas(16) emc_allocator allocator;
};

void *emc__item_allocate(const emc_allocator *allocator, size_t length)
{
    if (length > SIZE_MAX - sizeof(struct item_header) - 1) {
        return NULL;
    }
    struct item_header *header = emc__allocate(allocator, sizeof *header + length + 1);
    if (header == NULL) {
        return NULL;
    }
    header->allocator = *allocator;
    char *value = (char *)(header + 1);
    value[length] = '\0';
    return value;
}

void emc__item_free(void *value)
{
    if (value != NULL) {
        struct item_header *header = (struct item_header *)value - 1;
        emc_allocator allocator = header->allocator;
        emc__release(&allocator, header);
    }
}

EMC__HOT void emc_item_release(emc_item *item)
{
    if (item != NULL) {
        emc__item_free(item->value);
        memset(item, 0, sizeof *item);
    }
}

void emc_items_release(emc_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        emc_item_release(&items[i]);
    }
}
