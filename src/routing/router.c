#include "routing/routing.h"
struct emc__router { const emc_allocator *a; size_t n; };
emc_status emc__router_build(const emc_allocator *a, emc_routing_kind kind, const struct emc__routing_member *m, size_t n, struct emc__router **o){struct emc__router*r=emc__allocate(a,sizeof *r); if(!r)return EMC_ERROR_MEMORY; r->a=a;r->n=n;*o=r;return EMC_OK;}
void emc__router_destroy(struct emc__router *r){if(r)emc__release(r->a,r);}
uint32_t emc__router_pick(const struct emc__router *r, struct emc__slice k){return XXH3_64bits(k.data,k.length)%r->n;}
size_t emc__router_rank(const struct emc__router *r, struct emc__slice key, uint32_t *o, size_t most){size_t i;uint32_t f=emc__router_pick(r,key);for(i=0;i<most&&i<r->n;i++)o[i]=(f+i)%r->n;return i;}
