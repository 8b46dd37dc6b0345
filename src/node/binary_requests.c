/* Operations to requests of the binary dialect, at flush, in the order submitted.
 *
 * A run of retrievals leaves as one line of the pipeline: every request but the last is quiet (a miss is not answered), so that the last one's answer
 * tells that all before it are over. Every request has an opaque of its own, which its answer repeats, errors included: a key may stand in a line twice. */
#include "node/dialect.h"
#include "node/outgoing.h"

#include <string.h>

/* What is being written. */
struct fill {
    struct emc__connection *connection;
    struct emc__engine *engine;
    uint8_t *out;
    size_t capacity, length;
    size_t last; /* where the last request begins */
};

static size_t room(const struct fill *fill)
{
    return fill->capacity - fill->length;
}

static struct emc__operation *take_entry(struct fill *fill, enum emc__operation_kind kind, uint8_t verb)
{
    struct emc__operation *entry = emc__operation_take(fill->engine, kind, (enum emc__verb)verb);
    if (entry != NULL) {
        entry->internal = entry->completed = true;
    }
    return entry;
}

/* ------------------------------------------------------------------ retrievals */

/* Writes one retrieval and makes the one before it in its line quiet; returns where it stands. */
static uint8_t *write_retrieval(struct fill *fill, uint8_t *before, const struct emc__operation *like,
                                struct emc__slice key, uint32_t opaque)
{
    uint8_t *at = fill->out + fill->length;
    fill->last = fill->length;
    if (before != NULL) {
        emc__binary_make_quiet(before);
    }
    fill->length += emc__binary_write_retrieval(at, (enum emc__verb)like->verb, key, like->exptime, true, opaque);
    return at;
}

static bool emit_line(struct fill *fill, const struct emc__operation *first)
{
    struct emc__connection *connection = fill->connection;
    if (room(fill) < EMC__BINARY_REQUEST_MAX) {
        return false;
    }
    struct emc__operation *line = take_entry(fill, EMC__OPERATION_LINE, first->verb);
    if (line == NULL) {
        return false;
    }
    emc__list_init(&line->of.members);
    struct emc__link *link;
    uint8_t *before = NULL;
    for (uint32_t keys = 0; keys < fill->engine->options.keys_per_line_max && room(fill) >= EMC__BINARY_REQUEST_MAX;
         keys++) {
        link = emc__list_first(&connection->pending);
        if (link == NULL || EMC__OPERATION_OF(link)->kind != EMC__OPERATION_RETRIEVAL) {
            break;
        }
        struct emc__operation *operation = EMC__OPERATION_OF(link);
        emc__outgoing_sent(connection, operation);
        operation->opaque = connection->next_opaque++;
        before = write_retrieval(fill, before, operation, emc__operation_key(operation), operation->opaque);
        emc__list_append(&line->of.members, &operation->link);
    }
    emc__pipeline_push(connection, line);
    return true;
}

/* Writes keys of the part into the line until it is full or the part ends. */
static void write_records(struct fill *fill, struct emc__operation *part, struct emc__operation *line)
{
    const struct emc__bulk *bulk = part->of.bulk;
    uint8_t *before = NULL;
    line->opaque = fill->connection->next_opaque;
    line->in.records.first = part->in.records.first;
    while (part->in.records.count > 0 && line->in.records.count < fill->engine->options.keys_per_line_max &&
           room(fill) >= EMC__BINARY_REQUEST_MAX) {
        uint32_t index = part->in.records.first;
        before = write_retrieval(fill, before, part, emc__bulk_key(bulk, index), fill->connection->next_opaque++);
        part->in.records.first = bulk->records[index].next;
        part->in.records.count--;
        line->in.records.count++;
    }
}

static bool emit_bulk_line(struct fill *fill, struct emc__operation *part)
{
    if (part->of.bulk->operation == NULL) {
        emc__outgoing_part_dropped(fill->connection, part);
        return true;
    }
    if (room(fill) < EMC__BINARY_REQUEST_MAX) {
        return false;
    }
    struct emc__operation *line = emc__bulk_branch(fill->engine, part->of.bulk, part, EMC__OPERATION_BULK_LINE);
    if (line == NULL) {
        return false;
    }
    write_records(fill, part, line);
    fill->connection->pending_load -= line->in.records.count;
    emc__pipeline_push(fill->connection, line);
    if (part->in.records.count == 0) {
        emc__outgoing_part_done(fill->connection, part);
    }
    return true;
}

/* ------------------------------------------------------------------ single operations */

static size_t write_head(uint8_t *out, const struct emc__operation *operation)
{
    struct emc__slice key = emc__operation_key(operation);
    enum emc__verb verb = (enum emc__verb)operation->verb;
    switch ((enum emc__operation_kind)operation->kind) {
    case EMC__OPERATION_STORAGE:
        return emc__binary_write_storage(out, verb, key, operation->flags, operation->exptime, operation->value_length,
                                         operation->number, operation->opaque);
    case EMC__OPERATION_KEYED:
        return emc__binary_write_key_command(out, verb, key, operation->exptime, operation->number, operation->opaque);
    default:
        return emc__binary_write_plain(out, verb, (int64_t)operation->number, emc__operation_argument(operation),
                                       operation->opaque);
    }
}

static bool emit_single(struct fill *fill, struct emc__operation *operation)
{
    struct emc__connection *connection = fill->connection;
    size_t inline_length = operation->borrowed ? 0 : operation->value_length;
    if (operation->kind == EMC__OPERATION_META || !emc__binary_has_verb((enum emc__verb)operation->verb)) {
        emc__outgoing_refuse(operation, EMC__OUTGOING_NO_VERSION);
        return true;
    }
    if (room(fill) < EMC__BINARY_REQUEST_MAX + operation->argument_length + inline_length) {
        return false;
    }
    emc__outgoing_sent(connection, operation);
    operation->opaque = connection->next_opaque++;
    fill->last = fill->length;
    fill->length += write_head(fill->out + fill->length, operation);
    if (operation->borrowed) {
        connection->borrowed = operation;
        connection->borrowed_sent = 0;
    } else if (inline_length > 0) {
        memcpy(fill->out + fill->length, operation->value, inline_length);
        fill->length += inline_length;
    }
    emc__pipeline_push(connection, operation);
    emc__outgoing_note_quit(connection, operation);
    if (operation->noreply) { /* its answer comes all the same, and is dropped */
        emc__operation_settle(fill->engine, operation, EMC_OK);
    }
    return true;
}

static bool emit_next(struct fill *fill, struct emc__operation *operation)
{
    switch ((enum emc__operation_kind)operation->kind) {
    case EMC__OPERATION_RETRIEVAL:
        return emit_line(fill, operation);
    case EMC__OPERATION_BULK_PART:
        return emit_bulk_line(fill, operation);
    default:
        return emit_single(fill, operation);
    }
}

size_t emc__binary_fill(struct emc__connection *connection, uint8_t *out, size_t capacity)
{
    struct fill fill = {connection, connection->engine, out, capacity, 0, 0};
    struct emc__link *link;
    while (connection->borrowed == NULL && !connection->quitting &&
           (link = emc__list_first(&connection->pending)) != NULL) {
        if (!emit_next(&fill, EMC__OPERATION_OF(link))) {
            break;
        }
    }
    connection->last_request = fill.length - fill.last;
    return fill.length;
}
