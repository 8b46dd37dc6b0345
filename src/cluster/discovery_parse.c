/* Parsing a discovered configuration: see discovery_parse.h. */
#include "cluster/discovery_parse.h"

#include <string.h>

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static struct emc__slice strip(struct emc__slice text)
{
    while (text.length > 0 && is_space(text.data[0])) {
        text = (struct emc__slice){text.data + 1, text.length - 1};
    }
    while (text.length > 0 && is_space(text.data[text.length - 1])) {
        text.length--;
    }
    return text;
}

/* Cuts off what stands before the separator (or all of it), and the separator. */
static struct emc__slice cut(struct emc__slice *text, bool (*separates)(uint8_t byte))
{
    size_t length = 0;
    while (length < text->length && !separates(text->data[length])) {
        length++;
    }
    struct emc__slice head = {text->data, length};
    size_t taken = length < text->length ? length + 1 : length;
    *text = (struct emc__slice){text->data + taken, text->length - taken};
    return head;
}

static bool is_line_end(uint8_t byte)
{
    return byte == '\n';
}

static bool is_bar(uint8_t byte)
{
    return byte == '|';
}

static bool parse_number(struct emc__slice text, uint64_t most, uint64_t *number_out)
{
    uint64_t number = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        uint64_t digit = (uint64_t)(text.data[i] - '0');
        if (number > (most - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
    }
    *number_out = number;
    return text.length > 0;
}

static bool is_name(struct emc__slice text)
{
    if (text.length == 0 || text.length > EMC_HOST_LENGTH_MAX) {
        return false;
    }
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] <= ' ' || text.data[i] >= 0x7f) {
            return false;
        }
    }
    return true;
}

static bool parse_node(struct emc__slice entry, struct emc__discovered_node *node)
{
    uint64_t port;
    struct emc__slice host = cut(&entry, is_bar);
    struct emc__slice ip = cut(&entry, is_bar);
    struct emc__slice name = host.length > 0 ? host : ip;
    if (!is_name(name) || !parse_number(entry, 65535, &port) || port == 0) {
        return false;
    }
    memcpy(node->host, name.data, name.length);
    node->host[name.length] = '\0';
    node->port = (uint16_t)port;
    return true;
}

static bool is_there(const struct emc__discovered_node *nodes, size_t count, const struct emc__discovered_node *node)
{
    for (size_t i = 0; i < count; i++) {
        if (nodes[i].port == node->port && strcmp(nodes[i].host, node->host) == 0) {
            return true;
        }
    }
    return false;
}

const char *emc__discovery_parse(struct emc__slice payload, uint64_t *version_out, struct emc__discovered_node *nodes,
                                 size_t *count_out)
{
    size_t count = 0;
    if (payload.length > EMC__DISCOVERY_PAYLOAD_MAX) {
        return "the configuration is too long";
    }
    struct emc__slice text = strip(payload);
    struct emc__slice version = strip(cut(&text, is_line_end));
    struct emc__slice list = strip(text);
    if (!parse_number(version, UINT64_MAX, version_out)) {
        return "the configuration does not begin with a version number";
    }
    while (list.length > 0) {
        struct emc__slice entry = cut(&list, is_space);
        if (entry.length == 0) {
            continue;
        }
        if (count == EMC__DISCOVERED_MAX) {
            return "the configuration has too many nodes";
        }
        if (!parse_node(entry, &nodes[count])) {
            return "the configuration has a node that is not host|ip|port";
        }
        count += !is_there(nodes, count, &nodes[count]);
    }
    *count_out = count;
    return count > 0 ? NULL : "the configuration has no nodes";
}
