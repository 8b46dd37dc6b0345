/* Addresses: validated, compared, read from and written as text. Knows no node. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cluster/cluster.h"
#include "transport/endpoint.h"

static emc_status validate_host(const emc_address *address, emc_error *error)
{
    size_t length = address->host != NULL ? strnlen(address->host, EMC_HOST_LENGTH_MAX + 1) : 0;
    if (length == 0 || length > EMC_HOST_LENGTH_MAX) {
        return emc__error_set(error, EMC_ERROR_ARGUMENT, "host: %s; a host has 1 to %d bytes",
                              length == 0 ? "empty" : "too long", EMC_HOST_LENGTH_MAX);
    }
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)address->host[i];
        if (byte <= ' ' || byte == 0x7f) {
            return emc__error_set(error, EMC_ERROR_ARGUMENT, "host: has a space or control character at position %zu",
                                  i);
        }
    }
    if (address->port == 0 || address->port > 65535) {
        return emc__error_set(error, EMC_ERROR_ARGUMENT, "port: %u; a port is 1 to 65535", address->port);
    }
    return EMC_OK;
}

emc_status emc__address_validate(const emc_address *address, emc_error *error)
{
    if (address->kind == EMC_ADDRESS_TCP) {
        return validate_host(address, error);
    }
    if (address->kind != EMC_ADDRESS_UNIX) {
        return emc__error_set(error, EMC_ERROR_ARGUMENT, "address kind: %d is none", (int)address->kind);
    }
    size_t length = address->path != NULL ? strnlen(address->path, EMC_UNIX_PATH_LENGTH_MAX + 1) : 0;
    if (length == 0 || length > EMC_UNIX_PATH_LENGTH_MAX) {
        return emc__error_set(error, EMC_ERROR_ARGUMENT, "path: %s; the path of a unix socket has 1 to %d bytes",
                              length == 0 ? "empty" : "too long", EMC_UNIX_PATH_LENGTH_MAX);
    }
    return EMC_OK;
}

bool emc_address_equal(const emc_address *a, const emc_address *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    if (a->kind == EMC_ADDRESS_UNIX) {
        return a->path != NULL && b->path != NULL && strcmp(a->path, b->path) == 0;
    }
    return a->port == b->port && a->host != NULL && b->host != NULL && strcmp(a->host, b->host) == 0;
}

size_t emc_address_format(const emc_address *address, char *text, size_t size)
{
    int length;
    if (address->kind == EMC_ADDRESS_UNIX) {
        length = snprintf(text, size, "%s", address->path != NULL ? address->path : "");
    } else {
        const char *host = address->host != NULL ? address->host : "";
        length = snprintf(text, size, strchr(host, ':') != NULL ? "[%s]:%u" : "%s:%u", host, address->port);
    }
    return length > 0 ? (size_t)length : 0;
}

static emc_status parse_port(const char *text, uint32_t *port_out, emc_error *error)
{
    uint32_t port = 0;
    size_t length = strnlen(text, 6);
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return emc__error_set(error, EMC_ERROR_ARGUMENT, "port: `%.20s` is no number", text);
        }
        port = port * 10 + (uint32_t)(text[i] - '0');
    }
    if (length == 0 || length > 5 || port == 0 || port > 65535) {
        return emc__error_set(error, EMC_ERROR_ARGUMENT, "port: `%.20s`; a port is 1 to 65535", text);
    }
    *port_out = port;
    return EMC_OK;
}

static bool is_ipv6(const char *text)
{
    struct emc__endpoint endpoint;
    return emc__endpoint_from_literal(text, 1, &endpoint);
}

/* Splits the copy in `text` into host and port: "host", "host:port", "[ipv6]:port", "ipv6". */
static emc_status split_host(char *text, uint32_t default_port, emc_address *address, emc_error *error)
{
    char *colon = strchr(text, ':');
    char *rest = NULL;
    *address = emc_address_tcp(text, default_port);
    if (text[0] == '[') {
        char *bracket = strchr(text, ']');
        if (bracket == NULL || (bracket[1] != '\0' && bracket[1] != ':')) {
            return emc__error_set(error, EMC_ERROR_ARGUMENT, "address: `%.200s` %s", text,
                                  bracket == NULL ? "has no matching `]`"
                                                  : "has something behind `]` that is no `:` and port");
        }
        address->host = text + 1;
        rest = bracket[1] == ':' ? bracket + 2 : NULL;
        *bracket = '\0';
    } else if (colon != NULL && strchr(colon + 1, ':') == NULL) {
        rest = colon + 1;
        *colon = '\0';
    } else if (colon != NULL && !is_ipv6(text)) {
        return emc__error_set(error, EMC_ERROR_ARGUMENT, "address: `%.200s` has several colons and is no IPv6 address",
                              text);
    }
    return rest != NULL ? parse_port(rest, &address->port, error) : EMC_OK;
}

emc_status emc_address_parse(const char *text, uint32_t default_port, emc_address_storage *storage_out,
                             emc_error *error)
{
    if (text == NULL) {
        return emc__error_set(error, EMC_ERROR_ARGUMENT, "address: NULL");
    }
    bool prefixed = strncmp(text, "unix:", 5) == 0;
    const char *words = prefixed ? text + 5 : text;
    size_t length = strnlen(words, sizeof storage_out->text);
    if (length == sizeof storage_out->text) {
        return emc__error_set(error, EMC_ERROR_ARGUMENT, "address: longer than %zu bytes",
                              sizeof storage_out->text - 1);
    }
    memcpy(storage_out->text, words, length + 1);
    if (prefixed || words[0] == '/') {
        storage_out->address = emc_address_unix(storage_out->text);
    } else {
        emc_status status = split_host(storage_out->text, default_port, &storage_out->address, error);
        if (status != EMC_OK) {
            return status;
        }
    }
    return emc__address_validate(&storage_out->address, error);
}
