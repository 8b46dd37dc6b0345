/* One operation, from submission to the end of its reply.
 *
 *   submitted → queued (waiting at the node, or pending at a connection) → sent (in the pipeline) → answered → freed
 *
 * Completing (the callback) and leaving the pipeline are two things: an operation that timed out or was cancelled is completed at once and keeps
 * its place, so that its late reply is recognised and dropped. It is freed when it is both completed and in no queue. */
#ifndef EMC_NODE_OPERATION_H
#define EMC_NODE_OPERATION_H

#include "base/rare.h"
#include "node/engine.h"
#include "protocol/protocol.h"

struct emc__node;
struct emc__connection;
struct emc__bulk;
struct emc__meta_options;

enum emc__operation_kind {
    EMC__OPERATION_RETRIEVAL, /* get, gets, gat, gats of one key: travels as a member of a line */
    EMC__OPERATION_STORAGE,   /* set … cas */
    EMC__OPERATION_KEYED,     /* delete, incr, decr, touch */
    EMC__OPERATION_PLAIN,     /* one line out, one line back: version, flush_all … */
    EMC__OPERATION_STREAM,    /* one line out, lines back until an end: stats, dumps, config */
    EMC__OPERATION_META,      /* mg ms md ma me mn */
    EMC__OPERATION_BULK,      /* what the caller sees of a bulk retrieval; never queued itself */
    EMC__OPERATION_BULK_PART, /* queued: those keys of a bulk that wait for one connection */
    /* Pipeline entries that stand for several operations: */
    EMC__OPERATION_LINE,      /* a retrieval line; members in order */
    EMC__OPERATION_BULK_LINE, /* a retrieval line of a bulk's keys */
    EMC__OPERATION_QUIET_RUN, /* quiet ms and md, and the mn that fences them; members in order */
    EMC__OPERATION_PROBE      /* a `version` of the connection's own: handshake, keepalive, fence after noreply */
};

/* Where it is. */
enum emc__operation_place {
    EMC__PLACE_NONE,    /* in no queue */
    EMC__PLACE_WAITING, /* at the node: no connection is established */
    EMC__PLACE_PENDING, /* at a connection, not yet written */
    EMC__PLACE_SENT     /* in the pipeline, itself or as a member: bytes may have reached the server */
};

#define EMC__OPERATION_OWN 32

struct emc__operation {
    struct emc__link link;   /* the queue it is in (place), or the slab's */
    struct emc__timer timer; /* its deadline; or, once settled, its completion in the next process */
    emc_callback *callback;
    void *user_data;
    emc_value_allocate *allocate;
    void (*released)(void *user_data);
    struct emc__engine *engine;
    struct emc__node *node; /* NULL: not routed (yet) */
    struct emc__connection *connection;
    uint64_t submitted_ns;
    uint8_t *block; /* the key as it goes on the wire, meta flags, a copied value: in `own`, or from engine->blocks */
    const uint8_t *value;
    size_t value_length; /* BULK: bytes of values received so far */
    uint64_t number;     /* cas, delta, the plain command's number; META: the server version it needs; BULK: how many keys; QUIET_RUN: bytes written */
    union {
        struct emc__operation *follower; /* RETRIEVAL: those that share its answer: the last of a ring */
        struct emc__bulk *bulk;          /* BULK…: the keys */
        struct emc__list members;        /* LINE, QUIET_RUN */
    } of;
    uint32_t allocate_from;
    uint32_t flags;
    int32_t exptime;
    uint32_t block_size; /* 0: nothing is taken from engine->blocks */
    uint32_t hash;       /* the low half of the key's hash: for the table of coalesce.c; the high bits are in `slot` */
    union {
        struct {
            uint32_t first, count; /* BULK_PART, BULK_LINE: the chain of records, by index, and how many */
        } records;
        uint32_t lines; /* STREAM: lines received */
        struct {
            uint16_t flags_length; /* META: bytes of flags behind the key */
            char command;
        } meta;
        uint32_t run_length; /* QUIET_RUN */
    } in;
    int16_t outcome;          /* settled: the status to complete with */
    uint16_t argument_length; /* STREAM, PLAIN: bytes of argument in the block */
    uint32_t opaque;          /* BINARY: the label of its request; BULK_LINE: of its first record */
    uint8_t kind, verb, place, slot, key_length;
    bool completed : 1; /* the callback was called (or there is nobody to call) */
    bool settled : 1;   /* the outcome stands and is delivered in the next process */
    bool internal : 1;  /* the engine's own: not counted, no callback of a user's */
    bool noreply : 1;
    bool alone : 1;                  /* asked again after an error line: not to be coalesced */
    bool borrowed : 1;               /* value is the caller's memory until released */
    bool retried : 1;                /* was asked again after an idle connection turned out to be closed */
    bool quiet : 1;                  /* META: the server answers only the unusual; an `mn` follows */
    bool held : 1;                   /* settled outside of any queue: counted at its node, which must outlive it */
    bool valued : 1;                 /* LINE, BULK_LINE: a value has come for it */
    bool erred : 1;                  /* LINE, BULK_LINE: an error line came for one of its keys, it is not said which: none is missing any more, but asked again */
    bool meta_quiet_error : 1;       /* QUIET_RUN: an error came that does not say whose it is */
    bool goes_on : 1;                /* LINE, BULK_LINE: the next entry's keys are on the same line, its END is the last one's */
    bool ends_flush : 1;             /* in the pipeline: the last of what one flush wrote */
    uint8_t own[EMC__OPERATION_OWN]; /* a block that is small: most keys. Last, and left as it is by emc__operation_take */
};

_Static_assert(_Alignof(struct emc__operation) <= 8, "what the slab gives is aligned to 8");

static inline struct emc__slice emc__operation_key(const struct emc__operation *operation)
{
    return (struct emc__slice){operation->block, operation->key_length};
}

static inline struct emc__slice emc__operation_argument(const struct emc__operation *operation)
{
    return (struct emc__slice){operation->block, operation->argument_length};
}

#define EMC__OPERATION_OF(link_pointer) EMC__CONTAINER_OF(link_pointer, struct emc__operation, link)

/* Its timer fired. */
void emc__operation_deadline(struct emc__timer *timer, uint64_t now_ns);

/* A zeroed operation (timer ready, place NONE), or NULL. */
static inline struct emc__operation *emc__operation_take(struct emc__engine *engine, enum emc__operation_kind kind, enum emc__verb verb)
{
    struct emc__operation *operation = emc__slab_take(&engine->operations);
    if (operation == NULL) {
        return NULL;
    }
    memset(operation, 0, offsetof(struct emc__operation, own));
    operation->timer.fire = emc__operation_deadline;
    operation->engine = engine;
    operation->kind = (uint8_t)kind;
    operation->verb = (uint8_t)verb;
    return operation;
}

/* Calls back, once; counts it at its node. The result's node and last are filled in here. Afterwards it is freed when it is in no queue. */
EMC__HOT void emc__operation_complete(struct emc__engine *engine, struct emc__operation *operation, emc_result *result);
/* The same with a status and words alone. */
EMC__RARE void emc__operation_fail(struct emc__engine *engine, struct emc__operation *operation, emc_status status, const char *message);
/* Completes it in the next process: for outcomes known inside a submit or flush, which never call back. */
void emc__operation_settle(struct emc__engine *engine, struct emc__operation *operation, emc_status status);
/* Frees it if it is completed and in no queue. */
void emc__operation_discard(struct emc__engine *engine, struct emc__operation *operation);
/* Nothing of the caller's memory is looked at any more: calls `released`. */
EMC__APART void emc__operation_release_value(struct emc__engine *engine, struct emc__operation *operation);
/* Whether somebody waits for its outcome: it has not timed out, and was not cancelled. */
static inline bool emc__operation_wanted(const struct emc__operation *operation)
{
    return !operation->completed && !operation->settled;
}
/* Request bytes it takes, roughly: for the bound on what waits. */
static inline size_t emc__operation_bytes(const struct emc__operation *operation)
{
    return (size_t)operation->key_length + operation->value_length + 64;
}

/* How many it counts for against the limits: the keys of a bulk's part, else 1. */
static inline uint32_t emc__operation_weight(const struct emc__operation *operation)
{
    return operation->kind == EMC__OPERATION_BULK_PART ? operation->in.records.count : 1;
}

/* Slots: see node_internal.h. The table of coalesce.c uses the low bits, slots the high ones. */
static inline uint8_t emc__slot_of(uint64_t hash)
{
    return (uint8_t)(hash >> 58);
}

/* What an operation keeps of its key's hash, each part in its place. */
static inline uint64_t emc__operation_hash(const struct emc__operation *operation)
{
    return (uint64_t)operation->slot << 58 | operation->hash;
}

/* Calls a user's callback with the depth counted. */
static inline void emc__call_back(struct emc__engine *engine, emc_callback *callback, void *user_data, const emc_result *result)
{
    engine->callback_depth++;
    callback(user_data, result);
    engine->callback_depth--;
}

/* ------------------------------------------------------------------ bulk retrievals (bulk.c) */

/* One key of a bulk. Records form chains by index: all keys that go to one connection, in order. */
struct emc__bulk_record {
    uint64_t hash;
    uint32_t offset; /* of the key in the bulk's bytes */
    uint32_t next;   /* index, or EMC__BULK_END */
    uint8_t length;
    bool answered;
    bool alone; /* asked again after an error line */
};

#define EMC__BULK_END UINT32_MAX

struct emc__bulk {
    struct emc__operation *operation; /* what the caller sees; NULL once completed */
    uint32_t count, unanswered;
    uint32_t references; /* the operation, the parts and the lines */
    size_t size;
    uint8_t *bytes;
    struct emc__bulk_record records[]; /* then the bytes */
};

static inline struct emc__slice emc__bulk_key(const struct emc__bulk *bulk, uint32_t index)
{
    return (struct emc__slice){bulk->bytes + bulk->records[index].offset, bulk->records[index].length};
}

/* A bulk of `count` keys whose bytes take `bytes`, referenced once (by the operation); NULL without memory. */
struct emc__bulk *emc__bulk_create(struct emc__engine *engine, uint32_t count, size_t bytes);
void emc__bulk_unref(struct emc__engine *engine, struct emc__bulk *bulk);
/* A part or a line of the bulk, with a reference of its own; NULL without memory. */
struct emc__operation *emc__bulk_branch(struct emc__engine *engine, struct emc__bulk *bulk, const struct emc__operation *like,
                                        enum emc__operation_kind kind);
/* Answers one key (does nothing when it was answered before). The result's index, key, node and last are filled in here. */
void emc__bulk_answer(struct emc__engine *engine, struct emc__bulk *bulk, uint32_t index, struct emc__node *node, emc_result *result);
/* A part that no node takes: its keys are answered with the status in the next process. */
void emc__bulk_settle_part(struct emc__engine *engine, struct emc__operation *part, emc_status status);
/* Answers every key of the chain that is not answered yet with a status. */
void emc__bulk_fail_chain(struct emc__engine *engine, struct emc__bulk *bulk, uint32_t first, uint32_t count,
                          struct emc__node *node, emc_status status, const char *message);

#endif
