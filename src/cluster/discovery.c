/* Autodiscovery: see discovery.h.
 *
 * A configuration endpoint is a node of its own that carries no keys. When a node stops answering it is connected to anew, so that its name is looked
 * up again. Several endpoints are asked in turn, the next one after each failure. Only a configuration with a strictly greater version is applied
 * (protocol.md section 4). DNS answers are guarded instead: an empty one changes nothing, and one that drops more than half of the nodes must be said
 * twice. When to ask is decided in discovery_pace.c. */
#include "cluster/discovery.h"

#include <stdio.h>
#include <string.h>

#include "cluster/discovery_pace.h"
#include "cluster/discovery_parse.h"
#include "transport/endpoint.h"

/* Engines before 1.4.14 tell the configuration as the value of this key. */
static const char legacy_key[] = "AmazonElastiCache:cluster";

struct emc__discovery {
    struct emc__grave grave; /* first */
    struct emc__engine *engine;
    const struct emc__discovery_listener *listener;
    void *context;
    struct emc__timer timer;
    struct emc__node **endpoints; /* of EMC_DISCOVERY_CLUSTER */
    size_t endpoint_count, next_endpoint;
    emc_address_storage name; /* of DNS discovery */
    struct emc__lookup *lookup;
    uint64_t version; /* applied last */
    struct emc__discovery_pace pace;
    uint32_t ttl_s;     /* of the last DNS answer */
    size_t unsupported; /* endpoints in a row that know of no configuration */
    bool legacy, destroyed;
    bool renew;                    /* the endpoint is to be connected to anew */
    bool asking, answered, usable; /* a question is out; its configuration came; and could be used */
    size_t found_count;
    struct emc__discovered_node *found; /* EMC__DISCOVERED_MAX, while an answer is looked at */
};

static void ask(struct emc__timer *timer, uint64_t now_ns);

/* ------------------------------------------------------------------ what is found */

static void schedule(struct emc__discovery *discovery)
{
    if (!discovery->destroyed) {
        uint64_t interval_ns = emc__ms_to_ns(discovery->engine->options.discovery_interval_ms);
        bool troubled = discovery->listener->troubled(discovery->context);
        uint64_t pause_ns = emc__discovery_pause_ns(&discovery->pace, interval_ns, troubled, discovery->ttl_s);
        emc__timer_set(&discovery->engine->wheel, &discovery->timer, discovery->engine->now_ns + pause_ns);
    }
}

static const emc_address *asked_address(const struct emc__discovery *discovery)
{
    return discovery->endpoint_count > 0 ? emc__node_address(discovery->endpoints[discovery->next_endpoint])
                                         : &discovery->name.address;
}

static void tell_failure(struct emc__discovery *discovery, emc_status status, const char *message)
{
    if (!discovery->destroyed) {
        discovery->pace.failures += discovery->pace.failures < UINT32_MAX;
        discovery->listener->failed(discovery->context, asked_address(discovery), status, message);
    }
}

/* Hands the list on. True: it is in place. */
static bool apply(struct emc__discovery *discovery, const emc_weighted_address *list, size_t count)
{
    emc_error error;
    emc_status status = discovery->listener->found(discovery->context, list, count, &error);
    if (status != EMC_OK) {
        tell_failure(discovery, status, error.message);
        return false;
    }
    emc__discovery_pace_applied(&discovery->pace, count);
    return true;
}

static void apply_found(struct emc__discovery *discovery, uint64_t version)
{
    if (discovery->pace.applied && version <= discovery->version) {
        discovery->pace.failures = 0;
        discovery->usable = true; /* stale, or nothing new */
        return;
    }
    emc_weighted_address *list = emc__allocate_zeroed(&discovery->engine->allocator, discovery->found_count,
                                                      sizeof *list);
    if (list == NULL) {
        tell_failure(discovery, EMC_ERROR_MEMORY, emc_status_text(EMC_ERROR_MEMORY));
        return;
    }
    for (size_t i = 0; i < discovery->found_count; i++) {
        list[i] = (emc_weighted_address){emc_address_tcp(discovery->found[i].host, discovery->found[i].port), 100};
    }
    if (apply(discovery, list, discovery->found_count)) {
        discovery->version = version;
        discovery->usable = true;
    }
    emc__release(&discovery->engine->allocator, list);
}

static void take_payload(struct emc__discovery *discovery, struct emc__slice payload)
{
    uint64_t version = 0;
    if (payload.length >
        discovery->engine->options.discovery_length_max) { /* the older question's value: no other limit is so low */
        tell_failure(discovery, EMC_ERROR_PROTOCOL, "a configuration that is too long: more than discovery_length_max");
        return;
    }
    discovery->found = emc__allocate_zeroed(&discovery->engine->allocator, EMC__DISCOVERED_MAX,
                                            sizeof *discovery->found);
    if (discovery->found == NULL) {
        tell_failure(discovery, EMC_ERROR_MEMORY, emc_status_text(EMC_ERROR_MEMORY));
        return;
    }
    const char *wrong = emc__discovery_parse(payload, &version, discovery->found, &discovery->found_count);
    if (wrong != NULL) {
        tell_failure(discovery, EMC_ERROR_PROTOCOL, wrong);
    } else {
        apply_found(discovery, version);
    }
    emc__release(&discovery->engine->allocator, discovery->found);
    discovery->found = NULL;
}

/* ------------------------------------------------------------------ the configuration endpoint */

static void answered(void *user_data, const emc_result *result);

static bool submit(struct emc__discovery *discovery, enum emc__operation_kind kind, enum emc__verb verb,
                   const char *text)
{
    struct emc__engine *engine = discovery->engine;
    size_t length = strlen(text);
    struct emc__operation *operation = emc__operation_take(engine, kind, verb);
    uint8_t *block = operation != NULL ? emc__blocks_take(&engine->blocks, length) : NULL;
    if (block == NULL) {
        if (operation != NULL) {
            emc__slab_give(&engine->operations, operation);
        }
        return false;
    }
    memcpy(block, text, length);
    operation->block = block;
    operation->block_size = (uint32_t)length;
    operation->key_length = kind == EMC__OPERATION_RETRIEVAL ? (uint8_t)length : 0;
    operation->argument_length = kind == EMC__OPERATION_RETRIEVAL ? 0 : (uint16_t)length;
    operation->number = UINT64_MAX;
    operation->internal = true;
    operation->callback = answered;
    operation->user_data = discovery;
    operation->submitted_ns = engine->now_ns;
    emc__timer_set(&engine->wheel, &operation->timer,
                   engine->now_ns + emc__ms_to_ns(engine->options.discovery_timeout_ms));
    emc__node_submit(discovery->endpoints[discovery->next_endpoint], operation);
    discovery->asking = true;
    return true;
}

static void ask_endpoint(struct emc__discovery *discovery)
{
    discovery->answered = discovery->usable = false;
    bool submitted = discovery->legacy
                         ? submit(discovery, EMC__OPERATION_RETRIEVAL, EMC__VERB_GET, legacy_key)
                         : submit(discovery, EMC__OPERATION_STREAM, EMC__VERB_RAW_LINE, "config get cluster");
    if (!submitted) {
        tell_failure(discovery, EMC_ERROR_MEMORY, emc_status_text(EMC_ERROR_MEMORY));
    }
}

/* The question is answered, or failed. */
static void finish(struct emc__discovery *discovery, emc_status status, const char *message)
{
    discovery->asking = false;
    if (discovery->destroyed) {
        return;
    }
    if (status == EMC_ERROR_UNSUPPORTED && !discovery->legacy) {
        discovery->legacy = true;
        ask_endpoint(discovery);
        return;
    }
    bool legacy = discovery->legacy;
    discovery->legacy = legacy && discovery->answered; /* what has no answer that way is asked the usual way again */
    bool unsupported = status == EMC_ERROR_UNSUPPORTED || (legacy && status == EMC_MISS);
    discovery->unsupported = unsupported ? discovery->unsupported + 1 : 0;
    if (unsupported) {
        tell_failure(discovery, EMC_ERROR_UNSUPPORTED, "the server has no cluster configuration to tell");
    } else if (status < 0) {
        tell_failure(discovery, status, message);
    } else if (!discovery->answered) {
        tell_failure(discovery, EMC_ERROR_PROTOCOL, "the server answered without a configuration");
    }
    if (!discovery->usable) {
        discovery->next_endpoint = (discovery->next_endpoint + 1) % discovery->endpoint_count;
    }
    schedule(discovery);
}

static void answered(void *user_data, const emc_result *result)
{
    struct emc__discovery *discovery = user_data;
    if (result->status == EMC_OK && result->value != NULL && !discovery->answered && !discovery->destroyed) {
        discovery->answered = true;
        take_payload(discovery, emc__slice_of(result->value, result->value_length));
    }
    if (result->last) {
        finish(discovery, result->status, result->message);
    }
}

/* ------------------------------------------------------------------ DNS */

static bool same_endpoint(const struct emc__endpoint *a, const struct emc__endpoint *b)
{
    if (a->family != b->family || a->port != b->port) {
        return false;
    }
    return a->name != NULL ? strcmp(a->name, b->name) == 0
                           : a->scope == b->scope && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

/* A node's address: a service's target by its name, so that it keeps its keys when it moves, and its certificate fits; else the literal, with its scope. */
static void name_endpoint(const struct emc__endpoint *endpoint, uint32_t weight, char *text, emc_weighted_address *node)
{
    if (endpoint->name == NULL) {
        emc__endpoint_format_host(endpoint, text);
    }
    *node = (emc_weighted_address){emc_address_tcp(endpoint->name != NULL ? endpoint->name : text, endpoint->port),
                                   weight};
}

static size_t list_endpoints(const struct emc__endpoint *endpoints, size_t count,
                             char (*texts)[EMC__ENDPOINT_TEXT_SIZE], emc_weighted_address *list)
{
    size_t listed = 0;
    for (size_t i = 0; i < count; i++) {
        bool again = false;
        for (size_t j = 0; j < i; j++) {
            again = again || same_endpoint(&endpoints[i], &endpoints[j]);
        }
        if (!again) {
            name_endpoint(&endpoints[i], endpoints[i].weight > 0 ? endpoints[i].weight : 100, texts[listed],
                          &list[listed]);
            listed++;
        }
    }
    return listed;
}

static void looked_up(void *context, emc_status status, const char *message, const struct emc__endpoint *endpoints,
                      size_t count, uint32_t ttl_s, uint64_t now_ns)
{
    struct emc__discovery *discovery = context;
    const emc_allocator *allocator = &discovery->engine->allocator;
    discovery->engine->now_ns = now_ns;
    discovery->lookup = NULL;
    discovery->ttl_s = ttl_s;
    if (status != EMC_OK || count == 0) {
        bool memory = status == EMC_ERROR_MEMORY; /* a lack of descriptors has its words */
        tell_failure(discovery, memory ? status : EMC_ERROR_RESOLVE, message);
    } else if (emc__discovery_pace_doubts(&discovery->pace, count)) {
        tell_failure(discovery, EMC_ERROR_RESOLVE,
                     "the answer lacks more than half of the nodes: waiting for a second one like it");
    } else {
        char(*texts)[EMC__ENDPOINT_TEXT_SIZE] = emc__allocate_zeroed(allocator, count, sizeof *texts);
        emc_weighted_address *list = emc__allocate_zeroed(allocator, count, sizeof *list);
        if (texts != NULL && list != NULL) {
            apply(discovery, list, list_endpoints(endpoints, count, texts, list));
        } else {
            tell_failure(discovery, EMC_ERROR_MEMORY, emc_status_text(EMC_ERROR_MEMORY));
        }
        emc__release(allocator, texts);
        emc__release(allocator, list);
    }
    schedule(discovery);
}

static void ask_dns(struct emc__discovery *discovery)
{
    struct emc__transport *transport = discovery->engine->transport;
    enum emc__lookup_kind kind = discovery->engine->options.discovery == EMC_DISCOVERY_DNS_SRV ? EMC__LOOKUP_SERVICE
                                                                                               : EMC__LOOKUP_ADDRESSES;
    emc_status status = transport->class_->lookup(transport, kind, discovery->name.address.host,
                                                  (uint16_t)discovery->name.address.port, looked_up, discovery,
                                                  &discovery->lookup);
    if (status != EMC_OK) {
        discovery->lookup = NULL;
        tell_failure(discovery, status, emc_status_text(status));
    }
}

/* ------------------------------------------------------------------ life */

static void ignore_health(void *context, struct emc__node *node, bool healthy, const char *reason)
{
    (void)context;
    (void)node;
    (void)healthy;
    (void)reason;
}

static void ignore_drained(void *context, struct emc__node *node)
{
    (void)context;
    (void)node;
}

static const struct emc__node_listener endpoint_listener = {ignore_health, ignore_drained};

/* Connects to the endpoint anew, where that was asked for: its name is looked up, and may lead elsewhere now. */
static void renew_endpoint(struct emc__discovery *discovery)
{
    struct emc__node **place = &discovery->endpoints[discovery->next_endpoint];
    struct emc__node *fresh = discovery->renew ? emc__node_create(discovery->engine, emc__node_address(*place), 100,
                                                                  &endpoint_listener, discovery)
                                               : NULL;
    discovery->renew = false;
    if (fresh != NULL) {
        emc__node_destroy(*place);
        *place = fresh;
    }
}

static void ask(struct emc__timer *timer, uint64_t now_ns)
{
    struct emc__discovery *discovery = EMC__CONTAINER_OF(timer, struct emc__discovery, timer);
    discovery->engine->now_ns = now_ns;
    if (discovery->asking || discovery->lookup != NULL) {
        return;
    }
    if (discovery->endpoint_count > 0) {
        renew_endpoint(discovery);
        ask_endpoint(discovery);
    } else {
        ask_dns(discovery);
    }
    if (!discovery->asking && discovery->lookup == NULL) {
        schedule(discovery);
    }
}

bool emc__discovery_hopeless(const struct emc__discovery *discovery)
{
    return discovery->endpoint_count > 0 && discovery->unsupported >= discovery->endpoint_count;
}

void emc__discovery_hurry(struct emc__discovery *discovery)
{
    discovery->renew = true;
    emc__timer_set(&discovery->engine->wheel, &discovery->timer, 0);
}

static bool open_endpoints(struct emc__discovery *discovery, const emc_weighted_address *endpoints, size_t count)
{
    struct emc__engine *engine = discovery->engine;
    discovery->endpoints = emc__allocate_zeroed(&engine->allocator, count, sizeof(struct emc__node *));
    while (discovery->endpoints != NULL && discovery->endpoint_count < count) {
        struct emc__node *node = emc__node_create(engine, &endpoints[discovery->endpoint_count].address, 100,
                                                  &endpoint_listener, discovery);
        if (node == NULL) {
            return false;
        }
        discovery->endpoints[discovery->endpoint_count++] = node;
    }
    return discovery->endpoints != NULL;
}

struct emc__discovery *emc__discovery_create(struct emc__engine *engine, const emc_weighted_address *endpoints,
                                             size_t count, const struct emc__discovery_listener *listener,
                                             void *context)
{
    struct emc__discovery *discovery = emc__allocate_zeroed(&engine->allocator, 1, sizeof *discovery);
    if (discovery == NULL) {
        return NULL;
    }
    discovery->engine = engine;
    discovery->listener = listener;
    discovery->context = context;
    emc__timer_init(&discovery->timer, ask);
    if (engine->options.discovery == EMC_DISCOVERY_CLUSTER) {
        if (!open_endpoints(discovery, endpoints, count)) {
            emc__discovery_destroy(discovery);
            return NULL;
        }
    } else {
        snprintf(discovery->name.text, sizeof discovery->name.text, "%s", endpoints[0].address.host);
        discovery->name.address = emc_address_tcp(discovery->name.text, endpoints[0].address.port);
    }
    emc__timer_set(&engine->wheel, &discovery->timer, 0);
    return discovery;
}

static void release(struct emc__engine *engine, struct emc__grave *grave)
{
    struct emc__discovery *discovery = EMC__CONTAINER_OF(grave, struct emc__discovery, grave);
    emc__release(&engine->allocator, discovery->endpoints);
    emc__release(&engine->allocator, discovery);
}

void emc__discovery_destroy(struct emc__discovery *discovery)
{
    if (discovery == NULL) {
        return;
    }
    struct emc__engine *engine = discovery->engine;
    discovery->destroyed = true;
    emc__timer_clear(&engine->wheel, &discovery->timer);
    if (discovery->lookup != NULL) {
        engine->transport->class_->lookup_cancel(engine->transport, discovery->lookup);
    }
    for (size_t i = 0; i < discovery->endpoint_count; i++) {
        emc__node_destroy(discovery->endpoints[i]);
    }
    emc__engine_bury(engine, &discovery->grave, release);
}

void emc__discovery_after_fork(struct emc__discovery *discovery)
{
    for (size_t i = 0; i < discovery->endpoint_count; i++) {
        emc__node_after_fork(discovery->endpoints[i]);
    }
}
