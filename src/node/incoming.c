/* Long values, received straight into their final home: the caller's memory where it gives some, else memory of ours.
 *
 * The operation stays the head of its line until its value is complete; when it completes early (timeout, cancel) the rest is dropped. */
#include "node/dialect.h"
#include "node/node_internal.h"
#include "node/pipeline.h"

#include <string.h>

static void begin(struct emc__connection *connection, const struct emc__value_header *header)
{
    connection->incoming = (struct emc__incoming){.length = header->length, .flags = header->flags, .cas = header->cas};
}

/* Memory of the engine's own for it; without memory the value is dropped and its operation told. */
static uint8_t *own_memory(struct emc__connection *connection)
{
    struct emc__incoming *incoming = &connection->incoming;
    incoming->memory = emc__allocate(&connection->engine->allocator, incoming->length);
    incoming->ours = incoming->memory != NULL;
    return incoming->memory;
}

bool emc__incoming_begin(struct emc__connection *connection, struct emc__operation *operation,
                         const struct emc__value_header *header, uint8_t **destination_out)
{
    begin(connection, header);
    connection->incoming.operation = operation;
    if ((operation->completed || operation->settled) && operation->of.follower == NULL) {
        return true;
    }
    bool direct = operation->allocate != NULL && operation->of.follower == NULL &&
                  header->length >= operation->allocate_from;
    if (!direct) {
        *destination_out = own_memory(connection);
        return true;
    }
    connection->incoming.memory = emc__pipeline_allocate(connection, operation->allocate, operation->user_data, 0,
                                                         header->length);
    *destination_out = connection->incoming.memory;
    return connection->state != EMC__CONNECTION_CLOSED;
}

bool emc__incoming_begin_bulk(struct emc__connection *connection, struct emc__operation *entry, uint32_t index,
                              const struct emc__value_header *header, uint8_t **destination_out)
{
    struct emc__bulk *bulk = entry->of.bulk;
    begin(connection, header);
    connection->incoming.bulk = bulk;
    connection->incoming.index = index;
    bulk->references++;
    const struct emc__operation *operation = bulk->operation;
    if (operation == NULL || operation->settled || bulk->records[index].answered) {
        return true;
    }
    if (operation->allocate == NULL || header->length < operation->allocate_from) {
        *destination_out = own_memory(connection);
        return true;
    }
    connection->incoming.memory = emc__pipeline_allocate(connection, operation->allocate, operation->user_data, index,
                                                         header->length);
    *destination_out = connection->incoming.memory;
    return connection->state != EMC__CONNECTION_CLOSED;
}

bool emc__incoming_begin_meta(struct emc__connection *connection, struct emc__operation *entry,
                              const struct emc__value_header *header, uint8_t **destination_out)
{
    begin(connection, header);
    struct emc__incoming *incoming = &connection->incoming;
    if (header->meta_flags.length >= sizeof incoming->meta_flags) {
        return emc__pipeline_contradiction(connection, "a meta reply with too many flags");
    }
    memcpy(incoming->meta_flags, header->meta_flags.data, header->meta_flags.length);
    incoming->meta_flags[header->meta_flags.length] = '\0';
    incoming->operation = entry;
    if (entry->completed) {
        return true;
    }
    *destination_out = own_memory(connection);
    return true;
}

bool emc__incoming_begin_configuration(struct emc__connection *connection, struct emc__operation *entry,
                                       const struct emc__value_header *header, uint8_t **destination_out)
{
    if (!emc__stream_accepts(connection, header->length)) {
        return false;
    }
    begin(connection, header);
    connection->incoming.operation = entry;
    if (!entry->completed) {
        *destination_out = own_memory(connection);
    }
    return true;
}

/* The END that is still to come takes it out of the pipeline. */
static void finish_configuration(struct emc__connection *connection, const struct emc__incoming *incoming)
{
    struct emc__value_header header = {.kind = EMC__VALUE_CONFIG, .length = incoming->length, .flags = incoming->flags};
    if (incoming->memory != NULL) {
        emc__stream_value(connection, incoming->operation, &header, incoming->memory);
    } else if (!incoming->operation->completed) {
        emc__operation_fail(connection->engine, incoming->operation, EMC_ERROR_MEMORY, NULL);
    }
}

static void finish_single(struct emc__connection *connection, const struct emc__incoming *incoming)
{
    struct emc__operation *operation = incoming->operation;
    emc_result result = {.status = EMC_OK,
                         .value = incoming->memory,
                         .value_length = incoming->length,
                         .flags = incoming->flags,
                         .cas = incoming->cas};
    if (incoming->memory == NULL && !operation->completed) {
        result = (emc_result){.status = operation->settled ? (emc_status)operation->outcome : EMC_ERROR_MEMORY};
    }
    if (operation->kind == EMC__OPERATION_META && incoming->memory != NULL) {
        struct emc__value_header header = {.kind = EMC__VALUE_META,
                                           .length = incoming->length,
                                           .meta_flags = emc__slice_of_string(incoming->meta_flags)};
        emc__meta_value(connection, operation, &header, incoming->memory);
    } else if (incoming->ours) {
        emc__pipeline_answer_value(connection, operation, &result);
    } else {
        emc__pipeline_answer(connection, operation,
                             &result); /* it lies in the caller's memory already, or there is none */
    }
}

static void finish_bulk(struct emc__connection *connection, const struct emc__incoming *incoming)
{
    emc_result result = {.status = EMC_OK,
                         .value = incoming->memory,
                         .value_length = incoming->length,
                         .flags = incoming->flags,
                         .cas = incoming->cas};
    if (incoming->memory == NULL) {
        const struct emc__operation *operation = incoming->bulk->operation;
        bool cancelled = operation != NULL && operation->settled;
        result = (emc_result){.status = cancelled ? (emc_status)operation->outcome : EMC_ERROR_MEMORY};
    }
    emc__bulk_answer(connection->engine, incoming->bulk, incoming->index, connection->node, &result);
    emc__bulk_unref(connection->engine, incoming->bulk);
    emc__node_check_drained(connection->node); /* it has waited for this value */
}

bool emc__incoming_end(struct emc__connection *connection)
{
    struct emc__incoming incoming = connection->incoming;
    connection->incoming = (struct emc__incoming){0};
    if (incoming.operation != NULL && incoming.operation->kind == EMC__OPERATION_STREAM) {
        finish_configuration(connection, &incoming);
    } else if (incoming.operation != NULL) {
        finish_single(connection, &incoming);
    } else if (incoming.bulk != NULL) {
        finish_bulk(connection, &incoming);
    }
    if (incoming.ours) {
        emc__release(&connection->engine->allocator, incoming.memory);
    }
    return connection->state != EMC__CONNECTION_CLOSED;
}

void emc__pipeline_forget_incoming(struct emc__connection *connection)
{
    struct emc__incoming incoming = connection->incoming;
    connection->dialect->discard(connection);
    if (incoming.ours) {
        emc__release(&connection->engine->allocator, incoming.memory);
    }
    connection->incoming.memory = NULL;
    connection->incoming.ours = false;
}
