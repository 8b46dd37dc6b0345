/* The name table: see names.h. */
#include "names.h"

#include <string.h>

#define DEFAULT_DELAY_NS (50 * SIM_US)

struct sim_name *sim_names_find(const struct sim_names *names, const char *name, enum emc__lookup_kind kind)
{
    struct sim_name *entry = names->first;
    while (entry != NULL && (entry->kind != kind || strcmp(entry->name, name) != 0)) {
        entry = entry->next;
    }
    return entry;
}

struct sim_name *sim_names_entry(struct sim_names *names, const char *name, enum emc__lookup_kind kind)
{
    struct sim_name *entry = sim_names_find(names, name, kind);
    if (entry == NULL) {
        entry = sim_world_keep(names->world, sizeof *entry);
        entry->name = sim_world_text(names->world, "%s", name);
        entry->kind = kind;
        entry->delay_ns = DEFAULT_DELAY_NS;
        entry->next = names->first;
        names->first = entry;
    }
    return entry;
}

void sim_name_points_to(struct sim_name *name, const struct emc__endpoint *endpoint)
{
    if (name->count < SIM_NAME_ENDPOINTS_MAX) {
        name->endpoints[name->count++] = *endpoint;
    }
}

void sim_name_moves_to(struct sim_name *name, const struct emc__endpoint *endpoint)
{
    name->count = 0;
    sim_name_points_to(name, endpoint);
}
