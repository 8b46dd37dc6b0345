/* A server that holds a written conversation: what it expects, word for word, and what it says.
 *
 *     static const struct scripted_step conversation[] = {
 *         ACCEPT, HANDSHAKE,
 *         EXPECT("get a\r\n"), SEND("VALUE a 0 1\r\nx"), RESET,
 *         ACCEPT, HANDSHAKE,
 *     };
 *     struct scripted_server *server = scripted_server_start(conversation, STEPS(conversation));
 *     … a client talks to scripted_server_address(server) …
 *     scripted_server_end(server);     fails the test when the conversation went otherwise
 *
 * It runs in a thread of its own, one connection after the other. A further connection is not accepted before its ACCEPT (the
 * kernel's backlog holds it: connected, and silent). After the last step everything stays open until the end. */
#ifndef EMC_TESTS_INTEGRATION_SCRIPTED_SERVER_H
#define EMC_TESTS_INTEGRATION_SCRIPTED_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include <emcache.h>

enum scripted_action {
    SCRIPTED_ACCEPT,         /* waits for a connection; the one before, if still open, is closed in order */
    SCRIPTED_EXPECT,         /* receives exactly these bytes */
    SCRIPTED_SEND,           /* sends these bytes */
    SCRIPTED_SEND_BY_BYTE,   /* sends them, each in a segment of its own */
    SCRIPTED_SEND_ZEROS,     /* sends so many zero bytes (length alone) */
    SCRIPTED_EXPECT_END,     /* the client closes or resets the connection; nothing else comes before */
    SCRIPTED_EXPECT_SILENCE, /* so many milliseconds (length alone) pass without a byte */
    SCRIPTED_STALL,          /* waits for scripted_server_continue() */
    SCRIPTED_FINISH,         /* closes in order */
    SCRIPTED_RESET,          /* closes with RST */
    SCRIPTED_LET_GO          /* the last step: what comes after it is not looked at */
};

struct scripted_step {
    enum scripted_action action;
    const char *bytes; /* borrowed until the end */
    size_t length;
};

/* clang-format off */
#define ACCEPT             {SCRIPTED_ACCEPT, NULL, 0}
#define EXPECT(text)       {SCRIPTED_EXPECT, (text), sizeof(text) - 1}
#define SEND(text)         {SCRIPTED_SEND, (text), sizeof(text) - 1}
#define SEND_BY_BYTE(text) {SCRIPTED_SEND_BY_BYTE, (text), sizeof(text) - 1}
#define SEND_ZEROS(count)  {SCRIPTED_SEND_ZEROS, NULL, (count)}
#define EXPECT_END         {SCRIPTED_EXPECT_END, NULL, 0}
#define EXPECT_SILENCE(ms) {SCRIPTED_EXPECT_SILENCE, NULL, (ms)}
#define STALL              {SCRIPTED_STALL, NULL, 0}
#define FINISH             {SCRIPTED_FINISH, NULL, 0}
#define RESET              {SCRIPTED_RESET, NULL, 0}
/* What every connection says first. */
#define HANDSHAKE          EXPECT("version\r\n"), SEND("VERSION 1.6.18\r\n")
#define STEPS(array)       (sizeof(array) / sizeof((array)[0]))
/* clang-format on */

struct scripted_server;

/* Starts the conversation on a free port. steps are borrowed until the end. */
struct scripted_server *scripted_server_start(const struct scripted_step *steps, size_t count);
/* Where it listens. Valid until the end. */
emc_address scripted_server_address(const struct scripted_server *server);
/* Lets a STALL end, the present one or the next. */
void scripted_server_continue(struct scripted_server *server);
/* How many steps are done. */
size_t scripted_server_progress(struct scripted_server *server);
/* Waits until so many steps are done, at most as long as one step may take. The client does not run meanwhile. */
void scripted_server_wait(struct scripted_server *server, size_t steps);
/* Ends the server, and fails the test unless every step was done, to the byte, and nothing unasked came after. */
void scripted_server_end(struct scripted_server *server);
/* Ends it at whatever step it is. */
void scripted_server_abandon(struct scripted_server *server);

#endif
