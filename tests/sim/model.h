/* The model: the truth as the servers tell it, the answers as the client told them, and the rules between the two.
 *
 *   - An answer is what a server of that node really held, at a moment between the question and the answer.
 *   - What is acknowledged happened, once, and came out as it was told. What has an unknown outcome happened at most once.
 *   - Operations of one key whose outcomes are known happened in the order in which they were submitted; a get sees what was before it, and nothing
 *     that came after it.
 *   - Each call ends exactly once, within its deadline and a tick. */
#ifndef SIM_MODEL_H
#define SIM_MODEL_H

#include "calls.h"

#define SIM_HOME_OVER   0xDD /* fills the memory given for a value when its call has ended */
#define SIM_KEYS_MAX    96u
#define SIM_SERVERS_MAX 12u
#define SIM_NODES_MAX   12u

/* What a key held on a server, from one change to the next. */
struct sim_version {
    uint64_t from_seq, to_seq, from_ns, to_ns;
    uint64_t hash, flags, cas;
    size_t length;
    bool present;
};

struct sim_history {
    struct sim_version *versions;
    uint32_t count, capacity;
};

/* A delete or a flush that a server carried out: these carry no number. */
struct sim_anonymous {
    uint64_t seq, at_ns;
    uint32_t key; /* SIM_KEYS_MAX: a flush */
    uint32_t server;
    bool found, taken;
};

struct sim_key {
    uint8_t *bytes;
    uint32_t length;
    bool numeric; /* its values are numbers */
};

struct sim_model {
    struct sim_world *world;
    struct sim_observer observer;
    struct sim_key keys[SIM_KEYS_MAX];
    uint32_t key_count;
    size_t prefix_length;                    /* of the client's key prefix: servers see keys with it */
    struct sim_op *ops_of_key[SIM_KEYS_MAX]; /* a chain each, made for the check */
    struct sim_history histories[SIM_SERVERS_MAX][SIM_KEYS_MAX];
    uint32_t server_count;
    uint32_t servers_of_node[SIM_NODES_MAX]; /* bits: which servers a node's address ever led to */
    const char *node_names[SIM_NODES_MAX];   /* as emc_address_format() writes them */
    uint32_t node_count;
    struct sim_op **ops;
    uint32_t op_count, op_capacity;
    struct sim_call **calls;
    uint32_t call_count, call_capacity;
    struct sim_anonymous *anonymous;
    uint32_t anonymous_count, anonymous_capacity;
    uint32_t completed;                       /* calls */
    bool routing_moves;                       /* purging or membership changes: a key may change its node */
    bool replies_spoilt;                      /* a server's error answers may be untrue */
    bool gets_asked_again;                    /* an error line stood in place of a get's answer: asked alone, it may see what was submitted later */
    bool malformed_allowed;                   /* the test sends nonsense itself */
    bool deletes_again;                       /* options.deletes_replayed_max: a delete may be said more often than it was asked for */
    const uint64_t *clock_ahead_ns;           /* of the client, now; NULL: its clock is the world's */
    uint64_t slack_ns;                        /* how late a deadline may be kept */
    uint64_t paused_from_ns, paused_until_ns; /* the last time the client's process stood still */
};

void sim_model_init(struct sim_model *model, struct sim_world *world);
void sim_model_deinit(struct sim_model *model);

/* Returns the key's number. The bytes are copied. */
uint32_t sim_model_add_key(struct sim_model *model, const void *bytes, size_t length, bool numeric);
uint32_t sim_model_find_key(const struct sim_model *model, struct emc__slice bytes); /* SIM_KEYS_MAX: unknown */
/* A call of `count` operations, numbered. */
struct sim_call *sim_model_add_call(struct sim_model *model, enum sim_command command, uint32_t count);
int32_t sim_model_find_node(const struct sim_model *model, const emc_address *address);

/* The client answers: the call's callback. user_data is the call. */
void sim_model_result(struct sim_model *model, struct sim_call *call, const emc_result *result);

/* Everything that can be said only when all is over. Problems go to the world. */
void sim_model_check(struct sim_model *model);

#endif
