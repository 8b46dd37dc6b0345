/* What commands look like that stand-in nodes get, byte for byte, and which options go together. */
#include "../fake_transport.h"

static emc_address gutter_nodes[1];

/* One node, which is down, and a gutter of one: socket 0, ready. */
static struct fake *begin(uint32_t gutter_exptime, struct fake_socket **gutter_out)
{
    struct fake *fake = fake_begin();
    gutter_nodes[0] = emc_address_tcp("10.0.1.1", 11211);
    fake->options.failover = EMC_FAILOVER_GUTTER;
    fake->options.gutter_nodes = gutter_nodes;
    fake->options.gutter_node_count = 1;
    fake->options.gutter_exptime = gutter_exptime;
    fake->options.deletes_replayed_max = 10;
    fake->options.health_attempts = 1;
    fake_create(fake, 1);
    *gutter_out = fake_handshake(fake, 0);
    fake_refuse(fake_socket_at(fake, 1), EMC_ERROR_CONNECT, "refused");
    fake_pass(fake);
    fake_forget_sent(*gutter_out);
    return fake;
}

/* The member is back; returns its socket, on which nothing was said since `version`. */
static struct fake_socket *come_back(struct fake *fake)
{
    fake_run(fake, 1000);
    return fake_handshake(fake, 2);
}

static struct told *ask_set_for(struct fake *fake, int64_t exptime)
{
    struct told *told = fake_told(fake);
    emc_call call = fake_call(told);
    assert_int_equal(emc_set_async(fake->client, "k", 1, "v", 1, exptime, 0, &call), EMC_OK);
    fake_pass(fake);
    return told;
}

static void every_expiry_is_bounded_in_the_gutter(void **state)
{
    (void)state;
    static const struct {
        int64_t given;
        const char *line;
    } cases[] = {{0, "set k 0 10 1\r\nv\r\n"},       {5, "set k 0 5 1\r\nv\r\n"},
                 {10, "set k 0 10 1\r\nv\r\n"},      {11, "set k 0 10 1\r\nv\r\n"},
                 {-1, "set k 0 -1 1\r\nv\r\n"},      {2592000, "set k 0 10 1\r\nv\r\n"},
                 {2592001, "set k 0 10 1\r\nv\r\n"}, {2147483647, "set k 0 10 1\r\nv\r\n"}};
    struct fake_socket *gutter;
    struct fake *fake = begin(10, &gutter);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct told *told = ask_set_for(fake, cases[i].given);
        expect_sent(gutter, cases[i].line);
        fake_reply(gutter, "STORED\r\n");
        expect_told(told, EMC_OK);
    }
    fake_end(fake);
}

static void a_gutter_of_thirty_days_takes_no_calendar_time_either(void **state)
{
    (void)state;
    struct fake_socket *gutter;
    struct fake *fake = begin(2592000, &gutter);
    struct told *told = ask_set_for(fake, 2592001);
    expect_sent(gutter, "set k 0 2592000 1\r\nv\r\n");
    fake_reply(gutter, "STORED\r\n");
    expect_told(told, EMC_OK);
    fake_end(fake);
}

static void touch_and_gat_are_bounded_too(void **state)
{
    (void)state;
    struct fake_socket *gutter;
    struct fake *fake = begin(10, &gutter);
    struct told *gat = ask_gat(fake, "k", 100), *touch = fake_told(fake), *bulk = fake_told(fake);
    emc_call call = fake_call(touch), bulk_call = fake_call(bulk);
    emc_key keys[2] = {{"a", 1}, {"b", 1}};
    make_parts(bulk, 2);
    assert_int_equal(emc_touch_async(fake->client, "t", 1, 0, &call), EMC_OK);
    assert_int_equal(emc_gat_many_async(fake->client, keys, 2, 100, &bulk_call), EMC_OK);
    fake_pass(fake);
    expect_sent(gutter, "gat 10 k\r\ntouch t 10\r\ngat 10 a b\r\n");
    fake_reply(gutter, "END\r\nTOUCHED\r\nEND\r\n");
    expect_told(gat, EMC_MISS);
    expect_told(touch, EMC_OK);
    fake_end(fake);
}

static void what_has_no_expiry_is_sent_as_it_is(void **state)
{
    (void)state;
    struct fake_socket *gutter;
    struct fake *fake = begin(10, &gutter);
    struct told *get = ask_get(fake, "g"), *incr = fake_told(fake), *deleted = ask_delete(fake, "d");
    emc_call call = fake_call(incr);
    assert_int_equal(emc_incr_async(fake->client, "i", 1, 3, &call), EMC_OK);
    fake_pass(fake);
    expect_sent(gutter, "get g\r\ndelete d\r\nincr i 3\r\n");
    fake_reply(gutter, "END\r\nNOT_FOUND\r\nNOT_FOUND\r\n");
    expect_told(get, EMC_MISS);
    expect_told(deleted, EMC_MISS);
    expect_told(incr, EMC_MISS);
    fake_end(fake);
}

static void meta_sent(struct fake *fake, struct fake_socket *gutter, emc_status status, struct told *told,
                      const char *line, const char *reply)
{
    assert_int_equal(status, EMC_OK);
    fake_pass(fake);
    expect_sent(gutter, line);
    fake_reply(gutter, reply);
    expect_told(told, EMC_OK);
}

static void meta_commands_are_bounded_and_a_set_without_expiry_gets_one(void **state)
{
    (void)state;
    struct fake_socket *gutter;
    struct fake *fake = begin(10, &gutter);
    emc_meta_options options;
    emc_meta_options_init(&options);
    struct told *told = fake_told(fake);
    emc_call call = fake_call(told);
    meta_sent(fake, gutter, emc_meta_set_async(fake->client, "k", 1, "v", 1, &options, &call), told,
              "ms k 1 T10\r\nv\r\n", "HD\r\n");
    options.ttl = 4;
    told = fake_told(fake), call = fake_call(told);
    meta_sent(fake, gutter, emc_meta_set_async(fake->client, "k", 1, "v", 1, &options, &call), told,
              "ms k 1 T4\r\nv\r\n", "HD\r\n");
    options.ttl = 400;
    told = fake_told(fake), call = fake_call(told);
    meta_sent(fake, gutter, emc_meta_get_async(fake->client, "k", 1, &options, &call), told, "mg k T10\r\n", "HD\r\n");
    options.ttl = EMC_META_UNSET;
    options.vivify_ttl = 0;
    told = fake_told(fake), call = fake_call(told);
    meta_sent(fake, gutter, emc_meta_arithmetic_async(fake->client, "k", 1, &options, &call), told,
              "ma k N10 D1 J0\r\n", "HD\r\n");
    emc_meta_options_init(&options);
    options.mode = EMC_META_MODE_APPEND;
    told = fake_told(fake), call = fake_call(told);
    meta_sent(fake, gutter, emc_meta_set_async(fake->client, "k", 1, "v", 1, &options, &call), told,
              "ms k 1 MA\r\nv\r\n", "HD\r\n");
    fake_end(fake);
}

static void what_was_changed_elsewhere_is_deleted_at_home_on_its_return_and_nothing_else(void **state)
{
    (void)state;
    struct fake_socket *gutter;
    struct fake *fake = begin(10, &gutter);
    struct told *read = ask_get(fake, "read"), *stored = ask_set(fake, "stored", "v"),
                *deleted = ask_delete(fake, "deleted"), *again = ask_delete(fake, "stored");
    fake_pass(fake);
    fake_reply(gutter, "END\r\nSTORED\r\nNOT_FOUND\r\nDELETED\r\n");
    expect_told(read, EMC_MISS);
    expect_told(stored, EMC_OK);
    expect_told(deleted, EMC_MISS);
    expect_told(again, EMC_OK);
    struct fake_socket *home = come_back(fake);
    struct told *after = ask_get(fake, "stored");
    fake_pass(fake);
    expect_sent(home, "delete stored\r\ndelete deleted\r\nget stored\r\n");
    fake_reply(home, "DELETED\r\nNOT_FOUND\r\nEND\r\n");
    expect_told(after, EMC_MISS);
    fake_end(fake);
}

static void a_binary_key_is_deleted_as_it_was_written(void **state)
{
    (void)state;
    struct fake_socket *gutter;
    struct fake *fake = begin(10, &gutter);
    emc_meta_options options;
    emc_meta_options_init(&options);
    options.modes = EMC_META_BINARY_KEY;
    struct told *told = fake_told(fake);
    emc_call call = fake_call(told);
    assert_int_equal(emc_meta_delete_async(fake->client, "\0\1", 2, &options, &call), EMC_OK);
    fake_pass(fake);
    expect_sent(gutter, "md AAE= b\r\n");
    fake_reply(gutter, "NF\r\n");
    expect_told(told, EMC_MISS);
    expect_sent(come_back(fake), "md AAE= b\r\n");
    fake_end(fake);
}

static void the_key_prefix_is_part_of_what_is_remembered(void **state)
{
    (void)state;
    struct fake *fake = fake_begin();
    fake->options.key_prefix = "app:";
    fake->options.deletes_replayed_max = 10;
    fake->options.health_attempts = 1;
    fake_create(fake, 1);
    fake_refuse(fake_socket_at(fake, 0), EMC_ERROR_CONNECT, "refused");
    fake_pass(fake);
    struct told *deleted = ask_delete(fake, "k");
    fake_pass(fake);
    expect_told(deleted, EMC_ERROR_NODE_DOWN);
    fake_run(fake, 1000);
    expect_sent(fake_handshake(fake, 1), "delete app:k\r\n");
    fake_end(fake);
}

/* ------------------------------------------------------------------ options */

static void refused_with(emc_status status, void (*change)(struct fake *fake), const char *words)
{
    struct fake *fake = fake_begin();
    emc_address node = fake_node(1);
    gutter_nodes[0] = emc_address_tcp("10.0.1.1", 11211);
    fake->options.failover = EMC_FAILOVER_GUTTER;
    fake->options.gutter_nodes = gutter_nodes;
    fake->options.gutter_node_count = 1;
    change(fake);
    assert_int_equal(fake_try_create(fake, &node, 1), status);
    expect_words(fake->error.message, words);
    fake_end(fake);
}

static void purge(struct fake *fake)
{
    fake->options.purge_unhealthy_nodes = true;
}

static void purge_and_remember(struct fake *fake)
{
    fake->options.failover = EMC_FAILOVER_FAIL;
    fake->options.gutter_node_count = 0;
    fake->options.deletes_replayed_max = 1;
    fake->options.purge_unhealthy_nodes = true;
}

static void no_gutter(struct fake *fake)
{
    fake->options.gutter_node_count = 0;
}

static void a_member_in_the_gutter(struct fake *fake)
{
    (void)fake;
    gutter_nodes[0] = fake_node(1);
}

static void a_bad_gutter(struct fake *fake)
{
    (void)fake;
    gutter_nodes[0].port = 0;
}

static void options_that_contradict_each_other_are_refused(void **state)
{
    (void)state;
    refused_with(EMC_ERROR_ARGUMENT, purge, "purge_unhealthy_nodes");
    refused_with(EMC_ERROR_ARGUMENT, purge_and_remember, "deletes_replayed_max");
    refused_with(EMC_ERROR_ARGUMENT, no_gutter, "gutter_nodes");
    refused_with(EMC_ERROR_DUPLICATE, a_member_in_the_gutter, "gutter");
    refused_with(EMC_ERROR_ARGUMENT, a_bad_gutter, "gutter_nodes: port");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_expiry_is_bounded_in_the_gutter),
        cmocka_unit_test(a_gutter_of_thirty_days_takes_no_calendar_time_either),
        cmocka_unit_test(touch_and_gat_are_bounded_too),
        cmocka_unit_test(what_has_no_expiry_is_sent_as_it_is),
        cmocka_unit_test(meta_commands_are_bounded_and_a_set_without_expiry_gets_one),
        cmocka_unit_test(what_was_changed_elsewhere_is_deleted_at_home_on_its_return_and_nothing_else),
        cmocka_unit_test(a_binary_key_is_deleted_as_it_was_written),
        cmocka_unit_test(the_key_prefix_is_part_of_what_is_remembered),
        cmocka_unit_test(options_that_contradict_each_other_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
