/* From pending to the pipeline: what the writers of both dialects share (coalesce.c, binary_requests.c). */
#ifndef EMC_NODE_OUTGOING_H
#define EMC_NODE_OUTGOING_H

#include "node/connection.h"

static inline void emc__outgoing_count(struct emc__connection *connection, struct emc__operation *operation)
{
    emc__connection_discount_pending(connection, operation);
    operation->place = EMC__PLACE_SENT;
}

/* Takes the operation out of pending: from now on its bytes may have reached the server. */
static inline void emc__outgoing_sent(struct emc__connection *connection, struct emc__operation *operation)
{
    emc__link_remove(&operation->link);
    emc__outgoing_count(connection, operation);
}

/* The same for one that becomes a member of a line or a run. */
static inline void emc__outgoing_join(struct emc__connection *connection, struct emc__operation *operation, struct emc__operation *entry)
{
    emc__link_lift(&operation->link);
    emc__list_append(&entry->of.members, &operation->link);
    emc__outgoing_count(connection, operation);
}

/* After `quit` nothing more is written: what waits on the connection finds another when the server has closed it. */
static inline void emc__outgoing_note_quit(struct emc__connection *connection, const struct emc__operation *operation)
{
    if (operation->verb == EMC__VERB_QUIT) {
        connection->quitting = true;
        connection->state = EMC__CONNECTION_DRAINING;
    }
}

/* Every key of the part is written. */
void emc__outgoing_part_done(struct emc__connection *connection, struct emc__operation *part);
/* Nobody waits for the part any more (timed out, cancelled): its keys are not even asked. */
void emc__outgoing_part_dropped(struct emc__connection *connection, struct emc__operation *part);

/* In place of a version: none has the command in this dialect. */
#define EMC__OUTGOING_NO_VERSION 0
/* node.c: the server can't be asked this: the operation leaves the queue and ends with EMC_ERROR_UNSUPPORTED in the next process, in words that name the
 * version needed. */
void emc__outgoing_refuse(struct emc__operation *operation, uint32_t version);

#endif
