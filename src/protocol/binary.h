/* The binary dialect, which servers that authenticate by SASL (memcached -S) speak and nothing else: request writers
 * and the incremental reply reader. The outward header of this half of the protocol layer; keys, values and verbs are
 * those of protocol.h.
 *
 *   bytes  0     1       2..3        4              5          6..7              8..11        12..15  16..23
 *          magic opcode  key length  extras length  data type  vbucket / status  body length  opaque  cas
 *   then the body: extras, key, value; its length counts all three.
 *
 * Every request carries an opaque that its reply repeats, errors included. Only retrievals may be quiet (a miss is not
 * answered then): what the text protocol calls noreply is here a reply that the caller drops. Numbers are big-endian. */
#ifndef EMC_PROTOCOL_BINARY_H
#define EMC_PROTOCOL_BINARY_H

#include "protocol/protocol.h"

#define EMC__BINARY_HEADER_SIZE 24

enum emc__binary_opcode {
    EMC__BINARY_GET = 0x00,
    EMC__BINARY_SET = 0x01,
    EMC__BINARY_ADD = 0x02,
    EMC__BINARY_REPLACE = 0x03,
    EMC__BINARY_DELETE = 0x04,
    EMC__BINARY_INCREMENT = 0x05,
    EMC__BINARY_DECREMENT = 0x06,
    EMC__BINARY_QUIT = 0x07,
    EMC__BINARY_FLUSH = 0x08,
    EMC__BINARY_NOOP = 0x0a,
    EMC__BINARY_VERSION = 0x0b,
    EMC__BINARY_GETK = 0x0c,
    EMC__BINARY_GETKQ = 0x0d, /* quiet: no answer to a miss */
    EMC__BINARY_APPEND = 0x0e,
    EMC__BINARY_PREPEND = 0x0f,
    EMC__BINARY_STAT = 0x10,
    EMC__BINARY_TOUCH = 0x1c,
    EMC__BINARY_GAT = 0x1d,
    EMC__BINARY_SASL_AUTH = 0x21,
    EMC__BINARY_SASL_STEP = 0x22,
    EMC__BINARY_GATK = 0x23,
    EMC__BINARY_GATKQ = 0x24 /* quiet */
};

enum emc__binary_status {
    EMC__BINARY_OK = 0x00,
    EMC__BINARY_NOT_FOUND = 0x01,
    EMC__BINARY_EXISTS = 0x02,
    EMC__BINARY_TOO_LARGE = 0x03,
    EMC__BINARY_INVALID = 0x04,
    EMC__BINARY_NOT_STORED = 0x05,
    EMC__BINARY_NOT_A_NUMBER = 0x06,
    EMC__BINARY_AUTHENTICATION = 0x20, /* refused, or wanted and not done yet */
    EMC__BINARY_AUTHENTICATION_CONTINUES = 0x21,
    EMC__BINARY_UNKNOWN_COMMAND = 0x81,
    EMC__BINARY_OUT_OF_MEMORY = 0x82
};

/* What a status means for a command: the same result the text protocol's reply leads to (an `add` that finds the item
 * is NOT_STORED, though the server says "exists"). Pure; any status the server may invent is an error. */
emc_status emc__binary_outcome(enum emc__verb verb, uint16_t status);

/* ------------------------------------------------------------------ requests (binary_write.c) */

/* Each writer writes into out (which has room for the bound stated) and returns the number of bytes. None fails:
 * everything was validated, flags are at most 32 bits, exptime at most EMC__EXPTIME_MAX. A negative exptime expires at
 * once (it is sent as a moment long past: the field has no sign). */

/* Room for any request but those whose bound says otherwise. */
#define EMC__BINARY_REQUEST_MAX (EMC__BINARY_HEADER_SIZE + 20 + EMC__KEY_LENGTH_MAX)

/* False for verbs that this dialect does not have: verbosity, cache_memlimit, raw lines. */
bool emc__binary_has_verb(enum emc__verb verb);
/* Whether a reply of this opcode can answer the verb's request (a retrieval's with its key). */
bool emc__binary_answers(enum emc__verb verb, uint8_t opcode);
/* get and gets (one and the same here), gat and gats: one key. The reply repeats the key when with_key. */
size_t emc__binary_write_retrieval(uint8_t *out, enum emc__verb verb, struct emc__slice key, int64_t exptime,
                                   bool with_key, uint32_t opaque);
/* Makes a retrieval with its key, just written at `request`, quiet: a miss is not answered. */
void emc__binary_make_quiet(uint8_t *request);
/* set, add, replace, append, prepend, cas: without the value, which is the caller's to send after it (and no CRLF).
 * value_length <= 2^32 - 300. The server takes a cas of 0 for "no condition"; it is sent as one that no item has, so
 * that `cas` with 0 fails as it does in text. */
size_t emc__binary_write_storage(uint8_t *out, enum emc__verb verb, struct emc__slice key, uint64_t flags,
                                 int64_t exptime, size_t value_length, uint64_t cas, uint32_t opaque);
/* delete, incr and decr (which never create the item), touch. */
size_t emc__binary_write_key_command(uint8_t *out, enum emc__verb verb, struct emc__slice key, int64_t exptime,
                                     uint64_t delta, uint32_t opaque);
/* version, flush_all (number = delay when >= 0), stats (argument may be empty), quit, and EMC__VERB_META_NOOP as the
 * dialect's no-op. <= 64 + argument.length */
size_t emc__binary_write_plain(uint8_t *out, enum emc__verb verb, int64_t number, struct emc__slice argument,
                               uint32_t opaque);
/* Authentication by PLAIN (RFC 4616) in one step. <= EMC__BINARY_HEADER_SIZE + 16 + user.length + password.length */
size_t emc__binary_write_sasl_plain(uint8_t *out, struct emc__slice user, struct emc__slice password, uint32_t opaque);

/* ------------------------------------------------------------------ replies (binary_read.c) */

/* A reply. Slices are borrowed until the handler returns. */
struct emc__binary_reply {
    uint8_t opcode;
    uint16_t status;
    uint32_t opaque;
    uint64_t cas;
    bool has_flags; /* hits of get, gat and touch */
    uint32_t flags;
    uint64_t number;       /* incr and decr, when the status is OK */
    struct emc__slice key; /* stats: the name (empty: the end of the list); retrievals with key */
    size_t value_length;   /* a value, a version, a stat's value; when the status is not OK words of the server */
};

/* How the reader delivers; false stops it, as in protocol.h. */
struct emc__binary_handler {
    /* A reply that lies whole in the bytes fed: value is borrowed until return. */
    bool (*reply)(void *context, const struct emc__binary_reply *reply, const uint8_t *value);
    /* The hit of a retrieval with a value of more than EMC__READ_IN_PLACE_MAX bytes that does not lie whole in the
     * bytes fed. *destination_out has room for reply->value_length bytes until value_end, or is NULL: the bytes are
     * dropped. */
    bool (*value_begin)(void *context, const struct emc__binary_reply *reply, uint8_t **destination_out);
    bool (*value_end)(void *context);
};

enum emc__binary_phase {
    EMC__BINARY_READER_HEADER,    /* at the beginning of a reply */
    EMC__BINARY_READER_VALUE,     /* inside a value with a destination */
    EMC__BINARY_READER_VALUE_END, /* after it: the handler has not been told */
    EMC__BINARY_READER_BROKEN     /* the bytes were no reply: nothing more is accepted */
};

struct emc__binary_reader {
    size_t value_length_max;
    enum emc__binary_phase phase;
    uint8_t *destination; /* in VALUE; NULL: dropped */
    size_t value_missing; /* bytes of the value still to come */
    const char *error;    /* in BROKEN: what was wrong, static */
};

/* value_length_max: longest value accepted; 0: 1 GiB. */
void emc__binary_reader_init(struct emc__binary_reader *reader, size_t value_length_max);
/* Delivers every complete reply in data; what is not consumed (part of a header, or of a reply of up to
 * EMC__READ_IN_PLACE_MAX bytes of value) must be fed again with more behind it. Any split gives the same deliveries but
 * for reply / value_begin+value_end. Refused as broken: another magic or data type, lengths that contradict each other,
 * a key over 250 bytes, extras that are not flags, a value over the limit, over 16 KiB of anything that is no retrieved
 * value, a number that has not eight bytes. */
enum emc__read_result emc__binary_reader_feed(struct emc__binary_reader *reader, const uint8_t *data, size_t length,
                                              const struct emc__binary_handler *handler, void *context,
                                              size_t *consumed_out);
/* Where the next bytes may be received straight into (data == NULL: nowhere). After receiving n bytes there call
 * emc__binary_reader_received; when nothing is wanted any more, feed again, be it with no bytes, so that value_end is
 * called. */
struct emc__span emc__binary_reader_wanted(const struct emc__binary_reader *reader);
void emc__binary_reader_received(struct emc__binary_reader *reader, size_t length);
/* The bytes of the value under way are dropped from now on. Harmless when there is none. */
void emc__binary_reader_discard(struct emc__binary_reader *reader);

#endif
