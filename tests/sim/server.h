/* A simulated memcached: the text and the meta protocol as reference/protocol.md has them, with the errors of two generations, limits, expiry, cas,
 * ASCII authentication, and `config get cluster`. It reads as a real one does: whatever has arrived, however it was cut. */
#ifndef SIM_SERVER_H
#define SIM_SERVER_H

#include "mischief.h"
#include "network.h"
#include "store.h"

#define SIM_GENERATION_18 10618u /* memcached 1.6.18 */
#define SIM_GENERATION_45 10645u /* memcached 1.6.45 */
#define SIM_LINE_MAX      2048u
#define SIM_KEY_MAX       250u
#define SIM_WORDS_MAX     30u

/* What is read next. */
enum sim_reading {
    SIM_READING_LINE,
    SIM_READING_VALUE,   /* of `awaiting` */
    SIM_READING_SWALLOW, /* a value that is not wanted */
    SIM_READING_NOTHING  /* closing */
};

/* A storage command whose value is still to come. */
struct sim_awaiting {
    struct sim_request request;
    uint8_t key[SIM_KEY_MAX];
    bool noreply, meta, authentication;
    char meta_flags[256]; /* as they came */
    bool invalidate;      /* ms I */
    bool vivify;          /* ms N */
};

struct sim_conn {
    struct sim_server *server;
    struct sim_conn *next;
    struct sim_link *link;
    struct sim_event work;
    uint8_t *in, *out;
    size_t in_begin, in_end, in_capacity;
    size_t out_begin, out_end, out_capacity;
    enum sim_reading reading;
    struct sim_awaiting awaiting;
    size_t value_left; /* with its CRLF */
    bool authenticated, closing;
    bool mute;  /* says nothing any more */
    bool mutes; /* and will be so when what it has said is out */
    uint64_t commands;
};

struct sim_server {
    struct sim_world *world;
    const char *name;
    uint32_t number;
    uint32_t generation;
    struct sim_store store;
    struct sim_conn *conns;
    struct sim_mischief mischief;
    uint64_t service_ns, service_jitter_ns; /* from arrival to answer */
    uint32_t connections_max;               /* 0: without limit */
    const char *username, *password;        /* NULL: no authentication */
    bool binary;                            /* authenticates by SASL and speaks the binary protocol alone */
    const char *cluster_config;             /* the payload of `config get cluster`; NULL: ERROR */
    uint64_t cluster_version;
    bool stopped; /* the process stands still; its kernel still accepts */
    bool silent;  /* takes everything in and never answers; connections that met it stay mute */
    bool crawler_busy;
    bool closes_with_reset;
    uint64_t commands;
};

extern const struct sim_service sim_server_service; /* context: the server */

void sim_server_init(struct sim_server *server, struct sim_world *world, const struct sim_observer *observer, uint32_t number, const char *name);
void sim_server_deinit(struct sim_server *server);
/* SIGSTOP and SIGCONT. */
void sim_server_stop(struct sim_server *server, bool stopped);
/* Ends the connections that met its silence: an operation without a deadline would wait on them for ever, rightly. */
void sim_server_end_mute(struct sim_server *server);
/* The process was restarted: its data is gone. (Its links are the hosts' affair.) */
void sim_server_restart(struct sim_server *server);
/* Says something that nobody asked for on every connection. */
void sim_server_blurt(struct sim_server *server, const char *bytes, size_t length);
/* "1.6.18". */
const char *sim_server_version(const struct sim_server *server);

/* ------------------------------------------------------------------ for the files that carry out commands */

struct sim_words {
    struct emc__slice word[SIM_WORDS_MAX];
    uint32_t count;
    const uint8_t *line; /* whole, without its end */
    size_t line_length;
};

void sim_conn_say(struct sim_conn *conn, const char *format, ...) EMC__PRINTF(2, 3);
void sim_conn_put(struct sim_conn *conn, const void *bytes, size_t length);
void sim_conn_malformed(struct sim_conn *conn, const char *words);
/* Reads `length` bytes and a CRLF next: as the value of `awaiting`, or to be dropped. */
void sim_conn_expect_value(struct sim_conn *conn, size_t length, bool swallow);
void sim_conn_close(struct sim_conn *conn);
bool sim_word_is(struct emc__slice word, const char *text);
bool sim_word_number(struct emc__slice word, uint64_t *number_out);
bool sim_word_signed(struct emc__slice word, int64_t *number_out);

/* server_text.c: false when the first word is no text command. */
bool sim_text_line(struct sim_conn *conn, const struct sim_words *words);
void sim_text_value(struct sim_conn *conn);
/* server_binary.c: carries out one request, when it has arrived whole. */
bool sim_binary_step(struct sim_conn *conn);
/* server_admin.c */
bool sim_admin_line(struct sim_conn *conn, const struct sim_words *words);
/* server_meta.c */
bool sim_meta_line(struct sim_conn *conn, const struct sim_words *words);
void sim_meta_value(struct sim_conn *conn);

#endif
