/* Requests of the binary dialect. Everything was validated before; nothing fails here. Uses big_endian.h and put.h. */
#include "protocol/big_endian.h"
#include "protocol/binary.h"
#include "protocol/put.h"

#define MAGIC_REQUEST 0x80
/* The field has no sign, and 2^32-1 is a moment in 2106. One second after the longest relative time is a moment in
 * 1970. */
#define EXPTIME_PAST 2592001u
/* In place of an expiry: do not create the item. */
#define EXPTIME_NO_CREATE UINT32_MAX
/* In place of a cas of 0, which would mean "no condition". Servers count up from 1. */
#define CAS_NEVER UINT64_MAX

/* What goes into a header beside the lengths of what follows. */
struct head {
    enum emc__binary_opcode opcode;
    size_t key_length, extras_length, value_length;
    uint32_t opaque;
    uint64_t cas;
};

/* Writes the header; returns where the extras go. */
static uint8_t *put_head(uint8_t *out, const struct head *head)
{
    out[0] = MAGIC_REQUEST;
    out[1] = (uint8_t)head->opcode;
    emc__big_endian_put16(out + 2, (uint16_t)head->key_length);
    out[4] = (uint8_t)head->extras_length;
    out[5] = 0;
    emc__big_endian_put16(out + 6, 0);
    emc__big_endian_put32(out + 8, (uint32_t)(head->extras_length + head->key_length + head->value_length));
    emc__big_endian_put32(out + 12, head->opaque);
    emc__big_endian_put64(out + 16, head->cas);
    return out + EMC__BINARY_HEADER_SIZE;
}

static uint8_t *put_number32(uint8_t *out, uint32_t number)
{
    emc__big_endian_put32(out, number);
    return out + 4;
}

static uint8_t *put_number64(uint8_t *out, uint64_t number)
{
    emc__big_endian_put64(out, number);
    return out + 8;
}

static uint8_t *put_exptime(uint8_t *out, int64_t exptime)
{
    return put_number32(out, exptime < 0 ? EXPTIME_PAST : (uint32_t)exptime);
}

bool emc__binary_has_verb(enum emc__verb verb)
{
    return verb != EMC__VERB_VERBOSITY && verb != EMC__VERB_CACHE_MEMLIMIT && verb != EMC__VERB_RAW_LINE;
}

static enum emc__binary_opcode plain_opcode(enum emc__verb verb)
{
    switch (verb) {
    case EMC__VERB_FLUSH_ALL:
        return EMC__BINARY_FLUSH;
    case EMC__VERB_STATS:
        return EMC__BINARY_STAT;
    case EMC__VERB_VERSION:
        return EMC__BINARY_VERSION;
    case EMC__VERB_QUIT:
        return EMC__BINARY_QUIT;
    default:
        return EMC__BINARY_NOOP;
    }
}

void emc__binary_make_quiet(uint8_t *request)
{
    request[1] = request[1] == EMC__BINARY_GATK ? EMC__BINARY_GATKQ : EMC__BINARY_GETKQ;
}

size_t emc__binary_write_retrieval(uint8_t *out, enum emc__verb verb, struct emc__slice key, int64_t exptime,
                                   bool with_key, uint32_t opaque)
{
    bool touch = verb == EMC__VERB_GAT || verb == EMC__VERB_GATS;
    enum emc__binary_opcode plain = touch ? EMC__BINARY_GAT : EMC__BINARY_GET;
    enum emc__binary_opcode keyed = touch ? EMC__BINARY_GATK : EMC__BINARY_GETK;
    struct head head = {with_key ? keyed : plain, key.length, touch ? 4 : 0, 0, opaque, 0};
    uint8_t *at = put_head(out, &head);
    if (touch) {
        at = put_exptime(at, exptime);
    }
    return (size_t)(emc__put_slice(at, key) - out);
}

static enum emc__binary_opcode storage_opcode(enum emc__verb verb)
{
    switch (verb) {
    case EMC__VERB_ADD:
        return EMC__BINARY_ADD;
    case EMC__VERB_REPLACE:
        return EMC__BINARY_REPLACE;
    case EMC__VERB_APPEND:
        return EMC__BINARY_APPEND;
    case EMC__VERB_PREPEND:
        return EMC__BINARY_PREPEND;
    default:
        return EMC__BINARY_SET;
    }
}

size_t emc__binary_write_storage(uint8_t *out, enum emc__verb verb, struct emc__slice key, uint64_t flags,
                                 int64_t exptime, size_t value_length, uint64_t cas, uint32_t opaque)
{
    bool extend = verb == EMC__VERB_APPEND || verb == EMC__VERB_PREPEND;
    uint64_t condition = verb != EMC__VERB_CAS ? 0 : cas != 0 ? cas : CAS_NEVER;
    struct head head = {storage_opcode(verb), key.length, extend ? 0 : 8, value_length, opaque, condition};
    uint8_t *at = put_head(out, &head);
    if (!extend) {
        at = put_exptime(put_number32(at, (uint32_t)flags), exptime);
    }
    return (size_t)(emc__put_slice(at, key) - out);
}

static size_t write_arithmetic(uint8_t *out, enum emc__binary_opcode opcode, struct emc__slice key, uint64_t delta,
                               uint32_t opaque)
{
    struct head head = {opcode, key.length, 20, 0, opaque, 0};
    uint8_t *at = put_number64(put_number64(put_head(out, &head), delta), 0);
    return (size_t)(emc__put_slice(put_number32(at, EXPTIME_NO_CREATE), key) - out);
}

size_t emc__binary_write_key_command(uint8_t *out, enum emc__verb verb, struct emc__slice key, int64_t exptime,
                                     uint64_t delta, uint32_t opaque)
{
    if (verb == EMC__VERB_INCR || verb == EMC__VERB_DECR) {
        return write_arithmetic(out, verb == EMC__VERB_INCR ? EMC__BINARY_INCREMENT : EMC__BINARY_DECREMENT, key, delta,
                                opaque);
    }
    bool touch = verb == EMC__VERB_TOUCH;
    struct head head = {touch ? EMC__BINARY_TOUCH : EMC__BINARY_DELETE, key.length, touch ? 4 : 0, 0, opaque, 0};
    uint8_t *at = put_head(out, &head);
    if (touch) {
        at = put_exptime(at, exptime);
    }
    return (size_t)(emc__put_slice(at, key) - out);
}

static size_t write_flush(uint8_t *out, int64_t delay, uint32_t opaque)
{
    struct head head = {EMC__BINARY_FLUSH, 0, delay >= 0 ? 4 : 0, 0, opaque, 0};
    uint8_t *at = put_head(out, &head);
    if (delay >= 0) {
        at = put_exptime(at, delay);
    }
    return (size_t)(at - out);
}

/* A request of a key (or something in its place) alone. */
static size_t write_bare(uint8_t *out, enum emc__binary_opcode opcode, struct emc__slice key, uint32_t opaque)
{
    struct head head = {opcode, key.length, 0, 0, opaque, 0};
    return (size_t)(emc__put_slice(put_head(out, &head), key) - out);
}

size_t emc__binary_write_plain(uint8_t *out, enum emc__verb verb, int64_t number, struct emc__slice argument,
                               uint32_t opaque)
{
    const struct emc__slice nothing = {NULL, 0};
    if (verb == EMC__VERB_FLUSH_ALL) {
        return write_flush(out, number, opaque);
    }
    return write_bare(out, plain_opcode(verb), verb == EMC__VERB_STATS ? argument : nothing, opaque);
}

bool emc__binary_answers(enum emc__verb verb, uint8_t opcode)
{
    switch (verb) {
    case EMC__VERB_GET:
    case EMC__VERB_GETS:
        return opcode == EMC__BINARY_GETK || opcode == EMC__BINARY_GETKQ;
    case EMC__VERB_GAT:
    case EMC__VERB_GATS:
        return opcode == EMC__BINARY_GATK || opcode == EMC__BINARY_GATKQ;
    case EMC__VERB_DELETE:
        return opcode == EMC__BINARY_DELETE;
    case EMC__VERB_INCR:
        return opcode == EMC__BINARY_INCREMENT;
    case EMC__VERB_DECR:
        return opcode == EMC__BINARY_DECREMENT;
    case EMC__VERB_TOUCH:
        return opcode == EMC__BINARY_TOUCH;
    default:
        return opcode == (verb <= EMC__VERB_CAS ? storage_opcode(verb) : plain_opcode(verb));
    }
}

size_t emc__binary_write_sasl_plain(uint8_t *out, struct emc__slice user, struct emc__slice password, uint32_t opaque)
{
    struct emc__slice mechanism = emc__slice_of("PLAIN", 5);
    struct head head = {EMC__BINARY_SASL_AUTH, mechanism.length, 0, user.length + password.length + 2, opaque, 0};
    uint8_t *at = emc__put_slice(put_head(out, &head), mechanism);
    *at++ = 0;
    at = emc__put_slice(at, user);
    *at++ = 0;
    return (size_t)(emc__put_slice(at, password) - out);
}
