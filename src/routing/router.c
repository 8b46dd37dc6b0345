/* Rendezvous as emcache 1.3 computes it (routing.md). */
#include "routing/routing.h"

struct emc__router {
    const emc_allocator *allocator;
    size_t count;
    struct { uint8_t id[280]; size_t length; uint32_t own; } members[];
};

static inline uint64_t rotl(uint64_t x, int r) { return x << r | x >> (64 - r); }
static inline uint64_t fmix(uint64_t k)
{
    k ^= k >> 33; k *= 0xff51afd7ed558ccdULL; k ^= k >> 33; k *= 0xc4ceb9fe1a85ec53ULL; return k ^ k >> 33;
}

static uint64_t murmur3_x64_128_low(const uint8_t *data, size_t length)
{
    const uint64_t c1 = 0x87c37b91114253d5ULL, c2 = 0x4cf5ad432745937fULL;
    uint64_t h1 = 0, h2 = 0;
    size_t blocks = length / 16;
    for (size_t i = 0; i < blocks; i++) {
        uint64_t k1, k2;
        memcpy(&k1, data + i * 16, 8); memcpy(&k2, data + i * 16 + 8, 8);
        k1 *= c1; k1 = rotl(k1, 31); k1 *= c2; h1 ^= k1; h1 = rotl(h1, 27); h1 += h2; h1 = h1 * 5 + 0x52dce729;
        k2 *= c2; k2 = rotl(k2, 33); k2 *= c1; h2 ^= k2; h2 = rotl(h2, 31); h2 += h1; h2 = h2 * 5 + 0x38495ab5;
    }
    uint64_t k1 = 0, k2 = 0;
    uint8_t tail[16] = {0};
    memcpy(tail, data + blocks * 16, length % 16);
    memcpy(&k1, tail, 8); memcpy(&k2, tail + 8, 8);
    if (length % 16 > 8) { k2 *= c2; k2 = rotl(k2, 33); k2 *= c1; h2 ^= k2; }
    if (length % 16 > 0) { k1 *= c1; k1 = rotl(k1, 31); k1 *= c2; h1 ^= k1; }
    h1 ^= length; h2 ^= length; h1 += h2; h2 += h1; h1 = fmix(h1); h2 = fmix(h2); h1 += h2;
    return h1;
}

static uint32_t score(const uint8_t *data, size_t length)
{
    uint64_t h = murmur3_x64_128_low(data, length);
    uint32_t o0 = h & 0xff, o1 = h >> 8 & 0xff, o2 = h >> 16 & 0xff, o3 = h >> 24 & 0xff;
    if (o0 >= 0x80 || o1 >= 0x80) return 0xFFFFFF00u | o0;
    if (o2 >= 0x80) return 0xFFFF0000u | o0;
    if (o3 >= 0x80) return 0xFF000000u | o0;
    return o0;
}

emc_status emc__router_build(const emc_allocator *allocator, emc_routing_kind kind, const struct emc__routing_member *members, size_t count, struct emc__router **out)
{
    if (kind != EMC_ROUTING_EMCACHE) return EMC_ERROR_ARGUMENT;
    struct emc__router *r = emc__allocate_zeroed(allocator, 1, sizeof *r + count * sizeof r->members[0]);
    if (!r) return EMC_ERROR_MEMORY;
    r->allocator = allocator; r->count = count;
    for (size_t i = 0; i < count; i++) {
        size_t l = 0;
        const char *t = members[i].path ? members[i].path : members[i].host;
        while (t[l]) { r->members[i].id[l] = (uint8_t)t[l]; l++; }
        if (!members[i].path) { char d[6]; int n = 0; unsigned p = members[i].port; do d[n++] = (char)('0' + p % 10); while (p /= 10); while (n) r->members[i].id[l++] = (uint8_t)d[--n]; }
        r->members[i].length = l; r->members[i].own = score(r->members[i].id, l);
    }
    *out = r;
    return EMC_OK;
}
void emc__router_destroy(struct emc__router *r) { if (r) emc__release(r->allocator, r); }
static uint32_t score_of(const struct emc__router *r, struct emc__slice key, size_t i)
{
    uint8_t b[600]; size_t kl = key.length < 256 ? key.length : 256;
    memcpy(b, key.data, kl); memcpy(b + kl, r->members[i].id, r->members[i].length);
    return score(b, kl + r->members[i].length);
}
uint32_t emc__router_pick(const struct emc__router *r, struct emc__slice key)
{
    if (r->count == 1) return 0;
    uint32_t best = 0, bs = score_of(r, key, 0);
    for (uint32_t i = 1; i < r->count; i++) { uint32_t s = score_of(r, key, i); if (s > bs || (s == bs && r->members[i].own > r->members[best].own)) { best = i; bs = s; } }
    return best;
}
size_t emc__router_rank(const struct emc__router *r, struct emc__slice key, uint32_t *o, size_t most)
{
    size_t i; uint32_t f = emc__router_pick(r, key);
    for (i = 0; i < most && i < r->count; i++) o[i] = (uint32_t)((f + i) % r->count);
    return i;
}
