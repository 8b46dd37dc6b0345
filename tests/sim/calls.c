/* Kinds of calls, and the values they store: see calls.h. */
#include "calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const sim_command_names[SIM_CALL_COMMANDS] = {
    "get",  "gets",    "gat",     "gats",      "get_many", "gets_many", "gat_many",       "gats_many", "set",
    "add",  "replace", "append",  "prepend",   "cas",      "set_many",  "delete_many",    "delete",    "incr",
    "decr", "touch",   "version", "flush_all", "stats",    "verbosity", "cache_memlimit", "dump_keys", "quit",
    "mg",   "ms",      "md",      "mn",        "me",       "fetch",     "fill",           "give_up",   "invalidate",
    "count"};

bool sim_command_is_bulk(enum sim_command command)
{
    return (command >= SIM_CALL_GET_MANY && command <= SIM_CALL_GATS_MANY) || command == SIM_CALL_SET_MANY ||
           command == SIM_CALL_DELETE_MANY;
}

bool sim_command_retrieves(enum sim_command command)
{
    return command <= SIM_CALL_GATS_MANY || command == SIM_CALL_META_GET || command == SIM_CALL_FETCH;
}

bool sim_command_stores(enum sim_command command)
{
    return (command >= SIM_CALL_SET && command <= SIM_CALL_SET_MANY) || command == SIM_CALL_META_SET ||
           command == SIM_CALL_FILL;
}

bool sim_command_touches(enum sim_command command)
{
    return command == SIM_CALL_GAT || command == SIM_CALL_GATS || command == SIM_CALL_GAT_MANY ||
           command == SIM_CALL_GATS_MANY;
}

bool sim_command_has_keys(enum sim_command command)
{
    return command < SIM_CALL_VERSION || (sim_command_is_meta(command) && command != SIM_CALL_META_NOOP);
}

bool sim_command_gives_cas(enum sim_command command)
{
    return command == SIM_CALL_GETS || command == SIM_CALL_GATS || command == SIM_CALL_GETS_MANY ||
           command == SIM_CALL_GATS_MANY || command == SIM_CALL_META_GET || command == SIM_CALL_FETCH;
}

bool sim_command_is_meta(enum sim_command command)
{
    return command >= SIM_CALL_META_GET;
}

bool sim_command_deletes(enum sim_command command)
{
    return command == SIM_CALL_DELETE || command == SIM_CALL_DELETE_MANY || command == SIM_CALL_META_DELETE ||
           command == SIM_CALL_GIVE_UP || command == SIM_CALL_INVALIDATE;
}

/* ------------------------------------------------------------------ values */

/* What looks like a reply stands in every value that has room for it. */
static const char confusing[] = "\r\nEND\r\nERROR\r\nVALUE key 0 3\r\nSTORED\r\n\r\nMN\r\nHD\r\n";

static void write_number(const struct sim_op *op, uint8_t *out)
{
    char text[24];
    snprintf(text, sizeof text, "%020u", op->id * 7919u);
    memcpy(out, text + 20 - op->length, op->length);
}

void sim_value_write(const struct sim_op *op, uint8_t *out)
{
    if (op->numeric) {
        write_number(op, out);
        return;
    }
    uint64_t state = op->id * 0x9E3779B97F4A7C15u;
    for (uint32_t i = 0; i < op->length; i += 8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        uint32_t left = op->length - i;
        memcpy(out + i, &state, left < 8 ? left : 8);
    }
    if (op->length >= SIM_HEADER) {
        char header[SIM_HEADER + 1];
        snprintf(header, sizeof header, "#%08x#", op->id);
        memcpy(out, header, SIM_HEADER);
    }
    for (uint32_t i = SIM_HEADER; i + sizeof confusing - 1 <= op->length; i = i * 2 + 60) {
        memcpy(out + i, confusing, sizeof confusing - 1);
    }
    if (op->length >= SIM_HEADER + 5 && op->id % 3 == 0) {
        memcpy(out + op->length - 5, "END\r\n", 5);
    }
}

bool sim_value_is(const struct sim_op *op, const uint8_t *bytes, size_t length)
{
    if (length != op->length) {
        return false;
    }
    uint8_t *wanted = malloc(length + 1);
    if (wanted == NULL) {
        abort();
    }
    sim_value_write(op, wanted);
    bool same = length == 0 || memcmp(wanted, bytes, length) == 0;
    free(wanted);
    return same;
}

uint32_t sim_value_number(const uint8_t *bytes, size_t length)
{
    char text[9] = {0};
    if (length < SIM_HEADER || bytes[0] != '#' || bytes[9] != '#') {
        return 0;
    }
    memcpy(text, bytes + 1, 8);
    return (uint32_t)strtoul(text, NULL, 16);
}

uint64_t sim_hash(const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    uint64_t hash = 0xcbf29ce484222325u ^ length, word;
    for (; length >= 8; length -= 8, at += 8) {
        memcpy(&word, at, 8);
        hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
        hash ^= hash >> 29;
    }
    for (; length > 0; length--, at++) {
        hash = (hash ^ *at) * 0x100000001b3u;
    }
    return hash ^ (hash >> 32);
}
