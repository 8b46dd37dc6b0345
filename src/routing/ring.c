/* The ring: points in order of their values, and an index over the top bits of the values, so that a look-up costs the same at any number of
 * points: a slot of the index, then a step or two along the points.
 *
 *     index[hash >> shift] → the first point whose value is not below that slot, as many slots as points or up to twice as many
 *     list[0 .. count)     → value, member; list[count] has the greatest value and the first point's member: the way round
 *
 * The values are hashes, so a slot holds half a point to a point on average; the build sorts by slot, then within it. */
#include "routing/ring.h"

#include <assert.h>

struct ring {
    struct emc__router base;
    struct emc__ring_rules rules;
    size_t count;
    size_t slots; /* a power of two, >= 2 */
    unsigned shift;
    uint32_t *index;
    struct emc__ring_point list[];
};

/* ------------------------------------------------------------------ gathering */

bool emc__ring_points_init(struct emc__ring_points *points, const emc_allocator *allocator, size_t room)
{
    *points = (struct emc__ring_points){allocator, emc__allocate_zeroed(allocator, room, sizeof *points->list), 0,
                                        room};
    return points->list != NULL;
}

void emc__ring_points_add(struct emc__ring_points *points, uint32_t value, size_t member)
{
    assert(points->count < points->room);
    points->list[points->count++] = (struct emc__ring_point){value, (uint32_t)member};
}

void emc__ring_points_deinit(struct emc__ring_points *points)
{
    emc__release(points->allocator, points->list);
}

/* ------------------------------------------------------------------ building */

/* Puts the points in order of their slots, those of a slot as they were added. */
static void deal_into_slots(struct ring *ring, const struct emc__ring_points *points)
{
    uint32_t *next = ring->index;
    for (size_t i = 0; i < points->count; i++) {
        next[(points->list[i].value >> ring->shift) + 1]++;
    }
    for (size_t slot = 0; slot < ring->slots; slot++) {
        next[slot + 1] += next[slot];
    }
    for (size_t i = 0; i < points->count; i++) {
        ring->list[next[points->list[i].value >> ring->shift]++] = points->list[i];
    }
}

/* What is left to do is short moves; equal values stay as they were added. */
static void sort_nearly_sorted(struct emc__ring_point *list, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct emc__ring_point point = list[i];
        size_t at = i;
        for (; at > 0 && list[at - 1].value > point.value; at--) {
            list[at] = list[at - 1];
        }
        list[at] = point;
    }
}

static size_t keep_last_of_equals(struct emc__ring_point *list, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (i + 1 == count || list[i + 1].value != list[i].value) {
            list[kept++] = list[i];
        }
    }
    return kept;
}

static void fill_index(struct ring *ring)
{
    size_t at = 0;
    for (size_t slot = 0; slot <= ring->slots; slot++) {
        while (at < ring->count && ring->list[at].value >> ring->shift < slot) {
            at++;
        }
        ring->index[slot] = (uint32_t)at;
    }
}

static const struct emc__router_class ring_class;

static struct ring *allocate(const struct emc__ring_points *points, const struct emc__ring_rules *rules,
                             size_t member_count)
{
    unsigned bits = 1;
    while (((size_t)1 << bits) < points->count) {
        bits++;
    }
    size_t slots = (size_t)1 << bits;
    size_t list_size = (points->count + 1) * sizeof(struct emc__ring_point);
    struct ring *ring = emc__router_allocate(points->allocator, &ring_class, member_count,
                                             sizeof *ring + list_size + (slots + 1) * sizeof(uint32_t));
    if (ring != NULL) {
        ring->rules = *rules;
        ring->count = points->count;
        ring->slots = slots;
        ring->shift = 32 - bits;
        ring->index = (uint32_t *)(void *)(ring->list + points->count + 1);
    }
    return ring;
}

emc_status emc__ring_build(const struct emc__ring_points *points, const struct emc__ring_rules *rules,
                           size_t member_count, struct emc__router **router_out)
{
    assert(points->count >= 1 && points->count < UINT32_MAX / 2);
    struct ring *ring = allocate(points, rules, member_count);
    if (ring == NULL) {
        return EMC_ERROR_MEMORY;
    }
    deal_into_slots(ring, points);
    sort_nearly_sorted(ring->list, ring->count);
    if (rules->last_wins) {
        ring->count = keep_last_of_equals(ring->list, ring->count);
    }
    ring->list[ring->count] = (struct emc__ring_point){UINT32_MAX, ring->list[0].member};
    fill_index(ring);
    *router_out = &ring->base;
    return EMC_OK;
}

/* ------------------------------------------------------------------ asking */

/* The first point >= value; ring->count when there is none. */
static inline size_t first_from(const struct ring *ring, uint32_t value)
{
    size_t at = ring->index[value >> ring->shift];
    while (ring->list[at].value < value) {
        at++;
    }
    return at;
}

/* Where the walk along the ring begins of a key with that hash: a point, or ring->count for the way round. */
static inline size_t position_of(const struct ring *ring, uint32_t hash)
{
    if (!ring->rules.below) {
        return first_from(ring, hash);
    }
    size_t above = hash == UINT32_MAX ? ring->count : first_from(ring, hash + 1);
    return above > 0 ? above - 1 : ring->count - 1;
}

static uint32_t pick(const struct emc__router *router, struct emc__slice key)
{
    const struct ring *ring = (const struct ring *)router;
    return ring->list[position_of(ring, ring->rules.hash(key))].member;
}

/* Where the members go, the hashes come first. */
static void pick_many(const struct emc__router *router, const struct emc__slice *keys, size_t count,
                      uint32_t *members_out)
{
    const struct ring *ring = (const struct ring *)router;
    if (ring->rules.hash_many != NULL) {
        ring->rules.hash_many(keys, count, members_out);
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t hash = ring->rules.hash_many != NULL ? members_out[i] : ring->rules.hash(keys[i]);
        members_out[i] = ring->list[position_of(ring, hash)].member;
    }
}

static bool is_among(const uint32_t *members, size_t count, uint32_t member)
{
    for (size_t i = 0; i < count; i++) {
        if (members[i] == member) {
            return true;
        }
    }
    return false;
}

/* Members too light to have a point come after all others, in the order configured. */
static size_t append_pointless(const struct ring *ring, uint32_t *members_out, size_t filled, size_t most)
{
    for (uint32_t member = 0; member < ring->base.count && filled < most; member++) {
        if (!is_among(members_out, filled, member)) {
            members_out[filled++] = member;
        }
    }
    return filled;
}

/* The members in the order in which the ring meets them, onwards from the key (downwards where keys belong to the point below). */
static size_t rank(const struct emc__router *router, struct emc__slice key, uint32_t *members_out, size_t most)
{
    const struct ring *ring = (const struct ring *)router;
    size_t at = position_of(ring, ring->rules.hash(key)) % ring->count, filled = 0;
    for (size_t steps = 0; steps < ring->count && filled < most; steps++) {
        if (!is_among(members_out, filled, ring->list[at].member)) {
            members_out[filled++] = ring->list[at].member;
        }
        at = ring->rules.below ? (at + ring->count - 1) % ring->count : (at + 1) % ring->count;
    }
    return append_pointless(ring, members_out, filled, most);
}

static const struct emc__router_class ring_class = {pick, rank, pick_many};
