/* What every key may hold: values are derived from key and version, so that each one read can be checked to the byte.
 *
 * A write that succeeded is the key's value until the next one. A write that failed after it may have been sent leaves both ends open: it has happened, will
 * happen late, or never does. A node that was killed has lost everything. Nothing else excuses a miss or another version. */
#ifndef EMC_TESTS_SOAK_MODEL_H
#define EMC_TESTS_SOAK_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <emcache.h>

#define NODES           3
#define KEYS            20000
#define VALUE_SIZE_MAX  24000
#define OPEN_WRITES_MAX 6

/* One key. At most one write of it is under way, and no read beside a write. */
struct subject {
    char key[24];
    size_t key_length;
    size_t node;
    uint32_t version;               /* the last one written, whatever came of it */
    uint32_t known;                 /* the last one that succeeded; 0: none, or deleted */
    uint32_t open[OPEN_WRITES_MAX]; /* of unknown outcome, in this life of its server */
    unsigned open_count;
    bool open_delete;         /* a delete of unknown outcome */
    uint32_t open_in_life;    /* when the open ones ended */
    uint32_t written_in_life; /* when `known` was submitted */
    bool writing;
    unsigned readers;
};

/* What reads came to. */
struct findings {
    uint64_t hits, misses;
    uint64_t wrong; /* another value than any that may be there */
    uint64_t lost;  /* a miss that nothing excuses */
};

/* A server's life goes on by one as it is about to be killed, when it is dead, and when it is about to start again: what was written in an earlier life may be gone. */
static inline bool life_is_over(uint32_t life)
{
    return life % 3 == 2;
}

void subject_init(struct subject *subject, unsigned number);
/* The value of a version; returns its length, at most VALUE_SIZE_MAX. */
size_t subject_value(const struct subject *subject, uint32_t version, char *value);

/* Whether a write may be submitted in this life of the node: only so many may be open. */
bool subject_may_write(struct subject *subject, uint32_t life);
/* A write (version) or delete (0) ended. submitted, ended: the node's life at both moments. */
void subject_written(struct subject *subject, uint32_t version, uint32_t submitted, uint32_t ended, emc_status status);
/* A read gave this value, or none (value NULL). life: the node's now. Counts it. */
void subject_read(const struct subject *subject, const void *value, size_t length, uint32_t life,
                  struct findings *findings);

#endif
