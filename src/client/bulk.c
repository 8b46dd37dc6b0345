/* Bulk commands: the keys of one call scattered over their nodes, the answers gathered key by key.
 *
 * A bulk retrieval is one operation whose keys lie in chains, one for each node; set_many and delete_many are a batch of single operations with one
 * shared count. */
#include <string.h>

#include "base/rare.h"
#include "client/client_internal.h"
#include "node/node.h"
#include "routing/routing.h"

/* ------------------------------------------------------------------ retrieval */

static emc_status check_keys(emc_client *client, const emc_key *keys, size_t count, size_t *bytes_out)
{
    if (count > client->engine.options.operations_max) {
        return emc__client_refuse(client, EMC_ERROR_ARGUMENT, "count: %zu; options.operations_max allows %u", count,
                                  client->engine.options.operations_max);
    }
    emc_status status = emc__client_check_keys(client, keys, count);
    size_t bytes = 0;
    for (size_t i = 0; status == EMC_OK && i < count; i++) {
        bytes += keys[i].length + client->engine.key_prefix.length;
    }
    *bytes_out = bytes;
    return status;
}

static void fill_bulk(const emc_client *client, struct emc__bulk *bulk, const emc_key *keys)
{
    struct emc__slice prefix = client->engine.key_prefix;
    uint32_t offset = 0;
    for (uint32_t i = 0; i < bulk->count; i++) {
        struct emc__bulk_record *record = &bulk->records[i];
        uint8_t *bytes = bulk->bytes + offset;
        if (prefix.length > 0) {
            memcpy(bytes, prefix.data, prefix.length);
        }
        memcpy(bytes + prefix.length, keys[i].data, keys[i].length);
        size_t length = prefix.length + keys[i].length;
        *record = (struct emc__bulk_record){
            .hash = emc__hash_key(emc__slice_of(bytes, length), client->engine.hash_seed),
            .offset = offset,
            .next = EMC__BULK_END,
            .length = (uint8_t)length,
        };
        offset += (uint32_t)length;
    }
}

/* The chain of one node while the keys are dealt out. */
struct chain {
    struct emc__node *node; /* NULL: the keys that no node has */
    bool gutter;
    struct emc__operation *part;
    uint32_t last;
};

/* The chains in the order in which their nodes came, and a table that finds a node's: in its slot, or in one of the next, stands the chain's number,
 * from 1. There are at least twice as many slots as nodes. */
struct chains {
    struct chain *list;
    uint32_t *slots;
    size_t count, slot_count; /* slot_count: a power of two */
};

static bool open_chains(emc_client *client, struct chains *chains)
{
    size_t most = emc__cluster_count_all(client->cluster) + 1; /* none is a node, too */
    *chains = (struct chains){.slot_count = 2};
    while (chains->slot_count < 2 * most) {
        chains->slot_count *= 2;
    }
    chains->list = emc__allocate_zeroed(&client->engine.allocator, 1,
                                        most * sizeof *chains->list + chains->slot_count * sizeof *chains->slots);
    chains->slots = (uint32_t *)(void *)(chains->list + most);
    return chains->list != NULL;
}

static struct chain *chain_of(const emc_client *client, struct chains *chains, struct emc__route route)
{
    size_t mask = chains->slot_count - 1;
    size_t slot = (size_t)((uint64_t)(uintptr_t)route.node * 0x9e3779b97f4a7c15u >> 32) & mask;
    for (; chains->slots[slot] != 0; slot = (slot + 1) & mask) {
        struct chain *chain = &chains->list[chains->slots[slot] - 1];
        if (chain->node == route.node) {
            return chain;
        }
    }
    chains->list[chains->count] = (struct chain){.node = route.node,
                                                 .gutter = emc__client_diverts_to_gutter(client, route)};
    chains->slots[slot] = (uint32_t)++chains->count;
    return &chains->list[chains->count - 1];
}

static bool deal_key(emc_client *client, struct chain *chain, struct emc__bulk *bulk,
                     const struct emc__operation *operation, uint32_t index)
{
    if (chain->part == NULL) {
        chain->part = emc__bulk_branch(&client->engine, bulk, operation, EMC__OPERATION_BULK_PART);
        if (chain->part == NULL) {
            return false;
        }
        if (chain->gutter) {
            chain->part->exptime = (int32_t)emc__client_gutter_exptime(client, operation->exptime);
        }
        chain->part->in.records.first = index;
    } else {
        bulk->records[chain->last].next = index;
    }
    chain->last = index;
    chain->part->in.records.count++;
    return true;
}

/* False: out of memory. */
EMC__HOT static bool deal_keys(emc_client *client, struct chains *chains, struct emc__bulk *bulk,
                               const struct emc__operation *operation, const emc_key *keys, const emc_call *call)
{
    for (uint32_t first = 0, count; first < bulk->count; first += count) {
        struct emc__slice slices[EMC__ROUTES_AT_ONCE];
        struct emc__route routes[EMC__ROUTES_AT_ONCE];
        count = bulk->count - first < EMC__ROUTES_AT_ONCE ? bulk->count - first : EMC__ROUTES_AT_ONCE;
        for (uint32_t i = 0; i < count; i++) {
            slices[i] = emc__slice_of(keys[first + i].data, keys[first + i].length);
        }
        emc__client_route_many(client, slices, count, call, routes);
        for (uint32_t i = 0; i < count; i++) {
            if (!deal_key(client, chain_of(client, chains, routes[i]), bulk, operation, first + i)) {
                return false;
            }
        }
    }
    return true;
}

static void drop_parts(emc_client *client, const struct chains *chains, struct emc__bulk *bulk)
{
    for (size_t i = 0; i < chains->count; i++) {
        if (chains->list[i].part != NULL) {
            emc__operation_discard(&client->engine, chains->list[i].part);
            emc__bulk_unref(&client->engine, bulk);
        }
    }
}

/* Each to its node; those of no node fail in the next process. */
static void submit_parts(emc_client *client, const struct chains *chains)
{
    for (size_t i = 0; i < chains->count; i++) {
        const struct chain *chain = &chains->list[i];
        if (chain->node != NULL) {
            emc__node_submit(chain->node, chain->part);
        } else {
            emc__bulk_settle_part(&client->engine, chain->part, EMC_ERROR_NO_NODES);
        }
    }
}

/* Deals the keys out and hands the parts to their nodes. */
static emc_status scatter(emc_client *client, struct emc__operation *operation, const emc_key *keys,
                          const emc_call *call)
{
    struct emc__bulk *bulk = operation->of.bulk;
    struct chains chains;
    if (!open_chains(client, &chains)) {
        return emc__client_refuse(client, EMC_ERROR_MEMORY, "out of memory");
    }
    emc_status status = deal_keys(client, &chains, bulk, operation, keys, call)
                            ? EMC_OK
                            : emc__client_refuse(client, EMC_ERROR_MEMORY, "out of memory");
    for (size_t i = 0; i < chains.count && status == EMC_OK; i++) {
        struct emc__node *node = chains.list[i].node;
        status = node != NULL && emc__node_admit(node, 0) != EMC_OK ? emc__client_full(client) : EMC_OK;
    }
    if (status == EMC_OK) {
        submit_parts(client, &chains);
    } else {
        drop_parts(client, &chains, bulk);
    }
    emc__release(&client->engine.allocator, chains.list);
    return status;
}

EMC__HOT static emc_status submit_inside(emc_client *client, enum emc__verb verb, const emc_key *keys, size_t count,
                                         int64_t exptime, const emc_call *call)
{
    struct emc__engine *engine = &client->engine;
    size_t bytes = 0;
    emc_status status = emc__client_check_open(client, call);
    status = status == EMC_OK ? emc__client_check_exptime(client, exptime) : status;
    status = status == EMC_OK ? check_keys(client, keys, count, &bytes) : status;
    if (status == EMC_OK && call->options != 0) {
        status = emc__client_refuse(client, EMC_ERROR_ARGUMENT,
                                    "call.options: EMC_CALL_NOREPLY does not go with this command");
    }
    if (status == EMC_OK && engine->pending >= engine->options.operations_max) {
        status = emc__client_full(client);
    }
    if (status != EMC_OK) {
        return status;
    }
    emc__client_begin_tick(client);
    struct emc__operation *operation = emc__operation_take(engine, EMC__OPERATION_BULK, verb);
    struct emc__bulk *bulk = operation != NULL ? emc__bulk_create(engine, (uint32_t)count, bytes) : NULL;
    if (bulk == NULL) {
        if (operation != NULL) {
            emc__slab_give(&engine->operations, operation);
        }
        return emc__client_refuse(client, EMC_ERROR_MEMORY, "out of memory");
    }
    operation->callback = call->callback;
    operation->user_data = call->user_data;
    operation->allocate = call->allocate;
    operation->allocate_from = call->allocate_from > UINT32_MAX ? UINT32_MAX : (uint32_t)call->allocate_from;
    operation->exptime = (int32_t)exptime;
    operation->of.bulk = bulk;
    operation->number = count;
    bulk->operation = operation;
    fill_bulk(client, bulk, keys);
    status = scatter(client, operation, keys, call);
    if (status != EMC_OK) {
        emc__bulk_unref(engine, bulk);
        emc__slab_give(&engine->operations, operation);
        return status;
    }
    emc__client_start(client, operation, NULL, call);
    if (count == 0) {
        emc__bulk_unref(engine, bulk);
        operation->of.bulk = NULL;
        operation->kind = EMC__OPERATION_PLAIN;
        emc__operation_settle(engine, operation, EMC_OK);
    }
    return EMC_OK;
}

static emc_status submit_bulk(emc_client *client, enum emc__verb verb, const emc_key *keys, size_t count,
                              int64_t exptime, const emc_call *call)
{
    emc_status status = emc__client_enter(client);
    if (status == EMC_OK) {
        status = submit_inside(client, verb, keys, count, exptime, call);
        emc__client_leave(client);
    }
    return status;
}

emc_status emc_get_many_async(emc_client *client, const emc_key *keys, size_t count, const emc_call *call)
{
    return submit_bulk(client, EMC__VERB_GET, keys, count, 0, call);
}

emc_status emc_gets_many_async(emc_client *client, const emc_key *keys, size_t count, const emc_call *call)
{
    return submit_bulk(client, EMC__VERB_GETS, keys, count, 0, call);
}

emc_status emc_gat_many_async(emc_client *client, const emc_key *keys, size_t count, int64_t exptime,
                              const emc_call *call)
{
    return submit_bulk(client, EMC__VERB_GAT, keys, count, exptime, call);
}

emc_status emc_gats_many_async(emc_client *client, const emc_key *keys, size_t count, int64_t exptime,
                               const emc_call *call)
{
    return submit_bulk(client, EMC__VERB_GATS, keys, count, exptime, call);
}
