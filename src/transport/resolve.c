/* Names, by c-ares: looked up without ever blocking, cancelled at will. Its sockets are watched by the transport's loop, its timeouts ride on the
 * transport's timer. An answer that c-ares has at once (/etc/hosts) is delivered in the next pass all the same. */
#include <ares.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/allocator.h"
#include "base/timer_wheel.h"
#include "transport/uv_internal.h"

#define ENDPOINTS_MAX 256
#define NAME_MAX_LENGTH 255
/* Targets of one SRV answer that are looked up. */
#define TARGETS_MAX 64

struct emc__lookup {
    struct emc__link link; /* in resolver->lookups */
    struct emc__resolver *resolver;
    emc__lookup_callback *callback; /* NULL: cancelled; goes when c-ares has called for the last time */
    void *context;
    uint16_t port, priority, weight; /* of the target being looked up */
    unsigned outstanding;            /* calls of c-ares still to come */
    bool starting;                   /* c-ares may call before its function returns */
    emc_status status;
    uint32_t ttl_s;
    size_t count;
    struct emc__endpoint *endpoints; /* ENDPOINTS_MAX */
    char name[NAME_MAX_LENGTH + 1];
    char message[EMC_ERROR_MESSAGE_SIZE];
};

/* One name of an SRV answer, on its way to addresses. */
struct target {
    struct emc__lookup *lookup;
    uint16_t port, priority, weight;
};

struct resolver_watch {
    struct emc__watch watch; /* first */
    struct emc__link link;
    struct emc__resolver *resolver;
    ares_socket_t descriptor;
};

struct emc__resolver {
    struct emc__uv *uv;
    ares_channel channel;
    struct emc__list lookups, watches;
};

/* ------------------------------------------------------------------ c-ares's sockets */

static void set_deadline(struct emc__resolver *resolver)
{
    struct timeval left;
    struct emc__uv *uv = resolver->uv;
    uv->resolver_ns = EMC__NEVER;
    if (ares_timeout(resolver->channel, NULL, &left) != NULL) {
        uv->resolver_ns = emc__uv_clock() + (uint64_t)left.tv_sec * 1000000000u + (uint64_t)left.tv_usec * 1000u + 1000000u;
    }
    emc__uv_set_timer(uv);
}

static void descriptor_ready(struct emc__watch *watch, int events)
{
    struct resolver_watch *own = (struct resolver_watch *)watch;
    ares_process_fd(own->resolver->channel, (events & UV_READABLE) != 0 ? own->descriptor : ARES_SOCKET_BAD,
                    (events & UV_WRITABLE) != 0 ? own->descriptor : ARES_SOCKET_BAD);
}

static void release_watch(struct emc__watch *watch)
{
    emc__release(&watch->uv->allocator, watch);
}

static struct resolver_watch *find_watch(const struct emc__resolver *resolver, ares_socket_t descriptor)
{
    for (struct emc__link *link = emc__list_first(&resolver->watches); link != NULL; link = emc__list_next(&resolver->watches, link)) {
        struct resolver_watch *watch = EMC__CONTAINER_OF(link, struct resolver_watch, link);
        if (watch->descriptor == descriptor) {
            return watch;
        }
    }
    return NULL;
}

static struct resolver_watch *open_watch(struct emc__resolver *resolver, ares_socket_t descriptor)
{
    struct resolver_watch *watch = emc__allocate_zeroed(&resolver->uv->allocator, 1, sizeof *watch);
    if (watch == NULL) {
        return NULL; /* the look-up then ends by c-ares's own timeout */
    }
    watch->resolver = resolver;
    watch->descriptor = descriptor;
    watch->watch.ready = descriptor_ready;
    watch->watch.release = release_watch;
    if (!emc__watch_open(resolver->uv, &watch->watch, descriptor)) {
        emc__release(&resolver->uv->allocator, watch);
        return NULL;
    }
    emc__list_append(&resolver->watches, &watch->link);
    return watch;
}

static void socket_state(void *data, ares_socket_t descriptor, int readable, int writable)
{
    struct emc__resolver *resolver = data;
    struct resolver_watch *watch = find_watch(resolver, descriptor);
    if (!readable && !writable) {
        if (watch != NULL) {
            emc__link_remove(&watch->link);
            emc__watch_close(&watch->watch);
        }
        return;
    }
    if (watch == NULL) {
        watch = open_watch(resolver, descriptor);
    }
    if (watch != NULL) {
        emc__watch_want(&watch->watch, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0));
    }
}

/* ------------------------------------------------------------------ answers */

static void note_failure(struct emc__lookup *lookup, int code)
{
    lookup->status = code == ARES_ENOMEM ? EMC_ERROR_MEMORY : EMC_ERROR_RESOLVE;
    snprintf(lookup->message, sizeof lookup->message, "%.120s: %s", lookup->name, ares_strerror(code));
}

static void add_address(struct emc__lookup *lookup, const struct ares_addrinfo_node *node, const struct target *target)
{
    if (lookup->count == ENDPOINTS_MAX || (node->ai_family != AF_INET && node->ai_family != AF_INET6)) {
        return;
    }
    struct emc__endpoint *endpoint = &lookup->endpoints[lookup->count++];
    *endpoint = (struct emc__endpoint){.port = target->port, .priority = target->priority, .weight = target->weight};
    if (node->ai_family == AF_INET) {
        endpoint->family = EMC__ENDPOINT_IPV4;
        memcpy(endpoint->ip, &((const struct sockaddr_in *)(const void *)node->ai_addr)->sin_addr, 4);
    } else {
        endpoint->family = EMC__ENDPOINT_IPV6;
        memcpy(endpoint->ip, &((const struct sockaddr_in6 *)(const void *)node->ai_addr)->sin6_addr, 16);
        endpoint->scope = ((const struct sockaddr_in6 *)(const void *)node->ai_addr)->sin6_scope_id;
    }
    uint32_t ttl_s = node->ai_ttl > 0 ? (uint32_t)node->ai_ttl : 0;
    lookup->ttl_s = lookup->ttl_s == 0 || (ttl_s != 0 && ttl_s < lookup->ttl_s) ? ttl_s : lookup->ttl_s;
}

static void addresses_answered(void *data, int code, int timeouts, struct ares_addrinfo *result)
{
    struct target *target = data;
    struct emc__lookup *lookup = target->lookup;
    (void)timeouts;
    lookup->outstanding--;
    if (code != ARES_SUCCESS) {
        note_failure(lookup, code);
    }
    for (const struct ares_addrinfo_node *node = result != NULL ? result->nodes : NULL; node != NULL; node = node->ai_next) {
        add_address(lookup, node, target);
    }
    if (result != NULL) {
        ares_freeaddrinfo(result);
    }
    emc__release(&lookup->resolver->uv->allocator, target);
    emc__uv_raise(&lookup->resolver->uv->transport);
}

static void look_up_addresses(struct emc__lookup *lookup, const char *name, uint16_t port, uint16_t priority, uint16_t weight)
{
    struct ares_addrinfo_hints hints = {.ai_flags = ARES_AI_NOSORT, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct target *target = emc__allocate_zeroed(&lookup->resolver->uv->allocator, 1, sizeof *target);
    if (target == NULL) {
        note_failure(lookup, ARES_ENOMEM);
        return;
    }
    *target = (struct target){lookup, port, priority, weight};
    lookup->outstanding++;
    ares_getaddrinfo(lookup->resolver->channel, name, NULL, &hints, addresses_answered, target);
}

static void service_answered(void *data, int code, int timeouts, unsigned char *answer, int length)
{
    struct emc__lookup *lookup = data;
    struct ares_srv_reply *records = NULL;
    (void)timeouts;
    lookup->outstanding--;
    if (code == ARES_SUCCESS) {
        code = ares_parse_srv_reply(answer, length, &records);
    }
    if (code != ARES_SUCCESS) {
        note_failure(lookup, code);
    }
    unsigned targets = 0;
    for (const struct ares_srv_reply *record = records; record != NULL && lookup->callback != NULL && targets < TARGETS_MAX;
         record = record->next, targets++) {
        look_up_addresses(lookup, record->host, record->port, record->priority, record->weight);
    }
    if (records != NULL) {
        ares_free_data(records);
    }
    emc__uv_raise(&lookup->resolver->uv->transport);
}

/* ------------------------------------------------------------------ look-ups */

static struct emc__resolver *resolver_of(struct emc__uv *uv)
{
    if (uv->resolver != NULL) {
        return uv->resolver;
    }
    struct emc__resolver *resolver = emc__allocate_zeroed(&uv->allocator, 1, sizeof *resolver);
    if (resolver == NULL) {
        return NULL;
    }
    resolver->uv = uv;
    emc__list_init(&resolver->lookups);
    emc__list_init(&resolver->watches);
    struct ares_options options = {.sock_state_cb = socket_state, .sock_state_cb_data = resolver};
    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
        emc__release(&uv->allocator, resolver);
        return NULL;
    }
    if (ares_init_options(&resolver->channel, &options, ARES_OPT_SOCK_STATE_CB) != ARES_SUCCESS) {
        ares_library_cleanup();
        emc__release(&uv->allocator, resolver);
        return NULL;
    }
    uv->resolver = resolver;
    return resolver;
}

static struct emc__lookup *new_lookup(struct emc__resolver *resolver, const char *name, uint16_t port)
{
    const emc_allocator *allocator = &resolver->uv->allocator;
    struct emc__lookup *lookup = emc__allocate_zeroed(allocator, 1, sizeof *lookup);
    struct emc__endpoint *endpoints = emc__allocate_zeroed(allocator, ENDPOINTS_MAX, sizeof *endpoints);
    if (lookup == NULL || endpoints == NULL) {
        emc__release(allocator, lookup);
        emc__release(allocator, endpoints);
        return NULL;
    }
    lookup->resolver = resolver;
    lookup->endpoints = endpoints;
    lookup->port = port;
    snprintf(lookup->name, sizeof lookup->name, "%s", name);
    emc__list_append(&resolver->lookups, &lookup->link);
    return lookup;
}

emc_status emc__resolve_start(struct emc__transport *transport, enum emc__lookup_kind kind, const char *name, uint16_t port,
                              emc__lookup_callback *callback, void *context, struct emc__lookup **lookup_out)
{
    struct emc__resolver *resolver = resolver_of((struct emc__uv *)transport);
    struct emc__lookup *lookup = resolver != NULL ? new_lookup(resolver, name, port) : NULL;
    if (lookup == NULL) {
        return EMC_ERROR_MEMORY;
    }
    lookup->callback = callback;
    lookup->context = context;
    if (kind == EMC__LOOKUP_SERVICE) {
        lookup->outstanding = 1;
        ares_query(resolver->channel, lookup->name, 1 /* C_IN */, 33 /* T_SRV */, service_answered, lookup);
    } else {
        look_up_addresses(lookup, lookup->name, port, 0, 0);
    }
    set_deadline(resolver);
    *lookup_out = lookup;
    return EMC_OK;
}

void emc__resolve_cancel(struct emc__transport *transport, struct emc__lookup *lookup)
{
    lookup->callback = NULL; /* released in the pass after c-ares's last call */
    emc__uv_raise(transport);
}

static void release_lookup(struct emc__lookup *lookup)
{
    const emc_allocator *allocator = &lookup->resolver->uv->allocator;
    emc__link_remove(&lookup->link);
    emc__release(allocator, lookup->endpoints);
    emc__release(allocator, lookup);
}

static void deliver(struct emc__lookup *lookup)
{
    struct emc__uv *uv = lookup->resolver->uv;
    emc__lookup_callback *callback = lookup->callback;
    emc__link_remove(&lookup->link);
    if (callback != NULL && lookup->count > 0) {
        callback(lookup->context, EMC_OK, "", lookup->endpoints, lookup->count, lookup->ttl_s, uv->now_ns);
    } else if (callback != NULL) {
        if (lookup->status == EMC_OK) {
            note_failure(lookup, ARES_ENODATA);
        }
        callback(lookup->context, lookup->status, lookup->message, NULL, 0, 0, uv->now_ns);
    }
    release_lookup(lookup);
}

void emc__resolver_pass(struct emc__uv *uv)
{
    struct emc__resolver *resolver = uv->resolver;
    if (uv->now_ns >= uv->resolver_ns) {
        ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    }
    struct emc__link *link = emc__list_first(&resolver->lookups);
    while (link != NULL) {
        struct emc__lookup *lookup = EMC__CONTAINER_OF(link, struct emc__lookup, link);
        if (lookup->outstanding == 0) {
            deliver(lookup);
            link = emc__list_first(&resolver->lookups); /* an upcall may have begun or cancelled others */
        } else {
            link = emc__list_next(&resolver->lookups, link);
        }
    }
    set_deadline(resolver);
}

void emc__resolver_destroy(struct emc__uv *uv)
{
    struct emc__resolver *resolver = uv->resolver;
    struct emc__link *link;
    if (resolver == NULL) {
        return;
    }
    uv->resolver = NULL;
    for (link = emc__list_first(&resolver->lookups); link != NULL; link = emc__list_next(&resolver->lookups, link)) {
        EMC__CONTAINER_OF(link, struct emc__lookup, link)->callback = NULL;
    }
    ares_destroy(resolver->channel); /* calls back for everything outstanding */
    ares_library_cleanup();
    while ((link = emc__list_first(&resolver->lookups)) != NULL) {
        release_lookup(EMC__CONTAINER_OF(link, struct emc__lookup, link));
    }
    while ((link = emc__list_take_first(&resolver->watches)) != NULL) {
        emc__watch_close(&EMC__CONTAINER_OF(link, struct resolver_watch, link)->watch);
    }
    uv->resolver_ns = EMC__NEVER;
    emc__release(&uv->allocator, resolver);
}
