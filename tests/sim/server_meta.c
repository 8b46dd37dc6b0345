/* The meta commands: mg ms md ma mn me, with the flags of reference/protocol.md section 2. */
#include <inttypes.h>
#include <string.h>

#include "server.h"

#define FLAGS_MAX    18
#define AUTO_EXPTIME 30 /* what tests give with N, when it can't be read */

/* A request's flags: a letter each, and what stands behind it. */
struct flags {
    struct emc__slice flag[SIM_WORDS_MAX];
    uint32_t count;
    bool quiet, base64;
};

static const struct emc__slice *flag(const struct flags *flags, char letter)
{
    for (uint32_t i = 0; i < flags->count; i++) {
        if (flags->flag[i].data[0] == letter) {
            return &flags->flag[i];
        }
    }
    return NULL;
}

static uint64_t flag_number(const struct flags *flags, char letter, uint64_t otherwise)
{
    const struct emc__slice *found = flag(flags, letter);
    uint64_t number;
    return found != NULL && sim_word_number((struct emc__slice){found->data + 1, found->length - 1}, &number)
               ? number
               : otherwise;
}

static int64_t flag_signed(const struct flags *flags, char letter, int64_t otherwise)
{
    const struct emc__slice *found = flag(flags, letter);
    int64_t number;
    return found != NULL && sim_word_signed((struct emc__slice){found->data + 1, found->length - 1}, &number)
               ? number
               : otherwise;
}

static char mode(const struct flags *flags, char otherwise)
{
    const struct emc__slice *found = flag(flags, 'M');
    return found != NULL && found->length > 1 ? (char)found->data[1] : otherwise;
}

/* False for duplicates, and for more than the server takes. */
static bool read_flags(const struct sim_words *words, uint32_t first, struct flags *flags)
{
    flags->count = 0;
    for (uint32_t i = first; i < words->count; i++) {
        for (uint32_t j = 0; j < flags->count; j++) {
            if (flags->flag[j].data[0] == words->word[i].data[0]) {
                return false;
            }
        }
        flags->flag[flags->count++] = words->word[i];
    }
    flags->quiet = flag(flags, 'q') != NULL;
    flags->base64 = flag(flags, 'b') != NULL;
    return flags->count < FLAGS_MAX;
}

/* ------------------------------------------------------------------ replies */

/* ` O… k…` and what else of an item was asked for, in the order of the request. */
static void say_flags(struct sim_conn *conn, const struct flags *flags, struct emc__slice key,
                      const struct sim_item *item)
{
    int64_t now = sim_store_clock_s(&conn->server->store);
    for (uint32_t i = 0; i < flags->count; i++) {
        struct emc__slice word = flags->flag[i];
        char letter = (char)word.data[0];
        if (letter == 'O') {
            sim_conn_say(conn, " %.*s", (int)word.length, (const char *)word.data);
        } else if (letter == 'k') {
            sim_conn_say(conn, " k%.*s", (int)key.length, (const char *)key.data);
        } else if (letter == 'b') {
            sim_conn_say(conn, " b");
        } else if (item == NULL) {
            continue;
        } else if (letter == 'c') {
            sim_conn_say(conn, " c%" PRIu64, item->cas);
        } else if (letter == 'f') {
            sim_conn_say(conn, " f%" PRIu64, item->flags);
        } else if (letter == 's') {
            sim_conn_say(conn, " s%zu", item->length);
        } else if (letter == 't') {
            sim_conn_say(conn, " t%" PRId64, item->expires_s == 0 ? -1 : item->expires_s - now);
        } else if (letter == 'h') {
            sim_conn_say(conn, " h%d", item->fetched);
        } else if (letter == 'l') {
            sim_conn_say(conn, " l%" PRId64, item->accessed_s == 0 ? 0 : now - item->accessed_s);
        }
    }
}

static void say_code(struct sim_conn *conn, const char *code, const struct flags *flags, struct emc__slice key,
                     const struct sim_item *item)
{
    sim_conn_say(conn, "%s", code);
    say_flags(conn, flags, key, item);
    sim_conn_put(conn, "\r\n", 2);
}

static void bad_line(struct sim_conn *conn, const char *words)
{
    sim_conn_malformed(conn, words);
    sim_conn_say(conn, "CLIENT_ERROR %s\r\n", words);
}

/* ------------------------------------------------------------------ mg */

/* W: this client may recache; Z: another has the right; X: stale. */
static const char *recache_flags(struct sim_item *item, const struct flags *flags, bool created, int64_t now_s)
{
    bool early = flag(flags, 'R') != NULL && item->expires_s != 0 &&
                 item->expires_s - now_s < flag_signed(flags, 'R', 0);
    bool wanted = created || item->stale || early;
    if (!wanted) {
        return item->token_given ? " Z" : "";
    }
    bool won = !item->token_given;
    item->token_given = true;
    if (item->stale) {
        return won ? " X W" : " Z X";
    }
    return won ? " W" : " Z";
}

static struct sim_item *vivify(struct sim_store *store, const struct flags *flags, struct emc__slice key)
{
    struct sim_request request = {
        .verb = SIM_ADD, .key = key, .value = (const uint8_t *)"", .exptime = flag_signed(flags, 'N', AUTO_EXPTIME)};
    return sim_store_put(store, &request) == SIM_STORED ? sim_store_find(store, key) : NULL;
}

static void say_item(struct sim_conn *conn, const struct flags *flags, struct sim_item *item, bool created)
{
    struct emc__slice key = {item->key, item->key_length};
    bool value = flag(flags, 'v') != NULL;
    if (value) {
        sim_conn_say(conn, "VA %zu", item->length);
    } else {
        sim_conn_say(conn, "HD");
    }
    say_flags(conn, flags, key, item);
    sim_conn_say(conn, "%s\r\n", recache_flags(item, flags, created, sim_store_clock_s(&conn->server->store)));
    if (value) {
        sim_conn_put(conn, item->value, item->length);
        sim_conn_put(conn, "\r\n", 2);
    }
    item->fetched = true;
}

static void mg(struct sim_conn *conn, const struct sim_words *words)
{
    struct flags flags;
    struct sim_store *store = &conn->server->store;
    if (words->count < 2 || words->word[1].length > SIM_KEY_MAX || !read_flags(words, 2, &flags)) {
        bad_line(conn, "bad command line format");
        return;
    }
    struct sim_item *item = sim_store_find(store, words->word[1]);
    bool created = item == NULL && flag(&flags, 'N') != NULL;
    if (created) {
        item = vivify(store, &flags, words->word[1]);
    }
    if (item == NULL) {
        if (!flags.quiet) {
            say_code(conn, "EN", &flags, words->word[1], NULL);
        }
        return;
    }
    if (flag(&flags, 'T') != NULL) {
        sim_store_expire(store, item, flag_signed(&flags, 'T', 0));
    }
    say_item(conn, &flags, item, created);
}

/* ------------------------------------------------------------------ ms */

static bool ms_verb(const struct flags *flags, enum sim_verb *verb_out)
{
    switch (mode(flags, 'S')) {
    case 'E':
    case 'e':
        *verb_out = SIM_ADD;
        return true;
    case 'A':
    case 'a':
        *verb_out = SIM_APPEND;
        return true;
    case 'P':
    case 'p':
        *verb_out = SIM_PREPEND;
        return true;
    case 'R':
    case 'r':
        *verb_out = SIM_REPLACE;
        return true;
    case 'S':
    case 's':
        *verb_out = flag(flags, 'C') != NULL ? SIM_CAS : SIM_SET;
        return true;
    default:
        return false;
    }
}

static void keep_flags(struct sim_awaiting *awaiting, const struct sim_words *words)
{
    size_t length = 0;
    for (uint32_t i = 3; i < words->count; i++) {
        struct emc__slice word = words->word[i];
        if (length + word.length + 2 < sizeof awaiting->meta_flags) {
            memcpy(awaiting->meta_flags + length, word.data, word.length);
            length += word.length;
            awaiting->meta_flags[length++] = ' ';
        }
    }
    awaiting->meta_flags[length] = 0;
}

static bool too_much(struct sim_conn *conn, uint64_t length)
{
    struct sim_store *store = &conn->server->store;
    struct sim_request *request = &conn->awaiting.request;
    if (!sim_store_fits(store, request->key.length, (size_t)length)) {
        sim_conn_say(conn, "SERVER_ERROR object too large for cache\r\n");
        sim_store_refused(store, request, SIM_TOO_LARGE);
        return true;
    }
    if (store->refuses_when_full && store->bytes_max > 0 && store->bytes + length > store->bytes_max) {
        sim_conn_say(conn, "SERVER_ERROR out of memory storing object\r\n");
        sim_store_refused(store, request, SIM_NO_MEMORY);
        return true;
    }
    return false;
}

static void ms(struct sim_conn *conn, const struct sim_words *words)
{
    struct flags flags;
    uint64_t length;
    struct sim_awaiting *awaiting = &conn->awaiting;
    if (words->count < 3 || !sim_word_number(words->word[2], &length)) {
        bad_line(conn, "bad data chunk");
        return;
    }
    memset(awaiting, 0, sizeof *awaiting);
    if (words->word[1].length > SIM_KEY_MAX || !read_flags(words, 3, &flags) ||
        !ms_verb(&flags, &awaiting->request.verb)) {
        bad_line(conn, "bad command line format");
        sim_conn_expect_value(conn, (size_t)length, true);
        return;
    }
    memcpy(awaiting->key, words->word[1].data, words->word[1].length);
    awaiting->request.key = (struct emc__slice){awaiting->key, words->word[1].length};
    awaiting->request.flags = flag_number(&flags, 'F', 0);
    awaiting->request.exptime = flag_signed(&flags, 'T', 0);
    awaiting->request.cas = flag_number(&flags, 'C', 0);
    awaiting->meta = true;
    keep_flags(awaiting, words);
    sim_conn_expect_value(conn, (size_t)length, too_much(conn, length));
}

static void resplit(const char *text, struct sim_words *words)
{
    words->count = 0;
    while (*text != 0 && words->count < SIM_WORDS_MAX) {
        size_t length = strcspn(text, " ");
        words->word[words->count++] = emc__slice_of(text, length);
        text += length + 1;
    }
}

void sim_meta_value(struct sim_conn *conn)
{
    static const char *const codes[] = {
        [SIM_STORED] = "HD", [SIM_NOT_STORED] = "NS",  [SIM_EXISTS] = "EX",    [SIM_NOT_FOUND] = "NF",
        [SIM_DONE] = "HD",   [SIM_NON_NUMERIC] = "NS", [SIM_TOO_LARGE] = "NS", [SIM_NO_MEMORY] = "NS"};
    struct sim_words words;
    struct flags flags;
    struct sim_awaiting *awaiting = &conn->awaiting;
    resplit(awaiting->meta_flags, &words);
    read_flags(&words, 0, &flags);
    enum sim_outcome outcome = sim_store_put(&conn->server->store, &awaiting->request);
    if (outcome == SIM_NO_MEMORY) {
        sim_conn_say(conn, "SERVER_ERROR out of memory storing object\r\n");
    } else if (outcome != SIM_STORED || !flags.quiet) {
        say_code(conn, codes[outcome], &flags, awaiting->request.key,
                 sim_store_find(&conn->server->store, awaiting->request.key));
    }
}

/* ------------------------------------------------------------------ md, ma */

static void md(struct sim_conn *conn, const struct sim_words *words)
{
    struct flags flags;
    struct sim_store *store = &conn->server->store;
    if (words->count < 2 || words->word[1].length > SIM_KEY_MAX || !read_flags(words, 2, &flags)) {
        bad_line(conn, "bad command line format");
        return;
    }
    struct sim_request request = {.verb = SIM_DELETE, .key = words->word[1]};
    struct sim_item *item = sim_store_find(store, request.key);
    if (item != NULL && flag(&flags, 'C') != NULL && flag_number(&flags, 'C', 0) != item->cas) {
        say_code(conn, "EX", &flags, request.key, NULL);
        return;
    }
    if (item != NULL && flag(&flags, 'I') != NULL) {
        sim_store_mark_stale(store, item);
        if (flag(&flags, 'T') != NULL) {
            sim_store_expire(store, item, flag_signed(&flags, 'T', 0));
        }
    } else {
        sim_store_delete(store, &request);
    }
    if (item == NULL || !flags.quiet) {
        say_code(conn, item != NULL ? "HD" : "NF", &flags, request.key, NULL);
    }
}

/* The number itself: without the spaces that a decr leaves in the item. */
static size_t digits_of(const struct sim_item *item)
{
    size_t length = item->length;
    while (length > 1 && item->value[length - 1] == ' ') {
        length--;
    }
    return length;
}

static void say_count(struct sim_conn *conn, const struct flags *flags, struct emc__slice key,
                      const struct sim_item *item)
{
    if (flag(flags, 'v') == NULL || item == NULL) { /* NULL: it expired at once */
        say_code(conn, item == NULL ? "NF" : "HD", flags, key, item);
        return;
    }
    sim_conn_say(conn, "VA %zu", digits_of(item));
    say_flags(conn, flags, key, item);
    sim_conn_put(conn, "\r\n", 2);
    sim_conn_put(conn, item->value, digits_of(item));
    sim_conn_put(conn, "\r\n", 2);
}

static bool create_count(struct sim_store *store, const struct flags *flags, struct emc__slice key)
{
    char text[24];
    int length = snprintf(text, sizeof text, "%" PRIu64, flag_number(flags, 'J', 0));
    struct sim_request request = {.verb = SIM_ADD,
                                  .key = key,
                                  .exptime = flag_signed(flags, 'N', 0),
                                  .value = (const uint8_t *)text,
                                  .length = (size_t)length};
    return sim_store_put(store, &request) == SIM_STORED;
}

static void ma(struct sim_conn *conn, const struct sim_words *words)
{
    struct flags flags;
    uint64_t number;
    struct sim_store *store = &conn->server->store;
    if (words->count < 2 || words->word[1].length > SIM_KEY_MAX || !read_flags(words, 2, &flags)) {
        bad_line(conn, "bad command line format");
        return;
    }
    char way = mode(&flags, 'I');
    struct sim_request request = {.verb = way == 'D' || way == 'd' || way == '-' ? SIM_DECR : SIM_INCR,
                                  .key = words->word[1],
                                  .delta = flag_number(&flags, 'D', 1)};
    enum sim_outcome outcome = sim_store_count(store, &request, &number);
    if (outcome == SIM_NOT_FOUND && flag(&flags, 'N') != NULL && create_count(store, &flags, request.key)) {
        say_count(conn, &flags, request.key, sim_store_find(store, request.key));
    } else if (outcome == SIM_NON_NUMERIC) {
        sim_conn_say(conn, "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n");
    } else if (outcome == SIM_NOT_FOUND) {
        say_code(conn, "NF", &flags, request.key, NULL);
    } else if (!flags.quiet) {
        say_count(conn, &flags, request.key, sim_store_find(store, request.key));
    }
}

/* ------------------------------------------------------------------ which */

static void me(struct sim_conn *conn, const struct sim_words *words)
{
    const struct sim_item *item = words->count > 1 ? sim_store_find(&conn->server->store, words->word[1]) : NULL;
    if (item == NULL) {
        sim_conn_say(conn, "EN\r\n");
    } else {
        sim_conn_say(conn, "ME %.*s exp=-1 la=0 cas=%" PRIu64 " fetch=no cls=1 size=%zu\r\n", (int)item->key_length,
                     (const char *)item->key, item->cas, item->length);
    }
}

bool sim_meta_line(struct sim_conn *conn, const struct sim_words *words)
{
    struct emc__slice word = words->word[0];
    if (word.length != 2 || word.data[0] != 'm') {
        return false;
    }
    switch (word.data[1]) {
    case 'g':
        mg(conn, words);
        return true;
    case 's':
        ms(conn, words);
        return true;
    case 'd':
        md(conn, words);
        return true;
    case 'a':
        ma(conn, words);
        return true;
    case 'e':
        me(conn, words);
        return true;
    case 'n':
        sim_conn_say(conn, "MN\r\n");
        return true;
    default:
        return false;
    }
}
