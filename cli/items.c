/* The commands on items: get, set, delete, incr, decr, touch. */
#include <emcache.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "numbers.h"
#include "options.h"
#include "report.h"
#include "session.h"

/* More than any server stores in one item (its own limit is 1 GiB): what is read from stdin ends here. */
#define VALUE_SIZE_MAX ((size_t)1 << 30)

/* ------------------------------------------------------------------ get */

static void write_long_line(const char *key, const emc_item *item)
{
    printf("%s flags=%" PRIu64 " cas=%" PRIu64 " bytes=%zu\n", key, item->flags, item->cas, item->value_length);
}

/* One key: exactly the value, with a line end only where a person looks on. Several: "key<tab>value" lines. */
static void write_item(const struct invocation *invocation, const char *key, const emc_item *item)
{
    bool several = invocation->word_count > 1;
    bool with_line = invocation->options[OPTION_LONG] != NULL;
    if (with_line) {
        write_long_line(key, item);
    } else if (several) {
        printf("%s\t", key);
    }
    if (item->value_length > 0) {
        fwrite(item->value, 1, item->value_length, stdout);
    }
    if (several || with_line || isatty(STDOUT_FILENO)) {
        putchar('\n');
    }
}

/* One key is asked for alone, because then the client has the words for what went wrong. */
static emc_status fetch_one(const struct invocation *invocation, struct session *session, emc_item *item)
{
    const char *key = invocation->words[0];
    item->status = invocation->options[OPTION_LONG] != NULL ? emc_gets(session->client, key, strlen(key), item, NULL)
                                                            : emc_get(session->client, key, strlen(key), item, NULL);
    return item->status;
}

static emc_status fetch(const struct invocation *invocation, struct session *session, emc_key *keys, emc_item *items)
{
    if (invocation->word_count == 1) {
        return fetch_one(invocation, session, &items[0]);
    }
    for (size_t i = 0; i < invocation->word_count; i++) {
        keys[i] = (emc_key){invocation->words[i], strlen(invocation->words[i])};
    }
    if (invocation->options[OPTION_LONG] != NULL) {
        return emc_gets_many(session->client, keys, invocation->word_count, items, NULL);
    }
    return emc_get_many(session->client, keys, invocation->word_count, items, NULL);
}

static enum exit_code report_missing(const struct invocation *invocation, struct session *session, size_t index,
                                     emc_status status)
{
    const char *key = invocation->words[index];
    return invocation->word_count == 1 ? report_key(key, status, session->client)
                                       : report_key_of_many(key, status, session->client);
}

static enum exit_code get_items(const struct invocation *invocation, struct session *session)
{
    size_t count = invocation->word_count;
    emc_key *keys = calloc(count, sizeof(*keys));
    emc_item *items = calloc(count, sizeof(*items));
    enum exit_code code = EXIT_CODE_OK;
    if (keys == NULL || items == NULL) {
        code = report_memory();
    } else {
        emc_status status = fetch(invocation, session, keys, items);
        if (emc_status_classify(status) == EMC_CLASS_USAGE) {
            code = report_client(invocation->word_count == 1 ? invocation->words[0] : "get", status, session->client);
            count = 0; /* refused as a whole: no item has an outcome */
        }
        for (size_t i = 0; i < count; i++) {
            if (items[i].status == EMC_OK) {
                write_item(invocation, invocation->words[i], &items[i]);
            } else {
                code = exit_code_worse(code, report_missing(invocation, session, i, items[i].status));
            }
        }
        emc_items_release(items, count);
    }
    free(items);
    free(keys);
    return code;
}

/* ------------------------------------------------------------------ set */

/* What is to be stored: the caller's words, or memory of its own. */
struct value {
    const char *data;
    size_t length;
    char *owned;
};

static enum exit_code read_stdin(struct value *value_out)
{
    char *data = NULL;
    size_t length = 0;
    size_t capacity = 0;
    while (!feof(stdin) && !ferror(stdin) && length < VALUE_SIZE_MAX) {
        if (length == capacity) {
            capacity = capacity == 0 ? 65536 : capacity * 2;
            char *grown = realloc(data, capacity);
            if (grown == NULL) {
                free(data);
                return report_memory();
            }
            data = grown;
        }
        length += fread(data + length, 1, capacity - length, stdin);
    }
    if (ferror(stdin) || length >= VALUE_SIZE_MAX) {
        complain("the standard input: %s", ferror(stdin) ? strerror(errno) : "more than a server can store");
        free(data);
        return EXIT_CODE_ERROR;
    }
    *value_out = (struct value){data, length, data};
    return EXIT_CODE_OK;
}

/* How it is to be stored. */
struct store {
    int64_t exptime;
    uint64_t flags;
    uint64_t cas;
    enum option_id condition; /* OPTION_ADD, _REPLACE, _APPEND, _PREPEND, _CAS; OPTION_ID_COUNT: none */
};

static enum exit_code read_store(const struct invocation *invocation, struct store *store_out)
{
    static const enum option_id conditions[] = {OPTION_ADD, OPTION_REPLACE, OPTION_APPEND, OPTION_PREPEND, OPTION_CAS};
    *store_out = (struct store){.condition = OPTION_ID_COUNT};
    for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
        if (invocation->options[conditions[i]] == NULL) {
            continue;
        }
        if (store_out->condition != OPTION_ID_COUNT) {
            complain("set: --%s and --%s exclude each other", option_words(store_out->condition)->name,
                     option_words(conditions[i])->name);
            return EXIT_CODE_USAGE;
        }
        store_out->condition = conditions[i];
    }
    bool joins = store_out->condition == OPTION_APPEND || store_out->condition == OPTION_PREPEND;
    if (joins && (invocation->options[OPTION_EXPTIME] != NULL || invocation->options[OPTION_FLAGS] != NULL)) {
        complain("set: --%s leaves expiry and flags as they are", option_words(store_out->condition)->name);
        return EXIT_CODE_USAGE;
    }
    bool good = options_signed(invocation, OPTION_EXPTIME, -1, INT32_MAX, &store_out->exptime) &&
                options_unsigned(invocation, OPTION_FLAGS, 0, UINT32_MAX, &store_out->flags) &&
                options_unsigned(invocation, OPTION_CAS, 1, UINT64_MAX, &store_out->cas);
    return good ? EXIT_CODE_OK : EXIT_CODE_USAGE;
}

static emc_status store_value(emc_client *client, const char *key, const struct value *value, const struct store *how)
{
    size_t length = strlen(key);
    switch (how->condition) {
    case OPTION_ADD:
        return emc_add(client, key, length, value->data, value->length, how->exptime, how->flags, NULL);
    case OPTION_REPLACE:
        return emc_replace(client, key, length, value->data, value->length, how->exptime, how->flags, NULL);
    case OPTION_APPEND:
        return emc_append(client, key, length, value->data, value->length, NULL);
    case OPTION_PREPEND:
        return emc_prepend(client, key, length, value->data, value->length, NULL);
    case OPTION_CAS:
        return emc_cas(client, key, length, value->data, value->length, how->exptime, how->flags, how->cas, NULL);
    default:
        return emc_set(client, key, length, value->data, value->length, how->exptime, how->flags, NULL);
    }
}

/* What "not stored" means, by the condition that did not hold. */
static const char *not_stored_words(const struct store *how)
{
    return how->condition == OPTION_ADD ? "not stored: the key has a value" : "not stored: the key has no value";
}

enum exit_code command_set(const struct invocation *invocation)
{
    struct store how;
    enum exit_code code = read_store(invocation, &how);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    struct session session;
    code = session_open(invocation, &session);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    const char *key = invocation->words[0];
    const char *word = invocation->words[1];
    struct value value = {word, strlen(word), NULL};
    if (strcmp(word, "-") == 0) {
        code = read_stdin(&value);
    }
    if (code == EXIT_CODE_OK) {
        emc_status status = store_value(session.client, key, &value, &how);
        if (status == EMC_NOT_STORED) {
            complain("%s: %s", key, not_stored_words(&how));
            code = EXIT_CODE_MISS;
        } else {
            code = report_key(key, status, session.client);
        }
    }
    free(value.owned);
    session_close(&session);
    return code;
}

/* ------------------------------------------------------------------ delete, incr, decr, touch */

static enum exit_code delete_items(const struct invocation *invocation, struct session *session)
{
    enum exit_code code = EXIT_CODE_OK;
    for (size_t i = 0; i < invocation->word_count; i++) {
        const char *key = invocation->words[i];
        emc_status status = emc_delete(session->client, key, strlen(key), NULL);
        code = exit_code_worse(code, report_key(key, status, session->client));
    }
    return code;
}

/* The optional second word. */
static bool read_delta(const struct invocation *invocation, uint64_t *delta_out)
{
    *delta_out = 1;
    if (invocation->word_count < 2 || number_read_unsigned(invocation->words[1], 0, UINT64_MAX, delta_out)) {
        return true;
    }
    complain("%s: DELTA must be a number from 0 to 18446744073709551615, not '%s'", invocation->command->name,
             invocation->words[1]);
    return false;
}

static enum exit_code count_item(const struct invocation *invocation, struct session *session)
{
    uint64_t delta = 0;
    uint64_t number = 0;
    if (!read_delta(invocation, &delta)) {
        return EXIT_CODE_USAGE;
    }
    const char *key = invocation->words[0];
    bool up = strcmp(invocation->command->name, "incr") == 0;
    emc_status status = up ? emc_incr(session->client, key, strlen(key), delta, &number, NULL)
                           : emc_decr(session->client, key, strlen(key), delta, &number, NULL);
    if (status == EMC_OK) {
        printf("%" PRIu64 "\n", number);
    }
    return report_key(key, status, session->client);
}

static enum exit_code touch_item(const struct invocation *invocation, struct session *session)
{
    const char *key = invocation->words[0];
    int64_t exptime = 0;
    if (!number_read_signed(invocation->words[1], -1, INT32_MAX, &exptime)) {
        complain("touch: EXPTIME must be a number from -1 to 2147483647, not '%s'", invocation->words[1]);
        return EXIT_CODE_USAGE;
    }
    return report_key(key, emc_touch(session->client, key, strlen(key), exptime, NULL), session->client);
}

/* ------------------------------------------------------------------ the same frame for all */

static enum exit_code with_session(const struct invocation *invocation,
                                   enum exit_code (*work)(const struct invocation *, struct session *))
{
    struct session session;
    enum exit_code code = session_open(invocation, &session);
    if (code == EXIT_CODE_OK) {
        code = work(invocation, &session);
        session_close(&session);
    }
    return code;
}

enum exit_code command_get(const struct invocation *invocation)
{
    return with_session(invocation, get_items);
}

enum exit_code command_delete(const struct invocation *invocation)
{
    return with_session(invocation, delete_items);
}

enum exit_code command_incr(const struct invocation *invocation)
{
    return with_session(invocation, count_item);
}

enum exit_code command_decr(const struct invocation *invocation)
{
    return with_session(invocation, count_item);
}

enum exit_code command_touch(const struct invocation *invocation)
{
    return with_session(invocation, touch_item);
}
