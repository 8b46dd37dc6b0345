/* The servers' weights: see weights.h. */
#include "weights.h"

#include <stdlib.h>
#include <string.h>

#include "numbers.h"
#include "report.h"

static enum exit_code read_list(const char *text, size_t count, uint32_t *weights)
{
    size_t found = 0;
    for (const char *at = text; at != NULL; found++) {
        char word[16] = "";
        uint64_t weight = 0;
        size_t length = strcspn(at, ",");
        memcpy(word, at, length < sizeof(word) ? length : sizeof(word) - 1);
        if (!number_read_unsigned(word, 1, UINT32_MAX, &weight)) {
            complain("--weights: '%.*s' is no weight from 1 to %u", (int)length, at, UINT32_MAX);
            return EXIT_CODE_USAGE;
        }
        if (found < count) {
            weights[found] = (uint32_t)weight;
        }
        at = at[length] == ',' ? at + length + 1 : NULL;
    }
    if (found != count) {
        complain("--weights: there are %zu for %zu servers", found, count);
        return EXIT_CODE_USAGE;
    }
    return EXIT_CODE_OK;
}

enum exit_code weights_read(const struct invocation *invocation, size_t count, uint32_t **weights_out)
{
    const char *text = invocation->options[OPTION_WEIGHTS];
    *weights_out = NULL;
    if (text == NULL) {
        return EXIT_CODE_OK;
    }
    uint32_t *weights = calloc(count, sizeof(*weights));
    if (weights == NULL) {
        return report_memory();
    }
    enum exit_code code = read_list(text, count, weights);
    if (code != EXIT_CODE_OK) {
        free(weights);
        return code;
    }
    *weights_out = weights;
    return EXIT_CODE_OK;
}

enum exit_code weights_set(emc_client *client, const emc_address *nodes, const uint32_t *weights, size_t count,
                           size_t left)
{
    emc_weighted_address *list = calloc(count, sizeof(*list));
    if (list == NULL) {
        return report_memory();
    }
    size_t taken = 0;
    for (size_t i = 0; i < count; i++) {
        if (i != left) {
            list[taken++] = (emc_weighted_address){nodes[i], weights[i]};
        }
    }
    emc_error error = {EMC_OK, ""};
    emc_status status = emc_cluster_replace_nodes(emc_client_cluster_management(client), list, taken, &error);
    free(list);
    return report_outcome("--weights", status, error.message);
}
