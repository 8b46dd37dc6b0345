/* The words for the kinds of routing. */
#include "routing_names.h"

#include <string.h>

#include "report.h"

static const struct {
    const char *name;
    emc_routing_kind kind;
    const char *help;
} kinds[] = {
    {"emcache", EMC_ROUTING_EMCACHE, "rendezvous as emcache 1.3 computes it (default)"},
    {"rendezvous", EMC_ROUTING_RENDEZVOUS, "rendezvous with the full 64-bit score, and weights"},
    {"ketama-weighted", EMC_ROUTING_KETAMA_WEIGHTED, "libmemcached's KETAMA_WEIGHTED"},
    {"ketama", EMC_ROUTING_KETAMA, "libmemcached's unweighted ketama"},
    {"ketama-md5", EMC_ROUTING_KETAMA_MD5, "the same with HASH set to MD5: points and keys"},
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

/* The place in `kinds`; KIND_COUNT: there is none. */
static size_t find(const char *text)
{
    size_t i = 0;
    while (i < KIND_COUNT && !same_word(kinds[i].name, text)) {
        i++;
    }
    return i;
}

bool routing_name_read(const char *text, emc_routing_kind *kind_out)
{
    size_t i = find(text);
    if (i < KIND_COUNT) {
        *kind_out = kinds[i].kind;
    }
    return i < KIND_COUNT;
}

static bool is_listed(const struct routing_name_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->names[i] == name) {
            return true;
        }
    }
    return false;
}

bool routing_names_read(const char *text, struct routing_name_list *list_out)
{
    list_out->count = 0;
    for (const char *at = text; at != NULL;) {
        char word[32] = "";
        size_t length = strcspn(at, ",");
        memcpy(word, at, length < sizeof(word) ? length : sizeof(word) - 1);
        size_t found = find(word);
        if (found == KIND_COUNT) {
            complain("there is no routing '%.*s' (emcache --routing help lists the kinds)", (int)length, at);
            return false;
        }
        if (!is_listed(list_out, kinds[found].name)) {
            list_out->names[list_out->count++] = kinds[found].name;
        }
        at = at[length] == ',' ? at + length + 1 : NULL;
    }
    return true;
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

void routing_names_all(struct routing_name_list *list_out)
{
    list_out->count = 0;
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (is_there(kinds[i].kind)) {
            list_out->names[list_out->count++] = kinds[i].name;
        }
    }
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
