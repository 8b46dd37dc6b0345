/* A transport in memory that the test moves by hand, and a client on it: connections are established or refused when the test says so, what the client sends is
 * kept, what it receives is what the test injects, and time stands still until it is told to go on.
 *
 * Tests read as dialogues: submit these, expect exactly these bytes, reply these, expect these results. fake_end() checks what holds for every test: each
 * operation completed exactly once, no memory, socket or look-up is left. */
#ifndef FAKE_TRANSPORT_H
#define FAKE_TRANSPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "client/client.h"

#define FAKE_SOCKETS_MAX 64
#define FAKE_LOOKUPS_MAX 32
#define FAKE_MS          UINT64_C(1000000)

struct fake;

struct fake_bytes {
    uint8_t *data;
    size_t length, capacity;
};

/* One call of connect, in the order they were made; stays to be looked at after it was aborted. */
struct fake_socket {
    struct fake *fake;
    struct emc__endpoint endpoint;
    char tls_name[256]; /* empty: plain bytes */
    const struct emc__socket_listener *listener;
    void *context;
    bool connected, want_read, want_write, aborted, reset;
    bool ended;             /* recv gives an end after what is injected */
    bool broken;            /* recv gives an error after what is injected, send at once */
    size_t room;            /* bytes that send still takes before it refuses */
    size_t send_most;       /* most bytes of one send */
    size_t first_send;      /* bytes of the first one since they were forgotten */
    size_t receive_most;    /* most bytes of one recv */
    struct fake_bytes sent; /* and not yet expected */
    struct fake_bytes injected;
};

struct fake_lookup {
    bool running, cancelled;
    enum emc__lookup_kind kind;
    char name[256];
    uint16_t port;
    emc__lookup_callback *callback;
    void *context;
};

/* What was told of one key of a bulk, or of one line of a stream. */
struct fake_part {
    uint32_t calls;
    emc_status status;
    char key[256];
    uint8_t *value; /* NULL: none */
    size_t value_length;
    uint64_t flags, cas;
};

/* What was told of one operation. */
struct told {
    struct told *next;
    struct fake *fake;
    uint64_t operation;    /* its identity */
    uint32_t calls, lasts; /* calls of its callback; how many of them said `last` */
    uint32_t order;        /* of its last call among all operations */
    emc_status status;     /* of the last call, as all below */
    uint8_t *value;
    size_t value_length;
    uint64_t flags, cas, number;
    char message[EMC_ERROR_MESSAGE_SIZE];
    char node[EMC_ADDRESS_TEXT_SIZE];
    bool has_meta;
    emc_meta_reply meta;
    struct fake_part *parts;
    size_t part_count;    /* filled: a bulk's by index, a stream's in order */
    bool stream;          /* parts are appended as they come */
    uint32_t releases;    /* calls of `released` */
    uint32_t allocations; /* calls of `allocate` */
    bool allocate_fails;
    uint8_t *memory; /* what `allocate` gave */
    size_t memory_length;
    void (*then)(struct told *told); /* from inside the callback */
    void (*on_allocate)(struct told *told);
    void *context; /* the test's */
};

struct fake {
    struct emc__transport transport; /* first */
    uint64_t now_ns, wake_at_ns;
    struct fake_socket *sockets[FAKE_SOCKETS_MAX];
    size_t socket_count;
    struct fake_lookup lookups[FAKE_LOOKUPS_MAX];
    size_t lookup_count;
    uint32_t connects_refused; /* so many calls of connect fail at once */
    emc_status lookup_status;  /* EMC_OK, or what every call of lookup returns */
    emc_allocator allocator;
    size_t blocks;     /* of memory, out now */
    uint64_t requests; /* for memory, so far */
    uint64_t fail_at;  /* this request (from 1) fails; 0: none */
    bool fail_all;     /* from now on all fail */
    uint64_t failed;
    emc_options options;       /* for the client: change them before it is created */
    emc_error error;           /* of the creation */
    struct emc_client *client; /* NULL: none, or gone */
    bool client_gone;
    bool silent; /* inside a submit: nothing may be sent, nobody called back */
    struct told *all_told;
    uint32_t told_count;
    const char *version; /* what fake_handshake answers; default 1.6.18 */
    uint32_t log_lines;
    char last_log[512];
};

/* ------------------------------------------------------------------ life */

struct fake *fake_begin(void);
/* Destroys the client if there is one and checks what must hold. */
void fake_end(struct fake *fake);
emc_status fake_try_create(struct fake *fake, const emc_address *nodes, size_t count);
/* A client of `count` nodes 10.0.0.1:11211, 10.0.0.2:11211 … */
void fake_create(struct fake *fake, size_t count);
emc_address fake_node(size_t number);
/* One node, one connection that is ready. */
struct fake_socket *fake_start(struct fake *fake);
void fake_destroy(struct fake *fake);

/* ------------------------------------------------------------------ passes and time */

/* One pass without news from the network. */
size_t fake_pass(struct fake *fake);
/* Time goes on: passes happen when the client asked to be woken, and at no other time. */
void fake_run(struct fake *fake, uint64_t ms);

/* ------------------------------------------------------------------ connections */

/* The number-th connect (from 0); fails the test when there was none. */
struct fake_socket *fake_socket_at(struct fake *fake, size_t number);
void fake_connect(struct fake_socket *socket);
void fake_refuse(struct fake_socket *socket, emc_status status, const char *words);
/* Connects and answers `version`: the connection is ready. */
struct fake_socket *fake_handshake(struct fake *fake, size_t number);
void fake_writable(struct fake_socket *socket);
void fake_hang_up(struct fake_socket *socket);
void fake_break(struct fake_socket *socket);

/* ------------------------------------------------------------------ bytes */

void fake_inject(struct fake_socket *socket, const void *data, size_t length);
/* Tells of what is injected, in as many passes as it takes. */
void fake_deliver(struct fake_socket *socket);
/* One upcall, without a pass after it. */
void fake_readable(struct fake_socket *socket);
void fake_reply(struct fake_socket *socket, const char *text);
/* The same in pieces of `step` bytes, a pass for each. */
void fake_reply_split(struct fake_socket *socket, const char *text, size_t step);
/* A VALUE line with `length` bytes of `fill`, CRLF after it, without END. */
void fake_reply_value(struct fake_socket *socket, const char *key, size_t length, char fill);

#define expect_sent(socket, text)               fake_expect_sent((socket), (text), strlen(text), __FILE__, __LINE__)
#define expect_sent_bytes(socket, data, length) fake_expect_sent((socket), (data), (length), __FILE__, __LINE__)
#define expect_nothing_sent(socket)             fake_expect_sent((socket), "", 0, __FILE__, __LINE__)
void fake_expect_sent(struct fake_socket *socket, const void *data, size_t length, const char *file, int line);
/* Forgets what was sent; returns how much. */
size_t fake_forget_sent(struct fake_socket *socket);

/* ------------------------------------------------------------------ names */

struct fake_lookup *fake_lookup_at(struct fake *fake, size_t number);
/* Answers with IPv4 and IPv6 literals: "10.0.0.1 ::1", with the port asked; empty: no such name. */
void fake_answer(struct fake *fake, struct fake_lookup *lookup, const char *literals);

/* ------------------------------------------------------------------ operations */

struct told *fake_told(struct fake *fake);
/* A call that records into told. */
emc_call fake_call(struct told *told);
/* The same with memory given for values of at least `from` bytes. */
emc_call fake_call_allocating(struct told *told, size_t from);
struct told *ask_get(struct fake *fake, const char *key);
struct told *ask_gets(struct fake *fake, const char *key);
struct told *ask_gat(struct fake *fake, const char *key, int64_t exptime);
struct told *ask_set(struct fake *fake, const char *key, const char *value);
struct told *ask_set_noreply(struct fake *fake, const char *key, const char *value);
struct told *ask_delete(struct fake *fake, const char *key);
/* keys: separated by spaces. */
struct told *ask_get_many(struct fake *fake, const char *keys);
struct told *ask_delete_many(struct fake *fake, const char *keys);
void make_parts(struct told *told, size_t count);

#define expect_told(told, status) fake_expect_told((told), (status), __FILE__, __LINE__)
#undef expect_value /* of cmocka, which nobody uses here */
#define expect_value(told, text)               fake_expect_value((told), (text), __FILE__, __LINE__)
#define expect_waiting(told)                   fake_expect_waiting((told), __FILE__, __LINE__)
#define expect_part(told, index, status, text) fake_expect_part((told), (index), (status), (text), __FILE__, __LINE__)
#define expect_words(text, words)              fake_expect_words((text), (words), __FILE__, __LINE__)
void fake_expect_told(const struct told *told, emc_status status, const char *file, int line);
void fake_expect_value(const struct told *told, const char *text, const char *file, int line);
void fake_expect_waiting(const struct told *told, const char *file, int line);
/* text: NULL for no value. */
void fake_expect_part(const struct told *told, size_t index, emc_status status, const char *text, const char *file, int line);
void fake_expect_words(const char *text, const char *words, const char *file, int line);

#endif
