/* See outgoing.h: the end of a bulk's part in the queue of what is to be written. */
#include "node/outgoing.h"

void emc__outgoing_part_done(struct emc__connection *connection, struct emc__operation *part)
{
    emc__outgoing_sent(connection, part);
    part->place = EMC__PLACE_NONE;
    emc__bulk_unref(connection->engine, part->of.bulk);
    emc__operation_discard(connection->engine, part);
}

void emc__outgoing_part_dropped(struct emc__connection *connection, struct emc__operation *part)
{
    const struct emc__bulk *bulk = part->of.bulk;
    uint32_t index = part->in.records.first;
    for (uint32_t i = 0; i < part->in.records.count; i++, index = bulk->records[index].next) {
        emc__pipeline_leave_record(connection, &bulk->records[index]);
    }
    emc__outgoing_part_done(connection, part);
}
