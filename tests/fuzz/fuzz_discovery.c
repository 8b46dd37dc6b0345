/* The configuration that a discovery endpoint tells: any bytes, against a slow and obvious reading of the same. The input is also cut and
 * repeated, so that payloads over the limits are reached. */
#include "cluster/discovery_parse.h"
#include "fuzz_input.h"

#define PAYLOAD_MAX (EMC__DISCOVERY_PAYLOAD_MAX + 4096)

static struct emc__discovered_node nodes[EMC__DISCOVERED_MAX], expected[EMC__DISCOVERED_MAX];

/* Copies a stretch of text as a string. A zero byte becomes another control character, which no part of a configuration may have either. */
static char *string_of(struct emc__slice text)
{
    char *string = malloc(text.length + 1);
    FUZZ_CHECK(string != NULL);
    for (size_t i = 0; i < text.length; i++) {
        string[i] = text.data[i] != 0 ? (char)text.data[i] : '\x01';
    }
    string[text.length] = '\0';
    return string;
}

/* Digits alone, at most `most`. */
static bool number_of(const char *text, uint64_t most, uint64_t *number_out)
{
    uint64_t number = 0;
    size_t length = strlen(text);
    if (length == 0 || strspn(text, "0123456789") != length) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(text[i] - '0'), &number)) {
            return false;
        }
    }
    *number_out = number;
    return number <= most;
}

static bool visible(const char *text)
{
    for (const char *byte = text; *byte != '\0'; byte++) {
        if (*byte < '!' || *byte > '~') {
            return false;
        }
    }
    return text[0] != '\0' && strlen(text) <= EMC_HOST_LENGTH_MAX;
}

/* host|ip|port, in place. */
static bool read_node(char *entry, struct emc__discovered_node *node)
{
    uint64_t port;
    char *first = strchr(entry, '|');
    char *second = first != NULL ? strchr(first + 1, '|') : NULL;
    if (second == NULL) {
        return false;
    }
    *first = *second = '\0';
    const char *name = entry[0] != '\0' ? entry : first + 1;
    if (!visible(name) || !number_of(second + 1, 65535, &port) || port == 0) {
        return false;
    }
    strcpy(node->host, name);
    node->port = (uint16_t)port;
    return true;
}

static void add_once(const struct emc__discovered_node *node, size_t *count)
{
    for (size_t i = 0; i < *count; i++) {
        if (strcmp(expected[i].host, node->host) == 0 && expected[i].port == node->port) {
            return;
        }
    }
    expected[(*count)++] = *node;
}

/* False: not a configuration. */
static bool read_configuration(char *text, uint64_t *version_out, size_t *count_out)
{
    static const char spaces[] = " \t\r\n";
    struct emc__discovered_node node;
    char *place = NULL;
    text += strspn(text, spaces);
    char *end = strchr(text, '\n');
    char *rest = end != NULL ? end + 1 : text + strlen(text);
    if (end != NULL) {
        *end = '\0';
    }
    for (size_t length = strlen(text); length > 0 && strchr(spaces, text[length - 1]) != NULL; length--) {
        text[length - 1] = '\0';
    }
    *count_out = 0;
    if (!number_of(text, UINT64_MAX, version_out)) {
        return false;
    }
    for (char *entry = strtok_r(rest, spaces, &place); entry != NULL; entry = strtok_r(NULL, spaces, &place)) {
        if (*count_out == EMC__DISCOVERED_MAX || !read_node(entry, &node)) {
            return false;
        }
        add_once(&node, count_out);
    }
    return *count_out > 0;
}

static void check(struct emc__slice payload)
{
    uint64_t version = 0, expected_version = 0;
    size_t count = 0, expected_count = 0;
    const char *error = emc__discovery_parse(payload, &version, nodes, &count);
    char *text = string_of(payload);
    bool fine = payload.length <= EMC__DISCOVERY_PAYLOAD_MAX &&
                read_configuration(text, &expected_version, &expected_count);
    FUZZ_CHECK((error == NULL) == fine);
    if (fine) {
        FUZZ_CHECK(version == expected_version && count == expected_count);
        for (size_t i = 0; i < count; i++) {
            FUZZ_CHECK(strcmp(nodes[i].host, expected[i].host) == 0 && nodes[i].port == expected[i].port);
        }
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct emc__slice input = {data, size};
    /* A first byte of 128 and more adds nodes, up to far too many. */
    size_t repeats = fuzz_take_byte(&input), length = 0;
    char *payload = malloc(PAYLOAD_MAX);
    FUZZ_CHECK(payload != NULL);
    length = input.length < PAYLOAD_MAX / 2 ? input.length : PAYLOAD_MAX / 2;
    memcpy(payload, length > 0 ? (const char *)input.data : "", length);
    size_t repeated = length;
    for (size_t i = 0; repeats >= 128 && i < (repeats - 127) * 32 && length + 64 < PAYLOAD_MAX; i++) {
        length += (size_t)snprintf(payload + length, PAYLOAD_MAX - length, " node-%zu||%zu", i,
                                   1 + (i + repeated) % 70000);
    }
    uint8_t *exact = malloc(length > 0 ? length : 1); /* so that a byte too many is seen */
    FUZZ_CHECK(exact != NULL);
    memcpy(exact, payload, length);
    check((struct emc__slice){exact, length});
    free(exact);
    free(payload);
    return 0;
}
