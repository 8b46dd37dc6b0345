/* Scenarios: the allocator refuses. */
#include "talk.h"

static void memory_is_gone(struct play *p)
{
    p->stage.memory.fail_per_mille = 1000;
}

static void memory_is_back(struct play *p)
{
    p->stage.memory.fail_per_mille = 0;
}

/* As many as the engine's slab has at once, so that the next one wants memory. */
static void fill_the_slab(struct play *p, struct sim_call **first_out)
{
    *first_out = NULL;
    for (int i = 0; i < 64; i++) {
        const char *key = sim_world_text(&p->stage.world, "k%d", i);
        struct sim_call *call = get(p, key);
        *first_out = *first_out == NULL ? call : *first_out;
    }
}

static void a_flush_without_memory_is_tried_again_when_nothing_else_happens(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    options(p)->timeout_ms = EMC_NO_LIMIT;
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *first;
    fill_the_slab(p, &first);
    memory_is_gone(p);
    it_hears_nothing(p, peer, 5);
    memory_is_back(p);
    it_hears(p, peer, "get k0 k1");
    waits(p, first, 10);
}

static void produced_bytes_lost_for_want_of_memory_close_the_connection(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    peer->host->line.buffer = 100;
    options(p)->timeout_ms = EMC_NO_LIMIT;
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = set(p, "k", 9000);
    it_stops_reading(p, peer);
    memory_is_gone(p);
    ends(p, call, EMC_ERROR_MEMORY, 20);
    memory_is_back(p);
    it_is_called(p, peer, 500);
    it_reads_again(p, peer);
    it_hears(p, peer, "version\r\n");
    it_says(p, peer, "VERSION 1.6.18\r\n");
    call = get(p, "k");
    it_hears(p, peer, "get k\r\n");
    it_says(p, peer, "END\r\n");
    ends(p, call, EMC_MISS, 20);
}

static void without_memory_a_submit_is_refused_and_the_next_one_served(struct play *p)
{
    a_server(p);
    the_client_opens(p);
    ms_pass(p, 10);
    memory_is_gone(p);
    is_refused(p, prepare(p, SIM_CALL_SET, "k", 3000), EMC_ERROR_MEMORY);
    memory_is_back(p);
    ends(p, set(p, "k", 3000), EMC_OK, 20);
}

static void a_value_without_memory_for_it_is_told_and_the_stream_stays_in_step(struct play *p)
{
    struct sim_node *node = a_server(p);
    the_client_opens(p);
    ends(p, set(p, "large", 100000), EMC_OK, 50);
    ends(p, set(p, "small", 12), EMC_OK, 20);
    struct sim_call *large = get(p, "large"), *small = get(p, "small");
    sim_stage_end_tick(&p->stage);
    memory_is_gone(p);
    ends(p, large, EMC_ERROR_MEMORY, 20);
    memory_is_back(p);
    ends(p, small, EMC_OK, 20);
    must(p, metrics(p, node).connections_closed == 0);
}

SCENARIOS("memory", SCENARIO(a_flush_without_memory_is_tried_again_when_nothing_else_happens),
          SCENARIO(produced_bytes_lost_for_want_of_memory_close_the_connection),
          SCENARIO(without_memory_a_submit_is_refused_and_the_next_one_served),
          SCENARIO(a_value_without_memory_for_it_is_told_and_the_stream_stays_in_step))
