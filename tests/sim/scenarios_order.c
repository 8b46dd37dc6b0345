/* Scenarios: coalescing, order on a key, shared answers. */
#include <stdio.h>
#include <string.h>

#include "talk.h"

static void gets_of_one_tick_travel_in_one_line(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *a = get(p, "a"), *b = get(p, "b"), *c = get(p, "c");
    it_hears(p, peer, "get a b c\r\n");
    it_says(p, peer, "VALUE b 0 1\r\nB\r\nEND\r\n");
    ends(p, a, EMC_MISS, 5);
    ends(p, b, EMC_OK, 5);
    ends(p, c, EMC_MISS, 5);
}

static void what_is_submitted_in_a_tick_leaves_when_it_ends_and_not_before(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    uint64_t begun_ns = p->stage.world.now_ns;
    struct sim_call *a = get(p, "a");
    must(p, sim_pipe_available(&sim_transport_link(&p->stage.transport, 0)->up) == 0);
    sim_stage_end_tick(&p->stage);
    it_hears(p, peer, "get a\r\n");
    must(p, p->stage.world.now_ns - begun_ns <= 200 * SIM_US); /* the wire's 100 us and nothing else */
    it_says(p, peer, "END\r\n");
    ends(p, a, EMC_MISS, 5);
}

/* Four ticks unanswered, 43 operations in flight. */
static struct sim_call *four_ticks_pass(struct play *p, struct sim_peer *peer)
{
    struct sim_call *many = get_many(p,
                                     "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 "
                                     "30 31 32 33 34 35 36 37 38 39");
    it_hears(p, peer,
             "get 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 "
             "30 31 32 33 34 35 36 37 38 39\r\n");
    get(p, "a");
    it_hears(p, peer, "get a\r\n");
    touch(p, "b");
    it_hears(p, peer, "touch b 100042\r\n");
    get(p, "c");
    it_hears(p, peer, "get c\r\n");
    return many;
}

static void behind_four_unanswered_ticks_operations_are_gathered_until_one_is_answered(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *many = four_ticks_pass(p, peer);
    struct sim_call *d = get(p, "d");
    it_hears_nothing(p, peer, 5);
    struct sim_call *e = get(p, "e");
    it_hears_nothing(p, peer, 5);
    it_says(p, peer, "END\r\n");
    ends(p, many, EMC_MISS, 5);
    it_hears(p, peer, "get d e\r\n");
    it_says(p, peer, "END\r\nNOT_FOUND\r\nEND\r\nEND\r\n");
    ends(p, d, EMC_MISS, 5);
    ends(p, e, EMC_MISS, 5);
}

static void an_eighth_of_what_is_in_flight_is_gathered_no_longer(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    four_ticks_pass(p, peer);
    static const char *const keys[] = {"d", "e", "f", "g", "h"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        get(p, keys[i]);
        it_hears_nothing(p, peer, 2);
    }
    struct sim_call *last = get(p, "i");
    it_hears(p, peer, "get d e f g h i\r\n");
    it_says(p, peer, "END\r\nEND\r\nNOT_FOUND\r\nEND\r\nEND\r\n");
    ends(p, last, EMC_MISS, 5);
}

static void a_bulk_is_gathered_by_the_number_of_its_keys(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    four_ticks_pass(p, peer);
    struct sim_call *few = get_many(p, "x y");
    it_hears_nothing(p, peer, 5);
    struct sim_call *enough = get_many(p, "d e f g");
    it_hears(p, peer, "get x y d e f g\r\n");
    it_says(p, peer, "END\r\nEND\r\nNOT_FOUND\r\nEND\r\nEND\r\n");
    ends(p, few, EMC_MISS, 5);
    ends(p, enough, EMC_MISS, 5);
}

/* Its answer brings a get of the key in upper case. */
static void ask_for_more(struct sim_call *call, void *context)
{
    struct play *p = context;
    const uint8_t *asked = p->stage.model.keys[call->ops[0].key].bytes;
    char key[2] = {(char)(asked[0] - 'a' + 'A'), 0};
    get(p, key);
}

static struct sim_call *get_and_more(struct play *p, const char *key)
{
    struct sim_call *call = prepare(p, SIM_CALL_GET, key, 0);
    call->then = ask_for_more;
    call->then_context = p;
    return submit(p, call);
}

static void what_the_first_quarter_of_callbacks_submits_leaves_before_the_others_run(struct play *p)
{
    static const char *const keys[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *last = NULL;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        last = get_and_more(p, keys[i]);
    }
    it_hears(p, peer, "get a b c d e f g h i\r\n");
    it_says(p, peer, "VALUE a 0 1\r\n1\r\nVALUE b 0 1\r\n2\r\nVALUE c 0 1\r\n3\r\nEND\r\n"); /* hits and misses */
    ends(p, last, EMC_MISS, 5);
    it_hears(p, peer, "get A B\r\nget C D\r\nget E F\r\nget G H\r\nget I\r\n");
    it_says(p, peer, "END\r\nEND\r\nEND\r\nEND\r\nEND\r\n");
    ms_pass(p, 5);
}

static void of_a_callback_or_two_nothing_leaves_early(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    get_and_more(p, "a");
    struct sim_call *last = get_and_more(p, "b");
    it_hears(p, peer, "get a b\r\n");
    it_says(p, peer, "END\r\n");
    ends(p, last, EMC_MISS, 5);
    it_hears(p, peer, "get A B\r\n");
    it_says(p, peer, "END\r\n");
    ms_pass(p, 5);
}

static void gets_of_the_same_key_share_one_answer(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *first = get(p, "k"), *second = get(p, "k"), *third = get(p, "k");
    it_hears(p, peer, "get k\r\n");
    it_hears_nothing(p, peer, 2);
    it_says(p, peer, "VALUE k 3 2\r\nhi\r\nEND\r\n");
    ends(p, first, EMC_OK, 5);
    ends(p, second, EMC_OK, 5);
    ends(p, third, EMC_OK, 5);
    gave(p, third, 0, "hi");
}

static void a_get_behind_a_write_of_its_key_shares_nothing_with_one_before(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *before = get(p, "k"), *write = incr(p, "k"), *behind = get(p, "k");
    it_hears(p, peer, "get k\r\nincr k 1000002\r\nget k\r\n");
    it_says(p, peer, "VALUE k 0 1\r\n1\r\nEND\r\n1000003\r\nVALUE k 0 7\r\n1000003\r\nEND\r\n");
    ends(p, before, EMC_OK, 5);
    ends(p, write, EMC_OK, 5);
    ends(p, behind, EMC_OK, 5);
    gave(p, before, 0, "1");
    gave(p, behind, 0, "1000003");
}

static void a_get_overtakes_writes_of_other_keys_but_never_its_own(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *a = get(p, "a"), *w = touch(p, "b"), *b = get(p, "b"), *c = get(p, "c");
    it_hears(p, peer, "get a c\r\ntouch b 100002\r\nget b\r\n");
    it_says(p, peer, "END\r\nNOT_FOUND\r\nEND\r\n");
    ends(p, a, EMC_MISS, 5);
    ends(p, c, EMC_MISS, 5);
    ends(p, w, EMC_MISS, 5);
    ends(p, b, EMC_MISS, 5);
}

static void gets_and_get_and_gat_do_not_share_a_line(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *plain = get(p, "a"), *with_cas = gets(p, "b"), *touching = gat(p, "c", 60);
    it_hears(p, peer, "get a\r\ngets b\r\ngat 60 c\r\n");
    it_says(p, peer, "END\r\nEND\r\nEND\r\n");
    ends(p, plain, EMC_MISS, 5);
    ends(p, with_cas, EMC_MISS, 5);
    ends(p, touching, EMC_MISS, 5);
}

static const char *many_keys(struct play *p, const char *stem, uint32_t count)
{
    char *text = sim_world_keep(&p->stage.world, count * (strlen(stem) + 12) + 1);
    char *at = text;
    for (uint32_t i = 0; i < count; i++) {
        at += sprintf(at, "%s%s%u", i > 0 ? " " : "", stem, i);
    }
    return text;
}

/* The length of the next line it hears, without its end. */
static size_t line_heard(struct play *p, struct sim_peer *peer)
{
    struct sim_peer_connection *connection = &peer->connections[peer->current];
    const char *end = NULL;
    for (int i = 0; i < 100 && end == NULL; i++) {
        ms_pass(p, 1);
        end = connection->heard == NULL ? NULL : memchr(connection->heard, '\n', connection->heard_length);
    }
    must(p, end != NULL);
    size_t length = (size_t)(end - connection->heard) - 1;
    sim_peer_forget(connection, length + 2);
    return length;
}

static void a_gat_line_stays_below_2048_bytes(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = prepare(p, SIM_CALL_GAT_MANY,
                                    many_keys(p, "a-key-of-some-sixty-bytes-which-is-long-enough-for-this:", 90), 0);
    call->exptime = 60;
    submit(p, call);
    size_t total = 0, lines = 0;
    while (total < 90 * 57) {
        size_t length = line_heard(p, peer);
        must(p, length <= 2046);
        total += length - strlen("gat 60");
        lines++;
    }
    must(p, lines >= 3);
    for (size_t i = 0; i < lines; i++) {
        it_says(p, peer, "END\r\n");
    }
    ends(p, call, EMC_MISS, 20);
}

static void a_bulk_of_many_keys_is_cut_into_lines_of_at_most_a_thousand(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    peer->host->line.buffer = 1 << 20;
    the_client_opens(p);
    it_greets(p, peer);
    enum { COUNT = 2500 };
    static emc_key keys[COUNT];
    static char text[COUNT][12];
    for (int i = 0; i < COUNT; i++) {
        keys[i] = (emc_key){text[i], (size_t)snprintf(text[i], sizeof text[i], "k%d", i)};
    }
    emc_call how = {.timeout_ms = 5000};
    must(p, emc_get_many_async(p->stage.client, keys, COUNT, &how) == EMC_OK);
    sim_transport_request_pass(&p->stage.transport);
    size_t first = line_heard(p, peer), second = line_heard(p, peer), third = line_heard(p, peer);
    must(p, first == strlen("get") + 10 * 3 + 90 * 4 + 900 * 5);
    must(p, second == strlen("get") + 1000 * 6);
    must(p, third == strlen("get") + 500 * 6);
    it_says(p, peer, "END\r\nEND\r\nEND\r\n");
    ms_pass(p, 5);
    must(p, metrics(p, node_of(p, peer)).operations_in_flight == 0);
}

static void a_bulk_with_a_key_twice_asks_for_it_on_two_lines(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = get_many(p, "a b a");
    it_hears(p, peer, "get a b\r\nget a\r\n");
    it_says(p, peer, "VALUE a 0 1\r\n1\r\nEND\r\nEND\r\n");
    ends(p, call, EMC_MISS, 5);
    gave(p, call, 0, "1");
    key_ended(p, call, 1, EMC_MISS);
    key_ended(p, call, 2, EMC_MISS);
}

static void bulks_of_one_tick_share_a_line(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *single = get(p, "x"), *first = get_many(p, "a b"), *second = get_many(p, "c d"),
                    *third = get_many(p, "e");
    it_hears(p, peer, "get x a b c d e\r\n");
    it_says(p, peer, "VALUE b 0 1\r\nB\r\nVALUE d 0 1\r\nD\r\n");
    ends(p, single, EMC_MISS, 5);
    ends(p, first, EMC_OK, 5);
    key_ended(p, first, 0, EMC_MISS);
    gave(p, first, 1, "B");
    waits(p, third, 5);
    it_says(p, peer, "END\r\n");
    ends(p, second, EMC_OK, 5);
    key_ended(p, second, 0, EMC_MISS);
    gave(p, second, 1, "D");
    ends(p, third, EMC_MISS, 5);
}

static void bulks_share_no_line_where_a_key_repeats_or_a_write_stands_between(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *first = get_many(p, "a b"), *second = get_many(p, "c b d");
    touch(p, "e");
    struct sim_call *third = get_many(p, "f");
    it_hears(p, peer, "get a b c\r\nget b d\r\ntouch e 100006\r\nget f\r\n");
    it_says(p, peer, "END\r\nVALUE b 0 1\r\nB\r\nEND\r\nNOT_FOUND\r\nEND\r\n");
    ends(p, first, EMC_MISS, 5);
    ends(p, second, EMC_MISS, 5);
    gave(p, second, 1, "B");
    ends(p, third, EMC_MISS, 5);
}

static void an_error_line_in_place_of_a_shared_line_asks_each_key_alone_once(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *first = get_many(p, "a b"), *second = get_many(p, "c");
    it_hears(p, peer, "get a b c\r\n");
    it_says(p, peer, "SERVER_ERROR out of memory writing get response\r\n");
    it_hears(p, peer, "get c\r\nget a\r\nget b\r\n");
    it_says(p, peer, "VALUE c 0 1\r\nC\r\nEND\r\nEND\r\nSERVER_ERROR out of memory writing get response\r\n");
    ends(p, second, EMC_OK, 5);
    gave(p, second, 0, "C");
    ends(p, first, EMC_ERROR_SERVER_MEMORY, 5);
    key_ended(p, first, 0, EMC_MISS);
}

static void a_value_that_no_bulk_of_the_line_asked_for_makes_no_misses(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *first = get_many(p, "a"), *second = get_many(p, "b");
    it_hears(p, peer, "get a b\r\n");
    it_says(p, peer, "VALUE z 0 1\r\nZ\r\nEND\r\n");
    ends(p, first, EMC_ERROR_PROTOCOL, 5);
    ends(p, second, EMC_ERROR_PROTOCOL, 5);
}

static void an_error_line_in_place_of_a_multi_get_asks_each_key_alone_once(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *a = get(p, "a"), *b = get(p, "b");
    it_hears(p, peer, "get a b\r\n");
    it_says(p, peer, "SERVER_ERROR out of memory writing get response\r\n");
    it_hears(p, peer, "get a\r\nget b\r\n");
    it_says(p, peer, "SERVER_ERROR backend failure\r\nVALUE b 0 1\r\nB\r\nEND\r\n");
    ends(p, a, EMC_ERROR_SERVER, 5);
    ends(p, b, EMC_OK, 5);
    it_hears_nothing(p, peer, 20);
    it_is_kept(p, peer);
}

static void an_error_line_in_place_of_a_bulk_line_asks_each_key_alone_once(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *call = get_many(p, "a b");
    it_hears(p, peer, "get a b\r\n");
    it_says(p, peer, "SERVER_ERROR out of memory writing get response\r\n");
    it_hears(p, peer, "get a\r\nget b\r\n");
    it_says(p, peer, "END\r\nSERVER_ERROR out of memory writing get response\r\n");
    ends(p, call, EMC_ERROR_SERVER_MEMORY, 5);
    key_ended(p, call, 0, EMC_MISS);
    key_ended(p, call, 1, EMC_ERROR_SERVER_MEMORY);
    it_is_kept(p, peer);
}

static void operations_on_a_key_stay_on_one_connection_while_any_is_in_flight(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    options(p)->connections_min = 2;
    options(p)->timeout_ms = 5000;
    the_client_opens(p);
    it_greets(p, peer);
    it_is_called(p, peer, 100);
    it_hears(p, peer, "version\r\n");
    it_says(p, peer, "VERSION 1.6.18\r\n");
    ms_pass(p, 2);
    struct sim_call *calls[6];
    for (int i = 0; i < 6; i++) { /* a tick each: nothing is coalesced */
        calls[i] = i % 2 == 0 ? incr(p, "k") : get(p, "k");
        ms_pass(p, 3);
    }
    uint32_t silent = peer->connections[0].heard_length == 0 ? 0 : 1;
    must(p, peer->connections[silent].heard_length == 0);
    peer->current = 1 - silent;
    it_hears(p, peer, "incr k 1000001\r\nget k\r\nincr k 1000003\r\nget k\r\nincr k 1000005\r\nget k\r\n");
    it_says(p, peer, "1\r\nEND\r\n2\r\nEND\r\n3\r\nEND\r\n");
    for (int i = 0; i < 6; i++) {
        ends(p, calls[i], i % 2 == 0 ? EMC_OK : EMC_MISS, 5);
    }
}

/* Opens the client with two connections; the first one is talked on. */
static void two_connections_open(struct play *p, struct sim_peer *peer)
{
    options(p)->connections_min = 2;
    options(p)->timeout_ms = 5000;
    the_client_opens(p);
    it_greets(p, peer);
    it_is_called(p, peer, 100);
    it_hears(p, peer, "version\r\n");
    it_says(p, peer, "VERSION 1.6.18\r\n");
    ms_pass(p, 2);
    peer->current = 0;
}

static void what_follows_a_quit_does_not_overtake_what_its_connection_owes(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    two_connections_open(p, peer);
    struct sim_call *before = incr(p, "k"), *elsewhere = incr(p, "b");
    struct sim_call *asked = quit(p, 0);
    it_hears(p, peer, "incr k 1000001\r\nquit\r\n");
    peer->current = 1;
    it_hears(p, peer, "incr b 1000002\r\n");
    struct sim_call *behind = incr(p, "k"), *last = get(p, "k"), *free_one = get(p, "c");
    it_hears(p, peer, "get c\r\n"); /* other keys need not wait */
    it_says(p, peer, "5\r\nEND\r\n");
    ends(p, elsewhere, EMC_OK, 5);
    ends(p, free_one, EMC_MISS, 5);
    it_hears_nothing(p, peer, 20);
    peer->current = 0;
    it_says(p, peer, "1\r\n");
    ends(p, before, EMC_OK, 5);
    it_closes(p, peer);
    ends(p, asked, EMC_OK, 5);
    peer->current = 1;
    it_hears(p, peer, "incr k 1000003\r\nget k\r\n");
    it_says(p, peer, "2\r\nEND\r\n");
    ends(p, behind, EMC_OK, 5);
    ends(p, last, EMC_MISS, 5);
}

static void what_was_submitted_with_a_quit_is_not_overtaken_by_what_comes_later(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    two_connections_open(p, peer);
    struct sim_call *before = incr(p, "k"), *elsewhere = incr(p, "b");
    struct sim_call *asked = quit(p, 0), *behind = incr(p, "k"); /* of the same tick: it waits on the connection */
    it_hears(p, peer, "incr k 1000001\r\nquit\r\n");
    it_says(p, peer, "1\r\n");
    ends(p, before, EMC_OK, 5);
    struct sim_call *last = get(p, "k");
    peer->current = 1;
    it_hears(p, peer, "incr b 1000002\r\n");
    it_says(p, peer, "5\r\n");
    ends(p, elsewhere, EMC_OK, 5);
    it_hears_nothing(p, peer, 20);
    peer->current = 0;
    it_closes(p, peer);
    ends(p, asked, EMC_OK, 5);
    peer->current = 1;
    it_hears(p, peer, "incr k 1000003\r\nget k\r\n");
    it_says(p, peer, "2\r\nEND\r\n");
    ends(p, behind, EMC_OK, 5);
    ends(p, last, EMC_MISS, 5);
}

static void what_waits_for_a_quit_goes_on_when_the_server_does_not_close(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    options(p)->timeout_ms = EMC_NO_LIMIT;
    options(p)->connections_max = 1;
    the_client_opens(p);
    it_greets(p, peer);
    struct sim_call *asked = quit(p, 0);
    it_hears(p, peer, "quit\r\n");
    struct sim_call *other = get(p, "k");
    for (int i = 0; i < 3; i++) { /* a question each second while nothing comes; the pool is full */
        it_is_called(p, peer, 1100);
        it_hears(p, peer, "version\r\n");
        it_says(p, peer, "VERSION 1.6.18\r\n");
        ms_pass(p, 2);
    }
    it_hears(p, peer, "get k\r\n");
    it_says(p, peer, "END\r\n");
    ends(p, other, EMC_MISS, 5);
    ends(p, asked, EMC_ERROR_CONNECTION_LOST, 5);
}

static void the_pool_grows_when_bytes_are_refused_for_ten_ms_not_when_it_is_busy(struct play *p)
{
    struct sim_peer *peer = a_peer(p);
    peer->host->line.buffer = 2000;
    options(p)->timeout_ms = EMC_NO_LIMIT;
    the_client_opens(p);
    it_greets(p, peer);
    for (int i = 0; i < 20; i++) {
        get(p, "k");
        ms_pass(p, 5);
    }
    must(p, peer->count == 1);
    it_stops_reading(p, peer);
    set(p, "large", 9000);
    ms_pass(p, 8);
    must(p, peer->count == 1);
    it_is_called(p, peer, 10);
}

static void connections_above_the_minimum_are_purged_when_unused(struct play *p)
{
    struct sim_node *node = a_server(p);
    node->host->line.buffer = 2000;
    options(p)->purge_unused_connections_after_ms = 300;
    options(p)->timeout_ms = 10000;
    the_client_opens(p);
    ms_pass(p, 10);
    struct sim_link *link = sim_transport_link(&p->stage.transport, 0);
    sim_pipe_stall(&link->up, true);
    struct sim_call *large = set(p, "large", 100000);
    ms_pass(p, 30);
    sim_pipe_stall(&link->up, false);
    ends(p, large, EMC_OK, 5000);
    must(p, metrics(p, node).connections == 2);
    ms_pass(p, 700);
    must(p, metrics(p, node).connections == 1);
    must(p, metrics(p, node).connections_purged == 1);
}

SCENARIOS("order", SCENARIO(gets_of_one_tick_travel_in_one_line),
          SCENARIO(what_is_submitted_in_a_tick_leaves_when_it_ends_and_not_before),
          SCENARIO(behind_four_unanswered_ticks_operations_are_gathered_until_one_is_answered),
          SCENARIO(an_eighth_of_what_is_in_flight_is_gathered_no_longer),
          SCENARIO(a_bulk_is_gathered_by_the_number_of_its_keys),
          SCENARIO(what_the_first_quarter_of_callbacks_submits_leaves_before_the_others_run),
          SCENARIO(of_a_callback_or_two_nothing_leaves_early), SCENARIO(gets_of_the_same_key_share_one_answer),
          SCENARIO(a_get_behind_a_write_of_its_key_shares_nothing_with_one_before),
          SCENARIO(a_get_overtakes_writes_of_other_keys_but_never_its_own),
          SCENARIO(gets_and_get_and_gat_do_not_share_a_line), SCENARIO(a_gat_line_stays_below_2048_bytes),
          SCENARIO(a_bulk_of_many_keys_is_cut_into_lines_of_at_most_a_thousand),
          SCENARIO(a_bulk_with_a_key_twice_asks_for_it_on_two_lines), SCENARIO(bulks_of_one_tick_share_a_line),
          SCENARIO(bulks_share_no_line_where_a_key_repeats_or_a_write_stands_between),
          SCENARIO(an_error_line_in_place_of_a_shared_line_asks_each_key_alone_once),
          SCENARIO(a_value_that_no_bulk_of_the_line_asked_for_makes_no_misses),
          SCENARIO(an_error_line_in_place_of_a_multi_get_asks_each_key_alone_once),
          SCENARIO(an_error_line_in_place_of_a_bulk_line_asks_each_key_alone_once),
          SCENARIO(operations_on_a_key_stay_on_one_connection_while_any_is_in_flight),
          SCENARIO(what_follows_a_quit_does_not_overtake_what_its_connection_owes),
          SCENARIO(what_was_submitted_with_a_quit_is_not_overtaken_by_what_comes_later),
          SCENARIO(what_waits_for_a_quit_goes_on_when_the_server_does_not_close),
          SCENARIO(the_pool_grows_when_bytes_are_refused_for_ten_ms_not_when_it_is_busy),
          SCENARIO(connections_above_the_minimum_are_purged_when_unused))
