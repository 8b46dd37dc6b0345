/* The protocol layer's outward header: request writers, the incremental reply reader, key validation.
 *
 * Pure functions over bytes: no socket, no clock, no node. Built on base/ alone. Two dialects: text (with meta, which
 * is text as well) and binary (for servers that authenticate by SASL, which speak nothing else). The facts are in
 * protocol.txt of memcached 1.6. */
#ifndef EMC_PROTOCOL_PROTOCOL_H
#define EMC_PROTOCOL_PROTOCOL_H

#include <emcache/platform.h>

#include "base/rare.h"
#include "base/slice.h"

/* protocol.txt: a key is at most 250 bytes. */
#define EMC__KEY_LENGTH_MAX 250
/* Measured: every request line but get and gets must fit into 2048 bytes with its CRLF, else the server closes. */
#define EMC__LINE_LENGTH_MAX 2048
#define EMC__EXPTIME_MAX     INT32_MAX /* 2^31 is stored as already expired, 2^32+100 becomes 100 (measured) */

/* ------------------------------------------------------------------ keys (key.c) */

/* Not zero when one of the eight bytes is a control character, a space or DEL (the usual test for "a byte below n", and for a zero byte). */
static inline uint64_t emc__key_forbidden_in_word(const uint8_t *bytes)
{
    const uint64_t each = UINT64_C(0x0101010101010101);
    uint64_t word = emc__load_word(bytes);
    uint64_t delete_as_zero = word ^ (each * 0x7f);
    uint64_t below = (word - each * 0x21) & ~word;
    uint64_t zero = (delete_as_zero - each) & ~delete_as_zero;
    return (below | zero) & (each * 0x80);
}

/* The same for a key of any length. */
bool emc__key_forbidden_byte(struct emc__slice key);

/* 1 to 250 bytes, none of them a space or a control character. */
static inline bool emc__key_valid(struct emc__slice key)
{
    if (key.length >= 8 && key.length <= 16) { /* most keys */
        return (emc__key_forbidden_in_word(key.data) | emc__key_forbidden_in_word(key.data + key.length - 8)) == 0;
    }
    return key.length >= 1 && key.length <= EMC__KEY_LENGTH_MAX && !emc__key_forbidden_byte(key);
}
/* EMC_OK or EMC_ERROR_KEY; the error text names the argument and the limit. */
emc_status emc__key_validate(struct emc__slice key, emc_error *error);
/* Base64 with padding, as meta's `b` flag wants it. `out` has room for EMC__KEY_LENGTH_MAX; returns the length. raw <=
 * 186 bytes. */
size_t emc__key_encode_base64(struct emc__slice raw, uint8_t *out);

/* ------------------------------------------------------------------ requests (write.c, write_meta.c) */

enum emc__verb {
    EMC__VERB_SET,
    EMC__VERB_ADD,
    EMC__VERB_REPLACE,
    EMC__VERB_APPEND,
    EMC__VERB_PREPEND,
    EMC__VERB_CAS,
    EMC__VERB_GET,
    EMC__VERB_GETS,
    EMC__VERB_GAT,
    EMC__VERB_GATS,
    EMC__VERB_DELETE,
    EMC__VERB_INCR,
    EMC__VERB_DECR,
    EMC__VERB_TOUCH,
    EMC__VERB_VERSION,
    EMC__VERB_FLUSH_ALL,
    EMC__VERB_STATS,
    EMC__VERB_VERBOSITY,
    EMC__VERB_CACHE_MEMLIMIT,
    EMC__VERB_QUIT,
    EMC__VERB_RAW_LINE /* a line the caller composed and validated: lru_crawler, config get cluster … */,
    EMC__VERB_META_NOOP
};

/* Each writer writes into out (which has room for the bound stated) and returns the number of bytes; behind them,
 * within the bound, out may be scribbled on (not by emc__write_retrieval_key). None fails: everything was validated. */

/* `set key flags exptime length [cas] [noreply]\r\n`; value and CRLF are the caller's to send after it. <=
 * EMC__KEY_LENGTH_MAX + 128 */
size_t emc__write_storage_line(uint8_t *out, enum emc__verb verb, struct emc__slice key, uint64_t flags,
                               int64_t exptime, size_t value_length, uint64_t cas, bool noreply);
/* `get`, `gets`, `gat exptime`, `gats exptime`: the beginning of a retrieval line, without a key. <= 32 */
size_t emc__write_retrieval_begin(uint8_t *out, enum emc__verb verb, int64_t exptime);
/* ` key`. <= EMC__KEY_LENGTH_MAX + 1. A retrieval line ends with "\r\n". */
size_t emc__write_retrieval_key(uint8_t *out, struct emc__slice key);
/* delete, incr, decr (number = delta), touch (number = exptime). <= EMC__KEY_LENGTH_MAX + 64 */
size_t emc__write_key_command(uint8_t *out, enum emc__verb verb, struct emc__slice key, int64_t exptime, uint64_t delta,
                              bool noreply);
/* version, flush_all (number = delay when >= 0), verbosity (number = level), cache_memlimit (number = megabytes), quit,
 * mn, stats (argument may be empty), a raw line (the argument, without CRLF). noreply counts for those that can go
 * without an answer. <= 64 + argument.length */
size_t emc__write_plain(uint8_t *out, enum emc__verb verb, int64_t number, struct emc__slice argument, bool noreply);
/* `set _ _ _ N\r\nuser pass\r\n` (protocol.md section 3: the non-numeric fields are deliberate). <= 64 + user.length +
 * password.length */
size_t emc__write_ascii_authentication(uint8_t *out, struct emc__slice user, struct emc__slice password);

/* The label of a quiet command, 0 to EMC__LABEL_MAX: two characters behind its `O`, from '0' to 'o', the higher six bits first. */
#define EMC__LABEL_MAX 4095
/* False when the text is none. */
bool emc__label_read(struct emc__slice text, uint32_t *label_out);
/* `ms key length T… F… q O…\r\n` of a quiet set, without value; <= EMC__KEY_LENGTH_MAX + 96. And `md key q O…\r\n`. */
size_t emc__write_quiet_set_line(uint8_t *out, struct emc__slice key, uint64_t flags, int64_t exptime,
                                 size_t value_length, uint32_t label);
size_t emc__write_quiet_delete(uint8_t *out, struct emc__slice key, uint32_t label);

/* A meta request with its flags as the caller's types put them together. command: 'g', 's', 'd', 'a' or 'e'. */
struct emc__meta_request {
    char command;
    struct emc__slice key;   /* as it goes on the wire (base64 already, when there is a `b` flag) */
    struct emc__slice flags; /* " v f t T30", each flag with its leading space, validated; may be empty */
    size_t value_length;     /* ms alone */
};
/* The line without value. <= EMC__LINE_LENGTH_MAX when the caller kept the limit. */
size_t emc__write_meta(uint8_t *out, const struct emc__meta_request *request);

/* ------------------------------------------------------------------ replies (read.c) */

enum emc__reply {
    EMC__REPLY_STORED,
    EMC__REPLY_NOT_STORED,
    EMC__REPLY_EXISTS,
    EMC__REPLY_NOT_FOUND,
    EMC__REPLY_END,
    EMC__REPLY_DELETED,
    EMC__REPLY_TOUCHED,
    EMC__REPLY_OK,
    EMC__REPLY_RESET,
    EMC__REPLY_NUMBER,       /* incr, decr: number */
    EMC__REPLY_VERSION,      /* text: what follows VERSION */
    EMC__REPLY_STAT,         /* text: what follows STAT (name, space, value; the value may be empty) */
    EMC__REPLY_ERROR,        /* ERROR [text] */
    EMC__REPLY_CLIENT_ERROR, /* text: what follows */
    EMC__REPLY_SERVER_ERROR, /* text: what follows */
    EMC__REPLY_META,         /* HD EN NF NS EX MN: meta_code and flags in text */
    EMC__REPLY_LINE          /* any other line, whole: metadump, `OK`-like answers of lru_crawler (BUSY …), ME */
};

#define EMC__META_CODE(a, b) ((uint16_t)((uint16_t)(uint8_t)(a) << 8 | (uint16_t)(uint8_t)(b)))

/* A whole line without value. Slices are borrowed until the handler returns. */
struct emc__reply_line {
    enum emc__reply kind;
    uint16_t meta_code; /* EMC__META_CODE('H','D') … when kind is EMC__REPLY_META */
    uint64_t number;
    struct emc__slice text; /* see the kinds; for META: the flags, with single spaces between and none around */
};

/* What announces a value: `VALUE key flags length [cas]`, `VA length flags*`, or `CONFIG cluster flags length`. */
enum emc__value_kind { EMC__VALUE_TEXT,
                       EMC__VALUE_META,
                       EMC__VALUE_CONFIG };
struct emc__value_header {
    enum emc__value_kind kind;
    struct emc__slice key; /* TEXT; for CONFIG the word after it ("cluster") */
    uint64_t flags, cas;   /* cas: 0 when there is none */
    bool has_cas;
    size_t length;
    struct emc__slice meta_flags; /* META: as text above */
};

/* How the reader delivers. A handler returns false to stop (the stream contradicts what was asked, or the connection is
 * gone): feed then returns EMC__READ_STOPPED at once and must not be called again. Handlers must not call into the
 * reader. */
struct emc__reader_handler {
    bool (*line)(void *context, const struct emc__reply_line *line);
    /* A value that lies whole in the bytes fed: data is borrowed until return. */
    bool (*value)(void *context, const struct emc__value_header *header, const uint8_t *data);
    /* A value of more than EMC__READ_IN_PLACE_MAX bytes (limit below) that does not lie whole in the bytes fed: where
     * its bytes shall go. *destination_out has room for header->length bytes until value_end (the handler may change it
     * by emc__reader_discard), or is NULL: the bytes are dropped. */
    bool (*value_begin)(void *context, const struct emc__value_header *header, uint8_t **destination_out);
    /* The value announced by value_begin is complete, its CRLF seen. */
    bool (*value_end)(void *context);
};

/* Smaller values wait in the caller's buffer until they are whole (and so need no destination of their own). */
#define EMC__READ_IN_PLACE_MAX 16384

struct emc__reader_limits {
    size_t line_length_max;  /* longest reply line accepted, CRLF included; default 4096; the caller's buffer must hold
                                it */
    size_t value_length_max; /* longest value accepted; default 1 GiB */
};

enum emc__reader_phase {
    EMC__READER_LINE,       /* at the beginning of a reply */
    EMC__READER_VALUE,      /* inside a value with a destination */
    EMC__READER_VALUE_CRLF, /* after it: one or both bytes of its CRLF are owed */
    EMC__READER_BROKEN      /* the bytes were no reply: nothing more is accepted */
};

struct emc__reader {
    struct emc__reader_limits limits;
    enum emc__reader_phase phase;
    uint8_t *destination; /* in VALUE; NULL: dropped */
    size_t value_missing; /* bytes of the value still to come */
    uint8_t crlf_seen;    /* bytes of the CRLF seen */
    const char *error;    /* in BROKEN: what was wrong, static */
};

enum emc__read_result {
    EMC__READ_MORE,    /* everything complete was delivered; *consumed_out tells how much. Feed the rest again, with more
                       behind it */
    EMC__READ_STOPPED, /* a handler said stop */
    EMC__READ_BROKEN   /* see reader->error */
};

void emc__reader_init(struct emc__reader *reader, const struct emc__reader_limits *limits /* NULL: defaults */);
/* Delivers every complete reply in data. What is not consumed (an incomplete line, or a line and part of a value up to
 * EMC__READ_IN_PLACE_MAX) must be fed again with more bytes after it. Any split of a stream gives the same deliveries
 * but for value / value_begin+value_end. Blank lines, lines with no letter or digit first, over-long lines, malformed
 * VALUE / VA headers (bad or overflowing numbers, key over 250 bytes, length over the limit), a missing CRLF after a
 * value, a bare LF (but after a metadump's `key=…`, which servers end so): broken. Text and meta. */
EMC__HOT enum emc__read_result emc__reader_feed(struct emc__reader *reader, const uint8_t *data, size_t length,
                                                const struct emc__reader_handler *handler, void *context, size_t *consumed_out);
/* Where the next bytes may be received straight into: the rest of a value that has a destination. data == NULL
 * otherwise. After receiving n bytes there call emc__reader_received. */
struct emc__span emc__reader_wanted(const struct emc__reader *reader);
void emc__reader_received(struct emc__reader *reader, size_t length);
/* From now on the bytes of the value under way are dropped; its destination is not touched again. Harmless when there
 * is none. */
void emc__reader_discard(struct emc__reader *reader);

/* ------------------------------------------------------------------ meta flags in replies (meta.c) */

/* Iterates over "f12 t-1 W kfoo": one flag a call. False at the end. */
struct emc__meta_flag {
    char letter;
    struct emc__slice token; /* may be empty */
};
bool emc__meta_flags_next(struct emc__slice *flags, struct emc__meta_flag *flag_out);

/* Decimal numbers, whole slice, no sign (u64) or an optional '-' (i64); false on anything else, overflow included. */
bool emc__parse_u64(struct emc__slice text, uint64_t *number_out);
bool emc__parse_i64(struct emc__slice text, int64_t *number_out);
/* Decimal digits of number into out (<= 20 bytes); returns how many. */
EMC__HOT size_t emc__format_u64(uint8_t *out, uint64_t number);

#endif
