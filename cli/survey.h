/* A survey: every node is asked for its version at once, and the answers are timed. */
#ifndef EMCACHE_CLI_SURVEY_H
#define EMCACHE_CLI_SURVEY_H

#include <emcache.h>

#include "session.h"

/* One node's answer. */
struct survey_answer {
    const emc_address *node;
    bool done;
    emc_status status;
    uint64_t asked_ns;
    double seconds;                    /* from question to answer */
    char text[EMC_ERROR_MESSAGE_SIZE]; /* the version, or what went wrong */
    struct survey *survey;
};

/* Zeroed it is empty. */
struct survey {
    struct survey_answer *answers; /* in the order of the session's nodes */
    size_t count;
    size_t open; /* answers still to come */
};

/* Prepares for the session's nodes. False when memory ran out. */
bool survey_init(struct survey *survey, const struct session *session);
/* The survey must not be open any more, or its client be gone. */
void survey_deinit(struct survey *survey);

/* Asks every node; the answers come while the client runs. */
void survey_ask(struct survey *survey, struct session *session);
/* Runs the client until all have answered; each does, within the session's timeout. False when it was interrupted. */
bool survey_wait(struct survey *survey, struct session *session);

#endif
