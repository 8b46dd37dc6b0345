/* How a blocking call waits for its one operation. Private to this folder. */
#ifndef EMC_FACADE_BLOCKING_H
#define EMC_FACADE_BLOCKING_H

#include "base/rare.h"
#include "facade/facade.h"

/* A blocking call under way: its outcome, and what to do with results. */
struct emc__wait {
    emc_client *client;
    struct emc__waiter *waiter; /* of a client for several threads: whom to tell; else NULL */
    char *words;                /* where the caller finds those of an error */
    bool done;
    bool tells; /* results go to a callback of the user's */
    emc_status status;
    emc_status noted;                                                 /* emc__wait_note; EMC_OK: nothing */
    void (*result)(struct emc__wait *wait, const emc_result *result); /* each result, before done; may be NULL */
    uint64_t operation;
    uint64_t *operation_out;  /* the caller's; may be NULL */
    struct emc__batch *batch; /* of set_many; else NULL */
};

/* Checks that blocking is possible here and takes in what came while nobody looked. *prepared_out is the caller's call (NULL: defaults) made ready for
 * this wait; then submit with it, and hand what the submit returned to emc__wait_for, in any case: the client is held until then. */
EMC__HOT emc_status emc__wait_begin(struct emc__wait *wait, emc_client *client, const emc_call *call, emc_call *prepared_out);
/* Waits for the outcome and returns it. submitted: what the submit returned; not EMC_OK: returned at once. */
EMC__HOT emc_status emc__wait_for(struct emc__wait *wait, emc_status submitted);
/* For result: in place of the outcome the call returns this, and has these words (NULL: the status's); the first note counts. */
void emc__wait_note(struct emc__wait *wait, emc_status status, const char *message);

#endif
