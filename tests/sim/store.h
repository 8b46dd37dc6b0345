/* What a simulated memcached holds: items with flags, cas, expiry and a memory limit. Every change and every request carried out is told to an
 * observer, so that the model knows the truth. */
#ifndef SIM_STORE_H
#define SIM_STORE_H

#include "base/slice.h"
#include "world.h"

#define SIM_STORE_BUCKETS 128

/* What a request asks for. */
enum sim_verb {
    SIM_SET,
    SIM_ADD,
    SIM_REPLACE,
    SIM_APPEND,
    SIM_PREPEND,
    SIM_CAS,
    SIM_DELETE,
    SIM_INCR,
    SIM_DECR,
    SIM_TOUCH,
    SIM_GAT,
    SIM_FLUSH
};

/* How a request came out. */
enum sim_outcome {
    SIM_STORED,
    SIM_NOT_STORED,
    SIM_EXISTS,
    SIM_NOT_FOUND,
    SIM_DONE /* deleted, touched, a number */,
    SIM_NON_NUMERIC,
    SIM_TOO_LARGE,
    SIM_NO_MEMORY
};

struct sim_item {
    struct sim_item *next;          /* of its bucket */
    struct sim_item *older, *newer; /* all, in order of use */
    uint8_t *key;
    uint8_t *value;
    size_t key_length, length;
    uint64_t flags, cas;
    int64_t expires_s; /* on the server's clock; 0: never */
    uint64_t stored_ns;
    bool stale, token_given, fetched; /* meta: X, W given, h */
    int64_t accessed_s;
};

struct sim_request {
    enum sim_verb verb;
    struct emc__slice key;
    uint64_t flags, cas, delta;
    int64_t exptime;
    const uint8_t *value;
    size_t length;
};

struct sim_observer {
    void *context;
    /* The key's item is now this (NULL: none). */
    void (*changed)(void *context, uint32_t server, struct emc__slice key, const struct sim_item *item);
    /* A request was carried out. */
    void (*applied)(void *context, uint32_t server, const struct sim_request *request, enum sim_outcome outcome, uint64_t number);
    /* A request that no correct client sends. */
    void (*malformed)(void *context, uint32_t server, const char *words);
};

struct sim_store {
    struct sim_world *world;
    const struct sim_observer *observer; /* may be NULL */
    uint32_t server;                     /* its number, for the observer */
    struct sim_item *buckets[SIM_STORE_BUCKETS];
    struct sim_item *oldest, *newest;
    size_t bytes, bytes_max; /* bytes_max 0: without limit */
    bool refuses_when_full;  /* memcached -M; else the oldest is evicted */
    size_t item_size_max;
    uint64_t cas;
    uint64_t flush_at_ns; /* what was stored before is gone at this time; 0: none is pending */
};

void sim_store_init(struct sim_store *store, struct sim_world *world, const struct sim_observer *observer, uint32_t server);
/* Forgets everything, as a restart does. Told to the observer. */
void sim_store_clear(struct sim_store *store);
/* Releases memory; tells nobody. */
void sim_store_deinit(struct sim_store *store);

/* The server's clock in seconds. */
int64_t sim_store_clock_s(const struct sim_store *store);
/* A living item, or NULL. */
struct sim_item *sim_store_find(struct sim_store *store, struct emc__slice key);
/* Whether a value of this length can be stored at all. */
bool sim_store_fits(const struct sim_store *store, size_t key_length, size_t length);
/* Sets an item's expiry from an exptime of the protocol. */
void sim_store_expire(struct sim_store *store, struct sim_item *item, int64_t exptime);
void sim_store_remove(struct sim_store *store, struct sim_item *item);
/* Carries out a storage command. */
enum sim_outcome sim_store_put(struct sim_store *store, const struct sim_request *request);
/* Replaces an item's value, flags and expiry kept. NULL when there is no memory for it (the old item stays). */
struct sim_item *sim_store_rewrite(struct sim_store *store, struct sim_item *item, const void *value, size_t length);
enum sim_outcome sim_store_delete(struct sim_store *store, const struct sim_request *request);
/* incr and decr; *number_out is the new number. */
enum sim_outcome sim_store_count(struct sim_store *store, const struct sim_request *request, uint64_t *number_out);
enum sim_outcome sim_store_touch(struct sim_store *store, const struct sim_request *request);
/* md with I: the item stays, with a new cas. */
void sim_store_mark_stale(struct sim_store *store, struct sim_item *item);
void sim_store_flush(struct sim_store *store, int64_t delay_s);
/* The old item of a set that could not be stored is gone, too. */
void sim_store_refused(struct sim_store *store, const struct sim_request *request, enum sim_outcome outcome);

#endif
