/* Events and their subscribers: see events.h. */
#include "cluster/events.h"

#include <string.h>

struct emc__event {
    struct emc__link link;
    uint64_t first_subscription; /* only who subscribed before it happened hears of it */
    emc_cluster_event event;
    emc_address address;
    char text[EMC_ERROR_MESSAGE_SIZE + EMC_ADDRESS_TEXT_SIZE];
};

struct emc__subscriber {
    struct emc__link link;
    uint64_t subscription;
    emc_cluster_event_callback *callback; /* NULL: unsubscribed during a delivery */
    void *user_data;
};

void emc__events_init(struct emc__events *events, struct emc__engine *engine)
{
    *events = (struct emc__events){.engine = engine, .next_subscription = 1};
    emc__list_init(&events->queue);
    emc__list_init(&events->subscribers);
}

void emc__events_deinit(struct emc__events *events)
{
    struct emc__link *link;
    while ((link = emc__list_take_first(&events->queue)) != NULL) {
        emc__release(&events->engine->allocator, EMC__CONTAINER_OF(link, struct emc__event, link));
    }
    while ((link = emc__list_take_first(&events->subscribers)) != NULL) {
        emc__release(&events->engine->allocator, EMC__CONTAINER_OF(link, struct emc__subscriber, link));
    }
}

/* Health is logged by the node, a failure of discovery by who met it. */
static void log_membership(const struct emc__events *events, emc_cluster_event_kind kind, const emc_address *node,
                           uint32_t weight)
{
    if (events->begun &&
        (kind == EMC_EVENT_NODE_ADDED || kind == EMC_EVENT_NODE_REMOVED || kind == EMC_EVENT_NODE_WEIGHT)) {
        char address[EMC_ADDRESS_TEXT_SIZE];
        emc_address_format(node, address, sizeof address);
        emc__log_write(&events->engine->log, EMC_LOG_INFO,
                       kind == EMC_EVENT_NODE_REMOVED ? "%s is removed"
                       : kind == EMC_EVENT_NODE_ADDED ? "%s is added, with weight %u"
                                                      : "%s has weight %u now",
                       address, weight);
    }
}

void emc__events_add(struct emc__events *events, emc_cluster_event_kind kind, const emc_address *node, uint32_t weight,
                     const char *reason)
{
    log_membership(events, kind, node, weight);
    if (emc__list_empty(&events->subscribers)) {
        return;
    }
    struct emc__event *event = emc__allocate_zeroed(&events->engine->allocator, 1, sizeof *event);
    if (event == NULL) {
        emc__log_write(&events->engine->log, EMC_LOG_ERROR, "out of memory: a cluster event is lost");
        return;
    }
    const char *name = node->kind == EMC_ADDRESS_UNIX ? node->path : node->host;
    size_t name_length = strlen(name) + 1;
    size_t reason_length = strnlen(reason, EMC_ERROR_MESSAGE_SIZE - 1);
    memcpy(event->text, name, name_length);
    memcpy(event->text + name_length, reason, reason_length);
    emc_address address = *node;
    address.host = node->kind == EMC_ADDRESS_UNIX ? NULL : event->text;
    address.path = node->kind == EMC_ADDRESS_UNIX ? event->text : NULL;
    event->event = (emc_cluster_event){kind, NULL, weight, event->text + name_length};
    event->first_subscription = events->next_subscription;
    event->address = address;
    event->event.node = &event->address;
    emc__list_append(&events->queue, &event->link);
}

static void tell(struct emc__events *events, const struct emc__event *event)
{
    for (struct emc__link *link = emc__list_first(&events->subscribers); link != NULL;
         link = emc__list_next(&events->subscribers, link)) {
        struct emc__subscriber *subscriber = EMC__CONTAINER_OF(link, struct emc__subscriber, link);
        if (subscriber->callback != NULL && subscriber->subscription < event->first_subscription) {
            events->engine->callback_depth++;
            subscriber->callback(subscriber->user_data, &event->event);
            events->engine->callback_depth--;
        }
    }
}

static void reap_subscribers(struct emc__events *events)
{
    struct emc__link *link = emc__list_first(&events->subscribers);
    while (link != NULL) {
        struct emc__subscriber *subscriber = EMC__CONTAINER_OF(link, struct emc__subscriber, link);
        link = emc__list_next(&events->subscribers, link);
        if (subscriber->callback == NULL) {
            emc__link_remove(&subscriber->link);
            emc__release(&events->engine->allocator, subscriber);
        }
    }
}

bool emc__events_deliver(struct emc__events *events)
{
    struct emc__link *link;
    bool delivered = false;
    if (events->delivering) {
        return false;
    }
    events->delivering = true;
    while ((link = emc__list_take_first(&events->queue)) != NULL) {
        struct emc__event *event = EMC__CONTAINER_OF(link, struct emc__event, link);
        tell(events, event);
        emc__release(&events->engine->allocator, event);
        delivered = true;
    }
    events->delivering = false;
    reap_subscribers(events);
    return delivered;
}

emc_status emc__events_subscribe(struct emc__events *events, emc_cluster_event_callback *callback, void *user_data,
                                 uint64_t *subscription_out)
{
    struct emc__subscriber *subscriber = emc__allocate_zeroed(&events->engine->allocator, 1, sizeof *subscriber);
    if (subscriber == NULL) {
        return EMC_ERROR_MEMORY;
    }
    subscriber->subscription = events->next_subscription++;
    subscriber->callback = callback;
    subscriber->user_data = user_data;
    emc__list_append(&events->subscribers, &subscriber->link);
    if (subscription_out != NULL) {
        *subscription_out = subscriber->subscription;
    }
    return EMC_OK;
}

emc_status emc__events_unsubscribe(struct emc__events *events, uint64_t subscription)
{
    for (struct emc__link *link = emc__list_first(&events->subscribers); link != NULL;
         link = emc__list_next(&events->subscribers, link)) {
        struct emc__subscriber *subscriber = EMC__CONTAINER_OF(link, struct emc__subscriber, link);
        if (subscriber->subscription == subscription && subscriber->callback != NULL) {
            subscriber->callback = NULL;
            if (!events->delivering) {
                reap_subscribers(events);
            }
            return EMC_OK;
        }
    }
    return EMC_MISS;
}
