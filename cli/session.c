/* A client opened as the command line asks: its nodes, routing, credentials, TLS. */
#include "session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "report.h"
#include "routing_names.h"
#include "weights.h"

#define DEFAULT_PORT 11211

/* Longest first line of a password file: 250 bytes are legal, and what is longer must be seen to be. */
#define PASSWORD_SIZE 512

/* ------------------------------------------------------------------ the list of nodes */

static size_t count_entries(const char *text)
{
    size_t count = 1;
    for (const char *at = text; *at != '\0'; at++) {
        count += *at == ',';
    }
    return count;
}

static enum exit_code read_entries(const char *text, struct server_list *list)
{
    const char *entry = text;
    while (true) {
        size_t length = strcspn(entry, ",");
        char word[EMC_ADDRESS_TEXT_SIZE + 8];
        if (length >= sizeof(word)) {
            complain("the server '%.40s…' is too long", entry);
            return EXIT_CODE_USAGE;
        }
        memcpy(word, entry, length);
        word[length] = '\0';
        emc_error error = {EMC_OK, ""};
        if (emc_address_parse(word, DEFAULT_PORT, &list->storages[list->count], &error) != EMC_OK) {
            complain("the server '%s': %s", word, error.message);
            return EXIT_CODE_USAGE;
        }
        list->nodes[list->count] = list->storages[list->count].address;
        list->count++;
        if (entry[length] == '\0') {
            return EXIT_CODE_OK;
        }
        entry += length + 1;
    }
}

enum exit_code server_list_read(const struct invocation *invocation, struct server_list *list_out)
{
    *list_out = (struct server_list){NULL, 0, NULL};
    const char *text = invocation->options[OPTION_SERVERS];
    if (text == NULL) {
        text = getenv("EMCACHE_SERVERS");
    }
    if (text == NULL || text[0] == '\0') {
        complain("no servers: name them with -s host:port,host:port or in EMCACHE_SERVERS");
        return EXIT_CODE_USAGE;
    }
    size_t count = count_entries(text);
    struct server_list list = {calloc(count, sizeof(emc_address)), 0, calloc(count, sizeof(emc_address_storage))};
    if (list.nodes == NULL || list.storages == NULL) {
        server_list_destroy(&list);
        return report_memory();
    }
    enum exit_code code = read_entries(text, &list);
    if (code != EXIT_CODE_OK) {
        server_list_destroy(&list);
        return code;
    }
    *list_out = list;
    return EXIT_CODE_OK;
}

void server_list_destroy(struct server_list *list)
{
    free(list->nodes);
    free(list->storages);
    *list = (struct server_list){NULL, 0, NULL};
}

/* ------------------------------------------------------------------ options */

/* Written where the compiler can't see that nobody reads it again. */
static void wipe(char *text, size_t size)
{
    volatile char *at = text;
    for (size_t i = 0; i < size; i++) {
        at[i] = 0;
    }
}

static bool read_password(const char *path, char password_out[static PASSWORD_SIZE])
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        complain("the password file %s: %s", path, strerror(errno));
        return false;
    }
    char *line = fgets(password_out, PASSWORD_SIZE, file);
    fclose(file);
    if (line == NULL) {
        complain("the password file %s is empty", path);
        return false;
    }
    password_out[strcspn(password_out, "\r\n")] = '\0';
    return true;
}

static enum exit_code set_credentials(const struct invocation *invocation, emc_options *options,
                                      char password[static PASSWORD_SIZE])
{
    const char *user = invocation->options[OPTION_USER];
    const char *path = invocation->options[OPTION_PASSWORD_FILE];
    if ((user == NULL) != (path == NULL)) {
        complain("--user and --password-file go together");
        return EXIT_CODE_USAGE;
    }
    options->sasl = invocation->options[OPTION_SASL] != NULL;
    if (user == NULL) {
        if (options->sasl) {
            complain("--sasl needs --user and --password-file");
            return EXIT_CODE_USAGE;
        }
        return EXIT_CODE_OK;
    }
    if (!read_password(path, password)) {
        return EXIT_CODE_ERROR;
    }
    options->username = user;
    options->password = password;
    return EXIT_CODE_OK;
}

static void set_tls(const struct invocation *invocation, emc_tls_options *tls)
{
    for (int id = OPTION_TLS; id <= OPTION_TLS_NO_VERIFY; id++) {
        tls->enabled = tls->enabled || invocation->options[id] != NULL;
    }
    tls->verify = invocation->options[OPTION_TLS_NO_VERIFY] == NULL;
    tls->extra_ca_file = invocation->options[OPTION_TLS_CA];
    tls->trust_file = invocation->options[OPTION_TLS_TRUST];
    tls->certificate_file = invocation->options[OPTION_TLS_CERTIFICATE];
    tls->key_file = invocation->options[OPTION_TLS_KEY];
}

static void log_line(void *context, emc_log_level level, const char *message)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    (void)context;
    fprintf(stderr, "emcache: %s: %s\n", names[level], message);
}

static enum exit_code set_options(const struct invocation *invocation, emc_options *options,
                                  char password[static PASSWORD_SIZE])
{
    emc_options_init(options);
    uint64_t timeout_ms = options->timeout_ms;
    if (!options_unsigned(invocation, OPTION_TIMEOUT, 1, 3600000, &timeout_ms)) {
        return EXIT_CODE_USAGE;
    }
    options->timeout_ms = (uint32_t)timeout_ms;
    const char *routing = invocation->options[OPTION_ROUTING];
    if (routing != NULL && !routing_name_read(routing, &options->routing)) {
        complain("there is no routing '%s' (emcache --routing help lists the kinds)", routing);
        return EXIT_CODE_USAGE;
    }
    const char *tag = invocation->options[OPTION_HASH_TAG];
    if (tag != NULL && strlen(tag) != 2) {
        complain("--hash-tag takes two characters, as in --hash-tag {}");
        return EXIT_CODE_USAGE;
    }
    options->hash_tag_open = tag != NULL ? tag[0] : '\0';
    options->hash_tag_close = tag != NULL ? tag[1] : '\0';
    options->key_prefix = invocation->options[OPTION_KEY_PREFIX];
    if (invocation->options[OPTION_VERBOSE] != NULL) {
        options->log = log_line;
        options->log_level = EMC_LOG_DEBUG;
    }
    set_tls(invocation, &options->tls);
    return set_credentials(invocation, options, password);
}

/* ------------------------------------------------------------------ discovery */

static bool read_discovery(const struct invocation *invocation, emc_discovery *kind_out)
{
    const char *word = invocation->options[OPTION_DISCOVER];
    static const struct {
        const char *name;
        emc_discovery kind;
    } kinds[] = {{"cluster", EMC_DISCOVERY_CLUSTER}, {"dns", EMC_DISCOVERY_DNS}, {"srv", EMC_DISCOVERY_DNS_SRV}};
    *kind_out = EMC_DISCOVERY_NONE;
    if (word == NULL) {
        return true;
    }
    if (invocation->options[OPTION_WEIGHTS] != NULL) {
        complain("--weights and --discover do not go together: what is found has its own");
        return false;
    }
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(word, kinds[i].name) == 0) {
            *kind_out = kinds[i].kind;
            return true;
        }
    }
    complain("there is no discovery '%s': it is cluster, dns or srv", word);
    return false;
}

/* The nodes that were found take the place of the servers that were asked. */
static enum exit_code adopt_nodes(struct session *session)
{
    emc_node_list *found = NULL;
    emc_status status = emc_cluster_nodes(session->view, &found);
    if (status != EMC_OK) {
        return report_memory();
    }
    struct server_list list = {calloc(found->count, sizeof(emc_address)), found->count,
                               calloc(found->count, sizeof(emc_address_storage))};
    if (list.nodes == NULL || list.storages == NULL) {
        emc_node_list_destroy(found);
        server_list_destroy(&list);
        return report_memory();
    }
    for (size_t i = 0; i < found->count; i++) {
        snprintf(list.storages[i].text, sizeof(list.storages[i].text), "%s", found->nodes[i].host);
        list.nodes[i] = list.storages[i].address = emc_address_tcp(list.storages[i].text, found->nodes[i].port);
    }
    emc_node_list_destroy(found);
    server_list_destroy(&session->servers);
    session->servers = list;
    return EXIT_CODE_OK;
}

/* ------------------------------------------------------------------ the client */

/* connections_min: what each node keeps; 0 for a client that only answers questions. */
static enum exit_code create_client(const struct invocation *invocation, const emc_address *nodes, size_t count,
                                    emc_discovery discovery, uint32_t connections_min, emc_client **client_out,
                                    uint32_t *timeout_ms_out)
{
    char password[PASSWORD_SIZE];
    emc_options options;
    enum exit_code code = set_options(invocation, &options, password);
    if (code == EXIT_CODE_OK) {
        options.connections_min = connections_min;
        options.discovery = discovery;
        emc_error error = {EMC_OK, ""};
        emc_status status = emc_client_create(client_out, nodes, count, &options, &error);
        *timeout_ms_out = options.timeout_ms;
        const char *missing = status == EMC_OK ? NULL : routing_name_missing(options.routing);
        if (missing != NULL) {
            complain("this version of the library does not have the routing '%s'", missing);
            code = EXIT_CODE_USAGE;
        } else if (status != EMC_OK) {
            complain("%s", error.message[0] != '\0' ? error.message : emc_status_text(status));
            code = exit_code_of(status);
        }
    }
    wipe(password, sizeof(password));
    return code;
}

/* What --weights says; nothing where it is not given. */
static enum exit_code apply_weights(const struct invocation *invocation, const struct session *session)
{
    uint32_t *weights = NULL;
    enum exit_code code = weights_read(invocation, session->servers.count, &weights);
    if (code == EXIT_CODE_OK && weights != NULL) {
        code = weights_set(session->client, session->servers.nodes, weights, session->servers.count, SIZE_MAX);
    }
    free(weights);
    return code;
}

enum exit_code session_open(const struct invocation *invocation, struct session *session_out)
{
    struct session session = {.client = NULL};
    enum exit_code code = server_list_read(invocation, &session.servers);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    emc_discovery discovery = EMC_DISCOVERY_NONE;
    if (!read_discovery(invocation, &discovery)) {
        code = EXIT_CODE_USAGE;
    }
    if (code == EXIT_CODE_OK) {
        const struct server_list *servers = &session.servers;
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): session_close() below frees what it thinks is lost here */
        code = create_client(invocation, servers->nodes, servers->count, discovery, 1, &session.client,
                             &session.timeout_ms);
    }
    if (code == EXIT_CODE_OK) {
        session.view = emc_client_cluster_management(session.client);
        code = discovery != EMC_DISCOVERY_NONE ? adopt_nodes(&session) : apply_weights(invocation, &session);
    }
    if (code != EXIT_CODE_OK) {
        session_close(&session);
        return code;
    }
    *session_out = session;
    return EXIT_CODE_OK;
}

void session_close(struct session *session)
{
    emc_client_destroy(session->client);
    server_list_destroy(&session->servers);
}

enum exit_code session_idle_client(const struct invocation *invocation, const emc_address *nodes, size_t count,
                                   emc_client **client_out)
{
    uint32_t timeout_ms = 0;
    return create_client(invocation, nodes, count, EMC_DISCOVERY_NONE, 0, client_out, &timeout_ms);
}

const emc_address *session_find_node(const struct session *session, const char *word, bool complain_about)
{
    emc_address_storage wanted;
    if (emc_address_parse(word, DEFAULT_PORT, &wanted, NULL) == EMC_OK) {
        for (size_t i = 0; i < session->servers.count; i++) {
            if (emc_address_equal(&session->servers.nodes[i], &wanted.address)) {
                return &session->servers.nodes[i];
            }
        }
    }
    if (complain_about) {
        complain("there is no node '%s' among the servers named by -s or EMCACHE_SERVERS, or found by --discover",
                 word);
    }
    return NULL;
}
