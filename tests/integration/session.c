/* Clients and outcomes for the integration tests. */
#include "session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

uint64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

emc_options patient_options(void)
{
    emc_options options = emc_options_default();
    options.timeout_ms = PATIENCE_MS / 2;
    return options;
}

emc_client *open_client(const struct server *servers, size_t count, const emc_options *options)
{
    emc_address addresses[16];
    emc_options patient = patient_options();
    emc_client *client = NULL;
    emc_error error = {EMC_OK, ""};
    assert_in_range(count, 1, 16);
    for (size_t i = 0; i < count; i++) {
        addresses[i] = servers[i].address;
    }
    if (emc_client_create(&client, addresses, count, options == NULL ? &patient : options, &error) != EMC_OK) {
        fail_msg("no client: %s", error.message);
    }
    return client;
}

emc_client *open_client_at(emc_address address, const emc_options *options)
{
    emc_options patient = patient_options();
    emc_client *client = NULL;
    emc_error error = {EMC_OK, ""};
    if (emc_client_create(&client, &address, 1, options == NULL ? &patient : options, &error) != EMC_OK) {
        fail_msg("no client: %s", error.message);
    }
    return client;
}

static void receive(void *user_data, const emc_result *result)
{
    struct outcome *outcome = user_data;
    outcome->results++;
    assert_false(outcome->last); /* nothing follows the last result */
    outcome->status = result->status;
    outcome->value_length = result->value_length;
    size_t kept = result->value_length < sizeof outcome->value - 1 ? result->value_length : sizeof outcome->value - 1;
    if (result->value != NULL) {
        memcpy(outcome->value, result->value, kept);
    }
    outcome->value[result->value == NULL ? 0 : kept] = 0;
    outcome->flags = result->flags;
    outcome->cas = result->cas;
    outcome->number = result->number;
    snprintf(outcome->message, sizeof outcome->message, "%s", result->message == NULL ? "" : result->message);
    outcome->last = result->last;
}

emc_call keep(struct outcome *outcome)
{
    memset(outcome, 0, sizeof *outcome);
    emc_call call = {.callback = receive, .user_data = outcome};
    return call;
}

void await(emc_client *client, struct outcome *outcome)
{
    uint64_t end = clock_ms() + PATIENCE_MS;
    while (!outcome->last) {
        if (clock_ms() > end) {
            fail_msg("no outcome within %d ms", PATIENCE_MS);
        }
        emc_client_wait(client, 100);
    }
}

void run_for(emc_client *client, int milliseconds)
{
    uint64_t end = clock_ms() + (uint64_t)milliseconds;
    for (uint64_t now = clock_ms(); now < end; now = clock_ms()) {
        emc_client_wait(client, (int)(end - now));
    }
}
