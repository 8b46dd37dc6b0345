/* Scripted peers: see peer.h. */
#include "peer.h"

#include <stdlib.h>
#include <string.h>

static void *accept_(void *context, struct sim_link *link)
{
    struct sim_peer *peer = context;
    if (peer->count == SIM_PEER_CONNECTIONS) {
        return NULL;
    }
    struct sim_peer_connection *connection = &peer->connections[peer->count++];
    connection->peer = peer;
    connection->link = link;
    connection->open = true;
    return connection;
}

static void hear(struct sim_peer_connection *connection)
{
    size_t length = sim_pipe_available(&connection->link->up);
    if (connection->heard_length + length + 1 > connection->heard_capacity) {
        connection->heard_capacity = 2 * (connection->heard_length + length) + 256;
        connection->heard = realloc(connection->heard, connection->heard_capacity);
        if (connection->heard == NULL) {
            abort();
        }
    }
    connection->heard_length += sim_pipe_read(&connection->link->up, connection->heard + connection->heard_length,
                                              length);
    connection->heard[connection->heard_length] = 0;
}

static void say_rest(struct sim_peer_connection *connection)
{
    size_t said = sim_pipe_write(&connection->link->down, connection->unsaid, connection->unsaid_length);
    if (said > 0) {
        memmove(connection->unsaid, connection->unsaid + said, connection->unsaid_length - said);
        connection->unsaid_length -= said;
    }
}

static void wake(void *context)
{
    struct sim_peer_connection *connection = context;
    if (connection->peer->deaf) {
        return;
    }
    hear(connection);
    if (connection->unsaid_length > 0) {
        say_rest(connection);
    }
    enum sim_end end = sim_pipe_met(&connection->link->up);
    if (end != SIM_END_NONE) {
        connection->left = end;
        connection->open = false;
    }
}

static void gone(void *context)
{
    struct sim_peer_connection *connection = context;
    connection->open = false;
}

static const struct sim_service service = {accept_, wake, gone};

struct sim_peer *sim_peer_create(struct sim_network *network, const struct emc__endpoint *endpoint, const char *name)
{
    struct sim_peer *peer = sim_world_keep(network->world, sizeof *peer);
    peer->world = network->world;
    peer->host = sim_network_add_host(network, endpoint, name, &service, peer);
    return peer;
}

void sim_peer_deinit(struct sim_peer *peer)
{
    for (uint32_t i = 0; i < peer->count; i++) {
        free(peer->connections[i].heard);
        free(peer->connections[i].unsaid);
    }
}

void sim_peer_say(struct sim_peer_connection *connection, const void *bytes, size_t length)
{
    connection->unsaid = realloc(connection->unsaid, connection->unsaid_length + length + 1);
    if (connection->unsaid == NULL) {
        abort();
    }
    memcpy(connection->unsaid + connection->unsaid_length, bytes, length);
    connection->unsaid_length += length;
    say_rest(connection);
}

void sim_peer_end(struct sim_peer_connection *connection, enum sim_end end)
{
    if (connection->open) {
        connection->open = false;
        sim_link_service_close(connection->link, end);
    }
}

void sim_peer_listen(struct sim_peer *peer, bool listens)
{
    peer->deaf = !listens;
    for (uint32_t i = 0; i < peer->count && listens; i++) {
        if (peer->connections[i].open) {
            wake(&peer->connections[i]);
        }
    }
}

void sim_peer_forget(struct sim_peer_connection *connection, size_t length)
{
    memmove(connection->heard, connection->heard + length, connection->heard_length - length + 1);
    connection->heard_length -= length;
}
