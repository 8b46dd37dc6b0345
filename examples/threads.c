/* One client that several threads use: the threads of a server, say, that each answer a request of their own.
 *
 *   threads localhost:11211 localhost:11212 … */
#include <emcache.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

enum { NODES_MAX = 16, THREADS = 4, REQUESTS = 1000 };

struct worker {
    emc_client *client;
    pthread_t thread;
    unsigned number, errors;
};

/* Blocking calls, as if the client were this thread's alone; the words of an error are this thread's, too. */
static emc_status serve(emc_client *client, unsigned worker, unsigned request)
{
    char key[32], value[64];
    emc_item item = {0};
    uint64_t served;
    size_t key_length = (size_t)snprintf(key, sizeof key, "session:%u:%u", worker, request % 100);
    size_t value_length = (size_t)snprintf(value, sizeof value, "request %u", request);
    emc_status status = emc_set(client, key, key_length, value, value_length, 60, 0, NULL);
    status = status < 0 ? status : emc_get(client, key, key_length, &item, NULL);
    status = status < 0 ? status : emc_incr(client, EMC_STR("served"), 1, &served, NULL);
    emc_item_release(&item);
    return status;
}

static void *work(void *context)
{
    struct worker *worker = context;
    for (unsigned i = 0; i < REQUESTS; i++) {
        if (serve(worker->client, worker->number, i) < 0 && worker->errors++ == 0) {
            fprintf(stderr, "worker %u: %s\n", worker->number, emc_client_error_message(worker->client));
        }
    }
    return NULL;
}

static unsigned run_workers(emc_client *client)
{
    struct worker workers[THREADS];
    unsigned errors = 0, started = 0;
    while (started < THREADS) {
        workers[started] = (struct worker){.client = client, .number = started};
        if (pthread_create(&workers[started].thread, NULL, work, &workers[started]) != 0) {
            errors++;
            break;
        }
        started++;
    }
    for (unsigned i = 0; i < started; i++) {
        pthread_join(workers[i].thread, NULL);
        errors += workers[i].errors;
    }
    return errors;
}

int main(int argc, char **argv)
{
    emc_address nodes[NODES_MAX];
    emc_address_storage storage[NODES_MAX];
    emc_options options = emc_options_default();
    emc_client *client = NULL;
    emc_error error;
    size_t count = 0;
    for (int i = 1; i < argc && count < NODES_MAX; i++, count++) {
        if (emc_address_parse(argv[i], 11211, &storage[count], &error) != EMC_OK) {
            fprintf(stderr, "%s\n", error.message);
            return 2;
        }
        nodes[count] = storage[count].address;
    }
    options.threaded = true; /* any thread may use it; a thread of its own does the work */
    if (emc_client_create(&client, nodes, count, &options, &error) != EMC_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    uint64_t served = 0;
    (void)emc_set(client, EMC_STR("served"), EMC_STR("0"), 60, 0, NULL);
    unsigned errors = run_workers(client);
    emc_status status = emc_incr(client, EMC_STR("served"), 0, &served, NULL);
    printf("%d threads, %d requests each: %" PRIu64 " served, %u errors\n", THREADS, REQUESTS, served, errors);
    emc_client_destroy(client); /* when no thread is in a call any more */
    return status == EMC_OK && errors == 0 && served == (uint64_t)THREADS * REQUESTS ? 0 : 1;
}
