/* Spoils replies: see mischief.h. */
#include "mischief.h"

#include <stdlib.h>
#include <string.h>

#include "server.h"

const char *const sim_mischief_names[SIM_MISCHIEF_KINDS] = {"none",
                                                            "garbage",
                                                            "binary",
                                                            "blank line",
                                                            "wrong key",
                                                            "extra value",
                                                            "duplicate",
                                                            "no END",
                                                            "no CRLF",
                                                            "short length",
                                                            "long length",
                                                            "huge length",
                                                            "negative length",
                                                            "overflow length",
                                                            "ERROR",
                                                            "SERVER_ERROR",
                                                            "wrong kind",
                                                            "endless line",
                                                            "error for a noreply",
                                                            "extra line"};

/* The reply, taken out of the output to be put back changed. */
struct reply {
    struct sim_conn *conn;
    char *text; /* terminated */
    size_t length;
};

static bool is_value(const struct reply *reply)
{
    return reply->length > 6 && memcmp(reply->text, "VALUE ", 6) == 0;
}

static bool begins(const struct reply *reply, const char *words)
{
    return reply->length >= strlen(words) && memcmp(reply->text, words, strlen(words)) == 0;
}

static size_t line_length(const struct reply *reply)
{
    const char *end = memchr(reply->text, '\n', reply->length);
    return end == NULL ? reply->length : (size_t)(end - reply->text) + 1;
}

/* Where word number `index` of the first line begins, and how long it is. */
static size_t word_at(const struct reply *reply, uint32_t index, size_t *length_out)
{
    size_t at = 0;
    while (index > 0) {
        index -= reply->text[at++] == ' ';
    }
    *length_out = strcspn(reply->text + at, " \r");
    return at;
}

static void replace_word(const struct reply *reply, uint32_t index, const char *with)
{
    size_t length, at = word_at(reply, index, &length);
    sim_conn_put(reply->conn, reply->text, at);
    sim_conn_put(reply->conn, with, strlen(with));
    sim_conn_put(reply->conn, reply->text + at + length, reply->length - at - length);
}

static void change_length(const struct reply *reply, int64_t by)
{
    char text[32];
    size_t length, at = word_at(reply, 3, &length);
    (void)length;
    snprintf(text, sizeof text, "%lld", strtoll(reply->text + at, NULL, 10) + (long long)by);
    replace_word(reply, 3, text);
}

static size_t first_value_length(const struct reply *reply)
{
    size_t length, at = word_at(reply, 3, &length);
    return line_length(reply) + (size_t)strtoull(reply->text + at, NULL, 10) + 2;
}

static void put_all(const struct reply *reply)
{
    sim_conn_put(reply->conn, reply->text, reply->length);
}

static bool spoil_value(enum sim_mischief_kind kind, const struct reply *reply)
{
    switch (kind) {
    case SIM_MISCHIEF_WRONG_KEY:
        replace_word(reply, 1, "a-key-nobody-asked-for");
        return true;
    case SIM_MISCHIEF_EXTRA_VALUE:
        sim_conn_say(reply->conn, "VALUE a-key-nobody-asked-for 0 2\r\nno\r\n");
        put_all(reply);
        return true;
    case SIM_MISCHIEF_DUPLICATE:
        sim_conn_put(reply->conn, reply->text, first_value_length(reply));
        put_all(reply);
        return true;
    case SIM_MISCHIEF_NO_CRLF:
        sim_conn_put(reply->conn, reply->text, first_value_length(reply) - 2);
        sim_conn_put(reply->conn, reply->text + first_value_length(reply), reply->length - first_value_length(reply));
        return true;
    case SIM_MISCHIEF_SHORT_LENGTH:
        change_length(reply, first_value_length(reply) > line_length(reply) + 2 ? -1 : 1);
        return true;
    case SIM_MISCHIEF_LONG_LENGTH:
        change_length(reply, 3);
        return true;
    case SIM_MISCHIEF_HUGE_LENGTH:
        replace_word(reply, 3, "99999999999999");
        return true;
    case SIM_MISCHIEF_NEGATIVE_LENGTH:
        replace_word(reply, 3, "-1");
        return true;
    case SIM_MISCHIEF_OVERFLOW_LENGTH:
        replace_word(reply, 3, "18446744073709551621");
        return true;
    default:
        return false;
    }
}

/* A reply that this command never has. */
static bool wrong_kind(const struct reply *reply)
{
    const char *with = begins(reply, "STORED") || begins(reply, "NOT_STORED") || begins(reply, "EXISTS") ? "TOUCHED\r\n"
                       : begins(reply, "VALUE") || begins(reply, "END")                                  ? "STORED\r\n"
                       : begins(reply, "VERSION")                                                        ? "DELETED\r\n"
                       : begins(reply, "DELETED") || begins(reply, "TOUCHED") || begins(reply, "OK")
                           ? "STORED\r\n"
                           : "VERSION 1.6.0\r\n";
    sim_conn_put(reply->conn, with, strlen(with));
    return true;
}

static void endless_line(const struct reply *reply)
{
    char dots[1024];
    memset(dots, '.', sizeof dots);
    for (int i = 0; i < 80; i++) {
        sim_conn_put(reply->conn, dots, sizeof dots);
    }
}

/* Nothing that waits to be sent answers a get or a fence well (memcached sends those before it reads on), or is no memcached's. */
static bool may_be_dropped(const struct sim_conn *conn)
{
    static const char *const kept[] = {"END\r\n", "MN\r\n", "busy\r\n", "failure\r\n"};
    bool kept_any = conn->out_begin > 0 || conn->out_end == 0;
    for (size_t i = 0; i < sizeof kept / sizeof kept[0] && !kept_any; i++) {
        kept_any = memmem(conn->out, conn->out_end, kept[i], strlen(kept[i])) != NULL;
    }
    return !kept_any;
}

/* SERVER_ERROR as those have it who are met: a proxy that says it in the place of one key's answer and goes on; memcached without memory for an
 * answer, which drops what it has not sent; and one that says it in the place of anything. */
static void server_error(const struct reply *reply)
{
    static const char gets_words[] = "SERVER_ERROR out of memory writing get response\r\n";
    size_t first = is_value(reply) ? first_value_length(reply) : 0;
    bool several = first > 0 && reply->length > first + 6 && memcmp(reply->text + first, "VALUE ", 6) == 0;
    bool retrieval = is_value(reply) || begins(reply, "END");
    if (several && reply->length % 3 != 0) {
        sim_conn_say(reply->conn, "SERVER_ERROR backend failure\r\n");
        sim_conn_put(reply->conn, reply->text + first, reply->length - first);
        return;
    }
    if (retrieval && may_be_dropped(reply->conn)) {
        reply->conn->out_end = 0;
        sim_conn_say(reply->conn, gets_words);
        return;
    }
    sim_conn_say(reply->conn, retrieval && reply->length % 2 == 0 ? gets_words : "SERVER_ERROR busy\r\n");
}

static bool spoil_any(enum sim_mischief_kind kind, const struct reply *reply)
{
    switch (kind) {
    case SIM_MISCHIEF_GARBAGE:
        sim_conn_say(reply->conn, "HTTP/1.1 400 Bad Request\r\n");
        return true;
    case SIM_MISCHIEF_BINARY:
        sim_conn_put(reply->conn, "\x81\x00\x00\x00\x7f\xff\x00\n\x01\r\n", 11);
        return true;
    case SIM_MISCHIEF_BLANK_LINE:
        sim_conn_say(reply->conn, "\r\n");
        put_all(reply);
        return true;
    case SIM_MISCHIEF_ERROR:
        sim_conn_say(reply->conn, "ERROR\r\n");
        return true;
    case SIM_MISCHIEF_SERVER_ERROR:
        server_error(reply);
        return true;
    case SIM_MISCHIEF_WRONG_KIND:
        return wrong_kind(reply);
    case SIM_MISCHIEF_ENDLESS_LINE:
        endless_line(reply);
        return true;
    case SIM_MISCHIEF_EXTRA_LINE:
        put_all(reply);
        sim_conn_say(reply->conn, "and another thing\r\n");
        return true;
    default:
        return false;
    }
}

/* A binary reply: of another opaque, of another opcode, twice, or no reply at all. */
static bool spoil_binary(enum sim_mischief_kind kind, const struct reply *reply)
{
    char *text = reply->text;
    switch (kind % 4) {
    case 0:
        text[13] = (char)(text[13] ^ 0x40);
        break;
    case 1:
        text[1] = 0x7e;
        break;
    case 2:
        put_all(reply);
        break;
    default:
        text[0] = 'H';
        break;
    }
    put_all(reply);
    return true;
}

static bool spoil(enum sim_mischief_kind kind, const struct reply *reply)
{
    if (reply->conn->server->binary) {
        return spoil_binary(kind, reply);
    }
    if (kind == SIM_MISCHIEF_NO_END) {
        bool ends = is_value(reply) && reply->length > 5 && memcmp(reply->text + reply->length - 5, "END\r\n", 5) == 0;
        if (ends) { /* another get's END or error behind it would pass for its own: here comes nothing more, or what can't */
            sim_conn_put(reply->conn, reply->text, reply->length - 5);
            sim_conn_say(reply->conn, "%s", reply->length % 2 == 0 ? "" : "STORED\r\n");
            reply->conn->mutes = true;
        }
        return ends;
    }
    return (is_value(reply) && spoil_value(kind, reply)) || spoil_any(kind, reply);
}

void sim_mischief_noreply(struct sim_mischief *mischief, struct sim_conn *conn)
{
    if (mischief->kind != SIM_MISCHIEF_NOREPLY_ERROR || mischief->times == 0) {
        return;
    }
    mischief->times--;
    mischief->done++;
    sim_trace(conn->server->world, "fault: %s answers a noreply with an error", conn->server->name);
    sim_conn_say(conn, "SERVER_ERROR out of memory storing object\r\n");
}

/* An answer with a value; with two of them where one gives way to an error. */
static bool suits_hits(enum sim_mischief_kind kind, const void *reply, size_t length)
{
    static const char next[] = "\r\nVALUE ";
    return length > 6 && memcmp(reply, "VALUE ", 6) == 0 &&
           (kind != SIM_MISCHIEF_SERVER_ERROR || memmem(reply, length, next, sizeof next - 1) != NULL);
}

void sim_mischief_touch(struct sim_mischief *mischief, struct sim_conn *conn, size_t begin)
{
    size_t at = conn->out_begin + begin;
    size_t length = conn->out_end - at;
    if (mischief->kind == SIM_MISCHIEF_NONE || mischief->kind == SIM_MISCHIEF_NOREPLY_ERROR || mischief->times == 0 ||
        length == 0) {
        return;
    }
    if (mischief->hits &&
        !(suits_hits(mischief->kind, conn->out + at, length) && sim_chance(conn->server->world, 30))) {
        return;
    }
    if (mischief->after > 0) {
        mischief->after--;
        return;
    }
    struct reply reply = {conn, malloc(length + 1), length};
    if (reply.text == NULL) {
        abort();
    }
    memcpy(reply.text, conn->out + at, length);
    reply.text[length] = 0;
    conn->out_end = at;
    if (spoil(mischief->kind, &reply)) {
        mischief->times--;
        mischief->done++;
        sim_trace(conn->server->world, "fault: %s spoils a reply: %s", conn->server->name,
                  sim_mischief_names[mischief->kind]);
    } else {
        put_all(&reply);
    }
    free(reply.text);
}
