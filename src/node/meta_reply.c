/* Replies to meta commands: the code becomes a status, the flags become fields. A quiet command's silence is told by the `mn` after it. */
#include "node/pipeline.h"

#include <string.h>

/* A code that this command never gets is another command's answer. */
static int meta_status(const struct emc__operation *entry, uint16_t code)
{
    char command = entry->in.meta.command;
    switch (code) {
    case EMC__META_CODE('H', 'D'):
        return command != 'e' ? EMC_OK : EMC_ERROR_PROTOCOL;
    case EMC__META_CODE('E', 'N'):
        return command == 'g' || command == 'e' ? EMC_MISS : EMC_ERROR_PROTOCOL;
    case EMC__META_CODE('N', 'F'):
        return command == 's' || command == 'd' || command == 'a' ? EMC_MISS : EMC_ERROR_PROTOCOL;
    case EMC__META_CODE('N', 'S'):
        return command == 's' || command == 'a' ? EMC_NOT_STORED : EMC_ERROR_PROTOCOL;
    case EMC__META_CODE('E', 'X'):
        return command != 'e' ? EMC_EXISTS : EMC_ERROR_PROTOCOL;
    default:
        return EMC_ERROR_PROTOCOL;
    }
}

static bool key_matches(const struct emc__operation *entry, struct emc__slice key)
{
    return emc__slice_equal(key, emc__operation_key(entry));
}

/* A label that comes back is the one that was sent. (Servers before 1.6.18 leave it out of some replies.) */
static bool opaque_matches(const struct emc__operation *entry, struct emc__slice opaque)
{
    struct emc__slice sent = emc__slice_of(entry->block + entry->key_length, entry->in.meta.flags_length);
    struct emc__meta_flag flag;
    while (emc__meta_flags_next(&sent, &flag)) {
        if (flag.letter == 'O') {
            return emc__slice_equal(flag.token, opaque);
        }
    }
    return false;
}

static void copy_opaque(emc_meta_reply *reply, struct emc__slice token)
{
    size_t length = token.length < sizeof reply->opaque ? token.length : sizeof reply->opaque - 1;
    memcpy(reply->opaque, token.data, length);
    reply->opaque[length] = '\0';
}

static bool take_number(uint64_t *number, struct emc__slice token, emc_meta_reply *reply, uint32_t bit)
{
    reply->present |= bit;
    return emc__parse_u64(token, number);
}

/* False: a flag that makes no sense, another key, or another label. */
static bool take_flag(const struct emc__operation *entry, emc_meta_reply *reply, const struct emc__meta_flag *flag)
{
    uint64_t number = 0;
    switch (flag->letter) {
    case 'W':
        reply->won = true;
        return true;
    case 'X':
        reply->stale = true;
        return true;
    case 'Z':
        reply->already_won = true;
        return true;
    case 'f':
        return take_number(&reply->flags, flag->token, reply, EMC_META_FLAGS);
    case 'c':
        return take_number(&reply->cas, flag->token, reply, EMC_META_CAS);
    case 's':
        return take_number(&reply->size, flag->token, reply, EMC_META_SIZE);
    case 'l':
        return take_number(&reply->last_access_s, flag->token, reply, EMC_META_LAST_ACCESS);
    case 'h':
        reply->hit_before = flag->token.length == 1 && flag->token.data[0] == '1';
        return take_number(&number, flag->token, reply, EMC_META_HIT_BEFORE);
    case 't':
        reply->present |= EMC_META_TTL;
        return emc__parse_i64(flag->token, &reply->ttl);
    case 'O':
        copy_opaque(reply, flag->token);
        return opaque_matches(entry, flag->token);
    case 'k':
        reply->present |= EMC_META_KEY;
        return key_matches(entry, flag->token);
    default:
        return true; /* b, and what later servers may add */
    }
}

static bool parse_reply(const struct emc__operation *entry, struct emc__slice flags, emc_meta_reply *reply)
{
    struct emc__meta_flag flag;
    *reply = (emc_meta_reply){0};
    while (emc__meta_flags_next(&flags, &flag)) {
        if (!take_flag(entry, reply, &flag)) {
            return false;
        }
    }
    return true;
}

static void describe(emc_result *result, const emc_meta_reply *reply)
{
    result->flags = reply->flags;
    result->cas = reply->cas;
    result->meta = reply;
}

/* The fence after a quiet command: silence meant the usual outcome. */
static bool quiet_passed(struct emc__connection *connection, struct emc__operation *entry,
                         const struct emc__reply_line *line)
{
    emc__pipeline_answer_status(connection, entry, entry->in.meta.command == 'g' ? EMC_MISS : EMC_OK, NULL);
    return connection->state != EMC__CONNECTION_CLOSED && emc__text_line(connection, line);
}

static bool debug_line(struct emc__connection *connection, struct emc__operation *entry, struct emc__slice text)
{
    size_t skip = 3 + (size_t)entry->key_length;
    bool ours = text.length >= skip && memcmp(text.data, "ME ", 3) == 0 &&
                memcmp(text.data + 3, entry->block, entry->key_length) == 0;
    if (!ours) {
        return emc__pipeline_contradiction(connection, "a line that answers no debug request of this key");
    }
    skip += text.length > skip;
    emc_result result = {.status = EMC_OK, .value = text.data + skip, .value_length = text.length - skip};
    emc__pipeline_answer(connection, entry, &result);
    return connection->state != EMC__CONNECTION_CLOSED;
}

bool emc__meta_line(struct emc__connection *connection, struct emc__operation *entry,
                    const struct emc__reply_line *line)
{
    emc_meta_reply reply;
    if (line->kind == EMC__REPLY_LINE && entry->in.meta.command == 'e') {
        return debug_line(connection, entry, line->text);
    }
    if (line->kind == EMC__REPLY_META && line->meta_code == EMC__META_CODE('M', 'N') && entry->quiet) {
        return quiet_passed(connection, entry, line);
    }
    int status = line->kind == EMC__REPLY_META ? meta_status(entry, line->meta_code) : EMC_ERROR_PROTOCOL;
    if (status == EMC_ERROR_PROTOCOL || !parse_reply(entry, line->text, &reply)) {
        return emc__pipeline_contradiction(connection, "a reply of another kind than the meta command has");
    }
    emc_result result = {.status = (emc_status)status};
    describe(&result, &reply);
    emc__pipeline_answer(connection, entry, &result);
    return connection->state != EMC__CONNECTION_CLOSED;
}

bool emc__meta_value(struct emc__connection *connection, struct emc__operation *entry,
                     const struct emc__value_header *header, const uint8_t *data)
{
    emc_meta_reply reply;
    bool fits = entry->in.meta.command == 'g' || entry->in.meta.command == 'a';
    if (!fits || !parse_reply(entry, header->meta_flags, &reply)) {
        return emc__pipeline_contradiction(connection, "a value that answers no meta command of this key");
    }
    reply.present |= EMC_META_VALUE;
    emc_result result = {.status = EMC_OK, .value = data, .value_length = header->length};
    describe(&result, &reply);
    if (entry->in.meta.command == 'a' && !emc__parse_u64(emc__slice_of(data, header->length), &result.number)) {
        return emc__pipeline_contradiction(connection, "a number that is none");
    }
    /* The placeholder of a lease reads as an empty value: it is a miss that somebody fills. */
    if (entry->in.meta.command == 'g' && header->length == 0 && (reply.won || reply.already_won)) {
        result.status = EMC_MISS;
        result.value = NULL;
    }
    emc__pipeline_answer_value(connection, entry, &result);
    return connection->state != EMC__CONNECTION_CLOSED;
}
