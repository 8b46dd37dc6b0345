/* Replies to meta commands: every flag becomes its field, and what contradicts the question closes the connection. */
#include "../fake_transport.h"

static emc_meta_options everything(void)
{
    emc_meta_options options;
    emc_meta_options_init(&options);
    options.want = EMC_META_VALUE | EMC_META_FLAGS | EMC_META_CAS | EMC_META_TTL | EMC_META_SIZE | EMC_META_HIT_BEFORE |
                   EMC_META_LAST_ACCESS | EMC_META_KEY;
    options.opaque = "me";
    return options;
}

static struct told *ask_meta(struct fake *fake, const emc_meta_options *options)
{
    struct told *told = fake_told(fake);
    emc_call call = fake_call(told);
    assert_int_equal(emc_meta_get_async(fake->client, EMC_STR("k"), options, &call), EMC_OK);
    fake_pass(fake);
    return told;
}

static void every_flag_of_a_hit_becomes_its_field(void **state)
{
    struct fake *fake = fake_begin();
    struct fake_socket *socket = fake_start(fake);
    emc_meta_options options = everything();
    struct told *told = ask_meta(fake, &options);
    fake_forget_sent(socket);
    fake_reply(socket, "VA 5 f7 c18446744073709551615 t-1 s5 h1 l42 kk Ome W X\r\nvalue\r\n");
    expect_value(told, "value");
    assert_true(told->has_meta && told->meta.won && told->meta.stale && !told->meta.already_won &&
                told->meta.hit_before);
    assert_true(told->meta.flags == 7 && told->meta.cas == UINT64_MAX && told->meta.ttl == -1 && told->meta.size == 5);
    assert_true(told->meta.last_access_s == 42);
    assert_string_equal(told->meta.opaque, "me");
    assert_int_equal(told->meta.present, options.want);
    fake_end(fake);
}

static void a_ttl_that_old_servers_wrap_is_read_as_it_is(void **state)
{
    struct fake *fake = fake_begin();
    struct fake_socket *socket = fake_start(fake);
    emc_meta_options options = everything();
    struct told *told = ask_meta(fake, &options);
    fake_reply(socket, "VA 0 t4294967107\r\n\r\n");
    expect_told(told, EMC_OK);
    assert_true(told->meta.ttl == 4294967107);
    fake_end(fake);
}

static void the_placeholder_of_a_lease_is_a_miss_that_somebody_fills(void **state)
{
    struct fake *fake = fake_begin();
    struct fake_socket *socket = fake_start(fake);
    emc_meta_options options = everything();
    struct told *told = ask_meta(fake, &options);
    fake_reply(socket, "VA 0 Ome Z\r\n\r\n");
    expect_told(told, EMC_MISS);
    assert_true(told->meta.already_won && told->value == NULL);
    fake_end(fake);
}

/* The answer to `mg k` closes the connection, and the operation ends with a contradiction. */
static void check_contradiction(const char *answer)
{
    struct fake *fake = fake_begin();
    struct fake_socket *socket = fake_start(fake);
    emc_meta_options options = everything();
    struct told *told = ask_meta(fake, &options);
    fake_reply(socket, answer);
    expect_told(told, EMC_ERROR_PROTOCOL);
    assert_true(socket->aborted);
    fake_end(fake);
}

static void another_label_contradicts(void **state)
{
    check_contradiction("VA 1 Oyou\r\nX\r\n");
    check_contradiction("VA 1 O\r\nX\r\n");
    check_contradiction("EN Oyou\r\n");
    check_contradiction("VA 1 Omee\r\nX\r\n");
}

static void another_key_contradicts(void **state)
{
    check_contradiction("VA 1 kj Ome\r\nX\r\n");
    check_contradiction("VA 1 k Ome\r\nX\r\n");
}

static void a_number_that_is_none_contradicts(void **state)
{
    check_contradiction("VA 1 c-1\r\nX\r\n");
    check_contradiction("VA 1 f4x\r\nX\r\n");
    check_contradiction("VA 1 s18446744073709551616\r\nX\r\n");
    check_contradiction("VA 1 t\r\nX\r\n");
}

static void a_code_of_another_command_contradicts(void **state)
{
    check_contradiction("NS Ome\r\n");
    check_contradiction("MN\r\n");
    check_contradiction("STORED\r\n");
    check_contradiction("VALUE k 0 1\r\nX\r\nEND\r\n");
}

static void a_label_that_nobody_asked_for_contradicts(void **state)
{
    struct fake *fake = fake_begin();
    struct fake_socket *socket = fake_start(fake);
    emc_meta_options options = everything();
    options.opaque = NULL;
    struct told *told = ask_meta(fake, &options);
    fake_reply(socket, "VA 1 Ome\r\nX\r\n");
    expect_told(told, EMC_ERROR_PROTOCOL);
    fake_end(fake);
}

/* `YWJj` with b is `abc`: what was submitted on the one is before what was submitted on the other. */
static void check_order_with_a_binary_key(const char *prefix, const char *first_line)
{
    struct fake *fake = fake_begin();
    fake->options.key_prefix = prefix;
    struct fake_socket *socket = fake_start(fake);
    emc_meta_options options;
    struct told *other = ask_get(fake, "x"), *stored = fake_told(fake);
    emc_call call = fake_call(stored);
    emc_meta_options_init(&options);
    options.modes = EMC_META_BINARY_KEY;
    assert_int_equal(emc_meta_set_async(fake->client, EMC_STR("abc"), EMC_STR("v"), &options, &call), EMC_OK);
    struct told *told = ask_get(fake, "abc");
    fake_pass(fake);
    assert_true(socket->sent.length > strlen(first_line) &&
                memcmp(socket->sent.data, first_line, strlen(first_line)) == 0);
    fake_forget_sent(socket);
    fake_reply(socket, "END\r\nHD\r\nEND\r\n");
    expect_told(other, EMC_MISS);
    expect_told(stored, EMC_OK);
    expect_told(told, EMC_MISS);
    fake_end(fake);
}

static void a_get_does_not_overtake_a_write_of_its_key_in_base64(void **state)
{
    check_order_with_a_binary_key(NULL, "get x\r\n");
    check_order_with_a_binary_key("p:", "get p:x\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_get_does_not_overtake_a_write_of_its_key_in_base64),
        cmocka_unit_test(every_flag_of_a_hit_becomes_its_field),
        cmocka_unit_test(a_ttl_that_old_servers_wrap_is_read_as_it_is),
        cmocka_unit_test(the_placeholder_of_a_lease_is_a_miss_that_somebody_fills),
        cmocka_unit_test(another_label_contradicts),
        cmocka_unit_test(another_key_contradicts),
        cmocka_unit_test(a_number_that_is_none_contradicts),
        cmocka_unit_test(a_code_of_another_command_contradicts),
        cmocka_unit_test(a_label_that_nobody_asked_for_contradicts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
