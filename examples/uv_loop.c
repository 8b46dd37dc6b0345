/* The asynchronous calls in a program that runs on libuv: the client is one poll handle, and a timer of the program's submits. The same in any loop that watches
 * descriptors (epoll, libev, GLib): read "libuv" as "yours".
 *
 *   uv_loop localhost:11211 localhost:11212 … */
#include <emcache.h>
#include <stdio.h>
#include <uv.h>

enum { NODES_MAX = 16, ROUNDS = 10, KEYS = 100 };

struct program {
    emc_client *client;
    uv_poll_t poll;
    uv_timer_t timer;
    unsigned rounds;
    size_t hits;
    size_t failed;
};

static void on_fetched(void *user_data, const emc_result *result)
{
    struct program *program = user_data;
    program->hits += result->status == EMC_OK;
    program->failed += result->status < 0;
    if (program->rounds == ROUNDS && emc_client_pending(program->client) == 0) {
        uv_poll_stop(&program->poll); /* nothing is left to do: the loop ends */
    }
}

/* All that the loop needs to know of the client. */
static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct program *program = poll->data;
    (void)status;
    (void)events;
    emc_client_process(program->client);
}

/* The program's own work. Operations on one key take effect in the order submitted, so each get finds what was set. */
static void on_timer(uv_timer_t *timer)
{
    struct program *program = timer->data;
    emc_call store = {.callback = NULL}; /* nobody hears of its outcome */
    emc_call fetch = {.callback = on_fetched, .user_data = program};
    if (++program->rounds == ROUNDS) {
        uv_timer_stop(timer);
    }
    for (unsigned i = 0; i < KEYS; i++) {
        char key[32];
        int length = snprintf(key, sizeof(key), "round:%u:%u", program->rounds, i);
        if (emc_set_async(program->client, key, (size_t)length, EMC_STR("value"), 60, 0, &store) != EMC_OK ||
            emc_get_async(program->client, key, (size_t)length, &fetch) != EMC_OK) {
            program->failed++; /* refused: no callback will come */
        }
    }
    emc_client_flush(
        program->client); /* submitted outside of the client's callbacks: now it leaves, in one write for each node */
}

static void run(struct program *program)
{
    uv_loop_t *loop = uv_default_loop();
    uv_poll_init(loop, &program->poll, emc_client_descriptor(program->client));
    uv_timer_init(loop, &program->timer);
    program->poll.data = program->timer.data = program;
    uv_poll_start(&program->poll, UV_READABLE, on_readable);
    uv_timer_start(&program->timer, on_timer, 0, 10);
    uv_run(loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&program->poll, NULL); /* before the client, whose descriptor it watches */
    uv_close((uv_handle_t *)&program->timer, NULL);
    uv_run(loop, UV_RUN_DEFAULT);
    uv_loop_close(loop);
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
    struct program program = {0};
    if (emc_client_create(&program.client, nodes, count, NULL, &error) != EMC_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    run(&program);
    printf("%zu of %d fetched, %zu failed\n", program.hits, ROUNDS * KEYS, program.failed);
    emc_client_destroy(program.client);
    return program.failed == 0 ? 0 : 1;
}
