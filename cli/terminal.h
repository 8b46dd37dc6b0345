/* What the output is: a terminal or not, how large, whether colours and Unicode are welcome. And the interrupts of a program that runs until Ctrl-C. */
#ifndef EMCACHE_CLI_TERMINAL_H
#define EMCACHE_CLI_TERMINAL_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

/* The standard output. */
struct terminal {
    bool interactive; /* a terminal that can move its cursor */
    bool colour;      /* NO_COLOR is respected */
    bool unicode;     /* unless the locale names another character set */
    size_t columns;   /* 0: no limit (not a terminal) */
    size_t rows;
};

/* Looks at the standard output; cheap enough to be called for each frame, since the window may change its size. */
struct terminal terminal_look(void);

/* Begins and ends a picture that is redrawn in place: the other screen, no cursor. */
void terminal_enter(void);
void terminal_leave(void);

/* Holds back Ctrl-C, SIGTERM and SIGHUP, so that a program that owns something ends in order: from here on interrupt_pending() tells of them. SIGPIPE is
 * ignored. *saved_out is for interrupt_restore(). */
void interrupt_hold(sigset_t *saved_out);
bool interrupt_pending(void);
/* Drops what is pending and lets signals through again. Returns the signal that was pending, or 0. */
int interrupt_restore(const sigset_t *saved);

#endif
