/* Every command gives the same results whether many are submitted in one tick, and so share lines and writes, or each is alone.
 *
 * Two clients on servers of their own carry out the same random steps: one submits a whole batch before it waits, the other waits after each step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <emcache.h>

#include "servers.h"
#include "session.h"

enum {
    SERVERS_MAX = 3,
    KEYS = 24,
    STEPS_MAX = 700,
    MANY_MAX = 12,
    PATTERN = 1 << 17,
    ITEM_SIZE_MAX = 1 << 16,
    KEY_SIZE = 256
};

enum command {
    GET,
    GETS,
    GAT,
    GATS,
    GET_MANY,
    GETS_MANY,
    GAT_MANY,
    SET,
    ADD,
    REPLACE,
    APPEND,
    PREPEND,
    CAS,
    SET_MANY,
    DELETE,
    DELETE_MANY,
    INCR,
    DECR,
    TOUCH,
    META_GET,
    META_SET,
    META_DELETE,
    META_ARITHMETIC,
    META_QUIET_SET,
    VERSION,
    COMMANDS
};

/* What is asked: the same of both sides. */
struct step {
    enum command command;
    unsigned key, many;    /* bulk: `many` keys from `key` on, some of them twice */
    size_t offset, length; /* of the value, in the pattern */
    int64_t exptime;
    uint64_t flags, delta;
    bool noreply;
};

/* What came of it. */
struct answer {
    unsigned results;
    bool done;
    emc_status status;
    uint64_t digest; /* of all results: index, status, value, flags, number */
    uint64_t cas;
};

/* One of the two clients, on its own servers. */
struct side {
    struct server servers[SERVERS_MAX];
    emc_client *client;
    struct answer answers[STEPS_MAX];
    uint64_t tokens[KEYS]; /* the cas value seen last; 0: none */
    bool token_moved[STEPS_MAX];
};

static struct side together, alone;
static struct step steps[STEPS_MAX];
static char pattern[PATTERN];
static uint64_t random_state;
static size_t server_count;

static uint64_t next_random(uint64_t bound)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (random_state >> 33) % bound;
}

static size_t key_of(unsigned number, char key[KEY_SIZE])
{
    size_t length = (size_t)snprintf(key, KEY_SIZE, "key-%u", number);
    if (number % 6 == 5) { /* some are as long as a key may be */
        memset(key + length, 'x', 250 - length);
        length = 250;
    }
    return length;
}

/* ------------------------------------------------------------------ answers */

static uint64_t mix(uint64_t digest, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < length; i++) {
        digest = (digest ^ at[i]) * 1099511628211u;
    }
    return digest;
}

/* Results of a bulk may come in any order: their digests are added. */
static void receive(void *user_data, const emc_result *result)
{
    struct answer *answer = user_data;
    uint64_t facts[] = {result->index, (uint64_t)result->status, result->value_length, result->flags, result->number};
    uint64_t digest = mix(14695981039346656037u, facts, sizeof facts);
    if (result->value != NULL) {
        digest = mix(digest, result->value, result->value_length);
    }
    assert_false(answer->done);
    answer->results++;
    answer->digest += digest;
    answer->status = result->status;
    answer->cas = result->cas;
    answer->done = result->last;
}

/* ------------------------------------------------------------------ submitting */

static size_t many_keys(const struct step *step, char texts[MANY_MAX][KEY_SIZE], emc_key *keys)
{
    for (unsigned i = 0; i < step->many; i++) {
        unsigned number = (step->key + (i * 5 + i / 4) % KEYS) % KEYS;
        keys[i] = (emc_key){texts[i], key_of(number, texts[i])};
    }
    return step->many;
}

static emc_status submit_many(struct side *side, const struct step *step, const emc_call *call)
{
    char texts[MANY_MAX][KEY_SIZE];
    emc_key keys[MANY_MAX];
    emc_store_item items[MANY_MAX];
    size_t count = many_keys(step, texts, keys);
    switch (step->command) {
    case GET_MANY:
        return emc_get_many_async(side->client, keys, count, call);
    case GETS_MANY: /* their cas values differ from server to server */
        return emc_get_many_async(side->client, keys, count, call);
    case GAT_MANY:
        return emc_gat_many_async(side->client, keys, count, step->exptime, call);
    case DELETE_MANY:
        return emc_delete_many_async(side->client, keys, count, call);
    default:
        for (size_t i = 0; i < count; i++) {
            items[i] = (emc_store_item){keys[i], pattern + step->offset + i, step->length, step->exptime, step->flags};
        }
        return emc_set_many_async(side->client, items, count, call);
    }
}

static emc_status submit_meta(struct side *side, const struct step *step, const char *key, size_t length,
                              const emc_call *call)
{
    emc_meta_options options;
    emc_meta_options_init(&options);
    switch (step->command) {
    case META_GET:
        options.want = EMC_META_VALUE | EMC_META_FLAGS | EMC_META_SIZE;
        return emc_meta_get_async(side->client, key, length, &options, call);
    case META_SET:
        options.mode = (emc_meta_mode)(step->delta % 5);
        options.flags = step->flags;
        return emc_meta_set_async(side->client, key, length, pattern + step->offset, step->length, &options, call);
    case META_QUIET_SET:
        options.modes = EMC_META_QUIET;
        return emc_meta_set_async(side->client, key, length, pattern + step->offset, step->length, &options, call);
    case META_DELETE:
        return emc_meta_delete_async(side->client, key, length, &options, call);
    default:
        options.delta = step->delta;
        options.want = EMC_META_VALUE;
        return emc_meta_arithmetic_async(side->client, key, length, &options, call);
    }
}

static emc_status submit_keyed(struct side *side, const struct step *step, const char *key, size_t length,
                               const emc_call *call)
{
    const char *value = pattern + step->offset;
    emc_client *client = side->client;
    uint64_t token = side->tokens[step->key];
    switch (step->command) {
    case GET:
        return emc_get_async(client, key, length, call);
    case GETS:
        return emc_gets_async(client, key, length, call);
    case GAT:
        return emc_gat_async(client, key, length, step->exptime, call);
    case GATS:
        return emc_gats_async(client, key, length, step->exptime, call);
    case SET:
        return emc_set_async(client, key, length, value, step->length, step->exptime, step->flags, call);
    case ADD:
        return emc_add_async(client, key, length, value, step->length, step->exptime, step->flags, call);
    case REPLACE:
        return emc_replace_async(client, key, length, value, step->length, step->exptime, step->flags, call);
    case APPEND:
        return emc_append_async(client, key, length, value, step->length, call);
    case PREPEND:
        return emc_prepend_async(client, key, length, value, step->length, call);
    case CAS:
        return emc_cas_async(client, key, length, value, step->length, step->exptime, step->flags,
                             token == 0 ? 1 : token, call);
    case DELETE:
        return emc_delete_async(client, key, length, call);
    case INCR:
        return emc_incr_async(client, key, length, step->delta, call);
    case DECR:
        return emc_decr_async(client, key, length, step->delta, call);
    default:
        return emc_touch_async(client, key, length, step->exptime, call);
    }
}

static bool is_many(enum command command)
{
    return command == GET_MANY || command == GETS_MANY || command == GAT_MANY || command == SET_MANY ||
           command == DELETE_MANY;
}

static void submit(struct side *side, size_t index)
{
    const struct step *step = &steps[index];
    char key[KEY_SIZE];
    size_t length = key_of(step->key, key);
    emc_call call = {
        .callback = receive, .user_data = &side->answers[index], .options = step->noreply ? EMC_CALL_NOREPLY : 0};
    emc_status status;
    side->answers[index] = (struct answer){0};
    if (step->command == VERSION) {
        status = emc_version_async(side->client, &side->servers[step->key % server_count].address, &call);
    } else if (is_many(step->command)) {
        status = submit_many(side, step, &call);
    } else if (step->command >= META_GET) {
        status = submit_meta(side, step, key, length, &call);
    } else {
        status = submit_keyed(side, step, key, length, &call);
    }
    if (status != EMC_OK) {
        fail_msg("submit: %s", emc_client_error_message(side->client));
    }
}

static void finish(struct side *side)
{
    uint64_t end = clock_ms() + PATIENCE_MS;
    while (emc_client_pending(side->client) > 0) {
        emc_client_wait(side->client, 100);
        assert_true(clock_ms() < end);
    }
}

/* ------------------------------------------------------------------ steps */

static bool may_noreply(enum command command)
{
    return (command >= SET && command <= CAS) || command == DELETE || (command >= INCR && command <= TOUCH);
}

static size_t random_length(void)
{
    static const size_t lengths[] = {0, 1, 3, 10, 100, 100, 100, 2000, 5000, 20000};
    return next_random(150) == 0 ? ITEM_SIZE_MAX + 100 : lengths[next_random(sizeof lengths / sizeof lengths[0])];
}

/* What the server may answer with an error: behind operations without reply nobody can tell whose it is, and the connection is closed so that these
 * steps do not go with them. */
static bool may_fail(enum command command)
{
    return command == INCR || command == DECR || command == META_ARITHMETIC;
}

static void make_step(struct step *step, enum command command, bool with_noreply)
{
    command = with_noreply && may_fail(command) ? GET : command;
    static const int64_t exptimes[] = {0, 0, 0, 1000, -1};
    *step = (struct step){
        .command = command,
        .key = (unsigned)next_random(KEYS),
        .many = 1 + (unsigned)next_random(MANY_MAX),
        .offset = next_random(1000),
        .length = random_length(),
        .exptime = exptimes[next_random(5)],
        .flags = next_random(1000),
        .delta = next_random(100),
    };
    step->noreply = with_noreply && may_noreply(command) && next_random(5) == 0;
    step->length %= with_noreply ? ITEM_SIZE_MAX : SIZE_MAX;
    if (command == META_QUIET_SET) {
        step->length %= 5001;
    } else if (command == SET_MANY || command == APPEND || command == PREPEND) {
        step->length %= 50;
    }
}

/* Runs of one kind, as programs submit them, and everything mixed. */
static size_t make_steps(void)
{
    static const enum command runs[] = {GET, GET, GETS, SET, SET, DELETE, INCR, META_GET};
    size_t count = 0, wanted = 1 + next_random(STEPS_MAX);
    bool with_noreply = next_random(3) == 0;
    while (count < wanted) {
        bool run = next_random(2) == 0;
        enum command command = runs[next_random(sizeof runs / sizeof runs[0])];
        size_t length = 1 + next_random(run ? 300 : 60);
        for (size_t i = 0; i < length && count < wanted; i++) {
            bool stray = next_random(40) == 0;
            make_step(&steps[count++], run && !stray ? command : (enum command)next_random(COMMANDS), with_noreply);
        }
    }
    return count;
}

/* A cas value means something at its own server alone: whether it has changed since it was seen last is what both sides must agree on. */
static void note_tokens(struct side *side, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool seen = (steps[i].command == GETS || steps[i].command == GATS) && side->answers[i].status == EMC_OK;
        side->token_moved[i] = seen && side->answers[i].cas != side->tokens[steps[i].key];
        if (seen) {
            side->tokens[steps[i].key] = side->answers[i].cas;
        }
    }
}

static void compare(size_t count, unsigned round)
{
    for (size_t i = 0; i < count; i++) {
        const struct answer *a = &together.answers[i], *b = &alone.answers[i];
        bool same = a->done && b->done && a->results == b->results && a->digest == b->digest &&
                    together.token_moved[i] == alone.token_moved[i] &&
                    (is_many(steps[i].command) || a->status == b->status);
        if (!same) {
            fail_msg("round %u, step %zu of %zu: command %d of key %u, %zu bytes: together %s, alone %s", round, i,
                     count, (int)steps[i].command, steps[i].key, steps[i].length, emc_status_name(a->status),
                     emc_status_name(b->status));
        }
    }
}

static void play_round(unsigned round)
{
    size_t count = make_steps();
    for (size_t i = 0; i < count; i++) {
        submit(&together, i);
    }
    finish(&together);
    for (size_t i = 0; i < count; i++) {
        submit(&alone, i);
        finish(&alone);
    }
    note_tokens(&together, count);
    note_tokens(&alone, count);
    compare(count, round);
}

/* ------------------------------------------------------------------ the tests */

static void open_side(struct side *side, const emc_options *options)
{
    const struct server_settings settings = {.item_size_max = ITEM_SIZE_MAX, .memory_max_mb = 64};
    memset(side->tokens, 0, sizeof side->tokens);
    for (size_t i = 0; i < server_count; i++) {
        server_start(&side->servers[i], &settings);
    }
    side->client = open_client(side->servers, server_count, options);
}

static void close_side(struct side *side)
{
    emc_client_destroy(side->client);
    for (size_t i = 0; i < server_count; i++) {
        server_kill(&side->servers[i]);
    }
}

static void play(size_t servers, unsigned rounds, uint64_t seed, const emc_options *options)
{
    server_count = servers;
    random_state = seed;
    for (size_t i = 0; i < PATTERN; i++) {
        pattern[i] = (char)('0' + i % 10);
    }
    open_side(&together, options);
    open_side(&alone, NULL);
    for (unsigned round = 0; round < rounds; round++) {
        play_round(round);
    }
    close_side(&together);
    close_side(&alone);
}

static void commands_of_one_tick_give_what_they_give_alone(void **state)
{
    (void)state;
    play(1, 40, 1, NULL);
}

static void so_they_do_over_several_nodes_and_connections(void **state)
{
    (void)state;
    emc_options options = patient_options();
    options.connections_min = options.connections_max = 4;
    play(SERVERS_MAX, 30, 2, &options);
}

static void so_they_do_without_quiet_writes(void **state)
{
    (void)state;
    emc_options options = patient_options();
    options.quiet_writes = false;
    play(1, 15, 3, &options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_of_one_tick_give_what_they_give_alone),
        cmocka_unit_test(so_they_do_over_several_nodes_and_connections),
        cmocka_unit_test(so_they_do_without_quiet_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
