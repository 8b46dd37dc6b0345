/* Where a set of keys lives. */
#include "placement.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t placement_key(size_t number, char key_out[static PLACEMENT_KEY_SIZE])
{
    return (size_t)snprintf(key_out, PLACEMENT_KEY_SIZE, "key:%zu", number);
}

static bool reserve(struct placement *placement, size_t count)
{
    if (placement->count >= count && placement->node_of != NULL) {
        return true;
    }
    uint16_t *node_of = realloc(placement->node_of, count * sizeof(*node_of));
    if (node_of == NULL) {
        return false;
    }
    placement->node_of = node_of;
    return true;
}

static uint16_t index_of(const emc_address *node, const emc_address *nodes, size_t node_count)
{
    for (size_t i = 0; i < node_count; i++) {
        if (emc_address_equal(node, &nodes[i])) {
            return (uint16_t)i;
        }
    }
    return PLACEMENT_NOWHERE;
}

emc_status placement_take(struct placement *placement, emc_cluster_management *view, size_t count,
                          const emc_address *nodes, size_t node_count)
{
    if (!reserve(placement, count)) {
        return EMC_ERROR_MEMORY;
    }
    placement->count = count;
    for (size_t i = 0; i < count; i++) {
        char key[PLACEMENT_KEY_SIZE];
        size_t length = placement_key(i, key);
        emc_node_list *list = NULL;
        emc_status status = emc_cluster_node_for_key(view, key, length, &list);
        if (status != EMC_OK && status != EMC_ERROR_NO_NODES) {
            return status;
        }
        placement->node_of[i] = status == EMC_OK ? index_of(&list->nodes[0], nodes, node_count)
                                                 : (uint16_t)PLACEMENT_NOWHERE;
        emc_node_list_destroy(list);
    }
    return EMC_OK;
}

void placement_deinit(struct placement *placement)
{
    free(placement->node_of);
    *placement = (struct placement){NULL, 0};
}

size_t placement_on(const struct placement *placement, size_t node)
{
    size_t count = 0;
    for (size_t i = 0; i < placement->count; i++) {
        count += placement->node_of[i] == node;
    }
    return count;
}

size_t placement_moved(const struct placement *before, const struct placement *after, size_t from, size_t to)
{
    size_t count = 0;
    for (size_t i = 0; i < before->count && i < after->count; i++) {
        count += before->node_of[i] == from && after->node_of[i] == to;
    }
    return count;
}

size_t placement_moved_all(const struct placement *before, const struct placement *after)
{
    size_t count = 0;
    for (size_t i = 0; i < before->count && i < after->count; i++) {
        count += before->node_of[i] != after->node_of[i];
    }
    return count;
}

bool placement_copy(struct placement *to, const struct placement *from)
{
    if (from->count == 0 || !reserve(to, from->count)) {
        return from->count == 0;
    }
    memcpy(to->node_of, from->node_of, from->count * sizeof(*to->node_of));
    to->count = from->count;
    return true;
}
