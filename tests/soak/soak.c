/* Load with servers that die: three real servers, so many operations, one server killed every few seconds and started again. Every value read is checked to
 * the byte. Fails at one wrong or lost value, at a kill that unhealthy_nodes() did not show, and at a pace not restored within `--pace`
 * (two seconds) of a return.
 *
 *     soak [--operations N] [--kills N] [--every MS] [--down MS] [--pace MS] [--in-flight N] [--table FILE] */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "observer.h"

#define IN_FLIGHT_MAX 2048
#define BULK_MAX      20
#define STATUSES      80

enum kind { KIND_READ, KIND_BULK, KIND_SET, KIND_DELETE };

struct settings {
    uint64_t operations;
    unsigned kills, in_flight;
    uint32_t every_ms, down_ms;
    unsigned pace_ms; /* within so long of a return everything runs as before */
    const char *table;
};

/* One operation under way. */
struct flight {
    struct flight *next; /* in the list of free ones */
    enum kind kind;
    struct subject *subjects[BULK_MAX];
    size_t count;
    uint32_t version, submitted_life;
    bool completed, released;
    char value[VALUE_SIZE_MAX];
};

static struct settings settings = {
    .operations = 10000000, .kills = 20, .in_flight = 300, .every_ms = 4000, .down_ms = 1500, .pace_ms = 2000};
static struct server servers[NODES];
static struct subject subjects[KEYS];
static struct flight flights[IN_FLIGHT_MAX], *free_flights;
static struct chaos chaos;
static struct observer observer;
static struct findings findings;
static emc_client *client;
static uint64_t submitted, completed, results, errors[STATUSES];
static uint32_t seed = 1;

static uint32_t dice(uint32_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed % below;
}

static uint32_t life_of(const struct subject *subject)
{
    return atomic_load(&chaos.nodes[subject->node].life);
}

/* ------------------------------------------------------------------ the end of an operation */

static void give_back(struct flight *flight)
{
    if (flight->completed && flight->released) {
        flight->next = free_flights;
        free_flights = flight;
    }
}

static void on_released(void *user_data)
{
    struct flight *flight = user_data;
    flight->released = true;
    give_back(flight);
}

static void note_read(struct subject *subject, const emc_result *result)
{
    subject->readers--;
    if (result->status == EMC_OK) {
        subject_read(subject, result->value, result->value_length, life_of(subject), &findings);
    } else if (result->status == EMC_MISS) {
        subject_read(subject, NULL, 0, life_of(subject), &findings);
    }
}

static void on_result(void *user_data, const emc_result *result)
{
    struct flight *flight = user_data;
    struct subject *subject = flight->subjects[flight->kind == KIND_BULK ? result->index : 0];
    bool answered = result->status >= 0;
    if (flight->kind == KIND_READ || flight->kind == KIND_BULK) {
        note_read(subject, result);
    } else {
        subject->writing = false;
        /* A delete that finds nothing leaves nothing, as one that deletes. */
        subject_written(subject, flight->version, flight->submitted_life, life_of(subject), result->status);
    }
    results++;
    errors[answered ? 0 : -(int)result->status] += !answered;
    observer_note(&observer, subject->node, answered);
    if (result->last) {
        completed++;
        flight->completed = true;
        give_back(flight);
    }
}

/* ------------------------------------------------------------------ the beginning */

static struct subject *pick(bool to_write)
{
    for (;;) {
        struct subject *subject = &subjects[dice(KEYS)];
        bool may = to_write ? subject->readers == 0 && subject_may_write(subject, life_of(subject)) : true;
        if (!subject->writing && may) {
            return subject;
        }
    }
}

static emc_status submit_write(struct flight *flight, emc_call *call)
{
    struct subject *subject = pick(true);
    subject->writing = true;
    flight->subjects[0] = subject;
    flight->submitted_life = life_of(subject);
    flight->version = flight->kind == KIND_DELETE ? 0 : ++subject->version;
    if (flight->kind == KIND_DELETE) {
        return emc_delete_async(client, subject->key, subject->key_length, call);
    }
    size_t length = subject_value(subject, flight->version, flight->value);
    flight->released = false;
    call->released = on_released;
    return emc_set_async(client, subject->key, subject->key_length, flight->value, length, 0, 0, call);
}

static emc_status submit_read(struct flight *flight, const emc_call *call)
{
    emc_key keys[BULK_MAX];
    flight->count = flight->kind == KIND_BULK ? BULK_MAX : 1;
    for (size_t i = 0; i < flight->count; i++) {
        struct subject *subject = flight->subjects[i] = pick(false);
        subject->readers++;
        keys[i] = (emc_key){subject->key, subject->key_length};
    }
    return flight->kind == KIND_BULK ? emc_get_many_async(client, keys, flight->count, call)
                                     : emc_get_async(client, keys[0].data, keys[0].length, call);
}

static void submit(struct flight *flight)
{
    uint32_t die = dice(100);
    emc_call call = {.callback = on_result, .user_data = flight};
    flight->completed = false;
    flight->released = true;
    flight->kind = die < 66 ? KIND_READ : die < 70 ? KIND_BULK : die < 97 ? KIND_SET : KIND_DELETE;
    bool writes = flight->kind == KIND_SET || flight->kind == KIND_DELETE;
    emc_status status = writes ? submit_write(flight, &call) : submit_read(flight, &call);
    if (status != EMC_OK) {
        fprintf(stderr, "a submission was refused: %s: %s\n", emc_status_name(status),
                emc_client_error_message(client));
        exit(1);
    }
    submitted++;
}

static void fill_up(void)
{
    while (free_flights != NULL && submitted - completed < settings.in_flight) {
        struct flight *flight = free_flights;
        free_flights = flight->next;
        submit(flight);
    }
}

/* ------------------------------------------------------------------ the run */

static void open_everything(void)
{
    emc_address addresses[NODES];
    emc_options options = emc_options_default();
    for (size_t i = 0; i < NODES; i++) {
        server_start(&servers[i], NULL);
        addresses[i] = servers[i].address;
    }
    if (emc_client_create(&client, addresses, NODES, &options, NULL) != EMC_OK) {
        exit(1);
    }
    for (unsigned i = 0; i < KEYS; i++) {
        emc_node_list *list = NULL;
        subject_init(&subjects[i], i);
        if (emc_cluster_node_for_key(emc_client_cluster_management(client), subjects[i].key, subjects[i].key_length,
                                     &list) != EMC_OK) {
            exit(1);
        }
        while (!emc_address_equal(&list->nodes[0], &servers[subjects[i].node].address)) {
            subjects[i].node++;
        }
        emc_node_list_destroy(list);
    }
    for (size_t i = 0; i < IN_FLIGHT_MAX; i++) {
        flights[i].next = free_flights;
        free_flights = &flights[i];
    }
}

static void turn(bool submitting)
{
    if (submitting) {
        fill_up();
    }
    emc_client_wait(client, 10);
    observer_look(&observer, chaos_now_ns());
}

static uint64_t run(void)
{
    uint64_t began_ns = chaos_now_ns();
    chaos_start(&chaos, servers, settings.every_ms, settings.down_ms);
    observer_init(&observer, client, &chaos);
    while (submitted < settings.operations || atomic_load(&chaos.kills) < settings.kills) {
        turn(true);
    }
    chaos_calm(&chaos);
    uint64_t patience_ns = chaos_now_ns() + 20000000000u;
    while ((!atomic_load(&chaos.quiet) || !observer_is_done(&observer)) && chaos_now_ns() < patience_ns) {
        turn(true);
    }
    uint64_t ended_ns = chaos_now_ns();
    while (completed < submitted && chaos_now_ns() < patience_ns) {
        turn(false);
    }
    chaos_end(&chaos);
    return ended_ns - began_ns;
}

/* ------------------------------------------------------------------ the report */

static void write_distribution(FILE *file, const char *what, struct durations *durations)
{
    fprintf(file, "| %s | %zu | %.0f | %.0f | %.0f | %.0f |\n", what, durations->count,
            durations_quantile_ms(durations, 0), durations_quantile_ms(durations, 0.5),
            durations_quantile_ms(durations, 0.9), durations_quantile_ms(durations, 1));
}

static void write_report(FILE *file, uint64_t took_ns)
{
    double seconds = (double)took_ns / 1e9;
    fprintf(file,
            "# Load with servers that die\n\nThree memcached servers, one client on one thread, %u operations in "
            "flight; every %u ms a server is killed, and started again "
            "%u ms later. Written by `make soak`.\n\n",
            settings.in_flight, settings.every_ms, settings.down_ms);
    fprintf(file,
            "| | |\n|---|---|\n| operations | %llu in %.0f s |\n| results (a key of a bulk counts as one) | %llu |\n| "
            "kills | %u |\n",
            (unsigned long long)completed, seconds, (unsigned long long)results, atomic_load(&chaos.kills));
    fprintf(file,
            "| values checked | %llu |\n| **wrong values** | **%llu** |\n| misses | %llu |\n| **lost values** (a miss "
            "that no kill explains) | **%llu** |\n",
            (unsigned long long)findings.hits, (unsigned long long)findings.wrong, (unsigned long long)findings.misses,
            (unsigned long long)findings.lost);
    fprintf(file, "| operations that never completed | %llu |\n", (unsigned long long)(submitted - completed));
    for (int i = 1; i < STATUSES; i++) {
        if (errors[i] != 0) {
            fprintf(file, "| %s | %llu |\n", emc_status_name((emc_status)-i), (unsigned long long)errors[i]);
        }
    }
    fprintf(file, "\n| milliseconds | times | least | median | 90 %% | most |\n|---|---|---|---|---|---|\n");
    write_distribution(file, "from a kill to `unhealthy_nodes()` showing it", &observer.to_shown);
    write_distribution(file, "from a return to the node's first answer", &observer.to_use);
    write_distribution(file, "from a return to full pace", &observer.to_pace);
    fprintf(file,
            "\nA server has returned when it accepts. Full pace: the end of the first %u ms in which no operation "
            "failed and the node gave at least 80 %% of the share of all "
            "answers that it gave before.\n",
            WINDOW_NS / 1000000u);
}

static bool went_well(void)
{
    unsigned kills = atomic_load(&chaos.kills);
    return findings.wrong == 0 && findings.lost == 0 && submitted == completed && findings.hits > 0 &&
           observer.to_shown.count == kills && observer.to_use.count == kills && observer.to_pace.count == kills &&
           durations_quantile_ms(&observer.to_pace, 1) <= settings.pace_ms;
}

static void take_argument(const char *name, const char *text)
{
    uint64_t number = strtoull(text, NULL, 10);
    if (strcmp(name, "--operations") == 0) {
        settings.operations = number;
    } else if (strcmp(name, "--kills") == 0) {
        settings.kills = (unsigned)number;
    } else if (strcmp(name, "--every") == 0) {
        settings.every_ms = (uint32_t)number;
    } else if (strcmp(name, "--down") == 0) {
        settings.down_ms = (uint32_t)number;
    } else if (strcmp(name, "--pace") == 0) {
        settings.pace_ms = (unsigned)number;
    } else if (strcmp(name, "--in-flight") == 0 && number <= IN_FLIGHT_MAX) {
        settings.in_flight = (unsigned)number;
    } else if (strcmp(name, "--table") == 0) {
        settings.table = text;
    } else {
        fprintf(stderr, "soak: no such argument: %s %s\n", name, text);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i += 2) {
        take_argument(argv[i], i + 1 < argc ? argv[i + 1] : "");
    }
    open_everything();
    uint64_t took_ns = run();
    write_report(stdout, took_ns);
    if (settings.table != NULL) {
        FILE *file = fopen(settings.table, "w");
        if (file == NULL) {
            perror(settings.table);
            return 1;
        }
        write_report(file, took_ns);
        fclose(file);
    }
    emc_client_destroy(client);
    return went_well() ? 0 : 1;
}
