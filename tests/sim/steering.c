/* Changes the membership by chance and checks what comes of it: see steering.h. */
#include "steering.h"

#include <string.h>

void sim_steering_init(struct sim_steering *steering, struct sim_stage *stage, uint32_t candidates)
{
    memset(steering, 0, sizeof *steering);
    steering->stage = stage;
    steering->candidates = candidates;
    for (uint32_t i = 0; i < candidates; i++) {
        steering->members[steering->count++] = (emc_weighted_address){stage->nodes[i].address, 100};
    }
}

static uint32_t draw(const struct sim_steering *steering, uint32_t low, uint32_t high)
{
    return (uint32_t)sim_between(&steering->stage->world, low, high);
}

static int find(const emc_weighted_address *list, uint32_t count, const emc_address *node)
{
    for (uint32_t i = 0; i < count; i++) {
        if (emc_address_equal(&list[i].address, node)) {
            return (int)i;
        }
    }
    return -1;
}

/* ------------------------------------------------------------------ what must be told */

static void expect(struct sim_steering *steering, emc_cluster_event_kind kind, const emc_address *node, uint32_t weight)
{
    if (steering->changed < SIM_CHANGES_MAX) {
        steering->changes[steering->changed] = (struct sim_change){kind, *node, weight};
    }
    steering->changed++;
}

/* The list becomes this one. */
static void accept(struct sim_steering *steering, const emc_weighted_address *list, uint32_t count)
{
    for (uint32_t i = 0; i < steering->count; i++) {
        if (find(list, count, &steering->members[i].address) < 0) {
            expect(steering, EMC_EVENT_NODE_REMOVED, &steering->members[i].address, steering->members[i].weight);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        int before = find(steering->members, steering->count, &list[i].address);
        if (before < 0) {
            expect(steering, EMC_EVENT_NODE_ADDED, &list[i].address, list[i].weight);
        } else if (steering->members[before].weight != list[i].weight) {
            expect(steering, EMC_EVENT_NODE_WEIGHT, &list[i].address, list[i].weight);
        }
    }
    memcpy(steering->members, list, count * sizeof *list);
    steering->count = count;
}

void sim_steering_hear(struct sim_steering *steering, const emc_cluster_event *event)
{
    struct sim_stage *stage = steering->stage;
    bool membership = event->kind == EMC_EVENT_NODE_ADDED || event->kind == EMC_EVENT_NODE_REMOVED ||
                      event->kind == EMC_EVENT_NODE_WEIGHT;
    if (!membership || stage->memory.failed > 0 || steering->told >= SIM_CHANGES_MAX) {
        return; /* without memory an event may be lost */
    }
    uint32_t next = steering->told++;
    const struct sim_change *change = &steering->changes[next];
    if (next >= steering->changed || change->kind != event->kind || !emc_address_equal(&change->node, event->node) ||
        change->weight != event->weight) {
        sim_problem(&stage->world, "event %u of the membership is not what was done", next);
    }
}

/* ------------------------------------------------------------------ what the view says */

static void check_list(const struct sim_steering *steering)
{
    struct sim_stage *stage = steering->stage;
    emc_node_list *list;
    if (emc_cluster_nodes(stage->view, &list) != EMC_OK) {
        return; /* no memory */
    }
    bool same = list->count == steering->count;
    for (uint32_t i = 0; same && i < steering->count; i++) {
        emc_node_state state;
        same = emc_address_equal(&list->nodes[i], &steering->members[i].address) &&
               emc_cluster_node_state(stage->view, &list->nodes[i], &state) == EMC_OK &&
               state.weight == steering->members[i].weight;
    }
    emc_node_list_destroy(list);
    if (!same) {
        sim_problem(&stage->world, "the view's list is not the one that was set");
    }
}

static void check_route(const struct sim_steering *steering)
{
    struct sim_stage *stage = steering->stage;
    const struct sim_key *key = &stage->model.keys[draw(steering, 0, stage->model.key_count - 1)];
    emc_node_list *list;
    if (emc_cluster_node_for_key(stage->view, key->bytes, key->length, &list) != EMC_OK) {
        return; /* no memory, or all are purged */
    }
    int32_t node = sim_model_find_node(&stage->model, &list->nodes[0]);
    bool gutter = node >= (int32_t)steering->candidates;
    if (!gutter && find(steering->members, steering->count, &list->nodes[0]) < 0) {
        sim_problem(&stage->world, "a key goes to a node that is no member");
    }
    emc_node_list_destroy(list);
}

/* ------------------------------------------------------------------ turns */

static void judge(struct sim_steering *steering, const char *what, emc_status status, emc_status expected,
                  const emc_error *error, const emc_weighted_address *list, uint32_t count)
{
    struct sim_stage *stage = steering->stage;
    sim_trace(&stage->world, "membership: %s: %s", what, emc_status_name(status));
    if (status == EMC_OK && expected == EMC_OK) {
        steering->accepted++;
        accept(steering, list, count);
    } else if (status == expected) {
        steering->refused++;
        if (error->message[0] == '\0') {
            sim_problem(&stage->world, "%s was refused without a word", what);
        }
    } else if (status != EMC_ERROR_MEMORY || stage->memory.failed == 0) {
        sim_problem(&stage->world, "%s gave %s, not %s", what, emc_status_name(status), emc_status_name(expected));
    }
    check_list(steering);
    check_route(steering);
}

static void turn_remove(struct sim_steering *steering)
{
    emc_weighted_address list[SIM_NODES_MAX];
    emc_error error = {EMC_OK, ""};
    const emc_address *node = &steering->stage->nodes[draw(steering, 0, steering->candidates - 1)].address;
    int at = find(steering->members, steering->count, node);
    uint32_t count = 0;
    for (uint32_t i = 0; i < steering->count; i++) {
        if ((int)i != at) {
            list[count++] = steering->members[i];
        }
    }
    emc_status expected = at < 0 ? EMC_ERROR_UNKNOWN_NODE : count == 0 ? EMC_ERROR_ARGUMENT : EMC_OK;
    emc_status status = emc_cluster_remove_node(steering->stage->view, node, &error);
    judge(steering, "removing a node", status, expected, &error, list, count);
}

static uint32_t draw_weight(const struct sim_steering *steering)
{
    return sim_chance(&steering->stage->world, 10) ? 0 : draw(steering, 1, 300);
}

static void turn_add(struct sim_steering *steering)
{
    emc_weighted_address list[SIM_NODES_MAX];
    emc_error error = {EMC_OK, ""};
    const emc_address *node = &steering->stage->nodes[draw(steering, 0, steering->candidates - 1)].address;
    uint32_t weight = draw_weight(steering);
    bool there = find(steering->members, steering->count, node) >= 0;
    memcpy(list, steering->members, sizeof list);
    if (!there) {
        list[steering->count] = (emc_weighted_address){*node, weight};
    }
    emc_status expected = weight == 0 ? EMC_ERROR_ARGUMENT : there ? EMC_ERROR_DUPLICATE : EMC_OK;
    emc_status status = emc_cluster_add_node(steering->stage->view, node, weight, &error);
    judge(steering, "adding a node", status, expected, &error, list, steering->count + 1);
}

static void turn_weigh(struct sim_steering *steering)
{
    emc_weighted_address list[SIM_NODES_MAX];
    emc_error error = {EMC_OK, ""};
    const emc_address *node = &steering->stage->nodes[draw(steering, 0, steering->candidates - 1)].address;
    uint32_t weight = draw_weight(steering);
    int at = find(steering->members, steering->count, node);
    memcpy(list, steering->members, sizeof list);
    if (at >= 0) {
        list[at].weight = weight;
    }
    emc_status expected = at < 0 ? EMC_ERROR_UNKNOWN_NODE : weight == 0 ? EMC_ERROR_ARGUMENT : EMC_OK;
    emc_status status = emc_cluster_set_weight(steering->stage->view, node, weight, &error);
    judge(steering, "weighing a node", status, expected, &error, list, steering->count);
}

/* Some of the candidates, in an order of its own; now and then with something wrong in it. */
static void turn_replace(struct sim_steering *steering)
{
    emc_weighted_address list[SIM_NODES_MAX + 1];
    emc_error error = {EMC_OK, ""};
    uint32_t count = 0, first = draw(steering, 0, steering->candidates - 1);
    emc_status expected = EMC_OK;
    for (uint32_t i = 0; i < steering->candidates; i++) {
        if (sim_chance(&steering->stage->world, 60)) {
            uint32_t weight = sim_chance(&steering->stage->world, 70) ? 100 : draw(steering, 1, 300);
            list[count++] = (emc_weighted_address){steering->stage->nodes[(first + i) % steering->candidates].address,
                                                   weight};
        }
    }
    if (count == 0) {
        expected = EMC_ERROR_ARGUMENT;
    } else if (sim_chance(&steering->stage->world, 10)) {
        list[draw(steering, 0, count - 1)].weight = 0;
        expected = EMC_ERROR_ARGUMENT;
    } else if (sim_chance(&steering->stage->world, 10)) {
        list[count] = list[draw(steering, 0, count - 1)];
        count++;
        expected = EMC_ERROR_DUPLICATE;
    }
    emc_status status = emc_cluster_replace_nodes(steering->stage->view, list, count, &error);
    judge(steering, "replacing the list", status, expected, &error, list, count);
}

void sim_steering_turn(struct sim_steering *steering)
{
    static void (*const turns[])(struct sim_steering * steering) = {turn_remove, turn_add, turn_add, turn_weigh,
                                                                    turn_replace};
    if (steering->stage->client != NULL && !steering->stage->closing) {
        turns[draw(steering, 0, 4)](steering);
        sim_transport_request_pass(&steering->stage->transport);
    }
}
