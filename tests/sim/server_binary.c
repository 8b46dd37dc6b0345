/* The binary protocol of a server that authenticates by SASL (memcached -S): such a server speaks nothing else. A request is carried out when it has
 * arrived whole. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocol/binary.h"
#include "server.h"

struct message {
    uint8_t opcode, extras_length;
    uint32_t opaque;
    uint64_t cas;
    const uint8_t *extras;
    struct emc__slice key, value;
};

static uint64_t number_at(const uint8_t *bytes, size_t length)
{
    uint64_t number = 0;
    for (size_t i = 0; i < length; i++) {
        number = number << 8 | bytes[i];
    }
    return number;
}

static void put_number(uint8_t *out, uint64_t number, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        out[i] = (uint8_t)(number >> 8 * (length - 1 - i));
    }
}

/* ------------------------------------------------------------------ replies */

struct answer {
    uint16_t status;
    uint64_t cas;
    const uint8_t *extras;
    size_t extras_length;
    struct emc__slice key, value;
};

static void say(struct sim_conn *conn, const struct message *request, const struct answer *answer)
{
    uint8_t head[EMC__BINARY_HEADER_SIZE] = {0x81, request->opcode};
    put_number(head + 2, answer->key.length, 2);
    head[4] = (uint8_t)answer->extras_length;
    put_number(head + 6, answer->status, 2);
    put_number(head + 8, answer->extras_length + answer->key.length + answer->value.length, 4);
    put_number(head + 12, request->opaque, 4);
    put_number(head + 16, answer->cas, 8);
    sim_conn_put(conn, head, sizeof head);
    sim_conn_put(conn, answer->extras, answer->extras_length);
    sim_conn_put(conn, answer->key.data, answer->key.length);
    sim_conn_put(conn, answer->value.data, answer->value.length);
}

/* A status, with the words that memcached says with it. */
static void say_status(struct sim_conn *conn, const struct message *request, uint16_t status)
{
    const char *words = status == EMC__BINARY_OK          ? ""
                        : status == EMC__BINARY_NOT_FOUND ? "Not found"
                                                          : "It did not work";
    struct answer answer = {.status = status, .value = emc__slice_of(words, strlen(words))};
    say(conn, request, &answer);
}

static uint16_t status_of(enum sim_outcome outcome, enum sim_verb verb)
{
    switch (outcome) {
    case SIM_STORED:
    case SIM_DONE:
        return EMC__BINARY_OK;
    case SIM_NOT_STORED:
        return verb == SIM_ADD       ? EMC__BINARY_EXISTS
               : verb == SIM_REPLACE ? EMC__BINARY_NOT_FOUND
                                     : EMC__BINARY_NOT_STORED;
    case SIM_EXISTS:
        return EMC__BINARY_EXISTS;
    case SIM_NOT_FOUND:
        return EMC__BINARY_NOT_FOUND;
    case SIM_NON_NUMERIC:
        return EMC__BINARY_NOT_A_NUMBER;
    case SIM_TOO_LARGE:
        return EMC__BINARY_TOO_LARGE;
    default:
        return EMC__BINARY_OUT_OF_MEMORY;
    }
}

/* ------------------------------------------------------------------ commands */

static void authenticate(struct sim_conn *conn, const struct message *request)
{
    char wanted[600];
    int length = snprintf(wanted, sizeof wanted, "%c%s%c%s", 0, conn->server->username, 0, conn->server->password);
    bool good = request->value.length == (size_t)length && memcmp(request->value.data, wanted, (size_t)length) == 0;
    conn->authenticated |= good;
    say_status(conn, request, good ? EMC__BINARY_OK : EMC__BINARY_AUTHENTICATION);
}

static void retrieve(struct sim_conn *conn, const struct message *request)
{
    struct sim_store *store = &conn->server->store;
    uint8_t opcode = request->opcode;
    bool touch = opcode == EMC__BINARY_GAT || opcode == EMC__BINARY_GATK || opcode == EMC__BINARY_GATKQ;
    bool quiet = opcode == EMC__BINARY_GETKQ || opcode == EMC__BINARY_GATKQ;
    bool with_key = quiet || opcode == EMC__BINARY_GETK || opcode == EMC__BINARY_GATK;
    const struct sim_item *item = sim_store_find(store, request->key);
    if (item != NULL) {
        uint8_t flags[4];
        put_number(flags, item->flags, 4);
        struct answer answer = {
            .cas = item->cas, .extras = flags, .extras_length = 4, .value = {item->value, item->length}};
        answer.key = with_key ? request->key : answer.key;
        say(conn, request, &answer);
    } else if (!quiet) {
        struct answer answer = {.status = EMC__BINARY_NOT_FOUND};
        answer.key = with_key ? request->key : answer.key;
        say(conn, request, &answer);
    }
    if (touch) {
        struct sim_request touched = {
            .verb = SIM_GAT, .key = request->key, .exptime = (int64_t)number_at(request->extras, 4)};
        sim_store_touch(store, &touched);
    }
}

static enum sim_verb storage_verb(const struct message *request)
{
    switch (request->opcode) {
    case EMC__BINARY_ADD:
        return SIM_ADD;
    case EMC__BINARY_REPLACE:
        return SIM_REPLACE;
    case EMC__BINARY_APPEND:
        return SIM_APPEND;
    case EMC__BINARY_PREPEND:
        return SIM_PREPEND;
    default:
        return request->cas != 0 ? SIM_CAS : SIM_SET;
    }
}

static void store(struct sim_conn *conn, const struct message *message)
{
    struct sim_store *store = &conn->server->store;
    struct sim_request request = {.verb = storage_verb(message),
                                  .key = message->key,
                                  .cas = message->cas,
                                  .value = message->value.data,
                                  .length = message->value.length};
    if (message->extras_length == 8) {
        request.flags = number_at(message->extras, 4);
        request.exptime = (int64_t)number_at(message->extras + 4, 4);
    }
    enum sim_outcome outcome = SIM_TOO_LARGE;
    if (sim_store_fits(store, request.key.length, request.length)) {
        outcome = sim_store_put(store, &request);
    } else {
        sim_store_refused(store, &request, outcome);
    }
    const struct sim_item *item = outcome == SIM_STORED ? sim_store_find(store, request.key) : NULL;
    struct answer answer = {.status = status_of(outcome, request.verb), .cas = item == NULL ? 0 : item->cas};
    say(conn, message, &answer);
}

static void count(struct sim_conn *conn, const struct message *message)
{
    uint64_t number = 0;
    uint8_t text[8];
    enum sim_verb verb = message->opcode == EMC__BINARY_INCREMENT ? SIM_INCR : SIM_DECR;
    struct sim_request request = {.verb = verb, .key = message->key, .delta = number_at(message->extras, 8)};
    enum sim_outcome outcome = sim_store_count(&conn->server->store, &request, &number);
    if (outcome != SIM_DONE) {
        say_status(conn, message, status_of(outcome, verb));
        return;
    }
    put_number(text, number, 8);
    struct answer answer = {.value = {text, 8}};
    say(conn, message, &answer);
}

static void touch(struct sim_conn *conn, const struct message *message)
{
    struct sim_request request = {
        .verb = SIM_TOUCH, .key = message->key, .exptime = (int64_t)number_at(message->extras, 4)};
    enum sim_outcome outcome = sim_store_touch(&conn->server->store, &request);
    uint8_t flags[4] = {0};
    struct answer answer = {.extras = flags, .extras_length = 4};
    if (outcome == SIM_DONE) {
        say(conn, message, &answer);
    } else {
        say_status(conn, message, status_of(outcome, SIM_TOUCH));
    }
}

static void stats(struct sim_conn *conn, const struct message *message)
{
    struct answer line = {.key = emc__slice_of("pid", 3), .value = emc__slice_of("1", 1)}, last = {0};
    say(conn, message, &line);
    say(conn, message, &last);
}

static void command_without_key(struct sim_conn *conn, const struct message *message)
{
    const char *text = sim_server_version(conn->server);
    struct answer version = {.value = emc__slice_of(text, strlen(text))};
    switch (message->opcode) {
    case EMC__BINARY_VERSION:
        say(conn, message, &version);
        break;
    case EMC__BINARY_FLUSH:
        sim_store_flush(&conn->server->store, message->extras_length == 4 ? (int64_t)number_at(message->extras, 4) : 0);
        say_status(conn, message, EMC__BINARY_OK);
        break;
    case EMC__BINARY_STAT:
        stats(conn, message);
        break;
    case EMC__BINARY_NOOP:
        say_status(conn, message, EMC__BINARY_OK);
        break;
    case EMC__BINARY_QUIT:
        sim_conn_close(conn);
        break;
    default:
        sim_conn_malformed(conn, "a binary opcode that nobody knows");
        say_status(conn, message, EMC__BINARY_UNKNOWN_COMMAND);
        break;
    }
}

static void delete_(struct sim_conn *conn, const struct message *message)
{
    struct sim_request request = {.verb = SIM_DELETE, .key = message->key};
    say_status(conn, message, status_of(sim_store_delete(&conn->server->store, &request), SIM_DELETE));
}

static void carry_out(struct sim_conn *conn, const struct message *message)
{
    bool sasl = message->opcode == EMC__BINARY_SASL_AUTH || message->opcode == EMC__BINARY_VERSION;
    if (!conn->authenticated && !sasl) {
        sim_conn_malformed(conn, "a command before the authentication was answered");
        say_status(conn, message, EMC__BINARY_AUTHENTICATION);
        return;
    }
    switch (message->opcode) {
    case EMC__BINARY_SASL_AUTH:
        authenticate(conn, message);
        break;
    case EMC__BINARY_GET:
    case EMC__BINARY_GETK:
    case EMC__BINARY_GETKQ:
    case EMC__BINARY_GAT:
    case EMC__BINARY_GATK:
    case EMC__BINARY_GATKQ:
        retrieve(conn, message);
        break;
    case EMC__BINARY_SET:
    case EMC__BINARY_ADD:
    case EMC__BINARY_REPLACE:
    case EMC__BINARY_APPEND:
    case EMC__BINARY_PREPEND:
        store(conn, message);
        break;
    case EMC__BINARY_INCREMENT:
    case EMC__BINARY_DECREMENT:
        count(conn, message);
        break;
    case EMC__BINARY_TOUCH:
        touch(conn, message);
        break;
    case EMC__BINARY_DELETE:
        delete_(conn, message);
        break;
    default:
        command_without_key(conn, message);
        break;
    }
}

static void trace(const struct sim_conn *conn, const struct message *message)
{
    if (conn->server->world->trace) {
        sim_trace(conn->server->world, "link %u: %s hears opcode %02x, opaque %u, key %.*s, %zu bytes",
                  conn->link->number, conn->server->name, message->opcode, message->opaque, (int)message->key.length,
                  (const char *)message->key.data, message->value.length);
    }
}

bool sim_binary_step(struct sim_conn *conn)
{
    const uint8_t *bytes = conn->in + conn->in_begin;
    size_t held = conn->in_end - conn->in_begin;
    if (held < EMC__BINARY_HEADER_SIZE) {
        return false;
    }
    size_t key = (size_t)number_at(bytes + 2, 2), body = (size_t)number_at(bytes + 8, 4);
    struct message message = {.opcode = bytes[1],
                              .extras_length = bytes[4],
                              .opaque = (uint32_t)number_at(bytes + 12, 4),
                              .cas = number_at(bytes + 16, 8),
                              .extras = bytes + EMC__BINARY_HEADER_SIZE};
    if (bytes[0] != 0x80 || key + message.extras_length > body || key > SIM_KEY_MAX) {
        sim_conn_malformed(conn, "bytes that are no binary request");
        sim_conn_close(conn);
        return false;
    }
    if (held < EMC__BINARY_HEADER_SIZE + body) {
        return false;
    }
    message.key = (struct emc__slice){message.extras + message.extras_length, key};
    message.value = (struct emc__slice){message.key.data + key, body - key - message.extras_length};
    conn->in_begin += EMC__BINARY_HEADER_SIZE + body;
    conn->commands++;
    conn->server->commands++;
    trace(conn, &message);
    carry_out(conn, &message);
    return true;
}
