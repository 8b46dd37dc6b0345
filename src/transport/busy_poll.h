/* Busy polling: receiving again and again for a moment before a wait sleeps, and when that is worth while. Private to this folder. */
#ifndef EMC_TRANSPORT_BUSY_POLL_H
#define EMC_TRANSPORT_BUSY_POLL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/rare.h"

/* So many waits in a row that busy polling did not end, and it is left out for a while: for twice as many waits each time, at most for so many. */
#define EMC__BUSY_POLL_VAIN_MAX  4
#define EMC__BUSY_POLL_LEAVE_MAX 1024

struct emc__busy_poll {
    uint64_t limit_ns; /* how long; 0: off */
    uint32_t in_vain;  /* in a row, EMC__BUSY_POLL_VAIN_MAX at most */
    uint32_t leave;    /* so many waits are left out after the next vain one */
    uint32_t left_out; /* so many are still to be left out */
    bool alone;        /* no sleep follows: the wait ends with it, also where it is left out */
};

/* Whether this wait is to begin with it. Counts the wait. */
bool emc__busy_poll_due(struct emc__busy_poll *poll);
/* How that went. */
void emc__busy_poll_told(struct emc__busy_poll *poll, bool came);
/* If it is due: receives from a socket until something comes, as long as the limit and *left_ns allow. True: the wait is over, *count_out and errno are
 * as recv left them (EAGAIN: *left_ns is up, or no sleep is to follow). False: the wait goes on, for the *left_ns that remain. */
EMC__APART bool emc__busy_poll_receive(struct emc__busy_poll *poll, int descriptor, void *bytes, size_t size, uint64_t *left_ns,
                                       ssize_t *count_out);

#endif
