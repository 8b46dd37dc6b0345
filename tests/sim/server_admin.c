/* The text protocol's commands to the server itself: version, verbosity, flush_all, stats, cache_memlimit, lru_crawler, config, quit. */
#include <inttypes.h>
#include <string.h>

#include "server.h"

static bool noreply(const struct sim_words *words)
{
    return words->count > 1 && sim_word_is(words->word[words->count - 1], "noreply");
}

static void say_unless(struct sim_conn *conn, bool quiet, const char *line)
{
    if (!quiet) {
        sim_conn_say(conn, "%s\r\n", line);
    }
}

static void version(struct sim_conn *conn, const struct sim_words *words)
{
    (void)words;
    sim_conn_say(conn, "VERSION %s\r\n", sim_server_version(conn->server));
}

static void verbosity(struct sim_conn *conn, const struct sim_words *words)
{
    uint64_t level;
    if (words->count < 2) {
        sim_conn_malformed(conn, "verbosity without a level");
        sim_conn_say(conn, "ERROR\r\n");
        return;
    }
    bool good = sim_word_number(words->word[1], &level);
    say_unless(conn, noreply(words), good ? "OK" : "CLIENT_ERROR bad command line format");
}

static void flush_all(struct sim_conn *conn, const struct sim_words *words)
{
    int64_t delay = 0;
    bool quiet = noreply(words);
    bool has_delay = words->count - quiet > 1;
    if (has_delay && !sim_word_signed(words->word[1], &delay)) {
        sim_conn_malformed(conn, "flush_all with a bad delay");
        say_unless(conn, quiet, "CLIENT_ERROR invalid exptime argument");
        return;
    }
    sim_store_flush(&conn->server->store, delay);
    say_unless(conn, quiet, "OK");
}

static void general_stats(struct sim_conn *conn)
{
    const struct sim_server *server = conn->server;
    sim_conn_say(conn, "STAT pid 1\r\nSTAT uptime %" PRIu64 "\r\nSTAT version %s\r\n", server->world->now_ns / SIM_S,
                 sim_server_version(server));
    sim_conn_say(conn, "STAT bytes %zu\r\nSTAT limit_maxbytes %zu\r\nSTAT rusage_user 0.000001\r\nEND\r\n",
                 server->store.bytes, server->store.bytes_max);
}

static void stats(struct sim_conn *conn, const struct sim_words *words)
{
    if (words->count == 1) {
        general_stats(conn);
    } else if (sim_word_is(words->word[1], "settings")) {
        sim_conn_say(conn, "STAT item_size_max %zu\r\nSTAT inter \r\nSTAT binding_protocol auto-negotiate\r\nEND\r\n",
                     conn->server->store.item_size_max);
    } else if (sim_word_is(words->word[1], "reset")) {
        sim_conn_say(conn, "RESET\r\n");
    } else if (sim_word_is(words->word[1], "items") || sim_word_is(words->word[1], "slabs") ||
               sim_word_is(words->word[1], "conns") || sim_word_is(words->word[1], "sizes")) {
        sim_conn_say(conn, "STAT active_slabs 0\r\nEND\r\n");
    } else {
        sim_conn_say(conn, "ERROR\r\n");
    }
}

static void cache_memlimit(struct sim_conn *conn, const struct sim_words *words)
{
    uint64_t megabytes;
    if (words->count < 2) {
        sim_conn_malformed(conn, "cache_memlimit without a limit");
        sim_conn_say(conn, "ERROR\r\n");
    } else if (!sim_word_number(words->word[1], &megabytes)) {
        sim_conn_malformed(conn, "cache_memlimit with a bad limit");
        say_unless(conn, noreply(words), "ERROR");
    } else if (megabytes < 8) {
        say_unless(conn, noreply(words), "MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m");
    } else {
        conn->server->store.bytes_max = conn->server->store.bytes_max == 0 ? 0 : (size_t)megabytes * 1024 * 1024;
        say_unless(conn, noreply(words), "OK");
    }
}

static void dump(struct sim_conn *conn, bool keys_alone)
{
    const struct sim_server *server = conn->server;
    if (!keys_alone && server->generation != SIM_GENERATION_18) {
        sim_conn_say(conn, "OK\r\n");
    }
    for (const struct sim_item *item = server->store.oldest; item != NULL; item = item->newer) {
        sim_conn_say(conn, keys_alone ? "mg %.*s\r\n" : "key=%.*s exp=-1 la=1 cas=1 fetch=no cls=1 size=64\n",
                     (int)item->key_length, (const char *)item->key);
    }
    sim_conn_say(conn, keys_alone ? "EN\r\n" : "END\r\n");
}

static void lru_crawler(struct sim_conn *conn, const struct sim_words *words)
{
    bool metadump = words->count == 3 && sim_word_is(words->word[1], "metadump");
    bool mgdump = words->count == 3 && sim_word_is(words->word[1], "mgdump") &&
                  conn->server->generation != SIM_GENERATION_18;
    if (!metadump && !mgdump) {
        sim_conn_say(conn, "ERROR\r\n");
    } else if (conn->server->crawler_busy) {
        sim_conn_say(conn, "BUSY currently processing crawler request\r\n");
    } else {
        dump(conn, mgdump);
    }
}

static void config(struct sim_conn *conn, const struct sim_words *words)
{
    const char *payload = conn->server->cluster_config;
    if (payload == NULL || words->count != 3 || !sim_word_is(words->word[1], "get") ||
        !sim_word_is(words->word[2], "cluster")) {
        sim_conn_say(conn, "ERROR\r\n");
        return;
    }
    char head[32];
    int head_length = snprintf(head, sizeof head, "%" PRIu64 "\n", conn->server->cluster_version);
    sim_conn_say(conn, "CONFIG cluster 0 %zu\r\n%s", (size_t)head_length + strlen(payload) + 1, head);
    sim_conn_put(conn, payload, strlen(payload));
    sim_conn_say(conn, "\n\r\nEND\r\n");
}

static void quit(struct sim_conn *conn, const struct sim_words *words)
{
    (void)words;
    sim_conn_close(conn);
}

static const struct {
    const char *word;
    void (*carry_out)(struct sim_conn *conn, const struct sim_words *words);
} commands[] = {{"version", version},
                {"verbosity", verbosity},
                {"flush_all", flush_all},
                {"stats", stats},
                {"cache_memlimit", cache_memlimit},
                {"lru_crawler", lru_crawler},
                {"config", config},
                {"quit", quit}};

bool sim_admin_line(struct sim_conn *conn, const struct sim_words *words)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (sim_word_is(words->word[0], commands[i].word)) {
            commands[i].carry_out(conn, words);
            return true;
        }
    }
    return false;
}
