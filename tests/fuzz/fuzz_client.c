/* Calls of the public interface with any arguments, on a client whose transport is in memory: what is accepted leaves as exactly one command with the caller's key and value in
 * it, as an independent reader finds; what is refused leaves nothing. No input may become a second command. */
#include "../unit/fake_transport.h"
#include "fuzz_input.h"
#include "protocol/protocol.h"
#include "request_reader.h"

#define PREFIX "p:"

/* One call, as the input describes it. */
struct subject {
    struct fake *fake;
    struct emc__slice key, value;
    char text[64]; /* a caller's string: an argument, an opaque */
    uint64_t a, b;
    int64_t exptime;
    emc_call call;
};

static emc_address node(void)
{
    return fake_node(1);
}

static emc_status call_retrieval(struct subject *s)
{
    emc_client *client = s->fake->client;
    switch (s->a % 4) {
    case 0:
        return emc_get_async(client, s->key.data, s->key.length, &s->call);
    case 1:
        return emc_gets_async(client, s->key.data, s->key.length, &s->call);
    case 2:
        return emc_gat_async(client, s->key.data, s->key.length, s->exptime, &s->call);
    default:
        return emc_gats_async(client, s->key.data, s->key.length, s->exptime, &s->call);
    }
}

static emc_status call_storage(struct subject *s)
{
    emc_client *client = s->fake->client;
    const void *key = s->key.data, *value = s->value.data;
    size_t key_length = s->key.length, length = s->value.length;
    switch (s->a % 6) {
    case 0:
        return emc_set_async(client, key, key_length, value, length, s->exptime, s->b, &s->call);
    case 1:
        return emc_add_async(client, key, key_length, value, length, s->exptime, s->b, &s->call);
    case 2:
        return emc_replace_async(client, key, key_length, value, length, s->exptime, s->b, &s->call);
    case 3:
        return emc_append_async(client, key, key_length, value, length, &s->call);
    case 4:
        return emc_prepend_async(client, key, key_length, value, length, &s->call);
    default:
        return emc_cas_async(client, key, key_length, value, length, s->exptime, s->b % 7, s->b, &s->call);
    }
}

static emc_status call_change(struct subject *s)
{
    emc_client *client = s->fake->client;
    switch (s->a % 4) {
    case 0:
        return emc_delete_async(client, s->key.data, s->key.length, &s->call);
    case 1:
        return emc_incr_async(client, s->key.data, s->key.length, s->b, &s->call);
    case 2:
        return emc_decr_async(client, s->key.data, s->key.length, s->b, &s->call);
    default:
        return emc_touch_async(client, s->key.data, s->key.length, s->exptime, &s->call);
    }
}

static emc_meta_options meta_options(const struct subject *s)
{
    emc_meta_options options;
    emc_meta_options_init(&options);
    options.want = (uint32_t)s->a & 0xff;
    options.modes = (uint32_t)(s->a >> 8) & 0xf; /* not quiet: that is two commands, see below */
    options.ttl = (s->a & 1u << 12) != 0 ? s->exptime : EMC_META_UNSET;
    options.vivify_ttl = (s->a & 1u << 13) != 0 ? s->exptime : EMC_META_UNSET;
    options.recache_below = (s->a & 1u << 14) != 0 ? s->exptime : EMC_META_UNSET;
    options.cas = (s->a & 1u << 15) != 0 ? s->b : 0;
    options.new_cas = (s->a & 1u << 16) != 0 ? s->b : 0;
    options.flags = (s->a & 1u << 17) != 0 ? s->b : 0;
    options.mode = (emc_meta_mode)((s->a >> 18) % 8);
    options.delta = s->b;
    options.initial = s->b / 3;
    options.opaque = (s->a & 1u << 21) != 0 ? s->text : NULL;
    return options;
}

static emc_status call_meta(struct subject *s)
{
    emc_client *client = s->fake->client;
    emc_meta_options options = meta_options(s);
    switch (s->a >> 22 & 7) {
    case 0:
    case 1:
        return emc_meta_get_async(client, s->key.data, s->key.length, &options, &s->call);
    case 2:
    case 3:
        return emc_meta_set_async(client, s->key.data, s->key.length, s->value.data, s->value.length, &options,
                                  &s->call);
    case 4:
        return emc_meta_delete_async(client, s->key.data, s->key.length, &options, &s->call);
    case 5:
        return emc_meta_arithmetic_async(client, s->key.data, s->key.length, &options, &s->call);
    case 6:
        return emc_meta_debug_async(client, s->key.data, s->key.length, &s->call);
    default:
        return emc_count_async(client, s->key.data, s->key.length, s->exptime, s->b, s->exptime, &s->call);
    }
}

static emc_status call_node(struct subject *s)
{
    emc_client *client = s->fake->client;
    emc_address address = node();
    switch (s->a % 5) {
    case 0:
        return emc_stats_async(client, &address, s->text[0] != '\0' ? s->text : NULL, &s->call);
    case 1:
        return emc_flush_all_async(client, &address, (uint32_t)s->b, &s->call);
    case 2:
        return emc_verbosity_async(client, &address, (uint32_t)s->b, &s->call);
    case 3:
        return emc_cache_memlimit_async(client, &address, s->b, &s->call);
    default:
        return emc_dump_keys_async(client, &address, (emc_dump)(s->b % 8), &s->call);
    }
}

/* Whether a request is a fence of the engine's own. */
static bool is_fence(const struct request *request)
{
    return request->word_count == 1 && (emc__slice_equal(request->words[0], emc__slice_of_string("version")) ||
                                        emc__slice_equal(request->words[0], emc__slice_of_string("mn")));
}

/* Whether some word of the command is the key: as it was given, behind the prefix, or in base64. */
static bool has_key(const struct request *request, struct emc__slice key)
{
    uint8_t whole[256] = PREFIX, encoded[512];
    size_t length = sizeof PREFIX - 1 + key.length;
    if (key.length > 250) {
        return false;
    }
    memcpy(whole + sizeof PREFIX - 1, key.data,
           key.length < sizeof whole - sizeof PREFIX ? key.length : sizeof whole - sizeof PREFIX);
    size_t encoded_length = length <= 186 ? emc__key_encode_base64(emc__slice_of(whole, length), encoded) : 0;
    for (size_t i = 1; i < request->word_count; i++) {
        if (emc__slice_equal(request->words[i], emc__slice_of(whole, length)) ||
            (encoded_length > 0 && emc__slice_equal(request->words[i], emc__slice_of(encoded, encoded_length)))) {
            return true;
        }
    }
    return false;
}

/* What was sent is one command, and fences behind it. */
static void check_sent(const struct subject *subject, struct fake_socket *socket, bool keyed)
{
    struct emc__slice bytes = {socket->sent.data, socket->sent.length};
    struct request request;
    size_t length = request_read(bytes, &request);
    FUZZ_CHECK(length > 0);
    FUZZ_CHECK(!keyed || has_key(&request, subject->key));
    FUZZ_CHECK(request.value.data == NULL || emc__slice_equal(request.value, subject->value));
    FUZZ_CHECK(length - request.value.length <= 2048 + 2); /* memcached closes at a longer line */
    while (length < bytes.length) {
        struct emc__slice rest = {bytes.data + length, bytes.length - length};
        size_t more = request_read(rest, &request);
        FUZZ_CHECK(more > 0 && is_fence(&request));
        length += more;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static emc_status (*const calls[])(struct subject *) = {call_retrieval, call_storage, call_change,
                                                            call_meta,      call_meta,    call_node};
    struct emc__slice input = {data, size};
    struct subject subject = {.fake = fake_begin()};
    struct emc__slice text;
    subject.fake->options.key_prefix = PREFIX;
    struct fake_socket *socket = fake_start(subject.fake);
    uint8_t which = fuzz_take_byte(&input) % 6;
    bool noreply = fuzz_take_byte(&input) % 8 == 7;
    subject.a = fuzz_take_number(&input);
    subject.b = fuzz_take_number(&input);
    subject.exptime = (int64_t)fuzz_take_number(&input);
    text = fuzz_take_slice(&input, fuzz_take_byte(&input) % sizeof subject.text);
    memcpy(subject.text, text.length > 0 ? (const char *)text.data : "", text.length);
    subject.key = fuzz_take_slice(&input, fuzz_take_byte(&input));
    subject.value = fuzz_take_slice(&input, 4096);
    subject.call.options = noreply ? EMC_CALL_NOREPLY : 0;
    socket->sent.length = 0;
    emc_status status = calls[which](&subject);
    FUZZ_CHECK(socket->sent.length == 0); /* a submission writes nothing */
    fake_pass(subject.fake);
    if (status == EMC_OK && socket->sent.length > 0) {
        check_sent(&subject, socket, which < 5);
    } else {
        FUZZ_CHECK(socket->sent.length == 0);
    }
    fake_end(subject.fake);
    return 0;
}
