/* One established connection: its handshake, its bytes in and out, its pipeline of operations. Knows its node through a
 * listener, and one count that they share. */
#ifndef EMC_NODE_CONNECTION_H
#define EMC_NODE_CONNECTION_H

#include "base/buffer.h"
#include "base/rare.h"
#include "node/operation.h"
#include "node/patience.h"
#include "protocol/binary.h"

struct emc__dialect; /* dialect.h */

enum emc__connection_state {
    EMC__CONNECTION_AUTHENTICATING, /* credentials are sent; nothing else may be before the server accepted them (protocol.md section 3) */
    EMC__CONNECTION_ASKING,         /* `version` is asked: proves that the node answers, and tells what it knows */
    EMC__CONNECTION_READY,          /* carries operations */
    EMC__CONNECTION_DRAINING,       /* carries what it has, takes nothing new, then closes */
    EMC__CONNECTION_CLOSED          /* buried; frames above may still hold it until the pass ends */
};

struct emc__connection_listener {
    /* Handshake done. */
    void (*ready)(void *context, struct emc__connection *connection);
    /* Closed, for whatever reason: during the handshake (ready was never told) or later. What was in flight has been failed; what was never written stands in
     * connection->pending for the listener to place anew. The connection is buried after this. */
    void (*closed)(void *context, struct emc__connection *connection, emc_status status, const char *message);
    /* Bytes came. */
    void (*heard)(void *context, uint64_t now_ns);
    /* Its pipeline became empty or not empty. */
    void (*owes)(void *context, struct emc__connection *connection, bool owed);
    /* Its socket refuses bytes, as of now; or operations wait behind a dump. */
    void (*blocked)(void *context, struct emc__connection *connection);
    /* An operation on a slot left the pipeline. */
    void (*slot_left)(void *context, uint8_t slot);
};

/* A value that is being received into a home of its own. */
struct emc__incoming {
    struct emc__operation *operation; /* for whom; NULL: none under way, or dropped */
    struct emc__bulk *bulk;           /* or for a key of a bulk */
    uint32_t index;
    uint8_t *memory;
    bool ours; /* the memory is the engine's, not the caller's */
    size_t length;
    uint64_t flags, cas;
    char meta_flags[512]; /* VA alone; terminated; a key of 250 bytes may stand in it */
};

struct emc__connection {
    struct emc__grave grave; /* first: buried at the end */
    /* What every operation needs lies together, in as few lines of the cache as may be … */
    struct emc__link dirty; /* in engine->dirty while there may be something to write */
    struct emc__engine *engine;
    const struct emc__connection_listener *listener;
    void *context;
    struct emc__socket *socket;
    enum emc__connection_state state;
    uint32_t load;              /* operations (and keys of bulks) pending or in the pipeline */
    uint32_t pending_load;      /* of them, those that are pending */
    uint32_t flushes_in_flight; /* entries of the pipeline that end a flush: see gathers() in sending.c */
    const struct emc__dialect *dialect;
    union {
        struct emc__reader text;
        struct emc__binary_reader binary;
    } reader;                        /* the dialect's */
    struct emc__operation *borrowed; /* its value is sent straight from the caller's memory, after unsent */
    size_t last_request;             /* how many of the bytes produced last are the last request's; see send_some in sending.c */
    struct emc__list pending;        /* operations not yet written */
    struct emc__list pipeline;       /* operations and lines written, in the order of their replies; noreply ones until they are fenced */
    struct emc__operation *open_run; /* the quiet run at the pipeline's end whose fence is still to be written; NULL: there is none */
    uint64_t blocked_since_ns;       /* 0: the socket takes bytes */
    uint64_t dumps_since_ns;         /* a dump of keys is under way: it may take long, so nothing is written behind it; 0: none */
    uint64_t last_used_ns;
    uint64_t last_heard_ns;
    uint64_t owing_since_ns;   /* while counted_owing */
    size_t *bytes_waiting;     /* the node's count, of what is pending here too */
    uint32_t *quiet_pause;     /* the node's: writes still to go with a reply each before quiet runs are used again */
    uint32_t server_version;   /* 1.6.18 as 10618; 0: not known */
    bool counted_owing;        /* its node counts it among those that owe replies */
    bool heard_since_idle;     /* bytes came since the pipeline was last empty */
    bool stuck;                /* the silence timer runs because nothing could be sent */
    bool fence_owed;           /* noreply operations stand at the pipeline's end */
    bool purged;               /* closed for want of use */
    bool records;              /* its socket packs what one call sends into records: TLS */
    bool quitting;             /* `quit` is written: nothing after it is */
    bool asks_again;           /* the gets in flight are asked again elsewhere when it closes */
    bool send_broken;          /* a send failed, or produced bytes were lost: closes in the next pass */
    struct emc__buffer rest;   /* received, not yet a whole reply */
    struct emc__buffer unsent; /* produced, not yet taken by the socket */
    struct emc__node *node;    /* for operations' metrics and addresses */
    /* … and what few need behind it. */
    struct emc__link all; /* in engine->connections */
    size_t borrowed_sent;
    struct emc__incoming incoming;
    struct emc__timer keepalive;
    struct emc__timer silence;  /* an operation's deadline passed; closes when no byte comes for a margin */
    struct emc__timer shortage; /* memory was short in a flush */
    uint64_t began_ns;          /* the attempt that made it */
    struct emc__patience patience;
    uint32_t next_opaque; /* BINARY: of the next request */
    char version_text[EMC_VERSION_TEXT_SIZE];
};

/* Adopts the socket. NULL without memory (the socket is aborted). Follow it with emc__connection_begin. */
struct emc__connection *emc__connection_open(struct emc__engine *engine, struct emc__node *node,
                                             const struct emc__connection_listener *listener, void *context,
                                             struct emc__socket *socket, uint64_t began_ns);
/* Begins the handshake; may tell `ready` at once when nothing is to be asked. */
void emc__connection_begin(struct emc__connection *connection);
/* There may be something to write: it is flushed at the end of the tick. */
EMC__APART void emc__connection_mark_dirty(struct emc__connection *connection);
const emc_address *emc__connection_address(const struct emc__connection *connection);
/* Puts an operation (place NONE) at the end of what waits to be written. */
EMC__HOT void emc__connection_enqueue(struct emc__connection *connection, struct emc__operation *operation);
/* Takes an operation out of pending (completed before it was written). */
void emc__connection_withdraw(struct emc__connection *connection, struct emc__operation *operation);
/* Writes as much as the socket takes; unless it gathers. */
EMC__HOT void emc__connection_flush(struct emc__connection *connection);
/* Asks `version`, unless something is in flight anyway. */
void emc__connection_probe(struct emc__connection *connection);
/* Takes nothing new; closes when everything is answered. */
void emc__connection_drain(struct emc__connection *connection);
/* Ends it: fails what is in flight with the status, tells the listener, is buried. Harmless when closed. */
EMC__RARE void emc__connection_close(struct emc__connection *connection, emc_status status, const char *message);
/* An operation's deadline passed while it waited to be written: where the socket has taken nothing all the while, the connection is closed a margin
 * later. */
void emc__connection_abandoned_unsent(struct emc__connection *connection, const struct emc__operation *operation);
/* The operation's borrowed value is about to go: what of it is not sent is copied, or the connection closed. */
EMC__RARE void emc__connection_detach_value(struct emc__connection *connection, struct emc__operation *operation);
/* An operation in its pipeline has been completed early: stop writing into its memory, and mind the silence. */
void emc__connection_abandoned(struct emc__connection *connection, const struct emc__operation *operation, bool timed_out);
/* The same for a bulk, wherever its values are being received and its lines stand. */
void emc__connection_abandoned_bulk(struct emc__engine *engine, const struct emc__bulk *bulk, bool timed_out);

/* The operation is pending; or no longer. */
static inline void emc__connection_count_pending(struct emc__connection *connection, const struct emc__operation *operation)
{
    *connection->bytes_waiting += emc__operation_bytes(operation);
    connection->pending_load += emc__operation_weight(operation);
}

static inline void emc__connection_discount_pending(struct emc__connection *connection, const struct emc__operation *operation)
{
    *connection->bytes_waiting -= emc__operation_bytes(operation);
    connection->pending_load -= emc__operation_weight(operation);
}

static inline bool emc__connection_open_for_business(const struct emc__connection *connection)
{
    return connection->state == EMC__CONNECTION_READY;
}

/* ------------------------------------------------------------------ pipeline.c: what is in flight */

/* Appends an entry that is being written. */
void emc__pipeline_push(struct emc__connection *connection, struct emc__operation *entry);
/* A key of a bulk is no longer sought on this connection: answered, or on its way elsewhere. */
void emc__pipeline_leave_record(struct emc__connection *connection, const struct emc__bulk_record *record);
/* Requests before the next reply: noreply ones (up to a few hundred are counted), and those of a quiet run. */
uint32_t emc__pipeline_quiet_ahead(struct emc__connection *connection);
/* Fails every operation in the pipeline. */
void emc__pipeline_fail(struct emc__connection *connection, emc_status status, const char *message);
/* Drops the value under way: its memory is not touched again. */
void emc__pipeline_forget_incoming(struct emc__connection *connection);

/* ------------------------------------------------------------------ coalesce.c: operations to bytes */

/* A table of the keys in the line being built; one for each engine. NULL without memory. */
struct emc__key_table *emc__key_table_create(const emc_allocator *allocator);
void emc__key_table_destroy(const emc_allocator *allocator, struct emc__key_table *table);

/* The text dialect's `fill`, and the binary one's. */
EMC__HOT size_t emc__coalesce_fill(struct emc__connection *connection, uint8_t *out, size_t capacity);
size_t emc__binary_fill(struct emc__connection *connection, uint8_t *out, size_t capacity);

#endif
