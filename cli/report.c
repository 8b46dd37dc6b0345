/* What the program says on stderr, and which exit code an outcome is. */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void complain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fflush(stdout); /* so that the two streams stay in order when they go to the same place */
    fputs("emcache: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

enum exit_code exit_code_of(emc_status status)
{
    if (status == EMC_OK) {
        return EXIT_CODE_OK;
    }
    if (status == EMC_ERROR_UNSUPPORTED) { /* usage to the library; here a server was asked, and said so */
        return EXIT_CODE_ERROR;
    }
    switch (emc_status_classify(status)) {
    case EMC_CLASS_RESULT:
        return EXIT_CODE_MISS;
    case EMC_CLASS_USAGE:
        return EXIT_CODE_USAGE;
    case EMC_CLASS_TRANSIENT:
    case EMC_CLASS_PROTOCOL:
    case EMC_CLASS_MEMORY:
        break;
    }
    return EXIT_CODE_ERROR;
}

enum exit_code exit_code_worse(enum exit_code a, enum exit_code b)
{
    return a > b ? a : b;
}

enum exit_code report_outcome(const char *subject, emc_status status, const char *words)
{
    if (status != EMC_OK) {
        bool own = words == NULL || words[0] == '\0' || emc_status_classify(status) == EMC_CLASS_RESULT;
        complain("%s: %s", subject[0] != '\0' ? subject : "''", own ? emc_status_text(status) : words);
    }
    return exit_code_of(status);
}

enum exit_code report_client(const char *subject, emc_status status, const emc_client *client)
{
    return report_outcome(subject, status, emc_client_error_message(client));
}

static enum exit_code report_with_node(const char *key, emc_status status, const char *words, emc_client *client)
{
    emc_status_class class = emc_status_classify(status);
    emc_node_list *nodes = NULL;
    if (class == EMC_CLASS_RESULT || class == EMC_CLASS_USAGE || status == EMC_ERROR_MEMORY) {
        return report_outcome(key, status, words);
    }
    char subject[EMC_ADDRESS_TEXT_SIZE + 256];
    char said[EMC_ERROR_MESSAGE_SIZE];
    snprintf(said, sizeof(said), "%s", words); /* borrowed until the next call on the client */
    snprintf(subject, sizeof(subject), "%s", key);
    emc_cluster_management *view = emc_client_cluster_management(client);
    if (emc_cluster_node_for_key(view, key, strlen(key), &nodes) == EMC_OK) {
        char node[EMC_ADDRESS_TEXT_SIZE];
        emc_address_format(&nodes->nodes[0], node, sizeof(node));
        snprintf(subject, sizeof(subject), "%.250s: %s", key, node);
        emc_node_list_destroy(nodes);
    }
    return report_outcome(subject, status, said);
}

enum exit_code report_key(const char *key, emc_status status, emc_client *client)
{
    return report_with_node(key, status, emc_client_error_message(client), client);
}

enum exit_code report_key_of_many(const char *key, emc_status status, emc_client *client)
{
    return report_with_node(key, status, emc_status_text(status), client);
}

enum exit_code report_memory(void)
{
    complain("out of memory");
    return EXIT_CODE_ERROR;
}
