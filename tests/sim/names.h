/* The simulator's name table: which endpoints a name has now, how long the answer takes, whether it fails. */
#ifndef SIM_NAMES_H
#define SIM_NAMES_H

#include "transport/transport.h"
#include "world.h"

#define SIM_NAME_ENDPOINTS_MAX 16

struct sim_name {
    struct sim_name *next;
    const char *name;
    enum emc__lookup_kind kind;
    struct emc__endpoint endpoints[SIM_NAME_ENDPOINTS_MAX];
    size_t count;      /* 0: an empty answer */
    uint64_t delay_ns; /* UINT64_MAX: never answers */
    bool fails;
    bool rotates;       /* each answer begins with another endpoint */
    bool fails_at_once; /* the look-up can't even begin */
    uint32_t asked;
};

struct sim_names {
    struct sim_world *world;
    struct sim_name *first;
};

/* The entry of a name; made when it is new (with no endpoints and a delay of 50 us). */
struct sim_name *sim_names_entry(struct sim_names *names, const char *name, enum emc__lookup_kind kind);
/* NULL when there is none. */
struct sim_name *sim_names_find(const struct sim_names *names, const char *name, enum emc__lookup_kind kind);
/* Adds an endpoint to what the name answers. */
void sim_name_points_to(struct sim_name *name, const struct emc__endpoint *endpoint);
/* Makes the name answer this endpoint alone. */
void sim_name_moves_to(struct sim_name *name, const struct emc__endpoint *endpoint);

#endif
