/* A scripted peer: what it hears is looked at, what it says is written by the test. It stands at a host as a server does. */
#ifndef SIM_PEER_H
#define SIM_PEER_H

#include "network.h"

#define SIM_PEER_CONNECTIONS 64

struct sim_peer;

struct sim_peer_connection {
    struct sim_peer *peer;
    struct sim_link *link;
    char *heard; /* and not yet expected; terminated */
    size_t heard_length, heard_capacity;
    char *unsaid; /* what the link did not take yet */
    size_t unsaid_length;
    bool open;         /* neither side has ended it */
    enum sim_end left; /* how the client ended it */
};

struct sim_peer {
    struct sim_world *world;
    struct sim_host *host;
    struct sim_peer_connection connections[SIM_PEER_CONNECTIONS];
    uint32_t count;   /* connections so far */
    uint32_t current; /* the one that is talked on */
    uint32_t taken;   /* connections that the script has taken notice of, in order */
    bool deaf;        /* reads nothing */
};

/* A peer at an endpoint. */
struct sim_peer *sim_peer_create(struct sim_network *network, const struct emc__endpoint *endpoint, const char *name);
void sim_peer_deinit(struct sim_peer *peer);
void sim_peer_say(struct sim_peer_connection *connection, const void *bytes, size_t length);
void sim_peer_end(struct sim_peer_connection *connection, enum sim_end end);
/* Reads again, or not. */
void sim_peer_listen(struct sim_peer *peer, bool listens);
/* Forgets `length` bytes at the front of what was heard. */
void sim_peer_forget(struct sim_peer_connection *connection, size_t length);

#endif
