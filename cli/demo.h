/* The demo's state: what its chapters change and its two views (a terminal, plain lines) show. */
#ifndef EMCACHE_CLI_DEMO_H
#define EMCACHE_CLI_DEMO_H

#include <emcache.h>

#include "canvas.h"
#include "latency.h"
#include "placement.h"
#include "servers.h"
#include "traffic.h"

enum {
    DEMO_NODES = 4,       /* three from the start, one that joins */
    DEMO_NODES_FIRST = 3, /* how many there are at the start */
    DEMO_KEYS = 4096,
    DEMO_RATE = 8000,     /* operations a second */
    DEMO_SAMPLE_MS = 250, /* one step of a sparkline */
    DEMO_SAMPLES = 128,
    DEMO_EVENTS = 40,
    DEMO_CHAPTERS = 4,
    DEMO_WAIT_MS = 5000 /* what does not happen within this is a failure */
};

/* Which nodes play which part. */
enum {
    NODE_A, /* leaves in the last chapter */
    NODE_B, /* dies and returns */
    NODE_C,
    NODE_D /* joins in the last chapter */
};

enum demo_membership { DEMO_NOT_YET,
                       DEMO_MEMBER,
                       DEMO_REMOVED };

/* A line of small columns that grows to the right. */
struct demo_history {
    double values[DEMO_SAMPLES];
    size_t count;
};

struct demo_node {
    struct local_server server;
    enum demo_membership membership;
    emc_address address;
    char name[32]; /* host:port */
    emc_node_state state;
    emc_pool_metrics metrics;
    uint64_t operations_sampled; /* executed up to the last sample */
    struct demo_history rates;   /* operations a second */
    struct latency latency;      /* of the last operations that it answered */
    size_t keys;                 /* that live on it now */
    uint64_t unhealthy_ns;       /* when the last such event came; 0: none since it was cleared */
    uint64_t answered_ns;        /* its first answer since this was cleared */
};

struct demo_event {
    double at_s;
    enum style style;
    enum glyph glyph;
    char text[200];
};

/* The keys that a change moved, by the node they went to (or came from). */
struct demo_move {
    char title[96]; /* empty: nothing has moved yet */
    size_t keys[DEMO_NODES];
    size_t total;    /* that had to move */
    size_t needless; /* that moved although the change did not concern them */
};

/* What the chapters found out, for the summary; negative: not found out. */
struct demo_findings {
    double notice_s;
    double recover_s;
    struct demo_move died;
    struct demo_move returned;
    struct demo_move joined;
    struct demo_move left;
};

/* How the demo is shown. */
struct demo {
    const char *program; /* memcached */
    double pace;         /* 1, or 0.5: all pauses are multiplied by it */
    emc_client *client;
    emc_cluster_management *view;
    uint64_t subscription;
    struct demo_node nodes[DEMO_NODES];
    struct traffic traffic;
    struct placement placement; /* of the keys, now */
    struct placement before;    /* and before the last change */
    struct demo_move move;      /* the last one, as it is shown */
    struct demo_findings findings;

    uint64_t begun_ns;
    size_t chapter; /* index; DEMO_CHAPTERS: over */
    uint64_t chapter_ns;
    int stage; /* within the chapter */
    uint64_t stage_ns;
    struct traffic_counts counts[DEMO_CHAPTERS];
    struct traffic_counts sampled; /* all counts at the last sample */
    struct demo_history total_rates;
    struct demo_history hit_ratios;
    struct demo_history hit_heights; /* the same, drawn so that a dip is seen: half of the gets is the ground */
    uint64_t next_sample_ns;
    uint64_t next_frame_ns;
    uint64_t moment_ns; /* of what the chapter waits for the consequences of */

    struct demo_event events[DEMO_EVENTS];
    size_t event_count;
    bool live;   /* the terminal view */
    bool failed; /* something did not happen as it should; the events tell */
    struct canvas canvas;
};

/* One chapter: step is called every few milliseconds until it returns true. */
struct demo_chapter {
    const char *title;
    const char *story;
    bool (*step)(struct demo *demo);
};

extern const struct demo_chapter demo_chapters[DEMO_CHAPTERS];

/* ---- demo.c */

double demo_seconds(const struct demo *demo);
/* Notes an event, and prints it where there is no live view. */
void demo_say(struct demo *demo, enum glyph glyph, enum style style, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The same for what ends the demo as a failure. */
void demo_fail(struct demo *demo, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Takes a new snapshot of where the keys live; the one that was there goes to demo->before. */
void demo_place(struct demo *demo);
/* Puts the sum of all chapters' counts into *total_out. */
void demo_total(const struct demo *demo, struct traffic_counts *total_out);
/* The name by which the views call a node: A, B, C, D. */
char demo_letter(size_t node);
enum style demo_style(size_t node);
/* Mean of the last second. */
double demo_history_now(const struct demo_history *history);
/* What the node is, in one word. */
const char *demo_health_word(const struct demo_node *node);

/* ---- demo_cluster.c */

/* Starts three servers and chooses a port for the fourth. False when it could not be done or was interrupted. */
bool demo_start_servers(struct demo *demo);
/* Opens the client and prepares the traffic. False with the complaint printed. */
bool demo_open_client(struct demo *demo);
/* Stores every key, so that the chapters begin with a warm cache. */
void demo_fill(struct demo *demo);
/* Takes the nodes' state and figures from the management view. */
void demo_read_nodes(struct demo *demo);
/* Lets the last operations complete, so that they are counted. */
void demo_settle(struct demo *demo);
/* Ends the client and every server. Accepts a demo that never began. */
void demo_end(struct demo *demo);

/* ---- demo_view.c: the live picture. False when the terminal is gone. */
bool demo_frame(struct demo *demo);

/* ---- demo_lines.c: plain lines */
void demo_print_event(struct demo *demo, const struct demo_event *event);
bool demo_print_status(struct demo *demo);
bool demo_print_summary(struct demo *demo);
/* The lines about the keys that moved, for both views. */
void demo_draw_move(struct canvas *canvas, const struct demo *demo, const struct demo_move *move, size_t indent);

#endif
