/* The text protocol's commands on keys: storage, retrieval, delete, incr, decr, touch. Errors as reference/protocol.md section 1 has them, for both
 * generations. */
#include <inttypes.h>
#include <string.h>

#include "server.h"

static const struct {
    const char *word;
    enum sim_verb verb;
} storage_words[] = {{"set", SIM_SET},       {"add", SIM_ADD},         {"replace", SIM_REPLACE},
                     {"append", SIM_APPEND}, {"prepend", SIM_PREPEND}, {"cas", SIM_CAS}};

static bool has_noreply(const struct sim_words *words, uint32_t fixed)
{
    return words->count > fixed && sim_word_is(words->word[words->count - 1], "noreply");
}

static void say_unless(struct sim_conn *conn, bool noreply, const char *line)
{
    if (!noreply) {
        sim_conn_say(conn, "%s\r\n", line);
    } else {
        sim_mischief_noreply(&conn->server->mischief, conn);
    }
}

/* ------------------------------------------------------------------ storage */

/* ASCII authentication looks like a storage command with whatever stands in its fields. */
static void authenticate_line(struct sim_conn *conn, const struct sim_words *words)
{
    uint64_t length;
    if (words->count != 5 || !sim_word_is(words->word[0], "set") || !sim_word_number(words->word[4], &length)) {
        sim_conn_say(conn, "CLIENT_ERROR unauthenticated\r\n");
        sim_conn_malformed(conn, "a command before the authentication was answered");
        return;
    }
    memset(&conn->awaiting, 0, sizeof conn->awaiting);
    conn->awaiting.authentication = true;
    sim_conn_expect_value(conn, (size_t)length, false);
}

static void authenticate_value(struct sim_conn *conn)
{
    char wanted[600];
    const struct sim_request *request = &conn->awaiting.request;
    int length = snprintf(wanted, sizeof wanted, "%s %s", conn->server->username, conn->server->password);
    if (request->length != (size_t)length || memcmp(request->value, wanted, request->length) != 0) {
        sim_conn_say(conn, "CLIENT_ERROR authentication failure\r\n");
        return;
    }
    conn->authenticated = true;
    sim_conn_say(conn, "STORED\r\n");
}

/* Fields that can't be read: the newer generation drops the value, the older one carries it out as commands. */
static void bad_format(struct sim_conn *conn, uint64_t length)
{
    sim_conn_malformed(conn, "a storage command with a bad field");
    sim_conn_say(conn, "CLIENT_ERROR bad command line format\r\n");
    if (conn->server->generation != SIM_GENERATION_18) {
        sim_conn_expect_value(conn, (size_t)length, true);
    }
}

static bool read_fields(const struct sim_words *words, struct sim_request *request)
{
    return words->word[1].length <= SIM_KEY_MAX && sim_word_number(words->word[2], &request->flags) &&
           sim_word_signed(words->word[3], &request->exptime) &&
           (request->verb != SIM_CAS || sim_word_number(words->word[5], &request->cas));
}

/* Says why a value will not be stored, and drops it. */
static bool refused(struct sim_conn *conn, uint64_t length)
{
    struct sim_store *store = &conn->server->store;
    struct sim_request *request = &conn->awaiting.request;
    bool concatenates = request->verb == SIM_APPEND || request->verb == SIM_PREPEND;
    if (!sim_store_fits(store, request->key.length, (size_t)length)) {
        say_unless(conn, conn->awaiting.noreply, "SERVER_ERROR object too large for cache");
        sim_store_refused(store, request, SIM_TOO_LARGE);
    } else if (store->refuses_when_full && !concatenates && store->bytes_max > 0 &&
               store->bytes + length > store->bytes_max) {
        say_unless(conn, conn->awaiting.noreply, "SERVER_ERROR out of memory storing object");
        sim_store_refused(store, request, SIM_NO_MEMORY);
    } else {
        return false;
    }
    sim_conn_expect_value(conn, (size_t)length, true);
    return true;
}

static void storage_line(struct sim_conn *conn, const struct sim_words *words, enum sim_verb verb)
{
    uint32_t fixed = verb == SIM_CAS ? 6 : 5;
    struct sim_request request = {.verb = verb};
    uint64_t length;
    if (words->count < fixed) {
        sim_conn_malformed(conn, "a storage command with too few fields");
        sim_conn_say(conn, conn->server->generation == SIM_GENERATION_18 ? "ERROR\r\n"
                                                                         : "CLIENT_ERROR bad command line format\r\n");
        return;
    }
    if (!sim_word_number(words->word[4], &length) || length > INT32_MAX) {
        sim_conn_malformed(conn, "a storage command with a bad length");
        sim_conn_say(conn, "CLIENT_ERROR bad data chunk\r\n");
        return;
    }
    if (!read_fields(words, &request)) {
        bad_format(conn, length);
        return;
    }
    request.flags = (uint32_t)request.flags;
    memset(&conn->awaiting, 0, sizeof conn->awaiting);
    memcpy(conn->awaiting.key, words->word[1].data, words->word[1].length);
    request.key = (struct emc__slice){conn->awaiting.key, words->word[1].length};
    conn->awaiting.request = request;
    conn->awaiting.noreply = has_noreply(words, fixed);
    if (!refused(conn, length)) {
        sim_conn_expect_value(conn, (size_t)length, false);
    }
}

void sim_text_value(struct sim_conn *conn)
{
    static const char *const answers[] = {[SIM_STORED] = "STORED",
                                          [SIM_NOT_STORED] = "NOT_STORED",
                                          [SIM_EXISTS] = "EXISTS",
                                          [SIM_NOT_FOUND] = "NOT_FOUND",
                                          [SIM_TOO_LARGE] = "SERVER_ERROR object too large for cache",
                                          [SIM_NO_MEMORY] = "SERVER_ERROR out of memory storing object",
                                          [SIM_DONE] = "STORED",
                                          [SIM_NON_NUMERIC] = "ERROR"};
    if (conn->awaiting.authentication) {
        authenticate_value(conn);
        return;
    }
    enum sim_outcome outcome = sim_store_put(&conn->server->store, &conn->awaiting.request);
    say_unless(conn, conn->awaiting.noreply, answers[outcome]);
}

/* ------------------------------------------------------------------ retrieval */

/* One of get, gets, gat, gats. */
struct retrieval {
    bool cas, touch;
    int64_t exptime;
};

static void say_value(struct sim_conn *conn, const struct sim_item *item, bool cas)
{
    sim_conn_put(conn, "VALUE ", 6);
    sim_conn_put(conn, item->key, item->key_length);
    if (cas) {
        sim_conn_say(conn, " %" PRIu64 " %zu %" PRIu64 "\r\n", item->flags, item->length, item->cas);
    } else {
        sim_conn_say(conn, " %" PRIu64 " %zu\r\n", item->flags, item->length);
    }
    sim_conn_put(conn, item->value, item->length);
    sim_conn_put(conn, "\r\n", 2);
}

static void retrieve_key(struct sim_conn *conn, const struct retrieval *how, struct emc__slice key)
{
    struct sim_store *store = &conn->server->store;
    struct sim_item *item = sim_store_find(store, key);
    if (item != NULL) {
        say_value(conn, item, how->cas);
        item->fetched = true;
        item->accessed_s = sim_store_clock_s(store);
    }
    if (how->touch) {
        struct sim_request request = {.verb = SIM_GAT, .key = key, .exptime = how->exptime};
        sim_store_touch(store, &request);
    }
}

/* An over-long key's error replaces every VALUE and END; the newer generation adds a blank line. */
static void long_key(struct sim_conn *conn, size_t begin)
{
    sim_conn_malformed(conn, "a key of more than 250 bytes");
    conn->out_end = conn->out_begin + begin;
    sim_conn_say(conn, "CLIENT_ERROR bad command line format\r\n");
    if (conn->server->generation != SIM_GENERATION_18) {
        sim_conn_put(conn, "\r\n", 2);
    }
}

static void retrieve(struct sim_conn *conn, const struct sim_words *words, const struct retrieval *how)
{
    size_t begin = conn->out_end - conn->out_begin, at = how->touch ? 2 : 1, keys = 0;
    const uint8_t *word = words->word[at - 1].data + words->word[at - 1].length,
                  *end = words->line + words->line_length;
    while (word < end) {
        if (*word == ' ') {
            word++;
            continue;
        }
        const uint8_t *after = memchr(word, ' ', (size_t)(end - word));
        after = after == NULL ? end : after;
        if ((size_t)(after - word) > SIM_KEY_MAX) {
            long_key(conn, begin);
            return;
        }
        retrieve_key(conn, how, (struct emc__slice){word, (size_t)(after - word)});
        word = after;
        keys++;
    }
    if (keys == 0) {
        sim_conn_malformed(conn, "a retrieval without a key");
    }
    sim_conn_say(conn, keys == 0 ? "ERROR\r\n" : "END\r\n");
}

static bool retrieval_line(struct sim_conn *conn, const struct sim_words *words)
{
    struct retrieval how = {0};
    struct emc__slice word = words->word[0];
    how.touch = sim_word_is(word, "gat") || sim_word_is(word, "gats");
    how.cas = sim_word_is(word, "gets") || sim_word_is(word, "gats");
    if (!how.touch && !how.cas && !sim_word_is(word, "get")) {
        return false;
    }
    if (how.touch && (words->count < 3 || !sim_word_signed(words->word[1], &how.exptime))) {
        sim_conn_malformed(conn, "gat without an exptime");
        sim_conn_say(conn, words->count < 3 ? "ERROR\r\n" : "CLIENT_ERROR invalid exptime argument\r\n");
        return true;
    }
    retrieve(conn, words, &how);
    return true;
}

/* ------------------------------------------------------------------ delete, touch, incr, decr */

static bool good_key(struct sim_conn *conn, const struct sim_words *words, uint32_t fixed)
{
    if (words->count < fixed) {
        sim_conn_malformed(conn, "too few words");
        sim_conn_say(conn, "ERROR\r\n");
        return false;
    }
    if (words->word[1].length > SIM_KEY_MAX) {
        sim_conn_malformed(conn, "a key of more than 250 bytes");
        sim_conn_say(conn, "CLIENT_ERROR bad command line format\r\n");
        return false;
    }
    return true;
}

static void delete_line(struct sim_conn *conn, const struct sim_words *words)
{
    if (good_key(conn, words, 2)) {
        struct sim_request request = {.verb = SIM_DELETE, .key = words->word[1]};
        enum sim_outcome outcome = sim_store_delete(&conn->server->store, &request);
        say_unless(conn, has_noreply(words, 2), outcome == SIM_DONE ? "DELETED" : "NOT_FOUND");
    }
}

static void touch_line(struct sim_conn *conn, const struct sim_words *words)
{
    struct sim_request request = {.verb = SIM_TOUCH};
    if (!good_key(conn, words, 3)) {
        return;
    }
    if (!sim_word_signed(words->word[2], &request.exptime)) {
        sim_conn_malformed(conn, "touch with a bad exptime");
        sim_conn_say(conn, "CLIENT_ERROR invalid exptime argument\r\n");
        return;
    }
    request.key = words->word[1];
    enum sim_outcome outcome = sim_store_touch(&conn->server->store, &request);
    say_unless(conn, has_noreply(words, 3), outcome == SIM_DONE ? "TOUCHED" : "NOT_FOUND");
}

static void count_line(struct sim_conn *conn, const struct sim_words *words, enum sim_verb verb)
{
    struct sim_request request = {.verb = verb};
    uint64_t number = 0;
    if (!good_key(conn, words, 3)) {
        return;
    }
    bool noreply = has_noreply(words, 3);
    if (!sim_word_number(words->word[2], &request.delta)) {
        sim_conn_malformed(conn, "a bad delta");
        say_unless(conn, noreply, "CLIENT_ERROR invalid numeric delta argument");
        return;
    }
    request.key = words->word[1];
    enum sim_outcome outcome = sim_store_count(&conn->server->store, &request, &number);
    if (outcome == SIM_DONE && !noreply) {
        sim_conn_say(conn, "%" PRIu64 "\r\n", number);
    } else if (outcome != SIM_DONE) {
        say_unless(conn, noreply,
                   outcome == SIM_NOT_FOUND ? "NOT_FOUND"
                                            : "CLIENT_ERROR cannot increment or decrement non-numeric value");
    }
}

/* ------------------------------------------------------------------ which */

bool sim_text_line(struct sim_conn *conn, const struct sim_words *words)
{
    struct emc__slice word = words->word[0];
    if (!conn->authenticated) {
        authenticate_line(conn, words);
        return true;
    }
    if (retrieval_line(conn, words)) {
        return true;
    }
    for (size_t i = 0; i < sizeof storage_words / sizeof storage_words[0]; i++) {
        if (sim_word_is(word, storage_words[i].word)) {
            storage_line(conn, words, storage_words[i].verb);
            return true;
        }
    }
    if (sim_word_is(word, "delete")) {
        delete_line(conn, words);
    } else if (sim_word_is(word, "touch")) {
        touch_line(conn, words);
    } else if (sim_word_is(word, "incr") || sim_word_is(word, "decr")) {
        count_line(conn, words, word.data[0] == 'i' ? SIM_INCR : SIM_DECR);
    } else {
        return false;
    }
    return true;
}
