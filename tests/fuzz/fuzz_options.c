/* Options: any numbers, any strings. What is accepted keeps every range that options.h documents (written down here a second time); what is
 * refused is refused with words, in which no credential is. */
#include <emcache.h>

#include "base/allocator.h"
#include "client/options.h"
#include "fuzz_input.h"

#define MARK "S3cr3t~" /* begins each password: words never hold it */

struct limits {
    uint32_t value, least, most;
    bool unlimited;
};

static bool within(struct limits limits)
{
    return (limits.unlimited && limits.value == EMC_NO_LIMIT) ||
           (limits.value >= limits.least && limits.value <= limits.most);
}

static bool numbers_are_fine(const emc_options *o)
{
    const uint32_t longest = 0x7fffffff;
    const struct limits all[] = {
        {o->timeout_ms, 1, longest, true},
        {o->connection_timeout_ms, 1, longest, true},
        {o->busy_poll_us, 0, 1000, false},
        {o->connections_max, 1, 64, false},
        {o->connections_min, 0, o->connections_max, false},
        {o->purge_unused_connections_after_ms, 1, longest, true},
        {o->pool_growth_after_ms, 1, longest, false},
        {o->health_attempts, 1, 1000, false},
        {o->health_disconnected_ms, 1, longest, false},
        {o->health_silence_ms, 1, longest, true},
        {o->health_question_ms, 1, longest, false},
        {o->health_answers_elsewhere, 1, 1000, true},
        {o->backoff_min_ms, 1, o->backoff_max_ms, false},
        {o->backoff_max_ms, 1, longest, false},
        {o->keepalive_ms, 1, longest, true},
        {o->gutter_exptime, 1, 2592000, false},
        {o->discovery_interval_ms, 100, longest, false},
        {o->discovery_timeout_ms, 1, longest, false},
        {o->operations_max, 1, 16777216, false},
        {o->operations_per_connection_max, 1, 16777216, false},
        {o->tls.version_min, 12, 13, false},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (!within(all[i])) {
            return false;
        }
    }
    return o->bytes_waiting_max >= 65536 && o->value_length_max >= 1 && o->line_length_max >= 512 &&
           o->line_length_max <= 65536 && o->stats_lines_max >= 1 && o->discovery_length_max >= 1024 &&
           o->discovery_length_max <= 65536;
}

static bool credential_is_fine(const char *text, bool spaces)
{
    size_t length = strlen(text);
    return length >= 1 && length <= 250 && strcspn(text, spaces ? "\r\n" : "\r\n ") == length;
}

/* Nothing here turns TLS, the gutter or discovery on. */
static bool nothing_is_idle(const emc_options *o)
{
    return o->tls.version_min == 12 && o->gutter_exptime == 10 && o->discovery_interval_ms == 60000 &&
           o->discovery_timeout_ms == 5000;
}

static bool strings_are_fine(const emc_options *o)
{
    if ((o->username == NULL) != (o->password == NULL) || (o->sasl && o->username == NULL)) {
        return false;
    }
    if (o->username != NULL && !(credential_is_fine(o->username, false) && credential_is_fine(o->password, true))) {
        return false;
    }
    for (const char *byte = o->key_prefix; byte != NULL && *byte != '\0'; byte++) {
        if ((unsigned char)*byte <= ' ' || *byte == 0x7f) {
            return false;
        }
    }
    return o->key_prefix == NULL || strlen(o->key_prefix) <= 200;
}

/* The number at `which` among those that are checked; the table is the same for input and judgement. */
static void change_number(emc_options *o, uint8_t which, uint64_t number)
{
    uint32_t *const small[] = {&o->timeout_ms,
                               &o->connection_timeout_ms,
                               &o->connections_min,
                               &o->connections_max,
                               &o->pool_growth_after_ms,
                               &o->health_attempts,
                               &o->backoff_min_ms,
                               &o->backoff_max_ms,
                               &o->keepalive_ms,
                               &o->health_silence_ms,
                               &o->health_question_ms,
                               &o->health_answers_elsewhere,
                               &o->gutter_exptime,
                               &o->discovery_interval_ms,
                               &o->discovery_timeout_ms,
                               &o->operations_max,
                               &o->operations_per_connection_max,
                               &o->tls.version_min,
                               &o->health_disconnected_ms,
                               &o->purge_unused_connections_after_ms,
                               &o->busy_poll_us};
    size_t *const large[] = {&o->bytes_waiting_max, &o->value_length_max, &o->line_length_max, &o->stats_lines_max,
                             &o->discovery_length_max};
    size_t small_count = sizeof small / sizeof small[0];
    which %= (uint8_t)(small_count + sizeof large / sizeof large[0]);
    if (which < small_count) {
        *small[which] = (uint32_t)number;
    } else {
        *large[which - small_count] = (size_t)(number % (SIZE_MAX / 256));
    }
}

/* A string of the input's, NULL when its first byte says so. The caller frees it. */
static char *take_string(struct emc__slice *input, const char *mark)
{
    uint8_t length = fuzz_take_byte(input);
    if (length == 0) {
        return NULL;
    }
    struct emc__slice text = fuzz_take_slice(input, length - 1u);
    char *string = malloc(strlen(mark) + text.length + 1);
    FUZZ_CHECK(string != NULL);
    strcpy(string, mark);
    memcpy(string + strlen(mark), text.length > 0 ? (const char *)text.data : "", text.length);
    string[strlen(mark) + text.length] = '\0';
    return string;
}

static void check_accepted(emc_options *validated, const char *username, const char *password)
{
    struct emc__owned_strings strings, credentials;
    FUZZ_CHECK(emc__options_own_strings(validated, &emc__allocator_standard, &strings) == EMC_OK);
    FUZZ_CHECK(emc__options_own_credentials(validated, &emc__allocator_standard, &credentials) == EMC_OK);
    FUZZ_CHECK((username == NULL) == (validated->username == NULL));
    FUZZ_CHECK(username == NULL || (validated->username != username && strcmp(validated->username, username) == 0));
    FUZZ_CHECK(password == NULL || (validated->password != password && strcmp(validated->password, password) == 0));
    FUZZ_CHECK(validated->tls.verify); /* nothing here touched it */
    emc__owned_strings_wipe(&strings, &emc__allocator_standard);
    emc__owned_strings_wipe(&credentials, &emc__allocator_standard);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct emc__slice input = {data, size};
    emc_options options = emc_options_default(), validated;
    emc_error error = {EMC_OK, ""};
    for (uint8_t changes = fuzz_take_byte(&input) % 4; changes > 0; changes--) {
        uint8_t which = fuzz_take_byte(&input);
        change_number(&options, which, fuzz_take_number(&input));
    }
    options.sasl = fuzz_take_byte(&input) % 4 == 3;
    char *username = take_string(&input, ""), *password = take_string(&input, MARK), *prefix = take_string(&input, "");
    options.username = username;
    options.password = password;
    options.key_prefix = prefix;
    bool fine = numbers_are_fine(&options) && strings_are_fine(&options) && nothing_is_idle(&options);
    emc_status status = emc__options_validate(&options, &validated, &error);
    FUZZ_CHECK((status == EMC_OK) == fine);
    if (status == EMC_OK) {
        check_accepted(&validated, username, password);
    } else {
        FUZZ_CHECK(status == EMC_ERROR_ARGUMENT && error.status == status && error.message[0] != '\0');
        FUZZ_CHECK(strstr(error.message, MARK) == NULL);
    }
    free(username);
    free(password);
    free(prefix);
    return 0;
}
