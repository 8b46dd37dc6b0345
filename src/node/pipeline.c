/* What is in flight on a connection: every reply is matched to the head of the pipeline by order and by key, label or kind, and any contradiction
 * closes the connection, failing what was in flight. Never a wrong value. What a reply means its dialect knows (text_replies.c, binary_replies.c).
 *
 *   pipeline:  [noreply]* [line: a b c] [set] [quiet run: d e f] …     ← replies come in this order
 *
 * Uses the reader's deliveries; hands retrieved values on, tells its listener which slots became free. */
#include "node/pipeline.h"

#include "base/rare.h"
#include "node/node.h"

#include <string.h>

#define QUIET_COUNTED_MAX 512

bool emc__pipeline_contradiction(struct emc__connection *connection, const char *what)
{
    bool handshake = connection->state == EMC__CONNECTION_AUTHENTICATING;
    emc__node_log(connection->node, EMC_LOG_ERROR, ": protocol contradiction: %s", what);
    emc__connection_close(connection, handshake ? EMC_ERROR_AUTHENTICATION : EMC_ERROR_PROTOCOL, what);
    return false;
}

void emc__pipeline_leave_record(struct emc__connection *connection, const struct emc__bulk_record *record)
{
    connection->load--;
    connection->listener->slot_left(connection->context, emc__slot_of(record->hash));
}

void emc__pipeline_push(struct emc__connection *connection, struct emc__operation *entry)
{
    bool was_empty = emc__list_empty(&connection->pipeline);
    entry->place = EMC__PLACE_SENT;
    entry->connection = connection;
    emc__list_append(&connection->pipeline, &entry->link);
    if (!entry->noreply) {
        connection->fence_owed = false;
    }
    if (was_empty) {
        connection->heard_since_idle = false;
        connection->listener->owes(connection->context, connection, true);
    }
}

/* What waited for a flush to be answered goes out at the end of this tick. */
static void pass(struct emc__connection *connection, struct emc__operation *entry)
{
    if (entry->ends_flush) {
        entry->ends_flush = false;
        connection->flushes_in_flight--;
        if (!emc__list_empty(&connection->pending)) {
            emc__connection_mark_dirty(connection);
        }
    }
}

/* The operation's place is free: its reply has gone by, or never will. One that was refused while its value was still going out lives until the value
 * has gone (sending.h). */
static void leave(struct emc__connection *connection, struct emc__operation *operation)
{
    emc__link_remove(&operation->link);
    pass(connection, operation);
    operation->place = connection->borrowed == operation ? EMC__PLACE_SENT : EMC__PLACE_NONE;
    connection->load--;
    connection->listener->slot_left(connection->context, operation->slot);
}

void emc__pipeline_leave_entry(struct emc__connection *connection, struct emc__operation *entry)
{
    emc__link_remove(&entry->link);
    pass(connection, entry);
    entry->place = EMC__PLACE_NONE;
    emc__operation_discard(connection->engine, entry);
}

EMC__APART EMC__HOT static void owes_nothing(struct emc__connection *connection)
{
    if (connection->state == EMC__CONNECTION_CLOSED) {
        return;
    }
    if (!emc__list_empty(&connection->pending)) {
        emc__connection_mark_dirty(connection); /* something waits for an empty pipeline */
    }
    connection->listener->owes(connection->context, connection, false);
}

void emc__pipeline_settle_owing(struct emc__connection *connection)
{
    if (emc__list_empty(&connection->pipeline)) {
        owes_nothing(connection);
    }
}

/* Not behind a line with an error in it: with another one behind it its END would be doubtful (retrieval.c), and the connection be closed. */
void emc__pipeline_flush_share(struct emc__connection *connection)
{
    struct emc__link *first = emc__list_first(&connection->pipeline);
    if (first == NULL || !EMC__OPERATION_OF(first)->erred) {
        emc__node_flush_all(connection->engine);
    }
}

typedef void answer_function(struct emc__connection *connection, struct emc__operation *operation, emc_result *result);

/* The operation, and its followers in the order submitted, from the ring that `last` ends. */
EMC__APART static void answer_shared(struct emc__connection *connection, struct emc__operation *operation,
                                     struct emc__operation *last, const emc_result *result, answer_function *answer)
{
    emc_result first = *result;
    answer(connection, operation, &first);
    struct emc__operation *next = last->of.follower;
    while (next != NULL) {
        struct emc__operation *follower = next;
        emc_result copy = *result;
        next = follower == last ? NULL : follower->of.follower;
        follower->of.follower = NULL;
        leave(connection, follower);
        answer(connection, follower, &copy);
    }
}

static inline void answer_plainly(struct emc__connection *connection, struct emc__operation *operation,
                                  emc_result *result)
{
    emc__operation_complete(connection->engine, operation, result);
}

/* Gives a value: in the caller's own memory where it asked for that. */
static inline void answer_with_value(struct emc__connection *connection, struct emc__operation *operation,
                                     emc_result *result)
{
    bool wanted = operation->allocate != NULL && !operation->completed && result->value_length > 0 &&
                  result->value_length >= operation->allocate_from;
    if (wanted) {
        void *memory = emc__pipeline_allocate(connection, operation->allocate, operation->user_data, 0,
                                              result->value_length);
        if (memory == NULL) {
            emc__operation_fail(connection->engine, operation, EMC_ERROR_MEMORY, NULL);
            return;
        }
        memcpy(memory, result->value, result->value_length);
        result->value = memory;
    }
    emc__operation_complete(connection->engine, operation, result);
}

/* Calls `answer` for the operation and all that share its answer; each has left the queues before. *result may be changed. */
static inline void answer_all(struct emc__connection *connection, struct emc__operation *operation, emc_result *result,
                              answer_function *answer)
{
    struct emc__operation *last = operation->kind == EMC__OPERATION_RETRIEVAL ? operation->of.follower : NULL;
    leave(connection, operation);
    if (last == NULL) {
        answer(connection, operation, result);
    } else {
        answer_shared(connection, operation, last, result, answer);
    }
}

void emc__pipeline_answer(struct emc__connection *connection, struct emc__operation *operation, emc_result *result)
{
    answer_all(connection, operation, result, answer_plainly);
    emc__pipeline_settle_owing(connection);
}

void emc__pipeline_answer_status(struct emc__connection *connection, struct emc__operation *operation,
                                 emc_status status, const char *message)
{
    emc_result result = {.status = status, .message = message};
    emc__pipeline_answer(connection, operation, &result);
}

void emc__pipeline_answer_value(struct emc__connection *connection, struct emc__operation *operation,
                                emc_result *result)
{
    answer_all(connection, operation, result, answer_with_value);
    emc__pipeline_settle_owing(connection);
}

void *emc__pipeline_allocate(struct emc__connection *connection, emc_value_allocate *allocate, void *user_data,
                             size_t index, size_t length)
{
    connection->engine->callback_depth++;
    void *memory = allocate(user_data, index, length);
    connection->engine->callback_depth--;
    return memory;
}

/* ------------------------------------------------------------------ the head */

struct emc__operation *emc__pipeline_head_of_noreply(struct emc__connection *connection, bool fences)
{
    struct emc__link *link = emc__list_first(&connection->pipeline);
    while (link != NULL && EMC__OPERATION_OF(link)->noreply) {
        struct emc__operation *noreply = EMC__OPERATION_OF(link);
        if (!fences) {
            return noreply;
        }
        leave(connection, noreply);
        emc__operation_discard(connection->engine, noreply);
        link = emc__list_first(&connection->pipeline);
    }
    return link != NULL ? EMC__OPERATION_OF(link) : NULL;
}

uint32_t emc__pipeline_quiet_ahead(struct emc__connection *connection)
{
    uint32_t count = 0;
    struct emc__link *link = emc__list_first(&connection->pipeline);
    while (link != NULL && EMC__OPERATION_OF(link)->noreply && count < QUIET_COUNTED_MAX) {
        link = emc__list_next(&connection->pipeline, link);
        count++;
    }
    const struct emc__operation *head = link != NULL ? EMC__OPERATION_OF(link) : NULL;
    return head != NULL && head->kind == EMC__OPERATION_QUIET_RUN ? count + head->in.run_length : count;
}

bool emc__pipeline_quit_answered(struct emc__connection *connection)
{
    struct emc__operation *entry = emc__pipeline_head(connection, true);
    if (entry == NULL || entry->verb != EMC__VERB_QUIT) {
        return false;
    }
    emc__pipeline_answer_status(connection, entry, EMC_OK, NULL);
    emc__connection_close(connection, EMC_OK, "the server was asked to close it");
    return true;
}

bool emc__pipeline_probe_answered(struct emc__connection *connection, struct emc__operation *entry)
{
    emc__pipeline_leave_entry(connection, entry);
    emc__pipeline_settle_owing(connection);
    return connection->state != EMC__CONNECTION_CLOSED;
}

bool emc__pipeline_holds_password(const struct emc__connection *connection, struct emc__slice words)
{
    const char *password = connection->engine->options.password;
    return password != NULL && words.length > 0 && memmem(words.data, words.length, password, strlen(password)) != NULL;
}

/* ------------------------------------------------------------------ the end of a connection */

static void fail_members(struct emc__connection *connection, struct emc__operation *entry, emc_status status,
                         const char *message)
{
    struct emc__link *link;
    while ((link = emc__list_first(&entry->of.members)) != NULL) {
        emc_result result = {.status = status, .message = message};
        answer_all(connection, EMC__OPERATION_OF(link), &result, answer_plainly);
    }
}

static void leave_chain(struct emc__connection *connection, const struct emc__operation *entry)
{
    const struct emc__bulk *bulk = entry->of.bulk;
    uint32_t index = entry->in.records.first;
    for (uint32_t i = 0; i < entry->in.records.count; i++, index = bulk->records[index].next) {
        emc__pipeline_leave_record(connection, &bulk->records[index]);
    }
}

static void fail_entry(struct emc__connection *connection, struct emc__operation *entry, emc_status status,
                       const char *message)
{
    switch ((enum emc__operation_kind)entry->kind) {
    case EMC__OPERATION_LINE:
    case EMC__OPERATION_QUIET_RUN:
        fail_members(connection, entry, status, message);
        emc__pipeline_leave_entry(connection, entry);
        break;
    case EMC__OPERATION_BULK_LINE:
        leave_chain(connection, entry);
        emc__bulk_fail_chain(connection->engine, entry->of.bulk, entry->in.records.first, entry->in.records.count,
                             connection->node, status, message);
        emc__bulk_unref(connection->engine, entry->of.bulk);
        emc__pipeline_leave_entry(connection, entry);
        break;
    case EMC__OPERATION_PROBE:
        emc__pipeline_leave_entry(connection, entry);
        break;
    default: {
        emc_result result = {.status = status, .message = message};
        answer_all(connection, entry, &result, answer_plainly);
        break;
    }
    }
}

void emc__pipeline_fail(struct emc__connection *connection, emc_status status, const char *message)
{
    struct emc__link *link;
    struct emc__incoming incoming = connection->incoming;
    connection->incoming = (struct emc__incoming){0};
    status =
        status < 0
            ? status
            : EMC_ERROR_CONNECTION_LOST; /* a connection closed in peace owes nothing; if it does, that is no success */
    if (incoming.bulk != NULL) {         /* the key whose value was under way has left its line's chain */
        emc_result result = {.status = status, .message = message};
        emc__bulk_answer(connection->engine, incoming.bulk, incoming.index, connection->node, &result);
        emc__bulk_unref(connection->engine, incoming.bulk);
    }
    while ((link = emc__list_first(&connection->pipeline)) != NULL) {
        fail_entry(connection, EMC__OPERATION_OF(link), status, message);
    }
}

/* A get that was never answered, on a connection that turned out to be closed while it was idle, or on which gets are out of step, is asked again once: it takes its place before what
 * was submitted later and never written, which is placed anew with it. Its slot and load stay counted. */
static void ask_members_again(struct emc__connection *connection, struct emc__operation *entry,
                              struct emc__link *before)
{
    struct emc__link *link = emc__list_first(&entry->of.members);
    while (link != NULL) {
        struct emc__operation *operation = EMC__OPERATION_OF(link);
        link = emc__list_next(&entry->of.members, link);
        if (!operation->retried && emc__operation_wanted(operation) && operation->of.follower == NULL) {
            operation->retried = true;
            emc__connection_requeue(connection, operation, before);
        }
    }
}

static void ask_chain_again(struct emc__connection *connection, struct emc__operation *entry, struct emc__link *before)
{
    struct emc__operation *part = emc__bulk_branch(connection->engine, entry->of.bulk, entry, EMC__OPERATION_BULK_PART);
    if (part == NULL) {
        return;
    }
    part->in.records = entry->in.records;
    part->retried = true;
    entry->in.records.count = 0;
    emc__connection_requeue(connection, part, before);
}

void emc__pipeline_ask_again(struct emc__connection *connection)
{
    struct emc__link *link = emc__list_first(&connection->pipeline), *before = emc__list_first(&connection->pending);
    while (link != NULL) {
        struct emc__operation *entry = EMC__OPERATION_OF(link);
        link = emc__list_next(&connection->pipeline, link);
        if (entry->kind == EMC__OPERATION_LINE) {
            ask_members_again(connection, entry, before);
        } else if (entry->kind == EMC__OPERATION_BULK_LINE && !entry->retried && entry->in.records.count > 0) {
            ask_chain_again(connection, entry, before);
        }
    }
}
