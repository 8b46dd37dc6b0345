/* The management view: what the cluster looks like, and its steering wheel. Counts references; outlives its client and then answers with the
 * last state. */
#include <string.h>

#include "base/lock.h"
#include "cluster/cluster_internal.h"
#include "protocol/protocol.h"

/* One node of the last state. */
struct last_node {
    emc_address_storage storage;
    emc_node_state state;
    emc_pool_metrics metrics;
};

struct emc_cluster_management {
    emc_allocator allocator;
    struct emc__lock *lock; /* the client's, which lives as long as the view; NULL: one thread uses both */
    uint32_t references;
    struct emc__cluster *cluster; /* NULL: the client is gone */
    struct last_node *last;       /* members, then the gutter */
    size_t last_count, last_gutter;
};

emc_cluster_management *emc__view_create(struct emc__cluster *cluster)
{
    emc_cluster_management *view = emc__allocate_zeroed(&cluster->engine->allocator, 1, sizeof *view);
    if (view != NULL) {
        view->allocator = cluster->engine->allocator;
        view->references = 1;
        view->cluster = cluster;
        view->lock = cluster->engine->lock;
        emc__lock_retain(view->lock);
    }
    return view;
}

/* Members first, then the gutter. */
static const struct emc__node *node_at(const struct emc__cluster *cluster, size_t index)
{
    return index < cluster->count ? cluster->members[index] : cluster->gutter.nodes[index - cluster->count];
}

static void copy_address(const emc_address *address, emc_address_storage *storage)
{
    const char *text = address->kind == EMC_ADDRESS_UNIX ? address->path : address->host;
    storage->address = *address;
    strncpy(storage->text, text, sizeof storage->text - 1);
    storage->address.host = address->kind == EMC_ADDRESS_UNIX ? NULL : storage->text;
    storage->address.path = address->kind == EMC_ADDRESS_UNIX ? storage->text : NULL;
}

void emc__view_detach(emc_cluster_management *view)
{
    const struct emc__cluster *cluster = view->cluster;
    view->cluster = NULL;
    if (cluster == NULL || view->references == 1) {
        return; /* nobody else holds it: nobody can ask */
    }
    view->last = emc__allocate_zeroed(&view->allocator, emc__cluster_count_all(cluster), sizeof *view->last);
    if (view->last == NULL) {
        return;
    }
    view->last_count = cluster->count;
    view->last_gutter = cluster->gutter.count;
    for (size_t i = 0; i < emc__cluster_count_all(cluster); i++) {
        const struct emc__node *node = node_at(cluster, i);
        copy_address(emc__node_address(node), &view->last[i].storage);
        emc__node_report_state(node, &view->last[i].state);
        emc__node_report_metrics(node, &view->last[i].metrics);
    }
}

emc_cluster_management *emc_cluster_management_retain(emc_cluster_management *view)
{
    if (emc__lock_enter(view->lock)) {
        view->references++;
        emc__lock_leave(view->lock);
    }
    return view;
}

static void release(emc_cluster_management *view)
{
    emc_allocator allocator = view->allocator;
    emc__lock_release(view->lock);
    emc__release(&allocator, view->last);
    emc__release(&allocator, view);
}

void emc_cluster_management_release(emc_cluster_management *view)
{
    struct emc__lock *lock = view != NULL ? view->lock : NULL;
    if (view == NULL || !emc__lock_enter(lock)) {
        return;
    }
    if (--view->references == 0) {
        release(view);
    }
    emc__lock_leave(lock);
}

/* ------------------------------------------------------------------ lists */

/* Begins a question: held until `leave`, for a callback may destroy the client. EMC_ERROR_STATE: it can't be asked in a child of fork. */
static emc_status enter(emc_cluster_management *view)
{
    if (!emc__lock_enter(view->lock)) {
        return EMC_ERROR_STATE;
    }
    const struct emc__cluster *cluster = view->cluster;
    view->references++;
    if (cluster != NULL && cluster->hooks.take_in != NULL && cluster->engine->callback_depth == 0) {
        cluster->hooks.take_in(cluster->hooks.context);
    }
    return EMC_OK;
}

static emc_status leave(emc_cluster_management *view, emc_status status)
{
    struct emc__lock *lock = view->lock;
    emc_cluster_management_release(view);
    emc__lock_leave(lock);
    return status;
}

static size_t node_count(const emc_cluster_management *view)
{
    return view->cluster != NULL ? view->cluster->count : view->last_count;
}

static size_t count_all(const emc_cluster_management *view)
{
    return view->cluster != NULL ? emc__cluster_count_all(view->cluster) : view->last_count + view->last_gutter;
}

static const emc_address *node_address(const emc_cluster_management *view, size_t index)
{
    return view->cluster != NULL ? emc__node_address(node_at(view->cluster, index))
                                 : &view->last[index].storage.address;
}

static bool node_healthy(const emc_cluster_management *view, size_t index)
{
    return view->cluster != NULL ? emc__node_usable(node_at(view->cluster, index)) : view->last[index].state.healthy;
}

/* Which nodes a list has. */
enum filter { FILTER_ALL, FILTER_HEALTHY, FILTER_UNHEALTHY, FILTER_GUTTER, FILTER_ONE };

static bool passes(const emc_cluster_management *view, size_t index, enum filter filter, size_t one)
{
    bool member = index < node_count(view);
    switch (filter) {
    case FILTER_ALL:
        return member;
    case FILTER_HEALTHY:
        return member && node_healthy(view, index);
    case FILTER_UNHEALTHY:
        return member && !node_healthy(view, index);
    case FILTER_GUTTER:
        return !member;
    case FILTER_ONE:
        break;
    }
    return index == one;
}

static const char *address_text(const emc_address *address)
{
    return address->kind == EMC_ADDRESS_UNIX ? address->path : address->host;
}

static void fill_list(const emc_cluster_management *view, enum filter filter, size_t one, emc_node_list *list,
                      emc_address *nodes, char *text)
{
    size_t count = 0;
    for (size_t i = 0; i < count_all(view); i++) {
        const emc_address *address = node_address(view, i);
        if (!passes(view, i, filter, one)) {
            continue;
        }
        size_t length = strlen(address_text(address)) + 1;
        memcpy(text, address_text(address), length);
        nodes[count] = *address;
        nodes[count].host = address->kind == EMC_ADDRESS_UNIX ? NULL : text;
        nodes[count].path = address->kind == EMC_ADDRESS_UNIX ? text : NULL;
        text += length;
        count++;
    }
    list->count = count;
    list->nodes = nodes;
}

/* One block: the list, the addresses, their strings. */
static emc_status make_list(const emc_cluster_management *view, enum filter filter, size_t one,
                            emc_node_list **list_out)
{
    size_t count = 0, text = 0;
    for (size_t i = 0; i < count_all(view); i++) {
        if (passes(view, i, filter, one)) {
            count++;
            text += strlen(address_text(node_address(view, i))) + 1;
        }
    }
    emc_node_list *list = emc__allocate(&view->allocator, sizeof *list + count * sizeof(emc_address) + text);
    if (list == NULL) {
        return EMC_ERROR_MEMORY;
    }
    list->allocator = view->allocator;
    emc_address *nodes = (emc_address *)(void *)(list + 1);
    fill_list(view, filter, one, list, nodes, (char *)(nodes + count));
    *list_out = list;
    return EMC_OK;
}

void emc_node_list_destroy(emc_node_list *list)
{
    if (list != NULL) {
        emc_allocator allocator = list->allocator;
        emc__release(&allocator, list);
    }
}

static emc_status list(emc_cluster_management *view, enum filter filter, emc_node_list **list_out)
{
    emc_status status = enter(view);
    return status == EMC_OK ? leave(view, make_list(view, filter, 0, list_out)) : status;
}

emc_status emc_cluster_nodes(emc_cluster_management *view, emc_node_list **list_out)
{
    return list(view, FILTER_ALL, list_out);
}

emc_status emc_cluster_healthy_nodes(emc_cluster_management *view, emc_node_list **list_out)
{
    return list(view, FILTER_HEALTHY, list_out);
}

emc_status emc_cluster_unhealthy_nodes(emc_cluster_management *view, emc_node_list **list_out)
{
    return list(view, FILTER_UNHEALTHY, list_out);
}

emc_status emc_cluster_gutter_nodes(emc_cluster_management *view, emc_node_list **list_out)
{
    return list(view, FILTER_GUTTER, list_out);
}

/* ------------------------------------------------------------------ one node */

static bool find(const emc_cluster_management *view, const emc_address *address, size_t *index_out)
{
    for (size_t i = 0; address != NULL && i < count_all(view); i++) {
        if (emc_address_equal(node_address(view, i), address)) {
            *index_out = i;
            return true;
        }
    }
    return false;
}

emc_status emc_cluster_connection_pool_metrics(emc_cluster_management *view, const emc_address *node,
                                               emc_pool_metrics *metrics_out)
{
    size_t index = 0;
    emc_status status = enter(view);
    if (status != EMC_OK) {
        return status;
    }
    if (!find(view, node, &index)) {
        return leave(view, EMC_ERROR_UNKNOWN_NODE);
    }
    if (view->cluster != NULL) {
        emc__node_report_metrics(node_at(view->cluster, index), metrics_out);
    } else {
        *metrics_out = view->last[index].metrics;
    }
    return leave(view, EMC_OK);
}

emc_status emc_cluster_node_state(emc_cluster_management *view, const emc_address *node, emc_node_state *state_out)
{
    size_t index = 0;
    emc_status status = enter(view);
    if (status != EMC_OK) {
        return status;
    }
    if (!find(view, node, &index)) {
        return leave(view, EMC_ERROR_UNKNOWN_NODE);
    }
    if (view->cluster != NULL) {
        emc__node_report_state(node_at(view->cluster, index), state_out);
    } else {
        *state_out = view->last[index].state;
    }
    return leave(view, EMC_OK);
}

emc_status emc_cluster_node_for_key(emc_cluster_management *view, const void *key, size_t key_length,
                                    emc_node_list **list_out)
{
    emc_status status = emc__key_validate(emc__slice_of(key, key_length), NULL);
    status = status == EMC_OK ? enter(view) : status;
    if (status != EMC_OK) {
        return status;
    }
    const struct emc__node *node = view->cluster != NULL
                                       ? emc__cluster_route(view->cluster, emc__slice_of(key, key_length)).node
                                       : NULL;
    for (size_t i = 0; node != NULL && i < count_all(view); i++) {
        if (node_at(view->cluster, i) == node) {
            return leave(view, make_list(view, FILTER_ONE, i, list_out));
        }
    }
    return leave(view, EMC_ERROR_NO_NODES);
}

/* ------------------------------------------------------------------ events and membership */

emc_status emc_cluster_subscribe(emc_cluster_management *view, emc_cluster_event_callback *callback, void *user_data,
                                 uint64_t *subscription_out)
{
    if (!emc__lock_enter(view->lock)) {
        return EMC_ERROR_STATE;
    }
    emc_status status = EMC_ERROR_CLOSED;
    if (view->cluster != NULL) {
        status = callback == NULL
                     ? EMC_ERROR_ARGUMENT
                     : emc__events_subscribe(&view->cluster->events, callback, user_data, subscription_out);
    }
    emc__lock_leave(view->lock);
    return status;
}

emc_status emc_cluster_unsubscribe(emc_cluster_management *view, uint64_t subscription)
{
    if (!emc__lock_enter(view->lock)) {
        return EMC_ERROR_STATE;
    }
    emc_status status = view->cluster == NULL ? EMC_MISS
                                              : emc__events_unsubscribe(&view->cluster->events, subscription);
    emc__lock_leave(view->lock);
    return status;
}

/* Begins a change: leaving the lock ends it. */
static emc_status enter_to_change(emc_cluster_management *view, emc_error *error)
{
    emc_status status = EMC_ERROR_STATE;
    if (emc__lock_enter(view->lock)) {
        status = view->cluster != NULL ? EMC_OK : EMC_ERROR_CLOSED;
        if (status != EMC_OK) {
            emc__lock_leave(view->lock);
        }
    }
    return status == EMC_OK ? EMC_OK : emc__error_set(error, status, "%s", emc_status_text(status));
}

static emc_status replace(const emc_cluster_management *view, const emc_weighted_address *nodes, size_t count,
                          emc_error *error)
{
    struct emc__cluster *cluster = view->cluster;
    if (cluster->hooks.change_begins != NULL) {
        cluster->hooks.change_begins(cluster->hooks.context);
    }
    emc_status status = emc__membership_replace(cluster, nodes, count, error);
    if (cluster->hooks.change_ends != NULL) {
        cluster->hooks.change_ends(cluster->hooks.context);
    }
    return status;
}

emc_status emc_cluster_replace_nodes(emc_cluster_management *view, const emc_weighted_address *nodes, size_t count,
                                     emc_error *error)
{
    emc_status status = enter_to_change(view, error);
    if (status == EMC_OK) {
        status = replace(view, nodes, count, error);
        emc__lock_leave(view->lock);
    }
    return status;
}

/* A copy of the present list with room for one more; NULL without memory. */
static emc_weighted_address *present_list(const emc_cluster_management *view, size_t *count_out)
{
    size_t count = node_count(view);
    emc_weighted_address *list = emc__allocate_zeroed(&view->allocator, count + 1, sizeof *list);
    for (size_t i = 0; list != NULL && i < count; i++) {
        list[i] = (emc_weighted_address){*node_address(view, i), emc__node_weight(view->cluster->members[i])};
    }
    *count_out = count;
    return list;
}

/* What is done to the present list. */
typedef emc_status change(emc_weighted_address *list, size_t *count, const emc_address *node, uint32_t weight,
                          emc_error *error);

static emc_status change_inside(const emc_cluster_management *view, change *apply, const emc_address *node,
                                uint32_t weight, emc_error *error)
{
    size_t count;
    if (node == NULL) {
        return emc__error_set(error, EMC_ERROR_ARGUMENT, "node: NULL");
    }
    emc_weighted_address *list = present_list(view, &count);
    if (list == NULL) {
        return emc__error_set(error, EMC_ERROR_MEMORY, "%s", emc_status_text(EMC_ERROR_MEMORY));
    }
    emc_status status = apply(list, &count, node, weight, error);
    if (status == EMC_OK) {
        status = replace(view, list, count, error);
    }
    emc__release(&view->allocator, list);
    return status;
}

static emc_status change_list(emc_cluster_management *view, change *apply, const emc_address *node, uint32_t weight,
                              emc_error *error)
{
    emc_status status = enter_to_change(view, error);
    if (status == EMC_OK) {
        status = change_inside(view, apply, node, weight, error);
        emc__lock_leave(view->lock);
    }
    return status;
}

static emc_status append(emc_weighted_address *list, size_t *count, const emc_address *node, uint32_t weight,
                         emc_error *error)
{
    (void)error; /* the list's validation has the words */
    list[(*count)++] = (emc_weighted_address){*node, weight};
    return EMC_OK;
}

static emc_status locate(const emc_weighted_address *list, size_t count, const emc_address *node, size_t *index_out,
                         emc_error *error)
{
    emc_status status = emc__address_validate(node, error);
    for (size_t i = 0; status == EMC_OK && i < count; i++) {
        if (emc_address_equal(&list[i].address, node)) {
            *index_out = i;
            return EMC_OK;
        }
    }
    if (status != EMC_OK) {
        return status;
    }
    return emc__cluster_unknown(node, error);
}

static emc_status cut(emc_weighted_address *list, size_t *count, const emc_address *node, uint32_t weight,
                      emc_error *error)
{
    size_t index = 0;
    (void)weight;
    emc_status status = locate(list, *count, node, &index, error);
    if (status != EMC_OK) {
        return status;
    }
    if (*count == 1) {
        return emc__error_set(error, EMC_ERROR_ARGUMENT, "node: it is the last one; a cluster has at least one node");
    }
    memmove(&list[index], &list[index + 1], (*count - index - 1) * sizeof *list);
    (*count)--;
    return EMC_OK;
}

static emc_status reweigh(emc_weighted_address *list, size_t *count, const emc_address *node, uint32_t weight,
                          emc_error *error)
{
    size_t index = 0;
    emc_status status = locate(list, *count, node, &index, error);
    if (status == EMC_OK) {
        list[index].weight = weight;
    }
    return status;
}

emc_status emc_cluster_add_node(emc_cluster_management *view, const emc_address *node, uint32_t weight,
                                emc_error *error)
{
    return change_list(view, append, node, weight, error);
}

emc_status emc_cluster_remove_node(emc_cluster_management *view, const emc_address *node, emc_error *error)
{
    return change_list(view, cut, node, 1, error);
}

emc_status emc_cluster_set_weight(emc_cluster_management *view, const emc_address *node, uint32_t weight,
                                  emc_error *error)
{
    return change_list(view, reweigh, node, weight, error);
}
