/* One direction of a byte stream: see pipe.h. Offsets count from the stream's first byte; the bytes kept are those not yet read. */
#include "pipe.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"

#define PIECE_MAX 1460 /* what random cuts make at most */

static void pieces_arrive(struct sim_event *event);
static void tell_room(struct sim_event *event);

void sim_pipe_init(struct sim_pipe *pipe, struct sim_world *world, const struct sim_line *line, void *context)
{
    memset(pipe, 0, sizeof *pipe);
    pipe->world = world;
    pipe->line = *line;
    pipe->context = context;
    pipe->break_at = UINT64_MAX;
}

void sim_pipe_deinit(struct sim_pipe *pipe)
{
    sim_event_clear(pipe->world, &pipe->arrival);
    sim_event_clear(pipe->world, &pipe->room_event);
    free(pipe->bytes);
    free(pipe->pieces);
    pipe->bytes = NULL;
    pipe->pieces = NULL;
    pipe->piece_count = 0;
    pipe->written = pipe->here = pipe->consumed;
}

/* ------------------------------------------------------------------ arrival */

static void schedule(struct sim_pipe *pipe)
{
    if (pipe->stalled) {
        sim_event_clear(pipe->world, &pipe->arrival);
    } else if (pipe->piece_count > 0) {
        sim_event_set(pipe->world, &pipe->arrival, pieces_arrive, pipe->pieces[pipe->piece_first].arrives_ns);
    } else if (pipe->end != SIM_END_NONE && !pipe->end_here) {
        sim_event_set(pipe->world, &pipe->arrival, pieces_arrive, pipe->end_arrives_ns);
    }
}

static void end_arrives(struct sim_pipe *pipe)
{
    pipe->end_here = true;
    if (pipe->end == SIM_END_RESET && pipe->discards) {
        pipe->begin += (size_t)(pipe->here - pipe->consumed);
        pipe->consumed = pipe->here;
    }
}

static void pieces_arrive(struct sim_event *event)
{
    struct sim_pipe *pipe = EMC__CONTAINER_OF(event, struct sim_pipe, arrival);
    uint64_t now = pipe->world->now_ns;
    while (pipe->piece_count > 0 && pipe->pieces[pipe->piece_first].arrives_ns <= now) {
        pipe->here = pipe->pieces[pipe->piece_first].end;
        pipe->piece_first++;
        pipe->piece_count--;
    }
    if (pipe->piece_count == 0) {
        pipe->piece_first = 0;
        if (pipe->end != SIM_END_NONE && !pipe->end_here && pipe->end_arrives_ns <= now) {
            end_arrives(pipe);
        }
    }
    schedule(pipe);
    if (pipe->arrived != NULL) {
        pipe->arrived(pipe->context);
    }
}

void sim_pipe_stall(struct sim_pipe *pipe, bool stalled)
{
    pipe->stalled = stalled;
    schedule(pipe);
}

/* ------------------------------------------------------------------ writing */

static uint64_t arrival_time(struct sim_pipe *pipe, size_t length)
{
    const struct sim_line *line = &pipe->line;
    uint64_t at = pipe->world->now_ns + line->latency_ns + emc__random_below(&pipe->world->random, line->jitter_ns + 1);
    at = at < pipe->last_arrival_ns ? pipe->last_arrival_ns : at;
    if (line->bytes_per_s > 0) {
        at += (uint64_t)length * SIM_S / line->bytes_per_s;
    }
    pipe->last_arrival_ns = at;
    return at;
}

static void add_piece(struct sim_pipe *pipe, size_t length)
{
    if (pipe->piece_first + pipe->piece_count == pipe->piece_capacity) {
        if (pipe->piece_first > pipe->piece_count) {
            memmove(pipe->pieces, pipe->pieces + pipe->piece_first, pipe->piece_count * sizeof *pipe->pieces);
            pipe->piece_first = 0;
        } else {
            pipe->piece_capacity = pipe->piece_capacity == 0 ? 16 : pipe->piece_capacity * 2;
            pipe->pieces = realloc(pipe->pieces, pipe->piece_capacity * sizeof *pipe->pieces);
            if (pipe->pieces == NULL) {
                abort();
            }
        }
    }
    uint32_t at = pipe->piece_first + pipe->piece_count++;
    pipe->pieces[at] = (struct sim_piece){pipe->written + length, arrival_time(pipe, length)};
    pipe->written += length;
}

static size_t piece_length(struct sim_pipe *pipe, size_t left)
{
    if (pipe->line.cut == SIM_CUT_BYTES && pipe->written < SIM_TRICKLE_MAX) {
        pipe->last_arrival_ns += 2 * SIM_US; /* so that each comes alone */
        return 1;
    }
    if (pipe->line.cut == SIM_CUT_WHOLE) {
        return left;
    }
    bool tiny = emc__random_below(&pipe->world->random, 4) == 0;
    size_t length = 1 + (size_t)emc__random_below(&pipe->world->random, tiny ? 16 : PIECE_MAX);
    pipe->last_arrival_ns += emc__random_below(&pipe->world->random, 20 * SIM_US);
    return length < left ? length : left;
}

static void keep(struct sim_pipe *pipe, const void *data, size_t length)
{
    size_t held = (size_t)(pipe->written - pipe->consumed);
    if (pipe->begin + held + length > pipe->capacity) {
        if (held + length > pipe->capacity / 2) {
            size_t capacity = pipe->capacity == 0 ? 1024 : pipe->capacity;
            while (capacity < 2 * (held + length)) {
                capacity *= 2;
            }
            uint8_t *bytes = malloc(capacity);
            if (bytes == NULL) {
                abort();
            }
            if (held > 0) {
                memcpy(bytes, pipe->bytes + pipe->begin, held);
            }
            free(pipe->bytes);
            pipe->bytes = bytes;
            pipe->capacity = capacity;
        } else if (held > 0) {
            memmove(pipe->bytes, pipe->bytes + pipe->begin, held);
        }
        pipe->begin = 0;
    }
    memcpy(pipe->bytes + pipe->begin + held, data, length);
}

size_t sim_pipe_room(const struct sim_pipe *pipe)
{
    uint64_t held = pipe->written - pipe->consumed;
    return pipe->closed || held >= pipe->line.buffer ? 0 : pipe->line.buffer - (size_t)held;
}

static void write_pieces(struct sim_pipe *pipe, const uint8_t *data, size_t length)
{
    keep(pipe, data, length);
    for (size_t done = 0; done < length;) {
        size_t piece = piece_length(pipe, length - done);
        add_piece(pipe, piece);
        done += piece;
    }
    schedule(pipe);
}

size_t sim_pipe_write(struct sim_pipe *pipe, const void *data, size_t length)
{
    size_t room = sim_pipe_room(pipe);
    if (pipe->end != SIM_END_NONE && !pipe->closed) {
        return length; /* broken below: what is written goes nowhere */
    }
    if (room < length) {
        pipe->refused = true;
        length = room;
    }
    bool breaks = pipe->break_at - pipe->written <= length;
    size_t kept = breaks ? (size_t)(pipe->break_at - pipe->written) : length;
    if (kept > 0) {
        write_pieces(pipe, data, kept);
    }
    if (breaks) {
        pipe->end = pipe->break_end;
        pipe->end_arrives_ns = arrival_time(pipe, 0);
        schedule(pipe);
    }
    return length;
}

void sim_pipe_break(struct sim_pipe *pipe, uint64_t offset, enum sim_end end)
{
    if (pipe->end != SIM_END_NONE) {
        return;
    }
    pipe->break_at = pipe->written + offset;
    pipe->break_end = end;
    if (offset == 0) {
        pipe->end = end;
        pipe->end_arrives_ns = arrival_time(pipe, 0);
        schedule(pipe);
    }
}

/* What was written but has not arrived may be lost with a reset: all of it, some, or nothing. */
static void lose_some(struct sim_pipe *pipe)
{
    uint64_t lost_from = pipe->here + emc__random_below(&pipe->world->random, pipe->written - pipe->here + 1);
    pipe->written = lost_from;
    while (pipe->piece_count > 0) {
        struct sim_piece *last = &pipe->pieces[pipe->piece_first + pipe->piece_count - 1];
        uint64_t begins = pipe->piece_count > 1 ? (last - 1)->end : pipe->here;
        if (begins >= lost_from) {
            pipe->piece_count--;
            continue;
        }
        last->end = last->end < lost_from ? last->end : lost_from;
        break;
    }
}

void sim_pipe_end(struct sim_pipe *pipe, enum sim_end end)
{
    bool had_end = pipe->end != SIM_END_NONE;
    pipe->closed = true;
    sim_event_clear(pipe->world, &pipe->room_event);
    if (had_end) {
        return;
    }
    if (end == SIM_END_RESET) {
        lose_some(pipe);
    }
    pipe->end = end;
    pipe->end_arrives_ns = arrival_time(pipe, 0);
    schedule(pipe);
}

/* ------------------------------------------------------------------ reading */

size_t sim_pipe_available(const struct sim_pipe *pipe)
{
    return (size_t)(pipe->here - pipe->consumed);
}

static void tell_room(struct sim_event *event)
{
    struct sim_pipe *pipe = EMC__CONTAINER_OF(event, struct sim_pipe, room_event);
    if (pipe->room != NULL) {
        pipe->room(pipe->context);
    }
}

size_t sim_pipe_read(struct sim_pipe *pipe, void *data, size_t length)
{
    size_t available = sim_pipe_available(pipe);
    length = length < available ? length : available;
    if (length == 0) {
        return 0;
    }
    memcpy(data, pipe->bytes + pipe->begin, length);
    pipe->begin += length;
    pipe->consumed += length;
    if (pipe->refused && !pipe->closed) {
        pipe->refused = false;
        sim_event_set(pipe->world, &pipe->room_event, tell_room, pipe->world->now_ns + pipe->line.latency_ns);
    }
    return length;
}

enum sim_end sim_pipe_met(const struct sim_pipe *pipe)
{
    return pipe->end_here && pipe->here == pipe->consumed ? pipe->end : SIM_END_NONE;
}
