/* Look-ups of the libuv transport, against /etc/hosts and a name server of the test's own. */
#include "loopback.h"

#include "name_server.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/failing_allocator.h"
#include "transport/uv_internal.h"

static struct emc__transport *transport;
static struct name_server server;
static unsigned descriptors;

static const struct record records[] = {
    {"cache.example.test", RECORD_A, 300, "10.0.0.1", 0, 0, 0},
    {"cache.example.test", RECORD_A, 30, "10.0.0.2", 0, 0, 0},
    {"cache.example.test", RECORD_AAAA, 60, "fd00::1", 0, 0, 0},
    {"four.example.test", RECORD_A, 5, "10.0.0.4", 0, 0, 0},
    {"six.example.test", RECORD_AAAA, 5, "fd00::6", 0, 0, 0},
    {"empty.example.test", RECORD_SRV, 5, "cache.example.test", 0, 0, 1},
    {"_memcache._tcp.example.test", RECORD_SRV, 40, "four.example.test", 1, 10, 11211},
    {"_memcache._tcp.example.test", RECORD_SRV, 40, "six.example.test", 2, 20, 11212},
    {"_half._tcp.example.test", RECORD_SRV, 40, "nowhere.example.test", 1, 10, 11211},
    {"_half._tcp.example.test", RECORD_SRV, 40, "four.example.test", 1, 10, 11213},
    {"_none._tcp.example.test", RECORD_SRV, 40, ".", 0, 0, 0},
};

struct asked {
    struct emc__lookup *lookup;
    unsigned answered;
    emc_status status;
    size_t count;
    uint32_t ttl_s;
    uint64_t now_ns;
    struct emc__endpoint endpoints[300];
    char names[300][32];
    char message[EMC_ERROR_MESSAGE_SIZE];
    struct asked *cancel, *ask_next; /* from inside the callback */
    const char *next_name;
};

static void ask(struct asked *asked, enum emc__lookup_kind kind, const char *name, uint16_t port);

static void answered(void *context, emc_status status, const char *message, const struct emc__endpoint *endpoints,
                     size_t count, uint32_t ttl_s, uint64_t now_ns)
{
    struct asked *asked = context;
    asked->answered++;
    asked->lookup = NULL;
    asked->status = status;
    asked->count = count;
    asked->ttl_s = ttl_s;
    asked->now_ns = now_ns;
    snprintf(asked->message, sizeof asked->message, "%s", message);
    for (size_t i = 0; i < count; i++) {
        asked->endpoints[i] = endpoints[i];
        snprintf(asked->names[i], sizeof asked->names[i], "%s", endpoints[i].name != NULL ? endpoints[i].name : "");
    }
    if (asked->cancel != NULL && asked->cancel->lookup != NULL) {
        transport->class_->lookup_cancel(transport, asked->cancel->lookup);
        asked->cancel->lookup = NULL;
    }
    if (asked->ask_next != NULL) {
        ask(asked->ask_next, EMC__LOOKUP_ADDRESSES, asked->next_name, 1);
    }
}

static void ask(struct asked *asked, enum emc__lookup_kind kind, const char *name, uint16_t port)
{
    assert_int_equal(transport->class_->lookup(transport, kind, name, port, answered, asked, &asked->lookup), EMC_OK);
}

static void wait_for(struct asked *asked)
{
    uint64_t until_ns = monotonic_ns() + PATIENCE_MS * 1000000ull;
    while (asked->answered == 0) {
        assert_true(monotonic_ns() < until_ns);
        emc__uv_run(transport, 1);
        name_server_pump(&server);
    }
}

static int set_up(void **state)
{
    descriptors = count_descriptors();
    name_server_start(&server);
    server.records = records;
    server.record_count = sizeof records / sizeof *records;
    transport = new_transport();
    struct emc__uv *uv = (struct emc__uv *)transport;
    snprintf(uv->name_servers, sizeof uv->name_servers, "127.0.0.1:%u", (unsigned)server.port);
    return 0;
}

static int tear_down(void **state)
{
    emc__uv_transport_destroy(transport);
    name_server_stop(&server);
    assert_int_equal(count_descriptors(), descriptors);
    return 0;
}

static bool has(const struct asked *asked, const char *host, uint16_t port)
{
    char own[EMC__ENDPOINT_TEXT_SIZE];
    for (size_t i = 0; i < asked->count; i++) {
        emc__endpoint_format_host(&asked->endpoints[i], own);
        if (strcmp(own, host) == 0 && asked->endpoints[i].port == port) {
            return true;
        }
    }
    return false;
}

/* ------------------------------------------------------------------ addresses */

static void localhost_is_found_without_asking_a_server(void **state)
{
    struct asked asked = {0};
    ask(&asked, EMC__LOOKUP_ADDRESSES, "localhost", 11211);
    wait_for(&asked);
    assert_int_equal(asked.status, EMC_OK);
    assert_true(has(&asked, "127.0.0.1", 11211));
    assert_int_equal(server.questions, 0);
}

static void an_answer_known_at_once_comes_in_the_next_pass_and_makes_the_descriptor_readable(void **state)
{
    struct asked asked = {0};
    ask(&asked, EMC__LOOKUP_ADDRESSES, "localhost", 1);
    assert_int_equal(asked.answered, 0);
    emc__uv_arm(transport);
    assert_int_equal(asked.answered, 0);
    assert_true(emc__uv_ready(transport));
    emc__uv_run(transport, 0);
    assert_int_equal(asked.answered, 1);
    assert_int_not_equal(asked.now_ns, 0);
}

static void every_address_of_both_families_is_found_with_the_smallest_ttl(void **state)
{
    struct asked asked = {0};
    ask(&asked, EMC__LOOKUP_ADDRESSES, "cache.example.test", 11211);
    wait_for(&asked);
    assert_int_equal(asked.status, EMC_OK);
    assert_int_equal(asked.count, 3);
    assert_true(has(&asked, "10.0.0.1", 11211) && has(&asked, "10.0.0.2", 11211) && has(&asked, "fd00::1", 11211));
    assert_int_equal(asked.ttl_s, 30);
}

static void one_family_is_enough(void **state)
{
    struct asked four = {0}, six = {0};
    ask(&four, EMC__LOOKUP_ADDRESSES, "four.example.test", 1);
    ask(&six, EMC__LOOKUP_ADDRESSES, "six.example.test", 2);
    wait_for(&four);
    wait_for(&six);
    assert_int_equal(four.count, 1);
    assert_true(has(&four, "10.0.0.4", 1));
    assert_int_equal(six.count, 1);
    assert_true(has(&six, "fd00::6", 2));
}

static void a_name_with_many_addresses_gives_them_all(void **state)
{
    static struct record
        many[25]; /* as many as fit into 512 bytes: a longer answer comes by TCP, which is c-ares's affair */
    static char addresses[25][32];
    for (unsigned i = 0; i < 25; i++) {
        snprintf(addresses[i], sizeof addresses[i], "10.1.0.%u", i);
        many[i] = (struct record){"many.example.test", RECORD_A, 9, addresses[i], 0, 0, 0};
    }
    server.records = many;
    server.record_count = 25;
    static struct asked asked;
    memset(&asked, 0, sizeof asked);
    ask(&asked, EMC__LOOKUP_ADDRESSES, "many.example.test", 1);
    wait_for(&asked);
    assert_int_equal(asked.status, EMC_OK);
    assert_int_equal(asked.count, 25);
    assert_true(has(&asked, "10.1.0.0", 1) && has(&asked, "10.1.0.24", 1));
}

/* Discovery would take what is missing for gone. */
static void without_memory_for_all_of_an_answer_there_is_none(void **state)
{
    static struct record many[25];
    static char addresses[25][32];
    static struct asked asked;
    static struct failing_allocator failing; /* the transport holds it to its end */
    unsigned failed = 0, found = 0;
    for (unsigned i = 0; i < 25; i++) {
        snprintf(addresses[i], sizeof addresses[i], "10.1.0.%u", i);
        many[i] = (struct record){"many.example.test", RECORD_A, 9, addresses[i], 0, 0, 0};
    }
    server.records = many;
    server.record_count = 25;
    failing_allocator_init(&failing);
    ((struct emc__uv *)transport)->allocator = failing.allocator;
    for (size_t left = 0; left < 8; left++) {
        memset(&asked, 0, sizeof asked);
        ask(&asked, EMC__LOOKUP_ADDRESSES, "many.example.test", 1);
        failing.left = left;
        wait_for(&asked);
        failing.left = SIZE_MAX;
        assert_int_equal(asked.status, asked.count > 0 ? EMC_OK : EMC_ERROR_MEMORY);
        assert_true(asked.count == 0 || asked.count == 25);
        failed += asked.count == 0;
        found += asked.count > 0;
    }
    assert_true(failed > 0 && found > 0);
}

static void assert_fails(enum emc__lookup_kind kind, const char *name)
{
    struct asked asked = {0};
    ask(&asked, kind, name, 1);
    wait_for(&asked);
    assert_int_equal(asked.status, EMC_ERROR_RESOLVE);
    assert_int_equal(asked.count, 0);
    assert_non_null(strstr(asked.message, name));
    assert_true(strlen(asked.message) > strlen(name) + 2);
}

static void a_name_that_does_not_exist_fails_with_words_that_name_it(void **state)
{
    assert_fails(EMC__LOOKUP_ADDRESSES, "nowhere.example.test");
}

static void a_name_without_addresses_fails_with_words_that_name_it(void **state)
{
    assert_fails(EMC__LOOKUP_ADDRESSES, "empty.example.test");
}

static void a_server_that_fails_makes_the_look_up_fail(void **state)
{
    server.refuses = true;
    assert_fails(EMC__LOOKUP_ADDRESSES, "cache.example.test");
}

/* No descriptor more until the limit is set back; returns what it was. */
static struct rlimit take_descriptors_away(void)
{
    struct rlimit limit, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = (rlim_t)dup(0);
    close((int)none.rlim_cur);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    return limit;
}

static void assert_found_out_of_descriptors(enum emc__lookup_kind kind, const char *name)
{
    struct asked asked = {0}, later = {0};
    struct rlimit limit = take_descriptors_away();
    emc_status status = transport->class_->lookup(transport, kind, name, 1, answered, &asked, &asked.lookup);
    uint64_t until_ns = monotonic_ns() + PATIENCE_MS * 1000000ull;
    while (status == EMC_OK && asked.answered == 0 && monotonic_ns() < until_ns) {
        emc__uv_run(transport, 1);
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(status, EMC_OK);
    assert_int_equal(asked.status, EMC_ERROR_FULL);
    assert_non_null(strstr(asked.message, name));
    assert_non_null(strstr(asked.message, strerror(EMFILE)));
    ask(&later, kind, name, 1);
    wait_for(&later);
    assert_int_equal(later.status, EMC_OK);
}

static void without_descriptors_a_look_up_says_so_and_nothing_of_the_name(void **state)
{
    assert_found_out_of_descriptors(EMC__LOOKUP_ADDRESSES, "four.example.test");
    assert_found_out_of_descriptors(EMC__LOOKUP_SERVICE, "_memcache._tcp.example.test");
}

static void localhost_needs_no_descriptor(void **state)
{
    struct asked asked = {0};
    struct rlimit limit = take_descriptors_away();
    emc_status status = transport->class_->lookup(transport, EMC__LOOKUP_ADDRESSES, "localhost", 1, answered, &asked,
                                                  &asked.lookup);
    emc__uv_run(transport, 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(status, EMC_OK);
    assert_int_equal(asked.status, EMC_OK);
}

/* The sockets of the look-up can't be watched. */
static void without_memory_to_watch_its_sockets_a_look_up_says_so_at_once(void **state)
{
    struct asked asked = {0};
    static struct failing_allocator failing; /* the transport holds it to its end */
    failing_allocator_init(&failing);
    ((struct emc__uv *)transport)->allocator = failing.allocator;
    failing.left = 3; /* the resolver, the look-up, its target */
    ask(&asked, EMC__LOOKUP_ADDRESSES, "four.example.test", 1);
    failing.left = SIZE_MAX;
    run_some(transport, 2);
    assert_int_equal(asked.answered, 1);
    assert_int_equal(asked.status, EMC_ERROR_MEMORY);
    memset(&asked, 0, sizeof asked);
    ask(&asked, EMC__LOOKUP_ADDRESSES, "four.example.test", 1);
    wait_for(&asked);
    assert_int_equal(asked.status, EMC_OK);
}

static void a_name_that_moves_is_followed(void **state)
{
    static const struct record moved[] = {{"four.example.test", RECORD_A, 5, "10.0.0.44", 0, 0, 0}};
    struct asked before = {0}, after = {0};
    ask(&before, EMC__LOOKUP_ADDRESSES, "four.example.test", 1);
    wait_for(&before);
    server.records = moved;
    server.record_count = 1;
    ask(&after, EMC__LOOKUP_ADDRESSES, "four.example.test", 1);
    wait_for(&after);
    assert_true(has(&after, "10.0.0.44", 1));
    assert_false(has(&after, "10.0.0.4", 1));
}

static void an_empty_or_over_long_name_is_refused_at_once(void **state)
{
    char name[400];
    struct emc__lookup *lookup = NULL;
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(transport->class_->lookup(transport, EMC__LOOKUP_ADDRESSES, name, 1, answered, NULL, &lookup),
                     EMC_ERROR_RESOLVE);
    assert_int_equal(transport->class_->lookup(transport, EMC__LOOKUP_ADDRESSES, "", 1, answered, NULL, &lookup),
                     EMC_ERROR_RESOLVE);
    assert_null(lookup);
}

/* ------------------------------------------------------------------ services */

static const struct emc__endpoint *with_port(const struct asked *asked, uint16_t port)
{
    for (size_t i = 0; i < asked->count; i++) {
        if (asked->endpoints[i].port == port) {
            return &asked->endpoints[i];
        }
    }
    return NULL;
}

static void a_service_gives_ports_priorities_and_weights_of_its_targets(void **state)
{
    struct asked asked = {0};
    ask(&asked, EMC__LOOKUP_SERVICE, "_memcache._tcp.example.test", 0);
    wait_for(&asked);
    assert_int_equal(asked.status, EMC_OK);
    assert_int_equal(asked.count, 2);
    const struct emc__endpoint *first = with_port(&asked, 11211), *second = with_port(&asked, 11212);
    assert_string_equal(asked.names[first - asked.endpoints], "four.example.test");
    assert_string_equal(asked.names[second - asked.endpoints], "six.example.test");
    assert_int_equal(first->family, EMC__ENDPOINT_NAME);
    assert_int_equal(first->priority, 1);
    assert_int_equal(first->weight, 10);
    assert_int_equal(second->priority, 2);
    assert_int_equal(second->weight, 20);
}

static void a_target_that_has_no_address_now_is_named_all_the_same(void **state)
{
    struct asked asked = {0};
    ask(&asked, EMC__LOOKUP_SERVICE, "_half._tcp.example.test", 0);
    wait_for(&asked);
    assert_int_equal(asked.status, EMC_OK);
    assert_int_equal(asked.count, 2);
    assert_int_equal(server.questions, 1);
}

static void a_service_without_any_target_fails(void **state)
{
    assert_fails(EMC__LOOKUP_SERVICE, "_none._tcp.example.test");
    assert_fails(EMC__LOOKUP_SERVICE, "_absent._tcp.example.test");
}

/* ------------------------------------------------------------------ cancelling and ends */

static void a_cancelled_look_up_is_never_heard_of_again(void **state)
{
    struct asked asked = {0}, other = {0};
    ask(&asked, EMC__LOOKUP_ADDRESSES, "cache.example.test", 1);
    ask(&other, EMC__LOOKUP_ADDRESSES, "four.example.test", 1);
    transport->class_->lookup_cancel(transport, asked.lookup);
    wait_for(&other);
    run_some(transport, 3);
    assert_int_equal(asked.answered, 0);
    assert_int_equal(other.answered, 1);
}

static void a_look_up_answered_but_not_delivered_can_be_cancelled(void **state)
{
    struct asked asked = {0};
    ask(&asked, EMC__LOOKUP_ADDRESSES, "localhost", 1);
    transport->class_->lookup_cancel(transport, asked.lookup);
    run_some(transport, 3);
    assert_int_equal(asked.answered, 0);
}

static void a_service_look_up_can_be_cancelled(void **state)
{
    struct asked asked = {0}, other = {0};
    ask(&asked, EMC__LOOKUP_SERVICE, "_memcache._tcp.example.test", 0);
    ask(&other, EMC__LOOKUP_SERVICE, "_memcache._tcp.example.test", 0);
    while (server.questions < 2) {
        emc__uv_run(transport, 1);
        name_server_pump(&server);
    }
    transport->class_->lookup_cancel(transport, asked.lookup);
    wait_for(&other);
    assert_int_equal(asked.answered, 0);
}

static void a_callback_may_cancel_another_look_up_and_begin_one(void **state)
{
    struct asked first = {0}, second = {0}, third = {0};
    first.cancel = &second;
    first.ask_next = &third;
    first.next_name = "localhost";
    ask(&first, EMC__LOOKUP_ADDRESSES, "localhost", 1);
    ask(&second, EMC__LOOKUP_ADDRESSES, "localhost", 1);
    emc__uv_run(transport, 0);
    assert_int_equal(first.answered, 1);
    assert_int_equal(second.answered, 0);
    assert_int_equal(third.answered, 0); /* known at once, but a pass of its own */
    wait_for(&third);
    assert_int_equal(second.answered, 0);
}

static void when_nobody_waits_any_more_no_descriptor_is_left_open(void **state)
{
    unsigned before = count_descriptors();
    struct asked asked = {0};
    server.silent = true;
    ask(&asked, EMC__LOOKUP_ADDRESSES, "cache.example.test", 1);
    run_some(transport, 2);
    assert_true(count_descriptors() > before);
    transport->class_->lookup_cancel(transport, asked.lookup);
    assert_true(emc__uv_ready(transport));
    emc__uv_run(transport, 0);
    assert_int_equal(count_descriptors(), before);
    assert_null(((struct emc__uv *)transport)->resolver);
}

static void a_silent_server_is_asked_again(void **state)
{
    struct asked asked = {0};
    server.silent = true;
    ask(&asked, EMC__LOOKUP_ADDRESSES, "four.example.test", 1);
    uint64_t until_ns = monotonic_ns() + PATIENCE_MS * 1000000ull;
    while (server.questions < 3) { /* A, AAAA, and one of them again */
        assert_true(monotonic_ns() < until_ns);
        emc__uv_run(transport, 20);
        name_server_pump(&server);
    }
    server.silent = false;
    wait_for(&asked);
    assert_int_equal(asked.status, EMC_OK);
}

static void destroy_with_a_look_up_under_way_neither_calls_back_nor_leaks(void **state)
{
    struct asked asked = {0}, cancelled = {0}, ready = {0};
    server.silent = true;
    ask(&asked, EMC__LOOKUP_ADDRESSES, "cache.example.test", 1);
    ask(&cancelled, EMC__LOOKUP_SERVICE, "_memcache._tcp.example.test", 1);
    ask(&ready, EMC__LOOKUP_ADDRESSES, "localhost", 1);
    transport->class_->lookup_cancel(transport, cancelled.lookup);
    emc__uv_transport_destroy(transport);
    assert_int_equal(asked.answered + cancelled.answered + ready.answered, 0);
    transport = new_transport();
}

static void in_child(struct asked *cancelled, struct asked *kept)
{
    unsigned parents_questions = server.questions;
    emc__uv_after_fork(transport);
    transport->class_->lookup_cancel(transport, cancelled->lookup);
    for (int i = 0; i < 3; i++) {
        emc__uv_run(transport, 0);
    }
    struct asked asked = {0};
    (void)transport->class_->lookup(transport, EMC__LOOKUP_ADDRESSES, "localhost", 1, answered, &asked, &asked.lookup);
    emc__uv_run(transport, 0);
    bool good = cancelled->answered == 0 && kept->answered == 1 && kept->status == EMC_ERROR_RESOLVE &&
                asked.status == EMC_OK && asked.answered == 1 && server.questions == parents_questions;
    emc__uv_transport_destroy(transport);
    _exit(good ? 0 : 1);
}

static void after_a_fork_the_parents_look_ups_come_to_nothing_in_the_child_and_can_be_cancelled(void **state)
{
    struct asked cancelled = {0}, kept = {0};
    int status = -1;
    ask(&cancelled, EMC__LOOKUP_ADDRESSES, "cache.example.test", 1);
    ask(&kept, EMC__LOOKUP_ADDRESSES, "four.example.test", 1);
    run_some(transport, 2);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        in_child(&cancelled, &kept);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    wait_for(&cancelled);
    wait_for(&kept);
    assert_int_equal(kept.status, EMC_OK);
}

int main(void)
{
    emc__uv_transport_destroy(new_transport()); /* libuv opens a pipe for the whole process */
#define RESOLVE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        RESOLVE_TEST(localhost_is_found_without_asking_a_server),
        RESOLVE_TEST(an_answer_known_at_once_comes_in_the_next_pass_and_makes_the_descriptor_readable),
        RESOLVE_TEST(every_address_of_both_families_is_found_with_the_smallest_ttl),
        RESOLVE_TEST(one_family_is_enough),
        RESOLVE_TEST(a_name_with_many_addresses_gives_them_all),
        RESOLVE_TEST(without_memory_for_all_of_an_answer_there_is_none),
        RESOLVE_TEST(a_name_that_does_not_exist_fails_with_words_that_name_it),
        RESOLVE_TEST(a_name_without_addresses_fails_with_words_that_name_it),
        RESOLVE_TEST(a_server_that_fails_makes_the_look_up_fail),
        RESOLVE_TEST(without_descriptors_a_look_up_says_so_and_nothing_of_the_name),
        RESOLVE_TEST(localhost_needs_no_descriptor),
        RESOLVE_TEST(without_memory_to_watch_its_sockets_a_look_up_says_so_at_once),
        RESOLVE_TEST(a_name_that_moves_is_followed),
        RESOLVE_TEST(an_empty_or_over_long_name_is_refused_at_once),
        RESOLVE_TEST(a_service_gives_ports_priorities_and_weights_of_its_targets),
        RESOLVE_TEST(a_target_that_has_no_address_now_is_named_all_the_same),
        RESOLVE_TEST(a_service_without_any_target_fails),
        RESOLVE_TEST(a_cancelled_look_up_is_never_heard_of_again),
        RESOLVE_TEST(a_look_up_answered_but_not_delivered_can_be_cancelled),
        RESOLVE_TEST(a_service_look_up_can_be_cancelled),
        RESOLVE_TEST(a_callback_may_cancel_another_look_up_and_begin_one),
        RESOLVE_TEST(when_nobody_waits_any_more_no_descriptor_is_left_open),
        RESOLVE_TEST(a_silent_server_is_asked_again),
        RESOLVE_TEST(destroy_with_a_look_up_under_way_neither_calls_back_nor_leaks),
        RESOLVE_TEST(after_a_fork_the_parents_look_ups_come_to_nothing_in_the_child_and_can_be_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
