/* A name server for tests: see name_server.h. RFC 1035, as far as c-ares asks. */
#include "loopback.h"

#include "name_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER_SIZE 12
#define PACKET_SIZE 4096

struct packet {
    uint8_t bytes[PACKET_SIZE];
    size_t length;
};

static void put(struct packet *packet, const void *data, size_t length)
{
    assert_true(packet->length + length <= PACKET_SIZE);
    memcpy(packet->bytes + packet->length, data, length);
    packet->length += length;
}

static void put_16(struct packet *packet, unsigned number)
{
    uint8_t bytes[2] = {(uint8_t)(number >> 8), (uint8_t)number};
    put(packet, bytes, 2);
}

static void put_name(struct packet *packet, const char *name)
{
    while (*name != '\0' && strcmp(name, ".") != 0) {
        size_t length = strcspn(name, ".");
        uint8_t octet = (uint8_t)length;
        put(packet, &octet, 1);
        put(packet, name, length);
        name += length + (name[length] == '.');
    }
    put(packet, "", 1);
}

static void put_value(struct packet *packet, const struct record *record)
{
    uint8_t address[16];
    if (record->type == RECORD_SRV) {
        put_16(packet, record->priority);
        put_16(packet, record->weight);
        put_16(packet, record->port);
        put_name(packet, record->value);
        return;
    }
    int family = record->type == RECORD_A ? AF_INET : AF_INET6;
    assert_int_equal(inet_pton(family, record->value, address), 1);
    put(packet, address, family == AF_INET ? 4 : 16);
}

static void put_record(struct packet *packet, const struct record *record)
{
    put_16(packet, 0xC000 | HEADER_SIZE); /* the name in the question */
    put_16(packet, (unsigned)record->type);
    put_16(packet, 1);
    put_16(packet, record->ttl_s >> 16);
    put_16(packet, record->ttl_s & 0xFFFF);
    size_t length_at = packet->length;
    put_16(packet, 0);
    put_value(packet, record);
    size_t length = packet->length - length_at - 2;
    packet->bytes[length_at] = (uint8_t)(length >> 8);
    packet->bytes[length_at + 1] = (uint8_t)length;
}

/* The question's name with dots; returns where its type stands. */
static size_t read_question(const struct packet *question, char name[256])
{
    size_t at = HEADER_SIZE, length = 0;
    while (at < question->length && question->bytes[at] != 0) {
        size_t label = question->bytes[at++];
        assert_true(at + label < question->length && length + label + 1 < 256);
        memcpy(name + length, question->bytes + at, label);
        length += label;
        name[length++] = '.';
        at += label;
    }
    name[length > 0 ? length - 1 : 0] = '\0';
    return at + 1;
}

static void answer(const struct name_server *server, const struct packet *question, struct packet *reply)
{
    char name[256];
    size_t type_at = read_question(question, name);
    int type = question->bytes[type_at] << 8 | question->bytes[type_at + 1];
    unsigned answers = 0;
    bool exists = false;
    reply->length = 0;
    put(reply, question->bytes, type_at + 4);
    for (size_t i = 0; i < server->record_count && !server->refuses; i++) {
        bool here = strcasecmp(server->records[i].name, name) == 0;
        exists = exists || here;
        if (here && server->records[i].type == type) {
            put_record(reply, &server->records[i]);
            answers++;
        }
    }
    uint8_t code = server->refuses ? 2 : exists ? 0 : 3;
    const uint8_t header[10] = {0x85, (uint8_t)(0x80 | code), 0, 1, 0, (uint8_t)answers, 0, 0, 0, 0};
    memcpy(reply->bytes + 2, header, sizeof header);
}

void name_server_start(struct name_server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    memset(server, 0, sizeof *server);
    server->descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(server->descriptor >= 0);
    assert_int_equal(bind(server->descriptor, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(server->descriptor, (struct sockaddr *)&address, &length), 0);
    server->port = ntohs(address.sin_port);
}

void name_server_stop(struct name_server *server)
{
    close(server->descriptor);
}

void name_server_pump(struct name_server *server)
{
    static struct packet question, reply;
    struct sockaddr_storage from;
    for (;;) {
        socklen_t from_length = sizeof from;
        ssize_t count = recvfrom(server->descriptor, question.bytes, PACKET_SIZE, 0, (struct sockaddr *)&from,
                                 &from_length);
        if (count < HEADER_SIZE) {
            return;
        }
        server->questions++;
        question.length = (size_t)count;
        if (!server->silent) {
            answer(server, &question, &reply);
            (void)sendto(server->descriptor, reply.bytes, reply.length, 0, (struct sockaddr *)&from, from_length);
        }
    }
}
