/* What a test must give back: blocks of a client's memory, and descriptors of the process. */
#ifndef EMC_TESTS_INTEGRATION_LEAKS_H
#define EMC_TESTS_INTEGRATION_LEAKS_H

#include <stddef.h>

#include <emcache.h>

struct leak_check {
    emc_allocator allocator; /* for the client's options; counts */
    size_t blocks;           /* held now */
    unsigned descriptors;    /* open at the beginning */
};

/* Descriptors of this process that are open now. */
unsigned open_descriptors(void);
/* Begins. The struct must not move until the end. */
void leak_check_begin(struct leak_check *check);
/* Fails the test when a block is still held or another number of descriptors is open. Call it when the client is destroyed. */
void leak_check_end(const struct leak_check *check);

#endif
