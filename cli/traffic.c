/* Traffic for the demo. */
#include "traffic.h"

#include <stdlib.h>
#include <string.h>

#include "loop.h"
#include "placement.h"

/* After a pause of the program itself it does not make up for more than this. */
#define BURST_MAX 400

#define VALUE_SIZE 100

/* ------------------------------------------------------------------ counting */

static void count_error(struct traffic_counts *counts, emc_status status, uint64_t number)
{
    counts->errors += number;
    for (size_t i = 0; i < counts->kind_count; i++) {
        if (counts->kinds[i].status == status) {
            counts->kinds[i].count += number;
            return;
        }
    }
    if (counts->kind_count < TRAFFIC_KINDS_MAX) {
        counts->kinds[counts->kind_count].status = status;
        counts->kinds[counts->kind_count++].count = number;
    }
}

void traffic_counts_add(struct traffic_counts *to, const struct traffic_counts *from)
{
    to->operations += from->operations;
    to->hits += from->hits;
    to->misses += from->misses;
    to->sets += from->sets;
    to->wrong += from->wrong;
    for (size_t i = 0; i < from->kind_count; i++) {
        count_error(to, from->kinds[i].status, from->kinds[i].count);
    }
}

double traffic_hit_ratio(const struct traffic_counts *counts)
{
    uint64_t gets = counts->hits + counts->misses;
    return gets == 0 ? 1 : (double)counts->hits / (double)gets;
}

/* ------------------------------------------------------------------ one operation */

/* A value that tells whose it is: its key, a bar, and letters up to the length. */
static size_t make_value(uint32_t number, char value_out[static VALUE_SIZE])
{
    size_t length = placement_key(number, value_out);
    memset(value_out + length, '.', VALUE_SIZE - length);
    value_out[length] = '|';
    return VALUE_SIZE;
}

static bool is_value_of(const emc_result *result, uint32_t number)
{
    char expected[VALUE_SIZE];
    size_t length = make_value(number, expected);
    return result->value_length == length && memcmp(result->value, expected, length) == 0;
}

static void tell_answer(const struct traffic_slot *slot, const emc_result *result)
{
    struct traffic *traffic = slot->traffic;
    if (result->node != NULL && traffic->on_answer != NULL) {
        double seconds = (double)(clock_now_ns() - slot->submitted_ns) / (double)NS_PER_S;
        traffic->on_answer(traffic->context, result->node, seconds);
    }
}

static void on_set(void *user_data, const emc_result *result)
{
    const struct traffic_slot *slot = user_data;
    struct traffic_counts *counts = slot->traffic->counts;
    counts->operations++;
    if (result->status < 0) {
        count_error(counts, result->status, 1);
        return;
    }
    counts->sets++;
    tell_answer(slot, result);
}

static void submit_set(struct traffic *traffic, uint32_t number)
{
    char key[PLACEMENT_KEY_SIZE];
    char value[VALUE_SIZE];
    size_t key_length = placement_key(number, key);
    size_t value_length = make_value(number, value);
    traffic->slots[number].submitted_ns = clock_now_ns();
    emc_call call = {.callback = on_set, .user_data = &traffic->slots[number]};
    emc_status status = emc_set_async(traffic->client, key, key_length, value, value_length, 0, 0, &call);
    if (status != EMC_OK && status != EMC_ERROR_CLOSED) { /* closed: the misses of the last operations */
        traffic->counts->operations++;
        count_error(traffic->counts, status, 1);
    }
}

static void on_get(void *user_data, const emc_result *result)
{
    const struct traffic_slot *slot = user_data;
    struct traffic_counts *counts = slot->traffic->counts;
    counts->operations++;
    if (result->status == EMC_OK) {
        counts->hits++;
        counts->wrong += !is_value_of(result, slot->number);
        tell_answer(slot, result);
    } else if (result->status == EMC_MISS) {
        counts->misses++;
        tell_answer(slot, result);
        submit_set(slot->traffic, slot->number);
    } else {
        count_error(counts, result->status, 1);
    }
}

static void submit_get(struct traffic *traffic, uint32_t number)
{
    char key[PLACEMENT_KEY_SIZE];
    size_t key_length = placement_key(number, key);
    traffic->slots[number].submitted_ns = clock_now_ns();
    emc_call call = {.callback = on_get, .user_data = &traffic->slots[number]};
    emc_status status = emc_get_async(traffic->client, key, key_length, &call);
    if (status != EMC_OK) {
        traffic->counts->operations++;
        count_error(traffic->counts, status, 1);
    }
}

/* ------------------------------------------------------------------ the mix */

bool traffic_init(struct traffic *traffic, emc_client *client, size_t key_count, double rate)
{
    *traffic = (struct traffic){.client = client, .key_count = key_count, .rate = rate, .random = 0x9E3779B97F4A7C15};
    traffic->slots = calloc(key_count, sizeof(*traffic->slots));
    for (size_t i = 0; traffic->slots != NULL && i < key_count; i++) {
        traffic->slots[i] = (struct traffic_slot){traffic, (uint32_t)i, 0};
    }
    return traffic->slots != NULL;
}

void traffic_deinit(struct traffic *traffic)
{
    free(traffic->slots);
    traffic->slots = NULL;
}

/* xorshift64* (Vigna 2016): good enough to choose keys by. */
static uint64_t next_random(struct traffic *traffic)
{
    traffic->random ^= traffic->random >> 12;
    traffic->random ^= traffic->random << 25;
    traffic->random ^= traffic->random >> 27;
    return traffic->random * UINT64_C(0x2545F4914F6CDD1D);
}

void traffic_fill(struct traffic *traffic, uint64_t now_ns)
{
    for (size_t i = 0; i < traffic->key_count; i++) {
        submit_set(traffic, (uint32_t)i);
    }
    traffic_begin(traffic, now_ns);
}

void traffic_begin(struct traffic *traffic, uint64_t now_ns)
{
    traffic->begun_ns = now_ns;
    traffic->due = 0;
}

void traffic_submit(struct traffic *traffic, uint64_t now_ns)
{
    uint64_t due = (uint64_t)((double)(now_ns - traffic->begun_ns) / (double)NS_PER_S * traffic->rate);
    uint64_t number = due - traffic->due < BURST_MAX ? due - traffic->due : BURST_MAX;
    traffic->due = due;
    for (uint64_t i = 0; i < number; i++) {
        uint64_t random = next_random(traffic) >> 16;
        uint32_t key = (uint32_t)((random >> 8) % traffic->key_count);
        if (random % 10 == 0) {
            submit_set(traffic, key);
        } else {
            submit_get(traffic, key);
        }
    }
}
