/* Addresses read from text: what is accepted is within the documented bounds, and reads as the same address when it is written again. */
#include <emcache.h>

#include "fuzz_input.h"

/* What address.h promises of a valid one. */
static void check_bounds(const emc_address *address)
{
    if (address->kind == EMC_ADDRESS_UNIX) {
        FUZZ_CHECK(address->host == NULL && address->path != NULL);
        FUZZ_CHECK(strlen(address->path) >= 1 && strlen(address->path) <= EMC_UNIX_PATH_LENGTH_MAX);
        return;
    }
    FUZZ_CHECK(address->kind == EMC_ADDRESS_TCP && address->path == NULL && address->host != NULL);
    FUZZ_CHECK(strlen(address->host) >= 1 && strlen(address->host) <= EMC_HOST_LENGTH_MAX);
    FUZZ_CHECK(address->port >= 1 && address->port <= 65535);
    for (const char *byte = address->host; *byte != '\0'; byte++) {
        FUZZ_CHECK((unsigned char)*byte > ' ' && *byte != 0x7f);
    }
}

static void check_written(const emc_address *address)
{
    char text[EMC_ADDRESS_TEXT_SIZE], narrow[8];
    emc_address_storage again;
    size_t length = emc_address_format(address, text, sizeof text);
    FUZZ_CHECK(length < sizeof text && strlen(text) == length);
    FUZZ_CHECK(emc_address_format(address, narrow, sizeof narrow) == length && strlen(narrow) < sizeof narrow);
    FUZZ_CHECK(strncmp(narrow, text, strlen(narrow)) == 0);
    if (address->kind == EMC_ADDRESS_UNIX && text[0] != '/') {
        return; /* a relative path needs its `unix:` to be read as one */
    }
    if (address->kind == EMC_ADDRESS_TCP &&
        (address->host[0] == '/' || strchr(address->host, ']') != NULL || strchr(address->host, '[') != NULL ||
         strncmp(address->host, "unix", 5) == 0)) {
        return; /* no name of a host: what a resolver refuses */
    }
    emc_status status = emc_address_parse(text, 11211, &again, NULL);
    FUZZ_CHECK(status == EMC_OK && emc_address_equal(address, &again.address));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct emc__slice input = {data, size};
    emc_address_storage storage;
    emc_error error = {EMC_OK, ""};
    uint32_t default_port = 1 + fuzz_take_byte(&input) * 257u % 65535u;
    char *text = malloc(input.length + 1);
    FUZZ_CHECK(text != NULL);
    memcpy(text, input.length > 0 ? (const char *)input.data : "", input.length);
    text[input.length] = '\0';
    emc_status status = emc_address_parse(text, default_port, &storage, &error);
    if (status == EMC_OK) {
        check_bounds(&storage.address);
        check_written(&storage.address);
    } else {
        FUZZ_CHECK(status == EMC_ERROR_ARGUMENT && error.status == status);
        FUZZ_CHECK(error.message[0] != '\0' && memchr(error.message, '\0', sizeof error.message) != NULL);
    }
    free(text);
    return 0;
}
