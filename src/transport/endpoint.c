/* Endpoints and their texts: see endpoint.h. Pure but for if_nametoindex, which a scope by name needs. */
#include "transport/endpoint.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

static bool parse_scope(const char *text, uint32_t *scope_out)
{
    uint64_t number = 0;
    const char *digit = text;
    while (*digit >= '0' && *digit <= '9' && number <= UINT32_MAX) {
        number = number * 10 + (uint64_t)(*digit++ - '0');
    }
    if (digit == text || *digit != '\0') {
        number = if_nametoindex(text);
    }
    *scope_out = (uint32_t)number;
    return number != 0 && number <= UINT32_MAX;
}

bool emc__endpoint_from_literal(const char *host, uint16_t port, struct emc__endpoint *endpoint_out)
{
    struct emc__endpoint endpoint = {.port = port};
    char address[INET6_ADDRSTRLEN + 1];
    const char *percent = strchr(host, '%');
    size_t length = percent != NULL ? (size_t)(percent - host) : strnlen(host, sizeof address);
    if (length >= sizeof address) {
        return false;
    }
    memcpy(address, host, length);
    address[length] = '\0';
    if (percent == NULL && inet_pton(AF_INET, address, endpoint.ip) == 1) {
        endpoint.family = EMC__ENDPOINT_IPV4;
    } else if (inet_pton(AF_INET6, address, endpoint.ip) == 1) {
        endpoint.family = EMC__ENDPOINT_IPV6;
        if (percent != NULL && !parse_scope(percent + 1, &endpoint.scope)) {
            return false;
        }
    } else {
        return false;
    }
    *endpoint_out = endpoint;
    return true;
}

bool emc__endpoint_from_path(const char *path, struct emc__endpoint *endpoint_out)
{
    size_t length = strnlen(path, EMC__UNIX_PATH_MAX);
    if (length == 0 || length == EMC__UNIX_PATH_MAX) {
        return false;
    }
    *endpoint_out = (struct emc__endpoint){.family = EMC__ENDPOINT_UNIX};
    memcpy(endpoint_out->path, path, length + 1);
    return true;
}

void emc__endpoint_format_host(const struct emc__endpoint *endpoint, char text[EMC__ENDPOINT_TEXT_SIZE])
{
    char address[INET6_ADDRSTRLEN];
    bool ipv6 = endpoint->family == EMC__ENDPOINT_IPV6;
    inet_ntop(ipv6 ? AF_INET6 : AF_INET, endpoint->ip, address, sizeof address);
    if (ipv6 && endpoint->scope != 0) {
        snprintf(text, EMC__ENDPOINT_TEXT_SIZE, "%s%%%u", address, endpoint->scope);
    } else {
        snprintf(text, EMC__ENDPOINT_TEXT_SIZE, "%s", address);
    }
}
