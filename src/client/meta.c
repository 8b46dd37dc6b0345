/* The meta commands: typed options become flags on the wire, each checked before a byte is sent. */
#include <string.h>

#include "client/client_internal.h"

#define FLAGS_SIZE 512

void emc_meta_options_init_sized(emc_meta_options *options, size_t size)
{
    const emc_meta_options defaults = {
        .size = size,
        .ttl = EMC_META_UNSET,
        .vivify_ttl = EMC_META_UNSET,
        .recache_below = EMC_META_UNSET,
        .delta = 1,
    };
    emc__options_fill(options, size, &defaults, sizeof defaults);
}

/* The flags of one command, being written, and the server they need. */
struct flags {
    uint8_t text[FLAGS_SIZE];
    size_t length;
    uint32_t version; /* 1.6.10 as 10610 */
};

static void put_letter(struct flags *flags, char letter)
{
    flags->text[flags->length++] = ' ';
    flags->text[flags->length++] = (uint8_t)letter;
}

static void put_number(struct flags *flags, char letter, uint64_t number)
{
    put_letter(flags, letter);
    flags->length += emc__format_u64(flags->text + flags->length, number);
}

static void put_signed(struct flags *flags, char letter, int64_t number)
{
    put_letter(flags, letter);
    if (number < 0) {
        flags->text[flags->length++] = '-';
    }
    flags->length += emc__format_u64(flags->text + flags->length, number < 0 ? (uint64_t)-number : (uint64_t)number);
}

static void need(struct flags *flags, uint32_t version)
{
    flags->version = flags->version > version ? flags->version : version;
}

/* What a command knows of the options. */
struct knowledge {
    char command;
    uint32_t want, modes;
    bool ttl, vivify, recache, flags, arithmetic;
};

static const struct knowledge get_knows = {
    'g', 0xff, EMC_META_BINARY_KEY | EMC_META_NO_BUMP | EMC_META_QUIET, true, true, true, false, false};
static const struct knowledge set_knows = {'s',
                                           EMC_META_CAS | EMC_META_SIZE | EMC_META_KEY,
                                           EMC_META_BINARY_KEY | EMC_META_INVALIDATE | EMC_META_QUIET,
                                           true,
                                           true,
                                           false,
                                           true,
                                           false};
static const struct knowledge delete_knows = {
    'd',   EMC_META_KEY, EMC_META_BINARY_KEY | EMC_META_INVALIDATE | EMC_META_DROP_VALUE | EMC_META_QUIET,
    true,  false,        false,
    false, false};
static const struct knowledge arithmetic_knows = {'a',
                                                  EMC_META_VALUE | EMC_META_CAS | EMC_META_TTL | EMC_META_KEY,
                                                  EMC_META_BINARY_KEY | EMC_META_QUIET,
                                                  true,
                                                  true,
                                                  false,
                                                  false,
                                                  true};

static emc_status check_known(emc_client *client, const struct knowledge *knows, const emc_meta_options *options)
{
    const char *field = NULL;
    if (options->size != sizeof *options) {
        field = "size";
    } else if ((options->want & ~knows->want) != 0) {
        field = "want";
    } else if ((options->modes & ~knows->modes) != 0) {
        field = "modes";
    } else if (options->ttl != EMC_META_UNSET && !knows->ttl) {
        field = "ttl";
    } else if (options->vivify_ttl != EMC_META_UNSET && !knows->vivify) {
        field = "vivify_ttl";
    } else if (options->recache_below != EMC_META_UNSET && !knows->recache) {
        field = "recache_below";
    } else if (options->flags != 0 && !knows->flags) {
        field = "flags";
    } else if (options->mode != EMC_META_MODE_SET && !knows->flags) {
        field = "mode";
    } else if ((options->initial != 0 || options->delta != 1 || options->decrement) && !knows->arithmetic) {
        field = "delta";
    }
    return field == NULL
               ? EMC_OK
               : emc__client_refuse(client, EMC_ERROR_ARGUMENT,
                                    "options.%s: does not go with m%c, or is not initialised", field, knows->command);
}

static emc_status check_opaque(emc_client *client, const char *opaque)
{
    size_t length = opaque != NULL ? strnlen(opaque, 32) : 1;
    if (length == 0 || length > 31) {
        return emc__client_refuse(client, EMC_ERROR_ARGUMENT, "options.opaque: has 1 to 31 bytes");
    }
    for (size_t i = 0; opaque != NULL && i < length; i++) {
        if ((unsigned char)opaque[i] <= ' ' || (unsigned char)opaque[i] >= 0x7f) {
            return emc__client_refuse(client, EMC_ERROR_ARGUMENT,
                                      "options.opaque: has a space or control character at position %zu", i);
        }
    }
    return EMC_OK;
}

static emc_status check_numbers(emc_client *client, const emc_meta_options *options)
{
    const int64_t times[] = {options->ttl, options->vivify_ttl, options->recache_below};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        emc_status status = times[i] == EMC_META_UNSET ? EMC_OK : emc__client_check_exptime(client, times[i]);
        if (status != EMC_OK) {
            return status;
        }
    }
    if (options->recache_below != EMC_META_UNSET && options->recache_below < 0) {
        return emc__client_refuse(client, EMC_ERROR_ARGUMENT, "options.recache_below: negative");
    }
    if ((int)options->mode < EMC_META_MODE_SET || options->mode > EMC_META_MODE_PREPEND) {
        return emc__client_refuse(client, EMC_ERROR_ARGUMENT, "options.mode: %d is none", (int)options->mode);
    }
    bool extends = options->mode == EMC_META_MODE_APPEND || options->mode == EMC_META_MODE_PREPEND;
    if (options->flags != 0 && options->flags > UINT32_MAX) {
        return emc__client_refuse(client, EMC_ERROR_ARGUMENT, "options.flags: %llu; it is 0 to 4294967295",
                                  (unsigned long long)options->flags);
    }
    if ((options->modes & EMC_META_INVALIDATE) != 0 && extends) {
        return emc__client_refuse(client, EMC_ERROR_ARGUMENT,
                                  "options.modes: EMC_META_INVALIDATE does not go with append and prepend");
    }
    return EMC_OK;
}

static void write_wants(struct flags *flags, const struct knowledge *knows, uint32_t want)
{
    static const char letters[] = {'v', 'f', 'c', 't', 's', 'h', 'l', 'k'};
    for (unsigned i = 0; i < sizeof letters; i++) {
        if ((want & 1u << i) != 0) {
            put_letter(flags, letters[i]);
        }
    }
    if ((want & EMC_META_SIZE) != 0 && knows->command == 's') {
        need(flags, 10620);
    }
}

static void write_modes(struct flags *flags, uint32_t modes)
{
    static const char letters[] = {'b', 'u', 'I', 'x', 'q'};
    for (unsigned i = 0; i < sizeof letters; i++) {
        if ((modes & 1u << i) != 0) {
            put_letter(flags, letters[i]);
        }
    }
    if ((modes & EMC_META_DROP_VALUE) != 0) {
        need(flags, 10627);
    }
}

static void write_arithmetic(struct flags *flags, const emc_meta_options *options)
{
    put_number(flags, 'D', options->delta);
    if (options->vivify_ttl != EMC_META_UNSET) {
        put_number(flags, 'J', options->initial);
    }
    if (options->decrement) {
        put_letter(flags, 'M');
        flags->text[flags->length++] = 'D';
    }
}

static void write_set(struct flags *flags, const emc_meta_options *options)
{
    static const char modes[] = {'S', 'E', 'R', 'A', 'P'};
    if (options->flags != 0) {
        put_number(flags, 'F', options->flags);
    }
    if (options->mode != EMC_META_MODE_SET) {
        put_letter(flags, 'M');
        flags->text[flags->length++] = (uint8_t)modes[options->mode];
    }
    if (options->vivify_ttl != EMC_META_UNSET) {
        need(flags, 10620);
    }
}

static void write_flags(struct flags *flags, const struct knowledge *knows, const emc_meta_options *options)
{
    *flags = (struct flags){.length = 0, .version = 10610};
    write_modes(flags, options->modes);
    if (options->opaque != NULL) {
        put_letter(flags, 'O');
        memcpy(flags->text + flags->length, options->opaque, strlen(options->opaque));
        flags->length += strlen(options->opaque);
    }
    if (options->ttl != EMC_META_UNSET) {
        put_signed(flags, 'T', options->ttl);
    }
    if (options->vivify_ttl != EMC_META_UNSET) {
        put_signed(flags, 'N', options->vivify_ttl);
    }
    if (options->recache_below != EMC_META_UNSET) {
        put_signed(flags, 'R', options->recache_below);
    }
    if (options->cas != 0) {
        put_number(flags, 'C', options->cas);
        need(flags, knows->command == 'g' ? 10640 : 0);
    }
    if (options->new_cas != 0) {
        put_number(flags, 'E', options->new_cas);
        need(flags, 10627);
    }
    if (knows->command == 'a') {
        write_arithmetic(flags, options);
    } else if (knows->command == 's') {
        write_set(flags, options);
    }
    write_wants(flags, knows,
                options->want); /* last: the server works in the order of the flags, and tells what is then */
}

/* Of a program that knows fewer fields, or more. */
static emc_status take_older(emc_client *client, const emc_meta_options *given, emc_meta_options *options)
{
    emc_error error;
    emc_status status = emc__options_take(options, sizeof *options, given, offsetof(emc_meta_options, opaque), &error);
    return status == EMC_OK ? EMC_OK : emc__client_refuse(client, status, "%s", error.message);
}

static emc_status submit_inside(emc_client *client, const struct knowledge *knows, struct emc__slice key,
                                struct emc__slice value, const emc_meta_options *given, const emc_call *call)
{
    emc_meta_options defaults;
    struct flags flags;
    emc_meta_options_init(&defaults);
    const emc_meta_options *options = given != NULL ? given : &defaults;
    emc_status status = emc__client_check_open(client, call);
    if (status == EMC_OK && options->size != sizeof *options) {
        options = &defaults;
        status = take_older(client, given, &defaults);
    }
    status = status == EMC_OK ? check_known(client, knows, options) : status;
    status = status == EMC_OK ? check_opaque(client, options->opaque) : status;
    status = status == EMC_OK ? check_numbers(client, options) : status;
    if (status != EMC_OK) {
        return status;
    }
    emc_meta_options bounded;
    if (key.data != NULL && client->engine.options.failover == EMC_FAILOVER_GUTTER &&
        emc__client_diverts_to_gutter(client, emc__client_route(client, key, call))) {
        bounded = emc__client_gutter_meta(client, knows->command, options);
        options = &bounded;
    }
    write_flags(&flags, knows, options);
    struct emc__request request = {.kind = EMC__OPERATION_META,
                                   .verb = EMC__VERB_RAW_LINE,
                                   .key = key,
                                   .value = value,
                                   .argument = emc__slice_of(flags.text, flags.length),
                                   .number = flags.version,
                                   .meta_command = knows->command,
                                   .binary_key = (options->modes & EMC_META_BINARY_KEY) != 0,
                                   .quiet = (options->modes & EMC_META_QUIET) != 0};
    return emc__client_submit(client, &request, call);
}

static emc_status submit(emc_client *client, const struct knowledge *knows, struct emc__slice key,
                         struct emc__slice value, const emc_meta_options *given, const emc_call *call)
{
    emc_status status = emc__client_enter(client);
    if (status == EMC_OK) {
        status = submit_inside(client, knows, key, value, given, call);
        emc__client_leave(client);
    }
    return status;
}

emc_status emc_meta_get_async(emc_client *client, const void *key, size_t key_length, const emc_meta_options *options,
                              const emc_call *call)
{
    return submit(client, &get_knows, emc__slice_of(key, key_length), (struct emc__slice){0}, options, call);
}

emc_status emc_meta_set_async(emc_client *client, const void *key, size_t key_length, const void *value,
                              size_t value_length, const emc_meta_options *options, const emc_call *call)
{
    return submit(client, &set_knows, emc__slice_of(key, key_length), emc__slice_of(value, value_length), options,
                  call);
}

emc_status emc_meta_delete_async(emc_client *client, const void *key, size_t key_length,
                                 const emc_meta_options *options, const emc_call *call)
{
    return submit(client, &delete_knows, emc__slice_of(key, key_length), (struct emc__slice){0}, options, call);
}

emc_status emc_meta_arithmetic_async(emc_client *client, const void *key, size_t key_length,
                                     const emc_meta_options *options, const emc_call *call)
{
    return submit(client, &arithmetic_knows, emc__slice_of(key, key_length), (struct emc__slice){0}, options, call);
}

emc_status emc_meta_noop_async(emc_client *client, const emc_address *node, const emc_call *call)
{
    struct emc__request request = {
        .kind = EMC__OPERATION_PLAIN, .verb = EMC__VERB_META_NOOP, .node = node, .number = UINT64_MAX};
    return emc__client_submit(client, &request, call);
}

emc_status emc_meta_debug_async(emc_client *client, const void *key, size_t key_length, const emc_call *call)
{
    struct emc__request request = {.kind = EMC__OPERATION_META,
                                   .verb = EMC__VERB_RAW_LINE,
                                   .key = emc__slice_of(key, key_length),
                                   .number = 10610,
                                   .meta_command = 'e'};
    if (key != NULL && key_length > 0 && emc__key_validate(request.key, NULL) != EMC_OK &&
        key_length <= EMC__KEY_LENGTH_MAX) {
        request.binary_key = true;
        request.argument = emc__slice_of(" b", 2);
    }
    return emc__client_submit(client, &request, call);
}

/* ------------------------------------------------------------------ patterns (protocol.md section 2) */

emc_status emc_fetch_async(emc_client *client, const void *key, size_t key_length, uint32_t lease_s,
                           uint32_t recache_below_s, const emc_call *call)
{
    emc_meta_options options;
    if (lease_s == 0 || lease_s > 2592000) {
        return emc__client_refuse(client, EMC_ERROR_ARGUMENT, "lease_s: %u; it is 1 to 2592000", lease_s);
    }
    emc_meta_options_init(&options);
    options.want = EMC_META_VALUE | EMC_META_FLAGS | EMC_META_CAS | EMC_META_TTL;
    options.vivify_ttl = lease_s;
    if (recache_below_s > 0) {
        options.recache_below = recache_below_s;
    }
    return submit(client, &get_knows, emc__slice_of(key, key_length), (struct emc__slice){0}, &options, call);
}

static emc_status check_lease(emc_client *client, const emc_lease *lease)
{
    if (lease == NULL || !lease->won || lease->cas == 0) {
        return emc__client_refuse(client, EMC_ERROR_ARGUMENT, "lease: it was not won");
    }
    return EMC_OK;
}

emc_status emc_fill_async(emc_client *client, const void *key, size_t key_length, const void *value,
                          size_t value_length, int64_t exptime, uint64_t flags, const emc_lease *lease,
                          const emc_call *call)
{
    emc_meta_options options;
    emc_status status = check_lease(client, lease);
    if (status != EMC_OK) {
        return status;
    }
    emc_meta_options_init(&options);
    options.ttl = exptime;
    options.flags = flags;
    options.cas = lease->cas;
    return submit(client, &set_knows, emc__slice_of(key, key_length), emc__slice_of(value, value_length), &options,
                  call);
}

emc_status emc_give_up_async(emc_client *client, const void *key, size_t key_length, const emc_lease *lease,
                             const emc_call *call)
{
    emc_meta_options options;
    emc_status status = check_lease(client, lease);
    if (status != EMC_OK) {
        return status;
    }
    emc_meta_options_init(&options);
    options.cas = lease->cas;
    return submit(client, &delete_knows, emc__slice_of(key, key_length), (struct emc__slice){0}, &options, call);
}

emc_status emc_invalidate_async(emc_client *client, const void *key, size_t key_length, int64_t stale_s,
                                const emc_call *call)
{
    emc_meta_options options;
    emc_meta_options_init(&options);
    options.modes = EMC_META_INVALIDATE;
    options.ttl = stale_s;
    return submit(client, &delete_knows, emc__slice_of(key, key_length), (struct emc__slice){0}, &options, call);
}

emc_status emc_count_async(emc_client *client, const void *key, size_t key_length, int64_t delta, uint64_t initial,
                           int64_t exptime, const emc_call *call)
{
    emc_meta_options options;
    emc_meta_options_init(&options);
    options.want = EMC_META_VALUE;
    options.decrement = delta < 0;
    options.delta = delta < 0 ? 0u - (uint64_t)delta : (uint64_t)delta;
    options.initial = initial;
    options.vivify_ttl = exptime;
    return submit(client, &arithmetic_knows, emc__slice_of(key, key_length), (struct emc__slice){0}, &options, call);
}
