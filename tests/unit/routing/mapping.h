/* For the tests of the mappings: lists of members, and the nodes of key:0, key:1 … compared with what another client gave. */
#ifndef EMC_UNIT_MAPPING_H
#define EMC_UNIT_MAPPING_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include "routing/routing.h"

#define TCP(name, number)                             \
    {                                                 \
        .host = (name), .port = (number), .weight = 1 \
    }
#define UNIX(name)                  \
    {                               \
        .path = (name), .weight = 1 \
    }
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static const struct emc__routing_member three_ports[] = {TCP("127.0.0.1", 11211), TCP("127.0.0.1", 11212),
                                                         TCP("127.0.0.1", 11213)};
static const struct emc__routing_member weights_1_2_3[] = {{.host = "10.0.0.1", .port = 11211, .weight = 1},
                                                           {.host = "10.0.0.2", .port = 11211, .weight = 2},
                                                           {.host = "10.0.0.3", .port = 11211, .weight = 3}};

/* A list of `count` nodes 10.0.0.1:11211 … (count <= 250), or cache-0.example.com:11211 …; static, the last one asked for. */
static inline const struct emc__routing_member *numbered(const char *format, unsigned from, size_t count)
{
    static char names[2000][40];
    static struct emc__routing_member list[2000];
    assert_true(count <= COUNT(list));
    for (size_t i = 0; i < count; i++) {
        snprintf(names[i], sizeof names[i], format, (unsigned)i + from);
        list[i] = (struct emc__routing_member){.host = names[i], .port = 11211, .weight = 1};
    }
    return list;
}

static inline struct emc__router *router_of(emc_routing_kind kind, const struct emc__routing_member *members,
                                            size_t count)
{
    struct emc__router *router = NULL;
    assert_int_equal(emc__router_build(&emc__allocator_standard, kind, members, count, &router), EMC_OK);
    assert_non_null(router);
    return router;
}

/* The node of "key:<number>". */
static inline uint32_t node_of(const struct emc__router *router, unsigned number)
{
    char key[32];
    int length = snprintf(key, sizeof key, "key:%u", number);
    return emc__router_pick(router, emc__slice_of(key, (size_t)length));
}

static inline uint32_t node_of_text(emc_routing_kind kind, const struct emc__routing_member *members, size_t count,
                                    const char *key)
{
    struct emc__router *router = router_of(kind, members, count);
    uint32_t node = emc__router_pick(router, emc__slice_of_string(key));
    emc__router_destroy(router);
    return node;
}

/* The nodes of key:0, key:1 … are those digits, one for each `step`-th key. */
static inline void maps_in_steps(emc_routing_kind kind, const struct emc__routing_member *members, size_t count,
                                 const char *digits, unsigned step)
{
    struct emc__router *router = router_of(kind, members, count);
    char found[64] = "";
    assert_true(strlen(digits) < sizeof found);
    for (unsigned i = 0; digits[i] != '\0'; i++) {
        found[i] = (char)('0' + node_of(router, i * step));
    }
    emc__router_destroy(router);
    assert_string_equal(found, digits);
}

static inline void maps_to(emc_routing_kind kind, const struct emc__routing_member *members, size_t count,
                           const char *digits)
{
    maps_in_steps(kind, members, count, digits, 1);
}

/* s = s * 31 + node over key:0 … key:<keys - 1>. */
static inline uint32_t sum_of(emc_routing_kind kind, const struct emc__routing_member *members, size_t count,
                              unsigned keys)
{
    struct emc__router *router = router_of(kind, members, count);
    uint32_t sum = 0;
    for (unsigned i = 0; i < keys; i++) {
        sum = sum * 31 + node_of(router, i);
    }
    emc__router_destroy(router);
    return sum;
}

/* A key of 250 letters a, the longest a server takes. */
static inline const char *longest_key(void)
{
    static char key[251];
    memset(key, 'a', 250);
    return key;
}

#endif
