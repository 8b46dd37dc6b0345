/* pymemcache's HashClient: rendezvous by murmur3_32 of "host:port-key". A tie takes the node with the larger name, so the members lie in that order and
 * the first highest score wins.
 *
 * pymemcache formats the key with "%s", so that a bytes key is hashed as b'foo' and the same key as str and as bytes lives on two nodes. */
#include "routing/member_name.h"
#include "routing/murmur3.h"
#include "routing/order.h"
#include "routing/python_text.h"
#include "routing/top.h"

struct pymemcache {
    struct emc__router base;
    bool bytes;
    const uint32_t *order;
    struct emc__murmur3_32 begun[]; /* "host:port-", hashed, in that order */
};

/* A key's text, its first piece written out once for all nodes; there is rarely another. */
struct text {
    struct emc__python_text after;
    size_t length;
    uint8_t piece[EMC__PYTHON_TEXT_SIZE];
};

static void begin(struct text *text, bool bytes, struct emc__slice key)
{
    text->after = bytes ? emc__python_bytes(key) : emc__python_str(key);
    text->length = emc__python_text_next(&text->after, text->piece);
}

static uint32_t score_of(const struct emc__murmur3_32 *begun, const struct text *text)
{
    struct emc__murmur3_32 state = *begun;
    emc__murmur3_32_update(&state, emc__slice_of(text->piece, text->length));
    if (text->after.taken < text->after.key.length || (text->after.is_bytes && !text->after.ended)) {
        struct emc__python_text after = text->after;
        uint8_t piece[EMC__PYTHON_TEXT_SIZE];
        for (size_t length; (length = emc__python_text_next(&after, piece)) > 0;) {
            emc__murmur3_32_update(&state, emc__slice_of(piece, length));
        }
    }
    return emc__murmur3_32_finish(&state);
}

static uint32_t pick(const struct emc__router *router, struct emc__slice key)
{
    const struct pymemcache *pymemcache = (const struct pymemcache *)router;
    struct text text;
    uint32_t best = 0, place = 0;
    begin(&text, pymemcache->bytes, key);
    for (uint32_t i = 0; i < router->count; i++) {
        uint32_t score = score_of(&pymemcache->begun[i], &text);
        if (score > best) {
            best = score;
            place = i;
        }
    }
    return pymemcache->order[place];
}

static void score_all(const struct emc__router *router, struct emc__slice key, struct emc__top *top)
{
    const struct pymemcache *pymemcache = (const struct pymemcache *)router;
    struct text text;
    begin(&text, pymemcache->bytes, key);
    for (uint32_t i = 0; i < router->count; i++) {
        emc__top_offer(top, (struct emc__candidate){.score = score_of(&pymemcache->begun[i], &text), .place = i});
    }
}

static size_t rank(const struct emc__router *router, struct emc__slice key, uint32_t *members_out, size_t most)
{
    const struct pymemcache *pymemcache = (const struct pymemcache *)router;
    return emc__top_rank(router, key, score_all, pymemcache->order, members_out, most);
}

static const struct emc__router_class pymemcache_class = {.pick = pick, .rank = rank};

static bool name_is_larger(const struct emc__routing_member *a, const struct emc__routing_member *b)
{
    uint8_t name_a[EMC__MEMBER_NAME_SIZE], name_b[EMC__MEMBER_NAME_SIZE];
    size_t length_a = emc__member_name(a, EMC__MEMBER_COLON, name_a);
    size_t length_b = emc__member_name(b, EMC__MEMBER_COLON, name_b);
    int difference = memcmp(name_a, name_b, length_a < length_b ? length_a : length_b);
    return difference > 0 || (difference == 0 && length_a > length_b);
}

static emc_status build(const emc_allocator *allocator, const struct emc__routing_members *members, bool bytes,
                        struct emc__router **router_out)
{
    size_t each = sizeof(struct emc__murmur3_32) + sizeof(uint32_t);
    struct pymemcache *pymemcache = emc__router_allocate(allocator, &pymemcache_class, members->count,
                                                         sizeof *pymemcache + members->count * each);
    if (pymemcache == NULL) {
        return EMC_ERROR_MEMORY;
    }
    uint32_t *order = (uint32_t *)(void *)(pymemcache->begun + members->count);
    emc__order_members(members, name_is_larger, order);
    for (size_t i = 0; i < members->count; i++) {
        uint8_t name[EMC__MEMBER_NAME_SIZE];
        size_t length = emc__member_name(&members->list[order[i]], EMC__MEMBER_COLON, name);
        name[length++] = '-';
        emc__murmur3_32_update(&pymemcache->begun[i], emc__slice_of(name, length));
    }
    pymemcache->bytes = bytes;
    pymemcache->order = order;
    *router_out = &pymemcache->base;
    return EMC_OK;
}

emc_status emc__pymemcache_build(const emc_allocator *allocator, const struct emc__routing_members *members,
                                 struct emc__router **router_out)
{
    return build(allocator, members, false, router_out);
}

emc_status emc__pymemcache_bytes_build(const emc_allocator *allocator, const struct emc__routing_members *members,
                                       struct emc__router **router_out)
{
    return build(allocator, members, true, router_out);
}
