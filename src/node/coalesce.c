/* Operations to bytes, at flush: what one tick submitted leaves in as few lines as its meaning allows.
 *
 *   - Gets become multi-key lines. A get may overtake operations on other keys, never one on its own key.
 *   - A line names a key once (with repeats a hit and a miss could not be told apart): further gets of the key share the answer when no
 *     other operation on it stands between them, else they wait for another line.
 *   - A bulk's keys go on in the line before them where they can: one END then answers several entries of the pipeline.
 *   - Everything else keeps its order. Long runs of small set and delete go quiet and are fenced by `mn`.
 *
 * Uses the protocol's writers; decides nothing about connections. */
#include "base/rare.h"
#include "node/connection.h"
#include "node/outgoing.h"

#include <string.h>

/* Operations looked at while a line is built; bounds the table's fill to three quarters. */
#define LINE_SCAN_MAX 1536
#define TABLE_SIZE    2048
/* Below some 30 operations quiet and plain runs cost the same (measured on one node; DESIGN.md has 64). Where several nodes share a core quiet ones are
 * ahead: 1,000 sets on 16 nodes, 62 each, by 13 %. */
#define QUIET_RUN_MIN 32
/* Bounds how many outcomes one unlabelled error can leave unknown. A fence costs the server some 14 us (measured: 454 ns a set with one for
 * every 256, 419 with one for every 512, 398 with one for every 1,000). */
#define QUIET_RUN_MAX       512
#define QUIET_RUN_BYTES_MAX (256 * 1024) /* what one full server leaves unknown is to be little */
/* Values "far below the item limit" (1 MiB by default, and hardly ever set below 64 KiB). */
#define QUIET_VALUE_MAX 4096
/* mn came with meta in 1.6.0; ms as it is written here with 1.6.10 (protocol.md section 2). */
#define QUIET_VERSION_MIN 10610

struct table_entry {
    struct emc__operation *reader; /* the line's get of this key; NULL: another operation on it comes first */
    uint32_t epoch;
    uint32_t hash;
};

struct emc__key_table {
    uint32_t epoch;
    struct table_entry entries[TABLE_SIZE];
};

struct emc__key_table *emc__key_table_create(const emc_allocator *allocator)
{
    return emc__allocate_zeroed(allocator, 1, sizeof(struct emc__key_table));
}

void emc__key_table_destroy(const emc_allocator *allocator, struct emc__key_table *table)
{
    emc__release(allocator, table);
}

static void table_clear(struct emc__key_table *table)
{
    if (++table->epoch == 0) {
        memset(table->entries, 0, sizeof table->entries);
        table->epoch = 1;
    }
}

/* The entry of that hash; one with an older epoch is free. */
static struct table_entry *table_find(struct emc__key_table *table, uint64_t hash)
{
    uint32_t short_hash = (uint32_t)hash;
    uint32_t i = short_hash % TABLE_SIZE;
    while (table->entries[i].epoch == table->epoch && table->entries[i].hash != short_hash) {
        i = (i + 1) % TABLE_SIZE;
    }
    return &table->entries[i];
}

static void table_put(const struct emc__key_table *table, struct table_entry *entry, uint64_t hash,
                      struct emc__operation *reader)
{
    *entry = (struct table_entry){reader, table->epoch, (uint32_t)hash};
}

/* What is being written. */
struct fill {
    struct emc__connection *connection;
    struct emc__engine *engine;
    uint8_t *out;
    size_t capacity, length;
    size_t last;    /* where the last request begins */
    uint32_t plain; /* writes at the head of pending that are known to be too few for a quiet run */
    struct {
        struct emc__operation *entry; /* its last one; NULL: the last request is no retrieval line that could go on */
        uint32_t keys;
        size_t end; /* where it must end */
    } line;
};

static size_t room(const struct fill *fill)
{
    return fill->capacity - fill->length;
}

static void put(struct fill *fill, const void *bytes, size_t length)
{
    memcpy(fill->out + fill->length, bytes, length);
    fill->length += length;
}

static void mark_sent(const struct fill *fill, struct emc__operation *operation)
{
    emc__outgoing_sent(fill->connection, operation);
}

/* ------------------------------------------------------------------ retrieval lines */

/* Whether it may stand in the line of `first`, which is a retrieval. */
static bool same_line(const struct emc__operation *operation, const struct emc__operation *first)
{
    return operation->kind == EMC__OPERATION_RETRIEVAL && operation->verb == first->verb &&
           operation->exptime == first->exptime && !operation->alone;
}

/* Operations that concern one key and so may be overtaken by gets of other keys. */
static bool has_one_key(const struct emc__operation *operation)
{
    return operation->kind == EMC__OPERATION_RETRIEVAL || operation->kind == EMC__OPERATION_STORAGE ||
           operation->kind == EMC__OPERATION_KEYED ||
           (operation->kind == EMC__OPERATION_META && operation->key_length > 0);
}

static size_t line_length_max(const struct emc__operation *first)
{
    bool unbounded = first->verb == EMC__VERB_GET || first->verb == EMC__VERB_GETS;
    return unbounded ? EMC__SCRATCH_SIZE : EMC__LINE_LENGTH_MAX;
}

EMC__HOT static void begin_line(struct fill *fill, const struct emc__operation *first)
{
    size_t end = fill->length + line_length_max(first);
    fill->line.entry = NULL;
    fill->line.keys = 0;
    fill->line.end = end < fill->capacity ? end : fill->capacity;
    fill->last = fill->length;
    fill->length += emc__write_retrieval_begin(fill->out + fill->length, first->verb, first->exptime);
}

static void end_line(struct fill *fill, struct emc__operation *entry)
{
    put(fill, "\r\n", 2);
    fill->line.entry = entry;
    emc__pipeline_push(fill->connection, entry);
}

EMC__HOT static void join_line(struct fill *fill, struct emc__operation *line, struct emc__operation *operation)
{
    emc__outgoing_join(fill->connection, operation, line);
    fill->line.keys++;
    fill->length += emc__write_retrieval_key(fill->out + fill->length, emc__operation_key(operation));
}

/* Shares the leader's answer: the follower leaves the queues and hangs on the leader, which points to the last of a ring of followers. */
static void follow(const struct fill *fill, struct emc__operation *leader, struct emc__operation *operation)
{
    struct emc__operation *last = leader->of.follower;
    mark_sent(fill, operation);
    operation->of.follower = last != NULL ? last->of.follower : operation;
    if (last != NULL) {
        last->of.follower = operation;
    }
    leader->of.follower = operation;
}

/* Tries to take one operation into the line. False: the line is full. */
static bool consider(struct fill *fill, struct emc__operation *line, struct emc__operation *operation,
                     const struct emc__operation *first)
{
    struct emc__key_table *table = fill->engine->key_table;
    struct table_entry *entry = table_find(table, operation->hash);
    bool known = entry->epoch == table->epoch;
    if (!same_line(operation, first)) {
        table_put(table, entry, operation->hash, NULL);
        return true;
    }
    if (!known) {
        if (fill->length + operation->key_length + 3 > fill->line.end) {
            return false;
        }
        table_put(table, entry, operation->hash, operation);
        join_line(fill, line, operation);
    } else if (entry->reader != NULL &&
               emc__slice_equal(emc__operation_key(entry->reader), emc__operation_key(operation))) {
        follow(fill, entry->reader, operation);
    } else {
        table_put(table, entry, operation->hash, NULL);
    }
    return true;
}

EMC__APART EMC__HOT static void gather_several(struct fill *fill, struct emc__operation *line,
                                               struct emc__operation *first)
{
    struct emc__list *pending = &fill->connection->pending;
    struct emc__link *link = &first->link;
    uint32_t most = fill->engine->options.keys_per_line_max;
    table_clear(fill->engine->key_table);
    for (uint32_t scanned = 0; link != NULL && scanned < LINE_SCAN_MAX && fill->line.keys < most; scanned++) {
        struct emc__operation *operation = EMC__OPERATION_OF(link);
        link = emc__list_next(pending, link);
        if (!has_one_key(operation) || !consider(fill, line, operation, first)) {
            return;
        }
    }
}

static inline void gather_line(struct fill *fill, struct emc__operation *line, struct emc__operation *first)
{
    if (first->alone || emc__list_next(&fill->connection->pending, &first->link) == NULL) {
        join_line(fill, line, first);
    } else {
        gather_several(fill, line, first);
    }
}

static bool emit_line(struct fill *fill, struct emc__operation *first)
{
    if (room(fill) < EMC__LINE_LENGTH_MAX) {
        return false;
    }
    struct emc__operation *line = emc__operation_take(fill->engine, EMC__OPERATION_LINE, first->verb);
    if (line == NULL) {
        return false;
    }
    line->internal = line->completed = true;
    line->exptime = first->exptime;
    line->alone = first->alone;
    emc__list_init(&line->of.members);
    begin_line(fill, first);
    gather_line(fill, line, first);
    end_line(fill, line);
    return true;
}

/* ------------------------------------------------------------------ bulk lines */

/* Whether the line takes one key more: it is not full, and has not got that key. */
static bool takes_record(const struct fill *fill, const struct emc__bulk_record *record)
{
    struct emc__key_table *table = fill->engine->key_table;
    return fill->line.keys < fill->engine->options.keys_per_line_max &&
           fill->length + record->length + 3 <= fill->line.end && (!record->alone || fill->line.keys == 0) &&
           table_find(table, record->hash)->epoch != table->epoch;
}

/* Writes keys from the part until the line is full, a key repeats, or the part ends. Returns how many. */
static uint32_t write_bulk_keys(struct fill *fill, const struct emc__operation *part, uint32_t *next_out)
{
    struct emc__key_table *table = fill->engine->key_table;
    const struct emc__bulk *bulk = part->of.bulk;
    uint32_t index = part->in.records.first, count = 0;
    bool alone = false;
    while (count < part->in.records.count && !alone && takes_record(fill, &bulk->records[index])) {
        const struct emc__bulk_record *record = &bulk->records[index];
        table_put(table, table_find(table, record->hash), record->hash, NULL);
        fill->length += emc__write_retrieval_key(fill->out + fill->length, emc__bulk_key(bulk, index));
        fill->line.keys++;
        alone = record->alone;
        index = record->next;
        count++;
    }
    *next_out = index;
    return count;
}

/* Bulk calls of one tick share lines: the line that was written last goes on with the part's keys, as an entry of its own. The table has the line's keys and no
 * others: what else it had would stand before the part. */
static bool reopen_line(struct fill *fill, const struct emc__operation *part)
{
    struct emc__operation *last = fill->line.entry;
    const struct emc__bulk_record *first = &part->of.bulk->records[part->in.records.first];
    if (last == NULL || last->alone || last->verb != part->verb || last->exptime != part->exptime) {
        return false;
    }
    fill->length -= 2; /* its end */
    if (!takes_record(fill, first)) {
        fill->length += 2;
        return false;
    }
    last->goes_on = true;
    return true;
}

EMC__APART EMC__HOT static bool emit_bulk_line(struct fill *fill, struct emc__operation *part)
{
    if (part->of.bulk->operation == NULL) {
        emc__outgoing_part_dropped(fill->connection, part);
        return true;
    }
    if (room(fill) < EMC__LINE_LENGTH_MAX) {
        return false;
    }
    struct emc__operation *line = emc__bulk_branch(fill->engine, part->of.bulk, part, EMC__OPERATION_BULK_LINE);
    if (line == NULL) {
        return false;
    }
    if (!reopen_line(fill, part)) {
        begin_line(fill, part);
        table_clear(fill->engine->key_table);
    }
    line->alone = part->of.bulk->records[part->in.records.first].alone;
    line->in.records.first = part->in.records.first;
    line->in.records.count = write_bulk_keys(fill, part, &part->in.records.first);
    end_line(fill, line);
    part->in.records.count -= line->in.records.count;
    fill->connection->pending_load -= line->in.records.count;
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
        return emc__write_storage_line(out, verb, key, operation->flags, operation->exptime, operation->value_length,
                                       operation->number, operation->noreply);
    case EMC__OPERATION_KEYED:
        return emc__write_key_command(out, verb, key, operation->exptime, operation->number, operation->noreply);
    case EMC__OPERATION_META: {
        struct emc__meta_request request = {
            operation->in.meta.command, key,
            emc__slice_of(operation->block + operation->key_length, operation->in.meta.flags_length),
            operation->value_length};
        return emc__write_meta(out, &request);
    }
    default:
        return emc__write_plain(out, verb, (int64_t)operation->number, emc__operation_argument(operation),
                                operation->noreply);
    }
}

static bool has_value(const struct emc__operation *operation)
{
    return operation->kind == EMC__OPERATION_STORAGE ||
           (operation->kind == EMC__OPERATION_META && operation->in.meta.command == 's');
}

static bool is_dump(const struct emc__operation *operation)
{
    return operation->kind == EMC__OPERATION_STREAM && operation->verb == EMC__VERB_RAW_LINE;
}

/* Measured: lru_crawler's dumps are refused while other commands of the connection are unanswered. */
static bool must_be_first(const struct fill *fill, const struct emc__operation *operation)
{
    return is_dump(operation) && (fill->length > 0 || !emc__list_empty(&fill->connection->pipeline));
}

EMC__APART EMC__HOT static bool emit_single(struct fill *fill, struct emc__operation *operation)
{
    size_t inline_length = operation->borrowed ? 0 : operation->value_length;
    if (room(fill) < EMC__LINE_LENGTH_MAX + inline_length + 8) {
        return false;
    }
    mark_sent(fill, operation);
    fill->last = fill->length;
    fill->length += write_head(fill->out + fill->length, operation);
    if (operation->borrowed) {
        fill->connection->borrowed = operation;
        fill->connection->borrowed_sent = 0;
    } else if (has_value(operation)) {
        put(fill, operation->value, operation->value_length);
        put(fill, "\r\n", 2);
    }
    emc__pipeline_push(fill->connection, operation);
    emc__outgoing_note_quit(fill->connection, operation);
    if (operation->noreply) {
        fill->connection->fence_owed = true;
        emc__operation_settle(fill->engine, operation, EMC_OK);
    }
    return true;
}

/* Behind a dump nothing is written. */
static bool emit_stream(struct fill *fill, struct emc__operation *operation)
{
    struct emc__connection *connection = fill->connection;
    if (must_be_first(fill, operation) || !emit_single(fill, operation)) {
        return false;
    }
    if (is_dump(operation)) {
        connection->dumps_since_ns = fill->engine->now_ns;
        return false;
    }
    return true;
}

/* A quiet meta command and the `mn` that makes its silence exact. The fence is taken first: without it silence would last for ever. */
static bool emit_quiet_meta(struct fill *fill, struct emc__operation *operation)
{
    struct emc__operation *fence = emc__operation_take(fill->engine, EMC__OPERATION_PROBE, EMC__VERB_META_NOOP);
    if (fence == NULL) {
        return false;
    }
    fence->internal = fence->completed = true;
    if (!emit_single(fill, operation)) {
        emc__operation_discard(fill->engine, fence);
        return false;
    }
    fill->last = fill->length;
    fill->length += emc__write_plain(fill->out + fill->length, EMC__VERB_META_NOOP, -1, (struct emc__slice){0}, false);
    emc__pipeline_push(fill->connection, fence);
    return true;
}

EMC__APART static bool emit_meta(struct fill *fill, struct emc__operation *operation)
{
    if (fill->connection->server_version < operation->number) {
        emc__outgoing_refuse(operation, (uint32_t)operation->number);
        return true;
    }
    return operation->quiet ? emit_quiet_meta(fill, operation) : emit_single(fill, operation);
}

/* ------------------------------------------------------------------ quiet runs */

/* May this outcome be told by silence? Only where success has one form and failure a labelled one. */
static bool may_be_quiet(const struct emc__operation *operation)
{
    bool verb = operation->verb == EMC__VERB_SET ||
                operation->verb == EMC__VERB_DELETE; /* a meta command has neither */
    return verb && !operation->noreply && !operation->borrowed && !operation->alone &&
           operation->value_length <= QUIET_VALUE_MAX;
}

/* How many writes at the head of pending may go quietly; QUIET_RUN_MIN: at least so many. */
static uint32_t quiet_run_length(const struct emc__connection *connection)
{
    if (!connection->engine->options.quiet_writes || connection->server_version < QUIET_VERSION_MIN) {
        return 0;
    }
    uint32_t count = 0;
    struct emc__link *link = emc__list_first(&connection->pending);
    while (link != NULL && count < QUIET_RUN_MIN && may_be_quiet(EMC__OPERATION_OF(link))) {
        count++;
        link = emc__list_next(&connection->pending, link);
    }
    return count;
}

static void write_quiet(struct fill *fill, const struct emc__operation *operation, uint32_t label)
{
    uint8_t *out = fill->out + fill->length;
    struct emc__slice key = emc__operation_key(operation);
    if (operation->verb == EMC__VERB_DELETE) {
        fill->length += emc__write_quiet_delete(out, key, label);
        return;
    }
    fill->length += emc__write_quiet_set_line(out, key, operation->flags, operation->exptime, operation->value_length,
                                              label);
    put(fill, operation->value, operation->value_length);
    put(fill, "\r\n", 2);
}

/* Writes quietly what may be, and the fence. Where the buffer ends first, the run stays open, and the next fill goes on with it. */
EMC__HOT static void fill_run(struct fill *fill, struct emc__operation *run)
{
    struct emc__connection *connection = fill->connection;
    struct emc__link *link;
    connection->open_run = run;
    while (run->in.run_length < QUIET_RUN_MAX && run->number < QUIET_RUN_BYTES_MAX && !run->meta_quiet_error &&
           (link = emc__list_first(&connection->pending)) != NULL && may_be_quiet(EMC__OPERATION_OF(link))) {
        struct emc__operation *operation = EMC__OPERATION_OF(link);
        if (room(fill) < EMC__LINE_LENGTH_MAX + operation->value_length) {
            return;
        }
        emc__outgoing_join(connection, operation, run);
        operation->in.run_length = run->in.run_length++; /* its label within the run */
        fill->last = fill->length;
        write_quiet(fill, operation, operation->in.run_length);
        run->number += fill->length - fill->last;
    }
    connection->open_run = NULL;
    fill->last = fill->length;
    fill->length += emc__write_plain(fill->out + fill->length, EMC__VERB_META_NOOP, -1, (struct emc__slice){0}, false);
}

EMC__APART static bool emit_quiet_run(struct fill *fill)
{
    if (room(fill) < 2 * EMC__LINE_LENGTH_MAX + QUIET_VALUE_MAX) {
        return false;
    }
    struct emc__operation *run = emc__operation_take(fill->engine, EMC__OPERATION_QUIET_RUN, EMC__VERB_META_NOOP);
    if (run == NULL) {
        return false;
    }
    run->internal = run->completed = true;
    emc__list_init(&run->of.members);
    emc__pipeline_push(fill->connection, run);
    fill_run(fill, run);
    return fill->connection->open_run == NULL;
}

/* Whether enough writes at the head of pending may go quietly. */
static bool quiet_run_ahead(struct fill *fill)
{
    struct emc__connection *connection = fill->connection;
    if (*connection->quiet_pause > 0) {
        --*connection->quiet_pause;
        return false;
    }
    if (fill->plain > 0) {
        fill->plain--;
        return false;
    }
    uint32_t count = quiet_run_length(connection);
    if (count >= QUIET_RUN_MIN) {
        return true;
    }
    fill->plain = count > 0 ? count - 1 : 0;
    return false;
}

static bool emit_write(struct fill *fill, struct emc__operation *operation)
{
    return may_be_quiet(operation) && quiet_run_ahead(fill) ? emit_quiet_run(fill) : emit_single(fill, operation);
}

/* ------------------------------------------------------------------ all of them */

static bool emit_next(struct fill *fill, struct emc__operation *operation)
{
    if (operation->kind != EMC__OPERATION_BULK_PART) {
        fill->line.entry = NULL; /* only bulk calls join a line that stands */
    }
    switch ((enum emc__operation_kind)operation->kind) {
    case EMC__OPERATION_RETRIEVAL:
        return emit_line(fill, operation);
    case EMC__OPERATION_BULK_PART:
        return emit_bulk_line(fill, operation);
    case EMC__OPERATION_STORAGE:
    case EMC__OPERATION_KEYED:
        return emit_write(fill, operation);
    case EMC__OPERATION_META:
        return emit_meta(fill, operation);
    case EMC__OPERATION_STREAM:
        return emit_stream(fill, operation);
    default:
        return emit_single(fill, operation);
    }
}

/* After noreply operations a `version` of our own: its answer proves that they were taken, and bounds what a stalled server lets pile up. */
EMC__APART static void emit_fence(struct fill *fill)
{
    struct emc__connection *connection = fill->connection;
    if (room(fill) < 64) {
        return;
    }
    struct emc__operation *probe = emc__operation_take(fill->engine, EMC__OPERATION_PROBE, EMC__VERB_VERSION);
    if (probe == NULL) {
        return;
    }
    probe->internal = probe->completed = true;
    fill->last = fill->length;
    fill->length += emc__write_plain(fill->out + fill->length, EMC__VERB_VERSION, -1, (struct emc__slice){0}, false);
    emc__pipeline_push(connection, probe);
}

size_t emc__coalesce_fill(struct emc__connection *connection, uint8_t *out, size_t capacity)
{
    struct fill fill = {.connection = connection, .engine = connection->engine, .out = out, .capacity = capacity};
    if (connection->dumps_since_ns != 0) {
        connection->last_request = 0;
        return 0;
    }
    if (connection->open_run != NULL) {
        fill_run(&fill, connection->open_run);
    }
    while (connection->borrowed == NULL && !connection->quitting && connection->open_run == NULL &&
           !emc__list_empty(&connection->pending)) {
        if (!emit_next(&fill, EMC__OPERATION_OF(emc__list_first(&connection->pending)))) {
            break;
        }
    }
    struct emc__link *next = emc__list_first(&connection->pending);
    /* What waits for an empty pipeline waits for the noreply operations in it, too. */
    if (connection->fence_owed && connection->borrowed == NULL && !connection->quitting &&
        (next == NULL || must_be_first(&fill, EMC__OPERATION_OF(next)))) {
        emit_fence(&fill);
    }
    connection->last_request = fill.length - fill.last;
    return fill.length;
}
