/* Replies to retrieval lines: hits matched by key and order within the line, misses told by what was skipped. */
#include "base/rare.h"
#include "node/pipeline.h"

#include <assert.h>
#include <string.h>

/* memcached's proxy came with 1.6.13; nothing else is known to say such a version and to end an answer with other words than memcached's. */
#define PROXY_VERSION_MIN 10613
#define PROXY_VERSION_END 20000

static const char out_of_order[] = "a value for a key that was not asked, or not in this order";

bool emc__retrieval_finish(struct emc__connection *connection, struct emc__operation *entry)
{
    if (entry->kind == EMC__OPERATION_BULK_LINE) {
        emc__bulk_unref(connection->engine, entry->of.bulk);
    }
    emc__pipeline_leave_entry(connection, entry);
    emc__pipeline_settle_owing(connection);
    return connection->state != EMC__CONNECTION_CLOSED;
}

static bool wants_cas(const struct emc__operation *entry)
{
    return entry->verb == EMC__VERB_GETS || entry->verb == EMC__VERB_GATS;
}

/* ------------------------------------------------------------------ who asked for a key */

/* LINE: the member with the key, or NULL. */
static struct emc__link *member_of(struct emc__operation *entry, struct emc__slice key)
{
    struct emc__link *link = emc__list_first(&entry->of.members);
    while (link != NULL && !emc__slice_equal(emc__operation_key(EMC__OPERATION_OF(link)), key)) {
        link = emc__list_next(&entry->of.members, link);
    }
    return link;
}

/* BULK_LINE: how many records stand before the one with the key; all of them when there is none. */
static uint32_t records_before(const struct emc__operation *entry, struct emc__slice key)
{
    const struct emc__bulk *bulk = entry->of.bulk;
    uint32_t index = entry->in.records.first, count = 0;
    while (count < entry->in.records.count && !emc__slice_equal(emc__bulk_key(bulk, index), key)) {
        index = bulk->records[index].next;
        count++;
    }
    return count;
}

static bool asked_for(struct emc__operation *entry, struct emc__slice key)
{
    return entry->kind == EMC__OPERATION_LINE ? member_of(entry, key) != NULL
                                              : records_before(entry, key) < entry->in.records.count;
}

bool emc__retrieval_end(struct emc__connection *connection, struct emc__operation *entry)
{
    return (entry->kind == EMC__OPERATION_LINE
                ? emc__retrieval_miss_until(connection, entry, NULL)
                : emc__retrieval_miss_records(connection, entry, entry->in.records.count)) &&
           emc__retrieval_finish(connection, entry);
}

static struct emc__operation *next_entry(const struct emc__connection *connection)
{
    struct emc__link *next = emc__list_first(&connection->pipeline);
    assert(next != NULL);
    return EMC__OPERATION_OF(next);
}

struct emc__operation *emc__retrieval_advance(struct emc__connection *connection, struct emc__operation *entry,
                                              struct emc__slice key)
{
    struct emc__operation *asking = entry;
    while (asking->goes_on && !asked_for(asking, key)) {
        asking = EMC__OPERATION_OF(emc__list_next(&connection->pipeline, &asking->link));
    }
    if (asking != entry && !asked_for(asking, key)) {
        return entry; /* none did, and nothing is known about their keys: the match contradicts */
    }
    while (entry != asking) {
        bool erred = entry->erred;
        if (!emc__retrieval_end(connection, entry)) {
            return NULL;
        }
        entry = next_entry(connection);
        entry->erred |= erred;
    }
    return entry;
}

/* ------------------------------------------------------------------ lines of single gets */

/* A value for another member than the first: those before it are missing. */
EMC__APART static struct emc__operation *match_later(struct emc__connection *connection, struct emc__operation *entry,
                                                     const struct emc__value_header *header)
{
    struct emc__link *link = member_of(entry, header->key);
    if (link == NULL || header->has_cas != wants_cas(entry)) {
        emc__pipeline_contradiction(connection, out_of_order);
        return NULL;
    }
    entry->valued = true;
    struct emc__operation *operation = EMC__OPERATION_OF(link);
    return emc__retrieval_miss_until(connection, entry, operation) ? operation : NULL;
}

struct emc__operation *emc__retrieval_match(struct emc__connection *connection, struct emc__operation *entry,
                                            const struct emc__value_header *header)
{
    struct emc__link *link = emc__list_first(&entry->of.members);
    if (link != NULL && emc__slice_equal(emc__operation_key(EMC__OPERATION_OF(link)), header->key) &&
        header->has_cas == wants_cas(entry)) {
        entry->valued = true; /* the usual case: a hit after a hit */
        return EMC__OPERATION_OF(link);
    }
    return match_later(connection, entry, header);
}

static void ask_alone(struct emc__connection *connection, struct emc__operation *operation, struct emc__link *before)
{
    operation->alone = true;
    emc__connection_requeue(connection, operation, before);
}

/* Those that would have shared its answer follow by themselves: they may wait longer than this connection lives, and are found only in a queue. What nobody
 * waits for becomes a member of the line, before `rest`. */
static void ask_followers_alone(struct emc__connection *connection, struct emc__operation *operation,
                                struct emc__link *before, struct emc__link *rest)
{
    struct emc__operation *last = operation->of.follower;
    struct emc__operation *next = last != NULL ? last->of.follower : NULL;
    operation->of.follower = NULL;
    while (next != NULL) {
        struct emc__operation *follower = next;
        next = follower == last ? NULL : follower->of.follower;
        follower->of.follower = NULL;
        if (emc__operation_wanted(follower)) {
            ask_alone(connection, follower, before);
        } else {
            emc__link_insert_before(&follower->link, rest);
        }
    }
}

/* Those before the member (NULL: all) are not there. False: the connection is closed. */
static bool miss_members(struct emc__connection *connection, struct emc__operation *entry,
                         const struct emc__operation *member)
{
    struct emc__link *link;
    while (connection->state != EMC__CONNECTION_CLOSED && (link = emc__list_first(&entry->of.members)) != NULL &&
           EMC__OPERATION_OF(link) != member) {
        emc__pipeline_answer_status(connection, EMC__OPERATION_OF(link), EMC_MISS, NULL);
        (void)emc__pipeline_go_on(connection);
    }
    return connection->state != EMC__CONNECTION_CLOSED;
}

/* Asks each key up to the member (NULL: all) again, alone: one error line stands for all of them, or for one of which it is not known. What has timed out or was
 * cancelled is not asked: in a queue it would be taken for one that somebody waits for. */
EMC__RARE static bool ask_members_alone(struct emc__connection *connection, struct emc__operation *entry,
                                        const struct emc__operation *member)
{
    struct emc__link *before = emc__list_first(&connection->pending);
    struct emc__link *link = emc__list_first(&entry->of.members);
    while (link != NULL && EMC__OPERATION_OF(link) != member) {
        struct emc__operation *operation = EMC__OPERATION_OF(link);
        link = emc__list_next(&entry->of.members, link);
        if (emc__operation_wanted(operation)) {
            ask_alone(connection, operation, before);
        }
        ask_followers_alone(connection, operation, before, link != NULL ? link : &entry->of.members.head);
    }
    return miss_members(connection, entry, member);
}

bool emc__retrieval_miss_until(struct emc__connection *connection, struct emc__operation *entry,
                               const struct emc__operation *member)
{
    return entry->erred ? ask_members_alone(connection, entry, member) : miss_members(connection, entry, member);
}

bool emc__retrieval_give(struct emc__connection *connection, struct emc__operation *operation,
                         const struct emc__value_header *header, const uint8_t *data)
{
    emc_result result = {
        .status = EMC_OK, .value = data, .value_length = header->length, .flags = header->flags, .cas = header->cas};
    emc__pipeline_answer_value(connection, operation, &result);
    return connection->state != EMC__CONNECTION_CLOSED;
}

bool emc__retrieval_value(struct emc__connection *connection, struct emc__operation *entry,
                          const struct emc__value_header *header, const uint8_t *data)
{
    struct emc__operation *operation = emc__retrieval_match(connection, entry, header);
    return operation != NULL && emc__retrieval_give(connection, operation, header, data);
}

/* An error line replaces the whole answer; ERROR is told only by servers that don't know the command. */
static bool error_fits(const struct emc__operation *entry, const struct emc__reply_line *line)
{
    bool optional = entry->verb == EMC__VERB_GAT || entry->verb == EMC__VERB_GATS;
    return !entry->valued && (line->kind != EMC__REPLY_ERROR || optional);
}

static bool line_error(struct emc__connection *connection, struct emc__operation *entry, bool whole,
                       const struct emc__reply_line *line)
{
    char text[EMC_ERROR_MESSAGE_SIZE];
    emc__text_error_words(line, text, sizeof text);
    struct emc__link *first = emc__list_first(&entry->of.members);
    if (!error_fits(entry, line)) {
        return emc__pipeline_contradiction(connection, text);
    }
    bool only_one = whole && first != NULL && emc__list_last(&entry->of.members) == first;
    if (only_one) {
        emc__pipeline_answer_status(connection, EMC__OPERATION_OF(first), emc__text_error_status(line), text);
    } else {
        ask_members_alone(connection, entry, NULL);
    }
    return connection->state != EMC__CONNECTION_CLOSED && emc__retrieval_finish(connection, entry);
}

/* ------------------------------------------------------------------ lines of a bulk's keys */

uint32_t emc__retrieval_take_record(struct emc__connection *connection, struct emc__operation *entry)
{
    uint32_t index = entry->in.records.first;
    emc__pipeline_leave_record(connection, &entry->of.bulk->records[index]);
    entry->in.records.first = entry->of.bulk->records[index].next;
    entry->in.records.count--;
    entry->opaque++;
    return index;
}

/* The first `count` keys have no value. False: the connection is closed. */
static bool answer_records(struct emc__connection *connection, struct emc__operation *entry, uint32_t count,
                           emc_status status)
{
    while (count-- > 0 && connection->state != EMC__CONNECTION_CLOSED) {
        emc_result result = {.status = status};
        uint32_t index = emc__retrieval_take_record(connection, entry);
        emc__bulk_answer(connection->engine, entry->of.bulk, index, connection->node, &result);
    }
    return connection->state != EMC__CONNECTION_CLOSED;
}

/* Asks the first `count` keys again, alone. */
EMC__RARE static bool ask_records_alone(struct emc__connection *connection, struct emc__operation *entry,
                                        uint32_t count)
{
    struct emc__bulk *bulk = entry->of.bulk;
    struct emc__operation *part = count == 0
                                      ? NULL
                                      : emc__bulk_branch(connection->engine, bulk, entry, EMC__OPERATION_BULK_PART);
    if (part == NULL) {
        return answer_records(connection, entry, count, EMC_ERROR_MEMORY);
    }
    part->in.records.first = entry->in.records.first;
    part->in.records.count = count;
    for (uint32_t i = 0; i < count; i++) {
        struct emc__bulk_record *record = &bulk->records[entry->in.records.first];
        record->alone = true;
        entry->in.records.first = record->next;
    }
    entry->in.records.count -= count;
    emc__connection_requeue(connection, part, emc__list_first(&connection->pending));
    return true;
}

bool emc__retrieval_miss_records(struct emc__connection *connection, struct emc__operation *entry, uint32_t count)
{
    if (entry->erred) {
        return ask_records_alone(connection, entry, count);
    }
    return answer_records(connection, entry, count, EMC_MISS);
}

uint32_t emc__retrieval_match_bulk(struct emc__connection *connection, struct emc__operation *entry,
                                   const struct emc__value_header *header)
{
    uint32_t skipped = records_before(entry, header->key);
    if (skipped == entry->in.records.count || header->has_cas != wants_cas(entry)) {
        emc__pipeline_contradiction(connection, out_of_order);
        return EMC__BULK_END;
    }
    entry->valued = true;
    if (skipped > 0 && !emc__retrieval_miss_records(connection, entry, skipped)) {
        return EMC__BULK_END;
    }
    return emc__retrieval_take_record(connection, entry);
}

bool emc__retrieval_bulk_value(struct emc__connection *connection, struct emc__operation *entry,
                               const struct emc__value_header *header, const uint8_t *data)
{
    uint32_t index = emc__retrieval_match_bulk(connection, entry, header);
    return index != EMC__BULK_END && emc__retrieval_give_bulk(connection, entry, index, header, data);
}

bool emc__retrieval_give_bulk(struct emc__connection *connection, struct emc__operation *entry, uint32_t index,
                              const struct emc__value_header *header, const uint8_t *data)
{
    emc_result result = {
        .status = EMC_OK, .value = data, .value_length = header->length, .flags = header->flags, .cas = header->cas};
    const struct emc__operation *operation = entry->of.bulk->operation;
    bool wanted = operation != NULL && operation->allocate != NULL && header->length > 0 &&
                  header->length >= operation->allocate_from && !entry->of.bulk->records[index].answered;
    if (wanted) {
        void *memory = emc__pipeline_allocate(connection, operation->allocate, operation->user_data, index,
                                              header->length);
        if (memory == NULL) {
            result = (emc_result){.status = EMC_ERROR_MEMORY};
        } else {
            memcpy(memory, data, header->length);
            result.value = memory;
        }
    }
    emc__bulk_answer(connection->engine, entry->of.bulk, index, connection->node, &result);
    return connection->state != EMC__CONNECTION_CLOSED;
}

static bool bulk_error(struct emc__connection *connection, struct emc__operation *entry, bool whole,
                       const struct emc__reply_line *line)
{
    char text[EMC_ERROR_MESSAGE_SIZE];
    emc__text_error_words(line, text, sizeof text);
    if (!error_fits(entry, line)) {
        return emc__pipeline_contradiction(connection, text);
    }
    if (whole && entry->in.records.count == 1) {
        emc_result result = {.status = emc__text_error_status(line), .message = text};
        emc__bulk_answer(connection->engine, entry->of.bulk, emc__retrieval_take_record(connection, entry),
                         connection->node, &result);
    } else {
        ask_records_alone(connection, entry, entry->in.records.count);
    }
    return connection->state != EMC__CONNECTION_CLOSED && emc__retrieval_finish(connection, entry);
}

/* ------------------------------------------------------------------ the line that ends an answer */

/* Whether more keys were asked in the entry's line than those that are answered, and one. */
static bool has_several(struct emc__operation *entry)
{
    uint32_t left = entry->in.records.count; /* BULK_LINE */
    if (entry->kind == EMC__OPERATION_LINE) {
        struct emc__link *first = emc__list_first(&entry->of.members);
        left = first == NULL ? 0 : first == emc__list_last(&entry->of.members) ? 1 : 2;
    }
    return entry->goes_on || left > 1 || (left == 1 && entry->valued);
}

/* Whether something behind the entry's line ends as a line of keys does. */
static bool another_ends(const struct emc__connection *connection)
{
    bool ours = true;
    for (struct emc__link *link = emc__list_first(&connection->pipeline); link != NULL;
         link = emc__list_next(&connection->pipeline, link)) {
        const struct emc__operation *other = EMC__OPERATION_OF(link);
        bool ends = other->kind == EMC__OPERATION_LINE || other->kind == EMC__OPERATION_BULK_LINE ||
                    other->kind == EMC__OPERATION_STREAM;
        if (ends && !ours) {
            return true;
        }
        ours = ours && other->goes_on;
    }
    return false;
}

/* The line may not be of the head, but of what stands behind it, whose answers would then be the next ones'. memcached without memory for a get's answer
 * drops what it has not sent, an earlier get's error too; and after an error within a line its END may be another's, where that error stood for all of it. */
static bool may_be_anothers(const struct emc__connection *connection, const struct emc__operation *entry,
                            const struct emc__reply_line *line)
{
    bool doubtful = line->kind == EMC__REPLY_END ? entry->erred : emc__text_error_is_a_gets(line);
    return doubtful && another_ends(connection);
}

/* memcached's proxy puts an error line in the place of each key that it could not ask for, goes on with the others, and ends with END. */
static bool may_be_of_one_key(struct emc__operation *entry, const struct emc__reply_line *line)
{
    return line->kind == EMC__REPLY_SERVER_ERROR && !emc__text_error_is_a_gets(line) && has_several(entry);
}

static bool may_be_a_proxy(const struct emc__connection *connection)
{
    return connection->server_version >= PROXY_VERSION_MIN && connection->server_version < PROXY_VERSION_END;
}

/* Other gets in flight are asked again elsewhere. */
static bool lose_step(struct emc__connection *connection, const char *what)
{
    connection->asks_again = true;
    return emc__pipeline_contradiction(connection, what);
}

/* One entry of the line; `whole`: its only one. */
static bool end_entry(struct emc__connection *connection, struct emc__operation *entry, bool whole,
                      const struct emc__reply_line *line)
{
    if (line->kind == EMC__REPLY_END) {
        return emc__retrieval_end(connection, entry);
    }
    return entry->kind == EMC__OPERATION_LINE ? line_error(connection, entry, whole, line)
                                              : bulk_error(connection, entry, whole, line);
}

bool emc__retrieval_line(struct emc__connection *connection, struct emc__operation *entry,
                         const struct emc__reply_line *line)
{
    bool error = line->kind == EMC__REPLY_ERROR || line->kind == EMC__REPLY_CLIENT_ERROR ||
                 line->kind == EMC__REPLY_SERVER_ERROR;
    if (!error && line->kind != EMC__REPLY_END) {
        return emc__pipeline_contradiction(connection, "a line within the answer to a get");
    }
    bool of_one = error && may_be_of_one_key(entry, line);
    if (of_one && may_be_a_proxy(connection)) {
        entry->erred = true;
        return true;
    }
    if (may_be_anothers(connection, entry, line)) {
        return lose_step(connection, "a line that may end the answer to another get");
    }
    bool unsure = of_one && connection->version_text[0] == '\0'; /* it was not asked who speaks there */
    bool whole = !entry->goes_on;
    for (;;) {
        bool more = entry->goes_on, erred = entry->erred;
        if (!end_entry(connection, entry, whole, line)) {
            return false;
        }
        if (!more) {
            return !unsure || lose_step(connection, "an error within the answer to a get of several keys");
        }
        entry = next_entry(connection);
        entry->erred |= erred;
    }
}
