/* The asynchronous calls in a program that has a poll() loop of its own. The client is one more descriptor in it, and nothing ever blocks.
 *
 *   poll_loop localhost:11211 localhost:11212 … */
#include <emcache.h>
#include <poll.h>
#include <stdio.h>

enum { NODES_MAX = 16, KEYS = 1000 };

/* What the program counts; its address is the callbacks' user data. */
struct work {
    emc_client *client;
    size_t stored;
    size_t fetched;
    size_t failed;
};

static void on_fetched(void *user_data, const emc_result *result)
{
    struct work *work = user_data;
    if (result->status == EMC_OK) {
        work->fetched++; /* result->value lives until this returns */
    } else if (result->status < 0) {
        work->failed++;
    }
}

/* A callback may submit further operations. */
static void on_stored(void *user_data, const emc_result *result)
{
    struct work *work = user_data;
    if (result->status != EMC_OK) {
        work->failed++;
        return;
    }
    work->stored++;
    char key[32];
    int length = snprintf(key, sizeof(key), "item:%zu", work->stored % KEYS);
    emc_call call = {.callback = on_fetched, .user_data = work};
    if (emc_get_async(work->client, key, (size_t)length, &call) != EMC_OK) {
        work->failed++; /* refused: no callback will come */
    }
}

static void submit_all(struct work *work)
{
    emc_call call = {.callback = on_stored, .user_data = work};
    for (size_t i = 0; i < KEYS; i++) {
        char key[32];
        int length = snprintf(key, sizeof(key), "item:%zu", i);
        /* Key and value are copied; nothing is written before the loop's next turn, so all of these leave together. */
        if (emc_set_async(work->client, key, (size_t)length, EMC_STR("value"), 60, 0, &call) != EMC_OK) {
            work->failed++;
        }
    }
}

static void run(emc_client *client)
{
    while (emc_client_pending(client) > 0) {
        struct pollfd watched[] = {{.fd = emc_client_descriptor(client), .events = POLLIN}};
        /* A real program has its own descriptors in the same array. */
        if (poll(watched, 1, emc_client_next_deadline_ms(client)) < 0) {
            continue; /* EINTR; the deadline is asked for anew */
        }
        emc_client_process(client);
    }
}

int main(int argc, char **argv)
{
    emc_address_storage storages[NODES_MAX];
    emc_address nodes[NODES_MAX];
    emc_error error;
    size_t count = 0;
    for (int i = 1; i < argc && count < NODES_MAX; i++, count++) {
        if (emc_address_parse(argv[i], 11211, &storages[count], &error) != EMC_OK) {
            fprintf(stderr, "%s: %s\n", argv[i], error.message);
            return 1;
        }
        nodes[count] = storages[count].address;
    }
    struct work work = {0};
    if (emc_client_create(&work.client, nodes, count, NULL, &error) != EMC_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    submit_all(&work);
    run(work.client);
    printf("%zu stored, %zu fetched, %zu failed\n", work.stored, work.fetched, work.failed);
    emc_client_destroy(work.client);
    return work.failed == 0 ? 0 : 1;
}
