/* The language of the scenarios: a play on a stage, written to be read as a dialogue.
 *
 *     struct sim_peer *peer = a_peer(p);
 *     the_client_opens(p);
 *     it_greets(p, peer);
 *     struct sim_call *call = get(p, "k");
 *     it_hears(p, peer, "get k\r\n");
 *     it_says(p, peer, "VALUE k 0 5\r\nhel");
 *     it_resets(p, peer);
 *     ends(p, call, EMC_ERROR_CONNECTION_LOST, 5);
 *
 * Times are virtual milliseconds. Whatever does not come true fails the scenario at that line. When a scenario returns, the client is destroyed and
 * everything is checked: the model's rules, and that no socket, look-up, timer or memory is left. */
#ifndef SIM_TALK_H
#define SIM_TALK_H

#include "peer.h"
#include "stage.h"

#define PLAY_PEERS_MAX 8

struct play {
    struct sim_stage stage;
    struct sim_peer *peers[PLAY_PEERS_MAX];
    uint32_t peer_count;
    uint64_t mark_ns; /* when the last `now` was said */
    uint32_t line;    /* of the scenario, where it is */
    const char *file;
};

struct scenario {
    const char *name;
    void (*act)(struct play *p);
};

#define SCENARIO(name) \
    {                  \
#name, name    \
    }
/* Ends a file of scenarios: SCENARIOS("connect", SCENARIO(a_refused_connection_is_told), …) */
#define SCENARIOS(group, ...)                                                                                         \
    int main(int count, char **words)                                                                                 \
    {                                                                                                                 \
        static const struct scenario scenarios[] = {__VA_ARGS__};                                                     \
        return play_scenarios(group, scenarios, sizeof scenarios / sizeof scenarios[0], count > 1 ? words[1] : NULL); \
    }

/* ------------------------------------------------------------------ setting */

emc_options *options(struct play *p);
/* A memcached at 10.0.0.N, and its node. */
struct sim_node *a_server(struct play *p);
/* A scripted peer at 10.0.0.N, and its node. */
struct sim_peer *a_peer(struct play *p);
/* The node at which the peer stands. */
struct sim_node *node_of(struct play *p, const struct sim_peer *peer);
/* A node that goes by a name; the name answers nothing yet. */
struct sim_node *a_named_node(struct play *p, const char *name);
/* The name answers the server's address (too). */
void the_name_leads_to(struct play *p, struct sim_node *named, const struct sim_node *server);
/* A server without a node of its own, for names to lead to. */
struct sim_node *a_server_without_node(struct play *p, const struct emc__endpoint *endpoint);
/* Opens the client on all nodes, and lets `ms` pass. */
void the_client_opens(struct play *p);
void ms_pass(struct play *p, uint64_t ms);
void the_client_closes(struct play *p);

/* ------------------------------------------------------------------ calls */

struct sim_call *get(struct play *p, const char *key);
struct sim_call *gets(struct play *p, const char *key);
struct sim_call *gat(struct play *p, const char *key, int64_t exptime);
/* Keys separated by spaces. */
struct sim_call *get_many(struct play *p, const char *keys);
struct sim_call *set(struct play *p, const char *key, uint32_t length);
struct sim_call *set_many(struct play *p, const char *keys, uint32_t length);
struct sim_call *append(struct play *p, const char *key, uint32_t length);
struct sim_call *add(struct play *p, const char *key, uint32_t length);
struct sim_call *cas(struct play *p, const char *key, uint32_t length, uint64_t unique);
struct sim_call *delete_(struct play *p, const char *key);
struct sim_call *incr(struct play *p, const char *key);
struct sim_call *touch(struct play *p, const char *key);
struct sim_call *version(struct play *p, uint32_t node);
struct sim_call *stats(struct play *p, uint32_t node);
struct sim_call *flush_all(struct play *p, uint32_t node);
struct sim_call *quit(struct play *p, uint32_t node);
struct sim_call *dump_keys(struct play *p, uint32_t node);
/* The next call is made so. */
struct sim_call *prepare(struct play *p, enum sim_command command, const char *keys, uint32_t length);
struct sim_call *submit(struct play *p, struct sim_call *call);
/* Submitting it is refused with this. */
void is_refused(struct play *p, struct sim_call *call, emc_status status);
void cancel(struct play *p, struct sim_call *call);

/* The call ends with this status, at most so many ms from now. */
#define ends(p, call, status, ms) at_line(p, __FILE__, __LINE__), play_end(p, call, status, ms)
/* It ends with either. */
#define ends_with_either(p, call, a, b, ms) at_line(p, __FILE__, __LINE__), play_end_either(p, call, a, b, ms)
/* It has not ended after so many ms. */
#define waits(p, call, ms) at_line(p, __FILE__, __LINE__), play_wait(p, call, ms)
/* Key `index` of the call gave these bytes. */
#define gave(p, call, index, text) at_line(p, __FILE__, __LINE__), play_value(p, call, index, text)
/* Key `index` of the call ended with this status. */
#define key_ended(p, call, index, status) at_line(p, __FILE__, __LINE__), play_key(p, call, index, status)
#define must(p, condition)                at_line(p, __FILE__, __LINE__), play_true(p, condition, #condition)
void at_line(struct play *p, const char *file, uint32_t line);
void play_end(struct play *p, struct sim_call *call, emc_status status, uint64_t ms);
void play_end_either(struct play *p, struct sim_call *call, emc_status a, emc_status b, uint64_t ms);
void play_wait(struct play *p, const struct sim_call *call, uint64_t ms);
void play_value(struct play *p, const struct sim_call *call, uint32_t index, const char *text);
void play_key(struct play *p, const struct sim_call *call, uint32_t index, emc_status status);
void play_true(struct play *p, bool condition, const char *words);

/* ------------------------------------------------------------------ peers */

/* Answers `version` on the connection that is talked on; the first one is waited for. */
#define it_greets(p, peer) at_line(p, __FILE__, __LINE__), play_greeting(p, peer)
/* These are the next bytes it hears, at most a second from now. */
#define it_hears(p, peer, text) at_line(p, __FILE__, __LINE__), play_heard(p, peer, text)
/* It hears nothing for so many ms. */
#define it_hears_nothing(p, peer, ms) at_line(p, __FILE__, __LINE__), play_silence(p, peer, ms)
/* The client leaves the connection that is talked on, at most so many ms from now. */
#define it_is_left(p, peer, ms) at_line(p, __FILE__, __LINE__), play_left(p, peer, ms)
/* The next connection comes (or has come already), at most so many ms from now, and is the one talked on. */
#define it_is_called(p, peer, ms) at_line(p, __FILE__, __LINE__), play_called(p, peer, ms)
/* The connection that is talked on is still there. */
#define it_is_kept(p, peer) at_line(p, __FILE__, __LINE__), play_kept(p, peer)
void play_greeting(struct play *p, struct sim_peer *peer);
void play_heard(struct play *p, struct sim_peer *peer, const char *text);
void play_silence(struct play *p, struct sim_peer *peer, uint64_t ms);
void play_left(struct play *p, struct sim_peer *peer, uint64_t ms);
void play_called(struct play *p, struct sim_peer *peer, uint64_t ms);
void play_kept(struct play *p, struct sim_peer *peer);
void it_says(struct play *p, struct sim_peer *peer, const char *text);
void it_says_bytes(struct play *p, struct sim_peer *peer, const void *bytes, size_t length);
void it_closes(struct play *p, struct sim_peer *peer);
void it_resets(struct play *p, struct sim_peer *peer);
void it_stops_reading(struct play *p, struct sim_peer *peer);
void it_reads_again(struct play *p, struct sim_peer *peer);

/* ------------------------------------------------------------------ cluster */

#define turns_unhealthy(p, node, ms) at_line(p, __FILE__, __LINE__), play_health(p, node, false, ms)
#define turns_healthy(p, node, ms)   at_line(p, __FILE__, __LINE__), play_health(p, node, true, ms)
void play_health(struct play *p, const struct sim_node *node, bool healthy, uint64_t ms);
emc_pool_metrics metrics(struct play *p, const struct sim_node *node);
/* A key that goes to this node: "k0", "k1" … */
const char *key_of(struct play *p, const struct sim_node *node);

/* ------------------------------------------------------------------ for the runner */

/* Plays them all, or those whose names fit the pattern (may be NULL). Returns how many failed. */
int play_scenarios(const char *group, const struct scenario *scenarios, size_t count, const char *pattern);

void play_begin(struct play *p);
/* Closes, checks, releases. Returns words, or NULL when all is well. */
const char *play_finish(struct play *p);

#endif
