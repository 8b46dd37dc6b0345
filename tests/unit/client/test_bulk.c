/* Keys of a bulk command are routed several at once: each goes to the node, and over it as the words, that it goes to alone. Checked under every kind of
 * routing, by what each node is sent: the same bytes from a bulk as from as many single commands of one tick. */
#include <stdio.h>
#include <stdlib.h>

#include "../fake_transport.h"

#define KEYS    75 /* two full groups of what is routed at once, and a rest */
#define NODES   5
#define GUTTERS 2

enum what { GETS, SETS, DELETES };

/* What goes beyond a client's defaults. */
struct setting {
    emc_routing_kind routing;
    emc_failover failover;
    unsigned down; /* the first so many nodes are */
    bool tags, purge;
    const char *routing_key;
};

static char keys[KEYS][100];

/* Short ones with some that MD5 takes two blocks for, half of them with a hash tag. */
static void make_keys(void)
{
    for (unsigned i = 0; i < KEYS; i++) {
        const char *format = i % 2 == 0 ? "{user:%u}:%.*s" : "user:%u:%.*s";
        snprintf(keys[i], sizeof keys[i], format, i, i % 7 == 0 ? 70 : (int)(i % 45),
                 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz");
    }
}

/* The first nodes are down, the others and the gutter have said their version. */
static struct fake *begin(const struct setting *setting)
{
    static emc_address gutter_nodes[GUTTERS];
    struct fake *fake = fake_begin();
    fake->options.routing = setting->routing;
    fake->options.failover = setting->failover;
    fake->options.purge_unhealthy_nodes = setting->purge;
    fake->options.health_attempts = 1;
    if (setting->tags) {
        fake->options.hash_tag_open = '{';
        fake->options.hash_tag_close = '}';
    }
    for (unsigned i = 0; i < GUTTERS && setting->failover == EMC_FAILOVER_GUTTER; i++) {
        gutter_nodes[i] = emc_address_tcp(i == 0 ? "10.0.1.1" : "10.0.1.2", 11211);
        fake->options.gutter_nodes = gutter_nodes;
        fake->options.gutter_node_count = GUTTERS;
    }
    fake_create(fake, NODES);
    size_t gutters = fake->options.gutter_node_count;
    for (size_t i = 0; i < gutters + NODES; i++) { /* the gutter connects first */
        if (i >= gutters && i < gutters + setting->down) {
            fake_refuse(fake_socket_at(fake, i), EMC_ERROR_CONNECT, "refused");
        } else {
            fake_forget_sent(fake_handshake(fake, i));
        }
    }
    fake_pass(fake);
    return fake;
}

static struct told *told_of(struct fake *fake, const struct setting *setting, emc_call *call_out)
{
    struct told *told = fake_told(fake);
    *call_out = fake_call(told);
    call_out->routing_key = setting->routing_key;
    call_out->routing_key_length = setting->routing_key != NULL ? strlen(setting->routing_key) : 0;
    return told;
}

static void ask_bulk(struct fake *fake, const struct setting *setting, enum what what)
{
    emc_call call;
    emc_key list[KEYS];
    emc_store_item items[KEYS];
    for (size_t i = 0; i < KEYS; i++) {
        list[i] = (emc_key){keys[i], strlen(keys[i])};
        items[i] = (emc_store_item){list[i], "value", 5, 0, 0};
    }
    make_parts(told_of(fake, setting, &call), KEYS);
    emc_status status = what == GETS   ? emc_get_many_async(fake->client, list, KEYS, &call)
                        : what == SETS ? emc_set_many_async(fake->client, items, KEYS, &call)
                                       : emc_delete_many_async(fake->client, list, KEYS, &call);
    assert_int_equal(status, EMC_OK);
}

static void ask_one_by_one(struct fake *fake, const struct setting *setting, enum what what)
{
    for (size_t i = 0; i < KEYS; i++) {
        emc_call call;
        size_t length = strlen(keys[i]);
        (void)told_of(fake, setting, &call);
        emc_status status = what == GETS   ? emc_get_async(fake->client, keys[i], length, &call)
                            : what == SETS ? emc_set_async(fake->client, keys[i], length, "value", 5, 0, 0, &call)
                                           : emc_delete_async(fake->client, keys[i], length, &call);
        assert_int_equal(status, EMC_OK);
    }
}

static void nodes_are_sent_the_same(const struct setting *setting, enum what what)
{
    struct fake *bulk = begin(setting), *singles = begin(setting);
    size_t asked = 0;
    ask_bulk(bulk, setting, what);
    ask_one_by_one(singles, setting, what);
    fake_pass(bulk);
    fake_pass(singles);
    assert_int_equal(bulk->socket_count, singles->socket_count);
    for (size_t i = 0; i < bulk->socket_count; i++) {
        const struct fake_bytes *sent = &singles->sockets[i]->sent;
        asked += sent->length > 0;
        expect_sent_bytes(bulk->sockets[i], sent->data, sent->length);
    }
    assert_true(setting->routing_key != NULL ? asked <= 1 : setting->down < NODES ? asked > 1 : asked == 0);
    fake_end(bulk);
    fake_end(singles);
}

static void each_command(struct setting setting)
{
    for (setting.routing = EMC_ROUTING_EMCACHE; setting.routing <= EMC_ROUTING_DALLI; setting.routing++) {
        nodes_are_sent_the_same(&setting, GETS);
        nodes_are_sent_the_same(&setting, SETS);
        nodes_are_sent_the_same(&setting, DELETES);
    }
}

static void keys_of_a_bulk_go_where_each_alone_goes(void **state)
{
    (void)state;
    each_command((struct setting){.down = 0});
}

static void hash_tags_count_in_a_bulk_as_alone(void **state)
{
    (void)state;
    each_command((struct setting){.tags = true});
}

static void a_bulk_with_a_routing_key_goes_to_one_node(void **state)
{
    (void)state;
    each_command((struct setting){.routing_key = "user:17"});
    each_command((struct setting){.routing_key = "{tag}:17", .tags = true, .down = 2, .failover = EMC_FAILOVER_NEXT});
}

static void while_nodes_are_down_each_key_of_a_bulk_fails_or_goes_where_it_goes_alone(void **state)
{
    (void)state;
    each_command((struct setting){.down = 2, .failover = EMC_FAILOVER_FAIL});
    each_command((struct setting){.down = 2, .failover = EMC_FAILOVER_NEXT, .tags = true});
    each_command((struct setting){.down = 2, .failover = EMC_FAILOVER_GUTTER});
    each_command((struct setting){.down = 2, .purge = true});
    each_command((struct setting){.down = NODES, .purge = true}); /* no node at all */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_a_bulk_go_where_each_alone_goes),
        cmocka_unit_test(hash_tags_count_in_a_bulk_as_alone),
        cmocka_unit_test(a_bulk_with_a_routing_key_goes_to_one_node),
        cmocka_unit_test(while_nodes_are_down_each_key_of_a_bulk_fails_or_goes_where_it_goes_alone),
    };
    make_keys();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
