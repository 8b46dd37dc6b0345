/* A client opened as the command line asks. */
#ifndef EMCACHE_CLI_SESSION_H
#define EMCACHE_CLI_SESSION_H

#include <emcache.h>

#include "command.h"

/* The nodes that were named, with their strings. */
struct server_list {
    emc_address *nodes;
    size_t count;
    emc_address_storage *storages;
};

/* Reads -s or EMCACHE_SERVERS. EXIT_CODE_OK, or the complaint is printed. */
enum exit_code server_list_read(const struct invocation *invocation, struct server_list *list_out);
void server_list_destroy(struct server_list *list);

/* A client, its view and its nodes. */
struct session {
    struct server_list servers;
    emc_client *client;
    emc_cluster_management *view;
    uint32_t timeout_ms;
};

/* Opens a client on the nodes that were named. EXIT_CODE_OK, or the complaint is printed and there is nothing to close. */
enum exit_code session_open(const struct invocation *invocation, struct session *session_out);
void session_close(struct session *session);

/* Creates one more client with the options of the command line, on nodes of the caller's choice, which connects only when it must: for questions
 * about routing. EXIT_CODE_OK, or the complaint is printed. */
enum exit_code session_idle_client(const struct invocation *invocation, const emc_address *nodes, size_t count,
                                   emc_client **client_out);

/* Finds the node that a word names among the session's. NULL: there is none; `complain_about` says whether to complain. */
const emc_address *session_find_node(const struct session *session, const char *word, bool complain_about);

#endif
