/* The parts of a client, for the files of this folder alone. */
#ifndef EMC_CLIENT_CLIENT_INTERNAL_H
#define EMC_CLIENT_CLIENT_INTERNAL_H

#include "base/rare.h"
#include "client/client.h"
#include "client/options.h"
#include "cluster/cluster.h"
#include "node/engine.h"
#include "node/operation.h"
#include "node/trace.h"

struct emc_client {
    struct emc__engine engine;
    struct emc__client_environment environment;
    struct emc__cluster *cluster;
    struct emc__owned_strings strings, credentials; /* the options' strings, wiped at the end */
    uint64_t completed_told;                        /* engine.completed at the last process */
    void (*on_room)(void *user_data);
    void *on_room_data;
    uint32_t holds; /* > 0: a destroy waits */
    bool closed, destroy_wanted, in_process, withheld;
    char error_message[EMC_ERROR_MESSAGE_SIZE];
};

/* What a command asks, before it is an operation. Everything is borrowed until the submit returns. */
struct emc__request {
    enum emc__operation_kind kind;
    enum emc__verb verb;
    const emc_address *node;        /* NULL: routed by key */
    const struct emc__route *route; /* of the key, where it is known already; else NULL */
    struct emc__slice key;          /* the user's, without prefix; empty for commands without */
    struct emc__slice value;
    struct emc__slice argument; /* of a plain or streaming command; the flags of a meta command */
    int64_t exptime;
    uint64_t flags;
    uint64_t number; /* cas, delta, or the plain command's number */
    char meta_command;
    bool binary_key, quiet; /* meta: the key goes in base64; the server answers only the unusual */
};

/* Validates and submits; EMC_OK, EMC_ERROR_FULL or a usage error, see commands.h. */
EMC__HOT emc_status emc__client_submit(struct emc_client *client, const struct emc__request *request, const emc_call *call);
/* EMC_ERROR_CLOSED, or EMC_ERROR_ARGUMENT when the call itself is wrong. */
emc_status emc__client_check_open(struct emc_client *client, const emc_call *call);
/* EMC_ERROR_FULL with its words; emc_client_on_room() is told when there is room again. */
EMC__RARE emc_status emc__client_full(struct emc_client *client);
/* Reads the clock for the tick's first submission. */
void emc__client_open_tick(struct emc_client *client);
static inline void emc__client_begin_tick(struct emc_client *client)
{
    if (!client->engine.tick_open) {
        emc__client_open_tick(client);
    }
}

/* Counts the operation, sets its deadline, tells its identity and the trace. node: where it goes; NULL: nowhere, or to several. */
static inline void emc__client_start(struct emc_client *client, struct emc__operation *operation, struct emc__node *node, const emc_call *call)
{
    struct emc__engine *engine = &client->engine;
    uint32_t timeout_ms = call->timeout_ms == EMC_TIMEOUT_DEFAULT ? engine->options.timeout_ms : call->timeout_ms;
    operation->submitted_ns = engine->now_ns;
    engine->pending++;
    emc__timer_set_maybe(engine, &operation->timer, emc__time_add(engine->now_ns, emc__ms_to_ns(timeout_ms)));
    if (call->operation_out != NULL) {
        *call->operation_out = emc__slab_identity(operation);
    }
    emc__trace_begin(engine, operation, node);
}

/* failover.c */
/* Where the call goes. */
struct emc__route emc__client_route(const struct emc_client *client, struct emc__slice key, const emc_call *call);
/* Where it goes with each of up to EMC__ROUTES_AT_ONCE keys. */
void emc__client_route_many(const struct emc_client *client, const struct emc__slice *keys, size_t count,
                            const emc_call *call, struct emc__route *routes_out);
/* An expiry as the gutter takes it: options.gutter_exptime at most. A time of the calendar becomes that: the engine has no calendar. */
int64_t emc__client_gutter_exptime(const struct emc_client *client, int64_t exptime);
/* The same for all expiries of a meta command, those that are not given included. */
emc_meta_options emc__client_gutter_meta(const struct emc_client *client, char command,
                                         const emc_meta_options *options);
/* The operation was submitted to another node than its key's: if it changes the key, the absent node must forget it. */
EMC__RARE void emc__client_note_diverted(struct emc__route route, const struct emc__operation *operation, bool binary_key);
/* Whether the route ends in the gutter. */
static inline bool emc__client_diverts_to_gutter(const struct emc_client *client, struct emc__route route)
{
    return route.node != route.home && client->engine.options.failover == EMC_FAILOVER_GUTTER;
}

emc_status emc__client_check_exptime(struct emc_client *client, int64_t exptime);
/* Says what is wrong with the key. */
EMC__RARE emc_status emc__client_refuse_key(struct emc_client *client, struct emc__slice key);
/* Puts before the words of the last refusal which one of a list it is about: "keys[7]: …", where the words begin with `implied`, else "items[7].exptime: …". */
EMC__RARE emc_status emc__client_refuse_one(struct emc_client *client, emc_status status, const char *list, size_t index,
                                            const char *implied);
/* Of every key of a list; the words say which one it is. */
emc_status emc__client_check_keys(struct emc_client *client, const emc_key *keys, size_t count);
static inline emc_status emc__client_check_key(struct emc_client *client, struct emc__slice key)
{
    bool fits = key.data != NULL && key.length + client->engine.key_prefix.length <= EMC__KEY_LENGTH_MAX;
    return fits && emc__key_valid(key) ? EMC_OK : emc__client_refuse_key(client, key);
}

#endif
