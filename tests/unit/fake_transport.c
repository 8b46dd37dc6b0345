/* See fake_transport.h. */
#include "fake_transport.h"

#include <stdio.h>
#include <stdlib.h>

#include "transport/endpoint.h"

/* ------------------------------------------------------------------ bytes */

static void bytes_append(struct fake_bytes *bytes, const void *data, size_t length)
{
    if (bytes->length + length > bytes->capacity) {
        bytes->capacity = (bytes->length + length) * 2 + 64;
        bytes->data = realloc(bytes->data, bytes->capacity);
        assert_non_null(bytes->data);
    }
    if (length > 0) {
        memcpy(bytes->data + bytes->length, data, length);
    }
    bytes->length += length;
}

static void bytes_consume(struct fake_bytes *bytes, size_t length)
{
    if (length > 0) {
        memmove(bytes->data, bytes->data + length, bytes->length - length);
    }
    bytes->length -= length;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ------------------------------------------------------------------ the transport's class */

static struct fake *fake_of(struct emc__transport *transport)
{
    return (struct fake *)(void *)transport;
}

static struct fake_socket *socket_of(struct emc__socket *socket)
{
    struct fake_socket *fake_socket = (struct fake_socket *)(void *)socket;
    assert_false(fake_socket->aborted); /* the pointer is dead after abort */
    return fake_socket;
}

static emc_status class_lookup(struct emc__transport *transport, enum emc__lookup_kind kind, const char *name,
                               uint16_t port, emc__lookup_callback *callback, void *context,
                               struct emc__lookup **lookup_out)
{
    struct fake *fake = fake_of(transport);
    if (fake->lookup_status != EMC_OK) {
        return fake->lookup_status;
    }
    assert_true(fake->lookup_count < FAKE_LOOKUPS_MAX);
    struct fake_lookup *lookup = &fake->lookups[fake->lookup_count++];
    *lookup = (struct fake_lookup){
        .running = true, .kind = kind, .port = port, .callback = callback, .context = context};
    snprintf(lookup->name, sizeof lookup->name, "%s", name);
    *lookup_out = (struct emc__lookup *)(void *)lookup;
    return EMC_OK;
}

static void class_lookup_cancel(struct emc__transport *transport, struct emc__lookup *lookup)
{
    struct fake_lookup *fake_lookup = (struct fake_lookup *)(void *)lookup;
    (void)transport;
    assert_true(fake_lookup->running);
    fake_lookup->running = false;
    fake_lookup->cancelled = true;
}

static emc_status class_connect(struct emc__transport *transport, const struct emc__endpoint *endpoint,
                                const char *tls_name, const struct emc__socket_listener *listener, void *context,
                                struct emc__socket **socket_out)
{
    struct fake *fake = fake_of(transport);
    if (fake->connects_refused > 0) {
        fake->connects_refused--;
        return EMC_ERROR_CONNECT;
    }
    struct fake_socket *socket = calloc(1, sizeof *socket);
    assert_non_null(socket);
    assert_true(fake->socket_count < FAKE_SOCKETS_MAX);
    fake->sockets[fake->socket_count++] = socket;
    socket->fake = fake;
    socket->endpoint = *endpoint;
    snprintf(socket->tls_name, sizeof socket->tls_name, "%s", tls_name != NULL ? tls_name : "");
    socket->listener = listener;
    socket->context = context;
    socket->room = socket->send_most = socket->receive_most = SIZE_MAX;
    *socket_out = (struct emc__socket *)(void *)socket;
    return EMC_OK;
}

static void class_adopt(struct emc__socket *socket, const struct emc__socket_listener *listener, void *context)
{
    struct fake_socket *adopted = socket_of(socket);
    adopted->listener = listener;
    adopted->context = context;
}

static enum emc__io class_send(struct emc__socket *socket, const struct emc__slice *slices, size_t count,
                               size_t *sent_out)
{
    struct fake_socket *sender = socket_of(socket);
    size_t sent = 0;
    assert_true(sender->connected);
    assert_false(sender->fake->silent);
    if (sender->broken) {
        return EMC__IO_ERROR;
    }
    for (size_t i = 0; i < count; i++) {
        size_t length = least(least(slices[i].length, sender->room), sender->send_most - sent);
        bytes_append(&sender->sent, slices[i].data, length);
        sent += length;
        sender->room -= sender->room == SIZE_MAX ? 0 : length;
    }
    sender->first_send = sender->first_send == 0 ? sent : sender->first_send;
    *sent_out = sent;
    return sent > 0 ? EMC__IO_OK : EMC__IO_WOULD_BLOCK;
}

static enum emc__io class_recv(struct emc__socket *socket, const struct emc__span *spans, size_t count,
                               size_t *received_out)
{
    struct fake_socket *receiver = socket_of(socket);
    size_t received = 0;
    for (size_t i = 0; i < count; i++) {
        size_t length = least(least(spans[i].length, receiver->injected.length), receiver->receive_most - received);
        if (length > 0) {
            memcpy(spans[i].data, receiver->injected.data, length);
            bytes_consume(&receiver->injected, length);
        }
        received += length;
    }
    *received_out = received;
    if (received > 0) {
        return EMC__IO_OK;
    }
    return receiver->broken ? EMC__IO_ERROR : receiver->ended ? EMC__IO_END : EMC__IO_WOULD_BLOCK;
}

static void class_want(struct emc__socket *socket, bool read, bool write)
{
    struct fake_socket *wanting = socket_of(socket);
    wanting->want_read = read;
    wanting->want_write = write;
}

static void class_flow(const struct emc__socket *socket, struct emc__flow *flow_out)
{
    (void)socket;
    *flow_out = (struct emc__flow){0};
}

static void class_abort(struct emc__socket *socket, bool reset)
{
    struct fake_socket *aborted = socket_of(socket);
    aborted->aborted = true;
    aborted->reset = reset;
}

static const char *class_error_text(struct emc__transport *transport, const struct emc__socket *socket)
{
    (void)transport;
    return socket != NULL ? "the fake socket is broken" : "the fake connect is refused";
}

static void class_wake_at(struct emc__transport *transport, uint64_t at_ns)
{
    fake_of(transport)->wake_at_ns = at_ns;
}

static uint64_t class_now_ns(struct emc__transport *transport)
{
    return fake_of(transport)->now_ns;
}

static const struct emc__transport_class fake_class = {
    class_lookup, class_lookup_cancel, class_connect, class_adopt,      class_send,    class_recv,
    class_want,   class_flow,          class_abort,   class_error_text, class_wake_at, class_now_ns,
};

/* ------------------------------------------------------------------ memory that fails on demand */

static bool refused(struct fake *fake)
{
    fake->requests++;
    bool refuse = fake->fail_all || fake->requests == fake->fail_at;
    fake->failed += refuse;
    return refuse;
}

static void *fake_allocate(void *context, size_t size)
{
    struct fake *fake = context;
    if (refused(fake)) {
        return NULL;
    }
    fake->blocks++;
    return malloc(size);
}

static void *fake_reallocate(void *context, void *pointer, size_t size)
{
    struct fake *fake = context;
    if (refused(fake)) {
        return NULL;
    }
    fake->blocks += pointer == NULL;
    return realloc(pointer, size);
}

static void fake_release(void *context, void *pointer)
{
    struct fake *fake = context;
    fake->blocks -= pointer != NULL;
    free(pointer);
}

static void fake_log(void *context, emc_log_level level, const char *message)
{
    struct fake *fake = context;
    (void)level;
    fake->log_lines++;
    snprintf(fake->last_log, sizeof fake->last_log, "%s", message);
}

/* ------------------------------------------------------------------ life */

struct fake *fake_begin(void)
{
    struct fake *fake = calloc(1, sizeof *fake);
    assert_non_null(fake);
    fake->transport.class_ = &fake_class;
    fake->now_ns = 1000 * FAKE_MS;
    fake->wake_at_ns = UINT64_MAX;
    fake->allocator = (emc_allocator){fake_allocate, fake_reallocate, fake_release, fake};
    fake->version = "1.6.18";
    emc_options_init(&fake->options);
    fake->options.allocator = &fake->allocator;
    fake->options.log = fake_log;
    fake->options.log_context = fake;
    fake->options.log_level = EMC_LOG_DEBUG;
    return fake;
}

static void client_destroyed(void *context, struct emc_client *client)
{
    struct fake *fake = context;
    emc__client_free(client);
    fake->client = NULL;
    fake->client_gone = true;
}

emc_status fake_try_create(struct fake *fake, const emc_address *nodes, size_t count)
{
    const struct emc__client_environment environment = {
        .transport = &fake->transport, .seed = 42, .destroy = client_destroyed, .context = fake};
    return emc__client_create(&fake->client, &environment, nodes, count, &fake->options, &fake->error);
}

emc_address fake_node(size_t number)
{
    static const char *const hosts[] = {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"};
    assert_in_range(number, 1, 5);
    return emc_address_tcp(hosts[number - 1], 11211);
}

void fake_create(struct fake *fake, size_t count)
{
    emc_address nodes[5];
    for (size_t i = 0; i < count; i++) {
        nodes[i] = fake_node(i + 1);
    }
    if (fake_try_create(fake, nodes, count) != EMC_OK) {
        fail_msg("the client could not be created: %s", fake->error.message);
    }
    fake_pass(fake);
}

struct fake_socket *fake_start(struct fake *fake)
{
    fake_create(fake, 1);
    return fake_handshake(fake, 0);
}

void fake_destroy(struct fake *fake)
{
    emc_client_destroy(fake->client);
}

static void release_told(struct fake *fake)
{
    while (fake->all_told != NULL) {
        struct told *told = fake->all_told;
        fake->all_told = told->next;
        for (size_t i = 0; i < told->part_count; i++) {
            free(told->parts[i].value);
        }
        free(told->parts);
        free(told->value);
        free(told->memory);
        free(told);
    }
}

static void check_end(const struct fake *fake)
{
    for (const struct told *told = fake->all_told; told != NULL; told = told->next) {
        assert_int_equal(told->lasts, 1);
    }
    for (size_t i = 0; i < fake->socket_count; i++) {
        assert_true(fake->sockets[i]->aborted);
    }
    for (size_t i = 0; i < fake->lookup_count; i++) {
        assert_false(fake->lookups[i].running);
    }
    assert_int_equal(fake->blocks, 0);
}

void fake_end(struct fake *fake)
{
    if (fake->client != NULL) {
        fake_destroy(fake);
        assert_int_equal(fake->wake_at_ns, UINT64_MAX);
    }
    check_end(fake);
    for (size_t i = 0; i < fake->socket_count; i++) {
        free(fake->sockets[i]->sent.data);
        free(fake->sockets[i]->injected.data);
        free(fake->sockets[i]);
    }
    release_told(fake);
    free(fake);
}

/* ------------------------------------------------------------------ passes and time */

size_t fake_pass(struct fake *fake)
{
    return fake->client != NULL ? emc__client_process(fake->client, fake->now_ns) : 0;
}

void fake_run(struct fake *fake, uint64_t ms)
{
    uint64_t until_ns = fake->now_ns + ms * FAKE_MS;
    for (int passes = 0; fake->client != NULL && fake->wake_at_ns <= until_ns; passes++) {
        assert_true(passes < 10000);
        fake->now_ns = fake->wake_at_ns > fake->now_ns ? fake->wake_at_ns : fake->now_ns;
        fake_pass(fake);
    }
    fake->now_ns = until_ns;
}

/* ------------------------------------------------------------------ connections */

struct fake_socket *fake_socket_at(struct fake *fake, size_t number)
{
    if (number >= fake->socket_count) {
        fail_msg("there was no connect number %zu, only %zu", number, fake->socket_count);
    }
    return fake->sockets[number];
}

void fake_connect(struct fake_socket *socket)
{
    struct fake *fake = socket->fake;
    assert_false(socket->aborted);
    socket->connected = true;
    socket->listener->connected(socket->context, fake->now_ns);
    fake_pass(fake);
}

void fake_refuse(struct fake_socket *socket, emc_status status, const char *words)
{
    struct fake *fake = socket->fake;
    assert_false(socket->aborted);
    socket->listener->failed(socket->context, status, words, fake->now_ns);
    fake_pass(fake);
}

struct fake_socket *fake_handshake(struct fake *fake, size_t number)
{
    struct fake_socket *socket = fake_socket_at(fake, number);
    char reply[128];
    snprintf(reply, sizeof reply, "VERSION %s\r\n", fake->version);
    fake_connect(socket);
    expect_sent(socket, "version\r\n");
    fake_reply(socket, reply);
    return socket;
}

void fake_writable(struct fake_socket *socket)
{
    assert_false(socket->aborted);
    assert_true(socket->want_write);
    socket->listener->writable(socket->context, socket->fake->now_ns);
    fake_pass(socket->fake);
}

void fake_hang_up(struct fake_socket *socket)
{
    socket->ended = true;
    fake_deliver(socket);
}

void fake_break(struct fake_socket *socket)
{
    socket->broken = true;
    fake_deliver(socket);
}

/* ------------------------------------------------------------------ bytes */

void fake_inject(struct fake_socket *socket, const void *data, size_t length)
{
    bytes_append(&socket->injected, data, length);
}

void fake_readable(struct fake_socket *socket)
{
    assert_false(socket->aborted);
    assert_true(socket->want_read);
    socket->listener->readable(socket->context, socket->fake->now_ns);
}

void fake_deliver(struct fake_socket *socket)
{
    for (int passes = 0; !socket->aborted && (socket->injected.length > 0 || socket->ended || socket->broken);
         passes++) {
        assert_true(passes < 100000);
        fake_readable(socket);
        fake_pass(socket->fake);
    }
    fake_pass(socket->fake);
}

void fake_reply(struct fake_socket *socket, const char *text)
{
    fake_inject(socket, text, strlen(text));
    fake_deliver(socket);
}

void fake_reply_split(struct fake_socket *socket, const char *text, size_t step)
{
    size_t length = strlen(text);
    for (size_t at = 0; at < length && !socket->aborted; at += step) {
        fake_inject(socket, text + at, least(step, length - at));
        fake_deliver(socket);
    }
}

void fake_reply_value(struct fake_socket *socket, const char *key, size_t length, char fill)
{
    char head[320];
    uint8_t *value = malloc(length + 1);
    assert_non_null(value);
    memset(value, fill, length);
    int head_length = snprintf(head, sizeof head, "VALUE %s 0 %zu\r\n", key, length);
    fake_inject(socket, head, (size_t)head_length);
    fake_inject(socket, value, length);
    fake_inject(socket, "\r\n", 2);
    free(value);
    fake_deliver(socket);
}

void fake_expect_sent(struct fake_socket *socket, const void *data, size_t length, const char *file, int line)
{
    struct fake_bytes *sent = &socket->sent;
    if (sent->length != length || (length > 0 && memcmp(sent->data, data, length) != 0)) {
        print_error("%s:%d: expected \"%.*s\"\n  was sent \"%.*s\"\n", file, line, (int)least(length, 4000),
                    (const char *)data, (int)least(sent->length, 4000),
                    sent->data != NULL ? (const char *)sent->data : "");
        _fail(file, line);
    }
    sent->length = 0;
}

size_t fake_forget_sent(struct fake_socket *socket)
{
    size_t length = socket->sent.length;
    socket->sent.length = 0;
    socket->first_send = 0;
    return length;
}

/* ------------------------------------------------------------------ names */

struct fake_lookup *fake_lookup_at(struct fake *fake, size_t number)
{
    if (number >= fake->lookup_count) {
        fail_msg("there was no look-up number %zu, only %zu", number, fake->lookup_count);
    }
    return &fake->lookups[number];
}

void fake_answer(struct fake *fake, struct fake_lookup *lookup, const char *literals)
{
    struct emc__endpoint endpoints[32];
    char text[1024];
    size_t count = 0;
    snprintf(text, sizeof text, "%s", literals);
    char *rest = NULL;
    for (char *literal = strtok_r(text, " ", &rest); literal != NULL; literal = strtok_r(NULL, " ", &rest)) {
        assert_true(count < 32);
        assert_true(emc__endpoint_from_literal(literal, lookup->port, &endpoints[count++]));
    }
    assert_true(lookup->running);
    lookup->running = false;
    if (count == 0) {
        lookup->callback(lookup->context, EMC_ERROR_RESOLVE, "no such name", NULL, 0, 0, fake->now_ns);
    } else {
        lookup->callback(lookup->context, EMC_OK, "", endpoints, count, 30, fake->now_ns);
    }
    fake_pass(fake);
}

/* ------------------------------------------------------------------ operations */

struct told *fake_told(struct fake *fake)
{
    struct told *told = calloc(1, sizeof *told);
    assert_non_null(told);
    told->fake = fake;
    told->next = fake->all_told;
    fake->all_told = told;
    return told;
}

static uint8_t *copy_of(const void *data, size_t length)
{
    if (data == NULL) {
        return NULL;
    }
    uint8_t *copy = malloc(length + 1);
    assert_non_null(copy);
    memcpy(copy, data, length);
    copy[length] = '\0';
    return copy;
}

void make_parts(struct told *told, size_t count)
{
    told->parts = calloc(count + 1, sizeof *told->parts);
    told->part_count = count;
    assert_non_null(told->parts);
}

static void note_part(struct told *told, size_t index, const emc_result *result)
{
    assert_true(index < told->part_count);
    struct fake_part *part = &told->parts[index];
    part->calls++;
    part->status = result->status;
    part->flags = result->flags;
    part->cas = result->cas;
    free(part->value);
    part->value = copy_of(result->value, result->value_length);
    part->value_length = result->value_length;
    snprintf(part->key, sizeof part->key, "%.*s", (int)result->key_length,
             result->key != NULL ? (const char *)result->key : "");
}

static void note_line(struct told *told, const emc_result *result)
{
    struct fake_part *grown = realloc(told->parts, (told->part_count + 1) * sizeof *grown);
    assert_non_null(grown);
    told->parts = grown;
    told->parts[told->part_count++] = (struct fake_part){0};
    note_part(told, told->part_count - 1, result);
}

static void note(void *user_data, const emc_result *result)
{
    struct told *told = user_data;
    assert_false(told->fake->silent);
    assert_int_equal(told->lasts, 0);
    told->calls++;
    told->lasts += result->last;
    told->order = ++told->fake->told_count;
    if (!told->stream && told->parts != NULL && told->part_count > 0) {
        note_part(told, result->index, result);
    } else if (told->stream && !result->last) {
        note_line(told, result);
    }
    told->status = result->status;
    free(told->value);
    told->value = copy_of(result->value, result->value_length);
    told->value_length = result->value_length;
    told->flags = result->flags;
    told->cas = result->cas;
    told->number = result->number;
    snprintf(told->message, sizeof told->message, "%s", result->message != NULL ? result->message : "");
    told->node[0] = '\0';
    if (result->node != NULL) {
        emc_address_format(result->node, told->node, sizeof told->node);
    }
    told->has_meta = result->meta != NULL;
    if (result->meta != NULL) {
        told->meta = *result->meta;
    }
    if (told->then != NULL) {
        told->then(told);
    }
}

static void note_released(void *user_data)
{
    struct told *told = user_data;
    told->releases++;
}

static void *give_memory(void *user_data, size_t index, size_t length)
{
    struct told *told = user_data;
    (void)index;
    assert_false(told->fake->silent);
    told->allocations++;
    if (told->on_allocate != NULL) {
        told->on_allocate(told);
    }
    if (told->allocate_fails) {
        return NULL;
    }
    free(told->memory);
    told->memory = calloc(1, length);
    told->memory_length = length;
    return told->memory;
}

emc_call fake_call(struct told *told)
{
    return (emc_call){
        .callback = note, .user_data = told, .released = note_released, .operation_out = &told->operation};
}

emc_call fake_call_allocating(struct told *told, size_t from)
{
    emc_call call = fake_call(told);
    call.allocate = give_memory;
    call.allocate_from = from;
    return call;
}

static void accepted(struct fake *fake, emc_status status)
{
    fake->silent = false;
    if (status != EMC_OK) {
        fail_msg("the operation was refused: %s", emc_client_error_message(fake->client));
    }
}

struct told *ask_get(struct fake *fake, const char *key)
{
    struct told *told = fake_told(fake);
    emc_call call = fake_call(told);
    fake->silent = true;
    accepted(fake, emc_get_async(fake->client, key, strlen(key), &call));
    return told;
}

struct told *ask_gets(struct fake *fake, const char *key)
{
    struct told *told = fake_told(fake);
    emc_call call = fake_call(told);
    fake->silent = true;
    accepted(fake, emc_gets_async(fake->client, key, strlen(key), &call));
    return told;
}

struct told *ask_gat(struct fake *fake, const char *key, int64_t exptime)
{
    struct told *told = fake_told(fake);
    emc_call call = fake_call(told);
    fake->silent = true;
    accepted(fake, emc_gat_async(fake->client, key, strlen(key), exptime, &call));
    return told;
}

static struct told *set(struct fake *fake, const char *key, const char *value, uint32_t options)
{
    struct told *told = fake_told(fake);
    emc_call call = fake_call(told);
    call.options = options;
    fake->silent = true;
    accepted(fake, emc_set_async(fake->client, key, strlen(key), value, strlen(value), 0, 0, &call));
    return told;
}

struct told *ask_set(struct fake *fake, const char *key, const char *value)
{
    return set(fake, key, value, 0);
}

struct told *ask_set_noreply(struct fake *fake, const char *key, const char *value)
{
    return set(fake, key, value, EMC_CALL_NOREPLY);
}

struct told *ask_delete(struct fake *fake, const char *key)
{
    struct told *told = fake_told(fake);
    emc_call call = fake_call(told);
    fake->silent = true;
    accepted(fake, emc_delete_async(fake->client, key, strlen(key), &call));
    return told;
}

/* The list as keys, in memory of its own: `text` is cut up. */
static emc_key *keys_of(char *text, size_t *count_out)
{
    emc_key *keys = calloc(strlen(text) + 1, sizeof *keys);
    char *rest = NULL;
    assert_non_null(keys);
    *count_out = 0;
    for (char *key = strtok_r(text, " ", &rest); key != NULL; key = strtok_r(NULL, " ", &rest)) {
        keys[(*count_out)++] = (emc_key){key, strlen(key)};
    }
    return keys;
}

static struct told *many(struct fake *fake, const char *list,
                         emc_status (*ask)(emc_client *client, const emc_key *keys, size_t count, const emc_call *call))
{
    struct told *told = fake_told(fake);
    emc_call call = fake_call(told);
    size_t count = 0;
    char *text = strdup(list);
    assert_non_null(text);
    emc_key *keys = keys_of(text, &count);
    make_parts(told, count);
    call.operation_out = ask == emc_get_many_async ? &told->operation : NULL;
    fake->silent = true;
    emc_status status = ask(fake->client, keys, count, &call);
    free(keys);
    free(text);
    accepted(fake, status);
    return told;
}

struct told *ask_get_many(struct fake *fake, const char *keys)
{
    return many(fake, keys, emc_get_many_async);
}

struct told *ask_delete_many(struct fake *fake, const char *keys)
{
    return many(fake, keys, emc_delete_many_async);
}

/* ------------------------------------------------------------------ what was told */

void fake_expect_told(const struct told *told, emc_status status, const char *file, int line)
{
    if (told->lasts != 1 || told->status != status) {
        print_error("%s:%d: expected %s, was told %s %u times: %s\n", file, line, emc_status_name(status),
                    emc_status_name(told->status), told->lasts, told->message);
        _fail(file, line);
    }
}

void fake_expect_value(const struct told *told, const char *text, const char *file, int line)
{
    fake_expect_told(told, EMC_OK, file, line);
    if (told->value == NULL || told->value_length != strlen(text) ||
        memcmp(told->value, text, told->value_length) != 0) {
        print_error("%s:%d: expected the value \"%s\", was told \"%s\"\n", file, line, text,
                    told->value != NULL ? (const char *)told->value : "(none)");
        _fail(file, line);
    }
}

void fake_expect_waiting(const struct told *told, const char *file, int line)
{
    if (told->lasts != 0) {
        print_error("%s:%d: expected to wait, was told %s: %s\n", file, line, emc_status_name(told->status),
                    told->message);
        _fail(file, line);
    }
}

void fake_expect_part(const struct told *told, size_t index, emc_status status, const char *text, const char *file,
                      int line)
{
    assert_true(index < told->part_count);
    const struct fake_part *part = &told->parts[index];
    bool same = text == NULL ? part->value == NULL
                             : part->value != NULL && part->value_length == strlen(text) &&
                                   memcmp(part->value, text, part->value_length) == 0;
    if (part->calls != 1 || part->status != status || !same) {
        print_error("%s:%d: expected %s \"%s\", was told %s \"%s\" %u times\n", file, line, emc_status_name(status),
                    text != NULL ? text : "(none)", emc_status_name(part->status),
                    part->value != NULL ? (const char *)part->value : "(none)", part->calls);
        _fail(file, line);
    }
}

void fake_expect_words(const char *text, const char *words, const char *file, int line)
{
    if (strstr(text, words) == NULL) {
        print_error("%s:%d: expected the words \"%s\" in \"%s\"\n", file, line, words, text);
        _fail(file, line);
    }
}
