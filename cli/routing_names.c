/* The words for the kinds of routing. */
#include "routing_names.h"

static const struct {
    const char *name;
    emc_routing_kind kind;
    const char *help;
} kinds[] = {
    {"emcache", EMC_ROUTING_EMCACHE, "rendezvous as emcache 1.3 computes it (default)"},
    {"rendezvous", EMC_ROUTING_RENDEZVOUS, "rendezvous with the full 64-bit score"},
    {"ketama-weighted", EMC_ROUTING_KETAMA_WEIGHTED, "libmemcached's KETAMA_WEIGHTED"},
    {"ketama", EMC_ROUTING_KETAMA, "libmemcached's unweighted ketama"},
    {"ketama-md5", EMC_ROUTING_KETAMA_MD5, "the same ring, keys hashed by MD5"},
    {"modula", EMC_ROUTING_MODULA, "libmemcached's default: hash modulo number of nodes"},
    {"pymemcache", EMC_ROUTING_PYMEMCACHE, "pymemcache's HashClient, str keys"},
    {"pymemcache-bytes", EMC_ROUTING_PYMEMCACHE_BYTES, "pymemcache's HashClient, bytes keys"},
    {"spymemcached", EMC_ROUTING_SPYMEMCACHED, "spymemcached's ketama"},
    {"twemproxy", EMC_ROUTING_TWEMPROXY, "twemproxy's ketama, fnv1a_64"},
    {"jump", EMC_ROUTING_JUMP, "memcached's proxy: XXH3 and jump hash"},
    {"mcrouter", EMC_ROUTING_MCROUTER, "mcrouter's Ch3"},
    {"dalli", EMC_ROUTING_DALLI, "dalli's ring"},
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

static bool same_word(const char *a, const char *b)
{
    while (*a != '\0' && (*a == *b || (*a == '-' && *b == '_'))) {
        a++;
        b++;
    }
    return *a == *b;
}

bool routing_name_read(const char *text, emc_routing_kind *kind_out)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (same_word(kinds[i].name, text)) {
            *kind_out = kinds[i].kind;
            return true;
        }
    }
    return false;
}

/* Whether the library that runs has this kind: found out by making a client that never connects. */
static bool is_there(emc_routing_kind kind)
{
    const emc_address node = emc_address_tcp("localhost", 11211);
    emc_options options = emc_options_default();
    emc_client *client = NULL;
    options.connections_min = 0;
    options.routing = kind;
    if (emc_client_create(&client, &node, 1, &options, NULL) != EMC_OK) {
        return false;
    }
    emc_client_destroy(client);
    return true;
}

const char *routing_name_missing(emc_routing_kind kind)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (kinds[i].kind == kind && !is_there(kind)) {
            return kinds[i].name;
        }
    }
    return NULL;
}

void routing_names_write(FILE *file)
{
    fputs("The kinds of routing, each the same to the bit as the client it is named after:\n", file);
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (is_there(kinds[i].kind)) {
            fprintf(file, "  %-18s %s\n", kinds[i].name, kinds[i].help);
        }
    }
}
