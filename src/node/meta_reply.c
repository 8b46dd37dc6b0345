/* Replies to meta commands: the code becomes a status, the flags become fields. */
#include "node/pipeline.h"

static int meta_status(uint16_t code)
{
    switch (code) {
    case EMC__META_CODE('H', 'D'):
    case EMC__META_CODE('M', 'N'):
        return EMC_OK;
    case EMC__META_CODE('E', 'N'):
    case EMC__META_CODE('N', 'F'):
        return EMC_MISS;
    case EMC__META_CODE('N', 'S'):
        return EMC_NOT_STORED;
    case EMC__META_CODE('E', 'X'):
        return EMC_EXISTS;
    default:
        return EMC_ERROR_PROTOCOL;
    }
}

bool emc__meta_line(struct emc__connection *connection, struct emc__operation *entry, const struct emc__reply_line *line)
{
    int status = line->kind == EMC__REPLY_META ? meta_status(line->meta_code) : EMC_ERROR_PROTOCOL;
    if (status == EMC_ERROR_PROTOCOL) {
        return emc__pipeline_contradiction(connection, "a reply of another kind than a meta command has");
    }
    emc__pipeline_answer_status(connection, entry, (emc_status)status, NULL);
    return connection->state != EMC__CONNECTION_CLOSED;
}

bool emc__meta_value(struct emc__connection *connection, struct emc__operation *entry,
                     const struct emc__value_header *header, const uint8_t *data)
{
    emc_result result = {.status = EMC_OK, .value = data, .value_length = header->length};
    emc__pipeline_answer_value(connection, entry, &result);
    return connection->state != EMC__CONNECTION_CLOSED;
}
