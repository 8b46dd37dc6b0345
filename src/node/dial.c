/* One attempt to reach a node: see dial.h. Every address a name has is tried; the first established wins and the others are dropped. */
#include "node/dial.h"

#include <stdio.h>
#include <string.h>

#include "transport/endpoint.h"

static void go_on(struct emc__timer *timer, uint64_t now_ns);

void emc__dial_init(struct emc__dial *dial, struct emc__engine *engine, const struct emc__dial_listener *listener,
                    void *context)
{
    memset(dial, 0, sizeof *dial);
    dial->engine = engine;
    dial->listener = listener;
    dial->context = context;
    emc__timer_init(&dial->stagger, go_on);
}

static void abort_race(struct emc__dial *dial, struct emc__dial_race *race)
{
    if (race->socket != NULL) {
        dial->engine->transport->class_->abort(race->socket, true);
        race->socket = NULL;
    }
}

void emc__dial_stop(struct emc__dial *dial)
{
    dial->active = false;
    emc__timer_clear(&dial->engine->wheel, &dial->stagger);
    if (dial->lookup != NULL) {
        dial->engine->transport->class_->lookup_cancel(dial->engine->transport, dial->lookup);
        dial->lookup = NULL;
    }
    for (uint32_t i = 0; i < dial->begun; i++) {
        abort_race(dial, &dial->races[i]);
    }
    dial->count = dial->begun = dial->lost = 0;
}

static void fail(struct emc__dial *dial, emc_status status, const char *message, uint64_t now_ns)
{
    emc__dial_stop(dial);
    dial->listener->failed(dial->context, status, message, now_ns);
}

static void note_loss(struct emc__dial *dial, emc_status status, const char *message)
{
    if (dial->lost++ == 0 ||
        !emc__dial_lacks(status)) { /* what one address says is more than what we lack for another */
        dial->status = status;
        snprintf(dial->message, sizeof dial->message, "%s", message);
    }
}

static void race_connected(void *context, uint64_t now_ns)
{
    struct emc__dial_race *race = context;
    struct emc__dial *dial = race->dial;
    struct emc__socket *socket = race->socket;
    dial->engine->now_ns = now_ns;
    race->socket = NULL;
    emc__dial_stop(dial);
    dial->listener->established(dial->context, socket, now_ns);
}

static void race_failed(void *context, emc_status status, const char *message, uint64_t now_ns)
{
    struct emc__dial_race *race = context;
    struct emc__dial *dial = race->dial;
    dial->engine->now_ns = now_ns;
    note_loss(dial, status, message);
    abort_race(dial, race);
    go_on(&dial->stagger, now_ns); /* RFC 8305: the next address need not wait for its turn */
}

static void race_silent(void *context, uint64_t now_ns)
{
    (void)context;
    (void)now_ns;
}

static const struct emc__socket_listener race_listener = {
    .connected = race_connected, .readable = race_silent, .writable = race_silent, .failed = race_failed};

/* Begins with the next address, the ones that fail at once left behind. */
static void begin_next(struct emc__dial *dial)
{
    struct emc__transport *transport = dial->engine->transport;
    while (dial->begun < dial->count) {
        uint32_t i = dial->begun++;
        struct emc__dial_race *race = &dial->races[i];
        race->dial = dial;
        race->socket = NULL;
        emc_status status = transport->class_->connect(transport, &dial->endpoints[i], dial->tls_name, &race_listener,
                                                       race, &race->socket);
        if (status == EMC_OK) {
            return;
        }
        race->socket = NULL;
        note_loss(dial, status, transport->class_->error_text(transport, NULL));
    }
}

/* RFC 8305's pause, but shorter where an attempt would be over (or cut off, as it is while a node is down) before its last address was tried. */
static uint64_t stagger_ns(const struct emc__dial *dial)
{
    const emc_options *options = &dial->engine->options;
    uint32_t limit_ms = options->connection_timeout_ms < options->backoff_max_ms ? options->connection_timeout_ms
                                                                                 : options->backoff_max_ms;
    uint64_t share_ns = emc__ms_to_ns(limit_ms) / (dial->count + 1);
    return share_ns < EMC__DIAL_STAGGER_NS ? share_ns : EMC__DIAL_STAGGER_NS;
}

/* The stagger has passed, or an address was lost. */
static void go_on(struct emc__timer *timer, uint64_t now_ns)
{
    struct emc__dial *dial = EMC__CONTAINER_OF(timer, struct emc__dial, stagger);
    if (!dial->active) {
        return;
    }
    begin_next(dial);
    if (dial->lost == dial->count) {
        emc_status status = dial->status;
        char message[EMC_ERROR_MESSAGE_SIZE];
        memcpy(message, dial->message, sizeof message);
        fail(dial, status, message, now_ns);
    } else if (dial->begun < dial->count) {
        emc__timer_set(&dial->engine->wheel, &dial->stagger, now_ns + stagger_ns(dial));
    }
}

/* RFC 8305 section 4: families in turn, beginning with that of the first address found. */
static void interleave(struct emc__dial *dial, const struct emc__endpoint *endpoints, size_t count)
{
    bool used[EMC__DIAL_ENDPOINTS_MAX * 4] = {false};
    size_t considered = count < sizeof used ? count : sizeof used;
    enum emc__endpoint_family family = endpoints[0].family;
    dial->count = 0;
    while (dial->count < EMC__DIAL_ENDPOINTS_MAX && dial->count < considered) {
        size_t pick = considered;
        for (size_t i = 0; i < considered; i++) {
            if (!used[i] &&
                (pick == considered || (endpoints[pick].family != family && endpoints[i].family == family))) {
                pick = i;
            }
        }
        used[pick] = true;
        dial->endpoints[dial->count++] = endpoints[pick];
        family = endpoints[pick].family == EMC__ENDPOINT_IPV6 ? EMC__ENDPOINT_IPV4 : EMC__ENDPOINT_IPV6;
    }
}

static void looked_up(void *context, emc_status status, const char *message, const struct emc__endpoint *endpoints,
                      size_t count, uint32_t ttl_s, uint64_t now_ns)
{
    struct emc__dial *dial = context;
    (void)ttl_s;
    dial->engine->now_ns = now_ns;
    dial->lookup = NULL;
    if (status != EMC_OK || count == 0) {
        fail(dial, status != EMC_OK ? status : EMC_ERROR_RESOLVE, message, now_ns);
        return;
    }
    interleave(dial, endpoints, count);
    go_on(&dial->stagger, now_ns);
}

void emc__dial_start(struct emc__dial *dial, const char *host, uint16_t port, const char *path, const char *tls_name)
{
    struct emc__transport *transport = dial->engine->transport;
    dial->tls_name = tls_name;
    dial->count = dial->begun = dial->lost = 0;
    dial->active = true;
    bool literal = path != NULL ? emc__endpoint_from_path(path, &dial->endpoints[0])
                                : emc__endpoint_from_literal(host, port, &dial->endpoints[0]);
    if (literal) {
        dial->count = 1;
    } else {
        emc_status status = transport->class_->lookup(transport, EMC__LOOKUP_ADDRESSES, host, port, looked_up, dial,
                                                      &dial->lookup);
        if (status == EMC_OK) {
            return;
        }
        dial->status = status;
        snprintf(dial->message, sizeof dial->message, "%s", emc_status_text(status));
    }
    /* In the next pass: what fails at once must not be reported from inside this call. */
    emc__timer_set(&dial->engine->wheel, &dial->stagger, 0);
}
