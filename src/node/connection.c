/* One connection: handshake, queues, bytes in, its end. (Bytes out: sending.c.) Decides nothing about pools or health: its listener hears and decides.
 *
 * Memory of its own it has only for what is incomplete (rest, unsent); whole replies and requests pass through the engine's scratches. */
#include "node/connection.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/rare.h"
#include "node/dialect.h"
#include "node/node.h"
#include "node/pipeline.h"
#include "node/sending.h"

/* Longest stay in one readable upcall, in receives: other connections want their turn. */
#define RECEIVES_MAX 32
/* Silence after an operation's deadline that closes a connection. */
#define SILENCE_MARGIN_NS 1000000000u
/* Entries of a pipeline that are looked at for a bulk that timed out: what stands behind so many has others before it that time out. */
#define LOOKED_AT_MAX 256
/* What is kept over a quiet while, and how much is given back at once: no pass may take long. */
#define BLOCKS_KEPT       ((size_t)1024 * 1024)
#define BLOCKS_GIVEN_BACK ((size_t)1024 * 1024)
/* What waits incomplete: a reply line, and a value up to the in-place limit. */
#define REST_MAX (64 * 1024)

static void readable(void *context, uint64_t now_ns);
static void arrived(void *context, struct emc__slice bytes, uint64_t now_ns);

static void failed(void *context, emc_status status, const char *message, uint64_t now_ns)
{
    struct emc__connection *connection = context;
    connection->engine->now_ns = now_ns;
    emc__connection_close(connection, status, message);
}

static void connected(void *context, uint64_t now_ns)
{
    (void)context;
    (void)now_ns;
}

static const struct emc__socket_listener socket_listener = {
    .connected = connected,
    .readable = readable,
    .writable = emc__sending_writable,
    .failed = failed,
    .arrived = arrived,
};

static struct emc__transport *transport_of(const struct emc__connection *connection)
{
    return connection->engine->transport;
}

const emc_address *emc__connection_address(const struct emc__connection *connection)
{
    return emc__node_address(connection->node);
}

/* ------------------------------------------------------------------ timers */

/* Nothing has come for a while: of what a peak has left to be used again, some is enough, if nobody waits. */
static void give_back(struct emc__engine *engine)
{
    if (engine->pending == 0) {
        emc__blocks_trim(&engine->blocks, BLOCKS_KEPT, BLOCKS_GIVEN_BACK);
    }
}

static void keepalive_due(struct emc__timer *timer, uint64_t now_ns)
{
    struct emc__connection *connection = EMC__CONTAINER_OF(timer, struct emc__connection, keepalive);
    uint64_t pause_ns = emc__ms_to_ns(connection->engine->options.keepalive_ms);
    connection->engine->now_ns = now_ns;
    if (now_ns - connection->last_heard_ns >= pause_ns) {
        emc__connection_probe(connection);
        emc__timer_set(&connection->engine->wheel, timer, now_ns + pause_ns);
        give_back(connection->engine);
    } else {
        emc__timer_set(&connection->engine->wheel, timer, connection->last_heard_ns + pause_ns);
    }
}

static void silence_due(struct emc__timer *timer, uint64_t now_ns)
{
    struct emc__connection *connection = EMC__CONTAINER_OF(timer, struct emc__connection, silence);
    connection->engine->now_ns = now_ns;
    emc__connection_close(connection, EMC_ERROR_CONNECTION_LOST,
                          "the connection stayed silent past its operations' deadlines");
}

/* Memory was short in a flush: where bytes were lost the stream can't go on, else what could not be written is tried again. */
static void shortage_due(struct emc__timer *timer, uint64_t now_ns)
{
    struct emc__connection *connection = EMC__CONTAINER_OF(timer, struct emc__connection, shortage);
    connection->engine->now_ns = now_ns;
    if (connection->send_broken) {
        emc__connection_close(connection, EMC_ERROR_MEMORY, "no memory for a request's bytes");
    } else {
        emc__connection_mark_dirty(connection);
    }
}

/* ------------------------------------------------------------------ opening */

static void become_ready(struct emc__connection *connection)
{
    connection->state = EMC__CONNECTION_READY;
    connection->last_used_ns = connection->engine->now_ns;
    uint64_t pause_ns = emc__ms_to_ns(connection->engine->options.keepalive_ms);
    if (connection->engine->options.ask_version) {
        emc__timer_set_maybe(connection->engine, &connection->keepalive,
                             emc__time_add(connection->engine->now_ns, pause_ns));
    }
    connection->listener->ready(connection->context, connection);
}

static void send_probe(struct emc__connection *connection)
{
    struct emc__operation *probe = emc__operation_take(connection->engine, EMC__OPERATION_PROBE, EMC__VERB_VERSION);
    uint8_t bytes[64];
    if (probe == NULL) {
        return;
    }
    probe->internal = probe->completed = true;
    size_t length = connection->dialect->write_probe(connection, probe, bytes);
    if (!emc__buffer_append(&connection->unsent, bytes, length)) {
        emc__operation_discard(connection->engine, probe);
        return;
    }
    connection->last_request = length;
    emc__pipeline_push(connection, probe);
    emc__connection_mark_dirty(connection);
}

/* Without memory for the next word of the handshake the attempt is over, in the next process: its deadline may be far. */
static void go_on_or_close(struct emc__connection *connection)
{
    if (emc__buffer_length(&connection->unsent) == 0) {
        connection->send_broken = true;
        emc__timer_set(&connection->engine->wheel, &connection->shortage, 0);
    }
}

static void ask_version(struct emc__connection *connection)
{
    if (!connection->engine->options.ask_version) {
        become_ready(connection);
        return;
    }
    connection->state = EMC__CONNECTION_ASKING;
    send_probe(connection);
    go_on_or_close(connection);
}

static void authenticate(struct emc__connection *connection)
{
    connection->state = EMC__CONNECTION_AUTHENTICATING;
    (void)connection->dialect->write_credentials(connection);
    emc__connection_mark_dirty(connection);
    go_on_or_close(connection);
}

bool emc__connection_authenticated(struct emc__connection *connection)
{
    emc__buffer_wipe(&connection->unsent); /* the credentials were in it */
    ask_version(connection);
    return connection->state != EMC__CONNECTION_CLOSED;
}

struct emc__connection *emc__connection_open(struct emc__engine *engine, struct emc__node *node,
                                             const struct emc__connection_listener *listener, void *context,
                                             struct emc__socket *socket, uint64_t began_ns)
{
    struct emc__connection *connection = emc__allocate_zeroed(&engine->allocator, 1, sizeof *connection);
    if (connection == NULL) {
        engine->transport->class_->abort(socket, true);
        return NULL;
    }
    connection->engine = engine;
    connection->node = node;
    connection->bytes_waiting = emc__node_bytes_waiting(node);
    connection->quiet_pause = emc__node_quiet_pause(node);
    connection->listener = listener;
    connection->context = context;
    connection->socket = socket;
    connection->began_ns = began_ns;
    connection->last_heard_ns = engine->now_ns;
    connection->dialect = engine->options.sasl ? &emc__dialect_binary : &emc__dialect_text;
    connection->dialect->reader_init(connection);
    connection->records = engine->options.tls.enabled && emc__node_address(node)->kind != EMC_ADDRESS_UNIX;
    emc__buffer_init(&connection->rest, &engine->allocator, REST_MAX + engine->options.line_length_max);
    emc__buffer_init(&connection->unsent, &engine->allocator, 2 * EMC__SCRATCH_SIZE);
    emc__list_init(&connection->pending);
    emc__list_init(&connection->pipeline);
    emc__timer_init(&connection->keepalive, keepalive_due);
    emc__timer_init(&connection->silence, silence_due);
    emc__timer_init(&connection->shortage, shortage_due);
    emc__list_append(&engine->connections, &connection->all);
    engine->transport->class_->adopt(socket, &socket_listener, connection);
    engine->transport->class_->want(socket, true, false);
    return connection;
}

void emc__connection_begin(struct emc__connection *connection)
{
    if (connection->engine->options.username != NULL) {
        authenticate(connection);
    } else {
        ask_version(connection);
    }
}

/* "1.6.18" as 10618; 0 when it does not look like that. */
static uint32_t parse_version(struct emc__slice text)
{
    uint32_t parts[3] = {0, 0, 0};
    size_t part = 0;
    for (size_t i = 0; i < text.length && part < 3; i++) {
        uint8_t byte = text.data[i];
        if (byte >= '0' && byte <= '9' && parts[part] < 100) {
            parts[part] = parts[part] * 10 + (uint32_t)(byte - '0');
        } else if (byte == '.') {
            part++;
        } else {
            break;
        }
    }
    return parts[0] == 0 || parts[1] > 99 || parts[2] > 99 ? 0 : parts[0] * 10000 + parts[1] * 100 + parts[2];
}

void emc__connection_version(struct emc__connection *connection, struct emc__slice text)
{
    size_t length = text.length < sizeof connection->version_text ? text.length : sizeof connection->version_text - 1;
    memcpy(connection->version_text, text.data, length);
    connection->version_text[length] = '\0';
    connection->server_version = parse_version(text);
    if (connection->state == EMC__CONNECTION_ASKING) {
        become_ready(connection);
    }
}

/* ------------------------------------------------------------------ queues */

static inline void mark_dirty(struct emc__connection *connection)
{
    if (!emc__link_linked(&connection->dirty) && connection->state != EMC__CONNECTION_CLOSED) {
        emc__list_append(&connection->engine->dirty, &connection->dirty);
    }
}

void emc__connection_mark_dirty(struct emc__connection *connection)
{
    mark_dirty(connection);
}

void emc__connection_enqueue(struct emc__connection *connection, struct emc__operation *operation)
{
    operation->place = EMC__PLACE_PENDING;
    operation->connection = connection;
    connection->load += emc__operation_weight(operation);
    emc__connection_count_pending(connection, operation);
    connection->last_used_ns = connection->engine->now_ns;
    emc__list_append(&connection->pending, &operation->link);
    mark_dirty(connection);
}

void emc__connection_requeue(struct emc__connection *connection, struct emc__operation *operation,
                             struct emc__link *before)
{
    emc__link_remove(&operation->link);
    operation->place = EMC__PLACE_PENDING;
    operation->connection = connection;
    emc__connection_count_pending(connection, operation);
    emc__link_insert_before(&operation->link, before != NULL ? before : &connection->pending.head);
    emc__connection_mark_dirty(connection);
}

void emc__connection_withdraw(struct emc__connection *connection, struct emc__operation *operation)
{
    emc__link_remove(&operation->link);
    operation->place = EMC__PLACE_NONE;
    emc__connection_discount_pending(connection, operation);
    connection->load--;
    connection->listener->slot_left(connection->context, operation->slot);
}

void emc__connection_probe(struct emc__connection *connection)
{
    bool quiet = emc__list_empty(&connection->pipeline) && emc__list_empty(&connection->pending) &&
                 connection->borrowed == NULL; /* a value that was refused early may still be going out */
    if (connection->state == EMC__CONNECTION_READY && quiet) {
        send_probe(connection);
    }
}

/* ------------------------------------------------------------------ bytes in */

static void hear(struct emc__connection *connection)
{
    connection->last_heard_ns = connection->engine->now_ns;
    connection->heard_since_idle = true;
    emc__timer_clear(&connection->engine->wheel, &connection->silence);
    connection->listener->heard(connection->context, connection->engine->now_ns);
}

/* Feeds what was received behind the rest; keeps what is incomplete. False: the connection is closed. */
EMC__HOT static bool feed(struct emc__connection *connection, const uint8_t *data, size_t length)
{
    size_t consumed = 0;
    enum emc__read_result result = connection->dialect->feed(connection, data, length, &consumed);
    if (connection->state == EMC__CONNECTION_CLOSED) {
        return false;
    }
    if (result != EMC__READ_MORE) {
        const char *what = connection->dialect->broken(connection);
        return emc__pipeline_contradiction(connection, what != NULL ? what : "the stream can't be read");
    }
    emc__buffer_consume(&connection->rest, emc__buffer_length(&connection->rest));
    if (consumed < length && !emc__buffer_append(&connection->rest, data + consumed, length - consumed)) {
        emc__connection_close(connection, EMC_ERROR_MEMORY, "no memory for an incomplete reply");
        return false;
    }
    return true;
}

/* What an end means, and, during the handshake, in which words. */
static emc_status end_status(const struct emc__connection *connection, char text[EMC_ERROR_MESSAGE_SIZE])
{
    bool handshake = connection->state == EMC__CONNECTION_ASKING || connection->state == EMC__CONNECTION_AUTHENTICATING;
    /* From TLS 1.3 on a server refuses a client's certificate only after the client's side is done. */
    if (handshake && connection->records && strncmp(text, "TLS:", 4) == 0) {
        return EMC_ERROR_TLS;
    }
    if (connection->state == EMC__CONNECTION_AUTHENTICATING) {
        return EMC_ERROR_AUTHENTICATION;
    }
    if (connection->state == EMC__CONNECTION_ASKING && !connection->records) {
        size_t length = strlen(text);
        snprintf(text + length, EMC_ERROR_MESSAGE_SIZE - length,
                 " before its first answer: does it want TLS, or is it full?");
    }
    return EMC_ERROR_CONNECTION_LOST;
}

static void end_of_stream(struct emc__connection *connection, enum emc__io io)
{
    char text[EMC_ERROR_MESSAGE_SIZE] = "the server closed the connection";
    if (io == EMC__IO_ERROR) {
        snprintf(text, sizeof text, "%s",
                 transport_of(connection)->class_->error_text(connection->engine->transport, connection->socket));
    }
    emc_status status = end_status(connection, text);
    if (connection->quitting && emc__pipeline_quit_answered(connection)) {
        return;
    }
    emc__connection_close(connection, status, text);
}

static const char too_long[] = "a reply whose line and value don't fit into what is kept of one";

/* Receives once. True: there may be more. */
static bool receive(struct emc__connection *connection)
{
    struct emc__engine *engine = connection->engine;
    struct emc__span home = connection->dialect->wanted(connection);
    size_t kept = emc__buffer_length(&connection->rest);
    if (kept > 0) {
        assert(connection->rest.data != NULL);
        memcpy(engine->receive_scratch, emc__buffer_front(&connection->rest), kept);
    }
    if (kept == EMC__SCRATCH_SIZE) {
        return emc__pipeline_contradiction(connection, too_long);
    }
    struct emc__span spans[2] = {home, {engine->receive_scratch + kept, EMC__SCRATCH_SIZE - kept}};
    bool direct = home.data != NULL;
    size_t received = 0;
    enum emc__io io = transport_of(connection)
                          ->class_->recv(connection->socket, direct ? spans : spans + 1, direct ? 2 : 1, &received);
    if (io == EMC__IO_WOULD_BLOCK) {
        return false;
    }
    if (io != EMC__IO_OK) {
        end_of_stream(connection, io);
        return false;
    }
    hear(connection);
    bool filled = received == (direct ? home.length : 0) + spans[1].length;
    size_t to_home = direct ? (received < home.length ? received : home.length) : 0;
    if (direct) {
        connection->dialect->received(connection, to_home);
    }
    bool rest_to_feed = received > to_home || kept > 0 || direct;
    return (!rest_to_feed || feed(connection, engine->receive_scratch, kept + received - to_home)) && filled;
}

static void readable(void *context, uint64_t now_ns)
{
    struct emc__connection *connection = context;
    connection->engine->now_ns = now_ns;
    for (int i = 0; i < RECEIVES_MAX && connection->state != EMC__CONNECTION_CLOSED; i++) {
        if (!receive(connection)) {
            return;
        }
    }
}

/* A long value's bytes go to its home. Returns how many. */
static size_t take_home(struct emc__connection *connection, struct emc__slice bytes)
{
    struct emc__span home = connection->dialect->wanted(connection);
    size_t length = home.data == NULL ? 0 : bytes.length < home.length ? bytes.length : home.length;
    if (length > 0) {
        memcpy(home.data, bytes.data, length);
        connection->dialect->received(connection, length);
    }
    return length;
}

/* Feeds bytes behind the rest, as many as the scratch has room for. False: the connection is closed. */
static bool feed_behind_rest(struct emc__connection *connection, struct emc__slice bytes, size_t *taken_out)
{
    uint8_t *scratch = connection->engine->receive_scratch;
    size_t kept = emc__buffer_length(&connection->rest), room = EMC__SCRATCH_SIZE - kept;
    if (room == 0) {
        return emc__pipeline_contradiction(connection, too_long);
    }
    size_t length = bytes.length < room ? bytes.length : room;
    assert(connection->rest.data != NULL);
    memcpy(scratch, emc__buffer_front(&connection->rest), kept);
    memcpy(scratch + kept, bytes.data, length);
    *taken_out = length;
    return feed(connection, scratch, kept + length);
}

EMC__HOT static void arrived(void *context, struct emc__slice bytes, uint64_t now_ns)
{
    struct emc__connection *connection = context;
    connection->engine->now_ns = now_ns;
    hear(connection);
    size_t taken = take_home(connection, bytes);
    assert(taken == 0 || emc__buffer_length(&connection->rest) == 0); /* a value with a home leaves none */
    bool open;
    do { /* with nothing left, too: a value may be complete without more */
        bytes = emc__slice_of(bytes.data + taken, bytes.length - taken);
        taken = bytes.length;
        open = emc__buffer_length(&connection->rest) == 0 ? feed(connection, bytes.data, bytes.length)
                                                          : feed_behind_rest(connection, bytes, &taken);
    } while (open && taken < bytes.length);
}

/* ------------------------------------------------------------------ the end */

static void release(struct emc__engine *engine, struct emc__grave *grave)
{
    struct emc__connection *connection = EMC__CONTAINER_OF(grave, struct emc__connection, grave);
    emc__buffer_deinit(&connection->rest);
    emc__buffer_deinit(&connection->unsent);
    emc__release(&engine->allocator, connection);
}

/* Gets may be asked again elsewhere when the connection turns out to have been closed while it was idle. */
static bool was_closed_while_idle(const struct emc__connection *connection, enum emc__connection_state state,
                                  emc_status status)
{
    bool established = state == EMC__CONNECTION_READY || state == EMC__CONNECTION_DRAINING;
    return established && status == EMC_ERROR_CONNECTION_LOST && !connection->heard_since_idle &&
           !emc__timer_is_set(&connection->silence);
}

void emc__connection_close(struct emc__connection *connection, emc_status status, const char *message)
{
    if (connection->state == EMC__CONNECTION_CLOSED) {
        return;
    }
    struct emc__engine *engine = connection->engine;
    enum emc__connection_state state = connection->state;
    char words[EMC_ERROR_MESSAGE_SIZE]; /* message may lie in what is about to go */
    size_t length = strnlen(message, sizeof words - 1);
    memcpy(words, message, length);
    words[length] = '\0';
    bool in_flight = !emc__list_empty(&connection->pipeline) || emc__buffer_length(&connection->unsent) > 0;
    bool ask_again = connection->asks_again || was_closed_while_idle(connection, state, status);
    connection->state = EMC__CONNECTION_CLOSED;
    if (state == EMC__CONNECTION_AUTHENTICATING) {
        emc__buffer_wipe(&connection->unsent);
    }
    emc__link_remove(&connection->dirty);
    emc__link_remove(&connection->all);
    emc__timer_clear(&engine->wheel, &connection->keepalive);
    emc__timer_clear(&engine->wheel, &connection->silence);
    emc__timer_clear(&engine->wheel, &connection->shortage);
    engine->transport->class_->abort(connection->socket, in_flight);
    connection->socket = NULL;
    emc__pipeline_forget_incoming(connection);
    emc__sending_let_go(connection);
    emc__engine_bury(engine, &connection->grave, release);
    /* A wrong line may have emptied the pipeline, and so it owes no more without having told. */
    connection->listener->owes(connection->context, connection, false);
    if (engine->last_owing == connection) {
        engine->last_owing = NULL;
    }
    if (ask_again) {
        emc__pipeline_ask_again(connection);
    }
    connection->listener->closed(connection->context, connection, status, words);
    emc__pipeline_fail(connection, status < 0 ? status : EMC_ERROR_CONNECTION_LOST,
                       words); /* what was not answered did not go well */
}

void emc__connection_drain(struct emc__connection *connection)
{
    if (connection->state == EMC__CONNECTION_READY) {
        connection->state = EMC__CONNECTION_DRAINING;
    }
    if (connection->state == EMC__CONNECTION_DRAINING && emc__list_empty(&connection->pipeline) &&
        emc__list_empty(&connection->pending)) {
        emc__connection_close(connection, EMC_OK, "drained");
    }
}

/* Not a byte came since the operation was submitted; and nobody has noticed so far. */
static bool silent_since(const struct emc__connection *connection, const struct emc__operation *operation)
{
    return !emc__timer_is_set(&connection->silence) && connection->last_heard_ns < operation->submitted_ns;
}

static void mind_silence(struct emc__connection *connection)
{
    emc__timer_set(&connection->engine->wheel, &connection->silence, connection->engine->now_ns + SILENCE_MARGIN_NS);
}

void emc__connection_abandoned(struct emc__connection *connection, const struct emc__operation *operation,
                               bool timed_out)
{
    if (connection->incoming.operation == operation &&
        (operation->kind != EMC__OPERATION_RETRIEVAL || operation->of.follower == NULL)) {
        emc__pipeline_forget_incoming(connection);
    }
    if (timed_out && silent_since(connection, operation)) {
        mind_silence(connection);
    }
}

void emc__connection_abandoned_unsent(struct emc__connection *connection, const struct emc__operation *operation)
{
    bool stuck = connection->blocked_since_ns != 0 && connection->blocked_since_ns <= operation->submitted_ns;
    if (stuck && silent_since(connection, operation)) {
        connection->stuck = true;
        mind_silence(connection);
    }
}

/* Whether a line of the bulk's is among the first that are unanswered. */
static bool awaits_bulk(struct emc__connection *connection, const struct emc__bulk *bulk)
{
    struct emc__link *link = emc__list_first(&connection->pipeline);
    for (uint32_t looked_at = 0; link != NULL && looked_at < LOOKED_AT_MAX; looked_at++) {
        const struct emc__operation *entry = EMC__OPERATION_OF(link);
        if (entry->kind == EMC__OPERATION_BULK_LINE && entry->of.bulk == bulk) {
            return true;
        }
        link = emc__list_next(&connection->pipeline, link);
    }
    return false;
}

void emc__connection_abandoned_bulk(struct emc__engine *engine, const struct emc__bulk *bulk, bool timed_out)
{
    const struct emc__operation *operation = bulk->operation; /* unanswered, so it is there */
    for (struct emc__link *link = emc__list_first(&engine->connections); link != NULL;
         link = emc__list_next(&engine->connections, link)) {
        struct emc__connection *connection = EMC__CONTAINER_OF(link, struct emc__connection, all);
        if (connection->incoming.bulk == bulk) {
            emc__pipeline_forget_incoming(connection);
        }
        if (timed_out && silent_since(connection, operation) && awaits_bulk(connection, bulk)) {
            mind_silence(connection);
        }
    }
}
