/* One direction of a byte stream: limited buffers, latency, bandwidth, pieces cut anywhere, stalls, and an end (in order, or a reset) at any byte. */
#ifndef SIM_PIPE_H
#define SIM_PIPE_H

#include "world.h"

/* How what is written is cut into the pieces that arrive. */
enum sim_cut {
    SIM_CUT_WHOLE,  /* as it was written */
    SIM_CUT_RANDOM, /* at random places */
    SIM_CUT_BYTES   /* one byte at a time, for the first SIM_TRICKLE_MAX bytes */
};

#define SIM_TRICKLE_MAX 3000

enum sim_end { SIM_END_NONE,
               SIM_END_FIN,
               SIM_END_RESET };

/* Line parameters. */
struct sim_line {
    uint64_t latency_ns, jitter_ns;
    uint64_t bytes_per_s; /* 0: without limit */
    size_t buffer;        /* bytes written and not yet read at the other side */
    enum sim_cut cut;
};

struct sim_piece {
    uint64_t end; /* the stream offset behind it */
    uint64_t arrives_ns;
};

struct sim_pipe {
    struct sim_world *world;
    struct sim_line line;
    void (*arrived)(void *context); /* bytes or the end can be read */
    void (*room)(void *context);    /* after a write was refused */
    void *context;
    uint8_t *bytes; /* from offset `consumed` on */
    size_t begin, capacity;
    uint64_t written, here, consumed; /* stream offsets: written <= here <= consumed from the other side */
    struct sim_piece *pieces;
    uint32_t piece_first, piece_count, piece_capacity;
    uint64_t last_arrival_ns;
    struct sim_event arrival, room_event;
    bool stalled;  /* nothing arrives until it is lifted */
    bool refused;  /* a write found no room */
    bool closed;   /* the writer has ended it */
    bool end_here; /* the end has arrived */
    bool discards; /* a reset that arrives takes unread bytes with it */
    enum sim_end end;
    uint64_t end_arrives_ns;
    uint64_t break_at; /* at this offset the stream ends with break_end, whatever the writer says; 0: does not */
    enum sim_end break_end;
};

void sim_pipe_init(struct sim_pipe *pipe, struct sim_world *world, const struct sim_line *line, void *context);
void sim_pipe_deinit(struct sim_pipe *pipe);
/* Returns how many bytes were taken. */
size_t sim_pipe_write(struct sim_pipe *pipe, const void *data, size_t length);
/* Bytes that can be written now. */
size_t sim_pipe_room(const struct sim_pipe *pipe);
/* Bytes that can be read now. */
size_t sim_pipe_available(const struct sim_pipe *pipe);
/* Reads up to `length` bytes. */
size_t sim_pipe_read(struct sim_pipe *pipe, void *data, size_t length);
/* What the reader meets after all that is available: an end that has arrived. */
enum sim_end sim_pipe_met(const struct sim_pipe *pipe);
/* The writer ends it, in order or by reset. A reset drops some of what is under way, by chance. */
void sim_pipe_end(struct sim_pipe *pipe, enum sim_end end);
/* Nothing arrives (true), or what is under way arrives now (false). */
void sim_pipe_stall(struct sim_pipe *pipe, bool stalled);
/* The stream breaks after `offset` more bytes were written (0: at once). */
void sim_pipe_break(struct sim_pipe *pipe, uint64_t offset, enum sim_end end);

#endif
