/* Request lines of the classic text protocol. Everything was validated before; nothing fails here. Uses put.h. */
#include "protocol/put.h"

struct word {
    uint8_t length;
    char text[15]; /* not terminated; copied whole, which is one instruction */
};

static const struct word words[] = {
    [EMC__VERB_SET] = {4, "set "},
    [EMC__VERB_ADD] = {4, "add "},
    [EMC__VERB_REPLACE] = {8, "replace "},
    [EMC__VERB_APPEND] = {7, "append "},
    [EMC__VERB_PREPEND] = {8, "prepend "},
    [EMC__VERB_CAS] = {4, "cas "},
    [EMC__VERB_GET] = {3, "get"},
    [EMC__VERB_GETS] = {4, "gets"},
    [EMC__VERB_GAT] = {4, "gat "},
    [EMC__VERB_GATS] = {5, "gats "},
    [EMC__VERB_DELETE] = {7, "delete "},
    [EMC__VERB_INCR] = {5, "incr "},
    [EMC__VERB_DECR] = {5, "decr "},
    [EMC__VERB_TOUCH] = {6, "touch "},
    [EMC__VERB_VERSION] = {7, "version"},
    [EMC__VERB_FLUSH_ALL] = {9, "flush_all"},
    [EMC__VERB_STATS] = {5, "stats"},
    [EMC__VERB_VERBOSITY] = {9, "verbosity"},
    [EMC__VERB_CACHE_MEMLIMIT] = {14, "cache_memlimit"},
    [EMC__VERB_QUIT] = {4, "quit"},
    [EMC__VERB_RAW_LINE] = {0, ""},
    [EMC__VERB_META_NOOP] = {2, "mn"},
};

static uint8_t *put_word(uint8_t *out, enum emc__verb verb)
{
    memcpy(out, words[verb].text, sizeof words[verb].text);
    return out + words[verb].length;
}

size_t emc__write_storage_line(uint8_t *out, enum emc__verb verb, struct emc__slice key, uint64_t flags,
                               int64_t exptime, size_t value_length, uint64_t cas, bool noreply)
{
    uint8_t *at = emc__put_slice(put_word(out, verb), key);
    *at++ = ' ';
    at = emc__put_u64(at, flags);
    *at++ = ' ';
    at = emc__put_i64(at, exptime);
    *at++ = ' ';
    at = emc__put_u64(at, value_length);
    if (verb == EMC__VERB_CAS) {
        *at++ = ' ';
        at = emc__put_u64(at, cas);
    }
    return (size_t)(emc__put_noreply_end(at, noreply) - out);
}

size_t emc__write_retrieval_begin(uint8_t *out, enum emc__verb verb, int64_t exptime)
{
    uint8_t *at = put_word(out, verb);
    if (verb == EMC__VERB_GAT || verb == EMC__VERB_GATS) {
        at = emc__put_i64(at, exptime);
    }
    return (size_t)(at - out);
}

size_t emc__write_retrieval_key(uint8_t *out, struct emc__slice key)
{
    *out = ' ';
    emc__slice_copy(out + 1, key);
    return key.length + 1;
}

size_t emc__write_key_command(uint8_t *out, enum emc__verb verb, struct emc__slice key, int64_t exptime, uint64_t delta,
                              bool noreply)
{
    uint8_t *at = emc__put_slice(put_word(out, verb), key);
    if (verb == EMC__VERB_TOUCH) {
        *at++ = ' ';
        at = emc__put_i64(at, exptime);
    } else if (verb == EMC__VERB_INCR || verb == EMC__VERB_DECR) {
        *at++ = ' ';
        at = emc__put_u64(at, delta);
    }
    return (size_t)(emc__put_noreply_end(at, noreply) - out);
}

static bool has_number(enum emc__verb verb, int64_t number)
{
    return verb == EMC__VERB_VERBOSITY || verb == EMC__VERB_CACHE_MEMLIMIT ||
           (verb == EMC__VERB_FLUSH_ALL && number >= 0);
}

static bool has_noreply(enum emc__verb verb)
{
    return verb == EMC__VERB_VERBOSITY || verb == EMC__VERB_CACHE_MEMLIMIT || verb == EMC__VERB_FLUSH_ALL;
}

size_t emc__write_plain(uint8_t *out, enum emc__verb verb, int64_t number, struct emc__slice argument, bool noreply)
{
    uint8_t *at = put_word(out, verb);
    if (has_number(verb, number)) {
        *at++ = ' ';
        at = emc__put_i64(at, number);
    } else if (verb == EMC__VERB_RAW_LINE) {
        at = emc__put_slice(at, argument);
    } else if (verb == EMC__VERB_STATS && argument.length > 0) {
        *at++ = ' ';
        at = emc__put_slice(at, argument);
    }
    return (size_t)(emc__put_noreply_end(at, noreply && has_noreply(verb)) - out);
}

size_t emc__write_ascii_authentication(uint8_t *out, struct emc__slice user, struct emc__slice password)
{
    uint8_t *at = emc__put_bytes(out, "set _ _ _ ", 10);
    at = emc__put_line_end(emc__put_u64(at, user.length + 1 + password.length));
    at = emc__put_slice(at, user);
    *at++ = ' ';
    at = emc__put_slice(at, password);
    return (size_t)(emc__put_line_end(at) - out);
}
