/* The demo's chapters. Each is a small sequence of stages that wait for a pause or for something to happen; nothing here blocks, for the traffic goes on
 * meanwhile. */
#include <stdio.h>

#include "demo.h"
#include "loop.h"

/* ------------------------------------------------------------------ stages */

static void enter_stage(struct demo *demo, int stage)
{
    demo->stage = stage;
    demo->stage_ns = clock_now_ns();
}

/* Whether the stage has lasted so long (in a fast demo: half of it). */
static bool paused(const struct demo *demo, unsigned ms)
{
    return (double)(clock_now_ns() - demo->stage_ns) >= demo->pace * ms * (double)NS_PER_MS;
}

/* Whether what the stage waits for should have happened by now. */
static bool overdue(const struct demo *demo)
{
    return clock_now_ns() - demo->stage_ns >= DEMO_WAIT_MS * NS_PER_MS;
}

static double seconds_between(uint64_t from_ns, uint64_t to_ns)
{
    return to_ns > from_ns ? (double)(to_ns - from_ns) / (double)NS_PER_S : 0;
}

/* ------------------------------------------------------------------ what moved */

/* The keys that went away from a node, by where they went. */
static void find_moved_from(const struct demo *demo, size_t from, const char *title, struct demo_move *move_out)
{
    *move_out = (struct demo_move){.total = placement_on(&demo->before, from)};
    snprintf(move_out->title, sizeof(move_out->title), "%s", title);
    size_t gone = 0;
    for (size_t i = 0; i < DEMO_NODES; i++) {
        move_out->keys[i] = i == from ? 0 : placement_moved(&demo->before, &demo->placement, from, i);
        gone += move_out->keys[i];
    }
    move_out->needless = placement_moved_all(&demo->before, &demo->placement) - gone;
}

/* The keys that came to a node, by where they came from. */
static void find_moved_to(const struct demo *demo, size_t to, const char *title, struct demo_move *move_out)
{
    *move_out = (struct demo_move){.total = placement_on(&demo->placement, to)};
    snprintf(move_out->title, sizeof(move_out->title), "%s", title);
    size_t come = 0;
    for (size_t i = 0; i < DEMO_NODES; i++) {
        move_out->keys[i] = i == to ? 0 : placement_moved(&demo->before, &demo->placement, i, to);
        come += move_out->keys[i];
    }
    move_out->needless = placement_moved_all(&demo->before, &demo->placement) - come;
}

/* Says where the keys went, and keeps it for the panel. */
static void show_move(struct demo *demo, const struct demo_move *move, const char *what)
{
    demo->move = *move;
    demo_say(demo, GLYPH_DOT, STYLE_PLAIN, "%s: %.1f %% of the keys; others moved: %zu", what,
             100.0 * (double)move->total / (double)DEMO_KEYS, move->needless);
}

/* ------------------------------------------------------------------ 1: three nodes */

static bool three_nodes(struct demo *demo)
{
    return paused(demo, 3000);
}

/* ------------------------------------------------------------------ 2: a node dies */

static void kill_node(struct demo *demo, struct demo_node *node)
{
    node->unhealthy_ns = 0;
    demo->moment_ns = clock_now_ns();
    long pid = (long)node->server.pid;
    server_kill(&node->server);
    demo_say(demo, GLYPH_UNHEALTHY, STYLE_BAD, "SIGKILL to B %s (process %ld)", node->name, pid);
}

static void note_death(struct demo *demo, const struct demo_node *node)
{
    demo->findings.notice_s = seconds_between(demo->moment_ns, node->unhealthy_ns);
    demo_say(demo, GLYPH_UNHEALTHY, STYLE_BAD, "B is reported unhealthy %.3f s after its death: %s",
             demo->findings.notice_s, node->state.reason);
    demo_place(demo);
    find_moved_from(demo, NODE_B, "Which nodes take the keys of B", &demo->findings.died);
    show_move(demo, &demo->findings.died, "the keys of B have a new home");
}

static bool a_node_dies(struct demo *demo)
{
    struct demo_node *node = &demo->nodes[NODE_B];
    switch (demo->stage) {
    case 0:
        if (paused(demo, 600)) {
            kill_node(demo, node);
            enter_stage(demo, 1);
        }
        return false;
    case 1:
        if (node->unhealthy_ns != 0) {
            note_death(demo, node);
            enter_stage(demo, 2);
        } else if (overdue(demo)) {
            demo_fail(demo, "B was not found to be dead within %d s", DEMO_WAIT_MS / 1000);
        }
        return false;
    default:
        return paused(demo, 3500);
    }
}

/* ------------------------------------------------------------------ 3: it returns */

static void restart_node(struct demo *demo, struct demo_node *node)
{
    char words[SERVER_WORDS_SIZE] = "";
    node->answered_ns = 0;
    node->latency = (struct latency){.count = 0};
    if (!server_start(&node->server, demo->program, node->server.port, words)) {
        demo_fail(demo, "memcached could not be started again: %s", words);
        return;
    }
    demo_say(demo, GLYPH_ARROW, STYLE_PLAIN, "memcached is started again on %s (process %ld)", node->name,
             (long)node->server.pid);
}

/* True when it takes connections; the moment is kept. */
static bool has_come_up(struct demo *demo, struct demo_node *node)
{
    char words[SERVER_WORDS_SIZE] = "";
    if (server_listens(&node->server)) {
        demo->moment_ns = clock_now_ns();
        return true;
    }
    if (!server_alive(&node->server, words) || overdue(demo)) {
        demo_fail(demo, "memcached does not listen on %s: %s", node->name, words);
    }
    return false;
}

static void note_return(struct demo *demo)
{
    demo->findings.recover_s = seconds_between(demo->moment_ns, demo->nodes[NODE_B].answered_ns);
    demo_say(demo, GLYPH_HEALTHY, STYLE_GOOD, "B is healthy and answered its first operation %.3f s after it listened",
             demo->findings.recover_s);
    demo_place(demo);
    find_moved_to(demo, NODE_B, "The keys of B are back, from", &demo->findings.returned);
    show_move(demo, &demo->findings.returned, "the keys of B are where they were");
}

static bool it_returns(struct demo *demo)
{
    struct demo_node *node = &demo->nodes[NODE_B];
    switch (demo->stage) {
    case 0:
        if (paused(demo, 400)) {
            restart_node(demo, node);
            enter_stage(demo, 1);
        }
        return false;
    case 1:
        if (has_come_up(demo, node)) {
            demo_say(demo, GLYPH_ARROW, STYLE_PLAIN, "B listens again; its memory is empty");
            enter_stage(demo, 2);
        }
        return false;
    case 2:
        if (node->answered_ns != 0) {
            note_return(demo);
            enter_stage(demo, 3);
        } else if (overdue(demo)) {
            demo_fail(demo, "B was not used again within %d s", DEMO_WAIT_MS / 1000);
        }
        return false;
    default:
        return paused(demo, 3000);
    }
}

/* ------------------------------------------------------------------ 4: one joins, one leaves */

static void start_newcomer(struct demo *demo, struct demo_node *node)
{
    char words[SERVER_WORDS_SIZE] = "";
    if (!server_start(&node->server, demo->program, node->server.port, words)) {
        demo_fail(demo, "a fourth memcached could not be started: %s", words);
    }
}

static void add_newcomer(struct demo *demo, struct demo_node *node)
{
    emc_error error = {EMC_OK, ""};
    emc_status status = emc_cluster_add_node(demo->view, &node->address, 100, &error);
    if (status != EMC_OK) {
        demo_fail(demo, "D could not be added: %s", error.message);
        return;
    }
    node->membership = DEMO_MEMBER;
    demo_say(demo, GLYPH_ARROW, STYLE_GOOD, "D %s is added to the cluster", node->name);
    demo_place(demo);
    find_moved_to(demo, NODE_D, "Which nodes D takes its keys from", &demo->findings.joined);
    show_move(demo, &demo->findings.joined, "D takes its share");
}

static void remove_oldest(struct demo *demo, struct demo_node *node)
{
    emc_error error = {EMC_OK, ""};
    emc_status status = emc_cluster_remove_node(demo->view, &node->address, &error);
    if (status != EMC_OK) {
        demo_fail(demo, "A could not be removed: %s", error.message);
        return;
    }
    node->membership = DEMO_REMOVED;
    demo_say(demo, GLYPH_GONE, STYLE_WARNING, "A %s is removed; what is under way completes first", node->name);
    demo_place(demo);
    find_moved_from(demo, NODE_A, "Which nodes take the keys of A", &demo->findings.left);
    show_move(demo, &demo->findings.left, "the keys of A have a new home");
}

static bool one_joins_one_leaves(struct demo *demo)
{
    switch (demo->stage) {
    case 0:
        if (paused(demo, 400)) {
            start_newcomer(demo, &demo->nodes[NODE_D]);
            enter_stage(demo, 1);
        }
        return false;
    case 1:
        if (has_come_up(demo, &demo->nodes[NODE_D])) {
            add_newcomer(demo, &demo->nodes[NODE_D]);
            enter_stage(demo, 2);
        }
        return false;
    case 2:
        if (paused(demo, 2700)) {
            remove_oldest(demo, &demo->nodes[NODE_A]);
            enter_stage(demo, 3);
        }
        return false;
    case 3:
        if (paused(demo, 700)) {
            server_stop(&demo->nodes[NODE_A].server);
            demo_say(demo, GLYPH_GONE, STYLE_PLAIN, "the server of A is stopped; nobody asks it any more");
            enter_stage(demo, 4);
        }
        return false;
    default:
        return paused(demo, 2200);
    }
}

/* ------------------------------------------------------------------ the list */

const struct demo_chapter demo_chapters[DEMO_CHAPTERS] = {
    {"three nodes", "Three memcached servers share the keys; each key has one home.", three_nodes},
    {"a node dies", "B is killed. Its operations fail until that is noticed; then its keys move.", a_node_dies},
    {"it returns", "B is started again with an empty memory. It is used as soon as it answers.", it_returns},
    {"one joins, one leaves", "D is added and A is removed under traffic; no operation fails.", one_joins_one_leaves},
};
