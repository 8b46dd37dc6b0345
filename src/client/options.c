/* Options: what every default is, which ranges hold, and that strings are the client's own. */
#include "client/options.h"

#include <string.h>

#include "base/allocator.h"
#include "base/log.h"

void emc__options_fill(void *options, size_t size, const void *defaults, size_t known)
{
    memset(options, 0, size);
    memcpy(options, defaults, size < known ? size : known);
}

emc_status emc__options_take(void *options, size_t known, const void *given, size_t least, emc_error *error)
{
    size_t size;
    memcpy(&size, given, sizeof size);
    if (size < least || size > known) {
        return emc__error_set(error, EMC_ERROR_ARGUMENT, "options.size: %zu; %s", size,
                              size < least ? "fill it by its init function first"
                                           : "the program was compiled for a newer library");
    }
    memcpy(options, given, size);
    memcpy(options, &known, sizeof known);
    return EMC_OK;
}

void emc_options_init_sized(emc_options *options, size_t size)
{
    const emc_options defaults = {
        .size = size,
        .timeout_ms = 1000,
        .connection_timeout_ms = 5000,
        .busy_poll_us = 0,
        .connections_min = 1,
        .connections_max = 2,
        .purge_unused_connections_after_ms = 60000,
        .pool_growth_after_ms = 10,
        .health_attempts = 3,
        .health_disconnected_ms = 1000,
        .health_silence_ms = 1000,
        .health_question_ms = 1000,
        .health_answers_elsewhere = 3,
        .backoff_min_ms = 100,
        .backoff_max_ms = 1000,
        .keepalive_ms = 10000,
        .ask_version = true,
        .routing = EMC_ROUTING_EMCACHE,
        .failover = EMC_FAILOVER_FAIL,
        .gutter_exptime = 10,
        .discovery_interval_ms = 60000,
        .discovery_timeout_ms = 5000,
        .discovery_start_timeout_ms = 10000,
        .tls = EMC_TLS_OPTIONS_INIT,
        .operations_max = 1048576,
        .operations_per_connection_max = 262144,
        .bytes_waiting_max = 16u * 1024 * 1024,
        .value_length_max = 1024u * 1024 * 1024,
        .line_length_max = 4096,
        .stats_lines_max = 100000,
        .discovery_length_max = 65536,
        .keys_per_line_max = 1000, /* measured: lines of 1,000 keys 2.1 M keys/s, one line of 100,000 keys 1.0 M */
        .gather_after_flushes = 4, /* measured: docs/decisions/0007 */
        .quiet_writes = true,
        .log_level = EMC_LOG_WARNING,
    };
    emc__options_fill(options, size, &defaults, sizeof defaults);
}

/* A number's range. Durations may be EMC_NO_LIMIT where `unlimited`. */
struct range {
    const char *name;
    uint64_t value, least, most;
    bool unlimited;
};

static emc_status check_ranges(const struct range *ranges, size_t count, emc_error *error)
{
    for (size_t i = 0; i < count; i++) {
        const struct range *range = &ranges[i];
        bool unlimited = range->unlimited && range->value == EMC_NO_LIMIT;
        if (!unlimited && (range->value < range->least || range->value > range->most)) {
            return emc__error_set(error, EMC_ERROR_ARGUMENT, "%s: %llu; it is %llu to %llu%s", range->name,
                                  (unsigned long long)range->value, (unsigned long long)range->least,
                                  (unsigned long long)range->most, range->unlimited ? ", or EMC_NO_LIMIT" : "");
        }
    }
    return EMC_OK;
}

#define DURATION_MAX 0x7fffffffu

static emc_status check_numbers(const emc_options *o, emc_error *error)
{
    const struct range ranges[] = {
        {"timeout_ms", o->timeout_ms, 1, DURATION_MAX, true},
        {"connection_timeout_ms", o->connection_timeout_ms, 1, DURATION_MAX, true},
        {"busy_poll_us", o->busy_poll_us, 0, 1000, false},
        {"connections_max", o->connections_max, 1, 64, false},
        {"connections_min", o->connections_min, 0, 64, false},
        {"purge_unused_connections_after_ms", o->purge_unused_connections_after_ms, 1, DURATION_MAX, true},
        {"pool_growth_after_ms", o->pool_growth_after_ms, 1, DURATION_MAX, false},
        {"health_attempts", o->health_attempts, 1, 1000, false},
        {"health_disconnected_ms", o->health_disconnected_ms, 1, DURATION_MAX, false},
        {"health_silence_ms", o->health_silence_ms, 1, DURATION_MAX, true},
        {"health_question_ms", o->health_question_ms, 1, DURATION_MAX, false},
        {"health_answers_elsewhere", o->health_answers_elsewhere, 1, 1000, true},
        {"backoff_max_ms", o->backoff_max_ms, 1, DURATION_MAX, false},
        {"backoff_min_ms", o->backoff_min_ms, 1, DURATION_MAX, false},
        {"keepalive_ms", o->keepalive_ms, 1, DURATION_MAX, true},
        {"routing", (uint64_t)o->routing, 0, EMC_ROUTING_DALLI, false},
        {"failover", (uint64_t)o->failover, 0, EMC_FAILOVER_GUTTER, false},
        {"gutter_exptime", o->gutter_exptime, 1, 2592000, false},
        {"return_steady_ms", o->return_steady_ms, 0, DURATION_MAX, false},
        {"deletes_replayed_max", o->deletes_replayed_max, 0, 1000000, false},
        {"discovery", (uint64_t)o->discovery, 0, EMC_DISCOVERY_DNS_SRV, false},
        {"discovery_interval_ms", o->discovery_interval_ms, 100, DURATION_MAX, false},
        {"discovery_timeout_ms", o->discovery_timeout_ms, 1, DURATION_MAX, false},
        {"discovery_start_timeout_ms", o->discovery_start_timeout_ms, 0, DURATION_MAX, false},
        {"operations_max", o->operations_max, 1, 16777216, false},
        {"operations_per_connection_max", o->operations_per_connection_max, 1, 16777216, false},
        {"bytes_waiting_max", o->bytes_waiting_max, 65536, SIZE_MAX / 64, false},
        {"value_length_max", o->value_length_max, 1, SIZE_MAX / 4 + 1, false}, /* where a size has 32 bits: 1 GiB */
        {"line_length_max", o->line_length_max, 512, 65536, false},
        {"stats_lines_max", o->stats_lines_max, 1, SIZE_MAX, false},
        {"discovery_length_max", o->discovery_length_max, 1024, 65536, false},
        {"keys_per_line_max", o->keys_per_line_max, 1, 1000, false},
        {"gather_after_flushes", o->gather_after_flushes, 1, 65536, false},
        {"log_level", (uint64_t)o->log_level, 0, EMC_LOG_DEBUG, false},
        {"tls.version_min", o->tls.version_min, 12, 13, false},
    };
    return check_ranges(ranges, sizeof ranges / sizeof ranges[0], error);
}

static emc_status check_credential(const char *name, const char *text, bool spaces, emc_error *error)
{
    size_t length = strnlen(text, 251);
    if (length == 0 || length > 250) {
        return emc__error_set(error, EMC_ERROR_ARGUMENT, "%s: %s; it has 1 to 250 bytes", name,
                              length == 0 ? "empty" : "too long");
    }
    if (strpbrk(text, spaces ? "\r\n" : "\r\n ") != NULL) {
        return emc__error_set(error, EMC_ERROR_ARGUMENT, "%s: has a line break%s", name, spaces ? "" : " or a space");
    }
    return EMC_OK;
}

static emc_status check_credentials(const emc_options *o, emc_error *error)
{
    if ((o->username == NULL) != (o->password == NULL)) {
        return emc__error_set(error, EMC_ERROR_ARGUMENT, "%s: is missing; username and password go together",
                              o->username == NULL ? "username" : "password");
    }
    if (o->username == NULL) {
        return o->sasl ? emc__error_set(error, EMC_ERROR_ARGUMENT, "sasl: needs username and password") : EMC_OK;
    }
    emc_status status = check_credential("username", o->username, false, error);
    return status == EMC_OK ? check_credential("password", o->password, true, error) : status;
}

static emc_status check_prefix(const emc_options *o, emc_error *error)
{
    size_t length = o->key_prefix != NULL ? strnlen(o->key_prefix, 201) : 0;
    if (length > 200) {
        return emc__error_set(error, EMC_ERROR_ARGUMENT, "key_prefix: too long; it has at most 200 bytes");
    }
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)o->key_prefix[i];
        if (byte <= ' ' || byte == 0x7f) {
            return emc__error_set(error, EMC_ERROR_ARGUMENT,
                                  "key_prefix: has a space or control character at position %zu", i);
        }
    }
    return EMC_OK;
}

/* Certificates that nobody would look at mean connections that are less than their owner thinks. */
static emc_status check_tls(const emc_tls_options *tls, emc_error *error)
{
    const struct {
        const char *name, *value;
    } files[] = {
        {"extra_ca_file", tls->extra_ca_file}, {"trust_file", tls->trust_file},
        {"trust_folder", tls->trust_folder},   {"certificate_file", tls->certificate_file},
        {"key_file", tls->key_file},           {"key_password", tls->key_password},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0] && !tls->enabled; i++) {
        if (files[i].value != NULL) {
            return emc__error_set(error, EMC_ERROR_ARGUMENT, "tls.%s: it needs tls.enabled", files[i].name);
        }
    }
    if ((tls->certificate_file == NULL) != (tls->key_file == NULL)) {
        return emc__error_set(error, EMC_ERROR_ARGUMENT, "tls.certificate_file and tls.key_file go together");
    }
    return EMC_OK;
}

/* Set, but what it belongs to is off: whoever set it believes otherwise. */
static emc_status check_idle(const emc_options *o, emc_error *error)
{
    const emc_options defaults = emc_options_default();
    bool gutter = o->failover == EMC_FAILOVER_GUTTER, discovers = o->discovery != EMC_DISCOVERY_NONE;
    const struct {
        const char *name;
        bool idle;
        const char *needs;
    } options[] = {
        {"tls.verify", !o->tls.enabled && o->tls.verify != defaults.tls.verify, "tls.enabled"},
        {"tls.version_min", !o->tls.enabled && o->tls.version_min != defaults.tls.version_min, "tls.enabled"},
        {"gutter_exptime", !gutter && o->gutter_exptime != defaults.gutter_exptime, "EMC_FAILOVER_GUTTER"},
        {"discovery_interval_ms", !discovers && o->discovery_interval_ms != defaults.discovery_interval_ms,
         "discovery"},
        {"discovery_timeout_ms", !discovers && o->discovery_timeout_ms != defaults.discovery_timeout_ms, "discovery"},
        {"discovery_start_timeout_ms",
         !discovers && o->discovery_start_timeout_ms != defaults.discovery_start_timeout_ms, "discovery"},
    };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (options[i].idle) {
            return emc__error_set(error, EMC_ERROR_ARGUMENT, "%s: it needs %s", options[i].name, options[i].needs);
        }
    }
    return EMC_OK;
}

static emc_status check_combinations(const emc_options *o, emc_error *error)
{
    if (o->connections_min > o->connections_max) {
        return emc__error_set(error, EMC_ERROR_ARGUMENT, "connections_min: %u; it is 0 to connections_max, %u",
                              o->connections_min, o->connections_max);
    }
    if (o->backoff_min_ms > o->backoff_max_ms) {
        return emc__error_set(error, EMC_ERROR_ARGUMENT, "backoff_min_ms: %u; it is 1 to backoff_max_ms, %u",
                              o->backoff_min_ms, o->backoff_max_ms);
    }
    if ((o->hash_tag_open == 0) != (o->hash_tag_close == 0)) {
        return emc__error_set(error, EMC_ERROR_ARGUMENT, "hash_tag_open and hash_tag_close go together");
    }
    bool gutter = o->gutter_nodes != NULL && o->gutter_node_count > 0;
    if (o->gutter_nodes == NULL && o->gutter_node_count > 0) {
        return emc__error_set(error, EMC_ERROR_ARGUMENT, "gutter_nodes: NULL, and gutter_node_count is %zu",
                              o->gutter_node_count);
    }
    if (gutter != (o->failover == EMC_FAILOVER_GUTTER)) {
        return emc__error_set(error, EMC_ERROR_ARGUMENT,
                              gutter ? "gutter_nodes: they need EMC_FAILOVER_GUTTER"
                                     : "gutter_nodes: empty; EMC_FAILOVER_GUTTER needs at least one");
    }
    if (o->purge_unhealthy_nodes && (o->failover == EMC_FAILOVER_GUTTER || o->deletes_replayed_max > 0)) {
        return emc__error_set(
            error, EMC_ERROR_ARGUMENT,
            "purge_unhealthy_nodes: does not go with %s, which must know the node that a key belongs to; "
            "EMC_FAILOVER_NEXT does the same key by key",
            o->failover == EMC_FAILOVER_GUTTER ? "EMC_FAILOVER_GUTTER" : "deletes_replayed_max");
    }
    const emc_allocator *allocator = o->allocator;
    if (allocator != NULL &&
        (allocator->allocate == NULL || allocator->reallocate == NULL || allocator->release == NULL)) {
        return emc__error_set(error, EMC_ERROR_ARGUMENT, "allocator: one of its three functions is missing");
    }
    return EMC_OK;
}

emc_status emc__options_validate(const emc_options *given, emc_options *options, emc_error *error)
{
    emc_options_init(options);
    emc_status status = EMC_OK;
    if (given != NULL) {
        status = emc__options_take(options, sizeof *options, given, offsetof(emc_options, connection_timeout_ms),
                                   error);
    }
    status = status == EMC_OK ? check_numbers(options, error) : status;
    status = status == EMC_OK ? check_credentials(options, error) : status;
    status = status == EMC_OK ? check_prefix(options, error) : status;
    status = status == EMC_OK ? check_tls(&options->tls, error) : status;
    status = status == EMC_OK ? check_idle(options, error) : status;
    return status == EMC_OK ? check_combinations(options, error) : status;
}

/* Replaces strings by copies in one block. */
static emc_status own(const char ***fields, size_t count, const emc_allocator *allocator,
                      struct emc__owned_strings *owned_out)
{
    size_t size = 1;
    for (size_t i = 0; i < count; i++) {
        size += *fields[i] != NULL ? strlen(*fields[i]) + 1 : 0;
    }
    char *strings = emc__allocate(allocator, size);
    if (strings == NULL) {
        return EMC_ERROR_MEMORY;
    }
    char *next = strings;
    for (size_t i = 0; i < count; i++) {
        if (*fields[i] != NULL) {
            size_t length = strlen(*fields[i]) + 1;
            memcpy(next, *fields[i], length);
            *fields[i] = next;
            next += length;
        }
    }
    *owned_out = (struct emc__owned_strings){strings, size};
    return EMC_OK;
}

void emc__owned_strings_wipe(struct emc__owned_strings *owned, const emc_allocator *allocator)
{
    if (owned->strings != NULL) {
        emc__wipe(owned->strings, owned->size);
        emc__release(allocator, owned->strings);
    }
    *owned = (struct emc__owned_strings){0};
}

emc_status emc__options_own_credentials(emc_options *options, const emc_allocator *allocator,
                                        struct emc__owned_strings *owned_out)
{
    const char **fields[] = {&options->username, &options->password};
    return own(fields, sizeof fields / sizeof fields[0], allocator, owned_out);
}

emc_status emc__options_check_credentials(const char *username, const char *password, bool sasl, emc_error *error)
{
    const emc_options options = {.username = username, .password = password, .sasl = sasl};
    return check_credentials(&options, error);
}

emc_status emc__options_own_strings(emc_options *options, const emc_allocator *allocator,
                                    struct emc__owned_strings *owned_out)
{
    const char **fields[] = {&options->key_prefix};
    emc_status status = own(fields, sizeof fields / sizeof fields[0], allocator, owned_out);
    if (status != EMC_OK) {
        return status;
    }
    /* The transport has read these files at creation; nobody looks at the names again. */
    options->tls.extra_ca_file = options->tls.trust_file = options->tls.trust_folder = options->tls.certificate_file =
        options->tls.key_file = NULL;
    options->tls.key_password = NULL;
    options->gutter_nodes = NULL;
    return EMC_OK;
}
