/* The language of the scenarios: see talk.h. */
#include "talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECOND_MS 1000

static void give_up(struct play *p, const char *format, ...) EMC__PRINTF(2, 3);

static void give_up(struct play *p, const char *format, ...)
{
    char text[900];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const char *name = strrchr(p->file == NULL ? "" : p->file, '/');
    fail_msg("%s:%u: %s (at %.3f ms)%s%s", name == NULL ? "" : name + 1, p->line, text,
             (double)(p->stage.world.now_ns - SIM_S) / 1e6, p->stage.world.failed ? "; " : "",
             p->stage.world.failed ? p->stage.world.problem : "");
}

void at_line(struct play *p, const char *file, uint32_t line)
{
    p->file = file;
    p->line = line;
}

/* ------------------------------------------------------------------ setting */

void play_begin(struct play *p)
{
    memset(p, 0, sizeof *p);
    sim_stage_init(&p->stage, 1, getenv("SIM_TRACE") != NULL);
    p->stage.transport.wake_slack_ns = 0;
}

const char *play_finish(struct play *p)
{
    static char problem[1100];
    sim_stage_close(&p->stage);
    if (!p->stage.world.failed) {
        sim_stage_run(&p->stage, sim_ms(20));
    }
    for (uint32_t i = 0; i < p->peer_count; i++) {
        sim_peer_deinit(p->peers[i]);
        p->peers[i]->deaf = true;
    }
    sim_stage_deinit(&p->stage);
    snprintf(problem, sizeof problem, "%s", p->stage.world.problem);
    return p->stage.world.failed ? problem : NULL;
}

emc_options *options(struct play *p)
{
    return &p->stage.options;
}

struct sim_node *a_server(struct play *p)
{
    return sim_stage_add_plain_node(&p->stage);
}

struct sim_peer *a_peer(struct play *p)
{
    char name[32];
    uint32_t number = p->stage.node_count + 1;
    struct emc__endpoint endpoint = sim_stage_endpoint(number);
    snprintf(name, sizeof name, "10.0.0.%u", number);
    struct sim_peer *peer = sim_peer_create(&p->stage.network, &endpoint, name);
    emc_address address = emc_address_tcp(name, 11211);
    sim_stage_add_node(&p->stage, &address, NULL, peer->host);
    p->peers[p->peer_count++] = peer;
    return peer;
}

struct sim_node *node_of(struct play *p, const struct sim_peer *peer)
{
    uint32_t index = 0;
    while (p->stage.nodes[index].host != peer->host) {
        index++;
    }
    return &p->stage.nodes[index];
}

struct sim_node *a_named_node(struct play *p, const char *name)
{
    emc_address address = emc_address_tcp(name, 11211);
    struct sim_node *node = sim_stage_add_node(&p->stage, &address, NULL, NULL);
    node->name = sim_names_entry(&p->stage.names, node->address.host, EMC__LOOKUP_ADDRESSES);
    return node;
}

struct sim_node *a_server_without_node(struct play *p, const struct emc__endpoint *endpoint)
{
    struct sim_node *node = sim_world_keep(&p->stage.world, sizeof *node);
    const char *name = sim_world_text(&p->stage.world, "server %u", p->stage.server_count);
    node->server = sim_stage_add_server(&p->stage, name, endpoint, &node->host);
    return node;
}

void the_name_leads_to(struct play *p, struct sim_node *named, const struct sim_node *server)
{
    sim_name_points_to(named->name, &server->host->endpoint);
    p->stage.model.servers_of_node[named - p->stage.nodes] |= 1u << server->server->number;
}

void the_client_opens(struct play *p)
{
    emc_error error;
    emc_status status = sim_stage_open(&p->stage, 0, &error);
    if (status != EMC_OK) {
        give_up(p, "the client can't be opened: %s", error.message);
    }
}

void ms_pass(struct play *p, uint64_t ms)
{
    sim_stage_run(&p->stage, sim_ms(ms));
    if (p->stage.world.failed) {
        give_up(p, "something is wrong");
    }
}

void the_client_closes(struct play *p)
{
    sim_stage_close(&p->stage);
}

/* ------------------------------------------------------------------ calls */

static uint32_t count_words(const char *words)
{
    uint32_t count = 0;
    for (const char *at = words; *at != 0; at++) {
        count += *at != ' ' && (at == words || at[-1] == ' ');
    }
    return count;
}

struct sim_call *prepare(struct play *p, enum sim_command command, const char *keys, uint32_t length)
{
    struct sim_call *call = sim_model_add_call(&p->stage.model, command, keys == NULL ? 0 : count_words(keys));
    for (uint32_t i = 0; i < call->count; i++) {
        size_t key_length = strcspn(keys, " ");
        call->ops[i].key = sim_model_add_key(&p->stage.model, keys, key_length, false);
        call->ops[i].length = length;
        keys += key_length + (keys[key_length] == ' ');
    }
    return call;
}

struct sim_call *submit(struct play *p, struct sim_call *call)
{
    if (!sim_stage_submit(&p->stage, call)) {
        give_up(p, "%s was refused: %s", sim_command_names[call->command], emc_status_name(call->refused));
    }
    return call;
}

void is_refused(struct play *p, struct sim_call *call, emc_status status)
{
    if (sim_stage_submit(&p->stage, call) || call->refused != status) {
        give_up(p, "%s is not refused with %s but with %s", sim_command_names[call->command], emc_status_name(status),
                emc_status_name(call->refused));
    }
}

void cancel(struct play *p, struct sim_call *call)
{
    sim_stage_cancel(&p->stage, call);
}

struct sim_call *get(struct play *p, const char *key)
{
    return submit(p, prepare(p, SIM_CALL_GET, key, 0));
}

struct sim_call *gets(struct play *p, const char *key)
{
    return submit(p, prepare(p, SIM_CALL_GETS, key, 0));
}

struct sim_call *gat(struct play *p, const char *key, int64_t exptime)
{
    struct sim_call *call = prepare(p, SIM_CALL_GAT, key, 0);
    call->exptime = exptime;
    return submit(p, call);
}

struct sim_call *get_many(struct play *p, const char *keys)
{
    return submit(p, prepare(p, SIM_CALL_GET_MANY, keys, 0));
}

struct sim_call *set(struct play *p, const char *key, uint32_t length)
{
    return submit(p, prepare(p, SIM_CALL_SET, key, length));
}

struct sim_call *set_many(struct play *p, const char *keys, uint32_t length)
{
    return submit(p, prepare(p, SIM_CALL_SET_MANY, keys, length));
}

struct sim_call *append(struct play *p, const char *key, uint32_t length)
{
    return submit(p, prepare(p, SIM_CALL_APPEND, key, length));
}

struct sim_call *add(struct play *p, const char *key, uint32_t length)
{
    return submit(p, prepare(p, SIM_CALL_ADD, key, length));
}

struct sim_call *cas(struct play *p, const char *key, uint32_t length, uint64_t unique)
{
    struct sim_call *call = prepare(p, SIM_CALL_CAS, key, length);
    call->cas = unique;
    return submit(p, call);
}

struct sim_call *delete_(struct play *p, const char *key)
{
    return submit(p, prepare(p, SIM_CALL_DELETE, key, 0));
}

struct sim_call *incr(struct play *p, const char *key)
{
    return submit(p, prepare(p, SIM_CALL_INCR, key, 0));
}

struct sim_call *touch(struct play *p, const char *key)
{
    struct sim_call *call = prepare(p, SIM_CALL_TOUCH, key, 0);
    call->exptime = SIM_EXPTIME_BASE + (int64_t)call->ops[0].id;
    return submit(p, call);
}

static struct sim_call *ask_node(struct play *p, enum sim_command command, uint32_t node)
{
    struct sim_call *call = prepare(p, command, NULL, 0);
    call->node = node;
    return submit(p, call);
}

struct sim_call *version(struct play *p, uint32_t node)
{
    return ask_node(p, SIM_CALL_VERSION, node);
}

struct sim_call *stats(struct play *p, uint32_t node)
{
    return ask_node(p, SIM_CALL_STATS, node);
}

struct sim_call *flush_all(struct play *p, uint32_t node)
{
    return ask_node(p, SIM_CALL_FLUSH_ALL, node);
}

struct sim_call *dump_keys(struct play *p, uint32_t node)
{
    return ask_node(p, SIM_CALL_DUMP_KEYS, node);
}

struct sim_call *quit(struct play *p, uint32_t node)
{
    return ask_node(p, SIM_CALL_QUIT, node);
}

/* ------------------------------------------------------------------ expectations */

void play_end_either(struct play *p, struct sim_call *call, emc_status a, emc_status b, uint64_t ms)
{
    if (!sim_stage_run_until_done(&p->stage, call, sim_ms(ms))) {
        give_up(p, "%s has not ended after %llu ms", sim_command_names[call->command], (unsigned long long)ms);
    }
    if (call->status != a && call->status != b) {
        give_up(p, "%s ended with %s (%s), not with %s", sim_command_names[call->command],
                emc_status_name(call->status), call->message, emc_status_name(a));
    }
}

void play_end(struct play *p, struct sim_call *call, emc_status status, uint64_t ms)
{
    play_end_either(p, call, status, status, ms);
}

void play_wait(struct play *p, const struct sim_call *call, uint64_t ms)
{
    if (sim_stage_run_until_done(&p->stage, call, sim_ms(ms))) {
        give_up(p, "%s ended already, with %s", sim_command_names[call->command], emc_status_name(call->status));
    }
}

void play_value(struct play *p, const struct sim_call *call, uint32_t index, const char *text)
{
    const struct sim_op *op = &call->ops[index];
    if (!op->has_value || op->length_out != strlen(text) || op->hash != sim_hash(text, strlen(text))) {
        give_up(p, "key %u gave something else than \"%s\" (%s, %zu bytes)", index, text, emc_status_name(op->status),
                op->length_out);
    }
}

void play_key(struct play *p, const struct sim_call *call, uint32_t index, emc_status status)
{
    if (!call->ops[index].done || call->ops[index].status != status) {
        give_up(p, "key %u ended with %s, not with %s", index, emc_status_name(call->ops[index].status),
                emc_status_name(status));
    }
}

void play_true(struct play *p, bool condition, const char *words)
{
    if (!condition || p->stage.world.failed) {
        give_up(p, "not so: %s", words);
    }
}

/* ------------------------------------------------------------------ peers */

static struct sim_peer_connection *current(struct play *p, struct sim_peer *peer)
{
    if (peer->count == 0) {
        give_up(p, "nobody has connected to the peer");
    }
    return &peer->connections[peer->current];
}

void play_called(struct play *p, struct sim_peer *peer, uint64_t ms)
{
    uint64_t until = p->stage.world.now_ns + sim_ms(ms);
    while (peer->count == peer->taken && !p->stage.world.failed && sim_world_step(&p->stage.world, until)) {
    }
    if (peer->count == peer->taken) {
        give_up(p, "no connection came in %llu ms", (unsigned long long)ms);
    }
    peer->current = peer->taken++;
}

void play_heard(struct play *p, struct sim_peer *peer, const char *text)
{
    struct sim_peer_connection *connection = current(p, peer);
    size_t length = strlen(text);
    uint64_t until = p->stage.world.now_ns + sim_ms(SECOND_MS);
    while (connection->heard_length < length && connection->open && !p->stage.world.failed &&
           sim_world_step(&p->stage.world, until)) {
    }
    if (connection->heard_length < length || memcmp(connection->heard, text, length) != 0) {
        give_up(p, "the peer did not hear \"%s\" but \"%.300s\"", text,
                connection->heard == NULL ? "" : connection->heard);
    }
    sim_peer_forget(connection, length);
}

void play_greeting(struct play *p, struct sim_peer *peer)
{
    if (peer->taken == 0) {
        play_called(p, peer, SECOND_MS);
    }
    play_heard(p, peer, "version\r\n");
    it_says(p, peer, "VERSION 1.6.18\r\n");
    ms_pass(p, 1);
}

void play_silence(struct play *p, struct sim_peer *peer, uint64_t ms)
{
    ms_pass(p, ms);
    if (current(p, peer)->heard_length > 0) {
        give_up(p, "the peer heard \"%.300s\"", current(p, peer)->heard);
    }
}

void play_left(struct play *p, struct sim_peer *peer, uint64_t ms)
{
    const struct sim_peer_connection *connection = current(p, peer);
    uint64_t until = p->stage.world.now_ns + sim_ms(ms);
    while (connection->left == SIM_END_NONE && !connection->link->client_done && !p->stage.world.failed &&
           sim_world_step(&p->stage.world, until)) {
    }
    if (!connection->link->client_done) {
        give_up(p, "the client has kept the connection for %llu ms", (unsigned long long)ms);
    }
}

void play_kept(struct play *p, struct sim_peer *peer)
{
    if (current(p, peer)->link->client_done) {
        give_up(p, "the client has left the connection");
    }
}

void it_says_bytes(struct play *p, struct sim_peer *peer, const void *bytes, size_t length)
{
    struct sim_peer_connection *connection = current(p, peer);
    sim_trace(&p->stage.world, "the peer says %zu bytes", length);
    if (connection->open) {
        sim_peer_say(connection, bytes, length);
    }
}

void it_says(struct play *p, struct sim_peer *peer, const char *text)
{
    it_says_bytes(p, peer, text, strlen(text));
}

void it_closes(struct play *p, struct sim_peer *peer)
{
    sim_peer_end(current(p, peer), SIM_END_FIN);
}

void it_resets(struct play *p, struct sim_peer *peer)
{
    sim_peer_end(current(p, peer), SIM_END_RESET);
}

void it_stops_reading(struct play *p, struct sim_peer *peer)
{
    (void)p;
    sim_peer_listen(peer, false);
}

void it_reads_again(struct play *p, struct sim_peer *peer)
{
    (void)p;
    sim_peer_listen(peer, true);
}

/* ------------------------------------------------------------------ cluster */

void play_health(struct play *p, const struct sim_node *node, bool healthy, uint64_t ms)
{
    uint64_t until = p->stage.world.now_ns + sim_ms(ms);
    while (node->healthy != healthy && !p->stage.world.failed && sim_world_step(&p->stage.world, until)) {
    }
    if (node->healthy != healthy) {
        give_up(p, "the node is still %s after %llu ms", healthy ? "unhealthy" : "healthy", (unsigned long long)ms);
    }
}

emc_pool_metrics metrics(struct play *p, const struct sim_node *node)
{
    emc_pool_metrics result;
    memset(&result, 0, sizeof result);
    if (emc_cluster_connection_pool_metrics(p->stage.view, &node->address, &result) != EMC_OK) {
        give_up(p, "there are no metrics");
    }
    return result;
}

const char *key_of(struct play *p, const struct sim_node *node)
{
    for (uint32_t i = 0; i < 100000; i++) {
        const char *key = sim_world_text(&p->stage.world, "k%u", i);
        emc_node_list *list;
        if (emc_cluster_node_for_key(p->stage.view, key, strlen(key), &list) != EMC_OK) {
            give_up(p, "no node for a key");
        }
        bool found = emc_address_equal(&list->nodes[0], &node->address);
        emc_node_list_destroy(list);
        if (found) {
            return key;
        }
    }
    give_up(p, "no key goes to this node");
    return NULL;
}
