/* Names, by c-ares: looked up without ever blocking, cancelled at will. Its sockets are watched by the transport's loop, its timeouts ride on the
 * transport's timer. An answer that c-ares has at once (/etc/hosts) is delivered in the next pass all the same. */
#define CARES_NO_DEPRECATED /* c-ares 1.28 deprecates what 1.18 has no other call for */
#include <ares.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/allocator.h"
#include "base/timer_wheel.h"
#include "transport/descriptor.h"
#include "transport/uv_internal.h"

#define ENDPOINTS_MAX   256
#define NAME_MAX_LENGTH 255
/* Targets of one SRV answer that are taken. */
#define TARGETS_MAX 64
/* How often a question is asked, the pauses (uv->name_try_ms) doubling. */
#define TRIES 4
/* RFC 1035, RFC 2782 */
#define CLASS_INTERNET 1
#define TYPE_SRV       33

struct emc__lookup {
    struct emc__link link; /* in uv->lookups */
    struct emc__uv *uv;
    emc__lookup_callback *callback; /* NULL: cancelled; goes when c-ares has called for the last time */
    void *context;
    unsigned outstanding; /* calls of c-ares still to come */
    emc_status status;    /* the last failure; matters when no address was found, or memory for not all of them */
    uint32_t ttl_s;
    size_t count, capacity;
    struct emc__endpoint *endpoints;
    char name[NAME_MAX_LENGTH + 1];
    char message[EMC_ERROR_MESSAGE_SIZE];
};

/* A name on its way to addresses. */
struct target {
    struct emc__lookup *lookup;
    uint16_t port;
};

struct resolver_watch {
    struct emc__watch watch; /* first */
    struct emc__link link;
    struct emc__resolver *resolver;
    ares_socket_t descriptor;
};

/* Lives while look-ups run: an idle client holds neither its memory nor its descriptors, and the next look-up reads /etc/resolv.conf anew. */
struct emc__resolver {
    struct emc__uv *uv;
    ares_channel channel;
    struct emc__list watches;
    bool starved; /* a socket of its can't be watched, for want of memory: no answer would be heard */
};

/* ------------------------------------------------------------------ c-ares's sockets */

static void set_deadline(struct emc__resolver *resolver)
{
    struct timeval left;
    struct emc__uv *uv = resolver->uv;
    uv->resolver_ns = EMC__NEVER;
    if (ares_timeout(resolver->channel, NULL, &left) != NULL) {
        uv->resolver_ns = emc__uv_clock() + (uint64_t)left.tv_sec * 1000000000u + (uint64_t)left.tv_usec * 1000u +
                          1000000u;
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
    for (struct emc__link *link = emc__list_first(&resolver->watches); link != NULL;
         link = emc__list_next(&resolver->watches, link)) {
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
        return NULL;
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
    if (watch == NULL) {
        resolver->starved = true; /* the next pass ends it: c-ares is at work now */
        emc__uv_raise(&resolver->uv->transport);
    } else {
        emc__watch_want(&watch->watch, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0));
    }
}

/* ------------------------------------------------------------------ answers */

/* Why nothing could be asked, or heard, that says nothing about the name (errno); 0: there is no such reason. c-ares does not tell why it has no socket
 * or can't read its files, so the system is asked for a descriptor, too. */
static int lack_behind(const struct emc__lookup *lookup, int code)
{
    const struct emc__resolver *resolver = lookup->uv->resolver;
    if (code == ARES_ENOMEM || (resolver != NULL && resolver->starved)) {
        return ENOMEM;
    }
    bool answered = code == ARES_ENOTFOUND || code == ARES_ENODATA;
    return answered || code == ARES_EDESTRUCTION ? 0 : emc__descriptor_lack();
}

static void note_failure(struct emc__lookup *lookup, int code)
{
    int lack = lack_behind(lookup, code);
    const char *words = code == ARES_EDESTRUCTION ? "the look-up was ended" : ares_strerror(code);
    lookup->status = lack != 0 ? emc__descriptor_status(lack) : EMC_ERROR_RESOLVE;
    snprintf(lookup->message, sizeof lookup->message, "%.180s: %.60s", lookup->name,
             lack != 0 ? strerror(lack) : words);
}

static bool make_room(struct emc__lookup *lookup)
{
    if (lookup->count < lookup->capacity) {
        return true;
    }
    size_t capacity = lookup->capacity == 0 ? 4 : lookup->capacity * 2;
    struct emc__endpoint *endpoints = emc__reallocate(&lookup->uv->allocator, lookup->endpoints,
                                                      capacity * sizeof *endpoints);
    if (endpoints == NULL) {
        note_failure(lookup, ARES_ENOMEM);
        return false;
    }
    lookup->endpoints = endpoints;
    lookup->capacity = capacity;
    return true;
}

static void note_ttl(struct emc__lookup *lookup, int ttl)
{
    uint32_t ttl_s = ttl > 0 ? (uint32_t)ttl : 0;
    if (lookup->ttl_s == 0 || (ttl_s != 0 && ttl_s < lookup->ttl_s)) {
        lookup->ttl_s = ttl_s;
    }
}

static void add_address(struct emc__lookup *lookup, const struct ares_addrinfo_node *node, const struct target *target)
{
    bool known = node->ai_family == AF_INET || node->ai_family == AF_INET6;
    if (!known || lookup->count == ENDPOINTS_MAX || !make_room(lookup)) {
        return;
    }
    struct emc__endpoint *endpoint = &lookup->endpoints[lookup->count++];
    *endpoint = (struct emc__endpoint){.port = target->port};
    if (node->ai_family == AF_INET) {
        const struct sockaddr_in *address = (const struct sockaddr_in *)(const void *)node->ai_addr;
        endpoint->family = EMC__ENDPOINT_IPV4;
        memcpy(endpoint->ip, &address->sin_addr, 4);
    } else {
        const struct sockaddr_in6 *address = (const struct sockaddr_in6 *)(const void *)node->ai_addr;
        endpoint->family = EMC__ENDPOINT_IPV6;
        memcpy(endpoint->ip, &address->sin6_addr, 16);
        endpoint->scope = address->sin6_scope_id;
    }
    note_ttl(lookup, node->ai_ttl);
}

static bool is_localhost(const char *name)
{
    return strcasecmp(name, "localhost") == 0 || strcasecmp(name, "localhost.") == 0;
}

/* RFC 6761 section 6.3: `localhost` means the loopback addresses, also where nobody says so (no /etc/hosts). */
static void answer_localhost(struct emc__lookup *lookup, uint16_t port)
{
    static const struct emc__endpoint loopback[] = {{.family = EMC__ENDPOINT_IPV6, .ip = {[15] = 1}},
                                                    {.family = EMC__ENDPOINT_IPV4, .ip = {127, 0, 0, 1}}};
    for (size_t i = 0; i < 2 && make_room(lookup); i++) {
        lookup->endpoints[lookup->count] = loopback[i];
        lookup->endpoints[lookup->count++].port = port;
    }
}

static void addresses_answered(void *data, int code, int timeouts, struct ares_addrinfo *result)
{
    struct target *target = data;
    struct emc__lookup *lookup = target->lookup;
    (void)timeouts;
    lookup->outstanding--;
    if (code != ARES_SUCCESS && is_localhost(lookup->name)) {
        answer_localhost(lookup, target->port);
    } else if (code != ARES_SUCCESS) {
        note_failure(lookup, code);
    }
    for (const struct ares_addrinfo_node *node = result != NULL ? result->nodes : NULL; node != NULL;
         node = node->ai_next) {
        add_address(lookup, node, target);
    }
    if (result != NULL) {
        ares_freeaddrinfo(result);
    }
    emc__release(&lookup->uv->allocator, target);
    emc__uv_raise(&lookup->uv->transport); /* delivered in a pass, also when c-ares knew at once */
}

static void look_up_addresses(struct emc__lookup *lookup, const char *name, uint16_t port)
{
    struct ares_addrinfo_hints hints = {.ai_flags = ARES_AI_NOSORT, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct target *target = emc__allocate_zeroed(&lookup->uv->allocator, 1, sizeof *target);
    if (target == NULL) {
        note_failure(lookup, ARES_ENOMEM);
        emc__uv_raise(&lookup->uv->transport);
        return;
    }
    *target = (struct target){lookup, port};
    lookup->outstanding++;
    ares_getaddrinfo(lookup->uv->resolver->channel, name, NULL, &hints, addresses_answered, target);
}

/* A target of "." says that the service is not offered (RFC 2782). */
static bool is_offered(const struct ares_srv_reply *record)
{
    return record->host[0] != '\0' && strcmp(record->host, ".") != 0;
}

/* Its addresses are looked up at each connection, like those of any node that goes by a name. */
static void add_target(struct emc__lookup *lookup, const struct ares_srv_reply *record)
{
    char *name = make_room(lookup) ? emc__copy_string(&lookup->uv->allocator, record->host, strlen(record->host))
                                   : NULL;
    if (name == NULL) {
        note_failure(lookup, ARES_ENOMEM);
        return;
    }
    lookup->endpoints[lookup->count++] = (struct emc__endpoint){.family = EMC__ENDPOINT_NAME,
                                                                .port = record->port,
                                                                .priority = record->priority,
                                                                .weight = record->weight,
                                                                .name = name};
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
    for (const struct ares_srv_reply *record = records; record != NULL && targets < TARGETS_MAX;
         record = record->next) {
        if (is_offered(record)) {
            add_target(lookup, record);
            targets++;
        }
    }
    if (records != NULL) {
        ares_free_data(records);
    }
    emc__uv_raise(&lookup->uv->transport);
}

/* ------------------------------------------------------------------ the channel */

/* When the library is loaded: it counts its users without a lock, and clients of several threads look names up. It holds nothing. */
__attribute__((constructor)) static void begin_library(void)
{
    (void)ares_library_init(ARES_LIB_INIT_ALL);
}

/* What c-ares says to it. */
static int open_channel(struct emc__resolver *resolver)
{
    struct ares_options options = {.sock_state_cb = socket_state,
                                   .sock_state_cb_data = resolver,
                                   .timeout = resolver->uv->name_try_ms,
                                   .tries = TRIES};
    int code = ares_init_options(&resolver->channel, &options,
                                 ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
    if (code != ARES_SUCCESS) {
        return code;
    }
    const char *servers = resolver->uv->name_servers;
    code = servers[0] != '\0' ? ares_set_servers_ports_csv(resolver->channel, servers) : ARES_SUCCESS;
    if (code != ARES_SUCCESS) {
        ares_destroy(resolver->channel);
    }
    return code;
}

static int open_resolver(struct emc__uv *uv)
{
    if (uv->resolver != NULL) {
        return ARES_SUCCESS;
    }
    struct emc__resolver *resolver = emc__allocate_zeroed(&uv->allocator, 1, sizeof *resolver);
    if (resolver == NULL) {
        return ARES_ENOMEM;
    }
    resolver->uv = uv;
    emc__list_init(&resolver->watches);
    int code = open_channel(resolver);
    if (code != ARES_SUCCESS) {
        emc__release(&uv->allocator, resolver);
        return code;
    }
    uv->resolver = resolver;
    return ARES_SUCCESS;
}

/* c-ares calls back for everything outstanding, and closes its sockets. */
static void close_resolver(struct emc__uv *uv)
{
    struct emc__resolver *resolver = uv->resolver;
    struct emc__link *link;
    if (resolver == NULL) {
        return;
    }
    ares_destroy(resolver->channel);
    while ((link = emc__list_take_first(&resolver->watches)) != NULL) {
        emc__watch_close(&EMC__CONTAINER_OF(link, struct resolver_watch, link)->watch);
    }
    uv->resolver = NULL;
    uv->resolver_ns = EMC__NEVER;
    emc__release(&uv->allocator, resolver);
}

/* ------------------------------------------------------------------ look-ups */

static struct emc__lookup *new_lookup(struct emc__uv *uv, const char *name, emc__lookup_callback *callback,
                                      void *context)
{
    struct emc__lookup *lookup = emc__allocate_zeroed(&uv->allocator, 1, sizeof *lookup);
    if (lookup == NULL) {
        return NULL;
    }
    lookup->uv = uv;
    lookup->callback = callback;
    lookup->context = context;
    snprintf(lookup->name, sizeof lookup->name, "%s", name);
    emc__list_append(&uv->lookups, &lookup->link);
    return lookup;
}

/* c-ares could not begin (it reads files first). */
static void answer_without_resolver(struct emc__lookup *lookup, int code, enum emc__lookup_kind kind, uint16_t port)
{
    if (kind == EMC__LOOKUP_ADDRESSES && is_localhost(lookup->name)) {
        answer_localhost(lookup, port);
    } else {
        note_failure(lookup, code);
    }
    emc__uv_raise(&lookup->uv->transport);
}

emc_status emc__resolve_start(struct emc__transport *transport, enum emc__lookup_kind kind, const char *name,
                              uint16_t port, emc__lookup_callback *callback, void *context,
                              struct emc__lookup **lookup_out)
{
    struct emc__uv *uv = (struct emc__uv *)transport;
    if (name[0] == '\0' || strnlen(name, NAME_MAX_LENGTH + 1) > NAME_MAX_LENGTH || uv->loop_lost) {
        return EMC_ERROR_RESOLVE;
    }
    struct emc__lookup *lookup = new_lookup(uv, name, callback, context);
    if (lookup == NULL) {
        return EMC_ERROR_MEMORY;
    }
    *lookup_out = lookup;
    int code = open_resolver(uv);
    if (code != ARES_SUCCESS) {
        answer_without_resolver(lookup, code, kind, port);
        return EMC_OK;
    }
    if (kind == EMC__LOOKUP_SERVICE) {
        lookup->outstanding = 1;
        ares_search(uv->resolver->channel, lookup->name, CLASS_INTERNET, TYPE_SRV, service_answered, lookup);
    } else {
        look_up_addresses(lookup, lookup->name, port);
    }
    set_deadline(uv->resolver);
    return EMC_OK;
}

static void release_lookup(struct emc__lookup *lookup)
{
    const emc_allocator *allocator = &lookup->uv->allocator;
    emc__link_remove(&lookup->link);
    for (size_t i = 0; i < lookup->count; i++) {
        emc__release(allocator, (void *)(uintptr_t)lookup->endpoints[i].name);
    }
    emc__release(allocator, lookup->endpoints);
    emc__release(allocator, lookup);
}

/* c-ares can't take one question back: a look-up it still works on waits, silent, for its answer, or for the last one to be cancelled. */
void emc__resolve_cancel(struct emc__transport *transport, struct emc__lookup *lookup)
{
    lookup->callback = NULL;
    if (lookup->outstanding == 0) {
        release_lookup(lookup);
    } else {
        emc__uv_raise(transport);
    }
}

static void deliver(struct emc__lookup *lookup)
{
    emc__lookup_callback *callback = lookup->callback;
    void *context = lookup->context;
    uint64_t now_ns = lookup->uv->now_ns;
    lookup->callback = NULL;
    emc__link_remove(&lookup->link);
    bool whole = lookup->count > 0 && lookup->status != EMC_ERROR_MEMORY; /* discovery takes what is missing for gone */
    if (callback != NULL && whole) {
        callback(context, EMC_OK, "", lookup->endpoints, lookup->count, lookup->ttl_s, now_ns);
    } else if (callback != NULL) {
        if (lookup->status == EMC_OK) {
            note_failure(lookup, ARES_ENODATA);
        }
        callback(context, lookup->status, lookup->message, NULL, 0, 0, now_ns);
    }
    release_lookup(lookup);
}

static void move_answered(struct emc__uv *uv, struct emc__list *answered)
{
    struct emc__link *next;
    for (struct emc__link *link = emc__list_first(&uv->lookups); link != NULL; link = next) {
        next = emc__list_next(&uv->lookups, link);
        if (EMC__CONTAINER_OF(link, struct emc__lookup, link)->outstanding == 0) {
            emc__link_remove(link);
            emc__list_append(answered, link);
        }
    }
}

static bool anybody_waits(const struct emc__uv *uv)
{
    for (struct emc__link *link = emc__list_first(&uv->lookups); link != NULL;
         link = emc__list_next(&uv->lookups, link)) {
        if (EMC__CONTAINER_OF(link, struct emc__lookup, link)->callback != NULL) {
            return true;
        }
    }
    return false;
}

static void release_all(struct emc__list *lookups)
{
    struct emc__link *link;
    while ((link = emc__list_first(lookups)) != NULL) {
        release_lookup(EMC__CONTAINER_OF(link, struct emc__lookup, link));
    }
}

void emc__resolver_pass(struct emc__uv *uv)
{
    struct emc__list
        answered; /* what is answered from here on, a look-up begun by one of the callbacks for instance, waits for the next pass */
    struct emc__link *link;
    if (uv->resolver == NULL && emc__list_empty(&uv->lookups)) {
        return;
    }
    if (uv->resolver != NULL && uv->resolver->starved) {
        close_resolver(uv);
    }
    if (uv->resolver != NULL && uv->now_ns >= uv->resolver_ns) {
        ares_process_fd(uv->resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    }
    emc__list_init(&answered);
    move_answered(uv, &answered);
    while ((link = emc__list_first(&answered)) != NULL) {
        deliver(EMC__CONTAINER_OF(link, struct emc__lookup, link));
    }
    if (!anybody_waits(uv)) {
        close_resolver(uv);
        release_all(&uv->lookups);
    } else if (uv->resolver != NULL) {
        set_deadline(uv->resolver);
    }
}

void emc__resolver_after_fork(struct emc__uv *uv)
{
    close_resolver(uv);
}

void emc__resolver_destroy(struct emc__uv *uv)
{
    close_resolver(uv);
    release_all(&uv->lookups);
}
