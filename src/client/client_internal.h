/* The parts of a client, for the files of this folder alone. */
#ifndef EMC_CLIENT_CLIENT_INTERNAL_H
#define EMC_CLIENT_CLIENT_INTERNAL_H

#include "client/client.h"
#include "client/options.h"
#include "cluster/cluster.h"
#include "node/engine.h"
#include "node/operation.h"

struct emc_client {
    struct emc__engine engine;
    struct emc__client_environment environment;
    struct emc__cluster *cluster;
    struct emc__owned_strings strings, credentials; /* the options' strings, wiped at the end */
    uint64_t completed_told;                        /* engine.completed at the last process */
    void (*on_room)(void *user_data);
    void *on_room_data;
    uint32_t holds; /* > 0: a destroy waits */
    bool closed, destroy_wanted, in_process;
    char error_message[EMC_ERROR_MESSAGE_SIZE];
};

/* What a command asks, before it is an operation. Everything is borrowed until the submit returns. */
struct emc__request {
    enum emc__operation_kind kind;
    enum emc__verb verb;
    const emc_address *node; /* NULL: routed by key */
    struct emc__slice key;   /* the user's, without prefix; empty for commands without */
    struct emc__slice value;
    struct emc__slice argument; /* of a plain or streaming command; the flags of a meta command */
    int64_t exptime;
    uint64_t flags;
    uint64_t number; /* cas, delta, or the plain command's number */
    char meta_command;
    bool binary_key, quiet; /* meta: the key goes in base64; the server answers only the unusual */
};

/* Validates and submits; EMC_OK, EMC_ERROR_FULL or a usage error, see commands.h. */
emc_status emc__client_submit(struct emc_client *client, const struct emc__request *request, const emc_call *call);
/* EMC_ERROR_CLOSED, or EMC_ERROR_ARGUMENT when the call itself is wrong. */
emc_status emc__client_check_open(struct emc_client *client, const emc_call *call);
/* EMC_ERROR_FULL with its words; emc_client_on_room() is told when there is room again. */
emc_status emc__client_full(struct emc_client *client);
/* Counts the operation, sets its deadline, tells its identity and the trace. node: where it goes; NULL: nowhere, or to several. */
void emc__client_start(struct emc_client *client, struct emc__operation *operation, struct emc__node *node, const emc_call *call);
/* Reads the clock for the tick's first submission. */
void emc__client_begin_tick(struct emc_client *client);

/* failover.c */
/* Where the call goes. */
struct emc__route emc__client_route(const struct emc_client *client, struct emc__slice key, const emc_call *call);
/* An expiry as the gutter takes it: options.gutter_exptime at most. A time of the calendar becomes that: the engine has no calendar. */
int64_t emc__client_gutter_exptime(const struct emc_client *client, int64_t exptime);
/* The same for all expiries of a meta command, those that are not given included. */
emc_meta_options emc__client_gutter_meta(const struct emc_client *client, char command,
                                         const emc_meta_options *options);
/* The operation was submitted: if it changes a key elsewhere, the absent node must forget it. */
void emc__client_note_diverted(const struct emc__route *route, const struct emc__operation *operation, bool binary_key);

emc_status emc__client_check_exptime(struct emc_client *client, int64_t exptime);
emc_status emc__client_check_key(struct emc_client *client, struct emc__slice key);

#endif
