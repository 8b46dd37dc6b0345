/* Beginning, end and questions of a trial. */
#include "trial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

emc_options trial_options(void)
{
    emc_options options = patient_options();
    options.connections_max = 1;
    return options;
}

static void open_client_of(struct trial *trial, const emc_options *options)
{
    emc_options counted = options != NULL ? *options : trial_options();
    counted.allocator = &trial->leaks.allocator;
    trial->client = open_client_at(trial->address, &counted);
    trial->view = emc_client_cluster_management(trial->client);
}

void trial_begin(struct trial *trial, const struct server *server, const emc_options *options)
{
    leak_check_begin(&trial->leaks);
    trial->scripted = NULL;
    trial->proxy = proxy_start(&server->address);
    trial->address = proxy_address(trial->proxy);
    open_client_of(trial, options);
    emc_status status = emc_set(trial->client, EMC_STR("k"), EMC_STR("value"), 0, 0, NULL);
    if (status != EMC_OK) {
        fail_msg("set: %s: %s", emc_status_name(status), emc_client_error_message(trial->client));
    }
}

void trial_begin_at(struct trial *trial, emc_address address, const emc_options *options)
{
    leak_check_begin(&trial->leaks);
    trial->proxy = NULL;
    trial->scripted = NULL;
    trial->address = address;
    open_client_of(trial, options);
}

void trial_begin_scripted(struct trial *trial, const struct scripted_step *steps, size_t count,
                          const emc_options *options)
{
    leak_check_begin(&trial->leaks);
    trial->proxy = NULL;
    trial->scripted = scripted_server_start(steps, count);
    trial->steps = count;
    trial->address = scripted_server_address(trial->scripted);
    open_client_of(trial, options);
}

void trial_wait_for_step(struct trial *trial, size_t step)
{
    uint64_t end = clock_ms() + PATIENCE_MS;
    while (scripted_server_progress(trial->scripted) < step && clock_ms() < end) {
        emc_client_wait(trial->client, 2);
    }
}

void trial_end(struct trial *trial)
{
    if (trial->scripted != NULL) {
        trial_wait_for_step(trial, trial->steps);
        scripted_server_end(trial->scripted);
    }
    emc_client_destroy(trial->client);
    if (trial->proxy != NULL) {
        proxy_end(trial->proxy);
    }
    leak_check_end(&trial->leaks);
}

emc_pool_metrics trial_metrics(const struct trial *trial)
{
    emc_pool_metrics metrics;
    assert_int_equal(emc_cluster_connection_pool_metrics(trial->view, &trial->address, &metrics), EMC_OK);
    return metrics;
}

emc_status trial_get(struct trial *trial, const char *key, const char *value, uint64_t *took_ms)
{
    emc_item item = {0};
    uint64_t before = clock_ms();
    emc_status status = emc_get(trial->client, key, strlen(key), &item, NULL);
    if (took_ms != NULL) {
        *took_ms = clock_ms() - before;
    }
    if (status == EMC_OK) {
        assert_int_equal(item.value_length, strlen(value));
        assert_memory_equal(item.value, value, item.value_length);
    }
    emc_item_release(&item);
    return status;
}

void trial_recovers(struct trial *trial)
{
    uint64_t before = clock_ms();
    emc_status status;
    while ((status = trial_get(trial, "k", "value", NULL)) != EMC_OK) {
        if (clock_ms() - before > BACK_WITHIN_MS + SLACK_MS) {
            fail_msg("not back: %s: %s", emc_status_name(status), emc_client_error_message(trial->client));
        }
        run_for(trial->client, 5);
    }
}

void expect_either(emc_status status, emc_status one, emc_status other)
{
    if (status != one && status != other) {
        fail_msg("%s; expected %s or %s", emc_status_name(status), emc_status_name(one), emc_status_name(other));
    }
}
