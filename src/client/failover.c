/* What a command must mind when it does not go to the node its key belongs to: in the gutter nothing lives long, and what the absent node
 * still has is out of date once the key was changed elsewhere. Where it goes is decided in cluster/failover.c. */
#include "client/client_internal.h"

/* Longer expiries are times of the calendar (memcached). */
#define EXPTIME_RELATIVE_MAX 2592000

struct emc__route emc__client_route(const struct emc_client *client, struct emc__slice key, const emc_call *call)
{
    return emc__cluster_route(
        client->cluster, call->routing_key != NULL ? emc__slice_of(call->routing_key, call->routing_key_length) : key);
}

void emc__client_route_many(const struct emc_client *client, const struct emc__slice *keys, size_t count,
                            const emc_call *call, struct emc__route *routes_out)
{
    if (call->routing_key == NULL) {
        emc__cluster_route_many(client->cluster, keys, count, routes_out);
        return;
    }
    for (size_t i = 0; i < count; i++) { /* all go where the routing key goes */
        routes_out[i] = i == 0 ? emc__client_route(client, keys[0], call) : routes_out[0];
    }
}

int64_t emc__client_gutter_exptime(const struct emc_client *client, int64_t exptime)
{
    int64_t most = client->engine.options.gutter_exptime;
    bool shorter = exptime != 0 && exptime <= most; /* negative: expires at once */
    return shorter && exptime <= EXPTIME_RELATIVE_MAX ? exptime : most;
}

emc_meta_options emc__client_gutter_meta(const struct emc_client *client, char command, const emc_meta_options *options)
{
    emc_meta_options bounded = *options;
    bool extends = options->mode == EMC_META_MODE_APPEND ||
                   options->mode == EMC_META_MODE_PREPEND; /* what is there keeps its expiry */
    if (options->ttl != EMC_META_UNSET) {
        bounded.ttl = emc__client_gutter_exptime(client, options->ttl);
    } else if (command == 's' && !extends) {
        bounded.ttl = client->engine.options.gutter_exptime;
    }
    if (options->vivify_ttl != EMC_META_UNSET) {
        bounded.vivify_ttl = emc__client_gutter_exptime(client, options->vivify_ttl);
    }
    return bounded;
}

/* Whether it may change what a key holds. */
static bool changes(const struct emc__operation *operation)
{
    switch ((enum emc__operation_kind)operation->kind) {
    case EMC__OPERATION_STORAGE:
        return true;
    case EMC__OPERATION_KEYED:
        return operation->verb != EMC__VERB_TOUCH;
    case EMC__OPERATION_META:
        return operation->in.meta.command == 's' || operation->in.meta.command == 'd' ||
               operation->in.meta.command == 'a';
    default:
        return false;
    }
}

void emc__client_note_diverted(struct emc__route route, const struct emc__operation *operation, bool binary_key)
{
    if (changes(operation)) {
        emc__node_remember(route.home, emc__operation_hash(operation), emc__operation_key(operation), binary_key);
    }
}
