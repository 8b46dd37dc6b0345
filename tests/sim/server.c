/* A simulated memcached's connections: bytes in, lines and values out of them, bytes out as the link takes them. See server.h. */
#include "server.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"

#define READ_MAX   65536 /* what one turn reads at most */
#define OUT_MAX    65536 /* a connection with more to say says it before it reads on */
#define SERVICE_NS (20 * SIM_US)

static void work(struct sim_event *event);

void sim_server_init(struct sim_server *server, struct sim_world *world, const struct sim_observer *observer,
                     uint32_t number, const char *name)
{
    memset(server, 0, sizeof *server);
    server->world = world;
    server->number = number;
    server->name = sim_world_text(world, "%s", name);
    server->generation = SIM_GENERATION_18;
    server->service_ns = SERVICE_NS;
    sim_store_init(&server->store, world, observer, number);
}

const char *sim_server_version(const struct sim_server *server)
{
    return server->generation == SIM_GENERATION_18 ? "1.6.18" : "1.6.45";
}

/* ------------------------------------------------------------------ life of a connection */

static void schedule(struct sim_conn *conn)
{
    struct sim_server *server = conn->server;
    if (!server->stopped && !sim_event_is_set(&conn->work)) {
        uint64_t delay = server->service_ns + emc__random_below(&server->world->random, server->service_jitter_ns + 1);
        sim_event_set(server->world, &conn->work, work, server->world->now_ns + delay);
    }
}

static void release(struct sim_conn *conn)
{
    struct sim_conn **at = &conn->server->conns;
    while (*at != conn) {
        at = &(*at)->next;
    }
    *at = conn->next;
    sim_event_clear(conn->server->world, &conn->work);
    free(conn->in);
    free(conn->out);
    free(conn);
}

static void *refuse(const struct sim_server *server, struct sim_link *link)
{
    static const char words[] = "ERROR Too many open connections\r\n";
    sim_pipe_write(&link->down, words, sizeof words - 1);
    sim_link_service_close(link, server->closes_with_reset ? SIM_END_RESET : SIM_END_FIN);
    return NULL;
}

static void *accept_(void *context, struct sim_link *link)
{
    struct sim_server *server = context;
    uint32_t count = 0;
    for (const struct sim_conn *conn = server->conns; conn != NULL; conn = conn->next) {
        count++;
    }
    if (server->connections_max > 0 && count >= server->connections_max) {
        return refuse(server, link);
    }
    struct sim_conn *conn = calloc(1, sizeof *conn);
    if (conn == NULL) {
        abort();
    }
    conn->server = server;
    conn->link = link;
    conn->authenticated = server->username == NULL;
    conn->next = server->conns;
    server->conns = conn;
    return conn;
}

static void wake(void *connection)
{
    schedule(connection);
}

static void gone(void *connection)
{
    release(connection);
}

const struct sim_service sim_server_service = {accept_, wake, gone};

static void end(struct sim_conn *conn)
{
    struct sim_link *link = conn->link;
    enum sim_end how = conn->server->closes_with_reset ? SIM_END_RESET : SIM_END_FIN;
    release(conn);
    sim_link_service_close(link, how);
}

void sim_conn_close(struct sim_conn *conn)
{
    conn->closing = true;
    conn->reading = SIM_READING_NOTHING;
}

/* ------------------------------------------------------------------ output */

void sim_conn_put(struct sim_conn *conn, const void *bytes, size_t length)
{
    if (conn->out_end + length > conn->out_capacity) {
        conn->out_capacity = 2 * (conn->out_end + length) + 256;
        conn->out = realloc(conn->out, conn->out_capacity);
        if (conn->out == NULL) {
            abort();
        }
    }
    if (length > 0) {
        memcpy(conn->out + conn->out_end, bytes, length);
        conn->out_end += length;
    }
}

void sim_conn_say(struct sim_conn *conn, const char *format, ...)
{
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    sim_conn_put(conn, text, (size_t)length);
}

/* True when everything was taken. */
static bool flush(struct sim_conn *conn)
{
    conn->mute |= conn->server->silent; /* for good: a stream does not go on behind a hole */
    if (conn->link->client_done || conn->mute) {
        conn->out_begin = conn->out_end = 0;
    }
    conn->mute |= conn->mutes;
    if (conn->out_end > conn->out_begin) {
        conn->out_begin += sim_pipe_write(&conn->link->down, conn->out + conn->out_begin,
                                          conn->out_end - conn->out_begin);
    }
    if (conn->out_begin < conn->out_end) {
        return false;
    }
    conn->out_begin = conn->out_end = 0;
    return true;
}

void sim_server_blurt(struct sim_server *server, const char *bytes, size_t length)
{
    for (struct sim_conn *conn = server->conns; conn != NULL; conn = conn->next) {
        sim_conn_put(conn, bytes, length);
        schedule(conn);
    }
}

/* ------------------------------------------------------------------ words */

bool sim_word_is(struct emc__slice word, const char *text)
{
    return word.length == strlen(text) && memcmp(word.data, text, word.length) == 0;
}

bool sim_word_number(struct emc__slice word, uint64_t *number_out)
{
    uint64_t number = 0;
    if (word.length == 0 || word.length > 20) {
        return false;
    }
    for (size_t i = 0; i < word.length; i++) {
        uint8_t digit = (uint8_t)(word.data[i] - '0');
        if (digit > 9 || number > (UINT64_MAX - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
    }
    *number_out = number;
    return true;
}

bool sim_word_signed(struct emc__slice word, int64_t *number_out)
{
    bool negative = word.length > 0 && word.data[0] == '-';
    struct emc__slice digits = {word.data + negative, word.length - negative};
    uint64_t number;
    if (!sim_word_number(digits, &number) || number > INT64_MAX) {
        return false;
    }
    *number_out = negative ? -(int64_t)number : (int64_t)number;
    return true;
}

static void split(struct sim_words *words, const uint8_t *line, size_t length)
{
    words->line = line;
    words->line_length = length;
    words->count = 0;
    size_t at = 0;
    while (at < length && words->count < SIM_WORDS_MAX) {
        while (at < length && line[at] == ' ') {
            at++;
        }
        size_t begin = at;
        while (at < length && line[at] != ' ') {
            at++;
        }
        if (at > begin) {
            words->word[words->count++] = (struct emc__slice){line + begin, at - begin};
        }
    }
}

/* ------------------------------------------------------------------ input */

void sim_conn_malformed(struct sim_conn *conn, const char *words)
{
    const struct sim_observer *observer = conn->server->store.observer;
    if (observer != NULL) {
        observer->malformed(observer->context, conn->server->number, words);
    }
}

void sim_conn_expect_value(struct sim_conn *conn, size_t length, bool swallow)
{
    conn->reading = swallow ? SIM_READING_SWALLOW : SIM_READING_VALUE;
    conn->value_left = length + 2;
}

static void trace_line(const struct sim_conn *conn, const uint8_t *line, size_t length)
{
    if (conn->server->world->trace) {
        sim_trace(conn->server->world, "link %u: %s hears %.*s%s", conn->link->number, conn->server->name,
                  (int)(length < 600 ? length : 600), (const char *)line, length > 600 ? " ..." : "");
    }
}

static void trace_reply(const struct sim_conn *conn, size_t begin)
{
    const uint8_t *reply = conn->out + conn->out_begin + begin;
    size_t length = conn->out_end - conn->out_begin - begin;
    if (conn->server->world->trace && length > 0 && !conn->server->binary) {
        const uint8_t *line_end = memchr(reply, '\r', length);
        size_t line = line_end == NULL ? length : (size_t)(line_end - reply);
        sim_trace(conn->server->world, "link %u: %s says %.*s (%zu bytes)", conn->link->number, conn->server->name,
                  (int)(line < 120 ? line : 120), (const char *)reply, length);
    }
}

static void carry_out(struct sim_conn *conn, const uint8_t *line, size_t length)
{
    struct sim_words words;
    split(&words, line, length);
    trace_line(conn, line, length);
    conn->commands++;
    conn->server->commands++;
    bool known = words.count > 0 &&
                 (sim_text_line(conn, &words) || sim_meta_line(conn, &words) || sim_admin_line(conn, &words));
    if (!known) {
        sim_conn_malformed(conn, sim_world_text(conn->server->world, "unknown command: %.*s",
                                                (int)(length < 200 ? length : 200), (const char *)line));
        sim_conn_say(conn, "ERROR\r\n");
    }
}

static bool unbounded_line(const uint8_t *line, size_t length)
{
    return (length >= 4 && memcmp(line, "get ", 4) == 0) || (length >= 5 && memcmp(line, "gets ", 5) == 0);
}

static bool step_line(struct sim_conn *conn)
{
    const uint8_t *line = conn->in + conn->in_begin;
    size_t held = conn->in_end - conn->in_begin;
    const uint8_t *newline = held == 0 ? NULL : memchr(line, '\n', held);
    size_t taken = newline == NULL ? held : (size_t)(newline - line) + 1;
    if (taken > SIM_LINE_MAX && !unbounded_line(line, held)) {
        sim_conn_malformed(conn, "a line of more than 2048 bytes");
        sim_conn_close(conn);
        return false;
    }
    if (newline == NULL) {
        return false;
    }
    conn->in_begin += taken;
    size_t length = taken - 1;
    length -= length > 0 && line[length - 1] == '\r';
    carry_out(conn, line, length);
    return true;
}

static bool step_swallow(struct sim_conn *conn)
{
    size_t held = conn->in_end - conn->in_begin;
    size_t dropped = held < conn->value_left ? held : conn->value_left;
    conn->in_begin += dropped;
    conn->value_left -= dropped;
    if (conn->value_left == 0) {
        conn->reading = SIM_READING_LINE;
    }
    return dropped > 0;
}

static bool step_value(struct sim_conn *conn)
{
    size_t length = conn->value_left;
    if (conn->in_end - conn->in_begin < length) {
        return false;
    }
    const uint8_t *value = conn->in + conn->in_begin;
    conn->in_begin += length;
    conn->reading = SIM_READING_LINE;
    if (memcmp(value + length - 2, "\r\n", 2) != 0) {
        sim_conn_malformed(conn, "a value without its CRLF");
        sim_conn_say(conn, "CLIENT_ERROR bad data chunk\r\n");
        return true;
    }
    conn->awaiting.request.key.data = conn->awaiting.key;
    conn->awaiting.request.value = value;
    conn->awaiting.request.length = length - 2;
    (conn->awaiting.meta ? sim_meta_value : sim_text_value)(conn);
    return true;
}

static bool step(struct sim_conn *conn)
{
    size_t begin = conn->out_end - conn->out_begin;
    bool went;
    if (conn->mutes && !conn->mute) {
        return false; /* nothing behind what is the last */
    }
    switch (conn->reading) {
    case SIM_READING_LINE:
        went = conn->server->binary ? sim_binary_step(conn) : step_line(conn);
        break;
    case SIM_READING_VALUE:
        went = step_value(conn);
        break;
    case SIM_READING_SWALLOW:
        went = step_swallow(conn);
        break;
    default:
        return false;
    }
    sim_mischief_touch(&conn->server->mischief, conn, begin);
    trace_reply(conn, begin);
    return went;
}

static void take_in(struct sim_conn *conn)
{
    size_t length = sim_pipe_available(&conn->link->up), held = conn->in_end - conn->in_begin;
    length = length < READ_MAX ? length : READ_MAX;
    if (conn->in_begin > 0) {
        memmove(conn->in, conn->in + conn->in_begin, held);
        conn->in_begin = 0;
        conn->in_end = held;
    }
    if (held + length > conn->in_capacity) {
        conn->in_capacity = 2 * (held + length);
        conn->in = realloc(conn->in, conn->in_capacity);
        if (conn->in == NULL) {
            abort();
        }
    }
    conn->in_end += sim_pipe_read(&conn->link->up, conn->in + conn->in_end, length);
}

static bool more_to_do(const struct sim_conn *conn)
{
    return sim_pipe_available(&conn->link->up) > 0;
}

static void work(struct sim_event *event)
{
    struct sim_conn *conn = EMC__CONTAINER_OF(event, struct sim_conn, work);
    if (conn->server->stopped || !flush(conn)) {
        return; /* woken again when it goes on, or there is room */
    }
    take_in(conn);
    while (conn->out_end - conn->out_begin < OUT_MAX && step(conn)) {
    }
    bool said = flush(conn);
    if (conn->closing && said) {
        end(conn);
    } else if (said && (more_to_do(conn) || step(conn))) {
        schedule(conn);
    } else if (said && sim_pipe_met(&conn->link->up) != SIM_END_NONE) {
        end(conn);
    }
}

/* ------------------------------------------------------------------ the process */

void sim_server_stop(struct sim_server *server, bool stopped)
{
    sim_trace(server->world, "%s: %s %s", stopped ? "fault" : "fault over", server->name,
              stopped ? "stands still" : "goes on");
    server->stopped = stopped;
    for (struct sim_conn *conn = server->conns; conn != NULL; conn = conn->next) {
        if (stopped) {
            sim_event_clear(server->world, &conn->work);
        } else {
            schedule(conn);
        }
    }
}

void sim_server_end_mute(struct sim_server *server)
{
    struct sim_conn *conn = server->conns;
    while (conn != NULL) {
        struct sim_conn *next = conn->next;
        if (conn->mute) {
            end(conn);
        }
        conn = next;
    }
}

void sim_server_restart(struct sim_server *server)
{
    sim_store_clear(&server->store);
    server->stopped = server->silent = server->crawler_busy = false;
}

void sim_server_deinit(struct sim_server *server)
{
    sim_store_deinit(&server->store);
}
