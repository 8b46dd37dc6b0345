/* A connection's bytes out: what its dialect produced, and values sent straight from the caller's memory. See sending.h.
 *
 * Requests pass through the engine's scratch; what the socket does not take is kept in unsent. */
#include "node/sending.h"

#include "base/rare.h"
#include "node/dialect.h"

/* Measured (docs/decisions/0007): an eighth bounds the lines in flight to some eight, costs an operation 2 % of its round trip, and saves half of the system
 * calls and more. */
#define GATHERED_SHARE 8
/* memcached takes writes one by one, as they come: the first of many leave early, and it is at work while the others are written. (A line of keys it takes
 * only when it is whole.) Measured: 1,000 sets of 100 bytes end 2 to 3 % sooner; at a few hundred the second send costs what it gains. */
#define MANY_WRITES   512
#define FIRST_OF_MANY (16 * 1024)
/* Before a flush that lacked memory is tried again. */
#define SHORTAGE_PAUSE_NS 10000000u

static struct emc__transport *transport_of(const struct emc__connection *connection)
{
    return connection->engine->transport;
}

/* The socket takes no more for now. */
EMC__RARE static bool blocked(struct emc__connection *connection)
{
    if (connection->blocked_since_ns == 0) {
        connection->blocked_since_ns = connection->engine->now_ns;
        connection->listener->blocked(connection->context, connection);
    }
    transport_of(connection)->class_->want(connection->socket, true, true);
    return false;
}

/* Bytes are lost for want of memory. A flush never calls back: the next process closes. */
EMC__RARE static void lose_bytes(struct emc__connection *connection)
{
    connection->send_broken = true;
    emc__timer_set(&connection->engine->wheel, &connection->shortage, 0);
}

/* Sends some; false when the socket takes no more, or is broken.
 *
 * Over TLS the last request goes in a record of its own. memcached (1.6.18, measured) waits for its socket although a part of the record it has read
 * is still in OpenSSL's hands: what ends in the middle of a record after a value, or behind a full buffer, it reads only when more comes. A record that
 * begins with a request and ends with it leaves nothing behind. */
EMC__HOT static bool send_some(struct emc__connection *connection, struct emc__slice bytes, size_t *sent_out)
{
    struct emc__slice parts[2] = {bytes};
    size_t count = 1, last = connection->last_request;
    if (connection->records && last > 0 && last < bytes.length) {
        parts[0].length -= last;
        parts[count++] = emc__slice_of(bytes.data + parts[0].length, last);
    }
    enum emc__io io = transport_of(connection)->class_->send(connection->socket, parts, count, sent_out);
    if (io == EMC__IO_OK) {
        return true;
    }
    if (io == EMC__IO_WOULD_BLOCK) {
        return blocked(connection);
    }
    /* Flush never calls back: the next pass receives the error, or the end, and closes there. */
    connection->send_broken = true;
    transport_of(connection)->class_->want(connection->socket, true, true);
    return false;
}

void emc__sending_let_go(struct emc__connection *connection)
{
    struct emc__operation *operation = connection->borrowed;
    connection->borrowed = NULL;
    if (operation != NULL && operation->completed && !emc__link_linked(&operation->link)) {
        operation->place = EMC__PLACE_NONE;
        operation->connection = NULL;
        emc__timer_set(&connection->engine->wheel, &operation->timer, 0);
    }
}

/* Sends a borrowed value from the caller's memory. */
EMC__APART static bool send_borrowed(struct emc__connection *connection)
{
    const struct emc__operation *operation = connection->borrowed;
    connection->last_request = 0; /* its line has gone, and a value has no parts */
    while (connection->borrowed_sent < operation->value_length) {
        size_t sent;
        struct emc__slice left = {operation->value + connection->borrowed_sent,
                                  operation->value_length - connection->borrowed_sent};
        if (!send_some(connection, left, &sent)) {
            return false;
        }
        connection->borrowed_sent += sent;
    }
    emc__sending_let_go(connection);
    struct emc__slice end = connection->dialect->value_end;
    if (!emc__buffer_append(&connection->unsent, end.data, end.length)) {
        lose_bytes(connection);
    }
    return !connection->send_broken;
}

/* Produced bytes, then a borrowed value and its line end. */
EMC__APART static bool send_what_is_left(struct emc__connection *connection)
{
    for (;;) {
        while (emc__buffer_length(&connection->unsent) > 0) {
            size_t sent;
            if (!send_some(connection, emc__buffer_slice(&connection->unsent), &sent)) {
                return false;
            }
            emc__buffer_consume(&connection->unsent, sent);
        }
        if (connection->borrowed == NULL) {
            return true;
        }
        if (!send_borrowed(connection)) {
            return false;
        }
    }
}

/* Sends what is left over from before. */
static inline bool send_leftover(struct emc__connection *connection)
{
    bool nothing = connection->borrowed == NULL && emc__buffer_length(&connection->unsent) == 0;
    return nothing || send_what_is_left(connection);
}

/* A flush ended early for want of memory, and no reply will bring the next one about. */
EMC__APART static bool starved(struct emc__connection *connection)
{
    bool idle = connection->borrowed == NULL && !connection->send_broken &&
                emc__buffer_length(&connection->unsent) == 0;
    bool waits = !emc__list_empty(&connection->pending) && emc__list_empty(&connection->pipeline);
    return connection->state != EMC__CONNECTION_CLOSED && idle && (waits || connection->fence_owed);
}

/* Several flushes are unanswered: what waits is gathered until it is a fair share of what is in flight, so that lines grow with the load. No timer: the
 * answer to one of those flushes brings the next one about (where a fence is owed, none may come). */
static bool gathers(const struct emc__connection *connection)
{
    return connection->pending_load > 0 && connection->pending_load < connection->load / GATHERED_SHARE &&
           connection->flushes_in_flight >= connection->engine->options.gather_after_flushes &&
           connection->open_run == NULL && !connection->fence_owed;
}

/* The last entry so far ends what this flush wrote. */
static void mark_end(struct emc__connection *connection)
{
    struct emc__link *last = emc__list_last(&connection->pipeline);
    if (last != NULL && !EMC__OPERATION_OF(last)->ends_flush) {
        EMC__OPERATION_OF(last)->ends_flush = true;
        connection->flushes_in_flight++;
    }
}

/* Everything there was to write is sent: the dialect has nothing more to say. */
static bool written_whole(const struct emc__connection *connection)
{
    return emc__list_empty(&connection->pending) && connection->borrowed == NULL && !connection->fence_owed;
}

/* How much of the scratch the next fill may take. */
static size_t next_length(const struct emc__connection *connection)
{
    struct emc__link *first = emc__list_first(&connection->pending);
    if (first == NULL || connection->pending_load < MANY_WRITES || !emc__list_empty(&connection->pipeline)) {
        return EMC__SCRATCH_SIZE;
    }
    const struct emc__operation *next = EMC__OPERATION_OF(first);
    bool small_write = next->kind == EMC__OPERATION_STORAGE && next->value_length <= FIRST_OF_MANY / 4;
    return small_write ? FIRST_OF_MANY : EMC__SCRATCH_SIZE;
}

void emc__connection_flush(struct emc__connection *connection)
{
    emc__link_remove(&connection->dirty);
    struct emc__engine *engine = connection->engine;
    bool whole = false;
    while (!whole && connection->state != EMC__CONNECTION_CLOSED && !connection->send_broken &&
           send_leftover(connection) && !gathers(connection)) {
        size_t length = connection->dialect->fill(connection, engine->send_scratch, next_length(connection));
        if (length == 0 && connection->borrowed == NULL) {
            break;
        }
        size_t sent = 0;
        if (length > 0 && !send_some(connection, emc__slice_of(engine->send_scratch, length), &sent)) {
            sent = 0;
        }
        whole = sent == length && written_whole(connection);
        if (sent < length && !emc__buffer_append(&connection->unsent, engine->send_scratch + sent, length - sent)) {
            lose_bytes(connection);
        }
    }
    mark_end(connection);
    if (connection->dumps_since_ns != 0 && !emc__list_empty(&connection->pending) && !connection->send_broken) {
        connection->listener->blocked(connection->context, connection);
    }
    if (!whole && starved(connection)) {
        emc__timer_set(&engine->wheel, &connection->shortage, engine->now_ns + SHORTAGE_PAUSE_NS);
    }
}

void emc__sending_writable(void *context, uint64_t now_ns)
{
    struct emc__connection *connection = context;
    connection->engine->now_ns = now_ns;
    connection->blocked_since_ns = 0;
    if (connection->stuck) {
        connection->stuck = false;
        emc__timer_clear(&connection->engine->wheel, &connection->silence);
    }
    if (connection->send_broken) {
        emc__connection_close(
            connection, EMC_ERROR_CONNECTION_LOST,
            transport_of(connection)->class_->error_text(connection->engine->transport, connection->socket));
        return;
    }
    transport_of(connection)->class_->want(connection->socket, true, false);
    emc__connection_mark_dirty(connection);
}

void emc__connection_detach_value(struct emc__connection *connection, struct emc__operation *operation)
{
    operation->borrowed = false;
    if (operation->released != NULL) {
        operation->released = NULL;
        operation->engine->releases--;
    }
    if (connection == NULL || connection->borrowed != operation) {
        return;
    }
    size_t left = operation->value_length - connection->borrowed_sent;
    struct emc__slice end = connection->dialect->value_end;
    bool copied = emc__buffer_append(&connection->unsent, operation->value + connection->borrowed_sent, left) &&
                  emc__buffer_append(&connection->unsent, end.data, end.length);
    emc__sending_let_go(connection);
    if (!copied) {
        emc__connection_close(connection, EMC_ERROR_CONNECTION_LOST,
                              "a value could not be sent within its operation's deadline");
    }
}
