/* A ring of points, each of which belongs to a member: consistent hashing as ketama began it. What differs from client to client is how points and
 * keys are hashed; that is the callers' (ketama.c, spymemcached.c, dalli.c). */
#ifndef EMC_ROUTING_RING_H
#define EMC_ROUTING_RING_H

#include "routing/router.h"

struct emc__ring_point {
    uint32_t value;
    uint32_t member;
};

/* How a client uses its ring. */
struct emc__ring_rules {
    uint32_t (*hash)(struct emc__slice key);
    /* The same of many keys; NULL: one by one. */
    void (*hash_many)(const struct emc__slice *keys, size_t count, uint32_t *hashes_out);
    bool below;     /* a key belongs to the last point <= its hash (dalli); else to the first point >= its hash */
    bool last_wins; /* of points with the same value the last one added stays (a map); else the first one added is found */
};

/* The points while they are gathered. */
struct emc__ring_points {
    const emc_allocator *allocator;
    struct emc__ring_point *list;
    size_t count, room;
};

/* Room for `room` >= 1 points. False without memory. */
bool emc__ring_points_init(struct emc__ring_points *points, const emc_allocator *allocator, size_t room);
void emc__ring_points_add(struct emc__ring_points *points, uint32_t value, size_t member);
void emc__ring_points_deinit(struct emc__ring_points *points);

/* Builds the router. EMC_OK or EMC_ERROR_MEMORY. The points, at least one, stay the caller's. */
emc_status emc__ring_build(const struct emc__ring_points *points, const struct emc__ring_rules *rules,
                           size_t member_count, struct emc__router **router_out);

#endif
