/* Replies gone wrong: what a broken server, proxy or wire may make of a correct reply. Every kind can be told from a correct one. */
#ifndef SIM_MISCHIEF_H
#define SIM_MISCHIEF_H

#include <stdio.h>

#include "world.h"

enum sim_mischief_kind {
    SIM_MISCHIEF_NONE,
    SIM_MISCHIEF_GARBAGE,     /* a line that is no reply */
    SIM_MISCHIEF_BINARY,      /* bytes that are no text */
    SIM_MISCHIEF_BLANK_LINE,  /* before the reply */
    SIM_MISCHIEF_WRONG_KEY,   /* VALUE of a key nobody asked for */
    SIM_MISCHIEF_EXTRA_VALUE, /* one VALUE too many, of a strange key */
    SIM_MISCHIEF_DUPLICATE,   /* the first VALUE twice */
    SIM_MISCHIEF_NO_END,
    SIM_MISCHIEF_NO_CRLF,      /* after the value */
    SIM_MISCHIEF_SHORT_LENGTH, /* the length is smaller than the value */
    SIM_MISCHIEF_LONG_LENGTH,  /* larger */
    SIM_MISCHIEF_HUGE_LENGTH,  /* larger than any memory */
    SIM_MISCHIEF_NEGATIVE_LENGTH,
    SIM_MISCHIEF_OVERFLOW_LENGTH, /* more than 64 bits */
    SIM_MISCHIEF_ERROR,           /* ERROR in place of the reply */
    SIM_MISCHIEF_SERVER_ERROR,    /* SERVER_ERROR in place of the reply, of one of its values, or of this and what is not sent yet */
    SIM_MISCHIEF_WRONG_KIND,      /* a reply that this command never has */
    SIM_MISCHIEF_ENDLESS_LINE,    /* a line without an end */
    SIM_MISCHIEF_NOREPLY_ERROR,   /* an error line for a noreply */
    SIM_MISCHIEF_EXTRA_LINE,      /* a line of garbage behind the reply */
    SIM_MISCHIEF_KINDS
};

extern const char *const sim_mischief_names[SIM_MISCHIEF_KINDS];

struct sim_mischief {
    enum sim_mischief_kind kind;
    uint32_t after; /* so many replies go unharmed; the next that suits is spoilt */
    uint32_t times; /* so many are spoilt */
    uint32_t done;  /* so many were */
    bool hits;      /* only answers with a value, and only some of them */
};

struct sim_conn;

/* A noreply was carried out: now and then an error is told for it all the same. */
void sim_mischief_noreply(struct sim_mischief *mischief, struct sim_conn *conn);
/* Spoils the reply that begins at conn->out_begin + `begin` of its output, if it is its turn and it suits. */
void sim_mischief_touch(struct sim_mischief *mischief, struct sim_conn *conn, size_t begin);

#endif
